//! Where the bytes of the connections lie: one entry for each run of bytes of one stream.

use super::column::Column;
use crate::{Direction, Timestamp, analysis::Provenance};

/// One direction of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamId(u32);

impl StreamId {
    /// How many connections there can be.
    pub(crate) const MAX_CONNECTIONS: u32 = 1 << 21;

    pub(crate) const fn new(connection: u32, direction: Direction) -> Self {
        Self(connection << 1 | direction as u32)
    }

    pub(crate) const fn connection(self) -> u32 {
        self.0 >> 1
    }

    pub(crate) const fn direction(self) -> Direction {
        if self.0 & 1 == 0 {
            Direction::ToServer
        } else {
            Direction::ToClient
        }
    }
}

/// Where the bytes of a segment lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the capture.
    File,
    /// In memory.
    Store,
    /// Nowhere.
    Missing,
}

/// A run of bytes of one stream that lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) stream: StreamId,
    pub(crate) place: Place,
    /// Offset in the capture or in the store.
    pub(crate) offset: u64,
    pub(crate) len: u16,
    pub(crate) packet: u32,
    pub(crate) time: Timestamp,
}

/// All segments, those of one stream in the order of the stream.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    entries: Column<Entry>,
    blocks: Vec<Block>,
}

/// What is the same, or nearly, for the segments from `first` on.
#[derive(Clone, Copy, Debug)]
struct Block {
    first: u32,
    packet: u32,
    offset: u64,
    time: u64,
}

/// A segment as the difference to its block. Bytes, so that it takes no more than it has to.
#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: [u8; 4],
    time: [u8; 4],
    /// The stream, and in the two highest bits the place.
    stream: [u8; 3],
    packet: [u8; 2],
    len: [u8; 2],
}

impl Segments {
    /// The longest segment in bytes.
    pub(crate) const MAX_LEN: usize = 65_535;

    /// Puts a segment at the end. `None` when there is no more room.
    #[inline]
    pub(crate) fn push(
        &mut self,
        stream: StreamId,
        place: Place,
        offset: u64,
        len: u16,
        provenance: &Provenance,
    ) -> Option<u32> {
        let time = provenance.time.nanos();
        let differences = self
            .blocks
            .last()
            .and_then(|block| block.differences(offset, time, provenance.packet));
        let (offset, time, packet) = match differences {
            Some(differences) => differences,
            None => {
                self.blocks.push(Block {
                    first: self.entries.len(),
                    packet: provenance.packet,
                    offset,
                    time,
                });
                (0, 0, 0)
            }
        };
        let stream = (stream.0 | (place as u32) << 22).to_le_bytes();
        self.entries.push(Entry {
            offset: offset.to_le_bytes(),
            time: time.to_le_bytes(),
            stream: [stream[0], stream[1], stream[2]],
            packet: packet.to_le_bytes(),
            len: len.to_le_bytes(),
        })
    }

    pub(crate) const fn len(&self) -> u32 {
        self.entries.len()
    }

    /// The stream of a segment.
    #[inline]
    pub(crate) fn stream(&self, number: u32) -> Option<StreamId> {
        Some(self.entries.get(number)?.stream())
    }

    /// A segment; `hint` remembers the block for the next one, which is likely the same.
    #[inline]
    pub(crate) fn get_near(&self, number: u32, hint: &mut usize) -> Option<Segment> {
        let entry = self.entries.get(number)?;
        let is_in = |at: usize| {
            self.blocks
                .get(at)
                .is_some_and(|block| block.first <= number)
                && self
                    .blocks
                    .get(at + 1)
                    .is_none_or(|next| number < next.first)
        };
        if !is_in(*hint) {
            *hint = if is_in(*hint + 1) {
                *hint + 1
            } else {
                self.blocks
                    .partition_point(|block| block.first <= number)
                    .saturating_sub(1)
            };
        }
        let block = self.blocks.get(*hint)?;
        Some(Segment {
            stream: entry.stream(),
            place: entry.place(),
            offset: block.offset + u64::from(u32::from_le_bytes(entry.offset)),
            len: u16::from_le_bytes(entry.len),
            packet: block.packet + u32::from(u16::from_le_bytes(entry.packet)),
            time: Timestamp::from_nanos(block.time + u64::from(u32::from_le_bytes(entry.time))),
        })
    }

    /// Length and stream of a segment, which is quicker than all of it.
    #[inline]
    pub(crate) fn stream_and_len(&self, number: u32) -> Option<(StreamId, u16)> {
        let entry = self.entries.get(number)?;
        Some((entry.stream(), u16::from_le_bytes(entry.len)))
    }

    /// The next segment of the same stream.
    pub(crate) fn next(&self, number: u32) -> Option<u32> {
        let stream = self.stream(number)?;
        (number + 1..self.len()).find(|&next| self.stream(next) == Some(stream))
    }

    /// Bytes of memory.
    pub(crate) const fn memory(&self) -> usize {
        self.entries.memory() + self.blocks.capacity() * size_of::<Block>()
    }
}

impl Block {
    /// What an entry has to hold; `None` when it cannot.
    fn differences(&self, offset: u64, time: u64, packet: u32) -> Option<(u32, u32, u16)> {
        let offset = u32::try_from(offset.checked_sub(self.offset)?).ok()?;
        let time = u32::try_from(time.checked_sub(self.time)?).ok()?;
        let packet = u16::try_from(packet.checked_sub(self.packet)?).ok()?;
        Some((offset, time, packet))
    }
}

impl Entry {
    const fn bits(&self) -> u32 {
        let [low, middle, high] = self.stream;
        u32::from_le_bytes([low, middle, high, 0])
    }

    const fn stream(&self) -> StreamId {
        StreamId(self.bits() & 0x3F_FFFF)
    }

    const fn place(&self) -> Place {
        match self.bits() >> 22 {
            0 => Place::File,
            1 => Place::Store,
            _ => Place::Missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_takes_fifteen_bytes() {
        assert_eq!(size_of::<Entry>(), 15);
    }

    #[test]
    fn segments_come_back_as_they_went_in_whatever_lies_between_them() {
        let mut segments = Segments::default();
        let mut expected = Vec::new();
        let steps = [
            (66, 1_000, 1),
            (1 << 33, 5, 2),
            (9, 1 << 40, 1),
            (70, 3, 70_000),
            (1, 0, 0),
        ];
        let (mut offset, mut time, mut packet) = (24_u64, 1_700_000_000_000_000_000_u64, 1_u32);
        for round in 0..2_000_u32 {
            let (more, later, packets) = steps[(round % 7 % 5) as usize];
            offset += more;
            time = if round % 11 == 0 {
                time - 1
            } else {
                time + later
            };
            packet += packets;
            let place = [Place::File, Place::Store, Place::Missing][(round % 3) as usize];
            let stream = StreamId::new(round * 31, Direction::BOTH[(round % 2) as usize]);
            let provenance = Provenance {
                offset: Some(offset),
                packet,
                time: Timestamp::from_nanos(time),
            };
            let len = (round % 65_536) as u16;
            assert_eq!(
                segments.push(stream, place, offset, len, &provenance),
                Some(round)
            );
            expected.push(Segment {
                stream,
                place,
                offset,
                len,
                packet,
                time: provenance.time,
            });
        }
        let mut hint = 0;
        for (number, segment) in expected.iter().enumerate() {
            assert_eq!(segments.get_near(number as u32, &mut 0), Some(*segment));
            assert_eq!(segments.get_near(number as u32, &mut hint), Some(*segment));
        }
        assert_eq!(segments.get_near(2_000, &mut hint), None);
    }
}
