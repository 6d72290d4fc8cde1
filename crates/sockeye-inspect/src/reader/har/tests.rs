use super::*;
use crate::reader::transcript::Transcript;

const ENTRY: &str = r#""startedDateTime":"2023-08-29T13:03:20.1Z","time":9,
  "request":{"method":"GET","url":"wss://example.com/chat?x=1","httpVersion":"http/1.1","headers":[{"name":"Host","value":"example.com"},{"name":"Upgrade","value":"websocket"}]},
  "response":{"status":101,"statusText":"Switching Protocols","httpVersion":"HTTP/1.1","headers":[{"value":"websocket","name":"Upgrade"}]},
  "serverIPAddress":"192.0.2.1","timings":{"blocked":-1,"dns":0.5,"wait":1,"receive":100}"#;

fn har(entries: &str) -> String {
    format!("{{\"log\":{{\"version\":\"1.2\",\"entries\":[{entries}]}}}}")
}

fn read(capture: &str) -> Vec<String> {
    Transcript::of(HarReader::new(), capture.as_bytes(), &[])
}

const HANDSHAKE: [&str; 3] = [
    "0open - 192.0.2.1:443 first_is_client from_start decrypted websocket",
    r"0request 1693314200100000µs GET /chat?x=1 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\r\n",
    r"0response 1693314200101500µs HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
];

#[test]
fn messages_are_told_after_their_handshake_wherever_they_stand() {
    let messages = r#""_webSocketMessages":[
        {"type":"send","time":1693314200.25,"opcode":1,"data":"plain"},
        {"data":"say \"hi\"","opcode":1,"time":1693314200.5,"type":"receive"},
        {"type":"receive","time":1693314201,"opcode":2,"data":"AAH/"}]"#;
    let first = har(&format!("{{{messages},{ENTRY}}}"));
    let told = Transcript::at_every_cut(HarReader::new, first.as_bytes());
    assert_eq!(told[..3], HANDSHAKE);
    let at = first.find("plain").expect("it is there");
    assert_eq!(
        told[3..],
        [
            &format!("0First @{at} #1 1693314200250000µs message 1 plain") as &str,
            r#"0Second #2 1693314200500000µs message 1 say \"hi\""#,
            r"0Second #3 1693314201000000µs message 2 \x00\x01\xff",
            "0close",
        ]
    );
    let last = read(&har(&format!("{{{ENTRY},{messages}}}")));
    assert_eq!(last[..3], told[..3]);
    assert_eq!(last[4..], told[4..]);
}

#[test]
fn upgrade_without_messages_is_a_connection_and_other_entries_are_none() {
    let other = ENTRY.replace("101", "200");
    let told = read(&har(&format!("{{{other}}},{{{ENTRY}}}")));
    assert_eq!(told[..3], HANDSHAKE);
    assert_eq!(told[3..], ["0close"]);
}

#[test]
fn byte_order_mark_is_passed_over() {
    let told = read(&format!("\u{FEFF}{}", har(&format!("{{{ENTRY}}}"))));
    assert_eq!(told[..3], HANDSHAKE);
}

#[test]
fn truncated_archive_gives_what_there_is() {
    let whole = har(&format!(
        "{{{ENTRY},\"_webSocketMessages\":[{{\"type\":\"send\",\"time\":1,\"opcode\":1,\"data\":\"a\"}},{{\"type\":\"se"
    ));
    let cut = whole.find("{\"type\":\"se\"").unwrap_or(whole.len() - 5);
    let told = read(&whole[..cut]);
    assert_eq!(told[..2], HANDSHAKE[..2]);
    assert!(told[3].ends_with("#1 1000000µs message 1 a"), "{told:?}");
    assert_eq!(
        told[4..],
        [
            "0close",
            "problem: the capture ends within the entry at byte 35; what comes before it is shown"
        ]
    );
}

#[test]
fn broken_archive_says_where() {
    let told = read("{\"log\":{\"entries\":[{\"request\":]}");
    assert_eq!(
        told,
        [
            "problem: the capture cannot be read from byte 30 on: a value of JSON is missing; what comes before it is shown"
        ]
    );
    assert_eq!(
        read("{\"log\":{}}"),
        [
            "problem: the capture cannot be read from byte 0 on: the JSON has no log.entries, as a HAR has; what comes before it is shown"
        ]
    );
}

#[test]
fn messages_that_lack_something_are_counted() {
    let messages = r#""_webSocketMessages":[
        {"type":"send","time":1,"opcode":1},
        {"type":"shout","time":1,"opcode":1,"data":"x"},
        {"type":"send","time":1,"opcode":99,"data":"x"},
        {"type":"send","time":1,"opcode":2,"data":"?"},
        {"type":"error","time":1,"opcode":-1,"data":"net::ERR_FAILED"}]"#;
    let told = read(&har(&format!("{{{ENTRY},{messages}}}")));
    assert_eq!(
        told[3..],
        [
            "problem: the browser reports: net::ERR_FAILED",
            "0close",
            "problem: 3 messages without type, time, opcode or data are passed over",
            "problem: 1 messages whose data is not base64 are passed over",
        ]
    );
}

#[test]
fn request_without_answer_has_no_response() {
    let entry = ENTRY.replace("\"status\":101", "\"status\":0");
    let told = read(&har(&format!("{{{entry},\"_webSocketMessages\":[]}}")));
    assert_eq!(told[2], "0response ");
}
