//! Deflates the messages of one direction of a connection.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::WindowBits;
use super::backend::Compressor;

/// Deflates the messages that one connection sends
/// ([RFC 7692 §7.2.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1)).
///
/// Give each piece of a message to [`deflate`](Self::deflate), then call [`finish`](Self::finish); or a whole message to
/// [`message`](Self::message), which costs one pass instead of two.
///
/// # Memory
///
/// Nothing until the first compressed message, and nothing between messages without context takeover: making the state anew takes a few
/// microseconds, about as long as clearing it would, since most of it is hash tables. With context takeover, a connection holds
/// from its first compressed message on, in KiB:
///
/// | window bits | miniz_oxide, out | in | zlib-rs, out | in |
/// |---|---|---|---|---|
/// | 8 | 312 | 11 | 140 | 47 |
/// | 9 | 312 | 11 | 140 | 47 |
/// | 10 | 312 | 11 | 142 | 48 |
/// | 11 | 312 | 12 | 146 | 49 |
/// | 12 | 312 | 14 | 161 | 51 |
/// | 13 | 312 | 18 | 191 | 55 |
/// | 14 | 312 | 26 | 223 | 63 |
/// | 15 | 312 | 42 | 287 | 79 |
///
/// What comes in begins smaller (11 KiB, 47 KiB) and grows with what was inflated.
pub(crate) struct Deflater {
    window: WindowBits,
    context_takeover: bool,
    level: u8,
    /// Whether the message under way has any bytes.
    started: bool,
    state: Option<Box<Compressor>>,
}

impl Deflater {
    /// A deflater that never refers further back than this window. Levels above 9 count as 9.
    pub(crate) const fn new(window: WindowBits, context_takeover: bool, level: u8) -> Self {
        Self {
            window,
            context_takeover,
            level: if level > 9 { 9 } else { level },
            started: false,
            state: None,
        }
    }

    /// Compresses a piece of a message onto `out`. Some of it may stay inside until the message ends.
    pub(crate) fn deflate(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if input.is_empty() {
            return;
        }
        self.started = true;
        self.state().write(input, out);
    }

    /// Ends the message.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        self.message(&[], out);
    }

    /// Compresses the rest of a message onto `out` and ends the message.
    pub(crate) fn message(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if input.is_empty() && !self.started {
            // RFC 7692 §7.2.3.6: the header of an empty stored block. It leaves no trace in the window.
            out.push(0);
            return;
        }
        self.started = false;
        self.state().flush(input, out);
        // RFC 7692 §7.2.1: the flush ended with an empty stored block; its last four bytes are not sent.
        debug_assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
        out.truncate(out.len().saturating_sub(4));
        if !self.context_takeover {
            self.state = None;
        }
    }

    fn state(&mut self) -> &mut Compressor {
        self.state
            .get_or_insert_with(|| Box::new(Compressor::new(self.window, self.level)))
    }
}
