//! See [`loa_fuzz::node_sound`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| loa_fuzz::node_sound::hold(bytes));
