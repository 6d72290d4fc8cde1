//! Byte streams: TCP, Unix sockets, TLS over TCP, and whatever a client has been connected with.

mod dialed;
mod tls;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};

pub use dialed::Heads;
pub(crate) use dialed::{DialedStream, SharedHeads};
pub use tls::{TlsAcceptor, TlsError};

use tls::TlsStream;

/// A connected byte stream that never waits. An enum, so that the hot path is a branch and not a virtual call.
#[derive(Debug)]
pub(crate) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream>),
    Dialed(Box<DialedStream>),
}

impl Transport {
    /// The server's side of TLS over `stream`.
    pub(crate) fn accept_tls(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<Self> {
        TlsStream::accept(stream, acceptor).map(|stream| Self::Tls(Box::new(stream)))
    }

    /// Where the peer is. `None` for a Unix socket, and when it has gone.
    pub(crate) fn peer_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
            Self::Unix(_) => None,
            Self::Tls(stream) => stream.peer_address(),
            Self::Dialed(stream) => stream.peer_address(),
        }
    }

    #[inline]
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
            Self::Tls(stream) => stream.try_write(bytes),
            Self::Dialed(stream) => stream.try_write(bytes),
        }
    }

    /// Whether the transport itself holds bytes that the kernel has not taken.
    #[inline]
    pub(crate) fn wants_write(&self) -> bool {
        match self {
            Self::Tcp(_) | Self::Unix(_) => false,
            Self::Tls(stream) => stream.wants_write(),
            Self::Dialed(stream) => stream.wants_write(),
        }
    }

    // Through AsyncRead and not try_read: a read that does not fill the buffer then counts as having drained the socket, which
    // saves the read that would say so.
    #[inline]
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => stream.poll_read(cx, buffer),
            Self::Dialed(stream) => stream.poll_read(cx, buffer),
        }
    }

    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => {
                ready!(stream.poll_flush(cx))?;
                Poll::Ready(stream.try_write(bytes))
            }
            Self::Dialed(stream) => stream.poll_write(cx, bytes),
        }
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) | Self::Unix(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => stream.poll_flush(cx),
            Self::Dialed(stream) => stream.poll_flush(cx),
        }
    }

    /// Ends the write side; TLS says goodbye first.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => stream.poll_shutdown(cx),
            Self::Dialed(stream) => stream.poll_shutdown(cx),
        }
    }
}
