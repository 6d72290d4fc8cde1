//! The same packets are seen as pcap-parser and etherparse see them, in good captures and in damaged ones.

use core::net::{IpAddr, SocketAddr};
use std::collections::{HashMap, HashSet};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::{
    Block, PcapBlockOwned, PcapError, create_reader, traits::PcapNGPacketBlock as _,
};

use crate::{
    Direction, Timestamp,
    analysis::Side,
    reader::{
        Reader,
        pcap::PcapReader,
        pcapng::PcapNgReader,
        recorder::{Event, Recorder},
    },
    write::{Conversation, LinkType, PcapNgWriter, PcapOptions, PcapWriter, Section},
};

/// A segment of TCP: when, from where, to where, and with what.
#[derive(Clone, Debug, PartialEq)]
struct Segment {
    nanos: u64,
    from: SocketAddr,
    to: SocketAddr,
    payload: Vec<u8>,
}

/// What a packet is.
#[derive(Debug, PartialEq)]
enum Seen {
    Segment(Segment),
    /// None, or one without payload.
    Nothing,
    /// The two have reason to read it in different ways.
    Unclear,
}

/// The packets of a capture as the crates see them, up to what cannot be read.
fn theirs(file: &[u8]) -> Vec<Seen> {
    let mut reader = create_reader(1 << 16, file).expect("it begins as a capture");
    let mut interfaces = Vec::new();
    let mut legacy = (0, 0);
    let mut packets = Vec::new();
    loop {
        match reader.next() {
            Ok((len, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        let unit = if header.is_nanosecond_precision() {
                            1
                        } else {
                            1_000
                        };
                        legacy = (header.network.0, unit);
                    }
                    PcapBlockOwned::Legacy(packet) => {
                        let nanos = u64::from(packet.ts_sec) * 1_000_000_000
                            + u64::from(packet.ts_usec) * legacy.1;
                        packets.push(seen(legacy.0, nanos, packet.data));
                    }
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => interfaces.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                        interfaces.push((interface.linktype.0, interface.ts_resolution()));
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        packets.push(match interfaces.get(packet.if_id as usize) {
                            Some((link, Some(resolution))) => {
                                let (seconds, fraction) = packet.decode_ts(0, *resolution);
                                let nanos = u64::from(seconds) * 1_000_000_000
                                    + u64::from(fraction) * (1_000_000_000 / resolution);
                                seen(*link, nanos, packet.packet_data())
                            }
                            _ => Seen::Unclear,
                        });
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                reader.consume(len);
            }
            Err(PcapError::Incomplete(_)) => {
                if reader.refill().is_err() || reader.reader_exhausted() && reader.data().is_empty()
                {
                    return packets;
                }
                if reader.reader_exhausted() {
                    // What is left is no whole block.
                    if matches!(reader.next(), Err(PcapError::Incomplete(_))) {
                        return packets;
                    }
                }
            }
            Err(_) => return packets,
        }
    }
}

/// What etherparse sees in a packet.
fn seen(link: i32, nanos: u64, data: &[u8]) -> Seen {
    let ether_type = |at: usize| {
        let bytes = data.get(at..)?.first_chunk()?;
        Some(EtherType(u16::from_be_bytes(*bytes)))
    };
    let packet = match link {
        1 => LaxSlicedPacket::from_ethernet(data).ok(),
        // What address families there are is nothing that it knows.
        0 | 108
            if data
                .first_chunk()
                .is_some_and(|family| FAMILIES.contains(family)) =>
        {
            LaxSlicedPacket::from_ip(&data[4..]).ok()
        }
        101 | 228 | 229 => LaxSlicedPacket::from_ip(data).ok(),
        113 => ether_type(14).map(|kind| LaxSlicedPacket::from_ether_type(kind, &data[16..])),
        276 if data.len() >= 20 => {
            ether_type(0).map(|kind| LaxSlicedPacket::from_ether_type(kind, &data[20..]))
        }
        _ => None,
    };
    let Some(packet) = packet.filter(|packet| packet.stop_err.is_none()) else {
        return Seen::Unclear;
    };
    let (from, to): (IpAddr, IpAddr) = match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            // It takes what is there, where the length is impossible.
            if usize::from(header.total_len()) < header.slice().len() {
                return Seen::Unclear;
            }
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        _ => return Seen::Nothing,
    };
    match packet.transport {
        Some(TransportSlice::Tcp(tcp)) if tcp.rst() => Seen::Unclear,
        Some(TransportSlice::Tcp(tcp)) if !tcp.payload().is_empty() => Seen::Segment(Segment {
            nanos,
            from: SocketAddr::new(from, tcp.source_port()),
            to: SocketAddr::new(to, tcp.destination_port()),
            payload: tcp.payload().to_vec(),
        }),
        _ => Seen::Nothing,
    }
}

/// The segments by number of packet that we see, of flows that have no more than one packet.
fn ours(file: &[u8]) -> HashMap<u32, Segment> {
    let mut recorder = Recorder::default();
    let mut reader: Box<dyn Reader> = if file[0] == 0x0A {
        Box::new(PcapNgReader::default())
    } else {
        Box::new(PcapReader::default())
    };
    reader.push(&mut file.to_vec(), &mut recorder);
    reader.finish(&mut recorder);
    let mut segments = HashMap::new();
    for flow in recorder.flows {
        for side in [Side::First, Side::Second] {
            let (from, to) = (
                flow.addresses[side.index()],
                flow.addresses[side.other().index()],
            );
            let mut bytes = flow.sides[side.index()]
                .iter()
                .filter_map(|event| match event {
                    Event::Bytes(provenance, bytes) => Some((provenance, bytes)),
                    _ => None,
                });
            if let (Some((provenance, payload)), None) = (bytes.next(), bytes.next()) {
                let segment = Segment {
                    nanos: provenance.time.nanos(),
                    from: from.unwrap(),
                    to: to.unwrap(),
                    payload: payload.clone(),
                };
                segments.insert(provenance.packet, segment);
            }
        }
    }
    segments
}

/// Compares what both see of a capture, and returns how many segments both saw.
fn compare(file: &[u8]) -> usize {
    let mut ours = ours(file);
    let theirs = theirs(file);
    // Two packets of a flow depend on each other.
    let ends = |segment: &Segment| (segment.from.min(segment.to), segment.from.max(segment.to));
    let mut flows = HashMap::new();
    for seen in &theirs {
        if let Seen::Segment(segment) = seen {
            *flows.entry(ends(segment)).or_insert(0) += 1;
        }
    }
    let mut unclear = HashSet::new();
    for (seen, number) in theirs.iter().zip(1..) {
        if *seen == Seen::Unclear
            && let Some(segment) = ours.remove(&number)
        {
            unclear.insert(ends(&segment));
        }
    }
    let mut common = 0;
    for (seen, number) in theirs.iter().zip(1..) {
        match seen {
            Seen::Segment(segment)
                if flows[&ends(segment)] == 1 && !unclear.contains(&ends(segment)) =>
            {
                assert_eq!(ours.get(&number), Some(segment), "packet {number}");
                common += 1;
            }
            Seen::Nothing => assert_eq!(ours.get(&number), None, "packet {number}"),
            _ => {}
        }
    }
    common
}

/// IPv4 and IPv6 as the writer has them in front of packets of loopback.
const FAMILIES: [[u8; 4]; 5] = [
    [2, 0, 0, 0],
    [0, 0, 0, 2],
    [30, 0, 0, 0],
    [0, 0, 0, 30],
    [0, 0, 0, 24],
];

/// A xorshift generator: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    /// A packet of a flow of its own, whose headers were damaged in `damage` places.
    fn packet(&mut self, index: u16, link: LinkType, damage: usize) -> Vec<u8> {
        let ipv6 = link == LinkType::Ipv6 || link != LinkType::Ipv4 && self.below(2) == 0;
        let (client, server) = if ipv6 {
            ("[2001:db8::1]", "[2001:db8::2]")
        } else {
            ("192.0.2.1", "192.0.2.2")
        };
        let client = format!("{client}:{}", 1_024 + index).parse().unwrap();
        let server = format!("{server}:{}", 1 + self.below(1_000))
            .parse()
            .unwrap();
        let direction = Direction::BOTH[self.below(2)];
        let payload: Vec<u8> = (0..self.below(100))
            .map(|_| self.below(256) as u8)
            .collect();
        let mut conversation = Conversation::new(client, server).with_link(link);
        let mut packets = conversation.send(direction, Timestamp::UNKNOWN, &payload);
        let mut data = if packets.is_empty() {
            conversation.acknowledge(direction, Timestamp::UNKNOWN).data
        } else {
            packets.remove(0).data
        };
        // Padding of Ethernet; it is no part of anything.
        if self.below(3) == 0 && link.number() == 1 {
            data.resize(data.len().max(60), 0xEE);
        }
        for _ in 0..damage {
            let at = self.below(data.len().min(74));
            data[at] ^= 1 << self.below(8);
        }
        data
    }
}

#[test]
fn packets_of_pcap_are_those_that_others_see() {
    let mut random = Random(0x5EED);
    for damage in [0, 1, 2, 5] {
        let mut common = 0;
        for (index, link) in LinkType::ALL.into_iter().cycle().take(44).enumerate() {
            let options = PcapOptions {
                link_type: link.number(),
                nanoseconds: index % 2 == 0,
                big_endian: index % 3 == 0,
                ..PcapOptions::default()
            };
            let mut writer = PcapWriter::new(Vec::new(), options).unwrap();
            for packet in 0..50 {
                let time = Timestamp::from_nanos(random.below(1 << 50) as u64 / 1_000 * 1_000);
                let data = random.packet(packet, link, damage);
                // Some are cut, within the payload or the headers.
                let len = if random.below(4) == 0 {
                    random.below(data.len() + 1)
                } else {
                    data.len()
                };
                writer
                    .cut_packet(time, &data[..len], data.len() as u32)
                    .unwrap();
            }
            common += compare(&writer.into_inner());
        }
        let least = [1_700, 1_200, 900, 400];
        let least = least[[0, 1, 2, 5]
            .iter()
            .position(|other| *other == damage)
            .unwrap()];
        assert!(common > least, "{damage}: {common}");
    }
}

#[test]
fn packets_of_pcapng_are_those_that_others_see() {
    let mut random = Random(0xC0FFEE);
    let mut common = 0;
    for round in 0..100_u16 {
        let mut writer = PcapNgWriter::new(Vec::new(), &Section::default()).unwrap();
        for link in LinkType::ALL {
            writer.interface(link.number(), "any").unwrap();
        }
        for packet in 0..50 {
            let interface = random.below(LinkType::ALL.len());
            let time = Timestamp::from_nanos(random.below(1 << 50) as u64);
            let data = random.packet(packet, LinkType::ALL[interface], usize::from(round % 3));
            let comment = (random.below(4) == 0).then_some("a comment");
            writer
                .packet(interface as u32, time, &data, comment)
                .unwrap();
        }
        let mut file = writer.into_inner();
        // Half of them are damaged as files; those who read stop at different places, and saw the same before.
        if round % 2 == 1 {
            let at = 28 + random.below(file.len() - 28);
            file[at] ^= 1 << random.below(8);
        }
        common += compare(&file);
    }
    assert!(common > 2_500, "{common}");
}
