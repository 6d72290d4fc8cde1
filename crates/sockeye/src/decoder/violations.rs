//! What is wrong with one frame by itself.

use core::fmt;

use super::RawFrameHeader;
use crate::{Opcode, ProtocolError, Role};

/// What is wrong with one frame by itself, as its header tells: a set of [`ProtocolError`]s.
///
/// Possible are `ReservedBits`, `ReservedOpcode`, `ControlFragmented`, `ControlTooLong`, `MaskMissing`, `MaskUnexpected`,
/// `LengthNotMinimal` and `LengthTooBig`, in this order, in which the bytes of a header tell them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Violations {
    /// One bit for each of [`ORDER`].
    bits: u8,
    /// The opcode where it is reserved, otherwise 0.
    opcode: u8,
}

impl Violations {
    pub(super) const fn of(header: &RawFrameHeader, sender: Option<Role>) -> Self {
        let is_control = header.is_control();
        let is_masked = header.mask.is_some();
        let is_reserved = Opcode::from_bits(header.opcode).is_none();
        // RFC 7692 §6.1: RSV1 is for the first frame of a message only.
        let rsv1_is_wrong = header.rsv1 && (is_control || header.opcode == 0x0);
        let length_is_minimal = match header.length_len() {
            0 => true,
            2 => header.payload_len > 125,
            _ => header.payload_len > 0xFFFF,
        };
        let broken = [
            rsv1_is_wrong || header.rsv2 || header.rsv3,
            is_reserved,
            is_control && !header.fin,
            is_control && header.payload_len > 125,
            matches!(sender, Some(Role::Client)) && !is_masked,
            matches!(sender, Some(Role::Server)) && is_masked,
            !length_is_minimal,
            header.payload_len >> 63 != 0,
        ];
        let (mut bits, mut at) = (0, 0);
        while at < broken.len() {
            bits |= (broken[at] as u8) << at;
            at += 1;
        }
        Self {
            bits,
            opcode: if is_reserved { header.opcode & 0x0F } else { 0 },
        }
    }

    /// Whether the frame keeps all rules that can be checked with nothing but itself.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// Whether this is wrong.
    #[must_use]
    pub fn contains(self, violation: ProtocolError) -> bool {
        self.iter().any(|other| other == violation)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = ProtocolError> + Clone {
        let reserved = ProtocolError::ReservedOpcode {
            opcode: self.opcode,
        };
        ORDER
            .into_iter()
            .enumerate()
            .filter(move |(at, _)| self.bits >> at & 1 != 0)
            .map(move |(_, violation)| match violation {
                ProtocolError::ReservedOpcode { .. } => reserved,
                violation => violation,
            })
    }
}

impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// What each bit stands for.
const ORDER: [ProtocolError; 8] = [
    ProtocolError::ReservedBits,
    ProtocolError::ReservedOpcode { opcode: 0 },
    ProtocolError::ControlFragmented,
    ProtocolError::ControlTooLong,
    ProtocolError::MaskMissing,
    ProtocolError::MaskUnexpected,
    ProtocolError::LengthNotMinimal,
    ProtocolError::LengthTooBig,
];
