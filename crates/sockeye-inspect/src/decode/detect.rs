//! Which decoders fit, and how well.

use super::{Decoded, Decoder, Fit, Hints, NodeKind, attempt, preview::printable, tree::Tree};

/// Decodes as everything that fits, the likeliest first, each with how sure it is.
///
/// `inflates` says whether compressed data is inflated and decoded again, which what was inflated is not.
pub(super) fn ranked(content: &[u8], hints: &Hints<'_>, inflates: bool) -> Vec<(Fit, Decoded)> {
    // Control frames are the application's only in rare cases, and then text.
    if content.is_empty() || hints.opcode == 0x8 {
        return Vec::new();
    }
    let hinted = hinted(hints);
    let is_text =
        hints.opcode == 0x1 || printable(content).is_some_and(|text| text.len() == content.len());
    let mut found: Vec<(u8, Fit, Decoded)> = Decoder::ALL
        .into_iter()
        .filter(|&decoder| hinted == Some(decoder) || is_worth_trying(decoder, is_text, hints))
        .filter_map(|decoder| {
            let (fit, decoded) = attempt(decoder, content, hints, inflates);
            let (rank, fit) = rank(&decoded, fit, hinted == Some(decoder), is_text)?;
            Some((rank, fit, decoded))
        })
        .collect();
    // Stable, so that equals stay in the order of the list.
    found.sort_by_key(|(rank, ..)| core::cmp::Reverse(*rank));
    found
        .into_iter()
        .map(|(_, fit, decoded)| (fit, decoded))
        .collect()
}

/// The likeliest, if anything is likely.
pub(super) fn best(content: &[u8], hints: &Hints<'_>, inflates: bool) -> Option<Decoded> {
    let (fit, decoded) = ranked(content, hints, inflates).into_iter().next()?;
    (fit > Fit::Possible).then_some(decoded)
}

/// Whether a decoder can be what a message without a hint is.
fn is_worth_trying(decoder: Decoder, is_text: bool, hints: &Hints<'_>) -> bool {
    match decoder {
        Decoder::Json | Decoder::Text => is_text,
        Decoder::MessagePack
        | Decoder::Cbor
        | Decoder::Protobuf
        | Decoder::Gzip
        | Decoder::Zlib
        | Decoder::Zstd
        | Decoder::Mqtt => hints.opcode != 0x1,
        // Messages of one letter and arrays of strings are too common.
        Decoder::SockJs | Decoder::EngineIo => false,
        Decoder::SocketIo => hints.opcode == 0x1,
        Decoder::SignalR | Decoder::Wamp => true,
        _ => is_text || decoder == Decoder::Stomp,
    }
}

/// A number to sort by, and how sure it is with the hint taken into account.
fn rank(decoded: &Decoded, fit: Fit, is_hinted: bool, is_text: bool) -> Option<(u8, Fit)> {
    let is_json = decoded.decoder == Decoder::Json;
    let is_plain = is_json || matches!(decoded.decoder, Decoder::MessagePack | Decoder::Cbor);
    Some(match fit {
        // A part of a packet, or something broken: still more likely than what random bytes look like.
        Fit::Wrong if is_hinted => (if is_text { 5 } else { 8 }, Fit::Likely),
        // What breaks only after some values was meant to be JSON.
        Fit::Wrong if is_json && decoded.nodes.len() > 2 => (4, Fit::Likely),
        Fit::Wrong => return None,
        _ if is_hinted => (10, Fit::Sure),
        Fit::Sure => (9, fit),
        Fit::Likely if is_json && decoded.nodes[0].is_scalar() => (4, fit),
        Fit::Likely if is_plain => (7, fit),
        Fit::Likely if decoded.decoder == Decoder::Text => (3, fit),
        Fit::Likely => (6, fit),
        Fit::Possible => (1, fit),
    })
}

/// What the subprotocol says, or the target of the request.
fn hinted(hints: &Hints<'_>) -> Option<Decoder> {
    let subprotocol = hints.subprotocol.unwrap_or_default().to_ascii_lowercase();
    let known = |beginnings: &[&str]| {
        beginnings
            .iter()
            .any(|beginning| subprotocol.starts_with(beginning))
    };
    for (decoder, beginnings) in [
        (Decoder::Mqtt, &["mqtt"][..]),
        (Decoder::Wamp, &["wamp.2"]),
        (Decoder::GraphQlWs, &["graphql-transport-ws", "graphql-ws"]),
        (
            Decoder::Stomp,
            &["v10.stomp", "v11.stomp", "v12.stomp", "stomp"],
        ),
        (Decoder::Ocpp, &["ocpp1.", "ocpp2."]),
        (Decoder::ActionCable, &["actioncable-"]),
        (Decoder::Json, &["json"]),
        (Decoder::MessagePack, &["msgpack"]),
        (Decoder::Cbor, &["cbor"]),
    ] {
        if known(beginnings) {
            return Some(decoder);
        }
    }
    let (path, query) = match hints.target?.split_once('?') {
        Some(parts) => parts,
        None => (hints.target?, ""),
    };
    let has = |parameter: &str| query.split('&').any(|given| given == parameter);
    if path.contains("/socket.io/") {
        return Some(Decoder::SocketIo);
    }
    if path.contains("/engine.io/") {
        return Some(Decoder::EngineIo);
    }
    if has("transport=websocket") && query.contains("EIO=") {
        return Some(Decoder::SocketIo);
    }
    // `/prefix/server/session/websocket`, where the server is three digits. `/prefix/websocket` has no frames of SockJS.
    let mut parts = path.rsplit('/');
    if parts.next() == Some("websocket")
        && parts.next().is_some_and(|session| session.len() > 2)
        && parts.next().is_some_and(|server| {
            server.len() == 3 && server.bytes().all(|byte| byte.is_ascii_digit())
        })
    {
        return Some(Decoder::SockJs);
    }
    if has("vsn=2.0.0") || has("vsn=1.0.0") {
        return Some(Decoder::Phoenix);
    }
    if path.contains("/signalr/") || path.ends_with("/signalr") {
        return Some(Decoder::SignalR);
    }
    if path.ends_with("/cable") {
        return Some(Decoder::ActionCable);
    }
    None
}

/// How sure binary data can be what it was decoded as: text that can be read speaks for it, text that cannot against.
pub(super) fn binary_fit(tree: &Tree) -> Fit {
    let is_container = tree.nodes.first().is_some_and(|root| !root.is_scalar());
    let mut is_readable = false;
    for node in tree.nodes.iter().skip(1) {
        // Field numbers of Protocol Buffers and indices are labels too, and say nothing.
        let is_key = !node.label.bytes().all(|byte| byte.is_ascii_digit());
        for text in [
            is_key.then_some(&node.label),
            (node.kind == NodeKind::String).then_some(&node.value),
        ]
        .into_iter()
        .flatten()
        {
            if text.chars().any(|char| {
                char == '\u{FFFD}' || char.is_control() && !matches!(char, '\n' | '\r' | '\t')
            }) {
                return Fit::Possible;
            }
            is_readable |= text.len() > 1 || is_key && !text.is_empty();
        }
        // Nobody has so many fields.
        if is_key_too_high(&node.label) {
            return Fit::Possible;
        }
    }
    match is_container && is_readable {
        true => Fit::Likely,
        false => Fit::Possible,
    }
}

fn is_key_too_high(label: &str) -> bool {
    label.len() > 4 && label.bytes().all(|byte| byte.is_ascii_digit())
}
