//! Whether a file is a library that Mesos can load our modules from.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use object::{Architecture, BinaryFormat, Object, ObjectKind, ObjectSymbol, ReadCache};

/// Names of the modules, which are symbols of the library.
pub(crate) const MODULES: [&str; 4] = [
    "org_apportion_Allocator",
    "org_apportion_Hook",
    "org_apportion_Isolator",
    "org_apportion_QoSController",
];

/// Why a library cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LibraryError {
    /// It cannot be read.
    #[error(
        "the library {} cannot be read: {error}; build it with `cargo build --release` and name target/release/libapportion.so",
        path.display()
    )]
    Unreadable {
        /// The library.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is a folder, a pipe or the like.
    #[error("the library {} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// It is not an ELF file, or a damaged one.
    #[error("{} is not an ELF shared object: {detail}", path.display())]
    NotElf {
        /// The library.
        path: PathBuf,
        /// What it is instead.
        detail: String,
    },
    /// An ELF shared object that is another one.
    #[error(
        "{} is a shared object, but not this module library: it lacks the symbols {}",
        path.display(),
        missing.join(", ")
    )]
    NoModules {
        /// The library.
        path: PathBuf,
        /// Module symbols that are not there.
        missing: Vec<&'static str>,
    },
}

/// Checks that a file is an ELF shared object with all module symbols; gives remarks that do not hinder.
pub(crate) fn check(path: &Path) -> Result<Vec<String>, LibraryError> {
    let unreadable = |error| LibraryError::Unreadable { path: path.to_owned(), error };
    // Looked at before it is opened: opening a pipe would wait for its other end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(LibraryError::NotAFile(path.to_owned()));
    }
    let file = ReadCache::new(File::open(path).map_err(unreadable)?);
    let not_elf = |detail: String| LibraryError::NotElf { path: path.to_owned(), detail };
    let object = object::File::parse(&file).map_err(|error| not_elf(error.to_string().to_lowercase()))?;
    if object.format() != BinaryFormat::Elf {
        return Err(not_elf(format!("it is of the format {:?}", object.format())));
    }
    if object.kind() != ObjectKind::Dynamic {
        return Err(not_elf(format!("it is an ELF file of the kind {:?}", object.kind())));
    }
    let exported = |name: &&'static str| {
        object.dynamic_symbols().any(|symbol| symbol.is_definition() && symbol.name() == Ok(*name))
    };
    let missing: Vec<_> = MODULES.iter().copied().filter(|name| !exported(name)).collect();
    if !missing.is_empty() {
        return Err(LibraryError::NoModules { path: path.to_owned(), missing });
    }
    let mut remarks = Vec::new();
    if object.architecture() != Architecture::X86_64 {
        remarks.push(format!(
            "{} is built for {:?}; the published Mesos 1.11.0 is built for x86_64",
            path.display(),
            object.architecture()
        ));
    }
    Ok(remarks)
}
