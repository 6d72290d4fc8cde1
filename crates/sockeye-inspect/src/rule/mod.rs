//! The rules that traffic is checked against.
//!
//! The identifiers are stable: what filters, reports and suppressions name stays.

mod table;

use table::{Entry, TABLE};

/// How bad it is to break a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the index has two bits for it, with none"
)]
pub enum Severity {
    /// Allowed, and worth knowing.
    Information,
    /// Against a SHOULD, or wasteful, or unsafe.
    Advice,
    /// Against a MUST.
    Violation,
}

impl Severity {
    /// `information`, `advice` or `violation`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Advice => "advice",
            Self::Violation => "violation",
        }
    }
}

/// A rule of RFC 6455 or RFC 7692, or something that a reader of a capture has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Rule {
    /// `handshake-method`: the request is not a GET.
    RequestMethod,
    /// `handshake-http-version`: the HTTP version is below 1.1.
    RequestVersion,
    /// `handshake-host`: no Host field.
    HostMissing,
    /// `handshake-upgrade`: no `Upgrade: websocket`.
    UpgradeMissing,
    /// `handshake-connection`: no `Connection: Upgrade`.
    ConnectionMissing,
    /// `handshake-key`: Sec-WebSocket-Key is not 16 bytes in base64.
    KeyInvalid,
    /// `handshake-key-weak`: Sec-WebSocket-Key does not look random.
    KeyWeak,
    /// `handshake-version`: Sec-WebSocket-Version is not 13.
    VersionInvalid,
    /// `handshake-version-refusal`: a refusal of the version names none.
    VersionRefusal,
    /// `handshake-accept`: Sec-WebSocket-Accept does not answer the key.
    AcceptInvalid,
    /// `handshake-accept-missing`: no Sec-WebSocket-Accept.
    AcceptMissing,
    /// `handshake-status`: the server did not switch protocols.
    StatusInvalid,
    /// `handshake-subprotocol`: a subprotocol that was not offered.
    SubprotocolNotOffered,
    /// `handshake-subprotocol-duplicate`: more than one subprotocol in the response.
    SubprotocolDuplicate,
    /// `handshake-extension`: an extension that was not offered.
    ExtensionNotOffered,
    /// `handshake-extension-syntax`: Sec-WebSocket-Extensions cannot be read.
    ExtensionSyntax,
    /// `deflate-parameter-unknown`: an unknown parameter of permessage-deflate.
    DeflateParameterUnknown,
    /// `deflate-parameter-duplicate`: a parameter of permessage-deflate twice.
    DeflateParameterDuplicate,
    /// `deflate-parameter-invalid`: an invalid value of a parameter of permessage-deflate.
    DeflateParameterInvalid,
    /// `deflate-window-not-offered`: client_max_window_bits without being offered.
    DeflateWindowNotOffered,
    /// `deflate-takeover-ignored`: the response ignores server_no_context_takeover.
    DeflateTakeoverIgnored,
    /// `deflate-window-too-big`: a larger server window than was offered.
    DeflateWindowTooBig,
    /// `handshake-early-data`: frames before the handshake was over.
    DataBeforeHandshake,
    /// `frame-mask-missing`: a client's frame is not masked.
    MaskMissing,
    /// `frame-mask-unexpected`: a server's frame is masked.
    MaskUnexpected,
    /// `frame-reserved-bits`: a reserved bit that nothing gave a meaning.
    ReservedBits,
    /// `frame-reserved-opcode`: a reserved opcode.
    ReservedOpcode,
    /// `frame-length-not-minimal`: a length that could be shorter.
    LengthNotMinimal,
    /// `frame-length-too-big`: a length above 2^63.
    LengthTooBig,
    /// `frame-masking-key-zero`: a masking key of zero.
    MaskingKeyZero,
    /// `frame-masking-key-reused`: the masking key of the frame before.
    MaskingKeyReused,
    /// `frame-continuation-unexpected`: a continuation of nothing.
    ContinuationUnexpected,
    /// `frame-continuation-expected`: a new message before the last one ended.
    ContinuationExpected,
    /// `control-too-long`: a control frame with more than 125 bytes.
    ControlTooLong,
    /// `control-fragmented`: a fragmented control frame.
    ControlFragmented,
    /// `close-truncated`: a Close frame of one byte.
    CloseTruncated,
    /// `close-then-data`: a frame after the Close frame.
    DataAfterClose,
    /// `close-not-echoed`: the answering Close has another code.
    CloseNotEchoed,
    /// `pong-unsolicited`: a Pong that answers no Ping.
    PongUnsolicited,
    /// `ping-unanswered`: a Ping without a Pong.
    PingUnanswered,
    /// `close-tcp-by-client`: the client closed TCP first.
    ClientClosedTcp,
    /// `close-missing`: the connection ended without a Close frame.
    CloseMissing,
    /// `close-code-reserved`: a close code that never goes over the wire.
    CloseCodeReserved,
    /// `close-code-invalid`: a close code outside of what is allowed.
    CloseCodeInvalid,
    /// `text-invalid-utf8`: text that is not UTF-8.
    InvalidUtf8,
    /// `frame-truncated`: the connection ended within a frame.
    FrameTruncated,
    /// `message-unfinished`: the connection ended within a message.
    MessageUnfinished,
    /// `deflate-rsv1-continuation`: RSV1 on a continuation frame.
    Rsv1OnContinuation,
    /// `deflate-rsv1-control`: RSV1 on a control frame.
    Rsv1OnControl,
    /// `deflate-invalid`: the message cannot be inflated.
    InflateFailed,
    /// `deflate-tail-not-stripped`: the 00 00 FF FF is still there.
    TailNotStripped,
    /// `deflate-window-exceeded`: a back-reference farther than the agreed window.
    WindowExceeded,
    /// `deflate-context-kept`: a back-reference into an earlier message, against no_context_takeover.
    ContextKept,
    /// `deflate-final-block`: a DEFLATE block with BFINAL.
    FinalBlock,
    /// `deflate-waste`: compressed larger than plain.
    CompressionWaste,
    /// `deflate-expansion`: a message that grows more than a hundred times.
    ExpansionHigh,
    /// `deflate-history-missing`: the capture lacks what the message refers to.
    HistoryMissing,
    /// `framing-lost`: these bytes are no frame.
    FramingLost,
    /// `capture-bytes-missing`: bytes are missing from the capture.
    BytesMissing,
    /// `capture-begins-in-the-middle`: the capture began after the handshake.
    BeginsInTheMiddle,
    /// `capture-segments-conflict`: TCP sent different bytes for the same place.
    SegmentsConflict,
}

impl Rule {
    /// Every rule, in the order of its number.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|entry| entry.rule)
    }

    /// The rule with this identifier.
    #[must_use]
    pub fn with_id(id: &str) -> Option<Self> {
        TABLE
            .iter()
            .find(|entry| entry.id == id)
            .map(|entry| entry.rule)
    }

    /// Its stable identifier, such as `frame-mask-missing`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.entry().id
    }

    /// How bad it is to break it.
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.entry().severity
    }

    /// The number of the RFC: 6455 or 7692.
    #[must_use]
    pub const fn rfc(self) -> u16 {
        self.entry().rfc
    }

    /// The section of the RFC, such as `5.1`.
    #[must_use]
    pub const fn section(self) -> &'static str {
        self.entry().section
    }

    /// What was found, in a few words, lower case and without a full stop.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.entry().title
    }

    /// The rule in our words: whole sentences.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        self.entry().explanation
    }

    /// What a strict peer does about it: "a strict peer …".
    #[must_use]
    pub const fn strict_peer(self) -> &'static str {
        self.entry().strict_peer
    }

    const fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn table_is_in_the_order_of_the_rules() {
        for (number, rule) in Rule::all().enumerate() {
            assert_eq!(rule as usize, number, "{rule:?}");
        }
    }

    #[test]
    fn identifiers_are_unique_and_found() {
        let ids: HashSet<_> = Rule::all().map(Rule::id).collect();
        assert_eq!(ids.len(), Rule::all().count());
        for rule in Rule::all() {
            assert_eq!(Rule::with_id(rule.id()), Some(rule));
        }
        assert_eq!(Rule::with_id("nonsense"), None);
    }
}
