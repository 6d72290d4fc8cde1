//! Close frames and status codes (RFC 6455 §5.5.1, §7.4).

use alloc::{borrow::Cow, string::String};
use core::fmt;

use crate::ProtocolError;

/// A closing status code ([RFC 6455 §7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4) and the IANA registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection has been fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: a server shuts down, or a browser has left the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: a protocol error.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of data that cannot be accepted.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: the Close frame held no code. Never on the wire.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: there was no Close frame. Never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: data that does not fit the kind of message, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a policy was violated.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1010: the server did not negotiate an extension that the client needs.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: an unexpected condition on the sender's side.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: overload; try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway got an invalid response from upstream.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// 1015: the TLS handshake failed. Never on the wire.
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// The code with this number, whatever it is.
    #[must_use]
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether a Close frame may carry it: a registered code that is not reserved, or one of 3000–4999 (RFC 6455 §7.4.2).
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

/// What a Close frame says ([RFC 6455 §5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseFrame<'a> {
    /// Why the connection closes.
    pub code: CloseCode,
    /// The reason in words, at most [`Self::MAX_REASON_LEN`] bytes. May be empty.
    pub reason: Cow<'a, str>,
}

impl<'a> CloseFrame<'a> {
    /// Longest reason in bytes: a control frame holds 125, and the code takes two.
    pub const MAX_REASON_LEN: usize = 123;

    /// A frame with this code and reason.
    #[must_use]
    pub fn new(code: CloseCode, reason: impl Into<Cow<'a, str>>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// Reads the payload of a Close frame; an empty one says nothing, which is `None`.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::CloseTruncated`], [`ProtocolError::InvalidCloseCode`], [`ProtocolError::InvalidUtf8`].
    pub fn decode(payload: &'a [u8]) -> Result<Option<Self>, ProtocolError> {
        let Some((code, reason)) = payload.split_first_chunk() else {
            // RFC 6455 §5.5.1: if there is a body, its first two bytes are the code.
            return if payload.is_empty() {
                Ok(None)
            } else {
                Err(ProtocolError::CloseTruncated)
            };
        };
        let code = CloseCode(u16::from_be_bytes(*code));
        if !code.is_sendable() {
            return Err(ProtocolError::InvalidCloseCode { code });
        }
        let reason = core::str::from_utf8(reason).map_err(|_| ProtocolError::InvalidUtf8)?;
        Ok(Some(Self::new(code, reason)))
    }

    /// The same, owning its reason.
    #[must_use]
    pub fn into_owned(self) -> CloseFrame<'static> {
        CloseFrame {
            code: self.code,
            reason: Cow::Owned(String::from(self.reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_decodes_to_code_and_reason() {
        assert_eq!(CloseFrame::decode(&[]), Ok(None));
        assert_eq!(
            CloseFrame::decode(&[0x03, 0xE8]),
            Ok(Some(CloseFrame::new(CloseCode::NORMAL, "")))
        );
        assert_eq!(
            CloseFrame::decode(b"\x0F\xA0bye"),
            Ok(Some(CloseFrame::new(CloseCode::new(4000), "bye")))
        );
    }

    #[test]
    fn invalid_payload_is_refused() {
        assert_eq!(
            CloseFrame::decode(&[0x03]),
            Err(ProtocolError::CloseTruncated)
        );
        for code in [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
        ] {
            let code = CloseCode::new(code);
            assert_eq!(
                CloseFrame::decode(&code.get().to_be_bytes()),
                Err(ProtocolError::InvalidCloseCode { code })
            );
        }
        assert_eq!(
            CloseFrame::decode(b"\x03\xE8\xFF"),
            Err(ProtocolError::InvalidUtf8)
        );
        // CESU-8 surrogate.
        assert_eq!(
            CloseFrame::decode(b"\x03\xE8\xED\xA0\x80"),
            Err(ProtocolError::InvalidUtf8)
        );
    }
}
