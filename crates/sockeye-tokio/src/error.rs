//! Why receiving or sending failed.

use std::{error, fmt, io, sync::Arc};

use sockeye::{ProtocolError, SendError};

/// Why something on an open connection failed.
///
/// What ends the connection for the receiver, [`Protocol`](Self::Protocol) and [`Io`](Self::Io), is returned again by every later call.
/// After all others the connection is usable.
#[derive(Clone, Debug)]
#[non_exhaustive]
// As with `Message`: a tag of one byte would have the rest moved at odd offsets.
#[repr(usize)]
pub enum Error {
    /// The peer broke a rule, a limit or a timeout, or went away without a Close frame. It has been told where that was possible.
    Protocol(ProtocolError),
    /// The byte stream broke.
    Io(Arc<io::Error>),
    /// This cannot be sent now, or not like this. Nothing has been sent.
    Send(SendError),
    /// The time that was set for this operation is over.
    Timeout,
    /// A message is not the JSON that was expected, or a value has no JSON.
    #[cfg(feature = "json")]
    Json(Arc<serde_json::Error>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::Io(error) => write!(f, "the byte stream broke: {error}"),
            Self::Send(error) => error.fmt(f),
            Self::Timeout => f.write_str("the operation took longer than its timeout"),
            #[cfg(feature = "json")]
            Self::Json(error) => write!(f, "JSON: {error}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(&**error),
            #[cfg(feature = "json")]
            Self::Json(error) => Some(&**error),
            // Shown as themselves.
            _ => None,
        }
    }
}

impl From<ProtocolError> for Error {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

#[cfg(feature = "json")]
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(Arc::new(error))
    }
}

impl From<Error> for io::Error {
    /// For readers and writers.
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => Self::new(error.kind(), error),
            Error::Timeout => Self::new(io::ErrorKind::TimedOut, error),
            Error::Protocol(ProtocolError::UnexpectedEnd) => {
                Self::new(io::ErrorKind::UnexpectedEof, error)
            }
            Error::Send(SendError::CloseSent) => Self::new(io::ErrorKind::BrokenPipe, error),
            Error::Send(SendError::InvalidUtf8) => Self::new(io::ErrorKind::InvalidData, error),
            error => Self::other(error),
        }
    }
}
