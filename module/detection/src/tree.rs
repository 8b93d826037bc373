//! Reading below a root without waiting, without limits being passed, and without errors.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// Most of a file that is read, in bytes; what is longer is cut. The list of mounts of an agent with thousands of
/// containers is the largest one.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Most characters of a line.
const LINE_CHARS_MAX: usize = 256;

/// Most entries of a folder that are looked at.
const ENTRIES_MAX: usize = 16_384;

/// A tree of files: the running machine's, or one that looks like it.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
}

impl Tree {
    pub(crate) fn new(root: &Path) -> Tree {
        Tree { root: root.to_owned() }
    }

    /// Whether this is the machine we run on.
    pub(crate) fn is_running_machine(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Where a path of the tree is for the running system.
    pub(crate) fn place(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The path of the tree behind all links, if it is there and stays in the tree.
    pub(crate) fn resolved(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        let real = self.place(path).canonicalize().ok()?;
        let root = self.root.canonicalize().ok()?;
        Some(Path::new("/").join(real.strip_prefix(root).ok()?))
    }

    /// Whether something is there, be it a link that leads nowhere.
    pub(crate) fn has(&self, path: impl AsRef<Path>) -> bool {
        self.place(path).symlink_metadata().is_ok()
    }

    /// The text of a regular file; what is not UTF-8 becomes U+FFFD.
    pub(crate) fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let place = self.place(path);
        // Looked at before it is opened: opening a device can have effects.
        if !place.metadata().ok()?.is_file() {
            return None;
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::from(rustix::fs::open(place, flags, Mode::empty()).ok()?);
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The first line of a file without white space around it; `None` if that is empty.
    pub(crate) fn line(&self, path: impl AsRef<Path>) -> Option<String> {
        self.text(path).as_deref().and_then(|text| one_line(text.lines().next()?))
    }

    /// The names in a folder, sorted; names that are not UTF-8 are left out.
    pub(crate) fn names(&self, folder: impl AsRef<Path>) -> Option<Vec<String>> {
        let entries = self.place(folder).read_dir().ok()?;
        let names = entries.take(ENTRIES_MAX).flatten().map(|entry| entry.file_name().into_string());
        let mut names: Vec<String> = names.flatten().collect();
        names.sort();
        Some(names)
    }

    /// The names in a folder that are `prefix` and a number, for example `node0`.
    pub(crate) fn numbered(&self, folder: impl AsRef<Path>, prefix: &str) -> Option<Vec<String>> {
        let is_number = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        let mut names = self.names(folder)?;
        names.retain(|name| name.strip_prefix(prefix).is_some_and(is_number));
        Some(names)
    }
}

/// A value without white space around it and not too long; `None` if nothing is left.
pub(crate) fn one_line(value: &str) -> Option<String> {
    // Strings of firmware end with a NUL.
    let value = value.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!value.is_empty()).then(|| value.chars().take(LINE_CHARS_MAX).collect())
}
