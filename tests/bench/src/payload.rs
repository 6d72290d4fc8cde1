//! The bytes that every implementation is given: payloads of four kinds, and the frames of a client that carry them.

use std::sync::Arc;

use clap::ValueEnum;
use flate2::{Compress, FlushCompress};

/// What the messages hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Binary messages of every byte value.
    Binary,
    /// Text messages of ASCII only.
    Ascii,
    /// Text messages of three-byte characters.
    Cjk,
    /// Text messages of JSON, deflated without context takeover.
    Json,
}

impl Kind {
    /// Every kind, in the order of the tables.
    pub const ALL: [Self; 4] = [Self::Binary, Self::Ascii, Self::Cjk, Self::Json];

    /// The name in the tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Ascii => "text ASCII",
            Self::Cjk => "text CJK",
            Self::Json => "deflated JSON",
        }
    }

    /// Whether these messages go through permessage-deflate.
    pub const fn is_deflated(self) -> bool {
        matches!(self, Self::Json)
    }

    /// The opcode of these messages.
    pub const fn opcode(self) -> u8 {
        match self {
            Self::Binary => 0x2,
            Self::Ascii | Self::Cjk | Self::Json => 0x1,
        }
    }

    /// A payload of exactly `size` bytes. Another `seed` gives other bytes of the same kind.
    pub fn payload(self, size: usize, seed: u32) -> Vec<u8> {
        let mut random = Random(seed.wrapping_mul(2_654_435_761) | 1);
        let mut payload = Vec::with_capacity(size + 128);
        match self {
            Self::Binary => payload.resize_with(size, || random.next() as u8),
            Self::Ascii => payload.resize_with(size, || b' ' + (random.next() % 95) as u8),
            Self::Cjk => {
                while payload.len() + 3 <= size {
                    let character = char::from_u32(0x4E00 + random.next() % 0x5000).unwrap_or('中');
                    payload.extend_from_slice(character.encode_utf8(&mut [0; 3]).as_bytes());
                }
                payload.resize(size, b'.');
            }
            Self::Json => json(size, &mut random, &mut payload),
        }
        payload
    }
}

/// Records as a server of prices or positions sends them, then as many spaces as are missing: what compresses about as well as
/// real traffic does.
fn json(size: usize, random: &mut Random, payload: &mut Vec<u8>) {
    const SYMBOLS: [&str; 8] = [
        "AAPL", "MSFT", "NVDA", "AMZN", "GOOG", "META", "TSLA", "ORCL",
    ];
    payload.extend_from_slice(br#"{"type":"quotes","rows":["#);
    loop {
        let symbol = SYMBOLS[random.next() as usize % SYMBOLS.len()];
        let (price, cents) = (random.next() % 900 + 100, random.next() % 100);
        let volume = random.next() % 1_000_000;
        let row = format!(
            r#"{{"symbol":"{symbol}","price":{price}.{cents:02},"volume":{volume},"live":true}},"#
        );
        if payload.len() + row.len() + 2 > size {
            break;
        }
        payload.extend_from_slice(row.as_bytes());
    }
    if payload.last() == Some(&b',') {
        payload.pop();
    }
    payload.extend_from_slice(b"]}");
    payload.resize(size, b' ');
}

/// permessage-deflate (RFC 7692) between the load generator and a server: level 6 and 15 bits wherever it is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Compression {
    /// Not agreed on.
    #[default]
    None,
    /// Each message is compressed by itself, in both directions.
    NoContextTakeover,
    /// The server's messages refer to earlier ones. Those of the load generator may, but do not: they are made beforehand.
    ContextTakeover,
}

/// One size and kind of message, as both the in-memory and the TCP tables use it.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What the messages hold.
    pub kind: Kind,
    /// The length of a payload in bytes, before compression.
    pub size: usize,
}

impl Case {
    /// The size in words: `125 B`, `16 KiB`, `1 MiB`.
    pub fn size_name(self) -> String {
        size_name(self.size)
    }
}

/// A number of bytes in words: `125 B`, `16 KiB`, `1 MiB`.
pub fn size_name(size: usize) -> String {
    match size {
        0..1_024 => format!("{size} B"),
        1_024..1_048_576 => format!("{} KiB", size >> 10),
        _ => format!("{} MiB", size >> 20),
    }
}

/// The frames of a client, back to back, to be read over and over again.
pub struct Feed {
    /// The frames.
    pub bytes: Vec<u8>,
    /// Where each frame ends in `bytes`.
    pub ends: Vec<usize>,
}

impl Feed {
    /// At least `count` frames of a case, each with a masking key of its own.
    ///
    /// The feed is also at least 256 KiB long, so that no chunk of 64 KiB is read twice in a row, and deflated payloads differ
    /// from one another, as in life.
    pub fn new(case: Case, count: usize) -> Arc<Self> {
        let mut feed = Self {
            bytes: Vec::new(),
            ends: Vec::new(),
        };
        let mut random = Random(0x5EED_F00D);
        while feed.ends.len() < count || feed.bytes.len() < 262_144 {
            let payload = case.kind.payload(case.size, feed.ends.len() as u32 % 64);
            let payload = if case.kind.is_deflated() {
                deflate(&payload)
            } else {
                payload
            };
            push_frame(
                case.kind,
                &payload,
                random.next().to_be_bytes(),
                &mut feed.bytes,
            );
            feed.ends.push(feed.bytes.len());
        }
        Arc::new(feed)
    }

    /// Exactly `count` frames of a case, for a load generator. Another `seed` gives other payloads.
    pub fn burst(case: Case, count: usize, seed: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut random = Random(0x5EED_F00D);
        for index in 0..count {
            let payload = Self::payload(case, seed, index);
            let payload = if case.kind.is_deflated() {
                deflate(&payload)
            } else {
                payload
            };
            push_frame(case.kind, &payload, random.next().to_be_bytes(), &mut bytes);
        }
        bytes
    }

    /// What message `index` of a burst says.
    pub fn payload(case: Case, seed: u32, index: usize) -> Vec<u8> {
        case.kind.payload(case.size, seed + index as u32 % 64)
    }
}

/// Appends one masked frame (RFC 6455 §5.2).
fn push_frame(kind: Kind, payload: &[u8], key: [u8; 4], out: &mut Vec<u8>) {
    let rsv1 = if kind.is_deflated() { 0x40 } else { 0 };
    out.push(0x80 | rsv1 | kind.opcode());
    match payload.len() {
        len @ 0..=125 => out.push(0x80 | len as u8),
        len @ 126..=65_535 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&key);
    out.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

/// Deflates one message as RFC 7692 §7.2.1 has it, with an empty window, so that it can be sent at any time.
fn deflate(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 64);
    let mut compressor = Compress::new(flate2::Compression::new(6), false);
    compressor
        .compress_vec(payload, &mut out, FlushCompress::Sync)
        .expect("a fresh compressor takes any bytes");
    assert!(
        out.ends_with(&[0, 0, 0xFF, 0xFF]),
        "a sync flush ends in an empty stored block"
    );
    out.truncate(out.len() - 4);
    out
}

/// A xorshift generator: the same bytes in every run.
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}
