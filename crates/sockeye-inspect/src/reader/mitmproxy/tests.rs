use super::*;
use crate::reader::transcript::Transcript;

fn text(text: &str) -> String {
    format!("{}:{text};", text.len())
}

fn bytes(text: &str) -> String {
    format!("{}:{text},", text.len())
}

fn scalar(text: &str, kind: char) -> String {
    format!("{}:{text}{kind}", text.len())
}

fn list(items: &[String]) -> String {
    let items = items.concat();
    format!("{}:{items}]", items.len())
}

fn dictionary(items: &[(&str, String)]) -> String {
    let items: String = items.iter().map(|(key, value)| text(key) + value).collect();
    format!("{}:{items}}}", items.len())
}

fn message(opcode: u8, from_client: bool, content: &str, time: &str) -> String {
    list(&[
        scalar(&opcode.to_string(), '#'),
        scalar(if from_client { "true" } else { "false" }, '!'),
        bytes(content),
        scalar(time, '^'),
        scalar("false", '!'),
        scalar("false", '!'),
    ])
}

fn flow(version: &str, kind: &str) -> String {
    let headers = |name: &str| ("headers", list(&[list(&[bytes("Upgrade"), bytes(name)])]));
    let peer = |ip: &str| {
        let name = ("peername", list(&[text(ip), scalar("443", '#')]));
        dictionary(&[("tls", scalar("true", '!')), name])
    };
    dictionary(&[
        (
            "websocket",
            dictionary(&[
                (
                    "messages",
                    list(&[
                        message(1, true, "hello", "2.5"),
                        message(2, false, "\0", "3"),
                    ]),
                ),
                ("closed_by_client", scalar("false", '!')),
                ("close_code", scalar("1000", '#')),
                ("close_reason", text("bye")),
                ("timestamp_end", scalar("4.25", '^')),
            ]),
        ),
        (
            "response",
            dictionary(&[
                ("http_version", bytes("HTTP/1.1")),
                ("status_code", scalar("101", '#')),
                ("reason", bytes("Switching Protocols")),
                headers("websocket"),
                ("timestamp_end", scalar("2", '#')),
            ]),
        ),
        (
            "request",
            dictionary(&[
                ("method", bytes("GET")),
                ("path", bytes("/a")),
                ("http_version", bytes("HTTP/1.1")),
                headers("WebSocket"),
                ("timestamp_start", scalar("1", '^')),
            ]),
        ),
        ("client_conn", peer("127.0.0.1")),
        ("server_conn", peer("192.0.2.1")),
        ("type", text(kind)),
        ("version", scalar(version, '#')),
    ])
}

#[test]
fn messages_and_close_are_told_with_their_place() {
    let capture = format!(
        "{}{}",
        dictionary(&[("type", text("dns"))]),
        flow("20", "http")
    );
    let at = capture.find("hello").expect("it is there");
    let binary = capture.find('\0').expect("it is there");
    assert_eq!(
        Transcript::at_every_cut(MitmproxyReader::new, capture.as_bytes()),
        [
            "0open 127.0.0.1:443 192.0.2.1:443 first_is_client from_start decrypted websocket",
            r"0request 1000000µs GET /a HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n",
            r"0response 2000000µs HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
            &format!("0First @{at} #1 2500000µs message 1 hello"),
            &format!(r"0Second @{binary} #2 3000000µs message 2 \x00"),
            r"0Second #3 4250000µs message 8 \x03\xe8bye",
            "0close",
            "problem: 1 flows that are not HTTP are passed over",
        ]
    );
}

#[test]
fn old_format_is_refused_in_words() {
    let problem = "problem: 1 WebSockets as mitmproxy wrote them before version 7 \
                   (open them with a newer one, and save them again) are passed over";
    for capture in [flow("11", "http"), flow("11", "websocket")] {
        assert_eq!(
            Transcript::of(MitmproxyReader::new(), capture.as_bytes(), &[]),
            [problem]
        );
    }
}

#[test]
fn close_without_frame_or_code_has_none() {
    let capture = flow("12", "http");
    for (code, told) in [("1006", None), ("1005", Some("message 8 "))] {
        let capture = capture.replace("4:1000#", &scalar(code, '#'));
        let lines = Transcript::of(MitmproxyReader::new(), capture.as_bytes(), &[]);
        let close = lines.iter().find(|line| line.contains("message 8"));
        match told {
            None => assert_eq!(close, None),
            Some(told) => assert!(close.is_some_and(|line| line.ends_with(told)), "{close:?}"),
        }
    }
}

#[test]
fn what_is_cut_or_broken_is_named() {
    let whole = flow("20", "http");
    let twice = format!("{whole}{}", &whole[..whole.len() - 3]);
    let told = Transcript::of(MitmproxyReader::new(), twice.as_bytes(), &[]);
    assert_eq!(
        told.last().map(String::as_str),
        Some(&*format!(
            "problem: the capture ends within the flow at byte {}; what comes before it is shown",
            whole.len()
        ))
    );
    for (capture, why) in [
        ("12x", "the length of a flow is missing"),
        ("12345678901234", "the length of a flow is missing"),
        ("1:a,", "a flow that is no dictionary"),
        ("1:a?", "a flow that is no dictionary"),
    ] {
        assert_eq!(
            Transcript::at_every_cut(MitmproxyReader::new, capture.as_bytes()),
            [format!(
                "problem: the capture cannot be read from byte 0 on: {why}; what comes before it is shown"
            )]
        );
    }
}

#[test]
fn flow_that_is_too_long_is_passed_over() {
    let told = Transcript::of(MitmproxyReader::new(), b"999999999999:1:a", &[]);
    assert_eq!(
        told,
        [
            "problem: the capture ends within the flow at byte 1000000000013; what comes before it is shown",
            "problem: 1 flows of more than 256 MiB are passed over",
        ]
    );
}

#[test]
fn beginning_is_told_from_other_text() {
    assert!(is_flow(b"25:4:"));
    for other in ["00000000: 4745", "12: abc", "25", "a:1", "0:1"] {
        assert!(!is_flow(other.as_bytes()), "{other}");
    }
}
