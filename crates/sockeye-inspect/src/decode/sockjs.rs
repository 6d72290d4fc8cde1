//! SockJS: frames of the server, and arrays of messages.

use super::{
    Fit, Hints, NodeKind, decode as decode_message,
    json::{skip_space, unescape, walk},
    tree::{MAX_VALUE, Stop, Tree},
    value::say_value,
};
use crate::Direction;

pub(super) fn decode(tree: &mut Tree, content: &[u8], hints: &Hints<'_>) -> Result<Fit, Stop> {
    let (name, array) = match content.first() {
        Some(b'[') if hints.direction == Direction::ToServer => ("messages", 0),
        Some(b'o') => ("open", 1),
        Some(b'h') => ("heartbeat", 1),
        Some(b'a') => ("messages", 1),
        Some(b'm') => ("message", 1),
        Some(b'c') => ("close", 1),
        _ => return Err(Stop::Wrong(0, "no frame of SockJS")),
    };
    tree.say(name);
    let root = tree.open(name.to_owned(), NodeKind::Object, 0)?;
    let result = match name {
        "open" | "heartbeat" if content.len() > 1 => {
            Err(Stop::Wrong(1, "something follows the frame"))
        }
        "open" | "heartbeat" => Ok(()),
        "close" => data(tree, content, array).map(|node| say_value(tree, node)),
        _ => data(tree, content, array).and_then(|node| messages(tree, content, node, hints)),
    };
    tree.close(root, String::new(), content.len());
    result.map(|()| Fit::Possible)
}

fn data(tree: &mut Tree, content: &[u8], at: usize) -> Result<usize, Stop> {
    let node = tree.nodes.len();
    let end = skip_space(content, walk(tree, content, at, String::from("data"))?);
    match end < content.len() {
        true => Err(Stop::Wrong(end, "something follows the frame")),
        false => Ok(node),
    }
}

/// Decodes what is in each of the strings, which is a message of the protocol above.
fn messages(tree: &mut Tree, content: &[u8], data: usize, hints: &Hints<'_>) -> Result<(), Stop> {
    let strings: Vec<_> = core::iter::once(data)
        .chain(tree.children(data))
        .filter(|&node| tree.nodes[node].kind == NodeKind::String)
        .map(|node| tree.nodes[node].bytes.clone())
        .collect();
    if strings.is_empty() {
        return Err(Stop::Wrong(0, "there are no messages, which are strings"));
    }
    // What is above is not in SockJS again.
    let hints = Hints {
        target: None,
        ..*hints
    };
    for (index, string) in strings.into_iter().enumerate() {
        let most = 256 * MAX_VALUE;
        let text = unescape(content, string.start, string.end, most)?;
        let decoded = decode_message(text.as_bytes(), &hints);
        let Some(decoded) = decoded else { continue };
        tree.say(if index == 0 { " " } else { "; " });
        tree.say(&decoded.summary);
        if decoded.decoder != super::Decoder::Text {
            let label = ["message ", &index.to_string()].concat();
            let node = tree.open(label, NodeKind::Object, string.start)?;
            let name = decoded.decoder.name().to_owned();
            let result = tree.graft(decoded);
            tree.close(node, name, string.end);
            result?;
        }
    }
    Ok(())
}
