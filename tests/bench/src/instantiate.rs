//! What it costs to get going: compiling the component, making instances of it, starting the server.

use std::{io, time::Duration};

use crate::{
    report::{Cell, Report, median},
    servers::{Candidate, Setup},
    settings::Settings,
};

/// Measures all of it, and prints two tables.
pub fn run(settings: &Settings, report: &mut Report) -> io::Result<()> {
    #[cfg(feature = "component")]
    instances::run(settings, report);
    start(settings, report)
}

/// Compilation and instances of the component.
#[cfg(feature = "component")]
mod instances {
    use std::time::Instant;

    use crate::{
        component::{
            Component, Guest, Host, Setup, bindings::exports::sockeye::websocket::options::Delivery,
        },
        memory::{Reads, Stream},
        payload::{Case, Feed, Kind},
        process::own_cpu,
        report::{Cell, Report, median},
        settings::Settings,
    };

    /// Measures both ways to allocate instances, if there is a component.
    pub fn run(settings: &Settings, report: &mut Report) {
        let Some(path) = settings.component() else {
            return;
        };
        let mut rows = Vec::new();
        for (name, pooling) in [("pooling", true), ("on demand", false)] {
            let start = Instant::now();
            let component = Component::compile(
                path,
                Setup {
                    pooling,
                    ..Default::default()
                },
            );
            let compile = start.elapsed();
            let instance = time(settings, || drop(component.instantiate(Host::default())));
            let feed = Feed::new(
                Case {
                    kind: Kind::Binary,
                    size: 1_024,
                },
                1,
            );
            let mut buffer = vec![0; 65_536];
            let connection = time(settings, || {
                let stream = Stream::new(feed.clone(), Reads::Messages);
                let mut guest = Guest::open(&component, Delivery::Echo, false, stream);
                let len = guest.stream().take(&mut buffer);
                guest.receive(&buffer[..len]);
            });
            rows.push(vec![
                Cell::from(name),
                Cell::number(instance, 1),
                Cell::number(connection, 1),
                Cell::number(compile.as_secs_f64() * 1e3, 0),
            ]);
        }
        report.table(
            "Instances of the component",
            "Microseconds for a store and an instance, made and dropped; and for the same with a handshake and one message of 1 KiB.",
            &["allocation", "instance µs", "with a connection µs", "compile ms"],
            rows,
        );
    }

    /// Microseconds of processor time per call.
    fn time(settings: &Settings, mut call: impl FnMut()) -> f64 {
        let calls = (400.0 * settings.scale) as usize;
        let mut times = Vec::new();
        for round in 0..=settings.rounds {
            let start = own_cpu();
            for _ in 0..calls {
                call();
            }
            if round > 0 {
                times.push((own_cpu() - start).as_secs_f64() * 1e6 / calls as f64);
            }
        }
        median(&times).unwrap_or(0.0)
    }
}

/// From the start of the process to its line `listening on`.
fn start(settings: &Settings, report: &mut Report) -> io::Result<()> {
    let mut rows = Vec::new();
    for candidate in [Candidate::Native, Candidate::Component] {
        // The first start may have to fill a cache, the others find it.
        let Some(first) = candidate.start(settings, Setup::default())? else {
            continue;
        };
        let mut times = Vec::new();
        for _ in 0..settings.rounds.max(3) {
            if let Some(server) = candidate.start(settings, Setup::default())? {
                times.push(server.start.as_secs_f64() * 1e3);
            }
        }
        let warm = median(&times).unwrap_or(0.0);
        rows.push(vec![
            Cell::from(candidate.name()),
            Cell::number(first.start.as_secs_f64() * 1e3, 1),
            Cell::number(warm, 1),
        ]);
        let limit = Duration::from_millis(500).as_secs_f64() * 1e3;
        report.bar(
            &format!("{}: warm start under 0.5 s", candidate.name()),
            warm < limit,
            &format!("{warm:.0} ms"),
        );
    }
    if !rows.is_empty() {
        let note =
            "Milliseconds from the start of the process to the line that says where it listens.";
        report.table(
            "Start of `sockeye serve echo`",
            note,
            &["engine", "first", "warm"],
            rows,
        );
    }
    Ok(())
}
