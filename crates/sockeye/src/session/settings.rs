//! How sessions behave.

use crate::{DialOptions, Options, Role, UpgradeOptions};

/// How a server treats its connections. Made once, it serves any number of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AcceptSettings {
    /// The opening handshake. Its permessage-deflate is what open connections compress with.
    pub handshake: UpgradeOptions,
    /// The connection after it. The session overrides `deflate` in it.
    pub connection: Options,
    /// Whether each message is sent back as it came, without being reported. Default false.
    pub echo: bool,
    /// Whether each request is reported as [`SessionEvent::Request`](crate::SessionEvent::Request) and waits for
    /// [`Session::admit`](crate::Session::admit) or [`Session::refuse`](crate::Session::refuse). By default a request that passes the
    /// checks is let in. One of a page that may not connect is refused without asking.
    pub ask: bool,
    /// Whether a violation is acted on in the call after the one that reported what came before it in the same read, so that messages can be answered
    /// first. Default false: at once.
    pub answer_first: bool,
}

impl AcceptSettings {
    /// With this opening handshake, and the defaults of a server after it.
    #[must_use]
    pub const fn new(handshake: UpgradeOptions) -> Self {
        Self {
            handshake,
            connection: Options::new(Role::Server),
            echo: false,
            ask: false,
            answer_first: false,
        }
    }
}

/// How a client opens connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DialSettings {
    /// The opening handshake. Its permessage-deflate is what the open connection compresses with.
    pub handshake: DialOptions,
    /// The connection after it. The session overrides `deflate` in it.
    pub connection: Options,
    /// Whether each message is sent back as it came, without being reported. Default false.
    pub echo: bool,
    /// Whether the server's response is kept for [`Session::take_response`](crate::Session::take_response). Default false: it costs memory.
    pub keep_response: bool,
    /// Whether a violation is acted on in the call after the one that reported what came before it in the same read, so that messages can be answered
    /// first. Default false: at once.
    pub answer_first: bool,
}

impl DialSettings {
    /// With this opening handshake, and the defaults of a client after it.
    #[must_use]
    pub const fn new(handshake: DialOptions) -> Self {
        Self {
            handshake,
            connection: Options::new(Role::Client),
            echo: false,
            keep_response: false,
            answer_first: false,
        }
    }
}
