//! The binary: what it prints, how it ends.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::time::{Duration, Instant};

use common::{
    Client,
    binary::{Sockeye, run},
    close, frame, unmasked,
};

#[test]
fn signal_closes_with_1001_and_exits_with_0() {
    for (engine, signal) in [
        ("component", "TERM"),
        ("native", "TERM"),
        ("component", "INT"),
    ] {
        let mut sockeye = Sockeye::serve(&["--engine", engine]);
        let mut client = Client::connect_to(sockeye.address());
        client.handshake();
        client.echoes(b"Hello");
        sockeye.signal(signal);
        assert_eq!(client.read_exact(4), close(1001));
        client.send(frame(0x88, &1001_u16.to_be_bytes()));
        assert_eq!(client.read_to_end().expect("no reset"), b"");
        drop(client);
        let (code, log) = sockeye.end();
        assert_eq!(code, Some(0), "{log}");
    }
}

#[test]
fn clients_that_do_not_answer_do_not_keep_it() {
    let mut sockeye = Sockeye::serve(&["--drain", "200ms"]);
    let mut client = Client::connect_to(sockeye.address());
    client.handshake();
    sockeye.signal("TERM");
    let start = Instant::now();
    let (code, log) = sockeye.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.contains("some connections had not ended in time"),
        "{log}"
    );
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn second_signal_ends_at_once() {
    let mut sockeye = Sockeye::serve(&["--drain", "1h"]);
    let mut client = Client::connect_to(sockeye.address());
    client.handshake();
    sockeye.signal("TERM");
    assert_eq!(client.read_exact(4), close(1001));
    sockeye.signal("TERM");
    let (code, log) = sockeye.end();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn options_reach_the_component() {
    let mut sockeye = Sockeye::serve(&[
        "--subprotocol",
        "chat.v2",
        "--subprotocol",
        "chat.v1",
        "--origin",
        "https://example.com",
        "--max-message",
        "1KiB",
        "--deflate=server-bits=9,no-takeover",
        "--instance-connections",
        "1",
    ]);
    let address = sockeye.address();
    let with = |fields: &str| {
        let mut client = Client::connect_to(address);
        client.send(common::REQUEST.replace("\r\n\r\n", &format!("\r\n{fields}\r\n\r\n")));
        let head = client.head();
        (client, head)
    };
    let (mut client, head) = with(
        "Sec-WebSocket-Protocol: chat.v1, chat.v2\r\nOrigin: https://example.com\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    );
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(
        head.contains("\r\nSec-WebSocket-Protocol: chat.v2\r\n"),
        "{head}"
    );
    assert!(head.contains("server_max_window_bits=9"), "{head}");
    assert!(head.contains("server_no_context_takeover"), "{head}");
    client.send(frame(0x82, &[0; 1025]));
    let reason = b"\x03\xf1a frame is longer than 1024 bytes";
    assert_eq!(
        client.read_to_end().expect("no reset"),
        unmasked(0x88, reason)
    );
    let (_, head) = with("Origin: https://evil.test");
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
}

#[test]
fn port_in_use_is_one_sentence_and_exit_code_1() {
    let mut sockeye = Sockeye::serve(&["--engine", "native"]);
    let address = sockeye.address().to_string();
    let output = run(&["serve", "--engine", "native", "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!("sockeye: cannot listen on {address}: another program does already\n")
    );
}

#[test]
fn wrong_values_are_explained_with_exit_code_2() {
    for (arguments, explanation) in [
        (&["--listen", "localhost"][..], "`localhost` has no port"),
        (&["--max-message", "lots"], "a size is a number of bytes"),
        (
            &["--handshake-timeout", "soon"],
            "a span of time is a number with a unit",
        ),
        (&["--deflate=level=11"], "`11` is not a compression level"),
        (&["--instance-connections", "0"], "instance-connections"),
        (&["--engine", "quantum"], "component, native"),
        (&["--tls-cert", "cert.pem"], "--tls-key"),
        (&["--log", "a=b=c"], "is not a filter"),
    ] {
        let output = run(&[&["serve"], arguments].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(explanation), "{arguments:?}: {stderr}");
    }
}

#[test]
fn unreadable_files_are_one_sentence_and_exit_code_1() {
    for (arguments, explanation) in [
        (
            &["--component", "/nowhere.wasm"][..],
            "cannot read the component /nowhere.wasm: ",
        ),
        (
            &["--component", "/dev/null"],
            "the component cannot be used: ",
        ),
        (
            &[
                "--engine",
                "native",
                "--tls-cert",
                "/nowhere.pem",
                "--tls-key",
                "/nowhere.pem",
            ],
            "/nowhere.pem cannot be read: ",
        ),
    ] {
        let output = run(&[&["serve"], arguments].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains(explanation), "{arguments:?}: {stderr}");
    }
}
