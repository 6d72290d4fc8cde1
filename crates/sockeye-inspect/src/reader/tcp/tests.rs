//! Conversations whose packets were lost, cut, sent twice and mixed up on the way.

use core::net::SocketAddr;

use crate::{
    Direction, Timestamp,
    analysis::{Problem, Side},
    reader::{
        Reader,
        pcap::PcapReader,
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
fn read(file: &[u8]) -> Recorder {
    let mut recorder = Recorder::default();
    let mut reader = PcapReader::default();
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
