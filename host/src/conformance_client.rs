//! Runs the client role against a fuzzing server that speaks Autobahn's protocol: `/getCaseCount`, `/runCase`, `/updateReports`.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "the whole program needs std"
)]

use std::{
    io,
    net::TcpStream,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use sockeye_host::{
    ComponentSource, Deflate, DialOptions, Engine, EngineOptions, Event, Message, MessageKind, dial,
};

/// Runs every case of an Autobahn fuzzing server against the client role, echoing what comes.
///
/// The verdicts are in the reports that the server writes; the exit code says whether every case was run.
#[derive(Debug, Parser)]
#[command(name = "sockeye-conformance-client", version)]
struct Options {
    /// The fuzzing server.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9001")]
    url: String,

    /// The name under which the server files its reports.
    #[arg(long, value_name = "NAME", default_value = "sockeye")]
    agent: String,

    /// Numbers of cases, counted from 1, and ranges of them, as 1,5,10-20; or all.
    #[arg(long, value_name = "LIST", default_value = "all")]
    cases: String,

    /// Offer permessage-deflate.
    #[arg(long)]
    deflate: bool,

    /// Where the protocol runs.
    #[arg(long, value_enum, default_value_t)]
    engine: EngineKind,

    /// Run another component than the one built in.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,

    /// Seconds that one case may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum EngineKind {
    /// In an instance of the WebAssembly component.
    #[default]
    Component,
    /// In this process.
    Native,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sockeye-conformance-client: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let Some(host) = options.url.strip_prefix("ws://") else {
        bail!("`{}` is not a ws:// URL", options.url);
    };
    let client = Client {
        engine: engine(options)?,
        host: host.trim_end_matches('/').to_owned(),
        deflate: options.deflate,
        timeout: Duration::from_secs(options.timeout),
    };
    let count = client.ask("/getCaseCount")?;
    let count: u32 = count
        .parse()
        .with_context(|| format!("the server says that it has `{count}` cases"))?;
    let cases = cases(&options.cases, count)?;
    let mut failed = 0;
    for &case in &cases {
        let target = format!("/runCase?case={case}&agent={}", options.agent);
        if let Err(error) = client.echo(&target) {
            failed += 1;
            eprintln!("case {case}: {error:#}");
        }
    }
    client.echo(&format!("/updateReports?agent={}", options.agent))?;
    println!("{} of {count} cases run", cases.len() - failed);
    if failed > 0 {
        bail!("{failed} cases could not be run");
    }
    Ok(())
}

fn engine(options: &Options) -> Result<Engine> {
    if options.engine == EngineKind::Native {
        return Ok(Engine::native());
    }
    let mut engine = EngineOptions::default();
    // One connection at a time, but each of them in an instance of its own.
    engine.instance_connections = 1;
    engine.connections = 8;
    engine.message_size = MESSAGE_SIZE;
    if let Some(file) = &options.component {
        engine.component = ComponentSource::File(file.clone());
    }
    Ok(Engine::component(&engine)?)
}

struct Client {
    engine: Engine,
    host: String,
    deflate: bool,
    timeout: Duration,
}

impl Client {
    /// Sends back every message until the server ends the connection.
    fn echo(&self, target: &str) -> Result<()> {
        self.run(target, true, |_| ())
    }

    /// Returns the text message that the server sends.
    fn ask(&self, target: &str) -> Result<String> {
        let text = Arc::new(Mutex::new(None));
        let got = Arc::clone(&text);
        self.run(target, false, move |event| {
            if let Event::Message(Message {
                kind: MessageKind::Text,
                data,
            }) = event
            {
                let text = String::from_utf8_lossy(&data).into_owned();
                *got.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
            }
        })?;
        text.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .context("the server did not answer")
    }

    fn run(
        &self,
        target: &str,
        echo: bool,
        handle: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<()> {
        let stream = TcpStream::connect(&self.host)
            .with_context(|| format!("cannot connect to {}", self.host))?;
        let guard = Guard::new(&stream, self.timeout)?;
        let mut options = DialOptions::new(&*self.host, target);
        options.deflate = self.deflate.then(Deflate::client);
        options.message_size = MESSAGE_SIZE;
        // Inside the component, so that what came before a violation is answered before the connection fails.
        options.echo = echo;
        let result = dial(&self.engine, stream, &options, move |event, _| {
            handle(event)
        });
        if guard.expired() {
            bail!("it took longer than {:?}", self.timeout);
        }
        Ok(result?)
    }
}

/// Breaks a connection that takes too long.
struct Guard {
    done: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<bool>,
}

impl Guard {
    fn new(stream: &TcpStream, timeout: Duration) -> io::Result<Self> {
        let stream = stream.try_clone()?;
        let done = Arc::new((Mutex::new(false), Condvar::new()));
        let told = Arc::clone(&done);
        let thread = thread::spawn(move || {
            let (lock, condition) = &*told;
            let waiting = lock.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = condition
                .wait_timeout_while(waiting, timeout, |done| !*done)
                .unwrap_or_else(PoisonError::into_inner);
            let expired = waited.1.timed_out();
            drop(waited);
            if expired {
                // It may have ended on its own at the same moment.
                let _ = stream.shutdown(std::net::Shutdown::Both);
            }
            expired
        });
        Ok(Self { done, thread })
    }

    fn expired(self) -> bool {
        *self.done.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.done.1.notify_one();
        self.thread.join().unwrap_or(false)
    }
}

/// Reads a list of case numbers and ranges.
fn cases(list: &str, count: u32) -> Result<Vec<u32>> {
    if list == "all" {
        return Ok((1..=count).collect());
    }
    let mut cases = Vec::new();
    for item in list.split(',') {
        let (from, to) = item.split_once('-').unwrap_or((item, item));
        let number = |text: &str| {
            text.trim()
                .parse::<u32>()
                .ok()
                .filter(|case| (1..=count).contains(case))
                .with_context(|| format!("`{text}` is not a case: there are 1 to {count}"))
        };
        cases.extend(number(from)?..=number(to)?);
    }
    Ok(cases)
}

/// The largest messages of the suite have 16 MiB.
const MESSAGE_SIZE: u64 = 20 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_numbers_and_ranges() {
        assert_eq!(cases("all", 3).expect("a list"), [1, 2, 3]);
        assert_eq!(cases("1,5-7", 10).expect("a list"), [1, 5, 6, 7]);
        for list in ["", "0", "11", "5-", "x", "1-11"] {
            assert!(cases(list, 10).is_err(), "{list}");
        }
    }
}
