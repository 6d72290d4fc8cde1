//! Reading a capture again.

use std::{cell::RefCell, fs::File, io, os::unix::fs::FileExt};

use sockeye_inspect::ReadAt;

/// A capture that can be read again, with what was read last kept: frames are mostly looked at one after the other.
#[derive(Debug)]
pub(super) struct Source {
    /// `None`: nobody was going to read it again.
    file: Option<File>,
    window: RefCell<Window>,
}

#[derive(Debug, Default)]
struct Window {
    offset: u64,
    bytes: Vec<u8>,
}

impl Source {
    pub(super) fn new(file: Option<File>) -> Self {
        Self {
            file,
            window: RefCell::default(),
        }
    }
}

impl ReadAt for Source {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Err(io::Error::other("it was not kept"));
        };
        if buffer.len() > WINDOW {
            return file.read_exact_at(buffer, offset);
        }
        let mut window = self.window.borrow_mut();
        if let Some(bytes) = window.get(offset, buffer.len()) {
            buffer.copy_from_slice(bytes);
            return Ok(());
        }
        window.fill(file, offset)?;
        let bytes = window
            .get(offset, buffer.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

impl Window {
    fn get(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        self.bytes.get(start..start.checked_add(len)?)
    }

    /// Reads what is at `offset` and behind.
    fn fill(&mut self, file: &File, offset: u64) -> io::Result<()> {
        self.bytes.resize(WINDOW, 0);
        self.offset = offset;
        let mut len = 0;
        let result = loop {
            let at = offset.saturating_add(len as u64);
            match FileExt::read_at(file, &mut self.bytes[len..], at) {
                Ok(0) => break Ok(()),
                Ok(read) => len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.bytes.truncate(len);
        result
    }
}

const WINDOW: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_place_is_read_as_it_is() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|index| (index % 251) as u8).collect();
        let mut file = tempfile::tempfile().expect("there is a place for temporary files");
        file.write_all(&bytes).expect("there is room");
        let source = Source::new(Some(file));
        for (offset, len) in [
            (0, 10),
            (5, 20),
            (65_530, 12),
            (65_530, 70_000),
            (3, 3),
            (199_990, 10),
        ] {
            let mut buffer = vec![0; len];
            source
                .read_at(offset as u64, &mut buffer)
                .expect("it is there");
            assert!(buffer == bytes[offset..offset + len], "{offset}");
        }
        let error = source.read_at(199_995, &mut [0; 10]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
