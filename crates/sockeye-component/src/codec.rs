//! The interface `codec`: the protocol with no socket.

use core::{cell::RefCell, mem, time::Duration};

use crate::{
    bindings::exports::sockeye::websocket::codec::{
        self as wit, CloseFrame, DialOptionsBorrow, Header, Message, Part, PreparedMessageBorrow,
        SendError, Step, UpgradeOptionsBorrow,
    },
    convert,
    driver::{Batch, Driver},
    options::{Dial, Upgrade},
};

/// `codec.connection`.
pub(crate) struct Connection(RefCell<State>);

struct State {
    driver: Driver,
    output: Vec<u8>,
    /// `output` may hold this much before nothing more is read or sent.
    limit: usize,
}

impl State {
    fn run<T>(&mut self, work: impl FnOnce(&mut Driver, &mut Batch<'_>) -> T) -> (T, Step) {
        let mut batch = Batch::new(&mut self.output);
        let value = work(&mut self.driver, &mut batch);
        let events = batch.events;
        (
            value,
            self.driver.step(events, self.output.len() > self.limit),
        )
    }

    fn send(
        &mut self,
        work: impl FnOnce(&mut Driver, &mut Vec<u8>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        if self.output.len() > self.limit {
            return Err(SendError::Blocked);
        }
        work(&mut self.driver, &mut self.output)
    }
}

impl wit::GuestConnection for Connection {
    fn receive(&self, now: u64, bytes: Vec<u8>) -> Step {
        let now = Duration::from_nanos(now);
        self.0
            .borrow_mut()
            .run(|driver, batch| driver.receive(now, bytes, batch))
            .1
    }

    fn end(&self, _: u64) -> Step {
        self.0
            .borrow_mut()
            .run(|driver, batch| driver.receive_end(None, batch))
            .1
    }

    fn tick(&self, now: u64) -> Step {
        let now = Duration::from_nanos(now);
        self.0
            .borrow_mut()
            .run(|driver, batch| driver.tick(now, batch))
            .1
    }

    fn take_output(&self) -> Vec<u8> {
        mem::take(&mut self.0.borrow_mut().output)
    }

    fn is_finished(&self) -> bool {
        self.0.borrow().driver.is_finished()
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
        messages.into_iter().try_for_each(|message| {
            state.send(|driver, out| driver.send(convert::message(message)?, out))
        })
    }

    fn send_part(&self, part: Part) -> Result<(), SendError> {
        self.0
            .borrow_mut()
            .send(|driver, out| driver.send_part(&convert::part(part), out))
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

    fn send_prepared(&self, messages: Vec<PreparedMessageBorrow<'_>>) -> Result<(), SendError> {
        let state = &mut *self.0.borrow_mut();
        messages.into_iter().try_for_each(|message| {
            let message = &mut message.get::<Prepared>().0.borrow_mut();
            state.send(|driver, out| driver.send_prepared(message, out))
        })
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

/// `codec.prepared-message`.
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

    fn accept(now: u64, options: UpgradeOptionsBorrow<'_>) -> wit::Connection {
        let settings = options.get::<Upgrade>().settings();
        let limit = settings.output;
        let driver = Driver::accept(Duration::from_nanos(now), settings);
        wit::Connection::new(Connection(RefCell::new(State {
            driver,
            output: Vec::new(),
            limit,
        })))
    }

    fn dial(now: u64, options: DialOptionsBorrow<'_>) -> wit::Connection {
        let settings = options.get::<Dial>().settings();
        let limit = settings.output;
        let mut output = Vec::new();
        let driver = Driver::dial(Duration::from_nanos(now), settings, &mut output);
        wit::Connection::new(Connection(RefCell::new(State {
            driver,
            output,
            limit,
        })))
    }
}
