//! Finds or makes a Rust that can build for `wasm32-unknown-unknown`.
//!
//! In this order: a standard library that is installed, one that can be built from sources that are installed, one that
//! rustup brings, and Debian's packages. What is there already comes before what would have to be fetched.

use core::time::Duration;
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::process;
use crate::workspace;

/// The target of everything that runs in a WebAssembly engine.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// A Rust that can build for [`TARGET`].
pub(crate) struct Toolchain {
    /// The folder above `bin` and `lib`.
    sysroot: PathBuf,
    /// Whether the standard library is built along with the program.
    from_source: bool,
    /// The linker, where the compiler's own choice would not be found.
    linker: Option<PathBuf>,
}

impl Toolchain {
    /// Finds one, or sets one up.
    pub(crate) fn find() -> Result<Self> {
        if let Some(found) = Self::installed() {
            return Ok(found);
        }
        if (add_with_rustup() || install_from_debian())
            && let Some(found) = Self::installed()
        {
            return Ok(found);
        }
        bail!("{}", how_to_install())
    }

    /// `rustflags`, and what keeps the paths of this machine out of the component. Separated as cargo asks: paths may have spaces.
    fn flags(&self, rustflags: &str) -> String {
        let mut flags: Vec<String> = rustflags.split_whitespace().map(str::to_owned).collect();
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
        let registry = home.map(|home| home.join("registry/src"));
        let library = self.sysroot.join("lib/rustlib/src/rust/library");
        for folder in registry.into_iter().chain([library]) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            flags.push(format!("--remap-path-prefix={}={name}", folder.display()));
        }
        flags.join("\u{1f}")
    }

    /// Returns a cargo that builds for [`TARGET`] with `rustflags`, whatever the environment says.
    pub(crate) fn cargo(&self, command: &str, rustflags: &str) -> Command {
        let mut cargo = workspace::program(&self.sysroot.join("bin/cargo"));
        cargo.current_dir(workspace::root());
        // Flags, wrappers and compilers meant for the host would end up in the guest.
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "RUSTDOC",
        ] {
            cargo.env_remove(name);
        }
        if self.sysroot != active_sysroot() {
            cargo
                .env_remove("RUSTUP_TOOLCHAIN")
                .env_remove("LD_LIBRARY_PATH");
        }
        cargo
            .env("RUSTC", self.sysroot.join("bin/rustc"))
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(rustflags));
        cargo
            .args([command, "--target", TARGET, "--target-dir"])
            .arg(workspace::target().join("wasm"));
        // Without it the modules of two worlds, which differ in a feature, would take turns under one name, and each build would
        // do both again.
        cargo.env("__CARGO_DEFAULT_LIB_METADATA", "sockeye");
        if self.from_source {
            // Debian's compiler is a stable one, and building the standard library is not stable yet.
            cargo
                .env("RUSTC_BOOTSTRAP", "1")
                .arg("-Zbuild-std=std,panic_abort");
        }
        if let Some(linker) = &self.linker {
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        cargo
    }

    /// Like [`Self::cargo`], for a program whose size counts more than its speed.
    ///
    /// Where the standard library is built along with it, a panic is a trap without a message, and the library is small too.
    pub(crate) fn small_cargo(&self, command: &str, rustflags: &str) -> Command {
        if !self.from_source {
            return self.cargo(command, rustflags);
        }
        let mut cargo = self.cargo(command, &format!("{rustflags} {SMALL}"));
        cargo.arg("-Zbuild-std-features=optimize_for_size");
        cargo
    }

    /// Says in a few words what it is.
    pub(crate) fn describe(&self) -> String {
        let from = if self.from_source {
            "standard library built from source"
        } else {
            "standard library installed"
        };
        format!("{} ({from})", self.sysroot.display())
    }

    /// Finds a toolchain that needs nothing fetched.
    fn installed() -> Option<Self> {
        let sysroots = sysroots();
        let found = sysroots
            .iter()
            .find(|sysroot| has_std(sysroot))
            .map(|sysroot| (sysroot, false));
        let found = found.or_else(|| {
            sysroots
                .iter()
                .rev()
                .find(|sysroot| has_source(sysroot))
                .map(|s| (s, true))
        });
        let (sysroot, from_source) = found?;
        let linker = linker(sysroot)?;
        Some(Self {
            sysroot: sysroot.clone(),
            from_source,
            linker,
        })
    }
}

/// Flags of a compiler that builds the standard library too. The threshold is the best of those between 0 and 40.
const SMALL: &str = "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none -Cllvm-args=-inline-threshold=20";

/// Where to look: the toolchain that runs us, and the system's if it is another one.
fn sysroots() -> Vec<PathBuf> {
    let mut sysroots = vec![active_sysroot()];
    let system = PathBuf::from("/usr");
    if !sysroots.contains(&system) && is_recent(&system) {
        sysroots.push(system);
    }
    sysroots
}

/// The root of the toolchain that runs us.
fn active_sysroot() -> PathBuf {
    let cargo = PathBuf::from(workspace::cargo_path());
    let beside = cargo
        .parent()
        .filter(|bin| bin.join("rustc").exists())
        .and_then(Path::parent);
    beside
        .map(Path::to_owned)
        .or_else(|| printed_sysroot(Path::new("rustc")))
        .unwrap_or_else(|| "/usr".into())
}

fn printed_sysroot(rustc: &Path) -> Option<PathBuf> {
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().into())
}

/// Whether the compiler there is new enough for this workspace.
fn is_recent(sysroot: &Path) -> bool {
    let rustc = Command::new(sysroot.join("bin/rustc"))
        .arg("--version")
        .env_remove("LD_LIBRARY_PATH")
        .output();
    let Ok(output) = rustc else { return false };
    let version = String::from_utf8_lossy(&output.stdout)
        .split(' ')
        .nth(1)
        .map(minor)
        .unwrap_or_default();
    sysroot.join("bin/cargo").exists() && version >= minor(env!("CARGO_PKG_RUST_VERSION"))
}

/// The `95` of `1.95.0`.
fn minor(version: &str) -> u32 {
    version
        .split('.')
        .nth(1)
        .and_then(|minor| minor.parse().ok())
        .unwrap_or_default()
}

fn has_std(sysroot: &Path) -> bool {
    let Ok(libraries) = fs::read_dir(sysroot.join("lib/rustlib").join(TARGET).join("lib")) else {
        return false;
    };
    libraries
        .flatten()
        .any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
}

fn has_source(sysroot: &Path) -> bool {
    sysroot
        .join("lib/rustlib/src/rust/library/std/Cargo.toml")
        .exists()
}

/// The linker to name: `Some(None)` if the compiler brings its own, `None` if there is none at all.
fn linker(sysroot: &Path) -> Option<Option<PathBuf>> {
    if bundled_linker(sysroot).is_some() {
        return Some(None);
    }
    const NAMES: [&str; 2] = ["rust-lld", "wasm-ld"];
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = [PathBuf::from("/usr/bin")]
        .into_iter()
        .chain(env::split_paths(&path))
        .collect();
    let mut on_path = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = on_path.find(|file| file.exists());
    found
        .or_else(versioned_linker)
        .or_else(|| bundled_linker(&active_sysroot()))
        .map(Some)
}

/// The linker that rustup installs with a compiler, for whichever host.
fn bundled_linker(sysroot: &Path) -> Option<PathBuf> {
    let hosts = fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    hosts
        .flatten()
        .map(|host| host.path().join("bin/rust-lld"))
        .find(|file| file.exists())
}

/// Debian's `wasm-ld-19` and the like.
fn versioned_linker() -> Option<PathBuf> {
    let files = fs::read_dir("/usr/bin")
        .ok()?
        .flatten()
        .map(|file| file.path());
    files
        .filter(|file| {
            file.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("wasm-ld-"))
        })
        .max()
}

/// Lets rustup add the target to the toolchain that runs us. False if there is no rustup, or it cannot (offline, say).
fn add_with_rustup() -> bool {
    let Some(toolchain) = env::var_os("RUSTUP_TOOLCHAIN") else {
        return false;
    };
    eprintln!("      rustup target add {TARGET}");
    let mut rustup = Command::new("rustup");
    rustup
        .args(["target", "add", TARGET, "--toolchain"])
        .arg(toolchain);
    rustup
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .env_remove("LD_LIBRARY_PATH");
    process::succeeds(&mut rustup, Duration::from_secs(90))
}

/// Installs Debian's build of Rust for the web beside whatever runs us, and a linker. False if this is not Debian, or we may
/// not.
fn install_from_debian() -> bool {
    if !is_debian() || !is_root() {
        return false;
    }
    eprintln!(
        "      apt-get update && apt-get install -y {}",
        DEBIAN_PACKAGES.join(" ")
    );
    if !apt_get(&["update"]) || !apt_get(&[&INSTALL, DEBIAN_PACKAGES.as_slice()].concat()) {
        return false;
    }
    let has_linker = sysroots().iter().any(|sysroot| linker(sysroot).is_some());
    has_linker || apt_get(&[&INSTALL, [debian_linker().as_str()].as_slice()].concat())
}

/// Installs packages of Debian's. False if this is not Debian, or we may not.
pub(crate) fn install(packages: &[&str]) -> bool {
    is_debian() && apt_get(&["update"]) && apt_get(&[&INSTALL, packages].concat())
}

/// Runs apt-get, through sudo where that asks for no password.
fn apt_get(arguments: &[&str]) -> bool {
    let mut apt = if is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "apt-get"]);
        sudo
    };
    apt.args(["-q", "-o", "DPkg::Lock::Timeout=120"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    apt.stdin(Stdio::null())
        .stdout(Stdio::null())
        .env_remove("LD_LIBRARY_PATH");
    process::succeeds(&mut apt, Duration::from_secs(600))
}

/// The package of the linker that belongs to the system's compiler: `lld-22` for one that uses LLVM 22.
fn debian_linker() -> String {
    let rustc = Command::new("/usr/bin/rustc")
        .arg("-vV")
        .env_remove("LD_LIBRARY_PATH")
        .output();
    let version = rustc
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let llvm = version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: ")?.split('.').next());
    llvm.map_or_else(|| "lld".to_owned(), |major| format!("lld-{major}"))
}

fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

/// Says exactly what is missing, and what to do about it.
fn how_to_install() -> String {
    let sysroots = sysroots();
    if sysroots
        .iter()
        .any(|sysroot| has_std(sysroot) || has_source(sysroot))
    {
        let package = debian_linker();
        return format!(
            "cannot build for WebAssembly: no linker, neither rust-lld nor wasm-ld.\n\
             On Debian: sudo apt-get install -y {package}\n\
             Elsewhere: LLVM's lld, from your distribution. Then run the same command again."
        );
    }
    let debian = DEBIAN_PACKAGES.join(" ");
    let debian = if is_debian() {
        format!("  sudo apt-get update && sudo apt-get install -y {debian}\n")
    } else {
        String::new()
    };
    format!(
        "cannot build for WebAssembly: no standard library for {TARGET} in {}. One of these helps:\n  \
         rustup target add {TARGET}\n\
         {debian}  \
         your distribution's package of Rust's sources (rust-src) or of its {TARGET} library, for Rust {} or newer\n\
         Then run the same command again.",
        active_sysroot().display(),
        env!("CARGO_PKG_RUST_VERSION"),
    )
}

/// A recent Rust with its sources, kept up to date within Debian's releases.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
const INSTALL: [&str; 3] = ["install", "-y", "--no-install-recommends"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_version_is_the_second_number() {
        assert_eq!(minor("1.95"), 95);
        assert_eq!(minor("1.96.0-nightly"), 96);
        assert_eq!(minor("unknown"), 0);
    }
}
