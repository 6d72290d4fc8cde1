//! The two loops that touch every byte, by themselves: masking, and the validation of UTF-8.

use std::hint::black_box;

use sockeye::MaskingKey;

use crate::{
    memory::{self, Reads},
    payload::{Case, Kind, size_name},
    process::own_cpu,
    report::{Cell, Report, median},
    settings::Settings,
};

const SIZES: [usize; 4] = [125, 1_024, 16_384, 1_048_576];
const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A function over a payload, by the name of who wrote it.
type Loop = (&'static str, fn(&mut [u8]));

const MASKS: [Loop; 4] = [
    ("sockeye", |data| MaskingKey::new(KEY).apply(data)),
    ("fastwebsockets", |data| fastwebsockets::unmask(data, KEY)),
    ("sockudo-ws", |data| sockudo_ws::simd::apply_mask(data, KEY)),
    ("yawc", |data| yawc::mask::apply_mask(data, KEY)),
];

const VALIDATORS: [Loop; 2] = [
    ("std", |data| {
        assert!(std::str::from_utf8(black_box(data)).is_ok())
    }),
    ("sockudo-ws", |data| {
        assert!(sockudo_ws::utf8::validate_utf8(black_box(data)))
    }),
];

/// Measures both, and prints a table for each.
pub fn run(settings: &Settings, report: &mut Report) {
    loops(
        settings,
        report,
        "Masking",
        "GB/s in place. tungstenite and tokio-websockets keep theirs to themselves.",
        Kind::Binary,
        &MASKS,
    );
    for kind in [Kind::Ascii, Kind::Cjk] {
        let note = "GB/s of validators that can be called by themselves; see the next table for those that cannot.";
        loops(
            settings,
            report,
            &format!("UTF-8 validation: {}", kind.name()),
            note,
            kind,
            &VALIDATORS,
        );
    }
    text_costs(settings, report);
}

/// Runs loops in turn over payloads of every size.
fn loops(
    settings: &Settings,
    report: &mut Report,
    title: &str,
    note: &str,
    kind: Kind,
    loops: &[Loop],
) {
    let mut rows = Vec::new();
    for size in SIZES {
        let mut data = kind.payload(size, 1);
        // Some 50 MB a round.
        let turns = ((50_000_000.0 * settings.scale) as usize / size).max(2);
        let mut rates = vec![Vec::new(); loops.len()];
        for round in 0..=settings.rounds {
            for ((_, run), rates) in loops.iter().zip(&mut rates) {
                let start = own_cpu();
                for _ in 0..turns {
                    run(black_box(&mut data));
                }
                let gigabytes = (turns * size) as f64 / (own_cpu() - start).as_nanos() as f64;
                if round > 0 {
                    rates.push(gigabytes);
                }
            }
        }
        let cells = rates
            .iter()
            .map(|rates| Cell::of(median(rates), |rate| Cell::number(rate, 1)));
        rows.push(
            [Cell::from(size_name(size))]
                .into_iter()
                .chain(cells)
                .collect(),
        );
    }
    let headers: Vec<&str> = ["payload"]
        .into_iter()
        .chain(loops.iter().map(|(name, _)| *name))
        .collect();
    report.table(title, note, &headers, rows);
}

/// What text costs more than bytes: the validation of the core and of the component, which cannot be called by themselves.
fn text_costs(settings: &Settings, report: &mut Report) {
    let components = memory::Components::compile(settings);
    let mut rows = Vec::new();
    for size in SIZES {
        for kind in [Kind::Ascii, Kind::Cjk] {
            let mut row = vec![Cell::from(size_name(size)), Cell::from(kind.name())];
            for name in TEXT_NAMES {
                let time = |kind| {
                    let times = memory::measure(
                        settings,
                        Case { kind, size },
                        Reads::Chunks,
                        &components,
                        &[name],
                    );
                    median(&times[0])
                };
                let difference = time(kind)
                    .zip(time(Kind::Binary))
                    .map(|(text, binary)| text - binary);
                // Less than one part in a hundred of a nanosecond per byte is noise, not a rate.
                let rate =
                    difference.map(|difference| size as f64 / difference.max(size as f64 / 100.0));
                row.push(Cell::of(rate, |rate| Cell::number(rate, 1)));
            }
            rows.push(row);
        }
    }
    let mut headers = vec!["payload", "kind"];
    headers.extend(TEXT_NAMES);
    report.table(
        "UTF-8 validation inside an echo",
        "GB/s, from the difference between echoing text and echoing as many bytes of binary in memory. 100.0 stands for no measurable difference.",
        &headers,
        rows,
    );
}

const TEXT_NAMES: [&str; 5] = [
    "sockeye",
    "component",
    "tungstenite",
    "fastwebsockets",
    "tokio-websockets",
];
