//! Writes what was found in other formats.

use std::io::{self, BufWriter, Write};

use sockeye_inspect::export::{Export, Kind, Writer};
use sockeye_inspect::{Capture, ReadAt};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    /// What takes an export: an object with a method `write(bytes: Uint8Array): void`, which copies them.
    pub type Sink;

    #[wasm_bindgen(method, catch)]
    fn write(this: &Sink, bytes: &[u8]) -> Result<(), JsValue>;
}

struct ToSink<'a>(&'a Sink);

impl Write for ToSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .write(bytes)
            .map_err(|_| io::Error::other("it was not taken"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the page calls the kinds of export.
pub(crate) fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "jsonl" => Kind::JsonFrames,
        "csv" => Kind::Csv,
        "har" => Kind::Har,
        "pcapng" => Kind::PcapNg,
        "hex" => Kind::Hex,
        "sarif" => Kind::Sarif,
        _ => return None,
    })
}

/// Writes these frames of a capture in a file of this name.
pub(crate) fn write<S: ReadAt>(
    kind: Kind,
    capture: &Capture,
    source: &S,
    file: &str,
    frames: impl IntoIterator<Item = u32>,
    sink: &Sink,
) -> io::Result<()> {
    let out = BufWriter::with_capacity(PIECE, ToSink(sink));
    let mut writer = Writer::new(kind, out)?;
    writer.add(&Export::new(capture, source).with_file(file), frames)?;
    writer.finish()
}

/// Bytes that cross the boundary at once.
const PIECE: usize = 1 << 20;
