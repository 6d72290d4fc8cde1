//! Captures that real stacks made: what is in them, message by message. `captures/README.md` says how each was made.

use std::path::Path;

use sockeye_inspect::{Capture, Direction, Format, Inspector, OnRecord, Options, Severity};

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/captures")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads a capture in pieces of `chunk` bytes, and before it that of the other direction where there is one.
fn inspect(capture: &[u8], other: &[u8], chunk: usize) -> (Option<Format>, Capture) {
    let mut inspector = Inspector::new(Options::default());
    for piece in other.chunks(chunk) {
        inspector.push_other(&mut piece.to_vec());
    }
    for piece in capture.chunks(chunk) {
        inspector.push(&mut piece.to_vec());
    }
    let format = inspector.format();
    (format, inspector.finish())
}

/// The messages and control frames of one direction, one line for each.
fn messages(capture: &Capture, source: &[u8], direction: Direction) -> Vec<String> {
    let frames = capture.frames(0..capture.frame_count());
    frames
        .filter(|frame| frame.direction == direction && frame.opcode != 0)
        .map(|frame| {
            let message = capture
                .message(frame.number, 1 << 20, source)
                .expect("it can be opened");
            assert!(message.complete, "{frame:?}");
            let content = &message.content().data;
            let name = frame.opcode_name();
            if content.len() > 64 {
                format!("{name} of {} bytes", content.len())
            } else {
                format!("{name} {}", content.escape_ascii())
            }
        })
        .collect()
}

fn violations(capture: &Capture) -> Vec<&'static str> {
    let findings = capture.findings().iter();
    findings
        .filter(|finding| finding.rule.severity() == Severity::Violation)
        .map(|finding| finding.rule.id())
        .collect()
}

fn with(messages: &[&str], more: &[&str]) -> Vec<String> {
    messages
        .iter()
        .chain(more)
        .map(|&line| line.to_owned())
        .collect()
}

/// What the page and npm `ws` send each other, in `captures/make/peer.mjs`.
const ASKED: [&str; 3] = [
    "text hello",
    "text of 2400 bytes",
    r"binary \x01\x02\x03\xff",
];
const GREETING: &str = "text hello in two fragments";

fn ticks() -> Vec<String> {
    let prices = [
        "100", "100.125", "100.25", "100.375", "100.5", "100.625", "100.75", "100.875", "101",
        "101.125",
    ];
    let tick = |(number, price): (usize, &&str)| {
        format!(
            r#"text {{\"type\":\"tick\",\"symbol\":\"SOCK\",\"number\":{number},\"price\":{price}}}"#
        )
    };
    prices.iter().enumerate().map(tick).collect()
}

#[test]
fn net_export_with_bytes_has_every_message() {
    let source = file("chromium-everything.netlog.json");
    for chunk in [1 << 20, 1_000] {
        let (format, capture) = inspect(&source, b"", chunk);
        assert_eq!(format, Some(Format::NetLog));
        assert_eq!(capture.problems(), [""; 0]);
        assert_eq!(violations(&capture), [""; 0]);
        let [connection] = capture.connections() else {
            panic!("there is one connection");
        };
        assert_eq!(connection.target(), Some("/echo"));
        assert_eq!(connection.subprotocol.as_deref(), Some("demo.v1"));
        assert!(connection.deflate.is_some() && !connection.is_guessed);
        assert!(connection.client.is_some() && connection.server.is_some());
        assert!(
            capture
                .frame(0)
                .is_some_and(|frame| frame.on_record == OnRecord::Wire && frame.time.is_known())
        );
        assert_eq!(
            messages(&capture, &source, Direction::ToServer),
            with(
                &ASKED,
                &["text stream", "pong between", r"close \x0f\xa1bye"]
            )
        );
        let mut expected = with(&[GREETING, "ping between"], &ASKED);
        expected.extend(ticks());
        expected.push(r"close \x0f\xa1bye".to_owned());
        assert_eq!(messages(&capture, &source, Direction::ToClient), expected);
    }
}

#[test]
fn net_export_without_bytes_has_the_same_headers() {
    let [with_bytes, without] = [
        "chromium-everything.netlog.json",
        "chromium-default.netlog.json",
    ]
    .map(|name| {
        let (_, capture) = inspect(&file(name), b"", 1 << 20);
        assert_eq!(capture.problems(), [""; 0], "{name}");
        assert_eq!(violations(&capture), [""; 0], "{name}");
        assert_eq!(capture.connections().len(), 1, "{name}");
        Direction::BOTH.map(|direction| {
            let frames = capture.frames(0..capture.frame_count());
            frames
                .filter(|frame| frame.direction == direction)
                .map(|frame| {
                    (
                        frame.opcode,
                        frame.fin,
                        frame.rsv1,
                        frame.masked,
                        frame.payload_len,
                    )
                })
                .collect::<Vec<_>>()
        })
    });
    assert_eq!(without, with_bytes);
    assert_eq!(without.map(|frames| frames.len()), [6, 17]);
}

#[test]
fn archive_of_playwright_has_the_messages() {
    let source = file("playwright.har");
    let (format, capture) = inspect(&source, b"", 1_000);
    assert_eq!(format, Some(Format::Har));
    assert_eq!(capture.problems(), [""; 0]);
    assert_eq!(violations(&capture), [""; 0]);
    let server = capture.connections()[0]
        .server
        .expect("the URL has its address");
    assert!(server.ip().is_loopback());
    assert!(
        capture
            .frame(0)
            .is_some_and(|frame| frame.on_record == OnRecord::Message && frame.time.is_known())
    );
    assert_eq!(
        messages(&capture, &source, Direction::ToServer),
        with(&ASKED, &["text stream"])
    );
    let mut expected = with(&[GREETING], &ASKED);
    expected.extend(ticks());
    assert_eq!(messages(&capture, &source, Direction::ToClient), expected);
}

/// What `captures/make/websockets_peer.py` sends and gets back.
fn python(control: &[&str]) -> Vec<String> {
    let mut all = with(
        &[
            "text hello, world",
            "text three fragments of one message",
            "binary of 256 bytes",
        ],
        control,
    );
    all.extend((0..5).map(|number| format!("text message number {number} of five messages")));
    all
}

#[test]
fn flow_of_mitmproxy_has_the_messages_and_the_close() {
    let source = file("mitmproxy.flow");
    let (format, capture) = inspect(&source, b"", 1_000);
    assert_eq!(format, Some(Format::Mitmproxy));
    assert_eq!(capture.problems(), [""; 0]);
    assert_eq!(violations(&capture), [""; 0]);
    let connection = &capture.connections()[0];
    assert_eq!(connection.target(), Some("/python"));
    assert!(connection.client.is_some() && connection.server.is_some());
    let mut expected = python(&[]);
    assert_eq!(messages(&capture, &source, Direction::ToClient), expected);
    expected.push(r"close \x03\xe8done".to_owned());
    assert_eq!(messages(&capture, &source, Direction::ToServer), expected);
}

#[test]
fn two_raw_streams_of_npm_ws_have_every_message() {
    let (client, server) = (file("npm-ws.c2s.raw"), file("npm-ws.s2c.raw"));
    for chunk in [1 << 20, 100] {
        let (format, capture) = inspect(&server, &client, chunk);
        assert_eq!(format, Some(Format::Raw));
        assert_eq!(capture.problems(), [""; 0]);
        assert_eq!(violations(&capture), [""; 0]);
        assert_eq!(capture.connections()[0].target(), Some("/echo?from=npm-ws"));
        let asked = with(&ASKED, &["text not compressed", "text stream"]);
        let mut expected = asked.clone();
        expected.extend(with(
            &["pong between", "ping how long?", r"close \x0f\xa1bye"],
            &[],
        ));
        assert_eq!(messages(&capture, &server, Direction::ToServer), expected);
        let mut expected = with(&[GREETING, "ping between"], &ASKED);
        expected.push("text not compressed".to_owned());
        expected.extend(ticks());
        expected.extend(with(&["pong how long?", r"close \x0f\xa1bye"], &[]));
        assert_eq!(messages(&capture, &server, Direction::ToClient), expected);
    }
}

#[test]
fn raw_streams_of_python_are_read_also_as_text() {
    let (client, server) = (
        file("python-websockets.c2s.raw"),
        file("python-websockets.s2c.raw"),
    );
    let hex = |bytes: &[u8]| -> Vec<u8> {
        bytes
            .iter()
            .flat_map(|byte| format!("{byte:02x}\n").into_bytes())
            .collect()
    };
    for (client, server) in [
        (client.clone(), server.clone()),
        (hex(&client), hex(&server)),
    ] {
        let (_, capture) = inspect(&server, &client, 100);
        assert_eq!(capture.problems(), [""; 0]);
        assert_eq!(violations(&capture), [""; 0]);
        for (direction, control) in [
            (Direction::ToServer, "ping p"),
            (Direction::ToClient, "pong p"),
        ] {
            let mut expected = python(&[control]);
            expected.push(r"close \x03\xe8done".to_owned());
            assert_eq!(messages(&capture, &server, direction), expected);
        }
    }
}
