//! Checks of the package as it is published: the tarball, its types, its size, and whether it loads.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::js::runtimes::Runtime;
use crate::js::sizes::{self, Size};
use crate::js::{Package, folder, run_tool, tools};
use crate::node::{self, missing};
use crate::tally::Tally;
use crate::test::Missing;
use crate::workspace;

/// Runs them all.
pub(crate) fn run(package: &Package) -> Result<Tally> {
    let consumer = Consumer::install(&package.tarball)?;
    let mut tally = Tally::default();
    tally += verdict("the same files make the same tarball", packs_alike(package));
    tally += verdict("nothing tells of this machine", tells_nothing(package));
    tally += verdict("publint", publint(package));
    for (environment, options) in ENVIRONMENTS {
        for module in ["nodenext", "bundler"] {
            let what = format!("tsc for {environment}, resolving like {module}");
            tally += verdict(&what, consumer.compile(module, options));
        }
    }
    tally += verdict("deno check", consumer.deno_check());
    for size in sizes::measure(&package.folder)? {
        tally += verdict(&size.to_string(), is_small(&size));
    }
    for (runtime, arguments) in LOADS {
        let what = format!("{} {}", runtime.name(), arguments.join(" "));
        tally += verdict(&what, consumer.load(runtime, arguments));
    }
    tally += verdict("Bun loads it from an executable", consumer.load_compiled());
    Ok(tally)
}

/// Says how a check went.
fn verdict(what: &str, outcome: Result<()>) -> Tally {
    match outcome {
        Ok(()) => {
            println!("ok {what}");
            Tally::of(true)
        }
        Err(error) if error.is::<Missing>() && !crate::test::is_ci() => {
            println!("skip {what}: {error:#}");
            Tally {
                skipped: 1,
                ..Tally::default()
            }
        }
        Err(error) => {
            println!("not ok {what}: {error:#}");
            Tally::of(false)
        }
    }
}

fn packs_alike(package: &Package) -> Result<()> {
    let again = folder().join("again");
    if again.exists() {
        fs::remove_dir_all(&again)?;
    }
    let again = package.files.pack(&again.join("sockeye"))?;
    if Sha256::digest(fs::read(&again)?) != Sha256::digest(fs::read(&package.tarball)?) {
        bail!("{} is another one", again.display());
    }
    Ok(())
}

/// Looks for the paths that a compiler may leave behind.
fn tells_nothing(package: &Package) -> Result<()> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let folders = [
        Some(workspace::root().join("crates")),
        Some(workspace::target().join("wasm")),
        home.map(|home| home.join("registry")),
        Some(PathBuf::from("/lib/rustlib/src")),
    ];
    for folder in folders.into_iter().flatten() {
        let folder = folder.as_os_str().as_encoded_bytes();
        for (name, content) in package.files.iter() {
            if content.windows(folder.len()).any(|part| part == folder) {
                bail!("{name} names {}", String::from_utf8_lossy(folder));
            }
        }
    }
    Ok(())
}

fn publint(package: &Package) -> Result<()> {
    let mut command = Command::new(node::node()?);
    command.args(["node_modules/publint/src/cli.js", "run", "--strict"]);
    run_tool(command.arg(&package.tarball))?;
    Ok(())
}

/// Whether what a user has to load is within its bar.
fn is_small(size: &Size) -> Result<()> {
    let (bytes, bar) = match size.name.as_str() {
        "sockeye.wasm" => (size.brotli, 45 << 10),
        "sockeye-plain.wasm" => (size.brotli, 30 << 10),
        "glue and adapters" | "only an Upgrader" => (size.gzip, 12 << 10),
        // Servers load it from their disk.
        "sockeye-server.wasm" => return Ok(()),
        // With everything in it; what an application does not use, its bundler leaves out.
        _ => (size.gzip, 20 << 10),
    };
    if bytes > bar {
        bail!("more than {bar}");
    }
    Ok(())
}

/// A project that depends on the package.
struct Consumer {
    folder: PathBuf,
}

impl Consumer {
    /// Installs the tarball as npm would, beside the types of the platforms.
    fn install(tarball: &Path) -> Result<Self> {
        let folder = folder().join("consumer");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let packages = folder.join("node_modules");
        fs::create_dir_all(packages.join("sockeye"))?;
        let mut tar = Command::new("tar");
        tar.args(["--strip-components=1", "--extract", "--gzip", "--file"]);
        tar.arg(tarball).arg("--directory");
        run_tool(tar.arg(packages.join("sockeye")))?;
        for name in ["@types", "@cloudflare", "undici-types"] {
            let types = tools().join("node_modules").join(name);
            std::os::unix::fs::symlink(types, packages.join(name))?;
        }
        fs::write(folder.join("package.json"), "{ \"type\": \"module\" }\n")?;
        for file in ["consumer.ts", "exports.mjs", "load.mjs", "load.cjs"] {
            fs::copy(tools().join("package").join(file), folder.join(file)).context(file)?;
        }
        Ok(Self { folder })
    }

    /// Type-checks with settings that hide nothing.
    fn compile(&self, module: &str, options: &[&str]) -> Result<()> {
        let mut tsc = Command::new(node::node()?);
        tsc.args(["node_modules/typescript/bin/tsc", "--noEmit", "--strict"]);
        tsc.args(["--exactOptionalPropertyTypes", "--skipLibCheck", "false"]);
        tsc.args(["--target", "es2022", "--moduleResolution", module]);
        let is_bundler = module == "bundler";
        tsc.args(["--module", if is_bundler { "esnext" } else { module }]);
        run_tool(tsc.args(options).arg(self.folder.join("consumer.ts")))?;
        Ok(())
    }

    fn deno_check(&self) -> Result<()> {
        let mut deno = self.command(Runtime::Deno)?;
        run_tool(deno.args(["check", "--no-lock", "consumer.ts"]))?;
        Ok(())
    }

    /// Loads the package with no more rights than a runtime gives by itself.
    fn load(&self, runtime: Runtime, arguments: &[&str]) -> Result<()> {
        let mut command = self.command(runtime)?;
        if arguments == ["load.cjs"]
            && !node::quietly(self.command(runtime)?.args(["-e", REQUIRES]))
        {
            return Err(missing("Node.js 20.19 or newer"));
        }
        run_tool(command.args(arguments))?;
        Ok(())
    }

    /// Loads the package in an executable, with the package away.
    fn load_compiled(&self) -> Result<()> {
        let program = folder().join("load-compiled");
        let mut bun = self.command(Runtime::Bun)?;
        bun.args(["build", "--compile", "load.mjs", "--outfile"]);
        run_tool(bun.arg(&program))?;
        let packages = self.folder.join("node_modules");
        let away = self.folder.join("away");
        fs::rename(&packages, &away)?;
        let outcome = run_tool(&mut Command::new(program));
        fs::rename(away, packages)?;
        outcome?;
        Ok(())
    }

    fn command(&self, runtime: Runtime) -> Result<Command> {
        let mut command = Command::new(runtime.program()?);
        command
            .current_dir(&self.folder)
            .env("DENO_DIR", folder().join("deno"))
            .env("DENO_NO_UPDATE_CHECK", "1")
            .env("NO_COLOR", "1");
        Ok(command)
    }
}

/// Where the package is used, and what declares the platform there.
const ENVIRONMENTS: [(&str, &[&str]); 3] = [
    ("servers", &["--lib", "es2024", "--types", "node"]),
    (
        "browsers",
        &["--lib", "es2024,dom,dom.iterable,dom.asynciterable"],
    ),
    (
        "workers",
        &[
            "--lib",
            "es2024",
            "--types",
            "@cloudflare/workers-types",
            "--customConditions",
            "workerd",
        ],
    ),
];
const LOADS: [(Runtime, &[&str]); 7] = [
    (Runtime::SystemNode, &["exports.mjs"]),
    (Runtime::SystemNode, &["load.mjs"]),
    (Runtime::SystemNode, &["load.cjs"]),
    (Runtime::Node, &["load.mjs"]),
    (Runtime::Node, &["load.cjs"]),
    (Runtime::Deno, &["run", "--no-prompt", "load.mjs"]),
    (Runtime::Bun, &["load.mjs"]),
];
/// Tells by its exit status whether Node.js can require modules.
const REQUIRES: &str = "process.exit(process.features.require_module ? 0 : 1)";
