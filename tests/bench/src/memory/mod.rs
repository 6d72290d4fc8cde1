//! Echo in memory: what a message costs an implementation when the kernel is left out.
//!
//! Each implementation plays the server on the same masked frames. "Reading" is a copy into its buffer, "writing" a copy out of it.

#[cfg(feature = "component")]
mod component;
mod core;
mod peers;
mod stream;

use std::{cell::Cell as Shared, rc::Rc};

pub use self::stream::{Reads, Stream};

use self::stream::CHUNK;
#[cfg(feature = "component")]
use crate::component::{Component, Setup};
use crate::{
    payload::{Case, Feed, Kind, size_name},
    process::own_cpu,
    report::{Cell, Report, median, median_ratio},
    settings::Settings,
};

/// An implementation in its echo loop.
trait Echo {
    /// Echoes at least so many messages, and returns how many it were.
    fn run(&mut self, messages: usize) -> usize;
}

/// The implementations, in the order of the columns.
const NAMES: [&str; 9] = [
    "sockeye",
    "component",
    "component, no epochs",
    "component, events",
    "tungstenite",
    "fastwebsockets",
    "tokio-websockets",
    "sockudo-ws",
    "yawc",
];

/// The implementation `name` on a stream, unless it cannot do this case.
fn implementation(
    name: &str,
    case: Case,
    reads: Reads,
    stream: Stream,
    components: &Components,
) -> Option<Box<dyn Echo>> {
    let deflate = case.kind.is_deflated();
    Some(match name {
        "sockeye" => Box::new(core::Core::new(case, stream)),
        _ if name.starts_with("component") => components.echo(name, case, stream)?,
        "sockudo-ws" if deflate => Box::new(peers::SockudoDeflate::new(stream, reads)),
        "yawc" => Box::new(peers::Yawc::new(case, stream, reads)),
        _ if deflate => return None,
        "tungstenite" => Box::new(peers::Tungstenite::new(stream, reads)),
        "fastwebsockets" => Box::new(peers::FastWebSockets::new(stream)),
        "tokio-websockets" => Box::new(peers::TokioWebSockets::new(stream, reads)),
        "sockudo-ws" => Box::new(peers::Sockudo::new(stream, reads)),
        _ => return None,
    })
}

/// The component, compiled with and without epoch checks.
#[cfg(feature = "component")]
pub struct Components {
    epochs: Option<Component>,
    plain: Option<Component>,
}

#[cfg(feature = "component")]
impl Components {
    /// Compiles the component twice; or has none, when none was named or asked for.
    pub fn compile(settings: &Settings) -> Self {
        let compile = |name, epochs| {
            let setup = Setup {
                epochs,
                ..Setup::default()
            };
            let path = settings.component().filter(|_| settings.includes(name));
            path.map(|path| Component::compile(path, setup))
        };
        Self {
            epochs: compile("component", true).or_else(|| compile("component, events", true)),
            plain: compile("component, no epochs", false),
        }
    }

    /// The echo loop `name` of the component.
    fn echo(&self, name: &str, case: Case, stream: Stream) -> Option<Box<dyn Echo>> {
        Some(Box::new(match name {
            "component" => component::Guest::echo(self.epochs.as_ref()?, case, stream),
            "component, events" => component::Guest::events(self.epochs.as_ref()?, case, stream),
            "component, no epochs" => component::Guest::echo(self.plain.as_ref()?, case, stream),
            _ => return None,
        }))
    }
}

/// No component: this build is without the feature `component`.
#[cfg(not(feature = "component"))]
pub struct Components;

#[cfg(not(feature = "component"))]
impl Components {
    /// Has none, and says so when one was named.
    pub fn compile(settings: &Settings) -> Self {
        if settings.component().is_some() {
            eprintln!("this build cannot measure the component: leave out --no-default-features");
        }
        Self
    }

    /// None.
    fn echo(&self, _: &str, _: Case, _: Stream) -> Option<Box<dyn Echo>> {
        None
    }
}

/// Measures every implementation on every case, and prints a table per kind of message.
pub fn run(settings: &Settings, report: &mut Report) {
    let components = Components::compile(settings);
    let mut bars = Bars::default();
    for kind in Kind::ALL {
        let mut rows = Vec::new();
        for size in [125, 1_024, 16_384, 1_048_576] {
            for reads in [Reads::Chunks, Reads::Messages] {
                // A message of 1 MiB takes many reads however they are cut.
                if reads == Reads::Messages && size > CHUNK {
                    continue;
                }
                let case = Case { kind, size };
                let times = measure(settings, case, reads, &components, &NAMES);
                bars.note(case, reads, &times);
                rows.push(row(case, reads, &times));
            }
        }
        let mut headers = vec!["message", "one read", "sockeye ns"];
        headers.extend(&NAMES[1..]);
        report.table(
            &format!("Echo in memory: {}", kind.name()),
            "Nanoseconds of processor time per message in the core natively, and how many times as long the others take (medians of rounds in turn).\n\
             \"component\" echoes inside the component with epoch checks; \"events\" hands each message to the host, which sends it back.",
            &headers,
            rows,
        );
    }
    bars.report(report);
}

/// Nanoseconds per message: of each implementation, in each round.
pub type Times = Vec<Vec<f64>>;

/// Lets the implementations of these names echo in turn, round after round.
pub fn measure(
    settings: &Settings,
    case: Case,
    reads: Reads,
    components: &Components,
    names: &[&'static str],
) -> Times {
    let feed = Feed::new(case, 4);
    let mut runs: Vec<Option<Run>> = names
        .iter()
        .map(|&name| {
            // The base of every ratio always takes part.
            if name != NAMES[0] && !settings.includes(name) {
                return None;
            }
            let stream = Stream::new(feed.clone(), reads);
            let written = stream.written();
            let echo = implementation(name, case, reads, stream, components)?;
            Some(Run {
                name,
                echo,
                written,
                case,
            })
        })
        .collect();
    // About a fortieth of a second for the slower ones.
    let bytes = if case.kind.is_deflated() {
        1_500_000
    } else {
        24_000_000
    };
    let messages = ((bytes as f64 * settings.scale) as usize / case.size.max(500)).max(4);
    let mut times = vec![Vec::new(); runs.len()];
    for round in 0..=settings.rounds {
        for (run, times) in runs.iter_mut().zip(&mut times) {
            let Some(run) = run else { continue };
            let nanoseconds = run.time(messages);
            // The first round warms up caches, branch predictors and allocators.
            if round > 0 {
                times.push(nanoseconds);
            }
        }
    }
    times
}

/// One implementation at work on one case.
struct Run {
    name: &'static str,
    echo: Box<dyn Echo>,
    written: Rc<Shared<usize>>,
    case: Case,
}

impl Run {
    /// Echoes messages, and returns the nanoseconds that one took.
    fn time(&mut self, messages: usize) -> f64 {
        self.written.set(0);
        let start = own_cpu();
        let echoed = self.echo.run(messages);
        let elapsed = own_cpu() - start;
        if !self.case.kind.is_deflated() {
            let header = match self.case.size {
                0..=125 => 2,
                126..=65_535 => 4,
                _ => 10,
            };
            let expected = echoed * (header + self.case.size);
            assert_eq!(
                self.written.get(),
                expected,
                "{} does not echo what it was sent",
                self.name
            );
        }
        assert!(self.written.get() > 0, "{} does not answer", self.name);
        elapsed.as_nanos() as f64 / echoed as f64
    }
}

fn row(case: Case, reads: Reads, times: &Times) -> Vec<Cell> {
    let mut row = vec![Cell::from(case.size_name()), Cell::from(reads.name())];
    row.push(Cell::of(median(&times[0]), |time| Cell::number(time, 1)));
    row.extend(
        times[1..]
            .iter()
            .map(|times_of| Cell::of(median_ratio(times_of, &times[0]), Cell::ratio)),
    );
    row
}

/// What the bars speak of: uncompressed messages.
#[derive(Default)]
struct Bars {
    /// Where tungstenite or fastwebsockets is ahead of the core.
    behind: Vec<String>,
    /// The smallest lead over them.
    closest: Option<f64>,
    /// The worst of the component at 125 B in bulk, and where.
    small: Option<(f64, String)>,
    /// The worst of the component from 16 KiB up in bulk, and where.
    large: Option<(f64, String)>,
}

impl Bars {
    fn note(&mut self, case: Case, reads: Reads, times: &Times) {
        if case.kind.is_deflated() {
            return;
        }
        for (name, times_of) in NAMES.into_iter().zip(times) {
            let Some(ratio) = median_ratio(times_of, &times[0]) else {
                continue;
            };
            let place = format!("{} {}", size_name(case.size), case.kind.name());
            match name {
                "tungstenite" | "fastwebsockets" => {
                    let closest = self.closest.unwrap_or(f64::INFINITY);
                    self.closest = Some(closest.min(ratio));
                    if ratio <= 1.0 {
                        let reads = reads.name();
                        self.behind
                            .push(format!("{name} {ratio:.2}× at {place} by {reads}"));
                    }
                }
                "component" if reads == Reads::Chunks && case.size == 125 => {
                    worsen(&mut self.small, ratio, place);
                }
                "component" if reads == Reads::Chunks && case.size >= 16_384 => {
                    worsen(&mut self.large, ratio, place);
                }
                _ => {}
            }
        }
    }

    fn report(self, report: &mut Report) {
        if let Some(closest) = self.closest {
            let is_met = self.behind.is_empty();
            let measured = if is_met {
                format!("closest {closest:.2}×")
            } else {
                self.behind.join(", ")
            };
            let what =
                "native core ahead of tungstenite and fastwebsockets at every size, uncompressed";
            report.bar(what, is_met, &measured);
        }
        if let Some((ratio, place)) = self.small {
            let what = "component at most 2.5× the native core at 125 B";
            report.bar(
                what,
                ratio <= 2.5,
                &format!("at worst {ratio:.2}×, {place}"),
            );
        }
        if let Some((ratio, place)) = self.large {
            let what = "component at most 1.3× the native core from 16 KiB up";
            report.bar(
                what,
                ratio <= 1.3,
                &format!("at worst {ratio:.2}×, {place}"),
            );
        }
    }
}

/// Keeps the larger ratio, and where it was found.
fn worsen(worst: &mut Option<(f64, String)>, ratio: f64, place: String) {
    if worst.as_ref().is_none_or(|(worst, _)| ratio > *worst) {
        *worst = Some((ratio, place));
    }
}
