//! A byte stream in memory that never waits: what stands in for the kernel.
//!
//! A read is a copy out of the feed, a write a copy into a scratch buffer, for every implementation alike.

use std::{
    cell::Cell,
    io::{self, IoSlice, Read, Write},
    ops::Range,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::payload::Feed;

/// How much one read may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Up to 64 KiB, wherever frames begin and end: traffic in bulk.
    Chunks,
    /// The rest of one frame: interactive traffic.
    Messages,
}

impl Reads {
    /// The name in the tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chunks => "64 KiB",
            Self::Messages => "message",
        }
    }
}

/// The most that one read returns.
pub const CHUNK: usize = 65_536;

/// The stream. Its reads never end, its writes take everything.
pub struct Stream {
    feed: Arc<Feed>,
    reads: Reads,
    at: usize,
    laps: usize,
    frame: usize,
    sink: Box<[u8]>,
    written: Rc<Cell<usize>>,
}

impl Stream {
    /// A stream that reads `feed` from its beginning, over and over again.
    pub fn new(feed: Arc<Feed>, reads: Reads) -> Self {
        // As large as a chunk: a copy to it meets the caches as a copy to a socket buffer does.
        Self {
            feed,
            reads,
            at: 0,
            laps: 0,
            frame: 0,
            sink: vec![0; CHUNK].into(),
            written: Rc::default(),
        }
    }

    /// Copies bytes of the feed to `buf` and returns how many.
    pub fn take(&mut self, buf: &mut [u8]) -> usize {
        let range = self.advance(buf.len());
        let len = range.len();
        buf[..len].copy_from_slice(&self.feed.bytes[range]);
        len
    }

    /// Which bytes of the feed the next read returns, at most `max` of them.
    fn advance(&mut self, max: usize) -> Range<usize> {
        let end = match self.reads {
            Reads::Chunks => self.feed.bytes.len(),
            Reads::Messages => self.feed.ends[self.frame],
        };
        let range = self.at..self.at + max.min(CHUNK).min(end - self.at);
        self.at = range.end;
        if self.reads == Reads::Messages && self.at == end {
            self.frame = (self.frame + 1) % self.feed.ends.len();
        }
        if self.at == self.feed.bytes.len() {
            self.at = 0;
            self.laps += 1;
        }
        range
    }

    /// Copies `bytes` away.
    pub fn give(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(CHUNK) {
            self.sink[..piece.len()].copy_from_slice(piece);
        }
        self.written.set(self.written.get() + bytes.len());
    }

    /// How many frames have been read to their end.
    #[cfg(feature = "component")]
    pub fn frames(&self) -> usize {
        self.laps * self.feed.ends.len() + self.feed.ends.partition_point(|end| *end <= self.at)
    }

    /// How many bytes have been written, for as long as somebody wants to know.
    pub fn written(&self) -> Rc<Cell<usize>> {
        self.written.clone()
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.take(buf))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.give(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let range = stream.advance(buf.remaining());
        // Not by way of `initialize_unfilled`: that would clear the buffer first, which no socket does.
        buf.put_slice(&stream.feed.bytes[range]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().give(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        for slice in slices {
            stream.give(slice);
        }
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
