use super::{
    parse::Parser,
    program::{Content, Expression, Test},
    *,
};
use crate::{Direction, OnRecord, Severity};

/// A masked text frame of 5 bytes from the client.
fn frame() -> Frame {
    Frame {
        number: 7,
        connection: 3,
        direction: Direction::ToServer,
        time: Timestamp::from_nanos(1_200_000_000),
        on_record: OnRecord::Wire,
        fin: true,
        rsv1: false,
        rsv2: false,
        rsv3: false,
        opcode: 1,
        masked: true,
        header_len: 6,
        payload_len: 5,
        compressed: false,
        inflated_len: None,
        severity: None,
    }
}

fn selects(filter: &str, frame: &Frame) -> bool {
    Filter::parse(filter)
        .unwrap_or_else(|error| panic!("{filter}: {error}"))
        .matches(&Capture::default(), frame, &[][..])
}

fn error(filter: &str) -> (Range<usize>, String) {
    let error = Filter::parse(filter).expect_err(filter);
    (error.at, error.message)
}

/// What a filter that is one term about content looks for.
fn content(filter: &str) -> Content {
    match Parser::new(filter).filter() {
        Ok(Some(Expression::Test(Test::Content(content)))) => content,
        other => panic!("{filter}: {other:?}"),
    }
}

#[test]
fn empty_filter_selects_everything() {
    for filter in ["", "  "] {
        assert!(selects(filter, &frame()));
    }
}

#[test]
fn each_header_term_selects_by_its_field() {
    for (filter, change) in [
        (
            "dir:s2c",
            (|f| f.direction = Direction::ToClient) as fn(&mut Frame),
        ),
        ("op:ping", |f| f.opcode = 9),
        ("op:0x3", |f| f.opcode = 3),
        ("op:control", |f| f.opcode = 0xB),
        ("op:close,pong", |f| f.opcode = 8),
        ("size>1k", |f| f.payload_len = 1_001),
        ("size>=1Ki", |f| f.payload_len = 1_024),
        ("size<5", |f| f.payload_len = 4),
        ("size!=5", |f| f.payload_len = 6),
        ("wire:13", |f| f.header_len = 8),
        ("inflated>1.5k", |f| f.inflated_len = Some(1_501)),
        ("ratio<0.5", |f| f.inflated_len = Some(11)),
        ("ratio>100%", |f| f.inflated_len = Some(4)),
        ("severity:violation", |f| {
            f.severity = Some(Severity::Violation)
        }),
        ("severity:any", |f| f.severity = Some(Severity::Information)),
        ("conn:4", |f| f.connection = 4),
        ("frame:100..200", |f| f.number = 200),
        ("frame:..6", |f| f.number = 0),
        ("t>1.2s", |f| f.time = Timestamp::from_nanos(1_200_000_001)),
        ("t<=1200us", |f| f.time = Timestamp::from_nanos(1_200_000)),
        ("fin:0", |f| f.fin = false),
        ("rsv1:1", |f| f.rsv1 = true),
        ("rsv2:1", |f| f.rsv2 = true),
        ("rsv3:1", |f| f.rsv3 = true),
        ("masked:0", |f| f.masked = false),
        ("compressed:1", |f| f.compressed = true),
        ("is:fragment", |f| f.fin = false),
        ("-is:message", |f| f.opcode = 0),
        ("op!=text", |f| f.opcode = 2),
    ] {
        assert!(!selects(filter, &frame()), "{filter}");
        let mut changed = frame();
        change(&mut changed);
        assert!(selects(filter, &changed), "{filter}");
    }
}

#[test]
fn what_is_not_known_is_neither_above_nor_below() {
    let mut frame = frame();
    frame.time = Timestamp::UNKNOWN;
    frame.on_record = OnRecord::Message;
    for filter in [
        "t>0",
        "t<1",
        "inflated>0",
        "inflated<1",
        "inflated!=1",
        "ratio>0",
        "code!=1",
        "masked:1",
        "masked:0",
    ] {
        assert!(!selects(filter, &frame), "{filter}");
    }
}

#[test]
fn terms_are_joined_as_they_are_written() {
    // In all of them, conn:3 and op:text are true of the frame; conn:1 and op:ping are not.
    for (filter, expected) in [
        ("conn:3 op:text", true),
        ("conn:3 op:ping", false),
        ("conn:3 and op:text", true),
        ("conn:3 AND op:ping", false),
        ("conn:1 or op:text", true),
        ("conn:1 || op:ping", false),
        ("not conn:1", true),
        ("-conn:3", false),
        ("--conn:3", true),
        ("!conn:1", true),
        ("conn:1 op:ping or conn:3", true),
        ("conn:3 or conn:1 op:ping", true),
        ("(conn:3 or conn:1) op:ping", false),
        ("not (conn:1 or op:ping) (conn:3)", true),
        ("not (conn:3 op:ping)", true),
        ("not not (conn:3 op:ping)", false),
    ] {
        assert_eq!(selects(filter, &frame()), expected, "{filter}");
    }
}

#[test]
fn header_terms_decide_before_payload_is_read() {
    /// A source that must not be read.
    struct Unread;
    impl ReadAt for Unread {
        fn read_at(&self, _: u64, _: &mut [u8]) -> std::io::Result<()> {
            panic!("payload was read");
        }
    }
    for (filter, expected) in [("text:x op:ping", false), ("json:$.a==1 or op:text", true)] {
        let filter = Filter::parse(filter).expect("it is valid");
        assert!(filter.needs_payload());
        assert_eq!(
            filter.matches(&Capture::default(), &frame(), &Unread),
            expected
        );
    }
    assert!(
        !Filter::parse("op:close code:1000")
            .expect("valid")
            .needs_payload()
    );
}

#[test]
fn content_terms_find_what_they_name() {
    for (filter, text, expected) in [
        (r#"text:"two words""#, "has two words in it", true),
        (r#""two words""#, "two  words", false),
        ("text:word", "sword", true),
        ("text:word", "WORD", false),
        (r#"text:"say \"hi\"\n""#, "say \"hi\"\n", true),
        ("text:/^T[io]ck$/i", "tock", true),
        ("text:/^T[io]ck$/", "tock", false),
        (r"/a\/b\.c/", "a/b.c", true),
        (r"/a\/b\.c/", "a/bxc", false),
        ("text:/a.b/s", "a\nb", true),
        ("hex:\"68 65\"", "ahe", true),
        ("hex:6865", "h e", false),
        ("json:$.type==\"tick\"", r#"{"type":"tick"}"#, true),
        ("json:$.type=tick", r#"{"type":"tick"}"#, true),
        ("json:$.type==\"tick\"", r#"{"type":"tock"}"#, false),
        ("json:$.a[1].b>=2.5", r#"{"a":[0,{"b":3}]}"#, true),
        ("json:$.a[*].b<2.5", r#"{"a":[0,{"b":3}]}"#, false),
        ("json:$[\"a b\"]", r#"{"a b":null}"#, true),
        ("json:$.*!=true", r#"{"a":true,"b":1}"#, true),
        ("json:$.a", r#"{"b":1}"#, false),
    ] {
        assert_eq!(
            content(filter).is_in(text.as_bytes()),
            expected,
            "{filter} in {text}"
        );
    }
}

#[test]
fn rules_are_named_by_identifier_beginning_or_section() {
    let rules = |filter: &str| match Parser::new(filter).filter() {
        Ok(Some(Expression::Test(Test::Rules(mask)))) => crate::Rule::all()
            .filter(|&rule| mask & program::bit(rule) != 0)
            .map(crate::Rule::id)
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rules("rule:frame-mask-missing"), ["frame-mask-missing"]);
    assert_eq!(
        rules("rule:frame-mask-*"),
        ["frame-mask-missing", "frame-mask-unexpected"]
    );
    assert_eq!(
        rules("rule:5.1"),
        ["frame-mask-missing", "frame-mask-unexpected"]
    );
    assert!(rules("rule:7692:7.2").contains(&"deflate-invalid"));
    assert!(rules("rule:5").contains(&"control-too-long"));
}

#[test]
fn errors_say_where_and_what_is_valid() {
    for (filter, at, expected) in [
        (
            "op:pingg",
            3..8,
            "`op:` takes text, binary, continuation, ping, pong, close, control, data, 0x0 to 0xf.",
        ),
        ("op:ping,0x10", 8..12, "`op:` takes text, binary,"),
        ("dir:up", 4..6, "`dir:` takes c2s, s2c."),
        (
            "size>big",
            5..8,
            "`size` takes a number, or two with `..` between them, such as `size>1k`",
        ),
        (
            "dir:c2s (op:text",
            8..9,
            "This `(` is not closed: a `)` is missing.",
        ),
        ("op:text)", 7..8, "This `)` closes nothing."),
        (
            "op:text or",
            10..10,
            "A term is missing here. Terms are dir, op, size,",
        ),
        (
            "hello",
            0..5,
            "`hello` is no term. To search for it, write `\"hello\"`.",
        ),
        ("ping", 0..4, "`ping` is no term. Did you mean `op:ping`?"),
        (
            "size",
            0..4,
            "A `:` and a value are missing, as in `size>1k`.",
        ),
        (
            "dir>c2s",
            0..4,
            "This term is not compared, and takes a `:`, as in `dir:c2s`.",
        ),
        (
            "text:\"abc",
            5..9,
            "The text is not closed: a `\"` is missing.",
        ),
        ("text:", 5..5, "Text to search for is missing"),
        ("text:/a(/", 5..9, "This is no regular expression:"),
        ("text:/a/x", 8..9, "Behind the regular expression, `i`"),
        (
            "hex:abc",
            4..7,
            "Bytes are pairs of hex digits, as in `hex:\"de ad be ef\"`.",
        ),
        (
            "rule:mask-gone",
            5..14,
            "No rule has this name or section; valid are names such as `frame-mask-missing`",
        ),
        ("json:type==1", 5..12, "A path is `$`, then"),
        ("json:$.a==", 8..10, "A path is `$`, then"),
        ("fin:2", 4..5, "`fin:` takes 0, 1."),
    ] {
        let (found, message) = error(filter);
        assert_eq!(found, at, "{filter}: {message}");
        assert!(message.starts_with(expected), "{filter}: {message}");
    }
}

#[test]
fn nesting_and_length_are_bounded() {
    let deep = ["(".repeat(64), "op:text".into(), ")".repeat(64)].concat();
    assert!(error(&deep).1.contains("more than 64 deep"));
    assert!(error(&"-".repeat(100_000)).1.contains("more than 64 deep"));
    assert!(
        error(&"fin:1 ".repeat(1_001))
            .1
            .contains("at most 1,000 terms")
    );
    assert!(selects(&"fin:1 ".repeat(1_000), &frame()));
    assert!(Filter::parse(&["text:/", &"(a{50}){50}".repeat(50), "/"].concat()).is_err());
}

#[test]
fn every_example_of_the_help_is_valid() {
    assert_eq!(help()[2].name, "is");
    for term in help() {
        assert!(Filter::parse(term.example).is_ok(), "{}", term.example);
        assert!(!term.help.is_empty());
    }
}

#[test]
fn completions_follow_what_is_typed() {
    let texts = |text: &str| -> Vec<(Range<usize>, String)> {
        completions(text, text.len(), None)
            .into_iter()
            .map(|completion| (completion.replace, completion.text))
            .collect()
    };
    let one = |at: Range<usize>, text: &str| vec![(at, text.to_owned())];
    assert_eq!(texts("di"), one(0..2, "dir:"));
    assert_eq!(texts("fin:1 -(siz"), one(8..11, "size>"));
    assert_eq!(texts("dir:s"), one(4..5, "s2c"));
    assert_eq!(texts("op:ping,po"), one(8..10, "pong"));
    assert_eq!(texts("-op:bin"), one(4..7, "binary"));
    assert_eq!(texts("rule:control-t"), one(5..14, "control-too-long"));
    assert_eq!(texts("op:text an"), one(8..10, "and "));
    assert_eq!(texts("text:\"di"), []);
    assert_eq!(texts("nothing:"), []);
    assert_eq!(
        completions("dµ", 2, None).len(),
        1,
        "a cursor within a letter"
    );
    assert_eq!(texts("").len(), help().len() + 1);
}

#[test]
fn no_text_breaks_the_parser() {
    let alphabet: Vec<char> = "()\"/\\-!:=<>.,$[]*_ 019xkµ\n"
        .chars()
        .chain("opdirsizetextjsonhexrulenotandor".chars())
        .collect();
    let terms = [
        "op:", "text:/", "json:$", "hex:", "t>", "frame:", "or ", "not ", "\"",
    ];
    let mut seed = 1_u64;
    let mut random = |most: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(seed >> 33).unwrap_or_default() % most
    };
    for _ in 0..5_000 {
        let mut text = String::new();
        for _ in 0..random(20) {
            match random(3) {
                0 => text.push_str(terms[random(terms.len())]),
                _ => text.push(alphabet[random(alphabet.len())]),
            }
        }
        match Filter::parse(&text) {
            Ok(filter) => drop(filter.matches(&Capture::default(), &frame(), &[][..])),
            Err(error) => {
                assert!(text.get(error.at.clone()).is_some(), "{text:?} {error:?}");
                assert!(!error.message.is_empty());
            }
        }
        for cursor in 0..=text.len() {
            for completion in completions(&text, cursor, None) {
                assert!(text.get(completion.replace).is_some(), "{text:?}");
            }
        }
    }
}
