//! The server's side of the opening handshake.

use alloc::vec::Vec;
use core::mem;

use crate::handshake::{
    HandshakeError, Request, UpgradeOptions,
    check::Places,
    head::{HeadKind, HeadLimits, HeadReader},
    refusal::{self, Context},
};

/// Reads the request that opens a connection.
///
/// Give [`receive`](Self::receive) what comes until it returns the [`Request`]; on an error, write what [`refuse`](Self::refuse) appends and
/// close the connection.
///
/// ```
/// use sockeye::{HandshakeError, ServerHandshake, UpgradeOptions};
///
/// let options = UpgradeOptions::new();
/// let mut handshake = ServerHandshake::new();
/// let mut out = Vec::new();
/// let mut input = &b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"[..];
/// let agreed = match handshake.receive(&mut input, &options) {
///     Ok(None) => unreachable!("the whole head is here"),
///     Ok(Some(request)) => request
///         .accept(&options, &mut out)
///         .inspect_err(|error| request.refuse(error, &mut out)),
///     Err(error) => {
///         handshake.refuse(&error, &mut out);
///         Err(error)
///     }
/// };
/// // Write `out`. Then it is time for frames, or to close the connection.
/// assert!(out.starts_with(b"HTTP/1.1 101 "));
/// assert_eq!(agreed?.subprotocol, None);
/// # Ok::<(), HandshakeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServerHandshake {
    reader: HeadReader,
    /// Once there is nothing more to read.
    outcome: Option<Result<(), HandshakeError>>,
}

impl ServerHandshake {
    /// Waits for a request.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            reader: HeadReader::new(HeadKind::Request),
            outcome: None,
        }
    }

    /// Takes bytes of the request off the front of the input, and returns it once its head is complete. What is left of the input then
    /// are frames. `None`: call again with what comes next.
    ///
    /// # Errors
    ///
    /// The first rule that the request breaks, and the same error at every later call.
    pub fn receive(
        &mut self,
        input: &mut &[u8],
        options: &UpgradeOptions,
    ) -> Result<Option<Request>, HandshakeError> {
        if let Some(outcome) = &self.outcome {
            return outcome.clone().map(|()| None);
        }
        let limits = HeadLimits {
            size: options.head_size,
            headers: options.max_headers,
        };
        let places = match self.reader.receive(input, limits) {
            Ok(false) => return Ok(None),
            Ok(true) => Places::find(&self.reader),
            Err(error) => Err(error),
        };
        match places {
            Ok(places) => {
                self.outcome = Some(Ok(()));
                let reader = mem::replace(&mut self.reader, HeadReader::new(HeadKind::Request));
                Ok(Some(Request::new(reader, places)))
            }
            Err(error) => {
                self.outcome = Some(Err(error.clone()));
                Err(error)
            }
        }
    }

    /// The byte stream has ended.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::UnexpectedEnd`] unless the request is complete.
    pub fn receive_end(&mut self) -> Result<(), HandshakeError> {
        self.outcome
            .get_or_insert(Err(HandshakeError::UnexpectedEnd))
            .clone()
    }

    /// Turns the client away: appends the response that tells it about the error. Close the connection once that is written.
    ///
    /// Appends nothing for an error without a [status](HandshakeError::status).
    pub fn refuse(&self, error: &HandshakeError, out: &mut Vec<u8>) {
        let context = (self.reader.start()).map(|start| Context::new(start, self.reader.headers()));
        refusal::write_error(error, context.unwrap_or_default(), out);
    }
}

impl Default for ServerHandshake {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

    /// The response to these bytes in chunks of this size, and the frames behind the head.
    fn serve(bytes: &[u8], chunk: usize) -> (Result<(), HandshakeError>, Vec<u8>, Vec<u8>) {
        let options = UpgradeOptions::new();
        let mut handshake = ServerHandshake::new();
        let (mut out, mut frames) = (Vec::new(), Vec::new());
        let mut outcome = Ok(());
        for mut input in bytes.chunks(chunk) {
            match handshake.receive(&mut input, &options) {
                Ok(None) => {}
                Ok(Some(request)) => {
                    assert!(request.accept(&options, &mut out).is_ok());
                }
                Err(error) => {
                    assert_eq!(handshake.receive(&mut input, &options).unwrap_err(), error);
                    handshake.refuse(&error, &mut out);
                    outcome = Err(error);
                    break;
                }
            }
            frames.extend_from_slice(input);
        }
        let end = handshake.receive_end();
        (outcome.and(end), out, frames)
    }

    #[test]
    fn every_cut_of_a_request_gives_the_same_response() {
        let bytes = [REQUEST.as_bytes(), b"\x81\x80frames"].concat();
        let (outcome, out, frames) = serve(&bytes, usize::MAX);
        assert_eq!((outcome, &frames[..]), (Ok(()), &b"\x81\x80frames"[..]));
        assert!(out.starts_with(b"HTTP/1.1 101 "));
        for chunk in 1..bytes.len() {
            let again = serve(&bytes, chunk);
            assert_eq!(again, (Ok(()), out.clone(), frames.clone()), "{chunk}");
        }
    }

    #[test]
    fn every_cut_of_a_bad_request_gives_the_same_error() {
        for (from, to, error) in [
            ("HTTP/1.1", "HTTP/1.0", HandshakeError::HttpVersion),
            ("HTTP/1.1", "HTTP/2.0", HandshakeError::HttpVersion),
            // The preface of HTTP/2 (RFC 9113 §3.4).
            (
                "GET /chat HTTP/1.1",
                "PRI * HTTP/2.0",
                HandshakeError::HttpVersion,
            ),
            ("GET", "PUT", HandshakeError::Method),
            ("Host:", "Host :", HandshakeError::HeaderName),
            ("websocket", "h2c", HandshakeError::UpgradeMissing),
            ("ZQ==", "ZR==", HandshakeError::KeyInvalid),
            ("13", "7", HandshakeError::VersionUnsupported),
            ("13\r\n", "13\n", HandshakeError::BareLineFeed),
            ("GET /chat", "\u{16}\u{3}\u{1}", HandshakeError::NotHttp),
        ] {
            let bytes = REQUEST.replace(from, to);
            let (outcome, out, frames) = serve(bytes.as_bytes(), usize::MAX);
            assert_eq!(outcome, Err(error.clone()), "{to:?}");
            assert!(frames.is_empty());
            let status = format!("HTTP/1.1 {} ", error.status().unwrap());
            assert!(out.starts_with(status.as_bytes()));
            for chunk in 1..bytes.len() {
                assert_eq!(
                    serve(bytes.as_bytes(), chunk),
                    (Err(error.clone()), out.clone(), Vec::new())
                );
            }
        }
    }

    #[test]
    fn every_damaged_byte_gives_one_outcome_however_it_is_cut() {
        for at in 0..REQUEST.len() {
            for byte in *b"\0\t\n\r \",:;=aZ7/\\\x7f\xff" {
                let mut bytes = REQUEST.as_bytes().to_vec();
                bytes[at] = byte;
                let (outcome, out, frames) = serve(&bytes, usize::MAX);
                assert!(
                    outcome == Err(HandshakeError::UnexpectedEnd) || out.starts_with(b"HTTP/1.1 ")
                );
                assert_eq!(serve(&bytes, 1), (outcome, out, frames), "{at} {byte}");
            }
        }
    }

    #[test]
    fn nothing_more_is_taken_once_the_request_is_there() {
        let mut handshake = ServerHandshake::new();
        let options = UpgradeOptions::new();
        assert!(
            handshake
                .receive(&mut REQUEST.as_bytes(), &options)
                .unwrap()
                .is_some()
        );
        let mut frames = &b"frames"[..];
        assert!(handshake.receive(&mut frames, &options).unwrap().is_none());
        assert_eq!(frames, b"frames");
        assert_eq!(handshake.receive_end(), Ok(()));
    }

    #[test]
    fn stream_that_ends_early_is_an_error_that_stays() {
        let mut handshake = ServerHandshake::new();
        let options = UpgradeOptions::new();
        assert!(
            handshake
                .receive(&mut &REQUEST.as_bytes()[..50], &options)
                .unwrap()
                .is_none()
        );
        assert_eq!(handshake.receive_end(), Err(HandshakeError::UnexpectedEnd));
        let rest = handshake.receive(&mut &REQUEST.as_bytes()[50..], &options);
        assert_eq!(rest.unwrap_err(), HandshakeError::UnexpectedEnd);
        let mut out = Vec::new();
        handshake.refuse(&HandshakeError::UnexpectedEnd, &mut out);
        assert!(out.is_empty());
        handshake.refuse(&HandshakeError::Timeout, &mut out);
        assert!(out.starts_with(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"));
    }
}
