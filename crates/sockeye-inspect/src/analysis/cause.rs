//! What stands where a frame was expected.

use sockeye::{ProtocolError, RawFrameHeader, Role, Violations};

use super::head;

/// Why bytes cannot be a frame, as far as they tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A response of HTTP: a second 101, or an error of a proxy. The length of its head, where it is complete.
    Response { head_len: Option<usize> },
    /// A request of HTTP.
    Request,
    /// A record of TLS.
    Tls,
    /// Nothing that is known: the frame before was probably longer or shorter than its header says, or bytes are lost.
    Unknown,
}

impl Cause {
    /// What the bytes are that were taken for a header, which has these violations, with `rest` behind them; `None`: a frame all the same.
    ///
    /// Looks at few bytes but for the head of a response: there may be thousands of such frames in one segment.
    pub(super) fn of(
        header: &RawFrameHeader,
        rest: &[u8],
        violations: Violations,
        sender: Role,
    ) -> Option<Self> {
        let (encoded, len) = header.encode();
        let bytes = || encoded[..len].iter().chain(rest).copied();
        let mut start = [0; BEGINNING];
        let mut start_len = 0;
        for (place, byte) in start.iter_mut().zip(bytes()) {
            *place = byte;
            start_len += 1;
        }
        let start = &start[..start_len];
        if start.len() >= 5 && head::may_be_response(start) {
            return Some(Self::Response {
                head_len: response_len(bytes),
            });
        }
        if start.len() >= 16 && head::may_be_request(start) {
            return Some(Self::Request);
        }
        if let [0x14..=0x17, 0x03, 0x00..=0x04, high, _, ..] = start
            && *high <= 0x48
        {
            return Some(Self::Tls);
        }
        // One rule broken is a mistake; garbage breaks several, and what would follow it is not a frame either.
        let is_garbled = |violation| {
            matches!(
                violation,
                ProtocolError::ReservedBits
                    | ProtocolError::ReservedOpcode { .. }
                    | ProtocolError::LengthTooBig
            )
        };
        if violations.iter().count() < 2 || !violations.iter().any(is_garbled) {
            return None;
        }
        let behind = usize::try_from(header.payload_len)
            .ok()
            .and_then(|end| rest.get(end..));
        match behind {
            Some([]) => None,
            Some(rest) if is_plausible(rest, sender) => None,
            _ => Some(Self::Unknown),
        }
    }

    /// The probable cause, in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Response { .. } => {
                "a response of HTTP: two servers on one socket, a second 101, or a proxy that answers in between"
            }
            Self::Request => {
                "a request of HTTP: the connection was taken for an idle one and used again"
            }
            Self::Tls => "a record of TLS: encrypted twice, or a tunnel that began too late",
            Self::Unknown => {
                "no frame: the one before it is probably longer or shorter than its header says, or bytes are lost"
            }
        }
    }
}

/// How many bytes tell other protocols apart.
const BEGINNING: usize = 32;

/// Length of the head that these bytes begin with; `None` when it is not complete. Takes no more of them than twice the head.
fn response_len<I: Iterator<Item = u8>>(bytes: impl Fn() -> I) -> Option<usize> {
    let mut limit = 256;
    loop {
        let taken: Vec<u8> = bytes().take(limit).collect();
        if let Some(len) = head::len(&taken) {
            return Some(len);
        }
        if taken.len() < limit || limit >= head::MAX_HEAD {
            return None;
        }
        limit *= 2;
    }
}

/// Whether bytes may well begin with a frame of this sender: used where it is not known where one begins.
pub(super) fn is_plausible(bytes: &[u8], sender: Role) -> bool {
    let mut rest = bytes;
    // Two in a row, where there are so many.
    for _ in 0..2 {
        let Some(header) = RawFrameHeader::decode(rest, 0) else {
            return rest.len() < 2 || may_begin(rest, sender);
        };
        if !header.violations(Some(sender)).is_empty() || header.rsv2 || header.rsv3 {
            return false;
        }
        let end = u64::from(header.header_len).saturating_add(header.payload_len);
        match usize::try_from(end).ok().and_then(|end| rest.get(end..)) {
            // A frame of more than 4 GiB is less likely than garbage.
            None => return header.payload_len <= u32::MAX.into(),
            Some([]) => return true,
            Some(behind) => rest = behind,
        }
    }
    true
}

/// Whether the first two bytes of a header that is cut may be right.
fn may_begin(bytes: &[u8], sender: Role) -> bool {
    let &[first, second, ..] = bytes else {
        return true;
    };
    first & 0x30 == 0
        && matches!(first & 0xF, 0x0..=0x2 | 0x8..=0xA)
        && (second & 0x80 != 0) == matches!(sender, Role::Client)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(bytes: &[u8], sender: Role) -> Option<Cause> {
        let header = RawFrameHeader::decode(bytes, 0).expect("the header is whole");
        let rest = &bytes[usize::from(header.header_len)..];
        Cause::of(&header, rest, header.violations(Some(sender)), sender)
    }

    #[test]
    fn other_protocols_are_named() {
        let head = b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x00";
        assert_eq!(
            cause(head, Role::Server),
            Some(Cause::Response { head_len: Some(36) })
        );
        assert_eq!(
            cause(b"GET / HTTP/1.1\r\n\r\n", Role::Client),
            Some(Cause::Request)
        );
        assert_eq!(
            cause(&[0x17, 0x03, 0x03, 0x00, 0x20, 1, 2, 3], Role::Server),
            Some(Cause::Tls)
        );
        assert_eq!(
            cause(
                &[0xF7, 0x93, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66],
                Role::Server
            ),
            Some(Cause::Unknown)
        );
    }

    #[test]
    fn frame_that_breaks_rules_and_ends_where_it_says_is_a_frame() {
        // RSV2, reserved opcode 3, masked by a server: and it ends with the bytes.
        assert_eq!(cause(&[0xA3, 0x80, 1, 2, 3, 4], Role::Server), None);
        // The same with a frame behind it.
        assert_eq!(
            cause(&[0xA3, 0x80, 1, 2, 3, 4, 0x81, 0x00], Role::Server),
            None
        );
        // One violation is no garbage, whatever comes.
        assert_eq!(cause(&[0x83, 0x01, 9, 0xFF, 0xFF], Role::Server), None);
    }

    #[test]
    fn head_of_a_response_is_measured_however_long_it_is() {
        for len in [20, 255, 256, 257, 3_000, 65_536] {
            let mut head = b"HTTP/1.1 101 OK\r\nA:".to_vec();
            head.resize(len.max(24) - 4, b'a');
            head.extend(b"\r\n\r\n");
            let expected = head.len();
            head.extend([0x81, 0x00]);
            assert_eq!(
                cause(&head, Role::Server),
                Some(Cause::Response {
                    head_len: Some(expected)
                })
            );
            assert_eq!(
                cause(&head[..expected - 1], Role::Server),
                Some(Cause::Response { head_len: None })
            );
        }
    }

    #[test]
    fn plausible_frames_keep_the_rules() {
        assert!(is_plausible(&[0x81, 0x01, b'a'], Role::Server));
        assert!(is_plausible(&[0x81, 0x05, b'a'], Role::Server));
        assert!(!is_plausible(&[0x81, 0x01, b'a'], Role::Client));
        assert!(!is_plausible(&[0x81, 0x01, b'a', 0xFF, 0xFF], Role::Server));
        assert!(is_plausible(&[0x81], Role::Client));
        assert!(!is_plausible(&[0x81, 0x7F, 1], Role::Client));
        assert!(!is_plausible(
            &[0x82, 0x7F, 0, 0, 1, 0, 0, 0, 0, 0, 1],
            Role::Server
        ));
    }
}
