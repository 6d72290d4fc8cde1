//! Builds the WebAssembly component: a module with cargo, then the component around it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use wit_component::ComponentEncoder;

use crate::steps::Steps;
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace;

/// What a component exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    /// The protocol driven by the host's sockets.
    Endpoint,
    /// The protocol with no socket.
    Codec,
}

impl World {
    /// Every world that is built.
    pub(crate) const ALL: [Self; 2] = [Self::Endpoint, Self::Codec];

    /// Where its component is put.
    pub(crate) fn path(self) -> PathBuf {
        path(self.name())
    }

    /// Its name, in `wit/worlds.wit` and as the feature that selects it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::Codec => "codec",
        }
    }
}

/// Brings the components of `worlds` up to date, and returns the path of the first.
pub(crate) fn build(steps: &mut Steps, worlds: &[World]) -> Result<Vec<PathBuf>> {
    let toolchain = Toolchain::find()?;
    worlds
        .iter()
        .map(|&world| build_world(steps, &toolchain, world))
        .collect()
}

fn build_world(steps: &mut Steps, toolchain: &Toolchain, world: World) -> Result<PathBuf> {
    let mut cargo = toolchain.cargo("build", RUSTFLAGS);
    cargo.args(["--package", PACKAGE, "--no-default-features", "--features"]);
    cargo.arg(world.name());
    let what = format!("component `{}` with {}", world.name(), toolchain.describe());
    build_module(steps, &what, &mut cargo, PACKAGE, &world.path())
}

/// Brings the component of the package in `folder`, a workspace of its own, up to date, and returns its path.
pub(crate) fn build_guest(steps: &mut Steps, folder: &Path) -> Result<PathBuf> {
    let folder = fs::canonicalize(folder).with_context(|| folder.display().to_string())?;
    let package = workspace::packages(Some(&folder))?.pop();
    let name = package
        .with_context(|| format!("no package in {}", folder.display()))?
        .name;
    let toolchain = Toolchain::find()?;
    let mut cargo = toolchain.cargo("build", RUSTFLAGS);
    cargo.arg("--manifest-path").arg(folder.join("Cargo.toml"));
    let what = format!("component `{name}` with {}", toolchain.describe());
    build_module(steps, &what, &mut cargo, &name, &path(&name))
}

/// Tells `cargo` where the component is that the host is to embed and its tests are to run.
pub(crate) fn with_endpoint(mut cargo: Command) -> Command {
    if workspace::target() == workspace::root().join("target") {
        // They look there anyway. A variable that is there in one build and not in the next has the host built twice.
        cargo.env_remove("SOCKEYE_COMPONENT");
    } else {
        cargo.env("SOCKEYE_COMPONENT", World::Endpoint.path());
    }
    cargo
}

/// Runs `cargo`, which builds the module of `package`, and puts its component at `path`.
fn build_module(
    steps: &mut Steps,
    what: &str,
    cargo: &mut Command,
    package: &str,
    path: &Path,
) -> Result<PathBuf> {
    steps.cargo(what, cargo.args(["--profile", "component"]))?;
    let module = workspace::target()
        .join("wasm")
        .join(TARGET)
        .join("component")
        .join(package.replace('-', "_"))
        .with_extension("wasm");
    encode(&module, path).with_context(|| format!("{} is no component", module.display()))?;
    Ok(path.to_owned())
}

/// Where the component of this name is put.
fn path(name: &str) -> PathBuf {
    workspace::target()
        .join("component")
        .join(name)
        .with_extension("wasm")
}

/// Writes the component of `module` to `path`, unless it is there already: the host is rebuilt when it changes.
fn encode(module: &Path, path: &Path) -> Result<()> {
    if is_newer(path, module) && is_newer(path, &env::current_exe()?) {
        return Ok(());
    }
    let module = fs::read(module)?;
    let component = ComponentEncoder::default()
        .module(&module)?
        .validate(true)
        .encode()?;
    if fs::read(path).is_ok_and(|present| present == component) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, component)?;
    Ok(())
}

/// Whether `path` was written after `source`.
fn is_newer(path: &Path, source: &Path) -> bool {
    let modified = |path| fs::metadata(path).and_then(|metadata| metadata.modified());
    matches!((modified(path), modified(source)), (Ok(path), Ok(source)) if path > source)
}

const PACKAGE: &str = "sockeye-component";
/// Masking and UTF-8 checking are several times faster with vectors, which every engine has had for years.
pub(crate) const RUSTFLAGS: &str = "-C target-feature=+simd128";
