//! Connections as they look on the wire, good and bad.

use core::net::SocketAddr;
use core::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compress, Compression, FlushCompress};
use sha1_smol::Sha1;
use sockeye_inspect::write::{Conversation, LinkType, Packet, PcapNgWriter, Section};
use sockeye_inspect::{Direction, Timestamp};

pub(crate) const CLIENT: Direction = Direction::ToServer;
pub(crate) const SERVER: Direction = Direction::ToClient;
/// 2026-11-23 09:00:00 UTC in nanoseconds.
pub(crate) const START: u64 = 1_795_424_400_000_000_000;

/// A connection in a capture of its own.
pub(crate) struct Talk {
    out: PcapNgWriter<Vec<u8>>,
    conversation: Conversation,
    nanos: u64,
    frames: u32,
}

impl Talk {
    /// A connection whose client asks for `target` with these further fields, which the server answers with those.
    pub(crate) fn open(target: &str, request: &[&str], response: &[&str]) -> Self {
        let mut talk = Self::connect();
        let (request, response) = handshake(target, request, response);
        talk.send(CLIENT, 1, &request);
        talk.send(SERVER, 12, &response);
        talk
    }

    /// A connection without a handshake of WebSocket.
    pub(crate) fn connect() -> Self {
        let mut talk = Self::under_way();
        let packets = talk.conversation.open(talk.now());
        talk.write(&packets);
        talk
    }

    /// A connection that was there before the capture began.
    pub(crate) fn under_way() -> Self {
        let section = Section {
            application: concat!("Sockeye ", env!("CARGO_PKG_VERSION")),
            ..Section::default()
        };
        let mut out = PcapNgWriter::new(Vec::new(), &section).expect("a vector takes all");
        let ethernet = LinkType::default().number();
        out.interface(ethernet, "eth0").expect("a vector takes all");
        Self {
            out,
            conversation: Conversation::new(client(0), server()),
            nanos: START,
            frames: 0,
        }
    }

    /// Sends bytes `millis` after what came before.
    pub(crate) fn send(&mut self, direction: Direction, millis: u64, bytes: &[u8]) {
        self.wait(millis);
        let packets = self.conversation.send(direction, self.now(), bytes);
        self.write(&packets);
    }

    /// Sends a frame, masked by the client.
    pub(crate) fn frame(&mut self, direction: Direction, millis: u64, first: u8, payload: &[u8]) {
        self.frames += 1;
        let bytes = frame(direction, first, self.frames, payload);
        self.send(direction, millis, &bytes);
    }

    /// Sends a text message in one frame.
    pub(crate) fn text(&mut self, direction: Direction, millis: u64, text: &str) {
        self.frame(direction, millis, 0x81, text.as_bytes());
    }

    /// Sends a Close frame.
    pub(crate) fn close(&mut self, direction: Direction, millis: u64, code: u16, reason: &str) {
        let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
        self.frame(direction, millis, 0x88, &payload);
    }

    /// Sends a frame of which the capture lacks `lost` bytes from the one at `from` on.
    pub(crate) fn frame_with_loss(
        &mut self,
        direction: Direction,
        payload: &[u8],
        from: usize,
        lost: usize,
    ) {
        self.frames += 1;
        let bytes = frame(direction, 0x81, self.frames, payload);
        self.send(direction, 5, &bytes[..from]);
        self.conversation.lose(direction, lost as u32);
        self.send(direction, 1, &bytes[from + lost..]);
    }

    /// Ends TCP, `first` before the other, and returns the capture.
    pub(crate) fn finish(mut self, first: Direction) -> Vec<u8> {
        for direction in [first, first.reversed()] {
            self.wait(1);
            let packets = self.conversation.finish(direction, self.now());
            self.write(&packets);
        }
        self.out.into_inner()
    }

    fn wait(&mut self, millis: u64) {
        // Not in whole milliseconds, as on any network.
        let jitter = u64::from(self.frames) * 7_919 % 400_000;
        self.nanos += Duration::from_millis(millis).as_nanos() as u64 + jitter;
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos)
    }

    fn write(&mut self, packets: &[Packet]) {
        for packet in packets {
            self.out
                .packet(0, packet.time, &packet.data, None)
                .expect("a vector takes all");
        }
    }
}

/// The address of a client.
pub(crate) fn client(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 10 + number], 49_152 + u16::from(number)))
}

/// The address of the server.
pub(crate) fn server() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], 80))
}

/// A request and the right answer to it (RFC 6455 §4), with further fields.
pub(crate) fn handshake(target: &str, request: &[&str], response: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let digest = Sha1::from(format!("{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")).digest();
    let accept = BASE64_STANDARD.encode(digest.bytes());
    answered(target, request, &accept, response)
}

/// A request, and an answer with this `Sec-WebSocket-Accept`.
pub(crate) fn answered(
    target: &str,
    request: &[&str],
    accept: &str,
    response: &[&str],
) -> (Vec<u8>, Vec<u8>) {
    let fields = |fields: &[&str]| fields.iter().map(|field| format!("{field}\r\n")).collect();
    let (request, response): (String, String) = (fields(request), fields(response));
    (
        format!(
            "GET {target} HTTP/1.1\r\nHost: example.com\r\nOrigin: http://example.com\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{request}\r\n"
        )
        .into_bytes(),
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{response}\r\n"
        )
        .into_bytes(),
    )
}

/// A frame whose first byte is `first`, masked if the client sends it; `number` makes the masking key.
pub(crate) fn frame(direction: Direction, first: u8, number: u32, payload: &[u8]) -> Vec<u8> {
    let key = (direction == CLIENT).then(|| key(number));
    let mut bytes = vec![first];
    let mask = if key.is_some() { 0x80 } else { 0 };
    match payload.len() {
        len @ ..=125 => bytes.push(mask | len as u8),
        len @ ..=0xFFFF => {
            bytes.push(mask | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        len => {
            bytes.push(mask | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    append(&mut bytes, key, payload);
    bytes
}

/// Appends key and payload to a header.
pub(crate) fn append(bytes: &mut Vec<u8>, key: Option<[u8; 4]>, payload: &[u8]) {
    let Some(key) = key else {
        bytes.extend(payload);
        return;
    };
    bytes.extend(key);
    bytes.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

/// A masking key that looks like one, the same in every run.
pub(crate) const fn key(number: u32) -> [u8; 4] {
    // Multiplying by an odd number gives each number another key.
    (number.wrapping_add(1))
        .wrapping_mul(0x9E37_79B1)
        .to_be_bytes()
}

/// Compresses the messages of one direction as RFC 7692 §7.2.1 says.
pub(crate) struct Deflater(Compress);

impl Deflater {
    /// A compressor with a window of `1 << bits` bytes.
    pub(crate) fn new(bits: u8) -> Self {
        Self(Compress::new_with_window_bits(
            Compression::best(),
            false,
            bits,
        ))
    }

    /// The payload of a message, which may refer to those before.
    pub(crate) fn message(&mut self, content: &[u8]) -> Vec<u8> {
        let mut out = self.run(content, FlushCompress::Sync);
        // RFC 7692 §7.2.1: 00 00 FF FF is left out.
        out.truncate(out.len().saturating_sub(4));
        out
    }

    /// The payload of a message that ends with a final block (RFC 7692 §7.2.3.4), and the end of what later ones may refer to.
    pub(crate) fn last_message(&mut self, content: &[u8]) -> Vec<u8> {
        let mut out = self.run(content, FlushCompress::Finish);
        self.0.reset();
        out.push(0);
        out
    }

    fn run(&mut self, content: &[u8], flush: FlushCompress) -> Vec<u8> {
        let mut out = Vec::with_capacity(content.len() * 2 + 64);
        self.0
            .compress_vec(content, &mut out, flush)
            .expect("there is nothing to go wrong");
        out
    }
}

const KEY: &str = "q8tZ0nJ3bXo4mWvK7cRfYg==";
