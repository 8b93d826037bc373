//! The border from the shim's side: places for answers, handles that are given back, and the host that lines go to.

use std::cell::{Cell, RefCell};
use std::sync::{Once, RwLock};

use apportion_bridge::abi::{
    APPORTION_ALLOCATOR, APPORTION_DONE, APPORTION_FAILED, APPORTION_HOOK, APPORTION_ISOLATOR,
    APPORTION_QOS_CONTROLLER, APPORTION_UNCHANGED, apportion_buffer, apportion_bytes, apportion_effects,
    apportion_handle, apportion_module, apportion_status,
};
use apportion_bridge::{Host, Severity};

use crate::messages;

/// Calls a function of the table as the shim does: through its pointer.
macro_rules! call {
    ($entry:ident($($argument:expr),* $(,)?)) => {{
        let entry = apportion_bridge::ENTRIES.$entry.expect("the table is complete");
        // SAFETY: views, handles and places are those of the header; where a test breaks a rule on purpose, it is one
        // that the library promises to notice before it reads through the pointer.
        unsafe { entry($($argument),*) }
    }};
}
pub(crate) use call;

/// Lends bytes.
pub(crate) fn view(bytes: &[u8]) -> apportion_bytes {
    apportion_bytes { data: bytes.as_ptr(), size: bytes.len() }
}

/// Reads what the library lends.
pub(crate) fn read<'a, T>(data: *const T, size: usize) -> &'a [T] {
    if size == 0 {
        return &[];
    }
    // SAFETY: the library lends `size` elements until the next call, and nobody here keeps them longer.
    unsafe { std::slice::from_raw_parts(data, size) }
}

/// Reads bytes that the library lends.
pub(crate) fn read_bytes(bytes: apportion_bytes) -> Vec<u8> {
    read(bytes.data, bytes.size).to_vec()
}

/// A size that no answer has: it shows that a place was not written.
const UNTOUCHED: usize = usize::MAX;

/// What a call of hook, isolator or QoS controller answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: apportion_status,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The text of a refusal.
    #[track_caller]
    pub(crate) fn refusal(&self) -> String {
        assert_eq!(self.status, APPORTION_FAILED, "{self:?}");
        String::from_utf8(self.bytes.clone()).expect("a refusal is text")
    }

    /// The message that the call gave.
    #[track_caller]
    pub(crate) fn message<M: apportion_wire::messages::HostMessage>(&self) -> M {
        assert_eq!(self.status, APPORTION_DONE, "{}", String::from_utf8_lossy(&self.bytes));
        apportion_wire::messages::decode(&self.bytes).expect("an answer decodes")
    }

    /// Neither a result nor a text, and nothing wrong.
    #[track_caller]
    pub(crate) fn expect(&self, status: apportion_status) {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
    }
}

/// Runs a call with a place for its buffer, which must be written, and gives the buffer back.
pub(crate) fn answered(call: impl FnOnce(*mut apportion_buffer) -> apportion_status) -> Answer {
    let mut buffer = apportion_buffer { data: std::ptr::null_mut(), size: UNTOUCHED, capacity: 0 };
    let status = call(&raw mut buffer);
    assert_ne!(buffer.size, UNTOUCHED, "the buffer was not set");
    let bytes = read(buffer.data.cast_const(), buffer.size).to_vec();
    call!(release(&raw mut buffer));
    assert!(buffer.data.is_null() && buffer.size == 0 && buffer.capacity == 0, "released: {buffer:?}");
    call!(release(&raw mut buffer));
    if status == APPORTION_UNCHANGED {
        assert!(bytes.is_empty(), "nothing to change, but {bytes:?}");
    }
    Answer { status, bytes }
}

/// Effects in which nothing is set.
pub(crate) fn untouched_effects() -> apportion_effects {
    apportion_effects {
        frameworks: std::ptr::null(),
        frameworks_size: UNTOUCHED,
        roles: std::ptr::null(),
        roles_size: UNTOUCHED,
        agents: std::ptr::null(),
        agents_size: UNTOUCHED,
        items: std::ptr::null(),
        items_size: UNTOUCHED,
        bundles: std::ptr::null(),
        bundles_size: UNTOUCHED,
        offers: std::ptr::null(),
        offers_size: UNTOUCHED,
        inverse_offers: std::ptr::null(),
        inverse_offers_size: UNTOUCHED,
        inverse_statuses: std::ptr::null(),
        inverse_statuses_size: UNTOUCHED,
        metrics_removed: std::ptr::null(),
        metrics_removed_size: UNTOUCHED,
        metrics_added: std::ptr::null(),
        metrics_added_size: UNTOUCHED,
        text: apportion_bytes { data: std::ptr::null(), size: UNTOUCHED },
        cycle_requested: u8::MAX,
    }
}

/// Whether every part of the effects was set.
pub(crate) fn is_set(effects: &apportion_effects) -> bool {
    let sizes = [
        effects.frameworks_size,
        effects.roles_size,
        effects.agents_size,
        effects.items_size,
        effects.bundles_size,
        effects.offers_size,
        effects.inverse_offers_size,
        effects.inverse_statuses_size,
        effects.metrics_removed_size,
        effects.metrics_added_size,
        effects.text.size,
    ];
    !sizes.contains(&UNTOUCHED) && effects.cycle_requested <= 1
}

/// Whether there are QoS controllers in this process, which every hook is told: whoever makes some writes, whoever depends
/// on there being none reads.
pub(crate) static CONTROLLERS: RwLock<()> = RwLock::new(());

/// A module, ended when dropped.
#[derive(Debug)]
pub(crate) struct Module {
    kind: apportion_module,
    handle: *mut apportion_handle,
}

// SAFETY: hook, isolator and QoS controller may be called by any number of threads; an allocator is not shared here.
unsafe impl Sync for Module {}
// SAFETY: a handle is not bound to the thread that made it.
unsafe impl Send for Module {}

impl Module {
    /// Makes a module, or says why it cannot be made.
    pub(crate) fn create(kind: apportion_module, parameters: &[u8]) -> Result<Module, String> {
        connect();
        let mut handle = std::ptr::dangling_mut::<apportion_handle>();
        let answer = answered(|text| call!(create(kind, view(parameters), &raw mut handle, text)));
        if answer.status == APPORTION_DONE {
            assert!(!handle.is_null() && handle != std::ptr::dangling_mut());
            return Ok(Module { kind, handle });
        }
        assert!(handle.is_null(), "a module that was not made has no handle");
        Err(answer.refusal())
    }

    fn with(kind: apportion_module, pairs: &[(&str, &str)]) -> Module {
        Module::create(kind, &messages::parameters(pairs)).unwrap()
    }

    pub(crate) fn allocator(pairs: &[(&str, &str)]) -> Module {
        Module::with(APPORTION_ALLOCATOR, pairs)
    }

    pub(crate) fn hook(pairs: &[(&str, &str)]) -> Module {
        Module::with(APPORTION_HOOK, pairs)
    }

    pub(crate) fn isolator(pairs: &[(&str, &str)]) -> Module {
        Module::with(APPORTION_ISOLATOR, pairs)
    }

    pub(crate) fn qos_controller(pairs: &[(&str, &str)]) -> Module {
        Module::with(APPORTION_QOS_CONTROLLER, pairs)
    }

    pub(crate) fn handle(&self) -> *mut apportion_handle {
        self.handle
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        call!(destroy(self.kind, self.handle));
    }
}

/// A line that the library logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) severity: Severity,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) text: String,
}

thread_local! {
    static LINES: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
    /// The lowest severity that the host of this thread writes; none at all by default.
    static LEAST: Cell<Option<Severity>> = const { Cell::new(None) };
    static WHILE_LOGGING: Cell<Option<fn()>> = const { Cell::new(None) };
    static EXPECTS_PANICS: Cell<bool> = const { Cell::new(false) };
}

/// A host that keeps the lines of each thread apart.
#[derive(Debug)]
struct RecordingHost;

impl Host for RecordingHost {
    fn log_enabled(&self, severity: Severity) -> bool {
        LEAST.get().is_some_and(|least| severity >= least)
    }

    fn log(&self, severity: Severity, file: &str, line: u32, text: &str) {
        if let Some(act) = WHILE_LOGGING.take() {
            act();
        }
        let line = Line { severity, file: file.to_owned(), line, text: text.to_owned() };
        LINES.with_borrow_mut(|lines| lines.push(line));
    }
}

/// Connects the library to the recording host, once for all tests.
pub(crate) fn connect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The library keeps panics for its own answers; those of the tests must still be printed.
        let print = std::panic::take_hook();
        apportion_bridge::connect(&RecordingHost);
        let note = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            note(panic);
            if !EXPECTS_PANICS.get() {
                print(panic);
            }
        }));
    });
}

/// The lines that `act` logs on this thread, from a severity upwards.
pub(crate) fn logged(least: Severity, act: impl FnOnce()) -> Vec<Line> {
    connect();
    LINES.take();
    LEAST.set(Some(least));
    act();
    LEAST.set(None);
    LINES.take()
}

/// Does something in the middle of the next line that this thread logs.
pub(crate) fn while_logging(act: fn()) {
    WHILE_LOGGING.set(Some(act));
}

/// Runs something that panics inside the library on purpose.
pub(crate) fn expecting_panics<T>(act: impl FnOnce() -> T) -> T {
    EXPECTS_PANICS.set(true);
    let result = act();
    EXPECTS_PANICS.set(false);
    result
}
