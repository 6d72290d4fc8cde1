//! What responses contain: text and files that are in memory, and parts of the recording, which is read while it is sent.

use std::{
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The body of a response.
#[derive(Debug)]
pub(super) enum Content {
    Whole(Bytes),
    Part(Part),
}

/// A part of the recording.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) file: Arc<File>,
    /// What is still to be sent.
    pub(super) bytes: Range<u64>,
    /// The end of the part that was sent farthest.
    pub(super) sent: Arc<AtomicU64>,
}

impl Content {
    const fn len(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Part(part) => part.bytes.end - part.bytes.start,
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Whole(text.into())
    }
}

impl Part {
    fn read(&mut self) -> io::Result<Bytes> {
        let len = (self.bytes.end - self.bytes.start).min(PIECE);
        let mut piece = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut piece, self.bytes.start)?;
        self.bytes.start += len;
        self.sent.fetch_max(self.bytes.start, Ordering::Relaxed);
        Ok(piece.into())
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.len() == 0 {
            return Poll::Ready(None);
        }
        let data = match this {
            Self::Whole(bytes) => Ok(std::mem::take(bytes)),
            Self::Part(part) => part.read(),
        };
        Poll::Ready(Some(data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
    }
}

/// The bytes of `size` that a `Range` asks for (RFC 9110 §14.2). `None`: all of them, as for anything that need not be understood.
///
/// # Errors
///
/// There are none of these bytes: 416.
pub(super) fn range(value: Option<&str>, size: u64) -> Result<Option<Range<u64>>, Unsatisfiable> {
    let Some((first, last)) = value.and_then(|value| value.strip_prefix("bytes=")?.split_once('-'))
    else {
        return Ok(None);
    };
    let number = |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than a number has are behind the end of any file.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let bytes = match (first, last) {
        ("", "") => return Ok(None),
        ("", count) => match number(count) {
            Some(count) => size.saturating_sub(count)..size,
            None => return Ok(None),
        },
        (first, "") => match number(first) {
            Some(first) => first..size,
            None => return Ok(None),
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..size.min(last.saturating_add(1)),
            _ => return Ok(None),
        },
    };
    if bytes.is_empty() {
        Err(Unsatisfiable)
    } else {
        Ok(Some(bytes))
    }
}

/// A range in which there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unsatisfiable;

/// How much is read at a time.
const PIECE: u64 = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_specification() {
        for (value, expected) in [
            ("bytes=0-0", Ok(Some(0..1))),
            ("bytes=2-5", Ok(Some(2..6))),
            ("bytes=2-9", Ok(Some(2..10))),
            ("bytes=2-99999999999999999999", Ok(Some(2..10))),
            ("bytes=9-", Ok(Some(9..10))),
            ("bytes=-3", Ok(Some(7..10))),
            ("bytes=-30", Ok(Some(0..10))),
            ("bytes=10-", Err(Unsatisfiable)),
            ("bytes=10-12", Err(Unsatisfiable)),
            ("bytes=99999999999999999999-", Err(Unsatisfiable)),
            ("bytes=-0", Err(Unsatisfiable)),
            ("bytes=5-2", Ok(None)),
            ("bytes=-", Ok(None)),
            ("bytes=0-1,3-4", Ok(None)),
            ("bytes=+1-2", Ok(None)),
            ("lines=1-2", Ok(None)),
        ] {
            assert_eq!(range(Some(value), 10), expected, "{value}");
        }
        assert_eq!(range(None, 10), Ok(None));
        assert_eq!(range(Some("bytes=0-"), 0), Err(Unsatisfiable));
    }
}
