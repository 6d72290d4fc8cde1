//! What a peer did wrong, and why something cannot be sent.

use alloc::{borrow::Cow, string::String};
use core::fmt;

use crate::CloseCode;

/// The name of an error's variant. [`Debug`](fmt::Debug) would bring along all that prints numbers and strings, in WebAssembly more than the errors
/// themselves.
macro_rules! variant_name {
    ($error:expr, $($variant:ident)*) => {
        match $error {
            $(Self::$variant { .. } => stringify!($variant),)*
        }
    };
}
pub(crate) use variant_name;

/// A sentence with a number in it.
pub(crate) fn with_number(before: &str, number: u64, after: &str) -> Cow<'static, str> {
    with_text(before, &decimal(number), after)
}

/// The digits of a number. `to_string` goes through formatting where the standard library is built for size.
pub(crate) fn decimal(mut number: u64) -> String {
    let mut digits = [0; 20];
    let mut start = digits.len();
    while number > 0 || start == digits.len() {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    String::from(core::str::from_utf8(&digits[start..]).unwrap_or_default())
}

/// A sentence with a word in it.
pub(crate) fn with_text(before: &str, text: &str, after: &str) -> Cow<'static, str> {
    let mut sentence = String::from(before);
    sentence.push_str(text);
    sentence.push_str(after);
    Cow::Owned(sentence)
}

/// What the peer did wrong: why the connection was failed
/// ([RFC 6455 §7.1.7](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// RSV1, RSV2 or RSV3 is set where no extension gives it a meaning (§5.2; RFC 7692 §6).
    ReservedBits,
    /// The opcode has no meaning (§5.2).
    ReservedOpcode {
        /// The four bits.
        opcode: u8,
    },
    /// The length could have been written in fewer bytes (§5.2).
    LengthNotMinimal,
    /// The length has its highest bit set (§5.2).
    LengthTooBig,
    /// A client's frame is not masked (§5.1).
    MaskMissing,
    /// A server's frame is masked (§5.1).
    MaskUnexpected,
    /// A continuation frame with no message under way (§5.4).
    ContinuationUnexpected,
    /// A new message began before the last one ended (§5.4).
    ContinuationMissing,
    /// A control frame is fragmented (§5.5).
    ControlFragmented,
    /// A control frame has more than 125 bytes of payload (§5.5).
    ControlTooLong,
    /// The payload of a Close frame is one byte long (§5.5.1).
    CloseTruncated,
    /// A Close frame carries a code that must not be sent (§7.4).
    InvalidCloseCode {
        /// That code.
        code: CloseCode,
    },
    /// Text, or the reason of a Close frame, is not UTF-8 (§8.1).
    InvalidUtf8,
    /// A compressed message does not inflate (RFC 7692 §7.2.2).
    InvalidDeflate,
    /// A frame is longer than [`Limits::frame_size`](crate::Limits::frame_size).
    FrameTooBig {
        /// The limit in bytes.
        limit: u64,
    },
    /// A message is longer than [`Limits::message_size`](crate::Limits::message_size), or one received in parts than
    /// [`Limits::parts_size`](crate::Limits::parts_size).
    MessageTooBig {
        /// The limit in bytes, `usize::MAX` where it is more than that.
        limit: usize,
    },
    /// A message has more frames than [`Limits::fragments`](crate::Limits::fragments).
    TooManyFragments {
        /// The limit.
        limit: u32,
    },
    /// A message was not finished within [`Timeouts::message`](crate::Timeouts::message).
    MessageTimeout,
    /// Nothing came within [`Timeouts::pong`](crate::Timeouts::pong) of a keepalive Ping.
    PongTimeout,
    /// No Close frame came within [`Timeouts::close`](crate::Timeouts::close) of ours.
    CloseTimeout,
    /// The byte stream ended without a Close frame.
    UnexpectedEnd,
}

impl ProtocolError {
    /// The name of the variant, as `InvalidUtf8`: what stays the same for logs and other languages, whatever the sentence says.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        variant_name!(
            self,
            ReservedBits ReservedOpcode LengthNotMinimal LengthTooBig MaskMissing MaskUnexpected
            ContinuationUnexpected ContinuationMissing ControlFragmented ControlTooLong CloseTruncated
            InvalidCloseCode InvalidUtf8 InvalidDeflate FrameTooBig MessageTooBig TooManyFragments
            MessageTimeout PongTimeout CloseTimeout UnexpectedEnd
        )
    }

    /// The code of the Close frame that tells the peer; `None` when it cannot or need not be told.
    #[must_use]
    pub const fn close_code(self) -> Option<CloseCode> {
        Some(match self {
            Self::InvalidUtf8 | Self::InvalidDeflate => CloseCode::INVALID_PAYLOAD,
            Self::FrameTooBig { .. } | Self::MessageTooBig { .. } => CloseCode::MESSAGE_TOO_BIG,
            Self::TooManyFragments { .. } | Self::MessageTimeout => CloseCode::POLICY_VIOLATION,
            Self::PongTimeout => CloseCode::INTERNAL_ERROR,
            Self::CloseTimeout | Self::UnexpectedEnd => return None,
            _ => CloseCode::PROTOCOL_ERROR,
        })
    }

    /// What [`Display`](fmt::Display) writes. In WebAssembly, formatting is larger than all the sentences.
    #[must_use]
    pub fn sentence(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::ReservedBits => "a reserved bit is set",
            Self::ReservedOpcode { opcode } => {
                let at = usize::from(*opcode);
                let digit = "0123456789abcdef".get(at..=at).unwrap_or("?");
                return with_text("opcode 0x", digit, " is reserved");
            }
            Self::LengthNotMinimal => "the payload length is not minimally encoded",
            Self::LengthTooBig => "the payload length has its highest bit set",
            Self::MaskMissing => "a frame from a client is not masked",
            Self::MaskUnexpected => "a frame from a server is masked",
            Self::ContinuationUnexpected => "a continuation frame without a message to continue",
            Self::ContinuationMissing => "a new message began before the last one ended",
            Self::ControlFragmented => "a control frame is fragmented",
            Self::ControlTooLong => "a control frame is longer than 125 bytes",
            Self::CloseTruncated => "a close frame has a payload of one byte",
            Self::InvalidCloseCode { code } => {
                return with_number("close code ", code.get().into(), " must not be sent");
            }
            Self::InvalidUtf8 => "text is not valid UTF-8",
            Self::InvalidDeflate => "a compressed message does not inflate",
            Self::FrameTooBig { limit } => {
                return with_number("a frame is longer than ", *limit, " bytes");
            }
            Self::MessageTooBig { limit } => {
                return with_number("a message is longer than ", *limit as u64, " bytes");
            }
            Self::TooManyFragments { limit } => {
                return with_number("a message has more than ", u64::from(*limit), " frames");
            }
            Self::MessageTimeout => "a message was not finished in time",
            Self::PongTimeout => "the peer did not answer a ping in time",
            Self::CloseTimeout => "the peer did not answer the close frame in time",
            Self::UnexpectedEnd => "the connection ended without a close frame",
        })
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}

impl core::error::Error for ProtocolError {}

/// Why something was not sent. Nothing has been written, and the connection is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The opening handshake of a [`Session`](crate::Session) is not done yet.
    NotOpen,
    /// A Close frame has been sent, or the connection has ended: nothing may follow (RFC 6455 §5.5.1).
    CloseSent,
    /// A control frame's payload would be longer than 125 bytes (RFC 6455 §5.5), or a close reason than
    /// [`CloseFrame::MAX_REASON_LEN`](crate::CloseFrame::MAX_REASON_LEN).
    ControlTooLong,
    /// The code must not be sent (RFC 6455 §7.4).
    InvalidCloseCode,
    /// A message is being sent in parts: only further parts of its kind and control frames may follow until its final part
    /// (RFC 6455 §5.4).
    MessageUnfinished,
    /// Text that is being sent in parts is not UTF-8 (RFC 6455 §5.6).
    InvalidUtf8,
}

impl SendError {
    /// The name of the variant, as `CloseSent`: what stays the same for logs and other languages, whatever the sentence says.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        variant_name!(self, NotOpen CloseSent ControlTooLong InvalidCloseCode MessageUnfinished InvalidUtf8)
    }

    /// What [`Display`](fmt::Display) writes. In WebAssembly, formatting is larger than all the sentences.
    #[must_use]
    pub const fn sentence(&self) -> &'static str {
        match self {
            Self::NotOpen => "the opening handshake is not done yet",
            Self::CloseSent => "the connection is closing or closed",
            Self::ControlTooLong => "a control frame holds 125 bytes, a close reason 123",
            Self::InvalidCloseCode => "this close code must not be sent",
            Self::InvalidUtf8 => "text is not valid UTF-8",
            Self::MessageUnfinished => "a message is being sent in parts and is not finished",
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl core::error::Error for SendError {}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;

    #[test]
    fn digits_are_those_of_formatting() {
        for number in [0, 1, 9, 10, 99, 100, 1000, 65_535, 4_294_967_296, u64::MAX] {
            assert_eq!(decimal(number), number.to_string());
        }
    }

    #[test]
    fn names_are_those_of_the_variants() {
        for (error, name) in [
            (ProtocolError::ReservedBits, "ReservedBits"),
            (
                ProtocolError::ReservedOpcode { opcode: 3 },
                "ReservedOpcode",
            ),
            (ProtocolError::InvalidUtf8, "InvalidUtf8"),
            (ProtocolError::MessageTooBig { limit: 1 }, "MessageTooBig"),
            (ProtocolError::UnexpectedEnd, "UnexpectedEnd"),
        ] {
            assert_eq!(error.name(), name);
            let debug = format!("{error:?}");
            assert_eq!(debug.split(' ').next(), Some(name));
        }
        assert_eq!(SendError::NotOpen.name(), "NotOpen");
        assert_eq!(SendError::MessageUnfinished.name(), "MessageUnfinished");
    }
}
