//! Files of Wireshark: sections of blocks
//! ([draft-ietf-opsawg-pcapng](https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/)).

use super::{
    Reader,
    packet::{Packet, Packets},
    records::{Cutter, MAX_PACKET, Next, Records, u16_at, u32_at},
};
use crate::{
    Timestamp,
    analysis::{Intake, Problem, Provenance},
};

/// Reads pcapng: any number of sections of either byte order, and of interfaces of different links.
#[derive(Debug, Default)]
pub(crate) struct PcapNgReader {
    cutter: Cutter,
    file: File,
}

impl PcapNgReader {
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

    /// Whether a file that begins with these four bytes is pcapng.
    pub(crate) fn recognises(first: [u8; 4]) -> bool {
        first == SECTION_HEADER.to_be_bytes()
    }
}

impl Reader for PcapNgReader {
    fn push(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        self.cutter.push(chunk, &mut self.file, intake);
    }

    fn finish(&mut self, intake: &mut dyn Intake) {
        self.cutter.finish(&self.file, intake);
        self.file.packets.finish(intake);
    }
}

/// What is known of the section under way.
#[derive(Debug, Default)]
struct File {
    /// Byte order of the section; `None` before the first.
    big_endian: Option<bool>,
    interfaces: Vec<Interface>,
    packets: Packets,
    count: u32,
    told_unknown_interface: bool,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link_type: u16,
    snap_len: u32,
    resolution: Resolution,
    /// Seconds to add to times.
    offset: i64,
    /// How many bytes of checksum Ethernet left at the end of packets.
    checksum: u32,
}

/// What a time counts.
#[derive(Clone, Copy, Debug)]
enum Resolution {
    /// Seconds divided by 10 to the power of this.
    Decimal(u8),
    /// Seconds divided by 2 to the power of this.
    Binary(u8),
}

impl Records for File {
    fn next(&mut self, head: &[u8]) -> Next {
        if head.len() < MIN_BLOCK {
            return Next::Take(MIN_BLOCK);
        }
        let is_section = is_section(head);
        let big_endian = if is_section {
            match u32_at(head, 8, false) {
                BYTE_ORDER_MAGIC => false,
                magic if magic.swap_bytes() == BYTE_ORDER_MAGIC => true,
                magic => return Next::Invalid(format!("a byte-order magic of {magic:#010x}")),
            }
        } else if let Some(big_endian) = self.big_endian {
            big_endian
        } else {
            return Next::Invalid("no section header".into());
        };
        let len = u32_at(head, 4, big_endian);
        if len < MIN_BLOCK as u32 || !len.is_multiple_of(4) {
            return Next::Invalid(format!("a block of length {len}"));
        }
        let known = is_section
            || matches!(
                u32_at(head, 0, big_endian),
                INTERFACE_DESCRIPTION
                    | PACKET
                    | SIMPLE_PACKET
                    | ENHANCED_PACKET
                    | DECRYPTION_SECRETS
            );
        if !known {
            return Next::Skip(len.into());
        }
        if len > MAX_BLOCK {
            return Next::Invalid(format!("a block of length {len}"));
        }
        Next::Take(len as usize)
    }

    fn record(
        &mut self,
        offset: u64,
        record: &mut [u8],
        intake: &mut dyn Intake,
    ) -> Result<(), String> {
        let len = record.len();
        if is_section(record) {
            self.big_endian = Some(u32_at(record, 8, false) != BYTE_ORDER_MAGIC);
            self.interfaces.clear();
        }
        let big_endian = self.big_endian.unwrap_or_default();
        if u32_at(record, len - 4, big_endian) as usize != len {
            return Err("a block whose length differs at its end".into());
        }
        let block_type = u32_at(record, 0, big_endian);
        let body = &mut record[8..len - 4];
        let offset = offset + 8;
        match block_type {
            INTERFACE_DESCRIPTION => self.interface(body, big_endian),
            DECRYPTION_SECRETS => {
                let len = u32_at(body, 4, big_endian) as usize;
                if u32_at(body, 0, big_endian) == TLS_KEY_LOG {
                    let log = body.get(8..).and_then(|log| log.get(..len));
                    intake.keys(log.ok_or("secrets that are longer than their block")?);
                }
                Ok(())
            }
            ENHANCED_PACKET => {
                let fields = Fields {
                    interface: u32_at(body, 0, big_endian),
                    time: Some(time_at(body, 4, big_endian)),
                    captured_len: u32_at(body, 12, big_endian),
                    original_len: u32_at(body, 16, big_endian),
                };
                self.packet(fields, offset, body, 20, intake)
            }
            PACKET => {
                // Interface and count of dropped packets, 16 bits each; the rest is as in its successor.
                let fields = Fields {
                    interface: u16_at(body, 0, big_endian).into(),
                    time: Some(time_at(body, 4, big_endian)),
                    captured_len: u32_at(body, 12, big_endian),
                    original_len: u32_at(body, 16, big_endian),
                };
                self.packet(fields, offset, body, 20, intake)
            }
            SIMPLE_PACKET => {
                let original_len = u32_at(body, 0, big_endian);
                let snap_len = self.interfaces.first().map_or(0, |first| first.snap_len);
                let fields = Fields {
                    interface: 0,
                    time: None,
                    captured_len: if snap_len == 0 {
                        original_len
                    } else {
                        original_len.min(snap_len)
                    },
                    original_len,
                };
                self.packet(fields, offset, body, 4, intake)
            }
            _ => Ok(()),
        }
    }

    fn name(&self) -> String {
        "block".into()
    }
}

/// What stands before a packet's data.
struct Fields {
    interface: u32,
    time: Option<u64>,
    captured_len: u32,
    original_len: u32,
}

impl File {
    /// A packet whose data begins at `at` of a block's body.
    fn packet(
        &mut self,
        fields: Fields,
        offset: u64,
        body: &mut [u8],
        at: usize,
        intake: &mut dyn Intake,
    ) -> Result<(), String> {
        self.count = self.count.saturating_add(1);
        let data = body
            .get_mut(at..)
            .and_then(|data| data.get_mut(..fields.captured_len as usize))
            .ok_or("a packet that is longer than its block")?;
        let Some(interface) = self.interfaces.get(fields.interface as usize) else {
            if !core::mem::replace(&mut self.told_unknown_interface, true) {
                intake.problem(Problem::Skipped {
                    what: "packets of an interface that is not described before".into(),
                });
            }
            return Ok(());
        };
        let time = fields
            .time
            .map_or(Timestamp::UNKNOWN, |time| interface.time(time));
        self.packets.packet(
            Packet {
                link_type: interface.link_type,
                checksum: interface.checksum,
                original_len: fields.original_len,
                provenance: Provenance {
                    offset: Some(offset + at as u64),
                    packet: self.count,
                    time,
                },
                data,
            },
            intake,
        );
        Ok(())
    }

    fn interface(&mut self, body: &[u8], big_endian: bool) -> Result<(), String> {
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(format!("more than {MAX_INTERFACES} interfaces"));
        }
        let mut interface = Interface {
            link_type: u16_at(body, 0, big_endian),
            snap_len: u32_at(body, 4, big_endian),
            resolution: Resolution::Decimal(6),
            offset: 0,
            checksum: 0,
        };
        let mut options = body.get(8..).unwrap_or_default();
        // Code and length of an option; its value is padded to a multiple of 4.
        while options.len() >= 4 {
            let code = u16_at(options, 0, big_endian);
            let len = usize::from(u16_at(options, 2, big_endian));
            let Some(value) = options[4..].get(..len) else {
                break;
            };
            match (code, value) {
                (0, _) => break,
                (9, [resolution]) => {
                    let power = resolution & 0x7F;
                    interface.resolution = if resolution & 0x80 == 0 {
                        Resolution::Decimal(power)
                    } else {
                        Resolution::Binary(power)
                    };
                }
                // The draft counts bits; writers are known that count bytes.
                (13, [checksum]) => {
                    interface.checksum = u32::from(if *checksum < 8 {
                        *checksum
                    } else {
                        checksum / 8
                    });
                }
                (14, value) => {
                    if let Some(value) = value.first_chunk() {
                        interface.offset = if big_endian {
                            i64::from_be_bytes(*value)
                        } else {
                            i64::from_le_bytes(*value)
                        };
                    }
                }
                _ => {}
            }
            options = options
                .get(4 + len.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        self.interfaces.push(interface);
        Ok(())
    }
}

impl Interface {
    /// The point in time that `time` counts.
    fn time(&self, time: u64) -> Timestamp {
        let nanos = match self.resolution {
            Resolution::Decimal(9) => u128::from(time),
            Resolution::Decimal(power @ ..9) => {
                u128::from(time) * 10_u128.pow(9 - u32::from(power))
            }
            Resolution::Decimal(power) => 10_u64
                .checked_pow(u32::from(power) - 9)
                .map_or(0, |unit| u128::from(time / unit)),
            Resolution::Binary(power) => (u128::from(time) * 1_000_000_000)
                .checked_shr(power.into())
                .unwrap_or_default(),
        };
        let nanos = i128::try_from(nanos).unwrap_or(i128::MAX);
        let nanos = nanos.saturating_add(i128::from(self.offset) * 1_000_000_000);
        // What lies before 1970 or after 2554 is not known.
        Timestamp::from_nanos(u64::try_from(nanos).unwrap_or_default())
    }
}

/// Whether a block heads a section; the number reads the same in both byte orders.
fn is_section(head: &[u8]) -> bool {
    u32_at(head, 0, false) == SECTION_HEADER
}

/// A time, whose high half comes first in both byte orders.
fn time_at(body: &[u8], at: usize, big_endian: bool) -> u64 {
    u64::from(u32_at(body, at, big_endian)) << 32 | u64::from(u32_at(body, at + 4, big_endian))
}

/// Type, length, and length again.
const MIN_BLOCK: usize = 12;
/// Room for the longest packet, and for options.
const MAX_BLOCK: u32 = MAX_PACKET + (1 << 20);
/// More than any machine has; each takes memory until the section ends.
const MAX_INTERFACES: usize = 65_536;

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 0x0A;
/// `TLSK`.
const TLS_KEY_LOG: u32 = 0x544C_534B;

#[cfg(test)]
mod tests;
