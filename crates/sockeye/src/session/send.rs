//! The sending half. What is said in [`Connection`] holds here too.

use alloc::vec::Vec;
use core::time::Duration;

use super::{Closed, Phase, Session, SessionError};
use crate::{CloseFrame, Connection, Message, MessageKind, Part, PreparedMessage, SendError};

impl Session {
    /// Appends a message to `out`.
    ///
    /// # Errors
    ///
    /// [`SendError::NotOpen`], or those of [`Connection::send`].
    #[inline]
    pub fn send(&mut self, message: Message<'_>, out: &mut Vec<u8>) -> Result<(), SendError> {
        self.connection()?.send(message, out)
    }

    /// Appends a message to `out` but for what goes out as it is, which is returned: write that after `out`.
    ///
    /// # Errors
    ///
    /// [`SendError::NotOpen`], or those of [`Connection::send_vectored`].
    #[inline]
    pub fn send_vectored<'m>(
        &mut self,
        message: &'m Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<&'m [u8], SendError> {
        self.connection()?.send_vectored(message, out)
    }

    /// Appends the header of a message to `out` whose payload goes out as it is: write that after `out`. False: [`Self::send`] it.
    ///
    /// # Errors
    ///
    /// [`SendError::NotOpen`], or those of [`Connection::send_header`].
    #[inline]
    pub fn send_header(
        &mut self,
        kind: MessageKind,
        len: u64,
        out: &mut Vec<u8>,
    ) -> Result<bool, SendError> {
        self.connection()?.send_header(kind, len, out)
    }

    /// Appends a part of a message to `out`, as a frame of its own.
    ///
    /// # Errors
    ///
    /// [`SendError::NotOpen`], or those of [`Connection::send_part`].
    #[inline]
    pub fn send_part(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), SendError> {
        self.connection()?.send_part(part, out)
    }

    /// Appends a prepared message to `out`.
    ///
    /// # Errors
    ///
    /// [`SendError::NotOpen`], or those of [`Connection::send_prepared`].
    #[inline]
    pub fn send_prepared(
        &mut self,
        message: &mut PreparedMessage,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.connection()?.send_prepared(message, out)
    }

    /// Appends a Ping to `out`.
    ///
    /// # Errors
    ///
    /// [`SendError::NotOpen`], or those of [`Connection::ping`].
    pub fn ping(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.connection()?.ping(payload, out)
    }

    /// Appends a Pong to `out`.
    ///
    /// # Errors
    ///
    /// [`SendError::NotOpen`], or those of [`Connection::pong`].
    pub fn pong(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.connection()?.pong(payload, out)
    }

    /// Begins to close: appends a Close frame to `out`. Messages of the peer are still reported until its answer comes,
    /// [`Self::handle_timeout`] gives up on it, or the byte stream ends.
    ///
    /// Before the connection is open, or when a timeout has run out meanwhile, this ends it at once; returned is how.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::close`].
    pub fn close(
        &mut self,
        now: Duration,
        frame: Option<CloseFrame<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Closed>, SendError> {
        self.now = now;
        match &mut self.phase {
            Phase::Open(connection) => {
                if let Err(error) = connection.handle_timeout(now, out) {
                    return Ok(Some(self.fail(error)));
                }
                connection.close(frame, out).map(|()| None)
            }
            Phase::Draining | Phase::Ended => Err(SendError::CloseSent),
            Phase::Accepting(_) | Phase::Asking(_) | Phase::Dialling(_) => {
                Ok(Some(self.fail(SessionError::ClosedEarly)))
            }
        }
    }

    #[inline]
    fn connection(&mut self) -> Result<&mut Connection, SendError> {
        match &mut self.phase {
            Phase::Open(connection) => Ok(connection),
            Phase::Draining | Phase::Ended => Err(SendError::CloseSent),
            Phase::Accepting(_) | Phase::Asking(_) | Phase::Dialling(_) => Err(SendError::NotOpen),
        }
    }
}
