//! What the visitor reads: chapters, lines, ticks; and a moving line on the terminal while something takes time.
//!
//! The account goes to standard output, or to standard error when standard output is for the JSON alone. Colours and
//! the moving line appear on terminals only, and `NO_COLOR` is respected.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use super::interruption::Interruption;

/// Headings of chapters.
pub(super) const HEADING: Style = Style::new().bold();
/// What can be passed over at first reading.
pub(super) const ASIDE: Style = Style::new().dimmed();
/// Names of frameworks, roles, agents.
pub(super) const NAME: Style = AnsiColor::Cyan.on_default();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// How often the moving line moves.
const TICK: Duration = Duration::from_millis(100);

/// Text in a style.
pub(super) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Where the account is written.
pub(super) struct Account {
    out: Box<dyn Write>,
    moving: ProgressBar,
    moves: bool,
    interruption: Interruption,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("moves", &self.moves).finish_non_exhaustive()
    }
}

impl Account {
    /// An account on standard error when standard output is `reserved`, else on standard output. A reader who goes
    /// away (`| head`) stops the demo through `interruption`.
    pub(super) fn new(reserved: bool, interruption: Interruption) -> Account {
        let out: Box<dyn Write> = if reserved {
            Box::new(AutoStream::auto(io::stderr()))
        } else {
            Box::new(AutoStream::auto(io::stdout()))
        };
        Account { out, moving: ProgressBar::hidden(), moves: io::stderr().is_terminal(), interruption }
    }

    /// One line; above the moving line if there is one.
    pub(super) fn line(&mut self, text: impl Display) {
        let out = &mut self.out;
        let written = self.moving.suspend(|| writeln!(out, "{text}").and_then(|()| out.flush()));
        if written.is_err() {
            self.interruption.ask();
        }
    }

    /// The heading of a chapter.
    pub(super) fn chapter(&mut self, title: &str) {
        self.line("");
        self.line(styled(HEADING, title));
    }

    /// A line that belongs to the one above it.
    pub(super) fn aside(&mut self, text: impl Display) {
        self.line(format_args!("    {}", styled(ASIDE, text)));
    }

    /// A fact that was looked at, with the outcome.
    pub(super) fn tick(&mut self, passed: bool, text: impl Display) {
        let mark = if passed { styled(GOOD, "✓") } else { styled(BAD, "✗") };
        self.line(format_args!("  {mark} {text}"));
    }

    /// Something that takes time begins: a moving line on a terminal, else a line that stays. The guard ends it.
    ///
    /// `steps` is how many there are, if that is known.
    pub(super) fn begin(&mut self, what: &str, steps: Option<usize>) -> Step {
        let started = Instant::now();
        if !self.moves {
            self.aside(format_args!("{what} …"));
            return Step { started, bar: ProgressBar::hidden() };
        }
        let steps = steps.and_then(|steps| u64::try_from(steps).ok());
        let template = match steps {
            Some(_) => "  {spinner} {prefix} {bar:24} {pos}/{len}  {msg}",
            None => "  {spinner} {prefix}  {msg}",
        };
        let bar = steps.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        // The templates are ours and are known to parse.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ ").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(TICK);
        self.moving = bar.clone();
        Step { started, bar }
    }
}

/// Something that takes time; the moving line goes with it.
#[derive(Debug)]
pub(super) struct Step {
    started: Instant,
    bar: ProgressBar,
}

impl Step {
    /// What is being done just now.
    pub(super) fn tell(&self, text: impl Into<String>) {
        self.bar.set_message(text.into());
    }

    /// So many of the steps are done.
    pub(super) fn at(&self, done: usize) {
        if let Ok(done) = u64::try_from(done) {
            self.bar.set_position(done);
        }
    }

    /// How long it has taken.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
