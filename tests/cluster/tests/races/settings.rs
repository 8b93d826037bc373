//! How many races there are to be, and from which seed.

use std::env;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// More races than this are a long run.
const SHORT: u64 = 1_000;

/// What the environment wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// `APPORTION_RACES`, if it is set.
    races: Option<u64>,
    /// `APPORTION_RACES_SEED`, else from the clock.
    pub(crate) seed: u64,
}

impl Settings {
    /// # Panics
    /// When a variable is no number.
    pub(crate) fn from_environment() -> Settings {
        let number = |name: &str| {
            let text = env::var(name).ok()?;
            let number = text.parse::<u64>();
            Some(number.unwrap_or_else(|_| panic!("{name}: found '{text}', expected a whole number")))
        };
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Settings {
            races: number("APPORTION_RACES"),
            seed: number("APPORTION_RACES_SEED")
                .unwrap_or_else(|| u64::try_from(clock.as_micros()).unwrap_or_default()),
        }
    }

    /// The races of a test: so many of those that are wished, or `short` without a wish.
    pub(crate) fn races(&self, of_wished: impl Fn(u64) -> u64, short: u64) -> u64 {
        self.races.map_or(short, |wished| of_wished(wished).max(1))
    }

    /// Whether it takes minutes.
    pub(crate) fn is_long(&self) -> bool {
        self.races.is_some_and(|races| races > SHORT)
    }

    /// After how many races to say how far it is.
    pub(crate) fn progress_every(&self, races: u64) -> u64 {
        if self.is_long() { races.div_ceil(20) } else { races }
    }
}

/// A line for whoever waits, whether or not the test's output is kept back.
pub(crate) fn say(line: &str) {
    // Nobody may be reading.
    let _ = writeln!(io::stderr(), "{line}");
}
