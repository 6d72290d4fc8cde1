//! One capture as JavaScript handles it.

use core::mem;

use sockeye::{DeflateParameters, WindowBits};
use sockeye_inspect::decode::Decoder;
use sockeye_inspect::filter::{self, Filter};
use sockeye_inspect::{Direction, Frame, Inspector, MessageReader, Options, Rule, Timestamp};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

use crate::export::Sink;
use crate::json::Json;
use crate::rows::{Packer, seconds};
use crate::search::Wanted;
use crate::source::{Blocks, Source};
use crate::view::{Mode, View};
use crate::{connections, export, findings, frames, histogram, messages, search, utf16};

/// A capture that is read, and what was found in it.
///
/// Bytes go in through `room` and `push`; `finish` ends the reading. All else can be asked at any time.
#[wasm_bindgen]
pub struct Inspection {
    inspector: Inspector,
    source: Blocks<Source>,
    /// The bytes that come next.
    chunk: Vec<u8>,
    pushed: u64,
    view: View,
    /// The view that takes the place of the other when its rows are known.
    next: Option<View>,
    packer: Packer,
    /// Bytes that belong to what was answered last.
    parts: Vec<Vec<u8>>,
}

#[wasm_bindgen]
impl Inspection {
    /// An inspection of what `source` can read again, with the text of key logs.
    ///
    /// For a stream without a handshake: `direction` is 1 if the client sent it, 2 if the server did, else 0; `deflate` is 0 where RSV1 tells of
    /// permessage-deflate, 1 where it is not in force, else 2, and with it `parameters` are
    /// `[server_no_context_takeover, client_no_context_takeover, server_max_window_bits, client_max_window_bits]`.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(
        source: Source,
        keys: Vec<u8>,
        direction: u8,
        deflate: u8,
        parameters: &[u8],
    ) -> Self {
        let mut options = Options::default();
        options.keys = keys;
        options.preset.direction = match direction {
            1 => Some(Direction::ToServer),
            2 => Some(Direction::ToClient),
            _ => None,
        };
        options.preset.deflate = match deflate {
            1 => Some(None),
            2 => Some(Some(deflate_parameters(parameters))),
            _ => None,
        };
        Self {
            inspector: Inspector::new(options),
            source: Blocks::new(source),
            chunk: Vec::new(),
            pushed: 0,
            view: View::new(Mode::Frames, None),
            next: None,
            packer: Packer::default(),
            parts: Vec::new(),
        }
    }

    /// Makes room for the next `len` bytes, and returns where in the memory they go.
    pub fn room(&mut self, len: usize) -> usize {
        self.chunk.clear();
        self.chunk.resize(len, 0);
        self.chunk.as_mut_ptr().addr()
    }

    /// Takes the bytes that are in the `room`, which lie in the source where the last ones ended.
    pub fn push(&mut self) {
        self.pushed += self.chunk.len() as u64;
        self.source.set_len(self.pushed);
        self.inspector.push(&mut self.chunk);
    }

    /// Takes the bytes that are in the `room` as the other direction of a raw stream, which does not lie in the source.
    #[wasm_bindgen(js_name = pushOther)]
    pub fn push_other(&mut self) {
        self.inspector.push_other(&mut self.chunk);
    }

    /// Says that the capture ends here.
    pub fn finish(&mut self) {
        self.chunk = Vec::new();
        self.inspector.finish_reading();
        // More is known of the last frames than before.
        self.packer.forget();
    }

    /// How far the reading is, as JSON: the fields of `Progress` that are known here.
    #[must_use]
    pub fn progress(&self) -> String {
        let capture = self.inspector.capture();
        Json::of(|json| {
            json.object(|json| {
                json.field(
                    "format",
                    self.inspector.format().map(|format| format.name()),
                );
                json.field("frames", capture.frame_count());
                json.field("connections", capture.connections().len());
                let findings: u64 = capture.finding_counts().map(|(_, count)| count).sum();
                json.field("findings", findings);
                let span = capture.span().filter(|(first, _)| first.is_known());
                json.field("start", span.map(|(first, _)| first.nanos() as f64 / 1e6));
                json.field("duration", span.map(|(_, last)| seconds(capture, last)));
                json.field("rows", self.view.len());
                json.key("problems")
                    .array(capture.problems(), |json, problem| {
                        json.value(problem.as_str())
                    });
            });
        })
    }

    /// Begins a new view. Returns what is wrong with its filter as JSON (`{message, start, end}`), else nothing. Its rows are known when
    /// `advance` says so; until then the rows are those of the view before.
    #[wasm_bindgen(js_name = setView)]
    pub fn set_view(&mut self, filter: &str, mode: &str) -> Option<String> {
        let filter = match filter.trim() {
            "" => None,
            _ => match Filter::parse(filter) {
                Ok(filter) => Some(filter),
                Err(error) => {
                    let at = utf16::range(filter, &error.at);
                    return Some(Json::of(|json| {
                        json.object(|json| {
                            json.field("message", error.message);
                            json.field("start", at.start);
                            json.field("end", at.end);
                        });
                    }));
                }
            },
        };
        self.next = Some(View::new(Mode::with_name(mode), filter));
        None
    }

    /// Looks for rows in the next `frames` frames. True: the view has all rows there are.
    pub fn advance(&mut self, frames: u32) -> bool {
        let capture = self.inspector.capture();
        let Some(next) = &mut self.next else {
            return self.view.advance(capture, &self.source, frames);
        };
        let is_done = next.advance(capture, &self.source, frames);
        if is_done && let Some(next) = self.next.take() {
            self.view = next;
        }
        is_done
    }

    /// How many rows the view has.
    #[wasm_bindgen(js_name = rowCount)]
    #[must_use]
    pub fn row_count(&self) -> u32 {
        self.view.len()
    }

    /// Packs rows into a buffer; fewer at the end.
    pub fn rows(&mut self, from: u32, count: u32) -> Vec<u8> {
        let capture = self.inspector.capture();
        let mut before = from
            .checked_sub(1)
            .and_then(|row| capture.frame(self.view.frame(row)?))
            .map_or(Timestamp::UNKNOWN, |frame| frame.time);
        let mut out = Vec::new();
        // Compressed rows beside each other are inflated one after the other.
        let mut reader = MessageReader::new(capture, &self.source);
        let end = from.saturating_add(count).min(self.view.len());
        for row in from..end {
            let Some(frame) = self
                .view
                .frame(row)
                .and_then(|number| capture.frame(number))
            else {
                break;
            };
            self.packer
                .pack(capture, &self.source, &mut reader, &frame, before, &mut out);
            before = frame.time;
        }
        out
    }

    /// The row of a frame, else the nearest before it, else 0.
    #[wasm_bindgen(js_name = rowOf)]
    #[must_use]
    pub fn row_of(&self, frame: u32) -> u32 {
        self.view.row_of(frame)
    }

    /// The next row of interest, down or up: `finding`, `pong`, `direction`, `connection`.
    #[must_use]
    pub fn find(&self, what: &str, row: u32, down: bool) -> Option<u32> {
        let wanted = Wanted::with_name(what)?;
        search::find(
            &self.view,
            self.inspector.capture(),
            &self.source,
            wanted,
            row,
            down,
        )
    }

    /// A frame as JSON. Its row, on the wire, and its payload are `part`s.
    ///
    /// # Errors
    ///
    /// There is no such frame, or the capture cannot be read.
    pub fn frame(&mut self, number: u32) -> Result<String, JsError> {
        let frame = self.get(number)?;
        let capture = self.inspector.capture();
        let (json, parts) = frames::open(capture, &self.source, &frame)?;
        let before = self
            .view
            .row_of(number)
            .checked_sub(1)
            .and_then(|row| capture.frame(self.view.frame(row)?))
            .map_or(Timestamp::UNKNOWN, |frame| frame.time);
        let mut row = Vec::new();
        let mut reader = MessageReader::new(capture, &self.source);
        self.packer
            .pack(capture, &self.source, &mut reader, &frame, before, &mut row);
        self.parts = parts;
        self.parts.insert(0, row);
        Ok(json)
    }

    /// The message of a frame as JSON, decoded with the likeliest decoder or the named one. Its payload, and the inflated message if it is
    /// compressed, are `part`s.
    ///
    /// # Errors
    ///
    /// There is no such frame, or the capture cannot be read.
    pub fn message(&mut self, number: u32, decoder: Option<String>) -> Result<String, JsError> {
        let frame = self.get(number)?;
        let decoder = decoder.as_deref().and_then(Decoder::with_name);
        let capture = self.inspector.capture();
        let (json, parts) = messages::open(capture, &self.source, &frame, decoder)?;
        self.parts = parts;
        Ok(json)
    }

    /// Takes a part of what was answered last.
    pub fn part(&mut self, number: usize) -> Vec<u8> {
        self.parts
            .get_mut(number)
            .map(mem::take)
            .unwrap_or_default()
    }

    /// All connections in short, as JSON.
    #[must_use]
    pub fn connections(&self) -> String {
        connections::list(self.inspector.capture())
    }

    /// A connection as JSON.
    ///
    /// # Errors
    ///
    /// There is no such connection.
    pub fn connection(&self, number: u32) -> Result<String, JsError> {
        connections::open(self.inspector.capture(), number)
            .ok_or_else(|| JsError::new("there is no such connection"))
    }

    /// `count` findings from the one at `from` on as JSON, of a rule or of all.
    ///
    /// # Errors
    ///
    /// There is no such rule.
    pub fn findings(
        &self,
        rule: Option<String>,
        from: usize,
        count: usize,
    ) -> Result<String, JsError> {
        let rule = match rule {
            Some(id) => {
                Some(Rule::with_id(&id).ok_or_else(|| JsError::new("there is no such rule"))?)
            }
            None => None,
        };
        Ok(findings::list(self.inspector.capture(), rule, from, count))
    }

    /// The rules that were broken, as JSON.
    #[wasm_bindgen(js_name = ruleCounts)]
    #[must_use]
    pub fn rule_counts(&self) -> String {
        findings::counts(self.inspector.capture())
    }

    /// Traffic between two times, in seconds since the first packet: five numbers for each bucket, the client's bytes, the server's bytes, the
    /// client's control frames, the server's control frames, and the frames with a violation.
    #[must_use]
    pub fn histogram(&self, from: f64, to: f64, buckets: usize) -> Vec<f64> {
        histogram::count(
            self.inspector.capture(),
            from,
            to,
            buckets.min(MOST_BUCKETS),
        )
    }

    /// What may stand at the cursor of a filter, as JSON.
    #[must_use]
    pub fn completions(&self, text: &str, cursor: usize) -> String {
        let cursor = utf16::to_bytes(text, cursor);
        let completions = filter::completions(text, cursor, Some(self.inspector.capture()));
        Json::of(|json| {
            json.array(completions, |json, completion| {
                let at = utf16::range(text, &completion.replace);
                json.object(|json| {
                    json.field("start", at.start);
                    json.field("end", at.end);
                    json.field("text", completion.text);
                    json.field("help", completion.help);
                });
            });
        })
    }

    /// Writes the whole capture, or only the rows of the view, to `sink` (`jsonl`, `csv`, `har`, `pcapng`, `hex`, `sarif`), and returns the
    /// media type. `file` is what the capture is called.
    ///
    /// # Errors
    ///
    /// There is no such kind, or the capture cannot be read.
    pub fn export(
        &self,
        kind: &str,
        view: bool,
        file: &str,
        sink: &Sink,
    ) -> Result<String, JsError> {
        let kind = export::kind(kind).ok_or_else(|| JsError::new("there is no such format"))?;
        let capture = self.inspector.capture();
        if view {
            let frames = self.view.frames();
            export::write(kind, capture, &self.source, file, frames, sink)?;
        } else {
            let frames = 0..capture.frame_count();
            export::write(kind, capture, &self.source, file, frames, sink)?;
        }
        Ok(kind.media_type().to_owned())
    }

    fn get(&self, number: u32) -> Result<Frame, JsError> {
        let frame = self.inspector.capture().frame(number);
        frame.ok_or_else(|| JsError::new("there is no such frame"))
    }
}

/// The terms of the filter language, as JSON.
#[wasm_bindgen(js_name = filterHelp)]
#[must_use]
pub fn filter_help() -> String {
    Json::of(|json| {
        json.array(filter::help(), |json, term| {
            json.object(|json| {
                json.field("name", term.name);
                json.field("example", term.example);
                json.field("help", term.help);
            });
        });
    })
}

/// Parameters in the order of [`Inspection::new`]; what is absent or not allowed is as in an offer without parameters.
fn deflate_parameters(values: &[u8]) -> DeflateParameters {
    let mut parameters = DeflateParameters::default();
    if let &[server_forgets, client_forgets, server_bits, client_bits] = values {
        parameters.server_no_context_takeover = server_forgets != 0;
        parameters.client_no_context_takeover = client_forgets != 0;
        for (bits, parameter) in [
            (server_bits, &mut parameters.server_max_window_bits),
            (client_bits, &mut parameters.client_max_window_bits),
        ] {
            *parameter = WindowBits::new(bits).unwrap_or(WindowBits::MAX);
        }
    }
    parameters
}

/// More than any screen has pixels side by side.
const MOST_BUCKETS: usize = 65_536;
