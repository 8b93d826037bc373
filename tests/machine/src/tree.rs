//! The files of a machine, and their archive: the `newc` format, which the kernel unpacks into the root folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cpio::newc::{Builder, ModeFileType, Reader, trailer};

use crate::error::MachineError;

/// Where a file's content comes from.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// A file of this machine; its permissions are kept.
    Copy(PathBuf),
    /// These bytes.
    Bytes(Vec<u8>),
}

#[derive(Debug, Clone)]
enum Node {
    Folder,
    File(Content),
    Link(PathBuf),
}

/// Files by their absolute paths in the machine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    /// In the order of paths, so that folders come before what is in them.
    nodes: BTreeMap<PathBuf, Node>,
}

impl Tree {
    /// Adds an empty folder, with all above it.
    pub(crate) fn folder(&mut self, path: &Path) {
        for folder in path.ancestors().filter(|folder| folder.parent().is_some()) {
            self.nodes.entry(folder.to_owned()).or_insert(Node::Folder);
        }
    }

    /// Adds a file in the place of an earlier one, with all folders above it.
    pub(crate) fn file(&mut self, path: &Path, content: Content) {
        self.put(path, Node::File(content));
    }

    /// Adds a file with this text.
    pub(crate) fn text(&mut self, path: impl AsRef<Path>, text: impl Into<String>) {
        self.file(path.as_ref(), Content::Bytes(text.into().into_bytes()));
    }

    /// Adds a symbolic link.
    pub(crate) fn link(&mut self, path: &Path, target: &Path) {
        self.put(path, Node::Link(target.to_owned()));
    }

    fn put(&mut self, path: &Path, node: Node) {
        if let Some(folder) = path.parent() {
            self.folder(folder);
        }
        self.nodes.insert(path.to_owned(), node);
    }

    /// Whether there is something under this path.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        self.nodes.contains_key(path)
    }

    /// The files of this machine that are copied.
    pub(crate) fn copied(&self) -> Vec<PathBuf> {
        let of_file = |node: &Node| match node {
            Node::File(Content::Copy(from)) => Some(from.clone()),
            _ => None,
        };
        self.nodes.values().filter_map(of_file).collect()
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// A file that cannot be read or has 4 GiB and more, a name that is not UTF-8, a failed write.
    pub(crate) fn write(&self, mut archive: impl Write) -> Result<(), MachineError> {
        for (number, (path, node)) in (1..).zip(&self.nodes) {
            self::write(&mut archive, number, path, node).map_err(|source| match node {
                Node::File(Content::Copy(from)) => MachineError::io("copy into the machine", from)(source),
                _ => MachineError::io("create in the machine", path)(source),
            })?;
        }
        trailer(archive)
            .and_then(|mut archive| archive.flush())
            .map_err(MachineError::io("write the archive of", Path::new("the machine's files")))
    }
}

fn write(mut archive: impl Write, number: u32, path: &Path, node: &Node) -> io::Result<()> {
    let name = path.strip_prefix("/").unwrap_or(path).to_str().ok_or(io::ErrorKind::InvalidFilename)?;
    // Two entries with one number would be two names of one file.
    let entry = Builder::new(name).ino(number).nlink(1);
    let (file_type, permissions, size, mut content): (_, u32, u64, Box<dyn Read + '_>) = match node {
        Node::Folder => {
            // Everybody may write where the system's programs expect it.
            let permissions = if name == "tmp" { 0o1777 } else { 0o755 };
            (ModeFileType::Directory, permissions, 0, Box::new(io::empty()))
        }
        Node::File(Content::Bytes(bytes)) => {
            (ModeFileType::Regular, 0o755, bytes.len().try_into().unwrap_or(u64::MAX), Box::new(&**bytes))
        }
        Node::File(Content::Copy(from)) => {
            let file = File::open(from)?;
            let found = file.metadata()?;
            let permissions = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o7777;
            // A file that grows meanwhile must not spoil the entries after it.
            (ModeFileType::Regular, permissions, found.len(), Box::new(file.take(found.len())))
        }
        Node::Link(target) => {
            let bytes = target.as_os_str().as_encoded_bytes();
            (ModeFileType::Symlink, 0o777, bytes.len().try_into().unwrap_or(u64::MAX), Box::new(bytes))
        }
    };
    let size = u32::try_from(size).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut entry = entry.mode(permissions).set_mode_file_type(file_type).write(&mut archive, size);
    io::copy(&mut content, &mut entry)?;
    entry.finish()?;
    Ok(())
}

/// The files of an archive by their paths, without folders.
///
/// # Errors
/// An archive that is cut off or is none, or holds something twice as large as it says.
pub(crate) fn read(archive: &[u8]) -> io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut left = archive;
    loop {
        let mut entry = Reader::new(left)?;
        if entry.entry().is_trailer() {
            return Ok(files);
        }
        let name = PathBuf::from(entry.entry().name());
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.insert(name, content);
        left = entry.finish()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(tree: &Tree) -> Vec<u8> {
        let mut bytes = Vec::new();
        tree.write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn archive_holds_folders_before_what_is_in_them() {
        let mut tree = Tree::default();
        tree.text("/b/deep/file", "content");
        tree.link(Path::new("/a"), Path::new("b/deep"));
        let found = read(&archive(&tree)).unwrap();
        let names: Vec<_> = found.keys().map(|name| name.to_str().unwrap()).collect();
        assert_eq!(names, ["a", "b", "b/deep", "b/deep/file"]);
        assert_eq!(found[Path::new("b/deep/file")], b"content");
        assert_eq!(found[Path::new("a")], b"b/deep");
    }

    #[test]
    fn archive_that_is_cut_off_is_refused() {
        let mut tree = Tree::default();
        tree.text("/file", "content of some length");
        let bytes = archive(&tree);
        for end in [0, 60, 130, bytes.len() - 20, bytes.len() - 130] {
            assert!(read(&bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
        }
    }

    #[test]
    fn missing_file_is_named() {
        let mut tree = Tree::default();
        tree.file(Path::new("/inside"), Content::Copy(PathBuf::from("/nowhere/file")));
        let text = tree.write(io::sink()).unwrap_err().to_string();
        assert!(text.contains("/nowhere/file"), "{text}");
    }
}
