//! The bytes of a stream as they are: one direction in a capture, the other in a second one or nowhere.

use crate::analysis::{Flow, FlowId, Intake, Provenance, Side};

/// One connection, to which one or two captures bring the bytes of its directions.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    flow: Option<FlowId>,
    speakers: [Speaker; 2],
}

/// One of the two that are heard. Which is which comes out with the first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Of the first capture, or the first side in a text.
    One,
    /// Of the second capture, or the second side in a text.
    Other,
}

impl Voice {
    const fn other(self) -> Self {
        match self {
            Self::One => Self::Other,
            Self::Other => Self::One,
        }
    }
}

#[derive(Debug, Default)]
struct Speaker {
    side: Option<Side>,
    /// The first bytes, until they say what they are.
    held: Vec<(Provenance, u8)>,
}

/// What a stream begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// A request of HTTP.
    Request,
    /// A response of HTTP.
    Response,
    /// Anything else: frames.
    Frames,
}

impl Opening {
    /// So many bytes decide.
    pub(crate) const LEN: usize = 5;

    /// What these first bytes begin.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        const METHODS: [&[u8]; 8] = [
            b"GET ", b"POST ", b"PUT ", b"HEAD ", b"CONNE", b"OPTIO", b"DELET", b"PATCH",
        ];
        // Where there is less, what there is decides.
        let begins = |start: &[u8]| bytes.starts_with(start) || start.starts_with(bytes);
        if bytes.is_empty() {
            Self::Frames
        } else if begins(b"HTTP/") {
            Self::Response
        } else if METHODS.iter().any(|method| begins(method)) {
            Self::Request
        } else {
            Self::Frames
        }
    }
}

impl Conversation {
    /// Takes the next bytes of one of them.
    pub(crate) fn say(
        &mut self,
        voice: Voice,
        mut provenance: Provenance,
        mut bytes: &mut [u8],
        intake: &mut dyn Intake,
    ) {
        let other = voice.other();
        if !self.speakers[other as usize].held.is_empty() {
            // It said little, and is answered.
            self.decide(other, &[], intake);
        }
        let speaker = &mut self.speakers[voice as usize];
        if speaker.side.is_none() {
            let missing = Opening::LEN - speaker.held.len();
            // Most often there are enough, and nothing is copied.
            let decided = speaker.held.is_empty() && bytes.len() >= missing;
            if !decided {
                let (now, rest) = bytes.split_at_mut(missing.min(bytes.len()));
                for &mut byte in now {
                    speaker.held.push((provenance, byte));
                    provenance.offset = provenance.offset.map(|offset| offset + 1);
                }
                bytes = rest;
                if speaker.held.len() < Opening::LEN {
                    return;
                }
            }
            self.decide(voice, bytes, intake);
        }
        let (Some(flow), Some(side)) = (self.flow, self.speakers[voice as usize].side) else {
            return;
        };
        if !bytes.is_empty() {
            intake.receive(flow, side, provenance, bytes);
        }
    }

    /// Nothing more is said.
    pub(crate) fn finish(&mut self, intake: &mut dyn Intake) {
        for voice in [Voice::One, Voice::Other] {
            let speaker = &self.speakers[voice as usize];
            if speaker.side.is_none() && !speaker.held.is_empty() {
                self.decide(voice, &[], intake);
            }
        }
    }

    /// Finds out who speaks, from what is held or else from `bytes`, and tells what is held.
    fn decide(&mut self, voice: Voice, bytes: &[u8], intake: &mut dyn Intake) {
        let mut held = core::mem::take(&mut self.speakers[voice as usize].held);
        let first: Vec<u8> = held.iter().map(|(_, byte)| *byte).collect();
        let opening = Opening::of(if first.is_empty() { bytes } else { &first });
        let side = match (self.speakers[voice.other() as usize].side, opening) {
            (Some(side), _) => side.other(),
            (None, Opening::Response) => Side::Second,
            (None, _) => Side::First,
        };
        self.speakers[voice as usize].side = Some(side);
        let flow = *self.flow.get_or_insert_with(|| {
            intake.open(Flow {
                addresses: [None, None],
                first_is_client: opening != Opening::Frames,
                from_start: opening != Opening::Frames,
                decrypted: false,
                is_websocket: true,
                client: None,
            })
        });
        // What came in one piece is told in one piece.
        let mut rest = &mut held[..];
        while let Some(&(provenance, _)) = rest.first() {
            let same = |(at, (other, _)): (usize, &(Provenance, u8))| {
                let offset = provenance.offset.map(|offset| offset + at as u64);
                (offset, provenance.packet) == (other.offset, other.packet)
            };
            let len = rest
                .iter()
                .enumerate()
                .take_while(|&item| same(item))
                .count();
            let mut piece: Vec<u8> = rest[..len].iter().map(|(_, byte)| *byte).collect();
            intake.receive(flow, side, provenance, &mut piece);
            rest = &mut rest[len..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, reader::transcript::Transcript};

    /// Says these in pieces of at most `cut` bytes, and returns what is told.
    fn hear(said: &[(Voice, &[u8])], cut: usize) -> Vec<String> {
        let (mut conversation, mut transcript) = (Conversation::default(), Transcript::default());
        let mut offsets = [0, 0];
        for (voice, bytes) in said {
            for piece in bytes.chunks(cut) {
                let offset = &mut offsets[*voice as usize];
                let provenance = Provenance {
                    offset: Some(*offset),
                    packet: 0,
                    time: Timestamp::UNKNOWN,
                };
                conversation.say(*voice, provenance, &mut piece.to_vec(), &mut transcript);
                *offset += piece.len() as u64;
            }
        }
        conversation.finish(&mut transcript);
        transcript.lines()
    }

    #[test]
    fn who_speaks_comes_out_with_the_first_bytes() {
        for cut in 1..=20 {
            assert_eq!(
                hear(&[(Voice::One, b"GET / HTTP/1.1\r\n")], cut),
                [
                    "0open - - first_is_client from_start websocket",
                    r"0First @0 GET / HTTP/1.1\r\n"
                ]
            );
            assert_eq!(
                hear(&[(Voice::One, b"HTTP/1.1 101\r\n")], cut),
                [
                    "0open - - first_is_client from_start websocket",
                    r"0Second @0 HTTP/1.1 101\r\n"
                ]
            );
            assert_eq!(
                hear(&[(Voice::One, b"\x81\x05Hello")], cut),
                ["0open - - websocket", r"0First @0 \x81\x05Hello"]
            );
        }
        assert_eq!(
            hear(&[(Voice::One, b"\x89\x00")], 1),
            ["0open - - websocket", r"0First @0 \x89\x00"]
        );
        assert_eq!(hear(&[], 1), [""; 0]);
    }

    #[test]
    fn second_voice_is_the_other_side_of_the_same_flow() {
        for cut in 1..=20 {
            assert_eq!(
                hear(
                    &[
                        (Voice::Other, b"HTTP/1.1 101\r\n"),
                        (Voice::One, b"GET / HTTP/1.1\r\n")
                    ],
                    cut
                ),
                [
                    "0open - - first_is_client from_start websocket",
                    r"0Second @0 HTTP/1.1 101\r\n",
                    r"0First @0 GET / HTTP/1.1\r\n",
                ]
            );
        }
    }
}
