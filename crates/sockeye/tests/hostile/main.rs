//! Bug classes seen in real WebSocket implementations, each with its bytes and its exact outcome: what is reported and sent, how
//! much memory it takes and how much work. The name in front of each test says where the class was seen.

#[path = "../common/alloc.rs"]
mod alloc;
#[path = "../common/mod.rs"]
mod common;
mod frames;
mod handshake;
#[cfg(feature = "deflate")]
mod inflate;

use alloc::{Usage, measure};
use common::feed;
use sockeye::{Connection, Event, ProtocolError};

/// More than any connection without compression needs beside its message: a format string, a Close frame.
const SMALL: usize = 1024;

/// Feeds bytes where they lie, without the driver's own copies, and measures the heap. Returns the number of events, too.
fn receive_measured(
    connection: &mut Connection,
    bytes: &mut [u8],
    out: &mut Vec<u8>,
) -> (Result<usize, ProtocolError>, Usage) {
    measure(|| {
        let mut input = bytes;
        let mut events = 0;
        while connection.receive(&mut input, out)?.is_some() {
            events += 1;
        }
        Ok(events)
    })
}

/// The first event of these bytes, owned.
fn first_event(connection: &mut Connection, bytes: &[u8]) -> Option<Event<'static>> {
    feed(connection, [bytes]).events.into_iter().next()
}
