//! The recordings in `audio-samples` are what their manifest says, and each can be mastered.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use loa_speech::master::{LOUDNESS_TOLERANCE_LU, measure};
use loa_speech::opus;
use loa_speech::recording::decode_recording;
use loa_speech::{Finish, MasteredRecording, RecordingLimits, Reporter, master_recording};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    sample: Vec<Sample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    file: String,
    source: String,
    licence: String,
    sha256: String,
    duration_ms: u64,
    loudness_lufs: f64,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../audio-samples")
}

fn manifest() -> Manifest {
    toml::from_str(&std::fs::read_to_string(folder().join("manifest.toml")).unwrap()).unwrap()
}

#[test]
fn the_manifest_names_every_file_and_no_other() {
    let named: BTreeSet<String> = manifest().sample.into_iter().map(|sample| sample.file).collect();
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "manifest.toml")
        .collect();
    assert_eq!(named, there);
}

#[test]
fn every_sample_is_what_the_manifest_says() {
    for Sample { file, source, licence, sha256, duration_ms, loudness_lufs } in manifest().sample {
        assert!(!source.is_empty() && !licence.is_empty(), "{file} states source and licence");
        let bytes = std::fs::read(folder().join(&file)).unwrap();
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, sha256, "{file}");
        let pcm = decode_recording(bytes, &RecordingLimits::default()).unwrap();
        let loudness = measure(&pcm).unwrap().integrated_lufs;
        assert!(pcm.duration_ms().abs_diff(duration_ms) <= 2, "{file} lasts {} ms", pcm.duration_ms());
        assert!((loudness - loudness_lufs).abs() <= 0.2, "{file} measures {loudness:.2} LUFS");
    }
}

#[tokio::test]
async fn every_sample_leaves_mastered() {
    for Sample { file, duration_ms, .. } in manifest().sample {
        let bytes = std::fs::read(folder().join(&file)).unwrap();
        let silent = Reporter::silent();
        let made = master_recording(bytes, RecordingLimits::default(), Finish::default(), &silent);
        let MasteredRecording { object, report } = made.await.unwrap();
        let heard = measure(&opus::decode(&object.bytes).unwrap()).unwrap();
        assert!((heard.integrated_lufs + 16.0).abs() <= LOUDNESS_TOLERANCE_LU, "{file}: {heard:?}");
        assert!(heard.true_peak_dbtp <= -1.5, "{file}: {heard:?}");
        assert_eq!(object.duration_ms, report.duration_ms, "{file}: mastering keeps the length");
        assert!(report.original_ms.abs_diff(duration_ms) <= 2, "{file}: {report:?}");
    }
}
