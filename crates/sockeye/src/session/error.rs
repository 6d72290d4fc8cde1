//! Why a session ended without a closing handshake, and why an answer to a request is not one.

use alloc::{borrow::Cow, string::String};
use core::fmt;

use crate::{HandshakeError, InvalidOption, ProtocolError, error::with_number};

/// Why a connection ended without a closing handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// The opening handshake failed. A server has told the client.
    Handshake(HandshakeError),
    /// A client sent too much before its request was answered.
    EarlyData {
        /// The limit in bytes.
        limit: usize,
    },
    /// The application refused the client with this status.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// This side closed before the connection was open.
    ClosedEarly,
    /// The peer broke a rule, or a timeout.
    Protocol(ProtocolError),
    /// The byte stream broke, in the words of [`Session::receive_end`](crate::Session::receive_end)'s caller.
    Transport(String),
}

impl SessionError {
    /// What [`Display`](fmt::Display) writes. In WebAssembly, formatting is larger than all the sentences.
    #[must_use]
    pub fn sentence(&self) -> Cow<'_, str> {
        match self {
            Self::Handshake(error) => error.sentence(),
            Self::EarlyData { limit } => with_number(
                "the client sent ",
                *limit as u64,
                " bytes before its request was answered",
            ),
            Self::Refused { status } => with_number("refused with status ", (*status).into(), ""),
            Self::ClosedEarly => Cow::Borrowed("closed during the opening handshake"),
            Self::Protocol(error) => error.sentence(),
            Self::Transport(error) => Cow::Borrowed(error),
        }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}

impl core::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            // Shown as themselves, so that their cause is the next one.
            Self::Handshake(error) => error.source(),
            Self::Protocol(error) => error.source(),
            _ => None,
        }
    }
}

impl From<HandshakeError> for SessionError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl From<ProtocolError> for SessionError {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

/// Why a request was not answered. Nothing has been written, and a request that waits still does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerError {
    /// No request is waiting for an answer.
    NoRequest,
    /// The client cannot be let in like this: [`Request::accept_with`](crate::Request::accept_with) says why.
    Handshake(HandshakeError),
    /// The refusal is not valid: [`Request::refuse_with`](crate::Request::refuse_with) says why.
    InvalidOption(InvalidOption),
}

impl AnswerError {
    /// `NoRequest`, or the name of the error inside: what stays the same for logs and other languages, whatever the sentence says.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoRequest => "NoRequest",
            Self::Handshake(error) => error.name(),
            Self::InvalidOption(error) => error.name(),
        }
    }

    /// What [`Display`](fmt::Display) writes. In WebAssembly, formatting is larger than all the sentences.
    #[must_use]
    pub fn sentence(&self) -> Cow<'static, str> {
        match self {
            Self::NoRequest => Cow::Borrowed("no request is waiting for an answer"),
            Self::Handshake(error) => error.sentence(),
            Self::InvalidOption(error) => Cow::Borrowed(error.sentence()),
        }
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}

impl core::error::Error for AnswerError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_an_answer_error_is_that_of_its_cause() {
        for (error, name) in [
            (AnswerError::NoRequest, "NoRequest"),
            (
                AnswerError::Handshake(HandshakeError::OriginNotAllowed),
                "OriginNotAllowed",
            ),
            (AnswerError::InvalidOption(InvalidOption::Status), "Status"),
        ] {
            assert_eq!(error.name(), name);
        }
    }
}
