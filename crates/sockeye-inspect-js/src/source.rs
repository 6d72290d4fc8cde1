//! The capture as JavaScript can read it again.

use core::cell::RefCell;
use std::io;

use sockeye_inspect::ReadAt;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    /// What JavaScript reads the capture again with: an object with a method `read(offset: number, into: Uint8Array): void`, which fills
    /// `into` or throws.
    pub type Source;

    #[wasm_bindgen(method, catch)]
    fn read(this: &Source, offset: f64, into: &mut [u8]) -> Result<(), JsValue>;
}

/// Reads in blocks, and keeps the last few: reading one frame of a file costs as much as reading a block.
pub(crate) struct Blocks<R> {
    source: R,
    kept: RefCell<Kept>,
}

#[derive(Default)]
struct Kept {
    /// How long the capture is, as far as it is known.
    len: u64,
    /// The last one used comes last.
    blocks: Vec<Block>,
}

struct Block {
    offset: u64,
    bytes: Vec<u8>,
}

impl Block {
    /// The part of `wanted` that begins at its beginning, as much of it as is here.
    fn get(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..len.min(rest.len())])
    }

    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

impl<R: ReadAt> Blocks<R> {
    /// Blocks of `source`.
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            kept: RefCell::default(),
        }
    }

    /// Says how long the capture is: nothing is read behind that.
    pub(crate) fn set_len(&self, len: u64) {
        self.kept.borrow_mut().len = len;
    }

    /// Reads a block with the byte at `offset`, and puts it last.
    fn load(&self, kept: &mut Kept, offset: u64) -> io::Result<()> {
        if offset >= kept.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // Whoever reads on gets more at once: a search through a capture reads it from one end to the other.
        let is_near = |block: &&Block| {
            let gap = offset.checked_sub(block.end());
            gap.is_some_and(|gap| gap < FIRST as u64)
        };
        let before = kept.blocks.iter().find(is_near);
        let (offset, len) = before.map_or((offset, FIRST), |block| {
            let len = (block.bytes.len() * 2).clamp(2 * FIRST, LARGEST);
            (block.end(), len)
        });
        let available = usize::try_from(kept.len - offset).unwrap_or(usize::MAX);
        let len = len.min(available);
        let mut bytes = if kept.blocks.len() >= KEPT {
            kept.blocks.remove(0).bytes
        } else {
            Vec::new()
        };
        bytes.resize(len, 0);
        self.source.read_at(offset, &mut bytes)?;
        kept.blocks.push(Block { offset, bytes });
        Ok(())
    }
}

impl<R: ReadAt> ReadAt for Blocks<R> {
    fn read_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        let kept = &mut *self.kept.borrow_mut();
        while !buffer.is_empty() {
            let found = kept
                .blocks
                .iter()
                .rposition(|block| block.get(offset, 1).is_some());
            match found {
                Some(at) if at + 1 < kept.blocks.len() => {
                    let block = kept.blocks.remove(at);
                    kept.blocks.push(block);
                }
                Some(_) => {}
                None => self.load(kept, offset)?,
            }
            let part = kept
                .blocks
                .last()
                .and_then(|block| block.get(offset, buffer.len()));
            let part = part.ok_or(io::ErrorKind::UnexpectedEof)?;
            let (filled, rest) = buffer.split_at_mut(part.len());
            filled.copy_from_slice(part);
            offset += filled.len() as u64;
            buffer = rest;
        }
        Ok(())
    }
}

impl ReadAt for Source {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read(offset as f64, buffer).map_err(|error| {
            io::Error::other(error.as_string().unwrap_or_else(|| "it is gone".to_owned()))
        })
    }
}

/// How many blocks are kept.
const KEPT: usize = 6;
/// Bytes of a block after a jump.
const FIRST: usize = 64 << 10;
/// Bytes of a block when one is read after the other.
const LARGEST: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    /// Byte `n` of this capture is `n % 251`.
    struct Counted {
        len: u64,
        reads: Cell<u32>,
    }

    impl ReadAt for Counted {
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            self.reads.set(self.reads.get() + 1);
            assert!(offset + buffer.len() as u64 <= self.len);
            for (at, byte) in (offset..).zip(buffer) {
                *byte = (at % 251) as u8;
            }
            Ok(())
        }
    }

    fn counted(len: u64) -> Blocks<Counted> {
        let blocks = Blocks::new(Counted {
            len,
            reads: Cell::new(0),
        });
        blocks.set_len(len);
        blocks
    }

    #[test]
    fn bytes_are_right_at_any_place_and_every_cut() {
        let blocks = counted(20 << 20);
        for (offset, len) in [
            (0, 10),
            (65_530, 20),
            (1 << 20, 9 << 20),
            ((20 << 20) - 3, 3),
            (5, 0),
        ] {
            let mut buffer = vec![0; len];
            blocks.read_at(offset, &mut buffer).expect("it is there");
            assert!(
                (offset..)
                    .zip(buffer)
                    .all(|(at, byte)| byte == (at % 251) as u8)
            );
        }
    }

    #[test]
    fn reading_on_takes_few_reads() {
        let blocks = counted(64 << 20);
        let mut buffer = [0; 100];
        for offset in (0..(64 << 20) - 100).step_by(160) {
            blocks.read_at(offset, &mut buffer).expect("it is there");
        }
        let reads = blocks.source.reads.get();
        assert!(reads < 30, "{reads}");
    }

    #[test]
    fn end_of_capture_is_an_error_and_not_read() {
        let blocks = counted(100);
        let error = blocks.read_at(98, &mut [0; 3]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        blocks.read_at(97, &mut [0; 3]).expect("it is there");
    }
}
