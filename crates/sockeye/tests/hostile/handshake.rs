//! Opening handshakes.

use sockeye::{
    Agreement, ClientHandshake, DialOptions, ExtraHeaders, HandshakeError, InvalidOption,
    OriginPolicy, PerMessageDeflate, Request, Role, ServerHandshake, UpgradeOptions,
};

use crate::{alloc::measure, common::entropy};

/// The request of RFC 6455 §1.2, with these lines more.
fn request(lines: &str) -> String {
    format!(
        "GET /chat HTTP/1.1\r\n\
         Host: server.example.com\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\
         {lines}\r\n"
    )
}

/// The answer of RFC 6455 §1.3, with these lines more.
fn response(lines: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
         {lines}\r\n"
    )
}

/// The key of RFC 6455 §1.2.
fn nonce(bytes: &mut [u8]) {
    bytes.copy_from_slice(b"the sample nonce");
}

/// What a server makes of a request that comes in pieces of this size, what it answers, and what it leaves.
fn serve(
    request: &[u8],
    piece: usize,
    options: &UpgradeOptions,
) -> (Result<Option<Agreement>, HandshakeError>, String, Vec<u8>) {
    let mut handshake = ServerHandshake::new();
    let mut out = Vec::new();
    let mut left = Vec::new();
    let mut outcome = Ok(None);
    for mut input in request.chunks(piece) {
        match handshake.receive(&mut input, options) {
            Ok(None) => {}
            Ok(Some(request)) => {
                outcome = request.accept(options, &mut out).map(Some);
                if let Err(error) = &outcome {
                    request.refuse(error, &mut out);
                }
            }
            Err(error) => {
                handshake.refuse(&error, &mut out);
                outcome = Err(error);
                break;
            }
        }
        left.extend_from_slice(input);
    }
    (outcome, String::from_utf8(out).unwrap(), left)
}

/// Asserts that a server fails with this error and status, however the request is cut.
#[track_caller]
fn assert_refused(request: &[u8], error: &HandshakeError, status: u16) {
    let options = UpgradeOptions::new();
    for piece in [usize::MAX, 1, 7] {
        let (outcome, response, _) = serve(request, piece, &options);
        assert_eq!(outcome.as_ref(), Err(error), "in pieces of {piece}");
        let line = format!("HTTP/1.1 {status} ");
        assert!(response.starts_with(&line), "{response}");
        // The 426 has to name what to upgrade to.
        let connection = match status {
            426 => "\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n",
            _ => "\r\nConnection: close\r\n",
        };
        assert!(response.contains(connection), "{response}");
    }
}

fn dial(
    response: &str,
    set: impl FnOnce(&mut DialOptions),
) -> Result<Option<Agreement>, HandshakeError> {
    let mut options = DialOptions::new("server.example.com", "/chat").unwrap();
    set(&mut options);
    let mut handshake = ClientHandshake::new(&options, nonce, &mut Vec::new());
    handshake.receive(&mut response.as_bytes())
}

#[cfg(feature = "deflate")]
#[test]
fn cve_2026_2229_window_bits_out_of_range_fail_the_negotiation_without_panic() {
    let mut options = UpgradeOptions::new();
    options.deflate = Some(PerMessageDeflate::new(Role::Server));
    for bits in [
        "7",
        "16",
        "0",
        "08",
        "015",
        "-8",
        "+8",
        "1",
        "99999999999999999999999",
        "a",
        "\"16\"",
        "8.0",
    ] {
        for name in ["server_max_window_bits", "client_max_window_bits"] {
            let offer = format!("permessage-deflate; {name}={bits}");
            // A server declines that offer, and takes the next.
            let lines = format!("Sec-WebSocket-Extensions: {offer}\r\n");
            let (outcome, response, _) = serve(request(&lines).as_bytes(), usize::MAX, &options);
            assert_eq!(outcome, Ok(Some(Agreement::default())), "{offer}");
            assert!(!response.contains("Extensions"), "{response}");
            let lines = format!("Sec-WebSocket-Extensions: {offer}, permessage-deflate\r\n");
            let (outcome, ..) = serve(request(&lines).as_bytes(), usize::MAX, &options);
            assert!(outcome.unwrap().unwrap().deflate.is_some());
            // A client fails the connection.
            let outcome = dial(
                &self::response(&format!("Sec-WebSocket-Extensions: {offer}\r\n")),
                |options| options.deflate = Some(PerMessageDeflate::new(Role::Client)),
            );
            assert_eq!(outcome, Err(HandshakeError::ExtensionParameters), "{offer}");
        }
    }
}

#[test]
fn cve_2023_43669_head_is_not_read_again_at_every_piece() {
    // Nearly 16 KiB of header, a byte at a time.
    let request = request(&format!("X: {}\r\n", "x".repeat(16_000)));
    let options = UpgradeOptions::new();
    let mut handshake = ServerHandshake::new();
    let (accepted, usage) = measure(|| {
        let mut accepted = None;
        for mut input in request.as_bytes().chunks(1) {
            accepted = handshake.receive(&mut input, &options).unwrap();
            // Each byte is taken at once, and kept by the handshake: there is nothing to be read again.
            assert!(input.is_empty());
        }
        accepted
    });
    assert!(accepted.is_some());
    assert!(usage.calls <= 20, "{usage:?}");
    assert!(usage.peak <= 2 * 16_384 + 8192, "{usage:?}");
}

#[test]
fn cve_2023_43669_head_size_and_header_count_are_limited() {
    let long = request(&format!("X: {}\r\n", "x".repeat(65_536)));
    assert_refused(
        long.as_bytes(),
        &HandshakeError::HeadTooLarge { limit: 16_384 },
        431,
    );
    // And where nothing ends.
    let endless = [&b"GET / HTTP/1.1\r\nX: "[..], &[b'x'; 65_536]].concat();
    assert_refused(
        &endless,
        &HandshakeError::HeadTooLarge { limit: 16_384 },
        431,
    );
    let endless = [&b"GET /"[..], &[b'x'; 65_536]].concat();
    assert_refused(
        &endless,
        &HandshakeError::TargetTooLong { limit: 16_384 },
        414,
    );
    // What is held stays below the limit, whatever is thrown at it.
    let options = UpgradeOptions::new();
    let (_, usage) = measure(|| {
        let mut handshake = ServerHandshake::new();
        for mut input in endless.repeat(16).chunks(1000) {
            if handshake.receive(&mut input, &options).is_err() {
                break;
            }
        }
    });
    let copy = endless.len() * 16;
    assert!(usage.peak - copy <= 2 * 16_384 + 8192, "{usage:?}");
}

#[test]
fn cve_2024_37890_too_many_headers_are_an_ordinary_error() {
    let headers = "X: y\r\n".repeat(2000);
    assert_refused(
        request(&headers).as_bytes(),
        &HandshakeError::TooManyHeaders { limit: 100 },
        431,
    );
    // The fields that matter behind as many as there may be, and cut off by them.
    let padded = format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(101));
    assert_refused(
        padded.as_bytes(),
        &HandshakeError::TooManyHeaders { limit: 100 },
        431,
    );
}

#[test]
fn cve_2024_37890_missing_header_is_an_ordinary_error() {
    for (line, error, status) in [
        (
            "Host: server.example.com\r\n",
            HandshakeError::HostMissing,
            400,
        ),
        (
            "Upgrade: websocket\r\n",
            HandshakeError::UpgradeMissing,
            426,
        ),
        (
            "Connection: Upgrade\r\n",
            HandshakeError::ConnectionMissing,
            400,
        ),
        (
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            HandshakeError::KeyMissing,
            400,
        ),
        (
            "Sec-WebSocket-Version: 13\r\n",
            HandshakeError::VersionMissing,
            426,
        ),
    ] {
        let request = request("");
        assert!(request.contains(line));
        assert_refused(request.replace(line, "").as_bytes(), &error, status);
    }
}

#[test]
fn slow_handshake_ends_with_408() {
    let options = UpgradeOptions::new();
    assert_eq!(options.timeout, Some(core::time::Duration::from_secs(10)));
    let mut handshake = ServerHandshake::new();
    let request = request("");
    let mut part = &request.as_bytes()[..40];
    assert!(handshake.receive(&mut part, &options).unwrap().is_none());
    let mut out = Vec::new();
    handshake.refuse(&HandshakeError::Timeout, &mut out);
    assert!(out.starts_with(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"));
}

#[test]
fn cve_2021_32640_cve_2020_7662_lists_are_read_in_one_pass() {
    let mut options = UpgradeOptions::new();
    options.head_size = 1 << 20;
    options.deflate = Some(PerMessageDeflate::new(Role::Server));
    options.set_subprotocols(["chat"]).unwrap();
    for bomb in [
        ",".repeat(500_000),
        " ".repeat(500_000),
        "a,".repeat(250_000),
        "a, \t".repeat(100_000),
        format!("a{}b", " ".repeat(500_000)),
    ] {
        for name in ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"] {
            let request = request(&format!("{name}: {bomb}\r\n"));
            let ((outcome, ..), usage) = measure(|| serve(request.as_bytes(), 4096, &options));
            match outcome {
                Ok(agreement) => assert_eq!(agreement, Some(Agreement::default())),
                Err(error) => assert!(matches!(
                    error,
                    HandshakeError::SubprotocolsInvalid | HandshakeError::ExtensionsInvalid
                )),
            }
            // Nothing is kept for each element.
            assert!(usage.peak <= 3 << 20, "{usage:?}");
            assert!(usage.calls < 60, "{usage:?}");
        }
    }
}

#[test]
fn ws_3_3_1_names_that_objects_have_are_only_names() {
    let mut options = UpgradeOptions::new();
    options.deflate = Some(PerMessageDeflate::new(Role::Server));
    options.set_subprotocols(["chat"]).unwrap();
    for name in [
        "constructor",
        "__proto__",
        "hasOwnProperty",
        "toString",
        "valueOf",
    ] {
        let lines = format!(
            "Sec-WebSocket-Extensions: {name}; {name}={name}, permessage-deflate; {name}\r\n\
             Sec-WebSocket-Protocol: {name}\r\n{name}: {name}\r\n"
        );
        let (outcome, ..) = serve(request(&lines).as_bytes(), usize::MAX, &options);
        assert_eq!(outcome, Ok(Some(Agreement::default())));
    }
}

#[test]
fn cve_2026_1527_no_line_break_gets_into_what_is_sent() {
    let mut headers = ExtraHeaders::new();
    for value in ["a\r\nX-Injected: b", "a\nb", "a\rb", "a\0b", "\u{7f}"] {
        assert!(headers.push("X-Name", value).is_err(), "{value:?}");
    }
    for name in ["", "X Name", "X:", "X\r\nY", "X\n", "Ü", "X\0"] {
        assert!(headers.push(name, "value").is_err(), "{name:?}");
    }
    assert!(headers.is_empty());
    for (host, target) in [
        ("a\r\nX: y", "/"),
        ("a b", "/"),
        ("a", "/\r\nX: y"),
        ("a", "/ HTTP/1.1"),
        ("a", "/\0"),
    ] {
        assert!(
            DialOptions::new(host, target).is_err(),
            "{host:?} {target:?}"
        );
    }
    let mut options = DialOptions::new("a", "/").unwrap();
    assert_eq!(
        options.set_subprotocols(["chat\r\nX: y"]),
        Err(InvalidOption::Subprotocol)
    );
    assert!(
        options
            .set_origin(Some("https://a\r\nX: y".into()))
            .is_err()
    );
    // A target of a request that was read elsewhere, and would become two lines.
    for target in ["/\r\nX: y", "/ ", "/\n"] {
        let request = Request::from_parts("GET", target, [("Host", "a")]);
        assert!(request.is_err());
    }
    // What a peer names is not repeated in the answer unless it was checked: the page for browsers shows the host.
    let lines = "Host: a\"><script>\r\nAccept: text/html\r\n";
    let request = format!("GET / HTTP/1.1\r\n{lines}\r\n");
    let (_, response, _) = serve(request.as_bytes(), usize::MAX, &UpgradeOptions::new());
    assert!(!response.contains("script"), "{response}");
}

#[test]
fn cve_2025_24010_cve_2023_26114_other_origins_are_refused_by_default() {
    for origin in [
        "https://evil.example",
        "https://server.example.com.evil.example",
        "https://evilserver.example.com",
        "https://example.com",
        "https://sub.server.example.com",
        "http://server.example.com:8080",
        "https://server.example.com@evil.example",
        "https://evil.example/server.example.com",
        "https://evil.example#server.example.com",
        "null",
        "",
        "server.example.com",
        "https://server.example.com/",
        "file://server.example.com",
        "https://server.example.com, https://evil.example",
    ] {
        let lines = format!("Origin: {origin}\r\n");
        let (outcome, response, _) = serve(
            request(&lines).as_bytes(),
            usize::MAX,
            &UpgradeOptions::new(),
        );
        if origin == "file://server.example.com" {
            // Only the host is compared: behind a TLS proxy the server cannot know its scheme.
            continue;
        }
        assert_eq!(outcome, Err(HandshakeError::OriginNotAllowed), "{origin:?}");
        assert!(response.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    }
    for origin in [
        "http://server.example.com",
        "https://server.example.com",
        "https://SERVER.example.COM",
    ] {
        let lines = format!("Origin: {origin}\r\n");
        let (outcome, ..) = serve(request(&lines).as_bytes(), 1, &UpgradeOptions::new());
        assert_eq!(outcome, Ok(Some(Agreement::default())), "{origin:?}");
    }
    // Two of them are not one that is allowed.
    let lines = "Origin: https://server.example.com\r\nOrigin: https://evil.example\r\n";
    assert_refused(
        request(lines).as_bytes(),
        &HandshakeError::HeaderRepeated { name: "Origin" },
        400,
    );
    // A pattern is not matched by what only contains it.
    let mut options = UpgradeOptions::new();
    options.origins = OriginPolicy::allow(["https://*.example.com"]).unwrap();
    for origin in [
        "https://example.com",
        "https://evilexample.com",
        "https://a.example.com.evil.test",
        "http://a.example.com",
        "https://a.example.com:8443",
        "https://.example.com",
    ] {
        let lines = format!("Origin: {origin}\r\n");
        let (outcome, ..) = serve(request(&lines).as_bytes(), usize::MAX, &options);
        assert_eq!(outcome, Err(HandshakeError::OriginNotAllowed), "{origin:?}");
    }
}

#[test]
fn tls_on_a_plain_port_is_recognised_at_its_first_byte() {
    // A TLS record of a handshake, version 3.1.
    let hello = [
        0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03,
    ];
    assert_refused(&hello[..1], &HandshakeError::NotHttp, 400);
    assert_refused(&hello, &HandshakeError::NotHttp, 400);
    for garbage in [
        &b"\0"[..],
        b"SSH-2.0-OpenSSH_9\r\n",
        b"\x81\x85",
        b"{\"json\": 1}",
        b"\xFF",
    ] {
        let (outcome, ..) = serve(garbage, 1, &UpgradeOptions::new());
        assert!(
            matches!(
                outcome,
                Err(HandshakeError::NotHttp | HandshakeError::RequestLine)
            ),
            "{garbage:?}: {outcome:?}"
        );
    }
}

#[test]
fn cve_2018_12541_body_of_the_request_is_refused() {
    for lines in ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
        assert_refused(
            request(lines).as_bytes(),
            &HandshakeError::BodyUnexpected,
            400,
        );
    }
}

#[test]
fn request_smuggled_in_odd_line_ends_and_folds_is_refused() {
    for (from, to, error) in [
        ("\r\n", "\n", HandshakeError::BareLineFeed),
        (
            "Upgrade: websocket\r\n",
            "Upgrade:\r\n websocket\r\n",
            HandshakeError::HeaderFolded,
        ),
        ("Upgrade: ", "Upgrade : ", HandshakeError::HeaderName),
        ("Upgrade: ", ": ", HandshakeError::HeaderName),
        ("websocket", "web\0socket", HandshakeError::HeaderValue),
        ("websocket", "web\rsocket", HandshakeError::HeaderValue),
    ] {
        assert_refused(request("").replace(from, to).as_bytes(), &error, 400);
    }
}

#[test]
fn frames_behind_the_head_are_left_for_the_connection() {
    // A text, "Hello", masked: RFC 6455 §5.7.
    let frames = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let bytes = [request("").as_bytes(), frames].concat();
    for piece in 1..bytes.len() {
        let (outcome, response, left) = serve(&bytes, piece, &UpgradeOptions::new());
        assert_eq!(outcome, Ok(Some(Agreement::default())));
        assert_eq!(response, self::response(""));
        assert_eq!(left, frames);
    }
    let bytes = [response("").as_bytes(), b"\x81\x05Hello"].concat();
    for cut in 0..bytes.len() {
        let options = DialOptions::new("server.example.com", "/chat").unwrap();
        let mut handshake = ClientHandshake::new(&options, nonce, &mut Vec::new());
        let (mut head, mut tail) = bytes.split_at(cut);
        let mut agreed = handshake.receive(&mut head).unwrap();
        if agreed.is_none() {
            agreed = handshake.receive(&mut tail).unwrap();
        }
        assert_eq!(agreed, Some(Agreement::default()));
        assert_eq!([head, tail].concat(), b"\x81\x05Hello");
    }
}

#[test]
fn client_takes_nothing_from_a_server_that_does_not_prove_itself() {
    for (from, to, error) in [
        ("s3pP", "s3pp", HandshakeError::AcceptMismatch),
        (
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
            "",
            HandshakeError::AcceptMissing,
        ),
        (
            "Upgrade: websocket",
            "Upgrade: h2c",
            HandshakeError::UpgradeMissing,
        ),
        (
            "Connection: Upgrade",
            "Connection: close",
            HandshakeError::ConnectionMissing,
        ),
    ] {
        let response = response("").replace(from, to);
        assert_eq!(dial(&response, |_| ()), Err(error));
    }
    for (lines, error) in [
        (
            "Sec-WebSocket-Protocol: chat\r\n",
            HandshakeError::SubprotocolUnexpected,
        ),
        (
            "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            HandshakeError::ExtensionUnexpected,
        ),
        (
            "Sec-WebSocket-Extensions: x\r\n",
            HandshakeError::ExtensionUnexpected,
        ),
    ] {
        assert_eq!(dial(&response(lines), |_| ()), Err(error));
    }
}

#[test]
fn cve_2022_35922_client_keeps_a_kibibyte_of_a_refusal_whatever_is_announced() {
    let options = DialOptions::new("server.example.com", "/chat").unwrap();
    let mut handshake = ClientHandshake::new(&options, entropy, &mut Vec::new());
    let head = b"HTTP/1.1 503 Busy\r\nContent-Length: 4611686018427387904\r\n\r\n";
    let body = vec![b'x'; 1 << 20];
    let (error, usage) = measure(|| {
        assert_eq!(handshake.receive(&mut &head[..]), Ok(None));
        handshake.receive(&mut &body[..]).unwrap_err()
    });
    let HandshakeError::Refused(response) = error else {
        panic!("{error:?}");
    };
    assert_eq!((response.status(), response.body().len()), (503, 1024));
    assert!(usage.peak <= 8192, "{usage:?}");
}
