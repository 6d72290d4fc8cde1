//! The client's opening handshake over a connected byte stream.

use std::{io, time::Duration};

use bytes::Bytes;
use sockeye::{Agreement, ClientHandshake, DialOptions, HandshakeError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};

use crate::{DialError, Phase, Transport, dialer::connect::Deadline, entropy::entropy};

/// What an opening handshake leads to.
pub(crate) struct Opened {
    pub(crate) transport: Transport,
    /// What came behind the response: frames.
    pub(crate) unread: Vec<u8>,
    pub(crate) agreement: Agreement,
    pub(crate) response: http::Response<Bytes>,
}

/// Writes the request and reads the response.
pub(crate) async fn open(
    mut transport: Transport,
    options: &DialOptions,
    peer: &str,
    deadline: Deadline,
) -> Result<Opened, DialError> {
    let mut request = Vec::new();
    let mut handshake = ClientHandshake::new(options, entropy, &mut request);
    let write = async {
        transport
            .write_all(&request)
            .await
            .map_err(|error| io_error(error, peer))?;
        transport
            .flush()
            .await
            .map_err(|error| io_error(error, peer))
    };
    deadline.within(Phase::Handshake, peer, write).await?;

    let mut buffer = vec![0; READ_LEN];
    let mut end = deadline.at;
    loop {
        let read = transport.read(&mut buffer);
        let len = match end {
            None => read.await,
            Some(end) => match timeout_at(end, read).await {
                Ok(outcome) => outcome,
                Err(_) => {
                    let over = deadline.over(Phase::Handshake, peer);
                    return Err(give_up(&mut handshake, over));
                }
            },
        };
        let len = match len {
            Ok(0) => {
                let error = handshake.receive_end().err();
                let error = error.unwrap_or(HandshakeError::UnexpectedEnd);
                return Err(failed(&handshake, error));
            }
            Ok(len) => len,
            Err(error) => return Err(give_up(&mut handshake, io_error(error, peer))),
        };
        let mut input = buffer.get(..len).unwrap_or_default();
        match handshake.receive(&mut input) {
            Ok(Some(agreement)) => {
                let unread = input.to_vec();
                let response = handshake.response().map(to_http).unwrap_or_default();
                return Ok(Opened {
                    transport,
                    unread,
                    agreement,
                    response,
                });
            }
            Ok(None) if handshake.response().is_some() => {
                // The reason is for a log: no server shall hold us for it.
                let soon = Instant::now().checked_add(BODY_TIME);
                end = end.into_iter().chain(soon).min();
            }
            Ok(None) => {}
            Err(error) => return Err(failed(&handshake, error)),
        }
    }
}

/// The error of a handshake that ends here. A refusal that has come counts more than how its body ended.
fn give_up(handshake: &mut ClientHandshake, error: DialError) -> DialError {
    match handshake.receive_end() {
        Err(refused @ HandshakeError::Refused(_)) => failed(handshake, refused),
        _ => error,
    }
}

fn failed(handshake: &ClientHandshake, error: HandshakeError) -> DialError {
    DialError::Handshake {
        response: (handshake.response()).map(|response| Box::new(to_http(response))),
        error,
    }
}

/// An error of reading or writing. With TLS 1.3 it is here that a server says that it wants a client certificate.
fn io_error(error: io::Error, peer: &str) -> DialError {
    #[cfg(feature = "tls")]
    if let Some(source) = crate::dialer::tls::TlsError::from_stream(&error) {
        let host = peer.rsplit_once(':').map_or(peer, |(host, _)| host);
        return DialError::Tls {
            host: host.into(),
            source,
        };
    }
    #[cfg(not(feature = "tls"))]
    let _ = peer;
    DialError::Io(error)
}

/// The response in the types of the ecosystem.
pub(crate) fn to_http(response: &sockeye::Response) -> http::Response<Bytes> {
    let mut converted = http::Response::new(Bytes::copy_from_slice(response.body()));
    // Both take whatever the core lets through.
    if let Ok(status) = http::StatusCode::from_u16(response.status()) {
        *converted.status_mut() = status;
    }
    for (name, value) in response.headers().iter() {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        let value = http::HeaderValue::from_bytes(value);
        if let (Ok(name), Ok(value)) = (name, value) {
            converted.headers_mut().append(name, value);
        }
    }
    converted
}

const READ_LEN: usize = 4096;

/// How long the body of a refusal may take.
const BODY_TIME: Duration = Duration::from_secs(2);
