//! The hook module in the host's own hook manager, alone and beside a module of somebody else.

#![forbid(unsafe_code)]

mod decorations;
mod docker;
mod errors;
mod several_modules;
mod unchanged;

use apportion_rig::Variant;
use apportion_shim_tests::hook_manager::{HookManager, Hooks};

/// Ours alone, with a configuration.
fn ours(config: &str) -> Hooks {
    HookManager::of(Variant::Plain).ours(config)
}
