//! Requests that hyper has received.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::{
    rt,
    upgrade::{self, OnUpgrade, Upgraded},
};
use hyper_util::{rt::TokioIo, server::conn::auto};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    net::TcpStream,
    time::{Sleep, sleep},
};

use crate::{
    Accepted, Conn, HandshakeError, Refusal, Transport, UpgradeError, Upgrader,
    upgrade::{Checked, Head},
};

impl Upgrader {
    /// Checks a request that hyper has received. Return the response from the service, and await the connection in another task: it opens
    /// when hyper has written the response.
    ///
    /// hyper's connection must be served `with_upgrades()`. HTTP/2 needs the feature `http2`, and `enable_connect_protocol()` on hyper's builder.
    /// The body is any type that has an empty default; header fields of your own may be added to the response, `Set-Cookie` among them.
    ///
    /// ```
    /// use http_body_util::Full;
    /// use hyper::{Request, Response, body::{Bytes, Incoming}};
    /// use sockeye_tokio::{Error, Upgrader};
    ///
    /// fn answer(upgrader: &Upgrader, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
    ///     let (response, upgrade) = match upgrader.upgrade(&mut request) {
    ///         Ok(upgraded) => upgraded,
    ///         Err(refusal) => return refusal.response(),
    ///     };
    ///     tokio::spawn(async move {
    ///         let mut conn = upgrade.await?;
    ///         while let Some(message) = conn.next().await? {
    ///             conn.send(message).await?;
    ///         }
    ///         Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    ///     });
    ///     response
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The first rule that the request breaks, with the response that tells the client; [`UpgradeError::StreamMissing`] when the request has
    /// been upgraded before.
    pub fn upgrade<B, R: Default>(
        &self,
        request: &mut http::Request<B>,
    ) -> Result<(http::Response<R>, Upgrade), Refusal> {
        let checked = Checked::new(&Head::from(&*request))?;
        let accepted = checked.accept(self)?;
        if request.extensions().get::<OnUpgrade>().is_none() {
            return Err(Refusal::new(UpgradeError::StreamMissing, checked.wire));
        }
        let response = accepted.response();
        let upgrade = Upgrade::new(upgrade::on(request), accepted, self.options.timeout);
        Ok((response, upgrade))
    }
}

/// The connection that a request becomes: a future that is ready when hyper has written the response. Await it in a task of its own.
///
/// It gives up after [`UpgradeOptions::timeout`](sockeye::UpgradeOptions::timeout). When it is dropped, the client is still let in by the response,
/// and then finds the byte stream closed.
///
/// Whatever may turn a client away must do so before the request is upgraded, or drop this: hyper hands over the byte stream even behind another
/// response, when that ends the HTTP connection, and the client's frames with it.
///
/// # Errors
///
/// [`UpgradeError::Io`] when the byte stream ends before the response is written, or hyper's connection is not served `with_upgrades()`;
/// [`UpgradeError::Handshake`] with [`HandshakeError::Timeout`].
#[must_use = "the connection closes unless this is awaited"]
pub struct Upgrade {
    on_upgrade: OnUpgrade,
    /// Until it is ready.
    accepted: Option<Accepted>,
    timeout: Option<Duration>,
    /// From the first poll on.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Upgrade {
    pub(crate) const fn new(
        on_upgrade: OnUpgrade,
        accepted: Accepted,
        timeout: Option<Duration>,
    ) -> Self {
        Self {
            on_upgrade,
            accepted: Some(accepted),
            timeout,
            sleep: None,
        }
    }

    /// What the response agrees to; `None` once the connection has been handed over.
    #[must_use]
    pub fn agreement(&self) -> Option<&sockeye::Agreement> {
        self.accepted.as_ref().map(Accepted::agreement)
    }
}

impl Future for Upgrade {
    type Output = Result<Conn, UpgradeError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.accepted.is_none() {
            return Poll::Ready(Err(UpgradeError::StreamMissing));
        }
        let polled = match Pin::new(&mut this.on_upgrade).poll(cx) {
            Poll::Ready(Ok(upgraded)) => Ok(transport(upgraded)),
            Poll::Ready(Err(error)) => Err(failed(error)),
            Poll::Pending => {
                let Some(timeout) = this.timeout else {
                    return Poll::Pending;
                };
                let sleep = this.sleep.get_or_insert_with(|| Box::pin(sleep(timeout)));
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                Err(HandshakeError::Timeout.into())
            }
        };
        let accepted = this.accepted.take();
        Poll::Ready(polled.and_then(|(transport, unread)| {
            let accepted = accepted.ok_or(UpgradeError::StreamMissing)?;
            Ok(accepted.into_conn(transport, unread))
        }))
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("accepted", &self.accepted)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The byte stream, and what hyper has read of it behind the request. A socket is taken out of hyper's wrapping, where it would cost a virtual
/// call for each read and write.
fn transport(upgraded: Upgraded) -> (Transport, Bytes) {
    let upgraded = match socket::<TcpStream>(upgraded) {
        Ok(socket) => return socket,
        Err(upgraded) => upgraded,
    };
    #[cfg(unix)]
    let upgraded = match socket::<UnixStream>(upgraded) {
        Ok(socket) => return socket,
        Err(upgraded) => upgraded,
    };
    (Transport::new(TokioIo::new(upgraded)), Bytes::new())
}

fn socket<S>(upgraded: Upgraded) -> Result<(Transport, Bytes), Upgraded>
where
    TokioIo<S>: rt::Read + rt::Write + Unpin + 'static,
    Transport: From<S>,
{
    let upgraded = match upgraded.downcast::<TokioIo<S>>() {
        Ok(parts) => return Ok((parts.io.into_inner().into(), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    // As hyper-util's server for both versions, and with it axum, wraps it.
    let parts = auto::upgrade::downcast::<TokioIo<S>>(upgraded)?;
    Ok((parts.io.into_inner().into(), parts.read_buf))
}

fn failed(error: hyper::Error) -> UpgradeError {
    UpgradeError::Io(if error.is_user() {
        io::Error::other("hyper does not hand it over: serve its connection with_upgrades()")
    } else if error.is_canceled() {
        io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "it ended before the response was written",
        )
    } else {
        io::Error::other(error)
    })
}
