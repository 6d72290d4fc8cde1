//! What is not claimed, and what holds for any bytes.

use super::*;
use crate::decode::tree::{MAX_DEPTH, MAX_NODES, MAX_SUMMARY};

/// Numbers without a pattern, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % most
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or_default()
    }
}

const TARGETS: [&str; 7] = [
    "/socket.io/?EIO=3&transport=websocket",
    "/engine.io/?EIO=4",
    "/echo/123/abcdefgh/websocket",
    "/socket/websocket?vsn=2.0.0",
    "/signalr/connect",
    "/cable",
    "/",
];

/// One message of each kind, to be broken.
const SEEDS: [&[u8]; 14] = [
    b"{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":\"{a}\",\"x\":[1,2.5,null]}}",
    b"42/chat,13[\"message\",{\"_placeholder\":true,\"num\":0}]",
    b"MESSAGE\ndestination:/a\ncontent-length:3\n\nabc\0\n",
    b"{\"type\":1,\"target\":\"Send\",\"arguments\":[\"hi\"]}\x1e{\"type\":6}\x1e",
    b"a[\"CONNECTED\\nversion:1.1\\n\\n\\u0000\"]",
    b"[48,7,{},\"p\",[1],{\"a\":2}]",
    b"[2,\"1\",\"Heartbeat\",{}]",
    b"[\"1\",\"2\",\"t\",\"phx_join\",{}]",
    b"\x10\x1b\x00\x04MQTT\x05\xc6\x00\x0a\x05\x11\x00\x00\x00\x0a\x00\x01c\x00\x00\x01w\x00\x01x\x00\x01u",
    b"\x30\x0a\x00\x03a/b\x00hello",
    b"\x86\xa1a\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18\xa1b\xd6\xff\x5f\x5e\x10\x00\xa1c\x92\x01\xc0",
    b"\xbf\x61a\xf9\x3e\x00\x61b\x7f\x61x\xff\x61c\xc1\x1a\x51\x4b\x67\xb0\xff",
    b"\x08\x96\x01\x12\x07testing\x1a\x05\x08\x2a\x12\x01a\x25\x00\x00\xc0\x3f",
    b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03name\0\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00",
];

/// What holds for every message that is decoded as anything.
fn check(content: &[u8], hints: &Hints<'_>) {
    for decoder in Decoder::all() {
        let decoded = decode_as(*decoder, content, hints);
        assert!(decoded.summary.chars().count() <= MAX_SUMMARY);
        assert!(!decoded.summary.contains(char::is_control));
        assert!(decoded.nodes.len() <= MAX_NODES);
        let mut depth = 0;
        let mut outer: Vec<Range<usize>> = Vec::new();
        for node in &decoded.nodes {
            let Range { start, end } = node.bytes;
            assert!(
                start <= end && end <= content.len(),
                "{decoder:?} {node:?} {content:?}"
            );
            assert!(node.depth <= depth && node.depth <= MAX_DEPTH);
            depth = node.depth + 1;
            outer.truncate(node.depth.into());
            if let Some(outer) = outer.last()
                && start < end
            {
                assert!(
                    outer.start <= start && end <= outer.end,
                    "{decoder:?} {node:?} {content:?}"
                );
            }
            outer.push(start..end);
        }
    }
    let best = decode(content, hints);
    let ranked = candidates(content, hints);
    assert!(best.is_none() || best == ranked.into_iter().next());
    let mut line = String::new();
    preview(content, hints.opcode, &mut line, 20);
    assert!(line.chars().count() <= 20 && !line.contains(char::is_control));
}

fn hints(random: &mut Random) -> Hints<'static> {
    Hints {
        opcode: [1, 2, 9][random.below(3)],
        direction: Direction::BOTH[random.below(2)],
        subprotocol: None,
        target: Some(TARGETS[random.below(TARGETS.len())]),
    }
}

#[test]
fn no_bytes_break_a_decoder() {
    let mut random = Random(1);
    for _ in 0..3_000 {
        let content: Vec<u8> = (0..random.below(60)).map(|_| random.byte()).collect();
        let hints = hints(&mut random);
        check(&content, &hints);
    }
}

#[test]
fn no_change_of_a_message_breaks_a_decoder() {
    let mut random = Random(2);
    for seed in SEEDS {
        for _ in 0..200 {
            let mut content = seed.to_vec();
            for _ in 0..=random.below(3) {
                let at = random.below(content.len());
                match random.below(4) {
                    0 => content[at] = random.byte(),
                    1 => content[at] ^= 1 << random.below(8),
                    2 => content.insert(at, random.byte()),
                    _ => drop(content.remove(at)),
                }
            }
            let hints = hints(&mut random);
            check(&content, &hints);
        }
    }
}

#[test]
fn no_cut_of_a_message_breaks_a_decoder() {
    let mut random = Random(3);
    for seed in SEEDS {
        for end in 0..=seed.len() {
            let hints = hints(&mut random);
            check(&seed[..end], &hints);
        }
    }
}

#[test]
fn nesting_is_bounded() {
    let hints = Hints::new(2, Direction::ToClient);
    for (decoder, opening) in [
        (Decoder::Json, &b"["[..]),
        (Decoder::Json, b"{\"a\":"),
        (Decoder::MessagePack, b"\x91"),
        (Decoder::MessagePack, b"\x81"),
        (Decoder::Cbor, b"\x81"),
        (Decoder::Cbor, b"\xc1"),
        (Decoder::Cbor, b"\xbf"),
        (Decoder::Protobuf, b"\x0b"),
    ] {
        let decoded = decode_as(decoder, &opening.repeat(100_000), &hints);
        let error = decoded.error.expect("it is nested too deep");
        assert!(
            error.ends_with("nested more than 64 deep"),
            "{decoder:?} {error}"
        );
    }
    // Messages in messages, as deep as their lengths allow.
    let mut content = b"\x08\x01".to_vec();
    for _ in 0..200 {
        let len = content.len();
        let mut outer = vec![0x0A, u8::try_from(len & 0x7F | 0x80).unwrap_or_default()];
        outer.push(u8::try_from(len >> 7).unwrap_or_default());
        outer.extend(content);
        content = outer;
    }
    check(&content, &hints);
}

#[test]
fn number_of_nodes_is_bounded() {
    let hints = Hints::new(1, Direction::ToClient);
    let content = [&b"[0"[..], &b",1".repeat(50_000), b"]"].concat();
    let decoded = decode(&content, &hints).expect("it is JSON");
    assert_eq!(decoded.nodes.len(), MAX_NODES);
    assert!(decoded.truncated);
    assert_eq!(decoded.error, None);
    assert_eq!(decoded.nodes[0].value, "19999 elements");
    assert!(decoded.summary.starts_with("[0,1,1,1") && decoded.summary.ends_with('…'));
}

#[test]
fn plain_json_is_called_json() {
    for text in [
        "[1,2,3]",
        "[2,\"id\",\"name\",{}]",
        "[3,\"id\",{}]",
        "[48,1,{},\"procedure\"]",
        "[\"a\"]",
        "[\"a\",\"b\",\"c\",\"d\",{}]",
        "{\"type\":\"ping\"}",
        "{\"type\":\"message\",\"id\":1}",
        "{\"type\":\"data\",\"payload\":1}",
        "{\"type\":\"welcome\"}",
        "{\"identifier\":\"x\",\"message\":1}",
        "{\"topic\":\"t\",\"event\":\"e\",\"payload\":{},\"ref\":1}",
        "{\"M\":1}",
        "{}",
        "42",
        "\"text\"",
    ] {
        for direction in Direction::BOTH {
            let decoded = decode(text.as_bytes(), &Hints::new(1, direction));
            assert_eq!(
                decoded.map(|decoded| decoded.decoder),
                Some(Decoder::Json),
                "{text}"
            );
        }
    }
}

#[test]
fn binary_data_without_a_form_is_called_nothing() {
    let mut random = Random(4);
    let mut claimed = 0;
    for _ in 0..1_000 {
        let content: Vec<u8> = (0..64).map(|_| random.byte()).collect();
        claimed += usize::from(decode(&content, &Hints::new(2, Direction::ToClient)).is_some());
    }
    assert_eq!(claimed, 0);
    for content in [
        &b"\x01"[..],
        b"\x00\x00\x00\x01",
        b"\x92\x01\x02",
        b"\x08\x01",
        b"\xff\xd8\xff\xe0",
    ] {
        assert_eq!(
            decode(content, &Hints::new(2, Direction::ToClient)),
            None,
            "{content:?}"
        );
    }
}

#[test]
fn nothing_is_decoded_where_there_is_nothing() {
    assert_eq!(decode(b"", &Hints::new(1, Direction::ToClient)), None);
    assert_eq!(
        decode(b"\x03\xe8bye", &Hints::new(8, Direction::ToClient)),
        None
    );
}

#[test]
fn decoders_are_found_by_their_names() {
    for decoder in Decoder::all() {
        assert_eq!(Decoder::with_name(decoder.name()), Some(*decoder));
    }
    assert_eq!(Decoder::with_name("socketio"), Some(Decoder::SocketIo));
    assert_eq!(Decoder::with_name("graphql ws"), Some(Decoder::GraphQlWs));
    assert_eq!(Decoder::with_name("nothing"), None);
}

#[test]
fn preview_is_one_line() {
    for (content, opcode, most, expected) in [
        (&b"hello\n\x1bw\xff"[..], 1, 40, "hello\\n\\x1bw\u{FFFD}"),
        (b"hello world", 1, 8, "hello w…"),
        (b"hello wo", 1, 8, "hello w…"),
        ("grüße".as_bytes(), 1, 5, "grüß…"),
        (b"\xde\xad\xbe\xef", 2, 40, "de ad be ef"),
        (b"\xde\xad\xbe\xef", 2, 11, "de ad be ef"),
        (b"\xde\xad\xbe\xef", 2, 10, "de ad be…"),
        (b"\x03\xe8bye", 8, 40, "1000 bye"),
        (b"\x03", 8, 40, "\u{3}"),
        (b"p1", 9, 40, "p1"),
        (b"\x00\x01", 9, 40, "00 01"),
        (b"", 1, 40, ""),
        (b"x", 1, 0, ""),
    ] {
        let mut line = String::new();
        preview(content, opcode, &mut line, most);
        assert_eq!(
            line,
            expected.replace('\u{3}', "\\x03"),
            "{content:?} in {most}"
        );
    }
}
