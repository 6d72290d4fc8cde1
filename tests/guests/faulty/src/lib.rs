//! Implements `world endpoint-component` without any protocol: bytes come back as they are, except for those that name a fault.
//!
//! - `trap` traps.
//! - `loop` never returns.
//! - `grow` takes memory until there is no more.
//! - `end` ends the connection.

use std::{cell::RefCell, hint::black_box};

use exports::sockeye::websocket::{
    endpoint::{
        self, CloseFrame, Header, Instant, Message, Part, PreparedMessageBorrow, SendError, Step,
    },
    options::{self, Deflate, Delivery, InvalidOption, Limits, OriginPolicy, Timeouts},
};
use sockeye::websocket::{
    socket::{Error, Socket},
    types::Attention,
};

wit_bindgen::generate!({
    world: "endpoint-component",
    path: "../../../wit",
});

struct Faulty;

struct Options;

struct Connection(RefCell<Socket>);

struct Prepared;

impl endpoint::GuestConnection for Connection {
    fn receive(&self, _: Instant, bytes: Vec<u8>) -> Step {
        match &bytes[..] {
            b"trap" => std::process::abort(),
            b"loop" => loop {
                black_box(0);
            },
            b"grow" => loop {
                std::mem::forget(black_box(vec![1_u8; 1 << 20]));
            },
            b"end" => self.0.borrow().finish(),
            _ => {
                let _ = self.0.borrow().write(&bytes);
            }
        }
        step(bytes == b"end")
    }

    fn drive(&self, _: Instant) -> Step {
        step(false)
    }

    fn end(&self, _: Instant, _: Option<Error>) -> Step {
        self.0.borrow().finish();
        step(true)
    }

    fn tick(&self, _: Instant) -> Step {
        step(false)
    }

    fn flush(&self, _: Instant) -> Step {
        step(false)
    }

    fn admit(&self, _: Instant, _: Option<String>, _: Vec<Header>) -> Result<Step, String> {
        Err("nobody asked".into())
    }

    fn refuse(&self, _: Instant, _: u16, _: Vec<Header>, _: String) -> Result<Step, String> {
        Err("nobody asked".into())
    }

    fn send(&self, _: Vec<Message>) -> Result<(), SendError> {
        Err(SendError::NotOpen)
    }

    fn send_part(&self, _: Part) -> Result<(), SendError> {
        Err(SendError::NotOpen)
    }

    fn send_prepared(&self, _: Vec<PreparedMessageBorrow<'_>>) -> Result<(), SendError> {
        Err(SendError::NotOpen)
    }

    fn ping(&self, _: Vec<u8>) -> Result<(), SendError> {
        Err(SendError::NotOpen)
    }

    fn pong(&self, _: Vec<u8>) -> Result<(), SendError> {
        Err(SendError::NotOpen)
    }

    fn close(&self, _: Instant, _: Option<CloseFrame>) -> Result<Step, SendError> {
        self.0.borrow().finish();
        Ok(step(true))
    }
}

fn step(ended: bool) -> Step {
    Step {
        events: Vec::new(),
        deadline: None,
        attention: if ended {
            Attention::ENDED
        } else {
            Attention::empty()
        },
    }
}

impl endpoint::GuestPreparedMessage for Prepared {
    fn prepare(_: Message) -> Result<endpoint::PreparedMessage, SendError> {
        Ok(endpoint::PreparedMessage::new(Self))
    }
}

impl endpoint::Guest for Faulty {
    type PreparedMessage = Prepared;
    type Connection = Connection;

    fn accept(
        _: Instant,
        socket: Socket,
        _: options::UpgradeOptionsBorrow<'_>,
    ) -> (endpoint::Connection, Step) {
        (
            endpoint::Connection::new(Connection(RefCell::new(socket))),
            step(false),
        )
    }

    fn dial(
        _: Instant,
        socket: Socket,
        _: options::DialOptionsBorrow<'_>,
    ) -> (endpoint::Connection, Step) {
        (
            endpoint::Connection::new(Connection(RefCell::new(socket))),
            step(false),
        )
    }
}

impl options::Guest for Faulty {
    type UpgradeOptions = Options;
    type DialOptions = Options;
}

impl options::GuestUpgradeOptions for Options {
    fn new() -> Self {
        Self
    }

    fn set_subprotocols(&self, _: Vec<String>) -> Result<(), InvalidOption> {
        Ok(())
    }

    fn set_origins(&self, _: OriginPolicy) -> Result<(), InvalidOption> {
        Ok(())
    }

    fn set_headers(&self, _: Vec<Header>) -> Result<(), InvalidOption> {
        Ok(())
    }

    fn set_deflate(&self, _: Option<Deflate>) -> Result<(), InvalidOption> {
        Ok(())
    }

    fn set_limits(&self, _: Limits) -> Result<(), InvalidOption> {
        Ok(())
    }

    fn set_timeouts(&self, _: Timeouts) {}

    fn set_delivery(&self, _: Delivery) {}

    fn set_ask(&self, _: bool) {}

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn timeouts(&self) -> Timeouts {
        TIMEOUTS
    }
}

impl options::GuestDialOptions for Options {
    fn create(_: String, _: String) -> Result<options::DialOptions, InvalidOption> {
        Ok(options::DialOptions::new(Self))
    }

    fn set_subprotocols(&self, _: Vec<String>) -> Result<(), InvalidOption> {
        Ok(())
    }

    fn set_origin(&self, _: Option<String>) -> Result<(), InvalidOption> {
        Ok(())
    }

    fn set_headers(&self, _: Vec<Header>) -> Result<(), InvalidOption> {
        Ok(())
    }

    fn set_deflate(&self, _: Option<Deflate>) -> Result<(), InvalidOption> {
        Ok(())
    }

    fn set_limits(&self, _: Limits) -> Result<(), InvalidOption> {
        Ok(())
    }

    fn set_timeouts(&self, _: Timeouts) {}

    fn set_delivery(&self, _: Delivery) {}

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn timeouts(&self) -> Timeouts {
        TIMEOUTS
    }
}

const LIMITS: Limits = Limits {
    message_size: 0,
    frame_size: 0,
    fragments: 0,
    output: 0,
    head_size: 0,
    headers: 0,
};

const TIMEOUTS: Timeouts = Timeouts {
    handshake: None,
    ping_interval: None,
    pong: None,
    close: None,
    message: None,
};

export!(Faulty);
