//! `cargo xtask dist`: what is published, in one folder.

use core::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::component::{self, World};
use crate::steps::Steps;
use crate::workspace;
use crate::{DIST_SERVER, host_cargo, js, page};

/// Builds everything with link-time optimisation, and puts it into `target/dist-out`.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::new(World::ALL.len() + 1);
    let components = component::build(&mut steps, &World::ALL)?;
    let package = js::build()?;
    // The server embeds it, for `sockeye proxy`.
    page::build()?;
    steps.cargo(DIST_SERVER, &mut host_cargo("dist"))?;

    let out = workspace::target().join("dist-out");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(out.join("wit"))?;
    copy(&workspace::target().join("dist/sockeye"), &out)?;
    for component in &components {
        let name = component.file_name().unwrap_or_default().to_string_lossy();
        copy_as(component, &out.join(format!("sockeye-{name}")))?;
    }
    copy(&package.tarball, &out)?;
    let root = workspace::root();
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
        copy(&root.join(file), &out)?;
    }
    for file in files(&root.join("wit"))? {
        copy(&file, &out.join("wit"))?;
    }
    fs::write(out.join("SHA256SUMS"), sums(&out)?)?;
    println!("{}", out.display());
    Ok(())
}

/// The checksums of the files in and below `folder`, as `sha256sum --check` reads them.
fn sums(folder: &Path) -> Result<String> {
    let mut text = String::new();
    for file in files(folder)? {
        for byte in Sha256::digest(fs::read(&file)?) {
            write!(text, "{byte:02x}")?;
        }
        writeln!(text, "  {}", file.strip_prefix(folder)?.display())?;
    }
    Ok(text)
}

/// The files in and below `folder`, sorted.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn copy(file: &Path, folder: &Path) -> Result<()> {
    copy_as(file, &folder.join(file.file_name().unwrap_or_default()))
}

fn copy_as(file: &Path, path: &Path) -> Result<()> {
    fs::copy(file, path).with_context(|| file.display().to_string())?;
    Ok(())
}
