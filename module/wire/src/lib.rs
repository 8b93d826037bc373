//! Mesos messages as bytes.
//!
//! Two things live here first of all, and nothing else in the library touches a serialised Mesos message:
//!
//! * [`resource`] takes a `mesos.Resource` apart on the wire, without decoding and encoding it again, so that
//!   fields which this build does not know survive; and puts it together with another amount or another role.
//!   [`operation`] does the same for the offer operations that convert resources.
//! * [`messages`] declares, for all other messages, the fields that are read or written, and only those. Text is
//!   bytes throughout: the host does not check that it is UTF-8.
//!
//! People write resources and amounts as text: [`text`] reads and writes the forms of Mesos, [`Quantities`] and
//! [`Limits`] are amounts by name, [`role`] knows what a role can be called, [`schema`] is for tables of what a
//! message has in JSON.
//!
//! Invariants: every input is a byte slice from outside and may be anything; the answer is a value or a
//! [`WireError`], never a panic. The output depends on the input alone.
//!
//! Not here: what an agent or a framework has, and arithmetic on that. It belongs to the core.
#![forbid(unsafe_code)]

mod error;
mod field;
pub mod messages;
pub mod operation;
mod quantities;
pub mod resource;
pub mod role;
pub mod schema;
pub mod text;
mod value;

pub use error::WireError;
pub use quantities::{Limits, Quantities, QuantityError};
pub use value::{Range, Scalar, Value, ValueType};
