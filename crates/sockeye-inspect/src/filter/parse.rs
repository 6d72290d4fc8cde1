//! Reads a filter: words, parentheses and terms. Terms are in `term.rs`.

use core::ops::Range;

use super::{
    FilterError,
    pattern::Pattern,
    program::{Content, Expression, Test},
    term,
};

/// How deep parentheses and `not` may be nested.
const MAX_DEPTH: u32 = 64;
/// How many tests a filter may have.
const MAX_TESTS: usize = 1_000;

/// A place in the text of a filter.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    tests: usize,
}

impl<'a> Parser<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            tests: 0,
        }
    }

    /// The whole text; `None`: there is nothing in it.
    pub(super) fn filter(&mut self) -> Result<Option<Expression>, FilterError> {
        self.skip_space();
        if self.rest().is_empty() {
            return Ok(None);
        }
        let expression = self.either(0)?;
        if self.rest().is_empty() {
            return Ok(Some(expression));
        }
        Err(self.error(1, "This `)` closes nothing."))
    }

    fn either(&mut self, depth: u32) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all(depth)?];
        while self.eat_word(&["or", "||", "|"]) {
            parts.push(self.all(depth)?);
        }
        Ok(single(parts, Expression::Or))
    }

    fn all(&mut self, depth: u32) -> Result<Expression, FilterError> {
        let mut parts = vec![self.unary(depth)?];
        loop {
            let said = self.eat_word(&["and", "&&", "&"]);
            let ends = self.rest().is_empty()
                || self.rest().starts_with([')', '|'])
                || self.peeks_word("or");
            if ends && !said {
                return Ok(single(parts, Expression::And));
            }
            parts.push(self.unary(depth)?);
        }
    }

    fn unary(&mut self, depth: u32) -> Result<Expression, FilterError> {
        if depth == MAX_DEPTH {
            return Err(self.error(1, "Parentheses and `not` are nested more than 64 deep."));
        }
        if self.eat_word(&["not", "!"]) || self.eat("-") {
            self.skip_space();
            return Ok(Expression::Not(Box::new(self.unary(depth + 1)?)));
        }
        let start = self.at;
        if !self.eat("(") {
            let expression = self.term()?;
            self.skip_space();
            return Ok(expression);
        }
        self.skip_space();
        let expression = self.either(depth + 1)?;
        if !self.eat(")") {
            return Err(FilterError::new(
                start..start + 1,
                "This `(` is not closed: a `)` is missing.",
            ));
        }
        self.skip_space();
        Ok(expression)
    }

    fn term(&mut self) -> Result<Expression, FilterError> {
        self.tests += 1;
        if self.tests > MAX_TESTS {
            return Err(self.error(1, "A filter has at most 1,000 terms."));
        }
        let start = self.at;
        if self.rest().starts_with(['"', '/']) {
            return self.searched().map(content);
        }
        let len = self
            .rest()
            .find(|char: char| !char.is_ascii_alphanumeric())
            .unwrap_or_else(|| self.rest().len());
        let name = &self.rest()[..len];
        self.at += len;
        term::read(self, name, start)
    }

    /// The text or regular expression that is searched for.
    pub(super) fn searched(&mut self) -> Result<Content, FilterError> {
        let start = self.at;
        if !self.eat("/") {
            let text = self.value()?;
            if text.is_empty() {
                return Err(FilterError::new(
                    start..self.at,
                    "Text to search for is missing, such as `text:\"hello\"` or `text:/h.llo/i`.",
                ));
            }
            return Ok(Content::bytes(text.as_bytes()));
        }
        let mut pattern = String::new();
        let mut chars = self.rest().char_indices();
        let end = loop {
            match chars.next() {
                Some((at, '/')) => break at,
                Some((_, '\\')) => match chars.next() {
                    Some((_, '/')) => pattern.push('/'),
                    Some((_, char)) => pattern.extend(['\\', char]),
                    None => {}
                },
                Some((_, char)) => pattern.push(char),
                None => {
                    return Err(FilterError::new(
                        start..self.text.len(),
                        "The regular expression is not closed: a `/` is missing.",
                    ));
                }
            }
        };
        self.at += end + 1;
        let flags = self.bare();
        if flags.chars().any(|flag| !matches!(flag, 'i' | 'm' | 's')) {
            return Err(FilterError::new(
                self.at - flags.len()..self.at,
                "Behind the regular expression, `i` (case does not matter), `m` and `s` are valid.",
            ));
        }
        match Pattern::new(&pattern, flags) {
            Ok(pattern) => Ok(Content::Pattern(pattern)),
            Err(error) => {
                let message = ["This is no regular expression: ", &error.to_string(), "."].concat();
                Err(FilterError::new(start..self.at, &message))
            }
        }
    }

    /// A value in quotes, with `\"` and `\\` for what they hide, or up to the next space or parenthesis.
    pub(super) fn value(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        if !self.eat("\"") {
            return Ok(self.bare().to_owned());
        }
        let mut value = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.at += at + 1;
                    return Ok(value);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 'r')) => value.push('\r'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, char)) => value.push(char),
                    None => {}
                },
                char => value.push(char),
            }
        }
        Err(FilterError::new(
            start..self.text.len(),
            "The text is not closed: a `\"` is missing.",
        ))
    }

    /// What stands up to the next space or parenthesis.
    pub(super) fn bare(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|char: char| char.is_whitespace() || matches!(char, '(' | ')'))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let is_there = self.rest().starts_with(token);
        if is_there {
            self.at += token.len();
        }
        is_there
    }

    pub(super) fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// An error about the next `len` bytes, or the end of the text.
    fn error(&self, len: usize, message: &str) -> FilterError {
        let end = (self.at + len).min(self.text.len());
        FilterError::new(self.at.min(end)..end, message)
    }

    /// Takes one of these words, and the space behind it.
    fn eat_word(&mut self, words: &[&str]) -> bool {
        let found = words.iter().find(|word| self.peeks_word(word));
        if let Some(word) = found {
            self.at += word.len();
            self.skip_space();
        }
        found.is_some()
    }

    /// Whether the word is next: letters end where other letters do not follow.
    fn peeks_word(&self, word: &str) -> bool {
        let Some(head) = self.rest().get(..word.len()) else {
            return false;
        };
        let behind = self.rest()[word.len()..].chars().next();
        let is_symbol = !word.starts_with(|char: char| char.is_ascii_alphabetic());
        head.eq_ignore_ascii_case(word)
            && (is_symbol
                || behind.is_none_or(|char| char.is_whitespace() || matches!(char, '(' | ')')))
    }
}

impl FilterError {
    pub(super) fn new(at: Range<usize>, message: &str) -> Self {
        Self {
            at,
            message: message.to_owned(),
        }
    }
}

pub(super) fn content(content: Content) -> Expression {
    Expression::Test(Test::Content(content))
}

/// One part as it is, several under `join`.
pub(super) fn single(
    mut parts: Vec<Expression>,
    join: fn(Vec<Expression>) -> Expression,
) -> Expression {
    match parts.pop() {
        Some(part) if parts.is_empty() => part,
        Some(part) => {
            parts.push(part);
            join(parts)
        }
        None => join(parts),
    }
}
