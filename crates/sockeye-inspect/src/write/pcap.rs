//! The container of libpcap.

use std::io;

use super::pcapng::too_long;
use crate::Timestamp;

/// The form of a pcap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcapOptions {
    /// What packets begin with ([`LinkType::number`](super::LinkType::number)). Default 1, Ethernet.
    pub link_type: u16,
    /// Whether times have nanoseconds, else microseconds. Default: they have.
    pub nanoseconds: bool,
    /// Byte order of the file, which is that of the machine that writes it. Default: little-endian.
    pub big_endian: bool,
    /// The longest packet that the file has, in bytes: longer ones are cut by who writes. Default 262,144, as tcpdump.
    pub snap_len: u32,
}

impl Default for PcapOptions {
    fn default() -> Self {
        Self {
            link_type: 1,
            nanoseconds: true,
            big_endian: false,
            snap_len: 262_144,
        }
    }
}

/// Writes packets of one link type into a pcap file.
#[derive(Debug)]
pub struct PcapWriter<W> {
    out: W,
    options: PcapOptions,
    record: Vec<u8>,
}

impl<W: io::Write> PcapWriter<W> {
    /// Writes the header of the file to `out`.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, options: PcapOptions) -> io::Result<Self> {
        let mut writer = Self {
            out,
            options,
            record: Vec::new(),
        };
        writer.put(if options.nanoseconds {
            0xA1B2_3C4D
        } else {
            0xA1B2_C3D4
        });
        // Version 2.4.
        let (major, minor) = (2_u16, 4_u16);
        if options.big_endian {
            writer.record.extend_from_slice(&major.to_be_bytes());
            writer.record.extend_from_slice(&minor.to_be_bytes());
        } else {
            writer.record.extend_from_slice(&major.to_le_bytes());
            writer.record.extend_from_slice(&minor.to_le_bytes());
        }
        writer.put(0);
        writer.put(0);
        writer.put(options.snap_len);
        writer.put(options.link_type.into());
        writer.out.write_all(&writer.record)?;
        Ok(writer)
    }

    /// Writes a packet.
    ///
    /// # Errors
    ///
    /// Those of what is written to; and `InvalidInput` for data of 2 GiB and more.
    pub fn packet(&mut self, time: Timestamp, data: &[u8]) -> io::Result<()> {
        let len = u32::try_from(data.len()).map_err(|_| too_long())?;
        self.cut_packet(time, data, len)
    }

    /// Writes the beginning of a packet of `original_len` bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::packet`].
    pub fn cut_packet(
        &mut self,
        time: Timestamp,
        data: &[u8],
        original_len: u32,
    ) -> io::Result<()> {
        let len = u32::try_from(data.len()).map_err(|_| too_long())?;
        if len > i32::MAX as u32 {
            return Err(too_long());
        }
        let nanos = time.nanos();
        let fraction = nanos % 1_000_000_000;
        self.record.clear();
        // Seconds wrap in 2106: so do those of every such file.
        self.put((nanos / 1_000_000_000) as u32);
        self.put(if self.options.nanoseconds {
            fraction
        } else {
            fraction / 1_000
        } as u32);
        self.put(len);
        self.put(original_len);
        self.out.write_all(&self.record)?;
        self.out.write_all(data)
    }

    /// What is written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn put(&mut self, value: u32) {
        self.record.extend_from_slice(&if self.options.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_has_its_header_and_packets_in_either_byte_order() {
        let time = Timestamp::from_nanos(2_000_003_004);
        let mut writer = PcapWriter::new(Vec::new(), PcapOptions::default()).unwrap();
        writer.packet(time, b"abc").unwrap();
        #[rustfmt::skip]
        assert_eq!(writer.into_inner(), [
            0x4D, 0x3C, 0xB2, 0xA1, 2, 0, 4, 0,  // magic of nanoseconds, version
            0, 0, 0, 0, 0, 0, 0, 0,              // zone, accuracy
            0, 0, 4, 0, 1, 0, 0, 0,              // longest packet, link type
            2, 0, 0, 0, 0xBC, 0x0B, 0, 0,        // 2 s, 3,004 ns
            3, 0, 0, 0, 3, 0, 0, 0,              // on record, on the wire
            b'a', b'b', b'c',
        ]);

        let options = PcapOptions {
            link_type: 101,
            nanoseconds: false,
            big_endian: true,
            snap_len: 3,
        };
        let mut writer = PcapWriter::new(Vec::new(), options).unwrap();
        writer.cut_packet(time, b"abc", 7).unwrap();
        #[rustfmt::skip]
        assert_eq!(writer.into_inner(), [
            0xA1, 0xB2, 0xC3, 0xD4, 0, 2, 0, 4,  // magic of microseconds, version
            0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 3, 0, 0, 0, 101,
            0, 0, 0, 2, 0, 0, 0, 3,              // 2 s, 3 µs
            0, 0, 0, 3, 0, 0, 0, 7,
            b'a', b'b', b'c',
        ]);
    }
}
