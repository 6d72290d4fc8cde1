//! Whether a server returns what it is sent: looked at byte by byte before it is measured, because the load generator has no time to.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
};

use flate2::{Decompress, FlushDecompress};

use crate::{
    load::{Load, shake_hands},
    payload::{Compression, Feed},
};

/// How many bursts are compared: with context takeover the later ones refer to the earlier.
const BURSTS: u32 = 3;

/// Sends bursts of a load on a connection of its own, and compares the answers.
///
/// # Errors
///
/// What is wrong with the first answer that is not what was sent.
pub fn check(address: SocketAddr, load: Load, handshake: bool) -> io::Result<()> {
    let stream = shake_hands(address, load.compression, handshake)?;
    let mut answers = Answers {
        stream: stream.try_clone()?,
        inflater: Decompress::new(false),
        compression: load.compression,
    };
    for seed in 0..BURSTS {
        let burst = Feed::burst(load.case, load.in_flight, seed);
        let mut writer = &stream;
        thread::scope(|scope| {
            // A server that answers the beginning of what it is sent waits for the answer to be read.
            let sent = scope.spawn(|| writer.write_all(&burst));
            if handshake {
                for index in 0..load.in_flight {
                    let expected = Feed::payload(load.case, seed, index);
                    answers.expect(&expected, load.case.kind.opcode())?;
                }
            } else {
                let mut echo = vec![0; burst.len()];
                answers.stream.read_exact(&mut echo)?;
                if echo != burst {
                    return Err(io::Error::other("the bytes that come back are others"));
                }
            }
            sent.join().expect("writing does not panic")
        })?;
    }
    Ok(())
}

/// The server's side of a connection.
struct Answers {
    stream: TcpStream,
    inflater: Decompress,
    compression: Compression,
}

impl Answers {
    /// Reads a message and compares it.
    fn expect(&mut self, expected: &[u8], opcode: u8) -> io::Result<()> {
        let mut message = Vec::new();
        let mut first = None;
        loop {
            let (head, payload) = self.frame()?;
            // Control frames may come at any time.
            if head & 0x08 != 0 {
                continue;
            }
            first = first.or(Some(head));
            message.extend_from_slice(&payload);
            if head & 0x80 != 0 {
                break;
            }
        }
        let first = first.unwrap_or_default();
        if first & 0x40 != 0 {
            message = self.inflate(message)?;
        }
        if first & 0x0F != opcode || message != expected {
            return Err(io::Error::other(format!(
                "a message of {} bytes comes back as another one of {} bytes, its first byte {first:#04x}",
                expected.len(),
                message.len()
            )));
        }
        Ok(())
    }

    /// Reads a frame: its first byte and its payload (RFC 6455 §5.2).
    fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        let mut extended = [0; 8];
        let len = match head[1] {
            len @ 0..126 => usize::from(len),
            126 => {
                self.stream.read_exact(&mut extended[6..])?;
                u64::from_be_bytes(extended) as usize
            }
            127 => {
                self.stream.read_exact(&mut extended)?;
                u64::from_be_bytes(extended) as usize
            }
            _ => return Err(io::Error::other("a server does not mask its frames")),
        };
        let mut payload = vec![0; len];
        self.stream.read_exact(&mut payload)?;
        Ok((head[0], payload))
    }

    /// Inflates a message (RFC 7692 §7.2.2).
    fn inflate(&mut self, mut message: Vec<u8>) -> io::Result<Vec<u8>> {
        if self.compression != Compression::ContextTakeover {
            self.inflater.reset(false);
        }
        message.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
        // No message here is longer.
        let mut inflated = Vec::with_capacity(65_536);
        self.inflater
            .decompress_vec(&message, &mut inflated, FlushDecompress::Sync)?;
        Ok(inflated)
    }
}
