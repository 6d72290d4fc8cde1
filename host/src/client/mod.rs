//! The client's side: one connection on a stream that is connected already.

mod driven;

use std::{error, fmt, io, net::TcpStream, sync::Arc};

pub use driven::Client;

use crate::{
    engine::{Engine, EngineError, InstancePool, Kind, NativeShard, Shard},
    handler::{Event, OnEvent, Peer},
    options::DialOptions,
    server::{Worker, runtime},
    transport::Transport,
};

/// Opens a connection on `stream` and drives it until it ends, on this thread. `on_event` is called with everything that happens;
/// the last event is [`Event::Closed`].
///
/// # Errors
///
/// The connection could not be begun: a bad option, no instance, no runtime. What the peer does wrong is reported by the event.
///
/// # Examples
///
/// ```no_run
/// use sockeye_host::{DialOptions, Engine, EngineOptions, Event, Message, dial};
///
/// let engine = Engine::component(&EngineOptions::default())?;
/// let stream = std::net::TcpStream::connect("127.0.0.1:8080")?;
/// dial(&engine, stream, &DialOptions::new("127.0.0.1:8080", "/"), |event, peer| match event {
///     Event::Opened(_) => peer.send(Message::text("Hello")),
///     Event::Message(message) => {
///         println!("{}", String::from_utf8_lossy(&message.data));
///         peer.close(None);
///     }
///     _ => {}
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn dial(
    engine: &Engine,
    stream: TcpStream,
    options: &DialOptions,
    on_event: impl Fn(Event, &mut Peer<'_>) + Send + Sync + 'static,
) -> Result<(), DialError> {
    let on_event: OnEvent = Arc::new(on_event);
    match &engine.0 {
        Kind::Component(engine) => drive(
            InstancePool::new(Arc::clone(engine), None).map_err(DialError::Engine)?,
            stream,
            options,
            on_event,
        ),
        Kind::Native => drive(
            NativeShard::new(None).map_err(DialError::Engine)?,
            stream,
            options,
            on_event,
        ),
    }
}

fn drive<S: Shard>(
    shard: S,
    stream: TcpStream,
    options: &DialOptions,
    on_event: OnEvent,
) -> Result<(), DialError> {
    runtime().map_err(DialError::Io)?.block_on(async move {
        stream.set_nonblocking(true).map_err(DialError::Io)?;
        stream.set_nodelay(true).map_err(DialError::Io)?;
        let stream = tokio::net::TcpStream::from_std(stream).map_err(DialError::Io)?;
        let worker = Worker::new(shard, Some(on_event), None);
        let (_, task) = worker
            .dial(Transport::Tcp(stream), options)
            .map_err(DialError::Options)?;
        task.await.map_err(|error| DialError::Io(error.into()))
    })
}

/// Why a connection was not begun.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialError {
    /// The stream or the runtime cannot be used.
    Io(io::Error),
    /// The engine cannot serve.
    Engine(EngineError),
    /// An option is wrong; the sentence says what would be right.
    Options(String),
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Engine(error) => error.fmt(f),
            Self::Options(problem) => f.write_str(problem),
        }
    }
}

impl error::Error for DialError {}
