//! Captures for the tests.

use sockeye_inspect::write::{Conversation, LinkType, PcapNgWriter, Section};
use sockeye_inspect::{Capture, Direction, Inspector, Options, Timestamp};

/// A connection with these frames, one each millisecond after a handshake, and the bytes of its capture.
pub(crate) fn capture(frames: &[(Direction, &[u8])]) -> (Capture, Vec<u8>) {
    let mut out = PcapNgWriter::new(Vec::new(), &Section::default()).expect("a vector takes all");
    out.interface(LinkType::default().number(), "")
        .expect("a vector takes all");
    let addresses = [([192, 0, 2, 1], 50_000), ([192, 0, 2, 2], 80)].map(Into::into);
    let mut conversation = Conversation::new(addresses[0], addresses[1]);
    let mut packets = conversation.open(Timestamp::from_nanos(START));
    let handshake = [
        (Direction::ToServer, REQUEST),
        (Direction::ToClient, RESPONSE),
    ];
    for (number, &(direction, bytes)) in handshake.iter().chain(frames).enumerate() {
        let time = START + 1_000_000 * number as u64;
        packets.extend(conversation.send(direction, Timestamp::from_nanos(time), bytes));
    }
    for packet in packets {
        out.packet(0, packet.time, &packet.data, None)
            .expect("a vector takes all");
    }
    let bytes = out.into_inner();
    let mut inspector = Inspector::new(Options::default());
    inspector.push(&mut bytes.clone());
    (inspector.finish(), bytes)
}

/// A message of the client in two fragments, with a Ping of the server in between, its Pong, and a text without a mask.
pub(crate) const FRAMES: [(Direction, &[u8]); 5] = [
    (Direction::ToServer, b"\x01\x82\0\0\0\x01Hd"),
    (Direction::ToClient, b"\x89\x01p"),
    (Direction::ToServer, b"\x80\x83\0\0\x01\0lln"),
    (Direction::ToServer, b"\x8A\x81\0\x01\0\0p"),
    (Direction::ToServer, b"\x81\x01x"),
];

const START: u64 = 1_700_000_000_000_000_000;
const REQUEST: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
