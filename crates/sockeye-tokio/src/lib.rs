//! WebSocket for tokio ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455), [RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)): server and client.
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
