//! What is known of one side of a connection.

use super::{Record, error::TlsError, keys::Keys, messages::Messages};

/// One side.
#[derive(Default)]
pub(super) struct Half {
    /// A record that is not complete, or what waits.
    pub(super) buffer: Vec<u8>,
    pub(super) phase: Phase,
    pub(super) messages: Messages,
    /// Those in use; `None` until they are needed.
    pub(super) keys: Option<Keys>,
    pub(super) early_keys: Option<Keys>,
    /// The data of 0-RTT, until it is known whether it counts.
    pub(super) early: Vec<u8>,
    pub(super) early_ended: bool,
    /// How many records could not be decrypted, and need not.
    pub(super) passed_over: u32,
    /// Whether bytes are lost, and no record was found since.
    pub(super) lost: bool,
    /// How many bytes of records were lost or passed over since the last one that decrypted.
    pub(super) lost_bytes: u64,
    /// How many bytes of data were in them; until it is asked for.
    pub(super) gap: u64,
    /// How much was decrypted in vain, in bytes.
    pub(super) in_vain: usize,
    /// What is to be said, though it goes on.
    pub(super) notice: Option<TlsError>,
    /// Why nothing more can be decrypted.
    pub(super) failed: Option<TlsError>,
}

/// How a side encrypts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not at all.
    #[default]
    Clear,
    /// TLS 1.3: until its Finished.
    Handshake,
    /// TLS 1.3: behind it. TLS 1.2: behind ChangeCipherSpec.
    Application,
}

/// How many records may be lost at once.
const NUMBERS: u64 = 1_024;
/// How much may be decrypted in vain, in bytes.
const IN_VAIN: usize = 32 << 20;

impl Half {
    /// Tries to decrypt a record with the numbers that come next, and with the first ones after a KeyUpdate that may have been lost. `passed` bytes
    /// came before it.
    pub(super) fn try_numbers(
        &mut self,
        record: Record<'_>,
        passed: u64,
        text: &mut Vec<u8>,
    ) -> Result<bool, TlsError> {
        let Some(keys) = self.keys.take() else {
            return Err(TlsError::RecordsLost);
        };
        let updated = keys.updated();
        let first = keys.next;
        for (mut keys, first) in [(Some(keys), first), (updated, 0)]
            .into_iter()
            .filter_map(|(keys, first)| Some((keys?, first)))
        {
            for number in first..first.saturating_add(NUMBERS) {
                if keys.decrypt(number, record.header, record.fragment, text) {
                    let records = number - first;
                    self.gap = (self.lost_bytes + passed)
                        .saturating_sub(keys.overhead().saturating_mul(records))
                        .max(records);
                    self.lost_bytes = 0;
                    keys.next = number + 1;
                    self.keys = Some(keys);
                    return Ok(true);
                }
                self.in_vain += record.fragment.len() + 256;
                if self.in_vain > IN_VAIN {
                    return Err(TlsError::RecordsLost);
                }
            }
            if self.keys.is_none() {
                self.keys = Some(keys);
            }
        }
        Ok(false)
    }
}
