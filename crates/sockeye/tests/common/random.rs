//! Random streams of frames, the same each time for the same seed.

use sockeye::{
    CloseCode, CloseFrame, Connection, DeflateParameters, Message, MessageKind, Options, Part,
    PreparedMessage, Role, WindowBits,
};

use super::to;

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) const fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True once in `n` times.
    pub(crate) const fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A length: mostly small, sometimes around a border of the header, now and then up to `max`.
    pub(crate) fn len(&mut self, max: usize) -> usize {
        let len = match self.below(8) {
            0 => 0,
            1..=4 => self.below(40),
            5 => self.choose(&[1, 124, 125, 126, 127, 128, 255, 256, 257]),
            6 => self.below(1000),
            _ => self.below(max + 1),
        };
        len.min(max)
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        match self.below(3) {
            // Nothing to compress.
            0 => (0..len).map(|_| self.next() as u8).collect(),
            // A great deal.
            1 => vec![self.next() as u8; len],
            _ => self.text(len).into_bytes(),
        }
    }

    /// Words that repeat, with characters of every length. About `len` bytes.
    pub(crate) fn text(&mut self, len: usize) -> String {
        const WORDS: [&str; 10] = [
            "socket ",
            "{\"id\": ",
            "eye ",
            "κόσμε ",
            "€",
            "😀",
            "日本語",
            "\u{10FFFF}",
            "\0",
            "a",
        ];
        let mut text = String::new();
        while text.len() < len {
            text.push_str(self.choose(&WORDS));
        }
        text
    }

    pub(crate) fn parameters(&mut self) -> DeflateParameters {
        let mut parameters = DeflateParameters::default();
        parameters.server_no_context_takeover = self.once_in(2);
        parameters.client_no_context_takeover = self.once_in(2);
        parameters.server_max_window_bits = self.window_bits();
        parameters.client_max_window_bits = self.window_bits();
        parameters
    }

    fn window_bits(&mut self) -> WindowBits {
        WindowBits::new(8 + self.below(8) as u8).unwrap()
    }

    pub(crate) fn message(&mut self, max: usize) -> Message<'static> {
        let len = self.len(max);
        if self.once_in(2) {
            Message::text(self.text(len))
        } else {
            Message::binary(self.bytes(len))
        }
    }

    /// A mask that is not zero.
    fn mask(bytes: &mut [u8]) {
        bytes.copy_from_slice(&[0x37, 0xfa, 0x21, 0x3d][..bytes.len()]);
    }

    /// The peer of a connection of `role`: it sends what that one is to receive.
    pub(crate) fn peer_of(
        &mut self,
        role: Role,
        parameters: Option<DeflateParameters>,
    ) -> Connection {
        let role = match role {
            Role::Server => Role::Client,
            Role::Client => Role::Server,
        };
        let mut options = Options::new(role);
        options.deflate.level = self.below(10) as u8;
        options.deflate.threshold = self.choose(&[0, 0, 10, 64]);
        Connection::new(role, &options, parameters, Self::mask)
    }

    /// Sends a message in one of the ways there are: whole, prepared, in parts with control frames between.
    pub(crate) fn send(&mut self, peer: &mut Connection, message: &Message<'_>, out: &mut Vec<u8>) {
        match self.below(4) {
            0 => {
                let mut prepared = PreparedMessage::new(message.clone());
                peer.send_prepared(&mut prepared, out).unwrap();
            }
            1 => {
                let mut rest = message.as_bytes();
                loop {
                    let end = self.len(rest.len());
                    let fin = end == rest.len() && self.once_in(2);
                    let part = Part::new(message.kind(), &rest[..end], fin);
                    peer.send_part(&part, out).unwrap();
                    rest = &rest[end..];
                    if fin {
                        break;
                    }
                    if self.once_in(3) {
                        self.control(peer, out);
                    }
                }
            }
            _ => peer.send(message.clone(), out).unwrap(),
        }
    }

    pub(crate) fn control(&mut self, peer: &mut Connection, out: &mut Vec<u8>) {
        let len = self.len(125);
        let payload = self.bytes(len.min(100));
        if self.once_in(2) {
            peer.ping(&payload, out).unwrap();
        } else {
            peer.pong(&payload, out).unwrap();
        }
    }

    /// What a connection of `role` might receive: mostly lawful messages and control frames, sometimes a frame made up,
    /// sometimes a Close frame and what follows it.
    pub(crate) fn stream(&mut self, role: Role, parameters: Option<DeflateParameters>) -> Vec<u8> {
        let mut peer = self.peer_of(role, parameters);
        let mut out = Vec::new();
        for _ in 0..1 + self.below(8) {
            match self.below(20) {
                0..=12 => {
                    let message = self.message(5000);
                    self.send(&mut peer, &message, &mut out);
                }
                13..=16 => self.control(&mut peer, &mut out),
                17 => {
                    // Any first byte, or one that promises compressed data.
                    let first = self.next() as u8;
                    let first = self.choose(&[first, 0xC1, 0xC2, 0x41, 0x42, 0x00, 0x80, 0x01]);
                    let len = self.len(300);
                    let payload = self.bytes(len);
                    out.extend(to(role, first, &payload));
                }
                18 => {
                    // A message of an unfinished kind, or a part of one that never ends.
                    let part = Part::new(MessageKind::Text, "never finished".as_bytes(), false);
                    peer.send_part(&part, &mut out).unwrap();
                    break;
                }
                _ => {
                    let code = self.choose(&[1000, 1001, 3000, 4999]);
                    let frame = CloseFrame::new(CloseCode::new(code), self.text(20));
                    peer.close(Some(frame), &mut out).unwrap();
                    let len = self.len(50);
                    let after = self.bytes(len);
                    out.extend(after);
                    break;
                }
            }
        }
        out
    }

    /// Cuts a stream at random places; some pieces are empty.
    pub(crate) fn pieces<'a>(&mut self, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(self.len(bytes.len()));
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }

    /// Damages a stream in a few places.
    pub(crate) fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..1 + self.below(3) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(6) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.next() as u8,
                2 => {
                    bytes.remove(at);
                }
                3 => bytes.insert(at, self.next() as u8),
                4 => bytes.truncate(at),
                _ => {
                    let end = (at + 1 + self.below(30)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
            }
        }
    }
}
