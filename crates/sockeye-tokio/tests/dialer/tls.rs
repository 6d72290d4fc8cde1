//! TLS, with certificates made here.

use std::{net::SocketAddr, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use sockeye_tokio::{DialError, Dialer, TlsError, TlsRoots};
use tokio::{io::AsyncReadExt, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

use crate::peer::{accept, answer, header, listen, serve_each};

/// Who vouches for certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("Authority")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// What a client trusts that trusts nobody else.
    pub(crate) fn roots(&self) -> TlsRoots {
        TlsRoots::none().with_pem(self.0.pem()).unwrap()
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server of this name.
    pub(crate) fn acceptor(&self, name: &str) -> TlsAcceptor {
        self.acceptor_with(params(&[name]), false)
    }

    /// A server with this certificate, which may want one of the client's.
    fn acceptor_with(&self, params: CertificateParams, asks_client: bool) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.0.der().clone()).unwrap();
            let roots = Arc::new(roots);
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(roots, provider)
                    .build()
                    .unwrap(),
            )
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let mut config = builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// A client's certificate and its key, in PEM.
    fn client(&self) -> (String, String) {
        let mut params = params(&["client.test"]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
    CertificateParams::new(names).unwrap()
}

/// What a server saw of a connection.
struct Seen {
    server_name: Option<String>,
    alpn: Option<Vec<u8>>,
    client_certificates: usize,
    request: String,
}

/// A server for one connection. `None`: there was no TLS.
async fn serve(acceptor: TlsAcceptor) -> (SocketAddr, JoinHandle<Option<Seen>>) {
    let (listener, address) = listen().await;
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.ok()?;
        let request = answer(&mut stream, |request| accept(request, &[])).await;
        let tls = stream.get_ref().1;
        Some(Seen {
            server_name: tls.server_name().map(str::to_owned),
            alpn: tls.alpn_protocol().map(<[u8]>::to_vec),
            client_certificates: tls.peer_certificates().map_or(0, <[_]>::len),
            request,
        })
    });
    (address, task)
}

/// The error of a dial to a server with such a certificate.
async fn failure(dialer: &Dialer, acceptor: TlsAcceptor) -> (TlsError, String) {
    let (address, server) = serve(acceptor).await;
    let url = format!("wss://localhost:{}/", address.port());
    let error = dialer.dial(&url).await.unwrap_err();
    assert!(server.await.unwrap().is_none());
    let text = error.to_string();
    match error {
        DialError::Tls { host, source } => {
            assert_eq!(host, "localhost");
            let text = text.strip_prefix("no TLS connection to localhost: ");
            (source, text.unwrap().to_owned())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn row_13_wss_speaks_tls_with_the_name_of_the_url() {
    let authority = Authority::new();
    let (address, server) = serve(authority.acceptor("localhost")).await;
    let dialer = Dialer::new().tls_roots(authority.roots());
    let url = format!("wss://localhost:{}/x", address.port());
    let (conn, response) = dialer.dial(&url).await.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(conn.peer_addr().unwrap(), address);
    let seen = server.await.unwrap().unwrap();
    assert_eq!(seen.server_name.as_deref(), Some("localhost"));
    assert_eq!(seen.alpn.as_deref(), Some(&b"http/1.1"[..]));
    let host = format!("localhost:{}", address.port());
    assert_eq!(header(&seen.request, "Host"), Some(host.as_str()));
}

#[tokio::test]
async fn address_can_be_the_name_in_a_certificate() {
    let authority = Authority::new();
    let (address, server) = serve(authority.acceptor("127.0.0.1")).await;
    let dialer = Dialer::new().tls_roots(authority.roots());
    assert!(dialer.dial(&format!("wss://{address}/")).await.is_ok());
    assert_eq!(server.await.unwrap().unwrap().server_name, None);
}

#[tokio::test]
async fn expired_certificate_says_since_when() {
    let authority = Authority::new();
    let mut expired = params(&["localhost"]);
    expired.not_before = date_time_ymd(2020, 1, 1);
    expired.not_after = date_time_ymd(2021, 1, 1);
    let dialer = Dialer::new().tls_roots(authority.roots());
    let (error, text) = failure(&dialer, authority.acceptor_with(expired, false)).await;
    let TlsError::Expired {
        seconds: Some(seconds),
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(
        text,
        format!(
            "its certificate expired {} days ago: renew it on the server, or set this computer's clock",
            seconds / 86_400
        )
    );

    let mut early = params(&["localhost"]);
    early.not_before = date_time_ymd(3000, 1, 1);
    early.not_after = date_time_ymd(3001, 1, 1);
    let (error, text) = failure(&dialer, authority.acceptor_with(early, false)).await;
    assert!(matches!(error, TlsError::NotYetValid { seconds: Some(_) }));
    assert!(
        text.ends_with(" days: is this computer's clock right?"),
        "{text}"
    );
}

#[tokio::test]
async fn certificate_for_other_names_says_which() {
    let authority = Authority::new();
    let other = authority.acceptor_with(params(&["a.test", "*.b.test", "127.0.0.1"]), false);
    let dialer = Dialer::new().tls_roots(authority.roots());
    let (error, text) = failure(&dialer, other).await;
    let TlsError::WrongName { names } = error else {
        panic!("{error:?}");
    };
    assert_eq!(names, ["a.test", "*.b.test", "127.0.0.1"]);
    assert_eq!(
        text,
        "its certificate is not for this name, but for a.test, *.b.test, 127.0.0.1: use that name in the URL"
    );
}

#[tokio::test]
async fn row_13_certificate_of_an_unknown_issuer_is_refused() {
    let (authority, other) = (Authority::new(), Authority::named("Other"));
    for dialer in [
        Dialer::new(),
        Dialer::new().tls_roots(other.roots()),
        Dialer::new().tls_roots(TlsRoots::webpki().with_pem(other.pem()).unwrap()),
        Dialer::new().tls_roots(TlsRoots::platform().with_pem(other.pem()).unwrap()),
    ] {
        let (error, text) = failure(&dialer, authority.acceptor("localhost")).await;
        assert!(matches!(error, TlsError::UnknownIssuer), "{error:?}");
        assert_eq!(
            text,
            "nobody who is trusted has signed its certificate: if it is self-signed or from an authority of your own, \
            trust that certificate as a root"
        );
    }
}

#[tokio::test]
async fn authority_that_was_made_anew_is_another() {
    let (old, new) = (Authority::new(), Authority::new());
    let dialer = Dialer::new().tls_roots(old.roots());
    let (error, _) = failure(&dialer, new.acceptor("localhost")).await;
    assert!(matches!(error, TlsError::BadSignature), "{error:?}");
}

#[tokio::test]
async fn row_13_roots_can_be_added_to_any() {
    let authority = Authority::new();
    for roots in [TlsRoots::webpki(), TlsRoots::platform(), TlsRoots::none()] {
        let (address, server) = serve(authority.acceptor("localhost")).await;
        let dialer = Dialer::new().tls_roots(roots.with_pem(authority.pem()).unwrap());
        let url = format!("wss://localhost:{}/", address.port());
        assert!(dialer.dial(&url).await.is_ok());
        assert!(server.await.unwrap().is_some());
    }
}

#[tokio::test]
async fn row_13_client_certificate_is_shown_when_asked_for() {
    let authority = Authority::new();
    let (chain, key) = authority.client();
    let acceptor = || authority.acceptor_with(params(&["localhost"]), true);
    let dialer = Dialer::new().tls_roots(authority.roots());

    let (error, text) = failure(&dialer, acceptor()).await;
    assert!(
        matches!(error, TlsError::ClientCertificateRequired),
        "{error:?}"
    );
    assert_eq!(
        text,
        "it wants a client certificate: set one with its private key"
    );

    let (foreign_chain, foreign_key) = Authority::named("Other").client();
    let foreign = dialer
        .clone()
        .client_certificate(foreign_chain, foreign_key)
        .unwrap();
    let (error, text) = failure(&foreign, acceptor()).await;
    assert!(
        matches!(error, TlsError::ClientCertificateRefused { .. }),
        "{error:?}"
    );
    assert_eq!(
        text,
        "it does not accept the client certificate (UnknownCA)"
    );

    let (address, server) = serve(acceptor()).await;
    let dialer = dialer.client_certificate(chain, key).unwrap();
    let url = format!("wss://localhost:{}/", address.port());
    assert!(dialer.dial(&url).await.is_ok());
    assert_eq!(server.await.unwrap().unwrap().client_certificates, 1);
}

#[tokio::test]
async fn row_13_configuration_can_be_given_but_not_its_alpn() {
    let authority = Authority::new();
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let mut config =
        rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (address, server) = serve(authority.acceptor("localhost")).await;
    let dialer = Dialer::new().tls_config(Arc::new(config));
    let url = format!("wss://localhost:{}/", address.port());
    assert!(dialer.dial(&url).await.is_ok());
    let seen = server.await.unwrap().unwrap();
    assert_eq!(seen.alpn.as_deref(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn any_certificate_is_accepted_where_that_was_asked_for() {
    let (address, server) = serve(Authority::new().acceptor("other.test")).await;
    let dialer = Dialer::new().dangerous_accept_any_certificate();
    assert!(dialer.dial(&format!("wss://{address}/")).await.is_ok());
    assert!(server.await.unwrap().is_some());
}

#[tokio::test]
async fn plain_server_is_told_from_tls() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let hello = stream.read_u8().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        // Until the dialer gives up.
        let _ = stream.read_to_end(&mut Vec::new()).await;
        hello
    });
    let error = Dialer::new()
        .dial(&format!("wss://{address}/"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no TLS connection to 127.0.0.1: what it answered is not TLS: is it ws:// on this port, not wss://?"
    );
    assert_eq!(server.await.unwrap(), 0x16);
}

#[tokio::test]
async fn tls_server_is_told_from_a_plain_one() {
    let (listener, address) = listen().await;
    let alert = "\u{15}\u{3}\u{3}\0\u{2}\u{2}F";
    let server = serve_each(listener, vec![alert.into()]);
    let error = Dialer::new()
        .dial(&format!("ws://{address}/"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the first bytes are not HTTP: is this TLS, or another protocol?"
    );
    assert_eq!(server.await.unwrap().len(), 1);
}

#[test]
fn pem_files_that_are_not_usable_say_why() {
    let authority = Authority::new();
    let (chain, key) = authority.client();
    let (_, other_key) = authority.client();
    let set = |chain: &str, key: &str| {
        let outcome = Dialer::new().client_certificate(chain, key);
        outcome.unwrap_err().to_string()
    };
    assert_eq!(
        set("", &key),
        "the TLS settings are not usable: there is no certificate in the PEM file"
    );
    assert_eq!(
        set(&chain, &chain),
        "the TLS settings are not usable: there is no private key: no items found"
    );
    let text = set(&chain, &other_key);
    assert!(
        text.starts_with("the TLS settings are not usable: "),
        "{text}"
    );
    assert!(matches!(
        TlsRoots::none().with_pem(&key),
        Err(TlsError::Pem { .. })
    ));
}

#[tokio::test]
async fn without_any_root_there_is_no_tls() {
    let (error, text) = {
        let (address, server) = serve(Authority::new().acceptor("localhost")).await;
        let dialer = Dialer::new().tls_roots(TlsRoots::none());
        let outcome = dialer.dial(&format!("wss://{address}/")).await;
        server.await.unwrap();
        match outcome.unwrap_err() {
            DialError::Tls { source, .. } => (source.clone(), source.to_string()),
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(error, TlsError::NoRoots));
    assert!(text.starts_with("no certificate is trusted: "), "{text}");
}
