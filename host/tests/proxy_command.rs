//! `sockeye proxy` between raw clients and raw servers.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::{
    fs,
    io::{self, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use common::{
    Client, PATIENCE, REQUEST, Scratch,
    binary::{Sockeye, run},
    close, frame, unmasked,
};
use rcgen::generate_simple_self_signed;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};
use sockeye_inspect::{Capture, Inspector, Options};

/// A proxy in front of a server whose every byte the test chooses.
struct Proxied {
    proxy: Sockeye,
    address: SocketAddr,
    server: TcpListener,
}

impl Proxied {
    fn new(arguments: &[&str]) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let to = format!("ws://{}", server.local_addr().expect("it is bound"));
        let mut proxy = Sockeye::proxy(&[&["--to", &to], arguments].concat());
        let address = proxy.address();
        Self {
            proxy,
            address,
            server,
        }
    }

    /// A connection through the proxy: its two ends.
    fn connect(&self) -> (Client, Client) {
        let client = Client::connect_to(self.address);
        let (stream, _) = self.server.accept().expect("the proxy connects");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket has timeouts");
        (client, Client::new(stream))
    }

    /// The request as the server gets it.
    fn request(&self) -> String {
        let server = self.server.local_addr().expect("it is bound");
        REQUEST.replace("Host: localhost", &format!("Host: {server}"))
    }

    /// A connection after its handshake.
    fn open(&self) -> (Client, Client) {
        let (mut client, mut server) = self.connect();
        client.send(REQUEST);
        assert_eq!(server.head(), self.request());
        server.send(RESPONSE);
        assert_eq!(client.head(), RESPONSE);
        (client, server)
    }
}

const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn inspect(mut bytes: Vec<u8>) -> Capture {
    let mut inspector = Inspector::new(Options::default());
    inspector.push(&mut bytes);
    inspector.finish()
}

/// What is in each frame: direction, first byte's opcode, payload.
fn frames(bytes: &[u8]) -> Vec<(&'static str, u8, Vec<u8>)> {
    let capture = inspect(bytes.to_vec());
    assert_eq!(capture.problems(), &[] as &[String]);
    capture
        .frames(0..u32::MAX)
        .map(|frame| {
            let payload = capture.payload(frame.number, 1 << 20, bytes);
            let payload = payload.expect("it is in the file").data;
            (frame.direction.name(), frame.opcode, payload)
        })
        .collect()
}

/// Bytes without a pattern that a mistake could repeat.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

#[test]
fn bytes_are_relayed_as_they_are() {
    let proxied = Proxied::new(&["--no-page"]);
    let (mut client, mut server) = proxied.open();
    // Neither is a frame for long: reserved bits and opcodes, no masks.
    let [up, down] = [noise(700_000), noise(900_001).split_off(1)];
    let sending = thread::spawn({
        let (up, mut stream) = (
            up.clone(),
            client.stream.try_clone().expect("a socket can be"),
        );
        move || stream.write_all(&up).expect("it is open")
    });
    assert!(server.read_exact(up.len()) == up);
    sending.join().expect("it sends everything");
    let sending = thread::spawn({
        let (down, mut stream) = (
            down.clone(),
            server.stream.try_clone().expect("a socket can be"),
        );
        move || stream.write_all(&down).expect("it is open")
    });
    assert!(client.read_exact(down.len()) == down);
    sending.join().expect("it sends everything");
}

#[test]
fn requests_name_the_server_and_its_path() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let authority = server.local_addr().expect("it is bound");
    for (arguments, host) in [
        (&[] as &[&str], authority.to_string()),
        (&["--keep-host"], "x".into()),
    ] {
        let to = format!("ws://{authority}/chat?a");
        let mut proxy = Sockeye::proxy(&[&["--no-page", "--to", &to], arguments].concat());
        let mut client = Client::connect_to(proxy.address());
        client.send("GET / HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
        let mut server = Client::new(server.accept().expect("the proxy connects").0);
        let expected = format!("GET /chat?a HTTP/1.1\r\nHost: {host}\r\nOrigin: http://x\r\n\r\n");
        assert_eq!(server.head(), expected);
        assert_eq!(server.head(), "GET /b HTTP/1.1\r\n\r\n");
    }
}

#[test]
fn recording_has_every_frame_and_every_violation() {
    let scratch = Scratch::new("proxy-record");
    let path = scratch.0.join("a.pcapng");
    let file = path.to_str().expect("a name is text");
    let proxied = Proxied::new(&["--no-page", "--record", file]);
    let request = proxied.request();
    let (mut client, mut server) = proxied.open();
    let from = client.stream.local_addr().expect("it is connected");
    let (large, mut sent) = (noise(200_000), Vec::new());
    for bytes in [
        frame(0x81, b"Hello"),
        unmasked(0x81, b"no mask"),
        frame(0x82, &large),
        frame(0x88, &1000_u16.to_be_bytes()),
    ] {
        client.send(&bytes);
        sent.extend(bytes);
    }
    client.stream.shutdown(Shutdown::Write).expect("it is open");
    assert!(server.read_to_end().expect("no reset") == sent);
    for bytes in [unmasked(0x89, b"?"), unmasked(0x83, b"3"), close(1000)] {
        server.send(bytes);
    }
    drop(server);
    client.read_to_end().expect("no reset");
    let address = proxied.address;
    let mut proxy = proxied.proxy;
    proxy.signal("TERM");
    let summary = proxy.line();
    assert_eq!(proxy.end().0, Some(0));

    let bytes = fs::read(&path).expect("it is written");
    assert_eq!(
        frames(&bytes),
        [
            ("c2s", 1, b"Hello".to_vec()),
            ("c2s", 1, b"no mask".to_vec()),
            ("c2s", 2, large),
            ("c2s", 8, vec![3, 0xe8]),
            ("s2c", 9, b"?".to_vec()),
            ("s2c", 3, b"3".to_vec()),
            ("s2c", 8, vec![3, 0xe8]),
        ]
    );
    let capture = inspect(bytes);
    let [connection] = capture.connections() else {
        panic!("{} connections", capture.connections().len());
    };
    assert_eq!(
        (connection.client, connection.server),
        (Some(from), Some(address))
    );
    assert_eq!(connection.target(), Some("/chat"));
    assert_eq!(
        connection.end.finished.map(|time| time.is_some()),
        [true; 2]
    );
    let found = |frame| -> Vec<&str> {
        let findings = capture.findings_of(frame);
        findings.map(|finding| finding.rule.id()).collect()
    };
    assert_eq!(found(0), [] as [&str; 0]);
    assert!(found(1).contains(&"frame-mask-missing"), "{:?}", found(1));
    assert!(
        found(5).contains(&"frame-reserved-opcode"),
        "{:?}",
        found(5)
    );
    let (up, down) = (request.len() + sent.len(), RESPONSE.len() + 3 + 3 + 4);
    let expected = format!("1 connection, {up} bytes to the server, {down} bytes to clients; ");
    assert!(
        summary.starts_with(&expected) && summary.ends_with(file),
        "{summary}"
    );
}

type Tls<C> = Client<StreamOwned<C, TcpStream>>;

/// The server's side of TLS on a connection of this listener.
fn accept_tls(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
) -> io::Result<Tls<ServerConnection>> {
    let (stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(session, stream);
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(Client::new(stream))
}

#[test]
fn tls_is_spoken_on_both_sides_and_recorded_in_plain_text() {
    let scratch = Scratch::new("proxy-tls");
    let file = |name: &str| scratch.0.join(name).display().to_string();
    let [certificate, key, record] = ["cert.pem", "key.pem", "a.pcapng"].map(file);
    let certified = generate_simple_self_signed(["localhost".to_owned()]).expect("it is a name");
    fs::write(&certificate, certified.cert.pem()).expect("it can be written");
    fs::write(&key, certified.signing_key.serialize_pem()).expect("it can be written");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = certified.signing_key.serialize_der();
    let server_config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_no_client_auth()
        .with_single_cert(
            vec![certified.cert.der().clone()],
            private.try_into().expect("it is a key"),
        );
    let server_config = Arc::new(server_config.expect("they belong together"));
    let mut roots = RootCertStore::empty();
    roots
        .add(certified.cert.der().clone())
        .expect("it is a certificate");
    let client_config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client_config = Arc::new(client_config);

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let to = format!("wss://localhost:{port}");
    for (trust, is_trusted) in [
        (&["--ca", &certificate] as &[&str], true),
        (&["--insecure"], true),
        (&[], false),
    ] {
        let ours = [
            "--to",
            &to,
            "--no-page",
            "--record",
            &record,
            "--tls-cert",
            &certificate,
            "--tls-key",
            &key,
        ];
        let mut proxy = Sockeye::proxy(&[&ours, trust].concat());
        let line = proxy.line();
        let address = line.strip_prefix("listening on wss://").expect(&line);
        let session = ClientConnection::new(
            Arc::clone(&client_config),
            "localhost".try_into().expect("a name"),
        );
        let stream = TcpStream::connect(address).expect("it listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket has timeouts");
        let mut client = Client::new(StreamOwned::new(session.expect("it is configured"), stream));
        client.send(REQUEST);
        let server = accept_tls(&listener, &server_config);
        if is_trusted {
            let mut server = server.expect("the certificate is accepted");
            let expected = REQUEST.replace("Host: localhost", &format!("Host: localhost:{port}"));
            assert_eq!(server.head(), expected);
            server.send(RESPONSE);
            assert_eq!(client.head(), RESPONSE);
            client.send(frame(0x81, b"secret"));
            assert_eq!(server.read_exact(12), frame(0x81, b"secret"));
            drop(client);
            assert_eq!(server.read_to_end().expect("no reset"), b"");
            drop(server);
            proxy.signal("TERM");
            assert_eq!(proxy.end().0, Some(0));
            let bytes = fs::read(&record).expect("it is written");
            assert_eq!(frames(&bytes), [("c2s", 1, b"secret".to_vec())]);
        } else {
            assert!(client.head().starts_with("HTTP/1.1 502 "));
            proxy.signal("TERM");
            let (code, log) = proxy.end();
            assert_eq!(code, Some(0));
            assert!(log.contains("answered with 502: "), "{log}");
        }
    }
}

/// The page of a proxy, as a browser asks for it.
struct Site {
    address: SocketAddr,
    token: String,
}

impl Site {
    fn of(proxy: &mut Sockeye) -> Self {
        let line = proxy.line();
        let (address, token) = line
            .strip_prefix("page: http://")
            .and_then(|rest| rest.split_once("/#live="))
            .expect(&line);
        Self {
            address: address.parse().expect("an address"),
            token: token.into(),
        }
    }

    /// Asks for a path with these fields: the head of the response, and its body.
    fn get(&self, path: &str, fields: &str) -> (String, Vec<u8>) {
        let mut client = Client::connect_to(self.address);
        client.send(format!(
            "GET {path} HTTP/1.1\r\nConnection: close\r\n{fields}\r\n"
        ));
        (client.head(), client.read_to_end().expect("no reset"))
    }

    fn host(&self) -> String {
        format!("Host: {}\r\n", self.address)
    }

    fn status(&self, path: &str, fields: &str) -> String {
        self.get(path, fields).0[9..12].to_owned()
    }

    fn bearer(&self) -> String {
        format!("{}Authorization: Bearer {}\r\n", self.host(), self.token)
    }

    /// Opens the WebSocket that tells how far the recording is.
    fn live(&self) -> Client {
        let mut client = Client::connect_to(self.address);
        let host = format!("Host: {0}\r\nOrigin: http://{0}\r\n", self.address);
        let offer = format!("Sec-WebSocket-Protocol: sockeye-live, {}\r\n", self.token);
        let request = REQUEST.replace("/chat", "/live");
        client.send(request.replace("Host: localhost\r\n", &(host + &offer)));
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let lower = head.to_ascii_lowercase();
        assert!(
            lower.contains("\r\nsec-websocket-protocol: sockeye-live\r\n"),
            "{head}"
        );
        client
    }
}

/// What a page is told: size, packets, whether it is complete.
fn told(client: &mut Client) -> (u64, u64, bool) {
    let told: serde_json::Value = serde_json::from_str(&client.text()).expect("it is JSON");
    let number = |name: &str| told[name].as_u64().expect("a number");
    (
        number("size"),
        number("packets"),
        told["done"].as_bool().expect("a boolean"),
    )
}

#[test]
fn page_is_for_those_who_know_the_token_only() {
    let mut proxied = Proxied::new(&[]);
    let site = Site::of(&mut proxied.proxy);
    let (host, bearer) = (site.host(), site.bearer());
    let localhost = format!("Host: localhost:{}\r\n", site.address.port());
    for (path, fields, status) in [
        ("/capture.pcapng", bearer.clone(), "200"),
        ("/capture.pcapng", bearer.replace(&host, &localhost), "200"),
        ("/capture.pcapng", host.clone(), "401"),
        (
            "/capture.pcapng",
            format!("{bearer}0\r\n").replace("\r\n0", "0"),
            "401",
        ),
        (
            "/capture.pcapng",
            bearer.replace(&host, "Host: example.com\r\n"),
            "421",
        ),
        (
            "/capture.pcapng",
            format!("{bearer}Origin: http://example.com\r\n"),
            "403",
        ),
        ("/live", bearer.clone(), "401"),
        (
            "/live",
            format!("{host}Sec-WebSocket-Protocol: {}\r\n", site.token),
            "426",
        ),
        (
            "/live",
            format!(
                "{host}Origin: null\r\nSec-WebSocket-Protocol: {}\r\n",
                site.token
            ),
            "403",
        ),
        ("/", "Host: example.com\r\n".into(), "421"),
        ("/../Cargo.toml", host.clone(), "404"),
    ] {
        assert_eq!(site.status(path, &fields), status, "{path} {fields}");
    }
    let (head, _) = site.get("/", &host);
    assert!(head.contains("frame-ancestors 'none'"), "{head}");
    proxied.proxy.signal("TERM");
    let (code, log) = proxied.proxy.end();
    assert_eq!(code, Some(0));
    assert!(!log.contains(&site.token));
}

#[test]
fn page_follows_the_recording_to_its_end() {
    let scratch = Scratch::new("proxy-page");
    let path = scratch.0.join("a.pcapng");
    let mut proxied = Proxied::new(&["--record", path.to_str().expect("a name is text")]);
    let site = Site::of(&mut proxied.proxy);
    let mut live = site.live();
    let (mut size, mut packets, done) = told(&mut live);
    assert_eq!((packets, done), (0, false));
    let (mut client, mut server) = proxied.open();
    client.send(frame(0x81, b"Hello"));
    server.read_exact(11);
    // SYN, SYN and ACK, ACK, request, response, frame.
    while packets < 6 {
        let (larger, more, done) = told(&mut live);
        assert!(larger > size && more > packets && !done);
        (size, packets) = (larger, more);
    }
    let file = fs::read(&path).expect("it is there");
    assert_eq!(file.len() as u64, size);
    assert_eq!(frames(&file), [("c2s", 1, b"Hello".to_vec())]);
    let bearer = site.bearer();
    for (range, status, bytes) in [
        ("bytes=0-27", "206", &file[..28]),
        ("bytes=28-", "206", &file[28..]),
        ("bytes=-5", "206", &file[file.len() - 5..]),
        ("bytes=4-4000000", "206", &file[4..]),
        ("bytes=4000000-", "416", b""),
        ("pages=1-2", "200", &file),
    ] {
        let (head, body) = site.get("/capture.pcapng", &format!("{bearer}Range: {range}\r\n"));
        assert_eq!(&head[9..12], status, "{range}");
        assert!(body == bytes, "{range}");
    }
    let (head, _) = site.get("/capture.pcapng", &format!("{bearer}Range: bytes=2-4\r\n"));
    let lower = head.to_ascii_lowercase();
    assert!(
        lower.contains(&format!("\r\ncontent-range: bytes 2-4/{size}\r\n")),
        "{head}"
    );

    drop((client, server));
    proxied.proxy.signal("TERM");
    let end = loop {
        match told(&mut live) {
            (size, packets, true) => break (size, packets),
            _ => continue,
        }
    };
    assert_eq!(live.closing(), (1000, String::new()));
    // What the page has not read yet is still there for a moment.
    let (_, body) = site.get("/capture.pcapng", &bearer);
    assert_eq!(body.len() as u64, end.0);
    assert_eq!(proxied.proxy.end().0, Some(0));
    assert!(fs::read(&path).expect("it is there") == body);
}

#[test]
fn page_is_never_open_to_others() {
    let output = run(&["proxy", "--to", "ws://localhost:1", "--page", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("the page is for this machine only"), "{text}");
}

/// Memory that a process has, in bytes.
fn memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let size = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    size.expect("Linux says so") << 10
}

#[test]
fn server_waits_for_a_client_that_is_slow() {
    let proxied = Proxied::new(&["--no-page"]);
    let (mut client, server) = proxied.open();
    let before = memory(proxied.proxy.id());
    let piece = noise(1 << 20);
    let mut stream = server.stream;
    stream
        .set_write_timeout(Some(Duration::from_secs(1)))
        .expect("a socket has timeouts");
    let mut total = 0;
    // What the kernel buffers is a few megabytes on each side.
    let stalled = loop {
        assert!(total < 256 << 20, "nothing makes it wait");
        match stream.write(&piece[total % piece.len()..]) {
            Ok(count) => total += count,
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(stalled, io::ErrorKind::WouldBlock);
    let grown = memory(proxied.proxy.id()).saturating_sub(before);
    assert!(grown < 4 << 20, "it grew by {grown} bytes for {total}");
    stream.shutdown(Shutdown::Write).expect("it is open");
    let received = client.read_to_end().expect("no reset");
    assert_eq!(received.len(), total);
    assert!(
        received
            .chunks(piece.len())
            .all(|chunk| *chunk == piece[..chunk.len()])
    );
}

#[test]
fn each_direction_ends_by_itself() {
    let proxied = Proxied::new(&["--no-page"]);
    let (mut client, mut server) = proxied.open();
    client.stream.shutdown(Shutdown::Write).expect("it is open");
    assert!(server.is_closed());
    server.send(unmasked(0x81, b"still here"));
    assert_eq!(client.read_exact(12), unmasked(0x81, b"still here"));
    drop(server);
    assert!(client.is_closed());

    let (mut client, mut server) = proxied.open();
    server.stream.shutdown(Shutdown::Write).expect("it is open");
    assert!(client.is_closed());
    client.send(frame(0x81, b"still here"));
    assert_eq!(server.read_exact(16), frame(0x81, b"still here"));
}

#[test]
fn broken_connection_is_broken_on_the_other_side_too() {
    let proxied = Proxied::new(&["--no-page"]);
    let (client, mut server) = proxied.open();
    // What was not read makes the kernel send a reset.
    server.send(b"unread");
    assert_eq!(client.stream.peek(&mut [0; 8]).expect("it comes"), 6);
    drop(client);
    let error = server.read_to_end().expect_err("a reset comes");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn client_is_told_that_there_is_no_server() {
    let scratch = Scratch::new("proxy-502");
    let path = scratch.0.join("a.pcapng");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let to = format!("ws://{}", free.expect("a port is free"));
    let file = path.to_str().expect("a name is text");
    let mut proxy = Sockeye::proxy(&["--to", &to, "--no-page", "--record", file]);
    let mut client = Client::connect_to(proxy.address());
    client.send(REQUEST);
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{head}");
    let body = client.read_to_end().expect("no reset");
    let body = String::from_utf8(body).expect("it is text");
    assert!(
        body.starts_with(&format!("sockeye proxy has no connection to {to}/: ")),
        "{body}"
    );
    drop(client);
    proxy.signal("TERM");
    let (code, log) = proxy.end();
    assert_eq!(code, Some(0));
    assert!(log.contains("answered with 502: "), "{log}");
    let capture = inspect(fs::read(&path).expect("it is written"));
    let handshake = capture.connections()[0]
        .handshake
        .as_ref()
        .expect("it is recorded");
    assert!(handshake.response.starts_with(b"HTTP/1.1 502 "));
}

#[test]
fn signal_ends_connections_and_completes_the_recording() {
    let scratch = Scratch::new("proxy-term");
    let path = scratch.0.join("a.pcapng");
    let file = path.to_str().expect("a name is text");
    let proxied = Proxied::new(&["--drain", "0s", "--no-page", "--record", file]);
    let (mut client, mut server) = proxied.open();
    client.send(frame(0x81, b"last"));
    assert_eq!(server.read_exact(10), frame(0x81, b"last"));
    proxied.proxy.signal("TERM");
    assert_eq!(client.read_to_end().expect("no reset"), b"");
    assert_eq!(server.read_to_end().expect("no reset"), b"");
    assert_eq!(proxied.proxy.end().0, Some(0));
    let bytes = fs::read(&path).expect("it is written");
    assert_eq!(frames(&bytes), [("c2s", 1, b"last".to_vec())]);
    let capture = inspect(bytes);
    let end = &capture.connections()[0].end;
    assert_eq!(end.finished.map(|time| time.is_some()), [true; 2]);
    assert_eq!(end.reset, None);
}

#[test]
fn connections_beyond_the_maximum_are_closed() {
    let proxied = Proxied::new(&["--no-page", "--max-connections", "1"]);
    let (client, server) = proxied.open();
    assert!(Client::connect_to(proxied.address).is_closed());
    drop((client, server));
}
