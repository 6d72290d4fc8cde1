//! A client's opening handshake, as a server sees it.

use alloc::{string::String, vec::Vec};

use crate::handshake::{
    Agreement, ExtraHeaders, HandshakeError, Headers, InvalidOption, OriginPolicy, UpgradeOptions,
    check::Places,
    head::{HeadKind, HeadLimits, HeadReader},
    key, list,
    refusal::{self, Context},
    start_line::StartLine,
};

/// A client's opening handshake, read and checked ([RFC 6455 §4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1)). Only the origin
/// is left to check, which [`accept`](Self::accept) does.
///
/// Answer with [`accept`](Self::accept) or [`accept_with`](Self::accept_with), [`refuse`](Self::refuse) or [`refuse_with`](Self::refuse_with).
#[derive(Clone, Debug)]
pub struct Request {
    start: StartLine,
    headers: Headers,
    places: Places,
}

impl Request {
    /// Checks a request that an HTTP/1.1 server has read already.
    ///
    /// That server answers too: with [`accept_key`](Self::accept_key) and the [`Agreement`] of [`agree`](Self::agree), or with the status,
    /// headers and text of the error.
    ///
    /// # Errors
    ///
    /// The first rule that the request breaks.
    pub fn from_parts<N, V>(
        method: &str,
        target: &str,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, HandshakeError>
    where
        N: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let mut head = Vec::with_capacity(512);
        for part in [method, " ", target, " HTTP/1.1\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
        for (name, value) in fields {
            // A line break would begin another field.
            if !list::is_token(name.as_ref()) {
                return Err(HandshakeError::HeaderName);
            }
            if !list::is_value(value.as_ref()) {
                return Err(HandshakeError::HeaderValue);
            }
            for part in [name.as_ref(), b": ", value.as_ref(), b"\r\n"] {
                head.extend_from_slice(part);
            }
        }
        head.extend_from_slice(b"\r\n");
        if !list::is_token(method.as_bytes()) || !list::is_visible(target.as_bytes()) {
            return Err(HandshakeError::RequestLine);
        }
        let mut reader = HeadReader::new(HeadKind::Request);
        let limits = HeadLimits {
            size: usize::MAX,
            headers: usize::MAX,
        };
        reader.receive(&mut head.as_slice(), limits)?;
        let places = Places::find(&reader)?;
        Ok(Self::new(reader, places))
    }

    /// The request of this head.
    pub(crate) fn new(reader: HeadReader, places: Places) -> Self {
        let (start, headers) = reader.into_parts();
        Self {
            start,
            headers,
            places,
        }
    }

    /// The request target: path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        match self.headers.str(&self.places.target) {
            "" => "/",
            target => target,
        }
    }

    /// The header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The host that the client wants, with the port if it names one.
    #[must_use]
    pub fn host(&self) -> &str {
        self.headers.str(&self.places.host)
    }

    /// The value of `Origin`, when there is one. Browsers send ASCII.
    #[must_use]
    pub fn origin(&self) -> Option<&[u8]> {
        let place = self.places.origin.as_ref()?;
        Some(self.headers.slice(place))
    }

    /// The subprotocols that the client offers, in its order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        super::subprotocols(self.headers.get_all("sec-websocket-protocol"))
    }

    /// Checks `Origin`, if there is one.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::OriginNotAllowed`].
    pub fn check_origin(&self, policy: &OriginPolicy) -> Result<(), HandshakeError> {
        match self.origin() {
            Some(origin) if !policy.allows(origin, self.host()) => {
                Err(HandshakeError::OriginNotAllowed)
            }
            _ => Ok(()),
        }
    }

    /// Checks the origin and chooses subprotocol and extension, without writing anything.
    ///
    /// The subprotocol is the first of ours that the client offers; with none in common there is none.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::OriginNotAllowed`].
    pub fn agree(&self, options: &UpgradeOptions) -> Result<Agreement, HandshakeError> {
        let is_offered = |ours: &&String| self.subprotocols().any(|theirs| theirs == ours.as_str());
        let subprotocol = options.subprotocols.iter().find(is_offered);
        self.agree_on(options, subprotocol.map(String::as_str))
    }

    /// The value of `Sec-WebSocket-Accept` that answers this request.
    #[must_use]
    pub fn accept_key(&self) -> String {
        self.accept_bytes().map(char::from).iter().collect()
    }

    /// Lets the client in: appends the response to `out`. The connection is open once that is written.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::OriginNotAllowed`]. Nothing has been written; [`refuse`](Self::refuse) with the error.
    pub fn accept(
        &self,
        options: &UpgradeOptions,
        out: &mut Vec<u8>,
    ) -> Result<Agreement, HandshakeError> {
        let agreement = self.agree(options)?;
        self.write_accept(&agreement, &[&options.headers], out);
        Ok(agreement)
    }

    /// Lets the client in with the subprotocol and the header fields of the application's choice. Fields of the options come before them.
    ///
    /// # Errors
    ///
    /// - [`HandshakeError::OriginNotAllowed`]: set [`OriginPolicy::Any`] to decide about origins elsewhere.
    /// - [`HandshakeError::SubprotocolNotOffered`].
    ///
    /// Nothing has been written.
    pub fn accept_with(
        &self,
        options: &UpgradeOptions,
        subprotocol: Option<&str>,
        headers: &ExtraHeaders,
        out: &mut Vec<u8>,
    ) -> Result<Agreement, HandshakeError> {
        if subprotocol.is_some_and(|ours| self.subprotocols().all(|theirs| theirs != ours)) {
            return Err(HandshakeError::SubprotocolNotOffered);
        }
        let agreement = self.agree_on(options, subprotocol)?;
        self.write_accept(&agreement, &[&options.headers, headers], out);
        Ok(agreement)
    }

    /// Turns the client away: appends the response that tells it about the error. Close the connection once that is written.
    pub fn refuse(&self, error: &HandshakeError, out: &mut Vec<u8>) {
        refusal::write_error(error, Context::new(&self.start, &self.headers), out);
    }

    /// Turns the client away with a response of the application's own: appends it to `out`. Close the connection once that is written.
    ///
    /// The body is plain text unless the fields have a `Content-Type`.
    ///
    /// # Errors
    ///
    /// [`InvalidOption::Status`] unless the status is 300 to 599. Nothing has been written.
    pub fn refuse_with(
        &self,
        status: u16,
        headers: &ExtraHeaders,
        body: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), InvalidOption> {
        if !matches!(status, 300..=599) {
            return Err(InvalidOption::Status);
        }
        refusal::write_response(status, headers, body, out);
        Ok(())
    }

    fn agree_on(
        &self,
        options: &UpgradeOptions,
        subprotocol: Option<&str>,
    ) -> Result<Agreement, HandshakeError> {
        self.check_origin(&options.origins)?;
        let deflate = options
            .deflate
            .filter(|_| cfg!(feature = "deflate"))
            .and_then(|deflate| {
                deflate.accept_offer(self.headers.get_all("sec-websocket-extensions"))
            });
        let (deflate, extensions) = deflate.unzip();
        Ok(Agreement {
            subprotocol: subprotocol.map(String::from),
            deflate,
            extensions,
        })
    }

    fn write_accept(&self, agreement: &Agreement, extra: &[&ExtraHeaders], out: &mut Vec<u8>) {
        out.reserve(320);
        out.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        );
        refusal::write_field("Sec-WebSocket-Accept", &self.accept_bytes(), out);
        if let Some(subprotocol) = &agreement.subprotocol {
            refusal::write_field("Sec-WebSocket-Protocol", subprotocol.as_bytes(), out);
        }
        if let Some(extensions) = &agreement.extensions {
            refusal::write_field("Sec-WebSocket-Extensions", extensions.as_bytes(), out);
        }
        for headers in extra {
            out.extend_from_slice(headers.as_wire());
        }
        out.extend_from_slice(b"\r\n");
    }

    fn accept_bytes(&self) -> [u8; 28] {
        let key = self.headers.slice(&self.places.key).first_chunk();
        // A request has a key: `Places` has seen to that.
        key.map_or([b' '; 28], key::accept)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    /// The fields of RFC 6455 §1.2, without the one of this name, and with these.
    fn fields(
        without: &str,
        with: &[(&'static str, &'static str)],
    ) -> Vec<(&'static str, &'static str)> {
        let mut fields = vec![
            ("Host", "server.example.com"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Origin", "http://server.example.com"),
            ("Sec-WebSocket-Protocol", "chat, superchat"),
            ("Sec-WebSocket-Version", "13"),
        ];
        fields.retain(|(name, _)| *name != without);
        fields.extend(with);
        fields
    }

    fn get(
        without: &str,
        with: &[(&'static str, &'static str)],
    ) -> Result<Request, HandshakeError> {
        Request::from_parts("GET", "/chat", fields(without, with))
    }

    fn options(subprotocols: &[&str]) -> UpgradeOptions {
        let mut options = UpgradeOptions::new();
        options
            .set_subprotocols(subprotocols.iter().copied())
            .unwrap();
        options
    }

    #[test]
    fn request_of_rfc_6455_section_1_2_is_accepted_as_there() {
        let request = get("", &[]).unwrap();
        assert_eq!(request.target(), "/chat");
        assert_eq!(request.host(), "server.example.com");
        assert_eq!(request.origin(), Some(&b"http://server.example.com"[..]));
        assert!(request.subprotocols().eq(["chat", "superchat"]));
        assert_eq!(request.accept_key(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let mut out = Vec::new();
        let agreement = request.accept(&options(&["chat"]), &mut out).unwrap();
        assert_eq!(agreement.subprotocol.as_deref(), Some("chat"));
        assert_eq!((agreement.deflate, agreement.extensions), (None, None));
        assert_eq!(
            str::from_utf8(&out),
            Ok(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
            )
        );
    }

    #[test]
    fn parts_that_would_break_the_head_are_refused() {
        let from = |method: &str, target: &str, name: &'static str, value: &'static str| {
            Request::from_parts(method, target, fields("", &[(name, value)])).err()
        };
        assert_eq!(from("GET", "/", "a", "b"), None);
        assert_eq!(
            from("GET /", "/", "a", "b"),
            Some(HandshakeError::RequestLine)
        );
        assert_eq!(
            from("GET", "/ /", "a", "b"),
            Some(HandshakeError::RequestLine)
        );
        assert_eq!(
            from("GET", "/\r\n", "a", "b"),
            Some(HandshakeError::RequestLine)
        );
        assert_eq!(
            from("GET", "/", "a\r\nb", "c"),
            Some(HandshakeError::HeaderName)
        );
        assert_eq!(
            from("GET", "/", "a", "b\r\nc: d"),
            Some(HandshakeError::HeaderValue)
        );
        assert_eq!(from("", "", "a", "b"), Some(HandshakeError::RequestLine));
    }

    #[test]
    fn server_chooses_the_first_of_its_subprotocols_that_was_offered() {
        let choose = |ours: &[&str]| {
            get("", &[])
                .unwrap()
                .agree(&options(ours))
                .unwrap()
                .subprotocol
        };
        assert_eq!(choose(&["superchat", "chat"]).as_deref(), Some("superchat"));
        assert_eq!(choose(&["mqtt", "chat"]).as_deref(), Some("chat"));
        // Subprotocols are compared as they are written.
        assert_eq!(choose(&["Chat"]), None);
        assert_eq!(choose(&[]), None);
        let none_offered = get("Sec-WebSocket-Protocol", &[]).unwrap();
        assert_eq!(
            none_offered.agree(&options(&["chat"])).unwrap().subprotocol,
            None
        );
    }

    #[test]
    fn application_may_choose_the_subprotocol_and_add_fields() {
        let request = get("", &[]).unwrap();
        let mut options = options(&["chat"]);
        options.headers.push("Server", "sockeye").unwrap();
        let mut headers = ExtraHeaders::new();
        headers.push("Set-Cookie", "a=b").unwrap();
        let mut out = Vec::new();
        let agreement = request
            .accept_with(&options, Some("superchat"), &headers, &mut out)
            .unwrap();
        assert_eq!(agreement.subprotocol.as_deref(), Some("superchat"));
        let text = str::from_utf8(&out).unwrap();
        assert!(
            text.ends_with(
                "Sec-WebSocket-Protocol: superchat\r\nServer: sockeye\r\nSet-Cookie: a=b\r\n\r\n"
            ),
            "{text}"
        );
        let mut out = Vec::new();
        let agreement = request
            .accept_with(&options, None, &headers, &mut out)
            .unwrap();
        assert_eq!(agreement.subprotocol, None);
        let mut out = Vec::new();
        for subprotocol in ["mqtt", "", "chat, superchat", "chat\r\nA: b"] {
            assert_eq!(
                request.accept_with(&options, Some(subprotocol), &headers, &mut out),
                Err(HandshakeError::SubprotocolNotOffered)
            );
        }
        assert!(out.is_empty());
    }

    /// CVE-2025-24010, CVE-2023-26114.
    #[test]
    fn page_of_another_origin_is_not_let_in() {
        let mut out = Vec::new();
        for origin in [
            "http://evil.test",
            "null",
            "http://server.example.com.evil.test",
            "",
        ] {
            let request = get("Origin", &[("Origin", origin)]).unwrap();
            assert_eq!(
                request.accept(&UpgradeOptions::new(), &mut out),
                Err(HandshakeError::OriginNotAllowed)
            );
            assert_eq!(
                request.accept_with(&UpgradeOptions::new(), None, &ExtraHeaders::new(), &mut out),
                Err(HandshakeError::OriginNotAllowed)
            );
            assert!(out.is_empty());
            let mut any = UpgradeOptions::new();
            any.origins = OriginPolicy::Any;
            assert!(request.agree(&any).is_ok());
        }
        assert!(
            get("Origin", &[])
                .unwrap()
                .agree(&UpgradeOptions::new())
                .is_ok()
        );
        let mut allow = UpgradeOptions::new();
        allow.origins = OriginPolicy::allow(["https://app.test"]).unwrap();
        let request = get("Origin", &[("Origin", "https://app.test")]).unwrap();
        assert!(request.agree(&allow).is_ok());
        assert!(get("", &[]).unwrap().agree(&allow).is_err());
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn deflate_is_agreed_on_when_both_sides_want_it() {
        let offer = [
            (
                "Sec-WebSocket-Extensions",
                "foo, permessage-deflate; unknown",
            ),
            (
                "Sec-WebSocket-Extensions",
                "permessage-deflate; client_max_window_bits",
            ),
        ];
        let request = get("", &offer).unwrap();
        assert_eq!(request.agree(&UpgradeOptions::new()).unwrap().deflate, None);
        let mut options = UpgradeOptions::new();
        options.deflate = Some(crate::PerMessageDeflate::new(crate::Role::Server));
        let mut out = Vec::new();
        let agreement = request.accept(&options, &mut out).unwrap();
        assert_eq!(
            agreement
                .deflate
                .map(|deflate| deflate.client_max_window_bits.get()),
            Some(12)
        );
        let extensions = agreement.extensions.unwrap();
        assert_eq!(
            extensions,
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
        );
        let line = alloc::format!("\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n");
        assert!(str::from_utf8(&out).unwrap().ends_with(&line));
        assert_eq!(
            get("", &[]).unwrap().agree(&options).unwrap().extensions,
            None
        );
    }
}
