//! The entry points of the allocator that only look: metrics and pages. A fault in one of them leaves the
//! books as they were, so it is refused and nothing stops.

use super::{AllocatorModule, State};
use crate::abi::{
    APPORTION_DONE, APPORTION_UNCHANGED, apportion_buffer, apportion_bytes_list, apportion_handle,
    apportion_status,
};
use crate::lent::{BadArgument, Lent};
use crate::module::Module;
use crate::table::{Refusal, ask};

impl AllocatorModule {
    /// Looks at the state, between two events.
    fn look<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, Refusal> {
        let state = self.state.try_lock();
        let state = state.ok_or_else(|| Refusal("called while another call is running".to_owned()))?;
        match &state.stopped {
            Some(reason) => Err(Refusal(format!("the allocator has stopped before: {reason}"))),
            None => Ok(read(&state)),
        }
    }
}

/// The numbers of some metrics. See the header.
pub(crate) unsafe extern "C" fn read_metrics(
    handle: *mut apportion_handle,
    messages_waiting: u64,
    slots: *const u32,
    slots_size: usize,
    values: *mut f64,
    text: *mut apportion_buffer,
) -> apportion_status {
    let mut numbers = Vec::new();
    let look = |module: &Module, lent: Lent<'_>| {
        let slots = lent.slots(slots, slots_size)?;
        if !slots.is_empty() && values.is_null() {
            return Err(BadArgument::Missing { what: "values" }.into());
        }
        if !values.is_aligned() {
            return Err(BadArgument::Unaligned { what: "values" }.into());
        }
        numbers = module.allocator()?.look(|state| state.numbers(slots, messages_waiting))?;
        Ok((APPORTION_DONE, Vec::new()))
    };
    // SAFETY: called by the shim under the rules of the header.
    let status = unsafe { ask(handle, text, "allocator.read_metrics", look) };
    for (at, number) in numbers.into_iter().enumerate() {
        // SAFETY: not null and aligned; the caller lets us write as many numbers as there are slots.
        unsafe { values.wrapping_add(at).write(number.unwrap_or(f64::NAN)) };
    }
    status
}

/// What offer constraints and suppression keep from frameworks. See the header.
pub(crate) unsafe extern "C" fn offer_constraints_debug(
    handle: *mut apportion_handle,
    frameworks: *const apportion_bytes_list,
    json: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, json, "allocator.offer_constraints_debug", |module, lent| {
            let frameworks = lent.optional_list(frameworks, "frameworks")?;
            let json = module.allocator()?.look(|state| state.constraints_debug(frameworks.as_deref()))?;
            Ok((APPORTION_DONE, json))
        })
    }
}

/// What is lent, by whom and to whom. See the header.
pub(crate) unsafe extern "C" fn lending_report(
    handle: *mut apportion_handle,
    now: i64,
    json: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, json, "allocator.lending_report", |module, _| {
            let report = module.allocator()?.look(|state| state.lending_report(now))?;
            Ok(report.map_or((APPORTION_UNCHANGED, Vec::new()), |report| {
                (APPORTION_DONE, report.to_string().into_bytes())
            }))
        })
    }
}
