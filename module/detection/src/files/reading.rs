//! Opening a file without opening what is no file, and checking its text.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

use super::{FILE_BYTES_MAX, FileError, Files, Mark};

/// File systems of the kernel whose files change without a change of their times: sysfs, control groups of both versions.
const SILENT: [i128; 3] = [0x6265_6572, 0x0027_e0eb, 0x6367_7270];

/// The file system of processes, wherever it is mounted.
const PROC: i128 = 0x9fa0;

/// The text of a file.
pub(super) struct Reading {
    pub(super) text: Arc<str>,
    /// What the file looked like before it was read: a change during the reading shows the next time.
    pub(super) mark: Mark,
    /// Whether the file system tells when a file changes.
    pub(super) shows_changes: bool,
}

impl Files {
    /// Reads the file named `path`, which is at `place`.
    pub(super) fn read_now(&self, path: &Path, place: &Path) -> Result<Reading, FileError> {
        let failed = |error: io::Error| failure(path, &error);
        let file = self.open(path, place)?;
        let metadata = file.metadata().map_err(failed)?;
        let system: i128 = rustix::fs::fstatfs(&file).map_err(|error| failed(error.into()))?.f_type.into();
        if system == PROC {
            return Err(FileError::ClosedPlace { path: path.to_owned(), place: "/proc" });
        }
        if metadata.len() > FILE_BYTES_MAX {
            return Err(FileError::TooLarge { path: path.to_owned() });
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
        // It may have grown.
        if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
            return Err(FileError::TooLarge { path: path.to_owned() });
        }
        Ok(Reading {
            text: text(path, bytes)?,
            mark: Mark::told_by(&metadata),
            shows_changes: !SILENT.contains(&system),
        })
    }

    /// Opens a regular file outside the closed places.
    ///
    /// First a handle that opens nothing (so a pipe does not wait and a device does not notice), then that very file.
    fn open(&self, path: &Path, place: &Path) -> Result<File, FileError> {
        let failed = |error: io::Error| failure(path, &error);
        let open = |what: &Path, flags| {
            let opened = rustix::fs::open(what, flags | OFlags::CLOEXEC, Mode::empty());
            opened.map(File::from).map_err(|error| failed(error.into()))
        };
        self.check_place(path, path)?;
        let handle = open(place, OFlags::PATH)?;
        let itself = format!("/proc/self/fd/{}", handle.as_raw_fd());
        let itself = Path::new(&itself);
        self.check_place(path, &itself.read_link().map_err(failed)?)?;
        let metadata = handle.metadata().map_err(failed)?;
        check_regular(path, &metadata)?;
        open(itself, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
    }

    fn check_place(&self, path: &Path, real: &Path) -> Result<(), FileError> {
        match self.closed.iter().find(|(closed, _)| real.starts_with(closed)) {
            Some((_, place)) => Err(FileError::ClosedPlace { path: path.to_owned(), place }),
            None => Ok(()),
        }
    }
}

fn check_regular(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    if metadata.is_file() {
        return Ok(());
    }
    let kind = metadata.file_type();
    let found = if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(FileError::NotRegular { path: path.to_owned(), found })
}

/// The text without the newline at its end.
fn text(path: &Path, bytes: Vec<u8>) -> Result<Arc<str>, FileError> {
    let not_text = |at, what| Err(FileError::NotText { path: path.to_owned(), at, what });
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return not_text(error.utf8_error().valid_up_to(), "not UTF-8"),
    };
    if let Some(at) = text.find('\0') {
        return not_text(at, "a NUL");
    }
    let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(line.unwrap_or(&text).into())
}

fn failure(path: &Path, error: &io::Error) -> FileError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FileError::Missing { path },
        io::ErrorKind::PermissionDenied => FileError::Forbidden { path },
        _ => FileError::Unreadable { path, reason: error.to_string() },
    }
}
