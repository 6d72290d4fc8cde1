use super::*;

#[test]
fn connect_of_version_3_1_1() {
    Message::binary(b"\x10\x1d\0\x04MQTT\x04\xc2\0<\0\x04dev1\0\x03bob\0\x06secret")
        .to_server()
        .is(&[
            "MQTT: CONNECT (3.1.1) client dev1 user bob keep alive 60 s",
            "CONNECT:  (object 0..31)",
            "  type and flags: 16 (number 0..1)",
            "  remaining length: 29 (number 1..2)",
            "  protocol name: MQTT (string 2..8)",
            "  protocol level: 4 (MQTT 3.1.1) (number 8..9)",
            "  connect flags: 194, clean start, password, user name (number 9..10)",
            "  keep alive: 60 (number 10..12)",
            "  client identifier: dev1 (string 12..18)",
            "  user name: bob (string 18..23)",
            "  password: secret (string 25..31)",
        ]);
}

#[test]
fn connect_of_version_5_with_a_will() {
    Message::binary(
        b"\x10$\0\x04MQTT\x05\x06\0\n\x05\x11\0\0\0\n\0\x01c\x05\x18\0\0\0\x05\0\x04gone\0\x03bye",
    )
    .to_server()
    .is(&[
        "MQTT: CONNECT (5) client c will gone keep alive 10 s",
        "CONNECT:  (object 0..38)",
        "  type and flags: 16 (number 0..1)",
        "  remaining length: 36 (number 1..2)",
        "  protocol name: MQTT (string 2..8)",
        "  protocol level: 5 (MQTT 5) (number 8..9)",
        "  connect flags: 6, clean start, will (number 9..10)",
        "  keep alive: 10 (number 10..12)",
        "  properties: 1 member (object 12..18)",
        "    session expiry interval: 10 (number 13..18)",
        "  client identifier: c (string 18..21)",
        "  will properties: 1 member (object 21..27)",
        "    will delay interval: 5 (number 22..27)",
        "  will topic: gone (string 27..33)",
        "  will payload: bye (string 35..38)",
    ]);
}

#[test]
fn connack_of_both_versions() {
    Message::binary(b" \x02\0\x05 \x06\x01\0\x03!\0\n")
        .subprotocol("mqtt")
        .is(&[
            "MQTT: CONNACK not authorized; CONNACK success",
            "CONNACK:  (object 0..4)",
            "  type and flags: 32 (number 0..1)",
            "  remaining length: 2 (number 1..2)",
            "  session present: 0 (number 2..3)",
            "  reason code: 5 not authorized (number 3..4)",
            "CONNACK:  (object 4..12)",
            "  type and flags: 32 (number 4..5)",
            "  remaining length: 6 (number 5..6)",
            "  session present: 1 (number 6..7)",
            "  reason code: 0 success (number 7..8)",
            "  properties: 1 member (object 8..12)",
            "    receive maximum: 10 (number 9..12)",
        ]);
}

#[test]
fn publish_of_version_3_1_1() {
    Message::binary(b"3\x11\0\x03a/b\0\n{\"t\":21.5}")
        .subprotocol("mqtt")
        .is(&[
            r#"MQTT: PUBLISH a/b #10 {"t":21.5}"#,
            "PUBLISH:  (object 0..19)",
            "  type and flags: 51, QoS 1, retain (number 0..1)",
            "  remaining length: 17 (number 1..2)",
            "  topic: a/b (string 2..7)",
            "  packet identifier: 10 (number 7..9)",
            "  payload: 1 member (object 9..19)",
            "    t: 21.5 (number 14..18)",
        ]);
}

#[test]
fn publish_of_version_5() {
    Message::binary(b"0\x18\0\x03a/b\x10\x03\0\ntext/plain#\0\x01hi")
        .subprotocol("mqtt")
        .is(&[
            "MQTT: PUBLISH a/b hi",
            "PUBLISH:  (object 0..26)",
            "  type and flags: 48 (number 0..1)",
            "  remaining length: 24 (number 1..2)",
            "  topic: a/b (string 2..7)",
            "  properties: 2 members (object 7..24)",
            "    content type: text/plain (string 9..21)",
            "    topic alias: 1 (number 21..24)",
            "  payload: hi (string 24..26)",
        ]);
}

#[test]
fn subscribe_of_both_versions() {
    Message::binary(b"\x82\x0c\0\x01\0\x03a/#\x01\0\x01b\0\x82\x0b\0\x02\x02\x0b\x07\0\x03a/+-")
        .to_server()
        .subprotocol("mqtt")
        .is(&[
            "MQTT: SUBSCRIBE #1 a/# b; SUBSCRIBE #2 a/+",
            "SUBSCRIBE:  (object 0..14)",
            "  type and flags: 130 (number 0..1)",
            "  remaining length: 12 (number 1..2)",
            "  packet identifier: 1 (number 2..4)",
            "  topic filter: a/# (string 4..9)",
            "  options: QoS 1 (number 9..10)",
            "  topic filter: b (string 10..13)",
            "  options: QoS 0 (number 13..14)",
            "SUBSCRIBE:  (object 14..27)",
            "  type and flags: 130 (number 14..15)",
            "  remaining length: 11 (number 15..16)",
            "  packet identifier: 2 (number 16..18)",
            "  properties: 1 member (object 18..21)",
            "    subscription identifier: 7 (number 19..21)",
            "  topic filter: a/+ (string 21..26)",
            "  options: QoS 1, no local, retain as published, not retained (number 26..27)",
        ]);
}

#[test]
fn acknowledgements_have_their_reasons() {
    Message::binary(b"\x90\x05\0\x01\x01\x80\0\x90\x04\0\x02\0\x87@\x02\0\n@\x04\0\x0b\x10\0\xb0\x02\0\x03\xb0\x04\0\x04\0\x11").subprotocol("mqtt").is(&[
        "MQTT: SUBACK #1 granted QoS 1 failure granted QoS 0; SUBACK #2 not authorized; PUBACK #10; PUBACK #11 no matching subscribers…",
        "SUBACK:  (object 0..7)",
        "  type and flags: 144 (number 0..1)",
        "  remaining length: 5 (number 1..2)",
        "  packet identifier: 1 (number 2..4)",
        "  reason code: 1 granted QoS 1 (number 4..5)",
        "  reason code: 128 failure (number 5..6)",
        "  reason code: 0 granted QoS 0 (number 6..7)",
        "SUBACK:  (object 7..13)",
        "  type and flags: 144 (number 7..8)",
        "  remaining length: 4 (number 8..9)",
        "  packet identifier: 2 (number 9..11)",
        "  reason code: 135 not authorized (number 12..13)",
        "PUBACK:  (object 13..17)",
        "  type and flags: 64 (number 13..14)",
        "  remaining length: 2 (number 14..15)",
        "  packet identifier: 10 (number 15..17)",
        "PUBACK:  (object 17..23)",
        "  type and flags: 64 (number 17..18)",
        "  remaining length: 4 (number 18..19)",
        "  packet identifier: 11 (number 19..21)",
        "  reason code: 16 no matching subscribers (number 21..22)",
        "UNSUBACK:  (object 23..27)",
        "  type and flags: 176 (number 23..24)",
        "  remaining length: 2 (number 24..25)",
        "  packet identifier: 3 (number 25..27)",
        "UNSUBACK:  (object 27..33)",
        "  type and flags: 176 (number 27..28)",
        "  remaining length: 4 (number 28..29)",
        "  packet identifier: 4 (number 29..31)",
        "  reason code: 17 no subscription existed (number 32..33)",
    ]);
}

#[test]
fn packets_without_a_body() {
    Message::binary(b"\xc0\0\xd0\0\xe0\0\xe0\x01\x8e")
        .subprotocol("mqtt")
        .is(&[
            "MQTT: PINGREQ; PINGRESP; DISCONNECT; DISCONNECT session taken over",
            "PINGREQ:  (object 0..2)",
            "  type and flags: 192 (number 0..1)",
            "  remaining length: 0 (number 1..2)",
            "PINGRESP:  (object 2..4)",
            "  type and flags: 208 (number 2..3)",
            "  remaining length: 0 (number 3..4)",
            "DISCONNECT:  (object 4..6)",
            "  type and flags: 224 (number 4..5)",
            "  remaining length: 0 (number 5..6)",
            "DISCONNECT:  (object 6..9)",
            "  type and flags: 224 (number 6..7)",
            "  remaining length: 1 (number 7..8)",
            "  reason code: 142 session taken over (number 8..9)",
        ]);
}

#[test]
fn auth_with_a_method() {
    Message::binary(b"\xf0\n\x18\x08\x15\0\x05SCRAM")
        .subprotocol("mqtt")
        .is(&[
            "MQTT: AUTH continue authentication",
            "AUTH:  (object 0..12)",
            "  type and flags: 240 (number 0..1)",
            "  remaining length: 10 (number 1..2)",
            "  reason code: 24 continue authentication (number 2..3)",
            "  properties: 1 member (object 3..12)",
            "    authentication method: SCRAM (string 5..12)",
        ]);
}

#[test]
fn packet_that_goes_on_is_an_error() {
    Message::binary(b"0d\0\x03a/bhello")
        .subprotocol("mqtt")
        .is(&[
            "MQTT: PUBLISH a/b hello",
            "PUBLISH:  (object 0..12)",
            "  type and flags: 48 (number 0..1)",
            "  remaining length: 100 (number 1..2)",
            "  topic: a/b (string 2..7)",
            "  payload: hello (string 7..12)",
            "  goes on: 90 bytes are in the next message (note 12..12)",
            "error: byte 12: a packet goes on in the next message",
        ]);
}
