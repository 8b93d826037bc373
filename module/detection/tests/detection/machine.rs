//! Trees of machines, unpacked from one file each.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use apportion_detection::Host;

/// A tree that is gone when the test is.
#[derive(Debug)]
pub(crate) struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    /// A tree with nothing in it.
    pub(crate) fn empty() -> Machine {
        Machine { folder: tempfile::tempdir().unwrap() }
    }

    /// The tree of `tests/machines/<name>.txt`.
    pub(crate) fn named(name: &str) -> Machine {
        let listing = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/machines/{name}.txt"));
        let machine = Machine::empty();
        let mut texts: BTreeMap<PathBuf, String> = BTreeMap::new();
        let mut current = None;
        for line in fs::read_to_string(listing).unwrap().lines() {
            if let Some(text) = line.strip_prefix('|') {
                let of: &PathBuf = current.as_ref().unwrap();
                let text = text.strip_prefix(' ').unwrap_or(text);
                *texts.entry(of.clone()).or_default() += &format!("{text}\n");
            } else if let Some(path) = line.strip_prefix("file ") {
                current = Some(machine.place(path));
                texts.insert(machine.place(path), String::new());
            } else if let Some(path) = line.strip_prefix("folder ") {
                fs::create_dir_all(machine.place(path)).unwrap();
            } else if let Some(link) = line.strip_prefix("link ") {
                let (path, target) = link.split_once(" -> ").unwrap();
                machine.link(path, target);
            } else {
                assert!(line.is_empty() || line.starts_with('#'), "{name}: {line}");
            }
        }
        for (place, text) in texts {
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        machine
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Where a path of the tree is.
    pub(crate) fn place(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        self.make_room(path);
        fs::write(self.place(path), text).unwrap();
    }

    pub(crate) fn link(&self, path: &str, target: impl AsRef<Path>) {
        self.make_room(path);
        symlink(target, self.place(path)).unwrap();
    }

    pub(crate) fn folder(&self, path: &str) {
        self.make_room(path);
        fs::create_dir_all(self.place(path)).unwrap();
    }

    pub(crate) fn pipe(&self, path: &str) {
        self.make_room(path);
        rustix::fs::mkfifoat(rustix::fs::CWD, self.place(path), rustix::fs::Mode::RUSR).unwrap();
    }

    /// Takes away what is at a path and makes the folders above it.
    fn make_room(&self, path: &str) {
        let place = self.place(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        if place.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            fs::remove_dir_all(place).unwrap();
        } else {
            let _ = fs::remove_file(place);
        }
    }

    pub(crate) fn detect(&self) -> Host {
        Host::detect(self.root())
    }
}
