//! DEFLATE with miniz_oxide.

use alloc::vec::Vec;

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress_with_limit};

use super::inflater::{Credit, InflateError};
use super::{WindowBits, reserve};

/// A stream of blocks being inflated through a window of exactly the negotiated size, so that a longer distance is an error.
pub(super) struct Decompressor {
    decoder: DecompressorOxide,
    /// The window: grows with what was inflated up to `size`, then wraps.
    window: Vec<u8>,
    size: usize,
    /// Where in `window` the next byte goes.
    position: usize,
    /// Whether every byte of `window` holds inflated data. Until then, distances are checked against `position`.
    full: bool,
    /// Whether the decoder has seen nothing of its stream.
    fresh: bool,
    credit: Credit,
}

impl Decompressor {
    pub(super) fn new(window: WindowBits) -> Self {
        Self {
            decoder: DecompressorOxide::new(),
            window: Vec::new(),
            size: window.size(),
            position: 0,
            full: false,
            fresh: true,
            credit: Credit::new(BLOCK_COST, 4096),
        }
    }

    pub(super) fn inflate(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), InflateError> {
        let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY;
        loop {
            self.make_room(input.len());
            self.fresh = false;
            let room = limit.saturating_sub(out.len());
            // One byte more than there is room for tells a message that is too big from one that just fits.
            let (status, read, written) = self.step(input, room.saturating_add(1), flags);
            input = input.get(read..).unwrap_or_default();
            let inflated = self
                .window
                .get(self.position..self.position + written.min(room))
                .unwrap_or_default();
            reserve(out, inflated.len(), limit);
            out.extend_from_slice(inflated);
            if written > room {
                return Err(InflateError::TooBig);
            }
            self.position += written;
            self.credit.earn(read + written);
            match status {
                TINFLStatus::NeedsMoreInput => return Ok(()),
                TINFLStatus::HasMoreOutput if read + written > 0 => {}
                TINFLStatus::BlockBoundary => self.credit.spend()?,
                TINFLStatus::Done => {
                    self.credit.spend()?;
                    self.decoder.init();
                    self.fresh = true;
                    if input.is_empty() {
                        return Ok(());
                    }
                }
                _ => return Err(InflateError::Invalid),
            }
        }
    }

    pub(super) fn finish(&mut self) -> Result<(), InflateError> {
        self.credit.renew();
        if self.fresh {
            return Ok(());
        }
        // RFC 7692 §7.2.2: the four bytes that the peer left out. The final block after them is ours: the decoder reaches its end
        // just when it stood at the boundary of a byte and of a block. If the peer's last block is final, the tail is the end.
        let tail = [0, 0, 0xff, 0xff, 0x01, 0, 0, 0xff, 0xff];
        let (status, read, _) = self.step(&tail, 0, 0);
        self.decoder.init();
        self.fresh = true;
        if status == TINFLStatus::Done && (read == tail.len() || read == 4) {
            Ok(())
        } else {
            Err(InflateError::Invalid)
        }
    }

    fn step(&mut self, input: &[u8], max: usize, flags: u32) -> (TINFLStatus, usize, usize) {
        let flags = flags
            | TINFL_FLAG_IGNORE_ADLER32
            | if self.full {
                0
            } else {
                TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
            };
        decompress_with_limit(
            &mut self.decoder,
            input,
            &mut self.window,
            self.position,
            max,
            flags,
        )
    }

    fn make_room(&mut self, input: usize) {
        if self.position < self.window.len() {
            return;
        }
        if self.window.len() < self.size {
            let grown = (self.window.len() * 2)
                .max(input.saturating_mul(4))
                .max(512);
            let len = grown.min(self.size);
            self.window.reserve_exact(len - self.window.len());
            self.window.resize(len, 0);
        } else {
            self.position = 0;
            self.full = true;
        }
    }
}

/// A stream of blocks being deflated.
pub(super) struct Compressor {
    encoder: CompressorOxide,
    /// Bytes that may follow each other before the encoder has to forget them.
    size: usize,
    /// Bytes since the encoder forgot, at most `size`.
    since: usize,
    /// Bytes of the message under way.
    message: usize,
}

impl Compressor {
    pub(super) fn new(window: WindowBits, level: u8) -> Self {
        let flags = create_comp_flags_from_zip_params(i32::from(level), -15, 0);
        Self {
            encoder: CompressorOxide::new(flags),
            // The encoder's own window is 15 bits. Without matches, there is nothing to forget.
            size: if level == 0 || window == WindowBits::MAX {
                usize::MAX
            } else {
                window.size()
            },
            since: 0,
            message: 0,
        }
    }

    pub(super) fn write(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let rest = self.forget(input, out);
        self.step(rest, TDEFLFlush::None, out);
    }

    pub(super) fn flush(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let rest = self.forget(input, out);
        // Forgetting costs nothing here, and a second block inside a message. Expect the next one to be as long as this.
        let flush = if self.message > self.size - self.since {
            self.since = 0;
            TDEFLFlush::Full
        } else {
            TDEFLFlush::Sync
        };
        self.message = 0;
        self.step(rest, flush, out);
    }

    /// Compresses and forgets until what is left of `input` fits into the window.
    fn forget<'a>(&mut self, mut input: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        self.message = self.message.saturating_add(input.len());
        while let Some((piece, rest)) = input
            .split_at_checked(self.size - self.since)
            .filter(|(_, rest)| !rest.is_empty())
        {
            self.step(piece, TDEFLFlush::Full, out);
            self.since = 0;
            input = rest;
        }
        if self.size < usize::MAX {
            self.since += input.len();
        }
        input
    }

    fn step(&mut self, mut input: &[u8], flush: TDEFLFlush, out: &mut Vec<u8>) {
        loop {
            let (_, read) = compress_to_output(&mut self.encoder, input, flush, |bytes| {
                out.extend_from_slice(bytes);
                true
            });
            input = input.get(read..).unwrap_or_default();
            if read == 0 || input.is_empty() {
                return;
            }
        }
    }
}

/// How many bytes, inflated and not, pay for one block. Ten bits hold an empty one, for which the decoder builds its tables anew: a message
/// of such blocks would cost several times what the worst other input of its length does. A fragment of one byte that ends with a
/// flush, two blocks, is the least that an honest peer sends, and pays for both.
const BLOCK_COST: usize = 4;
