//! Each rule of framing, control frames, closing and text, broken once: RFC 6455 §5 to §8.

mod common;

use common::{Scene, frame, inspect_with, words};
use sockeye_inspect::{Direction, Format, Options, Place, Rule, Severity};

const TEXT: u8 = 0x81;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;
const CLOSE: u8 = 0x88;
const NORMAL: &[u8] = &[0x03, 0xE8];

/// What is found on a connection that shakes hands, does this, and closes in order.
fn found(act: impl FnOnce(&mut Scene)) -> Vec<String> {
    let mut scene = Scene::shaken();
    act(&mut scene);
    scene.close();
    scene.findings()
}

#[test]
fn lawful_connection_has_no_findings() {
    let found = found(|scene| {
        scene.client_frame(TEXT, "grüße".as_bytes());
        scene.server_frame(TEXT, b"hi");
        scene.server_frame(PING, b"1");
        scene.client_frame(PONG, b"1");
        scene.client_frame(0x01, b"in ");
        scene.client_frame(PING, b"between");
        scene.client_frame(0x80, b"two");
        scene.server_frame(PONG, b"between");
        scene.server_frame(0x82, &[0; 126]);
        scene.server_frame(0x82, &[0; 70_000]);
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn masking_has_a_direction() {
    assert_eq!(
        found(|scene| scene.client(&frame(TEXT, None, b"hi"))),
        ["frame-mask-missing"]
    );
    assert_eq!(
        found(|scene| scene.server(&frame(TEXT, Some([1, 2, 3, 4]), b"hi"))),
        ["frame-mask-unexpected"]
    );
}

#[test]
fn masking_keys_are_fresh() {
    assert_eq!(
        found(|scene| scene.client(&frame(TEXT, Some([0; 4]), b"hi"))),
        ["frame-masking-key-zero: 00000000"]
    );
    assert_eq!(
        found(|scene| {
            scene.client(&frame(TEXT, Some([9, 8, 7, 6]), b"hi"));
            scene.client(&frame(TEXT, Some([9, 8, 7, 6]), b"ho"));
        }),
        ["frame-masking-key-reused: 09080706"]
    );
}

#[test]
fn reserved_bits_are_zero_without_extension() {
    assert_eq!(
        found(|scene| scene.server_frame(0xA1, b"hi")),
        ["frame-reserved-bits: RSV2"]
    );
    assert_eq!(
        found(|scene| scene.server_frame(0x99, b"hi")),
        ["frame-reserved-bits: RSV3"]
    );
    assert_eq!(
        found(|scene| scene.server_frame(0xC1, b"hi")),
        [
            "frame-reserved-bits: RSV1, where no extension was negotiated: deflate in use without the handshake?"
        ]
    );
}

#[test]
fn opcodes_are_known() {
    assert_eq!(
        found(|scene| scene.server_frame(0x83, b"hi")),
        ["frame-reserved-opcode: opcode 0x3"]
    );
    assert_eq!(
        found(|scene| scene.client_frame(0x8B, b"hi")),
        ["frame-reserved-opcode: opcode 0xB"]
    );
}

#[test]
fn lengths_are_minimal() {
    let mut in_16 = vec![0x82, 126, 0, 5];
    in_16.extend(b"short");
    assert_eq!(
        found(|scene| scene.server(&in_16)),
        ["frame-length-not-minimal: 5 in 16 bits"]
    );
    let mut in_64 = vec![0x82, 127, 0, 0, 0, 0, 0, 0, 0, 126];
    in_64.extend([0; 126]);
    assert_eq!(
        found(|scene| scene.server(&in_64)),
        ["frame-length-not-minimal: 126 in 64 bits"]
    );
}

#[test]
fn highest_bit_of_the_length_is_zero() {
    let mut scene = Scene::shaken();
    scene.server(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 1, b'x']);
    assert_eq!(scene.findings(), ["frame-length-too-big"]);
}

#[test]
fn fragments_are_in_order() {
    assert_eq!(
        found(|scene| scene.server_frame(0x80, b"of nothing")),
        ["frame-continuation-unexpected"]
    );
    assert_eq!(
        found(|scene| {
            scene.server_frame(0x01, b"one");
            scene.server_frame(TEXT, b"two");
        }),
        ["frame-continuation-expected: frame 0 began the other"]
    );
}

#[test]
fn control_frames_are_short_and_whole() {
    assert_eq!(
        found(|scene| {
            scene.server_frame(PING, &[7; 126]);
            scene.client_frame(PONG, &[7; 125]);
        }),
        ["control-too-long: 126 bytes"]
    );
    assert_eq!(
        found(|scene| {
            scene.server_frame(0x09, b"1");
            scene.client_frame(PONG, b"1");
        }),
        ["control-fragmented"]
    );
}

#[test]
fn close_frames_say_what_may_be_said() {
    let close = |payload: &'static [u8]| {
        let mut scene = Scene::shaken();
        scene.client_frame(CLOSE, payload);
        scene.server_frame(CLOSE, payload);
        scene.findings()
    };
    assert_eq!(close(&[]), Vec::<String>::new());
    assert_eq!(close(&[0x03]), ["close-truncated", "close-truncated"]);
    for (payload, finding) in [
        (&[0x03, 0xED][..], "close-code-reserved: code 1005"),
        (&[0x03, 0xEE], "close-code-reserved: code 1006"),
        (&[0x03, 0xEC], "close-code-reserved: code 1004"),
        (&[0x03, 0xF7], "close-code-reserved: code 1015"),
        (&[0x03, 0xE7], "close-code-invalid: code 999"),
        (&[0x07, 0xD0], "close-code-invalid: code 2000"),
        (&[0x13, 0x88], "close-code-invalid: code 5000"),
        (&[0x03, 0xE8, 0xFF], "text-invalid-utf8: in the reason"),
    ] {
        assert_eq!(close(payload), [finding, finding]);
    }
    // Registered, and for applications: 1012, 1014, 3000, 4999.
    for payload in [
        &[0x03, 0xF4][..],
        &[0x03, 0xF6],
        &[0x0B, 0xB8],
        &[0x13, 0x87],
    ] {
        assert_eq!(close(payload), Vec::<String>::new());
    }
}

#[test]
fn nothing_follows_a_close_frame() {
    let mut scene = Scene::shaken();
    scene.server_frame(CLOSE, NORMAL);
    scene.server_frame(TEXT, b"more");
    scene.server_frame(CLOSE, &[0x03, 0xF4]);
    scene.client_frame(CLOSE, NORMAL);
    assert_eq!(scene.findings(), ["close-then-data", "close-then-data"]);
}

#[test]
fn answering_close_echoes_the_code() {
    let mut scene = Scene::shaken();
    scene.server_frame(CLOSE, &[0x03, 0xE9]);
    scene.client_frame(CLOSE, NORMAL);
    assert_eq!(
        scene.findings(),
        ["close-not-echoed: code 1000 answers 1001"]
    );
}

#[test]
fn pongs_answer_pings() {
    assert_eq!(
        found(|scene| scene.client_frame(PONG, b"beat")),
        ["pong-unsolicited"]
    );
    // The last of several Pings stands for all (RFC 6455 §5.5.3).
    assert_eq!(
        found(|scene| {
            scene.server_frame(PING, b"1");
            scene.server_frame(PING, b"2");
            scene.client_frame(PONG, b"2");
            scene.wait(5_000);
            scene.client_frame(TEXT, b"still here");
        }),
        Vec::<String>::new()
    );
    let mut scene = Scene::shaken();
    scene.server_frame(PING, b"1");
    scene.wait(5_000);
    scene.client_frame(TEXT, b"not a word about it");
    assert_eq!(scene.findings(), ["ping-unanswered"]);
}

#[test]
fn round_trips_are_measured() {
    let mut scene = Scene::shaken();
    scene.server_frame(PING, b"a");
    scene.wait(41);
    scene.client_frame(PONG, b"a");
    let (_, capture) = scene.inspect();
    let connection = &capture.connections()[0];
    assert_eq!(connection.round_trips.len(), 1);
    let trip = connection.round_trips[0];
    assert_eq!((trip.ping, trip.pong, trip.time.as_millis()), (0, 1, 42));
    assert_eq!(connection.round_trip_summary.mean().as_millis(), 42);
}

#[test]
fn tcp_ends_at_the_server_first_and_not_without_a_close() {
    let mut scene = Scene::shaken();
    scene.client_frame(CLOSE, NORMAL);
    scene.server_frame(CLOSE, NORMAL);
    scene.finish(Direction::ToServer);
    scene.finish(Direction::ToClient);
    assert_eq!(scene.findings(), ["close-tcp-by-client"]);

    let mut scene = Scene::shaken();
    scene.client_frame(TEXT, b"hi");
    scene.finish(Direction::ToClient);
    scene.finish(Direction::ToServer);
    assert_eq!(scene.findings(), ["close-missing: TCP ended"]);

    let mut scene = Scene::shaken();
    scene.reset(Direction::ToClient);
    assert_eq!(scene.findings(), ["close-missing: it was reset"]);
}

#[test]
fn frames_and_messages_are_complete_at_the_end() {
    let mut scene = Scene::shaken();
    scene.server(&[TEXT, 10, b'h', b'i']);
    scene.finish(Direction::ToClient);
    scene.finish(Direction::ToServer);
    assert_eq!(
        scene.findings(),
        [
            "close-missing: TCP ended",
            "frame-truncated: 8 bytes of payload did not come"
        ]
    );

    let mut scene = Scene::shaken();
    scene.server_frame(0x01, b"begun");
    scene.finish(Direction::ToClient);
    scene.finish(Direction::ToServer);
    assert_eq!(
        scene.findings(),
        [
            "close-missing: TCP ended",
            "message-unfinished: 1 frames came"
        ]
    );
}

#[test]
fn text_is_utf8_over_frames() {
    // "é" over two frames is right, half of it is not.
    assert_eq!(
        found(|scene| {
            scene.server_frame(0x01, b"caf\xC3");
            scene.server_frame(0x80, b"\xA9");
        }),
        Vec::<String>::new()
    );
    assert_eq!(
        found(|scene| scene.server_frame(TEXT, b"caf\xC3")),
        ["text-invalid-utf8: the text ends within a character"]
    );
    let mut scene = Scene::shaken();
    scene.client_frame(TEXT, b"abc\xFFdef");
    let (_, capture) = scene.inspect();
    let finding = &capture.findings()[0];
    assert_eq!(finding.rule, Rule::InvalidUtf8);
    // Six bytes of header, three of text.
    assert_eq!(
        finding.place,
        Place::Frame {
            number: 0,
            bytes: 9..10
        }
    );
    let frame = capture.frame(0).expect("it is there");
    assert_eq!(frame.severity, Some(Severity::Violation));
}

#[test]
fn causes_of_lost_framing_are_named() {
    let mut scene = Scene::shaken();
    scene.server_frame(TEXT, b"hi");
    scene.server(common::response("").as_bytes());
    scene.server_frame(TEXT, b"again");
    let (_, capture) = scene.inspect();
    assert_eq!(
        capture.findings().iter().map(words).collect::<Vec<_>>(),
        [
            "framing-lost: a response of HTTP: two servers on one socket, a second 101, or a proxy that answers in between"
        ]
    );
    assert_eq!(capture.frame_count(), 2, "and frames go on behind it");

    let mut scene = Scene::shaken();
    scene.client_frame(TEXT, b"hi");
    scene.client(b"POST /next HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        scene.findings(),
        [
            "framing-lost: a request of HTTP: the connection was taken for an idle one and used again"
        ]
    );

    let mut scene = Scene::shaken();
    scene.server(&[0x17, 0x03, 0x03, 0x00, 0x20, 1, 2, 3, 4, 5, 6]);
    assert_eq!(
        scene.findings(),
        ["framing-lost: a record of TLS: encrypted twice, or a tunnel that began too late"]
    );

    let mut scene = Scene::shaken();
    scene.server(&[0xF7, 0x93, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66]);
    scene.server_frame(TEXT, b"here again");
    let (_, capture) = scene.inspect();
    assert_eq!(
        capture.findings().iter().map(words).collect::<Vec<_>>(),
        [
            "framing-lost: no frame: the one before it is probably longer or shorter than its header says, or bytes are lost"
        ]
    );
    assert_eq!(
        capture.frame_count(),
        1,
        "the next packet begins with a frame"
    );
}

#[test]
fn hole_within_a_payload_is_passed_over_and_one_elsewhere_is_recovered_from() {
    let mut scene = Scene::shaken();
    // 100 bytes of payload, of which 60 are not captured.
    let whole = frame(TEXT, None, &[b'a'; 100]);
    scene.server(&whole[..22]);
    scene.lose(Direction::ToClient, 60);
    scene.server(&whole[82..]);
    scene.server_frame(TEXT, b"behind");
    scene.client_frame(PING, b"");
    scene.server_frame(PONG, b"");
    let (file, capture) = scene.inspect();
    let found: Vec<_> = capture.findings().iter().map(words).collect();
    assert_eq!(found, ["capture-bytes-missing: 60 bytes"]);
    let message = capture.message(0, 1_000, &file).expect("it opens");
    assert_eq!(message.joined.missing.len(), 1);
    assert_eq!(message.joined.missing[0], 20..80);
    assert_eq!(message.joined.total, 100);
    assert!(!message.complete);
    // The hole is one only when the client has acknowledged what is behind it.
    assert_eq!(
        capture
            .message(2, 1_000, &file)
            .expect("it opens")
            .joined
            .data,
        b"behind"
    );

    let mut scene = Scene::shaken();
    scene.server_frame(TEXT, b"before");
    scene.lose(Direction::ToClient, 50);
    scene.server_frame(TEXT, b"behind");
    scene.server_frame(TEXT, b"later");
    let (file, capture) = scene.inspect();
    let found: Vec<_> = capture.findings().iter().map(words).collect();
    assert_eq!(found, ["capture-bytes-missing: 50 bytes"]);
    assert_eq!(capture.frame_count(), 3);
    assert_eq!(
        capture
            .message(2, 1_000, &file)
            .expect("it opens")
            .joined
            .data,
        b"later"
    );
}

#[test]
fn capture_that_begins_in_the_middle_is_recognised() {
    let mut scene = Scene::shaken();
    scene.client_frame(TEXT, b"one");
    scene.server_frame(TEXT, b"two");
    scene.server_frame(TEXT, b"three");
    // Without the handshakes of TCP and WebSocket.
    scene.packets().drain(..5);
    let (file, capture) = scene.inspect();
    assert_eq!(capture.frame_count(), 3);
    let connection = &capture.connections()[0];
    assert!(connection.is_guessed);
    assert_eq!(
        connection.client,
        Some("10.0.0.1:50000".parse().expect("an address"))
    );
    let found: Vec<_> = capture.findings().iter().map(words).collect();
    assert_eq!(found, ["capture-begins-in-the-middle"]);
    assert_eq!(
        capture.message(2, 99, &file).expect("it opens").joined.data,
        b"three"
    );
}

#[test]
fn findings_are_bounded_and_counted() {
    let mut scene = Scene::shaken();
    for _ in 0..20 {
        scene.client(&frame(TEXT, None, b"hi"));
    }
    let mut options = Options::default();
    options.findings_per_rule = 5;
    let capture = inspect_with(&scene.file(), options);
    assert_eq!(capture.findings().len(), 5);
    assert_eq!(
        capture.finding_counts().collect::<Vec<_>>(),
        [(Rule::MaskMissing, 20)]
    );
    let last = capture.frame(19).expect("it is there");
    assert_eq!(
        last.severity,
        Some(Severity::Violation),
        "marked all the same"
    );
}

#[test]
fn outcome_is_the_same_at_every_cut() {
    let mut scene = Scene::deflated("");
    scene.client_frame(TEXT, b"hello");
    scene.server_frame(0x01, b"frag");
    scene.server_frame(PING, b"p");
    scene.server_frame(0x80, b"ment");
    scene.client(&frame(TEXT, None, b"bad"));
    scene.close();
    let file = scene.file();
    let whole = common::inspect(&file);
    let words_of = |capture: &sockeye_inspect::Capture| {
        let frames: Vec<_> = capture.frames(0..capture.frame_count()).collect();
        let findings: Vec<_> = capture.findings().to_vec();
        (frames, findings)
    };
    for cut in 0..=file.len() {
        let mut inspector = sockeye_inspect::Inspector::new(Options::default());
        inspector.push(&mut file[..cut].to_vec());
        inspector.push(&mut file[cut..].to_vec());
        assert_eq!(inspector.format(), Some(Format::PcapNg), "cut at {cut}");
        assert_eq!(
            words_of(&inspector.finish()),
            words_of(&whole),
            "cut at {cut}"
        );
    }
}

#[test]
fn request_without_a_response_is_a_connection_all_the_same() {
    let mut stream = common::request("").into_bytes();
    stream.extend(frame(TEXT, Some([1, 2, 3, 4]), b"hello"));
    let capture = common::inspect(&stream);
    let connection = &capture.connections()[0];
    assert!(connection.is_guessed);
    assert_eq!(connection.target(), Some("/chat"));
    assert_eq!(capture.frame_count(), 1);
    let message = capture.message(0, 99, &stream).expect("it opens");
    assert_eq!(message.content().data, b"hello");
}

#[test]
fn end_of_a_text_is_found_at_the_same_place_at_every_cut() {
    let mut stream = common::request("").into_bytes();
    stream.extend(frame(TEXT, Some([1, 2, 3, 4]), b"caf\xC3"));
    for cut in stream.len() - 8..stream.len() {
        let mut inspector = sockeye_inspect::Inspector::new(Options::default());
        inspector.push(&mut stream[..cut].to_vec());
        inspector.push(&mut stream[cut..].to_vec());
        let capture = inspector.finish();
        let finding = &capture.findings()[0];
        assert_eq!(
            finding.place,
            Place::Frame {
                number: 0,
                bytes: 9..10
            },
            "cut at {cut}"
        );
    }
}

#[test]
fn fragments_of_both_directions_at_once_and_long_masked_frames_are_kept_apart() {
    let mut scene = Scene::shaken();
    scene.client_frame(0x01, b"CLIENT-1 ");
    scene.server_frame(0x01, b"server-1 ");
    scene.client_frame(0x80, b"CLIENT-2");
    scene.server_frame(0x80, b"server-2");
    let long: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    scene.client_frame(0x82, &long);
    let (file, capture) = scene.inspect();
    let content = |frame| {
        let message = capture.message(frame, 1 << 20, &file).expect("it opens");
        assert!(message.complete);
        message.content().data.clone()
    };
    assert_eq!(content(0), b"CLIENT-1 CLIENT-2");
    assert_eq!(content(3), b"server-1 server-2");
    assert_eq!(content(4), long);
    assert_eq!(capture.findings(), []);
}

#[test]
fn index_takes_at_most_32_bytes_a_frame() {
    const FRAMES: usize = 20_480;
    for (parameters, first, payload) in [
        (None, TEXT, &b"hello"[..]),
        // RFC 7692 §7.2.3.1.
        (Some(""), 0xC1, &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]),
    ] {
        let mut scene = parameters.map_or_else(Scene::shaken, Scene::deflated);
        for _ in 0..FRAMES {
            scene.server_frame(first, payload);
        }
        let mut options = Options::default();
        options.findings_per_rule = 0;
        let capture = inspect_with(&scene.file(), options);
        assert_eq!(capture.frame_count(), FRAMES as u32);
        // The connection itself, and the tables of chunks and blocks.
        let overhead = 4_096;
        assert!(
            capture.memory() <= 32 * FRAMES + overhead,
            "{} bytes a frame",
            capture.memory() / FRAMES
        );
    }
}
