//! See each file.

mod broken;
mod differential;
mod messages;
mod traces;

use core::ops::ControlFlow;

use super::{InflateError, Inflater, inflater::MessageFacts};

/// Inflates one message.
fn message(
    inflater: &mut Inflater,
    take_over: bool,
    input: &[u8],
) -> (Vec<u8>, Result<MessageFacts, InflateError>) {
    let mut out = Vec::new();
    inflater.begin_message(take_over);
    let result = inflater.inflate(input, &mut |piece: &[u8]| {
        out.extend_from_slice(piece);
        ControlFlow::Continue(())
    });
    let end = inflater.end_message();
    (out, result.and(end))
}
