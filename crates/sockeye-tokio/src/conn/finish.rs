//! The end of a byte stream.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Handle,
    time::timeout,
};

use super::output::Output;
use crate::Transport;

/// Delivers what is left, ends our side, and waits a little for the peer to end its own: closing a socket with unread bytes resets it, and
/// the reset may overtake the last frames.
#[derive(Debug)]
pub(crate) struct Finish {
    transport: Transport,
    output: Output,
    /// The peer ends the stream first ([RFC 6455 §7.1.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.1)).
    wait: bool,
}

impl Finish {
    /// Does what can be done now, and the rest in a task of its own. Without a runtime the stream is dropped.
    pub(crate) fn start(transport: Transport, output: Output, wait: bool) {
        let mut this = Self {
            transport,
            output,
            wait,
        };
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(Err(_)) = this.output.poll_write(&mut this.transport, &mut cx) {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(this.run());
        }
    }

    async fn run(mut self) {
        let delivered = timeout(
            DELIVERY,
            poll_fn(|cx| self.output.poll_write(&mut self.transport, cx)),
        );
        if !matches!(delivered.await, Ok(Ok(()))) {
            return;
        }
        if self.wait && timeout(WAIT, self.discard()).await.is_ok() {
            return;
        }
        if !matches!(timeout(LINGER, self.transport.shutdown()).await, Ok(Ok(()))) {
            return;
        }
        let _ = timeout(LINGER, self.discard()).await;
    }

    /// Reads until the end, within reason.
    async fn discard(&mut self) {
        let mut buffer = [0; 1024];
        let mut transport = Pin::new(&mut self.transport);
        for _ in 0..DISCARDED {
            if !matches!(transport.read(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
    }
}

/// How long the rest of the output may take to be delivered.
const DELIVERY: Duration = Duration::from_secs(5);

/// How long a client waits for the server to end the stream.
const WAIT: Duration = Duration::from_secs(5);

/// How long a peer may take to end its side once ours has ended.
const LINGER: Duration = Duration::from_secs(1);

/// Reads that are thrown away meanwhile.
const DISCARDED: usize = 256;
