//! What the fuzz targets call, and the test of their seeds too: each takes any bytes and asserts what must hold for all of them.
//!
//! - Nothing panics.
//! - However the bytes are cut, the outcome is the same.
//! - Memory stays below a formula ([`connection::bound`], [`handshake::bound`], [`capture::bound`]), counted by an allocator.
//! - Each call takes input, returns an event or ends, so that the number of calls is bounded by the number of bytes.

mod alloc;
mod capture;
mod connection;
mod decoder;
mod handshake;
mod inflate;
mod inspect_inflate;
mod lists;
mod messages;

pub use capture::{har, mitmproxy, netlog, pcap, pcapng, raw, text};
pub use connection::{client_receive, server_receive};
pub use decoder::frame_decoder;
pub use handshake::{client_handshake, server_handshake};
pub use inflate::inflate;
pub use inspect_inflate::inspect_inflate;
pub use lists::header_lists;
pub use messages::{decode, filter};

/// What is fuzzed: it takes any input, and panics where something is wrong.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 17] = [
    ("server_receive", server_receive),
    ("client_receive", client_receive),
    ("server_handshake", server_handshake),
    ("client_handshake", client_handshake),
    ("inflate", inflate),
    ("inspect_inflate", inspect_inflate),
    ("header_lists", header_lists),
    ("frame_decoder", frame_decoder),
    ("pcap", pcap),
    ("pcapng", pcapng),
    ("decode", decode),
    ("filter", filter),
    ("har", har),
    ("netlog", netlog),
    ("mitmproxy", mitmproxy),
    ("raw", raw),
    ("text", text),
];

/// FNV-1a: tells transcripts apart without memory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Digest(u64);

impl Digest {
    const fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    /// A piece that is told apart from those around it.
    fn item(&mut self, tag: u8, bytes: &[u8]) {
        self.bytes(&[tag]);
        self.bytes(bytes);
        self.bytes(&(bytes.len() as u64).to_be_bytes());
    }
}

/// Draws zeros: the accept value of the client's key is known to the seeds.
fn entropy(bytes: &mut [u8]) {
    bytes.fill(0);
}

/// Cuts `bytes` into pieces whose lengths `cuts` gives in turn; 0 means all the rest.
fn pieces<'a>(mut bytes: &'a [u8], cuts: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut cuts = cuts.iter().cycle();
    core::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let len = match cuts.next() {
            None | Some(0) => bytes.len(),
            Some(len) => usize::from(*len).min(bytes.len()),
        };
        let (piece, rest) = bytes.split_at(len);
        bytes = rest;
        Some(piece)
    })
}
