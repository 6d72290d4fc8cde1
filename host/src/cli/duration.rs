//! Spans of time, as people write them.

use std::time::Duration;

/// Reads `500ms`, `10s`, `2m`, `1h`; a bare number is seconds.
///
/// # Errors
///
/// A sentence that says what would be right.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(EXPECTED.into()),
    };
    let number: u64 = number.parse().map_err(|_| EXPECTED)?;
    number
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
        .ok_or_else(|| "that is longer than anything lasts".into())
}

/// The same, or `off`.
///
/// # Errors
///
/// A sentence that says what would be right.
pub(crate) fn parse_or_off(text: &str) -> Result<OrOff, String> {
    match text {
        "off" | "none" | "0" => Ok(OrOff(None)),
        _ => match parse(text) {
            Ok(duration) => Ok(OrOff(Some(duration))),
            Err(error) => Err(format!("{error}; or `off`")),
        },
    }
}

/// A span of time, or no bound.
// clap takes an `Option` to mean that the argument may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrOff(pub(crate) Option<Duration>);

const EXPECTED: &str = "a span of time is a number with a unit: 500ms, 10s, 2m, 1h";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_milliseconds_to_hours() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("3", 3000),
            ("2m", 120_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(
                parse(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "s", "-1s", "1.5s", "1d", "10 s"] {
            assert_eq!(parse(text), Err(EXPECTED.into()), "{text}");
        }
        assert!(parse("99999999999999999999h").is_err());
        assert!(parse("18446744073709551615h").is_err());
    }

    #[test]
    fn off_is_no_bound() {
        assert_eq!(parse_or_off("off"), Ok(OrOff(None)));
        assert_eq!(
            parse_or_off("20s"),
            Ok(OrOff(Some(Duration::from_secs(20))))
        );
        assert!(parse_or_off("often").is_err());
    }
}
