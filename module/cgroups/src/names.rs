//! Names of groups.
//!
//! The folder of a container's group begins with `container-`. The kernel's own files never do, nor does a group that
//! something inside the container makes for itself. So what is ours is known by its name and its place alone.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Begins the folder of every container's group.
const PREFIX: &[u8] = b"container-";

/// Bytes of a name; with the prefix it stays within what a file system takes (255).
pub const NAME_BYTES_MAX: usize = 240;

/// Groups nested in each other at most.
pub const DEPTH_MAX: usize = 16;

/// A name that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or more than [`NAME_BYTES_MAX`] bytes.
    #[error("a group's name has 1 to {NAME_BYTES_MAX} bytes, not {0}")]
    Length(usize),
    /// A byte that cannot be in a name.
    #[error(
        "group name {name:?} has the byte {byte:#04x}: neither a slash nor control characters may be in it"
    )]
    Byte {
        /// The name, as text.
        name: String,
        /// The byte.
        byte: u8,
    },
    /// `.` and `..` are no names.
    #[error("{0:?} is no name for a group")]
    Dots(String),
    /// Nothing, or too deep.
    #[error("a group is named by 1 to {DEPTH_MAX} names, one below the other, not {0}")]
    Depth(usize),
}

/// One component of a group's path: a container id. Any bytes but slashes and control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(OsString);

impl GroupName {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// It cannot be the name of a folder, or of a line in `/proc/self/cgroup`.
    pub fn new(name: impl AsRef<[u8]>) -> Result<GroupName, NameError> {
        let name = name.as_ref();
        let text = || String::from_utf8_lossy(name).into_owned();
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(NameError::Length(name.len()));
        }
        if let Some(byte) = name.iter().find(|byte| **byte == b'/' || byte.is_ascii_control()) {
            return Err(NameError::Byte { name: text(), byte: *byte });
        }
        if name == b"." || name == b".." {
            return Err(NameError::Dots(text()));
        }
        Ok(GroupName(OsString::from_vec(name.to_vec())))
    }

    /// The name for paths.
    pub fn as_os_str(&self) -> &OsStr {
        &self.0
    }

    fn folder(&self) -> OsString {
        let mut folder = OsStr::from_bytes(PREFIX).to_owned();
        folder.push(&self.0);
        folder
    }

    /// The name in a folder's name; `None` if the folder is none of ours.
    fn of_folder(folder: &OsStr) -> Option<GroupName> {
        GroupName::new(folder.as_bytes().strip_prefix(PREFIX)?).ok()
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.display())
    }
}

/// Where a container's group is: its name, after those of the containers it is nested in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupPath(Vec<GroupName>);

impl GroupPath {
    /// A path from the outermost container inwards.
    ///
    /// # Errors
    ///
    /// No name, or more than [`DEPTH_MAX`].
    pub fn new(names: Vec<GroupName>) -> Result<GroupPath, NameError> {
        if names.is_empty() || names.len() > DEPTH_MAX {
            return Err(NameError::Depth(names.len()));
        }
        Ok(GroupPath(names))
    }

    /// A group that is nested in none.
    ///
    /// # Errors
    ///
    /// See [`GroupName::new`].
    pub fn root(name: impl AsRef<[u8]>) -> Result<GroupPath, NameError> {
        GroupPath::new(vec![GroupName::new(name)?])
    }

    /// A group nested in this one.
    ///
    /// # Errors
    ///
    /// A name that cannot be, or too deep.
    pub fn child(&self, name: impl AsRef<[u8]>) -> Result<GroupPath, NameError> {
        let mut names = self.0.clone();
        names.push(GroupName::new(name)?);
        GroupPath::new(names)
    }

    /// The group this one is nested in.
    pub fn parent(&self) -> Option<GroupPath> {
        let (_, above) = self.0.split_last()?;
        (!above.is_empty()).then(|| GroupPath(above.to_vec()))
    }

    /// The names, outermost first.
    pub fn names(&self) -> &[GroupName] {
        &self.0
    }

    /// Its folder below the parent group of all containers.
    pub(crate) fn folder(&self, parent: &Path) -> PathBuf {
        self.0.iter().fold(parent.to_owned(), |path, name| path.join(name.folder()))
    }

    /// The path of a folder found below `outer`; `None` if it is none of ours.
    pub(crate) fn found(outer: Option<&GroupPath>, folder: &OsStr) -> Option<GroupPath> {
        let mut names = outer.map(|outer| outer.0.clone()).unwrap_or_default();
        names.push(GroupName::of_folder(folder)?);
        GroupPath::new(names).ok()
    }
}

impl fmt::Display for GroupPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(GroupName::to_string).collect();
        out.write_str(&names.join("/"))
    }
}
