//! Compiles the C++ shim against our own declarations of the Mesos interface, or against a real installation's headers.
//!
//! `APPORTION_MESOS_INCLUDE` names the include folders of a Mesos installation, separated by colons (Mesos itself,
//! stout, libprocess, protobuf, glog, boost, picojson, rapidjson, libcurl). Needed only for builds of Mesos whose layout differs.
//! `APPORTION_SANITIZE` names sanitizers for the shim (`address,undefined`); only tests want that.

use std::env;
use std::path::{Path, PathBuf};
use std::process::exit;

/// The sources of the shim.
const SOURCES: [&str; 17] = [
    "allocator",
    "allocator_actor",
    "debug_endpoint",
    "endpoint",
    "hook",
    "hook_endpoint",
    "host_services",
    "isolator",
    "isolator_endpoint",
    "lending_endpoint",
    "metrics",
    "module_metrics",
    "offer_constraints",
    "qos_controller",
    "qos_controller_actor",
    "qos_controller_endpoint",
    "self_test",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for folder in ["cpp-shim", "include", "module/host.rs"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    let mut shim = cxx_build::bridge("module/host.rs");
    shim.std("c++17")
        .include("include")
        .include("cpp-shim")
        .flag("-fvisibility=hidden")
        .flag_if_supported(format!("-ffile-prefix-map={}/=", root().display()))
        .warnings(true)
        .extra_warnings(true)
        .files(SOURCES.iter().map(|name| format!("cpp-shim/{name}.cpp")));
    match mesos_headers() {
        // Foreign headers warn as they like.
        Some(folders) => folders.iter().for_each(|folder| {
            shim.flag("-isystem").flag(folder.to_string_lossy().as_ref());
        }),
        None => {
            shim.include("include/mesos-abi").flag("-Wshadow").warnings_into_errors(true);
        }
    }
    sanitize(&mut shim);
    shim.compile("apportion_shim");
    // The host never unloads a module; thread-local state of Rust would not survive it either.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}

fn root() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default()
}

/// The folders of `APPORTION_MESOS_INCLUDE`, after a check that the allocator's header is in one of them.
fn mesos_headers() -> Option<Vec<PathBuf>> {
    println!("cargo:rerun-if-env-changed=APPORTION_MESOS_INCLUDE");
    let given = env::var_os("APPORTION_MESOS_INCLUDE").filter(|given| !given.is_empty())?;
    let folders: Vec<PathBuf> = env::split_paths(&given).collect();
    let wanted = Path::new("mesos/allocator/allocator.hpp");
    if !folders.iter().any(|folder| folder.join(wanted).is_file()) {
        println!(
            "cargo::error=APPORTION_MESOS_INCLUDE={}: none of these folders holds {}; name the include folders of \
             a Mesos 1.11 source tree or installation, or unset the variable to build with our own declarations",
            given.to_string_lossy(),
            wanted.display()
        );
        exit(1);
    }
    Some(folders)
}

/// Instruments the shim for a memory checker.
fn sanitize(shim: &mut cc::Build) {
    println!("cargo:rerun-if-env-changed=APPORTION_SANITIZE");
    if let Ok(kinds) = env::var("APPORTION_SANITIZE")
        && !kinds.is_empty()
    {
        // The host's objects have no typeinfo of ours to compare with.
        shim.flag(format!("-fsanitize={kinds}")).flag("-fno-sanitize=vptr").flag("-g");
    }
}
