//! Which servers there are to measure, and how each is started.

use std::io;

use clap::ValueEnum;

use crate::{
    process::Server,
    settings::{Peer, Settings},
};

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// `sockeye serve echo` with `--engine native`.
    Native,
    /// `sockeye serve echo` with `--engine component`.
    Component,
    /// The same with an instance for each connection.
    Isolated,
    /// Somebody else's.
    Peer(Peer),
}

impl Candidate {
    /// Those that echo over TCP.
    pub const ECHO: [Self; 8] = [
        Self::Peer(Peer::RawTcp),
        Self::Native,
        Self::Component,
        Self::Peer(Peer::TokioTungstenite),
        Self::Peer(Peer::Fastwebsockets),
        Self::Peer(Peer::TokioWebsockets),
        Self::Peer(Peer::SockudoWs),
        Self::Peer(Peer::Yawc),
    ];

    /// The name in the tables and for `--only`.
    pub fn name(self) -> String {
        match self {
            Self::Native => "sockeye native".to_owned(),
            Self::Component => "sockeye component".to_owned(),
            Self::Isolated => "sockeye component, N = 1".to_owned(),
            Self::Peer(peer) => peer
                .to_possible_value()
                .map_or_else(String::new, |value| value.get_name().to_owned()),
        }
    }

    /// Whether this is a WebSocket server of somebody else's.
    pub fn is_websocket_peer(self) -> bool {
        matches!(self, Self::Peer(peer) if peer != Peer::RawTcp)
    }

    /// Whether its connections begin with a handshake.
    pub fn shakes_hands(self) -> bool {
        self != Self::Peer(Peer::RawTcp)
    }

    /// Whether it can do permessage-deflate. The echo of raw bytes can do anything.
    pub fn deflates(self) -> bool {
        !matches!(
            self,
            Self::Peer(Peer::TokioTungstenite | Peer::Fastwebsockets | Peer::TokioWebsockets)
        )
    }

    /// Starts it. `None` when it was not asked for, or when there is no `sockeye` program.
    pub fn start(
        self,
        settings: &Settings,
        deflate: bool,
        lean: bool,
    ) -> io::Result<Option<Server>> {
        if !settings.includes(&self.name().replace("sockeye ", "")) || deflate && !self.deflates() {
            return Ok(None);
        }
        let sockeye = |engine, arguments: &[&str]| match settings.sockeye() {
            Some(path) => Server::sockeye(path, engine, deflate, arguments).map(Some),
            None => Ok(None),
        };
        match self {
            Self::Native => sockeye("native", &[]),
            Self::Component => sockeye("component", &[]),
            Self::Isolated => sockeye("component", &["--instance-connections", "1"]),
            Self::Peer(peer) => {
                let name = peer
                    .to_possible_value()
                    .expect("no peer is skipped on the command line");
                Server::peer(name.get_name(), deflate, lean).map(Some)
            }
        }
    }
}
