//! Byte streams that the application connects itself.

use std::{future::Future, io, pin::Pin};

use crate::Transport;

/// What [`Connector::connect`] returns.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Transport>> + Send + 'a>>;

/// Makes the byte streams of a [`Dialer`](crate::Dialer) in its place: through a tunnel, in a test, with socket options of its own.
///
/// Functions of a host and a port are connectors:
///
/// ```
/// use sockeye_tokio::{Dialer, Transport};
/// use tokio::net::TcpStream;
///
/// let dialer = Dialer::new().connector(|host: String, port: u16| async move {
///     // Whatever the URL says.
///     let stream = TcpStream::connect(("127.0.0.1", 8080)).await?;
///     Ok(Transport::from(stream))
/// });
/// ```
pub trait Connector: Send + Sync + 'static {
    /// Connects to a host, a name or an address without brackets. The time limit is the dialer's, which drops the future.
    ///
    /// # Errors
    ///
    /// Whatever is wrong. It ends up in [`DialError::Connector`](crate::DialError::Connector).
    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Connecting<'a>;
}

impl<F, T> Connector for F
where
    F: Fn(String, u16) -> T + Send + Sync + 'static,
    T: Future<Output = io::Result<Transport>> + Send + 'static,
{
    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Connecting<'a> {
        Box::pin(self(host.into(), port))
    }
}
