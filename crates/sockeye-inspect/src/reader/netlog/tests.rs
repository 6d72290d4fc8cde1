use super::*;
use crate::reader::transcript::Transcript;

const CONSTANTS: &str = r#"{"constants":{"logCaptureMode":"MODE","timeTickOffset":1000,
"logEventPhase":{"PHASE_BEGIN":1,"PHASE_END":2,"PHASE_NONE":0},
"logSourceType":{"SOCKET":10,"URL_REQUEST":1,"HTTP_STREAM_JOB":17,"UDP_SOCKET":11},
"logEventTypes":{"SOCKET_ALIVE":1,"TCP_CONNECT":2,"SOCKET_BYTES_SENT":3,"SOCKET_BYTES_RECEIVED":4,"SSL_SOCKET_BYTES_SENT":5,
"SSL_SOCKET_BYTES_RECEIVED":6,"REQUEST_ALIVE":7,"URL_REQUEST_START_JOB":8,"HTTP_STREAM_REQUEST_BOUND_TO_JOB":9,
"SOCKET_POOL_BOUND_TO_SOCKET":10,"HTTP_TRANSACTION_SEND_REQUEST_HEADERS":11,"HTTP_TRANSACTION_READ_RESPONSE_HEADERS":12,
"WEBSOCKET_SENT_FRAME_HEADER":13,"WEBSOCKET_RECV_FRAME_HEADER":14,"WEBSOCKET_INVALID_FRAME":15,
"HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS":16}},
"events": [
"#;

/// An event as the browser writes it.
fn event(kind: u32, source: (u32, u32), phase: u32, time: u32, params: &str) -> String {
    let (id, source_type) = source;
    let params = if params.is_empty() {
        String::new()
    } else {
        format!("\"params\":{{{params}}},")
    };
    format!(
        "{{{params}\"phase\":{phase},\"source\":{{\"id\":{id},\"start_time\":\"1\",\"type\":{source_type}}},\"time\":\"{time}\",\"type\":{kind}}},\n"
    )
}

fn log(mode: &str, events: &[String]) -> String {
    CONSTANTS.replace("MODE", mode) + &events.concat()
}

fn read(capture: &str) -> Vec<String> {
    Transcript::of(NetLogReader::new(), capture.as_bytes(), &[])
}

const SOCKET: (u32, u32) = (5, 10);
const REQUEST: (u32, u32) = (9, 1);
const JOB: (u32, u32) = (8, 17);

/// A request on its way to the switch.
fn request() -> Vec<String> {
    vec![
        event(
            8,
            REQUEST,
            1,
            1,
            r#""method":"GET","url":"ws://127.0.0.1:81/a""#,
        ),
        event(
            2,
            SOCKET,
            2,
            2,
            r#""local_address":"127.0.0.1:5000","remote_address":"127.0.0.1:81""#,
        ),
        event(10, JOB, 0, 2, r#""source_dependency":{"id":5,"type":10}"#),
        event(
            9,
            REQUEST,
            0,
            2,
            r#""source_dependency":{"id":8,"type":17}"#,
        ),
        event(
            11,
            REQUEST,
            0,
            3,
            r#""headers":["Host: 127.0.0.1:81","Upgrade: websocket"],"line":"GET /a HTTP/1.1\r\n""#,
        ),
    ]
}

fn switched() -> [String; 2] {
    [
        event(
            12,
            REQUEST,
            0,
            4,
            r#""headers":["HTTP/1.1 101 Switching Protocols","Upgrade: websocket"]"#,
        ),
        event(7, REQUEST, 2, 4, ""),
    ]
}

fn frame(kind: u32, opcode: u32, masked: bool, len: u32) -> String {
    event(
        kind,
        REQUEST,
        0,
        5,
        &format!(
            r#""final":true,"masked":{masked},"opcode":{opcode},"payload_length":{len},"reserved1":true,"reserved2":false,"reserved3":false"#
        ),
    )
}

#[test]
fn bytes_of_a_socket_are_told_and_headers_of_its_frames_are_not() {
    let mut events = request();
    // "GET", "HTTP", an empty masked text frame
    events.push(event(3, SOCKET, 0, 3, r#""byte_count":3,"bytes":"R0VU""#));
    events.push(event(
        4,
        SOCKET,
        0,
        4,
        r#""byte_count":4,"bytes":"SFRUUA==""#,
    ));
    events.extend(switched());
    events.push(frame(13, 1, true, 0));
    events.push(event(
        3,
        SOCKET,
        0,
        5,
        r#""byte_count":6,"bytes":"gYAAAAAA""#,
    ));
    events.push(event(4, SOCKET, 0, 6, r#""byte_count":0"#));
    events.push(event(1, SOCKET, 2, 7, ""));
    let capture = log("Everything", &events);
    assert_eq!(
        Transcript::at_every_cut(NetLogReader::new, capture.as_bytes()),
        [
            "0open 127.0.0.1:5000 127.0.0.1:81 first_is_client from_start",
            "0First #6 1003000µs GET",
            "0Second #7 1004000µs HTTP",
            r"0First #11 1005000µs \x81\x80\x00\x00\x00\x00",
            "0Second end 1006000µs",
            "0close",
        ]
    );
}

#[test]
fn of_a_socket_with_tls_only_what_is_within_is_told() {
    let events = [
        event(3, SOCKET, 0, 1, r#""byte_count":3,"bytes":"Q09O""#),
        // 16 03 01: a TLS record
        event(3, SOCKET, 0, 1, r#""byte_count":3,"bytes":"FgMB""#),
        event(4, SOCKET, 0, 1, r#""byte_count":3,"bytes":"FgMD""#),
        event(5, SOCKET, 0, 2, r#""byte_count":3,"bytes":"R0VU""#),
        event(3, SOCKET, 0, 2, r#""byte_count":3,"bytes":"FwMD""#),
        event(6, SOCKET, 0, 3, r#""byte_count":4,"bytes":"SFRUUA==""#),
    ];
    assert_eq!(
        read(&log("Everything", &events)),
        [
            "0open - - first_is_client",
            "0First #1 1001000µs CON",
            "0close",
            "1open - - first_is_client decrypted",
            "1First #4 1002000µs GET",
            "1Second #6 1003000µs HTTP",
        ]
    );
}

#[test]
fn without_bytes_heads_and_headers_of_frames_are_told() {
    let mut events = request();
    events.push(event(3, SOCKET, 0, 3, r#""byte_count":3"#));
    events.extend(switched());
    events.push(frame(13, 1, true, 7));
    events.push(frame(14, 9, false, 70_000));
    assert_eq!(
        read(&log("Default", &events)),
        [
            "0open 127.0.0.1:5000 127.0.0.1:81 first_is_client from_start websocket",
            r"0request 1003000µs GET /a HTTP/1.1\r\nHost: 127.0.0.1:81\r\nUpgrade: websocket\r\n\r\n",
            r"0response 1004000µs HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
            "0First #9 1005000µs header fin rsv1 masked 1 7",
            "0Second #10 1005000µs header fin rsv1 9 70000",
        ]
    );
}

#[test]
fn connection_without_frames_is_told_at_the_end() {
    let mut events = request();
    events.extend(switched());
    let told = read(&log("Default", &events));
    assert_eq!(told.len(), 3);
    assert_eq!(read(&log("Default", &request())), [""; 0]);
}

#[test]
fn frames_over_http2_are_told_although_there_are_bytes() {
    let events = [
        event(8, REQUEST, 1, 1, r#""url":"wss://example.com/a""#),
        event(16, REQUEST, 0, 1, r#""headers":[":method: CONNECT"]"#),
        frame(13, 2, true, 7),
    ];
    assert_eq!(
        read(&log("Everything", &events)),
        [
            "0open - - first_is_client decrypted websocket",
            "0First #3 1005000µs header fin rsv1 masked 2 7",
        ]
    );
}

#[test]
fn old_logs_have_hex_and_what_has_the_same_name_elsewhere_is_passed_over() {
    let events = [
        event(
            3,
            SOCKET,
            0,
            1,
            r#""byte_count":3,"hex_encoded_bytes":"474554""#,
        ),
        event(
            3,
            SOCKET,
            0,
            1,
            r#""byte_count":3,"hex_encoded_bytes":"4X""#,
        ),
        event(3, (6, 11), 0, 1, r#""byte_count":3,"bytes":"R0VU""#),
    ];
    assert_eq!(
        read(&log("Everything", &events)),
        ["0open - - first_is_client", "0First #1 1001000µs GET"]
    );
}

#[test]
fn what_the_browser_says_of_a_connection_is_handed_on() {
    let events = [event(
        15,
        (3, 4),
        0,
        1,
        r#""message":"Invalid frame header""#,
    )];
    assert_eq!(
        read(&log("Default", &events)),
        ["problem: the browser reports: Invalid frame header (event 1)"]
    );
}

#[test]
fn unterminated_log_is_whole_and_a_cut_event_is_named() {
    let capture = log("Everything", &[event(3, SOCKET, 0, 1, r#""bytes":"R0VU""#)]);
    assert_eq!(read(&capture).len(), 2);
    assert_eq!(read(capture.trim_end().trim_end_matches(',')).len(), 2);
    let at = CONSTANTS.replace("MODE", "Everything").len();
    let told = read(&capture[..capture.len() - 10]);
    assert_eq!(
        told,
        [format!(
            "problem: the capture ends within the event 1 at byte {at}; what comes before it is shown"
        )]
    );
}

#[test]
fn log_without_constants_is_refused() {
    assert_eq!(
        read(r#"{"events":[]}"#),
        [
            "problem: the capture cannot be read from byte 0 on: the JSON has no constants.logEventTypes before its events, as a net-export has; \
          what comes before it is shown"
        ]
    );
}
