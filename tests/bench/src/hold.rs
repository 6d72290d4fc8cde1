//! Ten thousand connections held open, all of them echoing all the time.

use std::{
    io,
    time::{Duration, Instant},
};

use crate::{
    load::{Connections, Load},
    payload::{Case, Compression, Kind},
    report::{Cell, Report},
    servers::{Candidate, Setup},
    settings::Settings,
};

const CONNECTIONS: usize = 10_000;

/// Measures both engines of Sockeye, and prints a table.
pub fn run(settings: &Settings, report: &mut Report) -> io::Result<()> {
    let load = Load {
        case: Case {
            kind: Kind::Binary,
            size: 125,
        },
        connections: CONNECTIONS,
        in_flight: 1,
        compression: Compression::None,
    };
    let mut rows = Vec::new();
    for candidate in [Candidate::Native, Candidate::Component, Candidate::Isolated] {
        let Some(server) = candidate.start(settings, Setup::default())? else {
            continue;
        };
        let start = Instant::now();
        let mut connections = Connections::open(server.address, load, true)?;
        let opened = start.elapsed();
        let duration = Duration::from_secs_f64(settings.seconds * 10.0);
        let outcome = connections.run(duration / 8, duration, &server)?;
        rows.push(vec![
            Cell::from(candidate.name()),
            Cell::number(CONNECTIONS as f64 / opened.as_secs_f64(), 0),
            Cell::number(outcome.rate(), 0),
            Cell::number(outcome.microseconds(), 2),
            Cell::number(server.resident() as f64 / 1_048_576.0, 0),
            Cell::number(outcome.errors as f64, 0),
        ]);
        let what = format!(
            "{}: {CONNECTIONS} connections echo without an error",
            candidate.name()
        );
        report.bar(
            &what,
            outcome.errors == 0,
            &format!("{} errors in {} messages", outcome.errors, outcome.messages),
        );
    }
    report.table(
        "10,000 connections held and echoing",
        "125 B, one message in flight on each connection.",
        &[
            "server",
            "opened/s",
            "messages/s",
            "server µs/message",
            "resident MiB",
            "errors",
        ],
        rows,
    );
    Ok(())
}
