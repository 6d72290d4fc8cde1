//! Traffic over time.

use sockeye_inspect::{Capture, Direction, Severity};

/// Traffic in equal buckets of time: five numbers for each, `[client's bytes, server's bytes, client's control frames, server's control
/// frames, frames with a violation]`.
pub(crate) fn count(capture: &Capture, from: f64, to: f64, buckets: usize) -> Vec<f64> {
    let mut counts = vec![0.0; buckets * FIELDS];
    let Some((first, _)) = capture.span() else {
        return counts;
    };
    let width = to - from;
    if buckets == 0 || width.is_nan() || width < 0.0 {
        return counts;
    }
    // In nanoseconds, as whole numbers: what a bucket holds does not depend on rounding.
    let start = first.nanos().saturating_add((from.max(0.0) * 1e9) as u64);
    let width = ((width * 1e9) as u64).max(1);
    for frame in capture.frames(0..capture.frame_count()) {
        let Some(since) = frame
            .time
            .nanos()
            .checked_sub(start)
            .filter(|&since| since <= width)
        else {
            continue;
        };
        // The end belongs to the last bucket.
        let bucket = (u128::from(since) * buckets as u128 / u128::from(width)) as usize;
        let at = bucket.min(buckets - 1) * FIELDS;
        let direction = usize::from(frame.direction == Direction::ToClient);
        counts[at + direction] += frame.wire_len() as f64;
        if frame.is_control() {
            counts[at + 2 + direction] += 1.0;
        }
        if frame.severity == Some(Severity::Violation) {
            counts[at + 4] += 1.0;
        }
    }
    counts
}

const FIELDS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FRAMES, capture};

    #[test]
    fn every_frame_counts_once_in_the_bucket_of_its_time() {
        // The handshake ends after a millisecond, and a frame follows in each of the five after it.
        let (capture, _) = capture(&FRAMES);
        let counts = count(&capture, 0.0, 0.006, 3);
        #[rustfmt::skip]
        assert_eq!(counts, [
            0.0, 0.0, 0.0, 0.0, 0.0,
            8.0, 3.0, 0.0, 1.0, 0.0,
            19.0, 0.0, 1.0, 0.0, 1.0,
        ]);
        assert_eq!(count(&capture, 0.0, 0.0, 1), [0.0; 5]);
        assert_eq!(count(&capture, 1.0, 0.0, 2), [0.0; 10]);
        assert_eq!(count(&capture, f64::NAN, 1.0, 0), [0.0; 0]);
    }
}
