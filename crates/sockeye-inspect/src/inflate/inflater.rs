//! Inflates the messages of one direction of a connection.

use core::ops::ControlFlow;

use super::{
    bits::{Bits, Rest},
    codes::{BAD, CodeError, Codes, END, Entry, LITERAL, LONGER, UNUSED, extended, total, value},
    error::{BitOffset, InflateCause, InflateError},
    fast,
    trace::{BlockKind, Watch},
    window::Window,
};

/// Inflates the compressed messages of one direction of a connection
/// ([RFC 7692 §7.2.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2)).
///
/// For each message: [`begin_message`](Self::begin_message), [`inflate`](Self::inflate) for each piece of its payload,
/// [`end_message`](Self::end_message). The window is always that of 32 KiB, and is kept, whatever was agreed: how far references go, and
/// whether into earlier messages, is in the [`MessageFacts`] for the caller to judge. A reference to what is not there yields zeros.
///
/// A block with BFINAL ends a stream of blocks and not the message: from the next byte on there is a new stream over the same window, in this
/// message or the next (§7.2.3.4).
///
/// After an error in a message, after one that was stopped, and after [`forget`](Self::forget), the window is unknown: references to before
/// the next message yield zeros and are reported.
///
/// # Memory
///
/// 76 KiB. A [`Checkpoint`](super::Checkpoint) has what is in use of it, at most 33 KiB. Nothing is allocated for a message.
pub(crate) struct Inflater {
    pub(super) core: Core,
    pub(super) codes: Box<Codes>,
    pub(super) window: Window,
}

/// All but the window and what can be computed.
#[derive(Clone)]
pub(super) struct Core {
    pub(super) rest: Rest,
    pub(super) state: State,
    /// What the tables in `Codes` are for.
    pub(super) loaded: Loaded,
    /// How long the codes are: those of the block, as many as there are so far.
    pub(super) lengths: [u8; 320],
    /// How long the codes for these are.
    pub(super) code_lengths: [u8; 19],
    /// Whether the block has BFINAL.
    last: bool,
    /// Where the block began, in bits.
    block: u64,
    /// Whether nothing but what ended with BFINAL is behind us.
    fresh: bool,
    /// Whether the last block was stored and empty.
    flushed: bool,
    /// The last four bytes of the message.
    tail: u32,
    taken_over: bool,
    outcome: Outcome,
    facts: MessageFacts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Before the three bits that a block begins with.
    Header,
    /// Before LEN and NLEN.
    StoredLength,
    Stored {
        left: u16,
    },
    /// Before HLIT, HDIST and HCLEN.
    Counts,
    /// Among the code lengths for code lengths.
    CodeLengths {
        literals: u16,
        distances: u16,
        count: u8,
        have: u8,
    },
    /// Among the code lengths.
    Lengths {
        literals: u16,
        distances: u16,
        have: u16,
    },
    /// Among literals and references.
    Codes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Loaded {
    Nothing,
    Fixed,
    Dynamic { literals: u16, distances: u16 },
}

/// How the message goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Well,
    Failed(InflateError),
    Stopped,
}

/// What was seen of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MessageFacts {
    /// How many bytes the message has had.
    pub(crate) compressed_len: u64,
    /// How many bytes came out of them.
    pub(crate) inflated_len: u64,
    /// The longest distance of a reference, 0 to 32,768.
    pub(crate) farthest: u32,
    /// Where it is.
    pub(crate) farthest_at: BitOffset,
    /// The first reference to before the message, though it was begun without `take_over`.
    pub(crate) kept: Option<BitOffset>,
    /// The first reference to what is not known: to before everything, or to before what was lost. Zeros were given.
    pub(crate) unknown: Option<BitOffset>,
    /// The first block with BFINAL.
    pub(crate) final_block: Option<BitOffset>,
    /// Whether the message ends with an empty stored block whose 00 00 FF FF has not been taken away (RFC 7692 §7.2.1). A peer that
    /// appends them as §7.2.2 says is left in the middle of a block.
    pub(crate) tail_present: bool,
    /// Whether the message ends behind a block that is neither final nor an empty stored one: 00 00 FF FF do not fit there.
    pub(crate) flush_missing: bool,
    /// Whether the caller had enough, and the rest was skipped.
    pub(crate) stopped: bool,
}

/// Why the decoder pauses.
pub(super) enum Pause {
    /// It has had all of the input.
    NeedInput,
    /// The caller has had enough.
    Stopped,
}

/// What is wrong, and at which bit of the message.
struct Wrong(u64, InflateCause);

impl Inflater {
    /// An inflater at the beginning of a direction.
    pub(crate) fn new() -> Self {
        Self::with_window(Window::new())
    }

    pub(super) fn with_window(window: Window) -> Self {
        Self {
            core: Core {
                rest: Rest::default(),
                state: State::Header,
                loaded: Loaded::Nothing,
                lengths: [0; 320],
                code_lengths: [0; 19],
                last: false,
                block: 0,
                fresh: true,
                flushed: false,
                tail: 0,
                taken_over: true,
                outcome: Outcome::Well,
                facts: MessageFacts::default(),
            },
            codes: Box::new(Codes::new()),
            window,
        }
    }

    /// Begins a message; one that was not ended is given up. Without `take_over`, references to before it are reported as `kept`. They are
    /// still resolved, so that the message can be read.
    pub(crate) fn begin_message(&mut self, take_over: bool) {
        if self.core.facts.compressed_len != 0 {
            self.forget();
        }
        self.core.taken_over = take_over;
        self.window.begin_message();
    }

    /// Inflates a piece of the message, and gives what comes out of it, in order, in pieces of at most 32 KiB and a little.
    ///
    /// When `out` breaks, it has had the last piece of this message: the rest is skipped, and the window is unknown.
    ///
    /// # Errors
    ///
    /// [`InflateError`]; the same again for each further piece of the message. What came before it has been given to `out`.
    pub(crate) fn inflate(
        &mut self,
        input: &[u8],
        out: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), InflateError> {
        self.inflate_watched(input, out, &mut ())
    }

    pub(super) fn inflate_watched<W: Watch>(
        &mut self,
        input: &[u8],
        out: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
        watch: &mut W,
    ) -> Result<(), InflateError> {
        let before = self.core.facts.compressed_len;
        self.core.facts.compressed_len += input.len() as u64;
        match self.core.outcome {
            Outcome::Well => {}
            Outcome::Failed(error) => return Err(error),
            Outcome::Stopped => return Ok(()),
        }
        for &byte in &input[input.len().saturating_sub(4)..] {
            self.core.tail = self.core.tail << 8 | u32::from(byte);
        }
        let mut bits = Bits::new(self.core.rest, before, input);
        let paused = self.run(&mut bits, out, watch);
        if let Ok(Pause::NeedInput) = paused {
            self.core.rest = bits.rest();
        }
        let given = self.window.give(out);
        match paused {
            Err(Wrong(at, cause)) => {
                let error = InflateError {
                    at: BitOffset::new(at),
                    cause,
                };
                self.core.outcome = Outcome::Failed(error);
                Err(error)
            }
            Ok(Pause::NeedInput) if given.is_continue() => Ok(()),
            Ok(_) => {
                self.core.facts.stopped = true;
                self.core.outcome = Outcome::Stopped;
                Ok(())
            }
        }
    }

    /// Ends the message: with 00 00 FF FF behind it, it must end where a block does. Nothing more comes out.
    ///
    /// A message is complete too when it has no bytes, when it ends with a final block that lacks the empty block behind it, and with
    /// `tail_present` or `flush_missing`: nothing of it can be missing then.
    ///
    /// # Errors
    ///
    /// [`InflateError`]: that of the message, or `EndsInBlock`. The inflater is ready for the next message all the same.
    pub(crate) fn end_message(&mut self) -> Result<MessageFacts, InflateError> {
        let core = &mut self.core;
        let mut facts = core.facts;
        let mut outcome = core.outcome;
        if outcome == Outcome::Well {
            match core.state {
                State::Header => {
                    facts.tail_present = core.flushed && core.tail == 0x0000_ffff;
                    facts.flush_missing = !facts.tail_present && !core.fresh;
                }
                State::StoredLength if core.rest.count == 0 => {}
                _ => {
                    outcome = Outcome::Failed(InflateError {
                        at: BitOffset::new(facts.compressed_len * 8),
                        cause: InflateCause::EndsInBlock,
                    });
                }
            }
        }
        self.reset();
        match outcome {
            Outcome::Well => Ok(facts),
            Outcome::Stopped => {
                self.forget();
                Ok(facts)
            }
            Outcome::Failed(error) => {
                self.forget();
                Err(error)
            }
        }
    }

    /// What was seen of the message so far. What can only be known at its end is missing.
    pub(crate) const fn facts(&self) -> MessageFacts {
        self.core.facts
    }

    /// Bytes, messages, or the end of the message are lost: the window is unknown, and the next message begins.
    pub(crate) fn forget(&mut self) {
        self.reset();
        self.window.forget();
    }

    /// To before the next message.
    fn reset(&mut self) {
        let core = &mut self.core;
        core.rest = Rest::default();
        core.state = State::Header;
        core.last = false;
        core.fresh = true;
        core.flushed = false;
        core.tail = 0;
        core.outcome = Outcome::Well;
        core.facts = MessageFacts::default();
    }

    fn run<W: Watch>(
        &mut self,
        bits: &mut Bits<'_>,
        out: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
        watch: &mut W,
    ) -> Result<Pause, Wrong> {
        loop {
            if self.window.is_full() {
                if self.window.give(out).is_break() {
                    return Ok(Pause::Stopped);
                }
                self.window.make_room();
            }
            let done = match self.core.state {
                State::Header => self.header(bits, watch)?,
                State::StoredLength => self.stored_length(bits, watch)?,
                State::Stored { left } => self.stored(left, bits, watch),
                State::Counts => self.counts(bits)?,
                State::CodeLengths {
                    literals,
                    distances,
                    count,
                    have,
                } => self.code_lengths(literals, distances, count, have, bits)?,
                State::Lengths {
                    literals,
                    distances,
                    have,
                } => self.lengths(literals, distances, have, bits)?,
                State::Codes => self.codes(bits, watch)?,
            };
            if done.is_none() {
                return Ok(Pause::NeedInput);
            }
            if watch.has_enough() {
                return Ok(Pause::Stopped);
            }
        }
    }
}

/// The steps: each takes what it needs, or nothing and says `None`.
impl Inflater {
    fn header<W: Watch>(
        &mut self,
        bits: &mut Bits<'_>,
        watch: &mut W,
    ) -> Result<Option<()>, Wrong> {
        let at = bits.position();
        let Some(header) = bits.take(3) else {
            return Ok(None);
        };
        let core = &mut self.core;
        core.block = at;
        core.fresh = false;
        core.flushed = false;
        core.last = header & 1 == 1;
        if core.last && core.facts.final_block.is_none() {
            core.facts.final_block = Some(BitOffset::new(at));
        }
        let kind = match header >> 1 {
            0 => {
                bits.align();
                core.state = State::StoredLength;
                BlockKind::Stored
            }
            1 => {
                if core.loaded != Loaded::Fixed {
                    self.codes.set_fixed();
                    core.loaded = Loaded::Fixed;
                }
                core.state = State::Codes;
                BlockKind::Fixed
            }
            2 => {
                core.state = State::Counts;
                BlockKind::Dynamic
            }
            _ => return Err(Wrong(at, InflateCause::BlockType)),
        };
        watch.block(kind, core.last, at);
        Ok(Some(()))
    }

    fn stored_length<W: Watch>(
        &mut self,
        bits: &mut Bits<'_>,
        watch: &mut W,
    ) -> Result<Option<()>, Wrong> {
        let at = bits.position();
        let Some(lengths) = bits.take(32) else {
            return Ok(None);
        };
        let (len, complement) = (lengths as u16, (lengths >> 16) as u16);
        if complement != !len {
            return Err(Wrong(at, InflateCause::StoredLength { len, complement }));
        }
        if len == 0 {
            self.end_block(bits, watch);
            self.core.flushed = true;
        } else {
            self.core.state = State::Stored { left: len };
        }
        Ok(Some(()))
    }

    fn stored<W: Watch>(&mut self, left: u16, bits: &mut Bits<'_>, watch: &mut W) -> Option<()> {
        let at = bits.position();
        let mut small = [0; 8];
        let bytes = bits.bytes(self.window.room().min(usize::from(left)), &mut small);
        if bytes.is_empty() {
            return None;
        }
        let len = bytes.len();
        self.window.append(bytes);
        self.core.facts.inflated_len += len as u64;
        watch.token(at..bits.position(), len as u64, 0);
        let left = left - len as u16;
        self.core.state = State::Stored { left };
        if left == 0 {
            self.end_block(bits, watch);
        }
        Some(())
    }

    fn counts(&mut self, bits: &mut Bits<'_>) -> Result<Option<()>, Wrong> {
        let at = bits.position();
        let Some(counts) = bits.take(14) else {
            return Ok(None);
        };
        let literals = (counts & 31) as u16 + 257;
        let distances = (counts >> 5 & 31) as u16 + 1;
        if literals > 286 {
            let cause = InflateCause::TooManyLengths { count: literals };
            return Err(Wrong(at, cause));
        }
        if distances > 30 {
            let cause = InflateCause::TooManyDistances { count: distances };
            return Err(Wrong(at + 5, cause));
        }
        // What the tables were for is about to be overwritten.
        self.core.loaded = Loaded::Nothing;
        self.core.code_lengths = [0; 19];
        self.core.state = State::CodeLengths {
            literals,
            distances,
            count: (counts >> 10) as u8 + 4,
            have: 0,
        };
        Ok(Some(()))
    }

    fn code_lengths(
        &mut self,
        literals: u16,
        distances: u16,
        count: u8,
        mut have: u8,
        bits: &mut Bits<'_>,
    ) -> Result<Option<()>, Wrong> {
        while have < count {
            let Some(length) = bits.take(3) else {
                self.core.state = State::CodeLengths {
                    literals,
                    distances,
                    count,
                    have,
                };
                return Ok(None);
            };
            self.core.code_lengths[ORDER[have as usize] as usize] = length as u8;
            have += 1;
        }
        let cause = match self.codes.set_code_lengths(&self.core.code_lengths) {
            Ok(()) => {
                self.core.state = State::Lengths {
                    literals,
                    distances,
                    have: 0,
                };
                return Ok(Some(()));
            }
            Err(CodeError::OverSubscribed) => InflateCause::CodeLengthsOverSubscribed,
            Err(CodeError::Incomplete) => InflateCause::CodeLengthsIncomplete,
        };
        Err(Wrong(self.core.block, cause))
    }

    fn lengths(
        &mut self,
        literals: u16,
        distances: u16,
        mut have: u16,
        bits: &mut Bits<'_>,
    ) -> Result<Option<()>, Wrong> {
        let count = literals + distances;
        while have < count {
            bits.refill();
            let entry = self.codes.code_length(bits.buffer);
            if bits.count < total(entry) {
                self.core.state = State::Lengths {
                    literals,
                    distances,
                    have,
                };
                return Ok(None);
            }
            let lengths = &mut self.core.lengths[..count as usize];
            let extra = extended(entry, bits.buffer) as u16 - value(entry) as u16;
            let (length, times) = match value(entry) {
                16 if have == 0 => {
                    let cause = InflateCause::RepeatWithoutLength;
                    return Err(Wrong(bits.position(), cause));
                }
                16 => (lengths[have as usize - 1], 3 + extra),
                17 => (0, 3 + extra),
                18 => (0, 11 + extra),
                length => (length as u8, 1),
            };
            let Some(repeated) = lengths.get_mut(have as usize..(have + times) as usize) else {
                return Err(Wrong(bits.position(), InflateCause::RepeatTooLong));
            };
            repeated.fill(length);
            have += times;
            bits.skip(total(entry));
        }
        self.load_dynamic(literals, distances)
            .map_err(|cause| Wrong(self.core.block, cause))?;
        self.core.state = State::Codes;
        Ok(Some(()))
    }

    /// Makes the tables for the code lengths that are there.
    pub(super) fn load_dynamic(
        &mut self,
        literals: u16,
        distances: u16,
    ) -> Result<(), InflateCause> {
        let lengths = &self.core.lengths[..(literals + distances) as usize];
        let (of_literals, of_distances) = lengths.split_at(literals as usize);
        if of_literals[256] == 0 {
            return Err(InflateCause::EndOfBlockMissing);
        }
        self.codes
            .set_literals(of_literals)
            .map_err(|error| match error {
                CodeError::OverSubscribed => InflateCause::LengthsOverSubscribed,
                CodeError::Incomplete => InflateCause::LengthsIncomplete,
            })?;
        self.codes
            .set_distances(of_distances)
            .map_err(|error| match error {
                CodeError::OverSubscribed => InflateCause::DistancesOverSubscribed,
                CodeError::Incomplete => InflateCause::DistancesIncomplete,
            })?;
        self.core.loaded = Loaded::Dynamic {
            literals,
            distances,
        };
        Ok(())
    }

    /// Many literals and references, or one.
    fn codes<W: Watch>(&mut self, bits: &mut Bits<'_>, watch: &mut W) -> Result<Option<()>, Wrong> {
        if !W::WATCHES {
            let before = self.window.end;
            let floor = floor(&self.core, &self.window);
            fast::inflate(
                bits,
                &self.codes,
                &mut self.window,
                floor,
                self.core.facts.farthest as usize,
            );
            self.core.facts.inflated_len += (self.window.end - before) as u64;
            if self.window.is_full() {
                return Ok(Some(()));
            }
        }
        let at = bits.position();
        bits.refill();
        let mut ahead = Ahead {
            buffer: bits.buffer,
            count: bits.count,
        };
        let codes = &self.codes;
        let Some((entry, code)) =
            ahead.take(codes.literal(ahead.buffer), |e, b| codes.long_literal(e, b))
        else {
            return Ok(None);
        };
        if entry & BAD != 0 {
            let cause = match value(entry) {
                UNUSED => InflateCause::LengthUnused,
                symbol => InflateCause::LengthReserved {
                    symbol: symbol as u16,
                },
            };
            return Err(Wrong(at, cause));
        }
        if entry & (LITERAL | END) != 0 {
            (bits.buffer, bits.count) = (ahead.buffer, ahead.count);
            if entry & END != 0 {
                self.end_block(bits, watch);
                return Ok(Some(()));
            }
            self.window.append(&[value(entry) as u8]);
            self.core.facts.inflated_len += 1;
            watch.token(at..bits.position(), 1, 0);
            return Ok(Some(()));
        }
        let len = extended(entry, code);
        let distance_at = at + u64::from(bits.count - ahead.count);
        let Some((entry, code)) = ahead.take(codes.distance(ahead.buffer), |e, b| {
            codes.long_distance(e, b)
        }) else {
            return Ok(None);
        };
        if entry & BAD != 0 {
            let cause = match value(entry) {
                UNUSED => InflateCause::DistanceUnused,
                symbol => InflateCause::DistanceReserved {
                    symbol: symbol as u16,
                },
            };
            return Err(Wrong(distance_at, cause));
        }
        let distance = extended(entry, code);
        (bits.buffer, bits.count) = (ahead.buffer, ahead.count);
        self.note_reference(at, distance);
        self.window.copy(distance, len);
        self.core.facts.inflated_len += len as u64;
        watch.token(at..bits.position(), len as u64, distance as u32);
        Ok(Some(()))
    }

    fn end_block<W: Watch>(&mut self, bits: &mut Bits<'_>, watch: &mut W) {
        if self.core.last {
            bits.align();
            self.core.fresh = true;
        }
        self.core.state = State::Header;
        watch.block_ends(bits.position());
    }

    fn note_reference(&mut self, at: u64, distance: usize) {
        let facts = &mut self.core.facts;
        let at = BitOffset::new(at);
        if distance > facts.farthest as usize {
            facts.farthest = distance as u32;
            facts.farthest_at = at;
        }
        let from = self.window.end - distance;
        if !self.core.taken_over && from < self.window.message && facts.kept.is_none() {
            facts.kept = Some(at);
        }
        if from < self.window.known && facts.unknown.is_none() {
            facts.unknown = Some(at);
        }
    }
}

/// Bits that have been looked at, and are taken when there are enough of them.
struct Ahead {
    buffer: u64,
    count: u32,
}

impl Ahead {
    /// The entry of a whole symbol, and the bits that it begins with; `None` when its bits are not all there.
    fn take(
        &mut self,
        mut entry: Entry,
        second: impl Fn(Entry, u64) -> Entry,
    ) -> Option<(Entry, u64)> {
        if entry & LONGER != 0 {
            self.skip(total(entry))?;
            entry = second(entry, self.buffer);
        }
        let code = self.buffer;
        self.skip(total(entry))?;
        Some((entry, code))
    }

    fn skip(&mut self, bits: u32) -> Option<()> {
        self.count = self.count.checked_sub(bits)?;
        self.buffer >>= bits;
        Some(())
    }
}

/// Before this index, a reference is to be noted.
fn floor(core: &Core, window: &Window) -> usize {
    let kept = if core.taken_over || core.facts.kept.is_some() {
        0
    } else {
        window.message
    };
    let unknown = if core.facts.unknown.is_some() {
        0
    } else {
        window.known
    };
    kept.max(unknown)
}

/// RFC 1951 §3.2.7: the order in which the code lengths for code lengths come.
const ORDER: [u8; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];
