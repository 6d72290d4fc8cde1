//! What is run.

use std::{
    borrow::Cow,
    env,
    ffi::{OsStr, OsString},
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, bail};

/// A program that exists, and its arguments. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(super) path: Arc<Path>,
    /// Its own name for itself, then its arguments.
    pub(super) arguments: Arc<[OsString]>,
}

impl Program {
    /// Finds the program that the first word names: a path, or a name to look up in `$PATH`.
    ///
    /// # Errors
    ///
    /// There is no such program, or it may not be run.
    pub(crate) fn find(words: &[OsString]) -> Result<Self> {
        let Some(name) = words.first() else {
            bail!("no command is given");
        };
        let path = if name.as_encoded_bytes().contains(&b'/') {
            let path = PathBuf::from(name);
            if !path.exists() {
                bail!("there is no {}", path.display());
            }
            if !is_executable(&path) {
                bail!("{} is not an executable file", path.display());
            }
            path
        } else {
            match search(name, env::var_os("PATH").as_deref()) {
                Some(path) => path,
                None => bail!("no directory of $PATH has a program {}", name.display()),
            }
        };
        Ok(Self {
            path: path.into(),
            arguments: words.into(),
        })
    }

    /// What it is called, without its directory and arguments.
    pub(super) fn name(&self) -> Cow<'_, str> {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy()
    }
}

fn search(name: &OsStr, path: Option<&OsStr>) -> Option<PathBuf> {
    env::split_paths(path?)
        .map(|directory| directory.join(name))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Result<Program, String> {
        Program::find(&[name.into()]).map_err(|error| error.to_string())
    }

    #[test]
    fn program_is_found_by_name_and_by_path() {
        let sh = find("sh").expect("there is a shell");
        assert!(sh.path.ends_with("sh") && sh.path.is_absolute(), "{sh:?}");
        assert_eq!(
            &*find("/bin/sh").expect("there is").path,
            Path::new("/bin/sh")
        );
    }

    #[test]
    fn what_cannot_be_run_is_named() {
        assert_eq!(
            find("no-such-program").expect_err("it is not there"),
            "no directory of $PATH has a program no-such-program"
        );
        assert_eq!(
            find("/no/such").expect_err("it is not there"),
            "there is no /no/such"
        );
        assert_eq!(
            find("/etc/passwd").expect_err("it is data"),
            "/etc/passwd is not an executable file"
        );
        assert_eq!(
            Program::find(&[])
                .expect_err("nothing is given")
                .to_string(),
            "no command is given"
        );
    }
}
