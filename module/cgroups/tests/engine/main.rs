//! The engine on a model of the kernel's file system: hosts of all kinds, orders of writes, faults.

mod faults;
mod hosts;
mod lives;
mod orders;
mod settings;
mod support;
mod usage;
mod watching;
