//! The thirty entry points of the allocator. Called by one thread at a time.

use apportion_core::Event;

use super::{State, Trouble, refuse_seconds};
use crate::abi::{
    APPORTION_DONE, APPORTION_FAILED, APPORTION_FATAL, apportion_bytes, apportion_bytes_list,
    apportion_conversions, apportion_effects, apportion_handle, apportion_holdings, apportion_options,
    apportion_quota, apportion_quotas, apportion_status,
};
use crate::host::one_line;
use crate::lent::Lent;
use crate::module::{Module, drill};
use crate::{guard, handle};

/// Effects of a call that leads to nothing; `text` says why it failed.
fn nothing(text: &[u8]) -> apportion_effects {
    apportion_effects {
        items: std::ptr::null(),
        items_size: 0,
        bundles: std::ptr::null(),
        bundles_size: 0,
        offers: std::ptr::null(),
        offers_size: 0,
        inverse_statuses: std::ptr::null(),
        inverse_statuses_size: 0,
        text: apportion_bytes { data: text.as_ptr(), size: text.len() },
        cycle_requested: 0,
    }
}

/// Runs an event in the allocator behind `handle` and sets `effects` on every path.
///
/// # Safety
/// `handle` and `effects` are what the header says; all views that `body` reads are valid until this returns.
unsafe fn event(
    handle: *mut apportion_handle,
    effects: *mut apportion_effects,
    entry: &'static str,
    body: impl FnOnce(&mut State, Lent<'_>) -> Result<(), Trouble>,
) -> apportion_status {
    let answer = |given: apportion_effects, status| {
        if !effects.is_null() && effects.is_aligned() {
            // SAFETY: not null and aligned; the caller lets us write.
            unsafe { effects.write(given) };
        }
        status
    };
    // SAFETY: the caller's promise about the handle.
    let found = match unsafe { handle::borrow(handle) } {
        Ok(found) => found,
        Err(text) => return answer(nothing(text.as_bytes()), APPORTION_FATAL),
    };
    // The text lives in the handle: the shim reads it before the next call.
    let refuse = |text: String, status| {
        let mut kept = found.text.lock();
        *kept = one_line(&text).into_owned().into_bytes();
        answer(nothing(&kept), status)
    };
    let Module::Allocator(allocator) = &found.module else {
        return refuse(format!("{entry}: {}", found.module.is_not("allocator").0), APPORTION_FATAL);
    };
    if effects.is_null() || !effects.is_aligned() {
        return refuse(format!("{entry}: there is no place for the effects"), APPORTION_FATAL);
    }
    let Some(mut state) = allocator.state.try_lock() else {
        return refuse(format!("{entry}: called while another call is running"), APPORTION_FATAL);
    };
    if let Some(reason) = &state.stopped {
        return refuse(format!("{entry}: the allocator has stopped before: {reason}"), APPORTION_FATAL);
    }
    // SAFETY: the caller's promise about the views.
    let lent = unsafe { Lent::for_this_call() };
    let run = guard::caught(|| {
        drill(&allocator.drill, entry);
        body(&mut state, lent)
    });
    match run {
        Ok(Ok(())) => {
            let given = state.effects();
            answer(given, APPORTION_DONE)
        }
        Ok(Err(Trouble::Refused(text))) => refuse(text, APPORTION_FAILED),
        Ok(Err(Trouble::Broken(text))) | Err(text) => {
            let text = format!("{entry}: {text}");
            state.stopped = Some(text.clone());
            refuse(text, APPORTION_FATAL)
        }
    }
}

/// The master starts: its options.
pub(crate) unsafe extern "C" fn initialize(
    handle: *mut apportion_handle,
    now: i64,
    options: *const apportion_options,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let options = lent.options(options)?;
        state.initialize(now, options, lent)
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.initialize", body) }
}

/// The registry was recovered.
pub(crate) unsafe extern "C" fn recover(
    handle: *mut apportion_handle,
    now: i64,
    expected_agents: i64,
    quotas: apportion_quotas,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body =
        |state: &mut State, lent: Lent<'_>| state.recover(now, expected_agents, &lent.quotas(quotas)?, lent);
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.recover", body) }
}

/// A framework appears.
pub(crate) unsafe extern "C" fn add_framework(
    handle: *mut apportion_handle,
    now: i64,
    framework: apportion_bytes,
    info: apportion_bytes,
    used: apportion_holdings,
    active: u8,
    suppressed_roles: apportion_bytes_list,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        state.add_framework(
            now,
            lent.bytes(framework, "framework id")?,
            lent.bytes(info, "framework info")?,
            &lent.holdings(used, "used resources")?,
            active != 0,
            &lent.list(suppressed_roles, "suppressed roles")?,
        )
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.add_framework", body) }
}

/// A framework is gone for good.
pub(crate) unsafe extern "C" fn remove_framework(
    handle: *mut apportion_handle,
    now: i64,
    framework: apportion_bytes,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let framework = lent.bytes(framework, "framework id")?;
        state.apply(now, &Event::RemoveFramework { framework })
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.remove_framework", body) }
}

/// A framework is back.
pub(crate) unsafe extern "C" fn activate_framework(
    handle: *mut apportion_handle,
    now: i64,
    framework: apportion_bytes,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let framework = lent.bytes(framework, "framework id")?;
        state.apply(now, &Event::ActivateFramework { framework })
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.activate_framework", body) }
}

/// A framework is disconnected.
pub(crate) unsafe extern "C" fn deactivate_framework(
    handle: *mut apportion_handle,
    now: i64,
    framework: apportion_bytes,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let framework = lent.bytes(framework, "framework id")?;
        state.apply(now, &Event::DeactivateFramework { framework })
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.deactivate_framework", body) }
}

/// A framework changed its subscription.
pub(crate) unsafe extern "C" fn update_framework(
    handle: *mut apportion_handle,
    now: i64,
    framework: apportion_bytes,
    info: apportion_bytes,
    suppressed_roles: apportion_bytes_list,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        state.update_framework(
            now,
            lent.bytes(framework, "framework id")?,
            lent.bytes(info, "framework info")?,
            &lent.list(suppressed_roles, "suppressed roles")?,
        )
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.update_framework", body) }
}

/// An agent registers.
pub(crate) unsafe extern "C" fn add_slave(
    handle: *mut apportion_handle,
    now: i64,
    agent: apportion_bytes,
    info: apportion_bytes,
    capabilities: apportion_bytes_list,
    unavailability: *const apportion_bytes,
    total: apportion_bytes_list,
    used: apportion_holdings,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        state.add_agent(
            now,
            lent.bytes(agent, "agent id")?,
            lent.bytes(info, "agent info")?,
            &lent.list(capabilities, "capabilities")?,
            lent.optional_bytes(unavailability, "unavailability")?,
            &lent.list(total, "total resources")?,
            &lent.holdings(used, "used resources")?,
        )
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.add_slave", body) }
}

/// An agent is gone.
pub(crate) unsafe extern "C" fn remove_slave(
    handle: *mut apportion_handle,
    now: i64,
    agent: apportion_bytes,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| state.remove_agent(now, lent.bytes(agent, "agent id")?);
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.remove_slave", body) }
}

/// An agent changed.
pub(crate) unsafe extern "C" fn update_slave(
    handle: *mut apportion_handle,
    now: i64,
    agent: apportion_bytes,
    info: apportion_bytes,
    total: *const apportion_bytes_list,
    capabilities: *const apportion_bytes_list,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        state.update_agent(
            now,
            lent.bytes(agent, "agent id")?,
            lent.bytes(info, "agent info")?,
            lent.optional_list(total, "total resources")?.as_deref(),
            lent.optional_list(capabilities, "capabilities")?.as_deref(),
        )
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.update_slave", body) }
}

/// An agent got more resources.
pub(crate) unsafe extern "C" fn add_resource_provider(
    handle: *mut apportion_handle,
    now: i64,
    agent: apportion_bytes,
    total: apportion_bytes_list,
    used: apportion_holdings,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        state.add_resource_provider(
            now,
            lent.bytes(agent, "agent id")?,
            &lent.list(total, "total resources")?,
            &lent.holdings(used, "used resources")?,
        )
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.add_resource_provider", body) }
}

/// An agent may be offered again.
pub(crate) unsafe extern "C" fn activate_slave(
    handle: *mut apportion_handle,
    now: i64,
    agent: apportion_bytes,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let agent = lent.bytes(agent, "agent id")?;
        state.apply(now, &Event::ActivateAgent { agent })
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.activate_slave", body) }
}

/// An agent must not be offered.
pub(crate) unsafe extern "C" fn deactivate_slave(
    handle: *mut apportion_handle,
    now: i64,
    agent: apportion_bytes,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let agent = lent.bytes(agent, "agent id")?;
        state.apply(now, &Event::DeactivateAgent { agent })
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.deactivate_slave", body) }
}

/// Which hosts may be offered.
pub(crate) unsafe extern "C" fn update_whitelist(
    handle: *mut apportion_handle,
    now: i64,
    hostnames: *const apportion_bytes_list,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let hostnames = lent.optional_list(hostnames, "hostnames")?;
        state.apply(now, &Event::UpdateWhitelist { hostnames: hostnames.as_deref() })
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.update_whitelist", body) }
}

/// A framework asks for resources; without effect, as in Mesos.
pub(crate) unsafe extern "C" fn request_resources(
    handle: *mut apportion_handle,
    now: i64,
    framework: apportion_bytes,
    requests: apportion_bytes_list,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let framework = lent.bytes(framework, "framework id")?;
        lent.list(requests, "requests")?;
        state.apply(now, &Event::RequestResources { framework })
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.request_resources", body) }
}

/// A framework changed what it was offered.
pub(crate) unsafe extern "C" fn update_allocation(
    handle: *mut apportion_handle,
    now: i64,
    framework: apportion_bytes,
    agent: apportion_bytes,
    offered: apportion_bytes_list,
    conversions: apportion_conversions,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        state.update_allocation(
            now,
            lent.bytes(framework, "framework id")?,
            lent.bytes(agent, "agent id")?,
            &lent.list(offered, "offered resources")?,
            &lent.conversions(conversions)?,
        )
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.update_allocation", body) }
}

/// An operator changes what nobody holds.
pub(crate) unsafe extern "C" fn update_available(
    handle: *mut apportion_handle,
    now: i64,
    agent: apportion_bytes,
    operations: apportion_bytes_list,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        state.update_available(now, lent.bytes(agent, "agent id")?, &lent.list(operations, "operations")?)
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.update_available", body) }
}

/// An agent's maintenance window was set or dropped.
pub(crate) unsafe extern "C" fn update_unavailability(
    handle: *mut apportion_handle,
    now: i64,
    agent: apportion_bytes,
    unavailability: *const apportion_bytes,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let agent = lent.bytes(agent, "agent id")?;
        state.update_unavailability(now, agent, lent.optional_bytes(unavailability, "unavailability")?)
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.update_unavailability", body) }
}

/// A framework answered an inverse offer.
pub(crate) unsafe extern "C" fn update_inverse_offer(
    handle: *mut apportion_handle,
    now: i64,
    agent: apportion_bytes,
    framework: apportion_bytes,
    status: *const apportion_bytes,
    filters: *const apportion_bytes,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let event = Event::UpdateInverseOffer {
            agent: lent.bytes(agent, "agent id")?,
            framework: lent.bytes(framework, "framework id")?,
            status: lent.optional_bytes(status, "status")?,
            refuse_seconds: refuse_seconds(lent.optional_bytes(filters, "filters")?)?,
        };
        state.apply(now, &event)
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.update_inverse_offer", body) }
}

/// The answers to inverse offers are asked for.
pub(crate) unsafe extern "C" fn get_inverse_offer_statuses(
    handle: *mut apportion_handle,
    now: i64,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, _: Lent<'_>| state.apply(now, &Event::GetInverseOfferStatuses);
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.get_inverse_offer_statuses", body) }
}

/// Offered resources are used by tasks now.
pub(crate) unsafe extern "C" fn transition_offered_to_allocated(
    handle: *mut apportion_handle,
    now: i64,
    agent: apportion_bytes,
    resources: apportion_bytes_list,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        state.transition(now, lent.bytes(agent, "agent id")?, &lent.list(resources, "resources")?)
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.transition_offered_to_allocated", body) }
}

/// Resources are free again.
pub(crate) unsafe extern "C" fn recover_resources(
    handle: *mut apportion_handle,
    now: i64,
    framework: apportion_bytes,
    agent: apportion_bytes,
    resources: apportion_bytes_list,
    filters: *const apportion_bytes,
    allocated: u8,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        state.recover_resources(
            now,
            lent.bytes(framework, "framework id")?,
            lent.bytes(agent, "agent id")?,
            &lent.list(resources, "resources")?,
            lent.optional_bytes(filters, "filters")?,
            allocated != 0,
        )
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.recover_resources", body) }
}

/// A framework wants no offers in some roles.
pub(crate) unsafe extern "C" fn suppress_offers(
    handle: *mut apportion_handle,
    now: i64,
    framework: apportion_bytes,
    roles: apportion_bytes_list,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let framework = lent.bytes(framework, "framework id")?;
        state.apply(now, &Event::SuppressOffers { framework, roles: &lent.list(roles, "roles")? })
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.suppress_offers", body) }
}

/// A framework wants offers again.
pub(crate) unsafe extern "C" fn revive_offers(
    handle: *mut apportion_handle,
    now: i64,
    framework: apportion_bytes,
    roles: apportion_bytes_list,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let framework = lent.bytes(framework, "framework id")?;
        state.apply(now, &Event::ReviveOffers { framework, roles: &lent.list(roles, "roles")? })
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.revive_offers", body) }
}

/// A role's guarantees and limits.
pub(crate) unsafe extern "C" fn update_quota(
    handle: *mut apportion_handle,
    now: i64,
    quota: *const apportion_quota,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| {
        let quota = lent.required(quota, "quota")?;
        state.update_quota(now, quota, lent)
    };
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.update_quota", body) }
}

/// The weights of some roles.
pub(crate) unsafe extern "C" fn update_weights(
    handle: *mut apportion_handle,
    now: i64,
    weights: apportion_bytes_list,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, lent: Lent<'_>| state.update_weights(now, &lent.list(weights, "weights")?);
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.update_weights", body) }
}

/// No cycles until resumed.
pub(crate) unsafe extern "C" fn pause(
    handle: *mut apportion_handle,
    now: i64,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, _: Lent<'_>| state.apply(now, &Event::Pause);
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.pause", body) }
}

/// Cycles are allowed again.
pub(crate) unsafe extern "C" fn resume(
    handle: *mut apportion_handle,
    now: i64,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, _: Lent<'_>| state.apply(now, &Event::Resume);
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.resume", body) }
}

/// The allocation interval has passed.
pub(crate) unsafe extern "C" fn tick(
    handle: *mut apportion_handle,
    now: i64,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, _: Lent<'_>| state.apply(now, &Event::Tick);
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.tick", body) }
}

/// The cycle that was asked for.
pub(crate) unsafe extern "C" fn cycle(
    handle: *mut apportion_handle,
    now: i64,
    effects: *mut apportion_effects,
) -> apportion_status {
    let body = |state: &mut State, _: Lent<'_>| state.apply(now, &Event::Cycle);
    // SAFETY: called by the shim under the rules of the header.
    unsafe { event(handle, effects, "allocator.cycle", body) }
}
