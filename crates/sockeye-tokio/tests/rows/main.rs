//! What connections promise, row by row, and what peers and applications may do to them.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

mod closing;
#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod liveness;
mod parts;
mod reading;
mod settings;
mod upgrade;
mod writer;
