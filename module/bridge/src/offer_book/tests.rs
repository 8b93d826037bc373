//! The book behind a real allocator, which is called through the table as the shim calls it.

mod accounts;
mod histories;
mod hook;
mod master;
#[expect(dead_code, reason = "made for the tests of the whole table")]
#[path = "../../tests/ffi/messages.rs"]
mod messages;
mod room;
