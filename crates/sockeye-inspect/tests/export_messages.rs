//! Messages are the same in whatever order and by whatever way they are read, and what is exported has all of them.
#![allow(clippy::std_instead_of_core, reason = "tests need std anyway")]

use flate2::{Compress, Compression, FlushCompress};
use sockeye_inspect::{
    Capture,
    Direction::{self, ToClient, ToServer},
    Inspector, MessageReader, Options, Timestamp,
    export::{Export, Kind, Writer},
    write::{Conversation, LinkType, PcapNgWriter, Section},
};

/// How many messages there are.
const MESSAGES: usize = 600;

/// A capture with a connection that is compressed with context takeover; every third message is in fragments with a Ping between them.
fn compressed() -> (Vec<u8>, Vec<String>) {
    let time = Timestamp::from_nanos(1_700_000_000_000_000_000);
    let mut conversation =
        Conversation::new(([192, 0, 2, 1], 50_000).into(), ([192, 0, 2, 2], 80).into());
    let mut packets = conversation.open(time);
    let mut send = |direction, bytes: &[u8]| {
        packets.extend(conversation.send(direction, time, bytes));
    };
    send(
        ToServer,
        b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    );
    send(
        ToClient,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    );
    let mut deflaters = Direction::BOTH.map(|_| Compress::new(Compression::new(6), false));
    let mut texts = Vec::new();
    for index in 0..MESSAGES {
        let direction = Direction::BOTH[index % 2];
        let text = format!(
            "message {index} of {MESSAGES}: {}",
            "all alike, or nearly; ".repeat(1 + index % 7)
        );
        let mut payload = Vec::with_capacity(1_000);
        deflaters[direction.index()]
            .compress_vec(text.as_bytes(), &mut payload, FlushCompress::Sync)
            .expect("there is room");
        // RFC 7692 §7.2.1: without its 00 00 FF FF.
        payload.truncate(payload.len() - 4);
        if index % 3 == 0 {
            let (start, end) = payload.split_at(payload.len() / 2);
            send(direction, &frame(0x41, direction, start));
            send(direction, &frame(0x89, direction, b"between"));
            send(direction, &frame(0x80, direction, end));
        } else {
            send(direction, &frame(0xC1, direction, &payload));
        }
        texts.push(text);
    }
    let mut writer = PcapNgWriter::new(Vec::new(), &Section::default()).expect("it is a vector");
    let interface = writer
        .interface(LinkType::Ethernet.number(), "")
        .expect("it is a vector");
    for packet in packets {
        writer
            .packet(interface, packet.time, &packet.data, None)
            .expect("it is a vector");
    }
    (writer.into_inner(), texts)
}

fn frame(first: u8, direction: Direction, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).expect("it is short");
    let mut frame = vec![first];
    if direction == ToServer {
        frame.extend_from_slice(&[0x80 | len, 1, 2, 3, len]);
        let key = [1, 2, 3, len];
        frame.extend(payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
    } else {
        frame.push(len);
        frame.extend_from_slice(payload);
    }
    frame
}

fn inspect(bytes: &[u8]) -> Capture {
    let mut inspector = Inspector::new(Options::default());
    inspector.push(&mut bytes.to_vec());
    inspector.finish()
}

/// The first frames of all messages but control frames.
fn firsts(capture: &Capture) -> Vec<u32> {
    capture
        .frames(0..capture.frame_count())
        .filter(|frame| frame.opcode == 1)
        .map(|frame| frame.number)
        .collect()
}

#[test]
fn messages_are_the_same_in_every_order() {
    let (bytes, texts) = compressed();
    let capture = inspect(&bytes);
    let firsts = firsts(&capture);
    assert_eq!(firsts.len(), texts.len());
    let mut orders = vec![(0..MESSAGES).collect::<Vec<_>>()];
    orders.push((0..MESSAGES).rev().step_by(97).collect());
    // 701 and the number of messages have no common divisor.
    orders.push((0..100).map(|index| index * 701 % MESSAGES).collect());
    for order in orders {
        let mut reader = MessageReader::new(&capture, &bytes);
        for index in order {
            let message = reader
                .message(firsts[index], 1 << 20)
                .expect("it is on record");
            assert!(message.complete);
            assert_eq!(message.inflate_error, None);
            assert_eq!(
                String::from_utf8_lossy(&message.content().data),
                texts[index]
            );
        }
    }
    for index in [0, 1, 400, MESSAGES - 1] {
        let message = capture
            .message(firsts[index], 1 << 20, &bytes)
            .expect("it is on record");
        assert_eq!(message.content().data, texts[index].as_bytes());
    }
}

#[test]
fn messages_that_were_cut_do_not_disturb_those_behind() {
    let (bytes, texts) = compressed();
    let capture = inspect(&bytes);
    let mut reader = MessageReader::new(&capture, &bytes);
    for (index, first) in firsts(&capture).into_iter().enumerate() {
        // Cut before its end, at its end, and behind it.
        for limit in [7, texts[index].len(), 1 << 20] {
            if index % 5 == limit % 5 {
                continue;
            }
            let message = reader.message(first, limit).expect("it is on record");
            let content = message.content();
            let shown = texts[index].len().min(limit);
            assert_eq!(content.total, texts[index].len() as u64);
            // The compressed bytes are cut too.
            assert!(content.data.len() <= shown);
            assert!(texts[index].as_bytes().starts_with(&content.data));
            if limit == 1 << 20 {
                assert_eq!(content.data.len(), shown);
            }
        }
    }
}

#[test]
fn messages_are_exported_once_each() {
    let (bytes, texts) = compressed();
    let capture = inspect(&bytes);
    let export = Export::new(&capture, &bytes);
    for number in 0..capture.frame_count() {
        assert_eq!(
            export.message_start(number),
            capture.message_start(number),
            "{number}"
        );
    }
    let mut out = Vec::new();
    let mut writer = Writer::new(Kind::JsonMessages, &mut out).expect("it is a vector");
    let export = Export::new(&capture, &bytes);
    writer
        .add(&export, 0..capture.frame_count())
        .expect("it is a vector");
    writer.finish().expect("it is a vector");
    let lines: Vec<serde_json::Value> = String::from_utf8(out)
        .expect("JSON is text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    let exported: Vec<&str> = lines
        .iter()
        .filter(|line| line["type"] == "text")
        .filter_map(|line| line["text"].as_str())
        .collect();
    assert_eq!(exported, texts);
    let pings = lines.iter().filter(|line| line["type"] == "ping").count();
    assert_eq!(pings, MESSAGES / 3);
}
