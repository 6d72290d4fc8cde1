//! How messages look: on a terminal, and in a pipe.

use std::fmt::Write;

use base64::{Engine, prelude::BASE64_STANDARD};
use sockeye_host::{Message, MessageKind};

use super::{
    Form,
    json::{self, Token},
};

/// How messages are printed.
#[derive(Clone, Debug)]
pub(super) struct Style {
    /// To a person: control characters are made visible, bytes dumped.
    pub(super) terminal: bool,
    pub(super) color: bool,
    /// Before the first line of each message.
    pub(super) prefix: &'static str,
    pub(super) json: bool,
    /// How binary messages are printed. `None`: as suits the place.
    pub(super) binary: Option<Form>,
    /// What follows each message, if not a line feed.
    pub(super) separator: Option<String>,
}

impl Style {
    /// The bytes to print for a message.
    pub(super) fn message(&self, message: &Message) -> Vec<u8> {
        let end = self.separator.as_deref();
        let text = match message.kind {
            MessageKind::Text => self.text(&String::from_utf8_lossy(&message.data)),
            MessageKind::Binary => match self.binary {
                Some(Form::Hex) => hex(&message.data),
                Some(Form::Base64) => BASE64_STANDARD.encode(&message.data),
                _ if self.terminal => dump(&message.data),
                _ => {
                    // The bytes as they are, so that a pipe gets what was sent.
                    let mut bytes = message.data.clone();
                    bytes.extend_from_slice(end.unwrap_or_default().as_bytes());
                    return bytes;
                }
            },
        };
        let prefix = self.paint(GREEN, self.prefix);
        format!("{prefix}{text}{}", end.unwrap_or("\n")).into_bytes()
    }

    /// A line about something else than a message.
    pub(super) fn status(&self, text: &str) -> String {
        self.paint(DIM, &harmless(text))
    }

    fn text(&self, text: &str) -> String {
        let paint = |token, text: &str| {
            let text = self.visible(text);
            match token {
                Token::Punctuation => text,
                Token::Name => self.paint(BLUE, &text),
                Token::Text => self.paint(GREEN, &text),
                Token::Literal => self.paint(YELLOW, &text),
            }
        };
        self.json
            .then(|| json::lay_out(text, paint))
            .flatten()
            .unwrap_or_else(|| self.visible(text))
    }

    fn visible(&self, text: &str) -> String {
        if self.terminal {
            harmless(text)
        } else {
            text.into()
        }
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("{color}{text}{RESET}")
        } else {
            text.into()
        }
    }
}

/// Makes control characters visible: a peer must not move the cursor, retitle the window or type for the user.
pub(super) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            _ if c.is_control() || is_direction(c) => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

/// Characters that reorder what stands around them.
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Two digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Offset, bytes and characters, sixteen to a line, of the first 4 KiB.
fn dump(bytes: &[u8]) -> String {
    let mut out = format!("{} bytes", bytes.len());
    let shown = bytes.get(..DUMP).unwrap_or(bytes);
    for (index, line) in shown.chunks(16).enumerate() {
        let _ = write!(out, "\n{:08x} ", index * 16);
        for column in 0..16 {
            if column == 8 {
                out.push(' ');
            }
            match line.get(column) {
                Some(byte) => _ = write!(out, " {byte:02x}"),
                None => out.push_str("   "),
            }
        }
        out.push_str("  |");
        out.extend(line.iter().map(|&byte| match byte {
            b' '..=b'~' => char::from(byte),
            _ => '.',
        }));
        out.push('|');
    }
    if bytes.len() > shown.len() {
        let _ = write!(out, "\n… and {} bytes more", bytes.len() - shown.len());
    }
    out
}

const DUMP: usize = 4096;

const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const BLUE: &str = "\x1b[34m";
const RESET: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    use super::*;

    const PIPE: Style = Style {
        terminal: false,
        color: false,
        prefix: "",
        json: false,
        binary: None,
        separator: None,
    };

    fn shown(style: &Style, message: Message) -> String {
        String::from_utf8(style.message(&message)).expect("it is text")
    }

    #[test]
    fn pipe_gets_what_was_sent() {
        assert_eq!(shown(&PIPE, Message::text("a\x1b[2Jb")), "a\x1b[2Jb\n");
        assert_eq!(PIPE.message(&Message::binary([0, 255])), [0, 255]);
        let mut style = PIPE.clone();
        style.separator = Some("\0".into());
        assert_eq!(shown(&style, Message::text("a")), "a\0");
        assert_eq!(style.message(&Message::binary([1])), [1, 0]);
    }

    #[test]
    fn terminal_gets_no_control_characters() {
        let mut style = PIPE.clone();
        style.terminal = true;
        style.prefix = "< ";
        assert_eq!(
            shown(&style, Message::text("a\x1b[2Jb\u{9b}\u{202e}\r\tc\nd")),
            "< a\\u{1b}[2Jb\\u{9b}\\u{202e}\\u{d}\tc\nd\n"
        );
    }

    #[test]
    fn binary_is_printed_in_the_form_asked_for() {
        let mut style = PIPE.clone();
        style.binary = Some(Form::Hex);
        assert_eq!(shown(&style, Message::binary([0, 0xab])), "00ab\n");
        style.binary = Some(Form::Base64);
        assert_eq!(shown(&style, Message::binary([0, 0xab])), "AKs=\n");
    }

    #[test]
    fn terminal_gets_a_dump_of_bytes() {
        let mut style = PIPE.clone();
        style.terminal = true;
        let bytes: Vec<u8> = (b'A'..b'S').collect();
        assert_eq!(
            shown(&style, Message::binary(bytes)),
            "18 bytes\n\
             00000000  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  |ABCDEFGHIJKLMNOP|\n\
             00000010  51 52                                             |QR|\n"
        );
        let long = shown(&style, Message::binary(vec![0; 5000]));
        assert!(long.ends_with("\n… and 904 bytes more\n"), "{long}");
    }

    #[test]
    fn json_is_coloured_only_where_asked() {
        let mut style = PIPE.clone();
        style.json = true;
        assert_eq!(
            shown(&style, Message::text("{\"a\":1}")),
            "{\n  \"a\": 1\n}\n"
        );
        style.color = true;
        assert_eq!(
            shown(&style, Message::text("{\"a\":1}")),
            "{\n  \x1b[34m\"a\"\x1b[0m: \x1b[33m1\x1b[0m\n}\n"
        );
        assert_eq!(shown(&style, Message::text("{a}")), "{a}\n");
    }
}
