//! The task that drives one connection: read, hand over, write, wait.

use std::{
    future::Future,
    io, mem,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Sleep, sleep_until};

use super::worker::{Slot, Worker};
use crate::{
    bindings::sockeye::websocket::types::{Attention, CloseFrame, SendError, Step},
    engine::{Failed, Protocol, Shard},
    handler::{Closed, Command, Event, Initiator, Message, Notice, Peer},
    page::{Front, Verdict},
    socket::{Socket, wit_error},
};

/// One connection, from the accepted socket to its end.
///
/// A hand-written future: it is small, owns no buffer, and never waits between reading bytes and handing them to the protocol.
pub(super) struct Task<S: Shard> {
    worker: Rc<Worker<S>>,
    socket: Rc<Socket>,
    /// `None` once it has ended: what is left is to deliver the output.
    connection: Option<S::Connection>,
    /// What the application wants sent, in order.
    commands: Vec<Command>,
    id: u64,
    /// Reads the head of the request, where it may be one for a page.
    front: Option<Box<Front>>,
    /// The application has been told of the end, or of nothing at all.
    closed: bool,
    /// When a peer that the application has given up must have taken the rest.
    cut: u64,
    /// When to act although nothing comes, in nanoseconds since the worker's origin.
    deadline: u64,
    /// When `sleep` ends. Deadlines mostly move away, so it is let run out and set anew: no timer is touched per message.
    armed: u64,
    sleep: Option<Pin<Box<Sleep>>>,
    state: State,
    /// The protocol holds input back until it is called again: nothing is read before.
    more: bool,
    /// The protocol has ended its side of the stream and goes on reading.
    shutting_down: bool,
    /// Bytes thrown away while lingering.
    discarded: usize,
    _slot: Slot,
}

/// Where the task is in the life of its connection, in this order; `Open` may go straight to `Ended`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Serving.
    Open,
    /// The server shuts down and has told the peer.
    GoingAway,
    /// The protocol is done; its output is being delivered.
    Ended,
    /// The write side is shut down; what the peer still sends is thrown away, because closing a socket with unread bytes resets it,
    /// and the reset may overtake the last response.
    Lingering,
}

/// What came of reading once.
enum Read {
    Step(Step),
    Front,
    End(Option<io::Error>),
    Nothing,
}

impl<S: Shard> Task<S> {
    pub(super) fn new(
        worker: Rc<Worker<S>>,
        socket: Rc<Socket>,
        id: u64,
        front: Option<Box<Front>>,
        slot: Slot,
        (connection, step): (S::Connection, Step),
    ) -> Self {
        let now = worker.now();
        let mut task = Self {
            worker,
            socket,
            connection: Some(connection),
            commands: Vec::new(),
            id,
            front,
            closed: false,
            cut: NEVER,
            deadline: NEVER,
            armed: NEVER,
            sleep: None,
            state: State::Open,
            more: false,
            shutting_down: false,
            discarded: 0,
            _slot: slot,
        };
        task.take(step, now);
        task
    }

    /// Does everything that can be done now. `Ready` when the connection is over.
    fn advance(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Failed> {
        let now = self.worker.now();
        for _ in 0..ROUNDS {
            if self.state == State::Open && self.worker.is_going_away() {
                self.go_away(now)?;
            }
            let mut notice = Notice::default();
            if let Some(outbox) = self.socket.existing_outbox() {
                notice = outbox.take(&mut self.commands);
                if notice.abandoned {
                    self.cut = now + DELIVERY;
                }
            }
            if self.socket.is_blocked() {
                match self.socket.poll_flush(cx) {
                    Poll::Pending => return self.wait(now, cx),
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => {
                        if self.end(now, Some(&error))?.is_ready() {
                            return Ok(Poll::Ready(()));
                        }
                        continue;
                    }
                }
            }
            let Some(connection) = &mut self.connection else {
                return self.linger(now, cx);
            };
            if self.shutting_down {
                match self.socket.poll_shutdown(cx) {
                    Poll::Pending => return self.wait(now, cx),
                    // What the peer still sends tells whether it broke.
                    Poll::Ready(_) => self.shutting_down = false,
                }
            }
            if self.socket.take_refused() {
                self.more = false;
                let step = connection.flush(now)?;
                self.take(step, now);
                continue;
            }
            if self.state == State::Ended {
                self.connection = None;
                continue;
            }
            if self.socket.take_finished() {
                self.shutting_down = true;
                continue;
            }
            if !self.commands.is_empty() {
                self.run_commands(now)?;
                continue;
            }
            if self.socket.is_paused() || (notice.paused && self.state == State::Open) {
                return self.wait(now, cx);
            }
            if self.more {
                let step = connection.tick(now)?;
                self.take(step, now);
                continue;
            }
            let read = {
                let mut buffer = self.worker.buffer.borrow_mut();
                match self.socket.poll_read(cx, &mut buffer) {
                    Poll::Ready(Ok(count)) if count > 0 => match &mut self.front {
                        None => Read::Step(connection.receive(now, &mut buffer[..count])?),
                        Some(front) => match self.worker.receive_head(front, &buffer[..count]) {
                            Verdict::Protocol(mut bytes) => {
                                self.front = None;
                                Read::Step(connection.receive(now, &mut bytes)?)
                            }
                            Verdict::Respond(response) => {
                                self.socket.push(&response);
                                // It was no WebSocket connection.
                                self.closed = true;
                                self.state = State::Ended;
                                self.deadline = now + DELIVERY;
                                Read::Front
                            }
                            Verdict::More => Read::Front,
                        },
                    },
                    Poll::Ready(result) => Read::End(result.err()),
                    Poll::Pending => Read::Nothing,
                }
            };
            match read {
                Read::Step(step) => self.take(step, now),
                Read::Front => {}
                Read::End(error) => {
                    if self.end(now, error.as_ref())?.is_ready() {
                        return Ok(Poll::Ready(()));
                    }
                }
                // TLS may have been left with something to send by what it read.
                Read::Nothing if self.socket.is_blocked() => {}
                Read::Nothing => return self.wait(now, cx),
            }
        }
        // Others have a turn.
        cx.waker().wake_by_ref();
        Ok(Poll::Pending)
    }

    /// Looks after what a call into the protocol left to be done.
    #[inline]
    fn take(&mut self, step: Step, now: u64) {
        self.deadline = step.deadline.unwrap_or(NEVER);
        self.more = step.attention.contains(Attention::MORE);
        for event in step.events {
            self.report(event);
        }
        if step.attention.contains(Attention::ENDED) {
            self.state = State::Ended;
            self.deadline = now + DELIVERY;
        }
    }

    fn report(&mut self, event: Event) {
        self.closed |= matches!(event, Event::Closed(_));
        if let Some(on_event) = &self.worker.on_event {
            on_event(
                event,
                &mut Peer::new(self.id, &self.socket, &mut self.commands),
            );
        }
    }

    /// The byte stream has ended or broken.
    fn end(&mut self, now: u64, error: Option<&io::Error>) -> Result<Poll<()>, Failed> {
        if let Some(front) = self.front.take()
            && let Some(connection) = &mut self.connection
        {
            let step = connection.receive(now, &mut front.into_bytes())?;
            self.take(step, now);
        }
        if let Some(connection) = &mut self.connection {
            let step = connection.end(now, error.map(wit_error))?;
            self.take(step, now);
            // RFC 6455 knows no half-open connection: whatever the protocol thinks, nothing more will come.
            self.state = State::Ended;
            self.deadline = now + DELIVERY;
        }
        // A broken stream delivers nothing either.
        Ok(if error.is_some() || self.connection.is_none() {
            Poll::Ready(())
        } else {
            Poll::Pending
        })
    }

    /// RFC 6455 §7.4.1: 1001 says that the server is going down.
    fn go_away(&mut self, now: u64) -> Result<(), Failed> {
        self.state = State::GoingAway;
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        let frame = CloseFrame {
            code: 1001,
            reason: String::new(),
        };
        match connection.close(now, Some(&frame))? {
            Ok(step) => self.take(step, now),
            // It closes already; its own timeout bounds that.
            Err(SendError::CloseSent) => {}
            // There is no connection yet: nobody to say goodbye to.
            Err(_) => {
                self.state = State::Ended;
                self.deadline = now + DELIVERY;
            }
        }
        Ok(())
    }

    /// Does what the application asked for, until the socket is full.
    fn run_commands(&mut self, now: u64) -> Result<(), Failed> {
        let mut commands = mem::take(&mut self.commands).into_iter().peekable();
        let mut batch = Vec::<Message>::new();
        while let Some(command) = commands.next() {
            let Some(connection) = &mut self.connection else {
                return Ok(());
            };
            let sent = match command {
                Command::Admit {
                    subprotocol,
                    headers,
                } => {
                    let answer = connection.admit(now, subprotocol.as_deref(), &headers)?;
                    self.answered(answer, now)?;
                    Ok(())
                }
                Command::Refuse { status, body } => {
                    let answer = connection.refuse(now, status, &body)?;
                    self.answered(answer, now)?;
                    Ok(())
                }
                Command::Send(message) => {
                    let mut size = message.data.len();
                    batch.push(message);
                    // One call and one write for messages that follow each other, within reason.
                    while let Some(Command::Send(message)) = commands.peek() {
                        size += message.data.len();
                        if size > BATCH {
                            break;
                        }
                        let Some(Command::Send(message)) = commands.next() else {
                            break;
                        };
                        batch.push(message);
                    }
                    let sent = connection.send(&batch)?;
                    batch.clear();
                    sent
                }
                Command::Ping(payload) => connection.ping(&payload)?,
                Command::Pong(payload) => connection.pong(&payload)?,
                Command::Close(frame) => match connection.close(now, frame.as_ref())? {
                    Ok(step) => {
                        self.take(step, now);
                        Ok(())
                    }
                    Err(error) => Err(error),
                },
            };
            match sent {
                // Late answers to a peer that has gone are ordinary.
                Ok(()) | Err(SendError::CloseSent) => {}
                Err(error) => tracing::warn!(connection = self.id, "not sent: {error:?}"),
            }
            if self.socket.is_blocked() {
                break;
            }
        }
        // Commands that events have added meanwhile come after these.
        let late = mem::replace(&mut self.commands, commands.collect());
        self.commands.extend(late);
        Ok(())
    }

    /// A request has been answered, or the application's answer to it cannot be sent.
    fn answered(&mut self, answer: Result<Step, String>, now: u64) -> Result<(), Failed> {
        let step = match (answer, &mut self.connection) {
            (Ok(step), _) => step,
            (Err(problem), Some(connection)) => {
                tracing::warn!(connection = self.id, "no such answer: {problem}");
                match connection.refuse(now, 500, NO_ANSWER)? {
                    Ok(step) => step,
                    // There was nothing to answer.
                    Err(_) => return Ok(()),
                }
            }
            (Err(_), None) => return Ok(()),
        };
        self.take(step, now);
        Ok(())
    }

    /// Ends the write side, then waits a little for the peer to have read everything.
    fn linger(&mut self, now: u64, cx: &mut Context<'_>) -> Result<Poll<()>, Failed> {
        if now >= self.deadline {
            return Ok(Poll::Ready(()));
        }
        if self.state != State::Lingering {
            if let Some(outbox) = self.socket.existing_outbox() {
                outbox.close();
            }
            match self.socket.poll_shutdown(cx) {
                Poll::Pending => return self.wait(now, cx),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Ok(Poll::Ready(())),
            }
            self.state = State::Lingering;
            self.deadline = now + LINGER;
        }
        let ended = {
            let mut buffer = self.worker.buffer.borrow_mut();
            loop {
                match self.socket.poll_read(cx, &mut buffer) {
                    Poll::Pending => break false,
                    Poll::Ready(Ok(0) | Err(_)) => break true,
                    Poll::Ready(Ok(count)) => self.discarded += count,
                }
                if self.discarded > LINGER_SIZE {
                    break true;
                }
            }
        };
        if ended {
            Ok(Poll::Ready(()))
        } else {
            self.wait(now, cx)
        }
    }

    /// Sees to it that the task is woken at its deadline.
    fn wait(&mut self, now: u64, cx: &mut Context<'_>) -> Result<Poll<()>, Failed> {
        let deadline = self.deadline.min(self.cut);
        if deadline == NEVER {
            return Ok(Poll::Pending);
        }
        if now >= self.cut {
            return self.end(now, Some(&io::ErrorKind::TimedOut.into()));
        }
        if now >= self.deadline {
            let Some(connection) = &mut self.connection else {
                return Ok(Poll::Ready(()));
            };
            if self.state == State::Ended {
                // The peer does not take the rest: it had its time.
                return Ok(Poll::Ready(()));
            }
            let step = connection.tick(now)?;
            self.take(step, now);
            cx.waker().wake_by_ref();
            return Ok(Poll::Pending);
        }
        if deadline < self.armed || now + GRANULARITY >= self.armed {
            let at = self.worker.instant(deadline);
            let sleep = match &mut self.sleep {
                Some(sleep) => {
                    sleep.as_mut().reset(at);
                    sleep
                }
                None => self.sleep.insert(Box::pin(sleep_until(at))),
            };
            self.armed = deadline;
            if sleep.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        Ok(Poll::Pending)
    }
}

impl<S: Shard> Future for Task<S>
where
    Self: Unpin,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.socket.set_waker(cx.waker());
        if this.socket.is_aborted() {
            return Poll::Ready(());
        }
        ready!(this.advance(cx).unwrap_or(Poll::Ready(())));
        Poll::Ready(())
    }
}

impl<S: Shard> Unpin for Task<S> {}

impl<S: Shard> Drop for Task<S> {
    fn drop(&mut self) {
        if let Some(outbox) = self.socket.existing_outbox() {
            outbox.close();
        }
        if !self.closed {
            // The instance failed, or the server stops: whoever keeps something for this connection has to let go of it.
            self.report(Event::Closed(Closed {
                code: 1006,
                reason: String::new(),
                initiator: Initiator::Local,
                clean: false,
                error: Some("the server gave the connection up".into()),
            }));
        }
        self.worker.forget(self.id);
    }
}

/// Reads and calls for one connection before others have a turn.
const ROUNDS: usize = 16;

/// Bytes of messages handed to the protocol in one call.
const BATCH: usize = 256 << 10;

/// Body of the response when the application's own cannot be sent.
const NO_ANSWER: &str = "The application behind this server made a mistake.\n";

/// How long the rest of the output may take to be delivered.
const DELIVERY: u64 = Duration::from_secs(5).as_nanos() as u64;

/// How long, and how many bytes, a peer may take to end its side after that.
const LINGER: u64 = Duration::from_secs(1).as_nanos() as u64;
const LINGER_SIZE: usize = 64 << 10;

/// Timers of tokio have milliseconds.
const GRANULARITY: u64 = 1_000_000;

const NEVER: u64 = u64::MAX;
