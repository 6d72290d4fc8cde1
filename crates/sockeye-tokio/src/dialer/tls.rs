//! TLS on the client's side.

use std::{
    error::Error,
    fmt, io,
    sync::{Arc, OnceLock},
};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, RootCertStore,
    client::WebPkiServerVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio_rustls::TlsConnector;

use crate::{ByteStream, DialError, Transport};

mod insecure;

/// Which certificates are trusted to vouch for servers.
///
/// The default is [`webpki`](Self::webpki) where that feature is on: Mozilla's list, built in, so that a container without any
/// certificates works, and the same everywhere. Choose [`platform`](Self::platform) where the administrator's own authorities count.
#[derive(Clone, Debug)]
pub struct TlsRoots {
    base: Base,
    extra: Vec<CertificateDer<'static>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    None,
    #[cfg(feature = "webpki-roots")]
    WebPki,
    #[cfg(feature = "platform-verifier")]
    Platform,
}

impl TlsRoots {
    /// Mozilla's root certificates, as they were when this program was built.
    #[cfg(feature = "webpki-roots")]
    #[must_use]
    pub const fn webpki() -> Self {
        Self::of(Base::WebPki)
    }

    /// What the operating system trusts: its verifier on Apple's systems, Windows and Android; elsewhere its files, or those that
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    #[cfg(feature = "platform-verifier")]
    #[must_use]
    pub const fn platform() -> Self {
        Self::of(Base::Platform)
    }

    /// No certificates but those that are added with [`with_pem`](Self::with_pem).
    #[must_use]
    pub const fn none() -> Self {
        Self::of(Base::None)
    }

    /// Trusts the certificates of a PEM file too.
    ///
    /// # Errors
    ///
    /// [`TlsError::Pem`]: there is no certificate in it, or one is malformed.
    pub fn with_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        self.extra.extend(certificates(pem.as_ref())?);
        Ok(self)
    }

    const fn of(base: Base) -> Self {
        let extra = Vec::new();
        Self { base, extra }
    }
}

impl Default for TlsRoots {
    fn default() -> Self {
        #[cfg(feature = "webpki-roots")]
        return Self::webpki();
        #[cfg(all(feature = "platform-verifier", not(feature = "webpki-roots")))]
        return Self::platform();
        #[cfg(not(any(feature = "platform-verifier", feature = "webpki-roots")))]
        return Self::none();
    }
}

/// The settings, and the configuration once it was needed: all dials share it, and with it the tickets to resume sessions.
#[derive(Clone, Default)]
pub(crate) struct TlsSettings {
    roots: TlsRoots,
    identity: Option<Arc<Identity>>,
    accepts_any_certificate: bool,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl TlsSettings {
    pub(crate) fn set_roots(&mut self, roots: TlsRoots) {
        self.roots = roots;
        self.config = Arc::default();
    }

    pub(crate) fn set_identity(&mut self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Pem {
            reason: format!("there is no private key: {error}"),
        })?;
        self.identity = Some(Arc::new(Identity { chain, key }));
        self.config = Arc::default();
        // What does not fit together is better found now.
        self.config().map(drop)
    }

    pub(crate) fn accept_any_certificate(&mut self) {
        self.accepts_any_certificate = true;
        self.config = Arc::default();
    }

    pub(crate) fn set_config(&mut self, mut config: Arc<ClientConfig>) {
        // RFC 6455 is about HTTP/1.1: a server that hears of no protocol, or of h2, may choose another.
        if config.alpn_protocols != [ALPN] {
            Arc::make_mut(&mut config).alpn_protocols = vec![ALPN.to_vec()];
        }
        self.config = Arc::new(OnceLock::from(config));
    }

    /// Speaks TLS on a stream, with a host that must prove to be this one.
    pub(crate) async fn connect(
        &self,
        stream: Transport,
        host: &str,
    ) -> Result<Transport, TlsError> {
        let name = ServerName::try_from(host)
            .map_err(|_| TlsError::ServerName)?
            .to_owned();
        let addresses = stream.local_addr().ok().zip(stream.peer_addr().ok());
        let connector = TlsConnector::from(self.config()?);
        let tls = wrap(&connector, name, stream).await?;
        Ok(match addresses {
            Some((local, peer)) => tls.with_addresses(local, peer),
            None => tls,
        })
    }

    fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.build()?);
        Ok(Arc::clone(self.config.get_or_init(|| config)))
    }

    fn build(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Rustls)?;
        let builder = if self.accepts_any_certificate {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(insecure::AnyCertificate::new(provider)))
        } else {
            builder
                .dangerous()
                .with_custom_certificate_verifier(self.verifier(provider)?)
        };
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(TlsError::Rustls)?,
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config)
    }

    fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn rustls::client::danger::ServerCertVerifier>, TlsError> {
        let extra = self.roots.extra.iter().cloned();
        #[cfg(feature = "platform-verifier")]
        if self.roots.base == Base::Platform {
            let verifier =
                rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider);
            return Ok(Arc::new(verifier.map_err(TlsError::Rustls)?));
        }
        let mut roots = RootCertStore::empty();
        #[cfg(feature = "webpki-roots")]
        if self.roots.base == Base::WebPki {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for certificate in extra {
            roots.add(certificate).map_err(TlsError::Rustls)?;
        }
        if roots.is_empty() {
            return Err(TlsError::NoRoots);
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map(|verifier| verifier as _)
            .map_err(|error| TlsError::Rustls(rustls::Error::General(error.to_string())))
    }
}

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

async fn wrap(
    connector: &TlsConnector,
    name: ServerName<'static>,
    stream: impl ByteStream,
) -> Result<Transport, TlsError> {
    match connector.connect(name, stream).await {
        Ok(stream) => Ok(Transport::new(stream)),
        Err(error) => Err(match TlsError::from_stream(&error) {
            Some(error) => error,
            None if error.kind() == io::ErrorKind::UnexpectedEof => TlsError::UnexpectedEnd,
            None => TlsError::Io {
                reason: error.to_string(),
            },
        }),
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(TlsError::Pem {
            reason: "there is no certificate in the PEM file".into(),
        }),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(TlsError::Pem {
            reason: format!("a certificate in the PEM file is malformed: {error}"),
        }),
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

const ALPN: &[u8] = b"http/1.1";
