//! Dials real peers: each plays its part from a script, and the outcome is exact. Names of tests begin with the row of the feature list
//! that they are about.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tokio needs std"
)]

mod peer;

mod connecting;
mod cookies;
mod opening;
mod proxies;
mod redirects;
mod refusals;
mod timeouts;
mod tls;
