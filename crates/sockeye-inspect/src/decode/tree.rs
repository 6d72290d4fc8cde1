//! The list of nodes that every decoder writes, and what protocols read from it again.

use core::ops::Range;

use super::{Decoded, Decoder, Node, NodeKind};

/// How deep nodes may lie.
pub(super) const MAX_DEPTH: u16 = 64;
/// How many nodes a message may have.
pub(super) const MAX_NODES: usize = 20_000;
/// How many bytes of a string or of bytes are shown as the value of a node.
pub(super) const MAX_VALUE: usize = 4_096;
/// How many characters a summary has.
pub(super) const MAX_SUMMARY: usize = 120;

/// Why a walk ends before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There are enough nodes.
    Full,
    /// This does not fit, at this byte of the content.
    Wrong(usize, &'static str),
}

/// The nodes up to now.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) summary: String,
    /// How deep the next node lies.
    depth: u16,
    truncated: bool,
}

impl Tree {
    pub(super) const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            summary: String::new(),
            depth: 0,
            truncated: false,
        }
    }

    /// Appends a node, and returns its place.
    pub(super) fn push(
        &mut self,
        label: String,
        value: String,
        kind: NodeKind,
        bytes: Range<usize>,
    ) -> Result<usize, Stop> {
        if self.nodes.len() == MAX_NODES {
            return Err(Stop::Full);
        }
        self.nodes.push(Node {
            depth: self.depth,
            label,
            value,
            kind,
            bytes,
        });
        Ok(self.nodes.len() - 1)
    }

    /// As [`Self::push`], with a fixed label.
    pub(super) fn field(
        &mut self,
        label: &str,
        value: String,
        kind: NodeKind,
        bytes: Range<usize>,
    ) -> Result<usize, Stop> {
        self.push(label.to_owned(), value, kind, bytes)
    }

    /// Appends a node that holds the following ones, until [`Self::close`] gets its place.
    pub(super) fn open(
        &mut self,
        label: String,
        kind: NodeKind,
        start: usize,
    ) -> Result<usize, Stop> {
        if self.depth == MAX_DEPTH {
            return Err(Stop::Wrong(start, "nested more than 64 deep"));
        }
        let node = self.push(label, String::new(), kind, start..start)?;
        self.depth += 1;
        Ok(node)
    }

    /// The node at `node` ends at byte `end`, with `value`.
    pub(super) fn close(&mut self, node: usize, value: String, end: usize) {
        // After an error, `end` may lie before what was walked of the last part.
        self.depth = self.nodes[node].depth;
        let mut within = self.nodes[node + 1..].iter().rev();
        let last = within
            .find(|last| last.depth == self.depth + 1)
            .map_or(0, |last| last.bytes.end);
        let node = &mut self.nodes[node];
        node.value = value;
        node.bytes.end = end.max(node.bytes.start).max(last);
    }

    /// As [`Self::close`]; the value says how many nodes are directly within it.
    pub(super) fn close_counted(&mut self, node: usize, end: usize) {
        let count = self.children(node).count();
        let noun = match (self.nodes[node].kind, count) {
            (NodeKind::Object, 1) => " member",
            (NodeKind::Object, _) => " members",
            (_, 1) => " element",
            _ => " elements",
        };
        self.close(node, count.to_string() + noun, end);
    }

    /// The places of the nodes directly within the node at `parent`.
    pub(super) fn children(&self, parent: usize) -> impl Iterator<Item = usize> {
        let depth = self.nodes.get(parent).map_or(0, |node| node.depth);
        let behind = self.nodes.get(parent + 1..).unwrap_or_default();
        behind
            .iter()
            .enumerate()
            .take_while(move |(_, node)| node.depth > depth)
            .filter(move |(_, node)| node.depth == depth + 1)
            .map(move |(index, _)| parent + 1 + index)
    }

    /// The member `key` of the node at `parent`.
    pub(super) fn member(&self, parent: usize, key: &str) -> Option<&Node> {
        Some(&self.nodes[self.member_index(parent, key)?])
    }

    /// The place of the member `key` of the node at `parent`.
    pub(super) fn member_index(&self, parent: usize, key: &str) -> Option<usize> {
        self.children(parent)
            .find(|&child| self.nodes[child].label == key)
    }

    /// The text of the member `key`, where that is a string.
    pub(super) fn text(&self, parent: usize, key: &str) -> Option<&str> {
        self.member(parent, key)
            .filter(|node| node.kind == NodeKind::String)
            .map(|node| node.value.as_str())
    }

    /// Adds to the summary, up to its longest.
    pub(super) fn say(&mut self, text: &str) {
        let mut room = MAX_SUMMARY.saturating_sub(self.summary.chars().count());
        append_line(&mut self.summary, text, &mut room);
    }

    /// Adds the node at `node` to the summary, as JSON in one line.
    pub(super) fn say_node(&mut self, node: usize) {
        let mut text = String::new();
        self.compact(node, &mut text);
        self.say(&text);
    }

    /// Writes the node at `node` with all within it as JSON in one line, until that is longer than a summary. Returns the place behind it.
    fn compact(&self, node: usize, out: &mut String) -> usize {
        let Some(this) = self.nodes.get(node) else {
            return node;
        };
        let (open, shut) = match this.kind {
            NodeKind::Object => ('{', '}'),
            NodeKind::Array => ('[', ']'),
            NodeKind::String => {
                push_quoted(out, &this.value);
                return node + 1;
            }
            NodeKind::Bytes => {
                out.push_str("h'");
                out.push_str(&this.value);
                out.push('\'');
                return node + 1;
            }
            _ => {
                out.push_str(&this.value);
                return node + 1;
            }
        };
        out.push(open);
        let mut next = node + 1;
        while self
            .nodes
            .get(next)
            .is_some_and(|child| child.depth > this.depth)
        {
            if out.len() > 8 * MAX_SUMMARY {
                break;
            }
            if next > node + 1 {
                out.push(',');
            }
            if open == '{' {
                push_quoted(out, &self.nodes[next].label);
                out.push(':');
            }
            next = self.compact(next, out);
        }
        out.push(shut);
        next
    }

    /// Appends what was decoded from bytes that were derived from this content.
    pub(super) fn graft(&mut self, decoded: Decoded) -> Result<(), Stop> {
        for node in decoded.nodes {
            let depth = self.depth.saturating_add(node.depth);
            if depth > MAX_DEPTH {
                self.truncated = true;
                continue;
            }
            let place = self.push(node.label, node.value, node.kind, 0..0)?;
            self.nodes[place].depth = depth;
        }
        self.truncated |= decoded.truncated;
        if let Some(error) = decoded.error {
            self.field("error", error, NodeKind::Note, 0..0)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self, decoder: Decoder, result: Result<(), Stop>) -> Decoded {
        let error = match result {
            Ok(()) => None,
            Err(Stop::Full) => {
                self.truncated = true;
                None
            }
            Err(Stop::Wrong(at, why)) => {
                let mut error = String::from("byte ");
                error.push_str(&at.to_string());
                error.push_str(": ");
                error.push_str(why);
                Some(error)
            }
        };
        if self.summary.is_empty() && !self.nodes.is_empty() {
            self.say_node(0);
        }
        Decoded {
            decoder,
            summary: self.summary,
            nodes: self.nodes,
            error,
            truncated: self.truncated,
        }
    }
}

/// Appends text to a line of at most `room` characters: controls are escaped, and `…` stands for the rest. Returns false when there is no room
/// left.
pub(super) fn append_line(out: &mut String, text: &str, room: &mut usize) -> bool {
    for char in text.chars() {
        let escaped = match char {
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ => "",
        };
        let width = match escaped.len() {
            0 if char.is_control() => 4,
            0 => 1,
            width => width,
        };
        if *room <= width {
            if *room > 0 {
                out.push('…');
            }
            *room = 0;
            return false;
        }
        *room -= width;
        if !escaped.is_empty() {
            out.push_str(escaped);
        } else if char.is_control() {
            // The controls are U+0000 to U+001F and U+007F to U+009F: two digits are enough.
            out.push_str("\\x");
            push_hex(out, char as u8);
        } else {
            out.push(char);
        }
    }
    true
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars().take(MAX_SUMMARY) {
        if matches!(char, '"' | '\\') {
            out.push('\\');
        }
        out.push(char);
    }
    out.push('"');
}

/// Appends two hex digits.
pub(super) fn push_hex(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 0xF)]));
}

/// Bytes as hex, cut when long.
pub(super) fn hex(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    let mut out = String::with_capacity(2 * bytes.len().min(SHOWN) + 3);
    for &byte in bytes.iter().take(SHOWN) {
        push_hex(&mut out, byte);
    }
    if bytes.len() > SHOWN {
        out.push('…');
    }
    out
}

/// Text for the value of a node: cut when long, with replacement characters where it is not UTF-8.
pub(super) fn text_value(bytes: &[u8]) -> String {
    if bytes.len() <= MAX_VALUE {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut end = MAX_VALUE;
    while end > MAX_VALUE - 4 && bytes[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    let mut text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    text.push('…');
    text
}
