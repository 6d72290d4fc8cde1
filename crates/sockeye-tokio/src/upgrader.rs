//! The server's side of the opening handshake.

use std::{error, fmt, future::poll_fn, io, time::Duration};

use sockeye::{
    Agreement, ExtraHeaders, HandshakeError, InvalidOption, OriginPolicy, PerMessageDeflate,
    Request, Role, ServerHandshake, UpgradeOptions,
};
use tokio::{
    io::AsyncReadExt,
    time::{Instant, timeout_at},
};

use crate::{
    Config, Conn, Parts, Transport,
    conn::{Finish, Output},
};

/// Turns byte streams and HTTP requests into connections. Made once, it serves any number of them.
///
/// ```no_run
/// use sockeye_tokio::Upgrader;
///
/// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
/// let upgrader = Upgrader::new().subprotocols(["chat"])?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// loop {
///     let (stream, _) = listener.accept().await?;
///     let upgrader = upgrader.clone();
///     tokio::spawn(async move {
///         let mut conn = upgrader.accept(stream).await?;
///         while let Some(message) = conn.next().await? {
///             conn.send(message).await?;
///         }
///         Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
///     });
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Upgrader {
    /// The opening handshake: subprotocols, origins, compression, header fields, limits, and how long it may take.
    pub options: UpgradeOptions,
    /// The connections after it.
    pub config: Config,
}

impl Upgrader {
    /// The defaults: pages of the same host only, no subprotocols, no compression, keepalive after 20 s, messages of at most 1 MiB.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            options: UpgradeOptions::new(),
            config: Config::new(Role::Server),
        }
    }

    /// Sets the subprotocols, in order of preference: the first that a client offers is chosen.
    ///
    /// # Errors
    ///
    /// [`InvalidOption::Subprotocol`] or [`InvalidOption::SubprotocolRepeated`].
    pub fn subprotocols<S: Into<String>>(
        mut self,
        subprotocols: impl IntoIterator<Item = S>,
    ) -> Result<Self, InvalidOption> {
        self.options.set_subprotocols(subprotocols)?;
        Ok(self)
    }

    /// Sets which web pages may connect. By default those of the host that the request is for.
    #[must_use]
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.options.origins = origins;
        self
    }

    /// Compresses for clients that offer permessage-deflate
    /// ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)).
    #[must_use]
    pub const fn deflate(mut self, deflate: PerMessageDeflate) -> Self {
        self.options.deflate = Some(deflate);
        self.config.deflate = deflate;
        self
    }

    /// Adds a field to every response that lets a client in.
    ///
    /// # Errors
    ///
    /// Those of [`ExtraHeaders::push`].
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidOption> {
        self.options.headers.push(name, value)?;
        Ok(self)
    }

    /// Bounds the whole opening handshake, reading included. Default 10 s.
    #[must_use]
    pub const fn handshake_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// Sets the longest message in bytes, after inflation. Default 1 MiB. Above it the connection fails with 1009.
    #[must_use]
    pub const fn message_size(mut self, size: usize) -> Self {
        self.config.limits.message_size = size;
        self.config.limits.frame_size = size as u64;
        self
    }

    /// Sets how the connections behave.
    #[must_use]
    pub const fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Reads a client's request from a stream and lets it in. A client that breaks a rule is told so.
    ///
    /// TCP and Unix streams are taken as they are, others through [`Transport::new`].
    ///
    /// Not cancel-safe: dropping the future drops the stream.
    ///
    /// # Errors
    ///
    /// [`UpgradeError::Handshake`] when the request was refused; [`UpgradeError::Io`].
    pub async fn accept(&self, stream: impl Into<Transport>) -> Result<Conn, UpgradeError> {
        let stream = stream.into();
        // In a box of its own, which goes when the handshake is done: the task of the connection stays small.
        Box::pin(async move { self.receive(stream).await?.accept().await }).await
    }

    /// Reads a client's request from a stream and checks it, all but its origin. The answer is up to the caller.
    ///
    /// Not cancel-safe: dropping the future drops the stream.
    ///
    /// # Errors
    ///
    /// Those of [`Self::accept`].
    pub async fn receive(
        &self,
        stream: impl Into<Transport>,
    ) -> Result<IncomingRequest, UpgradeError> {
        let mut transport = stream.into();
        let mut handshake = ServerHandshake::new();
        let deadline = self
            .options
            .timeout
            .and_then(|limit| Instant::now().checked_add(limit));
        let read = read_request(&mut transport, &mut handshake, &self.options);
        let read = match deadline {
            Some(deadline) => timeout_at(deadline, read)
                .await
                .unwrap_or_else(|_| Err(HandshakeError::Timeout.into())),
            None => read.await,
        };
        match read {
            Ok((request, unread)) => Ok(IncomingRequest {
                upgrader: self.clone(),
                transport,
                request,
                unread,
                deadline,
            }),
            Err(error) => {
                if let UpgradeError::Handshake(error) = &error {
                    let mut response = Vec::new();
                    handshake.refuse(error, &mut response);
                    say_goodbye(transport, response);
                }
                Err(error)
            }
        }
    }
}

impl Default for Upgrader {
    fn default() -> Self {
        Self::new()
    }
}

/// A client that asks to be let in.
///
/// When it is dropped, the stream is closed without an answer.
#[derive(Debug)]
pub struct IncomingRequest {
    upgrader: Upgrader,
    transport: Transport,
    request: Request,
    unread: Vec<u8>,
    /// When the handshake has taken too long, whoever was slow.
    deadline: Option<Instant>,
}

impl IncomingRequest {
    /// The request.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// The stream.
    #[must_use]
    pub const fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Lets the client in, with the first of our subprotocols that it offers.
    ///
    /// # Errors
    ///
    /// [`UpgradeError::Handshake`] when its origin may not connect: it has been told so. [`UpgradeError::Io`].
    pub async fn accept(self) -> Result<Conn, UpgradeError> {
        let mut response = Vec::new();
        let agreed = self.request.accept(&self.upgrader.options, &mut response);
        self.answer(agreed, response).await
    }

    /// Lets the client in with this subprotocol, which it must have offered, and these header fields in the response.
    ///
    /// # Errors
    ///
    /// [`UpgradeError::Handshake`], also when it did not offer the subprotocol: it has been told so. [`UpgradeError::Io`].
    pub async fn accept_with(
        self,
        subprotocol: Option<&str>,
        headers: &ExtraHeaders,
    ) -> Result<Conn, UpgradeError> {
        let mut response = Vec::new();
        let agreed =
            self.request
                .accept_with(&self.upgrader.options, subprotocol, headers, &mut response);
        self.answer(agreed, response).await
    }

    /// Refuses the client with a response of your own, which is delivered in the background. The status is 300 to 599; the body is plain text
    /// unless the fields have a `Content-Type`.
    ///
    /// # Errors
    ///
    /// [`InvalidOption::Status`]: the client has not been answered.
    pub fn refuse(
        self,
        status: u16,
        headers: &ExtraHeaders,
        body: &str,
    ) -> Result<(), InvalidOption> {
        let mut response = Vec::new();
        self.request
            .refuse_with(status, headers, body, &mut response)?;
        say_goodbye(self.transport, response);
        Ok(())
    }

    async fn answer(
        self,
        agreed: Result<Agreement, HandshakeError>,
        mut response: Vec<u8>,
    ) -> Result<Conn, UpgradeError> {
        let Self {
            upgrader,
            mut transport,
            request,
            unread,
            deadline,
        } = self;
        let agreement = match agreed {
            Ok(agreement) => agreement,
            Err(error) => {
                request.refuse(&error, &mut response);
                say_goodbye(transport, response);
                return Err(error.into());
            }
        };
        let mut output = Output::from(response);
        let write = poll_fn(|cx| output.poll_write(&mut transport, cx));
        match deadline {
            Some(deadline) => timeout_at(deadline, write)
                .await
                .map_err(|_| HandshakeError::Timeout)??,
            None => write.await?,
        }
        Ok(Conn::from_parts(Parts {
            transport,
            role: Role::Server,
            agreement,
            unread,
            config: upgrader.config,
        }))
    }
}

async fn read_request(
    transport: &mut Transport,
    handshake: &mut ServerHandshake,
    options: &UpgradeOptions,
) -> Result<(Request, Vec<u8>), UpgradeError> {
    // The head is bounded by `UpgradeOptions::head_size`.
    let mut buffer = vec![0; 4096];
    loop {
        let count = transport.read(&mut buffer).await?;
        if count == 0 {
            return Err(HandshakeError::UnexpectedEnd.into());
        }
        let mut input = &buffer[..count];
        if let Some(request) = handshake.receive(&mut input, options)? {
            return Ok((request, input.to_vec()));
        }
    }
}

/// Delivers the last response in the background.
fn say_goodbye(transport: Transport, response: Vec<u8>) {
    Finish::start(transport, Output::from(response), false);
}

/// Why a client was not let in.
#[derive(Debug)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The request breaks a rule, or took too long. The client has been told.
    Handshake(HandshakeError),
    /// The byte stream broke.
    Io(io::Error),
    /// The HTTP server does not hand over the byte stream of this request: it was upgraded before, or is not one that the server received.
    StreamMissing,
}

impl UpgradeError {
    /// The HTTP status that the client was answered with, if it was.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Handshake(error) => error.status(),
            Self::Io(_) => None,
            Self::StreamMissing => Some(500),
        }
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(error) => error.fmt(f),
            Self::Io(error) => write!(f, "the byte stream broke: {error}"),
            Self::StreamMissing => f.write_str(
                "the HTTP server does not hand over the byte stream: was the request upgraded before?",
            ),
        }
    }
}

impl error::Error for UpgradeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Handshake(error) => error.source(),
            Self::Io(error) => Some(error),
            Self::StreamMissing => None,
        }
    }
}

impl From<HandshakeError> for UpgradeError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl From<io::Error> for UpgradeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
