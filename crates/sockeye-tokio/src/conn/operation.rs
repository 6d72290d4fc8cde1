//! Futures of what is done for every message, written by hand: they are small, and nothing is moved that need not be.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::time::{Sleep, sleep, timeout};

use super::{receiver::Receiver, shared::Shared, state::Turn};
use crate::{Error, Message};

/// Bounds the time of an operation from its first wait on.
#[derive(Debug)]
pub(super) struct Limit {
    after: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Limit {
    #[inline]
    pub(super) const fn new(after: Option<Duration>) -> Self {
        Self { after, sleep: None }
    }

    /// Whether there is none.
    #[inline]
    const fn is_none(&self) -> bool {
        self.after.is_none()
    }

    /// Whether the time is over.
    #[inline]
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        match self.after {
            None => false,
            Some(after) => self
                .sleep
                .get_or_insert_with(|| Box::pin(sleep(after)))
                .as_mut()
                .poll(cx)
                .is_ready(),
        }
    }
}

/// An operation that waits for the output to shrink, and is forgotten there when it is given up.
#[derive(Debug)]
struct Waiting<'a> {
    shared: &'a Arc<Shared>,
    waker: Option<Waker>,
}

impl Waiting<'_> {
    /// Takes note of whether the operation waits.
    #[inline]
    fn note<T>(&mut self, polled: &Poll<T>, cx: &Context<'_>) {
        self.waker = polled.is_pending().then(|| cx.waker().clone());
    }
}

impl Drop for Waiting<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(waker) = &self.waker {
            self.shared.lock().forget(waker);
        }
    }
}

/// Does an operation of a sender, within its time.
pub(super) async fn wait<T>(
    shared: &Arc<Shared>,
    limit: Option<Duration>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<Result<T, Error>>,
) -> Result<T, Error> {
    let mut waiting = Waiting {
        shared,
        waker: None,
    };
    let operation = poll_fn(|cx| {
        let polled = poll(cx);
        waiting.note(&polled, cx);
        polled
    });
    timed(limit, operation).await
}

/// Bounds the time of an operation.
#[inline]
pub(super) async fn timed<T>(
    limit: Option<Duration>,
    operation: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match limit {
        None => operation.await,
        Some(limit) => timeout(limit, operation)
            .await
            .unwrap_or(Err(Error::Timeout)),
    }
}

/// Sends a message.
#[derive(Debug)]
#[must_use = "nothing is sent unless this is awaited"]
pub(super) struct Send<'a> {
    waiting: Waiting<'a>,
    message: Message,
    limit: Limit,
}

impl<'a> Send<'a> {
    #[inline]
    pub(super) const fn new(
        shared: &'a Arc<Shared>,
        message: Message,
        timeout: Option<Duration>,
    ) -> Self {
        Self {
            waiting: Waiting {
                shared,
                waker: None,
            },
            message,
            limit: Limit::new(timeout),
        }
    }
}

impl Future for Send<'_> {
    type Output = Result<(), Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // The results of the two ways are not moved together: what is returned mostly is made where it is returned.
        if this.waiting.shared.try_send(&this.message) {
            this.waiting.waker = None;
            return Poll::Ready(Ok(()));
        }
        this.poll_send(cx)
    }
}

impl Send<'_> {
    #[cold]
    #[inline(never)]
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let message = &self.message;
        let shared = self.waiting.shared;
        let sent = shared.poll_append(cx, Turn::Message, |state| state.send(message));
        self.waiting.note(&sent, cx);
        if sent.is_pending() && self.limit.is_over(cx) {
            return Poll::Ready(Err(Error::Timeout));
        }
        sent
    }
}

/// Receives a message.
#[derive(Debug)]
#[must_use = "nothing is received unless this is awaited"]
pub(super) struct Next<'a> {
    receiver: &'a mut Receiver,
    limit: Limit,
}

impl<'a> Next<'a> {
    #[inline]
    pub(super) const fn new(receiver: &'a mut Receiver, timeout: Option<Duration>) -> Self {
        Self {
            receiver,
            limit: Limit::new(timeout),
        }
    }
}

impl Future for Next<'_> {
    type Output = Result<Option<Message>, Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if !this.receiver.is_in_parts()
            && let Some(message) = this.receiver.shared.try_message()
        {
            return Poll::Ready(Ok(Some(message)));
        }
        this.poll_next(cx)
    }
}

impl Next<'_> {
    #[inline(never)]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        if !self.receiver.is_in_parts() && self.limit.is_none() {
            match self.receiver.shared.poll_message(cx) {
                Poll::Ready(Some(message)) => return Poll::Ready(Ok(Some(message))),
                Poll::Ready(None) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
        let received = self.receiver.poll_message(cx);
        if received.is_pending() && self.limit.is_over(cx) {
            return Poll::Ready(Err(Error::Timeout));
        }
        received
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use sockeye::{Agreement, Role};

    use super::*;
    use crate::{Config, Conn, Parts, Transport};

    /// A task of which there is nothing but its waker.
    struct Task;

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    #[tokio::test]
    async fn senders_that_were_given_up_are_forgotten() {
        let (stream, _peer) = tokio::io::duplex(16);
        let mut config = Config::new(Role::Server);
        config.write_buffer_size = 1;
        let conn = Conn::from_parts(Parts {
            transport: Transport::new(stream),
            role: Role::Server,
            agreement: Agreement::default(),
            unread: Vec::new(),
            config,
        });
        let sender = conn.sender();
        // The stream takes 16 bytes of it, and nothing after that.
        sender.send(vec![0; 100]).await.unwrap();
        for _ in 0..100 {
            let waker = Waker::from(Arc::new(Task));
            let mut cx = Context::from_waker(&waker);
            let mut sending = Box::pin(sender.send("late"));
            assert!(sending.as_mut().poll(&mut cx).is_pending());
            let mut pinging = Box::pin(sender.ping("late"));
            assert!(pinging.as_mut().poll(&mut cx).is_pending());
            // One waker for both; the one that is left waits anew when it is polled.
            drop(sending);
            assert!(pinging.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(sender.shared.lock().waiters.len(), 0);
        assert_eq!(sender.waiting(), 102 - 16);
    }
}
