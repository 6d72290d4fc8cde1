//! Takes the bytes of a capture, and hands them to the reader of its format.

use sockeye::DeflateParameters;

use crate::{Capture, Direction, Format, analysis::Analysis, reader::AnyReader};

/// What to take for granted, and how much to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The format; `None`: found out from the first bytes.
    pub format: Option<Format>,
    /// What a raw stream without a handshake is.
    pub preset: Preset,
    /// NSS key logs that lie beside the capture, one after the other.
    pub keys: Vec<u8>,
    /// How many bytes out of order, or before a connection is known for a WebSocket, are held for each direction. Default 4 MiB.
    pub held_bytes: usize,
    /// How many bytes that do not lie in the file as they are (decoded from base64, decrypted) are kept to be shown. Default 1 GiB, in
    /// WebAssembly 256 MiB.
    pub kept_bytes: usize,
    /// How many findings are kept for each rule; more are only counted. Default 10,000.
    pub findings_per_rule: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: None,
            preset: Preset::default(),
            keys: Vec::new(),
            held_bytes: 4 << 20,
            kept_bytes: if cfg!(target_family = "wasm") {
                256 << 20
            } else {
                1 << 30
            },
            findings_per_rule: 10_000,
        }
    }
}

/// What is taken for granted of a stream without a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preset {
    /// Who sent it; `None`: who masks is the client.
    pub direction: Option<Direction>,
    /// permessage-deflate; `None`: where RSV1 says so, with the default parameters.
    pub deflate: Option<Option<DeflateParameters>>,
}

/// Takes the bytes of a capture in order, and builds its [`Capture`].
#[derive(Debug)]
pub struct Inspector {
    reader: AnyReader,
    analysis: Analysis,
}

impl Inspector {
    /// An inspector that has seen nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            reader: AnyReader::new(options.format, options.held_bytes),
            analysis: Analysis::new(options),
        }
    }

    /// Takes the next bytes of the capture, any number of them. They are used as working space: what is in `chunk` afterwards is
    /// unspecified.
    pub fn push(&mut self, chunk: &mut [u8]) {
        self.reader.push(chunk, &mut self.analysis);
    }

    /// Takes the next bytes of the other direction, where the two directions of one stream are two captures ([`Format::Raw`]). Call it before
    /// [`Self::push`] for the request to come first. Its frames' bytes are kept in memory.
    pub fn push_other(&mut self, chunk: &mut [u8]) {
        self.reader.push_other(chunk, &mut self.analysis);
    }

    /// Says that the capture ends here, judges what was left open, and returns what was found.
    pub fn finish(mut self) -> Capture {
        self.finish_reading();
        self.analysis.into_capture()
    }

    /// As [`Self::finish`], where the inspector has to stay: [`Self::capture`] has the result.
    pub fn finish_reading(&mut self) {
        self.reader.finish(&mut self.analysis);
        self.analysis.finish();
    }

    /// What was found up to now.
    #[must_use]
    pub const fn capture(&self) -> &Capture {
        self.analysis.capture()
    }

    /// The format, once it is known.
    #[must_use]
    pub const fn format(&self) -> Option<Format> {
        self.reader.format()
    }
}
