//! What officers type: checked, then brought into words.

use loa_speech::Normalizer;
use loa_speech::normalize::Sentence;
use loa_speech::normalize::markup::PAUSES_MAX_MS;
use loa_speech::text::{self, CleanText, DEFAULT_MAX_BYTES};

/// A text is read once more as so many bytes of itself: what takes more than linear time then hits the time limit.
const LONG_BYTES: usize = 32 * 1024;
/// One text of so many is read as a long one too, which takes most of the time.
const LONG_EVERY: u32 = 512;
/// One byte of a text becomes at most so many of speech: a digit of a long number is "nghìn tỷ".
const GROWTH: usize = 64;

/// Reads the bytes as a text.
pub fn hold(bytes: &[u8]) {
    let Ok(typed) = std::str::from_utf8(bytes) else { return };
    let Ok(checked) = text::check(typed, DEFAULT_MAX_BYTES) else { return };
    let clean = checked.text;
    let again = text::check(clean.as_str(), DEFAULT_MAX_BYTES).map(|checked| checked.text);
    assert_eq!(again.as_ref(), Ok(&clean), "a clean text is clean");
    speak(&clean);
    if bytes.iter().fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte))) % LONG_EVERY != 0 {
        return;
    }
    let long = clean.as_str().repeat(LONG_BYTES / clean.as_str().len().max(1));
    if let Ok(checked) = text::check(&long, DEFAULT_MAX_BYTES) {
        speak(&checked.text);
    }
}

fn speak(clean: &CleanText) {
    let normalizer = Normalizer::default();
    let spoken = normalizer.normalize(clean.as_str());
    for finding in Normalizer::audit_spoken(clean.as_str(), &spoken) {
        assert!(clean.as_str().get(finding.bytes).is_some(), "a finding cuts a character");
    }
    for finding in spoken.markup_findings() {
        let command = clean.as_str().get(finding.bytes.clone());
        assert!(command.is_some_and(|command| command.starts_with('[')), "{finding:?} is no bracket's");
    }
    assert!(spoken.silence_ms() <= PAUSES_MAX_MS, "{} ms of silence", spoken.silence_ms());
    let mut end = 0;
    for span in spoken.spans() {
        assert!(span.source.start >= end && clean.as_str().get(span.source.clone()).is_some(), "{span:?}");
        end = span.source.end;
    }
    let mut bytes = 0;
    for sentence in spoken.sentences() {
        let words = sentence.as_str();
        bytes += words.len();
        assert!(!words.contains(['[', ']', '\n']), "{words:?}");
        // Another language's numbers are for the voice that speaks it.
        let is_ours = sentence.style().language.is_none();
        assert!(!is_ours || !words.chars().any(char::is_numeric), "{words:?}");
        assert!(
            words.chars().any(|c| if is_ours { c.is_alphabetic() } else { c.is_alphanumeric() }),
            "{words:?}"
        );
        assert!(words.chars().count() <= Sentence::MAX_CHARS, "a sentence of {} bytes", words.len());
    }
    assert!(bytes <= GROWTH * clean.as_str().len(), "{} bytes became {bytes}", clean.as_str().len());
}
