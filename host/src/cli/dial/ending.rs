//! How it ended: what is said and the exit status.

use std::process::ExitCode;

use sockeye_host::{Closed, Initiator};

/// Why the program ends. Each has its exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// In order.
    Done,
    /// The command line is wrong in a way that only shows when it is used.
    Usage(String),
    /// There was no connection, or something of ours failed.
    Failed(String),
    /// The peer closed with a code that tells of trouble.
    ClosedByPeer(String),
    /// The peer broke the protocol or is gone.
    Lost(String),
    /// Ctrl-C.
    Interrupted,
}

impl Ending {
    /// What the end of a connection means. `asked`: we began to close it.
    pub(super) fn of(closed: &Closed, asked: bool) -> Self {
        if let Some(error) = &closed.error {
            // Whatever happens to the stream after the Close frames is of no interest.
            if closed.clean && asked {
                return Self::Done;
            }
            return Self::Lost(match closed.initiator {
                Initiator::Transport => format!("the connection was lost: {error}"),
                _ => format!("the connection failed: {error}"),
            });
        }
        if closed.initiator == Initiator::Transport {
            return Self::Lost(
                "the connection was lost: the server ended it without a Close frame".into(),
            );
        }
        if asked || closed.initiator == Initiator::Local || IN_ORDER.contains(&closed.code) {
            return Self::Done;
        }
        Self::ClosedByPeer(format!(
            "the server closed the connection with {}",
            code(closed)
        ))
    }

    /// The exit status.
    pub(super) const fn status(&self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::ClosedByPeer(_) => 3,
            Self::Lost(_) => 4,
            Self::Interrupted => 130,
        }
    }

    /// The sentence for the user, if there is anything to say.
    pub(super) fn sentence(&self) -> Option<&str> {
        match self {
            Self::Done | Self::Interrupted => None,
            Self::Usage(sentence)
            | Self::Failed(sentence)
            | Self::ClosedByPeer(sentence)
            | Self::Lost(sentence) => Some(sentence),
        }
    }

    /// Says it, and gives the exit status.
    pub(super) fn report(&self) -> ExitCode {
        if let Some(sentence) = self.sentence() {
            eprintln!("sockeye: {}", super::show::harmless(sentence));
        }
        ExitCode::from(self.status())
    }
}

/// The code with its reason, for people.
pub(super) fn code(closed: &Closed) -> String {
    if closed.reason.is_empty() {
        closed.code.to_string()
    } else {
        format!("{} ({})", closed.code, closed.reason)
    }
}

/// RFC 6455 §7.4.1: normal closure, going away, no code at all.
const IN_ORDER: [u16; 3] = [1000, 1001, 1005];

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(code: u16, initiator: Initiator, error: Option<&str>) -> Closed {
        Closed {
            code,
            reason: String::new(),
            initiator,
            clean: code != 1006,
            error: error.map(Into::into),
        }
    }

    #[test]
    fn codes_of_the_peer_decide() {
        for (code, status) in [(1000, 0), (1001, 0), (1005, 0), (1011, 3), (4000, 3)] {
            let ending = Ending::of(&closed(code, Initiator::Peer, None), false);
            assert_eq!(ending.status(), status, "{code}");
            assert_eq!(ending.sentence().is_some(), status != 0, "{code}");
        }
    }

    #[test]
    fn what_we_closed_ends_in_order() {
        for closed in [
            closed(1000, Initiator::Local, None),
            closed(4000, Initiator::Local, None),
            closed(1000, Initiator::Local, Some("the connection was reset")),
            closed(4000, Initiator::Peer, None),
        ] {
            assert_eq!(Ending::of(&closed, true), Ending::Done, "{closed:?}");
        }
    }

    #[test]
    fn violations_and_lost_connections_are_told_apart() {
        let ending = Ending::of(&closed(1006, Initiator::Transport, None), true);
        assert_eq!(
            ending.sentence(),
            Some("the connection was lost: the server ended it without a Close frame")
        );
        assert_eq!(ending.status(), 4);
        let ending = Ending::of(
            &closed(1006, Initiator::Local, Some("a reserved bit is set")),
            false,
        );
        assert_eq!(
            ending.sentence(),
            Some("the connection failed: a reserved bit is set")
        );
        assert_eq!(ending.status(), 4);
    }

    #[test]
    fn reason_follows_the_code() {
        let mut closed = closed(4001, Initiator::Peer, None);
        closed.reason = "bye".into();
        assert_eq!(
            Ending::of(&closed, false).sentence(),
            Some("the server closed the connection with 4001 (bye)")
        );
    }
}
