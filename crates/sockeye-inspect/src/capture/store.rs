//! Bytes that do not lie in the capture as they are.

/// Keeps bytes in pieces of a mebibyte, so that it grows without copying.
#[derive(Debug, Default)]
pub(crate) struct Store {
    chunks: Vec<Vec<u8>>,
    len: u64,
}

const CHUNK: usize = 1 << 20;

impl Store {
    /// Keeps these bytes. Returns the offset of the first.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> u64 {
        let offset = self.len;
        self.len += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
                self.chunks.push(Vec::new());
            }
            let Some(chunk) = self.chunks.last_mut() else {
                return offset;
            };
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - chunk.len()));
            chunk.extend_from_slice(now);
            bytes = later;
        }
        offset
    }

    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Fills the buffer with the bytes at `offset`. Returns whether there are so many.
    pub(crate) fn read(&self, mut offset: u64, mut buffer: &mut [u8]) -> bool {
        while !buffer.is_empty() {
            let Some(bytes) = usize::try_from(offset)
                .ok()
                .and_then(|offset| self.chunks.get(offset / CHUNK)?.get(offset % CHUNK..))
                .filter(|bytes| !bytes.is_empty())
            else {
                return false;
            };
            let len = bytes.len().min(buffer.len());
            let (now, later) = buffer.split_at_mut(len);
            now.copy_from_slice(&bytes[..len]);
            buffer = later;
            offset += len as u64;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_across_pieces_and_not_past_the_end() {
        let mut store = Store::default();
        let bytes: Vec<u8> = (0..3 * CHUNK / 2).map(|at| (at % 251) as u8).collect();
        assert_eq!(store.push(b"abc"), 0);
        assert_eq!(store.push(&bytes), 3);
        assert_eq!(store.len(), 3 + bytes.len() as u64);
        let mut buffer = vec![0; bytes.len()];
        assert!(store.read(3, &mut buffer));
        assert_eq!(buffer, bytes);
        assert!(!store.read(4, &mut buffer));
        assert!(!store.read(u64::MAX, &mut buffer[..1]));
        assert!(store.read(store.len(), &mut []));
    }
}
