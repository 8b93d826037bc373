//! Apportion: allocator, hook, isolator and QoS controller modules for Apache Mesos 1.11, in one shared library.
//!
//! This package is the library that the host loads. It holds nothing but the four manifests the host looks up
//! ([`manifests`]), the services of the host behind the cxx bridge (`host`), and the C++ shim that `build.rs`
//! compiles from `cpp-shim`. Everything else is in packages of its own under `module/`, which link without a host; the
//! map is in `ARCHITECTURE.md`.

#[expect(
    unreachable_pub,
    clippy::multiple_unsafe_ops_per_block,
    reason = "what the cxx bridge generates: public functions, each with one unsafe block of its own making"
)]
mod host;
pub mod manifests;
