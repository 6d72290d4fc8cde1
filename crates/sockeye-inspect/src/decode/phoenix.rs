//! Phoenix channels: objects (version 1), arrays (version 2), and binary messages (version 2).

use super::{
    Fit, Hints, NodeKind,
    cursor::Cursor,
    json,
    tree::{Stop, Tree},
    value::{payload, say_members, say_value, text_field},
};
use crate::Direction;

pub(super) fn decode(tree: &mut Tree, content: &[u8], hints: &Hints<'_>) -> Result<Fit, Stop> {
    if hints.opcode == 0x2 {
        return binary(tree, content, hints.direction);
    }
    json::decode(tree, content)?;
    let children: Vec<usize> = tree.children(0).collect();
    let wrong = Stop::Wrong(0, "no message of a Phoenix channel");
    let is_array = tree.nodes[0].kind == NodeKind::Array;
    if is_array {
        if children.len() != 5 {
            return Err(wrong);
        }
        for (&child, label) in children
            .iter()
            .zip(["join_ref", "ref", "topic", "event", "payload"])
        {
            label.clone_into(&mut tree.nodes[child].label);
        }
    }
    let (Some(topic), Some(event)) = (tree.text(0, "topic"), tree.text(0, "event")) else {
        return Err(wrong);
    };
    let is_own = event.starts_with("phx_") || topic == "phoenix" && event == "heartbeat";
    let has_all = tree.member(0, "payload").is_some() && tree.member(0, "ref").is_some();
    if !has_all {
        return Err(wrong);
    }
    say_members(tree, 0, &["topic", "event", "payload"]);
    Ok(Fit::sure_if(is_own))
}

/// A binary message: which kind, the lengths of the strings, the strings, and the payload.
fn binary(tree: &mut Tree, content: &[u8], direction: Direction) -> Result<Fit, Stop> {
    let mut cursor = Cursor::new(content, 0);
    let kind = cursor.byte()?;
    let (name, labels): (&str, &[&str]) = match (kind, direction) {
        (0, Direction::ToServer) => ("push", &["join_ref", "ref", "topic", "event"]),
        (0, Direction::ToClient) => ("push", &["join_ref", "topic", "event"]),
        (1, _) => ("reply", &["join_ref", "ref", "topic", "status"]),
        (2, _) => ("broadcast", &["topic", "event"]),
        _ => return Err(Stop::Wrong(0, "no kind of binary message of Phoenix")),
    };
    let root = tree.open(String::new(), NodeKind::Object, 0)?;
    let value = [&kind.to_string(), " ", name].concat();
    let mut result = tree.field("kind", value, NodeKind::Number, 0..1);
    tree.say(name);
    if result.is_ok() {
        result = strings(tree, &mut cursor, labels);
    }
    tree.close(root, name.to_owned(), content.len());
    result.map(|_| Fit::Possible)
}

fn strings(tree: &mut Tree, cursor: &mut Cursor<'_>, labels: &[&str]) -> Result<usize, Stop> {
    let content = cursor.bytes;
    let lengths = cursor.take(labels.len() as u64, "the lengths are cut off")?;
    for (label, &len) in labels.iter().zip(lengths) {
        let start = cursor.at;
        cursor.take(len.into(), "a string is cut off")?;
        let node = text_field(tree, content, start, cursor.at, label)?;
        if matches!(*label, "topic" | "event" | "status") {
            say_value(tree, node);
        }
    }
    payload(tree, content, cursor.at, content.len(), "payload")
}
