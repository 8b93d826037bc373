//! How far one allocator goes: its core alone, on one thread, from 1,000 agents to 200,000, and what becomes of the same
//! cluster when several allocators share it.
//!
//! - [`sizes`] measures one size: processor time of the thread and memory of the process, which is why each size has a
//!   process of its own.
//! - [`cells`] simulates cells of agents with an allocator each: what they cost, and what fairness and large gangs lose.
//! - [`page`] and [`plot`] make `docs/performance/scale.md` of the [figures].
#![forbid(unsafe_code)]

pub mod cells;
pub mod clock;
pub mod figures;
pub mod page;
pub mod plot;
pub mod sizes;
