//! Messages that are read as they come.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use sockeye::{MessageKind, ProtocolError};
use tokio::io::{AsyncRead, ReadBuf};

use super::receiver::Receiver;
use crate::Error;

/// Reads one message as it comes. It ends where the message ends; then, or at any time, ask for the next one.
///
/// Text is checked as it comes; a character may be cut between two reads. Dropping it is fine: the rest of the message is thrown away.
#[derive(Debug)]
pub struct MessageReader<'a> {
    receiver: &'a mut Receiver,
    kind: MessageKind,
}

impl<'a> MessageReader<'a> {
    pub(super) const fn new(receiver: &'a mut Receiver, kind: MessageKind) -> Self {
        Self { receiver, kind }
    }

    /// Which kind of message this is.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }
}

impl AsyncRead for MessageReader<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if let Some(part) = this.receiver.part() {
                if part.data.has_remaining() {
                    let count = part.data.len().min(buffer.remaining());
                    buffer.put_slice(&part.data[..count]);
                    part.data.advance(count);
                    return Poll::Ready(Ok(()));
                }
                if part.fin {
                    return Poll::Ready(Ok(()));
                }
            }
            // A peer that closes in the middle of a message has broken it off.
            if ready!(this.receiver.poll_part(cx))?.is_none() {
                return Poll::Ready(Err(Error::Protocol(ProtocolError::UnexpectedEnd).into()));
            }
        }
    }
}

/// All messages as one stream of bytes, see [`Receiver::join`].
#[derive(Debug)]
pub struct JoinedReader<'a> {
    receiver: &'a mut Receiver,
    terminator: Bytes,
    /// What comes next of the message, then of the terminator.
    rest: [Bytes; 2],
}

impl<'a> JoinedReader<'a> {
    pub(super) const fn new(receiver: &'a mut Receiver, terminator: Bytes) -> Self {
        Self {
            receiver,
            terminator,
            rest: [Bytes::new(), Bytes::new()],
        }
    }
}

impl AsyncRead for JoinedReader<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if let Some(rest) = this.rest.iter_mut().find(|rest| !rest.is_empty()) {
                let count = rest.len().min(buffer.remaining());
                buffer.put_slice(&rest[..count]);
                rest.advance(count);
                return Poll::Ready(Ok(()));
            }
            match ready!(this.receiver.poll_message(cx))? {
                Some(message) => this.rest = [message.into(), this.terminator.clone()],
                None => return Poll::Ready(Ok(())),
            }
        }
    }
}
