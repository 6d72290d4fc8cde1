//! Reason codes.

/// What a reason code means in a packet of this type; `None`: it has no such code.
pub(super) fn reason(kind: u8, code: u8, is_version_5: bool) -> Option<&'static str> {
    if !is_version_5 {
        return match (kind, code) {
            // MQTT 3.1.1 §3.2.2.3.
            (2, 0) => Some("accepted"),
            (2, 1) => Some("unacceptable protocol version"),
            (2, 2) => Some("identifier rejected"),
            (2, 3) => Some("server unavailable"),
            (2, 4) => Some("bad user name or password"),
            (2, 5) => Some("not authorized"),
            (9, _) => granted(code),
            _ => None,
        };
    }
    match code {
        0 => Some(match kind {
            9 => "granted QoS 0",
            14 => "normal disconnection",
            _ => "success",
        }),
        1 | 2 if kind == 9 => granted(code),
        _ => CODES
            .iter()
            .find(|(known, _)| *known == code)
            .map(|(_, name)| *name),
    }
}

fn granted(code: u8) -> Option<&'static str> {
    match code {
        0 => Some("granted QoS 0"),
        1 => Some("granted QoS 1"),
        2 => Some("granted QoS 2"),
        0x80 => Some("failure"),
        _ => None,
    }
}

/// MQTT 5 §2.4.
const CODES: [(u8, &str); 40] = [
    (0x04, "disconnect with will message"),
    (0x10, "no matching subscribers"),
    (0x11, "no subscription existed"),
    (0x18, "continue authentication"),
    (0x19, "re-authenticate"),
    (0x80, "unspecified error"),
    (0x81, "malformed packet"),
    (0x82, "protocol error"),
    (0x83, "implementation specific error"),
    (0x84, "unsupported protocol version"),
    (0x85, "client identifier not valid"),
    (0x86, "bad user name or password"),
    (0x87, "not authorized"),
    (0x88, "server unavailable"),
    (0x89, "server busy"),
    (0x8A, "banned"),
    (0x8B, "server shutting down"),
    (0x8C, "bad authentication method"),
    (0x8D, "keep alive timeout"),
    (0x8E, "session taken over"),
    (0x8F, "topic filter invalid"),
    (0x90, "topic name invalid"),
    (0x91, "packet identifier in use"),
    (0x92, "packet identifier not found"),
    (0x93, "receive maximum exceeded"),
    (0x94, "topic alias invalid"),
    (0x95, "packet too large"),
    (0x96, "message rate too high"),
    (0x97, "quota exceeded"),
    (0x98, "administrative action"),
    (0x99, "payload format invalid"),
    (0x9A, "retain not supported"),
    (0x9B, "QoS not supported"),
    (0x9C, "use another server"),
    (0x9D, "server moved"),
    (0x9E, "shared subscriptions not supported"),
    (0x9F, "connection rate exceeded"),
    (0xA0, "maximum connect time"),
    (0xA1, "subscription identifiers not supported"),
    (0xA2, "wildcard subscriptions not supported"),
];
