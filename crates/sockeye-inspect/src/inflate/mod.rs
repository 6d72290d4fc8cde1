//! Inflates messages, and says what it saw on the way: distances, blocks, where it failed
//! ([RFC 1951](https://www.rfc-editor.org/rfc/rfc1951), [RFC 7692 §7.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.2)).
//!
//! An inflater that only yields bytes cannot tell a window that is too large for what was agreed from one that is not, nor in which bit a
//! message is broken. This one can. [`trace`] shows a message as blocks, literals and references.

mod bits;
mod checkpoint;
mod codes;
mod error;
mod fast;
mod inflater;
mod steps;
#[cfg(test)]
mod tests;
mod trace;
mod window;

pub(crate) use self::{checkpoint::Checkpoint, inflater::Inflater};
pub use self::{
    error::{BitOffset, InflateCause, InflateError},
    trace::{Block, BlockKind, Token, Trace, trace},
};
