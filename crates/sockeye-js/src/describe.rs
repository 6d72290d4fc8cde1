//! What happens seldom, as text for JavaScript to take apart: lines, with header fields last, or parts that NUL separates.

use core::fmt::{Debug, Display};

use sockeye::{
    Agreement, Closed, HandshakeError, Headers, Initiator, InvalidOption, Request, Response,
    SendError, SessionError,
};

/// Target, host, origin, subprotocols, and the fields.
pub(crate) fn request(request: &Request) -> Vec<u8> {
    let mut text = request.target().as_bytes().to_vec();
    line(&mut text, request.host().as_bytes());
    line(&mut text, request.origin().unwrap_or_default());
    let subprotocols: Vec<_> = request.subprotocols().collect();
    line(&mut text, subprotocols.join(",").as_bytes());
    fields(&mut text, request.headers());
    text
}

/// Subprotocol and extensions.
pub(crate) fn agreement(agreement: &Agreement) -> Vec<u8> {
    let mut text = Vec::new();
    text.extend_from_slice(
        agreement
            .subprotocol
            .as_deref()
            .unwrap_or_default()
            .as_bytes(),
    );
    line(
        &mut text,
        agreement
            .extensions
            .as_deref()
            .unwrap_or_default()
            .as_bytes(),
    );
    text
}

/// Status, and the fields.
pub(crate) fn response(response: &Response) -> Vec<u8> {
    let mut text = response.status().to_string().into_bytes();
    fields(&mut text, response.headers());
    text
}

/// Code, initiator and cleanness in a number; and then the reason, and of an error its class, its name, its sentence, its status or close code, the
/// head and the body of the response.
pub(crate) fn closed(closed: &Closed) -> (u32, Vec<u8>) {
    let initiator = match closed.initiator {
        Initiator::Local => 0,
        Initiator::Peer => 1,
        _ => 2,
    };
    let number = u32::from(closed.code.get()) | initiator << 16 | u32::from(closed.clean) << 18;
    let mut text = closed.reason.clone().into_bytes();
    let Some(error) = &closed.error else {
        return (number, text);
    };
    let (class, name, code) = match error {
        SessionError::Handshake(error) => ("handshake", handshake_name(error), error.status()),
        SessionError::Refused { status } => ("handshake", "REFUSED".to_owned(), Some(*status)),
        SessionError::Protocol(error) => (
            "protocol",
            name(error),
            error.close_code().map(sockeye::CloseCode::get),
        ),
        SessionError::EarlyData { .. } => ("protocol", "EARLY_DATA".to_owned(), None),
        SessionError::ClosedEarly => ("handshake", "CLOSED_EARLY".to_owned(), None),
        _ => ("transport", "TRANSPORT".to_owned(), None),
    };
    part(&mut text, class.as_bytes());
    part(&mut text, name.as_bytes());
    part(&mut text, sentence(error).as_bytes());
    part(&mut text, sentence(code.unwrap_or_default()).as_bytes());
    if let SessionError::Handshake(error) = error
        && let Some(answer) = error.response()
    {
        part(&mut text, &response(answer));
        part(&mut text, answer.body());
    }
    (number, text)
}

/// Name and sentence of an option that is refused.
pub(crate) fn option(error: InvalidOption) -> String {
    format!("{}\0{error}", name(error))
}

/// Name and sentence of an answer that is refused.
pub(crate) fn answer(error: &sockeye::AnswerError) -> String {
    match error {
        sockeye::AnswerError::InvalidOption(error) => option(*error),
        sockeye::AnswerError::Handshake(error) => format!("{}\0{error}", handshake_name(error)),
        error => format!("{}\0{error}", name(error)),
    }
}

/// The number that stands for an error of sending: the sixth is the last. Zero means none.
pub(crate) const fn send(outcome: Result<(), SendError>) -> i32 {
    match outcome {
        Ok(()) => 0,
        Err(SendError::NotOpen) => 1,
        Err(SendError::CloseSent) => 2,
        Err(SendError::ControlTooLong) => 3,
        Err(SendError::InvalidCloseCode) => 4,
        Err(SendError::MessageUnfinished) => 5,
        Err(_) => 6,
    }
}

/// The sentence of an error by its number.
pub(crate) fn send_sentence(number: i32) -> String {
    sentence(match number {
        1 => SendError::NotOpen,
        2 => SendError::CloseSent,
        3 => SendError::ControlTooLong,
        4 => SendError::InvalidCloseCode,
        5 => SendError::MessageUnfinished,
        _ => SendError::InvalidUtf8,
    })
}

fn handshake_name(error: &HandshakeError) -> String {
    match error {
        // Its contents would be written out only to be thrown away.
        HandshakeError::Refused(_) => "REFUSED".to_owned(),
        error => name(error),
    }
}

/// The name of a variant in capitals: `INVALID_UTF8`.
fn name(error: impl Debug) -> String {
    let text = format!("{error:?}");
    let mut name = String::new();
    for character in text.chars().take_while(char::is_ascii_alphanumeric) {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(character.to_ascii_uppercase());
    }
    name
}

fn sentence(error: impl Display) -> String {
    error.to_string()
}

fn line(text: &mut Vec<u8>, line: &[u8]) {
    text.push(b'\n');
    text.extend_from_slice(line);
}

fn part(text: &mut Vec<u8>, part: &[u8]) {
    text.push(0);
    text.extend_from_slice(part);
}

fn fields(text: &mut Vec<u8>, headers: &Headers) {
    for (name, value) in headers.iter() {
        line(text, name.to_ascii_lowercase().as_bytes());
        text.push(b':');
        text.extend_from_slice(value);
    }
}
