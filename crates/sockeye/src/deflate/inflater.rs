//! Inflates the messages of one direction of a connection.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::WindowBits;
use super::backend::Decompressor;

/// Inflates the compressed messages that one connection receives
/// ([RFC 7692 §7.2.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2)).
///
/// Give each piece of a message to [`inflate`](Self::inflate) as it arrives, then call [`finish`](Self::finish). After an error
/// the connection is to be failed: what later calls return is an error or meaningless, though never a panic.
///
/// A block with BFINAL ends a stream of blocks and not the message: what follows is a new stream over the same window, in this message
/// or the next (§7.2.3.4).
///
/// # Memory
///
/// Nothing until the first compressed message, and nothing between messages without context takeover. With it, see the table in
/// [`Deflater`](super::Deflater).
pub(crate) struct Inflater {
    window: WindowBits,
    context_takeover: bool,
    state: Option<Box<Decompressor>>,
}

impl Inflater {
    /// An inflater for a peer whose compressor uses a window of at most this size.
    pub(crate) const fn new(window: WindowBits, context_takeover: bool) -> Self {
        Self {
            window,
            context_takeover,
            state: None,
        }
    }

    /// Inflates a piece of a message onto `out`.
    ///
    /// # Errors
    ///
    /// `TooBig` as soon as `out` would be longer than `limit`: by then it is not longer, nor has more memory been reserved.
    pub(crate) fn inflate(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), InflateError> {
        if input.is_empty() {
            return Ok(());
        }
        self.state
            .get_or_insert_with(|| Box::new(Decompressor::new(self.window)))
            .inflate(input, out, limit)
    }

    /// Ends the message. Nothing is left to write: the last piece has put all of it into `out`.
    ///
    /// A message that ends with a final block and lacks the empty block after it (§7.2.3.4), or that has no bytes at all, is
    /// complete too: nothing can be missing, and such peers exist.
    ///
    /// # Errors
    ///
    /// `Invalid` when the message ends inside a block.
    pub(crate) fn finish(&mut self) -> Result<(), InflateError> {
        let Some(state) = &mut self.state else {
            return Ok(());
        };
        state.finish()?;
        if !self.context_takeover {
            self.state = None;
        }
        Ok(())
    }
}

/// Why a message does not inflate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InflateError {
    /// It is not DEFLATE, refers to data before its window, or ends inside a block.
    Invalid,
    /// It is longer than the limit.
    TooBig,
}

/// What a peer has paid, in bytes, for steps that cost far more time than bytes. Without credit the stream is refused: nothing but an
/// attack has so many of them.
pub(super) struct Credit {
    price: usize,
    bytes: usize,
}

impl Credit {
    /// Credit for this many steps.
    pub(super) const fn new(price: usize, steps: usize) -> Self {
        Self {
            price,
            bytes: price * steps,
        }
    }

    /// Counts bytes that were inflated.
    pub(super) const fn earn(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Counts a message: it may have a step or two, however short it is.
    pub(super) const fn renew(&mut self) {
        self.earn(self.price * 2);
    }

    /// Pays for a step.
    pub(super) const fn spend(&mut self) -> Result<(), InflateError> {
        match self.bytes.checked_sub(self.price) {
            Some(rest) => {
                self.bytes = rest;
                Ok(())
            }
            None => Err(InflateError::Invalid),
        }
    }
}
