//! Builds the page's WebAssembly module: cargo, wasm-bindgen, wasm-opt.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::component::RUSTFLAGS;
use crate::js::bindgen;
use crate::page::{run_tool, sources, tool};
use crate::steps::Steps;
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace;

/// Brings the module and its glue up to date in the folder `generated` of the page's sources.
pub(crate) fn build(steps: &mut Steps) -> Result<()> {
    let bindgen = bindgen::find(steps)?;
    let toolchain = Toolchain::find()?;
    // As a cdylib alone: with an rlib beside it, cargo leaves link-time optimisation out.
    let mut cargo = toolchain.small_cargo("rustc", RUSTFLAGS);
    cargo.env("CARGO_PROFILE_COMPONENT_OPT_LEVEL", "z");
    cargo.args(["--lib", "--crate-type", "cdylib"]);
    cargo.args(["--package", "sockeye-inspect-js", "--profile", "component"]);
    let what = format!("inspect_bg.wasm with {}", toolchain.describe());
    steps.cargo(&what, &mut cargo)?;

    let input = workspace::target()
        .join("wasm")
        .join(TARGET)
        .join("component/sockeye_inspect_js.wasm");
    let bytes = fs::read(&input).with_context(|| input.display().to_string())?;
    let lock = fs::read(sources().join("package-lock.json"))?;
    let flags = [BINDGEN.join(" "), OPT.join(" ")].join(" ");
    let made_of = [&bytes, &lock, flags.as_bytes()]
        .map(Sha256::digest)
        .concat();
    let out = sources().join("generated");
    let done = out.join("made-of");
    if fs::read(&done).is_ok_and(|there| there == made_of) {
        return Ok(());
    }
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    eprintln!("      wasm-bindgen, wasm-opt");
    let mut command = Command::new(bindgen.join("wasm-bindgen"));
    command.args(BINDGEN).arg("--out-dir").arg(&out).arg(&input);
    run_tool(&mut command)?;
    let bound = out.join("inspect_bg.wasm");
    let mut command = tool("node_modules/binaryen/bin/wasm-opt")?;
    command.args(OPT).arg(&bound).arg("-o").arg(&bound);
    run_tool(&mut command)?;
    fs::write(done, made_of)?;
    Ok(())
}

const BINDGEN: [&str; 5] = [
    "--target",
    "web",
    // The worker says where the module is.
    "--omit-default-module-path",
    "--out-name",
    "inspect",
];
/// Small: reading the file takes longer than looking at it.
const OPT: [&str; 3] = ["-Oz", "--strip-producers", "--strip-target-features"];
