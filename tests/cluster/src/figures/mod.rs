//! What the programs that print figures share.

pub mod numbers;
pub mod table;
