//! Builds the WebAssembly modules of the package: cargo, wasm-bindgen, wasm-opt.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::component::RUSTFLAGS;
use crate::js::{folder, run_tool, tools};
use crate::node;
use crate::steps::Steps;
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace;

/// A build of the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Module {
    /// With a small implementation of DEFLATE: for edge workers and browsers.
    Full,
    /// With a fast implementation of DEFLATE: for servers.
    Server,
    /// Without DEFLATE.
    Plain,
}

impl Module {
    /// Every module of the package.
    pub(crate) const ALL: [Self; 3] = [Self::Full, Self::Server, Self::Plain];

    /// Its file.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Full => "sockeye.wasm",
            Self::Server => "sockeye-server.wasm",
            Self::Plain => "sockeye-plain.wasm",
        }
    }

    /// The features of the crate that make it.
    fn features(self) -> &'static str {
        match self {
            Self::Full => "deflate small",
            Self::Server => "zlib-rs",
            Self::Plain => "small",
        }
    }
}

/// The modules, and the JavaScript that is generated for them.
pub(crate) struct Built {
    pub(crate) modules: Vec<(Module, Vec<u8>)>,
    pub(crate) glue: Vec<u8>,
}

/// Brings all modules up to date with the programs of wasm-bindgen in `bindgen`.
pub(crate) fn build(steps: &mut Steps, bindgen: &Path) -> Result<Built> {
    let toolchain = Toolchain::find()?;
    let mut modules = Vec::new();
    let mut glues: Vec<Vec<u8>> = Vec::new();
    for module in Module::ALL {
        // As a cdylib alone: with an rlib beside it, cargo leaves link-time optimisation out, and the module is a fifth larger.
        let mut cargo = if module == Module::Server {
            toolchain.cargo("rustc", RUSTFLAGS)
        } else {
            let mut cargo = toolchain.small_cargo("rustc", RUSTFLAGS);
            cargo.env("CARGO_PROFILE_COMPONENT_OPT_LEVEL", "z");
            cargo
        };
        cargo.args(["--lib", "--crate-type", "cdylib"]);
        cargo.args(["--package", PACKAGE, "--profile", "component"]);
        cargo.args(["--no-default-features", "--features", module.features()]);
        let what = format!("{} with {}", module.file(), toolchain.describe());
        steps.cargo(&what, &mut cargo)?;
        let (wasm, glue) = finish(module, bindgen).context(module.file())?;
        modules.push((module, wasm));
        glues.push(glue);
    }
    glues.dedup();
    match glues.pop() {
        Some(glue) if glues.is_empty() => Ok(Built { modules, glue }),
        _ => bail!(
            "the modules need different JavaScript: compare {}/*/glue.js",
            folder().join("modules").display()
        ),
    }
}

/// Makes what is published of what cargo has left, unless that has been done: the module and its glue.
fn finish(module: Module, bindgen: &Path) -> Result<(Vec<u8>, Vec<u8>)> {
    let input = workspace::target()
        .join("wasm")
        .join(TARGET)
        .join("component/sockeye_js.wasm");
    let out = folder().join("modules").join(module.file());
    let (wasm, glue) = (out.join("glue_opt.wasm"), out.join("glue.js"));
    let done = out.join("made-of");
    let bytes = fs::read(&input).with_context(|| input.display().to_string())?;
    let lock = fs::read(tools().join("package-lock.json"))?;
    let parts = [
        &bytes,
        &lock,
        BINDGEN.join(" ").as_bytes(),
        OPT.join(" ").as_bytes(),
    ]
    .map(Sha256::digest);
    let made_of = parts.concat();
    if !fs::read(&done).is_ok_and(|there| there == made_of) {
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        eprintln!("      wasm-bindgen, wasm-opt");
        let bound = out.join("glue_bg.wasm");
        run_tool(
            Command::new(bindgen.join("wasm-bindgen"))
                .args(BINDGEN)
                .arg("--out-dir")
                .arg(&out)
                .arg(&input),
        )?;
        run_tool(
            Command::new(node::node()?)
                .arg("node_modules/binaryen/bin/wasm-opt")
                .args(OPT)
                .arg(&bound)
                .arg("-o")
                .arg(&wasm),
        )?;
        // wasm-bindgen writes modules that no engine takes, without a word, when two exports get the same name.
        run_tool(
            Command::new(node::node()?)
                .args(["--eval", VALIDATE])
                .arg(&wasm),
        )?;
        fs::write(&done, made_of)?;
    }
    Ok((fs::read(wasm)?, fs::read(glue)?))
}

const PACKAGE: &str = "sockeye-js";
const BINDGEN: [&str; 6] = [
    "--target",
    "web",
    "--no-typescript",
    // Bundlers would look for a file that is not there.
    "--omit-default-module-path",
    "--out-name",
    "glue",
];
const OPT: [&str; 3] = ["-Oz", "--strip-producers", "--strip-target-features"];
const VALIDATE: &str = "new WebAssembly.Module(require('node:fs').readFileSync(process.argv[1]))";
