//! Conversations whose packets were lost, cut, sent twice and mixed up on the way.

use core::net::SocketAddr;

use super::Tcp;
use crate::{
    Direction, Timestamp,
    analysis::{Problem, Provenance, Side},
    reader::{
        Reader,
        packet::Addresses,
        pcap::PcapReader,
        pcapng::PcapNgReader,
        recorder::{Event, Recorded, Recorder},
    },
    write::{Conversation, LinkType, Packet, PcapOptions, PcapWriter},
};

fn address(last: u8, port: u16) -> SocketAddr {
    ([192, 0, 2, last], port).into()
}

fn conversation() -> Conversation {
    Conversation::new(address(1, 50_000), address(2, 80)).with_mss(4)
}

fn time(nanos: u64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

/// The capture of `packets`.
fn capture(packets: &[Packet]) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), PcapOptions::default()).unwrap();
    for packet in packets {
        writer.packet(packet.time, &packet.data).unwrap();
    }
    writer.into_inner()
}

/// What is read from a capture, and where each delivered byte was checked to lie in it.
pub(super) fn read(file: &[u8]) -> Recorder {
    let mut recorder = Recorder::default();
    let mut reader: Box<dyn Reader> = if file[0] == 0x0A {
        Box::new(PcapNgReader::default())
    } else {
        Box::new(PcapReader::default())
    };
    reader.push(&mut file.to_vec(), &mut recorder);
    reader.finish(&mut recorder);
    for flow in &recorder.flows {
        assert!(flow.closed);
        for side in [Side::First, Side::Second] {
            let delivered = flow.sides[side.index()]
                .iter()
                .filter_map(|event| match event {
                    Event::Bytes(_, bytes) => Some(bytes),
                    _ => None,
                });
            let there: Vec<_> = flow
                .offsets(side)
                .into_iter()
                .map(|offset| file[offset as usize])
                .collect();
            assert_eq!(there, delivered.flatten().copied().collect::<Vec<_>>());
        }
    }
    recorder
}

/// What is read of the one flow that `packets` have.
fn flow(packets: &[Packet]) -> Recorded {
    let mut recorder = read(&capture(packets));
    assert_eq!(recorder.problems, []);
    assert_eq!(recorder.flows.len(), 1);
    recorder.flows.remove(0)
}

/// A stream with `_` where a byte is missing.
fn text(flow: &Recorded, side: Side) -> String {
    let stream = flow.stream(side).into_iter();
    stream.map(|byte| byte.map_or('_', char::from)).collect()
}

#[test]
fn conversation_is_delivered_with_its_ends() {
    for link in LinkType::ALL {
        for ipv6 in [false, true] {
            if ipv6 && link == LinkType::Ipv4 || !ipv6 && link == LinkType::Ipv6 {
                continue;
            }
            let client = if ipv6 {
                "[2001:db8::1]:50000"
            } else {
                "192.0.2.1:50000"
            };
            let server = if ipv6 {
                "[2001:db8::2]:80"
            } else {
                "192.0.2.2:80"
            };
            let [client, server] = [client, server].map(|text| text.parse().unwrap());
            let mut conversation = Conversation::new(client, server).with_link(link);
            let mut packets = conversation.open(time(1));
            packets.extend(conversation.send(Direction::ToServer, time(2), b"request"));
            packets.extend(conversation.send(Direction::ToClient, time(3), b"response"));
            packets.extend(conversation.finish(Direction::ToClient, time(4)));
            packets.extend(conversation.finish(Direction::ToServer, time(5)));

            let options = PcapOptions {
                link_type: link.number(),
                ..PcapOptions::default()
            };
            let mut writer = PcapWriter::new(Vec::new(), options).unwrap();
            for packet in &packets {
                writer.packet(packet.time, &packet.data).unwrap();
            }
            let recorder = read(&writer.into_inner());
            assert_eq!(recorder.problems, [], "{link:?}");
            let [flow] = &recorder.flows[..] else {
                panic!("{link:?}: {recorder:?}");
            };
            assert_eq!(flow.addresses, [Some(client), Some(server)]);
            assert!(flow.first_is_client && flow.from_start && !flow.decrypted);
            assert_eq!(flow.bytes(Side::First), b"request");
            assert_eq!(flow.bytes(Side::Second), b"response");
            assert_eq!(flow.marks(Side::First), [Event::End(time(5))]);
            assert_eq!(flow.marks(Side::Second), [Event::End(time(4))]);
        }
    }
}

#[test]
fn bytes_come_with_the_number_and_the_time_of_their_packet() {
    let mut conversation = conversation();
    let mut packets = conversation.open(time(1));
    packets.extend(conversation.send(Direction::ToServer, time(2), b"012345"));
    let flow = flow(&packets);
    let provenances: Vec<_> = flow.sides[0]
        .iter()
        .map(|event| match event {
            Event::Bytes(provenance, bytes) => (provenance.packet, provenance.time, bytes.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(provenances, [(4, time(2), 4), (5, time(2), 2)]);
}

#[test]
fn capture_that_begins_within_a_connection_has_the_first_sender_first() {
    let mut conversation = conversation();
    let mut packets = conversation.send(Direction::ToClient, time(1), b"from server");
    packets.extend(conversation.send(Direction::ToServer, time(2), b"from client"));
    let flow = flow(&packets);
    assert_eq!(
        flow.addresses,
        [Some(address(2, 80)), Some(address(1, 50_000))]
    );
    assert!(!flow.first_is_client && !flow.from_start);
    assert_eq!(text(&flow, Side::First), "from server");
    assert_eq!(text(&flow, Side::Second), "from client");
}

#[test]
fn empty_file_of_packets_has_nothing() {
    let recorder = read(&capture(&[]));
    assert!(recorder.flows.is_empty());
    assert_eq!(recorder.problems, Vec::<Problem>::new());
}

/// First sequence number of the client's bytes in [`segment`]: it wraps after 100.
const FIRST: u32 = 0_u32.wrapping_sub(100);

/// A packet of the client with the bytes that its stream has at `offset`.
fn segment(offset: u32, bytes: &[u8]) -> Packet {
    let mut packets = conversation()
        .with_mss(65_000)
        .with_sequence(Direction::ToServer, FIRST.wrapping_add(offset))
        .send(Direction::ToServer, time(offset.into()), bytes);
    packets.remove(0)
}

/// A packet of the server that has the client's bytes up to `offset`.
fn acknowledgement(offset: u32) -> Packet {
    conversation()
        .with_sequence(Direction::ToServer, FIRST.wrapping_add(offset))
        .acknowledge(Direction::ToClient, time(9))
}

/// The client's SYN, before the byte at 0.
fn syn() -> Packet {
    conversation()
        .with_sequence(Direction::ToServer, FIRST.wrapping_sub(1))
        .open(time(1))
        .remove(0)
}

/// The client's FIN behind `offset` bytes.
fn fin(offset: u32) -> Packet {
    conversation()
        .with_sequence(Direction::ToServer, FIRST.wrapping_add(offset))
        .finish(Direction::ToServer, time(8))
        .remove(0)
}

/// What the client sent as the capture has it, and what came besides bytes.
fn sent(packets: &[Packet]) -> (String, Vec<Event>) {
    let flow = flow(packets);
    (text(&flow, Side::First), flow.marks(Side::First))
}

#[test]
fn bytes_that_come_again_are_delivered_once() {
    let packets = [
        segment(0, b"0123"),
        segment(0, b"0123"),
        segment(2, b"2345"),
        segment(1, b"123"),
        segment(0, b"0123456789"),
    ];
    assert_eq!(sent(&packets), ("0123456789".into(), vec![]));
}

#[test]
fn segments_out_of_order_are_put_in_order() {
    let packets = [
        syn(),
        segment(8, b"89"),
        fin(10),
        segment(3, b"345"),
        segment(4, b"4567"),
        segment(0, b"0123"),
    ];
    assert_eq!(
        sent(&packets),
        ("0123456789".into(), vec![Event::End(time(8))])
    );
}

#[test]
fn of_bytes_that_differ_the_first_count() {
    // Against what was delivered, and against what waits.
    let mut again = [segment(0, b"0123"), segment(2, b"XX45")];
    let (text, marks) = sent(&again);
    assert_eq!(text, "012345");
    assert!(matches!(marks[..], [Event::Conflict(provenance)] if provenance.packet == 2));
    again[1] = segment(2, b"2345");
    assert_eq!(sent(&again).1, []);

    let packets = [
        syn(),
        segment(4, b"45"),
        segment(2, b"23XX67"),
        segment(0, b"01"),
    ];
    let (text, marks) = sent(&packets);
    assert_eq!(text, "01234567");
    assert!(matches!(marks[..], [Event::Conflict(provenance)] if provenance.packet == 3));
}

#[test]
fn copies_of_bytes_that_are_long_gone_are_not_compared() {
    let packets = [
        segment(0, b"0123"),
        segment(4, &[b'x'; 100]),
        segment(0, b"YYYY"),
    ];
    assert_eq!(sent(&packets).1, []);
    // The last of them is still known.
    let mut bytes = [b'x'; 100];
    bytes[99] = b'y';
    let packets = [
        segment(0, b"0123"),
        segment(4, &[b'x'; 100]),
        segment(4, &bytes),
    ];
    assert_eq!(sent(&packets).1.len(), 1);
}

#[test]
fn keep_alive_says_nothing() {
    let packets = [segment(0, b"0123"), segment(3, b"\0"), segment(4, b"45")];
    assert_eq!(sent(&packets), ("012345".into(), vec![]));
}

#[test]
fn probe_of_a_closed_window_is_the_next_byte() {
    let packets = [
        segment(0, b"0123"),
        segment(4, b"4"),
        segment(4, b"4"),
        segment(4, b"4567"),
    ];
    assert_eq!(sent(&packets), ("01234567".into(), vec![]));
}

#[test]
fn hole_is_declared_once_the_other_side_has_what_is_missing() {
    let mut packets = vec![segment(0, b"0123"), segment(6, b"67"), segment(10, b"ab")];
    // Too few to be believed: what is missing comes late.
    packets.extend([acknowledgement(12), acknowledgement(12), segment(4, b"45")]);
    assert_eq!(text(&flow(&packets), Side::First), "01234567__ab");
    // Both holes are known before what follows.
    packets.truncate(3);
    packets.extend([
        acknowledgement(12),
        acknowledgement(12),
        acknowledgement(12),
    ]);
    packets.push(segment(4, b"late"));
    assert_eq!(text(&flow(&packets), Side::First), "0123__67__ab");
    // What is acknowledged reaches only to the first.
    packets.truncate(3);
    packets.extend([acknowledgement(8), acknowledgement(8), acknowledgement(8)]);
    packets.extend([segment(4, b"XX"), segment(8, b"89")]);
    assert_eq!(text(&flow(&packets), Side::First), "0123__6789ab");
}

#[test]
fn hole_is_declared_at_the_end() {
    let packets = [syn(), segment(2, b"23"), segment(6, b"67"), fin(10)];
    let flow = flow(&packets);
    assert_eq!(text(&flow, Side::First), "__23__67__");
    let missing: Vec<_> = flow.marks(Side::First).into_iter().collect();
    assert!(matches!(
        missing[..],
        [Event::Missing(a, 2), Event::Missing(b, 2), Event::Missing(c, 2), Event::End(_)]
            if [a.packet, b.packet, c.packet] == [2, 3, 4] && a.offset.is_none()
    ));
}

#[test]
fn hole_is_declared_when_too_much_is_held() {
    let mut packets = vec![segment(0, b"0123")];
    for index in 0..1_000_u32 {
        packets.push(segment(8 + 10_000 * index, &[b'x'; 10_000]));
    }
    // By now it is too late.
    packets.push(segment(4, b"4567"));
    let flow = flow(&packets);
    let stream = text(&flow, Side::First);
    assert_eq!(stream.len(), 8 + 10_000_000);
    assert!(stream.starts_with("0123____xxxx"));
    assert_eq!(flow.marks(Side::First).len(), 1);
}

#[test]
fn far_segment_is_no_part_of_the_stream_unless_others_follow_it() {
    let far = 2_000_000_000;
    let packets = [
        segment(0, b"0123"),
        segment(far, b"stray"),
        segment(4, b"4567"),
    ];
    assert_eq!(sent(&packets), ("01234567".into(), vec![]));
    // The capture has lost more than sequence numbers can tell.
    let packets = [
        segment(0, b"0123"),
        segment(far, b"ab"),
        segment(far + 2, b"cd"),
        segment(far + 4, b"ef"),
        segment(far + 6, b"gh"),
    ];
    let flow = flow(&packets);
    let marks = flow.marks(Side::First);
    assert!(matches!(marks[..], [Event::Missing(_, len)] if len == u64::from(far)));
    assert_eq!(flow.bytes(Side::First), b"0123");
    assert!(
        matches!(&flow.sides[0][2..], [Event::Bytes(_, a), Event::Bytes(_, b)] if a == b"ef" && b == b"gh")
    );
}

#[test]
fn what_the_capture_cuts_off_is_missing_at_once() {
    let mut writer = PcapWriter::new(Vec::new(), PcapOptions::default()).unwrap();
    let header = 14 + 20 + 20;
    // The last is cut within the header of TCP's options, which it does not have: there is nothing to see.
    for (packet, len) in [
        (segment(0, b"01234567"), header + 3),
        (segment(8, b"89abcdef"), header + 8),
        (segment(24, b"opqrstuv"), header + 2),
        (segment(16, b"ghijklmn"), header),
        (segment(32, b"wxyz"), header - 1),
    ] {
        let original_len = packet.data.len() as u32;
        writer
            .cut_packet(packet.time, &packet.data[..len], original_len)
            .unwrap();
    }
    let recorder = read(&writer.into_inner());
    let stream = text(&recorder.flows[0], Side::First);
    assert_eq!(stream, "012_____89abcdef________op______");
}

#[test]
fn ports_are_used_again() {
    let mut packets = Vec::new();
    for (index, word) in [&b"first"[..], b"second", b"third"].into_iter().enumerate() {
        let mut conversation =
            conversation().with_sequence(Direction::ToServer, 7_000 * index as u32);
        packets.extend(conversation.open(time(1)));
        packets.extend(conversation.send(Direction::ToServer, time(1), word));
        // The last packets of the first come again, and it is closed in different ways.
        match index {
            0 => {
                for direction in Direction::BOTH {
                    packets.extend(conversation.finish(direction, time(2)));
                }
                packets.push(packets[packets.len() - 2].clone());
                packets.push(packets[3].clone());
            }
            1 => packets.push(conversation.reset(Direction::ToClient, time(2))),
            _ => {}
        }
    }
    let recorder = read(&capture(&packets));
    let words: Vec<_> = recorder
        .flows
        .iter()
        .map(|flow| text(flow, Side::First))
        .collect();
    assert_eq!(words, ["first", "second", "third"]);
    assert_eq!(recorder.flows[0].marks(Side::First), [Event::End(time(2))]);
    assert_eq!(recorder.flows[1].marks(Side::First), []);
    assert_eq!(
        recorder.flows[1].marks(Side::Second),
        [Event::Reset(time(2))]
    );
}

#[test]
fn answer_to_a_syn_that_is_not_on_record_says_who_is_the_client() {
    let mut conversation = conversation();
    let mut packets = conversation.open(time(1));
    packets.remove(0);
    packets.extend(conversation.send(Direction::ToClient, time(2), b"banner"));
    packets.extend(conversation.send(Direction::ToServer, time(3), b"request"));
    let flow = flow(&packets);
    assert!(flow.first_is_client && flow.from_start);
    assert_eq!(flow.addresses[0], Some(address(1, 50_000)));
    assert_eq!(text(&flow, Side::First), "request");
    assert_eq!(text(&flow, Side::Second), "banner");
}

#[test]
fn connection_without_bytes_is_not_told() {
    let mut conversation = conversation();
    let mut packets = conversation.open(time(1));
    packets.push(conversation.reset(Direction::ToClient, time(1)));
    assert!(read(&capture(&packets)).flows.is_empty());
}

#[test]
fn only_so_many_flows_are_followed() {
    let mut tcp = Tcp::new(1_000);
    tcp.max_flows = 8;
    let mut recorder = Recorder::default();
    let addresses = Addresses {
        source: 1,
        destination: 2,
        ipv6: false,
    };
    for port in 0..100_u16 {
        // Ports, sequence number, acknowledgement, length of the header, ACK, window, checksum, urgent pointer, and one byte.
        let mut data = vec![0, 80];
        data.extend(port.to_be_bytes());
        data.extend([0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0, b'x']);
        let provenance = Provenance {
            offset: Some(0),
            packet: port.into(),
            time: time(1),
        };
        tcp.segment(addresses, provenance, &mut data, 0, &mut recorder);
        assert!(tcp.flows.len() <= 8 && tcp.places.len() == tcp.flows.len());
        let open = recorder.flows.iter().filter(|flow| !flow.closed).count();
        assert_eq!(open, tcp.flows.len());
    }
    // Those that were used last are there.
    assert!(!recorder.flows[99].closed && recorder.flows[90].closed);
}

/// A xorshift generator: the same numbers in every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

#[test]
fn any_mix_of_segments_gives_the_stream_and_exactly_its_holes() {
    for seed in 1..=400 {
        let mut random = Random(seed * 0x9E37_79B9);
        let len = 1 + random.below(400);
        let content: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
        // Segments at random places, all of different lengths: they overlap as they like, and leave out what they like.
        let mut seen = vec![false; len];
        let mut segments = Vec::new();
        for _ in 0..1 + random.below(60) {
            let start = random.below(len);
            let end = (start + 1 + random.below(40)).min(len);
            seen[start..end].fill(true);
            segments.push(segment(start as u32, &content[start..end]));
            if random.below(4) == 0 {
                let again = random.below(segments.len());
                segments.push(segments[again].clone());
            }
        }
        let finished = random.below(2) == 0;
        if finished {
            segments.push(fin(len as u32));
        }
        for index in 0..segments.len() {
            let other = random.below(segments.len());
            segments.swap(index, other);
        }
        segments.insert(0, syn());
        // Without FIN, nobody knows of bytes behind the last that were seen.
        let last = if finished {
            len
        } else {
            seen.iter()
                .rposition(|seen| *seen)
                .map_or(0, |last| last + 1)
        };
        let expected: Vec<_> = (0..last)
            .map(|at| seen[at].then_some(content[at]))
            .collect();

        let flow = flow(&segments);
        assert_eq!(flow.stream(Side::First), expected, "seed {seed}");
        let marks = flow.marks(Side::First);
        // A hole is told once, and not in pieces.
        let holes = expected
            .chunk_by(|a, b| a.is_some() == b.is_some())
            .filter(|run| run[0].is_none());
        let told = marks
            .iter()
            .filter(|mark| matches!(mark, Event::Missing(..)));
        assert_eq!(told.count(), holes.count(), "seed {seed}");
        assert_eq!(
            marks.contains(&Event::End(time(8))),
            finished,
            "seed {seed}"
        );
        assert!(!marks.iter().any(|mark| matches!(mark, Event::Conflict(_))));
    }
}

#[test]
fn both_directions_survive_what_networks_do() {
    for seed in 1..=100 {
        let mut random = Random(seed * 0x1234_5677);
        let mut conversation = conversation()
            .with_mss(1 + random.below(60) as u16)
            .with_sequence(
                Direction::ToServer,
                0_u32.wrapping_sub(random.below(300) as u32),
            )
            .with_sequence(
                Direction::ToClient,
                0_u32.wrapping_sub(random.below(300) as u32),
            );
        let mut expected = [Vec::new(), Vec::new()];
        let mut packets = conversation.open(time(1));
        for _ in 0..random.below(30) {
            let direction = Direction::BOTH[random.below(2)];
            let bytes: Vec<u8> = (0..random.below(200))
                .map(|_| random.below(256) as u8)
                .collect();
            expected[direction.index()].extend(bytes.iter().copied().map(Some));
            packets.extend(conversation.send(direction, time(2), &bytes));
        }
        for direction in Direction::BOTH {
            packets.extend(conversation.finish(direction, time(3)));
        }
        // Every packet is captured twice, a bridge and its port; neighbours change places.
        packets = packets
            .iter()
            .flat_map(|packet| [packet.clone(), packet.clone()])
            .collect();
        for index in 1..packets.len() - 1 {
            if random.below(2) == 0 {
                packets.swap(index, index + 1);
            }
        }
        let recorder = read(&capture(&packets));
        if expected.iter().all(Vec::is_empty) {
            assert!(recorder.flows.is_empty());
            continue;
        }
        let [flow] = &recorder.flows[..] else {
            panic!("seed {seed}: {} flows", recorder.flows.len());
        };
        assert!(flow.first_is_client);
        for side in [Side::First, Side::Second] {
            assert_eq!(flow.stream(side), expected[side.index()], "seed {seed}");
            assert_eq!(flow.marks(side), [Event::End(time(3))], "seed {seed}");
        }
    }
}
