//! Embeds the component: `$SOCKEYE_COMPONENT` if set, else what `cargo xtask build` left in the target directory, else none. And the page of
//! `sockeye proxy`: `$SOCKEYE_PAGE` if set, else what `cargo xtask page` left there, else none.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() {
    component();
    page();
}

fn component() {
    println!("cargo::rustc-check-cfg=cfg(embedded_component)");
    println!("cargo::rerun-if-env-changed=SOCKEYE_COMPONENT");
    let component = match env::var_os("SOCKEYE_COMPONENT") {
        Some(path) => {
            let path = PathBuf::from(path);
            assert!(
                path.is_file(),
                "SOCKEYE_COMPONENT names {}, which is not a file",
                path.display()
            );
            path
        }
        None => target().join("component/endpoint.wasm"),
    };
    // Also when it is missing: the build that follows its creation has to embed it.
    println!("cargo::rerun-if-changed={}", component.display());
    if component.is_file() {
        let component = fs::canonicalize(&component).expect("the file exists");
        println!("cargo::rustc-cfg=embedded_component");
        println!(
            "cargo::rustc-env=SOCKEYE_COMPONENT_FILE={}",
            component.display()
        );
    }
}

/// Writes what `assets.rs` includes: names and contents.
fn page() {
    println!("cargo::rerun-if-env-changed=SOCKEYE_PAGE");
    let directory = match env::var_os("SOCKEYE_PAGE") {
        Some(path) => {
            let path = PathBuf::from(path);
            assert!(
                path.join("index.html").is_file(),
                "SOCKEYE_PAGE names {}, where there is no index.html",
                path.display()
            );
            path
        }
        None => target().join("page"),
    };
    println!("cargo::rerun-if-changed={}", directory.display());
    let mut files = Vec::new();
    if directory.is_dir() {
        collect(&directory, "", &mut files).expect("the page can be read");
    }
    files.sort();
    let entries: String = files
        .iter()
        .map(|(name, path)| format!("    ({name:?}, include_bytes!({path:?})),\n"))
        .collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("page.rs");
    fs::write(out, format!("&[\n{entries}]\n")).expect("the directory is cargo's");
}

/// Finds the files in a directory, whose names begin with `prefix`.
fn collect(directory: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = format!("{prefix}{}", name.to_str().expect("names are ASCII"));
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push((name, fs::canonicalize(entry.path())?));
        }
    }
    Ok(())
}

fn target() -> PathBuf {
    PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../target")
}
