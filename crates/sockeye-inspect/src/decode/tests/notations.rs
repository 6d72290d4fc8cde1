use super::*;

#[test]
fn json_has_the_place_of_every_value() {
    Message::text(b"{\"type\":\"tick\",\"price\":-12.5e0,\"bid\":[1,null,true],\"s\":\"a\\n\\u00e9\\ud83d\\ude00\"}").is(&[
        r#"JSON: {"type":"tick","price":-12.5e0,"bid":[1,null,true],"s":"a\né😀"}"#,
        ": 4 members (object 0..79)",
        "  type: tick (string 8..14)",
        "  price: -12.5e0 (number 23..30)",
        "  bid: 3 elements (array 37..50)",
        "    0: 1 (number 38..39)",
        "    1: null (null 40..44)",
        "    2: true (boolean 45..49)",
        r"  s: a\né😀 (string 55..78)",
    ]);
}

#[test]
fn json_that_is_cut_off_shows_what_came_before() {
    Message::text(b"{\"type\":\"tick\",\"list\":[1,2,")
        .target("/")
        .is(&[
            r#"JSON: {"type":"tick","list":[1,2]}"#,
            ": 2 members (object 0..27)",
            "  type: tick (string 8..14)",
            "  list: 2 elements (array 22..27)",
            "    0: 1 (number 23..24)",
            "    1: 2 (number 25..26)",
            "error: byte 27: a value is missing",
        ]);
}

#[test]
fn text_is_text() {
    Message::text(b"hello world").is(&["Text: hello world", "text: hello world (string 0..11)"]);
}

#[test]
fn messagepack_has_the_place_of_every_value() {
    Message::binary(b"\x86\xa7compact\xc3\xa6schema\0\xa1n\x92\xd1\xff8\xcb@\x09!\xfbTD-\x18\xa3bin\xc4\x03\x01\x02\x03\xa1t\xd6\xff_^\x10\0\xa1u\xcf\0\0\0\x01\0\0\0\0").is(&[
        r#"MessagePack: {"compact":true,"schema":0,"n":[-200,3.141592653589793],"bin":h'010203',"t":h'time 1600000000 s',"u":4294967296}"#,
        ": 6 members (object 0..61)",
        "  compact: true (boolean 9..10)",
        "  schema: 0 (number 17..18)",
        "  n: 2 elements (array 20..33)",
        "    0: -200 (number 21..24)",
        "    1: 3.141592653589793 (number 24..33)",
        "  bin: 010203 (bytes 37..42)",
        "  t: time 1600000000 s (bytes 44..50)",
        "  u: 4294967296 (number 52..61)",
    ]);
}

#[test]
fn cbor_has_the_place_of_every_value() {
    Message::binary(b"\xbfcFun\xf5cAmt!aa\x82\xf9>\0\xfb?\xf1\x99\x99\x99\x99\x99\x9aad\xc1\x1aQKg\xb0as\x7festreadming\xffabC\x01\x02\x03\xff").is(&[
        r#"CBOR: {"Fun":true,"Amt":-2,"a":[1.5,1.1],"d":[1363896240],"s":"streaming","b":h'010203'}"#,
        ": 6 members (object 0..56)",
        "  Fun: true (boolean 5..6)",
        "  Amt: -2 (number 10..11)",
        "  a: 2 elements (array 13..26)",
        "    0: 1.5 (number 14..17)",
        "    1: 1.1 (number 17..26)",
        "  d: tag 1 time since 1970 (array 28..34)",
        "    : 1363896240 (number 29..34)",
        "  s: streaming (string 36..49)",
        "  b: 010203 (bytes 51..55)",
    ]);
}

#[test]
fn protobuf_guesses_strings_messages_and_bytes() {
    Message::binary(b"\x08\x96\x01\x12\x07testing\x1a\x05\x08*\x12\x01a%\0\0\xc0?)\0\0\0\0\0\0\x02\xc02\x02\xff\xfe8\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").is(&[
        r#"Protobuf: {"1":150,"2":"testing","3":{"1":42,"2":"a"},"4":1069547520 (float 1.5),"5":13835621005235585024 (float -2.25),"6":h'fff…"#,
        ": 7 members (object 0..48)",
        "  1: 150 (number 0..3)",
        "  2: testing (string 3..12)",
        "  3: 2 members (object 12..19)",
        "    1: 42 (number 14..16)",
        "    2: a (string 16..19)",
        "  4: 1069547520 (float 1.5) (number 19..24)",
        "  5: 13835621005235585024 (float -2.25) (number 24..33)",
        "  6: fffe (bytes 33..37)",
        "  7: 18446744073709551615 (int -1) (number 37..48)",
    ]);
}

#[test]
fn gzip_shows_what_is_in_it() {
    Message::binary(b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xabVJT\xb22\xac\x05\0\xaf\xac\x1bV\x07\0\0\0")
        .is(&[
            r#"gzip: 27 bytes: {"a":1}"#,
            "gzip: 27 bytes (object 0..27)",
            "  flags: 0 (number 3..4)",
            "  deflate: 9 bytes (bytes 10..19)",
            "  CRC-32: 1444654255 (number 19..23)",
            "  length: 7 (number 23..27)",
            "  inflated: 7 bytes, JSON (object 10..19)",
            "    : 1 member (object 0..0)",
            "      a: 1 (number 0..0)",
        ]);
}

#[test]
fn zlib_shows_what_is_in_it() {
    Message::binary(b"x\x9c\xcbH\xcd\xc9\xc9W\xc8@\x90\0:.\x06}").is(&[
        "zlib: 16 bytes: hello hello hello",
        "zlib: 16 bytes (object 0..16)",
        "  window: 32768 (number 0..1)",
        "  deflate: 10 bytes (bytes 2..12)",
        "  Adler-32: 976094845 (number 12..16)",
        "  inflated: 17 bytes (object 2..12)",
        "    text: hello hello hello (string 0..0)",
    ]);
}

#[test]
fn gzip_that_is_broken_says_so() {
    Message::binary(
        b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    )
    .is(&[
        "gzip: 24 bytes",
        "gzip: 24 bytes (object 0..24)",
        "  flags: 0 (number 3..4)",
        "  deflate: 6 bytes (bytes 10..16)",
        "  CRC-32: 4294967295 (number 16..20)",
        "  length: 4294967295 (number 20..24)",
        "  error: it does not inflate (note 16..16)",
    ]);
}

#[test]
fn zstandard_is_named() {
    Message::binary(b"(\xb5/\xfd \x11\x89\0\0hello hello hello").is(&[
        "Zstandard: 26 bytes for 17",
        "Zstandard: 26 bytes (bytes 0..26)",
        "length: 17 (number 5..6)",
    ]);
}
