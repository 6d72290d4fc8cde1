//! The last 32 KiB that were inflated, and room for what comes.

use core::ops::ControlFlow;

/// How far a reference reaches at most.
pub(super) const HISTORY: usize = 32_768;
/// What one step may write: the longest match, and what copying in pieces writes too much.
const STEP: usize = 258 + 32;
/// Twice the history: then moving it costs no more than a copy of each byte.
pub(super) const SIZE: usize = HISTORY * 2 + STEP;

/// Everything is written behind what is there; when the room is used up, the last 32 KiB move to the front. So a reference is an index.
pub(super) struct Window {
    pub(super) bytes: Box<[u8; SIZE]>,
    /// Where the next byte is put, at least `HISTORY`.
    pub(super) end: usize,
    /// Before this, everything has been given to the caller.
    given: usize,
    /// Where the message began, or 0.
    pub(super) message: usize,
    /// Where what is known begins. Zeros are before it.
    pub(super) known: usize,
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; SIZE]
                .into_boxed_slice()
                .try_into()
                .expect("of this size"),
            end: HISTORY,
            given: HISTORY,
            message: HISTORY,
            known: HISTORY,
        }
    }

    /// A window after this was inflated.
    pub(super) fn with_history(history: &[u8]) -> Self {
        let history = &history[history.len().saturating_sub(HISTORY)..];
        let mut window = Self::new();
        window.known = HISTORY - history.len();
        window.bytes[window.known..HISTORY].copy_from_slice(history);
        window
    }

    /// What is known of the last 32 KiB.
    pub(super) fn history(&self) -> &[u8] {
        &self.bytes[self.known.max(self.end - HISTORY)..self.end]
    }

    /// A message begins.
    pub(super) const fn begin_message(&mut self) {
        self.message = self.end;
    }

    /// What comes next does not follow on what is here: zeros it becomes.
    pub(super) fn forget(&mut self) {
        self.bytes[self.known..self.end].fill(0);
        self.known = self.end;
    }

    /// Whether a step needs room to be made first.
    pub(super) const fn is_full(&self) -> bool {
        self.end > SIZE - STEP
    }

    /// How many bytes may be appended; at least one unless `is_full`.
    pub(super) const fn room(&self) -> usize {
        (SIZE - STEP + 1).saturating_sub(self.end)
    }

    /// Appends bytes, at most `room`.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.bytes[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Appends what is there at a distance of 1 to 32,768. There is room.
    #[inline(always)]
    pub(super) fn copy(&mut self, distance: usize, len: usize) {
        copy(&mut self.bytes, self.end, distance, len);
        self.end += len;
    }

    /// Gives the caller what is new.
    pub(super) fn give(
        &mut self,
        out: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.given == self.end {
            return ControlFlow::Continue(());
        }
        let new = self.given..self.end;
        self.given = self.end;
        out(&self.bytes[new])
    }

    /// Makes room, after `give`.
    pub(super) fn make_room(&mut self) {
        let moved = self.end - HISTORY;
        self.bytes.copy_within(moved..self.end, 0);
        self.end = HISTORY;
        self.given -= moved;
        self.message = self.message.saturating_sub(moved);
        self.known = self.known.saturating_sub(moved);
    }
}

/// Writes `len` bytes at `end` that stand `distance` before, and up to 31 bytes of anything behind them.
#[inline(always)]
pub(super) fn copy(bytes: &mut [u8; SIZE], end: usize, distance: usize, len: usize) {
    let mut from = end - distance;
    let mut to = end;
    if distance >= 16 {
        loop {
            let piece: [u8; 16] = bytes[from..from + 16].try_into().expect("sixteen bytes");
            bytes[to..to + 16].copy_from_slice(&piece);
            from += 16;
            to += 16;
            if to >= end + len {
                return;
            }
        }
    } else if distance == 1 {
        let byte = bytes[from];
        bytes[to..to + len].fill(byte);
    } else {
        for i in 0..len {
            bytes[to + i] = bytes[from + i];
        }
    }
}
