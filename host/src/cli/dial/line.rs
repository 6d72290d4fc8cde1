//! What a typed line asks for.

use std::{fs::File, io::Read, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use sockeye_host::{CloseFrame, Message};

use super::Form;

/// Something that the user wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Send(Payload),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    /// Print this.
    Say(String),
}

/// A message, comparable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    Text(String),
    Binary(Vec<u8>),
}

/// How lines become messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) binary: Option<Form>,
    pub(super) max_message: u64,
}

impl Rules {
    /// A line that was typed: a message, or a command.
    ///
    /// # Errors
    ///
    /// A sentence that says what would be right.
    pub(super) fn typed(self, line: &str) -> Result<Order, String> {
        if let Some(text) = line.strip_prefix("@@") {
            return self.message(format!("@{text}").as_bytes()).map(Order::Send);
        }
        if line.starts_with("//") {
            return self.message(&line.as_bytes()[1..]).map(Order::Send);
        }
        if let Some(path) = line.strip_prefix('@') {
            return self.file(Path::new(path.trim())).map(Order::Send);
        }
        let Some(command) = line.strip_prefix('/') else {
            return self.message(line.as_bytes()).map(Order::Send);
        };
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        match name {
            "ping" => control(rest).map(Order::Ping),
            "pong" => control(rest).map(Order::Pong),
            "close" | "quit" if rest.trim().is_empty() => {
                Ok(Order::Close(Some((1000, String::new()))))
            }
            "close" => close(rest).map(|frame| Order::Close(Some(frame))),
            "binary" => {
                let bytes = unhex(rest.as_bytes())?;
                self.bounded(Payload::Binary(bytes)).map(Order::Send)
            }
            "file" => self.file(Path::new(rest.trim())).map(Order::Send),
            "help" => Ok(Order::Say(HELP.into())),
            _ => Err(format!(
                "there is no command /{name}: try /help, or //{command} to send it as text"
            )),
        }
    }

    /// A line as a message, word for word.
    ///
    /// # Errors
    ///
    /// A sentence that says what would be right.
    pub(super) fn message(self, line: &[u8]) -> Result<Payload, String> {
        let payload = match self.binary {
            None => Payload::Text(
                str::from_utf8(line)
                    .map_err(|_| "it is not UTF-8: use --binary")?
                    .into(),
            ),
            Some(Form::Raw) => Payload::Binary(line.into()),
            Some(Form::Hex) => Payload::Binary(unhex(line)?),
            Some(Form::Base64) => Payload::Binary(
                BASE64_STANDARD
                    .decode(line.trim_ascii())
                    .map_err(|error| format!("it is not Base64: {error}"))?,
            ),
        };
        self.bounded(payload)
    }

    /// A file as one message.
    ///
    /// # Errors
    ///
    /// A sentence that says what would be right.
    pub(super) fn file(self, path: &Path) -> Result<Payload, String> {
        let unreadable = |error| format!("cannot read {}: {error}", path.display());
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| {
                file.take(self.max_message.saturating_add(1))
                    .read_to_end(&mut bytes)
            })
            .map_err(unreadable)?;
        self.bounded(match self.binary {
            None => String::from_utf8(bytes)
                .map_or_else(|error| Payload::Binary(error.into_bytes()), Payload::Text),
            Some(_) => Payload::Binary(bytes),
        })
        .map_err(|error| format!("{}: {error}", path.display()))
    }

    fn bounded(self, payload: Payload) -> Result<Payload, String> {
        if payload.bytes().len() as u64 > self.max_message {
            return Err(self.too_long());
        }
        Ok(payload)
    }

    pub(super) fn too_long(self) -> String {
        format!(
            "it is longer than {} bytes: raise --max-message",
            self.max_message
        )
    }
}

impl Payload {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl From<Payload> for Message {
    fn from(payload: Payload) -> Self {
        match payload {
            Payload::Text(text) => Self::text(text),
            Payload::Binary(bytes) => Self::binary(bytes),
        }
    }
}

/// The Close frame of an order.
pub(super) fn frame(order: Option<(u16, String)>) -> Option<CloseFrame> {
    order.map(|(code, reason)| CloseFrame { code, reason })
}

fn control(payload: &str) -> Result<Vec<u8>, String> {
    // RFC 6455 §5.5.
    if payload.len() > 125 {
        return Err("a Ping or Pong has at most 125 bytes".into());
    }
    Ok(payload.into())
}

fn close(rest: &str) -> Result<(u16, String), String> {
    let rest = rest.trim();
    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    // RFC 6455 §7.4.
    let code = code
        .parse()
        .ok()
        .filter(|code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999))
        .ok_or("a code to close with is 1000 to 1003, 1007 to 1014 or 3000 to 4999")?;
    if reason.len() > 123 {
        return Err("a reason has at most 123 bytes".into());
    }
    Ok((code, reason.into()))
}

/// Reads pairs of digits, with white space anywhere.
fn unhex(text: &[u8]) -> Result<Vec<u8>, String> {
    let wrong = "bytes are written as pairs of hexadecimal digits: 48 65 6c 6c 6f";
    let digits = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|&byte| char::from(byte).to_digit(16).map(|digit| digit as u8))
        .collect::<Option<Vec<u8>>>()
        .ok_or(wrong)?;
    if digits.len() % 2 != 0 {
        return Err(wrong.into());
    }
    Ok(digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

const HELP: &str = "\
/ping [TEXT]  /pong [TEXT]  /close [CODE [REASON]]  /binary HEX  /file PATH  /quit
@PATH sends a file; // and @@ send text that begins with / or @";

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Rules = Rules {
        binary: None,
        max_message: 20,
    };

    fn text(text: &str) -> Order {
        Order::Send(Payload::Text(text.into()))
    }

    #[test]
    fn lines_are_messages_and_commands() {
        for (line, order) in [
            ("hello", text("hello")),
            ("", text("")),
            (" /ping", text(" /ping")),
            ("//ping", text("/ping")),
            ("@@home", text("@home")),
            ("/ping", Order::Ping(vec![])),
            ("/ping a b", Order::Ping(b"a b".into())),
            ("/pong x", Order::Pong(b"x".into())),
            ("/close", Order::Close(Some((1000, String::new())))),
            ("/quit", Order::Close(Some((1000, String::new())))),
            (
                "/close 4000 see you",
                Order::Close(Some((4000, "see you".into()))),
            ),
            (
                "/binary 00 fFa0",
                Order::Send(Payload::Binary(vec![0, 255, 160])),
            ),
            ("/help", Order::Say(HELP.into())),
        ] {
            assert_eq!(TEXT.typed(line), Ok(order), "{line}");
        }
    }

    #[test]
    fn wrong_commands_say_what_would_be_right() {
        for (line, sentence) in [
            (
                "/go",
                "there is no command /go: try /help, or //go to send it as text",
            ),
            (
                "/close 1005",
                "a code to close with is 1000 to 1003, 1007 to 1014 or 3000 to 4999",
            ),
            (
                "/binary 123",
                "bytes are written as pairs of hexadecimal digits: 48 65 6c 6c 6f",
            ),
            (
                "this line is too long for it",
                "it is longer than 20 bytes: raise --max-message",
            ),
        ] {
            assert_eq!(TEXT.typed(line), Err(sentence.into()), "{line}");
        }
        assert!(TEXT.typed(&format!("/ping {}", "a".repeat(126))).is_err());
        assert!(
            TEXT.typed(&format!("/close 1000 {}", "a".repeat(124)))
                .is_err()
        );
        assert!(TEXT.typed("@/no/such/file").is_err());
    }

    #[test]
    fn forms_of_binary_are_decoded() {
        for (form, line, bytes) in [
            (Form::Raw, &b"\xff\x00"[..], &b"\xff\x00"[..]),
            (Form::Hex, b"48 65", b"He"),
            (Form::Base64, b"SGU=", b"He"),
        ] {
            let rules = Rules {
                binary: Some(form),
                ..TEXT
            };
            assert_eq!(rules.message(line), Ok(Payload::Binary(bytes.into())));
        }
        assert_eq!(
            TEXT.message(b"\xff"),
            Err("it is not UTF-8: use --binary".into())
        );
    }
}
