//! Colours.

use std::borrow::Cow;

use sockeye_inspect::{Direction, Frame, Severity};

/// Whether to colour text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    pub(super) fn bold<'a>(self, text: &'a str) -> Cow<'a, str> {
        self.with("\x1b[1m", text)
    }

    pub(super) fn dim<'a>(self, text: &'a str) -> Cow<'a, str> {
        self.with("\x1b[2m", text)
    }

    /// In the colour of who sends.
    pub(super) fn direction<'a>(self, direction: Direction, text: &'a str) -> Cow<'a, str> {
        let color = match direction {
            Direction::ToServer => "\x1b[34m",
            Direction::ToClient => "\x1b[32m",
        };
        self.with(color, text)
    }

    /// In the colour of its type.
    pub(super) fn kind<'a>(self, frame: &Frame, text: &'a str) -> Cow<'a, str> {
        let color = match frame.opcode {
            0x0..=0x2 => return text.into(),
            0x8 => "\x1b[35m",
            0x9 | 0xA => "\x1b[36m",
            _ => "\x1b[31m",
        };
        self.with(color, text)
    }

    /// In the colour of how bad it is.
    pub(super) fn severity<'a>(self, severity: Severity, text: &'a str) -> Cow<'a, str> {
        let color = match severity {
            Severity::Violation => "\x1b[1;31m",
            Severity::Advice => "\x1b[33m",
            Severity::Information => "\x1b[36m",
        };
        self.with(color, text)
    }

    fn with<'a>(self, color: &str, text: &'a str) -> Cow<'a, str> {
        if self.0 && !text.is_empty() {
            format!("{color}{text}\x1b[0m").into()
        } else {
            text.into()
        }
    }
}

/// The mark of the worst finding.
pub(super) const fn mark(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Violation) => "✗",
        Some(Severity::Advice) => "!",
        Some(Severity::Information) => "i",
        None => " ",
    }
}

/// Which way it goes.
pub(super) const fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "→",
        Direction::ToClient => "←",
    }
}
