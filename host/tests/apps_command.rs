//! `sockeye serve command`.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::{fs, io, io::Write, path::Path, thread, time::Duration};

use common::{Client, MOMENT, Scratch, binary::Sockeye, eventually, frame};

/// With each engine, `sockeye serve command` with these options running this shell script.
fn for_both(options: &[&str], script: &str, test: impl Fn(&mut Sockeye)) {
    for engine in ["native", "component"] {
        let mut arguments = vec!["command", "--engine", engine];
        arguments.extend(options);
        arguments.extend(["--", "sh", "-c", script]);
        test(&mut Sockeye::serve(&arguments));
    }
}

/// Whether the process has ended. A zombie is still there unless it is somebody else's to reap.
fn is_gone(id: &str, is_ours: bool) -> bool {
    match fs::read_to_string(format!("/proc/{id}/stat")) {
        Ok(stat) => !is_ours && stat.contains(") Z "),
        Err(_) => true,
    }
}

#[test]
fn lines_go_through_the_process_and_back() {
    for engine in ["native", "component"] {
        let mut sockeye = Sockeye::serve(&["--engine", engine, "command", "--", "cat"]);
        let mut client = Client::open_at(sockeye.address(), "/");
        for line in ["Hello", "", "two\r\nlines", "€"] {
            client.says(line);
        }
        for line in ["Hello", "", "two", "lines", "€"] {
            assert_eq!(client.text(), line);
        }
    }
}

#[test]
fn end_of_the_process_closes_with_its_status() {
    for (script, code, reason) in [
        ("read line; echo last; exit 0", 1000, ""),
        (
            "read line; echo last; exit 3",
            1011,
            "the process ended with status 3",
        ),
        (
            "read line; echo last; kill -9 $$",
            1011,
            "the process was ended by signal 9",
        ),
    ] {
        for_both(&[], script, |sockeye| {
            let mut client = Client::open_at(sockeye.address(), "/");
            client.says("go on");
            assert_eq!(client.text(), "last");
            assert_eq!(client.closing(), (code, reason.to_owned()));
            assert_eq!(client.read_to_end().expect("no reset"), b"");
        });
    }
}

#[test]
fn process_knows_its_client() {
    let script = "printf '%s|' \"$REMOTE_ADDR\" \"$REQUEST_URI\" \"$QUERY_STRING\" \"$HTTP_HOST\"";
    for_both(&[], script, |sockeye| {
        let mut client = Client::open_at(sockeye.address(), "/a?b=c");
        // A last line without a line break is one too.
        assert_eq!(client.text(), "127.0.0.1|/a?b=c|b=c|localhost|");
        assert_eq!(client.closing(), (1000, String::new()));
    });
}

#[test]
fn large_output_comes_whole() {
    for_both(&[], "seq 1 100000", |sockeye| {
        let mut client = Client::open_at(sockeye.address(), "/");
        for number in 1..=100_000 {
            assert_eq!(client.text(), number.to_string());
        }
        assert_eq!(client.closing(), (1000, String::new()));
    });
}

#[test]
fn lines_beyond_the_longest_message_come_in_pieces() {
    for_both(
        &["--max-message", "10"],
        "echo 0123456789abcde; echo end",
        |sockeye| {
            let mut client = Client::open_at(sockeye.address(), "/");
            for line in ["0123456789", "abcde", "end"] {
                assert_eq!(client.text(), line);
            }
        },
    );
}

#[test]
fn binary_data_goes_through_unchanged() {
    for_both(&["--binary"], "cat", |sockeye| {
        let mut client = Client::open_at(sockeye.address(), "/");
        let data: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        for piece in data.chunks(50_000) {
            client.send(frame(0x82, piece));
        }
        let mut back = Vec::new();
        while back.len() < data.len() {
            let (first, payload) = client.frame();
            assert_eq!(first, 0x82);
            back.extend(payload);
        }
        assert!(back == data);
    });
}

#[test]
fn binary_message_to_a_process_that_takes_lines_is_refused() {
    for_both(&[], "cat", |sockeye| {
        let mut client = Client::open_at(sockeye.address(), "/");
        client.send(frame(0x82, b"data"));
        let reason = "the process takes lines: send text, or serve with --binary";
        assert_eq!(client.closing(), (1003, reason.to_owned()));
    });
}

#[test]
fn what_the_process_complains_about_is_logged() {
    for engine in ["native", "component"] {
        let script = "printf 'bad \\033 thing\\n' >&2";
        let mut sockeye =
            Sockeye::serve(&["command", "--engine", engine, "--", "sh", "-c", script]);
        let mut client = Client::open_at(sockeye.address(), "/");
        assert_eq!(client.closing(), (1000, String::new()));
        sockeye.signal("TERM");
        let (code, log) = sockeye.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("stderr: bad \\u{1b} thing"), "{log}");
    }
}

#[test]
fn client_that_leaves_takes_its_processes_along() {
    // Neither the end of the input nor SIGTERM ends them.
    let script = "trap '' TERM; sleep 1000 & echo $$; echo $!; wait; sleep 1000";
    for_both(&["--grace", "50ms"], script, |sockeye| {
        let mut client = Client::open_at(sockeye.address(), "/");
        let (leader, descendant) = (client.text(), client.text());
        assert!(!is_gone(&leader, true) && !is_gone(&descendant, false));
        drop(client);
        eventually("the process is reaped", || is_gone(&leader, true));
        eventually("its descendant ends", || is_gone(&descendant, false));
    });
}

#[test]
fn process_that_ends_with_its_input_is_not_killed() {
    let scratch = Scratch::new("input-ends");
    let file = scratch.0.join("done");
    let script = format!("cat >/dev/null; echo orderly >{}", file.display());
    for_both(&["--grace", "1h"], &script, |sockeye| {
        let _ = fs::remove_file(&file);
        drop(Client::open_at(sockeye.address(), "/"));
        eventually("it does its last work", || {
            fs::read_to_string(&file).is_ok_and(|text| text == "orderly\n")
        });
    });
}

#[test]
fn process_that_ends_takes_its_descendants_along() {
    for_both(&[], "sleep 1000 & echo $!", |sockeye| {
        let mut client = Client::open_at(sockeye.address(), "/");
        let descendant = client.text();
        assert_eq!(client.closing(), (1000, String::new()));
        eventually("the descendant ends", || is_gone(&descendant, false));
    });
}

#[test]
fn signal_ends_the_server_after_its_processes() {
    for engine in ["native", "component"] {
        let script = "trap '' TERM; echo $$; while :; do sleep 1; done";
        let arguments = [
            "command", "--grace", "50ms", "--engine", engine, "--drain", "100ms",
        ];
        let mut sockeye = Sockeye::serve(&[&arguments[..], &["--", "sh", "-c", script]].concat());
        let mut client = Client::open_at(sockeye.address(), "/");
        let process = client.text();
        sockeye.signal("TERM");
        let (code, log) = sockeye.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(is_gone(&process, true));
    }
}

#[test]
fn second_signal_kills_the_processes() {
    for engine in ["native", "component"] {
        let script = "trap '' TERM; echo $$; while :; do sleep 1; done";
        let arguments = [
            "command", "--grace", "1h", "--engine", engine, "--drain", "1h",
        ];
        let mut sockeye = Sockeye::serve(&[&arguments[..], &["--", "sh", "-c", script]].concat());
        let mut client = Client::open_at(sockeye.address(), "/");
        let process = client.text();
        sockeye.signal("TERM");
        assert_eq!(client.read_exact(4), common::close(1001));
        sockeye.signal("TERM");
        let (code, log) = sockeye.end();
        assert_eq!(code, Some(0), "{log}");
        eventually("the process is killed", || is_gone(&process, false));
    }
}

#[test]
fn clients_beyond_the_maximum_are_closed_with_1013() {
    for_both(&["--max-processes", "1"], "echo ready; cat", |sockeye| {
        let address = sockeye.address();
        let mut first = Client::open_at(address, "/");
        assert_eq!(first.text(), "ready");
        let mut second = Client::open_at(address, "/");
        let reason = "too many processes are running, try again later";
        assert_eq!(second.closing(), (1013, reason.to_owned()));
        drop(first);
        eventually("a place is free", || {
            Client::open_at(address, "/").frame() == (0x81, b"ready".to_vec())
        });
    });
}

#[test]
fn process_waits_for_a_client_that_does_not_read() {
    for_both(&["--binary"], "printf $$; exec cat /dev/zero", |sockeye| {
        let mut client = Client::open_at(sockeye.address(), "/");
        let (first, payload) = client.frame();
        assert_eq!(first, 0x82);
        let digits = payload.iter().take_while(|byte| byte.is_ascii_digit());
        let process = String::from_utf8(digits.copied().collect()).expect("ASCII");
        let written = || {
            let io = fs::read_to_string(format!("/proc/{process}/io")).expect("it runs");
            let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
            line.and_then(|count| count.parse::<u64>().ok())
                .expect("a number")
        };
        let (mut last, mut quiet) = (written(), 0);
        while quiet < 50 {
            thread::sleep(MOMENT);
            let now = written();
            assert!(now < 64 << 20, "it writes without end");
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
        }
        // It goes on when the client does.
        let mut read = 0;
        while read < last {
            read += client.frame().1.len() as u64;
        }
        eventually("it writes again", || written() > last);
    });
}

#[test]
fn client_waits_for_a_process_that_does_not_read() {
    let scratch = Scratch::new("input-waits");
    let file = scratch.0.join("size");
    let script = format!(
        "while [ ! -e {0} ]; do sleep 0.02; done; head -c $(cat {0}) | wc -c",
        file.display()
    );
    for_both(&["--binary"], &script, |sockeye| {
        let _ = fs::remove_file(&file);
        let mut client = Client::open_at(sockeye.address(), "/");
        let message = frame(0x82, &[7; 65_536]);
        client.stream.set_nonblocking(true).expect("it can be");
        let (mut sent, mut refused) = (0, 0);
        while refused < 20 {
            match client.stream.write(&message[sent % message.len()..]) {
                Ok(count) => {
                    sent += count;
                    refused = 0;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    refused += 1;
                    thread::sleep(Duration::from_millis(20));
                }
                Err(error) => panic!("{error}"),
            }
            assert!(sent < 64 << 20, "the server takes without end");
        }
        client.stream.set_nonblocking(false).expect("it can be");
        let size = sent / message.len() * 65_536;
        write_whole(&file, &size.to_string());
        assert_eq!(client.frame(), (0x82, format!("{size}\n").into_bytes()));
    });
}

/// Nobody sees a part of it.
fn write_whole(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    fs::write(&draft, text)
        .and_then(|()| fs::rename(&draft, path))
        .expect("it can be written");
}
