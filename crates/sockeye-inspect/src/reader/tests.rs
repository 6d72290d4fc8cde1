use super::{transcript::Transcript, *};

impl Reader for AnyReader {
    fn push(&mut self, chunk: &mut [u8], intake: &mut dyn Intake) {
        Self::push(self, chunk, intake);
    }

    fn finish(&mut self, intake: &mut dyn Intake) {
        Self::finish(self, intake);
    }
}

fn read(capture: &[u8]) -> Vec<String> {
    Transcript::at_every_cut(|| AnyReader::new(None, 1 << 20), capture)
}

/// The format that is found however the capture is cut.
fn format(capture: &[u8]) -> Option<Format> {
    let mut found = Vec::new();
    for cut in 0..=capture.len() {
        let mut reader = AnyReader::new(None, 1 << 20);
        let mut transcript = Transcript::default();
        for piece in [&capture[..cut], &capture[cut..]] {
            reader.push(&mut piece.to_vec(), &mut transcript);
        }
        reader.finish(&mut transcript);
        found.push(reader.format());
    }
    found.dedup();
    assert_eq!(found.len(), 1, "the same at every cut");
    found[0]
}

#[test]
fn format_is_found_from_the_first_bytes() {
    for (capture, found) in [
        (&b"{\"log\":{\"entries\":[]}}"[..], Some(Format::Har)),
        (b"\xEF\xBB\xBF \r\n{ \"log\" : {}}", Some(Format::Har)),
        (b"{\"constants\":{\"log\":1}}", Some(Format::NetLog)),
        (b"\xD4\xC3\xB2\xA1\x02\x00\x04\x00", Some(Format::Pcap)),
        (b"\x0A\x0D\x0D\x0A\x1C\x00\x00\x00", Some(Format::PcapNg)),
        (b"4:1:a,}", Some(Format::Mitmproxy)),
        (b"GET / HTTP/1.1\r\n", Some(Format::Raw)),
        (b"HTTP/1.1 101 Switching Protocols\r\n", Some(Format::Raw)),
        (b"\x81\x05Hello", Some(Format::Raw)),
        (b"\x01\x03Hel\x80\x02lo", Some(Format::Raw)),
        (b"00000000: 8105 4865  ..He", Some(Format::Text)),
        (b"81 05 48 65 6c 6c 6f", Some(Format::Text)),
        (b"b'\\x81\\x05Hello'", Some(Format::Text)),
        (b"gQVIZWxsbw==", Some(Format::Text)),
        (b"{ 0x81, 0x05, 0x48 }", Some(Format::Text)),
        (b"hello", None),
        (b"{\"a\": 1}", None),
        (b"\x7FELF", None),
        (b"\x83\x00\x00\x00", None),
    ] {
        assert_eq!(format(capture), found, "{}", capture.escape_ascii());
    }
}

#[test]
fn what_cannot_be_read_is_said_in_words() {
    let unknown = "problem: this is none of the formats that can be read: pcap, pcapng, HAR, Chrome's net-export, mitmproxy's flows, \
                   raw bytes of a WebSocket, or hex or base64 of them";
    for (capture, problem) in [
        (&b""[..], "problem: the capture is empty"),
        (b"hello, world", unknown),
        (b" \n", unknown),
        (
            b"\x1F\x8B\x08\x00",
            "problem: the capture is compressed with gzip; decompress it first",
        ),
        (
            b"PK\x03\x04",
            "problem: the capture is compressed with ZIP; decompress it first",
        ),
        (
            b"\xFF\xFE8\x001\x00",
            "problem: the capture cannot be read from byte 0 on: the text is UTF-16; save it as UTF-8; what comes before it is shown",
        ),
    ] {
        assert_eq!(read(capture), [problem], "{}", capture.escape_ascii());
    }
}

#[test]
fn no_more_than_a_part_is_held_to_find_the_format() {
    let mut reader = AnyReader::new(None, 1 << 20);
    let mut transcript = Transcript::default();
    let mut chunk = vec![b' '; sniff::HELD / 2 + 1];
    reader.push(&mut chunk, &mut transcript);
    assert!(matches!(reader.capture, Stage::Sniffing(_)));
    reader.push(&mut chunk, &mut transcript);
    assert!(matches!(reader.capture, Stage::Ignored));
}

#[test]
fn raw_bytes_are_told_with_their_offsets() {
    assert_eq!(
        read(b"GET / HTTP/1.1\r\n\r\n\x81\x80abcd"),
        [
            "0open - - first_is_client from_start websocket",
            r"0First @0 GET / HTTP/1.1\r\n\r\n\x81\x80abcd",
        ]
    );
}

/// What is told of two captures of which the second is the other direction, pushed first.
fn read_two(capture: &[u8], other: &[u8], cut: usize) -> Vec<String> {
    let mut reader = AnyReader::new(None, 1 << 20);
    let mut transcript = Transcript::default();
    for piece in other.chunks(cut) {
        reader.push_other(&mut piece.to_vec(), &mut transcript);
    }
    for piece in capture.chunks(cut) {
        reader.push(&mut piece.to_vec(), &mut transcript);
    }
    reader.finish(&mut transcript);
    transcript.lines()
}

#[test]
fn two_captures_are_the_two_directions_of_one_flow() {
    for cut in [3, 100] {
        assert_eq!(
            read_two(b"HTTP/1.1 101\r\n", b"GET / HTTP/1.1\r\n", cut),
            [
                "0open - - first_is_client from_start websocket",
                r"0First GET / HTTP/1.1\r\n",
                r"0Second @0 HTTP/1.1 101\r\n",
            ]
        );
    }
    assert_eq!(read_two(b"\x81\x05Hello", b"89 00", 100).len(), 3);
    assert_eq!(
        read_two(b"\x81\x05Hello", b"{\"log\":{}}", 100)[0],
        "problem: the capture cannot be read from byte 0 on: a second capture has to be the bytes of the other direction, and this is har; \
         what comes before it is shown"
    );
}

#[test]
fn format_that_is_given_is_not_found_out() {
    let reader = || AnyReader::new(Some(Format::Raw), 1 << 20);
    assert_eq!(
        Transcript::at_every_cut(reader, b"hello"),
        ["0open - - websocket", "0First @0 hello"]
    );
}
