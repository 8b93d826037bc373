//! Running a program under callgrind, and reading what it leaves.

use std::path::Path;
use std::process::Command;

/// A command that wants the program and its arguments: counts go to `out`, and only from where the function called
/// `measured_part` is entered until it is left.
pub(super) fn command(out: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args([
        "--quiet",
        "--tool=callgrind",
        "--collect-atstart=no",
        "--toggle-collect=*::measured_part",
        "--compress-strings=no",
        "--compress-pos=no",
    ]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command
}

/// Reads callgrind's file (format version 1, neither names nor positions compressed).
///
/// Lines are `ob=` (the object that the following costs belong to), `calls=` (a call; the line after it is what that cost,
/// which is told in its own place again), and costs: line number and instructions.
///
/// The sum is of the program itself: our code and what Rust's library compiles into it. Nothing of glibc, whose functions
/// differ with its version and with the processor.
///
/// # Errors
///
/// A line that is not of the format, or no costs in the program at all.
pub(super) fn parse(text: &str, program: &Path) -> Result<u64, String> {
    let mut instructions = 0;
    let (mut own, mut inclusive) = (false, false);
    let is_program = |object: &str| Path::new(object).file_name() == program.file_name();
    for line in text.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            own = is_program(object);
        } else if line.starts_with("calls=") {
            inclusive = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit())
            && !std::mem::take(&mut inclusive)
            && own
        {
            instructions += number(line.split(' ').nth(1), line)?;
        }
    }
    if instructions == 0 {
        return Err(format!("nothing was counted in {}; was the marker inlined?", program.display()));
    }
    Ok(instructions)
}

fn number(field: Option<&str>, line: &str) -> Result<u64, String> {
    field.and_then(|field| field.parse().ok()).ok_or_else(|| format!("a line of another form: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "events: Ir\nsummary: 99\n\nob=/usr/lib/libc.so.6\nfl=malloc.c\nfn=malloc\n7 900\ncob=/t/workload\n\
        cfn=malloc\ncalls=50 0\n7 5\n\nob=/t/workload\nfl=lib.rs\nfn=a\n1 10\n2 5\ncob=/usr/lib/libc.so.6\ncfi=malloc.c\n\
        cfn=malloc\ncalls=3 0\n2 900\n3 4\ncfn=b\ncalls=1 0\n3 40\ncob=/usr/lib/libc.so.6\ncfn=free\ncalls=3 0\n3 30\n\
        \nfn=b\n0 1\n\ntotals: 99\n";

    #[test]
    fn only_what_the_program_itself_does_is_counted() {
        assert_eq!(parse(TEXT, Path::new("/elsewhere/workload")), Ok(10 + 5 + 4 + 1));
    }

    #[test]
    fn a_file_in_which_nothing_was_counted_is_refused() {
        let reason = parse(TEXT, Path::new("/t/other")).unwrap_err();
        assert!(reason.contains("nothing was counted"), "{reason}");
        let reason = parse("ob=/t/workload\n1 many\n", Path::new("/t/workload")).unwrap_err();
        assert_eq!(reason, "a line of another form: 1 many");
    }
}
