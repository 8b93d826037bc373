//! The launcher program: compiled from the C++ sources in `launcher/`, kept in the cache.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cache::{Cache, CacheLock, content_sum, write_file};
use crate::error::RigError;
use crate::program::{self, Wanted};

/// Name of the program.
pub(crate) const PROGRAM: &str = "rig-launcher";
/// Name of the file beside it that lists the libraries it loads.
pub(crate) const LIBRARIES: &str = "rig-launcher.libraries";
const COMPILE_LIMIT: Duration = Duration::from_secs(1200);

macro_rules! sources {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!(concat!("../launcher/", $name)))),+] };
}

/// Every source file, part of this crate, so that a built test needs no source tree.
const SOURCES: [(&str, &str); 15] = sources![
    "agent.cpp",
    "containerizer.cpp",
    "host.cpp",
    "host.hpp",
    "layout.hpp",
    "library.cpp",
    "main.cpp",
    "master.cpp",
    "modes.hpp",
    "options.cpp",
    "options.hpp",
    "stop.cpp",
    "stop.hpp",
    "switchboard.cpp",
    "symbols.hpp",
];

/// How the launcher is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Optimised, for masters and agents.
    Plain,
    /// With the address and undefined-behaviour sanitizers, for [`crate::Rig::command_loading`]: a sanitized
    /// library can only be loaded into a sanitized program.
    Sanitized,
}

impl Variant {
    fn flags(self) -> &'static [&'static str] {
        match self {
            Variant::Plain => &["-O1"],
            Variant::Sanitized => &[
                "-O1",
                "-g",
                "-fno-omit-frame-pointer",
                "-fsanitize=address,undefined",
                "-fno-sanitize-recover=undefined",
            ],
        }
    }
}

/// Path of the launcher, compiled when it is not in the cache. It loads `libraries` in their order.
///
/// # Errors
/// A missing or failing C++ compiler.
pub(crate) fn provide(
    cache: &Cache,
    lock: &CacheLock,
    variant: Variant,
    libraries: &[PathBuf],
    compiler: &OsStr,
    search_path: &OsStr,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, RigError> {
    let list = list(libraries);
    let mut parts: Vec<&[u8]> = vec![compiler.as_encoded_bytes(), list.as_bytes()];
    parts.extend(variant.flags().iter().map(|flag| flag.as_bytes()));
    parts.extend(SOURCES.iter().flat_map(|(name, text)| [name.as_bytes(), text.as_bytes()]));
    let sum = content_sum(parts);

    let folder = cache.entry(&format!("launcher-{}", &sum[..16]), lock, |folder| {
        progress("compiling the launcher");
        for (name, text) in SOURCES {
            write_file(&folder.join(name), text)?;
        }
        write_file(&folder.join(LIBRARIES), &list)?;
        compile(folder, variant, compiler, search_path)
    })?;
    Ok(folder.join(PROGRAM))
}

/// Text of the file that lists the libraries.
pub(crate) fn list(libraries: &[PathBuf]) -> String {
    libraries.iter().map(|path| format!("{}\n", path.display())).collect()
}

fn compile(folder: &Path, variant: Variant, compiler: &OsStr, search_path: &OsStr) -> Result<(), RigError> {
    let compiler = program::find(
        &Wanted { program: compiler, purpose: "compile the launcher", cure: "apt-get install g++" },
        search_path,
    )?;
    let mut arguments: Vec<OsString> =
        ["-std=c++17", "-Wall", "-Wextra", "-Werror"].map(OsString::from).into();
    arguments.extend(variant.flags().iter().map(OsString::from));
    arguments.extend([OsString::from("-o"), folder.join(PROGRAM).into()]);
    let units = SOURCES.iter().filter(|(name, _)| name.ends_with(".cpp"));
    arguments.extend(units.map(|(name, _)| folder.join(name).into()));
    arguments.extend(["-ldl", "-pthread"].map(OsString::from));
    program::compile(&compiler, &arguments, search_path, COMPILE_LIMIT)
}

/// Compiles a library that the launcher of that variant can load, with a compiler found in a search path.
pub(crate) fn compile_library(
    (variant, optimisation): (Variant, &str),
    sources: &[PathBuf],
    folders: &[&Path],
    library: &Path,
    (compiler, search_path): (&OsStr, &OsStr),
) -> Result<(), RigError> {
    let wanted =
        Wanted { program: compiler, purpose: "compile a test's driver", cure: "apt-get install g++" };
    let compiler = program::find(&wanted, search_path)?;
    let mut arguments: Vec<OsString> =
        ["-std=c++17", "-g", optimisation, "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
            .map(OsString::from)
            .into();
    if variant == Variant::Sanitized {
        arguments.extend(["-fsanitize=address,undefined", "-fno-sanitize=vptr"].map(OsString::from));
    }
    for folder in folders {
        arguments.extend([OsString::from("-I"), folder.into()]);
    }
    arguments.extend([OsString::from("-o"), library.into()]);
    arguments.extend(sources.iter().map(OsString::from));
    program::compile(&compiler, &arguments, search_path, COMPILE_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_launcher_source_is_compiled_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("launcher");
        let mut found: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(found, SOURCES.map(|(name, _)| name));
    }
}
