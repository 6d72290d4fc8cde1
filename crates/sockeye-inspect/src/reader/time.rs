//! Times as texts and as fractions of seconds.

use crate::Timestamp;

/// A number of seconds since 1970, as HAR and mitmproxy write it; of milliseconds, as Playwright does, where seconds would be after the
/// year 5000.
pub(crate) fn seconds(seconds: f64) -> Timestamp {
    if seconds > 1.0e11 {
        return millis(seconds);
    }
    millis(seconds * 1_000.0)
}

/// A number of milliseconds since 1970.
pub(crate) fn millis(millis: f64) -> Timestamp {
    // A double has room for microseconds of our days, not for nanoseconds.
    let micros = (millis * 1_000.0).round();
    if micros > 0.0 && micros < u64::MAX as f64 / 1_000.0 {
        Timestamp::from_nanos((micros as u64).saturating_mul(1_000))
    } else {
        Timestamp::UNKNOWN
    }
}

/// `time` and this many milliseconds.
pub(crate) fn later(time: Timestamp, millis: f64) -> Timestamp {
    if !time.is_known() || !(0.0..1.0e12).contains(&millis) {
        return Timestamp::UNKNOWN;
    }
    Timestamp::from_nanos(time.nanos().saturating_add((millis * 1_000_000.0) as u64))
}

/// A time such as `2026-11-23T01:47:05.123Z` or `2026/11/23 01:47:05.123456`; without a zone it is taken for UTC.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.trim().split_once(['T', ' ', 't'])?;
    let mut date = date.split(['-', '/']).map(|part| part.parse::<u32>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let zone = rest.find(['Z', 'z', '+', '-', ' ']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone);
    let mut clock = clock.splitn(3, ':');
    let hours: u64 = clock.next()?.parse().ok()?;
    let minutes: u64 = clock.next()?.parse().ok()?;
    let (seconds, fraction) = {
        let seconds = clock.next().unwrap_or("0");
        seconds.split_once('.').unwrap_or((seconds, ""))
    };
    let seconds: u64 = seconds.parse().ok()?;
    if hours > 24 || minutes > 59 || seconds > 60 {
        return None;
    }
    let mut nanos = 0;
    for (digit, place) in fraction.chars().zip((0..9).rev()) {
        nanos += u64::from(digit.to_digit(10)?) * 10_u64.pow(place);
    }
    let of_day = hours * 3_600 + minutes * 60 + seconds;
    let total = (days(year, month, day)? * 86_400 + of_day).checked_add_signed(-offset(zone)?)?;
    Some(Timestamp::from_nanos(
        total.checked_mul(1_000_000_000)? + nanos,
    ))
}

/// Days from 1970-01-01.
fn days(year: u32, month: u32, day: u32) -> Option<u64> {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    if !(1970..2500).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    let before = *BEFORE.get(month.checked_sub(1)? as usize)?;
    let leap = |year: u64| year / 4 - year / 100 + year / 400;
    let year = u64::from(year);
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let leap_day = u64::from(month > 2 && is_leap);
    let years = (year - 1970) * 365 + leap(year - 1) - leap(1969);
    Some(years + before + leap_day + u64::from(day) - 1)
}

/// Seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Some(0),
    };
    let digits: String = zone[1..].chars().filter(char::is_ascii_digit).collect();
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..4).unwrap_or("0").parse().ok()?;
    Some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_zone() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00.5Z", 500_000_000),
            (
                "2023-08-29T13:03:20.195591+00:00",
                1_693_314_200_195_591_000,
            ),
            ("2023-08-29T15:03:20.195+02:00", 1_693_314_200_195_000_000),
            ("2023-08-29T08:33:20-0430", 1_693_314_200_000_000_000),
            ("2024/02/29 00:00:00.000001", 1_709_164_800_000_001_000),
            ("2024-03-01T00:00:00Z", 1_709_251_200_000_000_000),
            ("2026-11-23T01:47", 1_795_398_420_000_000_000),
        ] {
            assert_eq!(parse(text), Some(Timestamp::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2024-13-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2024-01-01T25:00:00Z",
            "2024-01-01Tx:00:00",
            "2024-01-01T00:00:00+x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn fractions_of_seconds_are_kept_to_the_microsecond() {
        assert_eq!(
            seconds(1_693_314_200.336985).nanos(),
            1_693_314_200_336_985_000
        );
        assert_eq!(
            seconds(1_795_400_450_223.005_9).nanos(),
            1_795_400_450_223_006_000
        );
        for unknown in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(seconds(unknown), Timestamp::UNKNOWN, "{unknown}");
        }
        assert_eq!(later(millis(1.0), 2.5).nanos(), 3_500_000);
        assert_eq!(later(Timestamp::UNKNOWN, 2.5), Timestamp::UNKNOWN);
    }
}
