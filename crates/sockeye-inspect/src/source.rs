//! Reading the capture again.

use std::io;

/// A capture that can be read again at any place, to show what is in a frame: the index keeps no payload.
pub trait ReadAt {
    /// Fills `buffer` with the bytes at `offset`.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or the capture ends before; then what `buffer` holds is unspecified.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for [u8] {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let bytes = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..)?.get(..buffer.len()))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_at(offset, buffer)
    }
}

#[cfg(unix)]
impl ReadAt for std::fs::File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slice_is_read_at_any_place_and_never_past_its_end() {
        let bytes = *b"capture";
        let mut buffer = [0; 3];
        bytes[..].read_at(2, &mut buffer).expect("there is enough");
        assert_eq!(&buffer, b"ptu");
        for offset in [5, 7, 8, u64::MAX] {
            let error = bytes[..].read_at(offset, &mut buffer).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{offset}");
        }
    }
}
