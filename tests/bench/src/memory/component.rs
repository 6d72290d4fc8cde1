//! The component's echo loops in memory.

use super::{
    Echo,
    stream::{CHUNK, Stream},
};
use crate::{
    component::{
        Component, Guest as Connection,
        bindings::{
            exports::sockeye::websocket::options::Delivery, sockeye::websocket::types::Event,
        },
    },
    payload::Case,
};

/// The component behind a host that reads into a buffer of its own and hands over all that one read returned.
pub struct Guest {
    connection: Connection,
    buffer: Box<[u8]>,
    /// Whether messages come to the host, which sends them back.
    events: bool,
}

impl Guest {
    /// A connection that is echoed inside the component.
    pub fn echo(component: &Component, case: Case, stream: Stream) -> Self {
        Self::new(component, Delivery::Echo, case, stream)
    }

    /// A connection whose messages the host gets and sends back, all of one read in one call.
    pub fn events(component: &Component, case: Case, stream: Stream) -> Self {
        Self::new(component, Delivery::Messages, case, stream)
    }

    fn new(component: &Component, delivery: Delivery, case: Case, stream: Stream) -> Self {
        let connection = Connection::open(component, delivery, case.kind.is_deflated(), stream);
        Self {
            connection,
            buffer: vec![0; CHUNK].into(),
            events: delivery == Delivery::Messages,
        }
    }
}

impl Echo for Guest {
    fn run(&mut self, messages: usize) -> usize {
        let start = self.connection.stream().frames();
        let mut echoed = 0;
        while echoed < messages {
            let len = self.connection.stream().take(&mut self.buffer);
            let step = self.connection.receive(&self.buffer[..len]);
            if self.events {
                let messages: Vec<_> = step
                    .events
                    .into_iter()
                    .filter_map(|event| match event {
                        Event::Message(message) => Some(message),
                        _ => None,
                    })
                    .collect();
                if !messages.is_empty() {
                    self.connection.send(&messages);
                }
            }
            echoed = self.connection.stream().frames() - start;
        }
        echoed
    }
}
