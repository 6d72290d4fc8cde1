//! Where inflation can begin in the middle of a connection.

use std::collections::{HashMap, HashSet};

use super::StreamId;
use crate::inflate::{Checkpoint, Inflater};

/// States of the inflaters before messages, for each stream in the order of frames.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    streams: HashMap<StreamId, Vec<(u32, Checkpoint)>>,
    /// Streams that refer to earlier messages against what was agreed.
    kept: HashSet<StreamId>,
    memory: usize,
}

impl Checkpoints {
    /// Remembers that a stream refers to earlier messages although it was agreed that it does not.
    pub(crate) fn keep(&mut self, stream: StreamId) {
        self.kept.insert(stream);
    }

    /// Whether it does.
    pub(crate) fn is_kept(&self, stream: StreamId) -> bool {
        self.kept.contains(&stream)
    }

    /// Keeps the state before the message that begins with this frame.
    pub(crate) fn push(&mut self, stream: StreamId, frame: u32, checkpoint: Checkpoint) {
        self.memory += checkpoint.memory() + size_of::<(u32, Checkpoint)>();
        self.streams
            .entry(stream)
            .or_default()
            .push((frame, checkpoint));
    }

    /// An inflater in the state that it had before the last kept message at or before `frame`, with the number of the frame that this message
    /// begins with; a fresh one and `None` when there is none.
    pub(crate) fn before(&self, stream: StreamId, frame: u32) -> (Option<u32>, Inflater) {
        let checkpoint = self
            .streams
            .get(&stream)
            .and_then(|kept| kept[..kept.partition_point(|&(first, _)| first <= frame)].last());
        match checkpoint {
            Some((first, checkpoint)) => (Some(*first), Inflater::restore(checkpoint)),
            None => (None, Inflater::new()),
        }
    }

    /// Bytes of memory.
    pub(crate) const fn memory(&self) -> usize {
        self.memory
    }
}
