//! The sending half.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_sink::Sink;
use sockeye::{CloseCode, CloseFrame, Closed, MessageKind, SendError};

use super::{
    operation::{Send, wait},
    shared::Shared,
    state::{Turn, Writer},
    writer::MessageWriter,
};
use crate::{Error, Message, PreparedMessage};

/// The sending half of a connection. Cheap to clone: any number of tasks may send, and messages never interleave.
///
/// Sending puts a message into the output and returns; the first message of a burst is written at once, those that follow are gathered and
/// written when the task that sent them waits for something, or when the output is full. Then sending waits, which is the
/// backpressure.
#[derive(Clone)]
pub struct Sender {
    pub(super) shared: Arc<Shared>,
    timeout: Option<Duration>,
}

impl Sender {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            timeout: None,
        }
    }

    /// Sends a message: waits until there is room in the output and puts it there.
    ///
    /// Cancel-safe: when the future is dropped before it is done, nothing of the message has been sent, or will be.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] after a Close frame, or after a [`MessageWriter`] was dropped unfinished; [`Error::Io`] when the byte stream broke;
    /// [`Error::Timeout`].
    #[inline]
    pub fn send(
        &self,
        message: impl Into<Message>,
    ) -> impl Future<Output = Result<(), Error>> + core::marker::Send {
        Send::new(&self.shared, message.into(), self.timeout)
    }

    /// Sends a message that was prepared for many connections. On a server it is compressed once for all that negotiated the same.
    ///
    /// Cancel-safe, as [`Self::send`] is.
    ///
    /// # Errors
    ///
    /// Those of [`Self::send`].
    pub async fn send_prepared(&self, message: &PreparedMessage) -> Result<(), Error> {
        wait(&self.shared, self.timeout, |cx| {
            self.shared.poll_append(cx, Turn::Message, |state| {
                state.check_writer()?;
                message.send(&mut state.connection, state.output.tail())
            })
        })
        .await
    }

    /// Sends a value as JSON in a text message.
    ///
    /// Cancel-safe, as [`Self::send`] is.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] before anything is sent; those of [`Self::send`].
    #[cfg(feature = "json")]
    pub async fn send_json<T: serde::Serialize + ?Sized>(&self, value: &T) -> Result<(), Error> {
        self.send(serde_json::to_string(value)?).await
    }

    /// Begins a message that is written piece by piece, each a frame of its own. Other messages wait until it is finished.
    ///
    /// Cancel-safe: when the future is dropped, no message has begun.
    ///
    /// # Errors
    ///
    /// Those of [`Self::send`].
    pub async fn writer(&self, kind: MessageKind) -> Result<MessageWriter<'_>, Error> {
        wait(&self.shared, self.timeout, |cx| {
            self.shared.poll_append(cx, Turn::Message, |state| {
                state.connection.check_sendable()?;
                state.check_writer()?;
                state.writer = Writer::Busy;
                Ok(())
            })
        })
        .await?;
        Ok(MessageWriter::new(self, kind))
    }

    /// Sends a Ping with up to 125 bytes of payload, from any task, also while a message is being written.
    ///
    /// Cancel-safe, as [`Self::send`] is.
    ///
    /// # Errors
    ///
    /// [`SendError::ControlTooLong`] before anything is sent; those of [`Self::send`].
    pub async fn ping(&self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        let payload = payload.as_ref();
        self.control(|shared, cx| {
            shared.poll_append(cx, Turn::Amid, |state| {
                state.connection.ping(payload, state.output.tail())
            })
        })
        .await
    }

    /// Sends a Pong with up to 125 bytes of payload: one that nobody asked for, or the answer to a Ping when
    /// [`Config::automatic_pong`](crate::Config::automatic_pong) is off.
    ///
    /// Cancel-safe, as [`Self::send`] is.
    ///
    /// # Errors
    ///
    /// Those of [`Self::ping`].
    pub async fn pong(&self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        let payload = payload.as_ref();
        self.control(|shared, cx| {
            shared.poll_append(cx, Turn::Amid, |state| {
                state.connection.pong(payload, state.output.tail())
            })
        })
        .await
    }

    /// Begins the closing handshake ([RFC 6455 §7.1.2](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2)): sends a Close frame after
    /// what was sent before it, and waits until that has been written. The [`Receiver`](crate::Receiver) sees the rest of it.
    ///
    /// A message that is being written in parts is abandoned.
    ///
    /// Cancel-safe: when the future is dropped, the Close frame has been sent, or will not be.
    ///
    /// # Errors
    ///
    /// [`SendError::CloseSent`] when one was sent before; [`SendError::InvalidCloseCode`] or [`SendError::ControlTooLong`] before anything
    /// is sent; [`Error::Io`]; [`Error::Timeout`].
    pub async fn close(&self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.begin_close(code, reason)?;
        self.flush().await
    }

    /// Puts a Close frame into the output. It does not wait for room: nothing follows it, and its answer has to come in time.
    pub(super) fn begin_close(&self, code: CloseCode, reason: &str) -> Result<(), Error> {
        let frame = (code != CloseCode::NO_STATUS).then(|| CloseFrame::new(code, reason));
        let mut state = self.shared.lock();
        state.append(&self.shared, |state| state.close(frame))
    }

    /// Waits until everything that was sent has been handed to the operating system. There is no need to: it is written soon in any case.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Timeout`].
    pub async fn flush(&self) -> Result<(), Error> {
        wait(&self.shared, self.timeout, |cx| self.shared.poll_flush(cx)).await
    }

    /// Drops the connection without a closing handshake, whatever waits to be sent. The receiver gets an error.
    pub fn abort(&self) {
        self.shared.lock().abort();
    }

    /// Bounds how long each call of this half, and of clones of it made from now on, may take. Default: no bound.
    pub const fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    pub(super) const fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether messages are compressed from now on. Without effect unless permessage-deflate was negotiated, where the default is true.
    pub fn set_compression(&self, compress: bool) {
        self.shared.lock().connection.set_compression(compress);
    }

    /// Changes the level of compression, 0 (store) to 9 (best), from the next message on. Without effect unless permessage-deflate was
    /// negotiated.
    pub fn set_compression_level(&self, level: u8) {
        self.shared.lock().connection.set_compression_level(level);
    }

    /// Bytes that were sent and have not been handed to the operating system.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.lock().output.waiting()
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        let state = self.shared.lock();
        state.end.as_ref().map(|end| end.closed.clone())
    }

    /// Whether both are halves of one connection.
    #[must_use]
    pub fn is_same_connection(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    async fn control(
        &self,
        mut poll: impl FnMut(&Arc<Shared>, &mut Context<'_>) -> Poll<Result<(), Error>>,
    ) -> Result<(), Error> {
        wait(&self.shared, self.timeout, |cx| poll(&self.shared, cx)).await
    }
}

impl Sink<Message> for Sender {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared
            .lock()
            .poll_room(&self.shared, cx, Turn::Message)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let mut state = self.shared.lock();
        state.append(&self.shared, |state| state.send_in_turn(message))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared.poll_flush(cx)
    }

    /// Sends a Close frame with code 1000 unless one was sent, and waits until it has been written.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self.begin_close(CloseCode::NORMAL, "") {
            Ok(()) | Err(Error::Send(SendError::CloseSent)) => self.shared.poll_flush(cx),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
