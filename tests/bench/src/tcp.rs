//! Echo over loopback TCP: servers with one thread on one core, the load generator on another.

use std::{io, time::Duration};

use crate::{
    load::{Connections, Load, Outcome},
    process::Server,
    report::{Cell, Report, Table, median, median_ratio},
    scenarios::{self, Scenario},
    servers::{Candidate, Setup},
    settings::{Peer, Settings},
    verify,
};

/// Measures every server in every scenario, and prints one table.
pub fn run(settings: &Settings, report: &mut Report) -> io::Result<()> {
    let is_wanted = [Candidate::Native, Candidate::Component]
        .iter()
        .any(|candidate| candidate.is_included(settings));
    if is_wanted && settings.sockeye().is_none() {
        eprintln!(
            "no sockeye program found: build it first, or name it with --sockeye; measuring without"
        );
    }
    let scenarios: Vec<Scenario> = scenarios::ALL
        .into_iter()
        .filter(|scenario| settings.includes_scenario(scenario.name))
        .collect();
    let titles = scenarios.iter().map(|scenario| width(&scenario.title()));
    let names = Candidate::ECHO.map(|candidate| width(&candidate.name()));
    let mut columns = vec![(0, true); HEADERS.len()];
    columns[0] = (titles.max().unwrap_or(0), false);
    columns[1] = (names.into_iter().max().unwrap_or(0), false);
    let mut table = Table::begin("Echo over TCP", NOTE, &HEADERS, columns);
    let mut servers: Vec<(Setup, Vec<(Candidate, Server)>)> = Vec::new();
    for scenario in scenarios {
        let setup = Setup {
            compression: scenario.load.compression,
            large: scenario.load.case.size >= 1_048_576,
            ..Setup::default()
        };
        let found = servers.iter().position(|(of, _)| *of == setup);
        let index = match found {
            Some(index) => index,
            None => {
                servers.push((setup, start(settings, setup)?));
                servers.len() - 1
            }
        };
        let servers = &servers[index].1;
        let results = Results {
            rounds: measure(settings, scenario.load, servers)?,
            candidates: servers.iter().map(|(candidate, _)| *candidate).collect(),
        };
        results.print(scenario, &mut table);
        results.note_bars(scenario, report);
    }
    report.keep(table);
    Ok(())
}

const HEADERS: [&str; 9] = [
    "load",
    "server",
    "messages/s",
    "of the fastest Rust peer",
    "server µs/message",
    "of raw TCP",
    "of the cheapest Rust peer",
    "load generator %",
    "errors",
];

const NOTE: &str = "One server thread on core 0, the load generator on core 1. The loops read a message and send a message.\n\
    With 100 in flight a connection sends 100 messages in one write, and the next 100 once all are answered.\n\
    In brackets: the load generator was the bottleneck, so the ratio says little; the processor time per message says more.\n\
    raw-tcp returns the same frames unread.";

/// From this share of a core on, the load generator had no time to wait for the server.
const BUSY: f64 = 0.95;

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Starts all servers of one kind. One that is not being asked anything costs the others nothing.
fn start(settings: &Settings, setup: Setup) -> io::Result<Vec<(Candidate, Server)>> {
    let mut servers = Vec::new();
    for candidate in Candidate::ECHO {
        if let Some(server) = candidate.start(settings, setup)? {
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
    let failed = |candidate: Candidate| {
        move |error| io::Error::other(format!("{}: {error}", candidate.name()))
    };
    // They stay open from round to round, and wait: each begins where it was interrupted.
    let mut connections = Vec::new();
    for (candidate, server) in servers {
        let handshake = candidate.shakes_hands();
        let opened = verify::check(server.address, load, handshake)
            .and_then(|()| Connections::open(server.address, load, handshake));
        connections.push(opened.map_err(failed(*candidate))?);
    }
    let mut results = vec![Vec::new(); servers.len()];
    for round in 0..=settings.tcp_rounds {
        for turn in 0..servers.len() {
            // Nobody always follows the same server.
            let index = (round + turn) % servers.len();
            let (candidate, server) = &servers[index];
            let outcome = connections[index]
                .run(duration / 8, duration, server)
                .map_err(failed(*candidate))?;
            if round > 0 {
                results[index].push(outcome);
            }
        }
    }
    Ok(results)
}

/// What one scenario came to.
struct Results {
    candidates: Vec<Candidate>,
    /// The outcomes of each candidate, round by round.
    rounds: Vec<Vec<Outcome>>,
}

impl Results {
    /// One row for each server.
    fn print(&self, scenario: Scenario, table: &mut Table) {
        let (fastest, cheapest) = (self.fastest(), self.cheapest());
        let raw = self.position(Candidate::Peer(Peer::RawTcp));
        for (index, candidate) in self.candidates.iter().enumerate() {
            let rate_ratio = fastest.map(|fastest| {
                let ratio = self.ratio(index, fastest, Outcome::rate);
                let is_doubtful = self.is_load_busy(index) || self.is_load_busy(fastest);
                Cell::of(
                    ratio,
                    if is_doubtful {
                        Cell::doubtful_ratio
                    } else {
                        Cell::ratio
                    },
                )
            });
            let time_ratio = |base: Option<usize>| {
                let ratio = base.and_then(|base| self.ratio(index, base, Outcome::microseconds));
                Cell::of(ratio, Cell::ratio)
            };
            let errors: u64 = self.rounds[index].iter().map(|round| round.errors).sum();
            table.row(vec![
                Cell::from(if index == 0 {
                    scenario.title()
                } else {
                    String::new()
                }),
                Cell::from(candidate.name()),
                Cell::number(self.median(index, Outcome::rate), 0),
                rate_ratio.unwrap_or_else(Cell::missing),
                Cell::number(self.median(index, Outcome::microseconds), 2),
                time_ratio(raw),
                time_ratio(cheapest),
                Cell::number(self.median(index, Outcome::own_share) * 100.0, 0),
                Cell::number(errors as f64, 0),
            ]);
        }
    }

    /// Holds Sockeye against the peers and against raw TCP.
    fn note_bars(&self, scenario: Scenario, report: &mut Report) {
        self.note_tokio_bars(scenario, report);
        // The bars of the component speak of the protocol; with compression, the compressor is nearly all there is.
        if !scenario.load.case.kind.is_deflated() {
            self.note_component_bars(scenario, report);
        }
    }

    fn note_tokio_bars(&self, scenario: Scenario, report: &mut Report) {
        let Some(tokio) = self.position(Candidate::Peer(Peer::SockeyeTokio)) else {
            return;
        };
        let name = scenario.title();
        let is_in_flight = scenario.load.in_flight > 1;
        if let Some(fastest) = self.fastest()
            && let Some(ratio) = self.ratio(tokio, fastest, Outcome::rate)
        {
            let bar = if is_in_flight { 15.0 } else { 1.0 };
            let what = format!("{name}: sockeye-tokio at least {bar}× the fastest Rust peer");
            report.bar(&what, ratio >= bar, &self.measured(tokio, ratio));
        }
        let raw = self.position(Candidate::Peer(Peer::RawTcp));
        if !scenario.load.case.kind.is_deflated()
            && let Some(ratio) = raw.and_then(|raw| self.ratio(tokio, raw, Outcome::microseconds))
        {
            let bar = if is_in_flight { 1.5 } else { 1.05 };
            let what =
                format!("{name}: sockeye-tokio at most {bar}× the processor time of raw TCP");
            report.bar(&what, ratio <= bar, &format!("{ratio:.2}×"));
        }
    }

    fn note_component_bars(&self, scenario: Scenario, report: &mut Report) {
        let Some(component) = self.position(Candidate::Component) else {
            return;
        };
        let name = scenario.title();
        let native = self.position(Candidate::Native);
        if let Some(ratio) = native.and_then(|native| self.ratio(component, native, Outcome::rate))
        {
            let what = format!("{name}: component at least 0.85× the native engine");
            report.bar(&what, ratio >= 0.85, &self.measured(component, ratio));
        }
        let fastest = self.fastest();
        if let Some(ratio) =
            fastest.and_then(|fastest| self.ratio(component, fastest, Outcome::rate))
        {
            let bar = if scenario.load.in_flight > 1 {
                8.0
            } else {
                0.8
            };
            let what = format!("{name}: component at least {bar}× the fastest Rust peer");
            report.bar(&what, ratio >= bar, &self.measured(component, ratio));
        }
    }

    /// A ratio of rates, and what it leaves open where the load generator was the bottleneck.
    fn measured(&self, index: usize, ratio: f64) -> String {
        let time = self
            .cheapest()
            .and_then(|cheapest| self.ratio(index, cheapest, Outcome::microseconds));
        match time {
            Some(time) if self.is_load_busy(index) => format!(
                "{ratio:.2}× with a busy load generator; {time:.2}× the processor time of the cheapest Rust peer"
            ),
            _ => format!("{ratio:.2}×"),
        }
    }

    /// The WebSocket peer with the most messages per second.
    fn fastest(&self) -> Option<usize> {
        self.peers().max_by(|&a, &b| {
            self.median(a, Outcome::rate)
                .total_cmp(&self.median(b, Outcome::rate))
        })
    }

    /// The WebSocket peer with the least processor time per message.
    fn cheapest(&self) -> Option<usize> {
        self.peers().min_by(|&a, &b| {
            self.median(a, Outcome::microseconds)
                .total_cmp(&self.median(b, Outcome::microseconds))
        })
    }

    fn peers(&self) -> impl Iterator<Item = usize> {
        (0..self.candidates.len()).filter(|&index| self.candidates[index].is_websocket_peer())
    }

    fn position(&self, candidate: Candidate) -> Option<usize> {
        self.candidates.iter().position(|found| *found == candidate)
    }

    fn is_load_busy(&self, index: usize) -> bool {
        self.median(index, Outcome::own_share) >= BUSY
    }

    /// The median over the rounds.
    fn median(&self, index: usize, value: impl Fn(&Outcome) -> f64) -> f64 {
        let values: Vec<f64> = self.rounds[index].iter().map(value).collect();
        median(&values).unwrap_or(0.0)
    }

    /// The median of the ratios within the rounds.
    fn ratio(&self, index: usize, base: usize, value: impl Fn(&Outcome) -> f64) -> Option<f64> {
        let values = |index: usize| -> Vec<f64> { self.rounds[index].iter().map(&value).collect() };
        median_ratio(&values(index), &values(base))
    }
}
