//! See [`loa_fuzz::documents`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| loa_fuzz::documents::hold(bytes));
