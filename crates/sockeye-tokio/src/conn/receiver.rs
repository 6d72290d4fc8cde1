//! The receiving half.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use sockeye::{CloseFrame, Closed, Delivery, Limits, MessageKind};

use super::{
    incoming::Incoming,
    operation::{Next, timed},
    reader::{JoinedReader, MessageReader},
    shared::Shared,
};
use crate::{Error, Message};

/// The receiving half of a connection: messages, whole or as they come.
///
/// Keepalive, other timeouts, automatic Pongs and the answer to a Close frame are seen to while something is being received.
/// When it is dropped, the connection goes on being sent to; what the peer sends is not read any more.
pub struct Receiver {
    pub(super) shared: Arc<Shared>,
    handlers: Option<Box<Handlers>>,
    timeout: Option<Duration>,
    /// Of the message that is being received in parts.
    part: Option<Parts>,
    /// Whether messages are delivered in parts.
    in_parts: bool,
    /// The stream has yielded an error.
    terminated: bool,
}

/// What has come of a message that is being received in parts.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) kind: MessageKind,
    pub(super) data: Bytes,
    /// Whether this ends it.
    pub(super) fin: bool,
}

/// What is called for control frames.
#[derive(Default)]
struct Handlers {
    ping: Option<Box<dyn FnMut(Bytes) + Send>>,
    pong: Option<Box<dyn FnMut(Bytes) + Send>>,
    close: Option<Box<dyn FnMut(Option<CloseFrame<'static>>) + Send>>,
}

impl Receiver {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            handlers: None,
            timeout: None,
            part: None,
            in_parts: false,
            terminated: false,
        }
    }

    /// Waits for the next message. `None` once the connection was closed in order: [`Self::closed`] says how.
    ///
    /// What is left of a message that a [`MessageReader`] has begun is thrown away.
    ///
    /// Cancel-safe: when the future is dropped, no message is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] and [`Error::Io`] are final: the connection has ended, and later calls return the same.
    /// [`Error::Timeout`] after the time of [`Self::set_timeout`] is not.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "it is the method of `Stream`'s extension traits"
    )]
    pub fn next(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> + Send {
        let timeout = self.timeout;
        Next::new(self, timeout)
    }

    /// Waits for the next message and hands it over as it comes, in bounded memory whatever its length
    /// ([`Limits::message_size`] does not apply). `None` once the connection was closed in order.
    ///
    /// What is left of the message before it is thrown away.
    ///
    /// Cancel-safe: when the future is dropped, nothing is lost.
    ///
    /// # Errors
    ///
    /// Those of [`Self::next`].
    pub async fn next_reader(&mut self) -> Result<Option<MessageReader<'_>>, Error> {
        let timeout = self.timeout;
        let kind = timed(timeout, poll_fn(|cx| self.poll_reader(cx))).await?;
        Ok(kind.map(|kind| MessageReader::new(self, kind)))
    }

    /// All messages as one stream of bytes, each followed by `terminator`. It ends when the connection has been closed in order.
    pub const fn join(&mut self, terminator: Bytes) -> JoinedReader<'_> {
        JoinedReader::new(self, terminator)
    }

    /// Waits for the next message, which must be JSON of this type. `None` once the connection was closed in order.
    ///
    /// Cancel-safe, as [`Self::next`] is.
    ///
    /// # Errors
    ///
    /// [`Error::Json`], after which the connection is usable; those of [`Self::next`].
    #[cfg(feature = "json")]
    pub async fn next_json<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        match self.next().await? {
            Some(message) => Ok(serde_json::from_slice(message.as_bytes()).map(Some)?),
            None => Ok(None),
        }
    }

    /// Bounds how long each call of [`Self::next`] and the like may take. Default: no bound, but for those of
    /// [`Config::timeouts`](crate::Config::timeouts).
    pub const fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Changes the limits, from the next frame on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.shared.lock().connection.set_limits(limits);
    }

    /// Has `handler` called with the payload of each Ping. It has been answered by then, unless
    /// [`Config::automatic_pong`](crate::Config::automatic_pong) is off: then the handler may leave it to a [`Sender`](crate::Sender).
    pub fn on_ping(&mut self, handler: impl FnMut(Bytes) + Send + 'static) {
        self.handlers.get_or_insert_default().ping = Some(Box::new(handler));
    }

    /// Has `handler` called with the payload of each Pong, asked for or not.
    pub fn on_pong(&mut self, handler: impl FnMut(Bytes) + Send + 'static) {
        self.handlers.get_or_insert_default().pong = Some(Box::new(handler));
    }

    /// Has `handler` called with the peer's Close frame: its code and reason, if it has any. It has been answered by then, unless
    /// [`Config::automatic_close`](crate::Config::automatic_close) is off: then the application may still send, and closes with a
    /// [`Sender`](crate::Sender); [`Self::next`] waits for that.
    pub fn on_close(&mut self, handler: impl FnMut(Option<CloseFrame<'static>>) + Send + 'static) {
        self.handlers.get_or_insert_default().close = Some(Box::new(handler));
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        let state = self.shared.lock();
        state.end.as_ref().map(|end| end.closed.clone())
    }

    /// Whether messages come in parts.
    #[inline]
    pub(super) const fn is_in_parts(&self) -> bool {
        self.in_parts
    }

    /// Waits for the next message.
    pub(super) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        if self.in_parts {
            // A message of which no reader has seen a part comes whole.
            self.part = None;
            self.deliver(Delivery::Messages);
        }
        loop {
            match ready!(self.poll_incoming(cx))? {
                Some(Incoming::Message(message)) => return Poll::Ready(Ok(Some(message))),
                None => return Poll::Ready(Ok(None)),
                Some(_) => {}
            }
        }
    }

    /// Waits for the next message to begin.
    fn poll_reader(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<MessageKind>, Error>> {
        // The rest of the message before.
        while let Some(part) = &self.part {
            if part.fin {
                self.part = None;
            } else {
                let Some(_) = ready!(self.poll_part(cx))? else {
                    return Poll::Ready(Ok(None));
                };
            }
        }
        self.deliver(Delivery::Parts);
        if self.part.is_none() && ready!(self.poll_part(cx))?.is_none() {
            return Poll::Ready(Ok(None));
        }
        Poll::Ready(Ok(self.part.as_ref().map(|part| part.kind)))
    }

    /// Waits for the next part. `None`: the connection was closed in order.
    pub(super) fn poll_part(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<&mut Parts>, Error>> {
        self.part = match ready!(self.poll_incoming(cx))? {
            Some(Incoming::Part(part)) => Some(Parts {
                kind: part.kind,
                data: part.data.into_owned().into(),
                fin: part.fin,
            }),
            // It was complete when readers were asked for.
            Some(Incoming::Message(message)) => Some(Parts {
                kind: message.kind(),
                data: message.into(),
                fin: true,
            }),
            _ => None,
        };
        Poll::Ready(Ok(self.part.as_mut()))
    }

    pub(super) const fn part(&mut self) -> Option<&mut Parts> {
        self.part.as_mut()
    }

    /// Has messages delivered in this way from now on.
    fn deliver(&mut self, delivery: Delivery) {
        self.in_parts = delivery == Delivery::Parts;
        let held = self.shared.lock().connection.set_delivery(delivery);
        if let Some(part) = held {
            self.part = Some(Parts {
                kind: part.kind,
                data: part.data.into_owned().into(),
                fin: part.fin,
            });
        }
    }

    /// Waits for a message or a part of one; `None`: the connection was closed in order. Control frames are seen to.
    #[inline]
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Incoming>, Error>> {
        loop {
            match ready!(self.shared.poll_receive(cx, self.handlers.is_some())) {
                Incoming::Ended(end) => {
                    return Poll::Ready(match &end.error {
                        None => Ok(None),
                        Some(error) => Err(error.clone()),
                    });
                }
                incoming @ (Incoming::Message(_) | Incoming::Part(_)) => {
                    return Poll::Ready(Ok(Some(incoming)));
                }
                control => self.handle(control),
            }
        }
    }

    #[cold]
    fn handle(&mut self, control: Incoming) {
        let Some(handlers) = &mut self.handlers else {
            return;
        };
        match control {
            Incoming::Ping(payload) => {
                if let Some(handler) = &mut handlers.ping {
                    handler(payload);
                }
            }
            Incoming::Pong(payload) => {
                if let Some(handler) = &mut handlers.pong {
                    handler(payload);
                }
            }
            Incoming::Close(frame) => {
                if let Some(handler) = &mut handlers.close {
                    handler(frame);
                }
            }
            Incoming::Message(_) | Incoming::Part(_) | Incoming::Ended(_) => {}
        }
    }
}

impl Stream for Receiver {
    type Item = Result<Message, Error>;

    /// The next message. After an error the stream has ended.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.terminated {
            return Poll::Ready(None);
        }
        let item = ready!(this.poll_message(cx)).transpose();
        this.terminated = !matches!(item, Some(Ok(_)));
        Poll::Ready(item)
    }
}

impl FusedStream for Receiver {
    fn is_terminated(&self) -> bool {
        self.terminated
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
