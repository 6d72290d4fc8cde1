//! One message as JSON, its bytes beside it.

use core::ops::Range;

use sockeye_inspect::decode::{self, Decoded, Decoder, Hints};
use sockeye_inspect::inflate::{self, BlockKind, Trace};
use sockeye_inspect::{Capture, Frame, MessageBytes, OpenError, ReadAt};

use crate::frames::bytes;
use crate::json::Json;

/// A message's JSON, its joined payload, and the inflated message if it is compressed. It is decoded as `decoder`, else as what is likely.
pub(crate) fn open<S: ReadAt>(
    capture: &Capture,
    source: &S,
    frame: &Frame,
    decoder: Option<Decoder>,
) -> Result<(String, Vec<Vec<u8>>), OpenError> {
    let message = match capture.message(frame.number, MOST_BYTES, source) {
        // A header alone: a message of which nothing is known.
        Err(OpenError::NotOnRecord) => MessageBytes::default(),
        other => other?,
    };
    let connection = capture.connections().get(frame.connection as usize);
    let mut hints = Hints::new(message.opcode, frame.direction);
    hints.subprotocol = connection.and_then(|connection| connection.subprotocol.as_deref());
    hints.target = connection.and_then(|connection| connection.target());
    let content = &message.content().data;
    let mut candidates = if message.opcode == TEXT || message.opcode == BINARY {
        decode::candidates(content, &hints)
    } else {
        Vec::new()
    };
    let names: Vec<_> = candidates
        .iter()
        .map(|decoded| decoded.decoder.name())
        .collect();
    let decoded = match decoder {
        Some(decoder) => Some(decode::decode_as(decoder, content, &hints)),
        None if candidates.is_empty() => None,
        None => Some(candidates.swap_remove(0)),
    };
    let history = match message.inflated {
        Some(_) => capture.history(frame.number, source)?,
        None => Vec::new(),
    };
    let trace = match message.inflated {
        Some(_) => inflate::trace(&history, &message.joined.data, MOST_TOKENS),
        None => Trace::default(),
    };
    let json = Json::of(|json| {
        json.object(|json| {
            json.key("frames")
                .array(&message.frames, |json, &frame| json.value(frame));
            json.field("opcode", message.opcode);
            json.key("joined")
                .object(|json| bytes(json, &message.joined));
            json.key("inflated");
            match &message.inflated {
                Some(inflated) => json.object(|json| bytes(json, inflated)),
                None => json.value(None::<u32>),
            }
            json.field("inflateError", message.inflate_error.as_deref());
            json.field("complete", message.complete);
            json.key("decoded");
            match &decoded {
                Some(decoded) => json.object(|json| write_decoded(json, decoded)),
                None => json.value(None::<u32>),
            }
            json.key("candidates").array(names, Json::value);
            write_trace(json, &trace);
            json.field("historyLength", history.len());
        });
    });
    let inflated = message.inflated.map(|inflated| inflated.data);
    let parts = [Some(message.joined.data), inflated];
    Ok((json, parts.into_iter().flatten().collect()))
}

fn write_decoded(json: &mut Json, decoded: &Decoded) {
    json.field("decoder", decoded.decoder.name());
    json.field("summary", decoded.summary.as_str());
    json.key("nodes").array(&decoded.nodes, |json, node| {
        json.object(|json| {
            json.field("depth", node.depth);
            json.field("label", node.label.as_str());
            json.field("value", node.value.as_str());
            json.field("kind", node.kind.name());
            json.field("start", node.bytes.start);
            json.field("end", node.bytes.end);
        });
    });
    json.field("error", decoded.error.as_deref());
    json.field("truncated", decoded.truncated);
}

fn write_trace(json: &mut Json, trace: &Trace) {
    json.key("blocks").array(&trace.blocks, |json, block| {
        json.object(|json| {
            json.field(
                "kind",
                match block.kind {
                    BlockKind::Stored => "stored",
                    BlockKind::Fixed => "fixed",
                    BlockKind::Dynamic => "dynamic",
                },
            );
            json.field("last", block.last);
            range(json, "bits", &block.bits);
            range(json, "inflated", &block.inflated);
        });
    });
    json.key("tokens").array(&trace.tokens, |json, token| {
        json.object(|json| {
            range(json, "bits", &token.bits);
            range(json, "inflated", &token.inflated);
            json.field("distance", token.distance);
        });
    });
}

fn range(json: &mut Json, key: &str, range: &Range<u64>) {
    json.key(key).array([range.start, range.end], Json::value);
}

const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
/// Most blocks, and most tokens, of a compressed message: the page shows no more one by one.
const MOST_TOKENS: usize = 8_192;
/// Most bytes of one message that are shown.
const MOST_BYTES: usize = 16 << 20;
