//! Messages for many connections.

use std::sync::{Arc, Mutex, PoisonError};

use sockeye::{Connection, SendError};

use crate::Message;

/// A message for many connections: compressed at most once for each level and window that they negotiated. Cheap to clone.
///
/// ```no_run
/// # async fn broadcast(senders: &[sockeye_tokio::Sender]) -> Result<(), sockeye_tokio::Error> {
/// let news = sockeye_tokio::PreparedMessage::new("news");
/// for sender in senders {
///     sender.send_prepared(&news).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PreparedMessage(Arc<Mutex<sockeye::PreparedMessage>>);

impl PreparedMessage {
    /// Prepares this message.
    #[must_use]
    pub fn new(message: impl Into<Message>) -> Self {
        let message = message.into();
        Self(Arc::new(Mutex::new(sockeye::PreparedMessage::new(
            message.borrowed(),
        ))))
    }

    pub(crate) fn send(
        &self,
        connection: &mut Connection,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let mut message = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.send_prepared(&mut message, out)
    }
}

impl<T: Into<Message>> From<T> for PreparedMessage {
    fn from(message: T) -> Self {
        Self::new(message)
    }
}
