//! See `apportion_fuzz_targets::hook`.
#![no_main]
#![allow(unsafe_code, reason = "the macro exports the function that libFuzzer calls")]

libfuzzer_sys::fuzz_target!(|input: &[u8]| apportion_fuzz_targets::hook::run(input));
