//! Connections as JSON.

use sockeye_inspect::{
    Capture, Connection, Direction, End, Finding, Security, Severity, Timestamp, Traffic,
};

use crate::close;
use crate::json::Json;
use crate::rows::seconds;

/// Writes all connections in short.
pub(crate) fn list(capture: &Capture) -> String {
    let mut worst = vec![(0_u32, None::<Severity>); capture.connections().len()];
    for finding in capture.findings() {
        if let Some((count, severity)) = worst.get_mut(finding.connection as usize) {
            *count += 1;
            *severity = (*severity).max(Some(finding.rule.severity()));
        }
    }
    Json::of(|json| {
        json.array(
            capture.connections().iter().zip(worst),
            |json, (one, (count, worst))| {
                json.object(|json| summary(json, capture, one, count, worst));
            },
        );
    })
}

/// Writes one connection with everything that is known of it; `None` when there are not so many.
pub(crate) fn open(capture: &Capture, number: u32) -> Option<String> {
    let connection = capture.connections().get(number as usize)?;
    let findings = || {
        let all = capture.findings().iter();
        all.filter(|finding| finding.connection == number)
    };
    let severity = |finding: &Finding| finding.rule.severity();
    Some(Json::of(|json| {
        json.object(|json| {
            let count = findings().count() as u32;
            summary(
                json,
                capture,
                connection,
                count,
                findings().map(severity).max(),
            );
            handshake(json, capture, connection);
            json.key("traffic").array(&connection.traffic, |json, one| {
                json.object(|json| traffic(json, one));
            });
            round_trips(json, capture, connection);
            json.field("saved", saved(connection));
            closing(json, capture, &connection.end);
        });
    }))
}

fn summary(
    json: &mut Json,
    capture: &Capture,
    connection: &Connection,
    findings: u32,
    worst: Option<Severity>,
) {
    json.field("number", connection.number);
    json.field(
        "client",
        connection.client.map(|address| address.to_string()),
    );
    json.field(
        "server",
        connection.server.map(|address| address.to_string()),
    );
    json.field("target", connection.target());
    json.field("subprotocol", connection.subprotocol.as_deref());
    json.field(
        "deflate",
        connection.deflate.as_ref().map(|_| deflate(connection)),
    );
    json.field(
        "security",
        match &connection.security {
            Security::Plain => "not encrypted",
            Security::Tls(suite) => suite,
            _ => "TLS, decrypted by the source",
        },
    );
    let sum = |of: fn(&Traffic) -> u64| connection.traffic.iter().map(of).sum::<u64>();
    json.field("frames", sum(|traffic| traffic.frames));
    json.field(
        "bytes",
        sum(|traffic| traffic.header_bytes + traffic.payload_bytes),
    );
    json.field("findings", findings);
    json.field("worst", worst.map(Severity::name));
    json.field("opened", seconds(capture, connection.opened));
    json.field("last", seconds(capture, connection.last));
    json.field("end", end(&connection.end));
    json.field("guessed", connection.is_guessed);
}

/// permessage-deflate in force, as a sentence.
fn deflate(connection: &Connection) -> String {
    let Some(parameters) = &connection.deflate else {
        return String::new();
    };
    let side = |who: &str, forgets: bool, window: usize| {
        let what = if forgets { "forgets" } else { "keeps" };
        format!("the {who} {what} its window of {window} bytes after each message")
    };
    let guessed = if connection.is_guessed {
        "Guessed: "
    } else {
        ""
    };
    format!(
        "{guessed}permessage-deflate; {}, {}.",
        side(
            "client",
            parameters.client_no_context_takeover,
            parameters.client_max_window_bits.size()
        ),
        side(
            "server",
            parameters.server_no_context_takeover,
            parameters.server_max_window_bits.size()
        ),
    )
}

const fn who(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "client",
        Direction::ToClient => "server",
    }
}

/// How a connection ended, as a sentence.
fn end(end: &End) -> String {
    let Some(first) = end.first else {
        return if let Some((direction, _)) = end.reset {
            format!("The {} reset TCP without a Close frame.", who(direction))
        } else if let Some(direction) = Direction::BOTH
            .into_iter()
            .find(|direction| end.finished[direction.index()].is_some())
        {
            format!("The {} ended TCP without a Close frame.", who(direction))
        } else {
            "Open when the capture ended.".to_owned()
        };
    };
    let code = |direction: Direction| {
        let close = end.close[direction.index()].as_ref();
        close.map(|close| close::describe(close.code))
    };
    let first_code = code(first).unwrap_or_else(|| close::describe(None));
    let answer = match code(first.reversed()) {
        Some(code) => format!("the {} answered with {code}", who(first.reversed())),
        None => format!("the {} did not answer", who(first.reversed())),
    };
    let reset = end.reset.map_or_else(String::new, |(direction, _)| {
        format!("; the {} reset TCP", who(direction))
    });
    format!(
        "The {} closed with {first_code}; {answer}{reset}.",
        who(first)
    )
}

fn handshake(json: &mut Json, capture: &Capture, connection: &Connection) {
    let handshake = connection.handshake.as_ref();
    let head =
        |bytes: &[u8]| (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned());
    json.field(
        "request",
        handshake.and_then(|handshake| head(&handshake.request)),
    );
    json.field(
        "response",
        handshake.and_then(|handshake| head(&handshake.response)),
    );
    let time = |time: Option<Timestamp>| time.map_or(f64::NAN, |time| seconds(capture, time));
    json.field(
        "requested",
        time(handshake.map(|handshake| handshake.requested)),
    );
    json.field(
        "answered",
        time(handshake.map(|handshake| handshake.answered)),
    );
    let checks = handshake.map_or(&[][..], |handshake| &handshake.checks);
    json.key("checks").array(checks, |json, check| {
        json.object(|json| {
            json.field("rule", check.rule.id());
            json.field("section", check.rule.section());
            json.field("rfc", check.rule.rfc());
            json.field("passed", check.passed);
            json.field("detail", &*check.detail);
            json.field("title", check.rule.title());
            json.field("severity", check.rule.severity().name());
        });
    });
}

fn traffic(json: &mut Json, traffic: &Traffic) {
    json.field("frames", traffic.frames);
    json.field("controlFrames", traffic.control_frames);
    json.field("messages", traffic.messages);
    json.field("compressedMessages", traffic.compressed_messages);
    json.field("headerBytes", traffic.header_bytes);
    json.field("maskBytes", traffic.mask_bytes);
    json.field("payloadBytes", traffic.payload_bytes);
    json.field("compressedBytes", traffic.compressed_bytes);
    json.field("inflatedBytes", traffic.inflated_bytes);
    json.field("missingBytes", traffic.missing_bytes);
    json.field("longestMessage", traffic.longest_message);
    json.field("longestMessageFrame", traffic.longest_message_frame);
    json.field("longestGap", traffic.longest_gap.as_secs_f64());
}

fn round_trips(json: &mut Json, capture: &Capture, connection: &Connection) {
    json.key("roundTrips")
        .array(&connection.round_trips, |json, trip| {
            json.object(|json| {
                json.field("ping", trip.ping);
                json.field("pong", trip.pong);
                let time = capture
                    .frame(trip.ping)
                    .map(|frame| seconds(capture, frame.time));
                json.field("time", time);
                json.field("ms", trip.time.as_secs_f64() * 1e3);
            });
        });
    json.key("rtt").object(|json| {
        let all = &connection.round_trip_summary;
        json.field("count", all.count);
        json.field("least", all.least.as_secs_f64() * 1e3);
        json.field("most", all.most.as_secs_f64() * 1e3);
        json.field("mean", all.mean().as_secs_f64() * 1e3);
    });
}

/// How many bytes permessage-deflate saved; below zero: cost.
fn saved(connection: &Connection) -> f64 {
    let saved = |traffic: &Traffic| traffic.inflated_bytes as f64 - traffic.compressed_bytes as f64;
    connection.traffic.iter().map(saved).sum()
}

/// The steps of the end in the order of time, those without a time in the order in which they come about.
fn closing(json: &mut Json, capture: &Capture, end: &End) {
    let mut steps = Vec::new();
    let first = end.first.unwrap_or(Direction::ToServer);
    for direction in [first, first.reversed()] {
        if let Some(close) = &end.close[direction.index()] {
            let time = capture
                .frame(close.frame)
                .map_or(Timestamp::UNKNOWN, |frame| frame.time);
            steps.push((time, direction, "close", Some(close)));
        }
    }
    for direction in [first, first.reversed()] {
        if let Some(time) = end.finished[direction.index()] {
            steps.push((time, direction, "fin", None));
        }
    }
    if let Some((direction, time)) = end.reset {
        steps.push((time, direction, "reset", None));
    }
    if steps.iter().all(|(time, ..)| time.is_known()) {
        steps.sort_by_key(|&(time, ..)| time);
    }
    json.key("closing")
        .array(steps, |json, (time, direction, what, close)| {
            json.object(|json| {
                json.field("time", seconds(capture, time));
                json.field("direction", direction.name());
                json.field("what", what);
                json.field("frame", close.map(|close| close.frame));
                let code = close.and_then(|close| close.code);
                json.field("code", code);
                json.field("codeName", code.map_or("", close::name));
                json.field("reason", close.map_or("", |close| &close.reason));
            });
        });
}
