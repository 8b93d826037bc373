//! Kernel modules that a scenario asks for, with those they depend on.

use std::fs;
use std::path::{Path, PathBuf};

use object::LittleEndian;
use object::elf;
use object::read::elf::{FileHeader, SectionHeader};

use crate::error::MachineError;

/// Paths of the modules `wanted` and of what they depend on, in an order in which they can be loaded.
///
/// # Errors
/// A module that is not below `folder`, or cannot be read.
pub(crate) fn in_order(folder: &Path, wanted: &[String]) -> Result<Vec<PathBuf>, MachineError> {
    let mut files = Vec::new();
    if !wanted.is_empty() {
        collect(folder, &mut files)?;
    }
    let mut order = Vec::new();
    for module in wanted {
        add(module, folder, &files, &mut order)?;
    }
    Ok(order)
}

fn add(module: &str, folder: &Path, files: &[PathBuf], order: &mut Vec<PathBuf>) -> Result<(), MachineError> {
    let path = files.iter().find(|path| name(path) == module.replace('-', "_")).ok_or_else(|| {
        MachineError::MissingModule { module: module.to_owned(), folder: folder.to_owned() }
    })?;
    if order.contains(path) {
        return Ok(());
    }
    let bytes = fs::read(path).map_err(MachineError::io("read", path))?;
    let dependencies = dependencies(&bytes)
        .map_err(|error| MachineError::Program { path: path.to_owned(), detail: error.to_string() })?;
    for dependency in dependencies {
        add(&dependency, folder, files, order)?;
    }
    order.push(path.clone());
    Ok(())
}

/// A module's name is its file's, with underscores.
fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().replace('-', "_")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), MachineError> {
    for entry in fs::read_dir(folder).map_err(MachineError::io("list", folder))?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "ko") {
            files.push(path);
        }
    }
    Ok(())
}

/// What the module's own section `.modinfo` says under `depends`.
fn dependencies(module: &[u8]) -> object::Result<Vec<String>> {
    let header = elf::FileHeader64::<LittleEndian>::parse(module)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, module)?;
    let Some((_, section)) = sections.section_by_name(endian, b".modinfo") else {
        return Ok(Vec::new());
    };
    let facts = section.data(endian, module)?.split(|byte| *byte == 0);
    let depends = facts.filter_map(|fact| fact.strip_prefix(b"depends=")).map(String::from_utf8_lossy);
    Ok(depends
        .flat_map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>())
        .filter(|name| !name.is_empty())
        .collect())
}
