//! The sending half: messages and control frames into the caller's buffer.

use alloc::vec::Vec;

use super::{Connection, Initiator, State};
use crate::{
    CloseFrame, FrameHeader, MaskingKey, Message, MessageKind, Opcode, Part, PreparedMessage, Role,
    SendError, utf8::Utf8Validator,
};

/// The message that is being sent in parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending {
    kind: MessageKind,
    compressed: bool,
    utf8: Utf8Validator,
}

/// Longest payload of a control frame (RFC 6455 §5.5).
const MAX_CONTROL_LEN: usize = 125;

/// From this length on, WebAssembly copies by itself, see [`MaskingKey::append`].
const LARGE: usize = 65_536;

impl Connection {
    /// Appends a whole message to `out`, compressed where that was negotiated and the message is not below the threshold.
    ///
    /// # Errors
    ///
    /// [`SendError::CloseSent`], [`SendError::MessageUnfinished`].
    #[inline]
    pub fn send(&mut self, message: Message<'_>, out: &mut Vec<u8>) -> Result<(), SendError> {
        self.check_sendable()?;
        let data = message.as_bytes();
        let opcode = message.kind().opcode();
        if self.compresses(data.len()) {
            self.write_compressed(opcode, data, true, out);
        } else {
            self.write_frame(opcode, data, out);
        }
        Ok(())
    }

    /// Like [`Self::send`], but leaves to the caller what goes out as it is: returns the bytes to write after `out`, none when all of
    /// it is in `out`. Written together with `out` in one vectored write, a large message is not copied.
    ///
    /// # Errors
    ///
    /// Those of [`Self::send`].
    pub fn send_vectored<'m>(
        &mut self,
        message: &'m Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<&'m [u8], SendError> {
        self.check_sendable()?;
        let data = message.as_bytes();
        let opcode = message.kind().opcode();
        if self.compresses(data.len()) {
            self.write_compressed(opcode, data, true, out);
        } else if self.role == Role::Client {
            self.write_frame(opcode, data, out);
        } else {
            let (bytes, len) = FrameHeader::new(opcode, data.len() as u64).encode();
            out.extend_from_slice(&bytes[..len]);
            return Ok(data);
        }
        Ok(&[])
    }

    /// Appends the frame header of a message of `len` bytes that goes out as it is, and leaves the payload to the caller: write it after
    /// `out`. False, with nothing appended, when the payload has to be masked or compressed: [`Self::send`] it then.
    ///
    /// Text must be UTF-8; the caller has seen to that.
    ///
    /// # Errors
    ///
    /// Those of [`Self::send`].
    pub fn send_header(
        &mut self,
        kind: MessageKind,
        len: u64,
        out: &mut Vec<u8>,
    ) -> Result<bool, SendError> {
        self.check_sendable()?;
        let is_as_it_is = self.role == Role::Server
            && !self.compresses(usize::try_from(len).unwrap_or(usize::MAX));
        if is_as_it_is {
            let (bytes, header_len) = FrameHeader::new(kind.opcode(), len).encode();
            out.extend_from_slice(&bytes[..header_len]);
        }
        Ok(is_as_it_is)
    }

    /// Appends a part of a message to `out`, as a frame of its own. The first part decides whether the message is compressed. Control
    /// frames may go between the parts of a message, other messages may not.
    ///
    /// # Errors
    ///
    /// [`SendError::CloseSent`]; [`SendError::MessageUnfinished`] when the kind is not that of the message under way;
    /// [`SendError::InvalidUtf8`] when the text so far cannot be the beginning of any text, or its final part leaves a character cut.
    pub fn send_part(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::CloseSent);
        }
        let (opcode, mut sending) = match self.sending {
            Some(sending) if sending.kind != part.kind => return Err(SendError::MessageUnfinished),
            Some(sending) => (Opcode::Continuation, sending),
            None => {
                // A first part of many says nothing about the length of the message: only a lone part may be below the threshold.
                let compressed = self.compresses(if part.fin {
                    part.data.len()
                } else {
                    usize::MAX
                });
                (
                    part.kind.opcode(),
                    Sending {
                        kind: part.kind,
                        compressed,
                        utf8: Utf8Validator::new(),
                    },
                )
            }
        };
        if part.kind == MessageKind::Text {
            let checked = sending.utf8.check(&part.data);
            checked
                .and_then(|()| {
                    if part.fin {
                        sending.utf8.finish()
                    } else {
                        Ok(())
                    }
                })
                .map_err(|_| SendError::InvalidUtf8)?;
        }
        self.sending = (!part.fin).then_some(sending);
        let compressed = sending.compressed;
        if compressed {
            self.write_compressed(opcode, &part.data, part.fin, out);
        } else {
            let header = FrameHeader {
                fin: part.fin,
                ..FrameHeader::new(opcode, part.data.len() as u64)
            };
            self.write(header, &part.data, out);
        }
        Ok(())
    }

    /// Appends a message that was prepared for many connections to `out`. On a server it is framed, and compressed, once for
    /// all connections that negotiated the same.
    ///
    /// # Errors
    ///
    /// [`SendError::CloseSent`], [`SendError::MessageUnfinished`].
    pub fn send_prepared(
        &mut self,
        message: &mut PreparedMessage,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.check_sendable()?;
        let compress = self.compresses(message.as_bytes().len());
        let compression = self.compression.as_deref_mut().filter(|_| compress);
        let rsv1 = compression.is_some();
        let opcode = message.kind().opcode();
        let payload = match compression {
            Some(compression) => {
                // The shared bytes refer to nothing before them, and the peer's window now ends in them, not in what our compressor
                // remembers: it starts afresh, which any peer can follow.
                compression.begin_deflate();
                compression.forget();
                message.compressed(compression.level(), compression.window())
            }
            None => message.as_bytes(),
        };
        let header = FrameHeader {
            rsv1,
            ..FrameHeader::new(opcode, payload.len() as u64)
        };
        self.write(header, payload, out);
        Ok(())
    }

    /// Appends a Ping to `out`.
    ///
    /// # Errors
    ///
    /// [`SendError::CloseSent`]; [`SendError::ControlTooLong`] when `payload` is longer than 125 bytes.
    pub fn ping(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.send_control(Opcode::Ping, payload, out)
    }

    /// Appends a Pong to `out`: one that nobody asked for (a heartbeat, RFC 6455 §5.5.3), or the answer to a Ping when
    /// [`Options::automatic_pong`](crate::Options::automatic_pong) is off.
    ///
    /// # Errors
    ///
    /// [`SendError::CloseSent`]; [`SendError::ControlTooLong`] when `payload` is longer than 125 bytes.
    pub fn pong(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.send_control(Opcode::Pong, payload, out)
    }

    /// Begins the closing handshake ([RFC 6455 §7.1.2](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2)): appends a Close
    /// frame to `out`. Keep receiving until [`Event::Close`](crate::Event::Close) or until `handle_timeout` gives up. A message that is
    /// being sent in parts is abandoned. When the peer's Close frame has come and was not answered
    /// ([`Options::automatic_close`](crate::Options::automatic_close)), this answers it and ends the connection.
    ///
    /// # Errors
    ///
    /// [`SendError::CloseSent`]; [`SendError::InvalidCloseCode`] for a code that must not be sent;
    /// [`SendError::ControlTooLong`] for a reason of more than [`CloseFrame::MAX_REASON_LEN`] bytes.
    pub fn close(
        &mut self,
        frame: Option<CloseFrame<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::CloseSent);
        }
        let mut payload = Vec::new();
        if let Some(frame) = frame {
            if !frame.code.is_sendable() {
                return Err(SendError::InvalidCloseCode);
            }
            payload.extend_from_slice(&frame.code.get().to_be_bytes());
            payload.extend_from_slice(frame.reason.as_bytes());
        }
        self.send_control(Opcode::Close, &payload, out)?;
        if self.close_received {
            self.end(Initiator::Peer);
            return Ok(());
        }
        self.state = State::Closing;
        self.initiator = Some(Initiator::Local);
        self.timers.close_sent();
        Ok(())
    }

    fn send_control(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::CloseSent);
        }
        if payload.len() > MAX_CONTROL_LEN {
            return Err(SendError::ControlTooLong);
        }
        self.write_frame(opcode, payload, out);
        Ok(())
    }

    /// Whether a message may be sent now.
    ///
    /// # Errors
    ///
    /// Those of [`Self::send`].
    #[inline]
    pub fn check_sendable(&self) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::CloseSent);
        }
        if self.sending.is_some() {
            return Err(SendError::MessageUnfinished);
        }
        Ok(())
    }

    /// Whether a message of this many bytes goes out compressed.
    #[inline]
    fn compresses(&self, len: usize) -> bool {
        self.compression
            .as_ref()
            .is_some_and(|compression| compression.compresses(len))
    }

    fn write_compressed(&mut self, opcode: Opcode, data: &[u8], fin: bool, out: &mut Vec<u8>) {
        let Some(compression) = self.compression.as_deref_mut() else {
            return;
        };
        // The length is known only afterwards. Room is left for the header of a payload of the original length, which the
        // compressed one mostly shares; otherwise the payload is moved.
        let start = out.len();
        let mask = (self.role == Role::Client).then(|| MaskingKey::new([0; 4]));
        let guess = FrameHeader {
            mask,
            ..FrameHeader::new(opcode, data.len() as u64)
        }
        .encode()
        .1;
        out.resize(start + guess, 0);
        if opcode != Opcode::Continuation {
            compression.begin_deflate();
        }
        if fin {
            compression.deflate_last(data, out);
        } else {
            compression.deflate(data, out);
        }
        let payload_len = out.len() - start - guess;
        let mut header = FrameHeader {
            fin,
            rsv1: opcode != Opcode::Continuation,
            ..FrameHeader::new(opcode, payload_len as u64)
        };
        header.mask = mask.map(|_| self.masking_key());
        let (bytes, len) = header.encode();
        if len > guess {
            out.splice(start..start, core::iter::repeat_n(0, len - guess));
        } else if len < guess {
            out.drain(start..start + guess - len);
        }
        out[start..start + len].copy_from_slice(&bytes[..len]);
        if let Some(mask) = header.mask {
            mask.apply(&mut out[start + len..]);
        }
    }

    /// Appends an uncompressed frame that is a whole message or a control frame.
    #[inline]
    pub(super) fn write_frame(&self, opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
        self.write(FrameHeader::new(opcode, payload.len() as u64), payload, out);
    }

    #[inline]
    fn write(&self, mut header: FrameHeader, payload: &[u8], out: &mut Vec<u8>) {
        if self.role == Role::Client {
            header.mask = Some(self.masking_key());
        }
        let (bytes, len) = header.encode();
        // A copy of fixed length costs less than one of the right length.
        out.reserve(bytes.len() + payload.len());
        let start = out.len();
        out.extend_from_slice(&bytes);
        out.truncate(start + len);
        if cfg!(target_arch = "wasm32") && payload.len() >= LARGE {
            MaskingKey::new([0; 4]).append(payload, out);
        } else {
            out.extend_from_slice(payload);
        }
        if let Some(mask) = header.mask {
            let start = out.len() - payload.len();
            mask.apply(&mut out[start..]);
        }
    }

    /// RFC 6455 §5.3: a fresh key for each frame.
    fn masking_key(&self) -> MaskingKey {
        let mut key = [0; 4];
        (self.entropy)(&mut key);
        MaskingKey::new(key)
    }
}
