use std::path::PathBuf;

use super::*;
use crate::audio::test_opus::{ogg_opus, speech_like};

fn file(dir: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join("object.opus");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn decode(path: &Path, from_ms: u64) -> (Vec<f32>, Result<(), PlayFailure>) {
    let mut file = OpusFile::open(path, from_ms).unwrap();
    let samples = file.by_ref().collect();
    (samples, file.outcome())
}

/// Normalised correlation of two stretches of the same length.
fn likeness(a: &[f32], b: &[f32]) -> f64 {
    let sum = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    sum(a, b) / (sum(a, a) * sum(b, b)).sqrt()
}

#[test]
fn a_file_decodes_to_what_was_encoded_with_neither_delay_nor_padding() {
    let dir = tempfile::tempdir().unwrap();
    let pcm = speech_like(2_345, 1);
    let path = file(&dir, &ogg_opus(&pcm));
    assert_eq!(OpusFile::open(&path, 0).unwrap().expected_ms(), Some(2_345));
    let (samples, outcome) = decode(&path, 0);
    assert_eq!(samples.len(), pcm.len());
    assert_eq!(outcome, Ok(()));
    // Above what the codec loses; a shift by one millisecond is far below.
    assert!(likeness(&samples, &pcm) > 0.95, "{}", likeness(&samples, &pcm));
    assert!(likeness(&samples[48..], &pcm[..pcm.len() - 48]) < 0.9);
}

#[test]
fn what_is_in_memory_sounds_as_the_file_does() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = ogg_opus(&speech_like(900, 8));
    let path = file(&dir, &bytes);
    for from_ms in [0, 400] {
        let mut sound = OpusFile::open_source(&Source::Memory(bytes.as_slice().into()), from_ms).unwrap();
        let samples: Vec<f32> = sound.by_ref().collect();
        assert_eq!((samples, sound.outcome()), decode(&path, from_ms));
    }
    let error = OpusFile::open_source(&Source::Memory([1, 2, 3].into()), 0).err().unwrap();
    assert!(error.to_string().contains("3 bytes in memory"), "{error}");
}

#[test]
fn blocks_and_the_iterator_are_the_same_stream() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, &ogg_opus(&speech_like(700, 2)));
    let mut by_blocks = OpusFile::open(&path, 0).unwrap();
    let mut samples: Vec<f32> = by_blocks.by_ref().take(10).collect();
    while let Some(block) = by_blocks.next_block() {
        samples.extend(block);
    }
    assert_eq!(samples, decode(&path, 0).0);
}

#[test]
fn a_resumed_file_goes_on_where_it_was_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, &ogg_opus(&speech_like(3_000, 3)));
    let (whole, _) = decode(&path, 0);
    let (rest, outcome) = decode(&path, 1_234);
    assert_eq!(rest.len(), (3_000 - 1_234) * 48);
    assert_eq!(outcome, Ok(()));
    assert!(likeness(&rest, &whole[1_234 * 48..]) > 0.99, "{}", likeness(&rest, &whole[1_234 * 48..]));
}

#[test]
fn a_truncated_file_plays_what_there_is_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = ogg_opus(&speech_like(5_000, 4));
    let path = file(&dir, &bytes[..bytes.len() / 2]);
    let (samples, outcome) = decode(&path, 0);
    let decoded_ms = samples.len() as u64 / 48;
    assert!((1_000..3_000).contains(&decoded_ms), "{decoded_ms}");
    let Err(PlayFailure::Truncated { decoded_ms: reported, expected_ms: None }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(reported, decoded_ms);
}

#[test]
fn a_file_with_a_lost_page_does_not_pass_as_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = ogg_opus(&speech_like(5_000, 5));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    let (samples, outcome) = decode(&file(&dir, &bytes), 0);
    assert!(samples.len() < 5_000 * 48);
    let error = outcome.unwrap_err();
    assert!(matches!(error, PlayFailure::Truncated { expected_ms: Some(5_000), .. }), "{error:?}");
}

#[test]
fn what_is_not_opus_is_refused_with_the_file_and_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    for bytes in [&b""[..], b"this is text, not sound", &ogg_opus(&[0.1; 4_800])[..60]] {
        let path = file(&dir, bytes);
        let error = OpusFile::open(&path, 0).err().unwrap();
        assert!(matches!(error, PlayFailure::Unreadable(_)), "{error:?}");
        assert!(error.to_string().contains("object.opus"), "{error}");
    }
    let absent = OpusFile::open(&dir.path().join("absent.opus"), 0).err().unwrap();
    assert!(absent.to_string().contains("No such file"), "{absent}");
    let past_the_end = OpusFile::open(&file(&dir, &ogg_opus(&speech_like(500, 6))), 9_000).err().unwrap();
    assert!(past_the_end.to_string().contains("no sound after 9000 ms"), "{past_the_end}");
}

#[test]
fn a_length_beyond_all_measure_is_a_truncated_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = ogg_opus(&speech_like(5_000, 7));
    let last = bytes.windows(4).rposition(|window| window == b"OggS").unwrap();
    bytes[last + 6..last + 14].copy_from_slice(&[0xff; 8]);
    let error = decode(&file(&dir, &bytes), 0).1.unwrap_err();
    assert!(matches!(error, PlayFailure::Truncated { expected_ms: Some(_), .. }), "{error:?}");
}
