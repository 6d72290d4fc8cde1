//! The cases of our client with the peers' servers, which answer by path as `server.rs` says. Each fails when something is not exactly as it
//! should be.

use serde_json::{Value, json};
use sockeye_tokio::{
    CloseCode, Config, Conn, DeflateParameters, Dialer, Initiator, Message, MessageKind,
    PerMessageDeflate, ProxyPolicy, Role, TlsRoots, WindowBits,
};
use tokio::{io::AsyncWriteExt, sync::mpsc};

use crate::{
    Failure, Mode, SIZE_LIMIT,
    peer::{Peer, PeerServer},
    server::digest,
    tls::TLS,
};

/// What one case needs.
pub(crate) struct Case {
    server: PeerServer,
    dialer: Dialer,
    mode: Mode,
}

impl Case {
    /// Starts the server.
    pub(crate) async fn new(peer: Peer, mode: Mode) -> Result<Self, Failure> {
        Ok(Self {
            server: peer.start_server(mode, json!(mode.deflate)).await,
            dialer: dialer(PerMessageDeflate::new(Role::Client))?,
            mode,
        })
    }

    async fn dial(&self, path: &str) -> Result<Conn, Failure> {
        let (conn, _) = self
            .dialer
            .dial(&format!("{}{path}", self.server.url))
            .await?;
        let deflate = conn.agreement().and_then(|agreement| agreement.deflate);
        assert_eq!(deflate.is_some(), self.mode.deflate, "compression");
        Ok(conn)
    }

    /// Runs a group of cases.
    pub(crate) async fn run(&self, group: &str) -> Result<(), Failure> {
        match group {
            "sizes" => self.exchange(&SIZES).await,
            "large" => self.exchange(&[16 << 20]).await,
            "order" => self.order().await,
            "fragments" => self.fragments().await,
            "sent_fragments" => self.sent_fragments().await,
            "pings" => self.pings().await,
            "sent_pings" => self.sent_pings().await,
            "client_closes" => self.client_closes().await,
            "server_closes" => self.server_closes().await,
            "subprotocols" => self.subprotocols().await,
            _ => Err(format!("there is no group {group}").into()),
        }
    }

    /// Sends each payload as text and as bytes; it comes back as it was, and the other end says that it received just this.
    async fn exchange(&self, sizes: &[usize]) -> Result<(), Failure> {
        for path in ["/echo", "/digest"] {
            let mut conn = self.dial(path).await?;
            for message in sizes.iter().flat_map(|&size| both(size)) {
                conn.send(message.clone()).await?;
                let answer = next(&mut conn).await?;
                if path == "/digest" {
                    assert_eq!(answer.as_text(), Some(&*digest(&message)));
                } else {
                    assert!(answer == message, "{} bytes come back", message.len());
                }
            }
            let closed = conn.close(CloseCode::NORMAL, "done").await?;
            assert_eq!((closed.code.get(), closed.clean), (1000, true));
        }
        Ok(())
    }

    /// Many small messages on their way at once.
    async fn order(&self) -> Result<(), Failure> {
        let mut conn = self.dial("/echo").await?;
        let message = |at: usize| match at % 3 {
            0 => Message::binary(binary(at % 200)),
            _ => Message::text(format!("message {at} {}", text(at % 97))),
        };
        let sender = conn.sender();
        let sending = tokio::spawn(async move {
            for at in 0..5000 {
                sender.send(message(at)).await?;
            }
            Ok::<_, sockeye_tokio::Error>(())
        });
        for at in 0..5000 {
            assert_eq!(next(&mut conn).await?, message(at), "message {at}");
        }
        sending.await??;
        conn.close(CloseCode::NORMAL, "").await?;
        Ok(())
    }

    /// Messages that come in many frames, with Pings in between.
    async fn fragments(&self) -> Result<(), Failure> {
        let mut conn = self.dial("/fragments").await?;
        for message in [1, 999, 1000, 1001, 65_536].into_iter().flat_map(both) {
            conn.send(message.clone()).await?;
            let answer = next(&mut conn).await?;
            assert!(answer == message, "{} bytes come back", message.len());
        }
        conn.close(CloseCode::NORMAL, "").await?;
        Ok(())
    }

    /// Messages that go in many frames, with Pings in between: not many, because ws gives up on a peer that it has too many Pongs for.
    async fn sent_fragments(&self) -> Result<(), Failure> {
        let mut conn = self.dial("/digest").await?;
        let pinger = conn.sender();
        for message in both(50_000) {
            let mut writer = conn.writer(message.kind()).await?;
            // Pieces that cut characters.
            for (at, piece) in message.as_bytes().chunks(777).enumerate() {
                writer.write_all(piece).await?;
                writer.flush().await?;
                if at % 10 == 0 {
                    pinger.ping("in between").await?;
                }
            }
            writer.finish().await?;
            assert_eq!(next(&mut conn).await?.as_text(), Some(&*digest(&message)));
        }
        conn.close(CloseCode::NORMAL, "").await?;
        Ok(())
    }

    /// The server sends Pings, and gets Pongs with the same payload.
    async fn pings(&self) -> Result<(), Failure> {
        let mut conn = self.dial("/ping").await?;
        for payload in ["a", "are you there?", &"p".repeat(125)] {
            conn.send(payload).await?;
            let answer = next(&mut conn).await?;
            assert_eq!(answer.as_text(), Some(&*format!("pong {payload}")));
        }
        conn.close(CloseCode::NORMAL, "").await?;
        Ok(())
    }

    /// Pings come back with their payload.
    async fn sent_pings(&self) -> Result<(), Failure> {
        let mut conn = self.dial("/echo").await?;
        let (sender, mut pongs) = mpsc::unbounded_channel();
        conn.on_pong(move |payload| drop(sender.send(payload)));
        for payload in ["", "a", &"p".repeat(125)] {
            conn.ping(payload).await?;
            // Pongs are handled while something is being received, and the echo comes after the Pong.
            conn.send("echo").await?;
            next(&mut conn).await?;
            assert_eq!(pongs.try_recv()?, payload);
        }
        conn.close(CloseCode::NORMAL, "").await?;
        Ok(())
    }

    /// Both ends see the code and the reason that we gave.
    async fn client_closes(&self) -> Result<(), Failure> {
        for (at, (code, reason)) in CLOSES.into_iter().enumerate() {
            let mut conn = self.dial(&format!("/echo?id={at}")).await?;
            let closed = conn.close(CloseCode::new(code), reason).await?;
            assert!(closed.clean);
            assert_eq!(closed.initiator, Initiator::Local);
            assert_eq!(closed.code.get(), code);
            self.assert_ended(at, code, reason).await?;
        }
        Ok(())
    }

    /// Both ends see the code and the reason that the server gave.
    async fn server_closes(&self) -> Result<(), Failure> {
        for (at, (code, reason)) in CLOSES.into_iter().enumerate() {
            if code == 1005 {
                continue;
            }
            let mut conn = self.dial(&format!("/close?id={at}")).await?;
            let close = json!({ "code": code, "reason": reason });
            conn.send(close.to_string()).await?;
            assert_eq!(conn.next().await?, None);
            let closed = conn.closed().ok_or("it has not ended")?;
            assert!(closed.clean);
            assert_eq!(closed.initiator, Initiator::Peer);
            assert_eq!((closed.code.get(), &*closed.reason), (code, reason));
            // RFC 6455 §5.5.1: we send the code back, without a reason.
            self.assert_ended(at, code, "").await?;
        }
        Ok(())
    }

    /// Asks the server how that connection ended for it.
    async fn assert_ended(&self, id: usize, code: u16, reason: &str) -> Result<(), Failure> {
        let mut conn = self.dial(&format!("/ended?id={id}")).await?;
        let end: Value = serde_json::from_slice(next(&mut conn).await?.as_bytes())?;
        assert_eq!(end["code"], code);
        // What a server tells about its own Close frame is its own matter.
        if !reason.is_empty() {
            assert_eq!(end["reason"], reason);
        }
        conn.close(CloseCode::NORMAL, "").await?;
        Ok(())
    }

    /// What the server chooses is agreed on, and nothing where it chooses nothing.
    async fn subprotocols(&self) -> Result<(), Failure> {
        for (offer, agreed) in [
            (&["chat.v1", "chat.v2"][..], Some("chat.v2")),
            (&["chat.v3"], Some("chat.v3")),
            (&["chat.v1"], None),
            (&[], None),
        ] {
            let dialer = self.dialer.clone().subprotocols(offer.iter().copied())?;
            let (mut conn, _) = dialer.dial(&format!("{}/agreed", self.server.url)).await?;
            assert_eq!(conn.subprotocol(), agreed);
            conn.send("what is it?").await?;
            let answer: Value = serde_json::from_slice(next(&mut conn).await?.as_bytes())?;
            assert_eq!(answer["subprotocol"], agreed.unwrap_or_default());
            conn.close(CloseCode::NORMAL, "").await?;
        }
        Ok(())
    }
}

/// Every parameter of permessage-deflate, asked for by us or by the server, whose words for them are given.
pub(crate) async fn parameters(
    peer: Peer,
    names: [&str; 4],
    others: &Value,
) -> Result<(), Failure> {
    let mode = Mode {
        tls: false,
        deflate: true,
    };
    let bits = |number| WindowBits::new(number).ok_or("not a number of bits");
    let of_server = |values: [Value; 4]| {
        let mut options = others.clone();
        for (name, value) in names.into_iter().zip(values) {
            if !value.is_null() {
                options[name] = value;
            }
        }
        options
    };
    let plain = PerMessageDeflate::new(Role::Client);
    let mut forgetful = plain;
    forgetful.server_no_context_takeover = true;
    forgetful.client_no_context_takeover = true;
    let mut small = plain;
    small.server_max_window_bits = bits(9)?;
    small.client_max_window_bits = bits(9)?;
    let nothing = || of_server([Value::Null, Value::Null, Value::Null, Value::Null]);
    let cases = [
        (forgetful, nothing(), [true, true], [15, 15]),
        (small, nothing(), [false, false], [9, 9]),
        (
            plain,
            of_server([json!(true), json!(true), Value::Null, Value::Null]),
            [true, true],
            [15, 15],
        ),
        (
            plain,
            of_server([Value::Null, Value::Null, json!(10), json!(9)]),
            [false, false],
            [10, 9],
        ),
    ];
    for (mut ours, theirs, [server_forgets, client_forgets], [server_bits, client_bits]) in cases {
        ours.threshold = 0;
        let server = peer.start_server(mode, theirs.clone()).await;
        let (mut conn, _) = dialer(ours)?.dial(&format!("{}/echo", server.url)).await?;
        let agreed = conn.agreement().and_then(|agreement| agreement.deflate);
        let DeflateParameters {
            server_no_context_takeover,
            client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
            ..
        } = agreed.ok_or("no compression")?;
        assert_eq!(
            [server_no_context_takeover, client_no_context_takeover],
            [server_forgets, client_forgets],
            "{theirs}"
        );
        assert_eq!(
            [server_max_window_bits.get(), client_max_window_bits.get()],
            [server_bits, client_bits],
            "{theirs}"
        );
        for message in [1, 5000, 5000, 200_000].into_iter().flat_map(both) {
            conn.send(message.clone()).await?;
            let answer = next(&mut conn).await?;
            assert!(answer == message, "{} bytes, {theirs}", message.len());
        }
        conn.close(CloseCode::NORMAL, "").await?;
    }
    Ok(())
}

fn dialer(deflate: PerMessageDeflate) -> Result<Dialer, Failure> {
    let mut config = Config::new(Role::Client);
    config.limits.message_size = SIZE_LIMIT;
    config.limits.frame_size = SIZE_LIMIT as u64;
    Ok(Dialer::new()
        .deflate(deflate)
        .config(config)
        .proxy(ProxyPolicy::none())
        .tls_roots(TlsRoots::none().with_pem(&TLS.authority_pem)?))
}

async fn next(conn: &mut Conn) -> Result<Message, Failure> {
    Ok(conn.next().await?.ok_or("closed instead of a message")?)
}

/// A text and a binary message of this length.
fn both(length: usize) -> [Message; 2] {
    let messages = [Message::text(text(length)), Message::binary(binary(length))];
    assert!(messages.iter().all(|message| message.len() == length));
    assert_eq!(messages[0].kind(), MessageKind::Text);
    messages
}

/// Text of this length in bytes, with characters of one to four.
fn text(length: usize) -> String {
    const PIECE: &str = "Grüße, 世界! 😀 ";
    PIECE.repeat(length / PIECE.len()) + &"x".repeat(length % PIECE.len())
}

/// Bytes that do not compress well, always the same.
fn binary(length: usize) -> Vec<u8> {
    let mut state = u32::try_from(length).unwrap_or_default() + 1;
    let byte = |_| {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        state.to_be_bytes()[1]
    };
    (0..length).map(byte).collect()
}

const SIZES: [usize; 7] = [0, 1, 125, 126, 65_535, 65_536, 1 << 20];
/// Codes and reasons. 1005 stands for a Close frame without a code.
const CLOSES: [(u16, &str); 7] = [
    (1005, ""),
    (1000, ""),
    (1000, "done"),
    (1001, "moving"),
    (1011, "trouble"),
    (3000, "three"),
    (4999, "Ende ✓ 😀"),
];
