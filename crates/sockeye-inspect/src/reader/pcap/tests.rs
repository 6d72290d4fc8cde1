//! Files of every form, cut anywhere.

use super::*;
use crate::{
    Direction,
    analysis::{Problem, Side},
    reader::recorder::{Event, Recorder},
    write::{Conversation, LinkType, PcapOptions, PcapWriter},
};

/// Three packets of a client with `one`, `two` and `three`, 1 s and some nanoseconds apart.
fn packets(link: LinkType) -> Vec<crate::write::Packet> {
    let mut conversation =
        Conversation::new(([192, 0, 2, 1], 50_000).into(), ([192, 0, 2, 2], 80).into())
            .with_link(link);
    let words = [&b"one"[..], b"two", b"three"];
    let times = [1_000_000_123, 2_000_456_000, 3_999_999_999];
    let send =
        |(word, time)| conversation.send(Direction::ToServer, Timestamp::from_nanos(time), word);
    words.into_iter().zip(times).flat_map(send).collect()
}

fn file(options: PcapOptions) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), options).unwrap();
    for packet in packets(LinkType::Ethernet) {
        writer.packet(packet.time, &packet.data).unwrap();
    }
    writer.into_inner()
}

/// What is read from a file that comes in pieces of `len` bytes.
fn read(file: &[u8], len: usize) -> Recorder {
    let mut recorder = Recorder::default();
    let mut reader = PcapReader::new(1 << 20);
    for chunk in file.to_vec().chunks_mut(len) {
        reader.push(chunk, &mut recorder);
    }
    reader.finish(&mut recorder);
    recorder
}

/// Number and time of each packet that brought bytes, and these.
fn received(recorder: &Recorder) -> Vec<(u32, u64, String)> {
    let events = recorder.flows.iter().flat_map(|flow| &flow.sides[0]);
    let received = events.filter_map(|event| match event {
        Event::Bytes(at, bytes) => {
            let text = String::from_utf8(bytes.clone()).unwrap();
            Some((at.packet, at.time.nanos(), text))
        }
        _ => None,
    });
    received.collect()
}

#[test]
fn files_of_either_byte_order_and_resolution_are_read() {
    for big_endian in [false, true] {
        for nanoseconds in [false, true] {
            let options = PcapOptions {
                nanoseconds,
                big_endian,
                ..PcapOptions::default()
            };
            let file = file(options);
            let times: [u64; 3] = if nanoseconds {
                [1_000_000_123, 2_000_456_000, 3_999_999_999]
            } else {
                [1_000_000_000, 2_000_456_000, 3_999_999_000]
            };
            let expected = [
                (1, times[0], "one".into()),
                (2, times[1], "two".into()),
                (3, times[2], "three".into()),
            ];
            assert!(PcapReader::recognises(*file.first_chunk().unwrap()));
            let whole = read(&file, file.len());
            assert_eq!(received(&whole), expected);
            assert_eq!(whole.problems, []);
            for len in 1..100 {
                let pieces = read(&file, len);
                assert_eq!(pieces.flows, whole.flows, "{len}");
                assert_eq!(pieces.problems, [], "{len}");
            }
        }
    }
}

#[test]
fn modified_header_has_eight_bytes_more() {
    let mut file = file(PcapOptions {
        nanoseconds: false,
        ..PcapOptions::default()
    });
    file[..4].copy_from_slice(&0xA1B2_CD34_u32.to_le_bytes());
    let mut at = 24;
    while at < file.len() {
        let len = u32_at(&file, at + 8, false) as usize;
        file.splice(at + 16..at + 16, [0xEE; 8]);
        at += 24 + len;
    }
    let words: Vec<_> = received(&read(&file, 7))
        .into_iter()
        .map(|(.., word)| word)
        .collect();
    assert_eq!(words, ["one", "two", "three"]);
}

#[test]
fn file_that_ends_within_a_packet_says_in_which() {
    let file = file(PcapOptions::default());
    let second = 24 + 16 + 14 + 40 + 3;
    for len in second + 1..second + 16 + 14 + 40 + 3 {
        let recorder = read(&file[..len], 50);
        assert_eq!(received(&recorder).len(), 1);
        let problem = Problem::Truncated {
            what: "packet 2".into(),
            offset: second as u64,
        };
        assert_eq!(recorder.problems, [problem], "{len}");
    }
    assert_eq!(read(&file[..second], 50).problems, []);
    let problem = Problem::Truncated {
        what: "file's header".into(),
        offset: 0,
    };
    assert_eq!(read(&file[..23], 5).problems, [problem]);
}

#[test]
fn packet_of_absurd_length_ends_the_reading() {
    for len in [MAX_PACKET + 1, u32::MAX] {
        let mut file = file(PcapOptions::default());
        let second = 24 + 16 + 14 + 40 + 3;
        file[second + 8..][..4].copy_from_slice(&len.to_le_bytes());
        for cut in [1, 1_000] {
            let recorder = read(&file, cut);
            assert_eq!(received(&recorder).len(), 1);
            let problem = Problem::Invalid {
                why: format!("a packet of {len} bytes"),
                offset: second as u64,
            };
            assert_eq!(recorder.problems, [problem]);
        }
    }
}

#[test]
fn other_files_are_not_pcap() {
    let recorder = read(&[0x0A; 100], 1);
    let problem = Problem::Invalid {
        why: "no header of a pcap file".into(),
        offset: 0,
    };
    assert_eq!(recorder.problems, [problem]);
    assert!(!PcapReader::recognises([0x0A, 0x0D, 0x0D, 0x0A]));
}

#[test]
fn packets_longer_than_the_file_says_are_read() {
    let file = file(PcapOptions {
        snap_len: 10,
        ..PcapOptions::default()
    });
    assert_eq!(received(&read(&file, 1_000)).len(), 3);
}

#[test]
fn checksum_of_ethernet_is_no_part_of_a_packet_without_length() {
    let mut file = file(PcapOptions::default());
    // Bit 26: bits 28 to 31 have the length of the checksum, 2 words.
    file[20..24].copy_from_slice(&(1_u32 | 1 << 26 | 2 << 28).to_le_bytes());
    // The first packet has no length in its IP header, and four bytes more.
    let first = 24 + 16 + 14 + 40 + 3;
    file.splice(first..first, *b"FCS!");
    for at in [32, 36] {
        file[at] += 4;
    }
    file[24 + 16 + 16..][..2].fill(0);
    assert_eq!(received(&read(&file, 1_000))[0].2, "one");
}

#[test]
fn unknown_link_type_is_told_once() {
    let file = file(PcapOptions {
        link_type: 147,
        ..PcapOptions::default()
    });
    let problem = Problem::Skipped {
        what: "packets of link type 147".into(),
    };
    assert_eq!(read(&file, 1_000).problems, [problem]);
}

#[test]
fn fragments_are_told_once_and_their_bytes_are_missing() {
    let mut writer = PcapWriter::new(Vec::new(), PcapOptions::default()).unwrap();
    for (index, mut packet) in packets(LinkType::Ethernet).into_iter().enumerate() {
        if index == 1 {
            packet.data[20] = 0x20;
            writer.packet(packet.time, &packet.data).unwrap();
        }
        writer.packet(packet.time, &packet.data).unwrap();
    }
    let recorder = read(&writer.into_inner(), 1_000);
    let stream = recorder.flows[0].stream(Side::First);
    let text: String = stream
        .into_iter()
        .map(|byte| byte.map_or('_', char::from))
        .collect();
    assert_eq!(text, "one___three");
    assert_eq!(recorder.problems.len(), 1);
}

#[test]
fn frames_without_ip_or_tcp_are_passed_over_in_silence() {
    let mut writer = PcapWriter::new(Vec::new(), PcapOptions::default()).unwrap();
    let packets = packets(LinkType::Ethernet);
    let mut others = vec![Vec::new(), vec![0; 60]];
    for (at, value) in [(12, 0x00), (13, 0x06), (14, 0x55), (23, 17), (46, 0x10)] {
        // Logical link control, ARP, IP version 5, UDP, and a TCP header that is too short.
        let mut data = packets[0].data.clone();
        data[at] = value;
        others.push(data);
    }
    for data in others {
        writer.packet(Timestamp::UNKNOWN, &data).unwrap();
    }
    let recorder = read(&writer.into_inner(), 1_000);
    assert_eq!(recorder.problems, []);
    assert!(recorder.flows.is_empty());
}
