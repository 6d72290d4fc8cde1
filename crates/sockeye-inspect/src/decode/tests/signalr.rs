use super::*;

#[test]
fn handshake_of_a_hub() {
    Message::text(b"{\"protocol\":\"json\",\"version\":1}\x1e")
        .to_server()
        .is(&[
            "SignalR: handshake json 1",
            ": 2 members (object 0..31)",
            "  protocol: json (string 12..18)",
            "  version: 1 (number 29..30)",
        ]);
}

#[test]
fn invocations_in_json() {
    Message::text(b"{\"type\":1,\"target\":\"Send\",\"arguments\":[\"hi\",42],\"invocationId\":\"3\"}\x1e{\"type\":6}\x1e").is(&[
        r#"SignalR: Invocation Send ["hi",42] #3; Ping"#,
        ": 4 members (object 0..67)",
        "  type: 1 Invocation (number 8..9)",
        "  target: Send (string 19..25)",
        "  arguments: 2 elements (array 38..47)",
        "    0: hi (string 39..43)",
        "    1: 42 (number 44..46)",
        "  invocationId: 3 (string 63..66)",
        ": 1 member (object 68..78)",
        "  type: 6 Ping (number 76..77)",
    ]);
}

#[test]
fn completion_with_an_error() {
    Message::text(b"{\"type\":3,\"invocationId\":\"3\",\"error\":\"It did not work.\"}\x1e").is(&[
        "SignalR: Completion It did not work. #3",
        ": 3 members (object 0..56)",
        "  type: 3 Completion (number 8..9)",
        "  invocationId: 3 (string 25..28)",
        "  error: It did not work. (string 37..55)",
    ]);
}

#[test]
fn invocation_in_messagepack() {
    Message::binary(b"\x0c\x96\x01\x80\xc0\xa4Send\x91*\x90\x02\x91\x06").is(&[
        "SignalR: Invocation Send [42]; Ping",
        ": 6 elements (array 1..13)",
        "  type: 1 Invocation (number 2..3)",
        "  headers: 0 members (object 3..4)",
        "  invocationId: null (null 4..5)",
        "  target: Send (string 5..10)",
        "  arguments: 1 element (array 10..12)",
        "    0: 42 (number 11..12)",
        "  streamIds: 0 elements (array 12..13)",
        ": 1 element (array 14..16)",
        "  type: 6 Ping (number 15..16)",
    ]);
}

#[test]
fn completion_in_messagepack() {
    Message::binary(b"\x08\x95\x03\x80\xa247\x03*").is(&[
        "SignalR: Completion 42 #47",
        ": 5 elements (array 1..9)",
        "  type: 3 Completion (number 2..3)",
        "  headers: 0 members (object 3..4)",
        "  invocationId: 47 (string 4..7)",
        "  resultKind: 3 result (number 7..8)",
        "  result: 42 (number 8..9)",
    ]);
}

#[test]
fn message_of_asp_net() {
    Message::text(b"{\"C\":\"d-8F8E-A,0\",\"M\":[{\"H\":\"ChatHub\",\"M\":\"addMessage\",\"A\":[\"bob\",\"hi\"]}]}").target("/signalr/connect?transport=webSockets&connectionToken=x").is(&[
        r#"SignalR: ChatHub.addMessage ["bob","hi"]"#,
        ": 2 members (object 0..74)",
        "  C (cursor): d-8F8E-A,0 (string 5..17)",
        "  M (messages): 1 element (array 22..73)",
        "    0: 3 members (object 23..72)",
        "      H (hub): ChatHub (string 28..37)",
        "      M (method): addMessage (string 42..54)",
        "      A (arguments): 2 elements (array 59..71)",
        "        0: bob (string 60..65)",
        "        1: hi (string 66..70)",
    ]);
}
