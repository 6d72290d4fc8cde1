//! How large the package is for those who load it.

use core::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::js::run_tool;
use crate::node;

/// The size of a module, or of an entry with everything that it imports but modules; in bytes.
pub(crate) struct Size {
    /// The file.
    pub(crate) name: String,
    /// As it is; an entry minified.
    pub(crate) raw: u64,
    pub(crate) gzip: u64,
    pub(crate) brotli: u64,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:22} {:>8} bytes, {:>6} gzip, {:>6} brotli",
            self.name, self.raw, self.gzip, self.brotli
        )
    }
}

/// Measures the modules and the entries of the package in `folder`.
pub(crate) fn measure(folder: &Path) -> Result<Vec<Size>> {
    let mut node = Command::new(node::node()?);
    node.arg("tools/sizes.mjs").arg(folder.join("dist"));
    let sizes: Value = serde_json::from_slice(&run_tool(&mut node)?).context("tools/sizes.mjs")?;
    let sizes = sizes.as_array().map(Vec::as_slice).unwrap_or_default();
    let number = |value: &Value| value.as_u64().unwrap_or(u64::MAX);
    Ok(sizes
        .iter()
        .map(|size| Size {
            name: size["name"].as_str().unwrap_or_default().to_owned(),
            raw: number(&size["raw"]),
            gzip: number(&size["gzip"]),
            brotli: number(&size["brotli"]),
        })
        .collect())
}
