//! How `sockeye dial` ends: exit status and sentence, for scripts and for people.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod dial_support;

use std::{net::TcpListener, process::Command};

use dial_support::{Directory, ENGINES, Peer, dial, finish, run};

/// Runs against a peer that does this on its only connection.
fn against(
    engine: &str,
    script: impl Fn(dial_support::Conn) + Send + 'static,
) -> dial_support::Run {
    let peer = Peer::open(script);
    let output = run(&["--engine", engine, "--wait", "forever", &peer.url()], b"");
    peer.join();
    output
}

#[test]
fn codes_that_mean_order_end_with_0() {
    for engine in ENGINES {
        for code in [1000, 1001] {
            against(engine, move |mut conn| {
                conn.close(code, "");
                assert_eq!(conn.next(), (0x88, code.to_be_bytes().to_vec()));
                conn.end();
            })
            .is(0, "", "");
        }
        against(engine, |mut conn| {
            conn.frame(0x88, b"");
            assert_eq!(conn.next(), (0x88, vec![]));
            conn.end();
        })
        .is(0, "", "");
    }
}

#[test]
fn other_codes_end_with_3_and_are_printed() {
    for engine in ENGINES {
        against(engine, |mut conn| {
            conn.close(4001, "no\x07 more");
            assert_eq!(conn.next().0, 0x88);
            conn.end();
        })
        .is(
            3,
            "",
            "sockeye: the server closed the connection with 4001 (no\\u{7} more)\n",
        );
    }
}

#[test]
fn violations_and_lost_connections_end_with_4() {
    for engine in ENGINES {
        let output = against(engine, |mut conn| {
            conn.frame(0xc1, b"a reserved bit");
            let (first, payload) = conn.next();
            assert_eq!((first, &payload[..2]), (0x88, &1002_u16.to_be_bytes()[..]));
            conn.end();
        });
        assert_eq!(output.status, Some(4));
        assert!(
            output
                .stderr
                .starts_with("sockeye: the connection failed: "),
            "{}",
            output.stderr
        );
        let output = against(engine, |mut conn| {
            conn.frame(0x81, b"bye");
            conn.end();
        });
        assert_eq!((output.status, output.text()), (Some(4), "bye\n"));
        assert!(
            output
                .stderr
                .starts_with("sockeye: the connection was lost: "),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn message_over_the_limit_ends_with_4() {
    for engine in ENGINES {
        let peer = Peer::open(|mut conn| {
            conn.frame(0x82, &[0; 1025]);
            let (first, payload) = conn.next();
            assert_eq!((first, &payload[..2]), (0x88, &1009_u16.to_be_bytes()[..]));
            conn.end();
        });
        let output = run(
            &[
                "--engine",
                engine,
                "--max-message",
                "1KiB",
                "--wait",
                "forever",
                &peer.url(),
            ],
            b"",
        );
        peer.join();
        assert_eq!((output.status, output.text()), (Some(4), ""));
    }
}

#[test]
fn lines_that_cannot_be_sent_end_with_1() {
    let peer = Peer::open(|mut conn| {
        assert_eq!(conn.next(), (0x81, b"good".to_vec()));
        conn.answer_close(1000);
    });
    run(&[&peer.url()], b"good\n\xff\n").is(
        1,
        "",
        "sockeye: line 2 of stdin: it is not UTF-8: use --binary\n",
    );
    peer.join();
}

#[test]
fn nobody_there_ends_with_1() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    run(&[&format!("ws://{address}/")], b"").is(
        1,
        "",
        &format!("sockeye: nothing listens on {address}: is the server running?\n"),
    );
    let directory = Directory::new();
    let output = run(&["--unix", &directory.file("none"), "ws://localhost/"], b"");
    assert_eq!(output.status, Some(1));
    assert!(
        output
            .stderr
            .starts_with("sockeye: cannot connect to the Unix socket: "),
        "{}",
        output.stderr
    );
}

#[test]
fn refusals_are_told_with_their_status_and_body() {
    for engine in ENGINES {
        let peer =
            Peer::answer("HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\nno such room\n");
        run(&["--engine", engine, &peer.url()], b"").is(
            1,
            "",
            "sockeye: the server answered with 404 Not Found instead of 101: is the path right? It says: no such room\n",
        );
        peer.join();
    }
}

#[test]
fn responses_that_break_the_handshake_end_with_1() {
    for engine in ENGINES {
        let peer = Peer::answer(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        );
        let output = run(&["--engine", engine, &peer.url()], b"");
        let url = peer.url();
        peer.join();
        output.is(
            1,
            "",
            &format!(
                "sockeye: the handshake with {url} failed: the Sec-WebSocket-Accept header does not answer our key: is a cache on the way?\n"
            ),
        );
        let peer = Peer::new(1, |_, mut conn| {
            conn.accept("Sec-WebSocket-Protocol: mqtt\r\n");
            conn.end();
        });
        let output = run(&["--engine", engine, "-s", "chat", &peer.url()], b"");
        let url = peer.url();
        peer.join();
        output.is(
            1,
            "",
            &format!(
                "sockeye: the handshake with {url} failed: the server chose a subprotocol that was not offered\n"
            ),
        );
        let peer = Peer::answer("SSH-2.0-OpenSSH_10.0\r\n");
        let output = run(&["--engine", engine, &peer.url()], b"");
        peer.join();
        assert_eq!((output.status, output.text()), (Some(1), ""));
    }
}

#[test]
fn silent_servers_are_given_up_on() {
    for engine in ENGINES {
        let peer = Peer::new(1, |_, mut conn| {
            conn.request();
            conn.end();
        });
        let output = run(&["--engine", engine, &peer.url()], b"");
        peer.join();
        assert_eq!((output.status, output.text()), (Some(1), ""));
        // Accepts in the kernel, and never answers.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let output = run(
            &[
                "--engine",
                engine,
                "--timeout",
                "100ms",
                &format!("ws://{address}/"),
            ],
            b"",
        );
        assert_eq!((output.status, output.text()), (Some(1), ""));
        assert!(
            output.stderr.starts_with("sockeye: the handshake with "),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn servers_that_do_not_answer_a_close_frame_are_given_up_on() {
    for engine in ENGINES {
        let peer = Peer::open(|mut conn| {
            assert_eq!(conn.next(), (0x88, 1000_u16.to_be_bytes().to_vec()));
            conn.frame(0x81, b"still here");
            conn.wait_for_the_end();
        });
        run(&["--engine", engine, &peer.url()], b"").is(
            4,
            "still here\n",
            "sockeye: the server did not answer the Close frame within 5s\n",
        );
        peer.join();
    }
}

#[test]
fn wrong_command_lines_end_with_2() {
    for (arguments, named) in [
        (&["http:///"][..], "the URL cannot be dialled"),
        (&["ftp://a/"], "the scheme \"ftp\" is not known"),
        (&["ws://a/", "--header", "no colon"], "'Name: value'"),
        (
            &["ws://a/", "-H", "Upgrade: x"],
            "the header \"upgrade\" cannot be sent",
        ),
        (&["ws://a/", "--user", "name"], "NAME:PASSWORD"),
        (&["ws://a/", "--cert", "a"], "--key"),
        (&["ws://a/", "--binary=octal"], "octal"),
        (&["ws://a/", "--deflate=fast"], "`fast`"),
        (&["ws://a/", "--ping-interval", "0"], "without a pause"),
        (&["ws://a/", "--subprotocol", "a b"], "token"),
        (&["ws://a/", "--proxy", "ftp://a"], "proxy"),
        (&[], "<URL>"),
    ] {
        let output = run(arguments, b"");
        assert_eq!(
            (output.status, output.text()),
            (Some(2), ""),
            "{arguments:?}: {}",
            output.stderr
        );
        assert!(output.stderr.contains(named), "{}", output.stderr);
    }
}

#[test]
fn files_that_cannot_be_read_end_with_1() {
    for option in ["--send-file", "--ca", "--record"] {
        let output = run(
            &[option, "/no/such/directory/file", "ws://127.0.0.1:1/"],
            b"",
        );
        assert_eq!((output.status, output.text()), (Some(1), ""), "{option}");
        assert!(
            output.stderr.contains("/no/such/directory/file"),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn interrupt_closes_and_ends_with_130() {
    for engine in ENGINES {
        let peer = Peer::open(|mut conn| {
            conn.frame(0x81, b"ready");
            conn.answer_close(1000);
        });
        let mut child = dial(&["--engine", engine, &peer.url()])
            .spawn()
            .expect("it can be run");
        let stdin = child.stdin.take();
        let mut stdout = child.stdout.take().expect("it is piped");
        let mut line = [0; 6];
        std::io::Read::read_exact(&mut stdout, &mut line).expect("it prints");
        assert_eq!(&line, b"ready\n");
        let status = Command::new("kill")
            .args(["-s", "INT", &child.id().to_string()])
            .status()
            .expect("there is `kill`");
        assert!(status.success());
        finish(child).is(130, "", "");
        peer.join();
        drop(stdin);
    }
}
