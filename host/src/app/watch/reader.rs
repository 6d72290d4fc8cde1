//! The thread that reads the file for all clients.

use std::{
    collections::{BTreeMap, VecDeque},
    fs, io,
    path::PathBuf,
    sync::mpsc,
    time::Duration,
};

use sockeye_host::{Message, Sender};

use super::{
    Start,
    file::{Fate, Generation},
};
use crate::app::{close_frame, lines};

/// Follows the name through renaming, deletion, creation and truncation, and each client through the file at its own pace.
///
/// It looks at the name and the length every 100 ms rather than waiting for inotify: that sees every change of what the name means, also
/// through links, on network and overlay file systems and past the limits on watches, for two system calls each time; while nobody
/// is connected, for none.
pub(super) struct Reader {
    path: PathBuf,
    start: Start,
    /// Longer lines are sent in pieces.
    limit: usize,
    /// What had the name, the oldest that a client still reads first; the last one has it now.
    generations: VecDeque<Generation>,
    /// The number of the first of them.
    first: u64,
    clients: BTreeMap<u64, Client>,
    chunk: Chunk,
    /// No file has the name.
    missing: bool,
    /// The file cannot be looked at, and that has been said.
    warned: bool,
}

/// What the reader is told of connections.
pub(super) enum Notice {
    Joined(u64, Sender),
    Left(u64),
}

/// How far a client is. It holds no lines: a slow one stays behind in the file.
struct Client {
    sender: Sender,
    generation: u64,
    offset: u64,
    /// Up to here there is no complete line behind `offset`.
    examined: u64,
}

/// What was read last: mostly, all clients want the same.
#[derive(Default)]
struct Chunk {
    place: Option<(u64, u64, u64)>,
    bytes: Vec<u8>,
}

/// How a client fared.
#[derive(PartialEq, Eq)]
enum Outcome {
    /// It has everything there is.
    Idle,
    /// It has been sent some, and there may be more.
    Sent,
    /// It has to take what it has been sent first.
    Full,
    /// It will get nothing more.
    Gone,
}

impl Reader {
    pub(super) fn new(path: PathBuf, start: Start, message_size: usize) -> Self {
        Self {
            path,
            start,
            limit: message_size.clamp(lines::MIN_LIMIT, MAX_LINE),
            generations: VecDeque::new(),
            first: 0,
            clients: BTreeMap::new(),
            chunk: Chunk::default(),
            missing: false,
            warned: false,
        }
    }

    /// Serves clients until nobody can send notices any more.
    pub(super) fn run(mut self, notices: &mpsc::Receiver<Notice>) {
        let mut pause = Duration::ZERO;
        loop {
            let notice = if self.clients.is_empty() {
                // The file is not looked at meanwhile: whoever comes next finds it as it is then.
                self.generations.clear();
                self.chunk = Chunk::default();
                notices
                    .recv()
                    .map_err(|_| mpsc::RecvTimeoutError::Disconnected)
            } else {
                notices.recv_timeout(pause)
            };
            match notice {
                Ok(notice) => {
                    self.look();
                    self.hear(notice);
                    while let Ok(notice) = notices.try_recv() {
                        self.hear(notice);
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.look(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            pause = self.serve();
        }
    }

    fn hear(&mut self, notice: Notice) {
        match notice {
            Notice::Left(id) => {
                self.clients.remove(&id);
            }
            Notice::Joined(id, sender) => {
                // A file that has been deleted is followed by those who knew it.
                let start = if self.missing {
                    Start::Last(0)
                } else {
                    self.start
                };
                let start = match self.generations.back() {
                    Some(generation) => generation.start(start),
                    None => Ok(0),
                };
                let offset = start.unwrap_or_else(|error| {
                    self.warn(&error);
                    0
                });
                let client = Client {
                    sender,
                    generation: self.current(),
                    offset,
                    examined: offset,
                };
                self.clients.insert(id, client);
            }
        }
    }

    /// The number of the file that has the name, or that will be the next to have it.
    fn current(&self) -> u64 {
        self.first + (self.generations.len() as u64).saturating_sub(1)
    }

    /// Looks what has become of the file.
    fn look(&mut self) {
        let outcome = self.try_look();
        self.missing = matches!(&outcome, Err(error) if error.kind() == io::ErrorKind::NotFound);
        match outcome {
            Ok(()) => self.warned = false,
            // What was open is followed until another has the name.
            Err(_) if self.missing => {}
            Err(error) => self.warn(&error),
        }
    }

    fn try_look(&mut self) -> io::Result<()> {
        // The name first: what was written before it changed hands is in the old file then.
        let named = fs::metadata(&self.path);
        let next = match self.generations.back_mut() {
            Some(current) => current.look()?,
            None => None,
        };
        self.generations.extend(next);
        let named = named?;
        if self
            .generations
            .back()
            .is_some_and(|current| current.is(&named))
        {
            return Ok(());
        }
        let next = Generation::open(&self.path)?;
        if let Some(current) = self.generations.back_mut() {
            current.fate = Fate::Replaced;
        }
        self.generations.push_back(next);
        Ok(())
    }

    /// Sends to each client what there is. Returns how long to wait before the next time.
    fn serve(&mut self) -> Duration {
        let mut pause = POLL;
        let mut clients = std::mem::take(&mut self.clients);
        clients.retain(|&id, client| {
            let outcome = self.advance(client).unwrap_or_else(|error| {
                self.warn(&error);
                Outcome::Idle
            });
            match outcome {
                Outcome::Idle => {}
                Outcome::Full => pause = pause.min(POLL_FULL),
                Outcome::Sent => pause = Duration::ZERO,
                Outcome::Gone => tracing::debug!(connection = id, "gets no more lines"),
            }
            outcome != Outcome::Gone
        });
        self.clients = clients;
        let oldest = self.clients.values().map(|client| client.generation).min();
        let oldest = oldest
            .unwrap_or(u64::MAX)
            .max(self.current().saturating_sub(MAX_BEHIND));
        while self.generations.len() > 1 && self.first < oldest {
            self.generations.pop_front();
            self.first += 1;
        }
        pause
    }

    fn advance(&mut self, client: &mut Client) -> io::Result<Outcome> {
        if client.sender.waiting() > WAITING {
            return Ok(Outcome::Full);
        }
        let Some(index) = client.generation.checked_sub(self.first) else {
            let reason = "too slow: the file has been replaced several times";
            client.sender.abandon(Some(close_frame(1008, reason)));
            return Ok(Outcome::Gone);
        };
        let Some(generation) = self.generations.get(index as usize) else {
            return Ok(Outcome::Idle);
        };
        let is_complete = generation.length <= client.offset;
        if generation.fate == Fate::Truncated || (generation.fate == Fate::Replaced && is_complete)
        {
            client.generation += 1;
            client.offset = 0;
            client.examined = 0;
            return Ok(Outcome::Sent);
        }
        if generation.fate == Fate::Current && generation.length <= client.examined {
            return Ok(Outcome::Idle);
        }
        let place = (client.generation, client.offset, generation.length);
        if self.chunk.place != Some(place) {
            self.chunk.place = None;
            generation.read(
                client.offset,
                &mut self.chunk.bytes,
                READ.max(self.limit + 2),
            )?;
            self.chunk.place = Some(place);
        }
        let chunk = &self.chunk.bytes;
        let ends = client.offset + chunk.len() as u64 >= generation.length;
        let is_last = ends && generation.fate == Fate::Replaced;
        let mut taken = 0;
        for _ in 0..LINES {
            let rest = &chunk[taken..];
            let window = &rest[..rest.len().min(self.limit + 2)];
            let (line, next) = match window.iter().position(|&byte| byte == b'\n') {
                Some(end) => (lines::without_return(&window[..end]), end + 1),
                None if window.len() == self.limit + 2 => {
                    let cut = lines::cut(window, self.limit);
                    (&window[..cut], cut)
                }
                None if is_last && !rest.is_empty() => (rest, rest.len()),
                None => break,
            };
            if !client.sender.send(Message::text(lines::text(line))) {
                return Ok(Outcome::Gone);
            }
            taken += next;
        }
        client.offset += taken as u64;
        client.examined = client.offset;
        if taken > 0 {
            return Ok(Outcome::Sent);
        }
        if ends {
            client.examined = generation.length;
        }
        // A file that is shorter than it was said to be will be looked at again.
        Ok(Outcome::Idle)
    }

    fn warn(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!("cannot read {}: {error}", self.path.display());
        }
    }
}

/// How often the file is looked at, and how often while somebody has to take lines first.
const POLL: Duration = Duration::from_millis(100);
const POLL_FULL: Duration = Duration::from_millis(5);

/// Bytes that may wait for a client before it is sent more.
const WAITING: usize = 1 << 18;

/// Bytes read at once, unless a line may be longer.
const READ: usize = 64 << 10;

/// Lines sent to a client before others have a turn.
const LINES: usize = 4096;

/// Longest line that is sent in one message.
const MAX_LINE: usize = 1 << 20;

/// How many files a client may be behind: each is kept open for it, and on disk.
const MAX_BEHIND: u64 = 8;
