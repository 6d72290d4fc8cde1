//! Sockeye and the peers as echo servers: one thread, tokio's single-threaded runtime, `TCP_NODELAY`, each loop as the documentation of
//! that library writes it: read a message, send a message. None of them shows how to gather what one read brought into one write.

use std::io;

use bytes::Bytes;
use fastwebsockets::{FragmentCollector, OpCode};
use futures_util::{SinkExt, StreamExt};
use http_body_util::Empty;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{payload::Compression, peers, servers::Setup, settings::Peer};

type Result = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Serves until killed, having printed where.
pub fn run(peer: Peer, setup: Setup) -> io::Result<()> {
    // Timers only where a library wants them: the others show a runtime without.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on ws://{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            begin(peer, stream, setup);
        }
    })
}

/// Begins to serve a connection, in a task that is as large as this peer's loop and no larger.
fn begin(peer: Peer, stream: TcpStream, setup: Setup) {
    let Setup {
        compression, lean, ..
    } = setup;
    match peer {
        Peer::RawTcp => spawn(raw(stream, lean)),
        Peer::BareTask => spawn(bare(stream)),
        Peer::SockeyeTokio => spawn(sockeye(stream, compression)),
        Peer::TokioTungstenite => spawn(tungstenite(stream, setup)),
        Peer::Fastwebsockets => spawn(upgrade(stream, service_fn(fastwebsockets_upgrade))),
        Peer::TokioWebsockets => spawn(tokio_websockets(stream)),
        Peer::SockudoWs if compression == Compression::None => spawn(sockudo(stream)),
        Peer::SockudoWs => spawn(sockudo_deflate(stream, compression)),
        Peer::Yawc => spawn(upgrade(
            stream,
            service_fn(move |request| yawc_upgrade(request, setup)),
        )),
    }
}

fn spawn(connection: impl Future<Output = Result> + Send + 'static) {
    // As the echo examples of fastwebsockets and tokio-websockets do: no yielding for the sake of fairness. Connections end when the
    // load generator has seen enough, which some report as an error. Another future around this one would double the task.
    drop(tokio::spawn(tokio::task::unconstrained(connection)));
}

/// Returns the bytes that come, whatever they say: what the kernel and the runtime cost by themselves.
async fn raw(mut stream: TcpStream, lean: bool) -> Result {
    let mut buffer = vec![0; if lean { 4_096 } else { 65_536 }];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            len => stream.write_all(&buffer[..len]).await?,
        }
    }
}

/// The same for a connection that is mostly idle: nothing is held while it waits but the socket and the task.
async fn bare(stream: TcpStream) -> Result {
    let echo = |stream: &TcpStream| {
        let mut buffer = [0; 4_096];
        let len = stream.try_read(&mut buffer)?;
        // A message fits the buffer of a socket that waits for one.
        stream.try_write(&buffer[..len])
    };
    loop {
        stream.readable().await?;
        match echo(&stream) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error.into()),
            _ => {}
        }
    }
}

/// Its defaults.
async fn sockeye(stream: TcpStream, compression: Compression) -> Result {
    let mut upgrader = sockeye_tokio::Upgrader::new();
    if compression != Compression::None {
        upgrader = upgrader.deflate(peers::sockeye_deflate(compression));
    }
    let mut conn = upgrader.accept(stream).await?;
    while let Some(message) = conn.next().await? {
        conn.send(message).await?;
    }
    Ok(())
}

/// It clears its read buffer before each read: at the default of 128 KiB that costs more than a message does, so the buffer is just
/// larger than 16 KiB, or of 4 KiB when lean. Messages of 1 MiB want the default.
async fn tungstenite(stream: TcpStream, setup: Setup) -> Result {
    let config = tokio_tungstenite::tungstenite::protocol::WebSocketConfig::default();
    let config = match setup {
        Setup { large: true, .. } => config,
        Setup { lean: true, .. } => config.read_buffer_size(4_096),
        _ => config.read_buffer_size(20_480),
    };
    let mut socket = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

async fn tokio_websockets(stream: TcpStream) -> Result {
    let config = tokio_websockets::Config::default().frame_size(usize::MAX);
    let limits = tokio_websockets::Limits::unlimited();
    let builder = tokio_websockets::ServerBuilder::new()
        .config(config)
        .limits(limits);
    let (_, mut socket) = builder.accept(stream).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// Its server type comes with HTTP/2 only: the handshake and the stream, as its simple echo example has them.
async fn sockudo(mut stream: TcpStream) -> Result {
    sockudo_ws::handshake::server_handshake(&mut stream).await?;
    let mut socket = sockudo_ws::WebSocketStream::server(stream, peers::sockudo_config());
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// That handshake agrees on no extension: the same steps with the functions below it.
async fn sockudo_deflate(mut stream: TcpStream, compression: Compression) -> Result {
    use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
    let mut head = bytes::BytesMut::with_capacity(4_096);
    let response = loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
        if let Some((request, _)) = parse_request(&head)? {
            let accept = generate_accept_key(request.key);
            break build_response(&accept, None, peers::offer(compression));
        }
    };
    stream.write_all(&response).await?;
    let (config, deflate) = (peers::sockudo_config(), peers::sockudo_deflate(compression));
    let mut socket = sockudo_ws::CompressedWebSocketStream::server(stream, config, deflate);
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// Serves one connection with hyper until it is upgraded: how fastwebsockets and yawc begin.
async fn upgrade<S, E>(stream: TcpStream, service: S) -> Result
where
    S: hyper::service::Service<Request<Incoming>, Response = Response<Empty<Bytes>>, Error = E>,
    E: std::error::Error + Send + Sync + 'static,
    S::Future: Send + 'static,
    S: Send + 'static,
{
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    Ok(connection.with_upgrades().await?)
}

async fn fastwebsockets_upgrade(
    mut request: Request<Incoming>,
) -> std::result::Result<Response<Empty<Bytes>>, fastwebsockets::WebSocketError> {
    let (response, upgrade) = fastwebsockets::upgrade::upgrade(&mut request)?;
    tokio::spawn(tokio::task::unconstrained(async move {
        let mut socket = FragmentCollector::new(upgrade.await?);
        loop {
            let frame = socket.read_frame().await?;
            match frame.opcode {
                OpCode::Close => return Ok::<_, fastwebsockets::WebSocketError>(()),
                OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
                _ => {}
            }
        }
    }));
    Ok(response)
}

/// Buffers of 64 KiB, or its defaults of 8 KiB when lean.
async fn yawc_upgrade(
    request: Request<Incoming>,
    setup: Setup,
) -> std::result::Result<Response<Empty<Bytes>>, yawc::WebSocketError> {
    let options = peers::yawc_options(setup.compression, if setup.lean { 8_192 } else { 65_536 });
    let (response, upgrade) = yawc::WebSocket::upgrade_with_options(request, options)?;
    tokio::spawn(tokio::task::unconstrained(async move {
        let mut socket = upgrade.await?;
        loop {
            let frame = socket.next_frame().await?;
            if matches!(frame.opcode(), yawc::OpCode::Text | yawc::OpCode::Binary) {
                socket.send(frame).await?;
            }
        }
        #[expect(unreachable_code, reason = "names the type of the errors")]
        Ok::<_, yawc::WebSocketError>(())
    }));
    Ok(response)
}
