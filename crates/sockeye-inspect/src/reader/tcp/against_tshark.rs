//! The same streams come out as of Wireshark.

use core::net::SocketAddr;
use std::{fs, process::Command};

use super::tests::{Random, read};
use crate::{
    Direction, Timestamp,
    analysis::Side,
    write::{Conversation, Packet, PcapNgWriter, Section},
};

/// A conversation of which packets were lost, sent twice, cut anew and mixed up, on a port of its own.
fn conversation(random: &mut Random, index: u16) -> Vec<Packet> {
    let client: SocketAddr = ([192, 0, 2, 1], 50_000 + index).into();
    let server: SocketAddr = ([192, 0, 2, 2], 80).into();
    let mut conversation = Conversation::new(client, server)
        .with_mss(100)
        // Each wraps on the way.
        .with_sequence(
            Direction::ToServer,
            0_u32.wrapping_sub(random.below(2_000) as u32),
        )
        .with_sequence(
            Direction::ToClient,
            0_u32.wrapping_sub(random.below(2_000) as u32),
        );
    let mut now = 1_700_000_000_000_000_000;
    let mut tick = || {
        now += 1_000_000;
        Timestamp::from_nanos(now)
    };
    let mut packets = conversation.open(tick());
    let mut flight = Vec::new();
    for _ in 0..60 {
        let direction = Direction::BOTH[random.below(2)];
        let bytes: Vec<u8> = (0..1 + random.below(300))
            .map(|_| random.below(256) as u8)
            .collect();
        let again = conversation.clone();
        flight.extend(conversation.send(direction, tick(), &bytes));
        match random.below(6) {
            // The same bytes once more, in other segments.
            0 => flight.extend(again.with_mss(37).send(direction, tick(), &bytes)),
            // A bridge and its port.
            1 => flight.push(flight[flight.len() - 1].clone()),
            // Two of one direction change places. tshark takes what the other has acknowledged for lost at once; we wait a little.
            2 if bytes.len() > 100 => {
                let last = flight.len() - 1;
                flight.swap(last, last - 1);
            }
            // The first packet is not in the capture, and the other side has it.
            3 if bytes.len() > 100 => {
                let lost = flight.len() - bytes.len().div_ceil(100);
                flight.remove(lost);
            }
            _ => {}
        }
        if random.below(3) == 0 {
            packets.append(&mut flight);
            for direction in Direction::BOTH {
                for _ in 0..3 {
                    packets.push(conversation.acknowledge(direction, tick()));
                }
            }
        }
    }
    packets.append(&mut flight);
    for direction in Direction::BOTH {
        packets.extend(conversation.finish(direction, tick()));
    }
    packets
}

/// What tshark says that each side sent in a stream: bytes, and notes of holes in words.
fn follow(file: &std::path::Path, stream: usize) -> [Vec<u8>; 2] {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .args(["-q", "-z", &format!("follow,tcp,raw,{stream}")])
        .output()
        .expect("tshark is installed");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut sides = [Vec::new(), Vec::new()];
    for line in text.lines() {
        let side = usize::from(line.starts_with('\t'));
        let digits = line.trim();
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let bytes = (0..digits.len()).step_by(2);
            let bytes = bytes.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
            sides[side].extend(bytes);
        }
    }
    sides
}

/// What we say, with tshark's words for holes.
fn told(stream: &[Option<u8>]) -> Vec<u8> {
    let runs = stream.chunk_by(|a, b| a.is_some() == b.is_some());
    let told = runs.flat_map(|run| match run[0] {
        Some(_) => run.iter().copied().flatten().collect(),
        None => format!("[{} bytes missing in capture file]\0", run.len()).into_bytes(),
    });
    told.collect()
}

#[test]
#[ignore = "needs tshark"]
fn streams_are_those_that_tshark_follows() {
    let mut random = Random(0x7EA);
    let mut writer = PcapNgWriter::new(Vec::new(), &Section::default()).unwrap();
    writer.interface(1, "any").unwrap();
    let streams: u16 = 6;
    for index in 0..streams {
        for packet in conversation(&mut random, index) {
            writer.packet(0, packet.time, &packet.data, None).unwrap();
        }
    }
    let folder = std::env::temp_dir().join(format!("sockeye-inspect-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("capture.pcapng");
    let file = writer.into_inner();
    fs::write(&path, &file).unwrap();

    let recorder = read(&file);
    assert_eq!(recorder.flows.len(), usize::from(streams));
    let mut holes = 0;
    for (index, flow) in recorder.flows.iter().enumerate() {
        let followed = follow(&path, index);
        for side in [Side::First, Side::Second] {
            let stream = flow.stream(side);
            holes += stream
                .chunk_by(|a, b| a.is_some() == b.is_some())
                .filter(|run| run[0].is_none())
                .count();
            let told = told(&stream);
            let differ = told
                .iter()
                .zip(&followed[side.index()])
                .position(|(a, b)| a != b);
            assert_eq!(differ, None, "stream {index}, {side:?}");
            assert_eq!(
                told.len(),
                followed[side.index()].len(),
                "stream {index}, {side:?}"
            );
        }
    }
    assert!(holes > 10, "{holes}");
    fs::remove_dir_all(&folder).unwrap();
}
