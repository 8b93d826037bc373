//! The objects that the host looks up by name, one for each module and a second one for the isolator, and their factories.
//!
//! Layout and meaning are the host's (`Module<T>`: seven words of `ModuleBase`, then the factory). A manifest is found
//! with dlsym, so it is the only thing the library exports besides cxx's own prefix; rustc hides everything that C++
//! defines. Naming the makers of the shim here is also what keeps them in the link.

use std::ffi::{CStr, c_char, c_void};

use apportion_bridge::ENTRIES;
use apportion_bridge::abi::{
    apportion_entries, apportion_make_allocator, apportion_make_hook, apportion_make_isolator,
    apportion_make_qos_controller,
};

/// The version of the module interface: the host compares it first.
const MODULE_API_VERSION: &CStr = c"2";
/// The host's own version: with no compatibility function it must be exactly this.
const MESOS_VERSION: &CStr = c"1.11.0";

/// A module as the host reads it.
#[repr(C)]
pub struct Manifest {
    api_version: *const c_char,
    mesos_version: *const c_char,
    kind: *const c_char,
    author_name: *const c_char,
    author_email: *const c_char,
    description: *const c_char,
    compatible: Option<extern "C" fn() -> bool>,
    create: extern "C" fn(*const c_void) -> *mut c_void,
}

// SAFETY: the pointers are to literals that live as long as the library, which is never unloaded.
unsafe impl Sync for Manifest {}

const _: () = assert!(size_of::<Manifest>() == 64, "eight words, as in mesos/module.hpp");

impl Manifest {
    const fn new(
        kind: &'static CStr,
        description: &'static CStr,
        create: extern "C" fn(*const c_void) -> *mut c_void,
    ) -> Manifest {
        Manifest {
            api_version: MODULE_API_VERSION.as_ptr(),
            mesos_version: MESOS_VERSION.as_ptr(),
            kind: kind.as_ptr(),
            author_name: c"The Apportion authors".as_ptr(),
            author_email: c"apportion@example.org".as_ptr(),
            description: description.as_ptr(),
            compatible: None,
            create,
        }
    }
}

/// Calls a maker of the shim with the table of entry points.
fn make(
    maker: unsafe extern "C" fn(*const c_void, *const apportion_entries) -> *mut c_void,
    parameters: *const c_void,
) -> *mut c_void {
    crate::host::connect();
    // SAFETY: the host passes its `mesos::Parameters`; the table lives as long as the library.
    unsafe { maker(parameters, &raw const ENTRIES) }
}

extern "C" fn create_allocator(parameters: *const c_void) -> *mut c_void {
    make(apportion_make_allocator, parameters)
}

extern "C" fn create_hook(parameters: *const c_void) -> *mut c_void {
    make(apportion_make_hook, parameters)
}

extern "C" fn create_isolator(parameters: *const c_void) -> *mut c_void {
    make(apportion_make_isolator, parameters)
}

extern "C" fn create_qos_controller(parameters: *const c_void) -> *mut c_void {
    make(apportion_make_qos_controller, parameters)
}

/// The allocator, for `--allocator=org_apportion_Allocator` of the master.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is what the host looks up")]
pub static org_apportion_Allocator: Manifest =
    Manifest::new(c"Allocator", c"Fair allocation of agents' resources, explained", create_allocator);

/// The hook, for `--hooks=org_apportion_Hook` of master and agent.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is what the host looks up")]
pub static org_apportion_Hook: Manifest =
    Manifest::new(c"Hook", c"Environment variables and task labels from rules", create_hook);

/// The isolator, for `--isolation=org_apportion_Isolator` of the agent.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is what the host looks up")]
pub static org_apportion_Isolator: Manifest =
    Manifest::new(c"Isolator", c"Environment and resource limits of containers", create_isolator);

/// The isolator under a second name. Agents take tasks with limits of their own only when the text of `--isolation` holds
/// `cgroups/cpu` and `cgroups/mem`, whoever it is that isolates; Mesos' isolators of these names need cgroups v1.
#[unsafe(export_name = "org_apportion_Isolator/cgroups/cpu/cgroups/mem")]
#[allow(non_upper_case_globals, reason = "the name is what the host looks up")]
pub static org_apportion_Isolator_for_limits: Manifest =
    Manifest::new(c"Isolator", c"Environment and resource limits of containers", create_isolator);

/// The QoS controller, for `--qos_controller=org_apportion_QoSController` of the agent.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is what the host looks up")]
pub static org_apportion_QoSController: Manifest =
    Manifest::new(c"QoSController", c"Corrections for lent capacity", create_qos_controller);
