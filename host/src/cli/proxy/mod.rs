//! `sockeye proxy`.

mod assets;
mod content;
mod guard;
mod heads;
mod live;
mod recording;
mod relay;
mod stream;
mod target;

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::Args;
use sockeye_host::{Address, TlsAcceptor};
use sockeye_inspect::Direction;
use sockeye_tokio::{Dialer, TlsRoots};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use self::{
    live::Page,
    recording::{Recorder, Recording},
    relay::{Broken, Counts, End, relay},
    stream::Stream,
    target::Target,
};
use super::duration;

/// Stand between WebSocket clients and a server: record every frame, and show them on a page while they come.
///
/// Prints `listening on ws://…` once clients can connect, and the address of the page, which only this machine can open. Bytes are relayed
/// as they are, violations of the protocol included. Only heads of requests change: `Host` names the server (see --keep-host), and
/// `/` becomes the path of --to.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Proxy {
    /// The server: ws:// or wss://, with a host, a port if it is not the usual one, and a path if `/` is not what clients shall get.
    #[arg(long, value_name = "URL", value_parser = Target::parse)]
    to: Target,

    /// Where clients connect: HOST:PORT, or :PORT for this machine only. Port 0 takes a free one.
    #[arg(long, short, value_name = "ADDRESS", default_value = "127.0.0.1:9000", value_parser = listen_address)]
    listen: SocketAddr,

    /// Record to this file, in place of what is in it, for Wireshark and `sockeye inspect`: pcapng, in plain text even where TLS is spoken.
    /// Only this user may read it.
    #[arg(long, value_name = "FILE", help_heading = "Recording")]
    record: Option<PathBuf>,

    /// Where the page is served, on this machine only. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = page_address, help_heading = "Recording")]
    page: SocketAddr,

    /// Serve no page.
    #[arg(long, conflicts_with = "page", help_heading = "Recording")]
    no_page: bool,

    /// Leave `Host` in requests as clients send it. By default it is the server's; a server that compares it with `Origin` may want the
    /// clients' own.
    #[arg(long, help_heading = "Server")]
    keep_host: bool,

    /// Accept any certificate of the server. For tests: anybody on the way can read and change everything.
    #[arg(long, help_heading = "Server")]
    insecure: bool,

    /// Trust these certificate authorities too: a file in PEM.
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    ca: Option<PathBuf>,

    /// How long connecting to the server may take, TLS and proxies of the environment included; then the client is answered with 502. Also
    /// for TLS with a client.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse, help_heading = "Server")]
    connect_timeout: Duration,

    /// Certificate chain in PEM: with it, clients are spoken to in TLS (wss://).
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        help_heading = "Clients"
    )]
    tls_cert: Option<PathBuf>,

    /// Private key of the certificate, in PEM.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        help_heading = "Clients"
    )]
    tls_key: Option<PathBuf>,

    /// Connections at a time. Further ones are accepted and closed at once.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_024,
        help_heading = "Clients"
    )]
    max_connections: usize,

    /// How long connections may go on after Ctrl-C or SIGTERM. A second signal ends at once.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration::parse, help_heading = "Clients")]
    drain: Duration,
}

/// What every connection needs.
struct Relay {
    target: Target,
    keeps_host: bool,
    dialer: Dialer,
    tls: Option<tokio_rustls::TlsAcceptor>,
    timeout: Duration,
    recorder: Option<Recorder>,
    counts: Counts,
}

impl Proxy {
    /// Relays until told to stop.
    pub(crate) fn run(self) -> Result<()> {
        let descriptors = self.max_connections as u64 * 2 + OWN_DESCRIPTORS;
        match rlimit::increase_nofile_limit(u64::MAX) {
            Ok(limit) if limit < descriptors => tracing::warn!(
                "the system allows {limit} open files: fewer than `--max-connections {}` needs",
                self.max_connections
            ),
            Ok(_) => {}
            Err(error) => tracing::warn!("cannot raise the limit of open files: {error}"),
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot make a runtime")?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> Result<()> {
        // Before `listening` is printed: whoever waits for that line may stop us right after.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut relay = self.relay()?;
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("cannot listen on {}", self.listen))?;
        let recording = if self.no_page && self.record.is_none() {
            tracing::warn!("nothing is recorded: there is neither --record nor a page");
            None
        } else {
            Some(Recording::begin(self.record.as_deref(), !self.no_page)?)
        };
        let page = match &recording {
            Some(recording) if !self.no_page => Some(Page::serve(self.page, recording)?),
            _ => None,
        };
        relay.recorder = recording.as_ref().map(Recording::recorder);
        let relay = Arc::new(relay);
        announce(listener.local_addr()?, relay.tls.is_some(), page.as_ref())
            .context("cannot write to stdout")?;

        let (stop, stopping) = watch::channel(false);
        let mut clients = JoinSet::new();
        let mut connections = 0_u64;
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                Some(_) = clients.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((_, client)) if clients.len() >= self.max_connections => {
                        tracing::warn!("{client} is turned away: there are {} connections", clients.len());
                    }
                    Ok((stream, client)) => {
                        connections += 1;
                        clients.spawn(Arc::clone(&relay).client(stream, client, stopping.clone()));
                    }
                    Err(error) => {
                        tracing::warn!("cannot accept a connection: {error}");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        let mut at_once = false;
        if !clients.is_empty() {
            tracing::info!(
                "connections may go on for {:?}; a second signal ends them at once",
                self.drain
            );
            tokio::select! {
                () = all(&mut clients) => {}
                () = sleep(self.drain) => {}
                _ = interrupt.recv() => at_once = true,
                _ = terminate.recv() => at_once = true,
            }
        }
        stop.send_replace(true);
        // They have to pass the end on, and record it.
        let _ = timeout(GOODBYE, all(&mut clients)).await;
        clients.shutdown().await;
        let (up, down) = (
            relay.counts.of(Direction::ToServer),
            relay.counts.of(Direction::ToClient),
        );
        drop(relay);
        let recorded = recording.map(Recording::finish);
        if let Some(page) = page.filter(|_| !at_once) {
            page.finish();
        }
        let plural = if connections == 1 { "" } else { "s" };
        let mut summary = format!(
            "{connections} connection{plural}, {up} bytes to the server, {down} bytes to clients"
        );
        if let (Some(path), Some(recorded)) = (&self.record, recorded) {
            summary += &format!("; {} packets in {}", recorded.packets, path.display());
        }
        // Nobody may be reading any more.
        let _ = writeln!(io::stdout(), "{summary}");
        Ok(())
    }

    fn relay(&self) -> Result<Relay> {
        let mut dialer = Dialer::new().handshake_timeout(self.connect_timeout);
        if let Some(path) = &self.ca {
            let pem = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let roots = TlsRoots::default()
                .with_pem(pem)
                .with_context(|| path.display().to_string())?;
            dialer = dialer.tls_roots(roots);
        }
        if self.insecure {
            dialer = dialer.dangerous_accept_any_certificate();
        }
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(TlsAcceptor::from_files(certificate, key)?.config().into())
            }
            _ => None,
        };
        Ok(Relay {
            target: self.to.clone(),
            keeps_host: self.keep_host,
            dialer,
            tls,
            timeout: self.connect_timeout,
            recorder: None,
            counts: Counts::default(),
        })
    }
}

impl Relay {
    /// Sees a connection through, from its first byte to its last.
    async fn client(
        self: Arc<Self>,
        stream: TcpStream,
        client: SocketAddr,
        mut stop: watch::Receiver<bool>,
    ) {
        if let Err(error) = self.serve(stream, client, &mut stop).await {
            tracing::warn!("{client}: {error:#}");
        }
    }

    async fn serve(
        &self,
        stream: TcpStream,
        client: SocketAddr,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<()> {
        let local = stream.local_addr()?;
        // It matters to nobody but those who wait.
        let _ = stream.set_nodelay(true);
        let stream = match &self.tls {
            None => Stream::Tcp(stream),
            Some(tls) => {
                let accepted = timeout(self.timeout, tls.accept(stream)).await;
                let accepted =
                    accepted.context("the client did not finish its TLS handshake in time")?;
                Stream::Tls(Box::new(
                    accepted.context("the TLS handshake with the client failed")?,
                ))
            }
        };
        let tape = match &self.recorder {
            Some(recorder) => {
                let comment = format!("relayed by sockeye proxy to {}", self.target.as_str());
                Some(recorder.open(client, local, comment).await)
            }
            None => None,
        };
        let stopped = async {
            // The sender outlives every connection.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let mut stopped = std::pin::pin!(stopped);
        let dialed = tokio::select! {
            dialed = self.dialer.connect(self.target.as_str()) => dialed,
            () = stopped.as_mut() => return Ok(()),
        };
        let dialed = match dialed {
            Ok(dialed) => dialed,
            Err(error) => {
                let sentence = format!(
                    "sockeye proxy has no connection to {}: {error}",
                    self.target.as_str()
                );
                relay::refuse(stream, &sentence, tape.as_ref()).await;
                return Err(error).context("answered with 502");
            }
        };
        let sides = [stream, dialed.transport.into()];
        let rewrite = self.target.rewrite(self.keeps_host);
        match relay(sides, rewrite, tape.as_ref(), &self.counts, stopped).await {
            End::Broken(Broken { by, error }) => {
                let side = if by == Direction::ToServer {
                    "client"
                } else {
                    "server"
                };
                tracing::info!("{client}: the {side} broke the connection off: {error}");
            }
            End::Finished => tracing::debug!("{client}: both sides have ended the connection"),
            End::Stopped => tracing::info!("{client}: ended, because sockeye proxy ends"),
        }
        Ok(())
    }
}

/// Waits for all connections.
async fn all(clients: &mut JoinSet<()>) {
    while clients.join_next().await.is_some() {}
}

/// Says where clients can connect and where the page is, for people and for scripts that wait for it.
fn announce(address: SocketAddr, is_tls: bool, page: Option<&Page>) -> io::Result<()> {
    let scheme = if is_tls { "wss" } else { "ws" };
    let mut out = io::stdout().lock();
    writeln!(out, "listening on {scheme}://{address}")?;
    if let Some(page) = page {
        writeln!(out, "page: {}", page.url())?;
        if !assets::are_there() {
            tracing::warn!("{}", live::MISSING);
        }
    }
    out.flush()
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    match text.parse()? {
        Address::Tcp(address) => Ok(address),
        _ => Err("only TCP connections can be recorded: write HOST:PORT".into()),
    }
}

fn page_address(text: &str) -> Result<SocketAddr, String> {
    let address = listen_address(text)?;
    if address.ip().to_canonical().is_loopback() {
        Ok(address)
    } else {
        Err(format!(
            "the page is for this machine only: write 127.0.0.1:{}, and use a tunnel such as `ssh -L` from elsewhere",
            address.port()
        ))
    }
}

/// What the process opens beside connections.
const OWN_DESCRIPTORS: u64 = 128;

/// Descriptors may have run out: they come back when connections end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long connections may take to end when they have to.
const GOODBYE: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Examples:
  sockeye proxy --to ws://localhost:8080                      clients connect to ws://127.0.0.1:9000 instead
  sockeye proxy --to wss://example.com/chat --record a.pcapng then `sockeye inspect a.pcapng --check`, or Wireshark
  sockeye proxy --to ws://localhost:8080 --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem
  sockeye proxy --to wss://localhost:8443 --ca ca.pem --no-page --record a.pcapng";
