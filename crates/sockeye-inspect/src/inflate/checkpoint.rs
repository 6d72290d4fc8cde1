//! The state of an inflater, to go on from later.

use super::inflater::{Core, Inflater, Loaded, State};
use super::window::{HISTORY, Window};

/// The state of an [`Inflater`] between two pieces of input, be it in the middle of a message or a block.
///
/// It has the window as far as it is known, so it takes 1 to 33 KiB.
#[derive(Clone)]
pub(crate) struct Checkpoint {
    core: Core,
    history: Box<[u8]>,
    /// How many bytes of the message are in `history`, or more.
    message: u16,
}

impl Checkpoint {
    /// How many bytes of memory it takes.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>() + self.history.len()
    }

    /// What was inflated before, as far as it is known: at most 32 KiB.
    pub(crate) const fn history(&self) -> &[u8] {
        &self.history
    }
}

impl Inflater {
    /// Writes down where it is, between two calls.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let window = &self.window;
        Checkpoint {
            core: self.core.clone(),
            history: window.history().into(),
            message: (window.end - window.message).min(HISTORY) as u16,
        }
    }

    /// An inflater that goes on from there.
    pub(crate) fn restore(checkpoint: &Checkpoint) -> Self {
        let mut window = Window::with_history(&checkpoint.history);
        window.message = window.end - checkpoint.message as usize;
        let mut inflater = Self::with_window(window);
        inflater.core = checkpoint.core.clone();
        match inflater.core.loaded {
            Loaded::Nothing => {}
            Loaded::Fixed => inflater.codes.set_fixed(),
            Loaded::Dynamic {
                literals,
                distances,
            } => {
                let loaded = inflater.load_dynamic(literals, distances);
                debug_assert!(loaded.is_ok(), "they have been loaded before");
            }
        }
        if let State::Lengths { .. } = inflater.core.state {
            let loaded = inflater.codes.set_code_lengths(&inflater.core.code_lengths);
            debug_assert!(loaded.is_ok(), "they have been loaded before");
        }
        inflater
    }
}

impl core::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Checkpoint").finish_non_exhaustive()
    }
}

impl core::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inflater").finish_non_exhaustive()
    }
}
