//! The byte stream of one connection, as the protocol sees it and as the event loop drives it.

use std::{
    cell::{Cell, OnceCell, RefCell},
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use tokio::io::ReadBuf;

use crate::{bindings::sockeye::websocket::socket::Error, handler::Outbox, transport::Transport};

/// A transport, what it would not take yet, and what the connection's task has to be told.
///
/// The guest's `socket` handle means one of these.
#[expect(unreachable_pub, reason = "the generated bindings name it in public")]
pub struct Socket {
    transport: RefCell<Transport>,
    /// Accepted from the protocol and not yet taken by the kernel. Holds no memory while empty.
    pending: RefCell<Vec<u8>>,
    /// The protocol kept bytes back because `pending` was full: it wants to be flushed.
    refused: Cell<bool>,
    /// The protocol will write no more.
    finished: Cell<bool>,
    /// The instance has failed: the connection is to be dropped.
    aborted: Cell<bool>,
    /// The application has enough to do: nothing is read.
    paused: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// What other threads want sent. Made when somebody asks for it.
    outbox: OnceCell<Arc<Outbox>>,
}

impl Socket {
    pub(crate) fn new(transport: Transport) -> Self {
        Self {
            transport: RefCell::new(transport),
            pending: RefCell::default(),
            refused: Cell::new(false),
            finished: Cell::new(false),
            aborted: Cell::new(false),
            paused: Cell::new(false),
            waker: RefCell::default(),
            outbox: OnceCell::new(),
        }
    }

    /// `socket.write`: straight to the kernel, and what it does not take into `pending`, up to its limit.
    #[inline]
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<u64, Error> {
        let mut pending = self.pending.borrow_mut();
        let mut written = 0;
        if pending.is_empty() {
            written = match self.transport.borrow_mut().try_write(bytes) {
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Err(wit_error(&error)),
            };
            if written == bytes.len() {
                return Ok(written as u64);
            }
        }
        let room = PENDING_LIMIT.saturating_sub(pending.len());
        let rest = &bytes[written..];
        let kept = &rest[..rest.len().min(room)];
        pending.extend_from_slice(kept);
        self.refused.set(kept.len() < rest.len());
        Ok((written + kept.len()) as u64)
    }

    /// Takes all of it whatever waits already: a response of the host's own.
    pub(crate) fn push(&self, bytes: &[u8]) {
        self.pending.borrow_mut().extend_from_slice(bytes);
    }

    /// `socket.finish`: the write side is shut down once what is pending has gone.
    pub(crate) fn finish(&self) {
        self.finished.set(true);
    }

    /// Drops the connection whatever its state.
    pub(crate) fn abort(&self) {
        self.aborted.set(true);
        self.wake();
    }

    /// Stops reading, or goes on.
    pub(crate) fn set_paused(&self, paused: bool) {
        if self.paused.replace(paused) && !paused {
            self.wake();
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.get()
    }

    /// Has the connection's task look at its notices.
    pub(crate) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Who is to be woken by notices.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        let mut own = self.waker.borrow_mut();
        if !own.as_ref().is_some_and(|own| own.will_wake(waker)) {
            *own = Some(waker.clone());
            if let Some(outbox) = self.outbox.get() {
                outbox.set_waker(waker);
            }
        }
    }

    /// Where other threads leave what they want sent.
    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        self.outbox
            .get_or_init(|| Arc::new(Outbox::new(self.waker.borrow().clone())))
    }

    /// The same if anybody has asked for it.
    pub(crate) fn existing_outbox(&self) -> Option<&Arc<Outbox>> {
        self.outbox.get()
    }

    pub(crate) fn peer_address(&self) -> Option<SocketAddr> {
        self.transport.borrow().peer_address()
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted.get()
    }

    /// Whether the write side is to be shut down, which is once asked.
    pub(crate) fn take_finished(&self) -> bool {
        self.finished.replace(false)
    }

    /// Whether output waits: nothing is read meanwhile, which is the backpressure.
    #[inline]
    pub(crate) fn is_blocked(&self) -> bool {
        !self.pending.borrow().is_empty() || self.transport.borrow().wants_write()
    }

    /// Whether the protocol kept output back since this was last asked.
    pub(crate) fn take_refused(&self) -> bool {
        self.refused.replace(false)
    }

    /// Reads once. `Ready(Ok(0))` is the end of the stream.
    #[inline]
    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(self.transport.borrow_mut().poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Hands what is pending to the kernel; ready when all of it has gone.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pending = self.pending.borrow_mut();
        let mut transport = self.transport.borrow_mut();
        let mut sent = 0;
        let result = loop {
            if sent == pending.len() {
                break if transport.wants_write() {
                    transport.poll_flush(cx)
                } else {
                    Poll::Ready(Ok(()))
                };
            }
            match transport.poll_write(cx, &pending[sent..]) {
                Poll::Ready(Ok(count)) => sent += count,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        if sent == pending.len() {
            *pending = Vec::new();
        } else if sent > 0 {
            pending.drain(..sent);
        }
        result
    }

    /// Ends this side of the stream.
    pub(crate) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.transport.borrow_mut().poll_shutdown(cx)
    }
}

/// What the protocol is told about a broken stream.
pub(crate) fn wit_error(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Error::Reset,
        _ => Error::Other(error.to_string()),
    }
}

/// Bytes kept for a peer that reads slowly. More stays in the protocol, which then stops taking input.
const PENDING_LIMIT: usize = 1 << 20;
