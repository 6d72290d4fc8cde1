//! The native API as the Autobahn suite tests it: a server and a client that send back what they receive.
//!
//! ```text
//! native-echo serve            listens on a free port, and says so: "listening on ws://127.0.0.1:…"
//! native-echo dial URL AGENT   runs every case of the fuzzing server at this URL, under this name
//! ```
#![allow(clippy::std_instead_of_core, reason = "the whole program needs std")]

use std::{env, error, process::ExitCode, time::Duration};

use sockeye_tokio::{Config, Conn, Dialer, Error, PerMessageDeflate, ProxyPolicy, Role, Upgrader};
use tokio::{net::TcpListener, time::timeout};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["serve"] => serve().await,
        ["dial", url, agent] => run_cases(url, agent).await,
        _ => Err("usage: native-echo serve | native-echo dial URL AGENT".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("native-echo: {error}");
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn error::Error + Send + Sync>;

async fn serve() -> Result<(), Failure> {
    let upgrader = Upgrader::new()
        .deflate(PerMessageDeflate::new(Role::Server))
        .message_size(MESSAGE_SIZE)
        // The suite is slow to begin when several of it share a core.
        .handshake_timeout(Some(Duration::from_secs(60)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let upgrader = upgrader.clone();
        tokio::spawn(async move {
            match upgrader.accept(stream).await {
                Ok(mut conn) => {
                    // A peer that breaks the rules is what the suite is made of.
                    let _ = echo(&mut conn).await;
                }
                Err(error) => eprintln!("not let in: {error}"),
            }
        });
    }
}

async fn run_cases(url: &str, agent: &str) -> Result<(), Failure> {
    let url = url.trim_end_matches('/');
    let mut config = Config::new(Role::Client);
    config.limits.message_size = MESSAGE_SIZE;
    config.limits.frame_size = MESSAGE_SIZE as u64;
    let dialer = Dialer::new()
        .deflate(PerMessageDeflate::new(Role::Client))
        .proxy(ProxyPolicy::none())
        .config(config);
    let (mut conn, _) = dialer.dial(&format!("{url}/getCaseCount")).await?;
    let count = conn.next().await?.ok_or("the server does not answer")?;
    let count: u32 = count.as_text().ok_or("the count is not text")?.parse()?;
    while conn.next().await?.is_some() {}
    let mut failed = 0;
    for case in 1..=count {
        let url = format!("{url}/runCase?case={case}&agent={agent}");
        let run = async {
            let (mut conn, _) = dialer.dial(&url).await?;
            // A peer that breaks the rules is what the suite is made of.
            let _ = echo(&mut conn).await;
            Ok::<_, Failure>(())
        };
        let outcome = timeout(CASE_TIMEOUT, run).await;
        if let Err(error) = outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
            failed += 1;
            eprintln!("case {case}: {error}");
        }
    }
    let (mut conn, _) = dialer
        .dial(&format!("{url}/updateReports?agent={agent}"))
        .await?;
    while conn.next().await?.is_some() {}
    if failed > 0 {
        return Err(format!("{failed} of {count} cases could not be run").into());
    }
    println!("{count} cases run");
    Ok(())
}

/// Sends back every message until the connection ends.
async fn echo(conn: &mut Conn) -> Result<(), Error> {
    while let Some(message) = conn.next().await? {
        conn.send(message).await?;
    }
    Ok(())
}

/// The largest messages of the suite have 16 MiB.
const MESSAGE_SIZE: usize = 32 << 20;
/// The suite itself gives up on a case after two minutes.
const CASE_TIMEOUT: Duration = Duration::from_secs(150);
