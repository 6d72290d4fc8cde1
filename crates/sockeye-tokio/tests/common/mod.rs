//! Pairs of connections, raw peers, and byte streams that misbehave in ways that can be repeated.
#![allow(dead_code, reason = "each target uses its part")]

use std::{
    collections::VecDeque,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use sockeye_tokio::{
    Agreement, ByteStream, Config, Conn, DeflateParameters, Parts, Role, Transport,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

/// A connection on this stream, as after a handshake that agreed on nothing.
pub fn conn(stream: impl ByteStream, role: Role) -> Conn {
    conn_with(stream, role, Config::new(role), Agreement::default())
}

pub fn conn_with(
    stream: impl ByteStream,
    role: Role,
    config: Config,
    agreement: Agreement,
) -> Conn {
    Conn::from_parts(Parts {
        transport: Transport::new(stream),
        role,
        agreement,
        unread: Vec::new(),
        config,
    })
}

/// A client and a server with plenty of room between them.
pub fn pair() -> (Conn, Conn) {
    pair_with(|_| {}, Agreement::default())
}

/// The same with these settings on both sides.
pub fn pair_with(change: impl Fn(&mut Config), agreement: Agreement) -> (Conn, Conn) {
    let (a, b) = tokio::io::duplex(1 << 20);
    let mut configs = [Config::new(Role::Client), Config::new(Role::Server)];
    configs.iter_mut().for_each(&change);
    let [client, server] = configs;
    (
        conn_with(a, Role::Client, client, agreement.clone()),
        conn_with(b, Role::Server, server, agreement),
    )
}

/// permessage-deflate with windows that last from message to message.
pub fn deflated() -> Agreement {
    let mut agreement = Agreement::default();
    agreement.deflate = Some(DeflateParameters::default());
    agreement
}

/// A server and the bytes of its client.
pub fn server() -> (Conn, DuplexStream) {
    server_with(|_| {})
}

pub fn server_with(change: impl FnOnce(&mut Config)) -> (Conn, DuplexStream) {
    let (a, b) = tokio::io::duplex(1 << 20);
    let mut config = Config::new(Role::Server);
    change(&mut config);
    (conn_with(a, Role::Server, config, Agreement::default()), b)
}

/// A client and the bytes of its server.
pub fn client() -> (Conn, DuplexStream) {
    let (a, b) = tokio::io::duplex(1 << 20);
    (conn(a, Role::Client), b)
}

/// A frame as a client sends it. `first` is the first byte of its header.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = header(first, payload.len(), 0x80);
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
    frame
}

/// A frame as a server sends it. `first` is the first byte of its header.
pub fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, payload.len(), 0);
    frame.extend(payload);
    frame
}

fn header(first: u8, len: usize, mask: u8) -> Vec<u8> {
    let mut header = vec![first];
    match len {
        0..126 => header.push(mask | len as u8),
        126..65_536 => {
            header.push(mask | 126);
            header.extend((len as u16).to_be_bytes());
        }
        _ => {
            header.push(mask | 127);
            header.extend((len as u64).to_be_bytes());
        }
    }
    header
}

/// One frame off the wire: the first byte of its header, its masking key, and its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub first: u8,
    pub key: Option<[u8; 4]>,
    pub payload: Vec<u8>,
}

/// Reads a frame; `None` at the end of the stream.
pub async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.ok()?;
    let len = match head[1] & 0x7F {
        126 => u64::from(stream.read_u16().await.ok()?),
        127 => stream.read_u64().await.ok()?,
        len => u64::from(len),
    };
    let mut key = [0; 4];
    let is_masked = head[1] & 0x80 != 0;
    if is_masked {
        stream.read_exact(&mut key).await.ok()?;
    }
    let mut payload = vec![0; len as usize];
    stream.read_exact(&mut payload).await.ok()?;
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
    Some(Frame {
        first: head[0],
        key: is_masked.then_some(key),
        payload,
    })
}

/// Reads a frame and returns its first byte and payload.
pub async fn next_frame(stream: &mut (impl AsyncRead + Unpin)) -> (u8, Vec<u8>) {
    let frame = read_frame(stream).await.expect("a frame comes");
    (frame.first, frame.payload)
}

pub async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) {
    stream.write_all(bytes).await.expect("there is room");
}

/// How a [`Wire`] treats its user.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// Most bytes that a read or a write takes.
    pub chunk: usize,
    /// Whether each read, write and flush first makes the task wait once.
    pub stutters: bool,
}

/// One direction of a [`Wire`].
#[derive(Debug, Default)]
struct Lane {
    bytes: VecDeque<u8>,
    capacity: usize,
    ended: bool,
    broken: bool,
    // As in a socket, the last to ask is the one to be woken.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// One end of a byte stream in memory whose every step can be repeated.
#[derive(Debug)]
pub struct Wire {
    incoming: Arc<Mutex<Lane>>,
    outgoing: Arc<Mutex<Lane>>,
    manners: Manners,
    may_read: bool,
    may_write: bool,
    /// Whether a read first writes, with the waker of the reader, as TLS may.
    writes_to_read: bool,
    writes: Arc<AtomicUsize>,
}

/// Two ends with room for `capacity` bytes in each direction.
pub fn wire(capacity: usize, manners: Manners) -> (Wire, Wire) {
    let lane = || {
        Arc::new(Mutex::new(Lane {
            capacity,
            ..Lane::default()
        }))
    };
    let (a, b) = (lane(), lane());
    let end = |incoming: &Arc<Mutex<Lane>>, outgoing: &Arc<Mutex<Lane>>| Wire {
        incoming: Arc::clone(incoming),
        outgoing: Arc::clone(outgoing),
        manners,
        may_read: false,
        may_write: false,
        writes_to_read: false,
        writes: Arc::default(),
    };
    (end(&a, &b), end(&b, &a))
}

/// No manners worth mentioning.
pub const FAIR: Manners = Manners {
    chunk: usize::MAX,
    stutters: false,
};

impl Wire {
    /// Counts the writes from now on.
    pub fn writes(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.writes)
    }

    pub fn writing_to_read(mut self) -> Self {
        self.writes_to_read = true;
        self
    }

    /// A hand on the stream, for what happens to it from outside.
    pub fn remote(&self) -> Remote {
        Remote(Arc::clone(&self.incoming), Arc::clone(&self.outgoing))
    }

    /// What has come, without waiting.
    pub fn take(&mut self) -> Vec<u8> {
        let mut lane = lock(&self.incoming);
        let bytes = lane.bytes.drain(..).collect();
        wake(&mut lane.writer);
        bytes
    }

    /// Has the other end read these bytes.
    pub fn put(&mut self, bytes: &[u8]) {
        let mut lane = lock(&self.outgoing);
        lane.bytes.extend(bytes);
        wake(&mut lane.reader);
    }

    /// How many bytes the other end has not read.
    pub fn pending_reads(&self) -> usize {
        lock(&self.outgoing).bytes.len()
    }

    /// Whether the other end has ended its side or is gone.
    pub fn is_ended(&self) -> bool {
        lock(&self.incoming).ended
    }
}

/// Changes a [`Wire`] from outside.
#[derive(Clone, Debug)]
pub struct Remote(Arc<Mutex<Lane>>, Arc<Mutex<Lane>>);

impl Remote {
    /// Resets the stream: reads and writes of both ends fail from now on.
    pub fn reset(&self) {
        for lane in [&self.0, &self.1] {
            let mut lane = lock(lane);
            lane.broken = true;
            lane.bytes.clear();
            wake(&mut lane.reader);
            wake(&mut lane.writer);
        }
    }

    /// Fails the writes of the end that this hand is of, but not its reads.
    pub fn break_writes(&self) {
        let mut lane = lock(&self.1);
        lane.broken = true;
        wake(&mut lane.writer);
    }

    /// How many bytes may lie in each direction from now on.
    pub fn set_capacity(&self, capacity: usize) {
        for lane in [&self.0, &self.1] {
            let mut lane = lock(lane);
            lane.capacity = capacity;
            wake(&mut lane.writer);
        }
    }
}

fn lock(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    lane.lock().expect("no test panics under the lock")
}

fn wake(slot: &mut Option<Waker>) {
    if let Some(waker) = slot.take() {
        waker.wake();
    }
}

/// Whether the task has to wait this time.
fn stutter(manners: Manners, turn: &mut bool, cx: &Context<'_>) -> bool {
    *turn = !*turn;
    if manners.stutters && *turn {
        cx.waker().wake_by_ref();
        return true;
    }
    false
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.writes_to_read {
            lock(&this.outgoing).writer = Some(cx.waker().clone());
        }
        if stutter(this.manners, &mut this.may_read, cx) {
            return Poll::Pending;
        }
        let mut lane = lock(&this.incoming);
        if lane.broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if lane.bytes.is_empty() {
            if lane.ended {
                return Poll::Ready(Ok(()));
            }
            lane.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = lane.bytes.len().min(this.manners.chunk);
        let count = count.min(buffer.remaining());
        for byte in lane.bytes.drain(..count) {
            buffer.put_slice(&[byte]);
        }
        wake(&mut lane.writer);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if stutter(this.manners, &mut this.may_write, cx) {
            return Poll::Pending;
        }
        let mut lane = lock(&this.outgoing);
        if lane.broken || lane.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = lane.capacity.saturating_sub(lane.bytes.len());
        if room == 0 {
            lane.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        this.writes.fetch_add(1, Ordering::Relaxed);
        let count = bytes.len().min(room).min(this.manners.chunk);
        lane.bytes.extend(&bytes[..count]);
        wake(&mut lane.reader);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if stutter(this.manners, &mut this.may_write, cx) {
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut lane = lock(&self.outgoing);
        lane.ended = true;
        wake(&mut lane.reader);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for lane in [&self.incoming, &self.outgoing] {
            let mut lane = lock(lane);
            lane.ended = true;
            wake(&mut lane.reader);
            wake(&mut lane.writer);
        }
    }
}

/// A waker that counts how often it was woken.
#[derive(Debug, Default)]
pub struct Count(AtomicUsize);

impl Count {
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls once, without anybody to wake.
pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls `future` up to `polls` times and drops it unless it is done: what cancelling does.
pub fn poll_times<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return Some(output);
        }
    }
    None
}

/// Lets every other task of a current-thread runtime run until all wait.
pub async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
