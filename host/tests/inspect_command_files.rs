//! `sockeye inspect`: what is read, what is written for other programs, and files that are bad.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod inspect_support;

use inspect_support::{Directory, chat, compressed, gzip, inspect, inspect_with, violations};
use serde_json::Value;

#[test]
fn gzip_and_stdin_are_read_like_files() {
    let directory = Directory::with("chat.pcapng", &chat());
    directory.write("chat.gz", &gzip(&chat()));
    for arguments in [
        &[][..],
        &["--messages"],
        &["--check"],
        &["--stats"],
        &["--frame", "4"],
    ] {
        let expected = inspect(&directory, &[&["chat.pcapng"], arguments].concat());
        assert_eq!(expected.status, Some(0), "{}", expected.stderr);
        let run = inspect(&directory, &[&["chat.gz"], arguments].concat());
        assert_eq!(run, expected, "{arguments:?}");
        for bytes in [chat(), gzip(&chat())] {
            let run = inspect_with(&directory, &[&["-"], arguments].concat(), &bytes);
            assert_eq!(run, expected, "{arguments:?}");
        }
    }
}

#[test]
fn several_files_have_headings() {
    let directory = Directory::with("a.pcapng", &violations());
    directory.write("b.pcapng", &compressed());
    let run = inspect(
        &directory,
        &[
            "a.pcapng", "b.pcapng", "--filter", "frame:0", "--time", "none",
        ],
    );
    run.is(
        0,
        "\
a.pcapng
#  CONN     TYPE         FLAGS      WIRE   PAYLOAD    CONTENT
0     0  →  text         F----         4         2  ✗ [frame-mask-missing] hi

b.pcapng
#  CONN     TYPE         FLAGS      WIRE   PAYLOAD  INFLATED    CONTENT
0     0  ←  text         F1---         9         7         5  ! [deflate-waste] Hello
",
        "",
    );
}

#[test]
fn of_a_cut_file_is_shown_what_is_there() {
    let bytes = violations();
    let whole = inspect(&Directory::with("cut", &bytes), &["cut", "-o", "jsonl"]);
    let frames: Vec<&str> = whole.stdout.lines().collect();
    assert_eq!(frames.len(), 5);
    // The last block of a packet with a frame is before two of FIN and two of ACK.
    let directory = Directory::with("cut", &bytes[..bytes.len() - 5 * 88]);
    let run = inspect(&directory, &["cut", "-o", "jsonl"]);
    assert_eq!(run.status, Some(0));
    let shown: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(shown, frames[..4], "{}", run.stdout);
    assert!(
        run.stderr
            .starts_with("sockeye: cut: the capture ends within the block at byte ")
            && run.stderr.ends_with("; what comes before it is shown\n")
            && run.stderr.lines().count() == 1,
        "{}",
        run.stderr
    );
    let compressed = gzip(&bytes);
    let directory = Directory::with("cut.gz", &compressed[..compressed.len() - 4]);
    let run = inspect(&directory, &["cut.gz", "-o", "jsonl"]);
    assert_eq!(run.status, Some(0));
    assert_eq!(run.stdout.lines().count(), 5);
    assert_eq!(
        run.stderr,
        "sockeye: cut.gz: the gzip data ends early; what comes before is shown\n"
    );
}

#[test]
fn what_cannot_be_read_is_one_line_and_status_2() {
    let directory = Directory::with("empty", b"");
    directory.write("chat.pcapng", &chat());
    inspect(&directory, &["no-such-file"]).is(
        2,
        "",
        "sockeye: cannot read no-such-file: No such file or directory (os error 2)\n",
    );
    inspect(&directory, &["."]).is(2, "", "sockeye: cannot read .: is a directory\n");
    let run = inspect(&directory, &["empty", "--check"]);
    assert_eq!(run.status, Some(2));
    assert_eq!(run.stderr, "sockeye: empty: the capture is empty\n");
    // The others are shown all the same.
    let run = inspect(&directory, &["no-such-file", "chat.pcapng", "-o", "jsonl"]);
    assert_eq!((run.status, run.stdout.lines().count()), (Some(2), 9));
    let run = inspect(&directory, &["chat.pcapng", "--out", "chat.pcapng"]);
    run.is(
        2,
        "",
        "sockeye: --out chat.pcapng would overwrite what is to be read\n",
    );
}

#[test]
fn frames_and_messages_are_lines_of_json() {
    let directory = Directory::with("chat.pcapng", &chat());
    let run = inspect(
        &directory,
        &["chat.pcapng", "--output", "jsonl", "--filter", "frame:5..7"],
    );
    run.is(
        0,
        concat!(
            r#"{"file":"chat.pcapng","frame":5,"message":4,"connection":0,"direction":"c2s","time":"2023-11-14T22:13:20.008000000Z","seconds":0.007,"on_record":"wire","type":"continuation","opcode":0,"fin":true,"rsv1":false,"rsv2":false,"rsv3":false,"masked":true,"masking_key":"5a697887","header_length":6,"payload_length":15,"compressed":false,"text":"parts\nand lines"}"#,
            "\n",
            r#"{"file":"chat.pcapng","frame":6,"message":6,"connection":0,"direction":"s2c","time":"2023-11-14T22:13:20.009000000Z","seconds":0.008,"on_record":"wire","type":"binary","opcode":2,"fin":true,"rsv1":false,"rsv2":false,"rsv3":false,"masked":false,"header_length":2,"payload_length":3,"compressed":false,"base64":"AP8b"}"#,
            "\n",
            r#"{"file":"chat.pcapng","frame":7,"message":7,"connection":0,"direction":"c2s","time":"2023-11-14T22:13:20.010000000Z","seconds":0.009,"on_record":"wire","type":"close","opcode":8,"fin":true,"rsv1":false,"rsv2":false,"rsv3":false,"masked":true,"masking_key":"0f1e2d3c","header_length":6,"payload_length":5,"compressed":false,"base64":"A+hieWU=","close":{"code":1000,"reason":"bye"}}"#,
            "\n",
        ),
        "",
    );
    directory.write("deflate.pcapng", &compressed());
    let run = inspect(&directory, &["deflate.pcapng", "-m", "--output", "jsonl"]);
    assert_eq!(
        run.stdout.lines().last(),
        Some(
            r#"{"file":"deflate.pcapng","message":2,"frames":2,"connection":0,"direction":"s2c","time":"2023-11-14T22:13:20.005000000Z","seconds":0.004,"type":"text","opcode":1,"compressed":true,"complete":true,"wire_length":5,"length":5,"text":"Hello"}"#
        )
    );
}

#[test]
fn tables_are_comma_separated() {
    let directory = Directory::with("bad.pcapng", &violations());
    let run = inspect(
        &directory,
        &["bad.pcapng", "-o", "csv", "--filter", "frame:0..1"],
    );
    run.is(
        0,
        "file,frame,message,connection,direction,time,seconds,type,fin,rsv1,rsv2,rsv3,masked,header_length,payload_length,inflated_length,\
         compressed,severity,rules,preview\r\n\
         bad.pcapng,0,0,0,c2s,2023-11-14T22:13:20.003000000Z,0.002000000,text,1,0,0,0,0,2,2,,0,violation,frame-mask-missing,hi\r\n\
         bad.pcapng,1,1,0,c2s,2023-11-14T22:13:20.004000000Z,0.003000000,text,1,0,0,0,0,2,2,,0,violation,frame-mask-missing,ho\r\n",
        "",
    );
}

#[test]
fn har_has_the_messages_as_chrome_writes_them() {
    let directory = Directory::with("chat.pcapng", &chat());
    let run = inspect(&directory, &["chat.pcapng", "-o", "har"]);
    let har: Value = serde_json::from_str(&run.stdout).expect("it is JSON");
    let entry = &har["log"]["entries"][0];
    assert_eq!(entry["_resourceType"], "websocket");
    assert_eq!(entry["request"]["url"], "ws://example.com/chat");
    assert_eq!(entry["response"]["status"], 101);
    assert_eq!(entry["startedDateTime"], "2023-11-14T22:13:20.001000000Z");
    assert_eq!(
        entry["_webSocketMessages"],
        serde_json::json!([
            { "type": "send", "time": 1_700_000_000.003, "opcode": 1, "data": "Hello" },
            { "type": "receive", "time": 1_700_000_000.004, "opcode": 1, "data": "{\"answer\":[1,true]}" },
            { "type": "send", "time": 1_700_000_000.008, "opcode": 1, "data": "two parts\nand lines" },
            { "type": "receive", "time": 1_700_000_000.009, "opcode": 2, "data": "AP8b" },
        ])
    );
}

#[test]
fn pcapng_has_the_same_frames() {
    let directory = Directory::with("bad.pcapng", &violations());
    let run = inspect(
        &directory,
        &["bad.pcapng", "-o", "pcapng", "--out", "again.pcapng"],
    );
    run.is(0, "", "");
    for arguments in [&["--check"][..], &["--messages"], &["--connections"]] {
        let expected = inspect(&directory, &[&["bad.pcapng"], arguments].concat());
        let again = inspect(&directory, &[&["again.pcapng"], arguments].concat());
        assert_eq!(again, expected);
    }
}

#[test]
fn hex_has_every_byte_of_the_wire() {
    let directory = Directory::with("chat.pcapng", &chat());
    let run = inspect(
        &directory,
        &["chat.pcapng", "-o", "hex", "--filter", "op:pong"],
    );
    run.is(
        0,
        "\
# frame 3 of connection 0, c2s, pong, 2023-11-14T22:13:20.006000000Z, 7 bytes
00000000  8a 81 11 22 33 44 61                              |...\"3Da|

",
        "",
    );
}
