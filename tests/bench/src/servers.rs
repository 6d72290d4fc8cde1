//! Which servers there are to measure, and how each is started.

use std::io;

use clap::ValueEnum;

use crate::{
    payload::Compression,
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
    /// One that is part of this program.
    Peer(Peer),
}

/// What a server is started for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// permessage-deflate.
    pub compression: Compression,
    /// Small buffers instead of fast ones, where a library leaves the choice.
    pub lean: bool,
    /// Messages of 1 MiB, where a library is to be told.
    pub large: bool,
}

impl Candidate {
    /// Those that echo over TCP.
    pub const ECHO: [Self; 9] = [
        Self::Peer(Peer::RawTcp),
        Self::Peer(Peer::SockeyeTokio),
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
        matches!(self, Self::Peer(peer) if !matches!(peer, Peer::RawTcp | Peer::BareTask | Peer::SockeyeTokio))
    }

    /// Whether its connections begin with a handshake.
    pub fn shakes_hands(self) -> bool {
        !matches!(self, Self::Peer(Peer::RawTcp | Peer::BareTask))
    }

    /// Whether it can do permessage-deflate. The echo of raw bytes can do anything.
    pub fn deflates(self) -> bool {
        !matches!(
            self,
            Self::Peer(Peer::TokioTungstenite | Peer::Fastwebsockets | Peer::TokioWebsockets)
        )
    }

    /// Whether it is asked for.
    pub fn is_included(self, settings: &Settings) -> bool {
        settings.includes(&self.name().replace("sockeye ", ""))
    }

    /// Starts it. `None` when it was not asked for, or when there is no `sockeye` program.
    pub fn start(self, settings: &Settings, setup: Setup) -> io::Result<Option<Server>> {
        let deflate = setup.compression != Compression::None;
        if !self.is_included(settings) || deflate && !self.deflates() {
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
                Server::peer(name.get_name(), setup).map(Some)
            }
        }
    }
}
