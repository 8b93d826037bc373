//! The built-in allocator and ours, measured through the interface that the master uses, in the same run.
//!
//! A driver in C++ (`driver/*.cpp`) is loaded into a process that holds the Mesos binary, and drives either allocator by
//! the same virtual calls. This side knows the [workloads](workload), starts [a process](process) for each of them and
//! each allocator, in turns, and makes [tables](table), [plots](plot) and [a page](page) of the [figures].
#![forbid(unsafe_code)]

pub mod driver;
pub mod figures;
pub mod machine;
pub mod page;
pub mod plot;
pub mod process;
pub mod table;
pub mod units;
pub mod workload;
