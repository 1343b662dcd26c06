//! `seeds TARGET FOLDER` writes the target's seeds into the folder, for libFuzzer to begin with, and its words beside the folder
//! as `FOLDER.dict`.

use anyhow::{Context as _, Result};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(target), Some(folder)) = (arguments.next(), arguments.next()) else {
        let names = loa_fuzz::TARGETS.map(|target| target.name).join(", ");
        anyhow::bail!("usage: seeds TARGET FOLDER; the targets are {names}");
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {folder}"))?;
    for (number, seed) in loa_fuzz::seeds::of(&target)?.iter().enumerate() {
        let path = format!("{folder}/seed-{number}");
        std::fs::write(&path, seed).with_context(|| format!("cannot write {path}"))?;
    }
    let path = format!("{folder}.dict");
    // An empty file would be refused.
    let words: String = loa_fuzz::seeds::words_of(&target).iter().map(|word| entry(word)).collect();
    std::fs::write(&path, format!("# {target}\n{words}")).with_context(|| format!("cannot write {path}"))
}

/// A line of a dictionary, every byte by its number: libFuzzer takes no other letters than those of ASCII.
fn entry(word: &str) -> String {
    let bytes: String = word.bytes().map(|byte| format!("\\x{byte:02X}")).collect();
    format!("\"{bytes}\"\n")
}
