//! What happens seldom, as text for JavaScript to take apart: lines, with header fields last, or parts that NUL separates.

use sockeye::{
    Agreement, AnswerError, Closed, Headers, Initiator, InvalidOption, RawFrameHeader, Request,
    Response, Role, SendError, SessionError,
};

/// Target, host, origin, subprotocols, and the fields.
pub(crate) fn request(request: &Request) -> Vec<u8> {
    let mut text = request.target().as_bytes().to_vec();
    line(&mut text, request.host().as_bytes());
    line(&mut text, request.origin().unwrap_or_default());
    text.push(b'\n');
    for (index, subprotocol) in request.subprotocols().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(subprotocol.as_bytes());
    }
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
    let mut text = decimal(response.status().into()).into_bytes();
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
        SessionError::Handshake(error) => ("handshake", error.name(), error.status()),
        SessionError::Refused { status } => ("handshake", "Refused", Some(*status)),
        SessionError::Protocol(error) => (
            "protocol",
            error.name(),
            error.close_code().map(sockeye::CloseCode::get),
        ),
        SessionError::EarlyData { .. } => ("protocol", "EarlyData", None),
        SessionError::ClosedEarly => ("handshake", "ClosedEarly", None),
        _ => ("transport", "Transport", None),
    };
    part(&mut text, class.as_bytes());
    part(&mut text, name.as_bytes());
    part(&mut text, error.sentence().as_bytes());
    part(
        &mut text,
        decimal(code.unwrap_or_default().into()).as_bytes(),
    );
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
    both(error.name(), error.sentence())
}

/// Name and sentence of an answer that is refused.
pub(crate) fn answer(error: &AnswerError) -> String {
    let name = match error {
        AnswerError::InvalidOption(error) => error.name(),
        AnswerError::Handshake(error) => error.name(),
        _ => "NoRequest",
    };
    both(name, &error.sentence())
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
    let error = match number {
        1 => SendError::NotOpen,
        2 => SendError::CloseSent,
        3 => SendError::ControlTooLong,
        4 => SendError::InvalidCloseCode,
        5 => SendError::MessageUnfinished,
        _ => SendError::InvalidUtf8,
    };
    error.sentence().to_owned()
}

/// The header of an inspected frame: offset, length of the header, length of the payload, first byte, masking key plus one or zero, and the names of the rules that it
/// breaks; in lines.
pub(crate) fn header(header: &RawFrameHeader, sender: Option<Role>) -> Vec<u8> {
    let ([first, ..], _) = header.encode();
    let mask = header
        .mask
        .map_or(0, |key| u64::from(u32::from_be_bytes(key.to_bytes())) + 1);
    let numbers = [
        header.header_len.into(),
        header.payload_len,
        first.into(),
        mask,
    ];
    let mut text = decimal(header.offset).into_bytes();
    for number in numbers {
        line(&mut text, decimal(number).as_bytes());
    }
    for violation in header.violations(sender).iter() {
        line(&mut text, violation.name().as_bytes());
    }
    text
}

fn both(name: &str, sentence: &str) -> String {
    [name, "\0", sentence].concat()
}

/// Decimal digits. `to_string` would bring along all of formatting.
fn decimal(mut number: u64) -> String {
    let mut digits = [0; 20];
    let mut start = digits.len();
    while number > 0 || start == digits.len() {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    String::from(core::str::from_utf8(&digits[start..]).unwrap_or_default())
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
        let start = text.len() + 1;
        line(text, name.as_bytes());
        if let Some(name) = text.get_mut(start..) {
            name.make_ascii_lowercase();
        }
        text.push(b':');
        text.extend_from_slice(value);
    }
}
