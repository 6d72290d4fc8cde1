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

    let (mut bytes, mut start) = (Vec::new(), 0);
    loop {
        let (status, end) = read_head(stream, &mut bytes, start).await?;
        match status {
            // Only announces another response. Together they may be as long as one.
            100..200 => start = end,
            // RFC 9110 §9.3.6: whatever its header says, such a response has no body. And servers do not speak first.
            200..300 if end == bytes.len() => return Ok(()),
            200..300 => return Err(ProxyError::UnexpectedBytes),
            407 if authorization.is_some() => return Err(ProxyError::AuthenticationRefused),
            407 => return Err(ProxyError::AuthenticationRequired),
            status => return Err(ProxyError::Refused { status }),
        }
    }
}

/// Reads until there is a whole head from `start` on. Its status and where it ends.
async fn read_head(
    stream: &mut Transport,
    bytes: &mut Vec<u8>,
    start: usize,
) -> Result<(u16, usize), ProxyError> {
    let mut searched = start;
    let mut buffer = [0; 1024];
    loop {
        let head = bytes.get(start..).unwrap_or_default();
        // Parsed once, when its end has come, so that the work is linear however it is cut.
        let fresh = bytes.get(searched..).unwrap_or_default();
        if fresh.windows(4).any(|window| window == b"\r\n\r\n") {
            let (status, len) = parse(head)?;
            return Ok((status, start + len));
        }
        searched = bytes.len().saturating_sub(3).max(start);
        // What does not begin as HTTP has no end to wait for.
        if !head
            .iter()
            .zip(b"HTTP/1.")
            .all(|(byte, other)| byte == other)
        {
            return Err(ProxyError::NotAProxy);
        }
        if bytes.len() >= MAX_HEAD_LEN {
            let limit = MAX_HEAD_LEN;
            return Err(ProxyError::ResponseTooLong { limit });
        }
        match stream.read(&mut buffer).await? {
            0 => return Err(ProxyError::UnexpectedEnd),
            len => bytes.extend_from_slice(buffer.get(..len).unwrap_or_default()),
        }
    }
}

/// The status of a whole head and its length.
fn parse(head: &[u8]) -> Result<(u16, usize), ProxyError> {
    let mut headers = [EMPTY_HEADER; 100];
    let mut response = Response::new(&mut headers);
    match (response.parse(head), response.code) {
        (Ok(Status::Complete(len)), Some(status)) => Ok((status, len)),
        _ => Err(ProxyError::NotAProxy),
    }
}

const MAX_HEAD_LEN: usize = 16_384;
