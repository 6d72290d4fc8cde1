//! Between the types of the core and those of the WIT package, and the host's options as the core's.

use std::sync::Arc;

use sockeye::{
    AcceptSettings, DialSettings, ExtraHeaders, MessageKind as CoreKind, Options,
    PerMessageDeflate, Role, SessionEvent, WindowBits,
};

use crate::{
    bindings::sockeye::websocket::types::{
        Agreement, Closed, Event, Initiator, Message, MessageKind, Request, SendError,
    },
    options::{Deflate, Deliver, DialOptions, OriginPolicy, UpgradeOptions},
};

/// Settings of the core, and how many bytes may wait to be written before nothing more is sent.
pub(super) type Bounded<S> = (Arc<S>, usize);

pub(super) fn upgrade(options: &UpgradeOptions) -> Result<Bounded<AcceptSettings>, String> {
    let mut upgrade = sockeye::UpgradeOptions::new();
    upgrade
        .set_subprotocols(options.subprotocols.iter().cloned())
        .map_err(sentence)?;
    upgrade.origins = match &options.origins {
        OriginPolicy::SameHost => sockeye::OriginPolicy::SameHost,
        OriginPolicy::Any => sockeye::OriginPolicy::Any,
        OriginPolicy::Allow(patterns) => {
            sockeye::OriginPolicy::allow(patterns).map_err(sentence)?
        }
    };
    upgrade.headers = headers(&options.headers)?;
    upgrade.deflate = compression(Role::Server, options.deflate)?;
    upgrade.timeout = options.handshake_timeout;
    let mut settings = AcceptSettings::new(upgrade);
    limit(&mut settings.connection, options.message_size);
    settings.connection.timeouts.ping_interval = options.ping_interval;
    settings.echo = options.deliver == Deliver::Echo;
    settings.ask = options.ask;
    Ok((Arc::new(settings), output(options.message_size)))
}

pub(super) fn dial(options: &DialOptions) -> Result<Bounded<DialSettings>, String> {
    let mut dial = sockeye::DialOptions::new(&*options.host, &*options.target).map_err(sentence)?;
    dial.set_subprotocols(options.subprotocols.iter().cloned())
        .map_err(sentence)?;
    dial.set_origin(options.origin.clone()).map_err(sentence)?;
    dial.headers = headers(&options.headers)?;
    dial.deflate = compression(Role::Client, options.deflate)?;
    dial.timeout = options.handshake_timeout;
    let mut settings = DialSettings::new(dial);
    limit(&mut settings.connection, options.message_size);
    settings.connection.timeouts.close = options.close_timeout;
    settings.echo = options.echo;
    Ok((Arc::new(settings), output(options.message_size)))
}

#[inline]
pub(super) fn event(event: SessionEvent<'_>) -> Option<Event> {
    Some(match event {
        SessionEvent::Request(asked) => Event::Request(request(&asked)),
        SessionEvent::Opened(agreement) => Event::Opened(Agreement {
            subprotocol: agreement.subprotocol,
            extensions: agreement.extensions,
        }),
        SessionEvent::Message(message) => Event::Message(Message {
            kind: match message.kind() {
                CoreKind::Text => MessageKind::Text,
                CoreKind::Binary => MessageKind::Binary,
            },
            data: message.into_bytes(),
        }),
        SessionEvent::Ping(payload) => Event::Ping(payload.into_owned()),
        SessionEvent::Pong(payload) => Event::Pong(payload.into_owned()),
        SessionEvent::Closed(end) => Event::Closed(closed(end)),
        // The host does not ask for parts.
        _ => return None,
    })
}

fn request(request: &sockeye::Request) -> Request {
    let field = |(name, value): (&str, &[u8])| {
        (
            name.to_ascii_lowercase(),
            String::from_utf8_lossy(value).into_owned(),
        )
    };
    Request {
        target: request.target().to_owned(),
        headers: request.headers().iter().map(field).collect(),
        subprotocols: request.subprotocols().map(str::to_owned).collect(),
        origin: request
            .origin()
            .map(|origin| String::from_utf8_lossy(origin).into_owned()),
    }
}

pub(super) fn closed(closed: sockeye::Closed) -> Closed {
    Closed {
        code: closed.code.get(),
        reason: closed.reason,
        initiator: match closed.initiator {
            sockeye::Initiator::Local => Initiator::Local,
            sockeye::Initiator::Peer => Initiator::Peer,
            _ => Initiator::Transport,
        },
        clean: closed.clean,
        error: closed.error.map(|error| error.to_string()),
    }
}

pub(super) fn message(message: &Message) -> Result<sockeye::Message<'_>, SendError> {
    Ok(match message.kind {
        MessageKind::Binary => sockeye::Message::binary(&message.data[..]),
        MessageKind::Text => sockeye::Message::text(
            str::from_utf8(&message.data).map_err(|_| SendError::InvalidText)?,
        ),
    })
}

pub(super) const fn send_error(error: sockeye::SendError) -> SendError {
    match error {
        sockeye::SendError::ControlTooLong => SendError::ControlTooLong,
        sockeye::SendError::InvalidCloseCode => SendError::InvalidCloseCode,
        sockeye::SendError::MessageUnfinished => SendError::MessageUnfinished,
        sockeye::SendError::NotOpen => SendError::NotOpen,
        _ => SendError::CloseSent,
    }
}

fn limit(options: &mut Options, message_size: u64) {
    options.limits.message_size = usize::try_from(message_size).unwrap_or(usize::MAX);
    options.limits.frame_size = message_size;
}

/// The component's default, and enough to send a message whole.
fn output(message_size: u64) -> usize {
    let output = message_size.saturating_add(1 << 16).max(1 << 20);
    usize::try_from(output).unwrap_or(usize::MAX)
}

fn compression(role: Role, deflate: Option<Deflate>) -> Result<Option<PerMessageDeflate>, String> {
    let Some(deflate) = deflate else {
        return Ok(None);
    };
    let bits = |bits| WindowBits::new(bits).ok_or("a window has 8 to 15 bits");
    if deflate.level > 9 {
        return Err("a compression level is 0 to 9".into());
    }
    let mut settings = PerMessageDeflate::new(role);
    settings.level = deflate.level;
    settings.threshold = deflate.threshold as usize;
    settings.server_max_window_bits = bits(deflate.server_max_window_bits)?;
    settings.client_max_window_bits = bits(deflate.client_max_window_bits)?;
    settings.server_no_context_takeover = deflate.server_no_context_takeover;
    settings.client_no_context_takeover = deflate.client_no_context_takeover;
    Ok(Some(settings))
}

pub(super) fn headers(fields: &[(String, String)]) -> Result<ExtraHeaders, String> {
    let mut headers = ExtraHeaders::new();
    for (name, value) in fields {
        headers.push(name, value).map_err(sentence)?;
    }
    Ok(headers)
}

fn sentence(error: sockeye::InvalidOption) -> String {
    error.to_string()
}
