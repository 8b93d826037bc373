//! The whole border: the table of C functions, called in any order with any bytes as messages.
//!
//! The four modules are made, then the input says which function is called with what. What must hold: every place for an
//! answer is set, a text stands with a refusal and nowhere else, what the shim is to keep is defined before it is used,
//! and no answer is the trace of a panic. An allocator that answers fatally stays stopped.
#![expect(unsafe_code, reason = "the table is called as the C++ side calls it, through its pointers")]

mod allocator;
mod draw;
mod lent;
mod others;

use apportion_bridge::abi::{
    APPORTION_ALLOCATOR, APPORTION_DONE, APPORTION_FAILED, APPORTION_FATAL, APPORTION_HOOK,
    APPORTION_ISOLATOR, APPORTION_QOS_CONTROLLER, APPORTION_UNCHANGED, apportion_buffer, apportion_bytes,
    apportion_handle, apportion_module, apportion_status,
};
use apportion_bridge::{Host, Severity};
use std::sync::Once;

use self::allocator::Allocator;
use self::lent::Lent;
use crate::entropy::Entropy;

/// Most calls for one input.
const CALLS_MAX: usize = 100;

/// A size that no answer has: it shows that a place was not written.
const UNTOUCHED: usize = usize::MAX;

/// Calls a function of the table through its pointer.
macro_rules! call {
    ($entry:ident($($argument:expr),* $(,)?)) => {{
        let entry = apportion_bridge::ENTRIES.$entry.expect("the table is complete");
        // SAFETY: the handle is one that `create` gave, views are of memory that `Lent` keeps until the call is over,
        // places for answers are local variables.
        unsafe { entry($($argument),*) }
    }};
}
use call;

/// Runs the target.
///
/// # Panics
/// If an answer breaks the rules of the header, or tells of a panic.
pub fn run(input: &[u8]) {
    connect();
    let entropy = &mut Entropy::new(input);
    if entropy.rarely() {
        let kind = entropy.pick(&[APPORTION_ALLOCATOR, APPORTION_HOOK, APPORTION_ISOLATOR, 7]);
        drop(Module::create(kind, &draw::any_parameters(entropy)));
    }
    let make = |kind| Module::create(kind, &draw::parameters()).expect("good parameters");
    // Without a hook in the process no allocator lends.
    let hook = make(APPORTION_HOOK);
    let parameters = if entropy.flag() { draw::parameters_of_lending() } else { draw::parameters() };
    let allocator = Module::create(APPORTION_ALLOCATOR, &parameters).expect("good parameters");
    let mut allocator = Allocator::new(allocator);
    let isolator = make(APPORTION_ISOLATOR);
    // Without borrowers it ends nobody.
    let qos_controller =
        Module::create(APPORTION_QOS_CONTROLLER, &draw::parameters_of_lending()).expect("good parameters");
    if entropy.mostly() {
        allocator.start(entropy);
    }
    for _ in 0..CALLS_MAX {
        if entropy.is_used_up() {
            break;
        }
        match entropy.below(8) {
            0 => others::call_hook(&hook, entropy),
            1 => others::call_isolator(&isolator, entropy),
            2 if entropy.rarely() => others::call_qos_controller(&qos_controller, entropy),
            _ => allocator.step(entropy),
        }
    }
}

/// A host that takes every line.
#[derive(Debug)]
struct Listener;

impl Host for Listener {
    fn log_enabled(&self, _: Severity) -> bool {
        true
    }

    fn log(&self, _: Severity, file: &str, line: u32, text: &str) {
        assert!(!file.is_empty() && line > 0);
        assert!(!text.chars().any(char::is_control), "one line: {text:?}");
    }
}

/// Connects the library to the host, once.
fn connect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The library keeps what a panic says for its answers; libFuzzer must still hear of panics in the target.
        let report = std::panic::take_hook();
        apportion_bridge::connect(&Listener);
        let note = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            note(panic);
            report(panic);
        }));
    });
}

/// A module, ended when dropped.
#[derive(Debug)]
struct Module {
    kind: apportion_module,
    handle: *mut apportion_handle,
}

impl Module {
    fn create(kind: apportion_module, parameters: &[u8]) -> Option<Module> {
        let mut handle = std::ptr::null_mut();
        let mut lent = Lent::default();
        let parameters = lent.bytes(parameters.to_vec());
        let status = answered("create", |text| call!(create(kind, parameters, &raw mut handle, text)));
        assert_eq!(status == APPORTION_DONE, !handle.is_null(), "a handle if it was made");
        (status == APPORTION_DONE).then_some(Module { kind, handle })
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        call!(destroy(self.kind, self.handle));
    }
}

/// Runs a call with a place for its buffer, looks at the answer, and gives the buffer back.
fn answered(entry: &str, call: impl FnOnce(*mut apportion_buffer) -> apportion_status) -> apportion_status {
    let (status, _) = answer(entry, call);
    assert_ne!(status, APPORTION_FATAL, "{entry}");
    status
}

/// The same for calls that may end the process; with what the buffer held.
fn answer(
    entry: &str,
    call: impl FnOnce(*mut apportion_buffer) -> apportion_status,
) -> (apportion_status, Vec<u8>) {
    let mut buffer = apportion_buffer { data: std::ptr::null_mut(), size: UNTOUCHED, capacity: 0 };
    let status = call(&raw mut buffer);
    assert_ne!(buffer.size, UNTOUCHED, "{entry}: the buffer was not set");
    let bytes = read(buffer.data.cast_const(), buffer.size).to_vec();
    call!(release(&raw mut buffer));
    assert!(buffer.data.is_null() && buffer.size == 0 && buffer.capacity == 0, "{entry}: released");
    match status {
        APPORTION_DONE => {}
        APPORTION_UNCHANGED => assert!(bytes.is_empty(), "{entry}: nothing to change, but a message"),
        APPORTION_FAILED | APPORTION_FATAL => assert_reason(entry, &bytes),
        other => panic!("{entry}: status {other}"),
    }
    (status, bytes)
}

/// A refusal says why, and is no panic.
fn assert_reason(entry: &str, text: &[u8]) {
    let text = std::str::from_utf8(text).expect("a refusal is text");
    assert!(!text.is_empty(), "{entry}: refused without a reason");
    assert!(!text.contains("panicked"), "{entry}: {text}");
}

/// Reads what the library lends.
fn read<'a, T>(data: *const T, size: usize) -> &'a [T] {
    if size == 0 {
        return &[];
    }
    assert!(!data.is_null() && data.is_aligned(), "{size} elements at {data:?}");
    // SAFETY: the library lends `size` elements until the next call, and nobody here keeps them longer.
    unsafe { std::slice::from_raw_parts(data, size) }
}

/// Reads bytes that the library lends.
fn read_bytes(bytes: apportion_bytes) -> Vec<u8> {
    read(bytes.data, bytes.size).to_vec()
}
