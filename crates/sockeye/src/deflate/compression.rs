//! Both directions of one connection that negotiated permessage-deflate.

use alloc::vec::Vec;

use super::{DeflateParameters, Deflater, InflateError, Inflater, PerMessageDeflate, WindowBits};
use crate::{ProtocolError, Role};

/// The compressor and the decompressor of one connection.
pub(crate) struct Compression {
    inflater: Inflater,
    deflater: Deflater,
    level: u8,
    /// The level from the next message on.
    next_level: u8,
    window: WindowBits,
    no_context_takeover: bool,
    threshold: usize,
    is_enabled: bool,
}

impl core::fmt::Debug for Compression {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Compression")
            .field("level", &self.level)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

impl Compression {
    pub(crate) fn new(
        role: Role,
        settings: &PerMessageDeflate,
        agreed: &DeflateParameters,
    ) -> Option<Self> {
        let server = (
            agreed.server_max_window_bits,
            agreed.server_no_context_takeover,
        );
        let client = (
            agreed.client_max_window_bits,
            agreed.client_no_context_takeover,
        );
        let (own, peer) = match role {
            Role::Server => (server, client),
            Role::Client => (client, server),
        };
        Some(Self {
            inflater: Inflater::new(peer.0, !peer.1),
            deflater: Deflater::new(own.0, !own.1, settings.level),
            level: settings.level,
            next_level: settings.level,
            window: own.0,
            no_context_takeover: own.1,
            threshold: settings.threshold,
            is_enabled: true,
        })
    }

    /// Inflates a piece of a message, appending to `out`, which never grows beyond `limit` bytes.
    pub(crate) fn inflate(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), ProtocolError> {
        self.inflater
            .inflate(input, out, limit)
            .map_err(|error| protocol_error(error, limit))
    }

    /// Ends an inflated message: all of it has been appended by then.
    pub(crate) fn finish_inflate(&mut self) -> Result<(), ProtocolError> {
        self.inflater
            .finish()
            .map_err(|error| protocol_error(error, 0))
    }

    /// Begins a deflated message.
    #[inline]
    pub(crate) fn begin_deflate(&mut self) {
        if self.level != self.next_level {
            self.level = self.next_level;
            self.forget();
        }
    }

    /// Deflates a piece of a message, appending what is ready to `out`.
    pub(crate) fn deflate(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.deflater.deflate(input, out);
    }

    /// Deflates the last piece of a message.
    pub(crate) fn deflate_last(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.deflater.message(input, out);
    }

    /// Forgets what was sent: the next message refers to nothing before it.
    pub(crate) fn forget(&mut self) {
        self.deflater = Deflater::new(self.window, !self.no_context_takeover, self.level);
    }

    pub(crate) const fn level(&self) -> u8 {
        self.level
    }

    pub(crate) const fn window(&self) -> WindowBits {
        self.window
    }

    /// Whether a message of this many bytes is to be compressed.
    #[inline]
    pub(crate) const fn compresses(&self, len: usize) -> bool {
        self.is_enabled && len >= self.threshold
    }

    pub(crate) const fn set_enabled(&mut self, enabled: bool) {
        self.is_enabled = enabled;
    }

    /// Takes effect with the next message.
    pub(crate) const fn set_level(&mut self, level: u8) {
        self.next_level = if level > 9 { 9 } else { level };
    }
}

/// A whole message compressed by itself.
pub(crate) fn compress_once(level: u8, window: WindowBits, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut deflater = Deflater::new(window, false, level);
    deflater.deflate(data, &mut out);
    deflater.finish(&mut out);
    out
}

const fn protocol_error(error: InflateError, limit: usize) -> ProtocolError {
    match error {
        InflateError::Invalid => ProtocolError::InvalidDeflate,
        InflateError::TooBig => ProtocolError::MessageTooBig { limit },
    }
}
