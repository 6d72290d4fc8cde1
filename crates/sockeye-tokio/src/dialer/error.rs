//! Why a dial failed.

use std::{error::Error, fmt, io, net::SocketAddr, path::PathBuf, time::Duration};

use bytes::Bytes;
use sockeye::{HandshakeError, InvalidOption};

#[cfg(feature = "proxy")]
use crate::dialer::proxy::ProxyError;
#[cfg(feature = "tls")]
use crate::dialer::tls::TlsError;
use crate::dialer::{redirect::RedirectError, url::InvalidUrl};

/// Why [`Dialer::dial`](crate::Dialer::dial) gave no connection, or a setting was refused.
///
/// Its text is a sentence for the user. Neither that nor the debug output shows user names, passwords or header values.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialError {
    // Settings.
    /// The URL cannot be dialled.
    InvalidUrl(InvalidUrl),
    /// The URL has a scheme that is not about WebSockets.
    UnsupportedScheme {
        /// The scheme.
        scheme: String,
    },
    /// A header field that was to be added to the request is not allowed.
    InvalidHeader {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: InvalidOption,
    },
    /// Another option is not allowed.
    InvalidOption(InvalidOption),
    /// A proxy is set that is not understood.
    #[cfg(feature = "proxy")]
    InvalidProxy {
        /// Where it is set: the name of a variable, or what was called.
        setting: String,
        /// What is wrong with it.
        reason: InvalidUrl,
    },
    /// A certificate or key of the TLS settings is not usable.
    #[cfg(feature = "tls")]
    TlsSettings(TlsError),
    /// This build of the crate lacks what the URL asks for.
    FeatureMissing {
        /// The feature of the crate to turn on.
        feature: &'static str,
    },

    // The byte stream.
    /// The name of the host could not be looked up.
    Resolve {
        /// The name.
        host: String,
        /// What the system's resolver said.
        source: io::Error,
    },
    /// No address of the host took a TCP connection.
    Connect {
        /// The host, as it is in the URL.
        host: String,
        /// The port.
        port: u16,
        /// Every address that was tried. Empty: the host has none that fits the local address.
        attempts: Vec<ConnectAttempt>,
    },
    /// The Unix socket took no connection.
    ConnectUnix {
        /// The path of the socket.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The application's own [`Connector`](crate::Connector) failed.
    Connector {
        /// The host that it was to connect to.
        host: String,
        /// The port.
        port: u16,
        /// Its error.
        source: io::Error,
    },
    /// The proxy did not let us through.
    #[cfg(feature = "proxy")]
    Proxy {
        /// The proxy as `scheme://host:port`.
        proxy: String,
        /// Why.
        source: ProxyError,
    },
    /// There is no TLS connection.
    #[cfg(feature = "tls")]
    Tls {
        /// The host that was to prove who it is.
        host: String,
        /// Why.
        source: TlsError,
    },

    // The opening handshake.
    /// The server refused, or its response breaks a rule.
    Handshake {
        /// Which rule.
        error: HandshakeError,
        /// The response, if there is a whole head: status, header fields, and at most 1 KiB of the body.
        response: Option<Box<http::Response<Bytes>>>,
    },
    /// The byte stream failed during the opening handshake.
    Io(io::Error),
    /// A redirect was not followed.
    Redirect {
        /// Why.
        reason: RedirectError,
        /// The response that redirects.
        response: Box<http::Response<Bytes>>,
    },

    /// The time for the whole dial was over.
    Timeout {
        /// What was under way.
        phase: Phase,
        /// The host and port that it was about, or the path of a Unix socket.
        peer: String,
        /// How long the whole dial could take.
        limit: Duration,
    },
}

/// What a dial does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Looking up the addresses of a name.
    Resolve,
    /// Connecting to one of them.
    Connect,
    /// Asking a proxy for a way.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The opening handshake of the WebSocket.
    Handshake,
}

/// An address that was tried in vain.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectAttempt {
    /// The address.
    pub address: SocketAddr,
    /// What the operating system said.
    pub error: io::Error,
}

impl DialError {
    /// The server's response, if there is one: status, header fields, and at most 1 KiB of the body.
    #[must_use]
    pub fn response(&self) -> Option<&http::Response<Bytes>> {
        match self {
            Self::Handshake { response, .. } => response.as_deref(),
            Self::Redirect { response, .. } => Some(response),
            _ => None,
        }
    }

    /// Whether the time was over.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            #[cfg(feature = "proxy")]
            Self::Proxy {
                source: ProxyError::Unreachable(error),
                ..
            } => error.is_timeout(),
            _ => false,
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl(reason) => write!(f, "the URL cannot be dialled: {reason}"),
            Self::UnsupportedScheme { scheme } => {
                write!(f, "the scheme {scheme:?} is not known: use ws:// or wss://")
            }
            Self::InvalidHeader { name, reason } => {
                write!(f, "the header {name:?} cannot be sent: {reason}")
            }
            Self::InvalidOption(reason) => reason.fmt(f),
            #[cfg(feature = "proxy")]
            Self::InvalidProxy { setting, reason } => {
                write!(f, "{setting} is not a proxy: {reason}")
            }
            #[cfg(feature = "tls")]
            Self::TlsSettings(reason) => write!(f, "the TLS settings are not usable: {reason}"),
            Self::FeatureMissing { feature } => {
                write!(
                    f,
                    "this build cannot do that: turn on the feature `{feature}` of sockeye-tokio"
                )
            }
            Self::Resolve { host, source } => {
                write!(
                    f,
                    "the name {host} was not found: is it spelled right? ({source})"
                )
            }
            Self::Connect {
                host,
                port,
                attempts,
            } => fmt_attempts(host, *port, attempts, f),
            Self::ConnectUnix { path, source } => {
                let path = path.display();
                match source.kind() {
                    io::ErrorKind::NotFound => {
                        write!(
                            f,
                            "there is no socket at {path}: is the server running, and is that its path?"
                        )
                    }
                    io::ErrorKind::ConnectionRefused => {
                        write!(f, "nothing listens on {path}: is the server running?")
                    }
                    io::ErrorKind::PermissionDenied => {
                        write!(f, "this user may not connect to {path}")
                    }
                    _ => write!(f, "could not connect to {path}: {source}"),
                }
            }
            Self::Connector { host, port, source } => {
                write!(f, "the connector gave no stream to {host}:{port}: {source}")
            }
            #[cfg(feature = "proxy")]
            Self::Proxy { proxy, source } => write!(f, "the proxy {proxy} {source}"),
            #[cfg(feature = "tls")]
            Self::Tls { host, source } => write!(f, "no TLS connection to {host}: {source}"),
            Self::Handshake { error, .. } => fmt_handshake(error, f),
            Self::Io(source) if source.kind() == io::ErrorKind::ConnectionReset => {
                f.write_str("the server reset the connection during the handshake")
            }
            Self::Io(source) => write!(f, "the connection failed during the handshake: {source}"),
            Self::Redirect { reason, .. } => reason.fmt(f),
            Self::Timeout { phase, peer, limit } => {
                let what = match phase {
                    Phase::Resolve => "the name was still being looked up",
                    Phase::Connect => "nothing has answered: does a firewall drop the packets?",
                    Phase::Proxy => "the proxy has not answered",
                    Phase::Tls => "the TLS handshake was under way",
                    Phase::Handshake => "the server has not answered the opening handshake",
                };
                write!(f, "no connection to {peer} within {limit:?}: {what}")
            }
        }
    }
}

impl Error for DialError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::InvalidUrl(reason) => Some(reason),
            #[cfg(feature = "proxy")]
            Self::InvalidProxy { reason, .. } => Some(reason),
            Self::InvalidHeader { reason, .. } | Self::InvalidOption(reason) => Some(reason),
            Self::Resolve { source, .. }
            | Self::ConnectUnix { source, .. }
            | Self::Connector { source, .. }
            | Self::Io(source) => Some(source),
            Self::Connect { attempts, .. } => {
                let last = attempts.last()?;
                Some(&last.error)
            }
            #[cfg(feature = "proxy")]
            Self::Proxy { source, .. } => Some(source),
            #[cfg(feature = "tls")]
            Self::TlsSettings(source) | Self::Tls { source, .. } => Some(source),
            Self::Handshake { error, .. } => Some(error),
            Self::Redirect { reason, .. } => Some(reason),
            Self::UnsupportedScheme { .. } | Self::FeatureMissing { .. } | Self::Timeout { .. } => {
                None
            }
        }
    }
}

impl From<InvalidOption> for DialError {
    fn from(reason: InvalidOption) -> Self {
        Self::InvalidOption(reason)
    }
}

impl From<InvalidUrl> for DialError {
    fn from(reason: InvalidUrl) -> Self {
        Self::InvalidUrl(reason)
    }
}

fn fmt_attempts(
    host: &str,
    port: u16,
    attempts: &[ConnectAttempt],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let refused =
        |attempt: &ConnectAttempt| attempt.error.kind() == io::ErrorKind::ConnectionRefused;
    match attempts {
        [] => write!(
            f,
            "could not connect to {host}:{port}: it has no address of the family of the local address"
        ),
        [one] if refused(one) => {
            write!(
                f,
                "nothing listens on {}: is the server running?",
                one.address
            )
        }
        _ if attempts.iter().all(refused) => {
            write!(f, "nothing listens on {host}:{port}")?;
            for (index, attempt) in attempts.iter().enumerate() {
                let before = if index == 0 { " (tried " } else { ", " };
                write!(f, "{before}{}", attempt.address)?;
            }
            f.write_str("): is the server running?")
        }
        _ => {
            write!(f, "could not connect to {host}:{port}")?;
            for (index, ConnectAttempt { address, error }) in attempts.iter().enumerate() {
                let before = if index == 0 { ": " } else { "; " };
                write!(f, "{before}{address}: {error}")?;
            }
            Ok(())
        }
    }
}

fn fmt_handshake(error: &HandshakeError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let HandshakeError::Refused(response) = error else {
        return fmt::Display::fmt(error, f);
    };
    let hint = match response.status() {
        200..300 => ": is there a WebSocket at this path?",
        300..=399 => ": it redirects, and following redirects was not asked for",
        401 => ": credentials are missing or wrong",
        403 => ": it does not allow this client, or this Origin",
        404 => ": is the path right?",
        426 => {
            ": it wants another version of the protocol, or something on the way removes the Upgrade header"
        }
        429 => ": there were too many requests, try later",
        502..=504 => ": the server behind it does not answer",
        _ => "",
    };
    write!(f, "{error}{hint}")
}
