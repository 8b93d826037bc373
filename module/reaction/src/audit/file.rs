//! The audit file itself: opened when it is needed, again when it was moved away, one write for each line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Of a file that is made here: what is audited is for its owner.
const MODE: u32 = 0o600;

/// Why a line is not in the file.
#[derive(Debug)]
pub(super) struct Failure {
    /// What was tried: `open` or `write to`.
    pub(super) action: &'static str,
    pub(super) error: io::Error,
}

/// The file that lines are appended to.
#[derive(Debug)]
pub(super) struct AuditFile {
    path: PathBuf,
    open: Option<Open>,
    /// The file ends inside a line: the next one begins with a line break, so that only one is unreadable.
    is_torn: bool,
    /// How often it was opened after the first time.
    pub(super) reopened: u64,
    was_open: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    device: u64,
    inode: u64,
}

impl AuditFile {
    pub(super) fn new(path: PathBuf) -> AuditFile {
        AuditFile { path, open: None, is_torn: false, reopened: 0, was_open: false }
    }

    /// Appends a line that ends with a line break.
    pub(super) fn append(&mut self, line: &str) -> Result<(), Failure> {
        let mut open = match self.open.take() {
            Some(open) if is_still_at(&open, &self.path) => open,
            _ => self.open().map_err(|error| Failure { action: "open", error })?,
        };
        let torn;
        let bytes = if self.is_torn {
            torn = format!("\n{line}");
            torn.as_bytes()
        } else {
            line.as_bytes()
        };
        let (written, outcome) = write_whole(&mut open.file, bytes);
        match outcome {
            Ok(()) => {
                self.is_torn = false;
                self.open = Some(open);
                Ok(())
            }
            Err(error) => {
                // Opened anew for the next line: a file on a server that came back needs it.
                self.is_torn |= written > 0;
                Err(Failure { action: "write to", error })
            }
        }
    }

    fn open(&mut self) -> io::Result<Open> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(MODE)
            // A pipe without a reader is an error then, and does not hold the writer for ever.
            .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
            .open(&self.path)?;
        let metadata = file.metadata()?;
        self.is_torn = metadata.is_file()
            && metadata.len() > 0
            && ends_inside_a_line(&self.path).unwrap_or(self.is_torn);
        self.reopened += u64::from(self.was_open);
        self.was_open = true;
        Ok(Open { file, device: metadata.dev(), inode: metadata.ino() })
    }
}

/// Whether a path still leads to this file: `logrotate` moves it away, or removes it.
fn is_still_at(open: &Open, path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == (open.device, open.inode))
}

/// Whether the last byte of a file is not a line break: somebody was cut short.
fn ends_inside_a_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Writes all, with one call unless the system takes less; tells how much it took.
fn write_whole(file: &mut File, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(taken) => written += taken,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}
