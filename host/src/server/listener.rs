//! Addresses, the sockets that listen on them, and what they accept.

use std::{
    fmt, fs, io,
    net::{SocketAddr, ToSocketAddrs},
    os::unix::{fs::FileTypeExt, net::UnixStream as StdUnixStream},
    path::{Path, PathBuf},
    str::FromStr,
};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::transport::{TlsAcceptor, Transport};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// A TCP port. Port 0 lets the system choose one.
    Tcp(SocketAddr),
    /// A Unix socket: the file is made by the server, and removed when it ends.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    /// Reads `HOST:PORT`, `:PORT` (this machine only) or `unix:PATH`.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() {
                Err(
                    "`unix:` wants the path of a socket file, as in `unix:/run/sockeye.sock`"
                        .into(),
                )
            } else {
                Ok(Self::Unix(path.into()))
            };
        }
        let with_host = if text.starts_with(':') {
            format!("127.0.0.1{text}")
        } else {
            text.to_owned()
        };
        if !with_host.contains(':') {
            return Err(format!(
                "`{text}` has no port: write `{text}:8080`, or `unix:PATH` for a Unix socket"
            ));
        }
        match with_host.to_socket_addrs() {
            Ok(mut addresses) => addresses
                .next()
                .map(Self::Tcp)
                .ok_or_else(|| format!("`{text}` has no address")),
            Err(error) => Err(format!("`{text}` is not an address: {error}")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A socket that listens. Removes its file, if it has one, when dropped.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Socket,
    registered: Option<Registered>,
    /// Where it really listens.
    pub(super) address: Address,
}

#[derive(Debug)]
enum Registered {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Starts to listen. Connections queue up from here on.
    pub(super) fn bind(address: &Address) -> io::Result<Self> {
        let (socket, name) = match address {
            Address::Tcp(address) => {
                let socket = Socket::new(
                    Domain::for_address(*address),
                    Type::STREAM,
                    Some(Protocol::TCP),
                )?;
                // A restart must not wait for connections of the last run to time out. SO_REUSEPORT is left alone: with it, two
                // servers on one port would share the clients instead of the second saying what is wrong.
                socket.set_reuse_address(true)?;
                (socket, SockAddr::from(*address))
            }
            Address::Unix(path) => {
                remove_stale(path)?;
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                (socket, SockAddr::unix(path)?)
            }
        };
        socket.set_nonblocking(true)?;
        socket.bind(&name)?;
        socket.listen(BACKLOG)?;
        let address = match address {
            Address::Tcp(address) => {
                Address::Tcp(socket.local_addr()?.as_socket().unwrap_or(*address))
            }
            Address::Unix(path) => Address::Unix(path.clone()),
        };
        Ok(Self {
            socket,
            registered: None,
            address,
        })
    }

    /// Registers it with the runtime of this thread.
    pub(super) fn register(mut self) -> io::Result<Self> {
        self.registered = Some(match (&self.address, self.socket.try_clone()?) {
            (Address::Tcp(_), socket) => Registered::Tcp(TcpListener::from_std(socket.into())?),
            (Address::Unix(_), socket) => Registered::Unix(UnixListener::from_std(socket.into())?),
        });
        Ok(self)
    }

    /// Waits for a connection. Only after [`Listener::register`].
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        Ok(match &self.registered {
            Some(Registered::Tcp(listener)) => {
                let (stream, _) = listener.accept().await?;
                // Small messages would wait for the acknowledgement of the last ones.
                stream.set_nodelay(true)?;
                Accepted::Tcp(stream.into_std()?)
            }
            Some(Registered::Unix(listener)) => {
                let (stream, _) = listener.accept().await?;
                Accepted::Unix(stream.into_std()?)
            }
            None => return Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.address {
            // It may have been removed by hand.
            let _ = fs::remove_file(path);
        }
    }
}

/// A socket on its way to the thread that will serve it.
#[derive(Debug)]
pub(crate) enum Accepted {
    Tcp(std::net::TcpStream),
    Unix(StdUnixStream),
}

impl Accepted {
    /// Registers it with the runtime of this thread.
    pub(super) fn into_transport(self, tls: Option<&TlsAcceptor>) -> io::Result<Transport> {
        match self {
            Self::Tcp(stream) => {
                let stream = TcpStream::from_std(stream)?;
                match tls {
                    Some(tls) => Transport::accept_tls(stream, tls),
                    None => Ok(Transport::Tcp(stream)),
                }
            }
            Self::Unix(stream) => UnixStream::from_std(stream).map(Transport::Unix),
        }
    }
}

/// Removes the socket file of a server that has died; one that is in use, or no socket, is left alone.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file that is not a socket is in the way",
        ));
    }
    match StdUnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

/// Connections that may wait to be accepted. The system has a limit of its own (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_a_host_with_port_or_a_path() {
        assert_eq!(
            "127.0.0.1:80".parse(),
            Ok(Address::Tcp(([127, 0, 0, 1], 80).into()))
        );
        assert_eq!(":0".parse(), Ok(Address::Tcp(([127, 0, 0, 1], 0).into())));
        assert_eq!(
            "[::1]:8080".parse(),
            Ok(Address::Tcp("[::1]:8080".parse().expect("an address")))
        );
        assert_eq!(
            "unix:/run/x.sock".parse(),
            Ok(Address::Unix("/run/x.sock".into()))
        );
    }

    #[test]
    fn bad_address_says_what_is_wrong() {
        assert_eq!(
            "localhost".parse::<Address>(),
            Err(
                "`localhost` has no port: write `localhost:8080`, or `unix:PATH` for a Unix socket"
                    .into()
            )
        );
        assert!("unix:".parse::<Address>().is_err());
        assert!("127.0.0.1:99999".parse::<Address>().is_err());
    }
}
