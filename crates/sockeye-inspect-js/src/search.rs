//! Finds the next row of interest.

use sockeye_inspect::{Capture, Frame, ReadAt};

use crate::view::View;

/// What to look for, from a row on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// A row with a finding.
    Finding,
    /// From a Ping its Pong, from a Pong its Ping; from elsewhere either.
    Pong,
    /// A row of the same direction.
    Direction,
    /// The first row of the connection with the next number.
    Connection,
}

impl Wanted {
    /// What has this name.
    pub(crate) fn with_name(name: &str) -> Option<Self> {
        Some(match name {
            "finding" => Self::Finding,
            "pong" => Self::Pong,
            "direction" => Self::Direction,
            "connection" => Self::Connection,
            _ => return None,
        })
    }
}

/// Looks from `row` on, down or up; the row itself is not looked at.
pub(crate) fn find<S: ReadAt>(
    view: &View,
    capture: &Capture,
    source: &S,
    wanted: Wanted,
    row: u32,
    down: bool,
) -> Option<u32> {
    let here = capture.frame(view.frame(row)?)?;
    match wanted {
        Wanted::Finding => next(view, capture, row, down, |frame| frame.severity.is_some()),
        Wanted::Direction => next(view, capture, row, down, |frame| {
            frame.direction == here.direction && frame.connection == here.connection
        }),
        Wanted::Pong => match here.opcode {
            PING | PONG => {
                let other = counterpart(capture, source, &here)?;
                view.exact_row_of(other)
            }
            _ => next(view, capture, row, down, |frame| {
                matches!(frame.opcode, PING | PONG)
            }),
        },
        Wanted::Connection => first_of_connection(view, capture, here.connection, down),
    }
}

fn next(
    view: &View,
    capture: &Capture,
    row: u32,
    down: bool,
    is_wanted: impl Fn(&Frame) -> bool,
) -> Option<u32> {
    let is_wanted = |&row: &u32| {
        let frame = view.frame(row).and_then(|number| capture.frame(number));
        frame.is_some_and(|frame| is_wanted(&frame))
    };
    if down {
        (row.saturating_add(1)..view.len()).find(is_wanted)
    } else {
        (0..row).rev().find(is_wanted)
    }
}

/// The first row of the next connection that has any.
fn first_of_connection(view: &View, capture: &Capture, here: u32, down: bool) -> Option<u32> {
    let mut best: Option<(u32, u32)> = None;
    for row in 0..view.len() {
        let Some(frame) = view.frame(row).and_then(|number| capture.frame(number)) else {
            continue;
        };
        let of = frame.connection;
        let is_beyond = if down { of > here } else { of < here };
        let is_nearer = best.is_none_or(|(best, _)| if down { of < best } else { of > best });
        if is_beyond && is_nearer {
            best = Some((of, row));
        }
    }
    best.map(|(_, row)| row)
}

/// The Pong that answers a Ping, or the Ping that a Pong answers.
fn counterpart<S: ReadAt>(capture: &Capture, source: &S, here: &Frame) -> Option<u32> {
    let connection = capture.connections().get(here.connection as usize)?;
    let known = connection.round_trips.iter().find_map(|trip| {
        if here.opcode == PING {
            (trip.ping == here.number).then_some(trip.pong)
        } else {
            (trip.pong == here.number).then_some(trip.ping)
        }
    });
    // Only the first of a connection are listed.
    known.or_else(|| by_content(capture, source, here))
}

/// The nearest frame that goes the other way with the same content.
fn by_content<S: ReadAt>(capture: &Capture, source: &S, here: &Frame) -> Option<u32> {
    let content = capture.payload(here.number, CONTROL, source).ok()?.data;
    let answers = |frame: &Frame| {
        frame.connection == here.connection
            && frame.direction == here.direction.reversed()
            && frame.opcode == (PING ^ PONG ^ here.opcode)
            && capture
                .payload(frame.number, CONTROL, source)
                .is_ok_and(|payload| payload.data == content)
    };
    let found = if here.opcode == PING {
        let behind = here.number.saturating_add(1)..capture.frame_count();
        capture.frames(behind).find(answers)
    } else {
        let before = (0..here.number).rev();
        before
            .filter_map(|number| capture.frame(number))
            .find(answers)
    };
    Some(found?.number)
}

const PING: u8 = 0x9;
const PONG: u8 = 0xA;
/// RFC 6455 §5.5: a control frame has 125 bytes of payload at most.
const CONTROL: usize = 125;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FRAMES, capture};
    use crate::view::Mode;

    #[test]
    fn rows_of_interest_are_found_down_and_up() {
        let (capture, bytes) = capture(&FRAMES);
        let mut view = View::new(Mode::Frames, None);
        view.advance(&capture, &bytes, 100);
        let look = |what, row, down| {
            let wanted = Wanted::with_name(what).expect("there is such a thing");
            find(&view, &capture, &bytes, wanted, row, down)
        };
        assert_eq!(look("finding", 0, true), Some(4));
        assert_eq!(look("finding", 4, true), None);
        assert_eq!(look("direction", 0, true), Some(2));
        assert_eq!(look("direction", 1, false), None);
        assert_eq!(look("pong", 1, true), Some(3));
        assert_eq!(look("pong", 3, true), Some(1));
        assert_eq!(look("pong", 0, true), Some(1));
        assert_eq!(look("connection", 0, true), None);
        assert_eq!(look("finding", 99, true), None);
    }

    #[test]
    fn counterpart_is_found_by_its_content_too() {
        let (capture, bytes) = capture(&FRAMES);
        for (here, there) in [(1, 3), (3, 1)] {
            let here = capture.frame(here).expect("there are five");
            let found = by_content(&capture, &bytes, &here);
            assert_eq!(found, Some(there));
        }
    }
}
