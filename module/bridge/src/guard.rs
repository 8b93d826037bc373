//! No panic crosses the border: what a panic said becomes the text of a refusal.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Place and message of the last panic on this thread, for the entry point that catches it.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes panics leave their place and message for [`caught`] instead of printing them on standard error, where an
/// operator would not look. On threads that no entry point runs on there are no panics of ours.
pub(crate) fn note_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!("{}:{}: ", at.file(), at.line())).unwrap_or_default();
        let text = format!("{place}{}", message(panic.payload()));
        LAST.with(|last| *last.borrow_mut() = Some(text));
    }));
}

/// Runs an entry point's body; `Err` is what a panic said.
///
/// Whoever calls this must not use state again that the body may have left halfway.
pub(crate) fn caught<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let noted = LAST.with(|last| last.borrow_mut().take());
        format!("panicked: {}", noted.unwrap_or_else(|| message(&*payload)))
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    payload.downcast_ref::<String>().cloned().unwrap_or_else(|| "without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[test]
    fn a_panic_becomes_its_message() {
        let said = caught(|| panic!("out of {}", "luck")).unwrap_err();
        assert!(said.contains("out of luck"), "{said}");
        assert_eq!(caught(|| 7), Ok(7));
    }
}
