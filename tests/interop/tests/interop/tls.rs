//! An authority of our own, and a certificate of it for this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

/// The files that the peers need, in PEM.
pub(crate) struct Files {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Made once for all tests.
pub(crate) struct Tls {
    pub(crate) files: Files,
    pub(crate) authority_pem: String,
    pub(crate) acceptor: TlsAcceptor,
}

pub(crate) static TLS: LazyLock<Tls> = LazyLock::new(Tls::new);

impl Tls {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Another name than that of its certificates, which would look as if they had signed themselves.
        let name = DnType::CommonName;
        params
            .distinguished_name
            .push(name, "authority of the tests");
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let params = CertificateParams::new(names).expect("names");
        let certificate = params.signed_by(&key, &authority).expect("a certificate");

        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop-tls");
        fs::create_dir_all(&folder).expect("a folder for certificates");
        let write = |name, pem: &str| {
            let path = folder.join(name);
            fs::write(&path, pem).expect("a certificate's file");
            path
        };
        let files = Files {
            authority: write("authority.pem", &authority.pem()),
            certificate: write("certificate.pem", &certificate.pem()),
            key: write("key.pem", &key.serialize_pem()),
        };
        let der = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], der)
            .expect("a configuration");
        Self {
            files,
            authority_pem: authority.pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }
}
