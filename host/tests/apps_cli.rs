//! The command line of `sockeye serve` and its applications.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use common::{
    Client,
    binary::{Sockeye, run},
};

#[test]
fn options_may_stand_before_and_after_the_application() {
    for arguments in [
        &["echo", "--engine", "native"][..],
        &["--engine", "native", "echo"],
        &["--engine", "native"],
    ] {
        let mut sockeye = Sockeye::serve(arguments);
        let mut client = Client::connect_to(sockeye.address());
        client.handshake();
        client.echoes(b"Hello");
    }
    for arguments in [
        &["command", "--engine", "native", "--", "cat", "-n"][..],
        &["--engine", "native", "command", "--", "cat", "-n"],
    ] {
        let mut sockeye = Sockeye::serve(arguments);
        let mut client = Client::open_at(sockeye.address(), "/");
        client.says("Hello");
        assert_eq!(client.text(), "     1\tHello");
    }
}

#[test]
fn web_page_whose_name_means_this_machine_is_kept_out() {
    let request = common::REQUEST
        .replace("localhost", "evil.test")
        .replace("\r\n\r\n", "\r\nOrigin: http://evil.test\r\n\r\n");
    let answer = |arguments: &[&str], request: &str| {
        let mut sockeye = Sockeye::serve(arguments);
        let mut client = Client::connect_to(sockeye.address());
        client.send(request);
        client.head()
    };
    for arguments in [
        &["--engine", "native", "watch", "/etc/passwd"][..],
        &["--engine", "component", "watch", "/etc/passwd"],
        &["--engine", "native", "command", "--", "cat"],
        &["--engine", "component", "command", "--", "cat"],
    ] {
        let head = answer(arguments, &request);
        assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{head}");
        // It is its name that keeps it out.
        let own = request.replace("evil.test", "localhost");
        let head = answer(arguments, &own);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let allowed = [&["--origin", "http://evil.test"], arguments].concat();
        let head = answer(&allowed, &request);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }
}

#[test]
fn watch_and_command_have_a_page_too() {
    for (arguments, status, title) in [
        (&["watch", "/etc/passwd"][..], "200 OK", "<h1>passwd</h1>"),
        (
            &["command", "--", "/bin/cat", "secret"],
            "200 OK",
            "<h1>cat</h1>",
        ),
        (
            &["command", "--binary", "--", "cat"],
            "426 Upgrade Required",
            "",
        ),
    ] {
        let mut sockeye = Sockeye::serve(&[&["--engine", "native"], arguments].concat());
        let mut client = Client::connect_to(sockeye.address());
        client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let head = client.head();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{head}"
        );
        let body = String::from_utf8(client.read_to_end().expect("no reset")).expect("text");
        assert!(body.contains(title), "{body}");
        assert!(!body.contains("secret"), "{body}");
    }
}

#[test]
fn wrong_command_lines_are_explained_with_exit_code_2() {
    for (arguments, explanation) in [
        (&["watch"][..], "<FILE>"),
        (&["command"], "<CMD>..."),
        (&["command", "cat"], "<CMD>..."),
        (&["watch", "a", "b"], "unexpected argument 'b'"),
        (&["echo", "file"], "FILE goes with `watch` only"),
        (&["chat", "--", "cat"], "goes with `command` only"),
        (&["chat", "--all"], "--lines and --all go with `watch` only"),
        (
            &["watch", "a", "--all", "--lines", "3"],
            "cannot be used with",
        ),
        (&["echo", "--binary"], "go with `command` only"),
        (
            &["command", "--max-processes", "0", "--", "cat"],
            "max-processes",
        ),
        (&["sing"], "echo, chat, watch, command"),
    ] {
        let output = run(&[&["serve"], arguments].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(explanation), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments:?}: it listened");
    }
}

#[test]
fn what_cannot_be_served_is_one_sentence_and_exit_code_1() {
    for (arguments, sentence) in [
        (
            &["watch", "/no/such"][..],
            "cannot watch /no/such: No such file or directory (os error 2)",
        ),
        (
            &["watch", "/dev"],
            "cannot watch /dev: it is not a regular file",
        ),
        (
            &["command", "--", "no-such-program", "-x"],
            "no directory of $PATH has a program no-such-program",
        ),
        (
            &["command", "--", "/etc/passwd"],
            "/etc/passwd is not an executable file",
        ),
    ] {
        let output = run(&[&["serve"], arguments].concat());
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            format!("sockeye: {sentence}\n")
        );
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}: it listened");
    }
}
