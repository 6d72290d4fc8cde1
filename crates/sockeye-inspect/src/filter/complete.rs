//! What can be typed next.

use super::{
    Completion,
    table::{IS, OPCODES, Shape, TERMS},
};
use crate::{Capture, Rule};

/// How many are given.
const MOST: usize = 100;

pub(super) fn completions(text: &str, cursor: usize, capture: Option<&Capture>) -> Vec<Completion> {
    let mut cursor = cursor.min(text.len());
    while !text.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let before = &text[..cursor];
    let mut quoted = false;
    let mut start = 0;
    let mut is_escaped = false;
    for (at, char) in before.char_indices() {
        match char {
            '"' if !is_escaped => quoted = !quoted,
            '(' | ')' if !quoted => start = at + 1,
            char if char.is_whitespace() && !quoted => start = at + char.len_utf8(),
            '-' | '!' if at == start => start = at + 1,
            _ => {}
        }
        is_escaped = char == '\\' && !is_escaped;
    }
    let mut list = List {
        found: Vec::new(),
        replace: start..cursor,
        typed: &before[start..],
    };
    if quoted {
        return list.found;
    }
    match list.typed.find(':') {
        Some(colon) => {
            let name = &list.typed[..colon];
            let comma = list.typed[colon..]
                .rfind(',')
                .map_or(0, |comma| comma + colon);
            let value = start + comma.max(colon) + 1;
            list.replace.start = value;
            list.typed = &before[value..];
            values(&mut list, name, capture);
        }
        None => names(&mut list, !before[..start].trim().is_empty()),
    }
    list.found
}

struct List<'a> {
    found: Vec<Completion>,
    replace: core::ops::Range<usize>,
    typed: &'a str,
}

impl List<'_> {
    fn add(&mut self, text: &str, help: &'static str) {
        if text.starts_with(self.typed) && text != self.typed && self.found.len() < MOST {
            self.found.push(Completion {
                replace: self.replace.clone(),
                text: text.to_owned(),
                help,
            });
        }
    }
}

fn names(list: &mut List<'_>, is_behind_another: bool) {
    for (term, shape) in TERMS {
        let sign = match shape {
            Shape::Size(_) | Shape::Time => ">",
            Shape::Ratio => "<",
            _ => ":",
        };
        list.add(&[term.name, sign].concat(), term.help);
        if term.name == "op" {
            list.add("is:", IS.0.help);
        }
    }
    if is_behind_another {
        list.add("and ", "both sides (as a space does)");
        list.add("or ", "either side");
    }
    list.add("not ", "what the next term does not select");
}

fn values(list: &mut List<'_>, name: &str, capture: Option<&Capture>) {
    if name == IS.0.name {
        list.add(IS.1[0], "the first frame of a message, or a control frame");
        list.add(IS.1[1], "a part of a message of several frames");
        return;
    }
    let Some((term, shape)) = TERMS.iter().find(|(term, _)| term.name == name) else {
        return;
    };
    match shape {
        Shape::Names(names) => {
            for (name, ..) in *names {
                list.add(name, term.help);
            }
        }
        Shape::Opcode => {
            for (name, _) in OPCODES {
                let help = match name {
                    "control" => "Close, Ping and Pong",
                    "data" => "text, binary and continuation",
                    _ => "frames with this opcode",
                };
                list.add(name, help);
            }
        }
        Shape::Rule => {
            // What the capture breaks comes first.
            let counted: Vec<Rule> = capture
                .map(|capture| capture.finding_counts().map(|(rule, _)| rule).collect())
                .unwrap_or_default();
            let others = Rule::all().filter(|rule| !counted.contains(rule));
            for rule in counted.iter().copied().chain(others) {
                list.add(rule.id(), rule.title());
            }
        }
        Shape::Flag(_) => {
            list.add("1", "set");
            list.add("0", "not set");
        }
        Shape::Number(super::program::Field::Connection) => {
            for connection in capture
                .into_iter()
                .flat_map(Capture::connections)
                .take(1_000)
            {
                list.add(&connection.number.to_string(), "a connection");
            }
        }
        Shape::Number(super::program::Field::CloseCode) => {
            for (code, help) in CODES {
                list.add(code, help);
            }
        }
        Shape::Text => list.add("\"", "text, up to the next quote"),
        Shape::Hex => list.add("\"", "pairs of hex digits"),
        Shape::Json => list.add("$.", "a path into the message"),
        _ => {}
    }
}

/// RFC 6455 §7.4.1 and what IANA added.
const CODES: [(&str, &str); 14] = [
    ("1000", "normal closure"),
    ("1001", "going away"),
    ("1002", "protocol error"),
    ("1003", "unsupported data"),
    ("1005", "no status: never on the wire"),
    ("1006", "abnormal closure: never on the wire"),
    ("1007", "invalid payload data"),
    ("1008", "policy violation"),
    ("1009", "message too big"),
    ("1010", "mandatory extension"),
    ("1011", "internal error"),
    ("1012", "service restart"),
    ("1013", "try again later"),
    ("1014", "bad gateway"),
];
