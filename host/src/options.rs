//! How connections behave, and the translation of that into the component's options.

use std::time::Duration;

use wasmtime::{AsContextMut, Error, Result, component::ResourceAny};

use crate::bindings::{
    Endpoint,
    exports::sockeye::websocket::options::{self as wit, Delivery},
    sockeye::websocket::types::Request,
};

pub use crate::bindings::exports::sockeye::websocket::options::{Deflate, OriginPolicy};

/// How a server treats the connections it accepts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpgradeOptions {
    /// Subprotocols in order of preference: the first that the client offers is chosen. Default none.
    pub subprotocols: Vec<String>,
    /// Which origins may connect. Default: the host that the request is for.
    pub origins: OriginPolicy,
    /// Header fields to add to the response. Default none.
    pub headers: Vec<(String, String)>,
    /// Compression for clients that ask for it. Default none.
    pub deflate: Option<Deflate>,
    /// Longest message in bytes, after inflation. Default 1 MiB.
    pub message_size: u64,
    /// How long the opening handshake may take. Default 10 s.
    pub handshake_timeout: Option<Duration>,
    /// Silence after which a Ping is sent. Default 20 s.
    pub ping_interval: Option<Duration>,
    /// Whether each request is reported as [`Event::Request`](crate::Event::Request) and waits for
    /// [`Peer::admit`](crate::Peer::admit) or [`Peer::refuse`](crate::Peer::refuse): for applications that look at the path, or keep somebody
    /// out. Answer it while handling the event: nothing bounds the wait. Default false: a request that passes the checks is let in.
    pub ask: bool,
    /// Set by the server: it knows whether there is an application.
    pub(crate) deliver: Deliver,
}

impl Default for UpgradeOptions {
    fn default() -> Self {
        Self {
            subprotocols: Vec::new(),
            origins: OriginPolicy::SameHost,
            headers: Vec::new(),
            deflate: None,
            message_size: 1 << 20,
            handshake_timeout: Some(Duration::from_secs(10)),
            ping_interval: Some(Duration::from_secs(20)),
            ask: false,
            deliver: Deliver::Echo,
        }
    }
}

impl UpgradeOptions {
    /// The subprotocol that a client with this request gets when nobody is asked: the first of [`Self::subprotocols`] that it offers.
    #[must_use]
    pub fn choose_subprotocol(&self, request: &Request) -> Option<&str> {
        let offered = |ours: &&String| request.subprotocols.contains(ours);
        self.subprotocols.iter().find(offered).map(String::as_str)
    }
}

/// How a client opens a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DialOptions {
    /// The value of `Host`: `example.com` or `example.com:8080`.
    pub host: String,
    /// The request target: `/chat?room=1`.
    pub target: String,
    /// Subprotocols to offer, in order of preference. Default none.
    pub subprotocols: Vec<String>,
    /// The value of `Origin`, as `https://example.com`. Default none: only browsers need to send one.
    pub origin: Option<String>,
    /// Header fields to add to the request. Default none.
    pub headers: Vec<(String, String)>,
    /// Compression to offer. Default none.
    pub deflate: Option<Deflate>,
    /// Longest message in bytes, after inflation. Default 1 MiB.
    pub message_size: u64,
    /// How long the opening handshake may take. Default 45 s.
    pub handshake_timeout: Option<Duration>,
    /// How long the server may take to answer a Close frame, with everything it sends before that. Default 5 s.
    pub close_timeout: Option<Duration>,
    /// Whether messages are sent back as they come, without being reported. Default false.
    pub echo: bool,
}

impl DialOptions {
    /// For this `Host` and request target, every other setting at its default.
    pub fn new(host: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            target: target.into(),
            subprotocols: Vec::new(),
            origin: None,
            headers: Vec::new(),
            deflate: None,
            message_size: 1 << 20,
            handshake_timeout: Some(Duration::from_secs(45)),
            close_timeout: Some(Duration::from_secs(5)),
            echo: false,
        }
    }
}

impl Deflate {
    /// The settings that suit a server: windows of 12 bits, which take about half the memory of 15 for little loss.
    #[must_use]
    pub const fn server() -> Self {
        Self {
            level: 5,
            server_max_window_bits: 12,
            client_max_window_bits: 12,
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            threshold: 64,
        }
    }

    /// The settings that suit a client: whatever the server likes.
    #[must_use]
    pub const fn client() -> Self {
        Self {
            server_max_window_bits: 15,
            client_max_window_bits: 15,
            ..Self::server()
        }
    }
}

impl DialOptions {
    pub(crate) const fn deliver(&self) -> Deliver {
        if self.echo {
            Deliver::Echo
        } else {
            Deliver::Report
        }
    }
}

/// What to do with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deliver {
    /// Back to the peer, without leaving the component.
    Echo,
    /// To the application.
    Report,
}

/// Makes the component's `upgrade-options`.
pub(crate) fn upgrade(
    mut store: impl AsContextMut,
    exports: &Endpoint,
    options: &UpgradeOptions,
) -> Result<ResourceAny> {
    let guest = exports.sockeye_websocket_options().upgrade_options();
    let mut store = store.as_context_mut();
    let made = guest.call_constructor(&mut store)?;
    accepted(guest.call_set_subprotocols(&mut store, made, &options.subprotocols)?)?;
    accepted(guest.call_set_origins(&mut store, made, &options.origins)?)?;
    accepted(guest.call_set_headers(&mut store, made, &options.headers)?)?;
    accepted(guest.call_set_deflate(&mut store, made, options.deflate)?)?;
    let limits = guest.call_limits(&mut store, made)?;
    accepted(guest.call_set_limits(&mut store, made, limited(limits, options.message_size))?)?;
    let timeouts = wit::Timeouts {
        handshake: options.handshake_timeout.map(nanoseconds),
        ping_interval: options.ping_interval.map(nanoseconds),
        ..guest.call_timeouts(&mut store, made)?
    };
    guest.call_set_timeouts(&mut store, made, timeouts)?;
    guest.call_set_delivery(&mut store, made, options.deliver.into())?;
    guest.call_set_ask(&mut store, made, options.ask)?;
    Ok(made)
}

/// Makes the component's `dial-options`.
pub(crate) fn dial(
    mut store: impl AsContextMut,
    exports: &Endpoint,
    options: &DialOptions,
) -> Result<ResourceAny> {
    let guest = exports.sockeye_websocket_options().dial_options();
    let mut store = store.as_context_mut();
    let made = accepted(guest.call_create(&mut store, &options.host, &options.target)?)?;
    accepted(guest.call_set_subprotocols(&mut store, made, &options.subprotocols)?)?;
    accepted(guest.call_set_origin(&mut store, made, options.origin.as_deref())?)?;
    accepted(guest.call_set_headers(&mut store, made, &options.headers)?)?;
    accepted(guest.call_set_deflate(&mut store, made, options.deflate)?)?;
    let limits = guest.call_limits(&mut store, made)?;
    accepted(guest.call_set_limits(&mut store, made, limited(limits, options.message_size))?)?;
    let timeouts = wit::Timeouts {
        handshake: options.handshake_timeout.map(nanoseconds),
        close: options.close_timeout.map(nanoseconds),
        ..guest.call_timeouts(&mut store, made)?
    };
    guest.call_set_timeouts(&mut store, made, timeouts)?;
    guest.call_set_delivery(&mut store, made, options.deliver().into())?;
    Ok(made)
}

impl From<Deliver> for Delivery {
    fn from(deliver: Deliver) -> Self {
        match deliver {
            Deliver::Echo => Self::Echo,
            Deliver::Report => Self::Messages,
        }
    }
}

fn limited(limits: wit::Limits, message_size: u64) -> wit::Limits {
    wit::Limits {
        message_size,
        frame_size: message_size,
        // A message may always be sent whole.
        output: limits.output.max(message_size.saturating_add(1 << 16)),
        ..limits
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn accepted<T>(result: Result<T, String>) -> Result<T> {
    result.map_err(Error::msg)
}
