//! A compressed message as blocks, literals and references.

use core::ops::{ControlFlow, Range};

use super::{error::InflateError, inflater::Inflater, window::Window};

/// A compressed message, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// Its blocks, in order.
    pub blocks: Vec<Block>,
    /// What is in the blocks, in order.
    pub tokens: Vec<Token>,
    /// Why it could not be taken apart to its end.
    pub error: Option<InflateError>,
    /// Whether there is more, beyond the limit.
    pub truncated: bool,
}

/// A block ([RFC 1951 §3.2.3](https://www.rfc-editor.org/rfc/rfc1951#section-3.2.3)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Block {
    /// Its BTYPE.
    pub kind: BlockKind,
    /// Its BFINAL.
    pub last: bool,
    /// Its bits in the compressed message, from BFINAL. The 00 00 FF FF that were taken away (RFC 7692 §7.2.1) do not count.
    pub bits: Range<u64>,
    /// Its bytes in the inflated message.
    pub inflated: Range<u64>,
}

/// How a block is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the RFC has no fourth")]
pub enum BlockKind {
    /// BTYPE 0: it is not.
    Stored,
    /// BTYPE 1: with the Huffman codes of the RFC.
    Fixed,
    /// BTYPE 2: with Huffman codes of its own, which it begins with.
    Dynamic,
}

/// A reference, or literals that follow each other in one block.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// Its bits in the compressed message.
    pub bits: Range<u64>,
    /// Its bytes in the inflated message.
    pub inflated: Range<u64>,
    /// How many bytes before its own first one the bytes stand that it repeats, 1 to 32,768; 0: literals. From an earlier message when that is
    /// more than `inflated.start`.
    pub distance: u32,
}

/// Takes a compressed message apart. `history` is what was inflated before it, as far as the window takes it over: of it the last 32 KiB count.
/// `compressed` are the payloads of its frames. At most `limit` blocks and `limit` tokens are given.
#[must_use]
pub fn trace(history: &[u8], compressed: &[u8], limit: usize) -> Trace {
    let mut inflater = Inflater::with_window(Window::with_history(history));
    let mut tracer = Tracer {
        trace: Trace::default(),
        limit,
        inflated: 0,
    };
    inflater.begin_message(true);
    let mut out = |_: &[u8]| ControlFlow::Continue(());
    let inflated = inflater.inflate_watched(compressed, &mut out, &mut tracer);
    let mut trace = tracer.trace;
    if !trace.truncated {
        trace.error = inflated.and_then(|()| inflater.end_message()).err();
    }
    // A block that is open: an empty one whose end was taken away, or the one that is broken.
    if let Some(block) = trace.blocks.last_mut()
        && block.bits.is_empty()
    {
        block.bits.end = match trace.tokens.last() {
            Some(token) if trace.truncated => token.bits.end.max(block.bits.start),
            _ => compressed.len() as u64 * 8,
        };
        block.inflated.end = tracer.inflated;
    }
    trace
}

/// Is told what the inflater sees.
pub(super) trait Watch {
    /// Whether it wants to know; else the inflater may be fast.
    const WATCHES: bool;

    /// A block begins with bit `at`.
    fn block(&mut self, kind: BlockKind, last: bool, at: u64);
    /// It ends before bit `at`.
    fn block_ends(&mut self, at: u64);
    /// A literal, stored bytes, or a reference: `len` bytes.
    fn token(&mut self, bits: Range<u64>, len: u64, distance: u32);
    /// Whether the inflater shall stop.
    fn has_enough(&self) -> bool;
}

impl Watch for () {
    const WATCHES: bool = false;

    fn block(&mut self, _: BlockKind, _: bool, _: u64) {}

    fn block_ends(&mut self, _: u64) {}

    fn token(&mut self, _: Range<u64>, _: u64, _: u32) {}

    fn has_enough(&self) -> bool {
        false
    }
}

struct Tracer {
    trace: Trace,
    limit: usize,
    inflated: u64,
}

impl Watch for Tracer {
    const WATCHES: bool = true;

    fn block(&mut self, kind: BlockKind, last: bool, at: u64) {
        if self.trace.blocks.len() == self.limit {
            self.trace.truncated = true;
            return;
        }
        self.trace.blocks.push(Block {
            kind,
            last,
            bits: at..at,
            inflated: self.inflated..self.inflated,
        });
    }

    fn block_ends(&mut self, at: u64) {
        if let Some(block) = self.trace.blocks.last_mut() {
            block.bits.end = at;
            block.inflated.end = self.inflated;
        }
    }

    fn token(&mut self, bits: Range<u64>, len: u64, distance: u32) {
        let inflated = self.inflated..self.inflated + len;
        let block = self.trace.blocks.last().map_or(0, |block| block.bits.start);
        if let Some(before) = self.trace.tokens.last_mut()
            && distance == 0
            && before.distance == 0
            && before.bits.end == bits.start
            && before.bits.start >= block
        {
            before.bits.end = bits.end;
            before.inflated.end = inflated.end;
        } else if self.trace.tokens.len() == self.limit {
            self.trace.truncated = true;
            return;
        } else {
            self.trace.tokens.push(Token {
                bits,
                inflated: inflated.clone(),
                distance,
            });
        }
        self.inflated = inflated.end;
    }

    fn has_enough(&self) -> bool {
        self.trace.truncated
    }
}
