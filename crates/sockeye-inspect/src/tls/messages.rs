//! Handshake messages out of records: a record may hold several, and one may be spread over several records.

/// Puts handshake messages together.
#[derive(Default)]
pub(super) struct Messages {
    pending: Vec<u8>,
    /// How many bytes of a message that nobody wants are still to come.
    skip: usize,
}

/// Types of messages (RFC 8446 §4) that matter here. The others, certificates above all, are passed over.
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const END_OF_EARLY_DATA: u8 = 5;
pub(super) const ENCRYPTED_EXTENSIONS: u8 = 8;
pub(super) const FINISHED: u8 = 20;
pub(super) const KEY_UPDATE: u8 = 24;

/// The longest message that is kept: a ClientHello with large key shares has 2 KiB.
const LONGEST: usize = 65_536;

impl Messages {
    /// Takes what a record holds; call `next` until it is `None` then.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        self.pending.extend_from_slice(&bytes[skipped..]);
    }

    /// The next message that is complete: its type and its body.
    pub(super) fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            let &[kind, a, b, c] = self.pending.first_chunk()?;
            let len = u32::from_be_bytes([0, a, b, c]) as usize;
            let wanted = matches!(
                kind,
                CLIENT_HELLO
                    | SERVER_HELLO
                    | END_OF_EARLY_DATA
                    | ENCRYPTED_EXTENSIONS
                    | FINISHED
                    | KEY_UPDATE
            );
            if wanted && len <= LONGEST {
                let body = self.pending.get(4..4 + len)?.to_vec();
                self.pending.drain(..4 + len);
                return Some((kind, body));
            }
            let there = len.min(self.pending.len() - 4);
            self.skip = len - there;
            self.pending.drain(..4 + there);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_whole_however_they_are_cut() {
        // A certificate (11) of 300 bytes, a Finished of 3, a KeyUpdate of 1.
        let mut stream = vec![11, 0, 1, 44];
        stream.extend([9; 300]);
        stream.extend([20, 0, 0, 3, 1, 2, 3, 24, 0, 0, 1, 0]);
        for size in 1..=stream.len() {
            let mut messages = Messages::default();
            let mut out = Vec::new();
            for piece in stream.chunks(size) {
                messages.push(piece);
                while let Some(message) = messages.next() {
                    out.push(message);
                }
            }
            assert_eq!(out, [(20, vec![1, 2, 3]), (24, vec![0])]);
        }
    }
}
