//! Sizes in bytes, as people write them.

/// Reads `4096`, `64KiB`, `1MiB`, `2GiB`, `10k`, `5M`, with or without a `B` and in any case.
///
/// # Errors
///
/// A sentence that says what would be right.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        _ => return Err(EXPECTED.into()),
    };
    let number: u64 = number.parse().map_err(|_| EXPECTED)?;
    number
        .checked_mul(factor)
        .ok_or_else(|| "that is more than there is".into())
}

const EXPECTED: &str =
    "a size is a number of bytes with an optional unit: 4096, 64KiB, 1MiB, 10k, 5M";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_binary_and_decimal() {
        for (text, size) in [
            ("0", 0),
            ("4096", 4096),
            ("125B", 125),
            ("64KiB", 65_536),
            ("1MiB", 1_048_576),
            ("1 MiB", 1_048_576),
            ("2GiB", 2_147_483_648),
            ("10k", 10_000),
            ("5M", 5_000_000),
            ("1g", 1_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(size), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "MiB",
            "-1",
            "1.5MiB",
            "1TiB",
            "1 Mi B",
            "99999999999999999999",
        ] {
            assert_eq!(parse(text), Err(EXPECTED.into()), "{text}");
        }
        assert!(parse("99999999999GiB").is_err());
    }
}
