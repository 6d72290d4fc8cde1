//! Frames as they lie in a capture.

use sockeye::{FrameDecoder, Role};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::io;

/// Splits the byte stream of one direction into frames, whatever rules they break.
#[wasm_bindgen]
#[derive(Debug)]
pub struct RawFrames {
    decoder: FrameDecoder,
    sender: Option<Role>,
}

#[wasm_bindgen]
impl RawFrames {
    /// For frames of a client (1), a server (2), or somebody (0), of which the first begins at this offset.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(sender: u32, offset: f64) -> Self {
        Self {
            decoder: FrameDecoder::starting_at(offset as u64),
            sender: match sender {
                1 => Some(Role::Client),
                2 => Some(Role::Server),
                _ => None,
            },
        }
    }

    /// Takes what was put into the input. Returns how many pieces of frames there are.
    pub fn decode(&mut self, len: u32) -> u32 {
        io::with(|io| {
            let (mut input, mut events) = io.begin(len);
            while let Some(piece) = self.decoder.decode(&mut input) {
                events.piece(&piece, self.sender);
            }
            io.count()
        })
    }

    /// How many bytes the frame under way lacks, as far as is known; zero when the stream may end here.
    #[must_use]
    pub fn remaining(&self) -> f64 {
        self.decoder.remaining().map_or(0.0, |len| len as f64)
    }
}
