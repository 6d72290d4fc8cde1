//! Words and numbers for people.

use std::{
    fmt::Write,
    time::{Duration, UNIX_EPOCH},
};

use sockeye::DeflateParameters;
use sockeye_inspect::{Close, Connection, Direction, Finding, Place, Security, Timestamp};
use unicode_width::UnicodeWidthChar;

/// `1 frame`, `2,000 frames`.
pub(super) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// `they are numbered 0 to 3`, for who asked for another.
pub(super) fn range(count: u64, noun: &str) -> String {
    match count {
        0 => format!("there are no {noun}s"),
        1 => format!("there is only {noun} 0"),
        _ => format!("{noun}s are numbered 0 to {}", count - 1),
    }
}

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A part of a whole in percent, `12.5 %`; nothing of nothing is 0.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let percent = if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    };
    format!("{percent:.1} %")
}

/// How much less there is than there would be, in percent: negative where there is more.
pub(super) fn saved(is: u64, would_be: u64) -> String {
    let sign = if is > would_be { "-" } else { "" };
    format!("{sign}{}", percent(is.abs_diff(would_be), would_be))
}

/// `1.5 s`, `12.3 ms`, `45 µs`, in three digits.
pub(super) fn duration(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    let (number, unit) = match nanos {
        _ if nanos >= 1e9 => (nanos / 1e9, "s"),
        _ if nanos >= 1e6 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e3, "µs"),
    };
    let digits = match number {
        _ if number >= 100.0 || number == 0.0 => 0,
        _ if number >= 10.0 => 1,
        _ => 2,
    };
    format!("{number:.digits$} {unit}")
}

/// `2026-11-23 01:02:03.000004`, in UTC.
pub(super) fn absolute(time: Timestamp) -> Option<String> {
    time.is_known().then(|| {
        let time = UNIX_EPOCH + Duration::from_nanos(time.nanos());
        let text = humantime::format_rfc3339_micros(time).to_string();
        text.trim_end_matches('Z').replace('T', " ")
    })
}

/// The client and the server, and what was asked for: `127.0.0.1:5000 → 127.0.0.1:80 /chat`.
pub(super) fn ends(connection: &Connection) -> String {
    let address = |address: Option<std::net::SocketAddr>, otherwise: &str| {
        address.map_or_else(|| otherwise.to_owned(), |address| address.to_string())
    };
    let mut out = format!(
        "{} → {}",
        address(connection.client, "client"),
        address(connection.server, "server")
    );
    if let Some(target) = connection.target() {
        out.push(' ');
        append_line(&mut out, target, 200);
    }
    out
}

/// What carries it.
pub(super) fn security(connection: &Connection) -> String {
    match &connection.security {
        Security::Plain => "not encrypted".into(),
        Security::Tls(description) => format!("{description}, decrypted with the key log"),
        Security::Decrypted => "decrypted by what captured it".into(),
        _ => "of unknown security".into(),
    }
}

/// permessage-deflate in a sentence.
pub(super) fn deflate(connection: &Connection) -> String {
    let guessed = if connection.is_guessed {
        " (guessed: there is no handshake)"
    } else {
        ""
    };
    match connection.deflate {
        None => format!("no compression{guessed}"),
        Some(parameters) => format!("permessage-deflate: {}{guessed}", windows(parameters)),
    }
}

fn windows(parameters: DeflateParameters) -> String {
    let side = |bits: u8, forgets: bool| {
        let what = if forgets {
            "forgets it after each message"
        } else {
            "keeps it"
        };
        format!("has a window of {bits} bits and {what}")
    };
    let server = side(
        parameters.server_max_window_bits.get(),
        parameters.server_no_context_takeover,
    );
    let client = side(
        parameters.client_max_window_bits.get(),
        parameters.client_no_context_takeover,
    );
    if server == client {
        format!("each side {server}")
    } else {
        format!("the server {server}, the client {client}")
    }
}

/// `client` or `server`.
pub(super) const fn sender(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "client",
        Direction::ToClient => "server",
    }
}

/// How it ended, in a sentence without a full stop.
pub(super) fn end(connection: &Connection) -> String {
    let end = &connection.end;
    let mut parts = Vec::new();
    let first = end.first.and_then(|first| {
        let close = end.close[first.index()].as_ref()?;
        Some((first, close))
    });
    if let Some((first, close)) = first {
        let answer = match &end.close[first.reversed().index()] {
            Some(answer) if answer.code == close.code => "answered alike".into(),
            Some(answer) => format!("answered with {}", code(answer)),
            None => "not answered".into(),
        };
        parts.push(format!(
            "the {} closed it with {}, {answer}",
            sender(first),
            code(close)
        ));
    } else {
        parts.push("no Close frame".into());
    }
    if let Some((direction, _)) = end.reset {
        parts.push(format!("TCP reset by the {}", sender(direction)));
    } else {
        parts.push(match end.finished {
            [Some(client), Some(server)] if client < server => {
                "TCP ended by the client first".into()
            }
            [Some(client), Some(server)] if server < client => {
                "TCP ended by the server first".into()
            }
            [Some(_), Some(_)] => "TCP ended by both".into(),
            [Some(_), None] => "TCP ended by the client only".into(),
            [None, Some(_)] => "TCP ended by the server only".into(),
            [None, None] => "the end of TCP is not in the capture".into(),
        });
    }
    parts.join("; ")
}

/// `1000 (normal closure) "bye"`.
pub(super) fn code(close: &Close) -> String {
    code_and_reason(close.code, &close.reason)
}

/// The same of its parts.
pub(super) fn code_and_reason(code: Option<u16>, reason: &str) -> String {
    let mut out = match code {
        None => "no code".into(),
        Some(code) => format!("{code} ({})", code_name(code)),
    };
    if !reason.is_empty() {
        out.push_str(" \"");
        append_line(&mut out, reason, 130);
        out.push('"');
    }
    out
}

/// What a close code means (RFC 6455 §7.4.1, and the IANA registry).
pub(super) const fn code_name(code: u16) -> &'static str {
    match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1004 => "reserved",
        1005 => "no status, never on the wire",
        1006 => "abnormal closure, never on the wire",
        1007 => "invalid payload",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "mandatory extension",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        1015 => "TLS handshake, never on the wire",
        1016..=2999 => "not registered",
        3000..=3999 => "of a library or framework",
        4000..=4999 => "private use",
        _ => "not a close code",
    }
}

/// Where something was found: `frame 3, byte 1`.
pub(super) fn place(finding: &Finding) -> String {
    match &finding.place {
        Place::Request(bytes) => format!(
            "request, {}",
            byte_range(bytes.start.into(), bytes.end.into())
        ),
        Place::Response(bytes) => format!(
            "response, {}",
            byte_range(bytes.start.into(), bytes.end.into())
        ),
        Place::Frame { number, bytes } => {
            format!("frame {number}, {}", byte_range(bytes.start, bytes.end))
        }
        Place::Inflated {
            number,
            compressed,
            bit,
        } => format!(
            "frame {number}, {} of the compressed message, bit {bit}",
            byte_range(compressed.start, compressed.end)
        ),
        Place::Stream(bytes) => format!("stream, {}", byte_range(bytes.start, bytes.end)),
        _ => "connection".into(),
    }
}

fn byte_range(start: u64, end: u64) -> String {
    if end <= start + 1 {
        format!("byte {start}")
    } else {
        format!("bytes {start}-{}", end - 1)
    }
}

/// Appends one line of at most `max` characters, with controls made visible: a peer must not move the cursor, retitle the window or type for
/// the user.
pub(super) fn append_line(out: &mut String, text: &str, max: usize) {
    for (index, char) in text.chars().enumerate() {
        if index == max {
            out.push('…');
            return;
        }
        match char {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if char.is_control() || is_reordering(char) => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(char));
            }
            _ => out.push(char),
        }
    }
}

/// Appends text of any number of lines, each but the first behind `indent`, with other controls made visible.
pub(super) fn append_lines(out: &mut String, text: &str, indent: &str) {
    for (index, line) in text.trim_end_matches(['\r', '\n']).split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
            out.push_str(indent);
        }
        for (index, cell) in line.trim_end_matches('\r').split('\t').enumerate() {
            if index > 0 {
                out.push('\t');
            }
            append_line(out, cell, usize::MAX);
        }
    }
}

/// Cuts a line at this many columns of a terminal.
pub(super) fn cut(text: &mut String, columns: usize) {
    let mut used = 0;
    let mut fits = 0;
    for (index, char) in text.char_indices() {
        let width = char.width().unwrap_or(0);
        if used + width > columns {
            text.truncate(fits);
            text.push('…');
            return;
        }
        used += width;
        // With one column left for the ellipsis.
        if used < columns {
            fits = index + char.len_utf8();
        }
    }
}

/// Characters that reorder what stands around them.
const fn is_reordering(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(count(1, "frame"), "1 frame");
        assert_eq!(count(2_000, "frame"), "2,000 frames");
    }

    #[test]
    fn durations_have_three_digits() {
        for (nanos, text) in [
            (0, "0 µs"),
            (1_500, "1.50 µs"),
            (45_678, "45.7 µs"),
            (12_345_678, "12.3 ms"),
            (999_000_000, "999 ms"),
            (1_500_000_000, "1.50 s"),
            (123_456_000_000, "123 s"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn part_of_nothing_is_nothing() {
        assert_eq!(percent(0, 0), "0.0 %");
        assert_eq!(percent(1, 8), "12.5 %");
        assert_eq!(saved(7, 8), "12.5 %");
        assert_eq!(saved(10, 8), "-25.0 %");
    }

    #[test]
    fn text_of_a_peer_cannot_control_the_terminal() {
        let mut out = String::new();
        append_line(&mut out, "a\x1b[2J\u{9b}\u{202e}\r\n\tb", usize::MAX);
        assert_eq!(out, "a\\u{1b}[2J\\u{9b}\\u{202e}\\r\\n\\tb");
        out.clear();
        append_lines(&mut out, "a\r\nb\tc\x07\n", "  ");
        assert_eq!(out, "a\n  b\tc\\u{7}");
    }

    #[test]
    fn lines_are_cut_by_columns() {
        for (text, columns, expected) in [
            ("hello", 5, "hello"),
            ("hello", 4, "hel…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("", 0, ""),
            ("a", 0, "…"),
        ] {
            let mut text = text.to_owned();
            cut(&mut text, columns);
            assert_eq!(text, expected);
        }
    }
}
