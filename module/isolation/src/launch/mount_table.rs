//! Where file systems are mounted, as `/proc/<pid>/mountinfo` tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::iter;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Flags of `mount(2)`.
pub(super) const NOSUID: u32 = 1 << 1;
pub(super) const NODEV: u32 = 1 << 2;
const NOEXEC: u32 = 1 << 3;
const NOSYMFOLLOW: u32 = 1 << 8;
const NOATIME: u32 = 1 << 10;
const NODIRATIME: u32 = 1 << 11;
pub(super) const RELATIME: u32 = 1 << 21;
const STRICTATIME: u32 = 1 << 24;

/// Options of a mount by their names. A remount that does not repeat them takes them away.
const KEPT: [(&[u8], u32); 7] = [
    (b"nosuid", NOSUID),
    (b"nodev", NODEV),
    (b"noexec", NOEXEC),
    (b"noatime", NOATIME),
    (b"nodiratime", NODIRATIME),
    (b"relatime", RELATIME),
    (b"nosymfollow", NOSYMFOLLOW),
];

/// The mounts that can be seen, by their mount points, with the flags that a remount has to repeat.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MountTable(BTreeMap<PathBuf, u32>);

impl MountTable {
    /// Reads the text of a `mountinfo` file. Mounts that others lie over are left out, and so is what an automounter
    /// would have to mount first.
    ///
    /// ```
    /// use apportion_isolation::MountTable;
    ///
    /// let table = MountTable::parse(b"22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n")?;
    /// assert!(MountTable::parse(b"no mount").is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A line that is none.
    pub fn parse(text: &[u8]) -> io::Result<MountTable> {
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let entries = lines.map(|line| {
            Entry::parse(line).ok_or_else(|| {
                io::Error::other(format!("'{}' is no line of mountinfo", String::from_utf8_lossy(line)))
            })
        });
        Ok(MountTable::of(&entries.collect::<io::Result<Vec<_>>>()?))
    }

    /// This process's.
    pub(super) fn read() -> io::Result<MountTable> {
        MountTable::parse(&fs::read("/proc/self/mountinfo")?)
    }

    fn of(entries: &[Entry]) -> MountTable {
        let by_id: BTreeMap<u32, &Entry> = entries.iter().map(|entry| (entry.id, entry)).collect();
        let places: BTreeSet<(u32, &Path)> =
            entries.iter().map(|entry| (entry.parent, &*entry.point)).collect();
        // The way to a mount leads over its parent. Another mount on that parent, further up the way, hides it.
        let hidden = |entry: &Entry| {
            entry.point.ancestors().skip(1).any(|above| places.contains(&(entry.parent, above)))
        };
        let seen = |entry: &&Entry| {
            // Mounts form a tree; a table that does not, ends here too.
            let way = iter::successors(Some(*entry), |here| by_id.get(&here.parent).copied());
            let covered = places.contains(&(entry.id, &*entry.point));
            !entry.on_demand && !covered && !way.take(entries.len()).any(hidden)
        };
        MountTable(entries.iter().filter(seen).map(|entry| (entry.point.clone(), entry.flags)).collect())
    }

    /// Flags of the mount that a path is on.
    pub(super) fn flags_at(&self, path: &Path) -> u32 {
        path.ancestors().find_map(|above| self.0.get(above)).copied().unwrap_or(RELATIME)
    }

    /// Whether something is mounted right there.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// Mount points below a path, in the order of their names.
    pub(super) fn below<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = &'a Path> {
        self.0.keys().map(PathBuf::as_path).filter(move |point| *point != path && point.starts_with(path))
    }
}

/// A line.
struct Entry {
    id: u32,
    parent: u32,
    point: PathBuf,
    flags: u32,
    on_demand: bool,
}

impl Entry {
    /// `<id> <parent> <device> <root> <point> <options> <tags…> - <type> <source> <options>`
    fn parse(line: &[u8]) -> Option<Entry> {
        let mut fields = line.split(|byte| *byte == b' ');
        let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
        let (id, parent) = (number()?, number()?);
        let point = PathBuf::from(OsString::from_vec(unescape(fields.nth(2)?)));
        let flags = kept_flags(fields.next()?);
        let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
        Some(Entry { id, parent, point, flags, on_demand: kind == b"autofs" })
    }
}

fn kept_flags(options: &[u8]) -> u32 {
    let bit = |option: &[u8]| KEPT.iter().find(|(name, _)| *name == option).map_or(0, |(_, bit)| *bit);
    let flags = options.split(|byte| *byte == b',').map(bit).fold(0, |flags, bit| flags | bit);
    // Without any of these three the kernel would fall back to relatime.
    if flags & (NOATIME | RELATIME) == 0 { flags | STRICTATIME } else { flags }
}

/// Blanks and the like are written as a backslash and three octal digits.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        match (first, after) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', behind @ ..]) => {
                plain.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = behind;
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(lines: &[&str]) -> Vec<String> {
        let table = MountTable::parse(lines.join("\n").as_bytes()).unwrap();
        table.0.keys().map(|point| point.display().to_string()).collect()
    }

    #[test]
    fn mounts_under_others_are_not_seen() {
        let root = "1 0 0:1 / / rw - ext4 a rw";
        let deep = "2 1 0:2 / /a/b rw - ext4 b rw";
        let over = "3 1 0:3 / /a rw,nosuid - tmpfs c rw";
        assert_eq!(points(&[root, deep]), ["/", "/a/b"]);
        assert_eq!(points(&[root, deep, over]), ["/", "/a"]);
        // What is mounted in the one that lies over is seen, and what is in a hidden one is not.
        let inside = "4 3 0:4 / /a/b rw - tmpfs d rw";
        let inside_hidden = "5 2 0:5 / /a/b/c rw - tmpfs e rw";
        assert_eq!(points(&[root, deep, over, inside, inside_hidden]), ["/", "/a", "/a/b"]);
    }

    #[test]
    fn last_of_several_mounts_at_one_point_is_seen() {
        let first = "7 1 0:2 / /a rw,nosuid,relatime - ext4 b rw";
        let second = "6 7 0:3 / /a rw,noexec,relatime - ext4 c rw";
        for lines in [[first, second], [second, first]] {
            let table = MountTable::parse(lines.join("\n").as_bytes()).unwrap();
            assert_eq!(table.flags_at(Path::new("/a/x")), NOEXEC | RELATIME);
        }
    }

    #[test]
    fn points_are_read_as_they_are_and_lines_with_tags_too() {
        let tags = r"22 1 0:21 / /mnt/with\040blank\134 rw,relatime shared:9 master:3 - ext4 /dev/vda rw";
        assert_eq!(points(&[tags]), ["/mnt/with blank\\"]);
        assert_eq!(unescape(br"\04 \999 \\"), br"\04 \999 \\");
    }

    #[test]
    fn flags_that_a_remount_would_take_away_are_read() {
        assert_eq!(kept_flags(b"rw,nosuid,nodev,noexec,relatime"), NOSUID | NODEV | NOEXEC | RELATIME);
        assert_eq!(kept_flags(b"ro,noatime,nodiratime,nosymfollow"), NOATIME | NODIRATIME | NOSYMFOLLOW);
        assert_eq!(kept_flags(b"rw"), STRICTATIME);
    }

    #[test]
    fn own_table_is_read_and_odd_ones_are_refused_or_passed_over() {
        assert!(MountTable::read().unwrap().has(Path::new("/proc")));
        assert_eq!(points(&["22 27 0:21 / /mnt/a rw,relatime - autofs systemd-1 rw"]), [""; 0]);
        for line in ["nonsense", "x 1 0:1 / / rw - ext4 a rw", "1 0 0:1 / / rw"] {
            let error = MountTable::parse(line.as_bytes()).unwrap_err().to_string();
            assert_eq!(error, format!("'{line}' is no line of mountinfo"));
        }
    }
}
