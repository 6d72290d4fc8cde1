//! Files of libpcap: a header of 24 bytes, and packets with a header of 16.

use super::{
    Reader,
    packet::{Packet, Packets},
    records::{Cutter, MAX_PACKET, Next, Records, u32_at},
};
use crate::{
    Timestamp,
    analysis::{Intake, Provenance},
};

/// Reads pcap, of either byte order, in microseconds or nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct PcapReader {
    cutter: Cutter,
    file: File,
}

impl PcapReader {
    /// A reader that holds at most `held_bytes` out of order for each direction of a connection.
    pub(crate) fn new(held_bytes: usize) -> Self {
        Self {
            file: File {
                packets: Packets::new(held_bytes),
                ..File::default()
            },
            ..Self::default()
        }
    }

    /// Whether a file that begins with these four bytes is pcap.
    pub(crate) fn recognises(first: [u8; 4]) -> bool {
        Header::of(first).is_some()
    }
}

impl Reader for PcapReader {
    fn push(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        self.cutter.push(chunk, &mut self.file, intake);
    }

    fn finish(&mut self, intake: &mut dyn Intake) {
        self.cutter.finish(&self.file, intake);
        self.file.packets.finish(intake);
    }
}

/// What is known of the file.
#[derive(Debug, Default)]
struct File {
    header: Option<Header>,
    packets: Packets,
    count: u32,
}

#[derive(Clone, Copy, Debug)]
struct Header {
    big_endian: bool,
    /// Nanoseconds in what a time's fraction counts.
    unit: u64,
    /// Length of the header of a packet.
    len: usize,
    link_type: u16,
    /// How many bytes of checksum Ethernet left at the end of packets.
    checksum: u32,
}

impl Header {
    /// What the magic number says.
    fn of(magic: [u8; 4]) -> Option<Self> {
        [false, true].into_iter().find_map(|big_endian| {
            let (unit, len) = match u32_at(&magic, 0, big_endian) {
                0xA1B2_C3D4 => (1_000, 16),
                0xA1B2_3C4D => (1, 16),
                // Kuznetzov's: index of the interface, protocol and type of packet stand behind the lengths.
                0xA1B2_CD34 => (1_000, 24),
                _ => return None,
            };
            Some(Self {
                big_endian,
                unit,
                len,
                link_type: 0,
                checksum: 0,
            })
        })
    }
}

impl Records for File {
    fn next(&mut self, head: &[u8]) -> Next {
        let Some(header) = self.header else {
            return match head.first_chunk() {
                Some(magic) if Header::of(*magic).is_none() => {
                    Next::Invalid("no header of a pcap file".into())
                }
                Some(_) => Next::Take(FILE_HEADER_LEN),
                None => Next::Take(4),
            };
        };
        if head.len() < header.len {
            return Next::Take(header.len);
        }
        let len = u32_at(head, 8, header.big_endian);
        if len > MAX_PACKET {
            return Next::Invalid(format!("a packet of {len} bytes"));
        }
        Next::Take(header.len + len as usize)
    }

    fn record(
        &mut self,
        offset: u64,
        record: &mut [u8],
        intake: &mut dyn Intake,
    ) -> Result<(), String> {
        let Some(header) = self.header else {
            self.header = record.first_chunk().and_then(|magic| {
                let header = Header::of(*magic)?;
                let network = u32_at(record, 20, header.big_endian);
                // The low 16 bits are the link type; bit 26 says that bits 28 to 31 have the length of the checksum, in words of 16 bits.
                let checksum = if network & 1 << 26 == 0 {
                    0
                } else {
                    (network >> 28) * 2
                };
                Some(Header {
                    link_type: network as u16,
                    checksum,
                    ..header
                })
            });
            return Ok(());
        };
        self.count = self.count.saturating_add(1);
        let big_endian = header.big_endian;
        let seconds = u64::from(u32_at(record, 0, big_endian));
        let fraction = u64::from(u32_at(record, 4, big_endian));
        let original_len = u32_at(record, 12, big_endian);
        let (_, data) = record.split_at_mut(header.len);
        self.packets.packet(
            Packet {
                link_type: header.link_type,
                checksum: header.checksum,
                original_len,
                provenance: Provenance {
                    offset: Some(offset + header.len as u64),
                    packet: self.count,
                    time: Timestamp::from_nanos(seconds * 1_000_000_000 + fraction * header.unit),
                },
                data,
            },
            intake,
        );
        Ok(())
    }

    fn name(&self) -> String {
        if self.header.is_none() {
            "file's header".into()
        } else {
            format!("packet {}", self.count.saturating_add(1))
        }
    }
}

const FILE_HEADER_LEN: usize = 24;

#[cfg(test)]
mod tests;
