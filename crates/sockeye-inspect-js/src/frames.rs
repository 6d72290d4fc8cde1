//! One frame as JSON, its bytes beside it.

use sockeye_inspect::{Bytes, Capture, Frame, OpenError, Origin, Piece, ReadAt};

use crate::json::Json;
use crate::rows::seconds;
use crate::{close, findings};

/// A frame's JSON, the bytes of the wire, and the payload's.
pub(crate) fn open<S: ReadAt>(
    capture: &Capture,
    source: &S,
    frame: &Frame,
) -> Result<(String, Vec<Vec<u8>>), OpenError> {
    let wire = on_record(capture.wire(frame.number, MOST_BYTES, source))?;
    let payload = on_record(capture.payload(frame.number, MOST_BYTES, source))?;
    let json = Json::of(|json| {
        json.object(|json| {
            json.key("header").object(|json| header(json, frame, &wire));
            json.key("wire").object(|json| bytes(json, &wire));
            json.key("unmasked").object(|json| bytes(json, &payload));
            let pieces = capture.pieces(frame.number);
            json.key("pieces")
                .array(pieces.iter().take(MOST_PIECES), |json, one| {
                    json.object(|json| piece(json, capture, one));
                });
            json.key("findings")
                .array(capture.findings_of(frame.number), findings::finding);
            json.field("message", capture.message_start(frame.number));
            json.key("close");
            if frame.opcode == CLOSE {
                json.object(|json| close_frame(json, &payload.data));
            } else {
                json.value(None::<u32>);
            }
        });
    });
    Ok((json, vec![wire.data, payload.data]))
}

/// What is not on record is empty.
fn on_record(bytes: Result<Bytes, OpenError>) -> Result<Bytes, OpenError> {
    match bytes {
        Err(OpenError::NotOnRecord) => Ok(Bytes::default()),
        other => other,
    }
}

fn header(json: &mut Json, frame: &Frame, wire: &Bytes) {
    let len = usize::from(frame.header_len);
    let key = if frame.masked { MASKING_KEY } else { 0 };
    json.field("length", frame.header_len);
    json.field(
        "lengthForm",
        match len.saturating_sub(key) {
            4 => 16_u32,
            10 => 64,
            _ => 7,
        },
    );
    let key = len
        .checked_sub(key)
        .and_then(|start| wire.data.get(start..len));
    let is_there =
        |key: &&[u8]| !key.is_empty() && wire.missing.iter().all(|range| range.start >= len);
    json.field("maskingKey", key.filter(is_there).map(hex));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the fields of bytes but for the bytes themselves.
pub(crate) fn bytes(json: &mut Json, bytes: &Bytes) {
    json.field("total", bytes.total);
    json.key("missing").array(&bytes.missing, |json, range| {
        json.array([range.start, range.end], Json::value);
    });
}

fn piece(json: &mut Json, capture: &Capture, piece: &Piece) {
    let (origin, offset) = match piece.origin {
        Origin::File(offset) => ("file", Some(offset)),
        Origin::Memory => ("memory", None),
        _ => ("missing", None),
    };
    json.field("offset", piece.offset);
    json.field("length", piece.len);
    json.field("origin", origin);
    json.field("fileOffset", offset);
    json.field("packet", piece.packet);
    json.field("time", seconds(capture, piece.time));
    json.field("streamOffset", piece.stream_offset);
}

/// RFC 6455 §5.5.1: a code of two bytes, then the reason.
fn close_frame(json: &mut Json, payload: &[u8]) {
    let (code, reason) = match payload.split_first_chunk() {
        Some((&code, reason)) => (Some(u16::from_be_bytes(code)), reason),
        None => (None, &[][..]),
    };
    json.field("code", code);
    json.field("codeName", code.map_or("", close::name));
    json.field("reason", String::from_utf8_lossy(reason).into_owned());
}

const CLOSE: u8 = 0x8;
/// Length of a masking key.
const MASKING_KEY: usize = 4;
/// Most bytes of one frame that are shown.
const MOST_BYTES: usize = 4 << 20;
/// Most places of one frame's bytes that are listed.
const MOST_PIECES: usize = 10_000;
