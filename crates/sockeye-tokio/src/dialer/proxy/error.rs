//! Why a proxy did not let us through.

use std::{error::Error, fmt, io};

use crate::DialError;

/// Why a proxy did not let us through. Its text goes on behind the proxy's name.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// There is no connection to the proxy itself.
    Unreachable(Box<DialError>),
    /// The proxy wants a user and a password (407).
    AuthenticationRequired,
    /// The proxy does not accept the user and the password.
    AuthenticationRefused,
    /// An HTTP proxy answered with this status.
    Refused {
        /// The status code.
        status: u16,
    },
    /// A SOCKS proxy answered with this reply.
    Socks(SocksReply),
    /// What the proxy answered is not its protocol.
    NotAProxy,
    /// The head of an HTTP proxy's response is too long.
    ResponseTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// Bytes came behind the proxy's response, before anything was asked of the server.
    UnexpectedBytes,
    /// SOCKS cannot carry this: a name, user or password is empty or longer than 255 bytes.
    TooLong {
        /// Which.
        what: &'static str,
    },
    /// The proxy ended the connection.
    UnexpectedEnd,
    /// The connection failed.
    Io(io::Error),
}

/// Replies of SOCKS5 ([RFC 1928 §6](https://www.rfc-editor.org/rfc/rfc1928#section-6)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocksReply {
    /// 0x01.
    GeneralFailure,
    /// 0x02.
    NotAllowed,
    /// 0x03.
    NetworkUnreachable,
    /// 0x04.
    HostUnreachable,
    /// 0x05.
    ConnectionRefused,
    /// 0x06.
    TtlExpired,
    /// 0x07.
    CommandNotSupported,
    /// 0x08.
    AddressTypeNotSupported,
    /// Any other.
    Unassigned(u8),
}

impl SocksReply {
    pub(super) const fn from_code(code: u8) -> Self {
        match code {
            0x01 => Self::GeneralFailure,
            0x02 => Self::NotAllowed,
            0x03 => Self::NetworkUnreachable,
            0x04 => Self::HostUnreachable,
            0x05 => Self::ConnectionRefused,
            0x06 => Self::TtlExpired,
            0x07 => Self::CommandNotSupported,
            0x08 => Self::AddressTypeNotSupported,
            code => Self::Unassigned(code),
        }
    }
}

impl fmt::Display for SocksReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GeneralFailure => "general failure",
            Self::NotAllowed => "its rules do not allow this server",
            Self::NetworkUnreachable => "the server's network is unreachable",
            Self::HostUnreachable => "the server is unreachable: is its name right?",
            Self::ConnectionRefused => {
                "the server refused the connection: is it running, on this port?"
            }
            Self::TtlExpired => "the time to live expired",
            Self::CommandNotSupported => "it does not support connecting",
            Self::AddressTypeNotSupported => {
                "it does not support such an address: socks5h:// gives it names, socks5:// addresses"
            }
            Self::Unassigned(code) => return write!(f, "unknown reply {code:#04x}"),
        })
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable(error) => return write!(f, "is not reachable: {error}"),
            Self::AuthenticationRequired => {
                "wants a user and a password: put user:password@ before the host in its URL"
            }
            Self::AuthenticationRefused => "does not accept this user and password",
            Self::Refused { status } => {
                let hint = match status {
                    403 => ": its rules do not allow this server or port",
                    405 | 501 => ": it does not support CONNECT",
                    502..=504 => ": it could not reach the server",
                    _ => "",
                };
                return write!(f, "refused the tunnel with status {status}{hint}");
            }
            Self::Socks(reply) => return write!(f, "refused: {reply}"),
            Self::NotAProxy => "does not answer as a proxy: are its scheme and port right?",
            Self::ResponseTooLong { limit } => {
                return write!(f, "answered with a head of more than {limit} bytes");
            }
            Self::UnexpectedBytes => "sent bytes of its own into the tunnel",
            Self::TooLong { what } => {
                return write!(f, "cannot be given the {what}: it must have 1 to 255 bytes");
            }
            Self::UnexpectedEnd => "ended the connection",
            Self::Io(error) => return write!(f, "failed: {error}"),
        })
    }
}

impl Error for ProxyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreachable(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for ProxyError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::UnexpectedEnd,
            _ => Self::Io(error),
        }
    }
}
