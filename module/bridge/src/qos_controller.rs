//! The QoS controller: loadable, and nothing to correct yet.

use apportion_config::{Config, Drill};

use crate::abi::{APPORTION_DONE, APPORTION_UNCHANGED, apportion_buffer, apportion_handle, apportion_status};
use crate::table::ask;

/// Without state so far: no resources are lent, so nobody has to be evicted.
#[derive(Debug)]
pub(crate) struct QosControllerModule {
    pub(crate) drill: Drill,
}

impl QosControllerModule {
    pub(crate) fn new(config: &Config) -> QosControllerModule {
        tracing::info!("QoS controller: nothing to correct");
        QosControllerModule { drill: config.drill.clone() }
    }
}

/// The agent is ready to be asked for its usage.
pub(crate) unsafe extern "C" fn initialize(
    handle: *mut apportion_handle,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, text, "qos_controller.initialize", |module, _| {
            module.qos_controller()?;
            Ok((APPORTION_DONE, Vec::new()))
        })
    }
}

/// Nothing to correct.
pub(crate) unsafe extern "C" fn corrections(
    handle: *mut apportion_handle,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, text, "qos_controller.corrections", |module, _| {
            module.qos_controller()?;
            Ok((APPORTION_UNCHANGED, Vec::new()))
        })
    }
}
