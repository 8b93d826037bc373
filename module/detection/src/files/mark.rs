//! By what a changed file is known.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long a file must have been left alone before its text is kept.
///
/// Times of files advance in steps, of a few milliseconds on local disks and up to two seconds elsewhere. Within one
/// step a second change would not show.
const SETTLED: Duration = Duration::from_secs(2);

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds. A program can set this one back…
    modified: (i64, i64),
    /// … but not this one.
    changed: (i64, i64),
}

impl Mark {
    /// The mark of a file that is there; `None` if it is not, or nothing can be known of it.
    pub fn of(path: &Path) -> Option<Mark> {
        std::fs::metadata(path).ok().as_ref().map(Mark::told_by)
    }

    pub(super) fn told_by(metadata: &Metadata) -> Mark {
        Mark {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether the last change is so old that another one would show.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let Ok(seconds) = u64::try_from(self.changed.0) else { return true };
        let nanoseconds = u64::try_from(self.changed.1).unwrap_or_default();
        let settled = Duration::from_secs(seconds)
            .checked_add(Duration::from_nanos(nanoseconds))
            .and_then(|changed| changed.checked_add(SETTLED))
            .and_then(|settled| SystemTime::UNIX_EPOCH.checked_add(settled));
        settled.is_some_and(|settled| settled <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(changed: (i64, i64), now: u64) -> bool {
        let mark = Mark { device: 1, inode: 2, bytes: 3, modified: (0, 0), changed };
        mark.is_settled(SystemTime::UNIX_EPOCH + Duration::from_secs(now))
    }

    #[test]
    fn a_file_is_settled_two_seconds_after_its_last_change() {
        assert!(!settled((1000, 0), 1000));
        assert!(!settled((1000, 0), 1001));
        assert!(settled((1000, 0), 1002));
        assert!(!settled((1000, 1), 1002));
    }

    #[test]
    fn a_file_changed_in_the_future_is_not_settled_and_one_before_all_clocks_is() {
        assert!(!settled((2000, 0), 1000));
        assert!(!settled((i64::MAX, 999_999_999), 1000));
        assert!(settled((-1, 0), 1000));
    }
}
