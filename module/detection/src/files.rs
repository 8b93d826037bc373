//! Small files that hold values: read, checked, kept, and read again when they change.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

mod mark;
mod reading;

pub use mark::Mark;

/// Largest file whose text is a value, in bytes, with the newline at its end.
pub const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Most files whose text is kept; further ones are read at each call.
pub const FILES_KEPT_MAX: usize = 1000;

/// Why the text of a file cannot be a value. No message holds a byte of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The path does not begin with `/`.
    #[error(
        "{path:?} is a relative path, which depends on where Mesos was started; write the whole path, file:/…"
    )]
    Relative {
        /// The path as it was named.
        path: PathBuf,
    },
    /// Nothing is there, or a link leads nowhere.
    #[error("{path:?} is not there; write the file on each host where the rule applies, or correct the path")]
    Missing {
        /// The path as it was named.
        path: PathBuf,
    },
    /// The user Mesos runs as may not read it.
    #[error(
        "{path:?} may not be read; let the user that runs Mesos read it, and search the folders above it"
    )]
    Forbidden {
        /// The path as it was named.
        path: PathBuf,
    },
    /// A folder, pipe, socket or device.
    #[error("{path:?} is {found}, not a regular file; name a file that holds the value")]
    NotRegular {
        /// The path as it was named.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// It is in a place whose files are no plain data, or a link leads there.
    #[error("{path:?} leads into {place}, whose files are not read; copy the value to a file of its own")]
    ClosedPlace {
        /// The path as it was named.
        path: PathBuf,
        /// `/proc` or `/dev`.
        place: &'static str,
    },
    /// More than [`FILE_BYTES_MAX`].
    #[error(
        "{path:?} has more than {FILE_BYTES_MAX} bytes; a value comes from a small file: is it the right one?"
    )]
    TooLarge {
        /// The path as it was named.
        path: PathBuf,
    },
    /// Not UTF-8, or a NUL, which no environment variable can hold.
    #[error("{path:?} is not text: byte {at} is {what}; save the file as UTF-8")]
    NotText {
        /// The path as it was named.
        path: PathBuf,
        /// Where, counted from 0.
        at: usize,
        /// `not UTF-8` or `a NUL`.
        what: &'static str,
    },
    /// Anything else the system says.
    #[error("{path:?} cannot be read: {reason}; look at the file system it is on")]
    Unreadable {
        /// The path as it was named.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
}

/// The text of small files, read again when they change.
///
/// A file's text is kept while device, inode, size and the times of its last change stay, and was then read when the last
/// change was two seconds old, so that two changes within one step of the file system's clock are both seen. Looking
/// costs one system call. What is in sysfs or a control group changes without a trace and is read at each call.
///
/// A file that is written in place can be read half written: replace it by renaming another one over it. A file that
/// is gone, or can no longer be a value, is an error, and its former text is forgotten.
///
/// ```
/// use apportion_detection::{FileError, Files};
///
/// let files = Files::new("/");
/// let error = files.read("/etc/no-such-file").unwrap_err();
/// assert!(matches!(error, FileError::Missing { .. }));
/// ```
pub struct Files {
    root: PathBuf,
    /// Places whose files are not read, with their names for messages.
    closed: Vec<(PathBuf, &'static str)>,
    kept: Mutex<BTreeMap<PathBuf, Kept>>,
}

/// The text of a file, and what the file looked like when it was read.
struct Kept {
    mark: Mark,
    text: Arc<str>,
}

impl Files {
    /// Files below `root`, `/` for the running machine.
    pub fn new(root: impl AsRef<Path>) -> Files {
        let root = root.as_ref().to_owned();
        let real = root.canonicalize().unwrap_or_else(|_| root.clone());
        let mut closed = Vec::new();
        for (name, place) in [("proc", "/proc"), ("dev", "/dev")] {
            closed.push((PathBuf::from(place), place));
            closed.push((real.join(name), place));
        }
        Files { root, closed, kept: Mutex::new(BTreeMap::new()) }
    }

    /// The text of the file at an absolute path (without `file:`), without the newline at its end.
    ///
    /// One newline is cut, be it `\n` or `\r\n`. Links are followed.
    ///
    /// # Errors
    ///
    /// The file is missing, may not be read, is not a regular file, is in `/proc` or `/dev`, is larger than
    /// [`FILE_BYTES_MAX`], or is not UTF-8 without NUL.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Arc<str>, FileError> {
        let path = path.as_ref();
        let Ok(below) = path.strip_prefix("/") else {
            return Err(FileError::Relative { path: path.to_owned() });
        };
        let place = self.root.join(below);
        if let Ok(metadata) = place.metadata()
            && let Some(kept) = self.kept.lock().get(path)
            && kept.mark == Mark::told_by(&metadata)
        {
            return Ok(Arc::clone(&kept.text));
        }
        // Not under the lock: another thread may want another file.
        let read = self.read_now(path, &place);
        let mut kept = self.kept.lock();
        match &read {
            Ok(reading) if reading.shows_changes && reading.mark.is_settled(SystemTime::now()) => {
                if kept.len() < FILES_KEPT_MAX || kept.contains_key(path) {
                    let entry = Kept { mark: reading.mark, text: Arc::clone(&reading.text) };
                    kept.insert(path.to_owned(), entry);
                }
            }
            _ => {
                kept.remove(path);
            }
        }
        read.map(|reading| reading.text)
    }
}

impl fmt::Debug for Files {
    /// Paths only: texts can be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept: Vec<PathBuf> = self.kept.lock().keys().cloned().collect();
        f.debug_struct("Files").field("root", &self.root).field("kept", &kept).finish_non_exhaustive()
    }
}
