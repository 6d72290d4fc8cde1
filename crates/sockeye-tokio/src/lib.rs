//! WebSocket for tokio: server and client ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455), and permessage-deflate,
//! [RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)).
//!
//! A server, a client, and a route of axum:
//!
//! ```no_run
//! use sockeye_tokio::{CloseCode, Conn, Dialer, Error, Upgrader, WebSocketUpgrade};
//!
//! async fn echo(mut conn: Conn) -> Result<(), Error> {
//!     while let Some(message) = conn.next().await? {
//!         conn.send(message).await?;
//!     }
//!     Ok(())
//! }
//!
//! async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//!     let upgrader = Upgrader::new().subprotocols(["chat"])?;
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//!     loop {
//!         let (stream, _) = listener.accept().await?;
//!         let upgrader = upgrader.clone();
//!         tokio::spawn(async move { echo(upgrader.accept(stream).await.ok()?).await.ok() });
//!     }
//! }
//!
//! async fn dial() -> Result<(), Box<dyn std::error::Error>> {
//!     let dialer = Dialer::new().subprotocols(["chat"])?;
//!     let (mut conn, _response) = dialer.dial("wss://example.com/room").await?;
//!     conn.send("hello").await?;
//!     println!("{:?}", conn.next().await?);
//!     conn.close(CloseCode::NORMAL, "done").await?;
//!     Ok(())
//! }
//!
//! async fn route(upgrade: WebSocketUpgrade) -> axum::response::Response {
//!     upgrade.on_upgrade(|conn| async { drop(echo(conn).await) })
//! }
//!
//! let app: axum::Router = axum::Router::new().route("/ws", axum::routing::any(route));
//! ```
//!
//! The protocol is the crate `sockeye`, which does no IO and has no unsafe code; this one has the sockets, the handshakes over HTTP, and
//! the time.
//!
//! # What to know
//!
//! - **Nothing has to be flushed.** The first message of a burst is written at once; those that follow are gathered, and written when
//!   your task waits for something or the output is full. [`Sender::send`] waits only when it is.
//! - **Everything can be given up.** Each method says what happens when its future is dropped: `next` loses nothing, and of a message
//!   whose `send` was dropped nothing is ever sent.
//! - **Receive, even if you only send.** Pongs, keepalive, timeouts and the answer to a Close frame are seen to while something is being
//!   received. [`Conn::split`] gives a [`Receiver`] and a [`Sender`], of which there can be any number.
//! - **All is bounded:** messages (1 MiB), the output (64 KiB), the head of a request, the time of a handshake, of a Pong, of an unfinished
//!   message, of a closing handshake. [`Config`] and [`Upgrader`] have the numbers.
//! - **An idle connection holds no buffer.**
//!
//! # Features
//!
//! Default: `deflate`, `json`, `proxy`, `tls`, `webpki-roots`.
//!
//! - `deflate`: permessage-deflate.
//! - `json`: messages as JSON, through serde.
//! - `tls`: `wss://`, through rustls; with `webpki-roots`, Mozilla's root certificates are built in, with `platform-verifier`, certificates can
//!   be checked as the operating system does.
//! - `proxy`: HTTP and SOCKS5 proxies, from the environment or by choice.
//! - `cookies`: a cookie jar for the client.
//! - `hyper`, `http2`, `tower`, `axum`: upgrades of requests that these servers receive, HTTP/2 included
//!   ([RFC 8441](https://www.rfc-editor.org/rfc/rfc8441)).
#![deny(unsafe_code)]
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tokio needs std"
)]

#[cfg(feature = "axum")]
mod axum;
mod config;
mod conn;
mod dialer;
mod entropy;
mod error;
mod http;
#[cfg(feature = "hyper")]
mod hyper;
mod message;
mod prepared;
#[cfg(feature = "tower")]
mod tower;
mod transport;
mod upgrade;
mod upgrader;
mod utf8_bytes;

#[cfg(feature = "axum")]
pub use self::axum::WebSocketUpgrade;
pub use self::http::{ToHttp, is_websocket_upgrade, subprotocols};
#[cfg(feature = "hyper")]
pub use self::hyper::Upgrade;
#[cfg(feature = "tower")]
pub use self::tower::{WebSocketFuture, WebSocketLayer, WebSocketService};
pub use config::Config;
pub use conn::{Conn, JoinedReader, MessageReader, MessageWriter, Parts, Receiver, Sender};
#[cfg(feature = "cookies")]
pub use dialer::CookieJar;
pub use dialer::{
    ConnectAttempt, Connecting, Connector, DialError, Dialed, Dialer, InvalidUrl, Phase,
    RedirectError, Redirects,
};
#[cfg(feature = "proxy")]
pub use dialer::{ProxyError, ProxyPolicy, SocksReply};
#[cfg(feature = "tls")]
pub use dialer::{TlsError, TlsRoots};
pub use error::Error;
pub use message::Message;
pub use prepared::PreparedMessage;
pub use sockeye::{
    Agreement, CloseCode, CloseFrame, Closed, DeflateParameters, ExtraHeaders, HandshakeError,
    Headers, Initiator, InvalidOption, Limits, MessageKind, OriginPattern, OriginPolicy,
    PerMessageDeflate, ProtocolError, Request, Response, Role, SendError, SessionError, Timeouts,
    UpgradeOptions, WindowBits,
};
pub use transport::{ByteStream, Transport};
pub use upgrade::{Accepted, Refusal};
pub use upgrader::{IncomingRequest, UpgradeError, Upgrader};
pub use utf8_bytes::Utf8Bytes;
