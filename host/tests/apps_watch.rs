//! `sockeye serve watch`.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
};

use common::{Client, Scratch, binary::Sockeye};

/// With each engine, a server that watches a file with this content.
fn for_both(name: &str, content: &str, options: &[&str], test: impl Fn(&mut Sockeye, &Path)) {
    let scratch = Scratch::new(name);
    for engine in ["native", "component"] {
        let file = scratch.0.join(engine);
        fs::write(&file, content).expect("it can be written");
        let name = file.to_str().expect("it is text");
        let mut arguments = vec!["watch", "--engine", engine, name];
        arguments.extend(options);
        test(&mut Sockeye::serve(&arguments), &file);
    }
}

fn append(file: &Path, text: &str) {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .expect("it can be written");
}

#[track_caller]
fn gets(client: &mut Client, lines: &[&str]) {
    for line in lines {
        assert_eq!(client.text(), *line);
    }
}

#[test]
fn last_lines_come_first_and_then_what_is_appended() {
    for_both("append", "1\n2\n3\n", &["--lines", "2"], |sockeye, file| {
        let address = sockeye.address();
        let mut early = Client::open_at(address, "/");
        gets(&mut early, &["2", "3"]);
        append(file, "4\n\n5\r\n");
        gets(&mut early, &["4", "", "5"]);
        let mut late = Client::open_at(address, "/any/path");
        gets(&mut late, &["", "5"]);
        append(file, "6\n");
        gets(&mut early, &["6"]);
        gets(&mut late, &["6"]);
    });
}

#[test]
fn whole_file_comes_with_all() {
    let content: String = (0..50_000).map(|line| format!("line {line}\n")).collect();
    for_both("all", &content, &["--all"], |sockeye, file| {
        let mut client = Client::open_at(sockeye.address(), "/");
        append(file, "end\n");
        for line in content.lines().chain(["end"]) {
            assert_eq!(client.text(), line);
        }
    });
}

#[test]
fn unfinished_line_comes_when_it_is_finished() {
    for_both("partial", "1\nunfin", &[], |sockeye, file| {
        let mut client = Client::open_at(sockeye.address(), "/");
        gets(&mut client, &["1"]);
        append(file, "ish");
        append(file, "ed\n2\n");
        gets(&mut client, &["unfinished", "2"]);
    });
}

#[test]
fn rotation_loses_no_line() {
    for_both("rotate", "1\n", &[], |sockeye, file| {
        let mut client = Client::open_at(sockeye.address(), "/");
        gets(&mut client, &["1"]);
        for round in 0..5 {
            append(file, &format!("before {round}\nunfinished"));
            fs::rename(file, file.with_extension("old")).expect("it is there");
            append(file, &format!("after {round}\n"));
            let expected = [
                &*format!("before {round}"),
                "unfinished",
                &*format!("after {round}"),
            ];
            gets(&mut client, &expected);
        }
    });
}

#[test]
fn truncated_file_begins_anew() {
    for_both("truncate", "a long first line\n", &[], |sockeye, file| {
        let mut client = Client::open_at(sockeye.address(), "/");
        gets(&mut client, &["a long first line"]);
        fs::write(file, "new\n").expect("it can be written");
        gets(&mut client, &["new"]);
        append(file, "and on\n");
        gets(&mut client, &["and on"]);
    });
}

#[test]
fn deleted_file_is_awaited() {
    for_both("delete", "1\n", &[], |sockeye, file| {
        let address = sockeye.address();
        let mut client = Client::open_at(address, "/");
        gets(&mut client, &["1"]);
        fs::remove_file(file).expect("it is there");
        append(file, "2\n");
        gets(&mut client, &["2"]);
        drop(client);
        // Nobody is there when it goes and comes back, and somebody comes in between.
        fs::remove_file(file).expect("it is there");
        let mut client = Client::open_at(address, "/");
        client.send(common::frame(0x89, b"ping"));
        assert_eq!(client.frame(), (0x8a, b"ping".to_vec()));
        append(file, "3\n");
        gets(&mut client, &["3"]);
    });
}

#[test]
fn file_that_grows_fast_is_not_kept_in_memory_for_a_slow_client() {
    for_both("fast", "start\n", &[], |sockeye, file| {
        let address = sockeye.address();
        let mut slow = Client::open_at(address, "/");
        let mut quick = Client::open_at(address, "/");
        gets(&mut slow, &["start"]);
        gets(&mut quick, &["start"]);
        let line = "x".repeat(1000);
        let block = format!("{line}\n").repeat(1000);
        for _ in 0..64 {
            append(file, &block);
        }
        append(file, "end\n");
        let read = |client: &mut Client| {
            for _ in 0..64_000 {
                assert_eq!(client.text(), line);
            }
            assert_eq!(client.text(), "end");
        };
        read(&mut quick);
        let status = fs::read_to_string(format!("/proc/{}/status", sockeye.id())).expect("it runs");
        // Without its code, but with an instance of the component; the file has 64 MB.
        let memory = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let kilobytes = memory.and_then(|size| size.trim().strip_suffix(" kB"));
        let kilobytes: u64 = kilobytes
            .and_then(|size| size.parse().ok())
            .expect("a size");
        assert!(kilobytes < 48 << 10, "{kilobytes} kB");
        read(&mut slow);
    });
}
