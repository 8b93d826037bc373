//! The entry points that tell the commit ledger of the master's calls, on the master's thread. They run beside the events
//! of the allocator's actor and touch nothing of its state.
//!
//! What the ledger missed could be offered twice, so a panic and a use that cannot be read end the process, like broken
//! books of the allocator. What else cannot be read is refused, as the allocator refuses the event that follows.

use apportion_wire::messages::{AgentInfo, decode};

use super::AllocatorModule;
use crate::abi::{
    APPORTION_DONE, APPORTION_FAILED, APPORTION_FATAL, APPORTION_UNCHANGED, apportion_buffer,
    apportion_bytes, apportion_bytes_list, apportion_handle, apportion_holdings, apportion_status,
};
use crate::commits::{Fault, OpenLedger};
use crate::host::one_line;
use crate::lent::{BadArgument, Lent};
use crate::module::{Module, drill};
use crate::{buffer, guard, handle};

impl From<BadArgument> for Fault {
    fn from(error: BadArgument) -> Fault {
        Fault::Refused(error.to_string())
    }
}

impl From<apportion_wire::WireError> for Fault {
    fn from(error: apportion_wire::WireError) -> Fault {
        Fault::Refused(error.to_string())
    }
}

/// What a call is answered with.
type Told = Result<(apportion_status, Vec<u8>), Fault>;

/// Done, and there is no more to say.
const DONE: Told = Ok((APPORTION_DONE, Vec::new()));

/// There is no ledger.
const NOTHING: Told = Ok((APPORTION_UNCHANGED, Vec::new()));

/// Runs a call for the allocator behind `handle` and sets `out` on every path.
///
/// # Safety
/// `handle` and `out` are what the header says; all views that `body` reads are valid until this returns.
unsafe fn tell(
    handle: *mut apportion_handle,
    out: *mut apportion_buffer,
    entry: &'static str,
    body: impl FnOnce(&AllocatorModule, Lent<'_>) -> Told,
) -> apportion_status {
    // SAFETY: the caller's promise about the handle.
    let answer = match unsafe { handle::borrow(handle) } {
        Err(text) => Err(Fault::Broken(text.to_owned())),
        Ok(found) => {
            // SAFETY: the caller's promise about the views.
            let lent = unsafe { Lent::for_this_call() };
            let run = guard::caught(|| {
                drill(found.module.drill(), entry);
                let Module::Allocator(allocator) = &found.module else {
                    return Err(Fault::Broken(found.module.is_not("allocator").0));
                };
                body(allocator, lent)
            });
            run.unwrap_or_else(|said| Err(Fault::Broken(said)))
        }
    };
    let said = |text: String| one_line(&format!("{entry}: {text}")).into_owned().into_bytes();
    let (status, bytes) = match answer {
        Ok(told) => told,
        Err(Fault::Refused(text)) => (APPORTION_FAILED, said(text)),
        Err(Fault::Broken(text)) => (APPORTION_FATAL, said(text)),
    };
    // SAFETY: the caller's promise about `out`.
    unsafe { buffer::put(out, bytes) };
    status
}

/// The functions of the table, each from its arguments and what it tells the ledger, if there is one; `tell` does the
/// rest.
macro_rules! entry_points {
    ($(
        $(#[$about:meta])*
        $name:ident($($argument:ident: $kind:ty),*) => |$commits:pat_param, $lent:pat_param| $body:expr;
    )+) => {$(
        $(#[$about])*
        pub(crate) unsafe extern "C" fn $name(
            handle: *mut apportion_handle,
            $($argument: $kind,)*
            out: *mut apportion_buffer,
        ) -> apportion_status {
            let body = |$commits: &OpenLedger, $lent: Lent<'_>| -> Told { $body };
            let body = |allocator: &AllocatorModule, lent: Lent<'_>| {
                allocator.commits.as_ref().map_or(NOTHING, |commits| body(commits, lent))
            };
            // SAFETY: called by the shim under the rules of the header.
            unsafe { tell(handle, out, concat!("allocator.", stringify!($name)), body) }
        }
    )+};
}

/// Whether the calls below have to be made. See the header. A drill of one of them, or of the page that comes with them,
/// wants them made as well.
pub(crate) unsafe extern "C" fn keeps_commits(
    handle: *mut apportion_handle,
    out: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        tell(handle, out, "allocator.keeps_commits", |allocator, _| {
            let is_drilled =
                allocator.drill.panic_in.iter().any(|entry| {
                    entry.starts_with("allocator.commit_") || *entry == "allocator.lending_report"
                });
            if is_drilled || allocator.commits.is_some() { DONE } else { NOTHING }
        })
    }
}

entry_points! {
    /// An agent registers.
    commit_add_slave(
        agent: apportion_bytes,
        info: apportion_bytes,
        total: apportion_bytes_list,
        used: apportion_holdings
    ) => |commits, lent| {
        let info: AgentInfo = decode(lent.bytes(info, "agent info")?)?;
        commits.agent_added(
            lent.bytes(agent, "agent id")?,
            &info,
            &lent.list(total, "total resources")?,
            &lent.holdings(used, "used resources")?,
        )?;
        DONE
    };

    /// An agent is gone.
    commit_remove_slave(agent: apportion_bytes) => |commits, lent| {
        commits.agent_removed(lent.bytes(agent, "agent id")?)?;
        DONE
    };

    /// An agent changed.
    commit_update_slave(
        now: i64,
        agent: apportion_bytes,
        info: apportion_bytes,
        total: *const apportion_bytes_list
    ) => |commits, lent| {
        let info: AgentInfo = decode(lent.bytes(info, "agent info")?)?;
        let total = lent.optional_list(total, "total resources")?;
        commits.agent_changed(now, lent.bytes(agent, "agent id")?, &info, total.as_deref())?;
        DONE
    };

    /// Resources came into use.
    commit_transition(
        now: i64,
        agent: apportion_bytes,
        resources: apportion_bytes_list
    ) => |commits, lent| {
        let resources = lent.list(resources, "resources")?;
        let framework = commits.used(now, lent.bytes(agent, "agent id")?, &resources)?;
        Ok(framework.map_or((APPORTION_UNCHANGED, Vec::new()), |id| (APPORTION_DONE, id.into_vec())))
    };

    /// Resources were returned.
    commit_recover(
        now: i64,
        framework: apportion_bytes,
        agent: apportion_bytes,
        resources: apportion_bytes_list,
        allocated: u8
    ) => |commits, lent| {
        commits.returned(
            now,
            lent.bytes(framework, "framework id")?,
            lent.bytes(agent, "agent id")?,
            &lent.list(resources, "resources")?,
            allocated != 0,
        )?;
        DONE
    };

    /// A framework is gone for good.
    commit_remove_framework(framework: apportion_bytes) => |commits, lent| {
        commits.framework_removed(lent.bytes(framework, "framework id")?)?;
        DONE
    };
}
