//! DEFLATE that comes from anywhere, through the inspector.

use sockeye_inspect::{
    Capture, Direction, Format, Inspector, Options,
    inflate::{Token, trace},
};

use crate::inflate::{Stream, messages};

/// More than any message of a seed has, and little enough to be fast.
const LIMIT: usize = 1 << 20;
/// How far a reference reaches.
const WINDOW: usize = 32_768;

/// As [`inflate`](crate::inflate()), but the stream is a capture: what the connection takes, the inspector shows. The trace of a message says the
/// same as its inflation, and a message that is opened by itself the same as one that is read in order.
pub fn inspect_inflate(data: &[u8]) {
    let Some(Stream { parameters, bytes }) = Stream::new(data) else {
        return;
    };
    let mut options = Options::default();
    options.format = Some(Format::Raw);
    options.preset.direction = Some(Direction::ToClient);
    options.preset.deflate = Some(Some(parameters));
    let capture = inspect(options.clone(), &bytes, usize::MAX);
    let cut = inspect(options, &bytes, 1 + bytes.len() % 50);
    assert_eq!(cut.frame_count(), capture.frame_count());
    assert_eq!(cut.findings(), capture.findings());

    let mut shown = Vec::new();
    for number in 0..capture.frame_count() {
        let frame = capture.frame(number).expect("it is one of them");
        assert_eq!(cut.frame(number), Some(frame));
        if capture.message_start(number) != number || !frame.compressed {
            continue;
        }
        let message = capture
            .message(number, LIMIT, &bytes[..])
            .expect("it is in memory");
        let inflated = message.inflated.expect("it is compressed");
        if message.complete && message.inflate_error.is_none() {
            assert_eq!(frame.inflated_len, Some(inflated.total));
        }
        let history = capture
            .history(number, &bytes[..])
            .expect("it is in memory");
        let trace = trace(&history, &message.joined.data, LIMIT);
        if inflated.total <= LIMIT as u64 && !trace.truncated {
            assert_eq!(
                replay(&history, &inflated.data, &trace.tokens),
                inflated.data
            );
            if message.complete {
                let error = trace.error.map(|error| error.to_string());
                assert_eq!(error, message.inflate_error);
            }
        }
        shown.push(inflated.data);
    }

    let (taken, _) = messages(parameters, &bytes, usize::MAX);
    let taken: Vec<_> = taken.into_iter().map(|(_, message)| message).collect();
    assert!(shown.starts_with(&taken));
}

fn inspect(options: Options, bytes: &[u8], size: usize) -> Capture {
    let mut inspector = Inspector::new(options);
    for chunk in bytes.to_vec().chunks_mut(size) {
        inspector.push(chunk);
    }
    inspector.finish()
}

/// What the tokens stand for, with the literals of `inflated`.
fn replay(history: &[u8], inflated: &[u8], tokens: &[Token]) -> Vec<u8> {
    let mut out = vec![0; WINDOW];
    out.extend_from_slice(history);
    let begin = out.len();
    for token in tokens {
        let range = token.inflated.start as usize..token.inflated.end as usize;
        assert_eq!(out.len(), begin + range.start);
        if token.distance == 0 {
            out.extend_from_slice(&inflated[range]);
        } else {
            assert!(token.distance as usize <= WINDOW);
            for _ in range {
                out.push(out[out.len() - token.distance as usize]);
            }
        }
    }
    out.split_off(begin)
}
