//! What `sockeye dial` asks for, what it keeps, and what it shows of that.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod dial_support;

use dial_support::{Directory, ENGINES, Peer, run};
use serde_json::{Value, json};
use sockeye_host::{Address, Engine, Server, TlsAcceptor};

#[test]
fn request_carries_what_was_asked_for() {
    for engine in ENGINES {
        let peer = Peer::new(1, |_, mut conn| {
            let request = conn.accept("Sec-WebSocket-Protocol: v2\r\n");
            let field = |name| {
                request
                    .headers()
                    .get(name)
                    .map(|value| String::from_utf8_lossy(value).into_owned())
            };
            assert_eq!(request.target(), "/a?b=c");
            assert_eq!(field("X-Room").as_deref(), Some("blue: 1"));
            assert_eq!(field("Origin").as_deref(), Some("https://example.com"));
            assert_eq!(field("Sec-WebSocket-Protocol").as_deref(), Some("v1, v2"));
            // RFC 7617 §2 has this example.
            assert_eq!(
                field("Authorization").as_deref(),
                Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
            );
            let extensions = field("Sec-WebSocket-Extensions").expect("it offers compression");
            assert!(extensions.starts_with("permessage-deflate"), "{extensions}");
            conn.answer_close(1000);
        });
        run(
            &[
                "--engine",
                engine,
                "-H",
                "X-Room: blue: 1",
                "--origin",
                "https://example.com",
                "-s",
                "v1",
                "-s",
                "v2",
                "--user",
                "Aladdin:open sesame",
                "--deflate",
                &format!("ws://{}/a?b=c", peer.address()),
            ],
            b"",
        )
        .is(0, "", "");
        peer.join();
    }
}

#[test]
fn cookies_are_kept_from_run_to_run() {
    let directory = Directory::new();
    let jar = directory.file("jar");
    for engine in ENGINES {
        let peer = Peer::new(2, |index, mut conn| {
            let request = conn.accept("Set-Cookie: seat=12; Path=/\r\n");
            let cookie = request.headers().get("cookie");
            if index == 1 {
                assert_eq!(cookie, Some(&b"seat=12"[..]));
            }
            conn.answer_close(1000);
        });
        for _ in 0..2 {
            run(
                &["--engine", engine, "--cookie-jar", &jar, &peer.url()],
                b"",
            )
            .is(0, "", "");
        }
        peer.join();
    }
}

#[test]
fn redirects_are_followed_on_request() {
    for engine in ENGINES {
        let peer = Peer::new(2, |index, mut conn| {
            if index == 0 {
                conn.request();
                conn.write("HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
                conn.end();
            } else {
                assert_eq!(conn.accept("").target(), "/there");
                conn.answer_close(1000);
            }
        });
        run(&["--engine", engine, "--follow", &peer.url()], b"").is(0, "", "");
        peer.join();
        let peer = Peer::answer(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
        );
        run(&["--engine", engine, &peer.url()], b"").is(
            1,
            "",
            "sockeye: the server answered with 307 Temporary Redirect instead of 101: it redirects: use --follow\n",
        );
        peer.join();
    }
}

#[test]
fn handshake_is_shown_on_request_without_credentials() {
    let peer = Peer::new(1, |_, mut conn| {
        conn.accept("Set-Cookie: secret=1\r\nServer: test\r\nSec-WebSocket-Protocol: v1\r\n");
        conn.answer_close(1000);
    });
    let url = peer.url().replace("ws://", "ws://name:secret@");
    let output = run(&["-v", "-s", "v1", &url], b"");
    let address = peer.address();
    peer.join();
    assert_eq!((output.status, output.text()), (Some(0), ""));
    for line in [
        &format!("connected to ws://{address}/"),
        "> GET / HTTP/1.1",
        "< HTTP/1.1 101 Switching Protocols",
        "< Set-Cookie: ***",
        "< Server: test",
        &format!("connected to ws://{address}/, subprotocol v1"),
    ] {
        assert!(
            output.stderr.lines().any(|shown| shown == line),
            "{line}: {}",
            output.stderr
        );
    }
    assert!(
        output.stderr.contains("uthorization: ***"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("secret"), "{}", output.stderr);
    assert!(!output.stderr.contains('\x1b'), "{}", output.stderr);
}

#[test]
fn unix_sockets_are_dialled() {
    let directory = Directory::new();
    let path = directory.file("socket");
    let _server = Server::builder(Engine::native())
        .listen(
            format!("unix:{path}")
                .parse::<Address>()
                .expect("an address"),
        )
        .start()
        .expect("it starts");
    for engine in ENGINES {
        run(
            &["--engine", engine, "--unix", &path, "ws://localhost/"],
            b"hi\n",
        )
        .is(0, "hi\n", "");
        run(&["--engine", engine, &format!("ws+unix:{path}:/")], b"hi\n").is(0, "hi\n", "");
    }
}

#[test]
fn certificates_are_checked_unless_told_otherwise() {
    let directory = Directory::new();
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).expect("it can be made");
    let certificate = directory.write("cert.pem", made.cert.pem());
    let key = directory.write("key.pem", made.signing_key.serialize_pem());
    let tls = TlsAcceptor::from_files(certificate.as_ref(), key.as_ref()).expect("they fit");
    let server = Server::builder(Engine::native())
        .listen(":0".parse().expect("an address"))
        .tls(tls)
        .start()
        .expect("it starts");
    let Some(Address::Tcp(address)) = server.addresses().first() else {
        panic!("it listens on TCP");
    };
    let url = format!("wss://localhost:{}/", address.port());
    for engine in ENGINES {
        run(&["--engine", engine, "--ca", &certificate, &url], b"hi\n").is(0, "hi\n", "");
        run(&["--engine", engine, "--insecure", &url], b"hi\n").is(0, "hi\n", "");
        let output = run(&["--engine", engine, &url], b"hi\n");
        assert_eq!((output.status, output.text()), (Some(1), ""));
        assert!(
            output
                .stderr
                .starts_with("sockeye: no TLS connection to localhost: "),
            "{}",
            output.stderr
        );
    }
}

/// A line of a record, with its time masked.
fn masked(line: &str) -> Value {
    let mut value: Value = serde_json::from_str(line).expect("it is JSON");
    let time = value["time"].as_str().expect("it has a time");
    assert_eq!((time.len(), time.ends_with('Z')), (27, true), "{time}");
    value["time"] = "T".into();
    value
}

#[test]
fn record_has_everything() {
    let directory = Directory::new();
    for engine in ENGINES {
        let file = directory.file(engine);
        let peer = Peer::new(1, |_, mut conn| {
            conn.accept("Sec-WebSocket-Protocol: v1\r\n");
            assert_eq!(conn.next().1, b"hi");
            // Whatever order the test machine has, this side speaks when the client is done.
            assert_eq!(conn.next(), (0x88, 1000_u16.to_be_bytes().to_vec()));
            conn.frame(0x82, &[0, 255]);
            conn.frame(0x89, b"p");
            conn.frame(0x81, "ü".as_bytes());
            conn.close(1000, "bye");
            conn.end();
        });
        let url = peer.url();
        let output = run(
            &["--engine", engine, "-s", "v1", "--record", &file, &url],
            b"hi\n",
        );
        peer.join();
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let record = std::fs::read_to_string(&file).expect("it was written");
        let lines: Vec<Value> = record.lines().map(masked).collect();
        assert_eq!(
            lines,
            [
                json!({"time": "T", "kind": "connecting", "url": url}),
                json!({"time": "T", "kind": "opened", "subprotocol": "v1", "extensions": null}),
                json!({"time": "T", "kind": "text", "direction": "sent", "text": "hi"}),
                json!({"time": "T", "kind": "close", "direction": "sent", "code": 1000, "reason": ""}),
                json!({"time": "T", "kind": "binary", "direction": "received", "base64": "AP8="}),
                json!({"time": "T", "kind": "ping", "direction": "received", "text": "p"}),
                json!({"time": "T", "kind": "text", "direction": "received", "text": "ü"}),
                json!({"time": "T", "kind": "closed", "code": 1000, "reason": "bye", "initiator": "local", "clean": true, "error": null}),
            ]
        );
    }
}

#[test]
fn record_tells_of_failures() {
    let directory = Directory::new();
    let file = directory.file("record");
    let peer = Peer::answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let url = peer.url();
    assert_eq!(run(&["--record", &file, &url], b"").status, Some(1));
    peer.join();
    let record = std::fs::read_to_string(&file).expect("it was written");
    let lines: Vec<Value> = record.lines().map(masked).collect();
    assert_eq!(
        lines,
        [
            json!({"time": "T", "kind": "connecting", "url": url}),
            json!({"time": "T", "kind": "failed", "error": "the server answered with 403 Forbidden instead of 101: it does not allow this client, or this origin: use --origin"}),
        ]
    );
}

#[test]
fn lost_connections_are_made_again() {
    for engine in ENGINES {
        let peer = Peer::new(4, |index, mut conn| match index {
            // Lost during the handshake, lost after it, restarting, and well.
            0 => {
                conn.request();
            }
            1 => {
                conn.accept("");
                conn.frame(0x81, b"first");
                conn.end();
            }
            2 => {
                conn.accept("");
                conn.close(1012, "restart");
                assert_eq!(conn.next().0, 0x88);
                conn.end();
            }
            _ => {
                conn.accept("");
                conn.frame(0x81, b"second");
                conn.close(1000, "");
                assert_eq!(conn.next().0, 0x88);
                conn.end();
            }
        });
        let output = run(
            &[
                "--engine",
                engine,
                "--reconnect=3",
                "--wait",
                "forever",
                &peer.url(),
            ],
            b"",
        );
        peer.join();
        assert_eq!((output.status, output.text()), (Some(0), "first\nsecond\n"));
        let attempts: Vec<_> = output
            .stderr
            .lines()
            .filter_map(|line| line.split_once("; connecting again in "))
            .map(|(_, rest)| rest.rsplit_once(' ').expect("it is counted").1)
            .collect();
        assert_eq!(attempts, ["1)", "1)", "1)"], "{}", output.stderr);
    }
}

#[test]
fn attempts_have_an_end() {
    let peer = Peer::new(2, |_, mut conn| {
        conn.request();
        conn.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        conn.end();
    });
    let output = run(&["-q", "--reconnect=1", &peer.url()], b"");
    peer.join();
    output.is(
        1,
        "",
        "sockeye: the server answered with 503 Service Unavailable instead of 101: the server behind it does not answer\n",
    );
}
