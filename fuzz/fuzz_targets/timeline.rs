//! See [`loa_fuzz::timeline`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| loa_fuzz::timeline::hold(bytes));
