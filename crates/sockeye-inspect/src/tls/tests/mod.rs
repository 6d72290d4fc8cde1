//! Real connections of rustls, in memory, with their key log.

mod captures;
mod conversation;
mod failures;

use std::sync::{Arc, Mutex, OnceLock};

use rustls::{
    CipherSuite, ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig,
    ServerConnection, SupportedCipherSuite,
    crypto::{CryptoProvider, SupportedKxGroup, ring},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};

use super::*;

/// What is on the wire: from whom, and the bytes.
type Wire = Vec<(bool, Vec<u8>)>;

/// The text of a key log.
#[derive(Debug, Default)]
struct Log(Mutex<String>);

impl rustls::KeyLog for Log {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        self.0.lock().expect("unpoisoned").push_str(&line);
    }
}

impl Log {
    fn text(&self) -> String {
        self.0.lock().expect("unpoisoned").clone()
    }

    fn parsed(&self) -> KeyLog {
        let mut log = KeyLog::new();
        log.extend(self.text().as_bytes());
        log
    }
}

/// The two sides, and what went between them.
struct Session {
    client: Connection,
    server: Connection,
    wire: Wire,
    /// What the client said, and what the server said.
    said: [Vec<u8>; 2],
    log: Arc<Log>,
}

/// How the sides are set up.
struct Setup {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    log: Arc<Log>,
}

fn suite(id: CipherSuite) -> SupportedCipherSuite {
    *ring::ALL_CIPHER_SUITES
        .iter()
        .find(|suite| suite.suite() == id)
        .expect("ring has it")
}

impl Setup {
    fn new(id: CipherSuite, server_groups: Vec<&'static dyn SupportedKxGroup>) -> Self {
        static CERTIFICATE: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
        let (certificate, key) = CERTIFICATE.get_or_init(|| {
            let made = rcgen::generate_simple_self_signed(["localhost".into()]).expect("made");
            (made.cert.der().to_vec(), made.signing_key.serialize_der())
        });
        let certificate = CertificateDer::from(certificate.clone());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));

        let mut provider = ring::default_provider();
        provider.cipher_suites = vec![suite(id)];
        let version = if suite(id).tls13().is_some() {
            &TLS13
        } else {
            &TLS12
        };
        let for_server = CryptoProvider {
            kx_groups: server_groups,
            ..provider.clone()
        };
        let log = Arc::new(Log::default());
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).expect("it is a certificate");
        let mut client = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .expect("the suite fits")
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.key_log = log.clone();
        client.enable_early_data = true;
        let mut server = ServerConfig::builder_with_provider(Arc::new(for_server))
            .with_protocol_versions(&[version])
            .expect("the suite fits")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("the key fits");
        server.max_early_data_size = 16_384;
        Self {
            client: Arc::new(client),
            server: Arc::new(server),
            log,
        }
    }

    fn session(&self) -> Session {
        let name = "localhost".try_into().expect("a name");
        Session {
            client: ClientConnection::new(self.client.clone(), name)
                .expect("configured")
                .into(),
            server: ServerConnection::new(self.server.clone())
                .expect("configured")
                .into(),
            wire: Vec::new(),
            said: [Vec::new(), Vec::new()],
            log: self.log.clone(),
        }
    }
}

impl Session {
    fn new(id: CipherSuite) -> Self {
        Setup::new(id, ring::ALL_KX_GROUPS.to_vec()).session()
    }

    /// Hands over what the sides have to say, until they have nothing.
    fn exchange(&mut self) {
        loop {
            let mut silent = true;
            for from_client in [true, false] {
                let (from, to) = if from_client {
                    (&mut self.client, &mut self.server)
                } else {
                    (&mut self.server, &mut self.client)
                };
                let mut bytes = Vec::new();
                while from.wants_write() {
                    from.write_tls(&mut bytes).expect("a vector takes all");
                }
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    to.read_tls(&mut rest).expect("it is read");
                    to.process_new_packets().expect("it is valid");
                    let mut plain = Vec::new();
                    let _ = std::io::Read::read_to_end(&mut to.reader(), &mut plain);
                }
                if !bytes.is_empty() {
                    self.wire.push((from_client, bytes));
                    silent = false;
                }
            }
            if silent {
                return;
            }
        }
    }

    fn say(&mut self, from_client: bool, text: &[u8]) {
        for piece in text.chunks(10_000) {
            let side = if from_client {
                &mut self.client
            } else {
                &mut self.server
            };
            std::io::Write::write_all(&mut side.writer(), piece).expect("it is buffered");
            self.exchange();
        }
        let side = usize::from(!from_client);
        self.said[side].extend_from_slice(text);
    }

    /// A handshake, and some messages of both sides, of 1 to 70,000 bytes.
    fn talk(&mut self) {
        self.exchange();
        self.say(true, b"GET /chat HTTP/1.1\r\n\r\n");
        self.say(false, b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
        for len in [1, 100, 16_384, 70_000] {
            self.say(true, &vec![len as u8; len]);
            self.say(false, &vec![!(len as u8); len]);
        }
    }
}

/// Decrypts what was on the wire, in pieces of at most `size`.
fn decrypt(wire: &Wire, size: usize, keys: &KeyLog) -> ([Vec<u8>; 2], Tls) {
    let mut tls = Tls::new();
    let mut plain = [Vec::new(), Vec::new()];
    for (from_client, bytes) in wire {
        for piece in bytes.chunks(size) {
            let plain = &mut plain[usize::from(!from_client)];
            tls.receive(*from_client, piece, keys, plain)
                .expect("it decrypts");
        }
    }
    (plain, tls)
}
