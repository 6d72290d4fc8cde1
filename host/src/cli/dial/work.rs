//! Waiting for the next thing to do.

use std::{collections::VecDeque, future::pending, time::Duration};

use sockeye_host::{Client, Event, Sender};
use tokio::{
    sync::mpsc::{self, OwnedPermit},
    time::sleep,
};

use super::{
    input::Input,
    line::Order,
    output::{Item, Output},
};

/// What to do next.
pub(super) enum Work {
    Event(OwnedPermit<Item>, Option<Event>),
    Input(OwnedPermit<Item>, Input),
    /// Nobody reads our output.
    Unread,
    /// The server does not answer our Close frame.
    Silence,
}

/// Waits for something to do, and for room to print what comes of it.
///
/// Dropping the future loses nothing.
pub(super) async fn next_work(
    output: &Output,
    client: &mut Client,
    sender: &Sender,
    kept: &mut VecDeque<Order>,
    inputs: &mut mpsc::Receiver<Input>,
    takes: bool,
    closing: bool,
) -> Work {
    let Ok(permit) = output.reserve().await else {
        return Work::Unread;
    };
    tokio::select! {
        () = output.closed() => Work::Unread,
        event = client.next() => Work::Event(permit, event),
        () = sleep(CLOSE), if closing => Work::Silence,
        input = next_input(sender, kept, inputs), if takes => Work::Input(permit, input),
    }
}

/// Waits for the next thing to do, once the connection has taken what came before.
async fn next_input(
    sender: &Sender,
    kept: &mut VecDeque<Order>,
    inputs: &mut mpsc::Receiver<Input>,
) -> Input {
    if !sender.ready(UNSENT).await {
        // The connection is gone, which its last event says.
        return pending().await;
    }
    match kept.pop_front() {
        Some(order) => Input::Order(order),
        None => inputs.recv().await.unwrap_or(Input::End),
    }
}

/// How long a server may be silent instead of answering our Close frame.
pub(super) const CLOSE: Duration = Duration::from_secs(5);

/// Bytes of messages that may wait for the connection before no more input is taken.
const UNSENT: usize = 256 << 10;
