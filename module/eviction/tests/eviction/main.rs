//! Whom an agent ends, through the public interface.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod choice;
mod histories;
mod reference;
mod rules;
mod stage;
