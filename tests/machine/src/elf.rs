//! Shared libraries that programs need: read from the programs themselves, found where this machine's loader finds them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use object::elf;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, ReadCache};

use crate::error::MachineError;
use crate::tree::{Content, Tree};

/// Folders that the loader looks into at last, in its order.
const FOLDERS: [&str; 6] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
/// More folders, one on a line, in files of this one.
const CONFIGURED: &str = "/etc/ld.so.conf.d";
/// Where the loader remembers what is in all these folders.
const REMEMBERED: &str = "/etc/ld.so.cache";

/// What a program or library asks the loader for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Needs {
    /// Path of the loader; libraries have none.
    loader: Option<String>,
    /// Names of libraries.
    libraries: Vec<String>,
}

/// Reads what a file needs; nothing when it is no program, as a script.
fn needs(path: &Path) -> Result<Needs, MachineError> {
    let file = File::open(path).map_err(MachineError::io("open", path))?;
    let data = ReadCache::new(file);
    let magic = elf::ELFMAG;
    if object::ReadRef::read_bytes_at(&data, 0, 4).is_ok_and(|start| start != magic) {
        return Ok(Needs::default());
    }
    read(&data).map_err(|error| MachineError::Program { path: path.to_owned(), detail: error.to_string() })
}

fn read(data: &ReadCache<File>) -> object::Result<Needs> {
    let header = elf::FileHeader64::<LittleEndian>::parse(data)?;
    let endian = header.endian()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut needs = Needs::default();
    for segment in header.program_headers(endian, data)? {
        if let Some(loader) = segment.interpreter(endian, data)? {
            needs.loader = Some(text(loader));
        }
    }
    let dynamic = header.sections(endian, data)?.dynamic_table(endian, data)?;
    for entry in dynamic.iter().filter(|entry| entry.tag == elf::DT_NEEDED) {
        needs.libraries.push(text(dynamic.string(entry)?));
    }
    Ok(needs)
}

/// Where libraries are looked for.
#[derive(Debug)]
pub(crate) struct Libraries {
    folders: Vec<PathBuf>,
}

impl Libraries {
    /// The folders of this machine's loader.
    pub(crate) fn of_this_machine() -> Libraries {
        let mut files: Vec<PathBuf> =
            fs::read_dir(CONFIGURED).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        files.sort();
        let configured = files.iter().filter_map(|file| fs::read_to_string(file).ok());
        let mut folders: Vec<PathBuf> = configured
            .flat_map(|text| text.lines().map(str::trim).map(PathBuf::from).collect::<Vec<_>>())
            .filter(|folder| folder.is_absolute())
            .collect();
        folders.extend(FOLDERS.map(PathBuf::from));
        Libraries { folders }
    }

    /// Adds what the copied `programs` need, and what that needs, under the paths they have here. A library that
    /// the tree already holds under its name, wherever, is taken to be loaded by somebody else: so are the rig's
    /// stand-ins.
    ///
    /// # Errors
    /// A library that is nowhere, a file that cannot be read.
    pub(crate) fn add(&self, tree: &mut Tree, programs: &[PathBuf]) -> Result<(), MachineError> {
        let loaded: Vec<String> = programs.iter().filter_map(|path| name(path)).collect();
        let mut waiting = programs.to_vec();
        while let Some(path) = waiting.pop() {
            let needs = needs(&path)?;
            let mut found: Vec<PathBuf> = needs.loader.into_iter().map(PathBuf::from).collect();
            for library in needs.libraries.into_iter().filter(|library| !loaded.contains(library)) {
                found.push(self.find(library, &path)?);
            }
            for library in found {
                if !tree.holds(&library) {
                    tree.file(&library, Content::Copy(library.clone()));
                    waiting.push(library);
                }
            }
        }
        let remembered = Path::new(REMEMBERED);
        if remembered.is_file() {
            tree.file(remembered, Content::Copy(remembered.to_owned()));
        }
        Ok(())
    }

    fn find(&self, library: String, wanted_by: &Path) -> Result<PathBuf, MachineError> {
        let mut candidates = self.folders.iter().map(|folder| folder.join(&library));
        candidates.find(|path| path.is_file()).ok_or_else(|| MachineError::MissingLibrary {
            library,
            wanted_by: wanted_by.to_owned(),
            folders: self
                .folders
                .iter()
                .map(|folder| folder.to_string_lossy())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}

fn name(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_program_needs_a_loader_and_the_c_library() {
        let needs = needs(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!(needs.loader.as_deref(), Some("/lib64/ld-linux-x86-64.so.2"));
        assert!(needs.libraries.contains(&"libc.so.6".to_owned()), "{needs:?}");
    }

    #[test]
    fn script_needs_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "#!/bin/sh\nexit 0\n").unwrap();
        assert_eq!(needs(file.path()).unwrap(), Needs::default());
    }

    #[test]
    fn truncated_program_is_refused_by_its_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"\x7fELF\x02\x01\x01").unwrap();
        let error = needs(file.path()).unwrap_err();
        assert!(matches!(&error, MachineError::Program { path, .. } if path == file.path()), "{error}");
    }

    #[test]
    fn libraries_of_libraries_come_along() {
        let mut tree = Tree::default();
        Libraries::of_this_machine().add(&mut tree, &[std::env::current_exe().unwrap()]).unwrap();
        assert!(tree.holds(Path::new("/lib64/ld-linux-x86-64.so.2")));
        assert!(FOLDERS.iter().any(|folder| tree.holds(&Path::new(folder).join("libc.so.6"))), "{tree:?}");
    }

    #[test]
    fn library_that_is_nowhere_is_named_with_who_wants_it() {
        let libraries = Libraries { folders: vec![PathBuf::from("/nowhere")] };
        let program = std::env::current_exe().unwrap();
        let error =
            libraries.add(&mut Tree::default(), std::slice::from_ref(&program)).unwrap_err().to_string();
        assert!(error.contains("/nowhere") && error.contains(program.to_str().unwrap()), "{error}");
    }
}
