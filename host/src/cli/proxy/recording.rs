//! What was relayed, as a capture that grows: one thread writes it.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use sockeye_inspect::{
    Direction, Timestamp,
    write::{Conversation, LinkType, Packet, PcapNgWriter, Section},
};
use tokio::sync::{Semaphore, mpsc, watch};

/// How far a recording is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Bytes of the file up to the end of the last whole block.
    pub(super) size: u64,
    pub(super) packets: u64,
    /// Nothing will be added.
    pub(super) done: bool,
}

/// A recording under way.
#[derive(Debug)]
pub(super) struct Recording {
    recorder: Recorder,
    progress: watch::Receiver<Progress>,
    /// For those who read it.
    file: Arc<File>,
    thread: JoinHandle<()>,
}

/// What connections tell about themselves; clones tell it to the same recording.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    events: mpsc::UnboundedSender<Event>,
    /// Bytes that may still be queued. Closed when the recording has ended before its time.
    room: Arc<Semaphore>,
    start: (SystemTime, Instant),
    connections: Arc<AtomicU64>,
}

/// A connection of a recording. When it is dropped, nothing more is told of it.
#[derive(Debug)]
pub(super) struct Tape {
    recorder: Recorder,
    number: u64,
}

#[derive(Debug)]
struct Event {
    connection: u64,
    time: Timestamp,
    what: What,
}

#[derive(Debug)]
enum What {
    Open {
        client: SocketAddr,
        server: SocketAddr,
        comment: String,
    },
    Bytes(Direction, Bytes, Option<String>),
    Finish(Direction),
    Reset(Direction),
    Gone,
}

impl Recording {
    /// Begins a recording: in this file, whose content it replaces and which only this user may read (messages may be secret), or in one
    /// without a name.
    pub(super) fn begin(path: Option<&Path>, needs_reading: bool) -> Result<Self> {
        let name = path.map_or_else(
            || "a temporary file".into(),
            |path| path.display().to_string(),
        );
        let file = match path {
            Some(path) => OpenOptions::new()
                .read(needs_reading)
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(path),
            None => tempfile::tempfile(),
        };
        let file = file.with_context(|| format!("cannot record to {name}"))?;
        if needs_reading && !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            bail!("{name} is no ordinary file, which the page could read: add --no-page");
        }
        let reader = file
            .try_clone()
            .with_context(|| format!("cannot read {name}"))?;
        let (events, queue) = mpsc::unbounded_channel();
        let (told, progress) = watch::channel(Progress::default());
        let room = Arc::new(Semaphore::new(ROOM));
        let recorder = Recorder {
            events,
            room: Arc::clone(&room),
            start: (SystemTime::now(), Instant::now()),
            connections: Arc::default(),
        };
        let path = path.map(Path::to_owned);
        let thread = thread::Builder::new()
            .name("recording".into())
            .spawn(move || record(file, path, queue, &room, &told))
            .context("cannot start a thread")?;
        Ok(Self {
            recorder,
            progress,
            file: Arc::new(reader),
            thread,
        })
    }

    pub(super) fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Completes the file, once every [`Recorder`] and [`Tape`] is gone.
    pub(super) fn finish(self) -> Progress {
        drop(self.recorder);
        // A panic there has been printed, and what is told was written before it.
        let _ = self.thread.join();
        *self.progress.borrow()
    }
}

impl Recorder {
    /// Tells of a connection between these addresses, with a comment on its first packet.
    pub(super) async fn open(
        &self,
        client: SocketAddr,
        server: SocketAddr,
        comment: String,
    ) -> Tape {
        let tape = Tape {
            recorder: self.clone(),
            number: self.connections.fetch_add(1, Ordering::Relaxed),
        };
        // A dual-stack socket calls IPv4 addresses ::ffff:a.b.c.d.
        let [client, server] = [client, server]
            .map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()));
        tape.tell(
            What::Open {
                client,
                server,
                comment,
            },
            0,
        )
        .await;
        tape
    }

    /// Now, on a clock that is never set back.
    fn now(&self) -> Timestamp {
        let (start, instant) = self.start;
        let time = start
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            + instant.elapsed();
        Timestamp::from_nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl Tape {
    /// Tells of bytes that were read, with a comment on their first packet. Waits while too much is queued.
    pub(super) async fn bytes(&self, direction: Direction, bytes: &[u8], comment: Option<String>) {
        if !self.recorder.room.is_closed() {
            let copy = Bytes::copy_from_slice(bytes);
            self.tell(What::Bytes(direction, copy, comment), bytes.len())
                .await;
        }
    }

    /// Tells that one direction has ended.
    pub(super) async fn finish(&self, direction: Direction) {
        self.tell(What::Finish(direction), 0).await;
    }

    /// Tells that who sends in this direction has broken the connection off.
    pub(super) async fn reset(&self, direction: Direction) {
        self.tell(What::Reset(direction), 0).await;
    }

    async fn tell(&self, what: What, len: usize) {
        let event = Event {
            connection: self.number,
            time: self.recorder.now(),
            what,
        };
        let cost = u32::try_from(len + EVENT_COST).unwrap_or(u32::MAX);
        // Closed: the recording has ended, which was said.
        if let Ok(permit) = self.recorder.room.acquire_many(cost).await {
            // Given back by the thread, when it has written it.
            permit.forget();
            if self.recorder.events.send(event).is_err() {
                self.recorder.room.close();
            }
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        let _ = self.recorder.events.send(Event {
            connection: self.number,
            time: Timestamp::UNKNOWN,
            what: What::Gone,
        });
    }
}

/// Writes events until there are no more, or until writing fails.
fn record(
    file: File,
    path: Option<PathBuf>,
    mut queue: mpsc::UnboundedReceiver<Event>,
    room: &Semaphore,
    told: &watch::Sender<Progress>,
) {
    let mut writer = Writer {
        file,
        blocks: Blocks::default(),
        size: 0,
        packets: 0,
    };
    if let Err(error) = writer.record(&mut queue, room, told) {
        let name = path.map_or_else(
            || "a temporary file".into(),
            |path| path.display().to_string(),
        );
        tracing::error!(
            "the recording in {name} ends here: {error}. Connections are relayed on without it"
        );
        // A part of a block is no good to anybody; a pipe cannot be cut.
        let _ = writer.file.set_len(writer.size);
    }
    room.close();
    told.send_modify(|progress| progress.done = true);
}

/// The file, which gets whole blocks only.
#[derive(Debug)]
struct Writer {
    file: File,
    blocks: Blocks,
    size: u64,
    packets: u64,
}

/// Blocks that are not in the file yet.
#[derive(Clone, Debug, Default)]
struct Blocks(Rc<RefCell<Vec<u8>>>);

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Writer {
    fn record(
        &mut self,
        queue: &mut mpsc::UnboundedReceiver<Event>,
        room: &Semaphore,
        told: &watch::Sender<Progress>,
    ) -> io::Result<()> {
        let section = Section {
            application: concat!("sockeye ", env!("CARGO_PKG_VERSION"), " proxy"),
            ..Section::default()
        };
        let mut out = PcapNgWriter::new(self.blocks.clone(), &section)?;
        let interface = out.interface(LinkType::default().number(), "sockeye proxy")?;
        let mut conversations: HashMap<u64, Conversation> = HashMap::new();
        loop {
            self.flush(told)?;
            let Some(mut event) = queue.blocking_recv() else {
                return Ok(());
            };
            // Writing now and then wakes this thread and the page less often than writing each frame.
            thread::sleep(GATHERING);
            let mut since = Instant::now();
            loop {
                let cost = event.cost();
                let comment = event.apply(&mut conversations, |packet, comment| {
                    self.packets += 1;
                    out.packet(interface, packet.time, &packet.data, comment)
                });
                comment?;
                room.add_permits(cost);
                if self.blocks.0.borrow().len() >= FLUSH_SIZE || since.elapsed() >= GATHERING {
                    self.flush(told)?;
                    since = Instant::now();
                }
                match queue.try_recv() {
                    Ok(next) => event = next,
                    Err(_) => break,
                }
            }
        }
    }

    fn flush(&mut self, told: &watch::Sender<Progress>) -> io::Result<()> {
        let mut blocks = self.blocks.0.borrow_mut();
        if blocks.is_empty() {
            return Ok(());
        }
        self.file.write_all(&blocks)?;
        self.size += blocks.len() as u64;
        blocks.clear();
        let (size, packets) = (self.size, self.packets);
        told.send_modify(|progress| (progress.size, progress.packets) = (size, packets));
        Ok(())
    }
}

impl Event {
    /// What it took of the queue's room.
    fn cost(&self) -> usize {
        match &self.what {
            What::Bytes(_, bytes, _) => EVENT_COST + bytes.len(),
            What::Gone => 0,
            _ => EVENT_COST,
        }
    }

    /// Makes packets of it, the first with a comment.
    fn apply(
        self,
        conversations: &mut HashMap<u64, Conversation>,
        mut write: impl FnMut(&Packet, Option<&str>) -> io::Result<()>,
    ) -> io::Result<()> {
        let (time, key) = (self.time, self.connection);
        if let What::Open { client, server, .. } = &self.what {
            conversations.insert(key, Conversation::new(*client, *server).with_mss(MSS));
        }
        let Some(conversation) = conversations.get_mut(&key) else {
            return Ok(());
        };
        let (packets, comment) = match self.what {
            What::Open { comment, .. } => (conversation.open(time), Some(comment)),
            What::Bytes(direction, bytes, comment) => {
                (conversation.send(direction, time, &bytes), comment)
            }
            What::Finish(direction) => (conversation.finish(direction, time), None),
            What::Reset(direction) => (vec![conversation.reset(direction, time)], None),
            What::Gone => {
                conversations.remove(&key);
                return Ok(());
            }
        };
        let mut comment = comment.as_deref();
        packets
            .iter()
            .try_for_each(|packet| write(packet, comment.take()))
    }
}

/// Bytes that may wait to be written, and what an event counts beside its bytes.
const ROOM: usize = 64 << 20;
const EVENT_COST: usize = 128;

/// Segments as long as an IP packet has room for: a chunk that was read stays in one piece.
const MSS: u16 = 65_000;

/// What is recorded is in the file, and told, after this time at the latest; and sooner when this much has been gathered.
const GATHERING: Duration = Duration::from_millis(20);
const FLUSH_SIZE: usize = 256 << 10;
