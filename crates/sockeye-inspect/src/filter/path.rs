//! `$.name[0] == value`: a place in JSON and what has to be there.

use super::{
    FilterError,
    parse::Parser,
    term::{example_error, read_operator},
};
use crate::decode::json;

/// A place in JSON, and what its value is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comparison {
    pub(super) path: Vec<Part>,
    /// `None`: it is enough that there is a value.
    pub(super) with: Option<(Operator, Value)>,
}

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `.name`
    Name(String),
    /// `[0]`
    Index(usize),
    /// `.*` or `[*]`: any of them.
    Any,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a value of JSON is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Text(String),
    /// `true`, `false` or `null`.
    Word(&'static str),
}

/// How deep JSON may be nested.
const MAX_DEPTH: usize = 64;

impl Comparison {
    /// Whether it is true of a text in JSON. False where that is no JSON up to the value.
    pub(super) fn is_true(&self, text: &[u8]) -> bool {
        self.find(text, json::skip_space(text, 0), &self.path, MAX_DEPTH)
            .is_some_and(|found| found.is_none())
    }

    /// `Some(None)`: it is true of the value at `at`. `Some(Some(end))`: it is not, and the value ends at `end`. `None`: this is no JSON.
    fn find(&self, text: &[u8], at: usize, path: &[Part], room: usize) -> Option<Option<usize>> {
        let Some((part, rest)) = path.split_first() else {
            let end = json::skip(text, at, room)?;
            return Some((!self.holds(text, at, end)).then_some(end));
        };
        let is_object = match (text.get(at)?, part) {
            (b'{', Part::Name(_) | Part::Any) => true,
            (b'[', Part::Index(_) | Part::Any) => false,
            _ => return json::skip(text, at, room).map(Some),
        };
        let room = room.checked_sub(1)?;
        let mut members = json::Members::new(text, at, is_object);
        let mut index = 0;
        while let Some((key, value)) = members.next()? {
            let is_wanted = match part {
                Part::Any => true,
                Part::Index(wanted) => *wanted == index,
                Part::Name(name) => is_key(text, key, name),
            };
            let end = if is_wanted {
                match self.find(text, value, rest, room)? {
                    None => return Some(None),
                    Some(end) => end,
                }
            } else {
                json::skip(text, value, room)?
            };
            members.at = end;
            index += 1;
        }
        Some(Some(members.at))
    }

    fn holds(&self, text: &[u8], start: usize, end: usize) -> bool {
        use core::cmp::Ordering::{Equal, Greater, Less};
        let Some((operator, wanted)) = &self.with else {
            return true;
        };
        let raw = &text[start..end];
        let order = match wanted {
            Value::Word(word) => (raw == word.as_bytes()).then_some(Equal),
            Value::Number(wanted) => str::from_utf8(raw)
                .ok()
                .filter(|raw| raw.starts_with(|char: char| char == '-' || char.is_ascii_digit()))
                .and_then(|raw| raw.parse::<f64>().ok())
                .and_then(|value| value.partial_cmp(wanted)),
            Value::Text(wanted) => (raw[0] == b'"')
                .then(|| json::unescape(text, start, end, usize::MAX).ok())
                .flatten()
                .map(|value| value.as_str().cmp(wanted)),
        };
        match operator {
            Operator::Equal => order == Some(Equal),
            Operator::NotEqual => order != Some(Equal),
            Operator::Less => order == Some(Less),
            Operator::LessOrEqual => matches!(order, Some(Less | Equal)),
            Operator::Greater => order == Some(Greater),
            Operator::GreaterOrEqual => matches!(order, Some(Greater | Equal)),
        }
    }
}

/// `$.name[0]=="value"`.
pub(super) fn comparison(parser: &mut Parser<'_>) -> Result<Comparison, FilterError> {
    const HOW: &str =
        "A path is `$`, then `.name`, `[\"name\"]`, `[0]` or `[*]`, then perhaps a comparison";
    const EXAMPLE: &str = "json:$.user.roles[0]==\"admin\"";
    let start = parser.at;
    let mut path = Vec::new();
    if !parser.eat("$") {
        parser.bare();
        return Err(example_error(parser, start, HOW, EXAMPLE));
    }
    loop {
        let from = parser.at;
        if parser.eat(".") {
            let rest = parser.rest();
            let end = rest
                .find(|char: char| {
                    char.is_whitespace()
                        || matches!(char, '.' | '[' | '=' | '!' | '<' | '>' | '(' | ')')
                })
                .unwrap_or(rest.len());
            parser.at += end;
            path.push(match &rest[..end] {
                "" => return Err(example_error(parser, from, HOW, EXAMPLE)),
                "*" => Part::Any,
                name => Part::Name(name.to_owned()),
            });
        } else if parser.eat("[") {
            let part = if parser.rest().starts_with('"') {
                Some(Part::Name(parser.value()?))
            } else if parser.eat("*") {
                Some(Part::Any)
            } else {
                let rest = parser.rest();
                let end = rest.find(']').unwrap_or(rest.len());
                parser.at += end;
                rest[..end].parse().ok().map(Part::Index)
            };
            match part {
                Some(part) if parser.eat("]") => path.push(part),
                _ => return Err(example_error(parser, from, HOW, EXAMPLE)),
            }
        } else {
            break;
        }
        if path.len() > 64 {
            return Err(example_error(parser, start, HOW, EXAMPLE));
        }
    }
    let from = parser.at;
    let operator = match parser.rest().starts_with(':') {
        true => None,
        false => read_operator(parser),
    };
    let Some(operator) = operator else {
        if parser.bare().is_empty() {
            return Ok(Comparison { path, with: None });
        }
        return Err(example_error(parser, from, HOW, EXAMPLE));
    };
    let is_quoted = parser.rest().starts_with('"');
    let value = parser.value()?;
    let value = match value.as_str() {
        "" if !is_quoted => return Err(example_error(parser, from, HOW, EXAMPLE)),
        _ if is_quoted => Value::Text(value),
        "true" => Value::Word("true"),
        "false" => Value::Word("false"),
        "null" => Value::Word("null"),
        text => match text.parse() {
            Ok(number) if text.starts_with(|char: char| char == '-' || char.is_ascii_digit()) => {
                Value::Number(number)
            }
            _ => Value::Text(value),
        },
    };
    Ok(Comparison {
        path,
        with: Some((operator, value)),
    })
}

/// Whether the key with these quotes is `name`.
fn is_key(text: &[u8], (start, end): (usize, usize), name: &str) -> bool {
    let inner = &text[start + 1..end - 1];
    if !inner.contains(&b'\\') {
        return inner == name.as_bytes();
    }
    json::unescape(text, start, end, usize::MAX).is_ok_and(|key| key == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(path: &[Part], with: Option<(Operator, Value)>) -> Comparison {
        Comparison {
            path: path.to_vec(),
            with,
        }
    }

    fn name(name: &str) -> Part {
        Part::Name(name.to_owned())
    }

    #[test]
    fn path_leads_through_objects_and_arrays() {
        let text = br#" {"a":{"x":"]}"},"b":[1,{"c\u0020d":"tick\n"},[]], "e": null} "#;
        let is_true = |path: &[Part], with| comparison(path, with).is_true(text);
        let tick = || Some((Operator::Equal, Value::Text("tick\n".into())));
        assert!(is_true(&[name("b"), Part::Index(1), name("c d")], tick()));
        assert!(is_true(&[Part::Any, Part::Any, Part::Any], tick()));
        assert!(!is_true(&[name("b"), Part::Index(0), name("c d")], tick()));
        assert!(is_true(&[name("b"), Part::Index(2)], None));
        assert!(!is_true(&[name("b"), Part::Index(3)], None));
        let null = Some((Operator::Equal, Value::Word("null")));
        assert!(is_true(&[name("e")], null));
        assert!(is_true(&[], None));
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_text_as_text() {
        use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let text = br#"{"n":1.5e1,"s":"15"}"#;
        for (operator, wanted, expected) in [
            (Equal, 15.0, true),
            (NotEqual, 15.0, false),
            (Less, 15.5, true),
            (LessOrEqual, 15.0, true),
            (Greater, 15.0, false),
            (GreaterOrEqual, 15.0, true),
        ] {
            let with = Some((operator, Value::Number(wanted)));
            let found = comparison(&[name("n")], with.clone()).is_true(text);
            assert_eq!(found, expected, "{operator:?}");
            let found = comparison(&[name("s")], with).is_true(text);
            assert_eq!(found, operator == NotEqual, "{operator:?} of a string");
        }
    }

    #[test]
    fn broken_json_is_false_from_where_it_breaks() {
        let is_true = |text: &[u8]| comparison(&[name("b")], None).is_true(text);
        assert!(is_true(br#"{"a":1,"b":2,broken"#));
        assert!(!is_true(br#"{"a":1 "b":2}"#));
        assert!(!is_true(br#"{"a":"#));
        assert!(!is_true(b""));
        let deep = [&b"{\"b\":"[..], &vec![b'['; 100_000]].concat();
        assert!(!is_true(&deep));
    }
}
