//! Waiting for something with a deadline.

use std::thread;
use std::time::{Duration, Instant};

use crate::error::RigError;

/// Pause between two looks. Looks cost a request or a file read; shorter pauses would load the two cores
/// the tests share with what they test.
const PAUSE: Duration = Duration::from_millis(20);

/// One look at something awaited.
#[derive(Debug)]
pub(crate) enum Look<T> {
    /// It is there.
    Here(T),
    /// Not yet; the text says what is there instead.
    Missing(String),
}

/// Looks until `look` finds it, fails, or `within` has passed.
///
/// # Errors
/// [`RigError::Deadline`] with the text of the last look, or the error of a look.
pub(crate) fn wait_for<T>(
    what: &str,
    within: Duration,
    mut look: impl FnMut() -> Result<Look<T>, RigError>,
) -> Result<T, RigError> {
    let started = Instant::now();
    loop {
        let state = match look()? {
            Look::Here(found) => return Ok(found),
            Look::Missing(state) => state,
        };
        if started.elapsed() > within {
            return Err(RigError::Deadline { what: what.to_owned(), waited: within, state });
        }
        thread::sleep(PAUSE);
    }
}
