//! Node.js and packages from npm.

use core::time::Duration;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::process;
use crate::test::Missing;

/// Finds Node.js.
///
/// # Errors
///
/// [`Missing`] if there is none.
pub(crate) fn node() -> Result<PathBuf> {
    on_path(&["node"]).ok_or_else(|| missing("Node.js 20.10 or newer"))
}

/// Finds npm.
///
/// # Errors
///
/// [`Missing`] if there is none.
pub(crate) fn npm() -> Result<PathBuf> {
    on_path(&["npm"]).ok_or_else(|| missing("npm"))
}

/// Installs into `folder` what `package-lock.json` in `sources` names, without running what the packages would run. Quiet when it
/// is there.
///
/// # Errors
///
/// [`Missing`] if it cannot be fetched.
pub(crate) fn install(sources: &Path, folder: &Path) -> Result<()> {
    let lock = fs::read(sources.join("package-lock.json"))?;
    let ready = folder.join("node_modules/ready");
    if fs::read(&ready).is_ok_and(|there| there == lock) {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    if folder != sources {
        for name in ["package.json", "package-lock.json"] {
            fs::copy(sources.join(name), folder.join(name)).context(name)?;
        }
    }
    let mut command = Command::new(npm()?);
    command
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .args(["--loglevel", "error"])
        .current_dir(folder);
    eprintln!("      npm ci");
    if !quietly(&mut command) {
        let manifest = sources.join("package.json");
        return Err(missing(&format!(
            "what {} names, from npm,",
            manifest.display()
        )));
    }
    fs::write(ready, lock)?;
    Ok(())
}

/// The first of these programs that there is.
pub(crate) fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).collect();
    let mut files = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    files.find(|file| file.is_file())
}

/// Whether `command` ended well. It says only what went wrong.
pub(crate) fn quietly(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    process::succeeds(command, Duration::from_secs(300))
}

/// That `what` is missing.
pub(crate) fn missing(what: &str) -> anyhow::Error {
    Missing(format!("{what} is not there, and could not be set up")).into()
}
