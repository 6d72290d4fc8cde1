//! Lays out JSON without changing a token: numbers keep their digits, and names that are there twice stay.

use serde::de::IgnoredAny;

/// What a token is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Punctuation,
    Name,
    Text,
    /// A number, `true`, `false` or `null`.
    Literal,
}

/// Lays out `text`, each token through `paint`; `None` if it is not JSON, or nested too deep to be read by
/// anybody.
pub(super) fn lay_out(text: &str, paint: impl Fn(Token, &str) -> String) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut out = String::new();
    let mut depth = 0_usize;
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let len = token_len(rest);
        let (token, behind) = rest.split_at_checked(len)?;
        rest = behind.trim_start();
        match first {
            '{' | '[' => {
                out.push_str(&paint(Token::Punctuation, token));
                let close = if first == '{' { '}' } else { ']' };
                if let Some(behind) = rest.strip_prefix(close) {
                    out.push_str(&paint(Token::Punctuation, close.encode_utf8(&mut [0; 4])));
                    rest = behind.trim_start();
                } else {
                    depth += 1;
                    // The indentation grows with the square of the depth.
                    if depth > DEPTH {
                        return None;
                    }
                    break_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut out, depth);
                out.push_str(&paint(Token::Punctuation, token));
            }
            ',' => {
                out.push_str(&paint(Token::Punctuation, token));
                break_line(&mut out, depth);
            }
            ':' => {
                out.push_str(&paint(Token::Punctuation, token));
                out.push(' ');
            }
            '"' if rest.starts_with(':') => out.push_str(&paint(Token::Name, token)),
            '"' => out.push_str(&paint(Token::Text, token)),
            _ => out.push_str(&paint(Token::Literal, token)),
        }
    }
    Some(out)
}

/// How long the token at the beginning of valid JSON is.
fn token_len(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate();
    match bytes.next() {
        Some((_, b'"')) => {
            let mut escaped = false;
            let end = bytes.find(|&(_, byte)| {
                let ends = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                ends
            });
            end.map_or(text.len(), |(index, _)| index + 1)
        }
        Some((_, b'{' | b'}' | b'[' | b']' | b',' | b':')) => 1,
        _ => text
            .find(|c: char| matches!(c, '}' | ']' | ',' | ':') || c.is_ascii_whitespace())
            .unwrap_or(text.len()),
    }
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// Levels that are laid out.
const DEPTH: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Option<String> {
        lay_out(text, |_, token| token.into())
    }

    #[test]
    fn objects_and_lists_take_a_line_for_each_entry() {
        assert_eq!(
            plain(r#" {"a":[1,2.50,-1e9],"b":{"c":"x, \"y\" {"},"d":[],"e":{ },"a":null} "#)
                .as_deref(),
            Some(
                r#"{
  "a": [
    1,
    2.50,
    -1e9
  ],
  "b": {
    "c": "x, \"y\" {"
  },
  "d": [],
  "e": {},
  "a": null
}"#
            )
        );
    }

    #[test]
    fn single_values_stay() {
        for text in ["1", "\"a\\\\\"", "true", "123456789012345678901234567890"] {
            assert_eq!(plain(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_not_json_is_not_touched() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for text in ["", "hello", "{\"a\":}", "[1,]", "1 2", &deep] {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn tokens_are_told_apart() {
        let marked = lay_out(r#"{"a":["b",1]}"#, |token, text| match token {
            Token::Punctuation => text.into(),
            Token::Name => format!("N{text}"),
            Token::Text => format!("T{text}"),
            Token::Literal => format!("L{text}"),
        });
        assert_eq!(
            marked.as_deref(),
            Some("{\n  N\"a\": [\n    T\"b\",\n    L1\n  ]\n}")
        );
    }
}
