//! Other programs: finding them in a search path, running them with a deadline.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::RigError;

/// How often a child that has closed its output is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// A program that is looked for, what for, and how to get it.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Name or path.
    pub program: &'a OsStr,
    /// What it is wanted for, as an infinitive.
    pub purpose: &'static str,
    /// The command that installs it.
    pub cure: &'static str,
}

/// Finds a program in `search_path` (colon-separated folders), as a shell would.
///
/// # Errors
/// [`RigError::MissingProgram`] when no folder holds an executable file of that name.
pub fn find(wanted: &Wanted<'_>, search_path: &OsStr) -> Result<PathBuf, RigError> {
    let name = Path::new(wanted.program);
    let candidates: Vec<PathBuf> = if name.components().count() > 1 {
        vec![name.to_owned()]
    } else {
        env::split_paths(search_path).map(|folder| folder.join(name)).collect()
    };
    candidates.into_iter().find(|path| is_executable(path)).ok_or_else(|| RigError::MissingProgram {
        program: wanted.program.to_string_lossy().into_owned(),
        purpose: wanted.purpose,
        path: search_path.to_string_lossy().into_owned(),
        cure: wanted.cure,
    })
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What a finished program left.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard error; standard output went to the callback line by line.
    pub errors: String,
}

/// Runs a program to its end, handing each line of its standard output to `line`.
///
/// # Errors
/// When it cannot be started, or has not ended within `limit`: it is killed then.
pub fn run(
    program: &Path,
    arguments: &[OsString],
    search_path: &OsStr,
    limit: Duration,
    mut line: impl FnMut(&str),
) -> Result<Finished, RigError> {
    let started = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .env("PATH", search_path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(RigError::io("start", program))?;
    let (sender, lines) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        thread::spawn(move || {
            for text in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&text).into_owned()).is_err() {
                    return;
                }
            }
        });
    }
    let errors = child.stderr.take().map(|mut stream| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // A broken pipe only ends the text early.
            let _ = stream.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    });
    loop {
        match lines.recv_timeout(limit.saturating_sub(started.elapsed())) {
            Ok(text) => line(&text),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => return Err(give_up(&mut child, program, limit)),
        }
    }
    let status = loop {
        if let Some(status) = child.try_wait().map_err(RigError::io("wait for", program))? {
            break status;
        }
        if started.elapsed() > limit {
            return Err(give_up(&mut child, program, limit));
        }
        thread::sleep(POLL);
    };
    let errors = errors.and_then(|reader| reader.join().ok()).unwrap_or_default();
    Ok(Finished { status, errors })
}

fn give_up(child: &mut Child, program: &Path, waited: Duration) -> RigError {
    // Both fail only when it has ended meanwhile.
    let _ = child.kill();
    let _ = child.wait();
    RigError::Deadline {
        what: format!("{} to end", program.display()),
        waited,
        state: "it was still running and is killed".into(),
    }
}

/// Runs a compiler; whatever it prints belongs to the error.
///
/// # Errors
/// [`RigError::Compile`] when it fails.
pub(crate) fn compile(
    compiler: &Path,
    arguments: &[OsString],
    search_path: &OsStr,
    limit: Duration,
) -> Result<(), RigError> {
    let mut output = String::new();
    let finished = run(compiler, arguments, search_path, limit, |line| {
        output.push_str(line);
        output.push('\n');
    })?;
    if finished.status.success() {
        return Ok(());
    }
    let words = arguments.iter().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ");
    Err(RigError::Compile {
        command: format!("{} {words}", compiler.display()),
        status: finished.status.to_string(),
        output: output + &finished.errors,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(texts: &[&str]) -> Vec<OsString> {
        texts.iter().map(OsString::from).collect()
    }

    #[test]
    fn program_in_no_folder_is_named_with_its_cure() {
        let wanted = Wanted { program: OsStr::new("sh"), purpose: "test", cure: "apt-get install dash" };
        let error = find(&wanted, OsStr::new("/nowhere")).expect_err("found in a folder that does not exist");
        let text = error.to_string();
        assert!(text.contains("sh is wanted to test"), "{text}");
        assert!(text.contains("/nowhere") && text.contains("apt-get install dash"), "{text}");
    }

    #[test]
    fn program_over_its_limit_is_killed() {
        let started = Instant::now();
        let outcome = run(
            Path::new("/bin/sh"),
            &words(&["-c", "echo begun; exec sleep 30"]),
            OsStr::new("/usr/bin:/bin"),
            Duration::from_millis(200),
            |_| {},
        );
        assert!(matches!(outcome, Err(RigError::Deadline { .. })), "{outcome:?}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn failed_compile_shows_command_and_output() {
        let outcome = compile(
            Path::new("/bin/sh"),
            &words(&["-c", "echo out; echo broken >&2; exit 4"]),
            OsStr::new("/usr/bin:/bin"),
            Duration::from_secs(10),
        );
        let text = outcome.expect_err("exit 4 is a failure").to_string();
        assert!(text.contains("out\n") && text.contains("broken") && text.contains("/bin/sh -c"), "{text}");
    }
}
