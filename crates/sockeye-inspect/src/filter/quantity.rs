//! Numbers, sizes, times and bytes as filters write them.

pub(super) fn parse_integer(value: &str) -> Option<u64> {
    match value.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => value.parse().ok(),
    }
}

/// A number with a unit, which may have a fraction, times what the unit stands for.
pub(super) fn parse_decimal(value: &str, unit: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let end = value
        .find(|char: char| !char.is_ascii_digit() && !matches!(char, '.' | '_'))
        .unwrap_or(value.len());
    let (number, name) = value.split_at(end);
    let factor = u128::from(unit(name)?);
    let mut total = 0_u128;
    let mut divisor = None::<u128>;
    let mut digits = 0;
    for byte in number.bytes().filter(|&byte| byte != b'_') {
        if byte == b'.' {
            if divisor.is_some() {
                return None;
            }
            divisor = Some(1);
            continue;
        }
        digits += 1;
        if digits > 20 {
            return None;
        }
        total = total * 10 + u128::from(byte - b'0');
        divisor = divisor.map(|divisor| divisor * 10);
    }
    if digits == 0 {
        return None;
    }
    u64::try_from(total * factor / divisor.unwrap_or(1)).ok()
}

pub(super) fn parse_size_unit(unit: &str) -> Option<u64> {
    let unit = unit.strip_suffix(['b', 'B']).unwrap_or(unit);
    Some(match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "M" | "m" => 1_000_000,
        "G" | "g" => 1_000_000_000,
        "Ki" | "ki" => 1 << 10,
        "Mi" | "mi" => 1 << 20,
        "Gi" | "gi" => 1 << 30,
        _ => return None,
    })
}

pub(super) fn parse_time_unit(unit: &str) -> Option<u64> {
    Some(match unit {
        "" | "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" | "µs" => 1_000,
        "ns" => 1,
        "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

pub(super) fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text
        .chars()
        .filter(|char| !char.is_whitespace() && !matches!(char, ':' | ','))
        .map(|char| char.to_digit(16));
    let digits: Option<Vec<u32>> = digits.collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len().is_multiple_of(2))?;
    let byte = |pair: &[u32]| u8::try_from(pair[0] << 4 | pair[1]).ok();
    digits.chunks_exact(2).map(byte).collect()
}
