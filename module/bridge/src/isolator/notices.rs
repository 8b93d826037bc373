//! What the isolator tells by itself, from values to the shim's listener.

use std::ffi::c_void;

use apportion_isolation::{ContainerId, Exhausted, Limitation, Notice};
use apportion_wire::Scalar;
use apportion_wire::messages::{self, ContainerLimitation, encode};
use apportion_wire::resource::plain_scalar;

use crate::abi::{APPORTION_CLEANED_UP, APPORTION_LIMITED, apportion_bytes, apportion_notice};
use crate::guard;

/// The shim's function.
pub(crate) type Callback = unsafe extern "C" fn(
    context: *mut c_void,
    notice: apportion_notice,
    container: apportion_bytes,
    message: apportion_bytes,
);

/// The shim's listener, with what it wants to be called with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listening {
    context: *mut c_void,
    callback: Callback,
}

// SAFETY: `new` demands that the callback may be called with the context on any thread.
unsafe impl Send for Listening {}
// SAFETY: as above, also by several threads at once.
unsafe impl Sync for Listening {}

impl Listening {
    /// # Safety
    /// The callback may be called with the context, on any thread and by several at once, until the module is destroyed.
    pub(crate) unsafe fn new(context: *mut c_void, callback: Callback) -> Listening {
        Listening { context, callback }
    }

    /// Tells a notice. Runs on threads of ours, which no fault may end.
    pub(crate) fn tell(&self, notice: &Notice) {
        let told = guard::caught(|| {
            let (kind, container, message) = match notice {
                Notice::Limited { container, limitation } => {
                    (APPORTION_LIMITED, container, encode(&limited(limitation)))
                }
                Notice::CleanedUp { container, outcome } => {
                    let reason = outcome.as_ref().err().cloned().unwrap_or_default();
                    (APPORTION_CLEANED_UP, container, reason.into_bytes())
                }
            };
            let container = encode(&message_of(container));
            // SAFETY: the promise of `new`; both views live until the call returns.
            unsafe { (self.callback)(self.context, kind, view(&container), view(&message)) };
        });
        if let Err(said) = told {
            tracing::error!("isolator: a notice could not be told: {said}");
        }
    }
}

fn view(bytes: &[u8]) -> apportion_bytes {
    apportion_bytes { data: bytes.as_ptr(), size: bytes.len() }
}

/// The chain of ids as the host's message.
fn message_of(id: &ContainerId) -> messages::ContainerId {
    let parent = id.parent().map(|parent| Box::new(message_of(&parent)));
    messages::ContainerId { value: id.parts().last().cloned().unwrap_or_default(), parent }
}

fn limited(limitation: &Limitation) -> ContainerLimitation {
    let amount = limitation.limit.and_then(|limit| Scalar::from_f64(limit).ok());
    let reason = match limitation.exhausted {
        Exhausted::Memory { .. } => ContainerLimitation::REASON_MEMORY,
        Exhausted::Pids { .. } => ContainerLimitation::REASON_LIMITATION,
    };
    ContainerLimitation {
        resources: amount
            .map(|amount| plain_scalar(limitation.resource().as_bytes(), amount))
            .into_iter()
            .collect(),
        message: Some(limitation.message.clone().into_bytes()),
        reason: Some(reason),
    }
}
