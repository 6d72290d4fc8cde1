//! A filter as a list of tests, each of which says which one is next: no calls, and no more tests than are needed.

use core::ops::Range;

use super::{path::Comparison, pattern::Pattern};
use crate::{Capture, Frame, MessageBytes, MessageReader, OnRecord, ReadAt, Rule, Timestamp};
use memchr::memmem::Finder;

/// How many bytes of a message are searched.
pub(super) const SEARCHED: usize = 16 << 20;

/// What a filter says, as it was written.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Test(Test),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

/// One question about a frame.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// Whether a number lies within, both ends included.
    Within(Field, u64, u64),
    /// Whether the opcode is one of these: bit 0 for opcode 0.
    Opcodes(u16),
    /// Whether one of the findings is of one of these rules: bit 0 for the first.
    Rules(u128),
    /// Whether the message that begins with the frame has it.
    Content(Content),
}

/// A number that a frame has, or may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Number,
    Connection,
    /// 0 for c2s.
    Direction,
    /// Nanoseconds since the first packet.
    Time,
    Payload,
    Wire,
    Inflated,
    /// Compressed through inflated length, in millionths.
    Ratio,
    Fin,
    Rsv1,
    Rsv2,
    Rsv3,
    Masked,
    Compressed,
    /// 0 for none, else one more than the number of the severity.
    Severity,
    /// Whether it is one part of a message of several frames.
    Fragment,
    CloseCode,
}

/// A question about the content of a message.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Bytes(Box<Finder<'static>>),
    Pattern(Pattern),
    Json(Comparison),
}

/// A test and where to go on.
#[derive(Clone, Debug)]
struct Step {
    test: Test,
    on_true: u16,
    on_false: u16,
}

/// The tests in the order of their places; the last one comes first.
#[derive(Clone, Debug)]
pub(super) struct Program {
    steps: Vec<Step>,
    entry: u16,
}

const ACCEPT: u16 = u16::MAX;
const REJECT: u16 = u16::MAX - 1;

impl Program {
    /// The program of an expression, which has fewer than 65,000 tests.
    pub(super) fn new(expression: Expression) -> Self {
        let mut program = Self {
            steps: Vec::new(),
            entry: ACCEPT,
        };
        program.entry = program.compile(expression, ACCEPT, REJECT);
        program
    }

    /// Writes the tests from the last to the first, so that each knows where to go on.
    fn compile(&mut self, expression: Expression, on_true: u16, on_false: u16) -> u16 {
        match expression {
            Expression::Test(test) => {
                self.steps.push(Step {
                    test,
                    on_true,
                    on_false,
                });
                u16::try_from(self.steps.len() - 1).unwrap_or(REJECT)
            }
            Expression::Not(inner) => self.compile(*inner, on_false, on_true),
            Expression::And(mut parts) => {
                parts.sort_by_key(Expression::cost);
                parts
                    .into_iter()
                    .rev()
                    .fold(on_true, |next, part| self.compile(part, next, on_false))
            }
            Expression::Or(mut parts) => {
                parts.sort_by_key(Expression::cost);
                parts
                    .into_iter()
                    .rev()
                    .fold(on_false, |next, part| self.compile(part, on_true, next))
            }
        }
    }

    pub(super) fn needs_payload(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.test, Test::Content(_)))
    }

    /// The rules that the frames of this range break, in the order of the frames, where the program asks for that.
    pub(super) fn broken(&self, capture: &Capture, frames: &Range<u32>) -> Vec<(u32, u128)> {
        let asked = self.steps.iter().fold(0, |asked, step| match step.test {
            Test::Rules(mask) => asked | mask,
            _ => asked,
        });
        if asked == 0 {
            return Vec::new();
        }
        let mut broken: Vec<(u32, u128)> = capture
            .findings()
            .iter()
            .filter(|finding| asked & bit(finding.rule) != 0)
            .filter_map(|finding| Some((finding.place.frame()?, bit(finding.rule))))
            .filter(|(frame, _)| frames.contains(frame))
            .collect();
        broken.sort_unstable();
        broken.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 |= next.1;
            }
            is_same
        });
        broken
    }

    /// Whether it selects the frame. `broken` has what [`Self::broken`] says of a range that the frame is in.
    #[inline]
    pub(super) fn run<S: ReadAt + ?Sized>(
        &self,
        capture: &Capture,
        start: Timestamp,
        broken: &[(u32, u128)],
        frame: &Frame,
        source: &S,
        reader: &mut MessageReader<'_, S>,
    ) -> bool {
        let mut message = None;
        let mut place = self.entry;
        // Every step leads to one with a smaller place, or to the end.
        while let Some(step) = self.steps.get(usize::from(place)) {
            let answer = match &step.test {
                Test::Within(field, least, most) => field
                    .of(capture, start, frame, source)
                    .is_some_and(|value| (*least..=*most).contains(&value)),
                Test::Opcodes(mask) => mask >> (frame.opcode & 0xF) & 1 == 1,
                Test::Rules(mask) => {
                    frame.severity.is_some()
                        && broken
                            .binary_search_by_key(&frame.number, |entry| entry.0)
                            .is_ok_and(|at| broken[at].1 & mask != 0)
                }
                Test::Content(content) => message
                    .get_or_insert_with(|| read(capture, frame, reader))
                    .as_ref()
                    .is_some_and(|message| content.is_in(&message.content().data)),
            };
            place = if answer { step.on_true } else { step.on_false };
        }
        place == ACCEPT
    }
}

impl Expression {
    /// 0: answered by the index, 1: by the findings, 2: by the payload.
    fn cost(&self) -> u8 {
        match self {
            Self::Test(Test::Content(_)) => 2,
            Self::Test(Test::Rules(_) | Test::Within(Field::CloseCode | Field::Ratio, ..)) => 1,
            Self::Test(_) => 0,
            Self::Not(inner) => inner.cost(),
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::cost).max().unwrap_or(0),
        }
    }
}

/// The bit of a rule in [`Test::Rules`].
pub(super) const fn bit(rule: Rule) -> u128 {
    1 << (rule as u8 & 0x7F)
}

/// The message that begins with this frame; `None`: it begins with another one, or cannot be read.
#[inline(never)]
fn read<S: ReadAt + ?Sized>(
    capture: &Capture,
    frame: &Frame,
    reader: &mut MessageReader<'_, S>,
) -> Option<MessageBytes> {
    if frame.opcode == 0 && capture.message_start(frame.number) != frame.number {
        return None;
    }
    reader.message(frame.number, SEARCHED).ok()
}

impl Field {
    #[inline(always)]
    fn of<S: ReadAt + ?Sized>(
        self,
        capture: &Capture,
        start: Timestamp,
        frame: &Frame,
        source: &S,
    ) -> Option<u64> {
        Some(match self {
            Self::Number => frame.number.into(),
            Self::Connection => frame.connection.into(),
            Self::Direction => frame.direction.index() as u64,
            Self::Time => {
                if !frame.time.is_known() {
                    return None;
                }
                frame.time.nanos().saturating_sub(start.nanos())
            }
            Self::Payload => frame.payload_len,
            Self::Wire => frame.wire_len(),
            Self::Inflated => return frame.inflated_len,
            Self::Ratio => return ratio(capture, frame),
            Self::Fin => frame.fin.into(),
            Self::Rsv1 => frame.rsv1.into(),
            Self::Rsv2 => frame.rsv2.into(),
            Self::Rsv3 => frame.rsv3.into(),
            Self::Masked => {
                // What is not on record is neither.
                if frame.on_record == OnRecord::Message {
                    return None;
                }
                frame.masked.into()
            }
            Self::Compressed => frame.compressed.into(),
            Self::Severity => frame.severity.map_or(0, |severity| severity as u64 + 1),
            Self::Fragment => (!frame.is_control() && (!frame.fin || frame.opcode == 0)).into(),
            Self::CloseCode => return close_code(capture, frame, source).map(u64::from),
        })
    }
}

/// What part of a message is left after compression, in millionths, at its first frame.
#[inline(never)]
fn ratio(capture: &Capture, frame: &Frame) -> Option<u64> {
    const MOST_FRAMES: u32 = 65_536;
    let inflated = frame.inflated_len.filter(|&len| len > 0)?;
    let mut compressed = frame.payload_len;
    if !frame.fin {
        let next = frame.number.saturating_add(1);
        for part in capture.frames(next..next.saturating_add(MOST_FRAMES)) {
            if part.connection == frame.connection
                && part.direction == frame.direction
                && !part.is_control()
            {
                compressed = compressed.saturating_add(part.payload_len);
                if part.fin {
                    break;
                }
            }
        }
    }
    u64::try_from(u128::from(compressed) * 1_000_000 / u128::from(inflated)).ok()
}

#[inline(never)]
fn close_code<S: ReadAt + ?Sized>(capture: &Capture, frame: &Frame, source: &S) -> Option<u16> {
    if frame.opcode != 0x8 || frame.payload_len < 2 {
        return None;
    }
    let connection = capture.connections().get(frame.connection as usize);
    if let Some(connection) = connection
        && let Some(close) = &connection.end.close[frame.direction.index()]
        && close.frame == frame.number
    {
        return close.code;
    }
    let payload = capture.payload(frame.number, 2, source).ok()?;
    let code = payload.data.first_chunk::<2>()?;
    payload
        .missing
        .is_empty()
        .then_some(u16::from_be_bytes(*code))
}

impl Content {
    pub(super) fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(Box::new(Finder::new(bytes).into_owned()))
    }

    #[inline(never)]
    pub(super) fn is_in(&self, content: &[u8]) -> bool {
        match self {
            Self::Bytes(finder) => finder.find(content).is_some(),
            Self::Pattern(pattern) => pattern.is_in(content),
            Self::Json(comparison) => comparison.is_true(content),
        }
    }
}
