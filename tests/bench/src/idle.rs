//! Memory per idle connection: what the server process grows by, kernel buffers apart.

use std::{io, thread::sleep, time::Duration};

use crate::{
    load::{Connections, Load},
    payload::{Case, Compression, Kind},
    report::{Cell, Report},
    servers::{Candidate, Setup},
    settings::{Peer, Settings},
};

/// Those whose memory is compared. sockudo-ws has no setting for its read buffer.
const CANDIDATES: [Candidate; 11] = [
    Candidate::Peer(Peer::BareTask),
    Candidate::Peer(Peer::RawTcp),
    Candidate::Peer(Peer::SockeyeTokio),
    Candidate::Native,
    Candidate::Component,
    Candidate::Isolated,
    Candidate::Peer(Peer::TokioTungstenite),
    Candidate::Peer(Peer::Fastwebsockets),
    Candidate::Peer(Peer::TokioWebsockets),
    Candidate::Peer(Peer::SockudoWs),
    Candidate::Peer(Peer::Yawc),
];

/// How many connections are held.
const COUNTS: [usize; 2] = [1_000, 10_000];

/// Opens idle connections to every server, and prints what each costs.
pub fn run(settings: &Settings, report: &mut Report) -> io::Result<()> {
    let mut rows = Vec::new();
    let mut bare = [None; COUNTS.len()];
    for candidate in CANDIDATES {
        let mut row = vec![Cell::from(candidate.name())];
        for (count, bare) in COUNTS.into_iter().zip(&mut bare) {
            let per_connection = measure(candidate, settings, count)?;
            row.push(Cell::of(per_connection, |bytes| {
                Cell::number(bytes / 1_024.0, 2)
            }));
            match candidate {
                Candidate::Peer(Peer::BareTask) => *bare = per_connection,
                Candidate::Peer(Peer::SockeyeTokio) => {
                    if let (Some(bare), Some(bytes)) = (*bare, per_connection) {
                        let what = format!(
                            "sockeye-tokio: at most 4 KiB more than a task and a socket per idle connection of {count}"
                        );
                        let more = (bytes - bare) / 1_024.0;
                        report.bar(&what, more <= 4.0, &format!("{more:.1} KiB"));
                    }
                }
                _ => {}
            }
            let bar = match candidate {
                Candidate::Component => Some(8.0),
                Candidate::Isolated => Some(48.0),
                _ => None,
            };
            if let (Some(bar), Some(bytes)) = (bar, per_connection) {
                let what = format!(
                    "{}: at most {bar} KiB per idle connection of {count}",
                    candidate.name()
                );
                report.bar(
                    &what,
                    bytes <= bar * 1_024.0,
                    &format!("{:.1} KiB", bytes / 1_024.0),
                );
            }
        }
        if row.len() == 3 {
            rows.push(row);
        }
    }
    report.table(
        "Memory per idle connection",
        "bare-task is a tokio task with a socket and nothing else.\n\
         What the resident memory of the server grows by for each connection, after its handshake and one message of 125 B, in KiB.\n\
         Peers have their buffers as small as their settings allow; buffers in the kernel are not counted.",
        &["server", "KiB of 1,000", "KiB of 10,000"],
        rows,
    );
    Ok(())
}

/// Bytes per connection.
fn measure(candidate: Candidate, settings: &Settings, count: usize) -> io::Result<Option<f64>> {
    let setup = Setup {
        lean: true,
        ..Setup::default()
    };
    let Some(server) = candidate.start(settings, setup)? else {
        return Ok(None);
    };
    let open = |connections| {
        let load = Load {
            case: Case {
                kind: Kind::Binary,
                size: 125,
            },
            connections,
            in_flight: 1,
            compression: Compression::None,
        };
        let mut connections = Connections::open(server.address, load, candidate.shakes_hands())?;
        let outcome = connections.run_once(Duration::from_secs(60))?;
        if outcome.errors > 0 {
            return Err(io::Error::other(format!(
                "{} made {} errors",
                candidate.name(),
                outcome.errors
            )));
        }
        // Work put off until the server has nothing else to do.
        sleep(Duration::from_millis(300));
        Ok(connections)
    };
    // The first connection pays for what all share.
    let first = open(1)?;
    let before = server.resident();
    let all = open(count)?;
    let after = server.resident();
    drop((first, all));
    Ok(Some(after.saturating_sub(before) as f64 / count as f64))
}
