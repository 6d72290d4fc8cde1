//! Captures of any bytes.

use core::fmt::{self, Write as _};

use sockeye_inspect::{Capture, Finding, Format, Inspector, Options, Origin, Piece, Rule};

use crate::{Digest, alloc, pieces};

/// A file of libpcap.
pub fn pcap(data: &[u8]) {
    inspect(Format::Pcap, data);
}

/// A file of Wireshark.
pub fn pcapng(data: &[u8]) {
    inspect(Format::PcapNg, data);
}

/// An HTTP Archive.
pub fn har(data: &[u8]) {
    inspect(Format::Har, data);
}

/// A net-export of Chrome.
pub fn netlog(data: &[u8]) {
    inspect(Format::NetLog, data);
}

/// Flows of mitmproxy.
pub fn mitmproxy(data: &[u8]) {
    inspect(Format::Mitmproxy, data);
}

/// The bytes of one direction.
pub fn raw(data: &[u8]) {
    inspect(Format::Raw, data);
}

/// Bytes as text.
pub fn text(data: &[u8]) {
    inspect(Format::Text, data);
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
    for other in [outcome(format, file, &[1]), outcome(format, file, &cuts)] {
        if let (Some(other), Some(whole)) = (other, whole) {
            assert_eq!(other, whole);
        }
    }
}

/// All that is found in a file that is read in pieces, and opened again. `None`: of a stream without packets, in which frames were lost, where
/// they begin again is guessed from what came up to then.
fn outcome(format: Format, file: &[u8], cuts: &[u8]) -> Option<Digest> {
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
    assert!(
        peak <= bound(file.len()),
        "{peak} bytes of heap for {}",
        file.len()
    );
    let whole = digest(&capture, file);
    let is_stream = matches!(format, Format::Raw | Format::Text);
    let lost = |finding: &Finding| finding.rule == Rule::FramingLost;
    (!is_stream || !capture.findings().iter().any(lost)).then_some(whole)
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
        put(&pieces_together(capture, number));
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

/// Where the bytes of a frame come from. Of a stream without packets, pieces that follow each other are one, however they came.
fn pieces_together(capture: &Capture, frame: u32) -> Vec<Piece> {
    let mut together: Vec<Piece> = Vec::new();
    for piece in capture.pieces(frame) {
        let follows = together.last().is_some_and(|last| {
            let origin = match last.origin {
                Origin::File(offset) => Origin::File(offset + last.len),
                origin => origin,
            };
            (origin, last.packet, last.time) == (piece.origin, piece.packet, piece.time)
        });
        match together.last_mut().filter(|_| follows) {
            Some(last) => last.len += piece.len,
            None => together.push(piece),
        }
    }
    together
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
