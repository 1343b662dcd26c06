//! Reads lines on standard input as they are said, one line each.

use std::io::{BufRead, Write};

use loa_speech::Normalizer;

fn main() -> anyhow::Result<()> {
    let normalizer = Normalizer::default();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", normalizer.normalize(&line?))?;
    }
    Ok(())
}
