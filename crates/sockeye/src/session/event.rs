//! What a session reports.

use alloc::{borrow::Cow, string::String, sync::Arc};

use crate::{Agreement, CloseCode, Initiator, Message, Part, Request, session::SessionError};

/// What happened, in the order it happened.
///
/// It borrows from the input, never from the session: it can be answered while it is held.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionEvent<'i> {
    /// A client asks to be let in, and [`AcceptSettings::ask`](crate::AcceptSettings::ask) was set: answer with
    /// [`Session::admit`](crate::Session::admit) or [`Session::refuse`](crate::Session::refuse).
    Request(Arc<Request>),
    /// The opening handshake is done: messages may be sent.
    Opened(Agreement),
    /// A whole message, unless parts were asked for.
    Message(Message<'i>),
    /// A part of a message, with [`Delivery::Parts`](crate::Delivery::Parts).
    Part(Part<'i>),
    /// A Ping. Its Pong has been appended to the output, unless
    /// [`Options::automatic_pong`](crate::Options::automatic_pong) is off.
    Ping(Cow<'i, [u8]>),
    /// A Pong, asked for or not.
    Pong(Cow<'i, [u8]>),
    /// The connection has ended. Nothing follows this event.
    Closed(Closed),
}

impl SessionEvent<'_> {
    /// About how many bytes it takes to keep.
    #[inline]
    pub(super) fn size(&self) -> usize {
        64 + match self {
            Self::Message(message) => message.as_bytes().len(),
            Self::Part(part) => part.data.len(),
            Self::Ping(payload) | Self::Pong(payload) => payload.len(),
            Self::Request(_) | Self::Opened(_) | Self::Closed(_) => 0,
        }
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The code of the peer's Close frame where there was one, [`CloseCode::NO_STATUS`] when that held none, and
    /// [`CloseCode::ABNORMAL`] when there was no Close frame at all.
    pub code: CloseCode,
    /// The reason that came with the code. May be empty.
    pub reason: String,
    /// Which side began to close.
    pub initiator: Initiator,
    /// Whether Close frames went both ways ([RFC 6455 §7.1.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.4)).
    pub clean: bool,
    /// What went wrong, if something did.
    pub error: Option<SessionError>,
}

impl Closed {
    /// A report with these contents.
    #[must_use]
    pub const fn new(
        code: CloseCode,
        reason: String,
        initiator: Initiator,
        clean: bool,
        error: Option<SessionError>,
    ) -> Self {
        Self {
            code,
            reason,
            initiator,
            clean,
            error,
        }
    }

    /// There was no Close frame.
    pub(super) const fn failed(initiator: Initiator, error: SessionError) -> Self {
        Self {
            code: CloseCode::ABNORMAL,
            reason: String::new(),
            initiator,
            clean: false,
            error: Some(error),
        }
    }
}
