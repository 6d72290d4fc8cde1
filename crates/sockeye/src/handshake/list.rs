//! The grammar of header fields: tokens, lists ([RFC 9110 §5.6](https://www.rfc-editor.org/rfc/rfc9110#section-5.6)) and extensions
//! with their parameters ([RFC 6455 §9.1](https://www.rfc-editor.org/rfc/rfc6455#section-9.1)).
//!
//! Every function here goes over its input once, whatever is in it.

/// A list that does not follow its grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Whether the byte may be in a token.
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES[byte as usize]
}

/// Whether the bytes are a token.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

/// Whether the bytes may be a field value: visible bytes, spaces and tabs, and bytes above ASCII.
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    // Without a branch or a table, so that compilers vectorise it.
    let is_value_byte = |byte: u8| ((byte >= b' ') & (byte != 0x7f)) | (byte == b'\t');
    bytes
        .iter()
        .fold(true, |all, &byte| all & is_value_byte(byte))
}

/// Whether the bytes are visible ASCII, at least one.
pub(crate) fn is_visible(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic)
}

/// The bytes without spaces and tabs at either end.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let Some(start) = bytes.iter().position(|&byte| !is_space(byte)) else {
        return &[];
    };
    let end = bytes.iter().rposition(|&byte| !is_space(byte));
    bytes.get(start..=end.unwrap_or(start)).unwrap_or_default()
}

/// The parts between separators. Not `slice::split`, which is compiled anew for each separator and each way to go over it.
pub(crate) fn split(bytes: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    core::iter::from_fn(move || {
        let bytes = rest?;
        let Some(at) = bytes.iter().position(|&byte| byte == separator) else {
            return rest.take();
        };
        rest = bytes.get(at + 1..);
        bytes.get(..at)
    })
}

/// The elements of a list of tokens. Empty ones are left out; what is not a token is `Err`.
pub(crate) fn tokens(value: &[u8]) -> impl Iterator<Item = Result<&str, Malformed>> {
    let mut elements = split(value, b',');
    core::iter::from_fn(move || {
        loop {
            let element = trim(elements.next()?);
            if !element.is_empty() {
                return Some(token_str(element).ok_or(Malformed));
            }
        }
    })
}

/// Whether the list has this element, in any case.
pub(crate) fn contains_token(value: &[u8], token: &[u8]) -> bool {
    split(value, b',').any(|element| trim(element).eq_ignore_ascii_case(token))
}

/// The elements of one `Sec-WebSocket-Extensions` value. Nothing follows an `Err`.
pub(crate) fn extensions(value: &[u8]) -> Extensions<'_> {
    Extensions { rest: value }
}

/// Iterator over [`extensions`].
#[derive(Clone, Debug)]
pub(crate) struct Extensions<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Result<Extension<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        // RFC 9110 §5.6.1.2: empty elements are skipped.
        let start = (self.rest.iter()).position(|&byte| !is_space(byte) && byte != b',');
        let mut cursor = Cursor(self.rest.get(start?..).unwrap_or_default());
        self.rest = &[];
        let extension = cursor.extension();
        if extension.is_ok() {
            self.rest = cursor.0;
        }
        Some(extension)
    }
}

/// An extension and its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    pub(crate) name: &'a str,
    /// What follows the name. Checked.
    parameters: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The parameters in their order.
    pub(crate) fn parameters(self) -> impl Iterator<Item = Parameter<'a>> {
        let mut cursor = Cursor(self.parameters);
        core::iter::from_fn(move || cursor.parameter().ok().flatten())
    }
}

/// A parameter of an extension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: Option<Value<'a>>,
}

/// The value of a parameter: a token, perhaps in quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a>(&'a [u8]);

impl<'a> Value<'a> {
    /// The bytes of the token, escapes undone.
    pub(crate) fn bytes(self) -> impl Iterator<Item = u8> + 'a {
        // A backslash is no token byte: each one here escapes the byte after it.
        self.0.iter().copied().filter(|&byte| byte != b'\\')
    }
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn extension(&mut self) -> Result<Extension<'a>, Malformed> {
        let name = self.token()?;
        let start = self.0;
        while self.parameter()?.is_some() {}
        let len = start.len() - self.0.len();
        match self.0.first() {
            None | Some(b',') => Ok(Extension {
                name,
                parameters: start.get(..len).unwrap_or_default(),
            }),
            Some(_) => Err(Malformed),
        }
    }

    /// A semicolon and a parameter, if a semicolon is next.
    fn parameter(&mut self) -> Result<Option<Parameter<'a>>, Malformed> {
        if !self.take(b';') {
            return Ok(None);
        }
        self.skip_space();
        let name = self.token()?;
        let mut value = None;
        if self.take(b'=') {
            self.skip_space();
            value = Some(Value(if self.take(b'"') {
                self.quoted()?
            } else {
                self.token()?.as_bytes()
            }));
        }
        Ok(Some(Parameter { name, value }))
    }

    fn token(&mut self) -> Result<&'a str, Malformed> {
        let len = self.0.iter().position(|&byte| !is_token_byte(byte));
        let (token, rest) = self.0.split_at(len.unwrap_or(self.0.len()));
        self.0 = rest;
        token_str(token).ok_or(Malformed)
    }

    /// What stands before the closing quote, escapes as they are.
    fn quoted(&mut self) -> Result<&'a [u8], Malformed> {
        let mut escaped = false;
        for (at, &byte) in self.0.iter().enumerate() {
            match byte {
                b'\\' if !escaped => escaped = true,
                b'"' if !escaped => {
                    let (value, rest) = self.0.split_at(at);
                    self.0 = rest.get(1..).unwrap_or_default();
                    return if value.is_empty() {
                        Err(Malformed)
                    } else {
                        Ok(value)
                    };
                }
                // RFC 6455 §9.1: without its quotes and escapes, the value is a token.
                _ if is_token_byte(byte) => escaped = false,
                _ => return Err(Malformed),
            }
        }
        Err(Malformed)
    }

    /// Takes this byte and the space before it, if it is next.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        match self.0.split_first() {
            Some((&first, rest)) if first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn skip_space(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }
}

fn token_str(bytes: &[u8]) -> Option<&str> {
    if is_token(bytes) {
        core::str::from_utf8(bytes).ok()
    } else {
        None
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &[u8] =
        b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    while let [byte, tail @ ..] = rest {
        table[*byte as usize] = true;
        rest = tail;
    }
    table
};

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec, vec::Vec};

    use super::*;

    /// Each extension as `name;parameter=value`, quotes and escapes undone.
    fn parse(value: &str) -> Result<Vec<String>, Malformed> {
        extensions(value.as_bytes())
            .map(|extension| {
                let extension = extension?;
                let mut text = String::from(extension.name);
                for parameter in extension.parameters() {
                    text.push(';');
                    text.push_str(parameter.name);
                    if let Some(value) = parameter.value {
                        text.push('=');
                        text.extend(value.bytes().map(char::from));
                    }
                }
                Ok(text)
            })
            .collect()
    }

    #[test]
    fn extensions_of_rfc_6455_section_9_1_are_read() {
        assert_eq!(parse("foo"), Ok(vec!["foo".into()]));
        assert_eq!(parse("bar; baz=2"), Ok(vec!["bar;baz=2".into()]));
        assert_eq!(
            parse("foo, bar; baz=2"),
            Ok(vec!["foo".into(), "bar;baz=2".into()])
        );
        assert_eq!(
            parse("mux; max-channels=4; flow-control, deflate-stream"),
            Ok(vec![
                "mux;max-channels=4;flow-control".into(),
                "deflate-stream".into()
            ])
        );
    }

    #[test]
    fn quotes_and_escapes_of_a_parameter_are_undone() {
        assert_eq!(parse(r#"a; b="10""#), Ok(vec!["a;b=10".into()]));
        assert_eq!(
            parse(r#"a; b="\1\0" , c"#),
            Ok(vec!["a;b=10".into(), "c".into()])
        );
    }

    #[test]
    fn empty_elements_and_space_are_skipped() {
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(parse(" ,\t, "), Ok(vec![]));
        assert_eq!(
            parse(",, a ;b\t; c = 1 ,,d,"),
            Ok(vec!["a;b;c=1".into(), "d".into()])
        );
    }

    #[test]
    fn malformed_extensions_are_refused() {
        for value in [
            ";",
            "a;",
            "a;;b",
            "a; b=",
            "a b",
            "a; b c",
            "=1",
            "a=1",
            "a; =1",
            "a; b=\"",
            "a; b=\"1",
            "a; b=\"\"",
            "a; b=\"1\\\"",
            "a; b=\"1,2\"",
            "a; b=\"1 2\"",
            "a; b=\"\\\\\"",
            "a; b=\"1\"2",
            "a; b=c=d",
            "a; b, \u{e9}",
            "a/b",
            "\"a\"",
            "a; \"b\"",
        ] {
            assert_eq!(parse(value), Err(Malformed), "{value}");
        }
    }

    #[test]
    fn nothing_follows_a_malformed_element() {
        let mut elements = extensions(b"a;, b");
        assert!(elements.next().is_some_and(|element| element.is_err()));
        assert!(elements.next().is_none());
    }

    #[test]
    fn tokens_of_a_list_are_trimmed_and_checked() {
        let read = |value: &'static str| tokens(value.as_bytes()).collect::<Result<Vec<_>, _>>();
        assert_eq!(read("chat, superchat"), Ok(vec!["chat", "superchat"]));
        assert_eq!(read(" ,a\t,, b ,"), Ok(vec!["a", "b"]));
        assert_eq!(read("a b"), Err(Malformed));
        assert_eq!(read("a, \"b\""), Err(Malformed));
        assert_eq!(read("caf\u{e9}"), Err(Malformed));
        assert!(contains_token(b"keep-alive, Upgrade", b"upgrade"));
        assert!(!contains_token(b"keep-alive, upgraded", b"upgrade"));
        assert!(!contains_token(b"", b"upgrade"));
    }

    #[test]
    fn token_bytes_are_those_of_rfc_9110_section_5_6_2() {
        let tokens: String = (0..=255)
            .filter(|&byte| is_token_byte(byte))
            .map(char::from)
            .collect();
        assert_eq!(
            tokens,
            "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~"
        );
    }

    #[test]
    fn value_bytes_are_those_of_rfc_9110_section_5_5() {
        for byte in 0..=255 {
            let is_control = matches!(byte, 0..=8 | 10..=31 | 127);
            assert_eq!(is_value(&[byte]), !is_control, "{byte}");
            assert_eq!(
                is_value(&[&[b'x'; 40], &[byte][..]].concat()),
                !is_control,
                "{byte}"
            );
        }
    }

    /// CVE-2021-32640, CVE-2024-37890: a bomb of separators must cost one pass. Each element takes what it skipped off the input, so that
    /// the bytes looked at are those of the input.
    #[test]
    fn bombs_of_separators_are_read_in_one_pass() {
        for unit in [",", " ", "\t", ", ", " ,\t"] {
            let bomb = unit.repeat(1 << 20);
            assert_eq!(parse(&bomb), Ok(vec![]));
            assert_eq!(parse(&(bomb.clone() + "a")), Ok(vec!["a".into()]));
            assert_eq!(tokens(bomb.as_bytes()).count(), 0);
        }
        assert_eq!(
            parse(&("a".to_owned() + &" ".repeat(1 << 20) + "b")),
            Err(Malformed)
        );
        assert_eq!(
            parse(&("a; b=\"".to_owned() + &"\\".repeat(1 << 20))),
            Err(Malformed)
        );
        let extension = parse(&("a".to_owned() + &"; b=1".repeat(1 << 16)));
        assert_eq!(extension.map(|list| list[0].len()), Ok(1 + (4 << 16)));
    }

    use alloc::borrow::ToOwned;
}
