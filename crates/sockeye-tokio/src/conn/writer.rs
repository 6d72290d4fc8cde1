//! Messages that are written piece by piece.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use sockeye::{MessageKind, Part};
use tokio::io::AsyncWrite;

use super::{
    operation::wait,
    sender::Sender,
    state::{Turn, Writer},
};
use crate::Error;

/// Writes one message in as many frames as it takes ([RFC 6455 §5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)).
///
/// What is written is gathered into frames of 16 KiB; [`flush`](tokio::io::AsyncWriteExt::flush) sends what there is as a frame of its own.
/// [`finish`](Self::finish), or `shutdown`, sends the last frame.
///
/// One that is dropped unfinished leaves a message that has no end: the next message is refused with
/// [`SendError::MessageUnfinished`](sockeye::SendError::MessageUnfinished), and all that can be done is to close. The peer never
/// takes the beginning for the whole.
pub struct MessageWriter<'a> {
    sender: &'a Sender,
    kind: MessageKind,
    buffer: Vec<u8>,
    is_finished: bool,
}

impl<'a> MessageWriter<'a> {
    pub(super) const fn new(sender: &'a Sender, kind: MessageKind) -> Self {
        Self {
            sender,
            kind,
            buffer: Vec::new(),
            is_finished: false,
        }
    }

    /// Ends the message, unless `shutdown` has done so.
    ///
    /// When the future is dropped before it is done, the message is unfinished.
    ///
    /// # Errors
    ///
    /// [`SendError::InvalidUtf8`](sockeye::SendError::InvalidUtf8) when the text ends within a character; those of [`Sender::send`]. The message is
    /// unfinished then.
    pub async fn finish(mut self) -> Result<(), Error> {
        if self.is_finished {
            return Ok(());
        }
        let timeout = self.sender.timeout();
        let shared = &self.sender.shared;
        wait(shared, timeout, |cx| self.poll_part(cx, true)).await
    }

    /// Which kind of message this is.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Sends what is in the buffer as a frame.
    fn poll_part(&mut self, cx: &mut Context<'_>, fin: bool) -> Poll<Result<(), Error>> {
        let part = Part::new(self.kind, &self.buffer[..], fin);
        let sent = self.sender.shared.poll_append(cx, Turn::Amid, |state| {
            state.connection.send_part(&part, state.output.tail())?;
            if fin {
                state.release_writer(Writer::Free);
            }
            Ok(())
        });
        ready!(sent)?;
        self.buffer.clear();
        self.is_finished = fin;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for MessageWriter<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_finished {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if this.buffer.len() >= FRAME {
            ready!(this.poll_part(cx, false))?;
        }
        let count = bytes.len().min(FRAME - this.buffer.len());
        this.buffer.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.buffer.is_empty() {
            ready!(this.poll_part(cx, false))?;
        }
        ready!(this.sender.shared.poll_flush(cx))?;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.is_finished {
            ready!(this.poll_part(cx, true))?;
        }
        ready!(this.sender.shared.poll_flush(cx))?;
        Poll::Ready(Ok(()))
    }
}

impl Drop for MessageWriter<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.sender.shared.lock().release_writer(Writer::Abandoned);
        }
    }
}

impl fmt::Debug for MessageWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter")
            .field("kind", &self.kind)
            .field("is_finished", &self.is_finished)
            .finish_non_exhaustive()
    }
}

/// Most payload of a frame, in bytes.
const FRAME: usize = 16 << 10;
