//! Shared text.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
    str::Utf8Error,
};

use bytes::Bytes;

/// Text that is shared and never copied: [`Bytes`] that are valid UTF-8.
///
/// Cheap to clone. It becomes [`Bytes`] and is made from a [`String`], a literal or checked [`Bytes`] without copying.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Utf8Bytes(Bytes);

impl Utf8Bytes {
    /// Text that lives as long as the program.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Copies text.
    #[must_use]
    pub fn copy_from_str(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// The text.
    #[must_use]
    #[inline]
    #[expect(
        unsafe_code,
        reason = "the standard library would check the whole text each time"
    )]
    pub fn as_str(&self) -> &str {
        // SAFETY: every constructor takes text, or checks.
        unsafe { str::from_utf8_unchecked(&self.0) }
    }

    /// The bytes of the text.
    #[must_use]
    #[inline]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// A part of this text, without copying.
    ///
    /// # Panics
    ///
    /// Unless `part` lies in this text.
    #[must_use]
    pub fn slice_ref(&self, part: &str) -> Self {
        Self(self.0.slice_ref(part.as_bytes()))
    }
}

impl Deref for Utf8Bytes {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Utf8Bytes {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Utf8Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<str> for Utf8Bytes {
    fn borrow(&self) -> &str {
        self
    }
}

// As of `str`, which `Borrow` asks for.
impl Hash for Utf8Bytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialOrd for Utf8Bytes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Utf8Bytes {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other)
    }
}

impl PartialEq<str> for Utf8Bytes {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Utf8Bytes {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl From<&str> for Utf8Bytes {
    /// Copies; for literals, [`Utf8Bytes::from_static`] does not.
    fn from(text: &str) -> Self {
        Self::copy_from_str(text)
    }
}

impl From<Utf8Bytes> for Bytes {
    fn from(text: Utf8Bytes) -> Self {
        text.0
    }
}

impl From<Utf8Bytes> for String {
    /// Copies only where the text is shared.
    #[expect(
        unsafe_code,
        reason = "the standard library would check the whole text again"
    )]
    fn from(text: Utf8Bytes) -> Self {
        // SAFETY: every constructor takes text, or checks.
        unsafe { Self::from_utf8_unchecked(text.0.into()) }
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = Utf8Error;

    /// Checks, and does not copy.
    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<Vec<u8>> for Utf8Bytes {
    type Error = Utf8Error;

    /// Checks, and does not copy.
    fn try_from(bytes: Vec<u8>) -> Result<Self, Utf8Error> {
        Bytes::from(bytes).try_into()
    }
}

impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_bytes_and_comes_back_without_copying() {
        let string = String::from("k\u{f6}nig");
        let place = string.as_ptr();
        let text = Utf8Bytes::from(string);
        assert_eq!(text, "k\u{f6}nig");
        let bytes = Bytes::from(text.clone());
        let again = Utf8Bytes::try_from(bytes).unwrap();
        assert_eq!((again.as_ptr(), text.as_ptr()), (place, place));
        drop(text);
        let string = String::from(again);
        assert_eq!(string.as_ptr(), place);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_refused() {
        assert_eq!(
            Utf8Bytes::try_from(b"ab\xff".to_vec())
                .unwrap_err()
                .valid_up_to(),
            2
        );
    }

    #[test]
    fn part_of_a_text_shares_it() {
        let text = Utf8Bytes::from_static("hello, world");
        let part = text.slice_ref(&text[7..]);
        assert_eq!(part, "world");
        assert_eq!(part.as_ptr(), text[7..].as_ptr());
    }
}
