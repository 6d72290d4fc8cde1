//! Inspection of captures for JavaScript: what the worker of the inspector page loads.
//!
//! One [`Inspection`] is one capture. What a page shows of it crosses the boundary in few calls: rows of the list as one packed buffer,
//! everything else as JSON with the bytes beside it.

mod close;
mod connections;
mod export;
mod findings;
mod frames;
mod histogram;
mod inspection;
mod json;
mod messages;
mod rows;
mod search;
mod source;
#[cfg(test)]
mod testing;
mod utf16;
mod view;

pub use export::Sink;
pub use inspection::{Inspection, filter_help};
pub use source::Source;
