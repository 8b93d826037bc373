//! The table of entry points, and what all of them have in common.

use crate::abi::{
    APPORTION_DONE, APPORTION_FAILED, apportion_buffer, apportion_bytes, apportion_entries, apportion_handle,
    apportion_module, apportion_status,
};
use crate::handle::{self, Handle};
use crate::host::one_line;
use crate::lent::{BadArgument, Lent};
use crate::module::{Module, drill};
use crate::{allocator, buffer, guard, hook, isolator, qos_controller};

/// The functions that the shim calls. Its type is the header's, so it cannot differ from what the shim expects.
pub static ENTRIES: apportion_entries = apportion_entries {
    size: size_of::<apportion_entries>(),
    create: Some(create),
    destroy: Some(destroy),
    release: Some(buffer::release),
    allocator_publish_metrics: Some(allocator::entries::publish_metrics),
    allocator_initialize: Some(allocator::entries::initialize),
    allocator_recover: Some(allocator::entries::recover),
    allocator_add_framework: Some(allocator::entries::add_framework),
    allocator_remove_framework: Some(allocator::entries::remove_framework),
    allocator_activate_framework: Some(allocator::entries::activate_framework),
    allocator_deactivate_framework: Some(allocator::entries::deactivate_framework),
    allocator_update_framework: Some(allocator::entries::update_framework),
    allocator_add_slave: Some(allocator::entries::add_slave),
    allocator_remove_slave: Some(allocator::entries::remove_slave),
    allocator_update_slave: Some(allocator::entries::update_slave),
    allocator_add_resource_provider: Some(allocator::entries::add_resource_provider),
    allocator_activate_slave: Some(allocator::entries::activate_slave),
    allocator_deactivate_slave: Some(allocator::entries::deactivate_slave),
    allocator_update_whitelist: Some(allocator::entries::update_whitelist),
    allocator_request_resources: Some(allocator::entries::request_resources),
    allocator_update_allocation: Some(allocator::entries::update_allocation),
    allocator_update_available: Some(allocator::entries::update_available),
    allocator_update_unavailability: Some(allocator::entries::update_unavailability),
    allocator_update_inverse_offer: Some(allocator::entries::update_inverse_offer),
    allocator_get_inverse_offer_statuses: Some(allocator::entries::get_inverse_offer_statuses),
    allocator_transition_offered_to_allocated: Some(allocator::entries::transition_offered_to_allocated),
    allocator_recover_resources: Some(allocator::entries::recover_resources),
    allocator_suppress_offers: Some(allocator::entries::suppress_offers),
    allocator_revive_offers: Some(allocator::entries::revive_offers),
    allocator_update_quota: Some(allocator::entries::update_quota),
    allocator_update_weights: Some(allocator::entries::update_weights),
    allocator_pause: Some(allocator::entries::pause),
    allocator_resume: Some(allocator::entries::resume),
    allocator_tick: Some(allocator::entries::tick),
    allocator_cycle: Some(allocator::entries::cycle),
    allocator_read_metrics: Some(allocator::reads::read_metrics),
    allocator_offer_constraints_debug: Some(allocator::reads::offer_constraints_debug),
    allocator_lending_report: Some(allocator::reads::lending_report),
    allocator_keeps_commits: Some(allocator::commitments::keeps_commits),
    allocator_commit_add_slave: Some(allocator::commitments::commit_add_slave),
    allocator_commit_remove_slave: Some(allocator::commitments::commit_remove_slave),
    allocator_commit_update_slave: Some(allocator::commitments::commit_update_slave),
    allocator_commit_transition: Some(allocator::commitments::commit_transition),
    allocator_commit_recover: Some(allocator::commitments::commit_recover),
    allocator_commit_remove_framework: Some(allocator::commitments::commit_remove_framework),
    hook_master_launch_task_label_decorator: Some(hook::entries::master_launch_task_label_decorator),
    hook_master_launch_task_resource_decorator: Some(hook::entries::master_launch_task_resource_decorator),
    hook_slave_run_task_label_decorator: Some(hook::entries::slave_run_task_label_decorator),
    hook_master_slave_lost_hook: Some(hook::entries::master_slave_lost_hook),
    hook_slave_executor_environment_decorator: Some(hook::entries::slave_executor_environment_decorator),
    hook_slave_pre_launch_docker_task_executor_decorator: Some(
        hook::entries::slave_pre_launch_docker_task_executor_decorator,
    ),
    hook_slave_post_fetch_hook: Some(hook::entries::slave_post_fetch_hook),
    hook_slave_remove_executor_hook: Some(hook::entries::slave_remove_executor_hook),
    hook_slave_task_status_decorator: Some(hook::entries::slave_task_status_decorator),
    hook_slave_resources_decorator: Some(hook::entries::slave_resources_decorator),
    hook_slave_attributes_decorator: Some(hook::entries::slave_attributes_decorator),
    hook_endpoint: Some(hook::entries::endpoint),
    hook_report: Some(hook::entries::report),
    hook_reload: Some(hook::entries::reload),
    isolator_supports_nesting: Some(isolator::entries::supports_nesting),
    isolator_supports_standalone: Some(isolator::entries::supports_standalone),
    isolator_listen: Some(isolator::entries::listen),
    isolator_metrics: Some(isolator::entries::metrics),
    isolator_metric: Some(isolator::entries::metric),
    isolator_report: Some(isolator::entries::report),
    isolator_recover: Some(isolator::entries::recover),
    isolator_prepare: Some(isolator::entries::prepare),
    isolator_isolate: Some(isolator::entries::isolate),
    isolator_watch: Some(isolator::entries::watch),
    isolator_update: Some(isolator::entries::update),
    isolator_usage: Some(isolator::entries::usage),
    isolator_status: Some(isolator::entries::status),
    isolator_cleanup: Some(isolator::entries::cleanup),
    qos_controller_listen: Some(qos_controller::entries::listen),
    qos_controller_initialize: Some(qos_controller::entries::initialize),
    qos_controller_corrections: Some(qos_controller::entries::corrections),
    qos_controller_usage_failed: Some(qos_controller::entries::usage_failed),
    qos_controller_metrics: Some(qos_controller::entries::metrics),
    qos_controller_metric: Some(qos_controller::entries::metric),
    qos_controller_report: Some(qos_controller::entries::report),
};

/// Why a call is refused: a text for the host's log or for a failed future.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

impl From<String> for Refusal {
    fn from(text: String) -> Refusal {
        Refusal(text)
    }
}

impl From<BadArgument> for Refusal {
    fn from(error: BadArgument) -> Refusal {
        Refusal(error.to_string())
    }
}

impl From<apportion_wire::WireError> for Refusal {
    fn from(error: apportion_wire::WireError) -> Refusal {
        Refusal(error.to_string())
    }
}

impl From<apportion_isolation::IsolationError> for Refusal {
    fn from(error: apportion_isolation::IsolationError) -> Refusal {
        Refusal(error.to_string())
    }
}

/// How a call of hook, isolator or QoS controller ended, with the bytes for its buffer.
pub(crate) type Answer = Result<(apportion_status, Vec<u8>), Refusal>;

/// Runs an entry point of a module that answers with a buffer: the result, or why not.
///
/// # Safety
/// `handle` and `out` are what the header says; all views that `body` reads are valid until this returns.
pub(crate) unsafe fn ask<'call>(
    handle: *mut apportion_handle,
    out: *mut apportion_buffer,
    entry: &'static str,
    body: impl FnOnce(&'call Module, Lent<'call>) -> Answer,
) -> apportion_status {
    // SAFETY: passed on.
    unsafe { ask_or(handle, out, entry, body, |_, _| {}) }
}

/// As [`ask`], for an entry point that answers with a number; not a number where it goes wrong.
///
/// # Safety
/// As for [`ask`], with the buffer beside the number; the number is null or may be written.
pub(crate) unsafe fn ask_number<'call>(
    handle: *mut apportion_handle,
    (value, text): (*mut f64, *mut apportion_buffer),
    entry: &'static str,
    body: impl FnOnce(&'call Module) -> Result<f64, Refusal>,
) -> apportion_status {
    let write = |number: f64| {
        if !value.is_null() {
            // SAFETY: not null; the caller lets us write.
            unsafe { value.write_unaligned(number) };
        }
    };
    write(f64::NAN);
    // SAFETY: passed on.
    unsafe {
        ask(handle, text, entry, |module, _| {
            write(body(module)?);
            Ok((APPORTION_DONE, Vec::new()))
        })
    }
}

/// As [`ask`]; `after_panic` gets the module and what the panic said.
///
/// # Safety
/// As for [`ask`].
pub(crate) unsafe fn ask_or<'call>(
    handle: *mut apportion_handle,
    out: *mut apportion_buffer,
    entry: &'static str,
    body: impl FnOnce(&'call Module, Lent<'call>) -> Answer,
    after_panic: impl FnOnce(&'call Module, &str),
) -> apportion_status {
    // SAFETY: the caller's promise about the handle.
    let found: Result<&'call Handle, _> = unsafe { handle::borrow(handle) };
    let answer = match found {
        Err(text) => Err(format!("{entry}: {text}")),
        Ok(handle) => {
            // SAFETY: the caller's promise about the views.
            let lent = unsafe { Lent::for_this_call() };
            let run = guard::caught(|| {
                drill(handle.module.drill(), entry);
                body(&handle.module, lent)
            });
            match run {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(Refusal(text))) => Err(format!("{entry}: {text}")),
                Err(said) => {
                    let text = format!("{entry}: {said}");
                    // A second fault on the way out must not cross the border either.
                    let _ = guard::caught(|| after_panic(&handle.module, &text));
                    Err(text)
                }
            }
        }
    };
    let (status, bytes) =
        answer.unwrap_or_else(|text| (APPORTION_FAILED, one_line(&text).into_owned().into_bytes()));
    // SAFETY: the caller's promise about `out`.
    unsafe { buffer::put(out, bytes) };
    status
}

impl Module {
    pub(crate) fn allocator(&self) -> Result<&allocator::AllocatorModule, Refusal> {
        if let Module::Allocator(module) = self { Ok(module) } else { Err(self.is_not("allocator")) }
    }

    pub(crate) fn hook(&self) -> Result<&hook::HookModule, Refusal> {
        if let Module::Hook(module) = self { Ok(module) } else { Err(self.is_not("hook")) }
    }

    pub(crate) fn isolator(&self) -> Result<&isolator::IsolatorModule, Refusal> {
        if let Module::Isolator(module) = self { Ok(module) } else { Err(self.is_not("isolator")) }
    }

    pub(crate) fn qos_controller(&self) -> Result<&qos_controller::QosControllerModule, Refusal> {
        if let Module::QosController(module) = self { Ok(module) } else { Err(self.is_not("QoS controller")) }
    }

    pub(crate) fn is_not(&self, wanted: &str) -> Refusal {
        Refusal(format!("the handle belongs to another module ({self:?}), not to a {wanted}"))
    }
}

/// Makes a module. See the header.
unsafe extern "C" fn create(
    kind: apportion_module,
    parameters: apportion_bytes,
    handle: *mut *mut apportion_handle,
    text: *mut apportion_buffer,
) -> apportion_status {
    let fail = |why: String| {
        // SAFETY: the caller's promise about `text`.
        unsafe { buffer::put(text, why.into_bytes()) };
        APPORTION_FAILED
    };
    if handle.is_null() || !handle.is_aligned() {
        return fail("there is no place for the handle".to_owned());
    }
    // SAFETY: not null and aligned; the caller lets us write.
    unsafe { handle.write(std::ptr::null_mut()) };
    // SAFETY: the caller's promise about the views.
    let lent = unsafe { Lent::for_this_call() };
    let made = guard::caught(|| -> Result<Module, Refusal> {
        Ok(Module::create(kind, lent.bytes(parameters, "parameters")?)?)
    });
    match made {
        Ok(Ok(module)) => {
            // SAFETY: as above.
            unsafe { handle.write(handle::into_raw(module)) };
            // SAFETY: the caller's promise about `text`.
            unsafe { buffer::put(text, Vec::new()) };
            APPORTION_DONE
        }
        Ok(Err(Refusal(why))) | Err(why) => fail(why),
    }
}

/// Ends a module. See the header.
unsafe extern "C" fn destroy(_: apportion_module, handle: *mut apportion_handle) {
    // A panic while state is torn down has nobody to tell.
    let _ = guard::caught(|| {
        // SAFETY: the caller's promise about the handle.
        unsafe { handle::destroy(handle) }
    });
}
