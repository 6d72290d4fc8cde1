//! STOMP 1.0 to 1.2.

use super::{
    Fit, NodeKind,
    tree::{Stop, Tree, text_value},
    value::{payload, say_value},
};

const COMMANDS: [&str; 15] = [
    "CONNECT",
    "STOMP",
    "CONNECTED",
    "SEND",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "ACK",
    "NACK",
    "BEGIN",
    "COMMIT",
    "ABORT",
    "DISCONNECT",
    "MESSAGE",
    "RECEIPT",
    "ERROR",
];

/// The headers that say what a frame is about, in the order of the summary.
const TELLING: [&[u8]; 8] = [
    b"destination",
    b"message",
    b"version",
    b"accept-version",
    b"id",
    b"subscription",
    b"receipt",
    b"receipt-id",
];

/// Decodes frames, and the line ends between them, which are heart-beats.
pub(super) fn decode(tree: &mut Tree, content: &[u8]) -> Result<Fit, Stop> {
    let mut at = 0;
    let mut frames = 0_u32;
    while at < content.len() {
        let rest = &content[at..];
        let blank = rest
            .iter()
            .take_while(|byte| matches!(byte, b'\n' | b'\r'))
            .count();
        if blank > 0 {
            if frames == 0 && blank == rest.len() {
                tree.say("heart-beat");
                tree.field("heart-beat", String::new(), NodeKind::Note, at..at + blank)?;
            }
            at += blank;
            continue;
        }
        if frames > 0 {
            tree.say("; ");
        }
        at = frame(tree, content, at)?;
        frames += 1;
    }
    match frames {
        0 if content.is_empty() => Err(Stop::Wrong(0, "there is no frame")),
        0 => Ok(Fit::Possible),
        _ => Ok(Fit::Sure),
    }
}

/// Appends the frame at `at`. Returns the offset behind it.
fn frame(tree: &mut Tree, content: &[u8], start: usize) -> Result<usize, Stop> {
    let (line, mut at) = line(content, start)?;
    let command = COMMANDS
        .into_iter()
        .find(|command| command.as_bytes() == line)
        .ok_or(Stop::Wrong(start, "no command of STOMP"))?;
    tree.say(command);
    let root = tree.open(command.to_owned(), NodeKind::Object, start)?;
    let result = headers(tree, content, &mut at).and_then(|(len, told)| {
        for (_, node) in told {
            say_value(tree, node);
        }
        body(tree, content, at, len)
    });
    tree.close(root, String::new(), *result.as_ref().unwrap_or(&at));
    result
}

/// Appends the headers. Returns content-length, and what the summary tells.
#[expect(
    clippy::type_complexity,
    reason = "place in the summary, place of the node"
)]
fn headers(
    tree: &mut Tree,
    content: &[u8],
    at: &mut usize,
) -> Result<(Option<usize>, Vec<(usize, usize)>), Stop> {
    let mut len = None;
    let mut told = Vec::new();
    loop {
        let start = *at;
        let (header, next) = line(content, start)?;
        *at = next;
        if header.is_empty() {
            told.sort_unstable();
            return Ok((len, told));
        }
        let colon = header
            .iter()
            .position(|&byte| byte == b':')
            .ok_or(Stop::Wrong(start, "a header without a colon"))?;
        let (name, value) = (&header[..colon], &header[colon + 1..]);
        let node = tree.push(
            unescape(name),
            unescape(value),
            NodeKind::String,
            start..start + header.len(),
        )?;
        if name == b"content-length" && len.is_none() {
            let value = str::from_utf8(value)
                .ok()
                .and_then(|value| value.trim().parse().ok());
            len = Some(value.ok_or(Stop::Wrong(start, "content-length is no number"))?);
        }
        if let Some(place) = TELLING.iter().position(|telling| *telling == name) {
            told.push((place, node));
        }
    }
}

fn body(tree: &mut Tree, content: &[u8], start: usize, len: Option<usize>) -> Result<usize, Stop> {
    let rest = &content[start..];
    let len = match len {
        Some(len) => len,
        None => rest
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(rest.len()),
    };
    let shown = len.min(rest.len());
    if shown > 0 {
        let body = payload(tree, content, start, start + shown, "body")?;
        say_value(tree, body);
    }
    if rest.get(len) != Some(&0) {
        return Err(Stop::Wrong(
            start + shown,
            "the NUL behind the body is missing",
        ));
    }
    Ok(start + len + 1)
}

/// The line at `start` without its end, and where the next one begins.
fn line(content: &[u8], start: usize) -> Result<(&[u8], usize), Stop> {
    let rest = &content[start.min(content.len())..];
    let len = rest
        .iter()
        .position(|&byte| byte == b'\n')
        .ok_or(Stop::Wrong(start, "a line has no end"))?;
    let line = &rest[..len];
    Ok((line.strip_suffix(b"\r").unwrap_or(line), start + len + 1))
}

/// STOMP 1.2: `\n`, `\r`, `\c` and `\\` in headers.
fn unescape(text: &[u8]) -> String {
    text_value(text)
        .replace("\\n", "\n")
        .replace("\\r", "\r")
        .replace("\\c", ":")
        .replace("\\\\", "\\")
}
