//! What can be asked and changed of an open connection. What is said in [`Connection`] holds here too.

use super::{Phase, Session};
use crate::{Connection, Delivery, Limits, Part, State};

impl Session {
    /// Changes the bounds on size, from the next frame on. Without effect unless the connection is open: until then, the settings say.
    pub fn set_limits(&mut self, limits: Limits) {
        if let Some(connection) = self.open_connection() {
            connection.set_limits(limits);
        }
    }

    /// Changes how messages are handed over, from now on, and returns what has come of the message under way, as its first part: see
    /// [`Connection::set_delivery`]. Without effect unless the connection is open: until then, the settings say.
    pub fn set_delivery(&mut self, delivery: Delivery) -> Option<Part<'static>> {
        self.open_connection()?.set_delivery(delivery)
    }

    /// Whether messages are compressed from now on. Without effect unless the connection is open and permessage-deflate was negotiated,
    /// where the default is true.
    pub fn set_compression(&mut self, compress: bool) {
        if let Some(connection) = self.open_connection() {
            connection.set_compression(compress);
        }
    }

    /// Changes the level of compression, 0 (store) to 9 (best), from the next message on: see [`Connection::set_compression_level`]. Without
    /// effect unless the connection is open and permessage-deflate was negotiated.
    pub fn set_compression_level(&mut self, level: u8) {
        if let Some(connection) = self.open_connection() {
            connection.set_compression_level(level);
        }
    }

    /// Where the connection stands; `None` before its opening handshake is done.
    ///
    /// It is [`State::Closed`] once [`SessionEvent::Closed`](crate::SessionEvent::Closed) was reported, whether it ever was open or not.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        match &self.phase {
            Phase::Accepting(_) | Phase::Asking(_) | Phase::Dialling(_) => None,
            Phase::Open(connection) => Some(connection.state()),
            Phase::Draining | Phase::Ended => Some(State::Closed),
        }
    }

    /// Whether a message has begun to come, or to go out in parts, and has not ended.
    #[must_use]
    pub fn is_amid_message(&self) -> bool {
        match &self.phase {
            Phase::Open(connection) => connection.is_amid_message(),
            _ => false,
        }
    }

    /// How many bytes of the payload of the frame under way have not come: what was announced, and may never come.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        match &self.phase {
            Phase::Open(connection) => connection.remaining(),
            _ => 0,
        }
    }

    fn open_connection(&mut self) -> Option<&mut Connection> {
        match &mut self.phase {
            Phase::Open(connection) => Some(connection),
            _ => None,
        }
    }
}
