//! What is to be written.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;

use super::pool;
use crate::Transport;

/// Bytes that wait for the transport, in order. Holds no memory while there are none.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Payloads that go out as they are, and what was written before them.
    queue: VecDeque<Bytes>,
    /// Bytes in the queue.
    queued: usize,
    /// What comes after the queue.
    pub(super) tail: Vec<u8>,
    /// How much of the first piece has gone.
    sent: usize,
    /// The transport may hold back what it has taken.
    unflushed: bool,
}

/// Pieces handed to the kernel at once.
const SLICES: usize = 16;

impl From<Vec<u8>> for Output {
    fn from(tail: Vec<u8>) -> Self {
        Self {
            tail,
            ..Self::default()
        }
    }
}

impl Output {
    /// Bytes that wait.
    #[inline]
    pub(super) fn waiting(&self) -> usize {
        self.queued + self.tail.len() - self.sent
    }

    /// Whether everything has been handed to the kernel.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting() == 0 && !self.unflushed
    }

    /// Where the protocol appends.
    #[inline]
    pub(super) fn tail(&mut self) -> &mut Vec<u8> {
        pool::take_output(&mut self.tail);
        &mut self.tail
    }

    /// Gives back the room that nothing was appended to.
    #[inline]
    pub(super) fn release(&mut self) {
        if self.tail.is_empty() {
            pool::give_output(&mut self.tail);
        }
    }

    /// Appends a payload without copying it.
    pub(super) fn push(&mut self, payload: Bytes) {
        if !self.tail.is_empty() {
            let tail = mem::take(&mut self.tail);
            self.queued += tail.len();
            self.queue.push_back(tail.into());
        }
        self.queued += payload.len();
        self.queue.push_back(payload);
    }

    /// Hands everything to the kernel, and then `payload` as far as it goes without waiting; returns how much of it went.
    pub(super) fn poll_write_with(
        &mut self,
        transport: &mut Transport,
        cx: &mut Context<'_>,
        payload: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.queue.is_empty() {
            self.unflushed = true;
            let slices = [IoSlice::new(&self.tail[self.sent..]), IoSlice::new(payload)];
            let written = ready!(Pin::new(transport).poll_write_vectored(cx, &slices))?;
            self.sent += written;
            if self.sent >= self.tail.len() {
                let of_payload = self.sent - self.tail.len();
                self.sent = 0;
                pool::give_output(&mut self.tail);
                return Poll::Ready(Ok(of_payload));
            }
        }
        Poll::Ready(Ok(0))
    }

    /// Hands everything to the kernel.
    pub(crate) fn poll_write(
        &mut self,
        transport: &mut Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.waiting() > 0 {
            self.unflushed = true;
            let written = if self.queue.is_empty() {
                ready!(Pin::new(&mut *transport).poll_write(cx, &self.tail[self.sent..]))?
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let pieces = self.queue.iter().map(|piece| &piece[..]);
                let pieces = pieces.chain([&self.tail[..]]);
                let mut count = 0;
                for (slice, piece) in slices.iter_mut().zip(pieces) {
                    let skipped = if count == 0 { self.sent } else { 0 };
                    *slice = IoSlice::new(&piece[skipped..]);
                    count += 1;
                }
                ready!(Pin::new(&mut *transport).poll_write_vectored(cx, &slices[..count]))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        if self.unflushed {
            ready!(Pin::new(transport).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn advance(&mut self, written: usize) {
        self.sent += written;
        while let Some(first) = self.queue.front() {
            if self.sent < first.len() {
                return;
            }
            self.sent -= first.len();
            self.queued -= first.len();
            self.queue.pop_front();
        }
        self.queue = VecDeque::new();
        if self.sent == self.tail.len() {
            self.sent = 0;
            pool::give_output(&mut self.tail);
        }
    }
}
