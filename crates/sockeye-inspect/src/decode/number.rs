//! Numbers of binary formats as text.

/// A number of `len` bytes in two's complement.
pub(super) fn signed(number: u64, len: u64) -> String {
    let unused = 64 - 8 * len.clamp(1, 8);
    ((number << unused).cast_signed() >> unused).to_string()
}

/// A floating-point number of 2, 4 or 8 bytes.
pub(super) fn float(bits: u64, len: u64) -> String {
    let low = u32::try_from(bits & 0xFFFF_FFFF).unwrap_or_default();
    let value = match len {
        2 => half(low),
        4 => f64::from(f32::from_bits(low)),
        _ => f64::from_bits(bits),
    };
    if len == 4 && value.is_finite() {
        // The shortest text that is this number in 32 bits.
        return f32::from_bits(low).to_string();
    }
    value.to_string()
}

fn half(bits: u32) -> f64 {
    let fraction = f64::from(bits & 0x3FF);
    let magnitude = match bits >> 10 & 0x1F {
        0 => fraction / 16_777_216.0,
        0x1F if fraction == 0.0 => f64::INFINITY,
        0x1F => f64::NAN,
        exponent => {
            // 2 to the power of the exponent less 15, as a double.
            let power = f64::from_bits(u64::from(exponent + 1_023 - 15) << 52);
            (1.0 + fraction / 1_024.0) * power
        }
    };
    if bits & 0x8000 == 0 {
        magnitude
    } else {
        -magnitude
    }
}
