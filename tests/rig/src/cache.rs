//! The folder outside the source tree that keeps what is fetched and compiled.
//!
//! Entries are named by a sum over everything that decides their content, are built beside their final
//! name and renamed into place, and are never changed afterwards. A lock file lets one process at a time
//! add entries; readers need no lock. Other packages of tests keep their entries here too.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::error::RigError;

/// How long another process may hold the lock: a first download over a slow line, then the compilers.
const LOCK_LIMIT: Duration = Duration::from_secs(20 * 60);
/// How names of half-made entries begin, here and in `fetch_mesos.py`.
const INCOMING: &str = "incoming-";
/// A lock that is held for less is not worth a line.
const TELL_AFTER: Duration = Duration::from_secs(1);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// Sum over byte strings, each with its length, as 64 lower-case hexadecimal digits.
pub fn content_sum<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The cache folder; exists.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// While it lives, no other process adds entries.
#[derive(Debug)]
pub struct CacheLock {
    /// The lock goes with the descriptor, also when the process is killed.
    _file: File,
}

impl Cache {
    /// Opens the folder and creates it when needed.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn open(folder: &Path) -> Result<Cache, RigError> {
        fs::create_dir_all(folder).map_err(RigError::io("create the cache folder", folder))?;
        let folder = folder.canonicalize().map_err(RigError::io("resolve", folder))?;
        Ok(Cache { folder })
    }

    /// Path of an entry, whether it exists or not.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Waits until no other process adds entries.
    ///
    /// # Errors
    /// When the lock file cannot be made, or the other process takes longer than any download should.
    pub fn lock(&self, progress: &mut dyn FnMut(&str)) -> Result<CacheLock, RigError> {
        let path = self.path("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(RigError::io("open the lock file", &path))?;
        let started = Instant::now();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => {
                    remove_incoming(&self.folder);
                    return Ok(CacheLock { _file: file });
                }
                Err(TryLockError::Error(source)) => return Err(RigError::io("lock", &path)(source)),
                Err(TryLockError::WouldBlock) if started.elapsed() > LOCK_LIMIT => {
                    return Err(RigError::Deadline {
                        what: format!("the lock {}", path.display()),
                        waited: LOCK_LIMIT,
                        state: "another process still holds it".into(),
                    });
                }
                Err(TryLockError::WouldBlock) => {
                    if !told && started.elapsed() > TELL_AFTER {
                        progress("waiting for another process that prepares the same cache");
                        told = true;
                    }
                    thread::sleep(LOCK_POLL);
                }
            }
        }
    }

    /// The entry `name`, a folder; when it does not exist, `build` fills a new folder that then takes the name.
    ///
    /// # Errors
    /// What `build` returns, or a failed file operation. A half-filled folder is removed.
    pub fn entry(
        &self,
        name: &str,
        _lock: &CacheLock,
        build: impl FnOnce(&Path) -> Result<(), RigError>,
    ) -> Result<PathBuf, RigError> {
        let path = self.path(name);
        if path.is_dir() {
            return Ok(path);
        }
        let incoming = tempfile::Builder::new()
            .prefix(INCOMING)
            .tempdir_in(&self.folder)
            .map_err(RigError::io("create a folder in", &self.folder))?;
        build(incoming.path())?;
        fs::rename(incoming.path(), &path).map_err(RigError::io("rename a folder to", &path))?;
        // The folder is no longer there to be removed.
        let _ = incoming.keep();
        Ok(path)
    }
}

/// Removes half-made entries. Under the lock, those are of processes that were killed.
pub(crate) fn remove_incoming(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(INCOMING.as_bytes()) {
            // What cannot be removed only takes room.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Writes a file whole.
///
/// # Errors
/// When that fails, with the path.
pub fn write_file(path: &Path, content: impl AsRef<[u8]>) -> Result<(), RigError> {
    fs::write(path, content).map_err(RigError::io("write", path))
}

/// The cache folder that the environment asks for: `APPORTION_CACHE`, else `apportion` below
/// `XDG_CACHE_HOME`, else below `~/.cache`.
///
/// # Errors
/// When none of the three variables is set.
pub fn default_folder() -> Result<PathBuf, RigError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("APPORTION_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("apportion")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/apportion")))
        .ok_or_else(|| RigError::Io {
            action: "choose a cache folder without APPORTION_CACHE, XDG_CACHE_HOME or HOME; set APPORTION_CACHE to",
            path: PathBuf::from("a folder of your own"),
            source: io::Error::from(io::ErrorKind::NotFound),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_depends_on_where_parts_end() {
        let apart = content_sum([b"ab".as_slice(), b"c"]);
        let together = content_sum([b"a".as_slice(), b"bc"]);
        assert_ne!(apart, together);
        assert_eq!(apart.len(), 64);
    }

    #[test]
    fn failed_entry_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let lock = cache.lock(&mut |_| {}).unwrap();
        let outcome = cache.entry("thing", &lock, |inside| {
            write_file(&inside.join("half"), "x")?;
            Err(RigError::Fetch { detail: "broken".into() })
        });
        assert!(outcome.is_err());
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["lock"]);
    }

    #[test]
    fn half_made_entry_of_a_killed_process_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("incoming-x")).unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let _lock = cache.lock(&mut |_| {}).unwrap();
        assert!(!cache.path("incoming-x").exists());
    }

    #[test]
    fn finished_entry_is_not_built_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let lock = cache.lock(&mut |_| {}).unwrap();
        let first = cache.entry("thing", &lock, |inside| write_file(&inside.join("whole"), "x")).unwrap();
        let second = cache.entry("thing", &lock, |_| panic!("built twice")).unwrap();
        assert_eq!(first, second);
        assert!(second.join("whole").is_file());
    }
}
