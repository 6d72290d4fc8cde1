//! permessage-deflate (RFC 7692): its settings, and what two sides agreed on.

#[cfg(not(feature = "deflate"))]
mod absent;
#[cfg(all(feature = "deflate", not(feature = "zlib-rs")))]
#[path = "backend_miniz.rs"]
mod backend;
#[cfg(feature = "zlib-rs")]
#[path = "backend_zlib.rs"]
mod backend;
#[cfg(feature = "deflate")]
mod compression;
#[cfg(feature = "deflate")]
mod deflater;
#[cfg(feature = "deflate")]
mod inflater;
mod negotiation;
#[cfg(all(test, feature = "deflate"))]
mod reference;
#[cfg(all(test, feature = "deflate"))]
mod tests;

#[cfg(feature = "deflate")]
use alloc::vec::Vec;

#[cfg(not(feature = "deflate"))]
pub(crate) use self::absent::{Boxed, Compression, compress_once};
pub(crate) use self::negotiation::NAME;
#[cfg(feature = "deflate")]
pub(crate) use self::{
    compression::{Compression, compress_once},
    deflater::Deflater,
    inflater::{InflateError, Inflater},
};
use crate::Role;

/// Where a connection keeps its [`Compression`].
#[cfg(feature = "deflate")]
pub(crate) type Boxed = alloc::boxed::Box<Compression>;

/// The size of an LZ77 window as the exponent of two: 8 to 15 bits, 256 bytes to 32 KiB
/// ([RFC 7692 §7.1.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowBits(u8);

impl WindowBits {
    /// 8 bits: 256 bytes.
    pub const MIN: Self = Self(8);
    /// 15 bits: 32 KiB. What a side uses when nothing was negotiated.
    pub const MAX: Self = Self(15);

    /// A window of this many bits; `None` unless it is 8 to 15.
    #[must_use]
    pub const fn new(bits: u8) -> Option<Self> {
        if matches!(bits, 8..=15) {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// The number of bits, 8 to 15.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The size of the window in bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        1 << self.0
    }
}

/// Settings of permessage-deflate: what to ask for or grant in the opening handshake, and how to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PerMessageDeflate {
    /// Compression level, 0 (store) to 9 (best). Default 5.
    pub level: u8,
    /// Messages shorter than this many bytes are sent uncompressed. Default 64: below it, the saving is not worth the time.
    pub threshold: usize,
    /// Whether the server forgets its window after each message: less memory, worse compression. Default false.
    pub server_no_context_takeover: bool,
    /// Whether the client forgets its window after each message. Default false.
    pub client_no_context_takeover: bool,
    /// Largest window of the server's compressor. Default 12 bits for a server (about half the memory of 15 with zlib-rs, for little loss), 15
    /// for a client.
    pub server_max_window_bits: WindowBits,
    /// Largest window of the client's compressor. Default 12 bits for a server, 15 for a client. A server can ask only clients that
    /// offered the parameter.
    pub client_max_window_bits: WindowBits,
}

impl PerMessageDeflate {
    /// The defaults of this role.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        let bits = match role {
            Role::Server => WindowBits(12),
            Role::Client => WindowBits::MAX,
        };
        Self {
            level: 5,
            threshold: 64,
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: bits,
            client_max_window_bits: bits,
        }
    }
}

/// What the opening handshake agreed on ([RFC 7692 §7.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DeflateParameters {
    /// Whether the server forgets its window after each message.
    pub server_no_context_takeover: bool,
    /// Whether the client forgets its window after each message.
    pub client_no_context_takeover: bool,
    /// Largest window of the server's compressor.
    pub server_max_window_bits: WindowBits,
    /// Largest window of the client's compressor.
    pub client_max_window_bits: WindowBits,
}

impl Default for DeflateParameters {
    /// What an offer without parameters means: windows of 15 bits that last from message to message.
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: WindowBits::MAX,
            client_max_window_bits: WindowBits::MAX,
        }
    }
}

/// Makes room for `additional` bytes without reserving more than `limit`, unless there is more already.
#[cfg(feature = "deflate")]
fn reserve(out: &mut Vec<u8>, additional: usize, limit: usize) {
    if out.capacity() - out.len() < additional {
        let wanted = out.len().saturating_add(additional);
        let grown = out.capacity().saturating_mul(2).min(limit).max(wanted);
        out.reserve_exact(grown - out.len());
    }
}
