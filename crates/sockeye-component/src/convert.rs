//! Between the types of the core and those of the WIT package.

use core::time::Duration;

use sockeye::{
    Agreement, CloseCode, CloseFrame, Closed, ExtraHeaders, Initiator as CoreInitiator,
    Message as CoreMessage, MessageKind as CoreKind, Part as CorePart, Request as CoreRequest,
    SendError as CoreSendError, SessionEvent,
};

use crate::bindings::sockeye::websocket::types::{self, Event, Initiator, MessageKind, SendError};

pub(crate) const fn instant(time: Duration) -> u64 {
    // In 64 bits: WebAssembly has no multiplication of 128.
    time.as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(time.subsec_nanos() as u64)
}

/// # Errors
///
/// What is wrong with the first field that may not be sent.
pub(crate) fn extra_headers(fields: Vec<types::Header>) -> Result<ExtraHeaders, String> {
    let mut headers = ExtraHeaders::default();
    for (name, value) in fields {
        headers
            .push(&name, &value)
            .map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(headers)
}

fn request(request: &CoreRequest) -> types::Request {
    let field = |(name, value): (&str, &[u8])| {
        (
            name.to_ascii_lowercase(),
            String::from_utf8_lossy(value).into_owned(),
        )
    };
    types::Request {
        target: request.target().to_owned(),
        headers: request.headers().iter().map(field).collect(),
        subprotocols: request.subprotocols().map(str::to_owned).collect(),
        origin: request
            .origin()
            .map(|origin| String::from_utf8_lossy(origin).into_owned()),
    }
}

fn agreement(agreement: Agreement) -> types::Agreement {
    types::Agreement {
        subprotocol: agreement.subprotocol,
        extensions: agreement.extensions,
    }
}

const fn kind(kind: CoreKind) -> MessageKind {
    match kind {
        CoreKind::Text => MessageKind::Text,
        CoreKind::Binary => MessageKind::Binary,
    }
}

#[inline]
pub(crate) fn event(event: SessionEvent<'_>) -> Option<Event> {
    Some(match event {
        SessionEvent::Request(asked) => Event::Request(request(&asked)),
        SessionEvent::Opened(agreed) => Event::Opened(agreement(agreed)),
        SessionEvent::Message(message) => Event::Message(types::Message {
            kind: kind(message.kind()),
            data: message.into_bytes(),
        }),
        SessionEvent::Part(part) => Event::Part(types::Part {
            kind: kind(part.kind),
            data: part.data.into_owned(),
            final_: part.fin,
        }),
        SessionEvent::Ping(payload) => Event::Ping(payload.into_owned()),
        SessionEvent::Pong(payload) => Event::Pong(payload.into_owned()),
        SessionEvent::Closed(end) => Event::Closed(closed(end)),
        // The core and the WIT package know the same events.
        _ => return None,
    })
}

pub(crate) fn closed(closed: Closed) -> types::Closed {
    types::Closed {
        code: closed.code.get(),
        reason: closed.reason,
        initiator: match closed.initiator {
            CoreInitiator::Local => Initiator::Local,
            CoreInitiator::Peer => Initiator::Peer,
            _ => Initiator::Transport,
        },
        clean: closed.clean,
        error: closed.error.map(|error| error.to_string()),
    }
}

/// # Errors
///
/// `invalid-text` when a text message is not UTF-8.
pub(crate) fn message(message: types::Message) -> Result<CoreMessage<'static>, SendError> {
    Ok(match message.kind {
        MessageKind::Text => {
            CoreMessage::text(String::from_utf8(message.data).map_err(|_| SendError::InvalidText)?)
        }
        MessageKind::Binary => CoreMessage::binary(message.data),
    })
}

pub(crate) fn part(part: types::Part) -> CorePart<'static> {
    let kind = match part.kind {
        MessageKind::Text => CoreKind::Text,
        MessageKind::Binary => CoreKind::Binary,
    };
    CorePart::new(kind, part.data, part.final_)
}

pub(crate) fn close_frame(frame: types::CloseFrame) -> CloseFrame<'static> {
    CloseFrame::new(CloseCode::new(frame.code), frame.reason)
}

pub(crate) const fn send_error(error: CoreSendError) -> SendError {
    match error {
        CoreSendError::ControlTooLong => SendError::ControlTooLong,
        CoreSendError::InvalidCloseCode => SendError::InvalidCloseCode,
        CoreSendError::InvalidUtf8 => SendError::InvalidText,
        CoreSendError::MessageUnfinished => SendError::MessageUnfinished,
        CoreSendError::NotOpen => SendError::NotOpen,
        _ => SendError::CloseSent,
    }
}
