//! The binary: what it prints, how it ends.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use common::{Client, PATIENCE, close, frame, unmasked};

struct Sockeye {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Sockeye {
    fn serve(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be run");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it is text");
        line.trim_end().to_owned()
    }

    fn address(&mut self) -> SocketAddr {
        let line = self.line();
        line.strip_prefix("listening on ws://")
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("`{line}`"))
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .expect("there is `kill`");
        assert!(status.success());
    }

    /// Waits for its end; returns the exit code and what it logged.
    fn end(mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("it does not end");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().expect("it is piped");
        stderr.read_to_string(&mut log).expect("it is text");
        (status.code(), log)
    }
}

impl Drop for Sockeye {
    fn drop(&mut self) {
        // It has ended already when a test passes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(arguments)
        .output()
        .expect("it can be run")
}

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
        assert_eq!(client.read_to_end().expect("no reset"), []);
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
