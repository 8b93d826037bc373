//! The entry points of the isolator. May be called by several threads at once.

use std::ffi::c_void;

use super::IsolatorModule;
use super::notices::{Callback, Listening};
use crate::abi::{
    APPORTION_DONE, apportion_buffer, apportion_bytes, apportion_bytes_list, apportion_handle,
    apportion_quantities, apportion_status,
};
use crate::lent::Lent;
use crate::table::{Answer, Refusal, ask, ask_number, ask_or};

/// Runs a call for one container; a panic gives that container up.
///
/// # Safety
/// As for [`ask`].
unsafe fn ask_for<'call>(
    handle: *mut apportion_handle,
    container: apportion_bytes,
    out: *mut apportion_buffer,
    entry: &'static str,
    body: impl FnOnce(&'call IsolatorModule, &'call [u8], Lent<'call>) -> Answer,
) -> apportion_status {
    // SAFETY: the caller's promise about the views, which include the container's id.
    let lent = unsafe { Lent::for_this_call() };
    // SAFETY: passed on.
    unsafe {
        ask_or(
            handle,
            out,
            entry,
            |module, lent| body(module.isolator()?, lent.bytes(container, "container id")?, lent),
            |module, said| {
                if let (Ok(module), Ok(id)) = (module.isolator(), lent.bytes(container, "container id")) {
                    module.give_up(id, said);
                }
            },
        )
    }
}

/// Answers "yes", which is a "no" on every path but the good one.
///
/// # Safety
/// As for [`ask`]; `answer` is null or may be written.
unsafe fn yes(
    handle: *mut apportion_handle,
    answer: *mut u8,
    text: *mut apportion_buffer,
    entry: &'static str,
) -> apportion_status {
    let write = |number: u8| {
        if !answer.is_null() {
            // SAFETY: not null; the caller lets us write.
            unsafe { answer.write(number) };
        }
    };
    write(0);
    // SAFETY: passed on.
    unsafe {
        ask(handle, text, entry, |module, _| {
            module.isolator()?;
            if answer.is_null() {
                return Err(Refusal("there is no place for the answer".to_owned()));
            }
            write(1);
            Ok((APPORTION_DONE, Vec::new()))
        })
    }
}

/// Nested containers are recorded like any other.
pub(crate) unsafe extern "C" fn supports_nesting(
    handle: *mut apportion_handle,
    answer: *mut u8,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe { yes(handle, answer, text, "isolator.supports_nesting") }
}

/// Containers without an executor are recorded like any other.
pub(crate) unsafe extern "C" fn supports_standalone(
    handle: *mut apportion_handle,
    answer: *mut u8,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe { yes(handle, answer, text, "isolator.supports_standalone") }
}

/// See `listen` in the header.
pub(crate) unsafe extern "C" fn listen(
    handle: *mut apportion_handle,
    context: *mut c_void,
    listener: Option<Callback>,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: the header has the shim keep context and listener until `destroy` returns.
    let listening = listener.map(|callback| unsafe { Listening::new(context, callback) });
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, text, "isolator.listen", |module, _| {
            let listening = listening.ok_or_else(|| Refusal("there is no listener".to_owned()))?;
            module.isolator()?.listen(listening);
            Ok((APPORTION_DONE, Vec::new()))
        })
    }
}

/// See `metrics` in the header.
pub(crate) unsafe extern "C" fn metrics(
    handle: *mut apportion_handle,
    names: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe { ask(handle, names, "isolator.metrics", |module, _| module.isolator()?.metrics()) }
}

/// See `metric` in the header.
pub(crate) unsafe extern "C" fn metric(
    handle: *mut apportion_handle,
    slot: u32,
    value: *mut f64,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask_number(handle, (value, text), "isolator.metric", |module| Ok(module.isolator()?.metric(slot)))
    }
}

/// See `isolator_report` in the header.
pub(crate) unsafe extern "C" fn report(
    handle: *mut apportion_handle,
    json: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe { ask(handle, json, "isolator.report", |module, _| module.isolator()?.report()) }
}

/// See `recover` in the header.
pub(crate) unsafe extern "C" fn recover(
    handle: *mut apportion_handle,
    states: apportion_bytes_list,
    orphans: apportion_bytes_list,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, text, "isolator.recover", |module, lent| {
            module.isolator()?.recover(&lent.list(states, "states")?, &lent.list(orphans, "orphans")?)
        })
    }
}

/// See `prepare` in the header.
pub(crate) unsafe extern "C" fn prepare(
    handle: *mut apportion_handle,
    container: apportion_bytes,
    config: apportion_bytes,
    launch_info: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask_for(handle, container, launch_info, "isolator.prepare", |isolator, id, lent| {
            isolator.prepare(id, lent.bytes(config, "container configuration")?)
        })
    }
}

/// See `isolate` in the header.
pub(crate) unsafe extern "C" fn isolate(
    handle: *mut apportion_handle,
    container: apportion_bytes,
    pid: i64,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask_for(handle, container, text, "isolator.isolate", |isolator, id, _| isolator.isolate(id, pid))
    }
}

/// See `watch` in the header.
pub(crate) unsafe extern "C" fn watch(
    handle: *mut apportion_handle,
    container: apportion_bytes,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe { ask_for(handle, container, text, "isolator.watch", |isolator, id, _| isolator.watch(id)) }
}

/// See `update` in the header.
pub(crate) unsafe extern "C" fn update(
    handle: *mut apportion_handle,
    container: apportion_bytes,
    requests: apportion_bytes_list,
    limits: apportion_quantities,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask_for(handle, container, text, "isolator.update", |isolator, id, lent| {
            isolator.update(id, &lent.list(requests, "requests")?, &lent.quantities(limits, "limits")?)
        })
    }
}

/// See `usage` in the header.
pub(crate) unsafe extern "C" fn usage(
    handle: *mut apportion_handle,
    container: apportion_bytes,
    now: i64,
    statistics: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask_for(handle, container, statistics, "isolator.usage", |isolator, id, _| isolator.usage(id, now))
    }
}

/// See `status` in the header.
pub(crate) unsafe extern "C" fn status(
    handle: *mut apportion_handle,
    container: apportion_bytes,
    container_status: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask_for(handle, container, container_status, "isolator.status", |isolator, id, _| isolator.status(id))
    }
}

/// See `cleanup` in the header.
pub(crate) unsafe extern "C" fn cleanup(
    handle: *mut apportion_handle,
    container: apportion_bytes,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe { ask_for(handle, container, text, "isolator.cleanup", |isolator, id, _| isolator.cleanup(id)) }
}
