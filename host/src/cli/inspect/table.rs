//! Frames and messages as tables.

use std::io::{self, Write};

use sockeye_inspect::{
    Frame, MessageBytes, OnRecord, OpenError, Severity, Timestamp,
    decode::{self, Decoded},
    export::Decoding,
};

use super::{
    Shown, Time,
    paint::{arrow, mark},
    text,
};

/// A line for each frame.
pub(super) fn frames(shown: &Shown<'_>, out: &mut impl Write) -> io::Result<()> {
    let capture = &shown.inspected.capture;
    let has_compressed = capture
        .connections()
        .iter()
        .any(|connection| connection.deflate.is_some());
    let columns = Columns::new(shown);
    let inflated = if has_compressed { "  INFLATED" } else { "" };
    columns.heading(shown, &format!("FLAGS      WIRE   PAYLOAD{inflated}"), out)?;
    let mut line = Line::default();
    for frame in shown
        .frames
        .iter()
        .filter_map(|number| capture.frame(number))
    {
        let mut sizes = format!(
            "{:5} {:>9} {:>9}",
            flags(&frame),
            Dash((frame.on_record == OnRecord::Wire).then(|| frame.wire_len())),
            frame.payload_len
        );
        if has_compressed {
            sizes.push_str(&format!(" {:>9}", Dash(frame.inflated_len)));
        }
        line.begin(shown, &columns, &frame, &sizes, frame.severity);
        let findings = shown.export.findings_of(frame.number);
        line.rules(shown, findings.map(|finding| finding.rule.id()));
        line.content.clear();
        let room = columns.room(&line);
        frame_preview(shown, &frame, room, &mut line.content)?;
        line.write(shown, &columns, out)?;
    }
    Ok(())
}

/// A line for each message and control frame, with what it was decoded to.
pub(super) fn messages(shown: &Shown<'_>, out: &mut impl Write) -> io::Result<()> {
    let columns = Columns::new(shown);
    columns.heading(shown, "FRAMES     WIRE    LENGTH", out)?;
    let mut line = Line::default();
    let mut tree = String::new();
    let limit = if shown.decoding == Decoding::Off {
        columns.preview_bytes()
    } else {
        shown.limit
    };
    for first in shown.export.messages(shown.frames.iter()) {
        let message = opened(shown.export.message(first.number, limit))?;
        let numbers = message
            .as_ref()
            .map_or_else(|| vec![first.number], |message| message.frames.clone());
        let (wire, length) = match &message {
            Some(message) => (message.joined.total, message.content().total),
            None => {
                let len = first.payload_len;
                (len, first.inflated_len.unwrap_or(len))
            }
        };
        let severity = worst(shown, &numbers);
        let sizes = format!("{:>6} {wire:>8} {length:>9}", numbers.len());
        line.begin(shown, &columns, &first, &sizes, severity);
        let findings = numbers
            .iter()
            .flat_map(|&number| shown.export.findings_of(number));
        line.rules(shown, findings.map(|finding| finding.rule.id()));
        let decoded = message
            .as_ref()
            .and_then(|message| decoded(shown, &first, message));
        line.content.clear();
        let room = columns.room(&line);
        match (&message, &decoded) {
            (None, _) => line.content.push_str("(not on record)"),
            (Some(_), Some(decoded)) => {
                line.content.push_str(decoded.decoder.name());
                line.content.push_str(": ");
                text::append_line(&mut line.content, &decoded.summary, room);
            }
            (Some(message), None) => {
                message_preview(&first, message, room, &mut line.content);
            }
        }
        line.write(shown, &columns, out)?;
        if let Some(decoded) = &decoded {
            tree.clear();
            self::tree(decoded, "    ", &mut tree);
            out.write_all(tree.as_bytes())?;
        }
    }
    Ok(())
}

/// Appends the parts of a decoded message, a line for each.
pub(super) fn tree(decoded: &Decoded, indent: &str, out: &mut String) {
    for node in decoded.nodes.iter().take(NODES) {
        out.push_str(indent);
        out.extend(std::iter::repeat_n("  ", usize::from(node.depth)));
        text::append_line(out, &node.label, 200);
        if !node.label.is_empty() && !node.value.is_empty() {
            out.push_str(": ");
        }
        text::append_line(out, &node.value, 1_000);
        out.push('\n');
    }
    let left = decoded.nodes.len().saturating_sub(NODES);
    if left > 0 || decoded.truncated {
        out.push_str(indent);
        out.push_str("… and more\n");
    }
    if let Some(error) = &decoded.error {
        out.push_str(indent);
        text::append_line(out, error, 300);
        out.push('\n');
    }
}

/// What a message was decoded to, if it was to be.
pub(super) fn decoded(shown: &Shown<'_>, first: &Frame, message: &MessageBytes) -> Option<Decoded> {
    let connections = shown.inspected.capture.connections();
    let connection = connections.get(first.connection as usize)?;
    let content = &message.content().data;
    shown
        .decoding
        .decode(connection, first.direction, first.opcode, content)
}

/// What could be opened; `None`: it is not on record.
pub(super) fn opened<T>(result: Result<T, OpenError>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(OpenError::Read(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Appends what is in a frame, of a compressed message what is in all of it.
fn frame_preview(
    shown: &Shown<'_>,
    frame: &Frame,
    room: usize,
    out: &mut String,
) -> io::Result<()> {
    let capture = &shown.inspected.capture;
    let source = &shown.inspected.source;
    let is_of_message = frame.compressed && frame.on_record == OnRecord::Wire;
    let start = shown.export.message_start(frame.number);
    if is_of_message && start != frame.number {
        out.push_str(&format!("(of the message that begins with frame {start})"));
        return Ok(());
    }
    let limit = 4 * room + 8;
    if is_of_message {
        match opened(shown.export.message(frame.number, limit))? {
            Some(message) => message_preview(frame, &message, room, out),
            None => out.push_str("(not on record)"),
        }
        return Ok(());
    }
    match opened(capture.payload(frame.number, limit, source))? {
        Some(payload) => {
            let opcode = capture
                .frame(start)
                .map_or(frame.opcode, |first| first.opcode);
            let opcode = if frame.is_control() {
                frame.opcode
            } else {
                opcode
            };
            decode::preview(&payload.data, opcode, out, room);
        }
        None => out.push_str("(not on record)"),
    }
    Ok(())
}

fn message_preview(first: &Frame, message: &MessageBytes, room: usize, out: &mut String) {
    let content = message.content();
    if let Some(error) = &message.inflate_error
        && content.data.is_empty()
    {
        out.push('(');
        text::append_line(out, error, room);
        out.push(')');
    } else {
        decode::preview(&content.data, first.opcode, out, room);
    }
}

fn worst(shown: &Shown<'_>, numbers: &[u32]) -> Option<Severity> {
    numbers
        .iter()
        .filter_map(|&number| shown.inspected.capture.frame(number)?.severity)
        .max()
}

/// FIN, the reserved bits, MASK.
pub(super) fn flags(frame: &Frame) -> String {
    if frame.on_record == OnRecord::Message {
        return "?????".into();
    }
    [
        (frame.fin, 'F'),
        (frame.rsv1, '1'),
        (frame.rsv2, '2'),
        (frame.rsv3, '3'),
        (frame.masked, 'M'),
    ]
    .map(|(is_set, letter)| if is_set { letter } else { '-' })
    .iter()
    .collect()
}

/// A number, or nothing.
struct Dash(Option<u64>);

impl std::fmt::Display for Dash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(number) => f.pad(&number.to_string()),
            None => f.pad(""),
        }
    }
}

/// How wide the columns are.
struct Columns {
    number: usize,
    time: usize,
    connection: usize,
    width: Option<usize>,
}

impl Columns {
    fn new(shown: &Shown<'_>) -> Self {
        let capture = &shown.inspected.capture;
        let span = capture
            .span()
            .and_then(|(first, last)| last.since(first))
            .unwrap_or_default();
        Self {
            number: digits(capture.frame_count().saturating_sub(1).into()),
            time: match shown.time {
                Time::Relative | Time::Delta => (digits(span.as_secs()) + 7).max(4),
                Time::Absolute => 26,
                Time::None => 0,
            },
            connection: digits(capture.connections().len().saturating_sub(1) as u64).max(4),
            width: shown.width,
        }
    }

    fn heading(&self, shown: &Shown<'_>, sizes: &str, out: &mut impl Write) -> io::Result<()> {
        let mut line = format!("{:>1$}", "#", self.number);
        if self.time > 0 {
            line.push_str(&format!("  {:>1$}", "TIME", self.time));
        }
        line.push_str(&format!(
            "  {:>2$}     {:12} {sizes}    CONTENT",
            "CONN", "TYPE", self.connection
        ));
        writeln!(out, "{}", shown.paint.dim(&line))
    }

    /// Characters that are left for the content.
    fn room(&self, line: &Line) -> usize {
        match self.width {
            Some(width) => width.saturating_sub(line.columns).clamp(8, 500),
            None => PREVIEW,
        }
    }

    /// Bytes that are enough for it.
    fn preview_bytes(&self) -> usize {
        4 * self.width.unwrap_or(PREVIEW).clamp(8, 500) + 8
    }
}

/// A line that is being made.
#[derive(Default)]
struct Line {
    text: String,
    /// Columns that `text` takes.
    columns: usize,
    content: String,
    before: Timestamp,
}

impl Line {
    /// Everything up to the mark.
    fn begin(
        &mut self,
        shown: &Shown<'_>,
        columns: &Columns,
        frame: &Frame,
        sizes: &str,
        severity: Option<Severity>,
    ) {
        let time = time(shown, frame, &mut self.before);
        let number = format!("{:>1$}", frame.number, columns.number);
        let time = if columns.time > 0 {
            format!("  {time:>0$}", columns.time)
        } else {
            String::new()
        };
        let connection = format!("  {:>1$}", frame.connection, columns.connection);
        let kind = format!("{:12}", frame.opcode_name());
        let paint = shown.paint;
        self.columns = [&number, &time, &connection, &kind, sizes]
            .iter()
            .map(|part| part.chars().count())
            .sum::<usize>()
            + 8;
        self.text = format!(
            "{number}{}{connection}  {}  {} {sizes}  {} ",
            paint.dim(&time),
            paint.direction(frame.direction, arrow(frame.direction)),
            paint.kind(frame, &kind),
            match severity {
                Some(severity) => paint.severity(severity, mark(Some(severity))),
                None => " ".into(),
            },
        );
    }

    /// The rules that it breaks, each once.
    fn rules(&mut self, shown: &Shown<'_>, rules: impl Iterator<Item = &'static str>) {
        let mut rules: Vec<_> = rules.collect();
        rules.sort_unstable();
        rules.dedup();
        if rules.is_empty() {
            return;
        }
        let list = format!("[{}] ", rules.join(" "));
        self.columns += list.len();
        self.text.push_str(&shown.paint.dim(&list));
    }

    fn write(
        &mut self,
        shown: &Shown<'_>,
        columns: &Columns,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if shown.width.is_some() {
            let room = columns.room(self);
            text::cut(&mut self.content, room);
        }
        let line = format!("{}{}", self.text, self.content);
        writeln!(out, "{}", line.trim_end())
    }
}

/// The time of a frame, as it was asked for.
pub(super) fn time(shown: &Shown<'_>, frame: &Frame, before: &mut Timestamp) -> String {
    let since = match shown.time {
        Time::None => return String::new(),
        Time::Absolute => return text::absolute(frame.time).unwrap_or_default(),
        Time::Relative => shown.export.since_start(frame.time),
        Time::Delta => {
            let earlier = std::mem::replace(before, frame.time);
            if earlier.is_known() {
                frame.time.since(earlier)
            } else {
                frame.time.is_known().then_some(std::time::Duration::ZERO)
            }
        }
    };
    since.map_or_else(String::new, |since| {
        format!("{}.{:06}", since.as_secs(), since.subsec_micros())
    })
}

fn digits(number: u64) -> usize {
    number.to_string().len()
}

/// Characters of a preview that goes into a pipe.
const PREVIEW: usize = 100;

/// Parts of a decoded message that are shown.
const NODES: usize = 1_000;
