//! Servers for `sockeye dial` whose every byte the test chooses, and the client as a process.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "each test binary uses a part of it"
)]

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use sockeye::{ServerHandshake, UpgradeOptions};

pub const ENGINES: [&str; 2] = ["component", "native"];

/// What a run of the client came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    pub status: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Run {
    pub fn text(&self) -> &str {
        str::from_utf8(&self.stdout).expect("it is text")
    }

    #[track_caller]
    pub fn is(&self, status: i32, stdout: &str, stderr: &str) {
        assert_eq!(
            (
                self.status,
                String::from_utf8_lossy(&self.stdout).as_ref(),
                self.stderr.as_str()
            ),
            (Some(status), stdout, stderr)
        );
    }
}

/// The client, away from the user's own files and proxies.
pub fn dial(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.arg("dial").args(arguments);
    for name in [
        "ALL_PROXY",
        "all_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "RUST_LOG",
        "NO_COLOR",
    ] {
        command.env_remove(name);
    }
    command
        .env("XDG_STATE_HOME", std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the client with this input until it ends.
pub fn run(arguments: &[&str], stdin: &[u8]) -> Run {
    let mut child = dial(arguments).spawn().expect("it can be run");
    let mut pipe = child.stdin.take().expect("it is piped");
    let stdin = stdin.to_vec();
    let writer = thread::spawn(move || {
        // It may end before it has read everything.
        let _ = pipe.write_all(&stdin);
    });
    let run = finish(child);
    writer.join().expect("it does not panic");
    run
}

/// Waits for the end of the client.
pub fn finish(mut child: Child) -> Run {
    fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).expect("a pipe can be read");
            bytes
        })
    }
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            break status;
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let bytes = |pipe: Option<JoinHandle<Vec<u8>>>| {
        pipe.map(|pipe| pipe.join().expect("it does not panic"))
            .unwrap_or_default()
    };
    Run {
        status: status.code(),
        stdout: bytes(stdout),
        stderr: String::from_utf8(bytes(stderr)).expect("it is text"),
    }
}

/// A server that does for each connection what its script says.
pub struct Peer {
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Serves `count` connections, one after the other; the script is told which one it is.
    pub fn new(count: usize, script: impl Fn(usize, Conn) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let thread = thread::spawn(move || {
            for index in 0..count {
                let (stream, _) = listener.accept().expect("a client comes");
                stream
                    .set_read_timeout(Some(PATIENCE))
                    .expect("a socket has timeouts");
                script(index, Conn::new(stream));
            }
        });
        Self {
            address,
            thread: Some(thread),
        }
    }

    /// Serves one connection whose handshake is done as any server would.
    pub fn open(script: impl Fn(Conn) + Send + 'static) -> Self {
        Self::new(1, move |_, mut conn| {
            conn.accept("");
            script(conn);
        })
    }

    /// Answers every request with these bytes.
    pub fn answer(response: &'static str) -> Self {
        Self::new(1, move |_, mut conn| {
            conn.request();
            conn.write(response);
        })
    }

    pub fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the script to have ended: what it asserts, holds.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the script runs to its end");
        }
    }
}

/// One connection of a server.
pub struct Conn {
    stream: TcpStream,
    read: Vec<u8>,
    unsent: Vec<u8>,
}

impl Conn {
    const fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            read: Vec::new(),
            unsent: Vec::new(),
        }
    }

    /// Reads the request.
    pub fn request(&mut self) -> sockeye::Request {
        let mut handshake = ServerHandshake::new();
        let options = UpgradeOptions::new();
        loop {
            let mut input = self.read.as_slice();
            let request = handshake.receive(&mut input, &options);
            self.read = input.to_vec();
            if let Some(request) = request.expect("it is a request") {
                return request;
            }
            self.fill();
        }
    }

    /// Does the handshake, with these header fields in the response; returns the request.
    pub fn accept(&mut self, fields: &str) -> sockeye::Request {
        let request = self.request();
        self.write(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n{fields}\r\n",
            request.accept_key()
        ));
        request
    }

    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("it is open");
    }

    /// Sends a frame.
    pub fn frame(&mut self, first: u8, payload: &[u8]) {
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
        self.write(frame);
    }

    /// Sends binary messages until the client takes no more for a second; returns how many bytes it took. What is left of the frame that
    /// was under way is kept for [`go_on`](Self::go_on).
    pub fn frames_until_stalled(&mut self, count: usize, payload: &[u8]) -> usize {
        self.stream
            .set_write_timeout(Some(Duration::from_secs(1)))
            .expect("a socket has timeouts");
        let mut frame = vec![0x82, 127];
        frame.extend((payload.len() as u64).to_be_bytes());
        frame.extend_from_slice(payload);
        let mut total = 0;
        for _ in 0..count {
            let mut rest = frame.as_slice();
            while !rest.is_empty() {
                match self.stream.write(rest) {
                    Ok(sent) => {
                        total += sent;
                        rest = &rest[sent..];
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.unsent = rest.to_vec();
                        return total;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
        total
    }

    /// Sends the rest of the frame at which it stalled.
    pub fn go_on(&mut self) {
        self.stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a socket has timeouts");
        let rest = std::mem::take(&mut self.unsent);
        self.write(rest);
    }

    pub fn close(&mut self, code: u16, reason: &str) {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(reason.as_bytes());
        self.frame(0x88, &payload);
    }

    /// Reads a frame: its first byte, and its payload unmasked.
    pub fn next(&mut self) -> (u8, Vec<u8>) {
        let head = self.take(2);
        assert!(head[1] & 0x80 != 0, "a client masks");
        let length = match head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes(
                self.take(2).try_into().expect("two bytes"),
            )),
            127 => u64::from_be_bytes(self.take(8).try_into().expect("eight bytes")),
            length => u64::from(length),
        };
        let key = self.take(4);
        let mut payload = self.take(length as usize);
        for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
            *byte ^= key;
        }
        (head[0], payload)
    }

    /// Reads the client's Close frame, answers it, and waits for the end.
    pub fn answer_close(&mut self, code: u16) {
        assert_eq!(self.next(), (0x88, code.to_be_bytes().to_vec()));
        self.frame(0x88, &code.to_be_bytes());
        self.end();
    }

    /// Sends messages back until the client closes.
    pub fn echo(&mut self) {
        loop {
            let (first, payload) = self.next();
            match first {
                0x89 => self.frame(0x8a, &payload),
                _ => self.frame(first, &payload),
            }
            if first == 0x88 {
                return self.end();
            }
        }
    }

    /// Ends our side and waits for the client to have ended its own.
    pub fn end(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        self.wait_for_the_end();
    }

    /// Waits for the client to have gone.
    pub fn wait_for_the_end(&mut self) {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            self.fill();
        }
        let rest = self.read.split_off(count);
        std::mem::replace(&mut self.read, rest)
    }

    fn fill(&mut self) {
        let mut buffer = [0; 65_536];
        let count = self.stream.read(&mut buffer).expect("more comes");
        assert!(count > 0, "the client ended");
        self.read.extend_from_slice(&buffer[..count]);
    }
}

/// A directory of its own for a test, removed with it.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "sockeye-dial-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("there is room for it");
        Self(path)
    }

    pub fn file(&self, name: &str) -> String {
        let path = self.0.join(name);
        path.to_str().expect("it is text").into()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.file(name);
        std::fs::write(&path, bytes).expect("there is room for it");
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Nothing that is expected takes this long.
pub const PATIENCE: Duration = Duration::from_secs(30);
