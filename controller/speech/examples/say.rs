//! Speaks a text file into an Ogg Opus object: `say TEXT.txt OBJECT.opus [WORDS_PER_MINUTE [CACHE_FOLDER]]`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use loa_speech::text::{self, DEFAULT_MAX_BYTES};
use loa_speech::{Espeak, EspeakConfig, Normalizer, Recipe, Reporter, SoundCache, speak};

const CACHE_MAX_BYTES: u64 = 512 * 1_024 * 1_024;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(input), Some(output)) = (arguments.next(), arguments.next()) else {
        bail!("usage: say TEXT.txt OBJECT.opus [WORDS_PER_MINUTE [CACHE_FOLDER]]");
    };
    let (input, output) = (PathBuf::from(input), PathBuf::from(output));
    let mut recipe = Recipe::default();
    if let Some(pace) = arguments.next() {
        let pace = pace.to_string_lossy();
        recipe.voice.words_per_minute = pace.parse().with_context(|| format!("{pace} is no pace"))?;
    }
    let cache = match arguments.next() {
        Some(folder) => Some(Arc::new(SoundCache::open(folder, CACHE_MAX_BYTES)?)),
        None => None,
    };
    let raw = std::fs::read_to_string(&input).with_context(|| format!("reading {}", input.display()))?;
    let checked = text::check(&raw, DEFAULT_MAX_BYTES)?;
    for warning in &checked.warnings {
        eprintln!("{warning:?}");
    }
    let engine = Espeak::find(EspeakConfig::default()).await?;
    let object =
        speak(&checked.text, &recipe, &Normalizer::default(), &engine, cache.as_ref(), &Reporter::silent())
            .await?;
    std::fs::write(&output, &object.bytes).with_context(|| format!("writing {}", output.display()))?;
    println!(
        "{} s, {} bytes, {:.2} LUFS, {:.2} dBTP",
        object.duration_ms as f64 / 1_000.0,
        object.bytes.len(),
        object.loudness.integrated_lufs,
        object.loudness.true_peak_dbtp
    );
    Ok(())
}
