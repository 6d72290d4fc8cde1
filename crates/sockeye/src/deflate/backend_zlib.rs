//! DEFLATE with zlib-rs.

use alloc::vec::Vec;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Status};

use super::inflater::{Credit, InflateError};
use super::{WindowBits, reserve};

/// A stream of blocks being inflated. The decoder's own window is 15 bits whatever was negotiated.
pub(super) struct Decompressor {
    decoder: Inflate,
    history: History,
    /// Whether the decoder has seen nothing of the message, or of the stream after a final block.
    fresh: bool,
    /// Whether the decoder stands after a final block.
    ended: bool,
    credit: Credit,
}

impl Decompressor {
    pub(super) fn new(window: WindowBits) -> Self {
        Self {
            decoder: Inflate::new(false, WindowBits::MAX.get()),
            history: History::new(window.size()),
            fresh: true,
            ended: false,
            credit: Credit::new(RESTART_COST, 1024),
        }
    }

    pub(super) fn inflate(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), InflateError> {
        let mut len = out.len();
        let outcome = self.inflate_onto(input, out, &mut len, limit);
        out.truncate(len);
        outcome
    }

    /// Inflates onto the first `filled` bytes of `out`. What lies behind them stays for the next step: a stream of many small final
    /// blocks would cost a thousand times its length if the space for each was cleared anew.
    fn inflate_onto(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        filled: &mut usize,
        limit: usize,
    ) -> Result<(), InflateError> {
        let mut chunk = input.len().saturating_mul(4).clamp(64, 65_536);
        loop {
            if self.ended {
                if input.is_empty() {
                    return Ok(());
                }
                self.restart()?;
            }
            self.fresh = false;
            let start = *filled;
            let len = chunk.min(limit.saturating_sub(start));
            let (read, written) = if len == 0 {
                // One byte more than there is room for tells a message that is too big from one that just fits.
                let (status, read, written) = self.step(input, &mut [0], InflateFlush::NoFlush);
                if written > 0 {
                    return Err(InflateError::TooBig);
                }
                status?;
                (read, 0)
            } else {
                if out.len() < start + len {
                    let missing = start + len - out.len();
                    reserve(out, missing, limit);
                    out.resize(start + len, 0);
                }
                let target = out.get_mut(start..start + len).unwrap_or_default();
                let (status, read, written) = self.step(input, target, InflateFlush::NoFlush);
                *filled = start + written;
                status?;
                let new = out.get(start..*filled).unwrap_or_default();
                self.history.extend(new);
                (read, written)
            };
            input = input.get(read..).unwrap_or_default();
            // A full `out` may leave more inside; anything else has been written.
            if input.is_empty() && (written < len || len == 0) {
                return Ok(());
            }
            if read + written == 0 && !self.ended {
                return Err(InflateError::Invalid);
            }
            if written == len {
                chunk = chunk.saturating_mul(2);
            }
        }
    }

    pub(super) fn finish(&mut self) -> Result<(), InflateError> {
        self.credit.renew();
        if self.fresh {
            return Ok(());
        }
        // RFC 7692 §7.2.2: the four bytes that the peer left out, and one that stays unread just when the block ends before it.
        let (status, read, written) =
            self.step(&[0, 0, 0xff, 0xff, 0], &mut [0; 8], InflateFlush::Block);
        self.fresh = true;
        if status? != Status::BufError && read == 4 && written == 0 {
            Ok(())
        } else {
            Err(InflateError::Invalid)
        }
    }

    /// Returns how far it came even where it failed: what was inflated before the fault is good.
    fn step(
        &mut self,
        input: &[u8],
        out: &mut [u8],
        flush: InflateFlush,
    ) -> (Result<Status, InflateError>, usize, usize) {
        let before = (self.decoder.total_in(), self.decoder.total_out());
        let status = self.decoder.decompress(input, out, flush);
        // Differences of counters that move by at most the lengths of the slices.
        let read = (self.decoder.total_in() - before.0) as usize;
        let written = (self.decoder.total_out() - before.1) as usize;
        self.credit.earn(read);
        if status == Ok(Status::StreamEnd) {
            self.ended = true;
            self.fresh = true;
        }
        (status.map_err(|_| InflateError::Invalid), read, written)
    }

    /// Begins a stream after a final block, with the window that the decoder forgets.
    fn restart(&mut self) -> Result<(), InflateError> {
        self.credit.spend()?;
        self.ended = false;
        self.decoder.reset(false);
        for part in self.history.parts() {
            if !part.is_empty() {
                self.decoder
                    .set_dictionary(part)
                    .map_err(|_| InflateError::Invalid)?;
            }
        }
        Ok(())
    }
}

/// The end of what was inflated: grows up to the size of the window, then wraps.
struct History {
    bytes: Vec<u8>,
    size: usize,
    /// Where the oldest byte is.
    position: usize,
}

impl History {
    const fn new(size: usize) -> Self {
        Self {
            bytes: Vec::new(),
            size,
            position: 0,
        }
    }

    fn extend(&mut self, new: &[u8]) {
        let new = new
            .get(new.len().saturating_sub(self.size)..)
            .unwrap_or_default();
        let (append, wrap) = new.split_at(new.len().min(self.size - self.bytes.len()));
        reserve(&mut self.bytes, append.len(), self.size);
        self.bytes.extend_from_slice(append);
        let (end, start) = wrap.split_at(wrap.len().min(self.bytes.len() - self.position));
        for (to, from) in [(self.position, end), (0, start)] {
            if let Some(to) = self.bytes.get_mut(to..to + from.len()) {
                to.copy_from_slice(from);
            }
        }
        self.position = if start.is_empty() {
            self.position + end.len()
        } else {
            start.len()
        };
    }

    /// The bytes in order.
    fn parts(&self) -> [&[u8]; 2] {
        let (new, old) = self.bytes.split_at(self.position.min(self.bytes.len()));
        [old, new]
    }
}

/// A stream of blocks being deflated.
pub(super) struct Compressor {
    encoder: Deflate,
}

impl Compressor {
    pub(super) fn new(window: WindowBits, level: u8) -> Self {
        // A window of 9 bits serves for 8, which zlib does not have: matches keep 262 bytes away from the far end of it.
        let bits = window.get().max(9);
        let mut config = DeflateConfig::new(i32::from(level));
        config.window_bits = -i32::from(bits);
        // A block holds 2^(level + 6) symbols: two windows full of them, and never more than 4,096, which few messages have.
        config.mem_level = i32::from(bits - 7).clamp(4, 6);
        Self {
            encoder: Deflate::new_with_config(config),
        }
    }

    pub(super) fn write(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.step(input, DeflateFlush::NoFlush, input.len() / 4 + 64, out);
    }

    pub(super) fn flush(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.step(input, DeflateFlush::SyncFlush, input.len() / 2 + 128, out);
    }

    fn step(&mut self, mut input: &[u8], flush: DeflateFlush, mut chunk: usize, out: &mut Vec<u8>) {
        loop {
            let start = out.len();
            out.resize(start + chunk, 0);
            let target = out.get_mut(start..).unwrap_or_default();
            let before = (self.encoder.total_in(), self.encoder.total_out());
            let status = self.encoder.compress(input, target, flush);
            let read = (self.encoder.total_in() - before.0) as usize;
            let written = (self.encoder.total_out() - before.1) as usize;
            out.truncate(start + written);
            input = input.get(read..).unwrap_or_default();
            // Space left over means that nothing is waiting for space.
            if status.is_err() || written < chunk || read + written == 0 {
                return;
            }
            chunk = chunk.saturating_mul(2);
        }
    }
}

/// How many bytes of input pay for one restart. Two bytes hold an empty final block, and a restart copies up to 32 KiB: without a price, a
/// message of such blocks would cost a thousand times what other input of its length does.
const RESTART_COST: usize = 64;
