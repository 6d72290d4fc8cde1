//! One open connection.

mod clock;
mod finish;
mod flusher;
mod incoming;
mod operation;
mod output;
mod pool;
mod reader;
mod receiver;
mod sender;
mod shared;
mod state;
mod writer;

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use sockeye::{
    Agreement, CloseCode, CloseFrame, Closed, Connection, Limits, MessageKind, Role, SendError,
};

pub(crate) use self::finish::Finish;
pub(crate) use self::output::Output;
use self::{operation::wait, shared::Shared};
pub use self::{
    reader::{JoinedReader, MessageReader},
    receiver::Receiver,
    sender::Sender,
    writer::MessageWriter,
};
use crate::{Config, Error, Message, PreparedMessage, Transport, entropy::entropy};

/// One open connection.
///
/// ```no_run
/// # async fn echo(mut conn: sockeye_tokio::Conn) -> Result<(), sockeye_tokio::Error> {
/// while let Some(message) = conn.next().await? {
///     conn.send(message).await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// It is a [`Receiver`] and a [`Sender`]: [`Self::split`] gives both, for different tasks; [`Self::sender`] a sender for any task.
/// It is a `Stream` and a `Sink`, too.
///
/// A message that was sent is written when it is the first in a while, when the output is full, or at the latest when the task that sent it
/// waits for something: many small messages leave in one write, and none waits for a flush.
///
/// When the connection is dropped, what was sent is still delivered, without a closing handshake; [`Self::close`] does one.
#[derive(Debug)]
pub struct Conn {
    receiver: Receiver,
    sender: Sender,
}

/// What a connection is made of, after an opening handshake that was done elsewhere.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by those who have done the handshake: each part is needed"
)]
pub struct Parts {
    /// The byte stream.
    pub transport: Transport,
    /// Which side this is.
    pub role: Role,
    /// What the handshake agreed on.
    pub agreement: Agreement,
    /// What was read behind the handshake.
    pub unread: Vec<u8>,
    /// How the connection behaves.
    pub config: Config,
}

impl Conn {
    /// Takes over after an opening handshake that was done elsewhere.
    #[must_use]
    pub fn from_parts(parts: Parts) -> Self {
        let Parts {
            transport,
            role,
            agreement,
            unread,
            config,
        } = parts;
        let connection = Connection::new(role, &config.options(role), agreement.deflate, entropy);
        let shared = Shared::new(connection, transport, unread, &config, agreement);
        let shared = Arc::new(shared);
        Self {
            receiver: Receiver::new(Arc::clone(&shared)),
            sender: Sender::new(shared),
        }
    }

    /// Waits for the next message: [`Receiver::next`].
    ///
    /// Cancel-safe: when the future is dropped, no message is lost.
    ///
    /// # Errors
    ///
    /// Those of [`Receiver::next`].
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "it is the method of `Stream`'s extension traits"
    )]
    pub fn next(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> + Send {
        self.receiver.next()
    }

    /// Waits for the next message and hands it over as it comes: [`Receiver::next_reader`].
    ///
    /// Cancel-safe: when the future is dropped, nothing is lost.
    ///
    /// # Errors
    ///
    /// Those of [`Receiver::next`].
    pub async fn next_reader(&mut self) -> Result<Option<MessageReader<'_>>, Error> {
        self.receiver.next_reader().await
    }

    /// All messages as one stream of bytes, each followed by `terminator`: [`Receiver::join`].
    pub const fn join(&mut self, terminator: Bytes) -> JoinedReader<'_> {
        self.receiver.join(terminator)
    }

    /// Waits for the next message, which must be JSON of this type: [`Receiver::next_json`].
    ///
    /// Cancel-safe: when the future is dropped, no message is lost.
    ///
    /// # Errors
    ///
    /// Those of [`Receiver::next_json`].
    #[cfg(feature = "json")]
    pub async fn next_json<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        self.receiver.next_json().await
    }

    /// Sends a message: [`Sender::send`].
    ///
    /// Cancel-safe: when the future is dropped before it is done, nothing of the message has been sent, or will be.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::send`].
    #[inline]
    pub fn send(
        &mut self,
        message: impl Into<Message>,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        self.sender.send(message)
    }

    /// Sends a message that was prepared for many connections: [`Sender::send_prepared`].
    ///
    /// Cancel-safe, as [`Self::send`] is.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::send`].
    pub async fn send_prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        self.sender.send_prepared(message).await
    }

    /// Sends a value as JSON in a text message: [`Sender::send_json`].
    ///
    /// Cancel-safe, as [`Self::send`] is.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::send_json`].
    #[cfg(feature = "json")]
    pub async fn send_json<T: serde::Serialize + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<(), Error> {
        self.sender.send_json(value).await
    }

    /// Begins a message that is written piece by piece: [`Sender::writer`].
    ///
    /// Cancel-safe: when the future is dropped, no message has begun.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::send`].
    pub async fn writer(&mut self, kind: MessageKind) -> Result<MessageWriter<'_>, Error> {
        self.sender.writer(kind).await
    }

    /// Sends a Ping with up to 125 bytes of payload: [`Sender::ping`].
    ///
    /// Cancel-safe, as [`Self::send`] is.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::ping`].
    pub async fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.sender.ping(payload).await
    }

    /// Sends a Pong with up to 125 bytes of payload: [`Sender::pong`].
    ///
    /// Cancel-safe, as [`Self::send`] is.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::ping`].
    pub async fn pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.sender.pong(payload).await
    }

    /// Waits until everything that was sent has been handed to the operating system: [`Sender::flush`].
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::flush`].
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.sender.flush().await
    }

    /// Does the closing handshake ([RFC 6455 §7.1.2](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2)): sends a Close frame, throws away
    /// what the peer still sends, and waits for its Close frame for as long as
    /// [`Timeouts::close`](sockeye::Timeouts::close). With [`CloseCode::NO_STATUS`] the Close frame is empty.
    ///
    /// Returns how the connection ended, whoever began to close it. To go on receiving while closing, use [`Sender::close`].
    ///
    /// Cancel-safe: call it again to wait on.
    ///
    /// # Errors
    ///
    /// [`SendError::InvalidCloseCode`] or [`SendError::ControlTooLong`] before anything is sent; [`Error::Protocol`] or
    /// [`Error::Io`] when the peer did not close in order.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<Closed, Error> {
        match self.sender.begin_close(code, reason) {
            // It may have begun before, on either side.
            Ok(()) | Err(Error::Send(SendError::CloseSent) | Error::Io(_)) => {}
            Err(error) => return Err(error),
        }
        loop {
            let received = poll_fn(|cx| self.receiver.poll_message(cx)).await?;
            if received.is_none()
                && let Some(closed) = self.closed()
            {
                return Ok(closed);
            }
        }
    }

    /// Drops the connection without a closing handshake, whatever waits to be sent.
    pub fn abort(self) {
        self.sender.abort();
    }

    /// A sender for any task.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// The halves, for different tasks. [`Self::unsplit`] puts them together again.
    #[must_use]
    pub fn split(self) -> (Receiver, Sender) {
        (self.receiver, self.sender)
    }

    /// Puts halves of one connection together again.
    ///
    /// # Errors
    ///
    /// The halves, if they are of different connections.
    pub fn unsplit(receiver: Receiver, sender: Sender) -> Result<Self, (Receiver, Sender)> {
        if Arc::ptr_eq(&receiver.shared, &sender.shared) {
            Ok(Self { receiver, sender })
        } else {
            Err((receiver, sender))
        }
    }

    /// Gives the byte stream back, with what was read and not yet received: for what follows WebSocket on the same stream, or to hand the
    /// connection to other code. What was sent is written first. For senders that are still there, the connection has ended.
    ///
    /// # Errors
    ///
    /// [`SendError::MessageUnfinished`] in the middle of a message; [`SendError::CloseSent`] once the connection has ended; [`Error::Io`].
    pub async fn into_transport(self) -> Result<(Transport, Vec<u8>), Error> {
        let Sender { shared, .. } = &self.sender;
        let timeout = self.sender.timeout();
        wait(shared, timeout, |cx| shared.poll_take_transport(cx)).await
    }

    /// Bounds how long each receiving call may take: [`Receiver::set_timeout`].
    pub const fn set_receive_timeout(&mut self, timeout: Option<Duration>) {
        self.receiver.set_timeout(timeout);
    }

    /// Bounds how long each sending call may take: [`Sender::set_timeout`].
    pub const fn set_send_timeout(&mut self, timeout: Option<Duration>) {
        self.sender.set_timeout(timeout);
    }

    /// Changes the limits, from the next frame on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.receiver.set_limits(limits);
    }

    /// Has `handler` called with the payload of each Ping: [`Receiver::on_ping`].
    pub fn on_ping(&mut self, handler: impl FnMut(Bytes) + Send + 'static) {
        self.receiver.on_ping(handler);
    }

    /// Has `handler` called with the payload of each Pong: [`Receiver::on_pong`].
    pub fn on_pong(&mut self, handler: impl FnMut(Bytes) + Send + 'static) {
        self.receiver.on_pong(handler);
    }

    /// Has `handler` called with the peer's Close frame: [`Receiver::on_close`].
    pub fn on_close(&mut self, handler: impl FnMut(Option<CloseFrame<'static>>) + Send + 'static) {
        self.receiver.on_close(handler);
    }

    /// Whether messages are compressed from now on: [`Sender::set_compression`].
    pub fn set_compression(&mut self, compress: bool) {
        self.sender.set_compression(compress);
    }

    /// Changes the level of compression: [`Sender::set_compression_level`].
    pub fn set_compression_level(&mut self, level: u8) {
        self.sender.set_compression_level(level);
    }

    /// Which side this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.sender.shared.lock().connection.role()
    }

    /// The subprotocol that the handshake agreed on.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.agreement()?.subprotocol.as_deref()
    }

    /// What the handshake agreed on, unless that is nothing.
    #[must_use]
    pub fn agreement(&self) -> Option<&Agreement> {
        self.sender.shared.agreement.as_deref()
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.receiver.closed()
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`] once the connection has ended; those of [`Transport::local_addr`].
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.transport(Transport::local_addr)
    }

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`] once the connection has ended; those of [`Transport::peer_addr`].
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.transport(Transport::peer_addr)
    }

    fn transport<T>(&self, ask: impl FnOnce(&Transport) -> io::Result<T>) -> io::Result<T> {
        let state = self.sender.shared.lock();
        let transport = state.transport.as_ref();
        ask(transport.ok_or(io::ErrorKind::NotConnected)?)
    }
}

impl Stream for Conn {
    type Item = Result<Message, Error>;

    /// The next message. After an error the stream has ended.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().receiver).poll_next(cx)
    }
}

impl FusedStream for Conn {
    fn is_terminated(&self) -> bool {
        self.receiver.is_terminated()
    }
}

impl Sink<Message> for Conn {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.get_mut().sender).poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Pin::new(&mut self.get_mut().sender).start_send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.get_mut().sender).poll_flush(cx)
    }

    /// Does the closing handshake with code 1000, and throws away what the peer still sends.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        // Its answer has to come in time, whether it could be written or not.
        if let Poll::Ready(Err(error)) = Pin::new(&mut this.sender).poll_close(cx) {
            return Poll::Ready(Err(error));
        }
        while ready!(this.receiver.poll_message(cx))?.is_some() {}
        Poll::Ready(Ok(()))
    }
}
