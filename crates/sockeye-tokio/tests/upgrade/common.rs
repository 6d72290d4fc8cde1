//! Clients and servers on loopback.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use sockeye::{ClientHandshake, Connection, DialOptions, Options};
use sockeye_tokio::{
    Conn, HandshakeError, Message, Parts, Role, ToHttp, Transport, Upgrade, Upgrader,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

pub(crate) type Answer = Response<Full<Bytes>>;

/// A hyper server that answers like this, HTTP/1.1 only.
pub(crate) async fn serve<F>(
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
) -> SocketAddr
where
    F: Future<Output = Answer> + Send + 'static,
{
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            let service = service_fn(move |request| {
                let answer = answer(request);
                async { Ok::<_, Infallible>(answer.await) }
            });
            let served = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            tokio::spawn(served);
        }
    });
    address
}

/// A hyper server that echoes messages.
pub(crate) async fn serve_echo(upgrader: Upgrader) -> SocketAddr {
    serve(move |mut request| {
        let upgraded = upgrader.upgrade(&mut request);
        async {
            match upgraded {
                Ok((response, upgrade)) => {
                    tokio::spawn(async { echo(upgrade.await.unwrap()).await });
                    response
                }
                Err(refusal) => refusal.response(),
            }
        }
    })
    .await
}

pub(crate) async fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

/// Sends every message back. To the text `peer`, the answer is the peer's address; to `subprotocol`, the subprotocol.
pub(crate) async fn echo(mut conn: Conn) {
    while let Ok(Some(message)) = conn.next().await {
        let answer = match message.as_text() {
            Some("peer") => Message::text(match conn.peer_addr() {
                Ok(address) => address.to_string(),
                Err(error) => format!("{:?}", error.kind()),
            }),
            Some("subprotocol") => Message::text(conn.subprotocol().unwrap_or_default()),
            _ => message,
        };
        if conn.send(answer).await.is_err() {
            break;
        }
    }
}

/// What a client is told in reply to the opening handshake.
pub(crate) async fn dial(
    address: SocketAddr,
    fields: &[(&str, &str)],
) -> Result<(Conn, Response<Bytes>), HandshakeError> {
    let mut options = DialOptions::new(address.to_string(), "/ws").unwrap();
    for (name, value) in fields {
        options.headers.push(name, value).unwrap();
    }
    dial_with(address, &options).await
}

pub(crate) async fn dial_with(
    address: SocketAddr,
    options: &DialOptions,
) -> Result<(Conn, Response<Bytes>), HandshakeError> {
    let stream = TcpStream::connect(address).await.unwrap();
    dial_on(stream, options).await
}

pub(crate) async fn dial_on<S>(
    mut stream: S,
    options: &DialOptions,
) -> Result<(Conn, Response<Bytes>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    Transport: From<S>,
{
    let mut out = Vec::new();
    let mut handshake = ClientHandshake::new(options, entropy, &mut out);
    stream.write_all(&out).await.unwrap();
    let mut buffer = vec![0; 4096];
    loop {
        let count = within(stream.read(&mut buffer)).await.unwrap();
        if count == 0 {
            handshake.receive_end()?;
        }
        let mut input = &buffer[..count];
        if let Some(agreement) = handshake.receive(&mut input)? {
            let response = handshake.response().unwrap().to_http().unwrap();
            let conn = Conn::from_parts(Parts {
                transport: Transport::from(stream),
                role: Role::Client,
                agreement,
                unread: input.to_vec(),
                config: sockeye_tokio::Config::new(Role::Client),
            });
            return Ok((conn, response));
        }
    }
}

/// The frames of these messages, as a client sends them.
pub(crate) fn frames(messages: &[Message]) -> Vec<u8> {
    let options = Options::new(Role::Client);
    let mut connection = Connection::new(Role::Client, &options, None, entropy);
    let mut out = Vec::new();
    for message in messages {
        let message = match message {
            Message::Text(text) => sockeye::Message::Text((&**text).into()),
            Message::Binary(data) => sockeye::Message::Binary((&**data).into()),
        };
        connection.send(message, &mut out).unwrap();
    }
    out
}

/// A response as it came over the wire, up to the end of the byte stream.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Wire {
    /// The value of the only field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    }
}

/// Sends these bytes, and reads the answer until the server ends the byte stream.
pub(crate) async fn exchange(address: SocketAddr, request: &[u8]) -> Wire {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, value.parse().unwrap());
    }
    Wire {
        status: status.parse().unwrap(),
        headers,
        body: body.into(),
    }
}

/// The request of RFC 6455 §1.2, without the fields of this name, and with these.
pub(crate) fn request(line: &str, without: &str, with: &[(&str, &str)]) -> String {
    let mut request = format!("{line}\r\n");
    let fields = [
        ("Host", "server.example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];
    let kept = fields.iter().filter(|(name, _)| *name != without);
    for (name, value) in kept.chain(with) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request + "\r\n"
}

/// A wait that ends, so that a failing test does, too.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future)
        .await
        .expect("it happens in 20 seconds")
}

/// The task in which a connection is echoed.
pub(crate) fn spawn_echo(upgrade: Upgrade) {
    tokio::spawn(async { echo(upgrade.await.unwrap()).await });
}

pub(crate) fn entropy(bytes: &mut [u8]) {
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = i as u8 ^ 0x5a;
    }
}

pub(crate) async fn read_to_end(mut stream: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    within(stream.read_to_end(&mut bytes)).await?;
    Ok(bytes)
}
