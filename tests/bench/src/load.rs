//! The load generator: a closed loop over many connections on one thread.
//!
//! It must cost much less than the servers do, so frames are made beforehand, and of the answers only the frame headers are looked
//! at: that they are whole messages of the right kind and, where the size is known, of the right size. One `send` and one `recv` for
//! each burst of messages is all the rest. Of large messages the payload is not even copied out of the kernel.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use nix::sys::socket::{MsgFlags, recv};

use crate::{
    answers::Answers,
    payload::{Case, Compression, Feed},
    peers,
    process::{Server, own_cpu},
};

/// What is sent, and on how many connections.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The messages.
    pub case: Case,
    /// How many connections.
    pub connections: usize,
    /// How many messages each connection sends at once. Once all are answered, it sends as many again.
    pub in_flight: usize,
    /// What is agreed on in the handshake. Only messages of JSON are compressed.
    pub compression: Compression,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Messages answered.
    pub messages: u64,
    /// Connections that broke, and answers that were not what was sent.
    pub errors: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// The server's processor time.
    pub server: Duration,
    /// The load generator's processor time.
    pub own: Duration,
}

impl Outcome {
    /// Messages per second.
    pub fn rate(&self) -> f64 {
        self.messages as f64 / self.elapsed.as_secs_f64()
    }

    /// The server's processor time per message in microseconds.
    pub fn microseconds(&self) -> f64 {
        self.server.as_secs_f64() * 1e6 / self.messages.max(1) as f64
    }

    /// Which part of the time the load generator was at work.
    pub fn own_share(&self) -> f64 {
        self.own.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}

/// The request of an opening handshake.
pub fn request(host: &str, compression: Compression) -> String {
    let extensions = peers::offer(compression).map_or_else(String::new, |offer| {
        format!("Sec-WebSocket-Extensions: {offer}\r\n")
    });
    format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extensions}\r\n"
    )
}

/// Connections of a load, open and idle.
pub struct Connections {
    load: Load,
    /// What the connections send, in turn.
    bursts: Vec<Vec<u8>>,
    /// The header that begins every answer, when it is known.
    expected: Option<u64>,
    poll: Poll,
    connections: Vec<Connection>,
    buffer: Box<[u8]>,
}

struct Connection {
    stream: TcpStream,
    /// Which burst is being sent.
    burst: usize,
    /// How much of the burst has been sent.
    sent: usize,
    /// Messages of the burst that are not answered yet.
    outstanding: usize,
    answers: Answers,
    is_broken: bool,
}

impl Connections {
    /// Opens the connections; without a handshake for a server that only returns bytes.
    pub fn open(address: SocketAddr, load: Load, handshake: bool) -> io::Result<Self> {
        let poll = Poll::new()?;
        // More than a window's worth, so that with context takeover no message is a repetition. What is not compressed can be the same
        // every time, which spares the caches of the load generator.
        let bursts = if load.compression == Compression::None {
            1
        } else {
            64
        };
        let bursts: Vec<Vec<u8>> = (0..bursts)
            .map(|seed| Feed::burst(load.case, load.in_flight, seed))
            .collect();
        let connections = (0..load.connections).map(|index| {
            let stream = shake_hands(address, load.compression, handshake)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(&mut stream, Token(index), interest)?;
            Ok(Connection {
                stream,
                burst: index % bursts.len(),
                sent: 0,
                outstanding: 0,
                answers: Answers::default(),
                is_broken: false,
            })
        });
        let connections = connections.collect::<io::Result<Vec<_>>>()?;
        let expected = (!load.case.kind.is_deflated()).then_some(load.case.size as u64);
        Ok(Self {
            load,
            bursts,
            expected,
            poll,
            connections,
            // As long as the longest message: how much of it is skipped at once.
            buffer: vec![0; 1 << 20].into(),
        })
    }

    /// Keeps every connection busy for `warm_up`, then for `duration`, of which it returns the outcome.
    pub fn run(
        &mut self,
        warm_up: Duration,
        duration: Duration,
        server: &Server,
    ) -> io::Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut events = Events::with_capacity(1_024);
        for index in 0..self.connections.len() {
            self.begin(index, &mut outcome);
        }
        let mut start = Instant::now();
        let (mut server_start, mut own_start) = (server.cpu(), own_cpu());
        let mut is_warm = false;
        loop {
            self.poll
                .poll(&mut events, Some(Duration::from_millis(50)))?;
            for event in &events {
                self.turn(event.token().0, &mut outcome);
            }
            let elapsed = start.elapsed();
            if !is_warm && elapsed >= warm_up {
                is_warm = true;
                outcome.messages = 0;
                (server_start, own_start) = (server.cpu(), own_cpu());
                start = Instant::now();
            } else if is_warm && elapsed >= duration {
                outcome.elapsed = elapsed;
                outcome.server = server.cpu().saturating_sub(server_start);
                outcome.own = own_cpu().saturating_sub(own_start);
                return Ok(outcome);
            }
            if outcome.errors > 0
                && self
                    .connections
                    .iter()
                    .all(|connection| connection.is_broken)
            {
                return Err(io::Error::other("every connection broke"));
            }
        }
    }

    /// Sends one burst on each connection and waits for the answers.
    pub fn run_once(&mut self, timeout: Duration) -> io::Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut events = Events::with_capacity(1_024);
        let start = Instant::now();
        // In groups, lest the backlog of answers overflow anything.
        for first in (0..self.connections.len()).step_by(256) {
            let group = first..self.connections.len().min(first + 256);
            for index in group.clone() {
                self.connections[index].outstanding = self.load.in_flight;
                self.connections[index].sent = 0;
                self.push(index, &mut outcome);
            }
            while self.connections[group.clone()]
                .iter()
                .any(|c| c.outstanding > 0 && !c.is_broken)
            {
                if start.elapsed() > timeout {
                    return Err(io::Error::other("the server does not answer"));
                }
                self.poll
                    .poll(&mut events, Some(Duration::from_millis(50)))?;
                for event in &events {
                    self.pull(event.token().0, &mut outcome);
                    self.push(event.token().0, &mut outcome);
                }
            }
        }
        outcome.elapsed = start.elapsed();
        Ok(outcome)
    }

    fn begin(&mut self, index: usize, outcome: &mut Outcome) {
        let connection = &mut self.connections[index];
        // A run that ended in the middle left answers to wait for.
        if connection.outstanding == 0 && !connection.is_broken {
            connection.outstanding = self.load.in_flight;
            connection.sent = 0;
            connection.burst = (connection.burst + 1) % self.bursts.len();
            self.push(index, outcome);
        }
    }

    fn turn(&mut self, index: usize, outcome: &mut Outcome) {
        self.pull(index, outcome);
        if self.connections[index].outstanding == 0 {
            self.begin(index, outcome);
        } else {
            self.push(index, outcome);
        }
    }

    /// Sends what is left of the burst, as far as the socket takes it.
    fn push(&mut self, index: usize, outcome: &mut Outcome) {
        let connection = &mut self.connections[index];
        let burst = &self.bursts[connection.burst];
        while connection.sent < burst.len() && !connection.is_broken {
            match connection.stream.write(&burst[connection.sent..]) {
                Ok(len) => connection.sent += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => connection.fail(outcome),
            }
        }
    }

    /// Counts the answers that have come.
    fn pull(&mut self, index: usize, outcome: &mut Outcome) {
        let connection = &mut self.connections[index];
        // Of large messages only the header is read; a small one is there in one go.
        let is_large = self.load.case.size >= LARGE && self.expected.is_some();
        let head = if is_large { HEAD } else { self.buffer.len() };
        while !connection.is_broken {
            let rest = connection.answers.rest();
            let (asked, read) = if is_large && rest > 0 {
                let asked = rest.min(self.buffer.len());
                (asked, skip(&connection.stream, &mut self.buffer[..asked]))
            } else {
                (head, connection.stream.read(&mut self.buffer[..head]))
            };
            match read {
                Ok(0) => connection.fail(outcome),
                Ok(len) => {
                    let (messages, wrong) = if is_large && rest > 0 {
                        (connection.answers.skip(len), 0)
                    } else {
                        connection.answers.count(&self.buffer[..len], self.expected)
                    };
                    outcome.messages += messages;
                    outcome.errors += wrong;
                    connection.outstanding =
                        connection.outstanding.saturating_sub(messages as usize);
                    // With edge-triggered epoll a short read says that the socket is empty: no need to ask again. Nor is there more to
                    // come than has been asked for.
                    if len < asked || connection.outstanding == 0 {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => connection.fail(outcome),
            }
        }
    }
}

/// From this size on, the payloads of answers are skipped. A copy of less costs no more than the second call.
const LARGE: usize = 8_192;
/// Enough for the header of an answer.
const HEAD: usize = 64;

/// Takes as many bytes as `buffer` is long off a socket without copying them anywhere: what Linux makes of `MSG_TRUNC` for TCP.
fn skip(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(recv(stream.as_raw_fd(), buffer, MsgFlags::MSG_TRUNC)?)
}

impl Connection {
    fn fail(&mut self, outcome: &mut Outcome) {
        self.is_broken = true;
        outcome.errors += 1;
    }
}

/// Connects and shakes hands, waiting for each step: the stream blocks, for at most ten seconds.
pub fn shake_hands(
    address: SocketAddr,
    compression: Compression,
    handshake: bool,
) -> io::Result<std::net::TcpStream> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let limit = Some(Duration::from_secs(10));
    stream.set_read_timeout(limit)?;
    stream.set_write_timeout(limit)?;
    if handshake {
        stream.write_all(request(&address.to_string(), compression).as_bytes())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            // A server sends nothing after its head before it is sent something.
            let mut bytes = [0; 1_024];
            let len = stream.read(&mut bytes)?;
            head.extend_from_slice(&bytes[..len]);
            if len == 0 {
                break;
            }
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let is_agreed = match compression {
            Compression::None => !head.contains("permessage-deflate"),
            Compression::NoContextTakeover => head.contains("server_no_context_takeover"),
            Compression::ContextTakeover => {
                head.contains("permessage-deflate") && !head.contains("no_context_takeover")
            }
        };
        if !head.starts_with("http/1.1 101") || !is_agreed {
            return Err(io::Error::other(format!(
                "the handshake went otherwise than asked for: {head}"
            )));
        }
    }
    Ok(stream)
}
