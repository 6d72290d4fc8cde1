//! Each operation is polled a number of times and dropped, for every number until it completes, over byte streams that let little through
//! at a time. What then arrives is what the documentation of the operation promises.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;
mod receiving;
mod sending;

use common::Manners;

/// Streams from one byte at a time to as much as there is.
const STREAMS: [Manners; 4] = [
    Manners {
        chunk: 1,
        stutters: true,
    },
    Manners {
        chunk: 1,
        stutters: false,
    },
    Manners {
        chunk: 3,
        stutters: true,
    },
    Manners {
        chunk: usize::MAX,
        stutters: true,
    },
];

/// A bound on polls that no operation here comes near.
const MANY: usize = 10_000;
