//! TLS on the client's side.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, RootCertStore,
    client::WebPkiServerVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio_rustls::TlsConnector;

use crate::{ByteStream, Transport};

mod error;
mod insecure;

pub use error::TlsError;

/// Which certificates are trusted to vouch for servers.
///
/// The default is `webpki` where the feature `webpki-roots` is on: Mozilla's list, built in, so that a container without any
/// certificates works, and the same everywhere. Choose `platform`, with the feature `platform-verifier`, where the administrator's own
/// authorities count.
#[derive(Clone, Debug)]
pub struct TlsRoots {
    #[cfg_attr(
        not(any(feature = "platform-verifier", feature = "webpki-roots")),
        expect(dead_code, reason = "there is only one")
    )]
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
        // RFC 6066 §3: the name is sent without the dot at its end.
        let name = ServerName::try_from(host.strip_suffix('.').unwrap_or(host))
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
            let verifier = verifier.map_err(|error| TlsError::PlatformRoots {
                reason: error.to_string(),
            })?;
            return Ok(Arc::new(verifier));
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

const ALPN: &[u8] = b"http/1.1";
