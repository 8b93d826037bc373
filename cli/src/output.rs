//! What the user sees: styles on terminals, plain text elsewhere.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use apportion_config::{Problem, Problems};

use crate::hooks::LiveError;
use crate::library::LibraryError;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIMMED: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Why a command cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Standard output cannot be written.
    #[error("the result cannot be written to standard output: {0}")]
    Output(#[from] io::Error),
    /// A path that JSON and the configuration cannot carry.
    #[error(
        "the path {} is not UTF-8, and neither the modules JSON nor a message can carry it; rename the file or use a link",
        .0.display()
    )]
    PathNotUtf8(PathBuf),
    /// A relative path that cannot be made absolute.
    #[error("{}: the path cannot be made absolute: {error}", path.display())]
    NoAbsolutePath {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A library Mesos could not load, or not with our modules.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// Hook rules that cannot be rehearsed as asked.
    #[error("{0}")]
    Rehearsal(String),
    /// A host that cannot be looked at as asked.
    #[error("{0}")]
    Host(String),
    /// A master or agent that gives no usable answer.
    #[error(transparent)]
    Live(#[from] LiveError),
}

/// The path as text.
pub(crate) fn text_of(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| Failure::PathNotUtf8(path.to_owned()))
}

/// Prints an error to standard error. If that is closed, nobody is left to tell.
pub(crate) fn error(message: &str) {
    let _ = writeln!(anstream::stderr(), "{RED}error:{RED:#} {message}");
}

/// Prints a warning to standard error.
pub(crate) fn warning(message: &str) {
    let _ = writeln!(anstream::stderr(), "{YELLOW}warning:{YELLOW:#} {message}");
}

/// Prints that all is well.
pub(crate) fn fine(out: &mut impl Write, message: &str) -> io::Result<()> {
    writeln!(out, "{GREEN}ok:{GREEN:#} {message}")
}

/// Prints problems, one after the other.
pub(crate) fn problems(out: &mut impl Write, problems: &Problems) -> io::Result<()> {
    let count = problems.len();
    let noun = if count == 1 { "problem" } else { "problems" };
    writeln!(out, "{RED}{count} {noun}{RED:#} in {BOLD}{}{BOLD:#}", problems.source())?;
    for (number, problem) in problems.iter().enumerate() {
        one(out, number + 1, problem)?;
    }
    match count - problems.iter().len() {
        0 => Ok(()),
        more => writeln!(out, "and {more} more"),
    }
}

fn one(out: &mut impl Write, number: usize, problem: &Problem) -> io::Result<()> {
    write!(out, "\n{number:>3}. ")?;
    match (&*problem.path, &problem.place) {
        ("", Some(place)) => writeln!(out, "{BOLD}{place}{BOLD:#}")?,
        ("", None) => writeln!(out, "{BOLD}configuration{BOLD:#}")?,
        (path, Some(place)) => writeln!(out, "{BOLD}{path}{BOLD:#} ({place})")?,
        (path, None) => writeln!(out, "{BOLD}{path}{BOLD:#}")?,
    }
    writeln!(out, "     {RED}found:{RED:#}    {}", problem.found)?;
    writeln!(out, "     {GREEN}expected:{GREEN:#} {}", problem.expected)?;
    if let Some(hint) = &problem.hint {
        writeln!(out, "     {CYAN}hint:{CYAN:#}     {hint}")?;
    }
    for line in problem.excerpt.iter().flat_map(|excerpt| excerpt.lines()) {
        writeln!(out, "     {line}")?;
    }
    Ok(())
}
