//! What a connection reports.

use alloc::borrow::Cow;

use crate::{CloseFrame, Message, Part};

/// What one call of [`Connection::receive`](crate::Connection::receive) found.
///
/// It borrows from the input, never from the connection: it can be answered while it is held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'i> {
    /// A whole message, unless parts were asked for.
    Message(Message<'i>),
    /// A part of a message, with [`Delivery::Parts`](crate::Delivery::Parts).
    Part(Part<'i>),
    /// A Ping. Its Pong has been appended to the output, unless
    /// [`Options::automatic_pong`](crate::Options::automatic_pong) is off.
    Ping(Cow<'i, [u8]>),
    /// A Pong, asked for or not.
    Pong(Cow<'i, [u8]>),
    /// The peer's Close frame. It has been answered, and nothing follows.
    Close(Option<CloseFrame<'static>>),
}

impl Event<'_> {
    /// The same event, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        match self {
            Self::Message(message) => Event::Message(message.into_owned()),
            Self::Part(part) => Event::Part(Part::new(part.kind, part.data.into_owned(), part.fin)),
            Self::Ping(payload) => Event::Ping(Cow::Owned(payload.into_owned())),
            Self::Pong(payload) => Event::Pong(Cow::Owned(payload.into_owned())),
            Self::Close(frame) => Event::Close(frame),
        }
    }
}
