//! The opaque handles of the four modules.

use parking_lot::Mutex;

use crate::abi::apportion_handle;
use crate::module::Module;

/// Marks memory that is a handle: "APPORTIO" in ASCII.
const ALIVE: u64 = 0x4150_504f_5254_494f;

/// What an `apportion_handle` points to.
pub(crate) struct Handle {
    mark: u64,
    pub(crate) module: Module,
    /// Why the last allocator call failed: lent to the shim until the next call.
    pub(crate) text: Mutex<Vec<u8>>,
}

/// Moves a module to the shim.
pub(crate) fn into_raw(module: Module) -> *mut apportion_handle {
    Box::into_raw(Box::new(Handle { mark: ALIVE, module, text: Mutex::default() })).cast()
}

/// The module behind a handle, or why there is none.
///
/// # Safety
/// `handle` is null, or came from [`into_raw`] and was not destroyed, and lives for `'call`.
pub(crate) unsafe fn borrow<'call>(handle: *mut apportion_handle) -> Result<&'call Handle, &'static str> {
    let handle: *const Handle = handle.cast();
    if handle.is_null() {
        return Err("the handle is null");
    }
    if !handle.is_aligned() {
        return Err("the handle is not one of ours");
    }
    // SAFETY: not null, aligned, and alive by the promise of the caller.
    let mark = unsafe { &raw const (*handle).mark };
    // The mark alone is looked at first: in memory that is not ours the module would not even be a value.
    // SAFETY: as above; any bytes are a number.
    if unsafe { mark.read() } != ALIVE {
        return Err("the handle is not one of ours");
    }
    // SAFETY: as above, and the mark is there.
    Ok(unsafe { &*handle })
}

/// Ends a module. Null is allowed; what [`borrow`] refuses stays as it is.
///
/// # Safety
/// `handle` is null, or came from [`into_raw`], was not destroyed before and is used by nobody.
pub(crate) unsafe fn destroy(handle: *mut apportion_handle) {
    // SAFETY: the promise of the caller.
    if unsafe { borrow(handle) }.is_err() {
        return;
    }
    // SAFETY: it came from `into_raw` by the promise of the caller.
    let mut handle = unsafe { Box::from_raw(handle.cast::<Handle>()) };
    handle.mark = 0;
}
