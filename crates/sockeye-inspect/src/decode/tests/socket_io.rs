use super::*;

#[test]
fn handshake_tells_its_times() {
    Message::text(b"0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}").is(&[
        "Socket.IO: open lv_VI97HAXpY6yYWAAAC, ping every 25000 ms",
        ": open (object 0..86)",
        "  packet: 0 open (number 0..1)",
        "  handshake: 4 members (object 1..86)",
        "    sid: lv_VI97HAXpY6yYWAAAC (string 8..30)",
        "    upgrades: 0 elements (array 42..44)",
        "    pingInterval: 25000 (number 60..65)",
        "    pingTimeout: 20000 (number 80..85)",
    ]);
}

#[test]
fn event_in_a_namespace_with_acknowledgement() {
    Message::text(b"42/chat,13[\"message\",{\"text\":\"hi\"},7]").is(&[
        r#"Socket.IO: EVENT /chat #13 message [{"text":"hi"},7]"#,
        ": message (object 0..37)",
        "  packet: 4 message (number 0..1)",
        "  type: 2 EVENT (number 1..2)",
        "  namespace: /chat (string 2..7)",
        "  acknowledgement: 13 (number 8..10)",
        "  data: 3 elements (array 10..37)",
        "    event: message (string 11..20)",
        "    argument 1: 1 member (object 21..34)",
        "      text: hi (string 29..33)",
        "    argument 2: 7 (number 35..36)",
    ]);
}

#[test]
fn binary_event_says_where_attachments_go() {
    Message::text(b"451-[\"upload\",{\"_placeholder\":true,\"num\":0}]")
        .target("/socket.io/?EIO=4&transport=websocket")
        .is(&[
            "Socket.IO: BINARY_EVENT upload [<attachment 0>]",
            ": message (object 0..44)",
            "  packet: 4 message (number 0..1)",
            "  type: 5 BINARY_EVENT (number 1..2)",
            "  attachments: 1 (number 2..3)",
            "  data: 2 elements (array 4..44)",
            "    event: upload (string 5..13)",
            "    argument 1: <attachment 0> (object 14..43)",
            "      _placeholder: true (boolean 30..34)",
            "      num: 0 (number 41..42)",
        ]);
}

#[test]
fn attachment_is_named() {
    Message::binary(b"\x01\x02\x03\x04")
        .target("/socket.io/?EIO=4&transport=websocket")
        .is(&[
            "Socket.IO: binary attachment, 4 bytes",
            "binary attachment: 01020304 (bytes 0..4)",
        ]);
}

#[test]
fn connect_has_data() {
    Message::text(b"40/admin,{\"token\":\"123\"}")
        .target("/socket.io/?EIO=4&transport=websocket")
        .is(&[
            r#"Socket.IO: CONNECT /admin {"token":"123"}"#,
            ": message (object 0..24)",
            "  packet: 4 message (number 0..1)",
            "  type: 0 CONNECT (number 1..2)",
            "  namespace: /admin (string 2..8)",
            "  data: 1 member (object 9..24)",
            "    token: 123 (string 18..23)",
        ]);
}

#[test]
fn acknowledgement_has_its_number() {
    Message::text(b"431[\"ok\"]")
        .target("/socket.io/?EIO=4&transport=websocket")
        .is(&[
            r#"Socket.IO: ACK #1 ["ok"]"#,
            ": message (object 0..9)",
            "  packet: 4 message (number 0..1)",
            "  type: 3 ACK (number 1..2)",
            "  acknowledgement: 1 (number 2..3)",
            "  data: 1 element (array 3..9)",
            "    0: ok (string 4..8)",
        ]);
}

#[test]
fn ping_of_engine_io() {
    Message::text(b"2")
        .target("/socket.io/?EIO=4&transport=websocket")
        .is(&[
            "Socket.IO: ping",
            ": ping (object 0..1)",
            "  packet: 2 ping (number 0..1)",
        ]);
}

#[test]
fn probe_of_engine_io() {
    Message::text(b"2probe")
        .target("/engine.io/?EIO=4&transport=websocket")
        .is(&[
            "Engine.IO: ping probe",
            ": ping (object 0..6)",
            "  packet: 2 ping (number 0..1)",
            "  data: probe (string 1..6)",
        ]);
}

#[test]
fn packet_without_data_is_an_error() {
    Message::text(b"42")
        .target("/socket.io/?EIO=4&transport=websocket")
        .is(&[
            "Socket.IO: EVENT",
            ": message (object 0..2)",
            "  packet: 4 message (number 0..1)",
            "  type: 2 EVENT (number 1..2)",
            "error: byte 2: the data is missing",
        ]);
}
