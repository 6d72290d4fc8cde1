//! What a capture is, from its first bytes.

use super::{Format, mitmproxy, pcap::PcapReader, pcapng::PcapNgReader, raw::Opening, text};

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// More are needed.
    Unknown,
    Known(Format),
    /// They are compressed with this.
    Compressed(&'static str),
    /// They are something that is known not to be readable, for this reason.
    Unreadable(&'static str),
    /// They are nothing that is known.
    None,
}

/// More than this is not held to find out.
pub(super) const HELD: usize = 64 << 10;

/// What `bytes` begin, which are the first of a capture; `ended`: and all of it.
pub(super) fn sniff(bytes: &[u8], ended: bool) -> Verdict {
    // However much comes at once, the same bytes decide.
    let ended = ended || bytes.len() >= HELD;
    let bytes = &bytes[..bytes.len().min(HELD)];
    if bytes.len() < 4 && !ended {
        return Verdict::Unknown;
    }
    if let Some(verdict) = magic(bytes) {
        return verdict;
    }
    let start = bytes
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(bytes)
        .trim_ascii_start();
    let unless_more = |verdict| if ended { verdict } else { Verdict::Unknown };
    match start {
        [] => return unless_more(Verdict::None),
        [b'{', ..] => {
            if let Some(verdict) = json(start) {
                return verdict;
            }
            // An array of C begins so too.
            if start[1..].trim_ascii_start().starts_with(b"\"") {
                return unless_more(Verdict::None);
            }
        }
        _ if mitmproxy::is_flow(start) => return Verdict::Known(Format::Mitmproxy),
        _ => {}
    }
    if bytes.len() < Opening::LEN && !ended {
        return Verdict::Unknown;
    }
    if Opening::of(bytes) != Opening::Frames {
        return Verdict::Known(Format::Raw);
    }
    let decides = &start[..start.len().min(text::ENOUGH)];
    if decides.iter().all(|&byte| text::is_text(byte)) {
        // A line or two of it tell what kind of text it is.
        return if decides.len() < text::ENOUGH && !ended {
            Verdict::Unknown
        } else if text::detect(decides, ended && decides.len() == start.len()).is_some() {
            Verdict::Known(Format::Text)
        } else {
            Verdict::None
        };
    }
    if is_frame(bytes) {
        Verdict::Known(Format::Raw)
    } else {
        Verdict::None
    }
}

/// What the first four bytes alone say.
fn magic(bytes: &[u8]) -> Option<Verdict> {
    let first = *bytes.first_chunk()?;
    Some(match bytes {
        _ if PcapReader::recognises(first) => Verdict::Known(Format::Pcap),
        _ if PcapNgReader::recognises(first) => Verdict::Known(Format::PcapNg),
        [0x1F, 0x8B, ..] => Verdict::Compressed("gzip"),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Verdict::Compressed("zstd"),
        [0xFD, b'7', b'z', b'X', ..] => Verdict::Compressed("xz"),
        [b'P', b'K', 3, 4, ..] => Verdict::Compressed("ZIP"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Verdict::Compressed("bzip2"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => {
            Verdict::Unreadable("the text is UTF-16; save it as UTF-8")
        }
        // RFC 8446 §5.1: a record of type handshake (22), version 3.x.
        [0x16, 0x03, 0..=4, ..] => Verdict::Unreadable(
            "these are the encrypted bytes of TLS without packets around them; a pcapng with its key log can be decrypted",
        ),
        [b'P', b'R', b'I', b' ', ..] => {
            Verdict::Unreadable("this is a stream of HTTP/2, of which raw bytes cannot be read")
        }
        _ => return None,
    })
}

/// Which of the two formats that are JSON it is, by the first key that only one of them has.
fn json(bytes: &[u8]) -> Option<Verdict> {
    const KEYS: [(&[u8], Format); 4] = [
        (b"\"log\"", Format::Har),
        (b"\"constants\"", Format::NetLog),
        (b"\"events\"", Format::NetLog),
        (b"\"polledData\"", Format::NetLog),
    ];
    let at = |key: &[u8]| bytes.windows(key.len()).position(|window| window == key);
    let (_, format) = KEYS
        .iter()
        .filter_map(|(key, format)| Some((at(key)?, *format)))
        .min_by_key(|(at, _)| *at)?;
    Some(Verdict::Known(format))
}

/// Whether a frame may begin so: RSV2 and RSV3 are 0, the opcode is none of those that are reserved.
pub(super) fn is_frame(bytes: &[u8]) -> bool {
    let Some(&[first, second]) = bytes.first_chunk() else {
        return false;
    };
    let opcode = first & 0xF;
    let control = opcode >= 0x8;
    first & 0x30 == 0
        && matches!(opcode, 0x0..=0x2 | 0x8..=0xA)
        && (!control || second & 0x7F <= 125)
}
