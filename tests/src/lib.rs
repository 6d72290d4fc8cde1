//! A running `sockeye serve` and a client made of nothing but a socket: bytes go out as they are written in the test.

use core::{net::SocketAddr, time::Duration};
use std::{
    env, fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Instant,
};

/// Nothing that a test waits for takes longer, unless it says so.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Where the protocol may run.
pub const ENGINES: [&str; 2] = ["component", "native"];

/// A server process, killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts `sockeye serve` on a free port with this engine and these arguments.
    ///
    /// # Panics
    ///
    /// When there is no binary, or it does not listen in time.
    #[must_use]
    pub fn start(engine: &str, arguments: &[&str]) -> Self {
        let binary = binary();
        let mut child = Command::new(&binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--threads", "1"])
            .args(["--engine", engine, "--log", "warn"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", binary.display()));
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("listening on ws://") {
                    // The test may have failed in the meantime.
                    sender.send(address.trim_end_matches('/').parse()).ok();
                }
            }
        });
        let address = receiver
            .recv_timeout(PATIENCE)
            .expect("the server says where it listens")
            .expect("that is an address");
        Self { child, address }
    }

    /// A connection to the server, without any handshake.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("an option");
        Client { stream }
    }

    /// A connection after its opening handshake.
    ///
    /// # Panics
    ///
    /// When the server does not answer as RFC 6455 §1.3 has it.
    #[must_use]
    pub fn open(&self) -> Client {
        let mut client = self.connect();
        client.send(&request(""));
        client.expect(RESPONSE.as_bytes());
        client
    }

    /// Asserts that the server still does what it is there for.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn assert_serving(&self) {
        let mut client = self.open();
        client.send(&frame(0x81, b"still there?"));
        assert_eq!(client.read_frame(), (0x81, b"still there?".to_vec()));
    }

    /// Bytes of memory that the process has resident.
    ///
    /// # Panics
    ///
    /// When the system does not tell.
    #[must_use]
    pub fn resident(&self) -> usize {
        let status = fs::read_to_string(self.proc("status")).expect("a running process");
        let kibibytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|value| value.trim().strip_suffix(" kB"))
            .and_then(|value| value.parse::<usize>().ok())
            .expect("VmRSS in /proc");
        kibibytes << 10
    }

    /// How many files and sockets the process has open.
    ///
    /// # Panics
    ///
    /// When the system does not tell.
    #[must_use]
    pub fn open_files(&self) -> usize {
        fs::read_dir(self.proc("fd"))
            .expect("a running process")
            .count()
    }

    /// Asks the process to end, as an operating system does, and waits for it.
    ///
    /// # Panics
    ///
    /// When it does not end within this time.
    pub fn terminate(&mut self, within: Duration) -> ExitStatus {
        let kill = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(kill.expect("kill").success());
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(start.elapsed() < within, "the server does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc")
            .join(self.child.id().to_string())
            .join(file)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The binary under test.
fn binary() -> PathBuf {
    let binary = match env::var_os("SOCKEYE_BIN") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/sockeye"),
    };
    assert!(
        binary.is_file(),
        "{} does not exist: build it with `cargo xtask build --release`, or name another one in SOCKEYE_BIN",
        binary.display()
    );
    binary
}

/// A client made of a socket.
#[derive(Debug)]
pub struct Client {
    /// The socket.
    pub stream: TcpStream,
}

impl Client {
    /// Writes all of this.
    ///
    /// # Panics
    ///
    /// When the server does not take it.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Asserts that these bytes come next.
    ///
    /// # Panics
    ///
    /// When others do, or none.
    #[track_caller]
    pub fn expect(&mut self, bytes: &[u8]) {
        let mut received = vec![0; bytes.len()];
        self.stream
            .read_exact(&mut received)
            .expect("bytes from the server");
        assert_eq!(
            String::from_utf8_lossy(&received),
            String::from_utf8_lossy(bytes)
        );
        assert_eq!(received, bytes);
    }

    /// Reads a frame: its first byte and its payload, which a server does not mask.
    ///
    /// # Panics
    ///
    /// When none comes, or a masked one.
    #[track_caller]
    pub fn read_frame(&mut self) -> (u8, Vec<u8>) {
        let [first, second] = self.read();
        let len = match second {
            126 => usize::from(u16::from_be_bytes(self.read())),
            127 => u64::from_be_bytes(self.read()) as usize,
            len => usize::from(len),
        };
        assert!(second < 128, "a server does not mask");
        let mut payload = vec![0; len];
        self.stream.read_exact(&mut payload).expect("a payload");
        (first, payload)
    }

    #[track_caller]
    fn read<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).expect("a frame");
        bytes
    }

    /// Asserts that a Close frame with this code comes next, and returns its reason.
    ///
    /// # Panics
    ///
    /// When something else comes.
    #[track_caller]
    pub fn expect_close(&mut self, code: u16) -> String {
        let (first, payload) = self.read_frame();
        assert_eq!(first, 0x88, "{payload:02x?}");
        let (received, reason) = payload.split_first_chunk().expect("a code");
        assert_eq!(u16::from_be_bytes(*received), code);
        String::from_utf8(reason.to_vec()).expect("a reason in UTF-8")
    }

    /// Everything up to the end of the stream.
    ///
    /// # Panics
    ///
    /// When the stream does not end in time, or breaks.
    #[track_caller]
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.stream
            .read_to_end(&mut bytes)
            .expect("the end of the stream");
        bytes
    }

    /// Asserts that nothing more comes, and that the server ends the connection.
    ///
    /// # Panics
    ///
    /// When something comes, or nothing and no end.
    #[track_caller]
    pub fn expect_end(&mut self) {
        assert_eq!(self.read_to_end(), b"");
    }

    /// Writes this again and again without ever reading, until the server takes no more of it or `most` bytes are written. Returns how
    /// many.
    ///
    /// # Panics
    ///
    /// When the connection breaks.
    #[track_caller]
    pub fn flood(&mut self, bytes: &[u8], most: usize) -> usize {
        let stalled = Some(Duration::from_secs(1));
        self.stream.set_write_timeout(stalled).expect("a timeout");
        let mut written = 0;
        let mut rest = bytes;
        while written < most {
            match self.stream.write(rest) {
                Ok(len) => {
                    written += len;
                    rest = &rest[len..];
                    if rest.is_empty() {
                        rest = bytes;
                    }
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    break;
                }
                Err(error) => panic!("after {written} bytes: {error}"),
            }
        }
        written
    }
}

/// The request of RFC 6455 §1.2, with these lines more.
#[must_use]
pub fn request(lines: &str) -> Vec<u8> {
    format!(
        "GET /chat HTTP/1.1\r\n\
         Host: server.example.com\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\
         {lines}\r\n"
    )
    .into_bytes()
}

/// The response of RFC 6455 §1.3.
pub const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    \r\n";

/// A frame, masked with 37 fa 21 3d.
#[must_use]
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(KEY);
    let masked = payload.iter().zip(KEY.iter().cycle());
    frame.extend(masked.map(|(byte, key)| byte ^ key));
    frame
}

/// DEFLATE that inflates to `len` zeros: fixed codes, a zero, and matches of 258 bytes at distance 1 of 13 bits each.
#[must_use]
pub fn bomb(len: usize) -> Vec<u8> {
    let mut bits = vec![false, true, false]; // Not the final block; BTYPE 01, low bit first.
    let mut code =
        |value: u16, len: u16| bits.extend((0..len).rev().map(|at| value >> at & 1 != 0));
    code(0x30, 8); // The literal 0.
    for _ in 0..len / 258 {
        code(0xC5, 8); // Length 258.
        code(0, 5); // Distance 1.
    }
    code(0, 7); // The end of the block.
    code(0, 3); // The header of an empty stored block, whose rest is not sent.
    let byte = |bits: &[bool]| (bits.iter().rev()).fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    bits.chunks(8).map(byte).collect()
}
