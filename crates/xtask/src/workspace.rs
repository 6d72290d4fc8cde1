//! Where things are, and a clean cargo to build them with.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = xtask.ancestors().nth(2).unwrap_or(xtask);
    here.to_owned()
}

/// Where cargo builds, `CARGO_TARGET_DIR` honoured.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// A file that `cargo build --release` leaves.
pub(crate) fn release(name: &str) -> PathBuf {
    target().join("release").join(name)
}

/// The cargo that runs us, at the root.
pub(crate) fn cargo() -> Command {
    let mut cargo = program(Path::new(&cargo_path()));
    cargo.current_dir(root());
    cargo
}

/// A program to be run without what cargo set for us: an inner build must not see the outer one.
pub(crate) fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    for name in env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        if set_by_cargo(&name) {
            command.env_remove(name);
        }
    }
    command
}

/// The path of the cargo that runs us.
pub(crate) fn cargo_path() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Whether `cargo run` sets this variable for the program that it runs. The user's own settings (`CARGO_HOME`,
/// `CARGO_TARGET_DIR`, `CARGO_NET_OFFLINE`, …) are not among them.
fn set_by_cargo(name: &str) -> bool {
    const PREFIXES: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CFG_"];
    const NAMES: [&str; 5] = [
        "CARGO",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "LD_LIBRARY_PATH",
        "OUT_DIR",
    ];
    // The loader's path is the user's own as long as cargo did not put its libraries in front.
    if name == "LD_LIBRARY_PATH" {
        let target = target();
        return env::var_os(name)
            .is_some_and(|paths| env::split_paths(&paths).any(|path| path.starts_with(&target)));
    }
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A package of this workspace, as cargo tells of it.
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// The names of its integration tests.
    pub(crate) tests: Vec<String>,
    /// The names of its programs.
    pub(crate) programs: Vec<String>,
    /// Whether it has features beside the default.
    pub(crate) has_features: bool,
    /// The folder it is in.
    pub(crate) folder: PathBuf,
}

/// The packages of the workspace whose manifest is in `folder`, the root for `None`.
pub(crate) fn packages(folder: Option<&Path>) -> Result<Vec<Package>> {
    let mut cargo = cargo();
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    if let Some(folder) = folder {
        cargo.arg("--manifest-path").arg(folder.join("Cargo.toml"));
    }
    let output = cargo.output().context("cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let packages = metadata["packages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Ok(packages.iter().map(package).collect())
}

fn package(value: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let targets = |kind: &str| {
        let targets = value["targets"].as_array().into_iter().flatten();
        let of_kind = targets.filter(|t| {
            t["kind"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|k| k == kind))
        });
        of_kind.map(|target| text(&target["name"])).collect()
    };
    Package {
        name: text(&value["name"]),
        tests: targets("test"),
        programs: targets("bin"),
        has_features: value["features"]
            .as_object()
            .is_some_and(|features| features.keys().any(|name| name != "default")),
        folder: Path::new(&text(&value["manifest_path"]))
            .parent()
            .map(Path::to_owned)
            .unwrap_or_default(),
    }
}
