//! Blocks of every kind, of either byte order, cut anywhere.

use super::*;
use crate::{
    Direction,
    analysis::Side,
    reader::recorder::{Event, Recorder},
    write::{Conversation, LinkType, PcapNgWriter, Section},
};

/// Code and value of each option of a block.
type Options<'a> = &'a [(u16, &'a [u8])];

/// A file under construction.
struct Blocks {
    big_endian: bool,
    file: Vec<u8>,
}

impl Blocks {
    fn new(big_endian: bool) -> Self {
        let mut blocks = Self {
            big_endian,
            file: Vec::new(),
        };
        blocks.section();
        blocks
    }

    fn u16(&self, value: u16) -> [u8; 2] {
        if self.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn u32(&self, value: u32) -> [u8; 4] {
        if self.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn block(&mut self, block_type: u32, body: &[u8]) -> &mut Self {
        let len = self.u32(12 + body.len().next_multiple_of(4) as u32);
        self.file.extend(self.u32(block_type));
        self.file.extend(len);
        self.file.extend(body);
        self.file.resize(self.file.len().next_multiple_of(4), 0);
        self.file.extend(len);
        self
    }

    fn section(&mut self) -> &mut Self {
        let mut body = self.u32(BYTE_ORDER_MAGIC).to_vec();
        body.extend(self.u16(1));
        body.extend(self.u16(0));
        body.extend([0xFF; 8]);
        self.block(SECTION_HEADER, &body)
    }

    /// An interface with options that are complete with code and length.
    fn interface(&mut self, link: LinkType, snap_len: u32, options: Options<'_>) -> &mut Self {
        let mut body = self.u16(link.number()).to_vec();
        body.extend(self.u16(0));
        body.extend(self.u32(snap_len));
        for (code, value) in options {
            body.extend(self.u16(*code));
            body.extend(self.u16(value.len() as u16));
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(INTERFACE_DESCRIPTION, &body)
    }

    fn enhanced(&mut self, interface: u32, time: u64, data: &[u8]) -> &mut Self {
        let mut body = Vec::new();
        let len = data.len() as u32;
        for field in [interface, (time >> 32) as u32, time as u32, len, len] {
            body.extend(self.u32(field));
        }
        body.extend(data);
        self.block(ENHANCED_PACKET, &body)
    }
}

/// A packet of a client whose stream has `bytes` at `offset`.
fn packet(link: LinkType, offset: u32, bytes: &[u8]) -> Vec<u8> {
    let mut packets =
        Conversation::new(([192, 0, 2, 1], 50_000).into(), ([192, 0, 2, 2], 80).into())
            .with_link(link)
            .with_sequence(Direction::ToServer, offset)
            .send(Direction::ToServer, Timestamp::UNKNOWN, bytes);
    packets.remove(0).data
}

/// What is read from a file that comes in pieces of `len` bytes.
fn read(file: &[u8], len: usize) -> Recorder {
    let mut recorder = Recorder::default();
    let mut reader = PcapNgReader::new(1 << 20);
    for chunk in file.to_vec().chunks_mut(len) {
        reader.push(chunk, &mut recorder);
    }
    reader.finish(&mut recorder);
    recorder
}

/// Number and time of each packet that brought bytes, and these; the same for every cut.
fn received(file: &[u8]) -> Vec<(u32, u64, String)> {
    let recorder = read(file, file.len());
    assert_eq!(recorder.problems, []);
    for len in [1, 2, 3, 5, 7, 11, 13, 64, 100] {
        let pieces = read(file, len);
        assert_eq!(pieces.flows, recorder.flows, "{len}");
        assert_eq!(pieces.keys, recorder.keys, "{len}");
        assert_eq!(pieces.problems, [], "{len}");
    }
    let events = recorder.flows.iter().flat_map(|flow| &flow.sides[0]);
    let received = events.filter_map(|event| match event {
        Event::Bytes(at, bytes) => {
            let offset = at.offset.unwrap() as usize;
            assert_eq!(file[offset..][..bytes.len()], bytes[..]);
            let text = String::from_utf8(bytes.clone()).unwrap();
            Some((at.packet, at.time.nanos(), text))
        }
        _ => None,
    });
    received.collect()
}

#[test]
fn file_that_the_writer_makes_is_read() {
    let section = Section {
        hardware: "none",
        os: "any",
        application: "test",
    };
    let mut writer = PcapNgWriter::new(Vec::new(), &section).unwrap();
    writer.secrets(b"CLIENT_RANDOM 00 11\n").unwrap();
    let interface = writer.interface(1, "lo").unwrap();
    let data = packet(LinkType::Ethernet, 0, b"odd");
    let time = Timestamp::from_nanos(1_700_000_000_123_456_789);
    writer
        .packet(interface, time, &data, Some("comment"))
        .unwrap();
    writer.secrets(b"CLIENT_RANDOM 22 33\n").unwrap();
    let file = writer.into_inner();
    let expected = [(1, 1_700_000_000_123_456_789, "odd".into())];
    assert_eq!(received(&file), expected);
    let keys = read(&file, 9).keys;
    assert_eq!(keys, b"CLIENT_RANDOM 00 11\nCLIENT_RANDOM 22 33\n");
    assert!(PcapNgReader::recognises(*file.first_chunk().unwrap()));
}

#[test]
fn every_kind_of_packet_is_read_in_either_byte_order() {
    for big_endian in [false, true] {
        let mut blocks = Blocks::new(big_endian);
        // Long blocks of names, statistics and what nobody knows lie between.
        blocks
            .block(4, &[0xEE; 3_000])
            .interface(LinkType::Raw, 43, &[]);
        blocks.block(0x0BAD, &[0xEE; 500]);
        blocks.enhanced(0, 1_000_001, &packet(LinkType::Raw, 0, b"enhanced "));
        let data = packet(LinkType::Raw, 9, b"simple");
        // The interface says that only 43 bytes of it are there.
        let mut body = blocks.u32(46).to_vec();
        body.extend(&data[..43]);
        blocks.block(SIMPLE_PACKET, &body);
        let data = packet(LinkType::Raw, 15, b" obsolete");
        let mut body = blocks.u16(0).to_vec();
        body.extend(blocks.u16(7));
        for field in [0, 2_000_002, data.len() as u32, data.len() as u32] {
            body.extend(blocks.u32(field));
        }
        body.extend(&data);
        blocks.block(PACKET, &body).block(5, &[0; 8]);
        let expected = [
            (1, 1_000_001_000, "enhanced ".into()),
            (2, 0, "sim".into()),
            (3, 2_000_002_000, " obsolete".into()),
        ];
        assert_eq!(received(&blocks.file), expected);
        let flow = read(&blocks.file, 100).flows.remove(0);
        assert_eq!(
            flow.stream(Side::First)
                .iter()
                .filter(|byte| byte.is_none())
                .count(),
            3
        );
    }
}

#[test]
fn times_are_of_the_resolution_and_offset_of_their_interface() {
    let offset = 1_000_i64.to_le_bytes();
    let before = i64::MIN.to_le_bytes();
    let cases: [(Options<'_>, u64, u64); 10] = [
        (&[], 1_500_000, 1_500_000_000),
        (&[(9, &[9])], 1_500_000, 1_500_000),
        (&[(9, &[0])], 3, 3_000_000_000),
        (&[(9, &[12])], 1_500_999, 1_500),
        (&[(9, &[127])], u64::MAX, 0),
        (&[(9, &[0x80 | 10])], 1_536, 1_500_000_000),
        (&[(9, &[0x80 | 127])], u64::MAX, 0),
        (
            &[(2, b"eth0"), (14, &offset), (9, &[3])],
            1_500,
            1_001_500_000_000,
        ),
        (&[(14, &before)], 1_500, 0),
        // What stands behind the end of options counts for nothing.
        (&[(0, &[]), (9, &[9])], 7, 7_000),
    ];
    for (options, time, expected) in cases {
        let mut blocks = Blocks::new(false);
        blocks.interface(LinkType::Raw, 0, options);
        blocks.enhanced(0, time, &packet(LinkType::Raw, 0, b"x"));
        assert_eq!(
            received(&blocks.file),
            [(1, expected, "x".into())],
            "{options:?}"
        );
    }
}

#[test]
fn sections_have_their_own_byte_order_and_interfaces() {
    let mut blocks = Blocks::new(false);
    blocks
        .interface(LinkType::Raw, 0, &[])
        .interface(LinkType::Sll2, 0, &[]);
    blocks.enhanced(1, 1, &packet(LinkType::Sll2, 0, b"little "));
    blocks.big_endian = true;
    blocks
        .section()
        .interface(LinkType::NullBigEndian, 0, &[(9, &[9])]);
    blocks.enhanced(0, 2, &packet(LinkType::NullBigEndian, 7, b"big"));
    let expected = [(1, 1_000, "little ".into()), (2, 2, "big".into())];
    assert_eq!(received(&blocks.file), expected);
    // The second interface was that of the first section.
    blocks.enhanced(1, 3, &packet(LinkType::Raw, 10, b"nothing"));
    blocks.enhanced(1, 3, &packet(LinkType::Raw, 10, b"nothing"));
    let problem = Problem::Skipped {
        what: "packets of an interface that is not described before".into(),
    };
    assert_eq!(read(&blocks.file, 50).problems, [problem]);
}

#[test]
fn damaged_blocks_end_the_reading() {
    let mut blocks = Blocks::new(false);
    blocks.interface(LinkType::Raw, 0, &[]);
    blocks.enhanced(0, 1, &packet(LinkType::Raw, 0, b"before"));
    let intact = blocks.file;
    let damage: [(&[u8], &str); 9] = [
        (
            &[6, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0],
            "a block of length 11",
        ),
        (
            &[6, 0, 0, 0, 34, 0, 0, 0, 0, 0, 0, 0],
            "a block of length 34",
        ),
        (&[9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "a block of length 0"),
        (
            &[6, 0, 0, 0, 0xFC, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0],
            "a block of length 4294967292",
        ),
        (
            &[
                5, 0, 0, 0, 12, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 12, 0, 0, 0, 16, 0, 0, 0,
            ],
            "a block whose length differs at its end",
        ),
        (
            &[0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 1, 2, 3, 4],
            "a byte-order magic of 0x04030201",
        ),
        (
            &[3, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0],
            "a packet that is longer than its block",
        ),
        (
            &[6, 0, 0, 0, 12, 0, 0, 0, 12, 0, 0, 0],
            "a packet that is longer than its block",
        ),
        (
            &[
                10, 0, 0, 0, 20, 0, 0, 0, b'K', b'S', b'L', b'T', 1, 0, 0, 0, 20, 0, 0, 0,
            ],
            "secrets that are longer than their block",
        ),
    ];
    for (block, why) in damage {
        let mut file = intact.clone();
        file.extend(block);
        file.extend([0; 64]);
        for len in [1, 5, 1_000] {
            let recorder = read(&file, len);
            let [Problem::Invalid { why: told, offset }] = &recorder.problems[..] else {
                panic!("{why}: {:?}", recorder.problems);
            };
            // One has a block before it that is good.
            let good = if block[0] == 5 { 12 } else { 0 };
            assert_eq!((&told[..], *offset), (why, (intact.len() + good) as u64));
            assert_eq!(recorder.flows[0].bytes(Side::First), b"before");
        }
    }
    let headless = read(&intact[28..], 1_000);
    let problem = Problem::Invalid {
        why: "no section header".into(),
        offset: 0,
    };
    assert_eq!(headless.problems, [problem]);
}

#[test]
fn file_that_ends_within_a_block_says_in_which() {
    let mut blocks = Blocks::new(true);
    blocks.interface(LinkType::Raw, 0, &[]);
    let unknown = blocks.file.len();
    blocks.block(0x1234, &[0; 100]);
    let last = blocks.file.len();
    blocks.enhanced(0, 1, &packet(LinkType::Raw, 0, b"cut"));
    for (block, end) in [(unknown, last), (last, blocks.file.len())] {
        for len in block + 1..end {
            for cut in [1, 40, 1_000] {
                let problem = Problem::Truncated {
                    what: "block".into(),
                    offset: block as u64,
                };
                assert_eq!(read(&blocks.file[..len], cut).problems, [problem], "{len}");
            }
        }
    }
}

#[test]
fn block_that_is_passed_over_is_not_held() {
    let mut blocks = Blocks::new(false);
    blocks.block(0x1234, &[0; 1 << 20]);
    let mut file = File::default();
    let mut cutter = Cutter::default();
    for chunk in blocks.file.chunks_mut(100) {
        cutter.push(chunk, &mut file, &mut Recorder::default());
        assert!(cutter.held() <= 100);
    }
}
