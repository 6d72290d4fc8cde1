//! `sockeye dial` between pipes: what goes in and out.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod dial_support;

use std::{
    io::{BufRead, BufReader, Write},
    sync::mpsc,
};

use dial_support::{Conn, Directory, ENGINES, PATIENCE, Peer, dial, finish, run};
use sockeye_host::{Address, Engine, Server, ServerBuilder, UpgradeOptions};

/// The host's own server, which echoes.
fn server(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> (Server, String) {
    let builder = Server::builder(Engine::native())
        .listen(":0".parse().expect("an address"))
        .threads(1.try_into().expect("not zero"));
    let server = change(builder).start().expect("it starts");
    let url = match server.addresses().first() {
        Some(Address::Tcp(address)) => format!("ws://{address}/"),
        other => panic!("{other:?}"),
    };
    (server, url)
}

#[test]
fn answers_to_piped_lines_are_printed() {
    let (_server, url) = server(|builder| builder);
    for engine in ENGINES {
        run(&["--engine", engine, &url], b"hi\n").is(0, "hi\n", "");
        run(&["--engine", engine, &url], b"a\r\n\n/quit\nlast").is(0, "a\n\n/quit\nlast\n", "");
        run(&["--engine", engine, &url], b"").is(0, "", "");
    }
}

#[test]
fn long_and_many_messages_come_back() {
    let (_server, url) = server(|builder| {
        let mut options = UpgradeOptions::default();
        options.message_size = 8 << 20;
        options.deflate = Some(sockeye_host::Deflate::server());
        builder.options(options)
    });
    let mut long: Vec<u8> = (0..4 << 20)
        .map(|index| b'a' + (index * index % 26) as u8)
        .collect();
    long.push(b'\n');
    let many: Vec<u8> = (0..20_000_u32)
        .flat_map(|index| format!("line {index}\n").into_bytes())
        .collect();
    for engine in ENGINES {
        for input in [&long, &many] {
            for deflate in [&["--deflate"][..], &[]] {
                let mut arguments = vec!["--engine", engine, &url];
                arguments.extend(deflate);
                let output = run(&arguments, input);
                assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));
                assert!(output.stdout == *input, "{} bytes", output.stdout.len());
            }
        }
    }
}

#[test]
fn binary_messages_take_the_form_asked_for() {
    let (_server, url) = server(|builder| builder);
    let bytes: Vec<u8> = (0..=255).collect();
    for engine in ENGINES {
        let output = run(&["--engine", engine, "--binary", &url], &bytes);
        assert_eq!((output.status, &output.stdout), (Some(0), &bytes));
        run(&["--engine", engine, "--binary=hex", &url], b"00 fF\n").is(0, "00ff\n", "");
        run(&["--engine", engine, "--binary=base64", &url], b"AP8=\n").is(0, "AP8=\n", "");
    }
}

#[test]
fn separator_follows_each_message() {
    let (_server, url) = server(|builder| builder);
    run(&["-0", &url], b"a\nb\n").is(0, "a\0b\0", "");
    run(&["--separator", "--", &url], b"a\nb\n").is(0, "a--b--", "");
}

#[test]
fn files_go_first_as_one_message_each() {
    let directory = Directory::new();
    let text = directory.write("text", "two\nlines");
    let bytes = directory.write("bytes", [0xff, 0]);
    let peer = Peer::open(|mut conn| {
        assert_eq!(conn.next(), (0x81, b"two\nlines".to_vec()));
        assert_eq!(conn.next(), (0x82, vec![0xff, 0]));
        assert_eq!(conn.next(), (0x81, b"line".to_vec()));
        conn.answer_close(1000);
    });
    run(
        &["--send-file", &text, "--send-file", &bytes, &peer.url()],
        b"line\n",
    )
    .is(0, "", "");
    peer.join();
}

#[test]
fn json_is_laid_out_without_colours_in_pipes() {
    let (_server, url) = server(|builder| builder);
    run(
        &["--json", &url],
        b"{\"a\":[1,{}],\"b\":1.50}\nnot {json}\n",
    )
    .is(
        0,
        "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": 1.50\n}\nnot {json}\n",
        "",
    );
}

#[test]
fn messages_are_printed_as_they_are() {
    let peer = Peer::open(|mut conn| {
        conn.frame(0x81, b"\x1b[31mred");
        conn.answer_close(1000);
    });
    run(&[&peer.url()], b"").is(0, "\x1b[31mred\n", "");
    peer.join();
}

#[test]
fn one_message_is_enough() {
    for engine in ENGINES {
        let peer = Peer::open(|mut conn| {
            assert_eq!(conn.next(), (0x81, b"ask".to_vec()));
            conn.frame(0x81, b"one");
            conn.frame(0x81, b"two");
            conn.answer_close(1000);
        });
        run(&["--engine", engine, "-1", &peer.url()], b"ask\n").is(0, "one\n", "");
        peer.join();
    }
}

#[test]
fn what_comes_before_the_answer_to_close_is_printed() {
    let peer = Peer::open(|mut conn| {
        assert_eq!(conn.next(), (0x81, b"ask".to_vec()));
        assert_eq!(conn.next(), (0x88, 1000_u16.to_be_bytes().to_vec()));
        conn.frame(0x81, b"late");
        conn.close(1000, "");
        conn.end();
    });
    run(&[&peer.url()], b"ask\n").is(0, "late\n", "");
    peer.join();
}

#[test]
fn wait_goes_on_receiving() {
    // Forever: until the server closes.
    let peer = Peer::open(|mut conn| {
        assert_eq!(conn.next(), (0x81, b"ask".to_vec()));
        conn.frame(0x81, b"late");
        conn.close(1000, "");
        assert_eq!(conn.next(), (0x88, 1000_u16.to_be_bytes().to_vec()));
        conn.end();
    });
    run(&["--wait", "forever", &peer.url()], b"ask\n").is(0, "late\n", "");
    peer.join();
    // For a time: then it is we who close.
    let peer = Peer::open(|mut conn| conn.answer_close(1000));
    run(&["--wait", "50ms", &peer.url()], b"").is(0, "", "");
    peer.join();
}

#[test]
fn pings_are_timed() {
    for engine in ENGINES {
        let peer = Peer::open(|mut conn| {
            for number in 1..=2 {
                let (first, payload) = conn.next();
                assert_eq!(
                    (first, payload.as_slice()),
                    (0x89, format!("sockeye {number}").as_bytes())
                );
                conn.frame(0x8a, &payload);
            }
            conn.close(1000, "");
            conn.echo();
        });
        let output = run(
            &[
                "--engine",
                engine,
                "--ping-interval",
                "30ms",
                "--wait",
                "forever",
                &peer.url(),
            ],
            b"",
        );
        peer.join();
        assert_eq!((output.status, output.text()), (Some(0), ""));
        let lines: Vec<_> = output.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        for line in lines {
            let time = line
                .strip_prefix("ping ")
                .and_then(|line| line.strip_suffix(" ms"))
                .unwrap_or_else(|| panic!("{line:?}"));
            assert!(time.parse::<f64>().is_ok_and(|time| time >= 0.0), "{line}");
        }
    }
}

#[test]
fn pings_of_the_server_are_answered_and_shown_on_request() {
    let script = |mut conn: Conn| {
        conn.frame(0x89, b"are you there?");
        assert_eq!(conn.next(), (0x8a, b"are you there?".to_vec()));
        conn.close(1000, "");
        assert_eq!(conn.next().0, 0x88);
        conn.end();
    };
    let peer = Peer::open(script);
    run(&["--wait", "forever", &peer.url()], b"").is(0, "", "");
    peer.join();
    let peer = Peer::open(script);
    let output = run(&["-v", "--wait", "forever", &peer.url()], b"");
    peer.join();
    assert!(
        output
            .stderr
            .ends_with("ping from the server: \"are you there?\"\n"),
        "{}",
        output.stderr
    );
}

#[test]
fn reader_who_has_enough_ends_it_quietly() {
    let (_server, url) = server(|builder| builder);
    let mut child = dial(&["--wait", "forever", &url])
        .spawn()
        .expect("it can be run");
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    stdin.write_all(b"first\n").expect("it reads");
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it prints");
    assert_eq!(line, "first\n");
    drop(stdout);
    stdin.write_all(b"second\n").expect("it reads");
    finish(child).is(0, "", "");
}

#[test]
fn slow_reader_holds_up_the_server() {
    // More than all buffers on the way together.
    const MESSAGES: usize = 1024;
    let (stalled, is_stalled) = mpsc::channel();
    let peer = Peer::open(move |mut conn| {
        let sent = conn.frames_until_stalled(MESSAGES, &[b'x'; 65_536]);
        stalled.send(sent).expect("the test waits");
        conn.go_on();
        conn.close(1000, "");
        assert_eq!(conn.next().0, 0x88);
        conn.end();
    });
    let mut child = dial(&["--wait", "forever", &peer.url()])
        .spawn()
        .expect("it can be run");
    let stdin = child.stdin.take();
    let sent = is_stalled.recv_timeout(PATIENCE).expect("it stalls");
    assert!(sent < MESSAGES * 65_536 / 2, "{sent} bytes were taken");
    let run = finish(child);
    drop(stdin);
    peer.join();
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    assert!(run.stdout.iter().all(|&byte| byte == b'x'));
    assert!(run.stdout.len() >= sent / 65_546 * 65_536);
}
