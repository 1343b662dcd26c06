//! The file that an engine answered with, as sound.
//!
//! Whatever the engine, its answer is one sound file, read by the same reader as uploaded recordings. What is no sound is
//! named for what it is: a web page, words in JSON, nothing at all, half a file.
//!
//! Quirk: an engine that writes to a pipe can't know the length, so the sizes in its WAV header are false (espeak-ng:
//! 2,147,479,552 bytes of data). What counts then is what arrived.

use super::SynthesisError;
use crate::master::SAMPLE_RATE_HZ;
use crate::pcm::Pcm;
use crate::recording::{RecordingError, RecordingLimits, decode_recording};

/// Largest answer to one sentence: a minute and a half at 48 kHz in 16-bit stereo.
pub(super) const MAX_ANSWER_BYTES: usize = 16 * 1_024 * 1_024;
/// Longest sound of one sentence. More means that the engine has gone wrong.
const MAX_DURATION_MS: u64 = 10 * 60 * 1_000;

/// Reads an engine's answer: mono at the rate of mastering. An answer that is digital silence gives no samples.
///
/// # Errors
/// [`SynthesisError::BadAudio`] with what was wrong.
pub(super) fn decode(engine: &str, answer: Vec<u8>) -> Result<Pcm, SynthesisError> {
    let bad = |reason: String| SynthesisError::BadAudio { engine: engine.to_owned(), reason };
    if let Some(reason) = no_sound(&answer) {
        return Err(bad(reason));
    }
    let limits = RecordingLimits { max_bytes: MAX_ANSWER_BYTES, max_duration_ms: MAX_DURATION_MS };
    match decode_recording(answer, &limits) {
        Ok(pcm) => Ok(pcm),
        Err(RecordingError::Silent { .. }) => Pcm::new(Vec::new(), SAMPLE_RATE_HZ)
            .map_err(|source| SynthesisError::Pcm { engine: engine.to_owned(), source }),
        Err(error) => Err(bad(error.to_string())),
    }
}

/// What an answer is that can't be sound.
fn no_sound(answer: &[u8]) -> Option<String> {
    let start = answer.trim_ascii_start();
    match start.first() {
        None => Some("an empty answer".to_owned()),
        Some(b'<') => Some("a web page instead of sound".to_owned()),
        Some(b'{' | b'[') => Some("words in JSON instead of sound".to_owned()),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wav(stated_len: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        bytes.extend(16_000_u32.to_le_bytes());
        bytes.extend(32_000_u32.to_le_bytes());
        bytes.extend([2, 0, 16, 0]);
        bytes.extend(b"data");
        bytes.extend(stated_len.to_le_bytes());
        bytes.extend(data);
        bytes
    }

    fn reason(answer: &[u8]) -> String {
        match decode("e", answer.to_vec()) {
            Err(SynthesisError::BadAudio { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_false_length_is_not_believed() {
        let data: Vec<u8> = [0, 0x40, 0, 0xc0].repeat(200);
        for stated in [800, 0x7fff_f000, u32::MAX, 0] {
            let pcm = decode("e", wav(stated, &data)).unwrap();
            assert_eq!(pcm.samples().len(), 400, "stated {stated}");
            assert_eq!(pcm.samples()[..2], [0.5, -0.5]);
        }
    }

    #[test]
    fn what_is_no_sound_is_named() {
        assert_eq!(reason(b""), "an empty answer");
        assert_eq!(reason(b" \n<html>"), "a web page instead of sound");
        assert_eq!(reason(b"{\"error\": 3}"), "words in JSON instead of sound");
        assert!(reason(b"%PDF-1.7").contains("no sound"));
        let half = wav(8_000, &[0, 0x40].repeat(2_000));
        assert!(reason(&half).contains("cut off"), "{}", reason(&half));
        assert!(reason(&wav(0, &[])[..36]).contains("cut off"));
    }

    #[test]
    fn silence_is_an_answer() {
        assert!(decode("e", wav(800, &[0; 800])).unwrap().samples().is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_verdict(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = b"RIFF\0\0\0\0WAVE".to_vec();
            bytes.extend(tail);
            let _verdict = decode("e", bytes);
        }
    }
}
