//! One connection behind a lock, and how its halves wait.

use std::{
    io, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use sockeye::{Agreement, Connection, SendError};

use super::{
    incoming::Incoming,
    state::{Flush, State, Turn, Writer},
};
use crate::{Config, Error, Message, Transport};

/// One connection behind a lock that is never held while waiting.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// What the handshake agreed on, unless that is nothing.
    pub(super) agreement: Option<Box<Agreement>>,
}

impl Shared {
    pub(super) fn new(
        connection: Connection,
        transport: Transport,
        unread: Vec<u8>,
        config: &Config,
        agreement: Agreement,
    ) -> Self {
        let state = State::new(connection, transport, unread, config);
        Self {
            state: Mutex::new(state),
            agreement: (agreement != Agreement::default()).then(|| Box::new(agreement)),
        }
    }

    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // No code of an application runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for what the peer sends. Pings and Pongs are reported when `controls` is set.
    #[inline]
    pub(super) fn poll_receive(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        controls: bool,
    ) -> Poll<Incoming> {
        let mut state = self.lock();
        for _ in 0..READS {
            if let Some(end) = &state.end {
                return Poll::Ready(Incoming::Ended(Arc::clone(end)));
            }
            if let Some(incoming) = state.decode(controls) {
                if !state.output.is_empty() {
                    // A Pong does not wait until the application comes back.
                    state.schedule(self);
                }
                return Poll::Ready(incoming);
            }
            if state.end.is_some() {
                continue;
            }
            if state.output.waiting() >= state.write_limit {
                // The peer sends what has to be answered and does not read: it has to wait.
                state.try_flush(self);
                if state.output.waiting() >= state.write_limit && state.write_error.is_none() {
                    state.wait(cx);
                    if state.poll_clock(cx) {
                        continue;
                    }
                    state.wait_to_receive(cx);
                    return Poll::Pending;
                }
            }
            if state.poll_read(cx).is_pending() && state.block(self, cx) {
                return Poll::Pending;
            }
        }
        // Others have a turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes a message that has been read whole.
    #[inline]
    pub(super) fn try_message(&self) -> Option<Message> {
        self.lock().decode_message()
    }

    /// Waits for a message the short way: one that the next read brings whole. `Ready(None)` says to ask [`Self::poll_receive`].
    #[inline(never)]
    pub(super) fn poll_message(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut state = self.lock();
        if state.has_input() || state.end.is_some() || state.output.waiting() >= state.write_limit {
            return Poll::Ready(None);
        }
        if state.poll_read(cx).is_ready() {
            return Poll::Ready(state.decode_message());
        }
        if state.block(self, cx) {
            Poll::Pending
        } else {
            Poll::Ready(None)
        }
    }

    /// Sends a message if that takes no waiting and nothing is in the way.
    #[inline]
    pub(super) fn try_send(self: &Arc<Self>, message: &Message) -> bool {
        let mut state = self.lock();
        let is_free = state.output.waiting() < state.write_limit
            && state.writer == Writer::Free
            && state.end.is_none()
            && state.write_error.is_none()
            && state.send(message).is_ok();
        if is_free {
            state.write_soon(self);
        }
        is_free
    }

    /// Waits until there is room for something to send, then calls `append`, and sees to it that it is written.
    #[inline]
    pub(super) fn poll_append<T>(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        turn: Turn,
        append: impl FnOnce(&mut State) -> Result<T, SendError>,
    ) -> Poll<Result<T, Error>> {
        let mut state = self.lock();
        match state.poll_room(self, cx, turn) {
            Poll::Ready(Ok(())) => Poll::Ready(state.append(self, append)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Waits until everything that was sent has been handed to the transport.
    pub(super) fn poll_flush(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = self.lock();
        state.try_flush(self);
        if let Some(error) = &state.write_error {
            return Poll::Ready(Err(Error::Io(Arc::clone(error))));
        }
        if state.is_lost {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()));
        }
        if state.output.is_empty() && state.deferred.is_empty() || state.transport.is_none() {
            return Poll::Ready(Ok(()));
        }
        state.wait(cx);
        Poll::Pending
    }

    /// Waits until everything that was sent has been handed to the transport, and takes it with what was read and not looked at.
    pub(super) fn poll_take_transport(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Transport, Vec<u8>), Error>> {
        let mut state = self.lock();
        state.try_flush(self);
        if let Some(error) = &state.write_error {
            return Poll::Ready(Err(Error::Io(Arc::clone(error))));
        }
        if state.connection.is_amid_message() || state.writer != Writer::Free {
            return Poll::Ready(Err(SendError::MessageUnfinished.into()));
        }
        if !state.output.is_empty() {
            state.wait(cx);
            return Poll::Pending;
        }
        let unread = state.take_unread();
        let transport = state.transport.take();
        state.abort();
        Poll::Ready(match transport {
            Some(transport) => Ok((transport, unread)),
            None => Err(SendError::CloseSent.into()),
        })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Flush::Waiting(waker) = mem::replace(&mut state.flusher, Flush::NotSpawned) {
            waker.wake();
        }
        if state.transport.is_some() {
            state.finish(false);
        }
    }
}

/// Reads of one connection before others have a turn.
const READS: usize = 64;
