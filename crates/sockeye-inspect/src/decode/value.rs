//! What protocols on top of JSON, MessagePack and CBOR share: a value that was walked gets the names it has in the protocol.

use super::{
    Node, NodeKind, cbor, json, msgpack,
    tree::{Stop, Tree},
};

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    Json,
    MessagePack,
    Cbor,
}

impl Notation {
    /// Appends one value. Returns the offset behind it.
    pub(super) fn walk(
        self,
        tree: &mut Tree,
        bytes: &[u8],
        at: usize,
        label: &str,
    ) -> Result<usize, Stop> {
        let label = label.to_owned();
        match self {
            Self::Json => json::walk(tree, bytes, at, label),
            Self::MessagePack => msgpack::walk(tree, bytes, at, label),
            Self::Cbor => cbor::walk(tree, bytes, at, label),
        }
    }

    /// Appends the value that is all of the message.
    pub(super) fn whole(self, tree: &mut Tree, content: &[u8], label: &str) -> Result<usize, Stop> {
        let root = tree.nodes.len();
        let end = self.walk(tree, content, 0, label)?;
        let end = match self {
            Self::Json => json::skip_space(content, end),
            _ => end,
        };
        if end < content.len() {
            return Err(Stop::Wrong(end, "something follows the value"));
        }
        Ok(root)
    }
}

/// Names of the elements of an array, and of the number that is its first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) code: u64,
    pub(super) name: &'static str,
    /// The names of the elements behind the first, with spaces between them.
    pub(super) fields: &'static str,
}

impl Message {
    /// The entry of `table` with the number that is the first element of the array at `root`.
    pub(super) fn of(table: &'static [Self], tree: &Tree, root: usize) -> Option<&'static Self> {
        let first = tree.children(root).next()?;
        let code: u64 = number(&tree.nodes[first])?;
        table.iter().find(|message| message.code == code)
    }

    /// Gives the elements of the array at `root` their names.
    pub(super) fn name_elements(&self, tree: &mut Tree, root: usize) {
        let children: Vec<usize> = tree.children(root).collect();
        let Some((&first, rest)) = children.split_first() else {
            return;
        };
        rename(tree, first, "type", self.name);
        for (&child, field) in rest.iter().zip(self.fields.split(' ')) {
            tree.nodes[child].label = field.to_owned();
        }
    }
}

/// Gives a node the label and, in front of its value, the name that it has in the protocol.
pub(super) fn rename(tree: &mut Tree, node: usize, label: &str, name: &str) {
    let node = &mut tree.nodes[node];
    label.clone_into(&mut node.label);
    name_value(node, name);
}

/// `48` becomes `48 CALL`.
pub(super) fn name_value(node: &mut Node, name: &str) {
    if !name.is_empty() {
        node.value.push(' ');
        node.value.push_str(name);
    }
}

/// The number of a node that is one.
pub(super) fn number(node: &Node) -> Option<u64> {
    (node.kind == NodeKind::Number)
        .then(|| node.value.split(' ').next()?.parse().ok())
        .flatten()
}

/// Adds ` word value` to the summary for each of the labels that the node at `root` has.
pub(super) fn say_members(tree: &mut Tree, root: usize, labels: &[&str]) {
    for label in labels {
        if let Some(node) = tree.member_index(root, label) {
            say_value(tree, node);
        }
    }
}

/// Adds a space and the value to the summary, strings without quotes.
pub(super) fn say_value(tree: &mut Tree, node: usize) {
    if !tree.summary.is_empty() {
        tree.say(" ");
    }
    if tree.nodes[node].kind == NodeKind::String {
        let text = tree.nodes[node].value.clone();
        tree.say(&text);
    } else {
        tree.say_node(node);
    }
}

/// Appends bytes that may hold something: JSON, text, or bytes as they are.
pub(super) fn payload(
    tree: &mut Tree,
    bytes: &[u8],
    start: usize,
    end: usize,
    label: &str,
) -> Result<usize, Stop> {
    let content = &bytes[..end];
    let piece = &content[start..];
    let place = tree.nodes.len();
    if matches!(piece.first(), Some(b'{' | b'['))
        && json::skip(content, start, 64).map(|behind| json::skip_space(content, behind))
            == Some(end)
    {
        json::walk(tree, content, start, label.to_owned())?;
        return Ok(place);
    }
    match super::preview::printable(piece) {
        Some(_) if str::from_utf8(piece).is_ok() => tree.field(
            label,
            super::tree::text_value(piece),
            NodeKind::String,
            start..end,
        ),
        _ => tree.field(label, super::tree::hex(piece), NodeKind::Bytes, start..end),
    }
}

/// Appends a field of text.
pub(super) fn text_field(
    tree: &mut Tree,
    bytes: &[u8],
    start: usize,
    end: usize,
    label: &str,
) -> Result<usize, Stop> {
    let value = super::tree::text_value(&bytes[start..end]);
    tree.field(label, value, NodeKind::String, start..end)
}
