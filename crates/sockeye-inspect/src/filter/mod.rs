//! A small language that selects frames.
//!
//! A filter is terms such as `dir:c2s`, `size>1k` and `text:/tick/i`, side by side where all of them have to fit, with `or`, `not` (or `-`) and
//! parentheses; [`help`] has every term. Terms about the payload are about the message, inflated, and select its first frame. They look at its
//! first 16 MiB, and only where the other terms do not already decide.
//!
//! ```
//! use sockeye_inspect::filter::Filter;
//!
//! assert!(!Filter::parse("dir:c2s (op:ping or size>1k) -rsv1:1")?.needs_payload());
//! let error = Filter::parse("op:pingg").unwrap_err();
//! assert_eq!(error.at, 3..8);
//! # Ok::<(), sockeye_inspect::filter::FilterError>(())
//! ```

mod complete;
mod parse;
mod path;
mod pattern;
mod program;
mod quantity;
mod table;
mod term;
#[cfg(test)]
mod tests;

use core::ops::Range;

use program::Program;

use crate::{Capture, Frame, MessageReader, ReadAt, Timestamp};

/// What selects frames, ready to be asked.
#[derive(Clone, Debug)]
pub struct Filter {
    /// `None`: every frame.
    program: Option<Program>,
}

impl Filter {
    /// Reads a filter; the empty text selects every frame.
    ///
    /// # Errors
    ///
    /// [`FilterError`] says where it cannot be understood, and what would be valid there.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let expression = parse::Parser::new(text).filter()?;
        Ok(Self {
            program: expression.map(Program::new),
        })
    }

    /// Whether messages have to be read to answer: then it is many times slower.
    #[must_use]
    pub fn needs_payload(&self) -> bool {
        self.program.as_ref().is_some_and(Program::needs_payload)
    }

    /// Whether it selects this frame; [`Self::select`] is faster for many. What cannot be read does not have what is searched for.
    pub fn matches<S: ReadAt + ?Sized>(
        &self,
        capture: &Capture,
        frame: &Frame,
        source: &S,
    ) -> bool {
        let Some(program) = &self.program else {
            return true;
        };
        let this = frame.number..frame.number.saturating_add(1);
        let broken = program.broken(capture, &this);
        let mut reader = MessageReader::new(capture, source);
        program.run(capture, start(capture), &broken, frame, source, &mut reader)
    }

    /// Appends the numbers of those of `frames` that it selects. Rules are found as far as their findings are kept
    /// ([`Capture::findings`]).
    pub fn select<S: ReadAt + ?Sized>(
        &self,
        capture: &Capture,
        frames: Range<u32>,
        source: &S,
        out: &mut Vec<u32>,
    ) {
        let Some(program) = &self.program else {
            out.extend(frames.start..frames.end.min(capture.frame_count()));
            return;
        };
        let start = start(capture);
        let broken = program.broken(capture, &frames);
        let mut reader = MessageReader::new(capture, source);
        for frame in capture.frames(frames) {
            if program.run(capture, start, &broken, &frame, source, &mut reader) {
                out.push(frame.number);
            }
        }
    }
}

fn start(capture: &Capture) -> Timestamp {
    capture.span().map_or(Timestamp::UNKNOWN, |span| span.0)
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilterError {
    /// Which bytes of the text cannot be understood.
    pub at: Range<usize>,
    /// A sentence that says what would be valid there.
    pub message: String,
}

impl core::fmt::Display for FilterError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for FilterError {}

/// One way to go on with a filter that is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Completion {
    /// Which bytes of the text it replaces.
    pub replace: Range<usize>,
    /// What comes there.
    pub text: String,
    /// What it means, in a few words.
    pub help: &'static str,
}

/// A term of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Term {
    /// Its name, without the colon.
    pub name: &'static str,
    /// A filter that uses it.
    pub example: &'static str,
    /// What it selects, in a few words.
    pub help: &'static str,
}

/// What can be typed at byte `cursor` of `text`, the likeliest first. Connections and rules are those of `capture`.
#[must_use]
pub fn completions(text: &str, cursor: usize, capture: Option<&Capture>) -> Vec<Completion> {
    complete::completions(text, cursor, capture)
}

/// Every term of the language.
#[must_use]
pub const fn help() -> &'static [Term] {
    &table::HELP
}
