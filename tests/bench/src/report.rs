//! What the measurements print: tables on standard output, the same numbers as JSON, and the bars that they are held against.

use std::process::Command;

use serde_json::{Map, Value, json};

/// Everything measured in this run.
pub struct Report {
    sections: Vec<Value>,
    bars: Vec<Value>,
}

/// One field of a table: what is printed, and the number behind it.
pub struct Cell {
    text: String,
    value: Value,
}

impl Cell {
    /// A number with this many digits after the point.
    pub fn number(value: f64, digits: usize) -> Self {
        Self {
            text: group(&format!("{value:.digits$}")),
            value: json!(value),
        }
    }

    /// A ratio: `1.25×`.
    pub fn ratio(value: f64) -> Self {
        Self {
            text: format!("{value:.2}×"),
            value: json!(value),
        }
    }

    /// The same in brackets, for a ratio that says little: `(1.25×)`.
    pub fn doubtful_ratio(value: f64) -> Self {
        Self {
            text: format!("({value:.2}×)"),
            value: json!(value),
        }
    }

    /// What an implementation cannot do.
    pub fn missing() -> Self {
        Self {
            text: "n/a".to_owned(),
            value: Value::Null,
        }
    }

    /// `value` as `cell` shows it, or that there is none.
    pub fn of(value: Option<f64>, cell: impl Fn(f64) -> Self) -> Self {
        value.map_or_else(Self::missing, cell)
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        let text = text.into();
        Self {
            value: json!(text),
            text,
        }
    }
}

impl Report {
    /// Prints on which machine this runs, and how it was called.
    pub fn new() -> Self {
        println!("{}", machine());
        println!("command: {}", command());
        Self {
            sections: Vec::new(),
            bars: Vec::new(),
        }
    }

    /// Prints a table under a title, with a note on how its numbers came about.
    pub fn table(&mut self, title: &str, note: &str, headers: &[&str], rows: Vec<Vec<Cell>>) {
        let columns = (0..headers.len())
            .map(|column| {
                let cells = rows.iter().filter_map(|row| row.get(column));
                let width = cells.clone().map(|cell| cell.text.chars().count()).max();
                // Text to the left, numbers to the right.
                let is_number = cells
                    .map(|cell| &cell.value)
                    .all(|value| value.is_number() || value.is_null());
                (width.unwrap_or(0), is_number)
            })
            .collect();
        let mut table = Table::begin(title, note, headers, columns);
        for row in rows {
            table.row(row);
        }
        self.keep(table);
    }

    /// Keeps a table that was printed row by row.
    pub fn keep(&mut self, table: Table) {
        self.sections.push(table.section);
    }

    /// Notes whether a bar is met. They are printed together at the end.
    pub fn bar(&mut self, what: &str, is_met: bool, measured: &str) {
        self.bars
            .push(json!({ "bar": what, "met": is_met, "measured": measured }));
    }

    /// Prints the bars.
    pub fn print_bars(&self) {
        if self.bars.is_empty() {
            return;
        }
        println!("\n## Bars\n");
        for bar in &self.bars {
            let mark = if bar["met"] == json!(true) {
                "met   "
            } else {
                "MISSED"
            };
            println!("{mark}  {}: {}", text(&bar["bar"]), text(&bar["measured"]));
        }
    }

    /// The whole report.
    pub fn to_json(&self) -> Value {
        json!({ "machine": machine(), "command": command(), "sections": self.sections, "bars": self.bars })
    }
}

/// A table that is printed row by row, as they are measured.
pub struct Table {
    headers: Vec<String>,
    /// The width of each column, and whether it is one of numbers.
    columns: Vec<(usize, bool)>,
    section: Value,
}

impl Table {
    /// Prints the title, the note, and the headers. A column is as wide as its header, or wider.
    pub fn begin(
        title: &str,
        note: &str,
        headers: &[&str],
        mut columns: Vec<(usize, bool)>,
    ) -> Self {
        println!("\n## {title}\n");
        if !note.is_empty() {
            println!("{note}\n");
        }
        for ((width, _), header) in columns.iter_mut().zip(headers) {
            *width = header.chars().count().max(*width);
        }
        // Markdown, so that a table can be pasted into a document.
        line(headers.iter().copied(), &columns);
        let rules: Vec<String> = columns
            .iter()
            .map(|&(width, is_number)| {
                if is_number {
                    format!("{}:", "-".repeat(width - 1))
                } else {
                    "-".repeat(width)
                }
            })
            .collect();
        line(rules.iter().map(String::as_str), &columns);
        Self {
            headers: headers.iter().map(|&header| header.to_owned()).collect(),
            columns,
            section: json!({ "title": title, "note": note, "rows": [] }),
        }
    }

    /// Prints one row.
    pub fn row(&mut self, row: Vec<Cell>) {
        line(row.iter().map(|cell| cell.text.as_str()), &self.columns);
        let values = row.into_iter().map(|cell| cell.value);
        let row: Map<_, _> = self.headers.iter().cloned().zip(values).collect();
        if let Some(Value::Array(rows)) = self.section.get_mut("rows") {
            rows.push(Value::Object(row));
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Prints one line of a table; each column has a width, and is a column of numbers or not.
fn line<'a>(cells: impl Iterator<Item = &'a str>, columns: &[(usize, bool)]) {
    let cells: Vec<String> = cells
        .zip(columns)
        .map(|(cell, &(width, is_number))| {
            let space = " ".repeat(width.saturating_sub(cell.chars().count()));
            if is_number {
                format!("{space}{cell}")
            } else {
                format!("{cell}{space}")
            }
        })
        .collect();
    println!("| {} |", cells.join(" | "));
}

/// Puts a thin space between groups of three digits.
fn group(number: &str) -> String {
    let (whole, fraction) = number
        .split_once('.')
        .map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 && !grouped.ends_with('-') {
            grouped.push('\u{202F}');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{grouped}.{fraction}"),
        None => grouped,
    }
}

/// The processor, its cores, the kernel, the compiler, and how busy the machine is, in one line.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown processor");
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    let model = model.trim_start_matches([':', ' ', '\t']);
    // Of the last minute, this program's own share included: what others do then disturbs the measurements.
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "machine: {cores} cores, {model}; Linux {}; {rustc}; load average {load}",
        kernel.trim()
    )
}

/// The command that produced this report.
fn command() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo xtask bench {}", arguments.join(" "))
        .trim_end()
        .to_owned()
}

/// The middle of a number of measurements.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The median of the ratios of measurements taken in the same rounds: what noise that comes and goes changes least.
pub fn median_ratio(values: &[f64], base: &[f64]) -> Option<f64> {
    let ratios: Vec<f64> = values
        .iter()
        .zip(base)
        .map(|(value, base)| value / base)
        .collect();
    median(&ratios)
}
