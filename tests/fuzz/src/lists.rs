//! Header fields that are lists: extensions, subprotocols, `Connection`, `Upgrade`, origins.

use sockeye::{
    Agreement, HandshakeError, OriginPolicy, PerMessageDeflate, Request, Role, UpgradeOptions,
    is_websocket_upgrade,
};

/// The first byte chooses the field, the rest is its value.
pub fn header_lists(data: &[u8]) {
    let Some((&field, value)) = data.split_first() else {
        return;
    };
    let name = FIELDS[usize::from(field) % FIELDS.len()];
    let outcome = agree(name, &[value]);
    if let Ok(agreement) = &outcome {
        if let Some(deflate) = agreement.deflate {
            for bits in [
                deflate.server_max_window_bits,
                deflate.client_max_window_bits,
            ] {
                assert!((8..=15).contains(&bits.get()));
            }
        }
        assert!(name == "sec-websocket-protocol" || agreement.subprotocol.is_none());
    }
    // RFC 9110 §5.3: a list may be spread over several fields of the same name.
    if LISTS.contains(&name) && !value.contains(&b'"') {
        let values: Vec<&[u8]> = value.split(|byte| *byte == b',').collect();
        if values.len() < 50 {
            assert_eq!(agree(name, &values), outcome);
        }
    }
    // Asking whether it is an upgrade at all answers for every upgrade that is accepted.
    if outcome.is_ok() {
        assert!(is_websocket_upgrade(fields(name, &[value])));
    }
}

const LISTS: [&str; 4] = [
    "sec-websocket-extensions",
    "sec-websocket-protocol",
    "connection",
    "upgrade",
];

const FIELDS: [&str; 8] = [
    "sec-websocket-extensions",
    "sec-websocket-protocol",
    "connection",
    "upgrade",
    "origin",
    "host",
    "sec-websocket-key",
    "sec-websocket-version",
];

/// The fields of a request, the one of that name replaced.
fn fields<'a>(name: &'a str, values: &[&'a [u8]]) -> Vec<(&'a str, &'a [u8])> {
    let mut fields: Vec<(&str, &[u8])> = vec![
        ("host", b"server.example.com"),
        ("connection", b"Upgrade"),
        ("upgrade", b"websocket"),
        ("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", b"13"),
    ];
    fields.retain(|(other, _)| *other != name);
    fields.extend(values.iter().map(|value| (name, *value)));
    fields
}

fn agree(name: &str, values: &[&[u8]]) -> Result<Agreement, HandshakeError> {
    let mut options = UpgradeOptions::new();
    options.deflate = Some(PerMessageDeflate::new(Role::Server));
    options.subprotocols = vec!["chat".into(), "superchat".into()];
    if let Ok(policy) = OriginPolicy::allow(["https://*.example.com", "http://localhost:*"]) {
        options.origins = policy;
    }
    Request::from_parts("GET", "/chat", fields(name, values))?.agree(&options)
}
