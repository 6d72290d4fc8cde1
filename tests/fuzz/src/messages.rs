//! What is in messages, and filters.

use std::sync::OnceLock;

use sockeye_inspect::{
    Capture, Direction, Inspector, Options, Timestamp,
    decode::{self, Decoder, Hints},
    filter::{self, Filter},
    write::{Conversation, PcapNgWriter, Section},
};

use crate::alloc;

/// What hints can say: subprotocol and target.
const HINTS: [(Option<&str>, Option<&str>); 14] = [
    (None, None),
    (Some("mqtt"), None),
    (Some("wamp.2.json"), None),
    (Some("wamp.2.msgpack"), None),
    (Some("wamp.2.cbor"), None),
    (Some("graphql-transport-ws"), None),
    (Some("v12.stomp"), None),
    (Some("ocpp1.6"), None),
    (Some("actioncable-v1-json"), None),
    (None, Some("/socket.io/?EIO=4&transport=websocket")),
    (None, Some("/engine.io/?EIO=3&transport=websocket")),
    (None, Some("/echo/123/session/websocket")),
    (None, Some("/socket/websocket?vsn=2.0.0")),
    (None, Some("/signalr/connect")),
];

/// Most bytes of heap that decoding a message of `len` bytes may take: 20,000 nodes, a mebibyte that is inflated, and texts.
const fn bound(len: usize) -> isize {
    ((32 << 20) + 64 * len) as isize
}

/// The first two bytes say what is known of the message, which is the rest.
pub fn decode(data: &[u8]) {
    let Some((&[known, hint], content)) = data.split_first_chunk::<2>() else {
        return;
    };
    let (subprotocol, target) = HINTS[usize::from(hint) % HINTS.len()];
    let hints = Hints {
        opcode: known & 0xF,
        direction: Direction::BOTH[usize::from(known >> 7)],
        subprotocol,
        target,
    };
    for decoder in Decoder::all() {
        let live = alloc::live();
        let decoded = decode::decode_as(*decoder, content, &hints);
        let taken = alloc::peak() - live;
        assert!(taken <= bound(content.len()), "{decoder:?} took {taken}");
        assert_eq!(decoded.decoder, *decoder);
        assert!(decoded.summary.chars().count() <= 120);
        assert!(!decoded.summary.contains(char::is_control));
        assert!(decoded.nodes.len() <= 20_000);
        let mut deepest = 0;
        for node in &decoded.nodes {
            assert!(node.bytes.start <= node.bytes.end && node.bytes.end <= content.len());
            assert!(node.depth <= deepest && node.depth <= 64);
            deepest = node.depth + 1;
        }
    }
    let best = decode::decode(content, &hints);
    let candidates = decode::candidates(content, &hints);
    assert!(best.is_none() || best.as_ref() == candidates.first());
    for room in [0, 1, 40] {
        let mut line = String::new();
        decode::preview(content, hints.opcode, &mut line, room);
        assert!(line.chars().count() <= room && !line.contains(char::is_control));
    }
}

/// A filter, asked about each frame of a small capture.
pub fn filter(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    for cursor in (0..=text.len()).take(64) {
        for completion in filter::completions(text, cursor, None) {
            assert!(text.get(completion.replace).is_some());
        }
    }
    let filter = match Filter::parse(text) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(text.get(error.at).is_some() && !error.message.is_empty());
            return;
        }
    };
    let (file, capture) = capture();
    let mut selected = Vec::new();
    filter.select(capture, 0..u32::MAX, file, &mut selected);
    let one_by_one: Vec<u32> = capture
        .frames(0..u32::MAX)
        .filter(|frame| filter.matches(capture, frame, file))
        .map(|frame| frame.number)
        .collect();
    assert_eq!(selected, one_by_one);
    // What is said twice is said once, and what is denied twice is said.
    if text.len() < 1_000
        && let Ok(negated) = Filter::parse(&format!("not ({text}\n)"))
    {
        selected.extend(
            capture
                .frames(0..u32::MAX)
                .filter(|frame| negated.matches(capture, frame, file))
                .map(|frame| frame.number),
        );
        selected.sort_unstable();
        assert!(selected.into_iter().eq(0..capture.frame_count()));
    }
}

/// A few frames of each kind.
fn capture() -> &'static (Vec<u8>, Capture) {
    static CAPTURE: OnceLock<(Vec<u8>, Capture)> = OnceLock::new();
    CAPTURE.get_or_init(|| {
        let mut time = 1_700_000_000_000_000_000;
        let mut now = || {
            time += 1_000_000;
            Timestamp::from_nanos(time)
        };
        let mut conversation =
            Conversation::new(([10, 0, 0, 1], 50_000).into(), ([10, 0, 0, 2], 80).into());
        let mut packets = conversation.open(now());
        for (direction, bytes) in SAID {
            packets.extend(conversation.send(direction, now(), bytes));
        }
        let mut writer = PcapNgWriter::new(Vec::new(), &Section::default()).unwrap();
        let interface = writer.interface(1, "").unwrap();
        for packet in packets {
            writer
                .packet(interface, packet.time, &packet.data, None)
                .unwrap();
        }
        let file = writer.into_inner();
        let mut inspector = Inspector::new(Options::default());
        inspector.push(&mut file.clone());
        let capture = inspector.finish();
        assert_eq!(capture.frame_count(), 8);
        (file, capture)
    })
}

const SAID: [(Direction, &[u8]); 10] = [
    (
        Direction::ToServer,
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    ),
    (
        Direction::ToClient,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
          Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    ),
    // "Hello", compressed, in two fragments.
    (Direction::ToClient, b"\x41\x03\xf2\x48\xcd"),
    (Direction::ToClient, b"\x80\x04\xc9\xc9\x07\x00"),
    (Direction::ToClient, b"\x81\x07{\"a\":1}"),
    (Direction::ToServer, b"\x89\x80\x01\x02\x03\x04"),
    (Direction::ToClient, b"\x8a\x00"),
    // A reserved opcode.
    (Direction::ToClient, b"\x83\x00"),
    (Direction::ToServer, b"\x88\x82\x00\x00\x00\x00\x03\xe8"),
    (Direction::ToClient, b"\x88\x02\x03\xe8"),
];
