//! One life of a file: from its creation, or from its truncation, to the next.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use super::{Start, not_regular};

/// A file that was once under the name that is watched. As long as it is open, no other file has its identity.
#[derive(Debug)]
pub(super) struct Generation {
    file: File,
    identity: (u64, u64),
    /// How long it was when it was last looked at.
    pub(super) length: u64,
    /// What has become of it.
    pub(super) fate: Fate,
}

/// What has become of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It may still grow.
    Current,
    /// Another file has its name now. What it holds is all it will be read for.
    Replaced,
    /// It has been truncated: what was not read is lost.
    Truncated,
}

impl Generation {
    /// Opens what has the name now.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // A pipe would wait for somebody to write.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(NONBLOCK)
            .open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(not_regular());
        }
        Ok(Self {
            file,
            identity: identity(&metadata),
            length: metadata.len(),
            fate: Fate::Current,
        })
    }

    /// Looks at its length. A file that has become shorter begins anew: that is returned.
    pub(super) fn look(&mut self) -> io::Result<Option<Self>> {
        let length = self.file.metadata()?.len();
        if length >= self.length {
            self.length = length;
            return Ok(None);
        }
        self.fate = Fate::Truncated;
        Ok(Some(Self {
            file: self.file.try_clone()?,
            identity: self.identity,
            length,
            fate: Fate::Current,
        }))
    }

    /// Whether this is the file that `metadata` is of.
    pub(super) fn is(&self, metadata: &Metadata) -> bool {
        identity(metadata) == self.identity
    }

    /// Reads what lies from `offset`, up to the known length, into `buffer`.
    pub(super) fn read(&self, offset: u64, buffer: &mut Vec<u8>, max: usize) -> io::Result<()> {
        let wanted = self.length.saturating_sub(offset).min(max as u64) as usize;
        buffer.resize(wanted, 0);
        let mut filled = 0;
        while filled < wanted {
            match self
                .file
                .read_at(&mut buffer[filled..], offset + filled as u64)
            {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        buffer.truncate(filled);
        Ok(())
    }

    /// Where a client begins that starts there. An unfinished last line is no line yet.
    pub(super) fn start(&self, start: Start) -> io::Result<u64> {
        let Start::Last(lines) = start else {
            return Ok(0);
        };
        let mut block = Vec::new();
        let mut end = self.length;
        let mut breaks = 0;
        // Behind the last line break that was seen so far, from the end.
        let mut found = None;
        while end > 0 && self.length - end < SCAN {
            let begin = end.saturating_sub(BLOCK);
            self.read(begin, &mut block, (end - begin) as usize)?;
            for (index, _) in block
                .iter()
                .enumerate()
                .rev()
                .filter(|&(_, &byte)| byte == b'\n')
            {
                found = Some(begin + index as u64 + 1);
                if breaks == lines {
                    return Ok(begin + index as u64 + 1);
                }
                breaks += 1;
            }
            end = begin;
        }
        Ok(if end == 0 {
            0
        } else {
            found.unwrap_or(self.length)
        })
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits() as i32;

/// Bytes read at once on the way back from the end, and at most.
const BLOCK: u64 = 64 << 10;
const SCAN: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use super::*;

    fn start_in(content: &str, lines: u64) -> u64 {
        let path = env::temp_dir().join(format!("sockeye-start-{}-{lines}", process::id()));
        fs::write(&path, content).expect("it can be written");
        let generation = Generation::open(&path).expect("it is there");
        fs::remove_file(&path).expect("it is there");
        generation
            .start(Start::Last(lines))
            .expect("it can be read")
    }

    #[test]
    fn last_lines_are_counted_from_the_end() {
        assert_eq!(start_in("", 3), 0);
        assert_eq!(start_in("a\nb\nc\n", 0), 6);
        assert_eq!(start_in("a\nb\nc\n", 2), 2);
        assert_eq!(start_in("a\nb\nc\n", 3), 0);
        assert_eq!(start_in("a\nb\nc\n", 4), 0);
        assert_eq!(start_in("a\nb\nun", 1), 2);
        assert_eq!(start_in("a\nb\nun", 0), 4);
        assert_eq!(start_in("unfinished", 0), 0);
    }

    #[test]
    fn last_lines_are_found_across_blocks() {
        let content = format!("{}\nlast\n", "x".repeat(200_000));
        assert_eq!(start_in(&content, 1), 200_001);
        assert_eq!(start_in(&content, 2), 0);
    }

    #[test]
    fn only_regular_files_are_opened() {
        let error = Generation::open(Path::new("/dev/null")).expect_err("it is a device");
        assert_eq!(error.to_string(), "it is not a regular file");
    }
}
