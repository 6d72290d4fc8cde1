//! One connection: bytes both ways.

use std::{
    future::Future,
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use sockeye_inspect::Direction;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    time::timeout,
};

use super::{
    heads::{Heads, Rewrite},
    recording::Tape,
    stream::Stream,
};

/// Bytes that were relayed, by [`Direction`].
#[derive(Debug, Default)]
pub(super) struct Counts([AtomicU64; 2]);

impl Counts {
    fn add(&self, direction: Direction, count: usize) {
        self.0[direction.index()].fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn of(&self, direction: Direction) -> u64 {
        self.0[direction.index()].load(Ordering::Relaxed)
    }
}

/// Relays until both directions have ended, one of them broke, or `stop` is ready.
pub(super) async fn relay(
    [client, server]: [Stream; 2],
    rewrite: Rewrite,
    tape: Option<&Tape>,
    counts: &Counts,
    stop: impl Future<Output = ()>,
) -> End {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = split(server);
    let up = Way {
        direction: Direction::ToServer,
        heads: Some(Heads::new(rewrite)),
        tape,
        counts,
    };
    let down = Way {
        direction: Direction::ToClient,
        heads: None,
        tape,
        counts,
    };
    let both = async {
        tokio::try_join!(
            up.copy(&mut from_client, &mut to_server),
            down.copy(&mut from_server, &mut to_client),
        )
    };
    let end = tokio::select! {
        result = both => match result {
            Ok(_) => End::Finished,
            Err(broken) => End::Broken(broken),
        },
        () = stop => End::Stopped,
    };
    match &end {
        End::Finished => {}
        End::Broken(broken) => {
            if let Some(tape) = tape {
                tape.reset(broken.by).await;
            }
            from_client.unsplit(to_client).reset();
            from_server.unsplit(to_server).reset();
        }
        End::Stopped => {
            for (direction, stream) in [
                (
                    Direction::ToServer,
                    &mut to_server as &mut (dyn AsyncWrite + Unpin + Send),
                ),
                (Direction::ToClient, &mut to_client),
            ] {
                if let Some(tape) = tape {
                    tape.finish(direction).await;
                }
                let _ = timeout(GOODBYE, stream.shutdown()).await;
            }
        }
    }
    end
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// Each side said that it had nothing more to say.
    Finished,
    Broken(Broken),
    /// We are to end.
    Stopped,
}

/// Which side broke a connection off: the one that sends in direction `by`.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) by: Direction,
    pub(super) error: io::Error,
}

/// One direction of a connection.
struct Way<'a> {
    direction: Direction,
    /// What changes requests, while there may be one.
    heads: Option<Heads>,
    tape: Option<&'a Tape>,
    counts: &'a Counts,
}

impl Way<'_> {
    /// Copies to the end of the stream, and passes the end on. Nothing more is read before what was read is written.
    async fn copy(
        mut self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), Broken> {
        let by = self.direction;
        let mut buffer = vec![0; LEAST_BUFFER];
        let mut rewritten = Vec::new();
        loop {
            let count = match from.read(&mut buffer).await {
                Ok(count) => count,
                // RFC 8446 §6.1: without close_notify the end may have been forged. To WebSocket either is an end.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                Err(error) => return Err(Broken { by, error }),
            };
            let mut bytes = &buffer[..count];
            if let Some(heads) = &mut self.heads {
                rewritten.clear();
                heads.receive(bytes, &mut rewritten);
                if count == 0 {
                    heads.finish(&mut rewritten);
                }
                bytes = &rewritten;
            }
            if !bytes.is_empty() {
                if let Some(tape) = self.tape {
                    tape.bytes(self.direction, bytes, None).await;
                }
                self.counts.add(self.direction, bytes.len());
                let write = async {
                    to.write_all(bytes).await?;
                    to.flush().await
                };
                let by = by.reversed();
                write.await.map_err(|error| Broken { by, error })?;
            }
            if count == 0 {
                if let Some(tape) = self.tape {
                    tape.finish(self.direction).await;
                }
                // It may have gone; then it is found out by reading from it.
                let _ = to.shutdown().await;
                return Ok(());
            }
            if self.heads.as_ref().is_some_and(Heads::is_raw) {
                self.heads = None;
                rewritten = Vec::new();
            }
            if count == buffer.len() && count < MOST_BUFFER {
                buffer.resize(count * 4, 0);
            }
        }
    }
}

/// Tells a client that there is no server: reads its request, so that the answer is not lost to a reset, and answers it.
pub(super) async fn refuse(mut client: Stream, sentence: &str, tape: Option<&Tape>) {
    let answer = async {
        let mut head = Vec::new();
        while !head.windows(4).any(|four| four == b"\r\n\r\n") && head.len() < HEAD_LEN {
            if client.read_buf(&mut head).await? == 0 {
                break;
            }
        }
        if let Some(tape) = tape {
            tape.bytes(Direction::ToServer, &head, None).await;
        }
        let response = format!(
            "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{sentence}\n",
            sentence.len() + 1
        );
        if let Some(tape) = tape {
            let comment = "this is the answer of sockeye proxy itself".to_owned();
            tape.bytes(Direction::ToClient, response.as_bytes(), Some(comment))
                .await;
        }
        client.write_all(response.as_bytes()).await?;
        client.shutdown().await?;
        let mut rest = [0; 1024];
        while client.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    // A client that has gone, or waits, needs no answer.
    let _ = timeout(REFUSAL, answer).await;
    if let Some(tape) = tape {
        tape.finish(Direction::ToClient).await;
        tape.finish(Direction::ToServer).await;
    }
}

/// Buffers of a connection that has little to say stay small.
const LEAST_BUFFER: usize = 4 << 10;
const MOST_BUFFER: usize = 64 << 10;

/// How long an end may take to be passed on when we end.
const GOODBYE: Duration = Duration::from_millis(200);

/// How long a client that is refused may take, and how much of its request is read.
const REFUSAL: Duration = Duration::from_secs(5);
const HEAD_LEN: usize = 64 << 10;
