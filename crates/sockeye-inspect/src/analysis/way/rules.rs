//! What is wrong with one frame by itself.

use sockeye::{ProtocolError, RawFrameHeader};

use super::Way;
use crate::{
    Rule, Timestamp,
    analysis::{BareHeader, context::Context},
};

impl Way {
    /// The rules of one frame by itself.
    #[cold]
    pub(super) fn judge(
        &self,
        context: &mut Context<'_>,
        number: u32,
        header: &RawFrameHeader,
        violations: sockeye::Violations,
    ) {
        let direction = self.direction;
        for violation in violations.iter() {
            let (rule, bytes, detail) = match violation {
                ProtocolError::ReservedBits => {
                    if header.rsv1 && context.deflate.is_some() {
                        let rule = if header.is_control() {
                            Rule::Rsv1OnControl
                        } else {
                            Rule::Rsv1OnContinuation
                        };
                        if header.is_control() || header.opcode == 0x0 {
                            context.in_header(rule, direction, number, 0..1, "");
                        }
                        if !header.rsv2 && !header.rsv3 {
                            continue;
                        }
                    }
                    (Rule::ReservedBits, 0..1, reserved_bits(header))
                }
                ProtocolError::ReservedOpcode { .. } => (
                    Rule::ReservedOpcode,
                    0..1,
                    format!("opcode 0x{:X}", header.opcode),
                ),
                ProtocolError::ControlFragmented => (Rule::ControlFragmented, 0..1, String::new()),
                ProtocolError::ControlTooLong => (
                    Rule::ControlTooLong,
                    1..u64::from(header.header_len),
                    format!("{} bytes", header.payload_len),
                ),
                ProtocolError::MaskMissing => (Rule::MaskMissing, 1..2, String::new()),
                ProtocolError::MaskUnexpected => (Rule::MaskUnexpected, 1..2, String::new()),
                ProtocolError::LengthNotMinimal => (
                    Rule::LengthNotMinimal,
                    1..length_end(header),
                    format!(
                        "{} in {} bits",
                        header.payload_len,
                        8 * (length_end(header) - 2)
                    ),
                ),
                ProtocolError::LengthTooBig => {
                    (Rule::LengthTooBig, 2..length_end(header), String::new())
                }
                _ => continue,
            };
            context.in_header(rule, direction, number, bytes, &detail);
        }
    }

    /// The masking key of a frame.
    #[inline]
    pub(super) fn masking(
        &mut self,
        context: &mut Context<'_>,
        number: u32,
        header: &RawFrameHeader,
    ) {
        let Some(mask) = header.mask else {
            return;
        };
        let key = mask.to_bytes();
        let rule = if key == [0; 4] {
            Some(Rule::MaskingKeyZero)
        } else if self.last_key == Some(key) {
            Some(Rule::MaskingKeyReused)
        } else {
            None
        };
        self.last_key = Some(key);
        if let Some(rule) = rule {
            let end = u64::from(header.header_len);
            let detail = format!("{:08x}", u32::from_be_bytes(key));
            context.in_header(rule, self.direction, number, end - 4..end, &detail);
        }
    }

    /// Takes the header of a frame whose payload is not on record: checks what a header can show.
    pub(in crate::analysis) fn bare_header(
        &mut self,
        context: &mut Context<'_>,
        number: u32,
        bare: &BareHeader,
        time: Timestamp,
    ) {
        let first = u8::from(bare.fin) << 7
            | u8::from(bare.rsv1) << 6
            | u8::from(bare.rsv2) << 5
            | u8::from(bare.rsv3) << 4
            | bare.opcode & 0xF;
        let mut bytes = [0; 14];
        bytes[0] = first;
        bytes[1] = if bare.masked { 0x80 } else { 0 };
        bytes[1] |= match bare.payload_len {
            0..=125 => bare.payload_len as u8,
            126..=0xFFFF => {
                bytes[2..4].copy_from_slice(&(bare.payload_len as u16).to_be_bytes());
                126
            }
            _ => {
                bytes[2..10].copy_from_slice(&bare.payload_len.to_be_bytes());
                127
            }
        };
        let Some(header) = RawFrameHeader::decode(&bytes, 0) else {
            return;
        };
        let violations = header.violations(Some(self.direction.sender()));
        if !violations.is_empty() {
            self.judge(context, number, &header, violations);
        }
        let is_start = !header.is_control() && header.opcode != 0x0;
        if header.rsv1 && is_start && context.deflate.is_none() && !context.is_guessed {
            context.in_header(Rule::ReservedBits, self.direction, number, 0..1, "RSV1");
        }
        self.count(context, &header, time);
        if let Some(traffic) = context.traffic(self.direction) {
            // They are not on record.
            traffic.header_bytes -= u64::from(header.header_len);
            traffic.mask_bytes -= if header.mask.is_some() { 4 } else { 0 };
        }
        if self.has_closed {
            context.in_header(Rule::DataAfterClose, self.direction, number, 0..1, "");
        }
        if header.opcode == 0x8 {
            self.has_closed = true;
        }
        if !header.is_control() {
            self.continuity(context, number, &header, false);
            if header.fin {
                self.message = None;
            }
        }
    }
}

/// Offset behind the length.
const fn length_end(header: &RawFrameHeader) -> u64 {
    let mask_len = if header.mask.is_some() { 4 } else { 0 };
    header.header_len as u64 - mask_len
}

/// Which reserved bits are set.
fn reserved_bits(header: &RawFrameHeader) -> String {
    let bits = [
        (header.rsv1, "RSV1"),
        (header.rsv2, "RSV2"),
        (header.rsv3, "RSV3"),
    ];
    let set: Vec<_> = bits
        .into_iter()
        .filter_map(|(is_set, name)| is_set.then_some(name))
        .collect();
    set.join(", ")
}
