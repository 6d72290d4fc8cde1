//! The index of frames: twelve bytes for each.

use std::collections::BTreeMap;

use super::{
    column::{Column, SparseColumn},
    segments::Segments,
};
use crate::{Frame, OnRecord, Severity};

/// All frames, in the order in which their headers were complete.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    entries: Column<Entry>,
    /// Length of the inflated message and one more, at the first frame of a compressed message.
    inflated: SparseColumn,
    /// Lengths that do not fit, of payloads and of inflated messages.
    long: BTreeMap<u32, u64>,
    long_inflated: BTreeMap<u32, u64>,
}

/// A frame. Where its first byte is, and what is in its header.
#[derive(Clone, Copy, Debug)]
struct Entry {
    segment: u32,
    /// [`LONG`]: see the map.
    len: u32,
    /// Offset of the header in the segment.
    at: u16,
    flags: u16,
}

const LONG: u32 = u32::MAX;

const FIN: u16 = 1 << 15;
const RSV1: u16 = 1 << 14;
const RSV2: u16 = 1 << 13;
const RSV3: u16 = 1 << 12;
const OPCODE_SHIFT: u32 = 8;
const MASKED: u16 = 1 << 7;
const FORM_SHIFT: u32 = 5;
const COMPRESSED: u16 = 1 << 4;
const SEVERITY_SHIFT: u32 = 2;

/// What goes into the index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewFrame {
    pub(crate) segment: u32,
    pub(crate) at: u16,
    pub(crate) fin: bool,
    pub(crate) rsv1: bool,
    pub(crate) rsv2: bool,
    pub(crate) rsv3: bool,
    pub(crate) opcode: u8,
    pub(crate) masked: bool,
    pub(crate) header_len: u8,
    pub(crate) payload_len: u64,
    pub(crate) compressed: bool,
    pub(crate) on_record: OnRecord,
}

impl Frames {
    /// Puts a frame at the end. `None` when there is no more room.
    #[inline]
    pub(crate) fn push(&mut self, frame: &NewFrame) -> Option<u32> {
        let bit = |is: bool, mask: u16| if is { mask } else { 0 };
        let form = match frame.header_len
            - if frame.masked && frame.header_len > 4 {
                4
            } else {
                0
            } {
            2 => 0,
            4 => 1,
            10 => 2,
            _ => 3,
        };
        let flags = bit(frame.fin, FIN)
            | bit(frame.rsv1, RSV1)
            | bit(frame.rsv2, RSV2)
            | bit(frame.rsv3, RSV3)
            | u16::from(frame.opcode & 0xF) << OPCODE_SHIFT
            | bit(frame.masked, MASKED)
            | form << FORM_SHIFT
            | bit(frame.compressed, COMPRESSED)
            | frame.on_record as u16;
        let len = match u32::try_from(frame.payload_len) {
            Ok(len) if len != LONG => len,
            _ => {
                self.long.insert(self.entries.len(), frame.payload_len);
                LONG
            }
        };
        self.entries.push(Entry {
            segment: frame.segment,
            len,
            at: frame.at,
            flags,
        })
    }

    pub(crate) const fn len(&self) -> u32 {
        self.entries.len()
    }

    /// Raises the severity of a frame.
    #[inline]
    pub(crate) fn mark(&mut self, number: u32, severity: Severity) {
        if let Some(entry) = self.entries.get_mut(number) {
            let worst = (entry.flags >> SEVERITY_SHIFT & 0b11).max(severity as u16 + 1);
            entry.flags = entry.flags & !(0b11 << SEVERITY_SHIFT) | worst << SEVERITY_SHIFT;
        }
    }

    /// Sets the length of the message that begins with this frame, inflated.
    pub(crate) fn set_inflated(&mut self, number: u32, len: u64) {
        let short = u32::try_from(len).ok().and_then(|len| len.checked_add(1));
        if let Some(short) = short
            && short != LONG
        {
            self.inflated.set(number, short);
        } else {
            self.inflated.set(number, LONG);
            self.long_inflated.insert(number, len);
        }
    }

    /// The segment in which a frame begins, and where in it.
    #[inline]
    pub(crate) fn start(&self, number: u32) -> Option<(u32, u16)> {
        let entry = self.entries.get(number)?;
        Some((entry.segment, entry.at))
    }

    /// Whether a frame is a control frame, a continuation, and the last of its message: what it takes to walk along a message.
    #[inline]
    pub(crate) fn shape(&self, number: u32) -> Option<(u8, bool)> {
        let entry = self.entries.get(number)?;
        Some((entry.opcode(), entry.flags & FIN != 0))
    }

    /// A frame; `hint` is that of [`Segments::get_near`].
    #[inline]
    pub(crate) fn get(&self, number: u32, segments: &Segments, hint: &mut usize) -> Option<Frame> {
        let entry = self.entries.get(number)?;
        let segment = segments.get_near(entry.segment, hint)?;
        let masked = entry.flags & MASKED != 0;
        let header_len = match entry.flags >> FORM_SHIFT & 0b11 {
            0 => 2,
            1 => 4,
            2 => 10,
            _ => 0,
        };
        let compressed = entry.flags & COMPRESSED != 0;
        let inflated = if compressed {
            self.inflated.get(number)
        } else {
            0
        };
        Some(Frame {
            number,
            connection: segment.stream.connection(),
            direction: segment.stream.direction(),
            time: segment.time,
            on_record: match entry.flags & 0b11 {
                0 => OnRecord::Wire,
                1 => OnRecord::Header,
                _ => OnRecord::Message,
            },
            fin: entry.flags & FIN != 0,
            rsv1: entry.flags & RSV1 != 0,
            rsv2: entry.flags & RSV2 != 0,
            rsv3: entry.flags & RSV3 != 0,
            opcode: entry.opcode(),
            masked,
            header_len: if masked && header_len > 0 {
                header_len + 4
            } else {
                header_len
            },
            payload_len: match entry.len {
                LONG => self
                    .long
                    .get(&number)
                    .copied()
                    .unwrap_or_else(|| LONG.into()),
                len => len.into(),
            },
            compressed,
            inflated_len: match inflated {
                0 => None,
                LONG => self.long_inflated.get(&number).copied(),
                len => Some(u64::from(len - 1)),
            },
            severity: match entry.flags >> SEVERITY_SHIFT & 0b11 {
                0 => None,
                1 => Some(Severity::Information),
                2 => Some(Severity::Advice),
                _ => Some(Severity::Violation),
            },
        })
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        let long = self.long.len() + self.long_inflated.len();
        self.entries.memory() + self.inflated.memory() + long * 24
    }
}

impl Entry {
    const fn opcode(&self) -> u8 {
        (self.flags >> OPCODE_SHIFT) as u8 & 0xF
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Direction, Timestamp,
        analysis::Provenance,
        capture::segments::{Place, StreamId},
    };

    #[test]
    fn entry_takes_twelve_bytes() {
        assert_eq!(size_of::<Entry>(), 12);
    }

    #[test]
    fn frames_come_back_as_they_went_in() {
        let mut segments = Segments::default();
        let mut frames = Frames::default();
        let provenance = Provenance {
            offset: Some(100),
            packet: 3,
            time: Timestamp::from_nanos(77),
        };
        let stream = StreamId::new(5, Direction::ToClient);
        segments.push(stream, Place::File, 100, 1_000, &provenance);
        for bits in 0..=0xFF_u8 {
            for (header_len, masked, payload_len) in [
                (2, false, 7),
                (6, true, 125),
                (4, false, 126),
                (8, true, 0xFFFF),
                (10, false, u32::MAX.into()),
                (14, true, u64::MAX),
            ] {
                let new = NewFrame {
                    segment: 0,
                    at: 9,
                    fin: bits & 0x80 != 0,
                    rsv1: bits & 0x40 != 0,
                    rsv2: bits & 0x20 != 0,
                    rsv3: bits & 0x10 != 0,
                    opcode: bits & 0xF,
                    masked,
                    header_len,
                    payload_len,
                    compressed: bits & 1 != 0,
                    on_record: OnRecord::Wire,
                };
                let number = frames.push(&new).expect("there is room");
                let frame = frames
                    .get(number, &segments, &mut 0)
                    .expect("it was put in");
                assert_eq!(
                    (frame.connection, frame.direction),
                    (5, Direction::ToClient)
                );
                assert_eq!(frame.time.nanos(), 77);
                assert_eq!(
                    (frame.fin, frame.rsv1, frame.rsv2, frame.rsv3, frame.opcode),
                    (new.fin, new.rsv1, new.rsv2, new.rsv3, new.opcode)
                );
                assert_eq!((frame.masked, frame.header_len), (masked, header_len));
                assert_eq!(frame.payload_len, payload_len);
                assert_eq!((frame.severity, frame.inflated_len), (None, None));
            }
        }
    }

    #[test]
    fn severity_only_rises_and_inflated_lengths_of_any_size_are_kept() {
        let mut segments = Segments::default();
        let mut frames = Frames::default();
        let provenance = Provenance {
            offset: None,
            packet: 1,
            time: Timestamp::UNKNOWN,
        };
        let stream = StreamId::new(0, Direction::ToServer);
        segments.push(stream, Place::Store, 0, 10, &provenance);
        let new = NewFrame {
            segment: 0,
            at: 0,
            fin: true,
            rsv1: true,
            rsv2: false,
            rsv3: false,
            opcode: 1,
            masked: false,
            header_len: 2,
            payload_len: 4,
            compressed: true,
            on_record: OnRecord::Wire,
        };
        let number = frames.push(&new).expect("there is room");
        for (severity, worst) in [
            (Severity::Information, Severity::Information),
            (Severity::Violation, Severity::Violation),
            (Severity::Advice, Severity::Violation),
        ] {
            frames.mark(number, severity);
            let frame = frames.get(number, &segments, &mut 0).expect("it is there");
            assert_eq!(frame.severity, Some(worst));
        }
        for len in [
            0,
            1,
            0xFFFF_FFFC,
            0xFFFF_FFFD,
            0xFFFF_FFFE,
            0xFFFF_FFFF,
            1 << 40,
        ] {
            frames.set_inflated(number, len);
            let frame = frames.get(number, &segments, &mut 0).expect("it is there");
            assert_eq!(frame.inflated_len, Some(len));
        }
    }
}
