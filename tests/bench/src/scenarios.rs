//! The loads over TCP, and how they are chosen on the command line.

use crate::{
    load::Load,
    payload::{Case, Compression, Kind, size_name},
};

/// A load with its names.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// For `--scenario`: `500x512-cjk`.
    pub name: &'static str,
    /// What is sent.
    pub load: Load,
}

impl Scenario {
    /// The name in the tables: `500 × 512 B text CJK`.
    pub fn title(&self) -> String {
        let load = self.load;
        let flight = if load.in_flight > 1 {
            format!(", {} in flight", load.in_flight)
        } else {
            String::new()
        };
        let takeover = if load.compression == Compression::ContextTakeover {
            ", context takeover"
        } else {
            ""
        };
        format!(
            "{} × {} {}{takeover}{flight}",
            load.connections,
            size_name(load.case.size),
            load.case.kind.name()
        )
    }
}

/// The scenarios, in the order in which they are measured.
pub const ALL: [Scenario; 16] = {
    use Compression::{ContextTakeover, NoContextTakeover, None};
    use Kind::{Ascii, Binary, Cjk, Json};
    [
        one_by_one("100x20-binary", 100, Binary, 20, None),
        one_by_one("100x20-ascii", 100, Ascii, 20, None),
        one_by_one("500x512-binary", 500, Binary, 512, None),
        one_by_one("500x512-ascii", 500, Ascii, 512, None),
        one_by_one("500x512-cjk", 500, Cjk, 512, None),
        one_by_one("100x16k-binary", 100, Binary, 16_384, None),
        one_by_one("100x16k-ascii", 100, Ascii, 16_384, None),
        one_by_one("100x16k-cjk", 100, Cjk, 16_384, None),
        one_by_one("10x1m-binary", 10, Binary, 1_048_576, None),
        one_by_one("10x1m-ascii", 10, Ascii, 1_048_576, None),
        in_flight("10x125-binary", 10, Binary, 125, 100),
        in_flight("10x125-ascii", 10, Ascii, 125, 100),
        one_by_one("500x512-deflate", 500, Json, 512, NoContextTakeover),
        one_by_one("100x1k-deflate", 100, Json, 1_024, NoContextTakeover),
        one_by_one("500x512-takeover", 500, Json, 512, ContextTakeover),
        one_by_one("100x1k-takeover", 100, Json, 1_024, ContextTakeover),
    ]
};

const fn one_by_one(
    name: &'static str,
    connections: usize,
    kind: Kind,
    size: usize,
    compression: Compression,
) -> Scenario {
    let load = Load {
        case: Case { kind, size },
        connections,
        in_flight: 1,
        compression,
    };
    Scenario { name, load }
}

const fn in_flight(
    name: &'static str,
    connections: usize,
    kind: Kind,
    size: usize,
    in_flight: usize,
) -> Scenario {
    let load = Load {
        case: Case { kind, size },
        connections,
        in_flight,
        compression: Compression::None,
    };
    Scenario { name, load }
}

/// Whether all parts of `filter` are parts of `name`: `binary` and `10x1m` of `10x1m-binary`.
pub fn is_match(filter: &str, name: &str) -> bool {
    filter
        .split('-')
        .all(|part| name.split('-').any(|of_name| of_name == part))
}

/// Takes a filter that chooses something.
///
/// # Errors
///
/// The names there are, for a filter that chooses nothing.
pub fn parse(filter: &str) -> Result<String, String> {
    let filter = filter.to_ascii_lowercase();
    if ALL.iter().any(|scenario| is_match(&filter, scenario.name)) {
        return Ok(filter);
    }
    let names: Vec<&str> = ALL.iter().map(|scenario| scenario.name).collect();
    Err(format!(
        "there are {}; parts of these choose several",
        names.join(", ")
    ))
}
