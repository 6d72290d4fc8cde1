//! `sockeye inspect`.

mod check;
mod connections;
mod follow;
mod frame;
mod grid;
mod input;
mod output;
mod paint;
mod progress;
mod rules;
mod source;
mod stats;
mod table;
mod text;
mod values;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Command, error::ErrorKind};
use sockeye_inspect::{
    Direction, Preset, Rule,
    decode::Decoder,
    export::{Decoding, Kind},
    filter::Filter,
};

use self::{
    input::Inspected,
    output::{Output, To},
    paint::Paint,
    values::{FailOn, Form, Format, SentBy, Time, When},
};
use super::size;

/// Show the WebSocket frames, messages and connections in captures, and check them against RFC 6455 and RFC 7692.
///
/// Reads pcap, pcapng, HAR, Chrome's net-export (chrome://net-export, with raw bytes: frames as they were on the wire, also of wss),
/// mitmproxy's flows, raw bytes of a WebSocket, hex and base64 of them; all of them also compressed with gzip. Without an option that
/// says what to show, it is a table of all frames.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Inspect {
    /// Captures; `-` is stdin.
    #[arg(required_unless_present = "rules", value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Show messages: fragments joined, inflated.
    #[arg(long, short, group = "view", help_heading = "View")]
    messages: bool,

    /// Show conversations: handshake and messages of both directions as text, of all connections or of this one.
    #[arg(
        long,
        group = "view",
        value_name = "CONNECTION",
        num_args = 0..=1,
        require_equals = true,
        help_heading = "View"
    )]
    follow: Option<Option<u32>>,

    /// Show what is known of each connection.
    #[arg(long, group = "view", help_heading = "View")]
    connections: bool,

    /// Show everything about one frame: the bits of its header, its bytes, its findings.
    #[arg(long, group = "view", value_name = "NUMBER", help_heading = "View")]
    frame: Option<u32>,

    /// Show what breaks a rule, and where; the exit status says whether anything does.
    #[arg(long, group = "view", help_heading = "View")]
    check: bool,

    /// Show counts: frames, messages, bytes, what compression saved, round trips. Goes with --check.
    #[arg(long, conflicts_with_all = ["messages", "follow", "connections", "frame", "rules"], help_heading = "View")]
    stats: bool,

    /// List the rules.
    #[arg(long, group = "view", conflicts_with = "files", help_heading = "View")]
    rules: bool,

    /// Only these frames, or the messages they belong to: `dir:c2s op:ping size>1k conn:3 rule:5.1 text:/x/i`, with `or`, `not` and
    /// parentheses.
    #[arg(long, value_name = "EXPRESSION", value_parser = filter, help_heading = "View")]
    filter: Option<Filter>,

    /// Decode messages as what they seem to be, or as this.
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        require_equals = true,
        value_parser = decoder,
        help_heading = "View"
    )]
    decode: Option<Option<Decoder>>,

    /// How times are shown.
    #[arg(long, value_enum, default_value_t, help_heading = "View")]
    time: Time,

    /// Show, or write, at most this much of each payload. [default: 64KiB; 16MiB with --output]
    #[arg(long, value_name = "SIZE", value_parser = size::parse, help_heading = "View")]
    max_bytes: Option<u64>,

    /// The least severity that makes the exit status 1.
    #[arg(
        long,
        value_enum,
        value_name = "SEVERITY",
        default_value_t,
        help_heading = "Check"
    )]
    fail_on: FailOn,

    /// Accept what breaks this rule. May be repeated, or a list with commas.
    #[arg(
        long,
        value_name = "RULE",
        value_delimiter = ',',
        value_parser = rule,
        help_heading = "Check"
    )]
    allow: Vec<Rule>,

    /// What to write.
    #[arg(
        long,
        short,
        value_enum,
        value_name = "FORM",
        default_value_t,
        help_heading = "Output"
    )]
    output: Form,

    /// Write to this file instead of stdout.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    out: Option<PathBuf>,

    /// Whether to colour text.
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        help_heading = "Output"
    )]
    color: When,

    /// The format of the captures. By default it is found out.
    #[arg(long, value_enum, help_heading = "Input")]
    format: Option<Format>,

    /// Two files are the two directions of one connection: what the client sent, then what the server sent.
    #[arg(long, help_heading = "Input")]
    raw_pair: bool,

    /// Who sent a raw stream that has no handshake. By default who masks is the client.
    #[arg(long, value_enum, help_heading = "Input")]
    direction: Option<SentBy>,

    /// permessage-deflate in a raw stream that has no handshake: `on` with its defaults, `off`, or server-bits=8..15, client-bits=8..15,
    /// no-takeover, server-no-takeover, client-no-takeover. By default where RSV1 says so.
    #[arg(
        long,
        value_name = "SETTINGS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "on",
        value_parser = input::deflate,
        help_heading = "Input"
    )]
    deflate: Option<input::Deflate>,

    /// Decrypt TLS with this key log (as browsers write it to $SSLKEYLOGFILE). May be repeated. Those within pcapng files are used anyway.
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    keys: Vec<PathBuf>,

    /// Decrypt TLS with the key log that $SSLKEYLOGFILE names.
    #[arg(long, help_heading = "Input")]
    keys_from_env: bool,
}

/// What there is to show, once the options are known to go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Frames,
    Messages,
    Follow(Option<u32>),
    Connections,
    Frame(u32),
    /// Counts, findings, or both.
    Judged {
        stats: bool,
        check: bool,
    },
}

impl Inspect {
    /// Inspects the files one after the other.
    pub(crate) fn run(self) -> ExitCode {
        if let Some(problem) = self.problem() {
            let command = Self::augment_args(Command::new("sockeye inspect"));
            command
                .bin_name("sockeye inspect")
                .error(ErrorKind::ArgumentConflict, problem)
                .exit();
        }
        match self.show() {
            Ok(code) => code,
            // Whoever read it has seen enough.
            Err(Failure::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                ExitCode::SUCCESS
            }
            Err(failure) => {
                eprintln!("sockeye: {failure}");
                ExitCode::from(2)
            }
        }
    }

    fn show(&self) -> Result<ExitCode, Failure> {
        if self.rules {
            let mut output = Output::open(self, None)?;
            if let To::Text(out) = &mut output.to {
                rules::show(output.paint, out).map_err(Failure::Write)?;
            }
            output.finish().map_err(Failure::Write)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut output = Output::open(self, self.kind())?;
        let options = input::options(self)?;
        let mut status = Status::default();
        let inputs = input::inputs(self);
        for (index, input) in inputs.iter().enumerate() {
            // Later files may be long: what is known is shown first.
            output.flush().map_err(Failure::Write)?;
            match input.inspect(&options, self.view().reads_payloads()) {
                Ok(inspected) => {
                    status.saw(&inspected);
                    if let To::Text(out) = &mut output.to
                        && inputs.len() > 1
                    {
                        let heading = output.paint.bold(&inspected.name);
                        let before = if index == 0 { "" } else { "\n" };
                        writeln!(out, "{before}{heading}").map_err(Failure::Write)?;
                    }
                    self.one(&inspected, &mut output, &mut status)?;
                }
                Err(error) => {
                    eprintln!("sockeye: {error}");
                    status.is_unreadable = true;
                }
            }
        }
        output.finish().map_err(Failure::Write)?;
        Ok(status.code())
    }

    /// Shows one capture.
    fn one(
        &self,
        inspected: &Inspected,
        output: &mut Output,
        status: &mut Status,
    ) -> Result<(), Failure> {
        let capture = &inspected.capture;
        let view = self.view();
        if let View::Judged { check: true, .. } = view {
            status.has_findings |= check::fails(self, capture);
        }
        let decoding = match self.decode {
            None => Decoding::Off,
            Some(None) => Decoding::Guess,
            Some(Some(decoder)) => Decoding::As(decoder),
        };
        let text_limit = if self.output == Form::Text {
            64 << 10
        } else {
            16 << 20
        };
        let limit = self.max_bytes.map_or(text_limit, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        let shown = Shown {
            export: inspected
                .export()
                .with_file(&inspected.name)
                .with_limit(limit)
                .with_decoding(decoding)
                .with_allowed(&self.allow),
            inspected,
            frames: Frames::new(self.filter.as_ref(), inspected),
            limit,
            decoding,
            time: self.time,
            paint: output.paint,
            width: output.width,
        };
        let out = match &mut output.to {
            To::Text(out) => out,
            To::Document(writer) => {
                return writer
                    .add(&shown.export, shown.frames.iter())
                    .map_err(Failure::Write);
            }
        };
        match view {
            View::Frames => table::frames(&shown, out),
            View::Messages => table::messages(&shown, out),
            View::Follow(connection) => {
                if let Some(number) = connection
                    && capture.connections().len() <= number as usize
                {
                    return Err(Failure::Missing(format!(
                        "{}: there is no connection {number}: {}",
                        inspected.name,
                        text::range(capture.connections().len() as u64, "connection")
                    )));
                }
                follow::show(&shown, connection, out)
            }
            View::Connections => connections::show(&shown, out),
            View::Frame(number) => {
                let Some(frame) = capture.frame(number) else {
                    return Err(Failure::Missing(format!(
                        "{}: there is no frame {number}: {}",
                        inspected.name,
                        text::range(capture.frame_count().into(), "frame")
                    )));
                };
                frame::show(&shown, &frame, out)
            }
            View::Judged { stats, check } => (|| {
                if stats {
                    stats::show(&shown, check, out)?;
                }
                if check {
                    check::show(self, &shown, out)?;
                }
                Ok(())
            })(),
        }
        .map_err(Failure::Write)
    }

    const fn view(&self) -> View {
        if self.messages {
            View::Messages
        } else if let Some(connection) = self.follow {
            View::Follow(connection)
        } else if self.connections {
            View::Connections
        } else if let Some(number) = self.frame {
            View::Frame(number)
        } else if self.stats || self.check {
            View::Judged {
                stats: self.stats,
                check: self.check,
            }
        } else {
            View::Frames
        }
    }

    /// What is written in a form of other programs; `None`: text.
    const fn kind(&self) -> Option<Kind> {
        Some(match (self.output, self.view()) {
            (Form::Jsonl, View::Frames) => Kind::JsonFrames,
            (Form::Jsonl, View::Messages) => Kind::JsonMessages,
            (Form::Jsonl, View::Connections | View::Judged { check: false, .. }) => {
                Kind::JsonConnections
            }
            (Form::Jsonl, _) => Kind::JsonFindings,
            (Form::Csv, View::Messages) => Kind::CsvMessages,
            (Form::Csv, _) => Kind::Csv,
            (Form::Har, _) => Kind::Har,
            (Form::Pcapng, _) => Kind::PcapNg,
            (Form::Hex, _) => Kind::Hex,
            (Form::Sarif, _) => Kind::Sarif,
            (Form::Text, _) => return None,
        })
    }

    /// What does not go together, beyond what the arguments say themselves.
    fn problem(&self) -> Option<&'static str> {
        let view = self.view();
        let is_list = matches!(view, View::Frames | View::Messages);
        let is_check = matches!(view, View::Judged { check: true, .. });
        if self.rules && self.output != Form::Text {
            return Some("--rules is text only; --check --output sarif has all rules too");
        }
        let form = match (self.output, view) {
            (Form::Jsonl, View::Follow(_) | View::Frame(_)) => Some(
                "--output jsonl goes with frames (no option), --messages, --connections, --stats or --check",
            ),
            (
                Form::Jsonl | Form::Sarif,
                View::Judged {
                    stats: true,
                    check: true,
                },
            ) => Some("--stats --check is text only: give one of the two"),
            (Form::Sarif, _) if !is_check => Some("--output sarif goes with --check"),
            (Form::Csv, _) if !is_list => {
                Some("--output csv goes with frames (no option) or --messages")
            }
            (Form::Har | Form::Pcapng | Form::Hex, _) if view != View::Frames => Some(
                "--output har, pcapng and hex are of frames: they go with no option that says what to show",
            ),
            _ => None,
        };
        if form.is_some() {
            return form;
        }
        if self.filter.is_some() && !is_list && !matches!(view, View::Follow(_)) {
            return Some(
                "--filter goes with frames (no option), --messages or --follow: the rest is about whole connections",
            );
        }
        let decodes = matches!(view, View::Messages | View::Follow(_) | View::Frame(_));
        if self.decode.is_some() && !decodes {
            return Some("--decode goes with --messages, --follow or --frame");
        }
        if !is_check && (!self.allow.is_empty() || self.fail_on != FailOn::default()) {
            return Some("--allow and --fail-on go with --check");
        }
        if self.raw_pair && self.files.len() != 2 {
            return Some(
                "--raw-pair wants two files: what the client sent, then what the server sent",
            );
        }
        if self.raw_pair && self.direction.is_some() {
            return Some("--direction does not go with --raw-pair: the order of the files says it");
        }
        if self.frame.is_some() && self.files.len() > 1 && !self.raw_pair {
            return Some("--frame wants one file: each counts its frames from 0");
        }
        if self
            .files
            .iter()
            .filter(|file| file.as_os_str() == "-")
            .count()
            > 1
        {
            return Some("stdin can be read only once");
        }
        None
    }
}

impl View {
    /// Whether frames are read again after the capture was: from a pipe, they have to be kept.
    const fn reads_payloads(self) -> bool {
        !matches!(self, Self::Connections | Self::Judged { .. })
    }
}

/// What the views get.
struct Shown<'a> {
    inspected: &'a Inspected,
    export: sockeye_inspect::export::Export<'a, source::Source>,
    frames: Frames,
    /// Bytes of each payload.
    limit: usize,
    decoding: Decoding,
    time: Time,
    paint: Paint,
    /// Columns of the terminal.
    width: Option<usize>,
}

/// The frames that were asked for.
enum Frames {
    All(u32),
    Selected(Vec<u32>),
}

impl Frames {
    fn new(filter: Option<&Filter>, inspected: &Inspected) -> Self {
        let count = inspected.capture.frame_count();
        let Some(filter) = filter else {
            return Self::All(count);
        };
        let mut selected = Vec::new();
        filter.select(
            &inspected.capture,
            0..count,
            &inspected.source,
            &mut selected,
        );
        Self::Selected(selected)
    }

    fn iter(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::All(count) => Box::new(0..*count),
            Self::Selected(numbers) => Box::new(numbers.iter().copied()),
        }
    }
}

/// What the exit status will say.
#[derive(Debug, Default)]
struct Status {
    has_findings: bool,
    is_unreadable: bool,
}

impl Status {
    /// Tells what is wrong with a capture.
    fn saw(&mut self, inspected: &Inspected) {
        let (name, capture) = (&inspected.name, &inspected.capture);
        for problem in &inspected.problems {
            eprintln!("sockeye: {name}: {problem}");
        }
        self.is_unreadable |= inspected.is_unreadable;
        if capture.connections().is_empty() && !inspected.is_unreadable {
            eprintln!("sockeye: {name}: there is no WebSocket connection in it");
            self.is_unreadable = true;
        }
    }

    fn code(&self) -> ExitCode {
        if self.is_unreadable {
            ExitCode::from(2)
        } else if self.has_findings {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// Why it ends early.
#[derive(Debug)]
enum Failure {
    /// A frame or connection that is not there.
    Missing(String),
    /// A file that is needed for all of it cannot be read or made.
    File(PathBuf, &'static str, io::Error),
    /// Output.
    Write(io::Error),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(text) => f.write_str(text),
            Self::File(path, what, error) => {
                write!(f, "cannot {what} {}: {error}", path.display())
            }
            Self::Write(error) => write!(f, "cannot write: {error}"),
        }
    }
}

/// Reads `--filter`.
fn filter(text: &str) -> Result<Filter, String> {
    Filter::parse(text).map_err(|error| {
        let before = text
            .get(..error.at.start)
            .map_or(0, |before| before.chars().count());
        let wrong = text
            .get(error.at.clone())
            .map_or(1, |wrong| wrong.chars().count().max(1));
        format!(
            "{}\n  {text}\n  {}{}",
            error.message,
            " ".repeat(before),
            "^".repeat(wrong)
        )
    })
}

/// Reads `--decode`.
fn decoder(name: &str) -> Result<Decoder, String> {
    Decoder::with_name(name).ok_or_else(|| {
        let names: Vec<_> = Decoder::all()
            .iter()
            .map(|decoder| decoder.name())
            .collect();
        format!("there are: {}", names.join(", "))
    })
}

/// Reads `--allow`.
fn rule(id: &str) -> Result<Rule, String> {
    Rule::with_id(id).ok_or_else(|| "`sockeye inspect --rules` lists the rules".into())
}

/// The preset of raw streams.
fn preset(inspect: &Inspect) -> Preset {
    let mut preset = Preset::default();
    preset.direction = inspect.direction.map(|sender| match sender {
        SentBy::C2s => Direction::ToServer,
        SentBy::S2c => Direction::ToClient,
    });
    preset.deflate = inspect.deflate.map(|input::Deflate(deflate)| deflate);
    preset
}

const AFTER_HELP: &str = "\
Columns:
  →  from the client to the server        ←  from the server to the client
  FLAGS  F FIN, 1 2 3 the reserved bits (1: the message is compressed), M masked
  ✗  breaks a MUST      !  advice      i  information

Exit status:
  0    shown; with --check, nothing is found that is as severe as --fail-on says
  1    with --check, something is
  2    the command line is wrong, a file cannot be read, or there is no WebSocket connection in it

Examples:
  sockeye inspect chat.pcapng                              every frame
  sockeye inspect net-export.json --messages --decode      messages of Chrome, decoded
  sockeye inspect chat.pcapng --follow=0                   the first conversation
  sockeye inspect chat.pcapng --frame 7                    the bits of one frame
  sockeye inspect *.pcap.gz --check --output sarif --out findings.sarif
  tcpdump -w - -i lo port 8080 | sockeye inspect - --stats --check
  sockeye inspect tls.pcap --keys keys.log --output pcapng --out plain.pcapng
  sockeye inspect chat.pcapng --filter 'op:close or rule:frame-mask-missing' --output jsonl";
