//! tnetstrings: `5:hello,` and such, with lists and dictionaries of them.

use core::ops::Range;

/// A value, and where its payload lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// `,` bytes, `;` text, `#` integer, `^` float, `!` boolean, `~` null, `]` list, `}` dictionary.
    pub(super) kind: u8,
    pub(super) payload: Range<usize>,
}

/// The value that begins at `at`, and where the next one begins; `None` where it is none.
pub(super) fn value(bytes: &[u8], at: usize) -> Option<(Value, usize)> {
    let digits = digits(bytes.get(at..)?)?;
    let len: usize = str::from_utf8(&bytes[at..at + digits]).ok()?.parse().ok()?;
    let start = at + digits + 1;
    let end = start.checked_add(len)?;
    let kind = *bytes.get(end)?;
    let payload = start..end;
    b",;#^!~]}"
        .contains(&kind)
        .then_some((Value { kind, payload }, end + 1))
}

/// The number of digits before the colon: 1 to 12.
pub(super) fn digits(bytes: &[u8]) -> Option<usize> {
    let digits = bytes
        .iter()
        .take(13)
        .position(|byte| !byte.is_ascii_digit())?;
    ((1..=12).contains(&digits) && bytes[digits] == b':').then_some(digits)
}

/// Bytes with tnetstrings in them, and one value that is looked into.
#[derive(Clone, Debug)]
pub(super) struct View<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) value: Value,
}

impl<'a> View<'a> {
    /// The elements of a list or dictionary, which has keys and values in turn. They end at the first that is broken.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> + use<'a> {
        let container = matches!(self.value.kind, b']' | b'}');
        let bytes = self.bytes.get(..self.value.payload.end).unwrap_or_default();
        let mut at = self.value.payload.start;
        core::iter::from_fn(move || {
            let (value, next) = container.then(|| value(bytes, at))??;
            at = next;
            Some(Self { bytes, value })
        })
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let mut items = self.items();
        while let (Some(name), Some(value)) = (items.next(), items.next()) {
            if name.payload() == key.as_bytes() {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn payload(&self) -> &'a [u8] {
        self.bytes
            .get(self.value.payload.clone())
            .unwrap_or_default()
    }

    /// Bytes or text as text.
    pub(super) fn text(&self) -> Option<String> {
        matches!(self.value.kind, b',' | b';')
            .then(|| String::from_utf8_lossy(self.payload()).into_owned())
    }

    /// An integer or a float.
    pub(super) fn number(&self) -> Option<f64> {
        matches!(self.value.kind, b'#' | b'^')
            .then(|| str::from_utf8(self.payload()).ok()?.parse().ok())?
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        (self.value.kind == b'!').then(|| self.payload() == b"true")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_key_and_place() {
        let bytes = b"41:1:a;2:12#1:b;14:1:x,4:true!0:~]1:c;3:1.5^}";
        let (value, next) = value(bytes, 0).expect("it is one");
        assert_eq!((value.kind, next), (b'}', bytes.len()));
        let view = View { bytes, value };
        assert_eq!(view.get("a").and_then(|value| value.number()), Some(12.0));
        assert_eq!(view.get("c").and_then(|value| value.number()), Some(1.5));
        let list = view.get("b").expect("it is there");
        let kinds: Vec<u8> = list.items().map(|item| item.value.kind).collect();
        assert_eq!(kinds, b",!~");
        assert!(view.get("d").is_none());
    }

    #[test]
    fn what_is_no_tnetstring_is_none() {
        for bytes in [
            "",
            ":",
            "3",
            "3:",
            "3:ab",
            "3:abc",
            "3:abc?",
            "1234567890123:",
            "-1:,",
            "99999999999:a,",
        ] {
            assert_eq!(value(bytes.as_bytes(), 0), None, "{bytes}");
        }
    }
}
