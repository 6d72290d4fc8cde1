//! TLS: the same server behind a certificate.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::{
    fs,
    io::{self, Read},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use common::{Client, builder, engines, frame, port, unmasked};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::CertificateDer,
};
use sockeye_host::{Server, TlsAcceptor};

type TlsStream = StreamOwned<ClientConnection, TcpStream>;
type TlsClient = Client<TlsStream>;

fn connect(server: &Server, certificate: &CertificateDer<'static>) -> TlsClient {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("it is a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = "localhost".try_into().expect("it is a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("it is configured");
    let stream = TcpStream::connect(port(server)).expect("it listens");
    Client::new(StreamOwned::new(session, stream))
}

fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("it is a name")
}

fn acceptor(certified: &CertifiedKey<KeyPair>) -> TlsAcceptor {
    TlsAcceptor::new(
        vec![certified.cert.der().clone()],
        certified
            .signing_key
            .serialize_der()
            .try_into()
            .expect("it is a key"),
    )
    .expect("they belong together")
}

#[test]
fn messages_of_every_size_come_back_over_tls() {
    for engine in engines() {
        let certified = certificate();
        let server = builder(engine)
            .tls(acceptor(&certified))
            .start()
            .expect("it starts");
        let mut client = connect(&server, certified.cert.der());
        client.handshake();
        assert_eq!(client.stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        for size in [0, 125, 65_536, 1 << 20] {
            client.echoes(&vec![7; size]);
        }
        client.send(frame(0x88, &1000_u16.to_be_bytes()));
        // The end is TLS's own: close_notify, without which this would be an error.
        assert_eq!(
            client.read_to_end().expect("no truncation"),
            unmasked(0x88, &1000_u16.to_be_bytes())
        );
    }
}

#[test]
fn tls_peer_that_does_not_read_is_not_read_from() {
    for engine in engines() {
        let certified = certificate();
        let server = builder(engine)
            .tls(acceptor(&certified))
            .start()
            .expect("it starts");
        let mut client = connect(&server, certified.cert.der());
        client.handshake();
        client.stream.sock.set_nonblocking(true).expect("it can be");
        let message = frame(0x82, &[7; 16_384]);
        let mut sent = 0;
        let mut idle = 0;
        while idle < 20 {
            assert!(sent < 4096, "the server takes without end");
            match io::Write::write_all(&mut client.stream.conn.writer(), &message) {
                Ok(()) => sent += 1,
                Err(error) => panic!("{error}"),
            }
            while client.stream.conn.wants_write() && idle < 20 {
                match client.stream.conn.write_tls(&mut client.stream.sock) {
                    Ok(_) => idle = 0,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        idle += 1;
                        thread::sleep(Duration::from_millis(20));
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
        // Nothing was lost.
        let expected = unmasked(0x82, &[7; 16_384]);
        let mut received = Vec::new();
        let start = Instant::now();
        while received.len() < sent * expected.len() {
            assert!(start.elapsed() < common::PATIENCE, "{}", received.len());
            let TlsStream { conn, sock } = &mut client.stream;
            let moved = [
                conn.write_tls(sock).is_ok_and(|count| count > 0),
                conn.read_tls(sock).is_ok_and(|count| count > 0),
            ];
            conn.process_new_packets().expect("it is TLS");
            // `WouldBlock` is all that can go wrong here, and leaves what was read.
            let _ = conn.reader().read_to_end(&mut received);
            if moved == [false, false] {
                thread::sleep(Duration::from_millis(1));
            }
        }
        assert!(received.chunks(expected.len()).all(|echo| echo == expected));
    }
}

#[test]
fn client_without_tls_is_closed() {
    for engine in engines() {
        let certified = certificate();
        let server = builder(engine)
            .tls(acceptor(&certified))
            .start()
            .expect("it starts");
        let mut client = Client::connect(&server);
        client.send(common::REQUEST);
        let answer = client.read_to_end().unwrap_or_default();
        // A TLS alert at most.
        assert!(answer.is_empty() || answer[0] == 0x15, "{answer:02x?}");
    }
}

#[test]
fn wrong_files_are_named() {
    let folder = std::env::temp_dir().join(format!("sockeye-tls-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("it can be made");
    let write = |name: &str, content: &str| -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, content).expect("it can be written");
        path
    };
    let certified = certificate();
    let certificate_file = write("cert.pem", &certified.cert.pem());
    let key = write("key.pem", &certified.signing_key.serialize_pem());
    let other_key = write("other.pem", &certificate().signing_key.serialize_pem());
    let nothing = write("nothing.pem", "nothing");
    let missing = folder.join("missing.pem");
    let error = |certificates: &Path, key: &Path| {
        TlsAcceptor::from_files(certificates, key)
            .expect_err("something is wrong")
            .to_string()
    };
    TlsAcceptor::from_files(&certificate_file, &key).expect("nothing is wrong");
    for (message, expected) in [
        (
            error(&missing, &key),
            format!("{} cannot be read: ", missing.display()),
        ),
        (
            error(&certificate_file, &missing),
            format!("{} cannot be read: ", missing.display()),
        ),
        (
            error(&nothing, &key),
            format!("{} holds no certificate in PEM", nothing.display()),
        ),
        (
            error(&certificate_file, &nothing),
            format!("{} holds no private key in PEM", nothing.display()),
        ),
        (
            error(&certificate_file, &other_key),
            format!(
                "{} is not the key of {}",
                other_key.display(),
                certificate_file.display()
            ),
        ),
    ] {
        assert!(message.starts_with(&expected), "{message}");
    }
    fs::remove_dir_all(&folder).expect("it is there");
}
