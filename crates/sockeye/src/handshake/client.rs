//! The client's side of the opening handshake.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::mem;

use crate::{
    Entropy, PerMessageDeflate,
    deflate::NAME,
    handshake::{
        Agreement, DialOptions, HandshakeError, Response,
        head::{HeadKind, HeadLimits, HeadReader},
        key, list,
        refusal::write_field,
        response::Body,
        start_line::StartLine,
    },
};

/// Opens a connection: writes the request and reads the response.
///
/// Write what [`new`](Self::new) appended, and give [`receive`](Self::receive) what comes until it returns the [`Agreement`].
///
/// ```
/// use sockeye::{ClientHandshake, DialOptions, HandshakeError};
///
/// # fn entropy(bytes: &mut [u8]) { bytes.fill(0) }
/// let mut out = Vec::new();
/// let options = DialOptions::new("example.com", "/chat").expect("valid options");
/// let mut handshake = ClientHandshake::new(&options, entropy, &mut out);
/// assert!(out.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
/// // Write `out`, then read.
/// let mut input = &b"HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\nnot here"[..];
/// match handshake.receive(&mut input) {
///     Ok(None) => unreachable!("the whole head is here"),
///     Ok(Some(_agreement)) => unreachable!("the server refuses"),
///     Err(HandshakeError::Refused(response)) => assert_eq!(response.body(), b"not here"),
///     Err(error) => panic!("{error}"),
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ClientHandshake {
    accept: [u8; 28],
    subprotocols: Vec<String>,
    deflate: Option<PerMessageDeflate>,
    limits: HeadLimits,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Reading(HeadReader),
    /// The server refused; this is its reason.
    ReadingBody(Box<Response>, Body),
    Done(Response),
    /// With the response that breaks a rule, if there was a whole head.
    Failed(HandshakeError, Option<Box<Response>>),
}

impl ClientHandshake {
    /// Appends the request to `out`.
    #[must_use]
    pub fn new(options: &DialOptions, entropy: Entropy, out: &mut Vec<u8>) -> Self {
        let key = key::generate(entropy);
        write_request(options, &key, out);
        Self {
            accept: key::accept(&key),
            subprotocols: options.subprotocols().to_vec(),
            deflate: options.offered_deflate(),
            limits: HeadLimits {
                size: options.head_size,
                headers: options.max_headers,
            },
            state: State::Reading(HeadReader::new(HeadKind::Response)),
        }
    }

    /// Takes bytes of the response off the front of the input, and returns what was agreed once its head is complete. What is left of the
    /// input then are frames. `None`: call again with what comes next.
    ///
    /// # Errors
    ///
    /// The first rule that the response breaks, and the same error at every later call. [`HandshakeError::Refused`] comes when the body
    /// of that response is complete or its first KiB is there; call [`receive_end`](Self::receive_end) to wait for it no longer.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<Agreement>, HandshakeError> {
        loop {
            match &mut self.state {
                State::Done(_) => return Ok(None),
                State::Failed(error, _) => return Err(error.clone()),
                State::ReadingBody(response, body) => {
                    if !body.receive(input, response) {
                        return Ok(None);
                    }
                    self.receive_end()?;
                }
                State::Reading(reader) => match reader.receive(input, self.limits) {
                    Ok(false) => return Ok(None),
                    Ok(true) => {
                        if let Some(agreement) = self.end_head()? {
                            return Ok(Some(agreement));
                        }
                    }
                    Err(error) => return Err(self.fail(error)),
                },
            }
        }
    }

    /// The byte stream has ended, or nobody wants to wait for the rest of a refusal.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Refused`] with what there is of the response, [`HandshakeError::UnexpectedEnd`] if its head is not complete.
    pub fn receive_end(&mut self) -> Result<(), HandshakeError> {
        let error = match &mut self.state {
            State::Done(_) => return Ok(()),
            State::Failed(error, _) => return Err(error.clone()),
            State::Reading(_) => HandshakeError::UnexpectedEnd,
            State::ReadingBody(response, _) => {
                let empty = Response::new(0, super::Headers::default());
                HandshakeError::Refused(Box::new(mem::replace(&mut **response, empty)))
            }
        };
        Err(self.fail(error))
    }

    /// The response, once its head is complete, whether it opened the connection, refuses or breaks a rule: for cookies and fields of the
    /// application's own.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        match &self.state {
            State::Reading(_) => None,
            State::ReadingBody(response, _) => Some(response),
            State::Done(response) => Some(response),
            State::Failed(error, response) => response.as_deref().or_else(|| error.response()),
        }
    }

    /// The response that opened the connection, to keep.
    #[must_use]
    pub fn into_response(self) -> Option<Response> {
        match self.state {
            State::Done(response) => Some(response),
            _ => None,
        }
    }

    fn fail(&mut self, error: HandshakeError) -> HandshakeError {
        self.state = State::Failed(error.clone(), None);
        error
    }

    /// Goes on from a complete head.
    fn end_head(&mut self) -> Result<Option<Agreement>, HandshakeError> {
        let next = HeadReader::new(HeadKind::Response);
        let State::Reading(reader) = mem::replace(&mut self.state, State::Reading(next)) else {
            return Ok(None);
        };
        let len = reader.len();
        let (start, headers) = reader.into_parts();
        let response = Response::new(start.status, headers);
        match start.status {
            101 => match self.check(&start, &response) {
                Ok(agreement) => {
                    self.state = State::Done(response);
                    Ok(Some(agreement))
                }
                Err(error) => {
                    self.state = State::Failed(error.clone(), Some(Box::new(response)));
                    Err(error)
                }
            },
            // RFC 9110 §15.2: such a response only announces another. Together they may be as long as one.
            100..200 => {
                self.limits.size = self.limits.size.saturating_sub(len);
                Ok(None)
            }
            _ => {
                let body = Body::of(&response);
                self.state = State::ReadingBody(Box::new(response), body);
                Ok(None)
            }
        }
    }

    /// Checks a response with status 101 ([RFC 6455 §4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
    fn check(&self, start: &StartLine, response: &Response) -> Result<Agreement, HandshakeError> {
        let headers = response.headers();
        if start.version.0 != 1 || start.version.1 == 0 {
            return Err(HandshakeError::HttpVersion);
        }
        let names = |name, token| {
            headers
                .get_all(name)
                .any(|value| list::contains_token(value, token))
        };
        if !names("upgrade", b"websocket") {
            return Err(HandshakeError::UpgradeMissing);
        }
        if !names("connection", b"upgrade") {
            return Err(HandshakeError::ConnectionMissing);
        }
        match headers.only("Sec-WebSocket-Accept")? {
            None => return Err(HandshakeError::AcceptMissing),
            Some(accept) if accept != self.accept => return Err(HandshakeError::AcceptMismatch),
            Some(_) => {}
        }
        let mut agreement = Agreement::default();
        if let Some(chosen) = headers.only("Sec-WebSocket-Protocol")? {
            let mut offered = self.subprotocols.iter();
            agreement.subprotocol = offered
                .find(|offered| offered.as_bytes() == chosen)
                .cloned();
            if agreement.subprotocol.is_none() {
                return Err(HandshakeError::SubprotocolUnexpected);
            }
        }
        for value in headers.get_all("sec-websocket-extensions") {
            for extension in list::extensions(value) {
                let Ok(extension) = extension else {
                    return Err(HandshakeError::ExtensionsInvalid);
                };
                match self.deflate.filter(|_| cfg!(feature = "deflate")) {
                    Some(deflate)
                        if agreement.deflate.is_none()
                            && extension.name.eq_ignore_ascii_case(NAME) =>
                    {
                        agreement.deflate = Some(deflate.check_answer(extension)?);
                        agreement.extensions = core::str::from_utf8(value).ok().map(String::from);
                    }
                    _ => return Err(HandshakeError::ExtensionUnexpected),
                }
            }
        }
        Ok(agreement)
    }
}

/// Appends the request.
fn write_request(options: &DialOptions, key: &key::Key, out: &mut Vec<u8>) {
    out.reserve(256 + options.target().len() + options.headers.as_wire().len());
    for part in [
        "GET ",
        options.target(),
        " HTTP/1.1\r\nHost: ",
        options.host(),
    ] {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    write_field("Sec-WebSocket-Key", key, out);
    write_field("Sec-WebSocket-Version", b"13", out);
    let mut separator = "Sec-WebSocket-Protocol: ";
    for subprotocol in options.subprotocols() {
        out.extend_from_slice(separator.as_bytes());
        out.extend_from_slice(subprotocol.as_bytes());
        separator = ", ";
    }
    if !options.subprotocols().is_empty() {
        out.extend_from_slice(b"\r\n");
    }
    if let Some(deflate) = options.offered_deflate() {
        write_field("Sec-WebSocket-Extensions", deflate.offer().as_bytes(), out);
    }
    if let Some(origin) = options.origin() {
        write_field("Origin", origin.as_bytes(), out);
    }
    out.extend_from_slice(options.headers.as_wire());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::{Role, ServerHandshake, UpgradeOptions};

    /// Fills with the nonce of RFC 6455 §1.3.
    fn entropy(bytes: &mut [u8]) {
        bytes.copy_from_slice(b"the sample nonce");
    }

    fn options() -> DialOptions {
        let mut options = DialOptions::new("server.example.com", "/chat").unwrap();
        options.set_subprotocols(["chat", "superchat"]).unwrap();
        options.deflate = Some(PerMessageDeflate::new(Role::Client));
        options
    }

    /// Gives these bytes in chunks of this size. With the outcome come the frames behind the head.
    fn dial(bytes: &[u8], chunk: usize) -> (Result<Option<Agreement>, HandshakeError>, Vec<u8>) {
        let mut handshake = ClientHandshake::new(&options(), entropy, &mut Vec::new());
        let (mut agreement, mut frames) = (None, Vec::new());
        for mut input in bytes.chunks(chunk) {
            match handshake.receive(&mut input) {
                Ok(None) => {}
                Ok(agreed) => agreement = agreed,
                Err(error) => {
                    assert_eq!(handshake.receive(&mut &b"x"[..]), Err(error.clone()));
                    assert_eq!(handshake.receive_end(), Err(error.clone()));
                    return (Err(error), frames);
                }
            }
            frames.extend_from_slice(input);
        }
        let end = handshake.receive_end();
        if end.is_ok() {
            assert_eq!(handshake.response().is_some(), agreement.is_some());
        }
        (end.map(|()| agreement), frames)
    }

    /// The outcome, which must be the same however the bytes are cut.
    fn dial_all_ways(bytes: &str) -> Result<Option<Agreement>, HandshakeError> {
        let (outcome, frames) = dial(bytes.as_bytes(), usize::MAX);
        for chunk in 1..bytes.len() {
            assert_eq!(
                dial(bytes.as_bytes(), chunk),
                (outcome.clone(), frames.clone())
            );
        }
        outcome
    }

    const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";

    #[test]
    fn request_is_that_of_rfc_6455_section_1_2() {
        let mut options = options();
        options.deflate = None;
        options
            .set_origin(Some("http://example.com".into()))
            .unwrap();
        options.headers.push("Authorization", "Basic YTpi").unwrap();
        let mut out = Vec::new();
        let _ = ClientHandshake::new(&options, entropy, &mut out);
        assert_eq!(
            str::from_utf8(&out),
            Ok(
                "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Protocol: chat, superchat\r\nOrigin: http://example.com\r\nAuthorization: Basic YTpi\r\n\r\n"
            )
        );
    }

    #[test]
    fn response_of_rfc_6455_section_1_3_opens_the_connection() {
        let bytes = format!("{RESPONSE}\u{1}frames");
        let agreement = dial_all_ways(&bytes).unwrap().unwrap();
        assert_eq!(agreement.subprotocol.as_deref(), Some("chat"));
        assert_eq!(agreement.deflate, None);
        assert_eq!(dial(bytes.as_bytes(), usize::MAX).1, b"\x01frames");
    }

    #[test]
    fn each_rule_of_rfc_6455_section_4_1_has_its_error() {
        use HandshakeError as E;
        const DEFLATE: &str = "101 x\r\nSec-WebSocket-Extensions: permessage-deflate";
        for (from, to, error) in [
            ("HTTP/1.1", "HTTP/1.0", E::HttpVersion),
            ("HTTP/1.1", "HTTP/2.0", E::HttpVersion),
            ("HTTP/1.1", "SSH-2.0-", E::NotHttp),
            ("101", "abc", E::StatusLine),
            ("websocket", "h2c", E::UpgradeMissing),
            (
                "Connection: Upgrade",
                "Connection: close",
                E::ConnectionMissing,
            ),
            ("-Accept", "-Except", E::AcceptMissing),
            ("s3pP", "S3pP", E::AcceptMismatch),
            (
                "101 x",
                "101 x\r\nSec-WebSocket-Accept: x",
                E::HeaderRepeated {
                    name: "Sec-WebSocket-Accept",
                },
            ),
            (": chat", ": mqtt", E::SubprotocolUnexpected),
            (": chat", ": chat, superchat", E::SubprotocolUnexpected),
            (": chat", ":", E::SubprotocolUnexpected),
            (
                "101 x",
                "101 x\r\nSec-WebSocket-Protocol: chat",
                E::HeaderRepeated {
                    name: "Sec-WebSocket-Protocol",
                },
            ),
            (
                "101 x",
                "101 x\r\nSec-WebSocket-Extensions: a;",
                E::ExtensionsInvalid,
            ),
            (
                "101 x",
                "101 x\r\nSec-WebSocket-Extensions: foo",
                E::ExtensionUnexpected,
            ),
        ] {
            let bytes = RESPONSE
                .replace("101 Switching Protocols", "101 x")
                .replace(from, to);
            assert_eq!(dial_all_ways(&bytes), Err(error), "{to}");
        }
        #[cfg(feature = "deflate")]
        for (parameters, error) in [
            ("; client_max_window_bits", E::ExtensionParameters),
            ("; server_max_window_bits=16", E::ExtensionParameters),
            (", permessage-deflate", E::ExtensionUnexpected),
            (
                "\r\nSec-WebSocket-Extensions: permessage-deflate",
                E::ExtensionUnexpected,
            ),
            (", foo", E::ExtensionUnexpected),
        ] {
            let bytes =
                RESPONSE.replace("101 Switching Protocols", &format!("{DEFLATE}{parameters}"));
            assert_eq!(dial_all_ways(&bytes), Err(error), "{parameters}");
        }
        let mut handshake = ClientHandshake::new(
            &DialOptions::new("a", "/").unwrap(),
            entropy,
            &mut Vec::new(),
        );
        let bytes = RESPONSE
            .replace("101 Switching Protocols", DEFLATE)
            .replace("Sec-WebSocket-Protocol", "X");
        let outcome = handshake.receive(&mut bytes.as_bytes());
        assert_eq!(outcome, Err(E::ExtensionUnexpected));
    }

    #[test]
    fn every_damaged_byte_gives_one_outcome_however_it_is_cut() {
        for at in 0..RESPONSE.len() {
            for byte in *b"\0\t\n\r \",:;=aZ7/\\\x7f\xff" {
                let mut bytes = RESPONSE.as_bytes().to_vec();
                bytes[at] = byte;
                assert_eq!(dial(&bytes, 1), dial(&bytes, usize::MAX), "{at} {byte}");
            }
        }
    }

    #[test]
    fn refusal_is_in_the_error_with_the_start_of_its_body() {
        let bytes = "HTTP/1.1 403 Forbidden\r\nA: b\r\nContent-Length: 5\r\n\r\nsorry";
        let error = dial_all_ways(bytes).unwrap_err();
        let response = error.response().unwrap();
        assert_eq!((response.status(), response.body()), (403, &b"sorry"[..]));
        assert_eq!(response.headers().get_str("a"), Some("b"));
        assert_eq!(
            format!("{error}"),
            "the server answered with status 403 instead of 101"
        );
        let error = dial_all_ways("HTTP/1.0 200 OK\r\n\r\nhello").unwrap_err();
        assert_eq!(error.response().map(Response::body), Some(&b"hello"[..]));
        let error =
            dial_all_ways("HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n")
                .unwrap_err();
        assert_eq!(
            error
                .response()
                .and_then(|response| response.headers().get_str("location")),
            Some("/a")
        );
    }

    #[test]
    fn response_is_there_as_soon_as_its_head_is() {
        for (bytes, error) in [
            (
                RESPONSE.replace("s3pP", "S3pP"),
                Some(HandshakeError::AcceptMismatch),
            ),
            (
                "HTTP/1.1 401 x\r\nSec-WebSocket-Protocol: chat\r\n\r\n".into(),
                None,
            ),
        ] {
            let mut handshake = ClientHandshake::new(&options(), entropy, &mut Vec::new());
            let (last, bytes) = bytes.as_bytes().split_last().unwrap();
            assert_eq!(handshake.receive(&mut &bytes[..]), Ok(None));
            assert_eq!(handshake.response(), None);
            assert_eq!(handshake.receive(&mut &[*last][..]).err(), error);
            let subprotocol = |response: &Response| {
                let value = response.headers().get_str("Sec-WebSocket-Protocol");
                assert_eq!(value, Some("chat"));
                response.status()
            };
            let status = if error.is_some() { 101 } else { 401 };
            assert_eq!(handshake.response().map(subprotocol), Some(status));
            assert!(handshake.receive_end().is_err());
            assert_eq!(handshake.response().map(subprotocol), Some(status));
            assert_eq!(handshake.into_response(), None);
        }
    }

    #[test]
    fn refusal_without_a_body_is_told_at_once() {
        let mut handshake = ClientHandshake::new(&options(), entropy, &mut Vec::new());
        let mut bytes = &b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"[..];
        assert!(matches!(
            handshake.receive(&mut bytes),
            Err(HandshakeError::Refused(_))
        ));
    }

    #[test]
    fn interim_responses_are_skipped_within_the_limit() {
        let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let agreement = dial_all_ways(&format!("{early}{early}{RESPONSE}"));
        assert_eq!(
            agreement.unwrap().unwrap().subprotocol.as_deref(),
            Some("chat")
        );
        let (outcome, _) = dial(early.repeat(1000).as_bytes(), 1000);
        assert!(
            matches!(outcome, Err(HandshakeError::HeadTooLarge { .. })),
            "{outcome:?}"
        );
    }

    #[test]
    fn stream_that_ends_early_is_an_error() {
        assert_eq!(
            dial_all_ways("HTTP/1.1 101 x\r\n"),
            Err(HandshakeError::UnexpectedEnd)
        );
    }

    #[test]
    fn client_and_server_agree() {
        let mut serve = UpgradeOptions::new();
        serve.set_subprotocols(["superchat", "chat"]).unwrap();
        serve.deflate = Some(PerMessageDeflate::new(Role::Server));
        let mut request = Vec::new();
        let mut client = ClientHandshake::new(&options(), entropy, &mut request);
        let received = ServerHandshake::new().receive(&mut request.as_slice(), &serve);
        let mut response = Vec::new();
        let theirs = received
            .unwrap()
            .unwrap()
            .accept(&serve, &mut response)
            .unwrap();
        let ours = client.receive(&mut response.as_slice()).unwrap().unwrap();
        assert_eq!(ours, theirs);
        assert_eq!(ours.subprotocol.as_deref(), Some("superchat"));
        assert_eq!(ours.deflate.is_some(), cfg!(feature = "deflate"));
        assert_eq!(client.response().map(Response::status), Some(101));
        let fields = client
            .into_response()
            .map(|response| response.headers().len());
        assert_eq!(fields, Some(if cfg!(feature = "deflate") { 5 } else { 4 }));
    }
}
