//! What the halves of a connection share.

use std::{
    io, mem,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use sockeye::{CloseFrame, Closed, Connection, ProtocolError, SendError, State as Protocol};
use tokio::runtime::Handle;

use super::{
    clock::Clock, finish::Finish, flusher::Flusher, incoming::Input, output::Output, shared::Shared,
};
use crate::{Config, Error, Message, Transport};

/// Everything about one connection.
#[derive(Debug)]
pub(super) struct State {
    pub(super) connection: Connection,
    /// Gone once the connection has ended.
    pub(super) transport: Option<Transport>,
    pub(super) input: Input,
    pub(super) output: Output,
    pub(super) clock: Clock,
    /// How it ended.
    pub(super) end: Option<Arc<End>>,
    /// The peer's Close frame, until the application answers it.
    pub(super) peer_close: Option<CloseFrame<'static>>,
    /// The byte stream has ended after the peer's Close frame, which the application has yet to answer.
    pub(super) half_closed: bool,
    /// Why nothing can be written any more.
    pub(super) write_error: Option<Arc<io::Error>>,
    /// The connection broke before everything that was sent had been written.
    pub(super) is_lost: bool,
    /// Who waits for room in the output, or for it to be empty.
    pub(super) waiters: Vec<Waker>,
    /// The receiver, while it waits.
    pub(super) reader: Option<Waker>,
    pub(super) writer: Writer,
    /// What sinks that had been ready took while a message was being written in parts: one for each.
    pub(super) deferred: Vec<Message>,
    pub(super) flusher: Flush,
    /// Something was sent since the reader last had to wait, or the flusher ran: what follows is gathered.
    pub(super) burst: bool,
    /// The transport takes no more: the flusher waits for it.
    pub(super) blocked: bool,
    pub(super) write_limit: usize,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) closed: Closed,
    /// What a receiver is told; `None` after a closing handshake.
    pub(super) error: Option<Error>,
}

/// Whether a message is being written in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    Free,
    /// Other messages wait until it is finished.
    Busy,
    /// It was dropped unfinished.
    Abandoned,
}

/// What wants to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// A message, after the one that is being written.
    Message,
    /// A part of the message that is being written, or a control frame.
    Amid,
}

/// Where the task is that writes when nobody else does.
#[derive(Debug)]
pub(super) enum Flush {
    /// Not needed so far.
    NotSpawned,
    /// It will look at the output soon.
    Scheduled,
    /// It waits to be woken.
    Waiting(Waker),
}

impl State {
    pub(super) fn new(
        connection: Connection,
        transport: Transport,
        unread: Vec<u8>,
        config: &Config,
    ) -> Self {
        let mut state = Self {
            connection,
            transport: Some(transport),
            input: Input::new(unread, config.read_buffer_size),
            output: Output::default(),
            clock: Clock::new(),
            end: None,
            peer_close: None,
            half_closed: false,
            write_error: None,
            is_lost: false,
            waiters: Vec::new(),
            reader: None,
            writer: Writer::Free,
            deferred: Vec::new(),
            flusher: Flush::NotSpawned,
            burst: false,
            blocked: false,
            write_limit: config.write_buffer_size.max(1),
        };
        let now = state.clock.now();
        // A new connection only takes note of the time.
        let _ = state.connection.handle_timeout(now, &mut Vec::new());
        state
    }

    /// Sees to it that the task is woken when a timeout is due. Returns whether one was.
    #[inline]
    pub(super) fn poll_clock(&mut self, cx: &mut Context<'_>) -> bool {
        let due = self.connection.poll_timeout();
        let is_due = self.clock.poll(due, cx);
        if is_due {
            self.handle_timeout();
        }
        is_due
    }

    /// There is nothing to read: writes what waits, and sees to it that the task is woken. Returns whether there is nothing to do now.
    #[inline]
    pub(super) fn block(&mut self, shared: &Arc<Shared>, cx: &mut Context<'_>) -> bool {
        self.burst = false;
        self.try_flush(shared);
        if self.blocked && self.transport.as_ref().is_some_and(Transport::is_other) {
            // Reading may have taken the place of the flusher as the one to be woken, as TLS does that has to write.
            self.schedule(shared);
        }
        if self.poll_clock(cx) {
            return false;
        }
        self.wait_to_receive(cx);
        true
    }

    #[inline]
    pub(super) fn handle_timeout(&mut self) {
        let now = self.clock.now();
        if let Err(error) = self.connection.handle_timeout(now, self.output.tail()) {
            self.fail(error.into());
        }
    }

    /// Waits for room in the output.
    #[inline]
    pub(super) fn poll_room(
        &mut self,
        shared: &Arc<Shared>,
        cx: &mut Context<'_>,
        turn: Turn,
    ) -> Poll<Result<(), Error>> {
        if let Err(error) = self.check_sendable() {
            return Poll::Ready(Err(error));
        }
        if self.output.waiting() >= self.write_limit {
            self.try_flush(shared);
            if let Err(error) = self.check_sendable() {
                return Poll::Ready(Err(error));
            }
        }
        if self.output.waiting() >= self.write_limit
            || turn == Turn::Message && self.writer == Writer::Busy
        {
            self.wait(cx);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    pub(super) fn check_sendable(&self) -> Result<(), Error> {
        if let Some(error) = &self.write_error {
            return Err(Error::Io(Arc::clone(error)));
        }
        if self.end.is_some() {
            return Err(SendError::CloseSent.into());
        }
        Ok(())
    }

    /// Appends something, and sees to it that it is written.
    #[inline]
    pub(super) fn append<T>(
        &mut self,
        shared: &Arc<Shared>,
        append: impl FnOnce(&mut Self) -> Result<T, SendError>,
    ) -> Result<T, Error> {
        self.check_sendable()?;
        let value = append(self)?;
        self.write_soon(shared);
        Ok(value)
    }

    /// Writes now, or later together with what is likely to come: answers to input that is still to be looked at, and further messages of
    /// the same burst. What is not written by the time the task waits, the flusher writes.
    #[inline]
    pub(super) fn write_soon(&mut self, shared: &Arc<Shared>) {
        if self.output.waiting() >= self.write_limit {
            self.try_flush(shared);
        } else if self.is_gathering() {
            self.schedule(shared);
        } else {
            self.burst = true;
            self.try_flush(shared);
        }
    }

    #[inline]
    const fn is_gathering(&self) -> bool {
        self.burst || self.has_input()
    }

    /// Whether the last message that was written in parts came to its end.
    pub(super) fn check_writer(&self) -> Result<(), SendError> {
        match self.writer {
            // After a Close frame, that is the reason.
            Writer::Abandoned => Err(self
                .connection
                .check_sendable()
                .err()
                .unwrap_or(SendError::MessageUnfinished)),
            Writer::Free | Writer::Busy => Ok(()),
        }
    }

    /// Appends a Close frame.
    pub(super) fn close(&mut self, frame: Option<CloseFrame<'_>>) -> Result<(), SendError> {
        // The answer is waited for from now on.
        self.handle_timeout();
        self.connection.close(frame, self.output.tail())?;
        if self.writer != Writer::Free {
            self.release_writer(Writer::Free);
        }
        if self.connection.state() == Protocol::Closed {
            // It answers the peer's.
            let frame = self.peer_close.take();
            self.closed(frame);
        }
        // It has to give up when the answer does not come.
        self.wake_receiver();
        Ok(())
    }

    /// Appends a message, or has it appended after the one that is being written in parts.
    pub(super) fn send_in_turn(&mut self, message: Message) -> Result<(), SendError> {
        if self.writer == Writer::Busy {
            self.deferred.push(message);
            return Ok(());
        }
        self.send(&message)
    }

    /// Appends a message. A large payload is not copied where it goes out as it is.
    #[inline]
    pub(super) fn send(&mut self, message: &Message) -> Result<(), SendError> {
        self.check_writer()?;
        if message.len() < LARGE {
            return self.connection.send(message.borrowed(), self.output.tail());
        }
        let borrowed = message.borrowed();
        let rest = self
            .connection
            .send_vectored(&borrowed, self.output.tail())?;
        if rest.is_empty() {
            return Ok(());
        }
        let mut written = 0;
        if !self.blocked
            && !self.is_gathering()
            && let Some(transport) = &mut self.transport
        {
            let mut cx = Context::from_waker(Waker::noop());
            match self.output.poll_write_with(transport, &mut cx, rest) {
                Poll::Ready(Ok(count)) => written = count,
                // The same comes again when the rest is written.
                Poll::Ready(Err(_)) | Poll::Pending => {}
            }
        }
        if written < rest.len() {
            self.output.push(message.as_bytes().slice(written..));
        }
        Ok(())
    }

    /// Writes as much as the transport takes now; the flusher writes the rest.
    #[inline]
    pub(super) fn try_flush(&mut self, shared: &Arc<Shared>) {
        if self.blocked || self.output.is_empty() {
            return;
        }
        let mut cx = Context::from_waker(Waker::noop());
        if self.poll_write(&mut cx).is_pending() {
            self.blocked = true;
            self.schedule(shared);
        }
    }

    /// Writes everything. Errors end up in `write_error`.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let transport = self.transport.as_mut();
        let Some(transport) = transport.filter(|_| self.write_error.is_none()) else {
            self.output.clear();
            return Poll::Ready(());
        };
        let polled = self.output.poll_write(transport, cx).map(|written| {
            if let Err(error) = written {
                self.write_error = Some(Arc::new(error));
                self.output.clear();
            }
        });
        let has_room = self.output.waiting() < self.write_limit;
        if has_room && !self.waiters.is_empty() {
            self.wake_waiters();
        }
        polled
    }

    #[cold]
    pub(super) fn wake_waiters(&mut self) {
        for waiter in mem::take(&mut self.waiters) {
            waiter.wake();
        }
    }

    /// Registers a task that waits for the output to shrink.
    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        if !self
            .waiters
            .iter()
            .any(|waiter| waiter.will_wake(cx.waker()))
        {
            self.waiters.push(cx.waker().clone());
        }
    }

    /// An operation that waited has been given up. Others of the same task look again, and wait anew.
    pub(super) fn forget(&mut self, waker: &Waker) {
        let mut waiters = self.waiters.iter();
        if let Some(index) = waiters.position(|waiter| waiter.will_wake(waker)) {
            self.waiters.swap_remove(index).wake();
        }
    }

    /// Registers the task that receives: what others do with the connection may concern it.
    #[inline]
    pub(super) fn wait_to_receive(&mut self, cx: &Context<'_>) {
        self.output.release();
        match &mut self.reader {
            Some(reader) => reader.clone_from(cx.waker()),
            reader @ None => *reader = Some(cx.waker().clone()),
        }
    }

    pub(super) fn wake_receiver(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Lets the next message go.
    pub(super) fn release_writer(&mut self, writer: Writer) {
        self.writer = writer;
        for message in mem::take(&mut self.deferred) {
            // After a message without an end, or a Close frame, it cannot go any more.
            self.is_lost |= self.send(&message).is_err();
        }
        self.wake_waiters();
    }

    /// Has the flusher look at the output when this task waits.
    #[inline]
    pub(super) fn schedule(&mut self, shared: &Arc<Shared>) {
        match &self.flusher {
            Flush::Scheduled => {}
            Flush::Waiting(_) => {
                if let Flush::Waiting(waker) = mem::replace(&mut self.flusher, Flush::Scheduled) {
                    waker.wake();
                }
            }
            Flush::NotSpawned => self.spawn_flusher(shared),
        }
    }

    #[cold]
    fn spawn_flusher(&mut self, shared: &Arc<Shared>) {
        if let Ok(runtime) = Handle::try_current() {
            self.flusher = Flush::Scheduled;
            runtime.spawn(Flusher::new(shared));
        }
    }

    /// The flusher's turn. It stays until the connection has ended.
    pub(super) fn poll_flusher(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.transport.is_none() {
            self.flusher = Flush::NotSpawned;
            return Poll::Ready(());
        }
        self.flusher = Flush::Waiting(cx.waker().clone());
        self.blocked = self.poll_write(cx).is_pending();
        if !self.blocked {
            self.burst = false;
        }
        Poll::Pending
    }

    /// Hands the byte stream over to be ended. `wait`: the peer ends it first.
    pub(super) fn finish(&mut self, wait: bool) {
        let Some(transport) = self.transport.take() else {
            return;
        };
        let mut output = mem::take(&mut self.output);
        if self.write_error.is_some() {
            output.clear();
        }
        self.blocked = false;
        if let Flush::Waiting(flusher) = &self.flusher {
            flusher.wake_by_ref();
        }
        Finish::start(transport, output, wait);
    }

    /// Drops the byte stream as it is.
    pub(super) fn abort(&mut self) {
        if self.end.is_none() {
            let _ = self.connection.receive_end();
            self.is_lost = !self.output.is_empty();
            self.transport = None;
            self.output.clear();
            self.fail(ProtocolError::UnexpectedEnd.into());
        }
    }

    /// Room that is held, in bytes.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.input.room() + self.output.tail.capacity()
    }
}

/// From this length on, a payload is not copied.
const LARGE: usize = 8 << 10;
