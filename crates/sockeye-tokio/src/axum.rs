//! An extractor for axum.

use std::{fmt, future::Future};

use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::request::Parts;
use hyper::upgrade::OnUpgrade;
use sockeye::{InvalidOption, OriginPolicy, PerMessageDeflate, Request};

use crate::{
    Conn, Refusal, Upgrade, UpgradeError, Upgrader,
    http::asks_for_websocket,
    upgrade::{Checked, Head},
};

/// An extractor for axum: a request that asks for a WebSocket. A request that does not, or breaks a rule, is answered with the reason.
///
/// Settings come from an [`Upgrader`] in the extensions of the request, where axum's `Extension` layer puts it, else they are the defaults.
/// [`with`](Self::with) and the methods after it change them for one handler.
///
/// ```
/// use axum::{Extension, Router, response::Response, routing::any};
/// use sockeye_tokio::{Upgrader, WebSocketUpgrade};
///
/// async fn echo(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.on_upgrade(|mut conn| async move {
///         while let Ok(Some(message)) = conn.next().await {
///             if conn.send(message).await.is_err() {
///                 break;
///             }
///         }
///     })
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let upgrader = Upgrader::new().subprotocols(["chat"])?;
/// let app: Router = Router::new().route("/", any(echo)).layer(Extension(upgrader));
/// # Ok(())
/// # }
/// ```
///
/// Use it with `any`: over HTTP/1.1 the method is GET, over HTTP/2, with the feature `http2`, it is CONNECT. As an `Option`, it is `None` for a
/// request that does not ask for a WebSocket.
#[must_use = "the client is let in by what `on_upgrade` returns"]
pub struct WebSocketUpgrade {
    checked: Checked,
    on_upgrade: OnUpgrade,
    upgrader: Upgrader,
    on_error: Option<OnError>,
}

type OnError = Box<dyn FnOnce(UpgradeError) + Send>;

impl WebSocketUpgrade {
    /// Replaces all settings.
    pub fn with(mut self, upgrader: Upgrader) -> Self {
        self.upgrader = upgrader;
        self
    }

    /// Sets the subprotocols, in order of preference: the first that the client offers is chosen.
    ///
    /// # Errors
    ///
    /// Those of [`Upgrader::subprotocols`].
    pub fn subprotocols<S: Into<String>>(
        mut self,
        subprotocols: impl IntoIterator<Item = S>,
    ) -> Result<Self, InvalidOption> {
        self.upgrader = self.upgrader.subprotocols(subprotocols)?;
        Ok(self)
    }

    /// Sets which web pages may connect. By default those of the host that the request is for.
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.upgrader = self.upgrader.origins(origins);
        self
    }

    /// Compresses for clients that offer permessage-deflate.
    pub fn deflate(mut self, deflate: PerMessageDeflate) -> Self {
        self.upgrader = self.upgrader.deflate(deflate);
        self
    }

    /// Has `handler` called when the client leaves before it is let in: nobody else is told.
    pub fn on_error(mut self, handler: impl FnOnce(UpgradeError) + Send + 'static) -> Self {
        self.on_error = Some(Box::new(handler));
        self
    }

    /// Lets the client in, and calls `handler` with the connection in a task of its own. A page that may not connect is answered with 403.
    ///
    /// Return the response from the handler of the route. Header fields may be added to it. Layers that may turn a client away do so before:
    /// see [`Upgrade`].
    pub fn on_upgrade<F, H>(mut self, handler: H) -> Response
    where
        H: FnOnce(Conn) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let on_error = self.on_error.take();
        match self.upgrade() {
            Ok((response, upgrade)) => {
                tokio::spawn(async move {
                    match (upgrade.await, on_error) {
                        (Ok(conn), _) => handler(conn).await,
                        (Err(error), Some(on_error)) => on_error(error),
                        (Err(_), None) => {}
                    }
                });
                response
            }
            Err(refusal) => refusal.into_response(),
        }
    }

    /// Lets the client in. Return the response from the handler of the route, and await the connection in another task.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::OriginNotAllowed`](sockeye::HandshakeError::OriginNotAllowed), with the response that tells the client.
    pub fn upgrade(self) -> Result<(Response, Upgrade), Refusal> {
        let accepted = self.checked.accept(&self.upgrader)?;
        let response = accepted.response::<Body>();
        let timeout = self.upgrader.options.timeout;
        Ok((response, Upgrade::new(self.on_upgrade, accepted, timeout)))
    }

    /// The request. One that came over HTTP/2 looks as it would over HTTP/1.1.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.checked.request
    }

    fn from_parts(parts: &mut Parts) -> Result<Self, Refusal> {
        let checked = Checked::new(&Head::from(&*parts))?;
        let on_upgrade = (parts.extensions.remove())
            .ok_or_else(|| Refusal::new(UpgradeError::StreamMissing, checked.wire))?;
        Ok(Self {
            checked,
            on_upgrade,
            upgrader: parts.extensions.get().cloned().unwrap_or_default(),
            on_error: None,
        })
    }
}

impl<S: Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Self::from_parts(parts)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refusal> {
        let asks = asks_for_websocket(&parts.method, &parts.headers, &parts.extensions);
        asks.then(|| Self::from_parts(parts)).transpose()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.response()
    }
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("request", &self.checked.request)
            .field("upgrader", &self.upgrader)
            .finish_non_exhaustive()
    }
}
