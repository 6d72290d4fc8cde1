//! What is in the package, and the tarball of it.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::dist;
use crate::js::module::{Built, Module};
use crate::js::{run_tool, sources};
use crate::node;
use crate::workspace;

/// The files of the package by their paths in it.
pub(crate) struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Puts together what was written by hand and what was built.
    pub(crate) fn collect(built: &Built) -> Result<Self> {
        let mut files = BTreeMap::new();
        for (from, to) in [("src", "dist/"), ("types", "dist/")] {
            let folder = sources().join(from);
            for file in dist::files(&folder)? {
                let name = file.strip_prefix(&folder)?.display();
                files.insert(format!("{to}{name}"), fs::read(&file)?);
            }
        }
        for name in ["package.json", "README.md"] {
            let file = sources().join(name);
            let text = fs::read(&file).with_context(|| file.display().to_string())?;
            files.insert(name.to_owned(), text);
        }
        for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
            files.insert(name.to_owned(), fs::read(workspace::root().join(name))?);
        }
        files.insert("dist/glue.js".to_owned(), built.glue.clone());
        for (module, wasm) in &built.modules {
            files.insert(format!("dist/{}", module.file()), wasm.clone());
            if *module == Module::Full {
                let text = format!(
                    "{INLINE}export default '{}';\n",
                    BASE64_STANDARD.encode(wasm)
                );
                files.insert("dist/inline-wasm.js".to_owned(), text.into_bytes());
            }
        }
        let files = Self(files);
        let version = files.manifest()?["version"].clone();
        if version != env!("CARGO_PKG_VERSION") {
            let wanted = env!("CARGO_PKG_VERSION");
            bail!("crates/sockeye-js/npm/package.json has version {version}, Cargo.toml {wanted}");
        }
        Ok(files)
    }

    /// Writes the files to `folder`, packs them beside it, and returns the tarball. Does nothing where that has been done.
    pub(crate) fn pack(&self, folder: &Path) -> Result<PathBuf> {
        let beside = folder.parent().unwrap_or(folder);
        let tarball = beside.join(format!("sockeye-{}.tgz", env!("CARGO_PKG_VERSION")));
        let done = folder.with_extension("packed");
        let digest = self.digest();
        if tarball.exists() && fs::read_to_string(&done).is_ok_and(|there| there == digest) {
            return Ok(tarball);
        }
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        for (name, content) in &self.0 {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap_or(folder))?;
            fs::write(file, content)?;
        }
        let mut npm = Command::new(node::npm()?);
        npm.args(["pack", "--ignore-scripts", "--loglevel", "error"]);
        npm.arg("--pack-destination").arg(beside).arg(folder);
        run_tool(&mut npm)?;
        fs::write(done, digest)?;
        Ok(tarball)
    }

    /// The manifest.
    pub(crate) fn manifest(&self) -> Result<Value> {
        let text = self.0.get("package.json").map(Vec::as_slice);
        serde_json::from_slice(text.unwrap_or_default()).context("package.json")
    }

    /// The files by their paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_slice()))
    }

    /// What tells these files from any others.
    fn digest(&self) -> String {
        let mut text = String::new();
        for (name, content) in &self.0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{:x} {name}", Sha256::digest(content));
        }
        text
    }
}

const INLINE: &str = "/** `sockeye.wasm` in base64, for where a file cannot be loaded. */\n";
