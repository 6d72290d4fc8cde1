//! The load generator: a closed loop over many connections on one thread.
//!
//! It must cost much less than the servers do, so frames are made beforehand, and of the answers only the frame headers are looked
//! at: that they are whole messages of the right kind and, where the size is known, of the right size. One `send` and one `recv` for
//! each burst of messages is all the rest.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};

use crate::{
    payload::{Case, Feed},
    peers::DEFLATE_OFFER,
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
pub fn request(host: &str, deflate: bool) -> String {
    let extensions = if deflate {
        format!("Sec-WebSocket-Extensions: {DEFLATE_OFFER}\r\n")
    } else {
        String::new()
    };
    format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extensions}\r\n"
    )
}

/// Connections of a load, open and idle.
pub struct Connections {
    load: Load,
    burst: Vec<u8>,
    /// The header that begins every answer, when it is known.
    expected: Option<u64>,
    poll: Poll,
    connections: Vec<Connection>,
    buffer: Box<[u8]>,
}

struct Connection {
    stream: TcpStream,
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
        let connections = (0..load.connections).map(|index| {
            let mut stream = connect(address, load.case.kind.is_deflated(), handshake)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(&mut stream, Token(index), interest)?;
            Ok(Connection {
                stream,
                sent: 0,
                outstanding: 0,
                answers: Answers::default(),
                is_broken: false,
            })
        });
        let connections = connections.collect::<io::Result<Vec<_>>>()?;
        let expected = (!load.case.kind.is_deflated()).then_some(load.case.size as u64);
        let burst = Feed::burst(load.case, load.in_flight);
        Ok(Self {
            load,
            burst,
            expected,
            poll,
            connections,
            buffer: vec![0; 262_144].into(),
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
        while connection.sent < self.burst.len() && !connection.is_broken {
            match connection.stream.write(&self.burst[connection.sent..]) {
                Ok(len) => connection.sent += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => connection.fail(outcome),
            }
        }
    }

    /// Counts the answers that have come.
    fn pull(&mut self, index: usize, outcome: &mut Outcome) {
        let connection = &mut self.connections[index];
        while !connection.is_broken {
            match connection.stream.read(&mut self.buffer) {
                Ok(0) => connection.fail(outcome),
                Ok(len) => {
                    let (messages, wrong) =
                        connection.answers.count(&self.buffer[..len], self.expected);
                    outcome.messages += messages;
                    outcome.errors += wrong;
                    connection.outstanding =
                        connection.outstanding.saturating_sub(messages as usize);
                    // With edge-triggered epoll a short read says that the socket is empty: no need to ask again.
                    if len < self.buffer.len() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => connection.fail(outcome),
            }
        }
    }
}

impl Connection {
    fn fail(&mut self, outcome: &mut Outcome) {
        self.is_broken = true;
        outcome.errors += 1;
    }
}

/// Connects and shakes hands, waiting for each step.
fn connect(address: SocketAddr, deflate: bool, handshake: bool) -> io::Result<TcpStream> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    if handshake {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(request(&address.to_string(), deflate).as_bytes())?;
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
        if !head.starts_with("http/1.1 101") || deflate && !head.contains("permessage-deflate") {
            return Err(io::Error::other(format!(
                "the handshake was refused: {head}"
            )));
        }
    }
    stream.set_nonblocking(true)?;
    Ok(TcpStream::from_std(stream))
}

/// Counts frames in a byte stream that is cut anywhere.
#[derive(Default)]
struct Answers {
    /// Bytes of the payload under way that are still to come.
    rest: u64,
    /// Whether that payload is a Ping's, which a server may send at any time.
    is_ping: bool,
    header: [u8; 14],
    /// How much of the header has come.
    len: usize,
}

impl Answers {
    /// Returns how many messages ended in `bytes`, and how many headers were wrong.
    fn count(&mut self, mut bytes: &[u8], expected: Option<u64>) -> (u64, u64) {
        let (mut messages, mut wrong) = (0, 0);
        while !bytes.is_empty() {
            if self.rest == 0 {
                let Some((len, mask)) = self.take_header(&mut bytes) else {
                    break;
                };
                self.rest = len + mask;
                self.is_ping = self.header[0] == 0x89;
                // FIN, and text or binary; RSV1 says that the answer is compressed.
                let is_data = matches!(self.header[0] & !0x40, 0x81 | 0x82);
                let is_right = is_data && expected.is_none_or(|expected| expected == len);
                wrong += u64::from(!is_right && !self.is_ping);
            }
            let here = self.rest.min(bytes.len() as u64);
            bytes = &bytes[here as usize..];
            self.rest -= here;
            messages += u64::from(self.rest == 0 && !self.is_ping);
        }
        (messages, wrong)
    }

    /// The length of the payload and of the masking key: the echo of raw bytes is still masked.
    fn take_header(&mut self, bytes: &mut &[u8]) -> Option<(u64, u64)> {
        loop {
            let (&byte, rest) = bytes.split_first()?;
            *bytes = rest;
            self.header[self.len] = byte;
            self.len += 1;
            let extended = match self.header[1] & 0x7F {
                _ if self.len < 2 => continue,
                126 => 2,
                127 => 8,
                _ => 0,
            };
            if self.len < 2 + extended {
                continue;
            }
            self.len = 0;
            let number = self.header[2..2 + extended]
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte));
            let len = if extended == 0 {
                u64::from(self.header[1] & 0x7F)
            } else {
                number
            };
            return Some((len, if self.header[1] & 0x80 != 0 { 4 } else { 0 }));
        }
    }
}
