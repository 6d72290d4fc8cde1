//! Inflates the messages of one direction of a connection.

use core::ops::ControlFlow;

use super::{
    bits::{Bits, Rest},
    codes::Codes,
    error::{BitOffset, InflateCause, InflateError},
    trace::Watch,
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
    pub(super) last: bool,
    /// Where the block began, in bits.
    pub(super) block: u64,
    /// Whether nothing but what ended with BFINAL is behind us.
    pub(super) fresh: bool,
    /// Whether the last block was stored and empty.
    pub(super) flushed: bool,
    /// The last four bytes of the message.
    tail: u32,
    pub(super) taken_over: bool,
    outcome: Outcome,
    pub(super) facts: MessageFacts,
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
pub(super) struct Wrong(pub(super) u64, pub(super) InflateCause);

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
