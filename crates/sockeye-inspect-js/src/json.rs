//! Writes JSON: the few kinds of values that the page gets.

use core::fmt::Write as _;

/// JSON under construction.
#[derive(Default)]
pub(crate) struct Json {
    text: String,
    /// Whether something stands before the next value or key.
    follows: bool,
}

impl Json {
    /// The text of one value.
    pub(crate) fn of(fill: impl FnOnce(&mut Self)) -> String {
        let mut json = Self::default();
        fill(&mut json);
        json.text
    }

    /// `{…}`, filled with [`Self::field`] and its likes.
    pub(crate) fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        self.nested('{', '}', fill);
    }

    /// `[…]` of what `write` writes of each item.
    pub(crate) fn array<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.nested('[', ']', |json| {
            for item in items {
                write(json, item);
            }
        });
    }

    /// A key; its value has to follow.
    pub(crate) fn key(&mut self, key: &str) -> &mut Self {
        self.separate();
        self.quote(key);
        self.text.push(':');
        self.follows = false;
        self
    }

    /// A key and its value.
    pub(crate) fn field(&mut self, key: &str, value: impl Value) {
        self.key(key);
        value.write(self);
    }

    /// A value.
    pub(crate) fn value(&mut self, value: impl Value) {
        value.write(self);
    }

    fn nested(&mut self, open: char, close: char, fill: impl FnOnce(&mut Self)) {
        self.separate();
        self.text.push(open);
        self.follows = false;
        fill(self);
        self.text.push(close);
        self.follows = true;
    }

    fn separate(&mut self) {
        if self.follows {
            self.text.push(',');
        }
        self.follows = true;
    }

    fn quote(&mut self, text: &str) {
        self.text.push('"');
        for char in text.chars() {
            match char {
                '"' | '\\' => {
                    self.text.push('\\');
                    self.text.push(char);
                }
                '\0'..='\x1f' => {
                    // Writing to a string cannot fail.
                    let _ = write!(self.text, "\\u{:04x}", u32::from(char));
                }
                _ => self.text.push(char),
            }
        }
        self.text.push('"');
    }

    fn raw(&mut self, text: &str) {
        self.separate();
        self.text.push_str(text);
    }
}

/// A value that is neither object nor array.
pub(crate) trait Value {
    /// Writes it.
    fn write(self, json: &mut Json);
}

impl Value for &str {
    fn write(self, json: &mut Json) {
        json.separate();
        json.quote(self);
    }
}

impl Value for String {
    fn write(self, json: &mut Json) {
        self.as_str().write(json);
    }
}

impl Value for bool {
    fn write(self, json: &mut Json) {
        json.raw(if self { "true" } else { "false" });
    }
}

/// `null` stands for what is not a number, too.
impl Value for f64 {
    fn write(self, json: &mut Json) {
        if self.is_finite() {
            json.raw(&self.to_string());
        } else {
            json.raw("null");
        }
    }
}

/// As JavaScript has it: exact to 2^53.
impl Value for u64 {
    fn write(self, json: &mut Json) {
        json.raw(&self.to_string());
    }
}

impl Value for u32 {
    fn write(self, json: &mut Json) {
        u64::from(self).write(json);
    }
}

impl Value for u16 {
    fn write(self, json: &mut Json) {
        u64::from(self).write(json);
    }
}

impl Value for u8 {
    fn write(self, json: &mut Json) {
        u64::from(self).write(json);
    }
}

impl Value for usize {
    fn write(self, json: &mut Json) {
        (self as u64).write(json);
    }
}

impl<T: Value> Value for Option<T> {
    fn write(self, json: &mut Json) {
        match self {
            Some(value) => value.write(json),
            None => json.raw("null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_separated_and_nested() {
        let text = Json::of(|json| {
            json.object(|json| {
                json.field("name", "a\"b\\c\n\u{1f41f}");
                json.field("none", None::<u32>);
                json.field("unknown", f64::NAN);
                json.field("time", 1.5);
                json.key("rows").array([1_u32, 2], |json, row| {
                    json.array([row], Json::value);
                });
                json.key("empty").object(|_| {});
                json.field("yes", true);
            });
        });
        assert_eq!(
            text,
            r#"{"name":"a\"b\\c\u000a🐟","none":null,"unknown":null,"time":1.5,"rows":[[1],[2]],"empty":{},"yes":true}"#
        );
    }
}
