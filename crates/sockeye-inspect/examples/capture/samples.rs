//! Small captures for those who have none at hand.

use crate::talk::{CLIENT, Deflater, SERVER, Talk, answered, append, frame, key};

/// A capture to look at.
pub(crate) struct Sample {
    /// Name of its file without the extension.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// One sentence.
    pub(crate) description: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// All of them, the most telling first.
pub(crate) fn all() -> Vec<Sample> {
    vec![
        Sample {
            name: "showcase",
            title: "A chat, compressed",
            description: "permessage-deflate with context takeover, a message in three fragments with a Ping in between, and a clean close.",
            bytes: showcase(),
        },
        Sample {
            name: "violations",
            title: "Sixteen violations",
            description: "One connection that breaks RFC 6455 in sixteen ways, from a wrong Sec-WebSocket-Accept to data after Close.",
            bytes: violations(),
        },
        Sample {
            name: "deflate",
            title: "Compression gone wrong",
            description: "A window larger than agreed, a context that should have been forgotten, a final block, a tail that was not stripped, and bytes that are no DEFLATE.",
            bytes: deflate(),
        },
        Sample {
            name: "socketio",
            title: "Socket.IO",
            description: "Engine.IO 4 with events, an acknowledgement, a binary attachment and heartbeats of its own.",
            bytes: socket_io(),
        },
        Sample {
            name: "graphql",
            title: "GraphQL subscription",
            description: "The subprotocol graphql-transport-ws from connection_init to complete.",
            bytes: graphql(),
        },
        Sample {
            name: "mqtt",
            title: "MQTT",
            description: "The subprotocol mqtt: CONNECT, SUBSCRIBE, PUBLISH and PINGREQ, several packets in one message.",
            bytes: mqtt(),
        },
        Sample {
            name: "loss",
            title: "Lost packets",
            description: "A capture that begins within the connection and lacks a packet: what is still known, and what is guessed.",
            bytes: loss(),
        },
    ]
}

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
/// FIN, RSV1 and text: a compressed message.
const COMPRESSED: u8 = 0xC1;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

fn showcase() -> Vec<u8> {
    let mut talk = Talk::open(
        "/chat?room=salmon",
        &[OFFER, "Sec-WebSocket-Protocol: chat.v2, chat.v1"],
        &[
            "Sec-WebSocket-Extensions: permessage-deflate",
            "Sec-WebSocket-Protocol: chat.v2",
        ],
    );
    let (mut client, mut server) = (Deflater::new(15), Deflater::new(15));
    let people = ["Ada", "Grace", "Barbara", "Frances"];
    talk.frame(
        CLIENT,
        4,
        COMPRESSED,
        &client.message(br#"{"type":"join","room":"salmon","name":"Ada"}"#),
    );
    let welcome = r#"{"type":"welcome","room":"salmon","people":["Ada","Grace","Barbara","Frances"],"history":42}"#;
    talk.frame(SERVER, 18, COMPRESSED, &server.message(welcome.as_bytes()));
    let lines = [
        "Good morning! Did anyone watch the salmon run at the falls yesterday?",
        "I did. The sockeye salmon were jumping over the falls all afternoon.",
        "Sockeye turn red when they swim back up the river to where they were born.",
        "And they find the river again after four years in the ocean.",
        "How do they find the way back up the river?",
        "They remember the smell of the river where they were born.",
    ];
    for (at, line) in lines.iter().enumerate() {
        let name = people[at % people.len()];
        let text = format!(
            r#"{{"type":"message","room":"salmon","id":{},"name":"{name}","text":"{line}"}}"#,
            100 + at
        );
        if name == "Ada" {
            talk.frame(CLIENT, 900, COMPRESSED, &client.message(text.as_bytes()));
        }
        talk.frame(SERVER, 30, COMPRESSED, &server.message(text.as_bytes()));
        if at % 2 == 1 {
            let ping = format!("beat {at}");
            talk.frame(SERVER, 400, PING, ping.as_bytes());
            talk.frame(CLIENT, 21 + at as u64, PONG, ping.as_bytes());
        }
    }
    // RFC 6455 §5.4: control frames may come between the fragments of a message; RFC 7692 §6.1: only the first has RSV1.
    let story = format!(r#"{{"type":"history","room":"salmon","lines":{lines:?}}}"#);
    let story = server.message(story.as_bytes());
    let third = story.len() / 3;
    talk.frame(SERVER, 250, 0x41, &story[..third]);
    talk.frame(SERVER, 1, 0x00, &story[third..2 * third]);
    talk.frame(SERVER, 3, PING, b"between");
    talk.frame(CLIENT, 19, PONG, b"between");
    talk.frame(SERVER, 2, 0x80, &story[2 * third..]);
    // MessagePack: {"kind": "avatar", "size": 64, "ok": true, "px": 8 bytes}.
    let avatar = b"\x84\xA4kind\xA6avatar\xA4size\x40\xA2ok\xC3\xA2px\xC4\x08\x00\x11\x22\x33\x44\x55\x66\x77";
    talk.frame(CLIENT, 700, BINARY, avatar);
    talk.text(SERVER, 25, r#"{"type":"avatar","ok":true}"#);
    talk.frame(
        CLIENT,
        1_500,
        COMPRESSED,
        &client.message(br#"{"type":"leave","room":"salmon","name":"Ada"}"#),
    );
    talk.close(CLIENT, 2, 1000, "see you");
    talk.close(SERVER, 22, 1000, "see you");
    talk.finish(SERVER)
}

fn violations() -> Vec<u8> {
    let mut talk = Talk::connect();
    // RFC 6455 §4.2.2: not what the key asks for.
    let (request, response) = answered("/strict", &[], "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", &[]);
    talk.send(CLIENT, 1, &request);
    talk.send(SERVER, 9, &response);
    talk.text(CLIENT, 20, "a message as it should be");
    // §5.1: a client masks, a server does not.
    talk.send(CLIENT, 20, &frame(SERVER, TEXT, 0, b"not masked"));
    talk.send(SERVER, 20, &frame(CLIENT, TEXT, 7, b"masked by the server"));
    // §5.2: RSV2, and opcodes that are reserved.
    talk.frame(CLIENT, 20, 0xA1, b"RSV2 without an extension");
    talk.frame(CLIENT, 20, 0x83, b"opcode 3");
    talk.frame(SERVER, 20, 0x8B, b"opcode B");
    // §5.5: a control frame has at most 125 bytes, and is never fragmented.
    talk.frame(CLIENT, 20, PING, &[b'p'; 126]);
    talk.frame(CLIENT, 20, 0x09, b"a Ping without FIN");
    // §5.2: the shortest form of the length.
    let mut bytes = vec![TEXT, 0x80 | 126, 0, 5];
    append(&mut bytes, Some(key(70)), b"short");
    talk.send(CLIENT, 20, &bytes);
    let mut bytes = vec![TEXT, 127, 0, 0, 0, 0, 0, 0, 0, 5];
    append(&mut bytes, None, b"short");
    talk.send(SERVER, 20, &bytes);
    // §8.1: text is UTF-8; this is the first half of a surrogate pair.
    talk.frame(CLIENT, 20, TEXT, b"not UTF-8: \xED\xA0\x80");
    // §5.4: a continuation of nothing, and a message within another.
    talk.frame(SERVER, 20, 0x80, b"of nothing");
    talk.frame(CLIENT, 20, 0x01, b"begun, ");
    talk.frame(CLIENT, 20, TEXT, b"and begun again");
    // §5.5.1: no body, or at least two bytes; §7.4.1: 1005 never goes over the wire; nothing comes after Close.
    talk.frame(CLIENT, 20, 0x88, b"\x03");
    talk.close(SERVER, 20, 1005, "");
    talk.close(CLIENT, 20, 1012, "service restart");
    talk.close(SERVER, 20, 4001, "of the application");
    talk.text(CLIENT, 20, "after Close");
    talk.finish(CLIENT)
}

fn deflate() -> Vec<u8> {
    let mut talk = Talk::open(
        "/metrics",
        &[OFFER],
        &[
            "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_max_window_bits=9",
        ],
    );
    let report = |number: u32| {
        format!(
            r#"{{"host":"spawn-{number}","cpu":{},"memory":{},"disk":"ok"}}"#,
            number * 7 % 100,
            number * 13 % 100
        )
    };
    // Agreed: 512 bytes of window. Here the second half repeats the first, a kilobyte back.
    let half: String = (0..20).map(report).collect();
    let mut wide = Deflater::new(15);
    talk.frame(
        SERVER,
        30,
        COMPRESSED,
        &wide.message(format!("[{half}{half}]").as_bytes()),
    );
    // Agreed: the client forgets its context after each message. Here it does not.
    let mut client = Deflater::new(15);
    for number in 0..3 {
        talk.frame(
            CLIENT,
            200,
            COMPRESSED,
            &client.message(report(number % 2).as_bytes()),
        );
    }
    // RFC 7692 §7.2.3.4 allows a final block; few receivers handle it.
    let mut server = Deflater::new(9);
    talk.frame(
        SERVER,
        30,
        COMPRESSED,
        &server.last_message(report(3).as_bytes()),
    );
    talk.frame(
        SERVER,
        30,
        COMPRESSED,
        &server.message(report(4).as_bytes()),
    );
    // The tail should have been left out.
    let mut message = server.message(report(5).as_bytes());
    message.extend([0x00, 0x00, 0xFF, 0xFF]);
    talk.frame(SERVER, 30, COMPRESSED, &message);
    // Larger than it was.
    talk.frame(SERVER, 30, COMPRESSED, &server.message(b"q8Zx!"));
    // A block of type 3, which does not exist.
    talk.frame(SERVER, 30, COMPRESSED, &[0x07, 0xFF, 0x00, 0x12]);
    talk.close(CLIENT, 15, 1007, "cannot be inflated");
    talk.close(SERVER, 15, 1007, "");
    talk.finish(SERVER)
}

fn socket_io() -> Vec<u8> {
    let mut talk = Talk::open("/socket.io/?EIO=4&transport=websocket", &[], &[]);
    talk.text(SERVER, 3, r#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#);
    talk.text(CLIENT, 2, "40");
    talk.text(SERVER, 15, r#"40{"sid":"wZX3oN0bSVIhsaknAAAI"}"#);
    talk.text(
        CLIENT,
        800,
        r#"42["chat:message",{"room":"salmon","text":"hello"}]"#,
    );
    talk.text(
        SERVER,
        20,
        r#"42["chat:message",{"room":"salmon","name":"Ada","text":"hello"}]"#,
    );
    talk.text(CLIENT, 1_200, r#"420["rooms:list"]"#);
    talk.text(SERVER, 24, r#"430[["salmon","trout","char"]]"#);
    talk.text(
        CLIENT,
        300,
        r#"451-/files,["upload",{"name":"fish.png","data":{"_placeholder":true,"num":0}}]"#,
    );
    talk.frame(
        CLIENT,
        1,
        BINARY,
        b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0",
    );
    talk.text(SERVER, 25_000, "2");
    talk.text(CLIENT, 1, "3");
    talk.text(CLIENT, 4_000, "41");
    talk.close(CLIENT, 1, 1001, "");
    talk.close(SERVER, 18, 1001, "");
    talk.finish(SERVER)
}

fn graphql() -> Vec<u8> {
    let protocol = "Sec-WebSocket-Protocol: graphql-transport-ws";
    let mut talk = Talk::open("/graphql", &[protocol], &[protocol]);
    talk.text(
        CLIENT,
        2,
        r#"{"type":"connection_init","payload":{"token":"not a real one"}}"#,
    );
    talk.text(SERVER, 22, r#"{"type":"connection_ack"}"#);
    talk.text(CLIENT, 5, r#"{"id":"1","type":"subscribe","payload":{"query":"subscription($river: ID!) { counted(river: $river) { species count } }","variables":{"river":"adams"}}}"#);
    for (species, count) in [("sockeye", 128), ("chinook", 3), ("sockeye", 141)] {
        talk.text(SERVER, 640, &format!(r#"{{"id":"1","type":"next","payload":{{"data":{{"counted":{{"species":"{species}","count":{count}}}}}}}}}"#));
    }
    talk.text(SERVER, 10, r#"{"type":"ping"}"#);
    talk.text(CLIENT, 21, r#"{"type":"pong"}"#);
    talk.text(CLIENT, 900, r#"{"id":"1","type":"complete"}"#);
    talk.text(
        CLIENT,
        30,
        r#"{"id":"2","type":"subscribe","payload":{"query":"subscription { nothing }"}}"#,
    );
    talk.text(SERVER, 19, r#"{"id":"2","type":"error","payload":[{"message":"Cannot query field \"nothing\" on type \"Subscription\"."}]}"#);
    talk.close(CLIENT, 50, 1000, "Normal Closure");
    talk.close(SERVER, 20, 1000, "Normal Closure");
    talk.finish(SERVER)
}

fn mqtt() -> Vec<u8> {
    let protocol = "Sec-WebSocket-Protocol: mqtt";
    let mut talk = Talk::open("/mqtt", &[protocol], &[protocol]);
    // CONNECT, MQTT 3.1.1, clean session, 60 seconds, client identifier "fish-7".
    talk.frame(
        CLIENT,
        2,
        BINARY,
        b"\x10\x12\0\x04MQTT\x04\x02\0\x3C\0\x06fish-7",
    );
    talk.frame(SERVER, 18, BINARY, b"\x20\x02\0\0");
    // SUBSCRIBE 1 to "river/+/level" at QoS 1, and its SUBACK with a retained PUBLISH in the same message.
    talk.frame(CLIENT, 3, BINARY, b"\x82\x12\0\x01\0\x0Driver/+/level\x01");
    talk.frame(
        SERVER,
        20,
        BINARY,
        b"\x90\x03\0\x01\x01\x31\x17\0\x11river/adams/level3.41",
    );
    talk.frame(
        SERVER,
        5_000,
        BINARY,
        b"\x32\x19\0\x11river/adams/level\0\x053.44",
    );
    talk.frame(CLIENT, 1, BINARY, b"\x40\x02\0\x05");
    talk.frame(CLIENT, 30_000, BINARY, b"\xC0\0");
    talk.frame(SERVER, 17, BINARY, b"\xD0\0");
    talk.frame(CLIENT, 4_000, BINARY, b"\xE0\0");
    talk.close(CLIENT, 1, 1000, "");
    talk.close(SERVER, 16, 1000, "");
    talk.finish(SERVER)
}

fn loss() -> Vec<u8> {
    let mut talk = Talk::under_way();
    let (mut client, mut server) = (Deflater::new(15), Deflater::new(15));
    // What was said before the capture began.
    client.message(br#"{"type":"subscribe","channel":"levels"}"#);
    server.message(br#"{"type":"level","river":"adams","metres":3.41}"#);
    talk.frame(
        CLIENT,
        5,
        COMPRESSED,
        &client.message(br#"{"type":"subscribe","channel":"counts"}"#),
    );
    for (river, metres) in [("adams", "3.44"), ("fraser", "5.02"), ("skeena", "2.87")] {
        let text = format!(r#"{{"type":"level","river":"{river}","metres":{metres}}}"#);
        talk.frame(SERVER, 400, COMPRESSED, &server.message(text.as_bytes()));
    }
    talk.text(SERVER, 100, "not compressed");
    talk.frame_with_loss(
        SERVER,
        "a message with a hole in it, because a packet was lost "
            .repeat(60)
            .as_bytes(),
        1_000,
        1_460,
    );
    talk.text(SERVER, 100, "and one behind it");
    talk.frame(CLIENT, 40, PING, b"still there?");
    talk.finish(CLIENT)
}
