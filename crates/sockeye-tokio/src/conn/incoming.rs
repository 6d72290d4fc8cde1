//! What the peer sends, and how a connection ends.

use std::{
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use sockeye::{
    CloseCode, CloseFrame, Closed, Event, Initiator, Part, ProtocolError, Role, SessionError,
    State as Protocol,
};
use tokio::io::{AsyncRead, ReadBuf};

use super::{
    pool,
    state::{End, State},
};
use crate::{Error, Message, message::shared};

/// What a receiver gets to see.
#[derive(Debug)]
pub(super) enum Incoming {
    Message(Message),
    Part(Part<'static>),
    Ping(Bytes),
    Pong(Bytes),
    /// The peer's Close frame.
    Close(Option<CloseFrame<'static>>),
    Ended(Arc<End>),
}

/// What was read and not yet looked at. Holds no memory while there is none.
#[derive(Debug)]
pub(super) struct Input {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes to read at once.
    size: usize,
}

impl State {
    /// Whether input waits that no receiver has asked for yet.
    #[inline]
    pub(super) const fn has_input(&self) -> bool {
        self.input.start < self.input.end
    }

    /// Takes a message that has been read whole.
    #[inline]
    pub(super) fn decode_message(&mut self) -> Option<Message> {
        if !self.has_input() {
            return None;
        }
        let mut input = &mut self.input.buffer[self.input.start..self.input.end];
        let received = self
            .connection
            .receive_message(&mut input, &mut self.output.tail)?;
        let left = input.len();
        match received {
            Ok(message) => {
                let message = message.into();
                self.input.start = self.input.end - left;
                if left == 0 {
                    self.input.release();
                }
                Some(message)
            }
            Err(error) => {
                self.fail(Error::Protocol(error));
                None
            }
        }
    }

    /// Takes what has been read apart until there is something to report.
    #[inline]
    pub(super) fn decode(&mut self, controls: bool) -> Option<Incoming> {
        while self.input.start < self.input.end {
            let mut input = &mut self.input.buffer[self.input.start..self.input.end];
            let received = self.connection.receive(&mut input, self.output.tail());
            let left = input.len();
            let incoming = match received {
                Ok(Some(Event::Message(message))) => Some(Incoming::Message(message.into())),
                Ok(Some(Event::Part(part))) => Some(Incoming::Part(Part::new(
                    part.kind,
                    part.data.into_owned(),
                    part.fin,
                ))),
                Ok(Some(Event::Ping(payload))) => controls.then(|| Incoming::Ping(shared(payload))),
                Ok(Some(Event::Pong(payload))) => controls.then(|| Incoming::Pong(shared(payload))),
                Ok(Some(Event::Close(frame))) => return Some(self.received_close(frame)),
                Ok(None) => None,
                Err(error) => {
                    self.fail(Error::Protocol(error));
                    return None;
                }
                // The core has no other events.
                Ok(Some(_)) => None,
            };
            self.input.start = self.input.end - left;
            if left == 0 {
                self.input.release();
            }
            if incoming.is_some() {
                return incoming;
            }
        }
        None
    }

    /// Whether the application has yet to answer the peer's Close frame.
    fn is_answer_due(&self) -> bool {
        self.connection.is_close_received() && self.connection.state() == Protocol::Open
    }

    /// Reads once.
    #[inline]
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(transport) = &mut self.transport else {
            return Poll::Ready(());
        };
        if self.half_closed {
            return Poll::Pending;
        }
        self.input.release();
        let mut buffer = pool::take_input(self.input.size);
        let mut read = ReadBuf::new(&mut buffer);
        let polled = Pin::new(transport).poll_read(cx, &mut read);
        let count = read.filled().len();
        match polled {
            Poll::Pending => {
                pool::give_input(buffer);
                Poll::Pending
            }
            Poll::Ready(Ok(())) if count > 0 => {
                self.input.buffer = buffer;
                self.input.start = 0;
                self.input.end = count;
                self.handle_timeout();
                Poll::Ready(())
            }
            Poll::Ready(result) => {
                pool::give_input(buffer);
                self.received_end(result.err());
                Poll::Ready(())
            }
        }
    }

    /// What was read and not looked at.
    pub(super) fn take_unread(&mut self) -> Vec<u8> {
        let unread = self.input.buffer[self.input.start..self.input.end].to_vec();
        self.input.clear();
        unread
    }

    fn received_close(&mut self, frame: Option<CloseFrame<'static>>) -> Incoming {
        if self.connection.state() == Protocol::Closed {
            self.closed(frame.clone());
        } else {
            // The application answers.
            self.input.clear();
            self.peer_close.clone_from(&frame);
        }
        Incoming::Close(frame)
    }

    /// Close frames went both ways.
    pub(super) fn closed(&mut self, frame: Option<CloseFrame<'static>>) -> Arc<End> {
        let (code, reason) = frame.map_or((CloseCode::NO_STATUS, String::new()), |frame| {
            (frame.code, frame.reason.into_owned())
        });
        self.ended(code, reason, None)
    }

    /// The byte stream has ended or broken.
    fn received_end(&mut self, error: Option<io::Error>) {
        if error.is_none() && self.is_answer_due() {
            // The peer has said all it had to say, and may still listen.
            self.half_closed = true;
            return;
        }
        match (self.connection.receive_end(), error) {
            (Err(ProtocolError::UnexpectedEnd), Some(error)) => self.fail(error.into()),
            (Err(error), _) => self.fail(error.into()),
            (Ok(()), _) => {}
        }
    }

    pub(super) fn fail(&mut self, error: Error) {
        self.ended(CloseCode::ABNORMAL, String::new(), Some(error));
    }

    pub(super) fn ended(
        &mut self,
        code: CloseCode,
        reason: String,
        error: Option<Error>,
    ) -> Arc<End> {
        let closed = Closed::new(
            code,
            reason,
            self.connection.initiator().unwrap_or(Initiator::Transport),
            self.connection.is_clean(),
            error.as_ref().map(session_error),
        );
        let end = Arc::new(End { closed, error });
        self.end = Some(Arc::clone(&end));
        self.input.clear();
        self.finish(end.error.is_none() && self.connection.role() == Role::Client);
        self.wake_waiters();
        self.wake_receiver();
        end
    }
}

impl Input {
    /// Begins with what was read behind the handshake.
    pub(super) fn new(unread: Vec<u8>, size: usize) -> Self {
        Self {
            start: 0,
            end: unread.len(),
            buffer: unread.into_boxed_slice(),
            size: size.max(MIN_READ),
        }
    }

    /// Bytes of memory that are held.
    #[cfg(test)]
    pub(super) const fn room(&self) -> usize {
        self.buffer.len()
    }

    #[inline]
    fn release(&mut self) {
        self.start = 0;
        self.end = 0;
        if self.buffer.len() == self.size {
            pool::give_input(mem::take(&mut self.buffer));
        } else if !self.buffer.is_empty() {
            self.buffer = Box::default();
        }
    }

    pub(super) fn clear(&mut self) {
        self.release();
    }
}

fn session_error(error: &Error) -> SessionError {
    match error {
        Error::Protocol(error) => SessionError::Protocol(*error),
        error => SessionError::Transport(error.to_string()),
    }
}

/// Smallest read, in bytes.
const MIN_READ: usize = 512;
