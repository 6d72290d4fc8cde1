//! Why there is no TLS connection.

use std::{error::Error, fmt, io};

use rustls::{AlertDescription, CertificateError};

use crate::DialError;

/// Why there is no TLS connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// The server's certificate is not valid any more.
    Expired {
        /// How long ago that was, in seconds, if known.
        seconds: Option<u64>,
    },
    /// The server's certificate is not valid yet.
    NotYetValid {
        /// In how many seconds it will be, if known.
        seconds: Option<u64>,
    },
    /// The server's certificate is for other names.
    WrongName {
        /// The names that it is for.
        names: Vec<String>,
    },
    /// Nobody who is trusted has signed the server's certificate.
    UnknownIssuer,
    /// A signature was made with another key than that of the authority or server that it names.
    BadSignature,
    /// The server's certificate was revoked.
    Revoked,
    /// The server's certificate is refused for another reason.
    Certificate {
        /// It.
        reason: String,
    },
    /// The server wants a certificate from us.
    ClientCertificateRequired,
    /// The server does not accept our certificate.
    ClientCertificateRefused {
        /// Its alert, as `UnknownCA`.
        alert: String,
    },
    /// What the server answered is not TLS.
    NotTls,
    /// The server and we share no version or algorithm, or it ended the handshake for a reason that it tells in this alert.
    Alert {
        /// Its alert, as `HandshakeFailure`.
        alert: String,
    },
    /// The host in the URL cannot be the name in a certificate.
    ServerName,
    /// No certificate is trusted, so that no server can be.
    NoRoots,
    /// The operating system's certificates are not usable.
    #[cfg(feature = "platform-verifier")]
    PlatformRoots {
        /// Why.
        reason: String,
    },
    /// A PEM file does not have what it should.
    Pem {
        /// What is wrong.
        reason: String,
    },
    /// The server ended the connection during the TLS handshake.
    UnexpectedEnd,
    /// The connection failed during the TLS handshake.
    Io {
        /// What the operating system said.
        reason: String,
    },
    /// Another error of rustls.
    Rustls(rustls::Error),
}

impl TlsError {
    /// Finds out what an error of a TLS stream is about. `None`: it is not about TLS.
    pub(crate) fn from_stream(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(Self::from_rustls(error))
    }

    fn from_rustls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => Self::from_certificate(error),
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            rustls::Error::AlertReceived(alert) => Self::from_alert(*alert),
            error => Self::Rustls(error.clone()),
        }
    }

    fn from_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired => Self::Expired { seconds: None },
            CertificateError::ExpiredContext { time, not_after } => Self::Expired {
                seconds: time.as_secs().checked_sub(not_after.as_secs()),
            },
            CertificateError::NotValidYet => Self::NotYetValid { seconds: None },
            CertificateError::NotValidYetContext { time, not_before } => Self::NotYetValid {
                seconds: not_before.as_secs().checked_sub(time.as_secs()),
            },
            CertificateError::NotValidForName => Self::WrongName { names: Vec::new() },
            CertificateError::NotValidForNameContext { presented, .. } => Self::WrongName {
                names: presented.iter().map(|name| plain_name(name)).collect(),
            },
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::BadSignature => Self::BadSignature,
            CertificateError::Revoked => Self::Revoked,
            error => Self::Certificate {
                reason: error.to_string(),
            },
        }
    }

    fn from_alert(alert: AlertDescription) -> Self {
        let text = format!("{alert:?}");
        match alert {
            AlertDescription::CertificateRequired => Self::ClientCertificateRequired,
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied => Self::ClientCertificateRefused { alert: text },
            _ => Self::Alert { alert: text },
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { seconds } => {
                f.write_str("its certificate expired")?;
                if let Some(seconds) = seconds {
                    write!(f, " {} ago", span(*seconds))?;
                }
                f.write_str(": renew it on the server, or set this computer's clock")
            }
            Self::NotYetValid { seconds } => {
                f.write_str("its certificate is not valid yet")?;
                if let Some(seconds) = seconds {
                    write!(f, ", but in {}", span(*seconds))?;
                }
                f.write_str(": is this computer's clock right?")
            }
            Self::WrongName { names } if names.is_empty() => {
                f.write_str("its certificate is not for this name, nor for any other")
            }
            Self::WrongName { names } => {
                write!(
                    f,
                    "its certificate is not for this name, but for {}: use that name in the URL",
                    names.join(", ")
                )
            }
            Self::UnknownIssuer => f.write_str(
                "nobody who is trusted has signed its certificate: if it is self-signed or from an authority of your own, \
                 trust that certificate as a root",
            ),
            Self::BadSignature => f.write_str(
                "a signature was made with another key: was the authority that is trusted made anew, under the same name?",
            ),
            Self::Revoked => f.write_str("its certificate was revoked"),
            Self::Certificate { reason } => write!(f, "its certificate is refused: {reason}"),
            Self::ClientCertificateRequired => {
                f.write_str("it wants a client certificate: set one with its private key")
            }
            Self::ClientCertificateRefused { alert } => {
                write!(f, "it does not accept the client certificate ({alert})")
            }
            Self::NotTls => {
                f.write_str("what it answered is not TLS: is it ws:// on this port, not wss://?")
            }
            Self::Alert { alert } => write!(f, "it ended the TLS handshake ({alert})"),
            Self::ServerName => f.write_str("no certificate can be for such a name"),
            Self::NoRoots => f.write_str(
                "no certificate is trusted: turn on the feature `webpki-roots` or `platform-verifier`, or add a root",
            ),
            #[cfg(feature = "platform-verifier")]
            Self::PlatformRoots { reason } => write!(
                f,
                "the system's certificates are not usable: install them (often the package ca-certificates), or use the built-in ones ({reason})"
            ),
            Self::Pem { reason } => f.write_str(reason),
            Self::UnexpectedEnd => f.write_str(
                "it ended the connection during the TLS handshake: does it speak TLS on this port?",
            ),
            Self::Io { reason } => write!(f, "the connection failed: {reason}"),
            Self::Rustls(error) => error.fmt(f),
        }
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rustls(error) => Some(error),
            _ => None,
        }
    }
}

impl From<TlsError> for DialError {
    /// For settings, which are about no host.
    fn from(source: TlsError) -> Self {
        Self::TlsSettings(source)
    }
}

/// The name within `DnsName("example.com")`.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_matches(['(', ')', '"']).into()
}

/// A time for people.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
