//! The task that writes what nobody else does.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use super::shared::Shared;

/// Writes what is still there when the task that sent it waits, and when the transport takes more again.
///
/// Spawned when it is needed for the first time. It does not keep the connection alive.
#[derive(Debug)]
pub(super) struct Flusher(Weak<Shared>);

impl Flusher {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self(Arc::downgrade(shared))
    }
}

impl Future for Flusher {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.upgrade() {
            Some(shared) => shared.lock().poll_flusher(cx),
            None => Poll::Ready(()),
        }
    }
}
