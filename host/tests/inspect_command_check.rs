//! `sockeye inspect --check`: what is found, and the exit status.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod inspect_support;

use inspect_support::{Directory, chat, compressed, inspect, violations};
use serde_json::Value;

#[test]
fn findings_are_grouped_by_rule() {
    let directory = Directory::with("bad.pcapng", &violations());
    inspect(&directory, &["bad.pcapng", "--check"]).is(
        1,
        "\
✗ violation frame-mask-missing: a client's frame is not masked, 2 times
    connection 0 → frame 0, byte 1, 0.002000 s
    connection 0 → frame 1, byte 1, 0.003000 s
  A client masks every frame that it sends. A strict peer fails the connection with 1002.
  RFC 6455 §5.1: https://www.rfc-editor.org/rfc/rfc6455#section-5.1

✗ violation frame-reserved-bits: a reserved bit that nothing gave a meaning
    connection 0 ← frame 2, byte 0, 0.004000 s: RSV2
  RSV1 to RSV3 are 0 unless an extension was negotiated that defines them. A strict peer fails the connection with 1002.
  RFC 6455 §5.2: https://www.rfc-editor.org/rfc/rfc6455#section-5.2

3 violations in 5 frames of 1 connection
",
        "",
    );
}

#[test]
fn exit_status_says_whether_anything_is_found() {
    let directory = Directory::with("bad.pcapng", &violations());
    directory.write("chat.pcapng", &chat());
    // There is advice about its first message.
    directory.write("deflate.pcapng", &compressed());
    for (arguments, status) in [
        (&["chat.pcapng", "--fail-on", "information"][..], 0),
        (&["bad.pcapng"], 1),
        (&["bad.pcapng", "--allow", "frame-mask-missing"], 1),
        (
            &[
                "bad.pcapng",
                "--allow",
                "frame-mask-missing,frame-reserved-bits",
            ],
            0,
        ),
        (&["deflate.pcapng"], 0),
        (&["deflate.pcapng", "--fail-on", "advice"], 1),
        (&["chat.pcapng", "bad.pcapng"], 1),
        (&["bad.pcapng", "no-such-file"], 2),
    ] {
        for output in ["text", "jsonl", "sarif"] {
            let arguments = [&["--check", "--output", output], arguments].concat();
            let run = inspect(&directory, &arguments);
            assert_eq!(run.status, Some(status), "{arguments:?}: {}", run.stdout);
        }
    }
    // Without --check nothing is judged.
    assert_eq!(inspect(&directory, &["bad.pcapng"]).status, Some(0));
}

#[test]
fn what_is_allowed_is_counted_and_not_listed() {
    let directory = Directory::with("bad.pcapng", &violations());
    let allow = "frame-mask-missing,frame-reserved-bits";
    inspect(&directory, &["bad.pcapng", "--check", "--allow", allow]).is(
        0,
        "nothing found (3 allowed) in 5 frames of 1 connection\n",
        "",
    );
    let jsonl = ["bad.pcapng", "--check", "--allow", allow, "-o", "jsonl"];
    inspect(&directory, &jsonl).is(0, "", "");
}

#[test]
fn findings_are_lines_of_json() {
    let directory = Directory::with("bad.pcapng", &violations());
    let run = inspect(&directory, &["bad.pcapng", "--check", "--output", "jsonl"]);
    assert_eq!(run.status, Some(1));
    assert_eq!(
        run.stdout.lines().last(),
        Some(
            r#"{"file":"bad.pcapng","rule":"frame-reserved-bits","severity":"violation","rfc":6455,"section":"5.2","title":"a reserved bit that nothing gave a meaning","detail":"RSV2","explanation":"RSV1 to RSV3 are 0 unless an extension was negotiated that defines them.","strict_peer":"fails the connection with 1002","help":"https://www.rfc-editor.org/rfc/rfc6455#section-5.2","connection":0,"direction":"s2c","place":"frame","frame":2,"start":0,"end":1,"file_offset":1062,"time":"2023-11-14T22:13:20.005000000Z","seconds":0.004}"#
        )
    );
    assert_eq!(run.stdout.lines().count(), 3);
}

#[test]
fn sarif_points_at_the_bytes() {
    let directory = Directory::with("a b.pcapng", &violations());
    directory.write("chat.pcapng", &chat());
    let run = inspect(
        &directory,
        &[
            "chat.pcapng",
            "a b.pcapng",
            "--check",
            "--output",
            "sarif",
            "--out",
            "findings.sarif",
            "--allow",
            "frame-mask-missing",
        ],
    );
    run.is(1, "", "");
    let log: Value = serde_json::from_str(&directory.read("findings.sarif")).expect("it is JSON");
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("a list");
    assert_eq!(results.len(), 3);
    assert_eq!(results[0]["suppressions"][0]["kind"], "external");
    let result = &results[2];
    assert_eq!(result["suppressions"], Value::Null);
    assert_eq!(result["ruleId"], "frame-reserved-bits");
    assert_eq!(result["level"], "error");
    assert_eq!(
        result["message"]["text"],
        "frame 2 from the server on connection 0: a reserved bit that nothing gave a meaning (RSV2)"
    );
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b.pcapng");
    assert_eq!(place["artifactLocation"]["index"], 1);
    assert_eq!(place["region"]["byteOffset"], 1062);
    assert_eq!(place["region"]["byteLength"], 1);
    let index = result["ruleIndex"].as_u64().expect("a number") as usize;
    let rule = &run["tool"]["driver"]["rules"][index];
    assert_eq!(rule["id"], "frame-reserved-bits");
}

#[test]
fn every_rule_is_listed() {
    let run = inspect(&Directory::new(), &["--rules"]);
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    assert!(
        run.stdout.contains(
            "frame-mask-missing: ✗ violation, RFC 6455 §5.1\n    a client's frame is not masked\n    \
             A client masks every frame that it sends. A strict peer fails the connection with 1002.\n"
        ),
        "{}",
        run.stdout
    );
    let rules = sockeye_inspect::Rule::all().count();
    assert_eq!(run.stdout.lines().count(), 3 * rules);
}
