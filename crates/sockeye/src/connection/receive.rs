//! The receiving half: bytes in, events out.

use alloc::{borrow::Cow, vec::Vec};

use super::{Connection, Initiator, State, assembly::Assembly};
use crate::{
    CloseCode, CloseFrame, Delivery, Event, FrameHeader, MaskingKey, Message, MessageKind,
    MessageRef, Opcode, Part, ProtocolError, Role, utf8::from_utf8,
};

/// What is known of the frame whose end has not come.
#[derive(Debug)]
pub(super) struct Incoming {
    /// The beginning of a header that was cut, or the payload so far of a control frame that was.
    held: [u8; 125],
    held_len: u8,
    /// The frame whose payload is coming.
    pub(super) frame: Option<Frame>,
}

impl Default for Incoming {
    fn default() -> Self {
        Self {
            held: [0; 125],
            held_len: 0,
            frame: None,
        }
    }
}

impl Incoming {
    /// Whether a frame has begun and not ended.
    pub(super) const fn is_amid_frame(&self) -> bool {
        self.frame.is_some() || self.held_len > 0
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    opcode: Opcode,
    pub(super) fin: bool,
    /// The key for the next byte of payload; zero when it is not masked.
    pub(super) mask: MaskingKey,
    pub(super) remaining: u64,
}

impl Connection {
    /// Takes bytes off the front of `input` until one event is complete, and returns it; `None` when there is none yet, and
    /// then `input` is empty. Call it until it returns `None`, then write `out`.
    ///
    /// `input` is unmasked where it lies, and a message that lies in it whole and uncompressed is borrowed from there. Pongs and
    /// the answer to a Close frame are appended to `out`.
    ///
    /// Once the connection is closed, what still comes is dropped.
    ///
    /// # Errors
    ///
    /// What the peer did wrong, at the first byte that shows it. The Close frame that tells it so
    /// ([RFC 6455 §7.1.7](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7)) has been appended to `out`; later calls return the same error.
    #[inline]
    pub fn receive<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'i>>, ProtocolError> {
        match self.receive_unjudged(input, out) {
            Err(error) => Err(self.fail(error, out)),
            received => received,
        }
    }

    /// [`Self::receive`], but for what is done about a violation: [`Self::fail`] with it.
    #[inline]
    pub(crate) fn receive_unjudged<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'i>>, ProtocolError> {
        if self.state == State::Closed {
            *input = &mut [];
            return self.error.map_or(Ok(None), Err);
        }
        // RFC 6455 §5.5.1: nothing follows a Close frame, whether we have answered it or not.
        if self.close_received {
            *input = &mut [];
            return Ok(None);
        }
        if input.is_empty() {
            // A read may end in a control frame between the fragments of a message that has just begun.
            self.age_unfinished();
            return Ok(None);
        }
        if let Some(message) = self.receive_short(input) {
            return message.map(|message| {
                Some(match (self.delivery, message) {
                    (Delivery::Messages, message) => Event::Message(message.into()),
                    (Delivery::Parts, MessageRef::Text(text)) => {
                        Event::Part(Part::new(MessageKind::Text, text.as_bytes(), true))
                    }
                    (Delivery::Parts, MessageRef::Binary(data)) => {
                        Event::Part(Part::new(MessageKind::Binary, data, true))
                    }
                })
            });
        }
        self.timers.heard();
        match self.advance(input, out) {
            Ok(Some(event)) => Ok(Some(event)),
            Ok(None) => {
                self.age_unfinished();
                Ok(None)
            }
            Err(error) => {
                *input = &mut [];
                Err(error)
            }
        }
    }

    /// Takes a message off the front of `input` when it is what comes next and lies there whole, uncompressed, in one frame: the short way
    /// through [`Self::receive`] that most messages go. `None`, with `input` as it was, says to ask `receive`.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::InvalidUtf8`], as `receive`.
    #[inline]
    pub fn receive_message<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        out: &mut Vec<u8>,
    ) -> Option<Result<MessageRef<'i>, ProtocolError>> {
        if self.delivery != Delivery::Messages {
            return None;
        }
        match self.receive_short(input) {
            Some(Err(error)) => Some(Err(self.fail(error, out))),
            received => received,
        }
    }

    /// [`Self::receive_message`], for either delivery, and as [`Self::receive_unjudged`].
    #[inline]
    fn receive_short<'i>(
        &mut self,
        input: &mut &'i mut [u8],
    ) -> Option<Result<MessageRef<'i>, ProtocolError>> {
        if self.state == State::Closed
            || self.close_received
            || self.message.is_some()
            || self.incoming.is_amid_frame()
        {
            return None;
        }
        let &[first, second, ..] = &**input else {
            return None;
        };
        let is_masked = second & 0x80 != 0;
        if !matches!(first, 0x81 | 0x82) || is_masked != (self.role == Role::Server) {
            return None;
        }
        let (len, header_len) = match second & 0x7F {
            126 => {
                let len = u16::from_be_bytes(*input[2..].first_chunk()?);
                (Some(u64::from(len)).filter(|len| *len > 125)?, 4)
            }
            127 => {
                let len = u64::from_be_bytes(*input[2..].first_chunk()?);
                (Some(len).filter(|len| *len > 0xFFFF)?, 10)
            }
            len => (u64::from(len), 2),
        };
        let start = header_len + if is_masked { 4 } else { 0 };
        let available = input.len().checked_sub(start)?;
        if len > available as u64
            || len > self.limits.frame_size
            || len > self.limits.message_size as u64
            || (self.delivery == Delivery::Parts && len > self.limits.parts_size)
        {
            return None;
        }
        let (header, payload) = take(input, start + len as usize).split_at_mut(start);
        if is_masked {
            MaskingKey::new(*header.last_chunk()?).apply(payload);
        }
        self.timers.heard();
        self.timers.message_finished();
        if first == 0x82 {
            return Some(Ok(MessageRef::Binary(payload)));
        }
        match from_utf8(payload) {
            Ok(text) => Some(Ok(MessageRef::Text(text))),
            Err(error) => {
                *input = &mut [];
                Some(Err(error))
            }
        }
    }

    /// Says that the byte stream has ended: the peer closed its side, or the connection broke.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::UnexpectedEnd`] unless Close frames had gone both ways. What `receive` failed with before stays the error.
    pub fn receive_end(&mut self) -> Result<(), ProtocolError> {
        if self.state != State::Closed {
            self.error = Some(ProtocolError::UnexpectedEnd);
            self.end(Initiator::Transport);
        }
        self.error.map_or(Ok(()), Err)
    }

    /// Lets what has begun and not ended grow old.
    #[inline]
    fn age_unfinished(&mut self) {
        if self.message.is_some() || self.incoming.is_amid_frame() {
            self.timers.message_unfinished();
        }
    }

    fn advance<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'i>>, ProtocolError> {
        loop {
            if self.incoming.frame.is_none() {
                let Some(header) = self.receive_header(input)? else {
                    return Ok(None);
                };
                self.check(header.opcode, header.rsv1, Some(header.mask.is_some()))?;
                if self.is_whole_message(&header, input.len()) {
                    return self.receive_whole(&header, input).map(Some);
                }
                self.incoming.frame = Some(self.admit(&header)?);
            }
            let Some(frame) = self.incoming.frame else {
                return Ok(None);
            };
            if frame.opcode.is_control() {
                return match self.receive_control(frame, input) {
                    Some(payload) => self.control_event(frame.opcode, payload, out).map(Some),
                    None => Ok(None),
                };
            }
            if let Some(event) = self.receive_data(frame, input)? {
                return Ok(Some(event));
            }
            if input.is_empty() {
                return Ok(None);
            }
        }
    }

    /// Takes a header off the front of `input`, or keeps what there is of it.
    #[inline]
    fn receive_header(
        &mut self,
        input: &mut &mut [u8],
    ) -> Result<Option<FrameHeader>, ProtocolError> {
        // A violation is found once more below, byte by byte: of several, the first is reported however the input was cut.
        if self.incoming.held_len == 0
            && let Ok(Some((header, len))) = FrameHeader::decode(input)
        {
            take(input, len);
            return Ok(Some(header));
        }
        self.resume_header(input)
    }

    #[cold]
    fn resume_header(
        &mut self,
        input: &mut &mut [u8],
    ) -> Result<Option<FrameHeader>, ProtocolError> {
        loop {
            let len = usize::from(self.incoming.held_len);
            let held = &mut self.incoming.held;
            if let Some((header, _)) = FrameHeader::decode(&held[..len])? {
                self.incoming.held_len = 0;
                return Ok(Some(header));
            }
            // What the first two bytes show to be wrong is not put off until the header is complete.
            if len > 0 {
                let (first, second) = (held[0], (len > 1).then_some(held[1]));
                if let Some(opcode) = Opcode::from_bits(first) {
                    self.check(
                        opcode,
                        first & 0x40 != 0,
                        second.map(|second| second & 0x80 != 0),
                    )?;
                }
            }
            let Some((byte, rest)) = core::mem::take(input).split_first_mut() else {
                return Ok(None);
            };
            *input = rest;
            self.incoming.held[len] = *byte;
            self.incoming.held_len += 1;
        }
    }

    /// Judges what the first two bytes of a header say.
    #[inline]
    fn check(&self, opcode: Opcode, rsv1: bool, masked: Option<bool>) -> Result<(), ProtocolError> {
        // RFC 7692 §6: RSV1 marks the first frame of a message as compressed, and means nothing elsewhere.
        if rsv1 && (self.compression.is_none() || !matches!(opcode, Opcode::Text | Opcode::Binary))
        {
            return Err(ProtocolError::ReservedBits);
        }
        match opcode {
            // RFC 6455 §5.4: fragments of different messages are not interleaved.
            Opcode::Continuation if self.message.is_none() => {
                return Err(ProtocolError::ContinuationUnexpected);
            }
            Opcode::Text | Opcode::Binary if self.message.is_some() => {
                return Err(ProtocolError::ContinuationMissing);
            }
            _ => (),
        }
        match (self.role, masked) {
            // RFC 6455 §5.1: a client masks every frame, a server none.
            (Role::Server, Some(false)) => Err(ProtocolError::MaskMissing),
            (Role::Client, Some(true)) => Err(ProtocolError::MaskUnexpected),
            _ => Ok(()),
        }
    }

    /// Whether a frame is a message that can be borrowed: uncompressed, unfragmented, all of it among the `available` bytes.
    #[inline]
    fn is_whole_message(&self, header: &FrameHeader, available: usize) -> bool {
        header.fin
            && !header.rsv1
            && matches!(header.opcode, Opcode::Text | Opcode::Binary)
            && self.delivery == Delivery::Messages
            && header.payload_len <= available as u64
            && header.payload_len <= self.limits.frame_size
            && header.payload_len <= self.limits.message_size as u64
    }

    /// Takes a whole message off the front of `input` and borrows it from there.
    #[inline]
    fn receive_whole<'i>(
        &mut self,
        header: &FrameHeader,
        input: &mut &'i mut [u8],
    ) -> Result<Event<'i>, ProtocolError> {
        let data = take(input, header.payload_len as usize);
        if let Some(mask) = header.mask {
            mask.apply(data);
        }
        self.timers.message_finished();
        Ok(Event::Message(match header.opcode {
            Opcode::Text => Message::text(from_utf8(data)?),
            _ => Message::binary(&*data),
        }))
    }

    /// Judges the length of a frame and begins it.
    fn admit(&mut self, header: &FrameHeader) -> Result<Frame, ProtocolError> {
        if !header.opcode.is_control() {
            if header.payload_len > self.limits.frame_size {
                return Err(ProtocolError::FrameTooBig {
                    limit: self.limits.frame_size,
                });
            }
            let delivery = self.current_delivery();
            let message = self.message.get_or_insert_with(|| {
                let kind = if header.opcode == Opcode::Text {
                    MessageKind::Text
                } else {
                    MessageKind::Binary
                };
                Assembly::new(kind, header.rsv1)
            });
            if message.fragments > 0 && message.fragments >= self.limits.fragments {
                return Err(ProtocolError::TooManyFragments {
                    limit: self.limits.fragments,
                });
            }
            message.fragments += 1;
            message.judged_for = delivery;
            // Judged by the announced length, so that not one byte too many is held or handed over. Compressed messages are judged as
            // they inflate.
            message.check_len(header.payload_len, &self.limits)?;
        }
        Ok(Frame {
            opcode: header.opcode,
            fin: header.fin,
            mask: header.mask.unwrap_or(MaskingKey::new([0; 4])),
            remaining: header.payload_len,
        })
    }

    /// Takes payload of a data frame; returns an event when it completes one.
    #[inline]
    fn receive_data<'i>(
        &mut self,
        frame: Frame,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Event<'i>>, ProtocolError> {
        let delivery = self.current_delivery();
        let is_in_parts = delivery == Delivery::Parts;
        if is_in_parts
            && self
                .message
                .as_ref()
                .is_some_and(|message| message.compressed)
        {
            return self.receive_inflated_part(frame, input);
        }
        if let Some(message) = &mut self.message
            && message.judged_for != delivery
        {
            message.judged_for = delivery;
            message.check_len(frame.remaining, &self.limits)?;
        }
        let len = usize::try_from(frame.remaining)
            .unwrap_or(usize::MAX)
            .min(input.len());
        let data = take(input, len);
        // In WebAssembly one pass of our own is faster than two of which the host does one, see `MaskingKey::append`.
        let appended = cfg!(target_arch = "wasm32")
            && !is_in_parts
            && self.message.as_mut().is_some_and(|message| {
                message.reserve(len, frame.remaining);
                message.append_masked(frame.mask, data)
            });
        if self.role == Role::Server && !appended {
            frame.mask.apply(data);
        }
        let data = &*data;
        let remaining = frame.remaining - len as u64;
        let last = remaining == 0 && frame.fin;
        self.incoming.frame = (remaining > 0).then(|| Frame {
            mask: frame.mask.advanced(len),
            remaining,
            ..frame
        });
        let Some(message) = &mut self.message else {
            return Ok(None);
        };
        if is_in_parts {
            message.check_part(data, last)?;
            return Ok(self.part(Cow::Borrowed(data), last));
        }

        if !appended {
            message.reserve(len, frame.remaining);
            message.append(
                data,
                self.compression.as_deref_mut(),
                self.limits.message_size,
            )?;
        }
        if !last {
            return Ok(None);
        }
        self.timers.message_finished();
        let Some(message) = self.message.take() else {
            return Ok(None);
        };
        let message = message.finish(self.compression.as_deref_mut())?;
        Ok(Some(Event::Message(message)))
    }

    /// Takes payload of a control frame; returns it, unmasked, once it is complete.
    fn receive_control<'i>(
        &mut self,
        frame: Frame,
        input: &mut &'i mut [u8],
    ) -> Option<Cow<'i, [u8]>> {
        let incoming = &mut self.incoming;
        // `FrameHeader::decode` refuses longer ones, so that it fits into `held`.
        let missing = frame.remaining as usize;
        if incoming.held_len == 0 && input.len() >= missing {
            incoming.frame = None;
            let payload = take(input, missing);
            frame.mask.apply(payload);
            return Some(Cow::Borrowed(payload));
        }
        let held = usize::from(incoming.held_len);
        let taken = take(input, missing.min(input.len()));
        incoming.held[held..held + taken.len()].copy_from_slice(taken);
        incoming.held_len += taken.len() as u8;
        if taken.len() < missing {
            incoming.frame = Some(Frame {
                remaining: (missing - taken.len()) as u64,
                ..frame
            });
            return None;
        }
        let payload = &mut incoming.held[..usize::from(incoming.held_len)];
        frame.mask.apply(payload);
        let payload = payload.to_vec();
        incoming.held_len = 0;
        incoming.frame = None;
        Some(Cow::Owned(payload))
    }

    fn control_event<'i>(
        &mut self,
        opcode: Opcode,
        payload: Cow<'i, [u8]>,
        out: &mut Vec<u8>,
    ) -> Result<Event<'i>, ProtocolError> {
        if self.message.is_none() {
            self.timers.message_finished();
        }
        Ok(match opcode {
            Opcode::Ping => {
                if self.automatic_pong && self.state == State::Open {
                    self.write_frame(Opcode::Pong, &payload, out);
                }
                Event::Ping(payload)
            }
            Opcode::Pong => Event::Pong(payload),
            _ => {
                let frame = CloseFrame::decode(&payload)?.map(CloseFrame::into_owned);
                self.close_received = true;
                if self.state == State::Open && !self.automatic_close {
                    self.initiator = Some(Initiator::Peer);
                    self.message = None;
                    self.timers.stop();
                    return Ok(Event::Close(frame));
                }
                if self.state == State::Open {
                    // RFC 6455 §5.5.1: answer with the code that came.
                    let code = frame.as_ref().map(|frame| frame.code.get().to_be_bytes());
                    self.write_frame(Opcode::Close, code.as_ref().map_or(&[], |code| code), out);
                }
                self.end(Initiator::Peer);
                Event::Close(frame)
            }
        })
    }

    /// _Fail the WebSocket Connection_ ([RFC 6455 §7.1.7](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7)): the one place.
    #[cold]
    pub(crate) fn fail(&mut self, error: ProtocolError, out: &mut Vec<u8>) -> ProtocolError {
        if let Some(code) = error.close_code().filter(|_| self.state == State::Open) {
            let payload = close_payload(code, &error.sentence());
            self.write_frame(Opcode::Close, &payload, out);
        }
        self.error = Some(error);
        self.end(Initiator::Local);
        error
    }
}

/// The payload of a Close frame, its reason cut at a character where it is too long.
fn close_payload(code: CloseCode, reason: &str) -> Vec<u8> {
    let len = reason.floor_char_boundary(CloseFrame::MAX_REASON_LEN);
    let mut payload = code.get().to_be_bytes().to_vec();
    payload.extend_from_slice(&reason.as_bytes()[..len]);
    payload
}

/// Takes `len` bytes off the front.
#[inline]
pub(super) fn take<'i>(input: &mut &'i mut [u8], len: usize) -> &'i mut [u8] {
    let (taken, rest) = core::mem::take(input).split_at_mut(len);
    *input = rest;
    taken
}
