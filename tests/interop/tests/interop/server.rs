//! Our server, which answers by path. Those of the peers, in `ws/server.mjs` and `python/server.py`, do the same.
//!
//! | path         | answer to each message                                          |
//! |--------------|-----------------------------------------------------------------|
//! | `/`, `/echo` | the message                                                     |
//! | `/digest`    | `text LENGTH SHA-256` or `binary LENGTH SHA-256`                |
//! | `/fragments` | the message in frames of 1000 bytes, with Pings in between      |
//! | `/ping`      | a Ping with this payload, and `pong PAYLOAD` when the Pong came |
//! | `/close`     | the Close frame with the `code` and `reason` of this JSON       |
//! | `/agreed`    | what the opening handshake agreed on, as JSON                   |
//! | `/ended?id=` | unasked: how the connection with `?id=` ended, once it has      |
//! | `/refused`   | nobody is let in                                                |

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sockeye_tokio::{
    CloseCode, Conn, ExtraHeaders, Initiator, Message, OriginPolicy, Transport, Upgrader,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::{Failure, Mode, SIZE_LIMIT, tls::TLS};

/// Starts a server in this runtime. Returns its URL, without a path.
pub(crate) async fn start(mode: Mode) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its number");
    tokio::spawn(async move {
        let server = Arc::new(Server {
            upgrader: upgrader(mode),
            is_tls: mode.tls,
            ends: Ends::default(),
        });
        while let Ok((stream, peer)) = listener.accept().await {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                if let Err(error) = server.serve(stream, peer).await {
                    eprintln!("server, {peer}: {error}");
                }
            });
        }
    });
    mode.url(address)
}

fn upgrader(mode: Mode) -> Upgrader {
    let upgrader = Upgrader::new()
        .subprotocols(["chat.v2", "chat.v3"])
        .expect("names of subprotocols")
        // The browser's page is of another port.
        .origins(OriginPolicy::Any)
        .message_size(SIZE_LIMIT);
    match mode.deflate_of_server() {
        Some(deflate) => upgrader.deflate(deflate),
        None => upgrader,
    }
}

struct Server {
    upgrader: Upgrader,
    is_tls: bool,
    ends: Ends,
}

impl Server {
    async fn serve(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), Failure> {
        stream.set_nodelay(true)?;
        let transport = if self.is_tls {
            let local = stream.local_addr()?;
            Transport::new(TLS.acceptor.accept(stream).await?).with_addresses(local, peer)
        } else {
            stream.into()
        };
        let request = self.upgrader.receive(transport).await?;
        let target = request.request().target().to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        if path == "/refused" {
            request.refuse(403, &ExtraHeaders::new(), "not you")?;
            return Ok(());
        }
        let mut conn = request.accept().await?;
        match (path, query.strip_prefix("id=")) {
            ("/ended", Some(id)) => {
                let end = self.ends.of(id).await;
                conn.send(end.to_string()).await?;
                while conn.next().await?.is_some() {}
            }
            (_, id) => {
                let outcome = answer(&mut conn, path).await;
                if let (Some(id), Some(closed)) = (id, conn.closed()) {
                    let initiator = match closed.initiator {
                        Initiator::Local => "us",
                        Initiator::Peer => "peer",
                        _ => "transport",
                    };
                    let end = json!({
                        "code": closed.code.get(),
                        "reason": closed.reason,
                        "clean": closed.clean,
                        "initiator": initiator,
                    });
                    self.ends.set(id, end);
                }
                outcome?;
            }
        }
        Ok(())
    }
}

/// Answers messages until the connection ends.
async fn answer(conn: &mut Conn, path: &str) -> Result<(), Failure> {
    if path == "/ping" {
        let sender = conn.sender();
        conn.on_pong(move |payload| {
            let sender = sender.clone();
            let text = format!("pong {}", String::from_utf8_lossy(&payload));
            tokio::spawn(async move { sender.send(text).await });
        });
    }
    while let Some(message) = conn.next().await? {
        match path {
            "/" | "/echo" => conn.send(message).await?,
            "/digest" => conn.send(digest(&message)).await?,
            "/fragments" => {
                let pinger = conn.sender();
                let mut writer = conn.writer(message.kind()).await?;
                for (at, piece) in message.as_bytes().chunks(1000).enumerate() {
                    writer.write_all(piece).await?;
                    writer.flush().await?;
                    // Not more: ws gives up on a peer that it has too many Pongs for.
                    if at % 10 == 0 {
                        pinger.ping("in between").await?;
                    }
                }
                writer.finish().await?;
            }
            "/ping" => conn.ping(message.as_bytes()).await?,
            "/close" => {
                let close: Value = serde_json::from_slice(message.as_bytes())?;
                let code = close["code"].as_u64().ok_or("no code")?;
                let code = CloseCode::new(code.try_into()?);
                conn.close(code, close["reason"].as_str().unwrap_or_default())
                    .await?;
            }
            "/agreed" => {
                let agreed = json!({ "subprotocol": conn.subprotocol().unwrap_or_default() });
                conn.send(agreed.to_string()).await?;
            }
            _ => return Err(format!("nothing at {path}").into()),
        }
    }
    Ok(())
}

/// What came: its kind, its length and its SHA-256.
pub(crate) fn digest(message: &Message) -> String {
    let kind = match message {
        Message::Text(_) => "text",
        Message::Binary(_) => "binary",
    };
    let hash = Sha256::digest(message.as_bytes());
    format!("{kind} {} {hash:x}", message.len())
}

/// How the connections that have a name ended.
#[derive(Default)]
struct Ends {
    known: Mutex<HashMap<String, Value>>,
    changed: Notify,
}

impl Ends {
    fn set(&self, id: &str, end: Value) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(id.to_owned(), end);
        self.changed.notify_waiters();
    }

    /// Waits for the end of the connection with this name. The test is bounded.
    async fn of(&self, id: &str) -> Value {
        loop {
            let changed = self.changed.notified();
            let known = {
                let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known.get(id).cloned()
            };
            match known {
                Some(end) => return end,
                None => changed.await,
            }
        }
    }
}
