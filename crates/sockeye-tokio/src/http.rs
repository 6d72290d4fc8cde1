//! Requests, responses and header fields as the `http` crate has them.

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use sockeye::{ExtraHeaders, Headers, Request, Response};

/// Whether a request asks for a WebSocket: `Connection` names `upgrade` and `Upgrade` names `websocket`, or it is the extended CONNECT of
/// [RFC 8441](https://www.rfc-editor.org/rfc/rfc8441#section-5).
///
/// Use it to route a request; [`Upgrader::check`](crate::Upgrader::check) checks everything else. HTTP/2 is recognised on requests of hyper, with
/// the feature `http2`.
///
/// ```
/// let request = http::Request::builder()
///     .header("Connection", "keep-alive, Upgrade")
///     .header("Upgrade", "websocket")
///     .body(())?;
/// assert!(sockeye_tokio::is_websocket_upgrade(&request));
/// # Ok::<(), http::Error>(())
/// ```
#[must_use]
pub fn is_websocket_upgrade<B>(request: &http::Request<B>) -> bool {
    asks_for_websocket(request.method(), request.headers(), request.extensions())
}

/// The subprotocols that a request offers, in its order of preference. What is not a token is left out.
///
/// ```
/// let request = http::Request::builder()
///     .header("Sec-WebSocket-Protocol", "chat, superchat")
///     .body(())?;
/// assert!(sockeye_tokio::subprotocols(&request).eq(["chat", "superchat"]));
/// # Ok::<(), http::Error>(())
/// ```
pub fn subprotocols<B>(request: &http::Request<B>) -> impl Iterator<Item = &str> {
    let values = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    sockeye::subprotocols(values.into_iter().map(HeaderValue::as_bytes))
}

/// Conversion to what the `http` crate has for the same.
pub trait ToHttp {
    /// What it becomes.
    type Http;

    /// Converts, copying. Names of header fields become lower case.
    ///
    /// # Errors
    ///
    /// Limits of that crate that RFC 9110 does not have: a name of 64 KiB, some ten thousand fields, or a target that it cannot parse.
    fn to_http(&self) -> http::Result<Self::Http>;
}

impl ToHttp for Headers {
    type Http = HeaderMap;

    fn to_http(&self) -> http::Result<HeaderMap> {
        header_map(self.iter())
    }
}

impl ToHttp for ExtraHeaders {
    type Http = HeaderMap;

    fn to_http(&self) -> http::Result<HeaderMap> {
        header_map(self.iter())
    }
}

impl ToHttp for Request {
    type Http = http::Request<()>;

    fn to_http(&self) -> http::Result<http::Request<()>> {
        let mut request = http::Request::new(());
        *request.uri_mut() = Uri::try_from(self.target())?;
        *request.headers_mut() = self.headers().to_http()?;
        Ok(request)
    }
}

impl ToHttp for Response {
    /// The body is the start of what the server sent, at most [`Response::MAX_BODY_LEN`] bytes.
    type Http = http::Response<Bytes>;

    fn to_http(&self) -> http::Result<http::Response<Bytes>> {
        let mut response = http::Response::new(Bytes::copy_from_slice(self.body()));
        *response.status_mut() = StatusCode::from_u16(self.status())?;
        *response.headers_mut() = self.headers().to_http()?;
        Ok(response)
    }
}

pub(crate) fn asks_for_websocket(
    method: &Method,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> bool {
    match protocol(extensions) {
        Some(protocol) => method == Method::CONNECT && is_websocket(protocol),
        None => sockeye::is_websocket_upgrade(headers),
    }
}

/// The value of `:protocol`, in an extended CONNECT that hyper has received.
pub(crate) fn protocol(extensions: &Extensions) -> Option<&str> {
    #[cfg(feature = "http2")]
    return extensions.get().map(hyper::ext::Protocol::as_str);
    #[cfg(not(feature = "http2"))]
    {
        let _ = extensions;
        None
    }
}

/// Whether this `:protocol` is ours. It is compared as `Upgrade` is.
pub(crate) fn is_websocket(protocol: &str) -> bool {
    protocol.eq_ignore_ascii_case("websocket")
}

fn header_map<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> http::Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.try_append(
            HeaderName::from_bytes(name.as_bytes())?,
            HeaderValue::from_bytes(value)?,
        )?;
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use sockeye::{ClientHandshake, DialOptions, HandshakeError};

    use super::*;

    fn request(fields: &[(&str, &str)]) -> http::Request<()> {
        let mut builder = http::Request::builder();
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap()
    }

    #[test]
    fn row_21_upgrade_is_told_from_a_plain_request() {
        for fields in [
            &[("connection", "upgrade"), ("upgrade", "WebSocket")][..],
            &[
                ("connection", "a"),
                ("connection", "b, Upgrade"),
                ("upgrade", "h2c, websocket"),
            ],
        ] {
            assert!(is_websocket_upgrade(&request(fields)), "{fields:?}");
        }
        for fields in [
            &[][..],
            &[("connection", "upgrade")],
            &[("upgrade", "websocket")],
            &[("connection", "upgrade"), ("upgrade", "h2c")],
        ] {
            assert!(!is_websocket_upgrade(&request(fields)), "{fields:?}");
        }
    }

    #[test]
    #[cfg(feature = "http2")]
    fn row_21_extended_connect_is_an_upgrade_when_it_is_for_websocket() {
        let mut connect = request(&[]);
        *connect.method_mut() = Method::CONNECT;
        assert!(!is_websocket_upgrade(&connect));
        let protocol = hyper::ext::Protocol::from_static;
        connect.extensions_mut().insert(protocol("connect-udp"));
        assert!(!is_websocket_upgrade(&connect));
        connect.extensions_mut().insert(protocol("websocket"));
        assert!(is_websocket_upgrade(&connect));
        *connect.method_mut() = Method::GET;
        assert!(!is_websocket_upgrade(&connect));
    }

    #[test]
    fn row_21_subprotocols_of_a_request_come_in_order() {
        let request = request(&[
            ("sec-websocket-protocol", "b, a"),
            ("sec-websocket-protocol", "not a token, c"),
        ]);
        let found: Vec<_> = subprotocols(&request).collect();
        assert_eq!(found, ["b", "a", "c"]);
    }

    #[test]
    fn request_becomes_one_of_the_http_crate() {
        let request = Request::from_parts(
            "GET",
            "/chat?room=1",
            [
                ("Host", "example.com"),
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                ("Sec-WebSocket-Version", "13"),
                ("Cookie", "a=b"),
                ("Cookie", "c=d"),
            ],
        )
        .unwrap()
        .to_http()
        .unwrap();
        assert_eq!(request.method(), Method::GET);
        assert_eq!(request.uri(), "/chat?room=1");
        assert_eq!(request.headers().len(), 7);
        assert_eq!(request.headers()["host"], "example.com");
        let cookies: Vec<_> = request.headers().get_all("cookie").iter().collect();
        assert_eq!(cookies, ["a=b", "c=d"]);
    }

    #[test]
    fn response_becomes_one_of_the_http_crate() {
        let options = DialOptions::new("example.com", "/").unwrap();
        let mut handshake = ClientHandshake::new(&options, |bytes| bytes.fill(7), &mut Vec::new());
        let mut input =
            &b"HTTP/1.1 418 x\r\nSet-Cookie: a=\xff\r\nSet-Cookie: b\r\nContent-Length: 5\r\n\r\nshort"[..];
        let Err(HandshakeError::Refused(response)) = handshake.receive(&mut input) else {
            panic!("status 418 opens nothing");
        };
        let response = response.to_http().unwrap();
        assert_eq!(response.status(), 418);
        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, [&b"a=\xff"[..], b"b"]);
        assert_eq!(response.body(), "short");
    }

    #[test]
    fn fields_of_the_application_become_a_header_map() {
        let mut headers = ExtraHeaders::new();
        headers.push("Set-Cookie", "a=b").unwrap();
        headers.push("set-cookie", "c=d").unwrap();
        let map = headers.to_http().unwrap();
        assert_eq!(map.len(), 2);
        assert_eq!(map["Set-Cookie"], "a=b");
    }
}
