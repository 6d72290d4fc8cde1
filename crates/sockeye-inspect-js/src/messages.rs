//! One message as JSON, its bytes beside it.

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
            // What cannot be read again has no history to show.
            let history = match &message.inflated {
                Some(_) => capture.history(frame.number, source).unwrap_or_default(),
                None => Vec::new(),
            };
            json.field("historyLength", history.len());
            let trace = match &message.inflated {
                Some(_) => inflate::trace(&history, &message.joined.data, MOST_TOKENS),
                None => Trace::default(),
            };
            write_trace(json, &trace);
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

/// Writes blocks as objects, and tokens as five numbers each, one after the other: first bit and the one behind the last, first byte and the one
/// behind the last, distance.
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
            for (key, range) in [("bits", &block.bits), ("inflated", &block.inflated)] {
                json.key(key).array([range.start, range.end], Json::value);
            }
        });
    });
    let numbers = trace.tokens.iter().flat_map(|token| {
        let (bits, inflated) = (&token.bits, &token.inflated);
        let distance = u64::from(token.distance);
        [bits.start, bits.end, inflated.start, inflated.end, distance]
    });
    json.key("tokens").array(numbers, Json::value);
}

const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
/// Most bytes of one message that are shown.
const MOST_BYTES: usize = 16 << 20;
/// Most tokens of a compressed message that are shown.
const MOST_TOKENS: usize = 20_000;
