//! The entry points of the QoS controller. The shim's actor asks for corrections; report and metrics are asked for by any
//! thread.

use std::ffi::c_void;

use super::QosControllerModule;
use crate::abi::{
    APPORTION_DONE, APPORTION_UNCHANGED, apportion_buffer, apportion_bytes, apportion_handle,
    apportion_status,
};
use crate::lent::Lent;
use crate::reclaim::{Sleeper, Woken};
use crate::table::{Answer, Refusal, ask, ask_number};

/// When to look again if a call fails: nanoseconds.
const AFTER_FAULT: i64 = 15_000_000_000;

/// See `qos_controller_listen` in the header.
pub(crate) unsafe extern "C" fn listen(
    handle: *mut apportion_handle,
    context: *mut c_void,
    woken: Option<Woken>,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: the header lets the library call it on any thread until `destroy` returns.
    let sleeper = woken.map(|woken| unsafe { Sleeper::new(context, woken) });
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, text, "qos_controller.listen", |module, _| {
            let sleeper = sleeper.ok_or_else(|| Refusal("there is nobody to wake".to_owned()))?;
            module.qos_controller()?.listen(sleeper);
            Ok((APPORTION_DONE, Vec::new()))
        })
    }
}

/// See `qos_controller_initialize` in the header.
pub(crate) unsafe extern "C" fn initialize(
    handle: *mut apportion_handle,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, text, "qos_controller.initialize", |module, _| module.qos_controller()?.initialize())
    }
}

/// Asks a question whose answer comes with a time to look again, which is set on every path.
///
/// # Safety
/// As for [`ask`]; `look_again` is null or may be written.
unsafe fn ask_when<'call>(
    handle: *mut apportion_handle,
    look_again: *mut i64,
    out: *mut apportion_buffer,
    entry: &'static str,
    body: impl FnOnce(&'call QosControllerModule, Lent<'call>) -> Result<(Answer, i64), Refusal>,
) -> apportion_status {
    let write = |nanoseconds: i64| {
        if !look_again.is_null() {
            // SAFETY: not null; the shim lets us write.
            unsafe { look_again.write_unaligned(nanoseconds) };
        }
    };
    write(AFTER_FAULT);
    // SAFETY: passed on.
    unsafe {
        ask(handle, out, entry, |module, lent| {
            let (answer, nanoseconds) = body(module.qos_controller()?, lent)?;
            write(nanoseconds);
            answer
        })
    }
}

/// See `qos_controller_corrections` in the header.
pub(crate) unsafe extern "C" fn corrections(
    handle: *mut apportion_handle,
    now: i64,
    usage: apportion_bytes,
    look_again: *mut i64,
    corrections: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask_when(handle, look_again, corrections, "qos_controller.corrections", |module, lent| {
            Ok(module.look(now, lent.bytes(usage, "usage")?)?.answer())
        })
    }
}

/// See `qos_controller_usage_failed` in the header.
pub(crate) unsafe extern "C" fn usage_failed(
    handle: *mut apportion_handle,
    now: i64,
    reason: apportion_bytes,
    look_again: *mut i64,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask_when(handle, look_again, text, "qos_controller.usage_failed", |module, lent| {
            let look_again = module.usage_failed(now, lent.bytes(reason, "reason")?);
            Ok((Ok((APPORTION_UNCHANGED, Vec::new())), look_again))
        })
    }
}

/// See `qos_controller_metrics` in the header.
pub(crate) unsafe extern "C" fn metrics(
    handle: *mut apportion_handle,
    names: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe { ask(handle, names, "qos_controller.metrics", |module, _| module.qos_controller()?.metrics()) }
}

/// See `qos_controller_metric` in the header.
pub(crate) unsafe extern "C" fn metric(
    handle: *mut apportion_handle,
    slot: u32,
    value: *mut f64,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask_number(handle, (value, text), "qos_controller.metric", |module| {
            Ok(module.qos_controller()?.metric(slot))
        })
    }
}

/// See `qos_controller_report` in the header.
pub(crate) unsafe extern "C" fn report(
    handle: *mut apportion_handle,
    json: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe { ask(handle, json, "qos_controller.report", |module, _| module.qos_controller()?.report()) }
}
