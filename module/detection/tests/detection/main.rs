//! Detection on trees of several machines, on odd and hostile trees and on the running machine; values from files.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod changes;
mod hosts;
mod machine;
mod odd_files;
mod odd_trees;
mod running;
