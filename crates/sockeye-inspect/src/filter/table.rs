//! The terms of the language: names, examples, and what their values are.

use super::{Term, program::Field};
use crate::Severity;

/// What a term's value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Names(&'static [(&'static str, Field, u64, u64)]),
    Opcode,
    Rule,
    Number(Field),
    Size(Field),
    Ratio,
    Time,
    Flag(Field),
    Text,
    Hex,
    Json,
}

const fn term(
    name: &'static str,
    shape: Shape,
    example: &'static str,
    help: &'static str,
) -> (Term, Shape) {
    let term = Term {
        name,
        example,
        help,
    };
    (term, shape)
}

const COUNT: usize = 21;

/// Every term, in the order of the help.
pub(super) const TERMS: [(Term, Shape); COUNT] = [
    term(
        "dir",
        Shape::Names(&[
            ("c2s", Field::Direction, 0, 0),
            ("s2c", Field::Direction, 1, 1),
        ]),
        "dir:c2s",
        "sent by the client (c2s) or the server (s2c)",
    ),
    term(
        "op",
        Shape::Opcode,
        "op:ping,pong",
        "the opcode: a name, control, data, or a number such as 0x3",
    ),
    term(
        "size",
        Shape::Size(Field::Payload),
        "size>1k",
        "length of the payload on the wire; k is 1000, Ki is 1024",
    ),
    term(
        "wire",
        Shape::Size(Field::Wire),
        "wire:2..6",
        "length of the frame with its header",
    ),
    term(
        "inflated",
        Shape::Size(Field::Inflated),
        "inflated>1M",
        "length of a compressed message after inflation",
    ),
    term(
        "ratio",
        Shape::Ratio,
        "ratio<0.5",
        "compressed length of a message divided by its length",
    ),
    term(
        "rule",
        Shape::Rule,
        "rule:frame-mask-missing",
        "breaks a rule: its name, a beginning and *, or a section (5.1, 7692:7.2)",
    ),
    term(
        "severity",
        Shape::Names(&[
            ("violation", Field::Severity, 3, 3),
            ("advice", Field::Severity, 2, 2),
            ("information", Field::Severity, 1, 1),
            ("any", Field::Severity, 1, 3),
            ("none", Field::Severity, 0, 0),
        ]),
        "severity:violation",
        "the worst finding of the frame",
    ),
    term(
        "conn",
        Shape::Number(Field::Connection),
        "conn:3",
        "number of the connection",
    ),
    term(
        "frame",
        Shape::Number(Field::Number),
        "frame:100..200",
        "number of the frame",
    ),
    term(
        "t",
        Shape::Time,
        "t>1.2s",
        "time since the first packet, in s, ms, us, ns, min or h",
    ),
    term("fin", Shape::Flag(Field::Fin), "fin:0", "the FIN bit"),
    term("rsv1", Shape::Flag(Field::Rsv1), "rsv1:1", "the RSV1 bit"),
    term("rsv2", Shape::Flag(Field::Rsv2), "rsv2:1", "the RSV2 bit"),
    term("rsv3", Shape::Flag(Field::Rsv3), "rsv3:1", "the RSV3 bit"),
    term(
        "masked",
        Shape::Flag(Field::Masked),
        "masked:0",
        "whether the payload is masked",
    ),
    term(
        "compressed",
        Shape::Flag(Field::Compressed),
        "compressed:1",
        "whether it belongs to a compressed message",
    ),
    term(
        "code",
        Shape::Number(Field::CloseCode),
        "code:1006",
        "the code of a Close frame",
    ),
    term(
        "text",
        Shape::Text,
        "text:/tick|tock/i",
        "the message has this text, or matches this regular expression",
    ),
    term(
        "hex",
        Shape::Hex,
        "hex:\"de ad\"",
        "the message has these bytes",
    ),
    term(
        "json",
        Shape::Json,
        "json:$.type==\"tick\"",
        "the message is JSON, with this value at this path",
    ),
];

/// The two of `is`, which stand for no field that has a name of its own.
pub(super) const IS: (Term, [&str; 2]) = (
    Term {
        name: "is",
        example: "is:message",
        help: "message: the first frame of one; fragment: a part of a message of several frames",
    },
    ["message", "fragment"],
);

/// The terms without what their values are.
pub(super) const HELP: [Term; COUNT + 1] = {
    let mut help = [IS.0; COUNT + 1];
    let mut at = 0;
    while at < COUNT {
        // `is` comes behind `op`.
        help[if at < 2 { at } else { at + 1 }] = TERMS[at].0;
        at += 1;
    }
    help
};

/// Names of opcodes and which they are.
pub(super) const OPCODES: [(&str, u16); 8] = [
    ("text", 1 << 1),
    ("binary", 1 << 2),
    ("continuation", 1),
    ("ping", 1 << 9),
    ("pong", 1 << 10),
    ("close", 1 << 8),
    ("control", 0xFF00),
    ("data", 0x00FF),
];

/// What the names of severities stand for has to be what the index says.
const _: () = assert!(
    Severity::Violation as u64 == 2
        && Severity::Advice as u64 == 1
        && Severity::Information as u64 == 0
);
