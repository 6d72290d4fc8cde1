//! The other side.

use std::net::SocketAddr;

use sockeye::{OriginPolicy, ServerHandshake, UpgradeOptions};
use sockeye_tokio::{Dialer, ProxyPolicy};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Dials directly, whatever the environment says.
pub(crate) fn unproxied() -> Dialer {
    Dialer::default().proxy(ProxyPolicy::none())
}

/// A listener on the loopback interface and where it is.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address where nothing listens.
pub(crate) async fn closed_address() -> SocketAddr {
    listen().await.1
}

/// Reads a head, and not a byte more.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The response that lets this request in, with these header fields too.
pub(crate) fn accept(request: &str, headers: &[(&str, &str)]) -> String {
    let mut options = UpgradeOptions::new();
    options.origins = OriginPolicy::Any;
    for (name, value) in headers {
        options.headers.push(name, value).unwrap();
    }
    accept_with(request, &options)
}

/// The response that these options give this request.
pub(crate) fn accept_with(request: &str, options: &UpgradeOptions) -> String {
    let mut handshake = ServerHandshake::new();
    let request = handshake.receive(&mut request.as_bytes(), options);
    let mut response = Vec::new();
    (request.unwrap().unwrap())
        .accept(options, &mut response)
        .unwrap();
    String::from_utf8(response).unwrap()
}

/// Reads a request and answers it. Returns the request.
pub(crate) async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    response: impl FnOnce(&str) -> String,
) -> String {
    let request = read_head(stream).await;
    stream
        .write_all(response(&request).as_bytes())
        .await
        .unwrap();
    stream.flush().await.unwrap();
    request
}

/// Lets one connection in, and then holds it open. Returns its request.
pub(crate) fn serve_one(
    listener: TcpListener,
    headers: &'static [(&str, &str)],
) -> JoinHandle<(String, TcpStream)> {
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = answer(&mut stream, |request| accept(request, headers)).await;
        (request, stream)
    })
}

/// Answers one connection after the other with these. Returns the requests.
pub(crate) fn serve_each(listener: TcpListener, responses: Vec<String>) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut requests = Vec::new();
        for response in responses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let respond = |request: &str| match response.as_str() {
                "accept" => accept(request, &[]),
                response => response.to_owned(),
            };
            requests.push(answer(&mut stream, respond).await);
        }
        requests
    })
}

/// The value of a header field of a request, which has it at most once.
pub(crate) fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let mut values = request.lines().filter_map(|line| {
        let (other, value) = line.split_once(": ")?;
        other.eq_ignore_ascii_case(name).then_some(value)
    });
    let value = values.next();
    assert_eq!(values.next(), None, "{name} is there twice");
    value
}
