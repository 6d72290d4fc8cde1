//! WebSocket for tokio ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455), [RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)): server and client.
#![deny(unsafe_code)]
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tokio needs std"
)]

mod transport;

pub use transport::{ByteStream, Transport};
