//! A stream that a client was connected with, and what its opening handshake looked like.

use std::{
    cell::RefCell,
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use sockeye_tokio::Transport as Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The opening handshake as it went over the wire.
///
/// The protocol reports what both sides agreed on; a program that follows redirects, keeps cookies, or shows the handshake needs the rest.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Heads {
    /// The request, up to and with its empty line.
    pub request: Vec<u8>,
    /// The head of the response, up to and with its empty line. Incomplete when the server broke off, empty when it was silent; at most
    /// 64 KiB.
    pub response: Vec<u8>,
    /// What came behind the head of a response that does not switch protocols; at most 1 KiB.
    pub body: Vec<u8>,
}

/// The heads, shared by the stream that fills them with the client that is asked for them.
pub(crate) type SharedHeads = Rc<RefCell<Heads>>;

/// Any stream, with its handshake on record.
#[derive(Debug)]
pub(crate) struct DialedStream {
    stream: Stream,
    heads: SharedHeads,
    request: Watch,
    response: Watch,
    /// Something was written: the stream itself may hold it back.
    unflushed: bool,
}

/// How far one direction of the handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    Head,
    Body,
    Done,
}

impl DialedStream {
    pub(crate) const fn new(stream: Stream, heads: SharedHeads) -> Self {
        Self {
            stream,
            heads,
            request: Watch::Head,
            response: Watch::Head,
            unflushed: false,
        }
    }

    pub(super) fn peer_address(&self) -> Option<SocketAddr> {
        self.stream.peer_addr().ok()
    }

    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whoever meets `WouldBlock` comes back through `poll_write`, which has itself woken.
        match self.poll_write(&mut Context::from_waker(Waker::noop()), bytes) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    pub(super) const fn wants_write(&self) -> bool {
        self.unflushed
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if self.response != Watch::Done {
            let came = buffer.filled().get(before..).unwrap_or_default();
            self.response = self.heads.borrow_mut().respond(self.response, came);
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.unflushed = true;
        if self.request == Watch::Head {
            let gone = bytes.get(..written).unwrap_or_default();
            let request = &mut self.heads.borrow_mut().request;
            if take_head(request, gone).is_some() || request.len() >= HEAD {
                self.request = Watch::Done;
            }
        }
        Poll::Ready(Ok(written))
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Heads {
    /// Takes a piece of the response; returns what comes next.
    fn respond(&mut self, mut state: Watch, mut came: &[u8]) -> Watch {
        if state == Watch::Head {
            let Some(end) = take_head(&mut self.response, came) else {
                return if self.response.len() < HEAD {
                    Watch::Head
                } else {
                    Watch::Done
                };
            };
            came = came.get(end..).unwrap_or_default();
            let switches = self.response.get(8..12) == Some(b" 101");
            state = if switches { Watch::Done } else { Watch::Body };
        }
        if state == Watch::Body {
            let room = BODY.saturating_sub(self.body.len());
            self.body.extend(came.iter().take(room));
            if self.body.len() >= BODY {
                state = Watch::Done;
            }
        }
        state
    }
}

/// Appends the part of `bytes` that belongs to the head; where it ended, once it has.
fn take_head(head: &mut Vec<u8>, bytes: &[u8]) -> Option<usize> {
    for (index, &byte) in bytes.iter().enumerate() {
        if head.len() >= HEAD {
            return None;
        }
        head.push(byte);
        // RFC 9112 §2.2: a lone line feed may end a line.
        if byte == b'\n' && (head.ends_with(b"\r\n\r\n") || head.ends_with(b"\n\n")) {
            return Some(index + 1);
        }
    }
    None
}

/// Bytes kept of each head.
const HEAD: usize = 64 << 10;

/// Bytes kept of the body of a refusal.
const BODY: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn respond(pieces: &[&[u8]]) -> (Heads, Watch) {
        let mut heads = Heads::default();
        let mut state = Watch::Head;
        for piece in pieces {
            state = heads.respond(state, piece);
        }
        (heads, state)
    }

    #[test]
    fn frames_behind_a_response_that_switches_are_not_kept() {
        let bytes = b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n\x81\x02Hi";
        for cut in 0..bytes.len() {
            let (heads, state) = respond(&[&bytes[..cut], &bytes[cut..]]);
            assert_eq!(heads.response, bytes[..bytes.len() - 4]);
            assert_eq!(heads.body, b"");
            assert_eq!(state, Watch::Done);
        }
    }

    #[test]
    fn body_of_a_refusal_is_kept_up_to_1_kib() {
        let head = b"HTTP/1.1 404 Not Found\r\n\r\n";
        let (heads, state) = respond(&[head, b"no such", b" room\n"]);
        assert_eq!(heads.response, head);
        assert_eq!(heads.body, b"no such room\n");
        assert_eq!(state, Watch::Body);
        let (heads, state) = respond(&[head, &[b'a'; 3000], b"more"]);
        assert_eq!(heads.body, [b'a'; 1024]);
        assert_eq!(state, Watch::Done);
    }

    #[test]
    fn head_without_an_end_is_kept_up_to_64_kib() {
        let (heads, state) = respond(&[&[b'a'; 70_000]]);
        assert_eq!(heads.response.len(), 65_536);
        assert_eq!(state, Watch::Done);
    }
}
