//! What the halves of a connection share.

use std::{
    io, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use sockeye::{
    Agreement, CloseCode, CloseFrame, Closed, Connection, Event, Initiator, Part, ProtocolError,
    Role, SendError, SessionError, State as Protocol,
};
use tokio::{
    io::{AsyncRead, ReadBuf},
    runtime::Handle,
};

use super::{clock::Clock, finish::Finish, flusher::Flusher, output::Output, pool};
use crate::{Config, Error, Message, Transport, message::shared};

/// One connection behind a lock that is never held while waiting.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// What the handshake agreed on, unless that is nothing.
    pub(super) agreement: Option<Box<Agreement>>,
}

/// Everything about one connection.
#[derive(Debug)]
pub(super) struct State {
    pub(super) connection: Connection,
    /// Gone once the connection has ended.
    pub(super) transport: Option<Transport>,
    input: Input,
    pub(super) output: Output,
    pub(super) clock: Clock,
    /// How it ended.
    pub(super) end: Option<Arc<End>>,
    /// The peer's Close frame, until the application answers it.
    peer_close: Option<CloseFrame<'static>>,
    /// Why nothing can be written any more.
    write_error: Option<Arc<io::Error>>,
    /// The connection broke before everything that was sent had been written.
    is_lost: bool,
    /// Who waits for room in the output, or for it to be empty.
    waiters: Vec<Waker>,
    /// The receiver, while it waits.
    reader: Option<Waker>,
    pub(super) writer: Writer,
    /// What sinks that had been ready took while a message was being written in parts: one for each.
    deferred: Vec<Message>,
    flusher: Flush,
    /// Something was sent since the reader last had to wait, or the flusher ran: what follows is gathered.
    burst: bool,
    /// The transport takes no more: the flusher waits for it.
    pub(super) blocked: bool,
    write_limit: usize,
}

/// What was read and not yet looked at. Holds no memory while there is none.
#[derive(Debug)]
struct Input {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes to read at once.
    size: usize,
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

impl Shared {
    pub(super) fn new(
        connection: Connection,
        transport: Transport,
        unread: Vec<u8>,
        config: &Config,
        agreement: Agreement,
    ) -> Self {
        let mut state = State {
            connection,
            transport: Some(transport),
            input: Input {
                start: 0,
                end: unread.len(),
                buffer: unread.into_boxed_slice(),
                size: config.read_buffer_size.max(MIN_READ),
            },
            output: Output::default(),
            clock: Clock::new(),
            end: None,
            peer_close: None,
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

impl State {
    /// Whether input waits that no receiver has asked for yet.
    #[inline]
    const fn has_input(&self) -> bool {
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
    fn decode(&mut self, controls: bool) -> Option<Incoming> {
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

    /// Reads once.
    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(transport) = &mut self.transport else {
            return Poll::Ready(());
        };
        self.input.release();
        let mut buffer = pool::take_input(self.input.size);
        let mut read = ReadBuf::new(&mut buffer);
        let polled = core::pin::Pin::new(transport).poll_read(cx, &mut read);
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

    /// Sees to it that the task is woken when a timeout is due. Returns whether one was.
    #[inline]
    fn poll_clock(&mut self, cx: &mut Context<'_>) -> bool {
        let due = self.connection.poll_timeout();
        let is_due = self.clock.poll(due, cx);
        if is_due {
            self.handle_timeout();
        }
        is_due
    }

    /// There is nothing to read: writes what waits, and sees to it that the task is woken. Returns whether there is nothing to do now.
    #[inline]
    fn block(&mut self, shared: &Arc<Shared>, cx: &mut Context<'_>) -> bool {
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
    fn check_sendable(&self) -> Result<(), Error> {
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
    fn write_soon(&mut self, shared: &Arc<Shared>) {
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
    fn wake_waiters(&mut self) {
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

    /// Registers the task that receives: what others do with the connection may concern it.
    #[inline]
    fn wait_to_receive(&mut self, cx: &Context<'_>) {
        self.output.release();
        match &mut self.reader {
            Some(reader) => reader.clone_from(cx.waker()),
            reader @ None => *reader = Some(cx.waker().clone()),
        }
    }

    fn wake_receiver(&mut self) {
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
    fn schedule(&mut self, shared: &Arc<Shared>) {
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
    fn closed(&mut self, frame: Option<CloseFrame<'static>>) -> Arc<End> {
        let (code, reason) = frame.map_or((CloseCode::NO_STATUS, String::new()), |frame| {
            (frame.code, frame.reason.into_owned())
        });
        self.ended(code, reason, None)
    }

    /// The byte stream has ended or broken.
    fn received_end(&mut self, error: Option<io::Error>) {
        match (self.connection.receive_end(), error) {
            (Err(ProtocolError::UnexpectedEnd), Some(error)) => self.fail(error.into()),
            (Err(error), _) => self.fail(error.into()),
            (Ok(()), _) => {}
        }
    }

    fn fail(&mut self, error: Error) {
        self.ended(CloseCode::ABNORMAL, String::new(), Some(error));
    }

    fn ended(&mut self, code: CloseCode, reason: String, error: Option<Error>) -> Arc<End> {
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

    /// Hands the byte stream over to be ended. `wait`: the peer ends it first.
    fn finish(&mut self, wait: bool) {
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
            self.ended(
                CloseCode::ABNORMAL,
                String::new(),
                Some(ProtocolError::UnexpectedEnd.into()),
            );
        }
    }

    /// Room that is held, in bytes.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.input.buffer.len() + self.output.tail.capacity()
    }

    /// What was read and not looked at.
    pub(super) fn take_unread(&mut self) -> Vec<u8> {
        let unread = self.input.buffer[self.input.start..self.input.end].to_vec();
        self.input.clear();
        unread
    }
}

fn session_error(error: &Error) -> SessionError {
    match error {
        Error::Protocol(error) => SessionError::Protocol(*error),
        error => SessionError::Transport(error.to_string()),
    }
}

impl Input {
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

    fn clear(&mut self) {
        self.release();
    }
}

/// Reads of one connection before others have a turn.
const READS: usize = 64;

/// Smallest read, in bytes.
const MIN_READ: usize = 512;

/// From this length on, a payload is not copied.
const LARGE: usize = 8 << 10;
