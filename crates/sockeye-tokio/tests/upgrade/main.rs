//! Upgrades of HTTP requests, over the wire.
#![allow(clippy::std_instead_of_core, missing_docs, reason = "tests")]

mod agreement;
mod axum;
mod check;
mod common;
mod early;
mod examples;
mod http2;
mod hyper;
mod refusals;
mod tower;
