use super::*;

#[test]
fn stomp_connected_frame() {
    Message::text(b"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0")
        .subprotocol("v12.stomp")
        .is(&[
            "STOMP: CONNECTED 1.2",
            "CONNECTED:  (object 0..39)",
            "  version: 1.2 (string 10..21)",
            "  heart-beat: 0,0 (string 22..36)",
        ]);
}

#[test]
fn stomp_message_with_json() {
    Message::text(b"MESSAGE\nsubscription:0\nmessage-id:007\ndestination:/topic/a\\cb\ncontent-type:application/json\ncontent-length:7\n\n{\"a\":1}\0\n").is(&[
        r#"STOMP: MESSAGE /topic/a:b 0 {"a":1}"#,
        "MESSAGE:  (object 0..118)",
        "  subscription: 0 (string 8..22)",
        "  message-id: 007 (string 23..37)",
        "  destination: /topic/a:b (string 38..61)",
        "  content-type: application/json (string 62..91)",
        "  content-length: 7 (string 92..108)",
        "  body: 1 member (object 110..117)",
        "    a: 1 (number 115..116)",
    ]);
}

#[test]
fn stomp_heart_beat() {
    Message::text(b"\n")
        .subprotocol("v12.stomp")
        .is(&["STOMP: heart-beat", "heart-beat:  (note 0..1)"]);
}

#[test]
fn stomp_body_without_its_end_is_an_error() {
    Message::text(b"SEND\ndestination:/queue/a\n\nhello")
        .subprotocol("v12.stomp")
        .is(&[
            "STOMP: SEND /queue/a hello",
            "SEND:  (object 0..32)",
            "  destination: /queue/a (string 5..25)",
            "  body: hello (string 27..32)",
            "error: byte 32: the NUL behind the body is missing",
        ]);
}

#[test]
fn sockjs_open() {
    Message::text(b"o")
        .target("/echo/123/abcdefgh/websocket")
        .is(&["SockJS: open", "open:  (object 0..1)"]);
}

#[test]
fn sockjs_messages_are_decoded_again() {
    Message::text(b"a[\"CONNECTED\\nversion:1.1\\n\\n\\u0000\",\"{\\\"a\\\":1}\"]")
        .target("/echo/123/abcdefgh/websocket")
        .is(&[
            r#"SockJS: messages CONNECTED 1.1; {"a":1}"#,
            "messages:  (object 0..49)",
            "  data: 2 elements (array 1..49)",
            r"    0: CONNECTED\nversion:1.1\n\n\0 (string 2..36)",
            r#"    1: {\"a\":1} (string 37..48)"#,
            "  message 0: STOMP (object 2..36)",
            "    CONNECTED:  (object 0..0)",
            "      version: 1.1 (string 0..0)",
            "  message 1: JSON (object 37..48)",
            "    : 1 member (object 0..0)",
            "      a: 1 (number 0..0)",
        ]);
}

#[test]
fn sockjs_messages_of_a_client() {
    Message::text(b"[\"hello\"]")
        .to_server()
        .target("/echo/123/abcdefgh/websocket")
        .is(&[
            "SockJS: messages hello",
            "messages:  (object 0..9)",
            "  data: 1 element (array 0..9)",
            "    0: hello (string 1..8)",
        ]);
}

#[test]
fn sockjs_close() {
    Message::text(b"c[3000,\"Go away!\"]")
        .target("/echo/123/abcdefgh/websocket")
        .is(&[
            r#"SockJS: close [3000,"Go away!"]"#,
            "close:  (object 0..18)",
            "  data: 2 elements (array 1..18)",
            "    0: 3000 (number 2..6)",
            "    1: Go away! (string 7..17)",
        ]);
}
