//! Captures whose every byte the test chooses, and `sockeye inspect` as a process.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "each test binary uses a part of it"
)]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use sockeye_inspect::{
    Direction::{self, ToClient, ToServer},
    Timestamp,
    write::{Conversation, LinkType, Packet, PcapNgWriter, Section},
};

/// What a run came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    #[track_caller]
    pub fn is(&self, status: i32, stdout: &str, stderr: &str) {
        assert_eq!(
            (self.stdout.as_str(), self.stderr.as_str(), self.status),
            (stdout, stderr, Some(status))
        );
    }
}

/// Runs `sockeye inspect` in this directory.
pub fn inspect(directory: &Directory, arguments: &[&str]) -> Run {
    inspect_with(directory, arguments, b"")
}

/// Runs it with this on stdin.
pub fn inspect_with(directory: &Directory, arguments: &[&str], stdin: &[u8]) -> Run {
    let mut child = command(directory, arguments)
        .spawn()
        .expect("it can be run");
    let mut pipe = child.stdin.take().expect("it is piped");
    let stdin = stdin.to_vec();
    let writer = thread::spawn(move || {
        // It may end before it has read everything.
        let _ = pipe.write_all(&stdin);
    });
    let output = child.wait_with_output().expect("it is our child");
    writer.join().expect("it does not panic");
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("it is text"),
        stderr: String::from_utf8(output.stderr).expect("it is text"),
    }
}

pub fn command(directory: &Directory, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command
        .arg("inspect")
        .args(arguments)
        .current_dir(&directory.0)
        .env_remove("RUST_LOG")
        .env_remove("NO_COLOR")
        .env_remove("SSLKEYLOGFILE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A directory of its own.
#[derive(Debug)]
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sockeye-inspect-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("there is a place for temporary files");
        Self(path)
    }

    /// A directory with a file.
    pub fn with(name: &str, bytes: &[u8]) -> Self {
        let directory = Self::new();
        directory.write(name, bytes);
        directory
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("there is room");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("it was written")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl AsRef<Path> for Directory {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One connection that is being captured, with a millisecond between two things.
#[derive(Debug)]
pub struct Recording {
    conversation: Conversation,
    packets: Vec<Packet>,
    time: u64,
}

impl Recording {
    /// Begins with the handshake of RFC 6455 §1.3, its key apart, which is random.
    pub fn new(request: &str, response: &str) -> Self {
        let mut recording = Self {
            conversation: Conversation::new(
                ([192, 0, 2, 1], 50_000).into(),
                ([192, 0, 2, 2], 80).into(),
            ),
            packets: Vec::new(),
            // 2023-11-14 22:13:20 UTC.
            time: 1_700_000_000_000,
        };
        let time = recording.now();
        let packets = recording.conversation.open(time);
        recording.packets.extend(packets);
        recording.bytes(
            ToServer,
            format!(
                "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n{request}\r\n"
            )
            .as_bytes(),
        );
        recording.bytes(
            ToClient,
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n{response}\r\n"
            )
            .as_bytes(),
        );
        recording
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, direction: Direction, bytes: &[u8]) {
        let time = self.now();
        let packets = self.conversation.send(direction, time, bytes);
        self.packets.extend(packets);
    }

    /// A frame of the server: `first` is the first byte of its header.
    pub fn server(&mut self, first: u8, payload: &[u8]) {
        let len = u8::try_from(payload.len()).expect("it is short");
        self.bytes(ToClient, &[&[first, len], payload].concat());
    }

    /// A masked frame of the client.
    pub fn client(&mut self, first: u8, key: [u8; 4], payload: &[u8]) {
        let len = u8::try_from(payload.len()).expect("it is short");
        let masked: Vec<u8> = payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key)
            .collect();
        self.bytes(
            ToServer,
            &[&[first, 0x80 | len], &key[..], &masked].concat(),
        );
    }

    /// FIN of the server, then of the client.
    pub fn end(&mut self) {
        for direction in [ToClient, ToServer] {
            let time = self.now();
            let packets = self.conversation.finish(direction, time);
            self.packets.extend(packets);
        }
    }

    pub fn pcapng(&self) -> Vec<u8> {
        let mut writer =
            PcapNgWriter::new(Vec::new(), &Section::default()).expect("it takes everything");
        let interface = writer
            .interface(LinkType::Ethernet.number(), "")
            .expect("it takes everything");
        for packet in &self.packets {
            writer
                .packet(interface, packet.time, &packet.data, None)
                .expect("it takes everything");
        }
        writer.into_inner()
    }

    fn now(&mut self) -> Timestamp {
        let time = self.time;
        self.time += 1;
        Timestamp::from_nanos(time * 1_000_000)
    }
}

/// A connection that obeys every rule: text, a Ping, fragments, bytes, and a Close.
pub fn chat() -> Vec<u8> {
    let mut recording = Recording::new("", "");
    recording.client(0x81, [0x37, 0xFA, 0x21, 0x3D], b"Hello");
    recording.server(0x81, b"{\"answer\":[1,true]}");
    recording.server(0x89, b"p");
    recording.client(0x8A, [0x11, 0x22, 0x33, 0x44], b"p");
    recording.client(0x01, [0xA1, 0xB2, 0xC3, 0xD4], b"two ");
    recording.client(0x80, [0x5A, 0x69, 0x78, 0x87], b"parts\nand lines");
    recording.server(0x82, &[0x00, 0xFF, 0x1B]);
    recording.client(0x88, [0x0F, 0x1E, 0x2D, 0x3C], b"\x03\xE8bye");
    recording.server(0x88, b"\x03\xE8bye");
    recording.end();
    recording.pcapng()
}

/// A connection that breaks three rules.
pub fn violations() -> Vec<u8> {
    let mut recording = Recording::new("", "");
    // RFC 6455 §5.1: not masked, twice.
    recording.bytes(ToServer, &[0x81, 0x02, b'h', b'i']);
    recording.bytes(ToServer, &[0x81, 0x02, b'h', b'o']);
    // RFC 6455 §5.2: RSV2.
    recording.server(0xA1, b"x");
    recording.client(0x88, [1, 2, 3, 4], b"\x03\xE8");
    recording.server(0x88, b"\x03\xE8");
    recording.end();
    recording.pcapng()
}

/// The messages of RFC 7692 §7.2.3: "Hello" twice, the second refers to the first; once fragmented.
pub fn compressed() -> Vec<u8> {
    let mut recording = Recording::new(
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    );
    recording.server(0xC1, &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]);
    recording.server(0xC1, &[0xF2, 0x00, 0x11, 0x00, 0x00]);
    recording.server(0x41, &[0xF2, 0x00, 0x11]);
    recording.server(0x80, &[0x00, 0x00]);
    recording.pcapng()
}

/// The bytes, as gzip has them.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("it takes everything");
    encoder.finish().expect("it takes everything")
}
