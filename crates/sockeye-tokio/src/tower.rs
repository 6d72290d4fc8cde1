//! A layer for tower services.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, request::Parts};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Conn, Upgrader, is_websocket_upgrade};

/// Lets WebSockets in before a service: requests that ask for one become connections, all others go on to the service.
///
/// The handler is called in a task of its own, with the connection and the request. A request that breaks a rule is answered with the reason,
/// and does not reach the service.
///
/// It works in servers of hyper, and what builds on it, such as axum: see [`Upgrader::upgrade`]. Bodies of responses have an empty default, and
/// can be made of text.
///
/// ```
/// use sockeye_tokio::{Conn, Upgrader, WebSocketLayer};
///
/// async fn listen(mut conn: Conn, request: http::request::Parts) {
///     while let Ok(Some(message)) = conn.next().await {
///         println!("{}: {} bytes", request.uri, message.len());
///     }
/// }
///
/// let layer = WebSocketLayer::new(Upgrader::new(), listen).path("/chat");
/// let pages = tower::service_fn(async |_: http::Request<()>| {
///     Ok::<_, std::convert::Infallible>(http::Response::new(String::from("a page")))
/// });
/// let service = tower::ServiceBuilder::new().layer(layer).service(pages);
/// ```
#[derive(Clone)]
pub struct WebSocketLayer<H> {
    shared: Arc<Shared>,
    handler: H,
}

impl<H> WebSocketLayer<H> {
    /// For requests of every path.
    pub fn new<F>(upgrader: Upgrader, handler: H) -> Self
    where
        H: Fn(Conn, Parts) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self {
            shared: Arc::new(Shared {
                upgrader,
                path: None,
            }),
            handler,
        }
    }

    /// Only for requests of this path.
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        Self {
            shared: Arc::new(Shared {
                upgrader: self.shared.upgrader.clone(),
                path: Some(path.into()),
            }),
            handler: self.handler,
        }
    }
}

impl<S, H: Clone> Layer<S> for WebSocketLayer<H> {
    type Service = WebSocketService<S, H>;

    fn layer(&self, inner: S) -> WebSocketService<S, H> {
        WebSocketService {
            inner,
            shared: Arc::clone(&self.shared),
            handler: self.handler.clone(),
        }
    }
}

/// The service of a [`WebSocketLayer`].
#[derive(Clone)]
pub struct WebSocketService<S, H> {
    inner: S,
    shared: Arc<Shared>,
    handler: H,
}

struct Shared {
    upgrader: Upgrader,
    path: Option<String>,
}

impl Shared {
    fn is_for_us<B>(&self, request: &Request<B>) -> bool {
        let is_our_path = |path| path == request.uri().path();
        is_websocket_upgrade(request) && self.path.as_ref().is_none_or(is_our_path)
    }
}

impl<S, H, F, B, R> Service<Request<B>> for WebSocketService<S, H>
where
    S: Service<Request<B>, Response = Response<R>>,
    H: Fn(Conn, Parts) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
    R: Default + From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = WebSocketFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if !self.shared.is_for_us(&request) {
            let future = self.inner.call(request);
            return WebSocketFuture {
                kind: Kind::Inner { future },
            };
        }
        let response = match self.shared.upgrader.upgrade(&mut request) {
            Ok((response, upgrade)) => {
                let handler = self.handler.clone();
                let (parts, _) = request.into_parts();
                tokio::spawn(async move {
                    // A client that left before it was let in has nobody to be told.
                    if let Ok(conn) = upgrade.await {
                        handler(conn, parts).await;
                    }
                });
                response
            }
            Err(refusal) => refusal.response(),
        };
        let response = Some(response);
        WebSocketFuture {
            kind: Kind::Ready { response },
        }
    }
}

pin_project! {
    /// The response of a [`WebSocketService`].
    pub struct WebSocketFuture<F, R> {
        #[pin]
        kind: Kind<F, R>,
    }
}

pin_project! {
    #[project = Projected]
    enum Kind<F, R> {
        Inner { #[pin] future: F },
        Ready { response: Option<Response<R>> },
    }
}

impl<F, R, E> Future for WebSocketFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().kind.project() {
            Projected::Inner { future } => future.poll(cx),
            Projected::Ready { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                // It was ready before.
                None => Poll::Pending,
            },
        }
    }
}

impl<F, R> fmt::Debug for WebSocketFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketFuture").finish_non_exhaustive()
    }
}

impl<H> fmt::Debug for WebSocketLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketLayer")
            .field("upgrader", &self.shared.upgrader)
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, H> fmt::Debug for WebSocketService<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketService")
            .field("inner", &self.inner)
            .field("upgrader", &self.shared.upgrader)
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}
