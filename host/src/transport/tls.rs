//! TLS over a non-blocking TCP stream, with rustls doing no IO of its own.

use std::{
    error, fmt,
    io::{self, Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rustls::{
    ServerConfig, ServerConnection,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A certificate with its key: what a server needs to speak TLS.
#[derive(Clone)]
pub struct TlsAcceptor(Arc<ServerConfig>);

impl TlsAcceptor {
    /// Reads a certificate chain and its private key, both in PEM.
    ///
    /// # Errors
    ///
    /// A file cannot be read or does not hold what it should, or the key is not that of the certificate.
    pub fn from_files(certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| TlsError::new(certificates, "certificate", &error))?;
        if chain.is_empty() {
            return Err(TlsError {
                file: certificates.into(),
                problem: "holds no certificate in PEM".into(),
            });
        }
        let private = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| TlsError::new(key, "private key", &error))?;
        Self::new(chain, private).map_err(|error| TlsError {
            file: key.into(),
            problem: match error {
                rustls::Error::InconsistentKeys(_) => {
                    format!("is not the key of {}", certificates.display())
                }
                error => format!("does not work with {}: {error}", certificates.display()),
            },
        })
    }

    /// With a certificate chain and its private key.
    ///
    /// # Errors
    ///
    /// The key is not that of the certificate, or of a kind that is not supported.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        // RFC 6455 opens with an HTTP/1.1 Upgrade.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// What rustls accepts connections with: for servers that speak TLS on streams of their own.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsAcceptor")
    }
}

/// What is wrong with a certificate or key file.
#[derive(Debug)]
pub struct TlsError {
    file: PathBuf,
    problem: String,
}

impl TlsError {
    fn new(file: &Path, what: &str, error: &rustls::pki_types::pem::Error) -> Self {
        use rustls::pki_types::pem::Error;
        let problem = match error {
            Error::Io(error) => format!("cannot be read: {error}"),
            Error::NoItemsFound => format!("holds no {what} in PEM"),
            error => format!("holds no valid {what} in PEM: {error}"),
        };
        Self {
            file: file.into(),
            problem,
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file.display(), self.problem)
    }
}

impl error::Error for TlsError {}

/// A TCP stream with the server's side of TLS on it.
#[derive(Debug)]
pub(crate) struct TlsStream {
    stream: TcpStream,
    session: ServerConnection,
    said_goodbye: bool,
}

impl TlsStream {
    pub(super) fn accept(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<Self> {
        let mut session =
            ServerConnection::new(Arc::clone(&acceptor.0)).map_err(io::Error::other)?;
        // What is written is bounded by the socket above, which writes nothing more while this one holds something.
        session.set_buffer_limit(None);
        Ok(Self {
            stream,
            session,
            said_goodbye: false,
        })
    }

    /// Encrypts all of `bytes`, and sends as much as the kernel takes.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.session.writer().write_all(bytes)?;
        match self.try_send() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(bytes.len())
    }

    pub(super) fn peer_address(&self) -> Option<SocketAddr> {
        self.stream.peer_addr().ok()
    }

    pub(super) fn wants_write(&self) -> bool {
        self.session.wants_write()
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.session.reader().read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // RFC 8446 §6.1: without close_notify the end may have been forged; to WebSocket either is an end.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Ok(()));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
            ready!(self.stream.poll_read_ready(cx))?;
            match self.session.read_tls(&mut Kernel(&self.stream)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Poll::Ready(Err(error)),
            }
            let processed = self.session.process_new_packets();
            // The handshake's next flight, or the alert that says what was wrong.
            match self.try_send() {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            if let Err(error) = processed {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
            }
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.try_send() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.stream.poll_write_ready(cx))?;
                }
                result => return Poll::Ready(result),
            }
        }
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.said_goodbye {
            self.said_goodbye = true;
            self.session.send_close_notify();
        }
        ready!(self.poll_flush(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn try_send(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut Kernel(&self.stream))?;
        }
        Ok(())
    }
}

/// The stream as rustls wants it: `Read` and `Write` that say `WouldBlock`.
struct Kernel<'a>(&'a TcpStream);

impl Read for Kernel<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Kernel<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
