//! Byte streams that connections run on.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Any byte stream that a connection can run on: implemented for everything that reads and writes.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for T {}

/// A connected byte stream: TCP, a Unix socket, or any other, such as TLS over one of these.
///
/// An enum, so that the common cases are a branch and not a virtual call.
pub struct Transport(Kind);

enum Kind {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Other {
        stream: Box<dyn ByteStream>,
        addresses: Option<(SocketAddr, SocketAddr)>,
    },
}

impl Transport {
    /// Wraps any byte stream. A [`TcpStream`] or [`UnixStream`] is better converted with `From`.
    pub fn new(stream: impl ByteStream) -> Self {
        Self(Kind::Other {
            stream: Box::new(stream),
            addresses: None,
        })
    }

    /// Remembers the addresses `(local, peer)` of the socket beneath a stream that does not tell them, such as TLS.
    #[must_use]
    pub fn with_addresses(mut self, local: SocketAddr, peer: SocketAddr) -> Self {
        if let Kind::Other { addresses, .. } = &mut self.0 {
            *addresses = Some((local, peer));
        }
        self
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] for a stream that has none, or what the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Kind::Tcp(stream) => stream.local_addr(),
            Kind::Other {
                addresses: Some((local, _)),
                ..
            } => Ok(*local),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] for a stream that has none, or what the operating system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Kind::Tcp(stream) => stream.peer_addr(),
            Kind::Other {
                addresses: Some((_, peer)),
                ..
            } => Ok(*peer),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub(crate) const fn is_other(&self) -> bool {
        matches!(self.0, Kind::Other { .. })
    }

    /// The TCP stream, if this is one.
    ///
    /// # Errors
    ///
    /// The transport itself, if it is something else.
    pub fn into_tcp(self) -> Result<TcpStream, Self> {
        match self.0 {
            Kind::Tcp(stream) => Ok(stream),
            other => Err(Self(other)),
        }
    }
}

impl From<TcpStream> for Transport {
    fn from(stream: TcpStream) -> Self {
        Self(Kind::Tcp(stream))
    }
}

#[cfg(unix)]
impl From<UnixStream> for Transport {
    fn from(stream: UnixStream) -> Self {
        Self(Kind::Unix(stream))
    }
}

macro_rules! each {
    ($transport:expr, $stream:ident => $call:expr) => {
        match &mut $transport.get_mut().0 {
            Kind::Tcp(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            #[cfg(unix)]
            Kind::Unix(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Kind::Other { stream, .. } => {
                let $stream = Pin::new(stream);
                $call
            }
        }
    };
}

impl AsyncRead for Transport {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Transport {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write(cx, bytes))
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Kind::Tcp(stream) => stream.is_write_vectored(),
            #[cfg(unix)]
            Kind::Unix(stream) => stream.is_write_vectored(),
            Kind::Other { stream, .. } => stream.is_write_vectored(),
        }
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_shutdown(cx))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Tcp(_) => "Transport(TCP)",
            #[cfg(unix)]
            Kind::Unix(_) => "Transport(Unix)",
            Kind::Other { .. } => "Transport(other)",
        })
    }
}
