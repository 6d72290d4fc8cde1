//! The page that shows a recording while it grows, and what it asks for.

use std::{
    convert::Infallible,
    error::Error,
    fs::File,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use sockeye_tokio::{CloseCode, Upgrade, Upgrader, subprotocols};
use tokio::{
    net::TcpStream,
    sync::{Semaphore, oneshot, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    assets,
    content::{Content, Part, Unsatisfiable, range},
    guard::{self, Token},
    recording::{Progress, Recording},
};

/// The server of the page, on a thread of its own.
#[derive(Debug)]
pub(super) struct Page {
    url: String,
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// What every request is about.
struct Site {
    token: Token,
    port: u16,
    file: Arc<File>,
    progress: watch::Receiver<Progress>,
    upgrader: Upgrader,
    /// Pages that are told how far the recording is.
    viewers: AtomicUsize,
    /// How far it was read.
    sent: Arc<AtomicU64>,
}

impl Page {
    /// Serves the page at this address, which is one of this machine only.
    pub(super) fn serve(address: SocketAddr, recording: &Recording) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .with_context(|| format!("cannot listen on {address} for the page"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let token = Token::random().context("cannot make a token")?;
        let url = format!("http://{address}/#live={}", token.expose());
        let site = Arc::new(Site {
            token,
            port: address.port(),
            file: recording.file(),
            progress: recording.progress(),
            upgrader: Upgrader::new()
                .subprotocols([SUBPROTOCOL])?
                .message_size(MESSAGE_SIZE),
            viewers: AtomicUsize::new(0),
            sent: Arc::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot make a runtime")?;
        let (end, ended) = oneshot::channel();
        let serve = move || runtime.block_on(site.serve(listener, ended));
        let thread = thread::Builder::new()
            .name("page".into())
            .spawn(serve)
            .context("cannot start a thread")?;
        Ok(Self { url, end, thread })
    }

    /// The address of the page, with the token in it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Lets pages that are open read the rest of the recording, which is complete, for a moment; then ends.
    pub(super) fn finish(self) {
        // It listens for as long as it runs.
        let _ = self.end.send(());
        let _ = self.thread.join();
    }
}

impl Site {
    async fn serve(self: Arc<Self>, listener: TcpListener, ended: oneshot::Receiver<()>) {
        let (goodbye, leaving) = watch::channel(false);
        let mut clients = JoinSet::new();
        let accept = async {
            let listener = match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => listener,
                Err(error) => {
                    tracing::error!("the page cannot be served: {error}");
                    return std::future::pending().await;
                }
            };
            let room = Arc::new(Semaphore::new(MAX_CLIENTS));
            loop {
                let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                    return;
                };
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let client = Arc::clone(&self).client(stream, leaving.clone());
                        clients.spawn(async move {
                            client.await;
                            drop(permit);
                        });
                    }
                    Err(error) => {
                        tracing::warn!("cannot accept a connection to the page: {error}");
                        sleep(PAUSE).await;
                    }
                }
                while clients.try_join_next().is_some() {}
            }
        };
        tokio::select! {
            () = accept => {}
            () = self.leave(ended) => {}
        }
        goodbye.send_replace(true);
        let _ = timeout(GOODBYE, async {
            while clients.join_next().await.is_some() {}
        })
        .await;
    }

    /// Waits for the end, and then for the pages that are open to have read everything.
    async fn leave(&self, ended: oneshot::Receiver<()>) {
        let _ = ended.await;
        let is_watched = self.viewers.load(Ordering::Relaxed) > 0;
        let size = self.progress.borrow().size;
        let read = async {
            while self.viewers.load(Ordering::Relaxed) > 0
                || (is_watched && self.sent.load(Ordering::Relaxed) < size)
            {
                sleep(PAUSE).await;
            }
        };
        let _ = timeout(GOODBYE, read).await;
    }

    async fn client(self: Arc<Self>, stream: TcpStream, mut leaving: watch::Receiver<bool>) {
        let answer = |request| {
            let site = Arc::clone(&self);
            async move { Ok::<_, Infallible>(site.answer(request)) }
        };
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(HEAD_SIZE)
            .serve_connection(TokioIo::new(stream), service_fn(answer))
            .with_upgrades();
        let mut served = pin!(served);
        let leaving = async {
            // The sender outlives every client.
            let _ = leaving.wait_for(|leaving| *leaving).await;
        };
        let result = tokio::select! {
            result = served.as_mut() => result,
            () = leaving => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = result {
            tracing::debug!("a connection to the page: {error}");
        }
    }

    fn answer(self: &Arc<Self>, mut request: Request<Incoming>) -> Response<Content> {
        let mut response = match guard::check(request.headers(), self.port) {
            Err((status, sentence)) => text(status, sentence),
            Ok(()) if !matches!(*request.method(), Method::GET | Method::HEAD) => {
                let mut response = text(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "Only GET and HEAD are answered.",
                );
                response
                    .headers_mut()
                    .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
                response
            }
            Ok(()) => match request.uri().path() {
                "/live" => self.live(&mut request),
                "/capture.pcapng" => self.capture(request.headers()),
                path => asset(path),
            },
        };
        for (name, value) in HEADERS {
            let headers = response.headers_mut();
            if !headers.contains_key(*name) {
                headers.insert(*name, HeaderValue::from_static(value));
            }
        }
        response
    }

    /// Begins to tell a page how far the recording is.
    fn live(self: &Arc<Self>, request: &mut Request<Incoming>) -> Response<Content> {
        if !subprotocols(request).any(|offered| self.token.is(offered)) {
            return unauthorized();
        }
        let (response, upgrade) = match self.upgrader.upgrade(request) {
            Ok(upgraded) => upgraded,
            Err(refusal) => return refusal.response(),
        };
        let site = Arc::clone(self);
        site.viewers.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            if let Err(error) = tell(upgrade, site.progress.clone()).await {
                tracing::debug!("a page has gone: {error}");
            }
            site.viewers.fetch_sub(1, Ordering::Relaxed);
        });
        response
    }

    /// The recording so far, or a part of it.
    fn capture(&self, headers: &HeaderMap) -> Response<Content> {
        if !self.token.is_shown(headers) {
            return unauthorized();
        }
        let size = self.progress.borrow().size;
        let asked = headers
            .get(header::RANGE)
            .and_then(|value| value.to_str().ok());
        let (status, bytes, told) = match range(asked, size) {
            Ok(Some(bytes)) => {
                let told = format!("bytes {}-{}/{size}", bytes.start, bytes.end - 1);
                (StatusCode::PARTIAL_CONTENT, bytes, Some(told))
            }
            Ok(None) => (StatusCode::OK, 0..size, None),
            Err(Unsatisfiable) => (
                StatusCode::RANGE_NOT_SATISFIABLE,
                0..0,
                Some(format!("bytes */{size}")),
            ),
        };
        let mut response = Response::new(Content::Part(Part {
            file: Arc::clone(&self.file),
            bytes,
            sent: Arc::clone(&self.sent),
        }));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-pcapng"),
        );
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(Ok(value)) = told.map(HeaderValue::try_from) {
            headers.insert(header::CONTENT_RANGE, value);
        }
        response
    }
}

/// Tells a page how far the recording is, at once and when there is more.
async fn tell(
    upgrade: Upgrade,
    mut progress: watch::Receiver<Progress>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut conn = upgrade.await?;
    loop {
        let Progress {
            size,
            packets,
            done,
        } = *progress.borrow_and_update();
        let told = serde_json::json!({ "size": size, "packets": packets, "done": done });
        conn.send(told.to_string()).await?;
        if done {
            conn.close(CloseCode::NORMAL, "").await?;
            return Ok(());
        }
        let mut more = pin!(async {
            sleep(PAUSE).await;
            progress.changed().await
        });
        loop {
            tokio::select! {
                // The page has nothing to say; what it says shows whether it is still there.
                message = conn.next() => if message?.is_none() {
                    return Ok(());
                },
                changed = more.as_mut() => {
                    changed?;
                    break;
                }
            }
        }
    }
}

fn asset(path: &str) -> Response<Content> {
    match assets::find(path) {
        Some(asset) => {
            let mut response = Response::new(Content::Whole(asset.body.into()));
            let value = HeaderValue::from_static(asset.content_type);
            response.headers_mut().insert(header::CONTENT_TYPE, value);
            response
        }
        None if path == "/" => text(StatusCode::NOT_FOUND, MISSING),
        None => text(StatusCode::NOT_FOUND, "There is no such file."),
    }
}

fn unauthorized() -> Response<Content> {
    let sentence = "This needs the token in the address that sockeye proxy printed.";
    let mut response = text(StatusCode::UNAUTHORIZED, sentence);
    let value = HeaderValue::from_static("Bearer");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, value);
    response
}

fn text(status: StatusCode, sentence: &str) -> Response<Content> {
    let mut response = Response::new(Content::from(format!("{sentence}\n")));
    *response.status_mut() = status;
    let value = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, value);
    response
}

/// The page may load from, and connect to, this server, and nothing else; nor may another page frame it, or read from it.
const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
        worker-src blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-cache"),
];

/// Said where the page would be.
pub(super) const MISSING: &str =
    "The page is not in this build of sockeye: run `cargo xtask page`, then build it again.";

const SUBPROTOCOL: &str = "sockeye-live";

/// A page sends nothing.
const MESSAGE_SIZE: usize = 1 << 10;

/// Thirty times a second is as often as anybody sees.
const PAUSE: Duration = Duration::from_millis(34);

/// A browser opens six connections for each page.
const MAX_CLIENTS: usize = 64;
const HEAD_SIZE: usize = 16 << 10;
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long pages may take to read the rest, and connections to end.
const GOODBYE: Duration = Duration::from_secs(2);
