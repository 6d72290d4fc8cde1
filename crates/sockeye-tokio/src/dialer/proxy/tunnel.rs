//! A tunnel through an HTTP proxy ([RFC 9110 §9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)).

use http::HeaderValue;
use httparse::{EMPTY_HEADER, Response, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::ProxyError;
use crate::{Transport, dialer::connect::peer};

/// Asks the proxy for a tunnel to this server.
pub(super) async fn open(
    stream: &mut Transport,
    host: &str,
    port: u16,
    authorization: Option<&HeaderValue>,
) -> Result<(), ProxyError> {
    let server = peer(host, port);
    let mut request = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n").into_bytes();
    if let Some(value) = authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await?;
    stream.flush().await?;

    let mut head = Vec::new();
    loop {
        let (status, len) = read_head(stream, &mut head).await?;
        match status {
            // Only announces another response.
            100..200 => drop(head.drain(..len)),
            // RFC 9110 §9.3.6: whatever its header says, such a response has no body. And servers do not speak first.
            200..300 if len == head.len() => return Ok(()),
            200..300 => return Err(ProxyError::UnexpectedBytes),
            407 if authorization.is_some() => return Err(ProxyError::AuthenticationRefused),
            407 => return Err(ProxyError::AuthenticationRequired),
            status => return Err(ProxyError::Refused { status }),
        }
    }
}

/// Reads until `bytes` begins with a whole head. Its status and length.
async fn read_head(
    stream: &mut Transport,
    bytes: &mut Vec<u8>,
) -> Result<(u16, usize), ProxyError> {
    let mut searched = 0;
    let mut buffer = [0; 1024];
    loop {
        // Parsed once, when its end has come, so that the work is linear however it is cut.
        let fresh = bytes.get(searched..).unwrap_or_default();
        if fresh.windows(4).any(|window| window == b"\r\n\r\n") {
            return parse(bytes);
        }
        searched = bytes.len().saturating_sub(3);
        if bytes.len() >= MAX_HEAD_LEN {
            let limit = MAX_HEAD_LEN;
            return Err(ProxyError::ResponseTooLong { limit });
        }
        // What does not begin as HTTP has no end to wait for.
        if !bytes
            .iter()
            .zip(b"HTTP/1.")
            .all(|(byte, expected)| byte == expected)
        {
            return Err(ProxyError::NotAProxy);
        }
        match stream.read(&mut buffer).await? {
            0 => return Err(ProxyError::UnexpectedEnd),
            len => bytes.extend_from_slice(buffer.get(..len).unwrap_or_default()),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<(u16, usize), ProxyError> {
    let mut headers = [EMPTY_HEADER; 100];
    let mut response = Response::new(&mut headers);
    match (response.parse(bytes), response.code) {
        (Ok(Status::Complete(len)), Some(status)) => Ok((status, len)),
        _ => Err(ProxyError::NotAProxy),
    }
}

const MAX_HEAD_LEN: usize = 16_384;
