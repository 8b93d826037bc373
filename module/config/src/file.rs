//! Configuration files: reading them safely, then examining their text.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::checked::{Config, Examination};
use crate::problem::{Found, Kind, Place, Problem};
use crate::raw::{self, Lines};
use crate::reader;

/// Largest file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Examines a file.
pub(crate) fn examine(path: &Path) -> Examination {
    let name = shown(path);
    match read(path) {
        Ok(text) => examine_text(&text, &name),
        Err(problem) => {
            let mut found = Found::default();
            found.add(|| *problem);
            Examination { config: Config::default(), problems: found.into_problems(&name) }
        }
    }
}

/// Examines a text that came from `name`.
pub(crate) fn examine_text(text: &str, name: &str) -> Examination {
    let lines = Lines::new(name, text);
    let (root, found) = raw::parse(&lines);
    let (config, found) = reader::read(&root, Some(&lines), found);
    Examination { config, problems: found.into_problems(name) }
}

/// A path for messages: without control characters, whatever its bytes.
fn shown(path: &Path) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    path.to_string_lossy().chars().map(shown).collect()
}

/// The text of a file.
fn read(path: &Path) -> Result<String, Box<Problem>> {
    let unreadable = |found: String, hint: Option<&str>| {
        Box::new(Problem {
            kind: Kind::Unreadable,
            path: String::new(),
            place: None,
            found: format!("{}: {found}", shown(path)),
            expected: format!("a readable regular file of at most {FILE_BYTES_MAX} bytes"),
            hint: hint.map(str::to_owned),
            excerpt: None,
        })
    };
    let failed = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => {
                Some("check the spelling; the file must be on the host that loads the module")
            }
            io::ErrorKind::PermissionDenied => Some("the user that runs Mesos must be allowed to read it"),
            _ => None,
        };
        unreadable(error.to_string(), hint)
    };
    // Looked at before it is opened: opening a pipe would wait for its other end.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(unreadable("a directory".into(), Some("name the file in it")));
    }
    if !metadata.is_file() {
        return Err(unreadable("not a regular file".into(), None));
    }
    let too_large = |bytes: u64| unreadable(format!("{bytes} bytes or more"), Some("is it the right file?"));
    if metadata.len() > FILE_BYTES_MAX {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    // A file can grow, or claim no length at all.
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(too_large(FILE_BYTES_MAX + 1));
    }
    String::from_utf8(bytes)
        .map_err(|error| not_utf8(path, error.as_bytes(), error.utf8_error().valid_up_to()))
}

fn not_utf8(path: &Path, bytes: &[u8], at: usize) -> Box<Problem> {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(before.get(line_start..).unwrap_or(&[])).chars().count() + 1;
    Box::new(Problem {
        kind: Kind::Syntax,
        path: String::new(),
        place: Some(Place {
            file: shown(path),
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column,
        }),
        found: format!("the byte 0x{:02x}, which is not UTF-8", bytes.get(at).copied().unwrap_or_default()),
        expected: "text in UTF-8".to_owned(),
        hint: Some("save the file as UTF-8".to_owned()),
        excerpt: None,
    })
}
