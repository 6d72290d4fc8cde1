//! The container of Wireshark.

use std::io;

use crate::Timestamp;

/// What is said about a capture as a whole; what is empty is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Section<'a> {
    /// The machine.
    pub hardware: &'a str,
    /// Its operating system.
    pub os: &'a str,
    /// What wrote the capture, with its version.
    pub application: &'a str,
}

/// Writes packets and TLS secrets into a pcapng file of one section, little-endian, with times in nanoseconds.
#[derive(Debug)]
pub struct PcapNgWriter<W> {
    out: W,
    interfaces: u32,
    block: Vec<u8>,
}

impl<W: io::Write> PcapNgWriter<W> {
    /// Writes the head of the section to `out`. [`Self::interface`] comes next.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, section: &Section<'_>) -> io::Result<Self> {
        let mut writer = Self {
            out,
            interfaces: 0,
            block: Vec::new(),
        };
        writer.begin(SECTION_HEADER);
        writer.put(&BYTE_ORDER_MAGIC.to_le_bytes());
        // Version 1.0, and a section of unknown length.
        writer.put(&[1, 0, 0, 0]);
        writer.put(&(-1_i64).to_le_bytes());
        let before = writer.block.len();
        for (code, text) in [
            (2, section.hardware),
            (3, section.os),
            (4, section.application),
        ] {
            writer.option_text(code, text);
        }
        writer.end_options(before);
        writer.write(&[])?;
        Ok(writer)
    }

    /// Says what packets are captured on, and how they begin ([`LinkType::number`](super::LinkType::number)); returns its number for
    /// [`Self::packet`].
    ///
    /// # Errors
    ///
    /// Those of what is written to.
    pub fn interface(&mut self, link_type: u16, name: &str) -> io::Result<u32> {
        self.begin(INTERFACE_DESCRIPTION);
        self.put(&link_type.to_le_bytes());
        // Reserved, and packets of any length.
        self.put(&[0; 6]);
        let before = self.block.len();
        self.option_text(2, name);
        // if_tsresol: 10^-9 seconds.
        self.option(9, &[9]);
        self.end_options(before);
        self.write(&[])?;
        self.interfaces += 1;
        Ok(self.interfaces - 1)
    }

    /// Writes a packet, with a comment for who looks at it in Wireshark.
    ///
    /// # Errors
    ///
    /// Those of what is written to; and `InvalidInput` for an interface that was not described, or data of 2 GiB and more.
    pub fn packet(
        &mut self,
        interface: u32,
        time: Timestamp,
        data: &[u8],
        comment: Option<&str>,
    ) -> io::Result<()> {
        let len = u32::try_from(data.len()).map_err(|_| too_long())?;
        self.cut_packet(interface, time, data, len, comment)
    }

    /// Writes the beginning of a packet of `original_len` bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::packet`].
    pub fn cut_packet(
        &mut self,
        interface: u32,
        time: Timestamp,
        data: &[u8],
        original_len: u32,
        comment: Option<&str>,
    ) -> io::Result<()> {
        if interface >= self.interfaces {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the packet's interface was not described before",
            ));
        }
        let len = u32::try_from(data.len()).map_err(|_| too_long())?;
        self.begin(ENHANCED_PACKET);
        self.put(&interface.to_le_bytes());
        self.put(&((time.nanos() >> 32) as u32).to_le_bytes());
        self.put(&(time.nanos() as u32).to_le_bytes());
        self.put(&len.to_le_bytes());
        self.put(&original_len.to_le_bytes());
        let body = self.block.len();
        if let Some(comment) = comment {
            self.option_text(1, comment);
        }
        self.end_options(body);
        self.write_around(body, data)
    }

    /// Writes secrets of TLS: an NSS key log. They have to come before the packets that they decrypt.
    ///
    /// # Errors
    ///
    /// Those of what is written to; and `InvalidInput` for 2 GiB and more.
    pub fn secrets(&mut self, key_log: &[u8]) -> io::Result<()> {
        let len = u32::try_from(key_log.len()).map_err(|_| too_long())?;
        self.begin(DECRYPTION_SECRETS);
        self.put(&TLS_KEY_LOG.to_le_bytes());
        self.put(&len.to_le_bytes());
        self.write(key_log)
    }

    /// Passes on what is buffered, where `out` buffers.
    ///
    /// # Errors
    ///
    /// Those of what is written to.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// What is written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn begin(&mut self, block_type: u32) {
        self.block.clear();
        self.put(&block_type.to_le_bytes());
        // The length, once it is known.
        self.put(&[0; 4]);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(bytes);
    }

    /// An option of text, where there is any.
    fn option_text(&mut self, code: u16, text: &str) {
        if !text.is_empty() {
            let end = text.floor_char_boundary(usize::from(u16::MAX));
            self.option(code, &text.as_bytes()[..end]);
        }
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        self.put(&code.to_le_bytes());
        self.put(&(value.len() as u16).to_le_bytes());
        self.put(value);
        self.put(&PADDING[..padding(value.len())]);
    }

    /// The option that ends options, if there are any since `before`.
    fn end_options(&mut self, before: usize) {
        if self.block.len() > before {
            self.put(&[0; 4]);
        }
    }

    /// Writes the block with `data` at its end.
    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        self.write_around(self.block.len(), data)
    }

    /// Writes the block with `data` and its padding put in at `at`.
    fn write_around(&mut self, at: usize, data: &[u8]) -> io::Result<()> {
        let padding = padding(data.len());
        let total = u32::try_from(self.block.len() + data.len() + padding + 4)
            .ok()
            .filter(|total| *total <= i32::MAX as u32)
            .ok_or_else(too_long)?
            .to_le_bytes();
        self.block[4..8].copy_from_slice(&total);
        self.put(&total);
        if data.is_empty() {
            return self.out.write_all(&self.block);
        }
        self.out.write_all(&self.block[..at])?;
        self.out.write_all(data)?;
        self.out.write_all(&PADDING[..padding])?;
        self.out.write_all(&self.block[at..])
    }
}

/// How many bytes `len` bytes lack to a multiple of 4.
const fn padding(len: usize) -> usize {
    len.wrapping_neg() & 3
}

/// The error for what no block can hold.
pub(super) fn too_long() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "the data is longer than a capture's record can be",
    )
}

const PADDING: [u8; 3] = [0; 3];

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 0x0A;
/// `TLSK`.
const TLS_KEY_LOG: u32 = 0x544C_534B;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_their_lengths_and_paddings() {
        let section = Section {
            application: "sockeye",
            ..Section::default()
        };
        let mut writer = PcapNgWriter::new(Vec::new(), &section).unwrap();
        assert_eq!(writer.interface(1, "lo").unwrap(), 0);
        writer.secrets(b"keys\n").unwrap();
        let time = Timestamp::from_nanos(0x0102_0304_0506_0708);
        writer.packet(0, time, b"packet", Some("why")).unwrap();
        #[rustfmt::skip]
        assert_eq!(writer.into_inner(), [
            0x0A, 0x0D, 0x0D, 0x0A, 44, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0,
            0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
            4, 0, 7, 0, b's', b'o', b'c', b'k', b'e', b'y', b'e', 0, 0, 0, 0, 0, 44, 0, 0, 0,

            1, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
            2, 0, 2, 0, b'l', b'o', 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0,

            0x0A, 0, 0, 0, 28, 0, 0, 0, b'K', b'S', b'L', b'T', 5, 0, 0, 0,
            b'k', b'e', b'y', b's', b'\n', 0, 0, 0, 28, 0, 0, 0,

            6, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5, 6, 0, 0, 0, 6, 0, 0, 0,
            b'p', b'a', b'c', b'k', b'e', b't', 0, 0,
            1, 0, 3, 0, b'w', b'h', b'y', 0, 0, 0, 0, 0, 52, 0, 0, 0,
        ]);
    }

    #[test]
    fn packet_of_an_unknown_interface_is_refused() {
        let mut writer = PcapNgWriter::new(Vec::new(), &Section::default()).unwrap();
        let error = writer.packet(0, Timestamp::UNKNOWN, b"", None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn comment_that_is_too_long_is_cut_between_characters() {
        let mut writer = PcapNgWriter::new(Vec::new(), &Section::default()).unwrap();
        writer.interface(1, "").unwrap();
        let before = writer.out.len();
        let comment = "ä".repeat(40_000);
        writer
            .packet(0, Timestamp::UNKNOWN, b"", Some(&comment))
            .unwrap();
        assert_eq!(writer.out[before + 28..][..4], [1, 0, 0xFE, 0xFF]);
    }
}
