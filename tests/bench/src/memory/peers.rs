//! The peers' echo loops in memory, each as its documentation writes them and with the settings that serve this load best.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use fastwebsockets::{FragmentCollector, OpCode};
use futures_util::{SinkExt, StreamExt};

use super::{
    Echo,
    stream::{CHUNK, Reads, Stream},
};
use crate::payload::{Case, Compression};

/// Runs a future that never has to wait.
///
/// Not tokio's: its budget would make a loop over a stream that is always ready yield now and then, for nothing.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// tungstenite over `Read` and `Write`.
///
/// In bulk with its defaults, buffers of 128 KiB each way; the messages are written and flushed once at the end, so that they leave as
/// its write buffer fills. One by one each is sent, that is flushed, and the read buffer is just larger than the largest message,
/// because it is cleared before each read.
pub struct Tungstenite {
    socket: tungstenite::WebSocket<Stream>,
    reads: Reads,
}

impl Tungstenite {
    pub fn new(stream: Stream, reads: Reads) -> Self {
        let config = tungstenite::protocol::WebSocketConfig::default();
        let config = match reads {
            Reads::Chunks => config,
            Reads::Messages => config.read_buffer_size(20_480),
        };
        let role = tungstenite::protocol::Role::Server;
        Self {
            socket: tungstenite::WebSocket::from_raw_socket(stream, role, Some(config)),
            reads,
        }
    }
}

impl Echo for Tungstenite {
    fn run(&mut self, messages: usize) -> usize {
        for _ in 0..messages {
            let message = self.socket.read().expect("the feed is valid");
            match self.reads {
                Reads::Chunks => self
                    .socket
                    .write(message)
                    .expect("the stream takes everything"),
                Reads::Messages => self
                    .socket
                    .send(message)
                    .expect("the stream takes everything"),
            }
        }
        self.socket.flush().expect("the stream takes everything");
        messages
    }
}

/// fastwebsockets as its echo server has it: a fragment collector, and a vectored write from 1 KiB up.
///
/// Each frame is written by itself; there is no other way.
pub struct FastWebSockets {
    socket: FragmentCollector<Stream>,
}

impl FastWebSockets {
    pub fn new(stream: Stream) -> Self {
        let role = fastwebsockets::Role::Server;
        let mut socket = fastwebsockets::WebSocket::after_handshake(stream, role);
        socket.set_writev(true);
        Self {
            socket: FragmentCollector::new(socket),
        }
    }
}

impl Echo for FastWebSockets {
    fn run(&mut self, messages: usize) -> usize {
        block_on(async {
            for _ in 0..messages {
                let frame = self.socket.read_frame().await.expect("the feed is valid");
                assert!(
                    matches!(frame.opcode, OpCode::Text | OpCode::Binary),
                    "the feed holds data only"
                );
                self.socket
                    .write_frame(frame)
                    .await
                    .expect("the stream takes everything");
            }
        });
        messages
    }
}

/// tokio-websockets: no outgoing message is split, and 64 KiB gather before a flush in bulk.
pub struct TokioWebSockets {
    socket: tokio_websockets::WebSocketStream<Stream>,
    reads: Reads,
}

impl TokioWebSockets {
    pub fn new(stream: Stream, reads: Reads) -> Self {
        let config = tokio_websockets::Config::default()
            .frame_size(usize::MAX)
            .flush_threshold(CHUNK);
        let limits = tokio_websockets::Limits::unlimited();
        let builder = tokio_websockets::ServerBuilder::new()
            .config(config)
            .limits(limits);
        Self {
            socket: builder.serve(stream),
            reads,
        }
    }
}

/// sockudo-ws: its defaults (64 KiB to read, 16 KiB to write, text checked) without pings and idle timers, which nobody else has here.
pub struct Sockudo {
    socket: sockudo_ws::WebSocketStream<Stream>,
    reads: Reads,
}

impl Sockudo {
    pub fn new(stream: Stream, reads: Reads) -> Self {
        Self {
            socket: sockudo_ws::WebSocketStream::server(stream, crate::peers::sockudo_config()),
            reads,
        }
    }
}

/// sockudo-ws with permessage-deflate, no context takeover, level 6.
pub struct SockudoDeflate {
    socket: sockudo_ws::CompressedWebSocketStream<Stream>,
    reads: Reads,
}

impl SockudoDeflate {
    pub fn new(stream: Stream, reads: Reads) -> Self {
        let (config, deflate) = (
            crate::peers::sockudo_config(),
            crate::peers::sockudo_deflate(Compression::NoContextTakeover),
        );
        Self {
            socket: sockudo_ws::CompressedWebSocketStream::server(stream, config, deflate),
            reads,
        }
    }
}

/// yawc: text checked, buffers of 64 KiB each way; with deflate level 6 and no context takeover.
pub struct Yawc {
    socket: yawc::WebSocket<Stream>,
    reads: Reads,
}

impl Yawc {
    pub fn new(case: Case, stream: Stream, reads: Reads) -> Self {
        let compression = if case.kind.is_deflated() {
            Compression::NoContextTakeover
        } else {
            Compression::None
        };
        let options = crate::peers::yawc_options(compression, CHUNK);
        let extensions = crate::peers::offer(compression);
        let role = yawc::Role::Server;
        let socket =
            yawc::WebSocket::from_stream_with_extensions(stream, role, extensions, options);
        Self {
            socket: socket.expect("these extensions are enabled"),
            reads,
        }
    }
}

/// The loop of those that are a `Stream` and a `Sink`: in bulk messages are fed, and flushed at the end; one by one each is sent.
macro_rules! echo_by_stream_and_sink {
    ($($peer:ty, |$socket:ident| $next:expr;)*) => {$(
        impl Echo for $peer {
            fn run(&mut self, messages: usize) -> usize {
                let $socket = &mut self.socket;
                block_on(async {
                    for _ in 0..messages {
                        let message = $next;
                        match self.reads {
                            Reads::Chunks => $socket.feed(message).await.expect("the stream takes everything"),
                            Reads::Messages => $socket.send(message).await.expect("the stream takes everything"),
                        }
                    }
                    $socket.flush().await.expect("the stream takes everything");
                });
                messages
            }
        }
    )*};
}

echo_by_stream_and_sink! {
    TokioWebSockets, |socket| socket.next().await.expect("the feed has no end").expect("the feed is valid");
    Sockudo, |socket| socket.next().await.expect("the feed has no end").expect("the feed is valid");
    SockudoDeflate, |socket| socket.next().await.expect("the feed has no end").expect("the feed is valid");
    Yawc, |socket| socket.next_frame().await.expect("the feed is valid");
}
