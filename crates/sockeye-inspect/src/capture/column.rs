//! A vector that grows without copying and without spare room.

/// Entries in chunks of a fixed size: a `Vec` that doubles would take up to twice the memory, and three times while it grows.
#[derive(Debug)]
pub(crate) struct Column<T> {
    chunks: Vec<Vec<T>>,
    len: u32,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

const CHUNK: usize = 4_096;

impl<T> Column<T> {
    /// Puts an entry at the end; `None` when four thousand million are there.
    #[inline]
    pub(crate) fn push(&mut self, entry: T) -> Option<u32> {
        let number = self.len;
        self.len = number.checked_add(1)?;
        if (number as usize).is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(entry);
        }
        Some(number)
    }

    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.chunks
            .get(number as usize / CHUNK)?
            .get(number as usize % CHUNK)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.chunks
            .get_mut(number as usize / CHUNK)?
            .get_mut(number as usize % CHUNK)
    }

    /// Bytes of memory.
    pub(crate) const fn memory(&self) -> usize {
        self.chunks.len() * (CHUNK * size_of::<T>() + size_of::<Vec<T>>())
    }
}

/// Numbers that few entries have, for which the others pay one bit or nothing.
#[derive(Debug, Default)]
pub(crate) struct SparseColumn {
    chunks: Vec<Option<Box<[u32; CHUNK]>>>,
}

impl SparseColumn {
    /// Sets the number of an entry.
    pub(crate) fn set(&mut self, entry: u32, value: u32) {
        let chunk = entry as usize / CHUNK;
        if self.chunks.len() <= chunk {
            self.chunks.resize_with(chunk + 1, || None);
        }
        self.chunks[chunk].get_or_insert_with(|| Box::new([0; CHUNK]))[entry as usize % CHUNK] =
            value;
    }

    /// The number of an entry, 0 where none was set.
    pub(crate) fn get(&self, entry: u32) -> u32 {
        match self.chunks.get(entry as usize / CHUNK) {
            Some(Some(chunk)) => chunk[entry as usize % CHUNK],
            _ => 0,
        }
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        let used = self.chunks.iter().flatten().count();
        used * CHUNK * size_of::<u32>() + self.chunks.capacity() * size_of::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_in_every_chunk() {
        let mut column = Column::default();
        for value in 0..10_000_u32 {
            assert_eq!(column.push(value * 3), Some(value));
        }
        assert_eq!(column.len(), 10_000);
        for number in [0, 1, 4_095, 4_096, 8_191, 8_192, 9_999] {
            assert_eq!(column.get(number), Some(&(number * 3)));
        }
        assert_eq!(column.get(10_000), None);
        // Three chunks: no spare room but in the last one.
        assert!(column.memory() < 3 * (4_096 * 4 + 64));
    }

    #[test]
    fn sparse_numbers_take_memory_only_where_they_are() {
        let mut column = SparseColumn::default();
        column.set(1_000_000, 7);
        assert_eq!(column.get(1_000_000), 7);
        assert_eq!(column.get(999_999), 0);
        assert_eq!(column.get(3), 0);
        assert_eq!(column.get(5_000_000), 0);
        assert!(column.memory() < 4_096 * 4 + 8 * 512);
    }
}
