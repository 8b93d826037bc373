//! The entry points of the allocator that are events. Called by one thread at a time.

use apportion_core::Event;

use super::host_values::refuse_seconds;
use super::{State, Trouble};
use crate::abi::{
    APPORTION_DONE, APPORTION_FAILED, APPORTION_FATAL, apportion_bytes, apportion_bytes_list,
    apportion_conversions, apportion_effects, apportion_excluded_from_list, apportion_exclusions,
    apportion_handle, apportion_holdings, apportion_options, apportion_quota, apportion_quotas,
    apportion_status,
};
use crate::host::one_line;
use crate::lent::Lent;
use crate::module::{Module, drill};
use crate::{guard, handle};

/// Effects of a call that leads to nothing; `text` says why it failed.
pub(super) fn nothing(text: &[u8]) -> apportion_effects {
    apportion_effects {
        frameworks: std::ptr::null(),
        frameworks_size: 0,
        roles: std::ptr::null(),
        roles_size: 0,
        agents: std::ptr::null(),
        agents_size: 0,
        items: std::ptr::null(),
        items_size: 0,
        bundles: std::ptr::null(),
        bundles_size: 0,
        offers: std::ptr::null(),
        offers_size: 0,
        inverse_offers: std::ptr::null(),
        inverse_offers_size: 0,
        inverse_statuses: std::ptr::null(),
        inverse_statuses_size: 0,
        metrics_removed: std::ptr::null(),
        metrics_removed_size: 0,
        metrics_added: std::ptr::null(),
        metrics_added_size: 0,
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
        let outcome = body(&mut state, lent);
        if let Err(trouble) = &outcome {
            state.count(trouble);
        }
        outcome
    });
    match run {
        Ok(Ok(())) => {
            let given = state.effects();
            answer(given, APPORTION_DONE)
        }
        Ok(Err(Trouble::Refused(text) | Trouble::Rejected(text) | Trouble::DoesNotApply(text))) => {
            refuse(text, APPORTION_FAILED)
        }
        Ok(Err(Trouble::Broken(text))) | Err(text) => {
            let text = format!("{entry}: {text}");
            state.stopped = Some(text.clone());
            refuse(text, APPORTION_FATAL)
        }
    }
}

/// The functions of the table, each from its arguments and what it does with the state; `event` does the rest.
macro_rules! entry_points {
    ($(
        $(#[$about:meta])*
        $name:ident($($argument:ident: $kind:ty),*) => |$state:ident, $lent:pat_param, $now:ident| $body:expr;
    )+) => {$(
        $(#[$about])*
        pub(crate) unsafe extern "C" fn $name(
            handle: *mut apportion_handle,
            $now: i64,
            $($argument: $kind,)*
            effects: *mut apportion_effects,
        ) -> apportion_status {
            let body = |$state: &mut State, $lent: Lent<'_>| $body;
            // SAFETY: called by the shim under the rules of the header.
            unsafe { event(handle, effects, concat!("allocator.", stringify!($name)), body) }
        }
    )+};
}

entry_points! {
    /// The metrics that are there from the beginning.
    publish_metrics() => |state, _, _now| {
        state.publish_metrics();
        Ok(())
    };

    /// The master starts: its options.
    initialize(options: *const apportion_options) => |state, lent, now| {
        let options = lent.options(options)?;
        state.initialize(now, options, lent)
    };

    /// The registry was recovered.
    recover(expected_agents: i64, quotas: apportion_quotas) => |state, lent, now| {
        state.recover(now, expected_agents, &lent.quotas(quotas)?, lent)
    };

    /// A framework appears.
    add_framework(
        framework: apportion_bytes,
        info: apportion_bytes,
        used: apportion_holdings,
        active: u8,
        suppressed_roles: apportion_bytes_list,
        excluded_agents: apportion_exclusions
    ) => |state, lent, now| {
        state.add_framework(
            now,
            lent.bytes(framework, "framework id")?,
            lent.bytes(info, "framework info")?,
            &lent.holdings(used, "used resources")?,
            active != 0,
            &lent.list(suppressed_roles, "suppressed roles")?,
            &lent.exclusions(excluded_agents)?,
        )
    };

    /// A framework is gone for good.
    remove_framework(framework: apportion_bytes) => |state, lent, now| {
        let framework = lent.bytes(framework, "framework id")?;
        state.apply(now, &Event::RemoveFramework { framework })
    };

    /// A framework is back.
    activate_framework(framework: apportion_bytes) => |state, lent, now| {
        let framework = lent.bytes(framework, "framework id")?;
        state.apply(now, &Event::ActivateFramework { framework })
    };

    /// A framework is disconnected.
    deactivate_framework(framework: apportion_bytes) => |state, lent, now| {
        let framework = lent.bytes(framework, "framework id")?;
        state.apply(now, &Event::DeactivateFramework { framework })
    };

    /// A framework changed its subscription.
    update_framework(
        framework: apportion_bytes,
        info: apportion_bytes,
        suppressed_roles: apportion_bytes_list,
        excluded_agents: apportion_exclusions
    ) => |state, lent, now| {
        state.update_framework(
            now,
            lent.bytes(framework, "framework id")?,
            lent.bytes(info, "framework info")?,
            &lent.list(suppressed_roles, "suppressed roles")?,
            &lent.exclusions(excluded_agents)?,
        )
    };

    /// An agent registers.
    add_slave(
        agent: apportion_bytes,
        info: apportion_bytes,
        capabilities: apportion_bytes_list,
        unavailability: *const apportion_bytes,
        total: apportion_bytes_list,
        used: apportion_holdings,
        excluded_from: apportion_excluded_from_list
    ) => |state, lent, now| {
        state.add_agent(
            now,
            lent.bytes(agent, "agent id")?,
            lent.bytes(info, "agent info")?,
            &lent.list(capabilities, "capabilities")?,
            lent.optional_bytes(unavailability, "unavailability")?,
            &lent.list(total, "total resources")?,
            &lent.holdings(used, "used resources")?,
            &lent.excluded_from(excluded_from)?,
        )
    };

    /// An agent is gone.
    remove_slave(
        agent: apportion_bytes
    ) => |state, lent, now| state.remove_agent(now, lent.bytes(agent, "agent id")?);

    /// An agent changed.
    update_slave(
        agent: apportion_bytes,
        info: apportion_bytes,
        total: *const apportion_bytes_list,
        capabilities: *const apportion_bytes_list,
        excluded_from: apportion_excluded_from_list
    ) => |state, lent, now| {
        state.update_agent(
            now,
            lent.bytes(agent, "agent id")?,
            lent.bytes(info, "agent info")?,
            lent.optional_list(total, "total resources")?.as_deref(),
            lent.optional_list(capabilities, "capabilities")?.as_deref(),
            &lent.excluded_from(excluded_from)?,
        )
    };

    /// An agent got more resources.
    add_resource_provider(
        agent: apportion_bytes,
        total: apportion_bytes_list,
        used: apportion_holdings
    ) => |state, lent, now| {
        state.add_resource_provider(
            now,
            lent.bytes(agent, "agent id")?,
            &lent.list(total, "total resources")?,
            &lent.holdings(used, "used resources")?,
        )
    };

    /// An agent may be offered again.
    activate_slave(agent: apportion_bytes) => |state, lent, now| {
        let agent = lent.bytes(agent, "agent id")?;
        state.apply(now, &Event::ActivateAgent { agent })
    };

    /// An agent must not be offered.
    deactivate_slave(agent: apportion_bytes) => |state, lent, now| {
        let agent = lent.bytes(agent, "agent id")?;
        state.apply(now, &Event::DeactivateAgent { agent })
    };

    /// Which hosts may be offered.
    update_whitelist(hostnames: *const apportion_bytes_list) => |state, lent, now| {
        let hostnames = lent.optional_list(hostnames, "hostnames")?;
        state.apply(now, &Event::UpdateWhitelist { hostnames: hostnames.as_deref() })
    };

    /// A framework asks for resources; without effect, as in Mesos.
    request_resources(framework: apportion_bytes, requests: apportion_bytes_list) => |state, lent, now| {
        let framework = lent.bytes(framework, "framework id")?;
        lent.list(requests, "requests")?;
        state.apply(now, &Event::RequestResources { framework })
    };

    /// A framework changed what it was offered.
    update_allocation(
        framework: apportion_bytes,
        agent: apportion_bytes,
        offered: apportion_bytes_list,
        conversions: apportion_conversions
    ) => |state, lent, now| {
        state.update_allocation(
            now,
            lent.bytes(framework, "framework id")?,
            lent.bytes(agent, "agent id")?,
            &lent.list(offered, "offered resources")?,
            &lent.conversions(conversions)?,
        )
    };

    /// An operator changes what nobody holds.
    update_available(agent: apportion_bytes, operations: apportion_bytes_list) => |state, lent, now| {
        state.update_available(now, lent.bytes(agent, "agent id")?, &lent.list(operations, "operations")?)
    };

    /// An agent's maintenance window was set or dropped.
    update_unavailability(
        agent: apportion_bytes,
        unavailability: *const apportion_bytes
    ) => |state, lent, now| {
        let agent = lent.bytes(agent, "agent id")?;
        state.update_unavailability(now, agent, lent.optional_bytes(unavailability, "unavailability")?)
    };

    /// A framework answered an inverse offer.
    update_inverse_offer(
        agent: apportion_bytes,
        framework: apportion_bytes,
        status: *const apportion_bytes,
        filters: *const apportion_bytes
    ) => |state, lent, now| {
        let event = Event::UpdateInverseOffer {
            agent: lent.bytes(agent, "agent id")?,
            framework: lent.bytes(framework, "framework id")?,
            status: lent.optional_bytes(status, "status")?,
            refuse_seconds: refuse_seconds(lent.optional_bytes(filters, "filters")?)?,
        };
        state.apply(now, &event)
    };

    /// The answers to inverse offers are asked for.
    get_inverse_offer_statuses() => |state, _, now| state.apply(now, &Event::GetInverseOfferStatuses);

    /// Offered resources are used by tasks now.
    transition_offered_to_allocated(
        framework: apportion_bytes,
        agent: apportion_bytes,
        resources: apportion_bytes_list
    ) => |state, lent, now| {
        let framework = lent.bytes(framework, "framework id")?;
        state.transition(now, framework, lent.bytes(agent, "agent id")?, &lent.list(resources, "resources")?)
    };

    /// Resources are free again.
    recover_resources(
        framework: apportion_bytes,
        agent: apportion_bytes,
        resources: apportion_bytes_list,
        filters: *const apportion_bytes,
        allocated: u8
    ) => |state, lent, now| {
        state.recover_resources(
            now,
            lent.bytes(framework, "framework id")?,
            lent.bytes(agent, "agent id")?,
            &lent.list(resources, "resources")?,
            lent.optional_bytes(filters, "filters")?,
            allocated != 0,
        )
    };

    /// A framework wants no offers in some roles.
    suppress_offers(framework: apportion_bytes, roles: apportion_bytes_list) => |state, lent, now| {
        let framework = lent.bytes(framework, "framework id")?;
        state.apply(now, &Event::SuppressOffers { framework, roles: &lent.list(roles, "roles")? })
    };

    /// A framework wants offers again.
    revive_offers(framework: apportion_bytes, roles: apportion_bytes_list) => |state, lent, now| {
        let framework = lent.bytes(framework, "framework id")?;
        state.apply(now, &Event::ReviveOffers { framework, roles: &lent.list(roles, "roles")? })
    };

    /// A role's guarantees and limits.
    update_quota(quota: *const apportion_quota) => |state, lent, now| {
        let quota = lent.required(quota, "quota")?;
        state.update_quota(now, quota, lent)
    };

    /// The weights of some roles.
    update_weights(
        weights: apportion_bytes_list
    ) => |state, lent, now| state.update_weights(now, &lent.list(weights, "weights")?);

    /// No cycles until resumed.
    pause() => |state, _, now| state.apply(now, &Event::Pause);

    /// Cycles are allowed again.
    resume() => |state, _, now| state.apply(now, &Event::Resume);

    /// The allocation interval has passed.
    tick() => |state, _, now| state.apply(now, &Event::Tick);

    /// The cycle that was asked for.
    cycle() => |state, _, now| state.cycle(now);
}
