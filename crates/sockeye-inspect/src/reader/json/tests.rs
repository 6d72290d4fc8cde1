use super::*;

/// Writes down what it is told.
#[derive(Default)]
struct Log(Vec<String>);

impl Visitor for Log {
    fn wants(&self, path: &Path) -> bool {
        path.last() != Some(&1)
    }

    fn value(&mut self, path: &Path, key: &[u8], value: Value<'_>, offset: u64) {
        let value = match value {
            Value::String { text, verbatim } => {
                let text = String::from_utf8_lossy(text);
                format!("{text:?} {}", if verbatim { "verbatim" } else { "escaped" })
            }
            other => format!("{other:?}"),
        };
        let key = String::from_utf8_lossy(key);
        self.0.push(format!("{path:?} {key} {value} @{offset}"));
    }

    fn begin(&mut self, path: &Path, offset: u64) {
        self.0.push(format!("{path:?} begin @{offset}"));
    }

    fn end(&mut self, path: &Path) {
        self.0.push(format!("{path:?} end"));
    }
}

/// What is told of a document cut at these places.
fn scan(text: &[u8], cuts: &[usize]) -> (Vec<String>, Result<bool, Fault>) {
    let mut scanner = Scanner::new(&["data", "skip"]);
    let mut log = Log::default();
    let mut from = 0;
    for &to in cuts.iter().chain([&text.len()]) {
        if let Err(fault) = scanner.push(&text[from..to], &mut log) {
            return (log.0, Err(fault));
        }
        from = to;
    }
    (log.0, Ok(scanner.is_done()))
}

#[test]
fn values_are_told_with_their_place() {
    let text = br#" {"data":[1,-2.5e3,true,false,null,"a"],"skip":"b","x":{"data":"c\n"},}"#;
    let (log, done) = scan(text, &[]);
    assert_eq!(done, Ok(true));
    assert_eq!(
        log,
        [
            "[] begin @1",
            "[0] begin @9",
            "[0, 254]  Number([49]) @10",
            "[0, 254]  Number([45, 50, 46, 53, 101, 51]) @12",
            "[0, 254]  Boolean(true) @19",
            "[0, 254]  Boolean(false) @24",
            "[0, 254]  Null @30",
            "[0, 254]  \"a\" verbatim @35",
            "[0] end",
            "[1] skip Unwanted @47",
            "[255] begin @55",
            "[255, 0] data \"c\\n\" escaped @63",
            "[255] end",
            "[] end",
        ]
    );
}

#[test]
fn every_cut_gives_the_same() {
    let text = "\u{FEFF}{\"data\":\"a\\u00e9\\ud83d\\ude00\\\"z\u{e9}\",\"l\":[[],{}, 12 ]}\n";
    let whole = scan(text.as_bytes(), &[]);
    assert_eq!(whole.1, Ok(true));
    assert!(
        whole.0[1].contains("\"aé😀\\\"zé\" escaped"),
        "{:?}",
        whole.0
    );
    for first in 0..text.len() {
        for second in first..text.len().min(first + 4) {
            assert_eq!(scan(text.as_bytes(), &[first, second]), whole);
        }
    }
}

#[test]
fn lone_surrogates_are_replaced() {
    for (escaped, text) in [
        (r"\ud83d", "\u{FFFD}"),
        (r"\ude00", "\u{FFFD}"),
        (r"\ud83dx", "\u{FFFD}x"),
        (r"\ud83d\n", "\u{FFFD}\n"),
        (r"\ud83d\ud83d\ude00", "\u{FFFD}😀"),
        (r"\ud83d\u0041", "\u{FFFD}A"),
    ] {
        let (log, done) = scan(format!("[\"{escaped}\"]").as_bytes(), &[]);
        assert_eq!(done, Ok(true));
        assert_eq!(log[1], format!("[254]  {text:?} escaped @1"), "{escaped}");
    }
}

#[test]
fn what_is_no_json_is_refused_at_its_place() {
    for (text, why, offset) in [
        ("x", "it does not begin as JSON does", 0),
        ("{x", "a key of JSON is missing", 1),
        ("{\"a\" 1", "a colon of JSON is missing", 5),
        ("{\"a\":}", "a value of JSON is missing", 5),
        ("[1 2", "a comma of JSON is missing", 3),
        ("[1}", "a comma of JSON is missing", 2),
        ("[nul]", "a word that JSON does not have", 4),
        (r#"["\x"]"#, "an escape that JSON does not have", 3),
        (
            r#"["\u00g0"]"#,
            "an escape \\u without four hexadecimal digits",
            6,
        ),
        ("{} {}", "something follows behind the JSON", 3),
    ] {
        let fault = Fault { why, offset };
        assert_eq!(scan(text.as_bytes(), &[]).1, Err(fault), "{text}");
    }
    let deep = vec![b'['; 300];
    let fault = Fault {
        why: "objects and arrays are nested deeper than 256 levels",
        offset: 256,
    };
    assert_eq!(scan(&deep, &[]).1, Err(fault));
    let long = format!("[{}", "1".repeat(65));
    let fault = Fault {
        why: "a number of more than 64 digits",
        offset: 65,
    };
    assert_eq!(scan(long.as_bytes(), &[]).1, Err(fault));
}

#[test]
fn numbers_are_read_also_from_strings_and_doubles() {
    for (text, number) in [
        ("12", Some(12)),
        ("1e3", Some(1_000)),
        ("7.0", Some(7)),
        ("-1", None),
        ("1.5", None),
        ("x", None),
    ] {
        assert_eq!(Value::Number(text.as_bytes()).unsigned(), number, "{text}");
        let text = text.as_bytes();
        assert_eq!(
            Value::String {
                text,
                verbatim: true
            }
            .unsigned(),
            number
        );
    }
}
