//! Captures of any bytes.

use core::fmt::{self, Write as _};

use sockeye_inspect::{Capture, Format, Inspector, Options};

use crate::{Digest, alloc, pieces};

/// A file of libpcap.
pub fn pcap(data: &[u8]) {
    inspect(Format::Pcap, data);
}

/// A file of Wireshark.
pub fn pcapng(data: &[u8]) {
    inspect(Format::PcapNg, data);
}

/// Most bytes of heap that the inspection of a capture of `len` bytes may take: a connection, with windows to inflate in, can begin in a
/// packet of 55 bytes, and take a kibibyte for each of them.
pub(crate) const fn bound(len: usize) -> isize {
    ((1 << 20) + 1024 * len) as isize
}

/// The first two bytes say how the file is cut, which is the rest.
pub(crate) fn inspect(format: Format, data: &[u8]) {
    let Some((&cuts, file)) = data.split_first_chunk::<2>() else {
        return;
    };
    let whole = outcome(format, file, &[]);
    assert_eq!(outcome(format, file, &[1]), whole);
    assert_eq!(outcome(format, file, &cuts), whole);
}

/// All that is found in a file that is read in pieces, and opened again.
fn outcome(format: Format, file: &[u8], cuts: &[u8]) -> Digest {
    let mut buffer = file.to_vec();
    let mut rest = &mut buffer[..];
    let base = alloc::live();
    let mut options = Options::default();
    options.format = Some(format);
    let mut inspector = Inspector::new(options);
    for piece in pieces(file, cuts) {
        let (chunk, after) = rest.split_at_mut(piece.len());
        rest = after;
        inspector.push(chunk);
    }
    let capture = inspector.finish();
    let peak = alloc::peak() - base;
    assert!(peak <= bound(file.len()), "{peak} bytes of heap for {}", file.len());
    digest(&capture, file)
}

/// What a capture has, and what its frames and messages hold.
fn digest(capture: &Capture, file: &[u8]) -> Digest {
    let mut digest = Digest::new();
    let mut put = |value: &dyn fmt::Debug| {
        write!(digest, "{value:?};").expect("a digest takes everything");
    };
    put(&capture.connections());
    put(&capture.findings());
    put(&capture.problems());
    put(&capture.span());
    let frames = capture.frame_count();
    for number in 0..frames.min(MAX_OPENED) {
        let frame = capture.frame(number).expect("it is one of them");
        put(&frame);
        put(&capture.pieces(number));
        match capture.wire(number, LIMIT, file) {
            Ok(wire) => {
                assert_eq!(wire.total, frame.wire_len());
                put(&wire);
            }
            Err(error) => put(&error),
        }
        match capture.message(number, LIMIT, file) {
            Ok(message) => put(&message),
            Err(error) => put(&error),
        }
    }
    put(&frames);
    digest
}

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}

/// How many frames are opened, and how much of each is read.
const MAX_OPENED: u32 = 64;
const LIMIT: usize = 4_096;
