use super::*;

#[test]
fn graphql_subscribe_shows_the_query() {
    Message::text(b"{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"operationName\":\"OnTick\",\"query\":\"subscription OnTick {\\n  tick { price }\\n}\"}}").to_server().is(&[
        "GraphQL-WS: subscribe 1 OnTick subscription OnTick { tick { price } }",
        ": 3 members (object 0..119)",
        "  id: 1 (string 6..9)",
        "  type: subscribe (string 17..28)",
        "  payload: 2 members (object 39..118)",
        "    operationName: OnTick (string 56..64)",
        r"    query: subscription OnTick {\n  tick { price }\n} (string 73..117)",
    ]);
}

#[test]
fn graphql_next_shows_the_data() {
    Message::text(
        b"{\"id\":\"1\",\"type\":\"next\",\"payload\":{\"data\":{\"tick\":{\"price\":12}}}}",
    )
    .subprotocol("graphql-transport-ws")
    .is(&[
        r#"GraphQL-WS: next 1 {"tick":{"price":12}}"#,
        ": 3 members (object 0..65)",
        "  id: 1 (string 6..9)",
        "  type: next (string 17..23)",
        "  payload: 1 member (object 34..64)",
        "    data: 1 member (object 42..63)",
        "      tick: 1 member (object 50..62)",
        "        price: 12 (number 59..61)",
    ]);
}

#[test]
fn graphql_error_shows_why() {
    Message::text(
        b"{\"id\":\"1\",\"type\":\"error\",\"payload\":[{\"message\":\"no such field\"}]}",
    )
    .subprotocol("graphql-transport-ws")
    .is(&[
        r#"GraphQL-WS: error 1 [{"message":"no such field"}]"#,
        ": 3 members (object 0..65)",
        "  id: 1 (string 6..9)",
        "  type: error (string 17..24)",
        "  payload: 1 element (array 35..64)",
        "    0: 1 member (object 36..63)",
        "      message: no such field (string 47..62)",
    ]);
}

#[test]
fn graphql_of_old_keeps_alive() {
    Message::text(b"{\"type\":\"ka\"}")
        .subprotocol("graphql-ws")
        .is(&[
            "GraphQL-WS: ka",
            ": 1 member (object 0..13)",
            "  type: ka (string 8..12)",
        ]);
}

#[test]
fn wamp_hello() {
    Message::text(b"[1,\"realm1\",{\"roles\":{\"caller\":{}}}]")
        .to_server()
        .is(&[
            "WAMP: HELLO realm1",
            ": 3 elements (array 0..36)",
            "  type: 1 HELLO (number 1..2)",
            "  Realm: realm1 (string 3..11)",
            "  Details: 1 member (object 12..35)",
            "    roles: 1 member (object 21..34)",
            "      caller: 0 members (object 31..33)",
        ]);
}

#[test]
fn wamp_call() {
    Message::text(b"[48,7814135,{},\"com.myapp.add2\",[23,7]]")
        .to_server()
        .subprotocol("wamp.2.json")
        .is(&[
            "WAMP: CALL com.myapp.add2 [23,7] #7814135",
            ": 5 elements (array 0..39)",
            "  type: 48 CALL (number 1..3)",
            "  Request: 7814135 (number 4..11)",
            "  Options: 0 members (object 12..14)",
            "  Procedure: com.myapp.add2 (string 15..31)",
            "  Arguments: 2 elements (array 32..38)",
            "    0: 23 (number 33..35)",
            "    1: 7 (number 36..37)",
        ]);
}

#[test]
fn wamp_error_names_what_failed() {
    Message::text(b"[8,48,7814135,{},\"wamp.error.no_such_procedure\"]")
        .subprotocol("wamp.2.json")
        .is(&[
            "WAMP: ERROR wamp.error.no_such_procedure #7814135",
            ": 5 elements (array 0..48)",
            "  type: 8 ERROR (number 1..2)",
            "  Type: 48 CALL (number 3..5)",
            "  Request: 7814135 (number 6..13)",
            "  Details: 0 members (object 14..16)",
            "  Error: wamp.error.no_such_procedure (string 17..47)",
        ]);
}

#[test]
fn wamp_event_in_messagepack() {
    Message::binary(b"\x95$\xcd\x15{\xcd\x11\\\x80\x91\xa5hello")
        .subprotocol("wamp.2.msgpack")
        .is(&[
            r#"WAMP: EVENT 5499 ["hello"]"#,
            ": 5 elements (array 0..16)",
            "  type: 36 EVENT (number 1..2)",
            "  Subscription: 5499 (number 2..5)",
            "  Publication: 4444 (number 5..8)",
            "  Details: 0 members (object 8..9)",
            "  Arguments: 1 element (array 9..16)",
            "    0: hello (string 10..16)",
        ]);
}

#[test]
fn actioncable_subscription() {
    Message::text(b"{\"command\":\"subscribe\",\"identifier\":\"{\\\"channel\\\":\\\"ChatChannel\\\",\\\"room\\\":1}\"}").to_server().is(&[
        "Action Cable: subscribe ChatChannel",
        ": 2 members (object 0..79)",
        "  command: subscribe (string 11..22)",
        r#"  identifier: {\"channel\":\"ChatChannel\",\"room\":1} (string 36..78)"#,
    ]);
}

#[test]
fn actioncable_message() {
    Message::text(
        b"{\"identifier\":\"{\\\"channel\\\":\\\"ChatChannel\\\"}\",\"message\":{\"body\":\"hi\"}}",
    )
    .is(&[
        r#"Action Cable: message ChatChannel {"body":"hi"}"#,
        ": 2 members (object 0..70)",
        r#"  identifier: {\"channel\":\"ChatChannel\"} (string 14..45)"#,
        "  message: 1 member (object 56..69)",
        "    body: hi (string 64..68)",
    ]);
}

#[test]
fn actioncable_ping() {
    Message::text(b"{\"type\":\"ping\",\"message\":1730000000}")
        .subprotocol("actioncable-v1-json")
        .is(&[
            "Action Cable: ping 1730000000",
            ": 2 members (object 0..36)",
            "  type: ping (string 8..14)",
            "  message: 1730000000 (number 25..35)",
        ]);
}

#[test]
fn ocpp_call() {
    Message::text(b"[2,\"19223201\",\"BootNotification\",{\"chargePointVendor\":\"VendorX\"}]")
        .to_server()
        .is(&[
            r#"OCPP: CALL BootNotification {"chargePointVendor":"VendorX"} #19223201"#,
            ": 4 elements (array 0..65)",
            "  type: 2 CALL (number 1..2)",
            "  id: 19223201 (string 3..13)",
            "  action: BootNotification (string 14..32)",
            "  payload: 1 member (object 33..64)",
            "    chargePointVendor: VendorX (string 54..63)",
        ]);
}

#[test]
fn ocpp_error() {
    Message::text(b"[4,\"19223201\",\"NotSupported\",\"no such action\",{}]")
        .subprotocol("ocpp1.6")
        .is(&[
            "OCPP: CALLERROR NotSupported no such action #19223201",
            ": 5 elements (array 0..49)",
            "  type: 4 CALLERROR (number 1..2)",
            "  id: 19223201 (string 3..13)",
            "  errorCode: NotSupported (string 14..28)",
            "  errorDescription: no such action (string 29..45)",
            "  errorDetails: 0 members (object 46..48)",
        ]);
}

#[test]
fn phoenix_join() {
    Message::text(b"[\"1\",\"1\",\"room:lobby\",\"phx_join\",{\"user\":3}]")
        .to_server()
        .is(&[
            r#"Phoenix: room:lobby phx_join {"user":3}"#,
            ": 5 elements (array 0..44)",
            "  join_ref: 1 (string 1..4)",
            "  ref: 1 (string 5..8)",
            "  topic: room:lobby (string 9..21)",
            "  event: phx_join (string 22..32)",
            "  payload: 1 member (object 33..43)",
            "    user: 3 (number 41..42)",
        ]);
}

#[test]
fn phoenix_message_of_version_1() {
    Message::text(b"{\"topic\":\"room:lobby\",\"event\":\"new_msg\",\"payload\":{\"body\":\"hi\"},\"ref\":null}").target("/socket/websocket?vsn=1.0.0").is(&[
        r#"Phoenix: room:lobby new_msg {"body":"hi"}"#,
        ": 4 members (object 0..75)",
        "  topic: room:lobby (string 9..21)",
        "  event: new_msg (string 30..39)",
        "  payload: 1 member (object 50..63)",
        "    body: hi (string 58..62)",
        "  ref: null (null 70..74)",
    ]);
}

#[test]
fn phoenix_binary_push() {
    Message::binary(b"\0\x01\x01\x05\x0412a:bcddata\x01\x02")
        .to_server()
        .target("/socket/websocket?vsn=2.0.0")
        .is(&[
            "Phoenix: push a:bcd data",
            ": push (object 0..18)",
            "  kind: 0 push (number 0..1)",
            "  join_ref: 1 (string 5..6)",
            "  ref: 2 (string 6..7)",
            "  topic: a:bcd (string 7..12)",
            "  event: data (string 12..16)",
            "  payload: 0102 (bytes 16..18)",
        ]);
}
