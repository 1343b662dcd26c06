//! Hands the names of the built assets (`web/dist/manifest.json`) to the crate, as `LOA_ASSET_…` variables.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("web/dist/manifest.json");
    println!("cargo:rerun-if-changed={}", manifest.display());
    println!("cargo:rerun-if-changed=web/locales");
    let names = fs::read_to_string(&manifest).map_err(|error| {
        format!(
            "the assets of the pages are not built ({}: {error}). Run: \
             npm --prefix controller/web ci && npm --prefix controller/web run build",
            manifest.display()
        )
    })?;
    let names: BTreeMap<String, String> = serde_json::from_str(&names)?;
    for (name, hashed) in &names {
        let variable = name.to_uppercase().replace(['.', '-'], "_");
        println!("cargo:rustc-env=LOA_ASSET_{variable}=/assets/{hashed}");
    }
    Ok(())
}
