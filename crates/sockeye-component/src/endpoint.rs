//! The interface `endpoint`: the protocol on a socket that the host provides.

use core::{cell::RefCell, mem, time::Duration};

use crate::{
    bindings::{
        exports::sockeye::websocket::endpoint::{
            self as wit, CloseFrame, DialOptionsBorrow, Header, Message, Part,
            PreparedMessageBorrow, SendError, Step, UpgradeOptionsBorrow,
        },
        sockeye::websocket::socket::{Chunk, Error, Socket},
    },
    convert,
    driver::{Batch, Driver},
    options::{Dial, Upgrade},
};

/// Most bytes asked of a socket at once.
const READ: u32 = 1 << 16;

/// The output buffer keeps this much capacity between calls; memory of a component never shrinks, but it can be used for
/// something else.
const KEEP: usize = 1 << 18;

thread_local! {
    /// What the call under way wants to write: one buffer for all connections, so that an idle one owns none.
    static OUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// `endpoint.connection`.
pub(crate) struct Connection(RefCell<State>);

struct State {
    driver: Driver,
    socket: Socket,
    /// What the socket would not take.
    pending: Vec<u8>,
    /// `pending` may hold this much before nothing more is sent.
    limit: usize,
    finished: bool,
}

impl State {
    /// Runs `work`, writes what came of it to the socket at once, and reports.
    fn run<T>(&mut self, work: impl FnOnce(&mut Driver, &mut Batch<'_>) -> T) -> (T, Step) {
        self.run_apart(0, work)
    }

    /// The same, with the output `apart` bytes from the beginning of its buffer, see [`apart`].
    fn run_apart<T>(
        &mut self,
        apart: usize,
        work: impl FnOnce(&mut Driver, &mut Batch<'_>) -> T,
    ) -> (T, Step) {
        OUT.with_borrow_mut(|out| {
            out.clear();
            out.resize(apart, 0);
            let mut batch = Batch::new(out);
            let value = work(&mut self.driver, &mut batch);
            let written = self.write(&batch.out[apart..]);
            if let Err(error) = written {
                self.pending = Vec::new();
                batch.out.clear();
                self.driver.receive_end(Some(describe(error)), &mut batch);
            }
            let events = batch.events;
            if out.capacity() > KEEP {
                *out = Vec::new();
            }
            (value, self.driver.step(events, !self.pending.is_empty()))
        })
    }

    /// Gives `out` to the socket, behind what waits already.
    fn write(&mut self, out: &[u8]) -> Result<(), Error> {
        if self.pending.is_empty() {
            let taken = if out.is_empty() {
                0
            } else {
                write(&self.socket, out)?
            };
            self.pending.extend_from_slice(&out[taken..]);
        } else {
            self.pending.extend_from_slice(out);
            let taken = write(&self.socket, &self.pending)?;
            if taken == self.pending.len() {
                self.pending = Vec::new();
            } else {
                self.pending.drain(..taken);
            }
        }
        if self.pending.is_empty()
            && self.driver.is_finished()
            && !mem::replace(&mut self.finished, true)
        {
            self.socket.finish();
        }
        Ok(())
    }

    /// Sends through `work`, unless too much waits already.
    fn send(
        &mut self,
        work: impl FnOnce(&mut Driver, &mut Vec<u8>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        if self.pending.len() > self.limit {
            return Err(SendError::Blocked);
        }
        OUT.with_borrow_mut(|out| {
            out.clear();
            let outcome = work(&mut self.driver, out);
            // A broken socket is reported by the next step, whose write fails too.
            if let Err(Error::Other(_) | Error::Reset) = self.write(out) {
                self.pending.extend_from_slice(out);
            }
            outcome
        })
    }
}

/// Where in its buffer the output of these bytes should begin, so that payloads copied from them do not land a few bytes behind
/// their source modulo 4 KiB, see the allocator.
fn apart(bytes: &[u8]) -> usize {
    if bytes.len() < 4096 {
        return 0;
    }
    let distance = OUT
        .with_borrow(|out| out.as_ptr().addr())
        .wrapping_sub(bytes.as_ptr().addr())
        % 4096;
    // Each reply is four bytes shorter than what it answers, so that the distance shrinks as they follow each other.
    if distance < 1024 { 2048 } else { 0 }
}

/// A host that claims to have taken more than it was given is not believed.
fn write(socket: &Socket, bytes: &[u8]) -> Result<usize, Error> {
    socket.write(bytes).map(|taken| {
        usize::try_from(taken)
            .unwrap_or(usize::MAX)
            .min(bytes.len())
    })
}

fn describe(error: Error) -> String {
    match error {
        Error::Reset => "the connection was reset".into(),
        Error::Other(error) => error,
    }
}

impl wit::GuestConnection for Connection {
    fn receive(&self, now: u64, bytes: Vec<u8>) -> Step {
        let now = Duration::from_nanos(now);
        let apart = apart(&bytes);
        self.0
            .borrow_mut()
            .run_apart(apart, |driver, batch| driver.receive(now, bytes, batch))
            .1
    }

    fn drive(&self, now: u64) -> Step {
        let now = Duration::from_nanos(now);
        let state = &mut *self.0.borrow_mut();
        let mut events = Vec::new();
        loop {
            let chunk = if state.pending.is_empty() {
                state.socket.read(READ)
            } else {
                Chunk::WouldBlock
            };
            let idle = matches!(chunk, Chunk::WouldBlock);
            let ((), mut step) = state.run(|driver, batch| match chunk {
                Chunk::Bytes(bytes) => driver.receive(now, bytes, batch),
                Chunk::WouldBlock => driver.tick(now, batch),
                Chunk::End => driver.receive_end(None, batch),
                Chunk::Error(error) => driver.receive_end(Some(describe(error)), batch),
            });
            events.append(&mut step.events);
            // One batch at a time: the host comes back for the rest.
            if idle || !step.attention.is_empty() {
                return Step { events, ..step };
            }
        }
    }

    fn end(&self, _: u64, error: Option<Error>) -> Step {
        self.0
            .borrow_mut()
            .run(|driver, batch| driver.receive_end(error.map(describe), batch))
            .1
    }

    fn tick(&self, now: u64) -> Step {
        let now = Duration::from_nanos(now);
        self.0
            .borrow_mut()
            .run(|driver, batch| driver.tick(now, batch))
            .1
    }

    fn flush(&self, now: u64) -> Step {
        self.tick(now)
    }

    fn admit(
        &self,
        now: u64,
        subprotocol: Option<String>,
        fields: Vec<Header>,
    ) -> Result<Step, String> {
        let now = Duration::from_nanos(now);
        let fields = convert::extra_headers(fields)?;
        let (outcome, step) = self
            .0
            .borrow_mut()
            .run(|driver, batch| driver.admit(now, subprotocol.as_deref(), &fields, batch));
        outcome.map(|()| step)
    }

    fn refuse(
        &self,
        _: u64,
        status: u16,
        fields: Vec<Header>,
        body: String,
    ) -> Result<Step, String> {
        let fields = convert::extra_headers(fields)?;
        let (outcome, step) = self
            .0
            .borrow_mut()
            .run(|driver, batch| driver.reject(status, &fields, &body, batch));
        outcome.map(|()| step)
    }

    fn send(&self, messages: Vec<Message>) -> Result<(), SendError> {
        let state = &mut *self.0.borrow_mut();
        let limit = state.limit.saturating_sub(state.pending.len());
        state.send(|driver, out| {
            for message in messages {
                if out.len() > limit {
                    return Err(SendError::Blocked);
                }
                driver.send(convert::message(message)?, out)?;
            }
            Ok(())
        })
    }

    fn send_part(&self, part: Part) -> Result<(), SendError> {
        self.0
            .borrow_mut()
            .send(|driver, out| driver.send_part(&convert::part(part), out))
    }

    fn send_prepared(&self, messages: Vec<PreparedMessageBorrow<'_>>) -> Result<(), SendError> {
        let state = &mut *self.0.borrow_mut();
        let limit = state.limit.saturating_sub(state.pending.len());
        state.send(|driver, out| {
            for message in messages {
                if out.len() > limit {
                    return Err(SendError::Blocked);
                }
                driver.send_prepared(&mut message.get::<Prepared>().0.borrow_mut(), out)?;
            }
            Ok(())
        })
    }

    fn ping(&self, payload: Vec<u8>) -> Result<(), SendError> {
        self.0
            .borrow_mut()
            .send(|driver, out| driver.ping(&payload, out))
    }

    fn pong(&self, payload: Vec<u8>) -> Result<(), SendError> {
        self.0
            .borrow_mut()
            .send(|driver, out| driver.pong(&payload, out))
    }

    fn close(&self, now: u64, frame: Option<CloseFrame>) -> Result<Step, SendError> {
        let now = Duration::from_nanos(now);
        let frame = frame.map(convert::close_frame);
        let (outcome, step) = self
            .0
            .borrow_mut()
            .run(|driver, batch| driver.close(now, frame, batch));
        outcome.map(|()| step)
    }
}

/// `endpoint.prepared-message`.
pub(crate) struct Prepared(RefCell<sockeye::PreparedMessage>);

impl wit::GuestPreparedMessage for Prepared {
    fn prepare(message: Message) -> Result<wit::PreparedMessage, SendError> {
        let message = sockeye::PreparedMessage::new(convert::message(message)?);
        Ok(wit::PreparedMessage::new(Self(RefCell::new(message))))
    }
}

impl wit::Guest for crate::Component {
    type PreparedMessage = Prepared;
    type Connection = Connection;

    fn accept(
        now: u64,
        socket: Socket,
        options: UpgradeOptionsBorrow<'_>,
    ) -> (wit::Connection, Step) {
        let now = Duration::from_nanos(now);
        let settings = options.get::<Upgrade>().settings();
        let limit = settings.output;
        begin(socket, limit, |_| Driver::accept(now, settings))
    }

    fn dial(now: u64, socket: Socket, options: DialOptionsBorrow<'_>) -> (wit::Connection, Step) {
        let now = Duration::from_nanos(now);
        let settings = options.get::<Dial>().settings();
        let limit = settings.output;
        begin(socket, limit, |out| Driver::dial(now, settings, out))
    }
}

fn begin(
    socket: Socket,
    limit: usize,
    driver: impl FnOnce(&mut Vec<u8>) -> Driver,
) -> (wit::Connection, Step) {
    let mut request = Vec::new();
    let mut state = State {
        driver: driver(&mut request),
        socket,
        pending: Vec::new(),
        limit,
        finished: false,
    };
    let ((), step) = state.run(|_, batch| batch.out.extend_from_slice(&request));
    (wit::Connection::new(Connection(RefCell::new(state))), step)
}
