//! Tells the program when it was built: the earliest instant that its clock may show.

use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    // Packs the relocations of the tables of time zones above all: a mebibyte of the file becomes some
    // KiB. Needs glibc 2.36 (Debian 12) to load.
    let target = |name: &str| std::env::var(name).unwrap_or_default();
    if target("CARGO_CFG_TARGET_OS") == "linux" && target("CARGO_CFG_TARGET_ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    // The agreed way to make two builds of the same source the same (reproducible-builds.org).
    let agreed = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|s| s.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    println!("cargo::rustc-env=LOA_BUILD_UNIX_S={}", agreed.unwrap_or(now));
}
