//! Runs the Sockeye WebSocket component in wasmtime, on real sockets.
//!
//! The protocol of every connection runs in a WebAssembly component that can reach nothing but the byte stream it was handed.
//! This library owns the rest: sockets, TLS, time, limits, threads, and what happens when an instance fails.
//!
//! ```no_run
//! use sockeye_host::{Engine, EngineOptions, Event, Server};
//!
//! let engine = Engine::component(&EngineOptions::default())?;
//! let server = Server::builder(engine)
//!     .listen("127.0.0.1:8080".parse()?)
//!     .on_event(|event, peer| {
//!         if let Event::Message(message) = event {
//!             peer.send(message);
//!         }
//!     })
//!     .start()?;
//! println!("{:?}", server.addresses());
//! std::thread::park();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Without `on_event` the server echoes, and payloads never leave the component.
//!
//! An application that looks at requests sets [`UpgradeOptions::ask`] and answers [`Event::Request`]. One that sends from elsewhere
//! keeps a [`Sender`], which also says how much waits for a slow peer, and makes a fast one wait. [`ServerBuilder::pages`] serves what a
//! browser needs to begin.
//!
//! # What a fault costs
//!
//! [`EngineOptions::instance_connections`] connections share an instance, which has a memory of its own, a bound on that memory, and a
//! deadline for each call. An instance that traps, grows or hangs is given up together with its connections; the server goes on.
#![forbid(unsafe_code)]
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "the whole program needs std"
)]

mod bindings;
mod client;
mod engine;
mod handler;
mod options;
mod page;
mod server;
mod socket;
mod transport;

pub use client::{Client, DialError, dial};
pub use engine::{ComponentSource, Engine, EngineError, EngineOptions};
pub use handler::{
    Agreement, CloseFrame, Closed, Event, Initiator, Message, MessageKind, Peer, Request, Sender,
};
pub use options::{Deflate, DialOptions, OriginPolicy, UpgradeOptions};
pub use page::Page;
pub use server::{Address, Server, ServerBuilder, ServerError};
pub use transport::{Heads, TlsAcceptor, TlsError};
