//! Runs a module of tests, as cargo's runner for `wasm32-unknown-unknown`: `wasm-tests MODULE`.
//!
//! Tests have nowhere to print in there, so that a module counts as one: it ends well, or it traps where a test failed.

use std::process::ExitCode;

use wasmtime::{Engine, Instance, Module, Result, Store};

fn main() -> ExitCode {
    let path = std::env::args_os().nth(1).unwrap_or_default();
    let outcome = match run(path.as_ref()) {
        Ok(0) => Ok(()),
        Ok(status) => Err(format!("it ended with {status}")),
        Err(error) => Err(format!("{error:?}")),
    };
    match outcome {
        Ok(()) => {
            println!("test result: ok. 1 passed; 0 failed; 0 ignored");
            ExitCode::SUCCESS
        }
        Err(why) => {
            println!("{why}\ntest result: FAILED. 0 passed; 1 failed; 0 ignored");
            ExitCode::FAILURE
        }
    }
}

/// Runs all tests of the module at `path`.
fn run(path: &std::path::Path) -> Result<i32> {
    let engine = Engine::default();
    let module = Module::from_file(&engine, path)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    instance
        .get_typed_func::<(i32, i32), i32>(&mut store, "main")?
        .call(&mut store, (0, 0))
}
