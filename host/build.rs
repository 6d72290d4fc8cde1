//! Embeds the component: `$SOCKEYE_COMPONENT` if set, else what `cargo xtask build` left in the target directory, else none.

use std::{env, fs, path::PathBuf};

fn main() {
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
        None => PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
            .join("../target/component/endpoint.wasm"),
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
