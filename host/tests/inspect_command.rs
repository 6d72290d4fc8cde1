//! `sockeye inspect`: what is shown of a capture.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod inspect_support;

use std::{io::Read, process::Stdio};

use inspect_support::{Directory, chat, command, compressed, inspect, violations};

#[test]
fn frames_are_a_table() {
    let directory = Directory::with("chat.pcapng", &chat());
    inspect(&directory, &["chat.pcapng"]).is(
        0,
        "\
#      TIME  CONN     TYPE         FLAGS      WIRE   PAYLOAD    CONTENT
0  0.002000     0  →  text         F---M        11         5    Hello
1  0.003000     0  ←  text         F----        21        19    {\"answer\":[1,true]}
2  0.004000     0  ←  ping         F----         3         1    p
3  0.005000     0  →  pong         F---M         7         1    p
4  0.006000     0  →  text         ----M        10         4    two
5  0.007000     0  →  continuation F---M        21        15    parts\\nand lines
6  0.008000     0  ←  binary       F----         5         3    00 ff 1b
7  0.009000     0  →  close        F---M        11         5    1000 bye
8  0.010000     0  ←  close        F----         7         5    1000 bye
",
        "",
    );
}

#[test]
fn messages_are_joined_and_inflated() {
    let directory = Directory::with("chat.pcapng", &chat());
    directory.write("deflate.pcapng", &compressed());
    inspect(
        &directory,
        &[
            "chat.pcapng",
            "--messages",
            "--time",
            "none",
            "--filter",
            "op:data",
        ],
    )
    .is(
        0,
        "\
#  CONN     TYPE         FRAMES     WIRE    LENGTH    CONTENT
0     0  →  text              1        5         5    Hello
1     0  ←  text              1       19        19    {\"answer\":[1,true]}
4     0  →  text              2       19        19    two parts\\nand lines
6     0  ←  binary            1        3         3    00 ff 1b
",
        "",
    );
    inspect(&directory, &["deflate.pcapng", "-m"]).is(
        0,
        "\
#      TIME  CONN     TYPE         FRAMES     WIRE    LENGTH    CONTENT
0  0.002000     0  ←  text              1        7         5  ! [deflate-waste] Hello
1  0.003000     0  ←  text              1        5         5    Hello
2  0.004000     0  ←  text              2        5         5    Hello
",
        "",
    );
}

#[test]
fn messages_are_decoded_on_request() {
    let directory = Directory::with("chat.pcapng", &chat());
    inspect(
        &directory,
        &["chat.pcapng", "-m", "--decode=json", "--filter", "frame:1"],
    )
    .is(
        0,
        "\
#      TIME  CONN     TYPE         FRAMES     WIRE    LENGTH    CONTENT
1  0.003000     0  ←  text              1       19        19    JSON: {\"answer\":[1,true]}
    1 member
      answer: 2 elements
        0: 1
        1: true
",
        "",
    );
}

#[test]
fn times_are_shown_as_asked_for() {
    let directory = Directory::with("bad.pcapng", &violations());
    for (time, column) in [
        ("absolute", "2023-11-14 22:13:20.005000"),
        ("relative", "0.004000"),
        ("delta", "0.001000"),
    ] {
        let run = inspect(&directory, &["bad.pcapng", "--time", time]);
        let line = run.stdout.lines().nth(3).expect("there are five frames");
        assert_eq!(
            line,
            format!(
                "2  {column}     0  ←  text         F-2--         3         1  ✗ [frame-reserved-bits] x"
            )
        );
    }
}

#[test]
fn conversation_is_followed_as_text() {
    let directory = Directory::with("chat.pcapng", &chat());
    inspect(&directory, &["chat.pcapng", "--follow=0"]).is(
        0,
        "\
connection 0: 192.0.2.1:50000 → 192.0.2.2:80 /chat
→ GET /chat HTTP/1.1
  Host: example.com
  Upgrade: websocket
  Connection: Upgrade
  Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==
  Sec-WebSocket-Version: 13
← HTTP/1.1 101 Switching Protocols
  Upgrade: websocket
  Connection: Upgrade
  Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=
→ 0.002000 Hello
← 0.003000 {\"answer\":[1,true]}
← 0.004000 [ping p]
→ 0.005000 [pong p]
→ 0.006000 two parts
  and lines
← 0.008000 [binary, 3 bytes]
  00000000  00 ff 1b                                          |...|
→ 0.009000 [close 1000 (normal closure) \"bye\"]
← 0.010000 [close 1000 (normal closure) \"bye\"]
the client closed it with 1000 (normal closure) \"bye\", answered alike; TCP ended by the server first
",
        "",
    );
    inspect(&directory, &["chat.pcapng", "--follow=1"]).is(
        2,
        "",
        "sockeye: chat.pcapng: there is no connection 1: there is only connection 0\n",
    );
}

#[test]
fn one_frame_is_shown_to_its_bits() {
    let directory = Directory::with("bad.pcapng", &violations());
    inspect(&directory, &["bad.pcapng", "--frame", "2"]).is(
        0,
        "\
frame 2: text from the server
connection 0, 192.0.2.1:50000 → 192.0.2.2:80 /chat
2023-11-14 22:13:20.005000 UTC, 0.004000 s after the first packet
bytes 0 to 2 are bytes 1062 to 1064 of the capture, packet 8; offset 0 of the stream

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-------+-+-------------+---------------+
|F|1|2|3|opcode |M| payload len |    payload    |
|1|0|1|0|  0x1  |0|      1      |      78       |
+-+-+-+-+-------+-+-------------+---------------+

FIN          1    the message ends with this frame
RSV1         0
RSV2         1
RSV3         0
opcode       0x1  text
MASK         0    the payload is not masked
payload len       1 byte

✗ violation frame-reserved-bits: a reserved bit that nothing gave a meaning (RFC 6455 §5.2), frame 2, byte 0
  RSV2
  RSV1 to RSV3 are 0 unless an extension was negotiated that defines them. A strict peer fails the connection with 1002.

on the wire, 3 bytes
00000000  a1 01 78                                          |..x|
",
        "",
    );
    inspect(&directory, &["bad.pcapng", "--frame", "5"]).is(
        2,
        "",
        "sockeye: bad.pcapng: there is no frame 5: frames are numbered 0 to 4\n",
    );
}

#[test]
fn compressed_message_is_shown_before_and_after_inflation() {
    let directory = Directory::with("deflate.pcapng", &compressed());
    let run = inspect(&directory, &["deflate.pcapng", "--frame", "3"]);
    let (_, bytes) = run
        .stdout
        .split_once("payload len       2 bytes\n")
        .expect("its header is shown");
    assert_eq!(
        bytes,
        "
on the wire, 4 bytes
00000000  80 02 00 00                                       |....|

compressed message of frames 2 to 3, 5 bytes
00000000  f2 00 11 00 00                                    |.....|

message of frames 2 to 3, inflated, 5 bytes
00000000  48 65 6c 6c 6f                                    |Hello|
"
    );
}

#[test]
fn connections_and_counts_are_shown() {
    let directory = Directory::with("chat.pcapng", &chat());
    inspect(&directory, &["chat.pcapng", "--connections"]).is(
        0,
        "\
connection 0: 192.0.2.1:50000 → 192.0.2.2:80 /chat
  opened 2023-11-14 22:13:20.001000 UTC, seen for 12.0 ms
  not encrypted; no subprotocol
  no compression
  9 frames: → 5, 60 bytes; ← 4, 36 bytes
  handshake: 13 checks, 0 failed
  the client closed it with 1000 (normal closure) \"bye\", answered alike; TCP ended by the server first
",
        "",
    );
    inspect(&directory, &["chat.pcapng", "--stats", "--check"]).is(
        0,
        "\
pcapng: 1 connection, 9 frames, 12.0 ms

connection 0: 192.0.2.1:50000 → 192.0.2.2:80 /chat
  opened 2023-11-14 22:13:20.001000 UTC, seen for 12.0 ms
  not encrypted; no subprotocol
  no compression
                            client → server    server → client
  frames                                  5                  4
  control frames                          2                  2
  messages                                2                  2
  payload bytes                          30                 28
  header bytes                           30                  8
    of them masking keys                 20                  0
  header share                       50.0 %             22.2 %
  longest message                        19                 19
    begins with frame                     4                  1
  longest gap                       3.00 ms            4.00 ms
  round trips: 1 answered Ping, least 1.00 ms, mean 1.00 ms, most 1.00 ms
  the client closed it with 1000 (normal closure) \"bye\", answered alike; TCP ended by the server first

nothing found in 9 frames of 1 connection
",
        "",
    );
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let directory = Directory::with("bad.pcapng", &violations());
    let plain = inspect(&directory, &["bad.pcapng"]).stdout;
    assert!(!plain.contains('\x1b'), "{plain}");
    let colored = inspect(&directory, &["bad.pcapng", "--color", "always"]).stdout;
    assert!(colored.contains("\x1b[1;31m✗\x1b[0m"), "{colored}");
    let mut stripped = String::new();
    for (index, piece) in colored.split('\x1b').enumerate() {
        let text = if index == 0 {
            piece
        } else {
            piece.split_once('m').map_or("", |(_, text)| text)
        };
        stripped.push_str(text);
    }
    assert_eq!(stripped, plain);
}

#[test]
fn reader_who_has_seen_enough_is_no_error() {
    let directory = Directory::new();
    let mut recording = inspect_support::Recording::new("", "");
    for _ in 0..20_000 {
        recording.server(0x81, b"more than a pipe holds");
    }
    directory.write("long.pcapng", &recording.pcapng());
    let mut child = command(&directory, &["long.pcapng"])
        .stdin(Stdio::null())
        .spawn()
        .expect("it can be run");
    let mut stdout = child.stdout.take().expect("it is piped");
    let mut start = [0; 10];
    stdout.read_exact(&mut start).expect("it writes");
    drop(stdout);
    let output = child.wait_with_output().expect("it is our child");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn command_lines_that_make_no_sense_are_explained() {
    let directory = Directory::new();
    for (arguments, explanation) in [
        (&[][..], "<FILE>"),
        (&["a", "--frame", "1", "--check"], "cannot be used with"),
        (&["a", "--stats", "--messages"], "cannot be used with"),
        (&["a", "b", "--frame", "1"], "--frame wants one file"),
        (&["a", "--raw-pair"], "--raw-pair wants two files"),
        (
            &["a", "--check", "--filter", "op:ping"],
            "--filter goes with",
        ),
        (&["a", "--decode"], "--decode goes with"),
        (&["a", "-m", "--decode=morse"], "JSON"),
        (&["a", "--fail-on", "advice"], "go with --check"),
        (&["a", "--check", "--allow", "nonsense"], "--rules"),
        (
            &["a", "--output", "sarif"],
            "--output sarif goes with --check",
        ),
        (&["a", "--check", "-o", "csv"], "--output csv goes with"),
        (&["a", "-m", "-o", "pcapng"], "--output har, pcapng and hex"),
        (
            &["a", "--follow", "-o", "jsonl"],
            "--output jsonl goes with",
        ),
        (
            &["a", "--check", "--stats", "-o", "jsonl"],
            "give one of the two",
        ),
        (&["a", "--deflate=bits"], "`bits` is none of"),
        (&["a", "--filter", "op:pnig"], "^^^^"),
        (&["-", "-"], "stdin can be read only once"),
    ] {
        let run = inspect(&directory, arguments);
        assert_eq!(run.status, Some(2), "{arguments:?}: {}", run.stderr);
        assert!(
            run.stderr.contains(explanation),
            "{arguments:?}: {}",
            run.stderr
        );
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
}
