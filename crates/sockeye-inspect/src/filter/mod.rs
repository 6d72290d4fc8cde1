//! A small language that selects frames.

use core::ops::Range;

use crate::{Capture, Frame, ReadAt};

/// What selects frames, ready to be asked.
#[derive(Clone, Debug)]
pub struct Filter {}

impl Filter {
    /// Reads a filter; the empty text selects every frame.
    ///
    /// # Errors
    ///
    /// [`FilterError`] says where it cannot be understood, and what would be valid there.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.trim().is_empty() {
            return Ok(Self {});
        }
        Err(FilterError {
            at: 0..text.len(),
            message: String::from("no terms are known yet"),
        })
    }

    /// Whether payloads have to be read to answer: then it is thousands of times slower.
    #[must_use]
    pub const fn needs_payload(&self) -> bool {
        false
    }

    /// Whether it selects this frame. Payload is read only where the header does not decide.
    pub fn matches<S: ReadAt + ?Sized>(
        &self,
        capture: &Capture,
        frame: &Frame,
        source: &S,
    ) -> bool {
        let _ = (capture, frame, source);
        true
    }

    /// Appends the numbers of those of `frames` that it selects.
    pub fn select<S: ReadAt + ?Sized>(
        &self,
        capture: &Capture,
        frames: Range<u32>,
        source: &S,
        out: &mut Vec<u32>,
    ) {
        for frame in capture.frames(frames) {
            if self.matches(capture, &frame, source) {
                out.push(frame.number);
            }
        }
    }
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
    let _ = (text, cursor, capture);
    Vec::new()
}

/// Every term of the language.
#[must_use]
pub const fn help() -> &'static [Term] {
    &[]
}
