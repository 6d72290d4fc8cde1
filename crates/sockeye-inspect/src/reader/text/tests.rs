use super::*;
use crate::reader::{Reader, transcript::Transcript};

/// One text as a capture of its own.
#[derive(Debug)]
struct Alone(TextReader, Conversation);

impl Reader for Alone {
    fn push(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        self.0.push(Voice::One, chunk, &mut self.1, intake);
    }

    fn finish(&mut self, intake: &mut dyn Intake) {
        self.0.finish(Voice::One, &mut self.1, intake);
        self.1.finish(intake);
    }
}

fn read(text: &str) -> Vec<String> {
    Transcript::at_every_cut(
        || Alone(TextReader::new(), Conversation::default()),
        text.as_bytes(),
    )
}

/// A request, "Hello" masked, and a masked message of 60 zeros, as every tool writes them.
const WRITTEN: [(&str, &str); 16] = [
    (
        "xxd",
        r#"00000000: 4745 5420 2f66 6163 6520 4854 5450 2f31  GET /face HTTP/1
00000010: 2e31 0d0a 0d0a 8185 0102 0304 4967 6f68  .1..........Igoh
00000020: 6e82 bc00 0000 0000 0000 0000 0000 0000  n...............
00000030: 0000 0000 0000 0000 0000 0000 0000 0000  ................
00000040: 0000 0000 0000 0000 0000 0000 0000 0000  ................
00000050: 0000 0000 0000 0000 0000 0000 0000 0000  ................
00000060: 0000 00                                  ...
"#,
    ),
    (
        "xxd -p",
        r#"474554202f6661636520485454502f312e310d0a0d0a8185010203044967
6f686e82bc00000000000000000000000000000000000000000000000000
000000000000000000000000000000000000000000000000000000000000
000000000000000000
"#,
    ),
    (
        "xxd -i",
        r#"unsigned char s[] = {
  0x47, 0x45, 0x54, 0x20, 0x2f, 0x66, 0x61, 0x63, 0x65, 0x20, 0x48, 0x54,
  0x54, 0x50, 0x2f, 0x31, 0x2e, 0x31, 0x0d, 0x0a, 0x0d, 0x0a, 0x81, 0x85,
  0x01, 0x02, 0x03, 0x04, 0x49, 0x67, 0x6f, 0x68, 0x6e, 0x82, 0xbc, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00
};
unsigned int s_len = 99;
"#,
    ),
    (
        "hexdump -C",
        r#"00000000  47 45 54 20 2f 66 61 63  65 20 48 54 54 50 2f 31  |GET /face HTTP/1|
00000010  2e 31 0d 0a 0d 0a 81 85  01 02 03 04 49 67 6f 68  |.1..........Igoh|
00000020  6e 82 bc 00 00 00 00 00  00 00 00 00 00 00 00 00  |n...............|
00000030  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
*
00000060  00 00 00                                          |...|
00000063
"#,
    ),
    (
        "hexdump",
        r#"0000000 4547 2054 662f 6361 2065 5448 5054 312f
0000010 312e 0a0d 0a0d 8581 0201 0403 6749 686f
0000020 826e 00bc 0000 0000 0000 0000 0000 0000
0000030 0000 0000 0000 0000 0000 0000 0000 0000
*
0000060 0000 0000                              
0000063
"#,
    ),
    (
        "od -A x -t x1z",
        r#"000000 47 45 54 20 2f 66 61 63 65 20 48 54 54 50 2f 31  >GET /face HTTP/1<
000010 2e 31 0d 0a 0d 0a 81 85 01 02 03 04 49 67 6f 68  >.1..........Igoh<
000020 6e 82 bc 00 00 00 00 00 00 00 00 00 00 00 00 00  >n...............<
000030 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  >................<
*
000060 00 00 00                                         >...<
000063
"#,
    ),
    (
        "od -t x1",
        r#"0000000 47 45 54 20 2f 66 61 63 65 20 48 54 54 50 2f 31
0000020 2e 31 0d 0a 0d 0a 81 85 01 02 03 04 49 67 6f 68
0000040 6e 82 bc 00 00 00 00 00 00 00 00 00 00 00 00 00
0000060 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
*
0000140 00 00 00
0000143
"#,
    ),
    (
        "od -x",
        r#"0000000 4547 2054 662f 6361 2065 5448 5054 312f
0000020 312e 0a0d 0a0d 8581 0201 0403 6749 686f
0000040 826e 00bc 0000 0000 0000 0000 0000 0000
0000060 0000 0000 0000 0000 0000 0000 0000 0000
*
0000140 0000 0000
0000143
"#,
    ),
    (
        "base64",
        r#"R0VUIC9mYWNlIEhUVFAvMS4xDQoNCoGFAQIDBElnb2hugrwAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
"#,
    ),
    (
        "python",
        r#"b'GET /face HTTP/1.1\r\n\r\n\x81\x85\x01\x02\x03\x04Igohn\x82\xbc\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'
"#,
    ),
    (
        "digits",
        r#"474554202f6661636520485454502f312e310d0a0d0a81850102030449676f686e82bc00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"#,
    ),
    (
        "digits with colons",
        r#"47:45:54:20:2f:66:61:63:65:20:48:54:54:50:2f:31:2e:31:0d:0a:0d:0a:81:85:01:02:03:04:49:67:6f:68:6e:82:bc:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00"#,
    ),
    (
        "digits in groups of four",
        r#"4745 5420 2F66 6163 6520 4854 5450 2F31 2E31 0D0A 0D0A 8185 0102 0304 4967 6F68 6E82 BC00 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 00"#,
    ),
    (
        "JavaScript",
        r#"const bytes = new Uint8Array([71, 69, 84, 32, 47, 102, 97, 99, 101, 32, 72, 84, 84, 80, 47, 49, 46, 49, 13, 10, 13, 10, 129, 133, 1, 2, 3, 4, 73, 103, 111, 104, 110, 130, 188, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);"#,
    ),
    (
        "Rust",
        r#"let bytes: [u8; 99] = [0x47, 0x45, 0x54, 0x20, 0x2f, 0x66, 0x61, 0x63, 0x65, 0x20, 0x48, 0x54, 0x54, 0x50, 0x2f, 0x31, 0x2e, 0x31, 0x0d, 0x0a, 0x0d, 0x0a, 0x81, 0x85, 0x01, 0x02, 0x03, 0x04, 0x49, 0x67, 0x6f, 0x68, 0x6e, 0x82, 0xbc, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]; // 99 bytes"#,
    ),
    (
        "data URL",
        r#"data:application/octet-stream;base64,R0VUIC9mYWNlIEhUVFAvMS4xDQoNCoGFAQIDBElnb2hugrwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"#,
    ),
];

const SAID: &str = concat!(
    r"GET /face HTTP/1.1\r\n\r\n\x81\x85\x01\x02\x03\x04Igohn\x82\xbc",
    r"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    r"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
);

#[test]
fn bytes_are_read_as_every_tool_writes_them() {
    for (tool, text) in WRITTEN {
        let told = read(text);
        assert_eq!(
            told[0], "0open - - first_is_client from_start websocket",
            "{tool}"
        );
        // Of lines that stand for turns the number is told.
        assert_eq!(
            told[1].replacen(" #1", "", 1),
            format!("0First {SAID}"),
            "{tool}"
        );
        assert_eq!(told[2..], [""; 0], "{tool}");
    }
}

#[test]
fn both_sides_are_read_where_the_text_has_them() {
    let first = "0open - - first_is_client from_start websocket";
    let socat = "> 2026/11/23 01:50:00.000123  length=4 from=0 to=3\n 47 45 54 20\n--\n\
                 < 2026/11/23 01:50:01.5  length=5 from=0 to=4\n 48 54 54 50 2f\n--\n\
                 > 2026/11/23 01:50:02.000000  length=2 from=4 to=5\n 89 80\n--\n";
    assert_eq!(
        read(socat),
        [
            "0open - - first_is_client from_start websocket",
            "0First #1 1795398600000123µs GET ",
            "0Second #2 1795398601500000µs HTTP/",
            r"0First #3 1795398602000000µs \x89\x80",
        ]
    );
    let wireshark = "00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a   GET / HT TP/1.1..\n\
                     00000010  0d 0a                                              ..\n    \
                     00000000  48 54 54 50 2f                                     HTTP/\n\
                     00000012  89 80                                              ..\n";
    let tshark = "\n===================================================================\nFollow: tcp,raw\nFilter: tcp.stream eq 0\n\
                  Node 0: 127.0.0.1:1\nNode 1: 127.0.0.1:2\n474554202f20485454502f312e310d0a0d0a\n\t485454502f\n8980\n\
                  ===================================================================\n";
    let netcat = "> 00000000 47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a # GET / HTTP/1.1..\n\
                  > 00000010 0d 0a # ..\n< 00000000 48 54 54 50 2f # HTTP/\n> 00000012 89 80 # ..\n";
    for (turn, text) in [(1, wireshark), (0, tshark), (1, netcat)] {
        let of = |turn: u32| {
            if turn > 0 {
                format!(" #{turn}")
            } else {
                String::new()
            }
        };
        assert_eq!(
            read(text),
            [
                first.to_owned(),
                format!(r"0First{} GET / HTTP/1.1\r\n\r\n", of(turn)),
                format!("0Second{} HTTP/", of(turn + 1)),
                format!(r"0First{} \x89\x80", of(turn + 2)),
            ]
        );
    }
    let arrays = "char peer0_0[] = { /* Packet 4 */\n0x47, 0x45, 0x54, 0x20, 0x2f };\nchar peer1_0[] = { /* Packet 6 */\n\
                  0x48, 0x54, 0x54, 0x50, 0x2f };\nchar peer0_1[] = { /* Packet 8 */\n0x89, 0x80 };\n";
    assert_eq!(
        read(arrays),
        [
            first,
            "0First #4 GET /",
            "0Second #6 HTTP/",
            r"0First #8 \x89\x80"
        ]
    );
}

#[test]
fn octal_offsets_and_repeated_lines_count() {
    // 4 lines of 16 zeros: in octal 0o100.
    let text = "0000000 02 3c 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n\
                0000020 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n*\n0000076\n";
    let told = read(text);
    assert_eq!(told[1], format!(r"0First #1 \x02<{}", r"\x00".repeat(60)));
    let text = "00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\nffffff00\n";
    let told = read(text);
    assert_eq!(
        told.first().map(String::as_str),
        Some(
            "problem: the capture cannot be read from byte 89 on: a * stands for more than 64 MiB; what comes before it is shown"
        )
    );
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, told) in [
        (
            "81054865 6c6c6f zz".to_owned(),
            vec![
                "problem: the capture cannot be read from byte 0 on: this is no text that stands for bytes: \
                  hex, a dump, base64, an array or a literal; what comes before it is shown",
            ],
        ),
        (
            "8900 8".to_owned(),
            vec![
                "problem: the capture ends within the text at byte 6; what comes before it is shown",
                "0open - - websocket",
                r"0First \x89\x00",
            ],
        ),
        (
            "b'\\x89\\x00".to_owned(),
            vec![
                "problem: the capture ends within the text at byte 10; what comes before it is shown",
                "0open - - websocket",
                r"0First \x89\x00",
            ],
        ),
        (
            "b'\\x89\\q'".to_owned(),
            vec![
                "problem: the capture cannot be read from byte 7 on: \\q is no escape that stands for a byte; what comes before it is shown",
                "0open - - websocket",
                r"0First \x89",
            ],
        ),
        (
            "[137, 256]".to_owned(),
            vec![
                "problem: the capture cannot be read from byte 9 on: 256 is no byte; what comes before it is shown",
                "0open - - websocket",
                r"0First \x89",
            ],
        ),
    ] {
        assert_eq!(read(&text), told);
    }
}

#[test]
fn fault_that_comes_late_is_found_at_its_place() {
    let text = format!("{}g", "89 00 ".repeat(200));
    let told = Transcript::of(
        Alone(TextReader::new(), Conversation::default()),
        text.as_bytes(),
        &[1_100],
    );
    assert_eq!(
        told.last().map(String::as_str),
        Some(
            "problem: the capture cannot be read from byte 1200 on: 'g' is no hexadecimal digit; what comes before it is shown"
        )
    );
}
