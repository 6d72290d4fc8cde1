//! The rows of the list: which frames a filter and a mode let through.

use sockeye_inspect::filter::Filter;
use sockeye_inspect::{Capture, Frame, ReadAt};

/// What the list has rows of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every frame.
    #[default]
    Frames,
    /// The first frame of every message, control frames among them.
    Messages,
    /// Control frames.
    Control,
}

impl Mode {
    /// The mode with this name.
    pub(crate) fn with_name(name: &str) -> Self {
        match name {
            "messages" => Self::Messages,
            "control" => Self::Control,
            _ => Self::Frames,
        }
    }

    fn has(self, capture: &Capture, frame: &Frame) -> bool {
        match self {
            Self::Frames => true,
            Self::Messages => {
                frame.opcode != CONTINUATION || capture.message_start(frame.number) == frame.number
            }
            Self::Control => frame.is_control(),
        }
    }
}

/// The rows of the list, as far as they were looked for.
pub(crate) struct View {
    mode: Mode,
    filter: Option<Filter>,
    /// The frames of the rows; unused where every frame has one.
    rows: Vec<u32>,
    /// How many frames were looked at.
    seen: u32,
}

impl View {
    /// The rows of frames that are in the mode and pass the filter, `None` being one that all pass.
    pub(crate) const fn new(mode: Mode, filter: Option<Filter>) -> Self {
        Self {
            mode,
            filter,
            rows: Vec::new(),
            seen: 0,
        }
    }

    /// Looks at the next `limit` frames at most. True: there are no more.
    pub(crate) fn advance<S: ReadAt>(&mut self, capture: &Capture, source: &S, limit: u32) -> bool {
        let count = capture.frame_count();
        let end = if self.has_every_frame() {
            count
        } else {
            count.min(self.seen.saturating_add(limit))
        };
        match &self.filter {
            None if self.mode == Mode::Frames => {}
            None => {
                let frames = capture.frames(self.seen..end);
                let frames = frames.filter(|frame| self.mode.has(capture, frame));
                self.rows.extend(frames.map(|frame| frame.number));
            }
            Some(filter) if self.mode == Mode::Frames => {
                filter.select(capture, self.seen..end, source, &mut self.rows);
            }
            Some(filter) => {
                let frames = capture.frames(self.seen..end);
                let frames = frames.filter(|frame| {
                    self.mode.has(capture, frame) && filter.matches(capture, frame, source)
                });
                self.rows.extend(frames.map(|frame| frame.number));
            }
        }
        self.seen = end;
        end == count
    }

    /// How many rows there are.
    pub(crate) const fn len(&self) -> u32 {
        if self.has_every_frame() {
            self.seen
        } else {
            // Not more than there are frames.
            self.rows.len() as u32
        }
    }

    /// The frame of a row.
    pub(crate) fn frame(&self, row: u32) -> Option<u32> {
        if self.has_every_frame() {
            (row < self.seen).then_some(row)
        } else {
            self.rows.get(row as usize).copied()
        }
    }

    /// The row of a frame, else the nearest before it, else the first.
    pub(crate) fn row_of(&self, frame: u32) -> u32 {
        if self.has_every_frame() {
            frame.min(self.seen.saturating_sub(1))
        } else {
            let behind = self.rows.partition_point(|&row| row <= frame);
            behind.saturating_sub(1) as u32
        }
    }

    /// The row of a frame, if it has one.
    pub(crate) fn exact_row_of(&self, frame: u32) -> Option<u32> {
        let row = self.row_of(frame);
        (self.frame(row) == Some(frame)).then_some(row)
    }

    /// The frames of all rows, in order.
    pub(crate) fn frames(&self) -> impl Iterator<Item = u32> {
        (0..self.len()).filter_map(|row| self.frame(row))
    }

    const fn has_every_frame(&self) -> bool {
        matches!(self.mode, Mode::Frames) && self.filter.is_none()
    }
}

const CONTINUATION: u8 = 0x0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FRAMES, capture};

    fn rows(mode: Mode, filter: &str, step: u32) -> Vec<u32> {
        let (capture, bytes) = capture(&FRAMES);
        let filter =
            Some(Filter::parse(filter).expect("it is right")).filter(|_| !filter.is_empty());
        let mut view = View::new(mode, filter);
        while !view.advance(&capture, &bytes, step) {}
        view.frames().collect()
    }

    #[test]
    fn modes_have_their_rows_in_steps_of_any_size() {
        for step in [1, 2, 100] {
            assert_eq!(rows(Mode::Frames, "", step), [0, 1, 2, 3, 4]);
            assert_eq!(rows(Mode::Messages, "", step), [0, 1, 3, 4]);
            assert_eq!(rows(Mode::Control, "", step), [1, 3]);
            assert_eq!(rows(Mode::Frames, "dir:c2s", step), [0, 2, 3, 4]);
            assert_eq!(rows(Mode::Messages, "dir:c2s", step), [0, 3, 4]);
        }
    }

    #[test]
    fn row_of_a_frame_is_its_own_or_the_nearest_before() {
        let (capture, bytes) = capture(&FRAMES);
        let mut view = View::new(Mode::Control, None);
        view.advance(&capture, &bytes, 100);
        let nearest = |frame| view.row_of(frame);
        assert_eq!([0, 1, 2, 3, 4].map(nearest), [0, 0, 0, 1, 1]);
        assert_eq!(view.exact_row_of(3), Some(1));
        assert_eq!(view.exact_row_of(2), None);
        assert_eq!(View::new(Mode::Frames, None).row_of(7), 0);
    }
}
