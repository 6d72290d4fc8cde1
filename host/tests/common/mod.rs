//! A raw client: the tests see bytes, not another WebSocket implementation's view of them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "each test binary uses a part of it"
)]

pub mod binary;

use std::{
    env, fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process, thread,
    time::{Duration, Instant},
};

use sockeye_host::{Address, Engine, EngineOptions, Server, ServerBuilder};

pub const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// RFC 6455 §1.3: the answer to the key above.
pub const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

/// Both engines: what holds for one holds for the other.
pub fn engines() -> [Engine; 2] {
    let mut options = EngineOptions::default();
    options.connections = 256;
    let component = Engine::component(&options).expect("`cargo xtask build` makes the component");
    [Engine::native(), component]
}

/// A builder of a server on a free port.
pub fn builder(engine: Engine) -> ServerBuilder {
    Server::builder(engine)
        .listen(":0".parse().expect("an address"))
        .threads(1.try_into().expect("not zero"))
}

pub fn port(server: &Server) -> SocketAddr {
    server
        .addresses()
        .iter()
        .find_map(|address| match address {
            Address::Tcp(address) => Some(*address),
            _ => None,
        })
        .expect("it listens on TCP")
}

/// Where `cargo xtask build` leaves components.
pub fn component(name: &str) -> PathBuf {
    let variable = format!("SOCKEYE_{}COMPONENT", name);
    let file = match name {
        "" => "endpoint.wasm",
        _ => "faulty.wasm",
    };
    env::var_os(&variable).map_or_else(
        || {
            PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("../target/component")
                .join(file)
        },
        PathBuf::from,
    )
}

pub struct Client<S = TcpStream> {
    pub stream: S,
    read: Vec<u8>,
}

impl Client {
    /// A TCP connection, before its handshake.
    pub fn connect(server: &Server) -> Self {
        Self::connect_to(port(server))
    }

    pub fn connect_to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .expect("a socket has timeouts");
        Self::new(stream)
    }

    /// A connection after its handshake.
    pub fn open(server: &Server) -> Self {
        let mut client = Self::connect(server);
        client.handshake();
        client
    }
}

impl Client {
    /// A connection to this path after its handshake.
    pub fn open_at(address: SocketAddr, path: &str) -> Self {
        let mut client = Self::connect_to(address);
        client.send(REQUEST.replace("/chat", path));
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }
}

impl<S: Read + Write> Client<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            read: Vec::new(),
        }
    }

    pub fn handshake(&mut self) {
        self.send(REQUEST);
        let head = self.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains(ACCEPT), "{head}");
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("it is open");
    }

    /// Reads the head of a response.
    pub fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = self.read.split_off(end + 4);
                let head = std::mem::replace(&mut self.read, rest);
                return String::from_utf8(head).expect("a head is ASCII");
            }
            assert!(self.fill().expect("a response comes") > 0, "it ended");
        }
    }

    /// Reads exactly this many bytes.
    pub fn read_exact(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            assert!(
                self.fill().expect("more comes") > 0,
                "it ended after {:02x?}",
                self.read
            );
        }
        let rest = self.read.split_off(count);
        std::mem::replace(&mut self.read, rest)
    }

    /// Reads until the server ends the stream.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.read))
    }

    /// Whether the server closes without a word.
    pub fn is_closed(&mut self) -> bool {
        match self.fill() {
            Ok(count) => count == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    /// Reads a frame: its first byte and its payload.
    pub fn frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.read_exact(2);
        let length = match head[1] {
            126 => u64::from(u16::from_be_bytes(array(self.read_exact(2)))),
            127 => u64::from_be_bytes(array(self.read_exact(8))),
            length => u64::from(length),
        };
        (head[0], self.read_exact(length as usize))
    }

    /// Reads a text message, in one frame.
    pub fn text(&mut self) -> String {
        let (first, payload) = self.frame();
        let payload = String::from_utf8(payload).expect("text is UTF-8");
        assert_eq!(first, 0x81, "{payload}");
        payload
    }

    pub fn says(&mut self, text: &str) {
        self.send(frame(0x81, text.as_bytes()));
    }

    /// Reads a Close frame and answers it: the code and the reason.
    pub fn closing(&mut self) -> (u16, String) {
        let (first, payload) = self.frame();
        assert_eq!(first, 0x88, "{}", String::from_utf8_lossy(&payload));
        self.send(frame(0x88, &payload[..2]));
        let reason = String::from_utf8(payload[2..].to_vec()).expect("a reason is UTF-8");
        (u16::from_be_bytes([payload[0], payload[1]]), reason)
    }

    pub fn echoes(&mut self, payload: &[u8]) {
        self.send(frame(0x82, payload));
        let expected = unmasked(0x82, payload);
        assert!(self.read_exact(expected.len()) == expected);
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 65_536];
        let count = self.stream.read(&mut buffer)?;
        self.read.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

fn array<const N: usize>(bytes: Vec<u8>) -> [u8; N] {
    bytes.try_into().expect("as many as were asked for")
}

/// Waits until it is so.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(MOMENT);
    }
}

/// An empty directory that is removed in the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("sockeye-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("it can be made");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A client's frame, masked (RFC 6455 §5.3).
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = unmasked(first, payload);
    let start = frame.len() - payload.len();
    frame[1] |= 0x80;
    let key = [0x37, 0xfa, 0x21, 0x3d];
    for (byte, key) in frame[start..].iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
    frame.splice(start..start, key);
    frame
}

/// A server's frame.
pub fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(length as u8),
        length @ 126..=65_535 => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// A Close frame with this code from the server.
pub fn close(code: u16) -> Vec<u8> {
    unmasked(0x88, &code.to_be_bytes())
}

/// Nothing that is expected takes this long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks at something that takes its time.
pub const MOMENT: Duration = Duration::from_millis(5);
