//! Echo over loopback TCP: servers with one thread on one core, the load generator on another.

use std::{io, time::Duration};

use crate::{
    load::{Connections, Load, Outcome},
    payload::{Case, Kind},
    process::Server,
    report::{Cell, Report, median, median_ratio},
    servers::Candidate,
    settings::Settings,
};

/// Connections, what they send, and how many messages at once.
const SCENARIOS: [(usize, Kind, usize, usize); 9] = [
    (100, Kind::Binary, 20, 1),
    (100, Kind::Ascii, 20, 1),
    (500, Kind::Binary, 512, 1),
    (500, Kind::Ascii, 512, 1),
    (500, Kind::Cjk, 512, 1),
    (100, Kind::Binary, 16_384, 1),
    (100, Kind::Cjk, 16_384, 1),
    (10, Kind::Binary, 125, 100),
    (100, Kind::Json, 1_024, 1),
];

/// Measures every server in every scenario, and prints one table.
pub fn run(settings: &Settings, report: &mut Report) -> io::Result<()> {
    if settings.sockeye().is_none() {
        eprintln!(
            "no sockeye program found: build it first, or name it with --sockeye; measuring the peers alone"
        );
    }
    let plain = start(settings, false)?;
    let deflating = start(settings, true)?;
    let mut rows = Vec::new();
    for (connections, kind, size, in_flight) in SCENARIOS {
        let load = Load {
            case: Case { kind, size },
            connections,
            in_flight,
        };
        let servers = if kind.is_deflated() {
            &deflating
        } else {
            &plain
        };
        let results = measure(settings, load, servers)?;
        let rates: Vec<Vec<f64>> = results
            .iter()
            .map(|rounds| rounds.iter().map(Outcome::rate).collect())
            .collect();
        let middle = |index: usize| median(&rates[index]).unwrap_or(0.0);
        let fastest = (0..servers.len())
            .filter(|&index| servers[index].0.is_websocket_peer())
            .max_by(|&a, &b| middle(a).total_cmp(&middle(b)));
        for (index, (candidate, _)) in servers.iter().enumerate() {
            let rounds = &results[index];
            let times: Vec<f64> = rounds.iter().map(Outcome::microseconds).collect();
            let own: Vec<f64> = rounds
                .iter()
                .map(|round| round.own_share() * 100.0)
                .collect();
            let errors: u64 = rounds.iter().map(|round| round.errors).sum();
            let ratio = fastest.and_then(|fastest| median_ratio(&rates[index], &rates[fastest]));
            rows.push(vec![
                Cell::from(if index == 0 {
                    scenario(load)
                } else {
                    String::new()
                }),
                Cell::from(candidate.name()),
                Cell::number(middle(index), 0),
                Cell::of(ratio, Cell::ratio),
                Cell::of(median(&times), |time| Cell::number(time, 2)),
                Cell::of(median(&own), |share| Cell::number(share, 0)),
                Cell::number(errors as f64, 0),
            ]);
        }
        note_bars(load, servers, &rates, fastest, report);
    }
    report.table(
        "Echo over TCP",
        "One server thread on core 0, the load generator on core 1. The loops of the peers read a message and send a message.\n\
         With 100 in flight a connection sends 100 messages in one write, and the next 100 once all are answered.",
        &["load", "server", "messages/s", "of the fastest Rust peer", "server µs/message", "load generator %", "errors"],
        rows,
    );
    Ok(())
}

fn scenario(load: Load) -> String {
    let flight = if load.in_flight > 1 {
        format!(", {} in flight", load.in_flight)
    } else {
        String::new()
    };
    format!(
        "{} × {} {}{flight}",
        load.connections,
        load.case.size_name(),
        load.case.kind.name()
    )
}

/// Starts all servers of one kind. One that is not being asked anything costs the others nothing.
fn start(settings: &Settings, deflate: bool) -> io::Result<Vec<(Candidate, Server)>> {
    let mut servers = Vec::new();
    for candidate in Candidate::ECHO {
        if let Some(server) = candidate.start(settings, deflate, false)? {
            servers.push((candidate, server));
        }
    }
    Ok(servers)
}

/// The outcomes of each server, round by round.
fn measure(
    settings: &Settings,
    load: Load,
    servers: &[(Candidate, Server)],
) -> io::Result<Vec<Vec<Outcome>>> {
    let duration = Duration::from_secs_f64(settings.seconds);
    let mut results = vec![Vec::new(); servers.len()];
    for round in 0..=settings.rounds {
        for ((candidate, server), results) in servers.iter().zip(&mut results) {
            let mut connections =
                Connections::open(server.address, load, candidate.shakes_hands())?;
            let outcome = connections.run(
                duration / 8,
                if round == 0 { duration / 4 } else { duration },
                server,
            )?;
            if round > 0 {
                results.push(outcome);
            }
        }
    }
    Ok(results)
}

/// Holds the component against the native engine and the fastest peer.
fn note_bars(
    load: Load,
    servers: &[(Candidate, Server)],
    rates: &[Vec<f64>],
    fastest: Option<usize>,
    report: &mut Report,
) {
    // The bars speak of the protocol; with compression, the compressor is nearly all there is.
    if load.case.kind.is_deflated() {
        return;
    }
    let find = |candidate| servers.iter().position(|(found, _)| *found == candidate);
    let Some(component) = find(Candidate::Component) else {
        return;
    };
    let name = scenario(load);
    if let Some(ratio) =
        find(Candidate::Native).and_then(|native| median_ratio(&rates[component], &rates[native]))
    {
        let what = format!("{name}: component at least 0.85× the native engine");
        report.bar(&what, ratio >= 0.85, &format!("{ratio:.2}×"));
    }
    if let Some(ratio) =
        fastest.and_then(|fastest| median_ratio(&rates[component], &rates[fastest]))
    {
        let bar = if load.in_flight > 1 { 8.0 } else { 0.8 };
        let what = format!("{name}: component at least {bar}× the fastest Rust peer");
        report.bar(&what, ratio >= bar, &format!("{ratio:.2}×"));
    }
}
