//! `cargo xtask generate`: finds the parser that bindgen needs and runs the generator, a package of its own.

use std::path::PathBuf;
use std::process::Command;

use crate::{Failure, target_folder, test};

/// The release of the `libclang` Python package that brings the parser bindgen needs: pinned, so that every machine
/// generates the same text.
const LIBCLANG: &str = "libclang==18.1.1";

/// Writes the generated files, or with `check` compares them.
///
/// # Errors
/// A missing tool, or what the generator's exit code says; it has explained itself.
pub(crate) fn run(check: bool) -> Result<(), Failure> {
    let mut arguments = vec!["run", "--quiet", "--locked", "--package", "apportion-generate", "--"];
    if check {
        arguments.push("--check");
    }
    test::cargo(&arguments, &[("LIBCLANG_PATH", libclang()?.into_os_string())])
}

/// The folder of `libclang.so`: `LIBCLANG_PATH`, or the Python package of that name, installed into the target folder.
fn libclang() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os("LIBCLANG_PATH") {
        return Ok(PathBuf::from(path));
    }
    let folder = target_folder().join("libclang").join(LIBCLANG.replace("==", "-"));
    let library = folder.join("clang/native");
    if library.join("libclang.so").is_file() {
        return Ok(library);
    }
    let status = Command::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--disable-pip-version-check",
            "--root-user-action=ignore",
        ])
        .arg("--target")
        .arg(&folder)
        .arg(LIBCLANG)
        .status()
        .map_err(|error| {
            Failure::new(format!("cannot run python3: {error}\n  install it: apt-get install python3-pip"))
        })?;
    if !status.success() || !library.join("libclang.so").is_file() {
        return Err(Failure::new(format!(
            "pip could not install {LIBCLANG} into {}\n  check `python3 -m pip --version` and the network, or set LIBCLANG_PATH to the folder of libclang.so",
            folder.display()
        )));
    }
    Ok(library)
}
