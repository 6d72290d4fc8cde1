//! Control frames, and the end.

use super::{FrameUnderWay, MAX_PINGS, Ping, Way};
use crate::{Rule, analysis::context::Context};

impl Way {
    /// A control frame is complete.
    pub(super) fn control_frame(
        &mut self,
        context: &mut Context<'_>,
        other: &mut Self,
        frame: &FrameUnderWay,
    ) {
        match frame.opcode {
            0x8 => {
                let payload = core::mem::take(&mut self.control);
                context.close(self.direction, frame.number, frame.header_len, &payload);
                self.control = payload;
                self.has_closed = true;
            }
            0x9 => {
                if self.pings.len() == MAX_PINGS {
                    self.pings.pop_front();
                }
                self.pings.push_back(Ping {
                    payload: self.control.as_slice().into(),
                    frame: frame.number,
                    time: frame.time,
                });
            }
            0xA => {
                // RFC 6455 §5.5.3: a Pong may stand for the Pings before the one that it answers.
                let answered = other
                    .pings
                    .iter()
                    .rposition(|ping| *ping.payload == *self.control);
                match answered {
                    Some(at) => {
                        if let Some(ping) = other.pings.drain(..=at).next_back() {
                            context.round_trip(ping.frame, frame.number, ping.time, frame.time);
                        }
                    }
                    None => {
                        let bytes = 0..u64::from(frame.header_len);
                        let rule = Rule::PongUnsolicited;
                        context.in_header(rule, self.direction, frame.number, bytes, "");
                    }
                }
            }
            _ => {}
        }
    }

    /// Nothing more comes. `ended`: with FIN or RST, and not because the capture ends.
    pub(in crate::analysis) fn finish(
        &mut self,
        context: &mut Context<'_>,
        other: &Self,
        ended: bool,
    ) {
        let direction = self.direction;
        if ended && !self.has_closed {
            if let Some(frame) = self.frame
                && let Some(left) = self.decoder.remaining().filter(|&left| left > 0)
            {
                let end = u64::from(frame.header_len) + frame.seen;
                let detail = format!("{left} bytes of payload did not come");
                context.in_header(
                    Rule::FrameTruncated,
                    direction,
                    frame.number,
                    0..end,
                    &detail,
                );
            } else if let Some(message) = &self.message {
                let detail = format!("{} frames came", message.frames);
                context.in_header(
                    Rule::MessageUnfinished,
                    direction,
                    message.first,
                    0..1,
                    &detail,
                );
            }
        }
        // A peer that had time, and said something else.
        let had_time = |ping: &Ping| {
            other
                .last
                .since(ping.time)
                .is_some_and(|time| time.as_secs() >= 1)
                && !other.has_closed
        };
        for ping in self.pings.drain(..) {
            if had_time(&ping) {
                context.in_header(Rule::PingUnanswered, direction, ping.frame, 0..1, "");
            }
        }
    }
}
