//! Engine.IO (protocols 3 and 4) and, within its messages, Socket.IO (protocols 3 to 5).

use super::{
    Fit, Hints, NodeKind,
    json::{skip_space, walk},
    tree::{Stop, Tree, hex},
    value::{payload, say_members, say_value, text_field},
};

const ENGINE: [&str; 7] = [
    "open", "close", "ping", "pong", "message", "upgrade", "noop",
];
const SOCKET: [&str; 7] = [
    "CONNECT",
    "DISCONNECT",
    "EVENT",
    "ACK",
    "CONNECT_ERROR",
    "BINARY_EVENT",
    "BINARY_ACK",
];

/// Decodes Engine.IO; `has_socket_io` says whether its messages are Socket.IO's.
pub(super) fn decode(
    tree: &mut Tree,
    content: &[u8],
    hints: &Hints<'_>,
    has_socket_io: bool,
) -> Result<Fit, Stop> {
    if hints.opcode == 0x2 {
        // Protocol 3 has the packet type before a binary message, as a byte.
        let has_type = hints.target.is_some_and(|target| target.contains("EIO=3"));
        let start = usize::from(has_type && content.first() == Some(&4));
        return binary(tree, content, start, has_socket_io);
    }
    let name = packet_type(content, 0, &ENGINE)?;
    let root = tree.open(String::new(), NodeKind::Object, 0)?;
    let value = [&digit(content[0]), " ", name].concat();
    tree.field("packet", value, NodeKind::Number, 0..1)?;
    let fit = match content[0] {
        b'4' if has_socket_io => packet(tree, content),
        b'0' => json(tree, content, 1, "handshake").map(|handshake| {
            tree.say("open");
            let Some(handshake) = handshake else {
                return Fit::Possible;
            };
            say_members(tree, handshake, &["sid"]);
            if let Some(interval) = tree.member(handshake, "pingInterval") {
                let interval = [", ping every ", &interval.value, " ms"].concat();
                tree.say(&interval);
            }
            match tree.member(handshake, "sid") {
                Some(_) => Fit::Sure,
                None => Fit::Possible,
            }
        }),
        _ => {
            tree.say(name);
            match content.len() {
                1 => Ok(Fit::Possible),
                _ => payload(tree, content, 1, content.len(), "data").map(|data| {
                    say_value(tree, data);
                    Fit::Possible
                }),
            }
        }
    };
    tree.close(root, name.to_owned(), content.len());
    fit
}

/// A binary message: an attachment of the Socket.IO packet before.
fn binary(tree: &mut Tree, content: &[u8], start: usize, has_socket_io: bool) -> Result<Fit, Stop> {
    let what = match has_socket_io {
        true => "binary attachment",
        false => "binary message",
    };
    tree.say(what);
    tree.say(", ");
    tree.say(&(content.len() - start).to_string());
    tree.say(" bytes");
    tree.field(
        what,
        hex(&content[start..]),
        NodeKind::Bytes,
        start..content.len(),
    )?;
    Ok(Fit::Possible)
}

/// A Socket.IO packet behind the Engine.IO packet type: type, attachments, namespace, acknowledgement and data.
fn packet(tree: &mut Tree, content: &[u8]) -> Result<Fit, Stop> {
    let name = packet_type(content, 1, &SOCKET)?;
    let kind = content[1];
    let value = [&digit(kind), " ", name].concat();
    tree.field("type", value, NodeKind::Number, 1..2)?;
    tree.say(name);
    let mut at = 2;
    if matches!(kind, b'5' | b'6') {
        let end = digits_end(content, at);
        if end == at || content.get(end) != Some(&b'-') {
            return Err(Stop::Wrong(at, "the number of attachments is missing"));
        }
        let node = text_field(tree, content, at, end, "attachments")?;
        tree.nodes[node].kind = NodeKind::Number;
        at = end + 1;
    }
    if content.get(at) == Some(&b'/') {
        let rest = &content[at..];
        let len = rest.iter().position(|&byte| byte == b',');
        let end = at + len.unwrap_or(rest.len());
        let namespace = text_field(tree, content, at, end, "namespace")?;
        say_value(tree, namespace);
        at = (end + 1).min(content.len());
    }
    let end = digits_end(content, at);
    if end > at {
        let node = text_field(tree, content, at, end, "acknowledgement")?;
        tree.nodes[node].kind = NodeKind::Number;
        tree.say(" #");
        let id = super::tree::text_value(&content[at..end]);
        tree.say(&id);
        at = end;
    }
    let Some(data) = json(tree, content, at, "data")? else {
        return match kind {
            b'0' | b'1' => Ok(Fit::Possible),
            _ => Err(Stop::Wrong(at, "the data is missing")),
        };
    };
    let elements: Vec<usize> = tree.children(data).collect();
    if matches!(kind, b'2' | b'3' | b'5' | b'6') && tree.nodes[data].kind != NodeKind::Array {
        return Err(Stop::Wrong(at, "the data is no array"));
    }
    let is_event = matches!(kind, b'2' | b'5');
    if !is_event {
        say_value(tree, data);
        return Ok(if at > 2 || kind == b'3' {
            Fit::Likely
        } else {
            Fit::Possible
        });
    }
    for (index, &element) in elements.iter().enumerate() {
        if index == 0 {
            "event".clone_into(&mut tree.nodes[element].label);
            say_value(tree, element);
            tree.say(" [");
        } else {
            tree.nodes[element].label = ["argument ", &index.to_string()].concat();
            if index > 1 {
                tree.say(",");
            }
            match name_placeholder(tree, element) {
                Some(name) => tree.say(&name),
                None => tree.say_node(element),
            }
        }
    }
    match elements.first() {
        Some(&event) if tree.nodes[event].kind == NodeKind::String => {
            tree.say("]");
            Ok(Fit::Sure)
        }
        _ => Ok(Fit::Possible),
    }
}

/// Names the place of an attachment, `{"_placeholder":true,"num":0}`; `None`: it is none.
fn name_placeholder(tree: &mut Tree, node: usize) -> Option<String> {
    tree.member(node, "_placeholder")?;
    let number = tree.member(node, "num")?;
    let name = ["<attachment ", &number.value, ">"].concat();
    tree.nodes[node].value.clone_from(&name);
    Some(name)
}

/// The name of the packet type at `at`.
fn packet_type(content: &[u8], at: usize, names: &[&'static str; 7]) -> Result<&'static str, Stop> {
    let digit = content
        .get(at)
        .map(|byte| usize::from(byte.wrapping_sub(b'0')));
    digit
        .and_then(|digit| names.get(digit).copied())
        .ok_or(Stop::Wrong(
            at,
            "no packet type, which is a digit from 0 to 6",
        ))
}

fn digit(byte: u8) -> String {
    char::from(byte).to_string()
}

fn digits_end(content: &[u8], at: usize) -> usize {
    let rest = content.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Appends the JSON that is the rest; `None`: there is none.
fn json(tree: &mut Tree, content: &[u8], at: usize, label: &str) -> Result<Option<usize>, Stop> {
    if at >= content.len() {
        return Ok(None);
    }
    let node = tree.nodes.len();
    let end = skip_space(content, walk(tree, content, at, label.to_owned())?);
    if end < content.len() {
        return Err(Stop::Wrong(end, "something follows the data"));
    }
    Ok(Some(node))
}
