//! See [`loa_fuzz::mqtt`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| loa_fuzz::mqtt::hold(bytes));
