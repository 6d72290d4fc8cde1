//! Messages handed over in parts, as they come.

use alloc::{borrow::Cow, vec::Vec};

use super::{
    Connection,
    receive::{Frame, take},
};
use crate::{Delivery, Event, Part, ProtocolError, Role};

/// The most bytes that DEFLATE makes of one: four matches of the greatest length, at two bits each.
const MAX_RATIO: usize = 1032;
/// What the end of a code may add that began in the byte before.
const MAX_MATCH: usize = 258;

impl Connection {
    /// Changes how messages are handed over, from now on.
    ///
    /// To [`Delivery::Parts`]: returned is what has come of the message under way, as its first part. It counts towards
    /// [`Limits::parts_size`](crate::Limits::parts_size), which is asked only about what follows. Back to [`Delivery::Messages`]: the rest of
    /// a message of which parts were handed over is dropped; one of which none was comes whole.
    pub fn set_delivery(&mut self, delivery: Delivery) -> Option<Part<'static>> {
        if delivery == self.delivery {
            return None;
        }
        self.delivery = delivery;
        let message = self.message.as_mut()?;
        match delivery {
            Delivery::Messages => {
                message.is_skipped |= message.handed_over > 0;
                None
            }
            Delivery::Parts => {
                let data = message.take_content();
                if data.is_empty() || message.is_skipped {
                    return None;
                }
                message.handed_over = data.len() as u64;
                Some(Part::new(message.kind, data, false))
            }
        }
    }

    /// Whether a message has begun to come, or to go out in parts, and has not ended.
    #[must_use]
    pub fn is_amid_message(&self) -> bool {
        self.message.is_some() || self.sending.is_some() || self.incoming.is_amid_frame()
    }

    /// How many bytes of the payload of the frame under way have not come: what was announced, and may never come.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        (self.incoming.frame.as_ref()).map_or(0, |frame| frame.remaining)
    }

    /// How the message under way, or the next, is handed over. One whose rest nobody wants still comes in parts, which are dropped.
    #[inline]
    pub(super) fn current_delivery(&self) -> Delivery {
        match &self.message {
            Some(message) if message.is_skipped => Delivery::Parts,
            _ => self.delivery,
        }
    }

    /// Takes payload of a frame of a compressed message, and returns what it inflates to.
    ///
    /// A part is at most as long as [`Limits::message_size`](crate::Limits::message_size), or 4 KiB. What might not fit stays in `input` for
    /// the next part: a message must not fail because a read brought much of it. Only the message as a whole is bounded, by
    /// [`Limits::parts_size`](crate::Limits::parts_size): a part that would cross that is not handed over.
    pub(super) fn receive_inflated_part<'i>(
        &mut self,
        mut frame: Frame,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Event<'i>>, ProtocolError> {
        let (Some(message), Some(compression)) =
            (&mut self.message, self.compression.as_deref_mut())
        else {
            return Ok(None);
        };
        let limit = self.limits.message_size.max(4 * MAX_RATIO);
        let left = self.limits.parts_size.saturating_sub(message.handed_over);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let mut part = Vec::new();
        loop {
            let room = limit.saturating_sub(part.len() + MAX_MATCH) / MAX_RATIO;
            let len = usize::try_from(frame.remaining)
                .unwrap_or(usize::MAX)
                .min(input.len())
                .min(room.max(1));
            let data = take(input, len);
            if self.role == Role::Server {
                frame.mask.apply(data);
            }
            frame.mask = frame.mask.advanced(len);
            frame.remaining -= len as u64;
            // No piece inflates beyond the limit of a part: it is the message that is too big.
            message
                .inflate_part(data, &mut part, compression, limit.min(left))
                .map_err(|error| match error {
                    ProtocolError::MessageTooBig { .. } => self.limits.parts_too_big(),
                    error => error,
                })?;
            if frame.remaining == 0 || input.is_empty() || part.len() > limit / 2 {
                break;
            }
        }
        let last = frame.remaining == 0 && frame.fin;
        if last {
            compression.finish_inflate()?;
            message.check_part(&[], true)?;
        }
        self.incoming.frame = (frame.remaining > 0).then_some(frame);
        Ok(self.part(Cow::Owned(part), last))
    }

    /// Hands over a part of the message under way. One that says nothing is not reported, and does not make the message younger.
    pub(super) fn part<'i>(&mut self, data: Cow<'i, [u8]>, last: bool) -> Option<Event<'i>> {
        if !last && data.is_empty() {
            return None;
        }
        let message = self.message.as_mut()?;
        message.handed_over = message.handed_over.saturating_add(data.len() as u64);
        let (kind, is_skipped) = (message.kind, message.is_skipped);
        if last {
            self.message = None;
        }
        self.timers.message_finished();
        (!is_skipped).then(|| Event::Part(Part::new(kind, data, last)))
    }
}
