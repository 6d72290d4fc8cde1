//! Messages as the tests write them, and trees as they read them.

use super::*;

/// A message and what is known of it: to the client unless it is said otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    content: &'static [u8],
    hints: Hints<'static>,
}

impl Message {
    pub(super) const fn text(content: &'static [u8]) -> Self {
        Self {
            content,
            hints: Hints::new(1, Direction::ToClient),
        }
    }

    pub(super) const fn binary(content: &'static [u8]) -> Self {
        Self {
            content,
            hints: Hints::new(2, Direction::ToClient),
        }
    }

    pub(super) const fn to_server(mut self) -> Self {
        self.hints.direction = Direction::ToServer;
        self
    }

    pub(super) const fn subprotocol(mut self, name: &'static str) -> Self {
        self.hints.subprotocol = Some(name);
        self
    }

    pub(super) const fn target(mut self, target: &'static str) -> Self {
        self.hints.target = Some(target);
        self
    }

    /// Decodes it, and compares with these lines: the decoder and the summary, then each node, then what is wrong.
    #[track_caller]
    pub(super) fn is(self, expected: &[&str]) {
        let shown = shown(self.content, &self.hints);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines, expected);
    }
}

/// The lines that stand for what a message is decoded as.
pub(super) fn shown(content: &[u8], hints: &Hints<'_>) -> String {
    let Some(decoded) = decode(content, hints) else {
        return String::from("nothing");
    };
    let mut out = format!("{}: {}\n", decoded.decoder.name(), decoded.summary);
    for node in &decoded.nodes {
        let indent = "  ".repeat(node.depth.into());
        let value = node.value.escape_debug();
        let (kind, bytes) = (node.kind.name(), &node.bytes);
        let label = &node.label;
        out += &format!("{indent}{label}: {value} ({kind} {bytes:?})\n");
    }
    if let Some(error) = decoded.error {
        out += &format!("error: {error}\n");
    }
    out
}
