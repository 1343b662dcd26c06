//! What espeak-ng has to be given otherwise than Vietnamese is written, so that it says what is meant.
//!
//! It drops the vowel of "K'Ho", switches to its English voice for "vitamin" and "gen", and reads "gi" and "qui" by their
//! letters. Other engines get the text as the normaliser leaves it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Changes whenever a word is respelled otherwise: it's part of what the engine sounds like.
pub(super) const RESPELLING_VERSION: &str = "1";

/// Words in small letters and how they are spelled for the engine, with tabs between.
static WORDS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| include_str!("respell.tsv").lines().filter_map(|line| line.split_once('\t')).collect());

/// A sentence respelled word by word.
pub(super) fn respell(sentence: &str) -> Cow<'_, str> {
    let mut respelled: Option<String> = None;
    let mut taken = 0;
    for word in sentence.split_whitespace() {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        let Some(replacement) = respelled_word(core) else { continue };
        // `core` is a slice of `sentence`.
        let start = core.as_ptr() as usize - sentence.as_ptr() as usize;
        let out = respelled.get_or_insert_with(|| String::with_capacity(sentence.len() + 32));
        out.push_str(&sentence[taken..start]);
        out.push_str(&replacement);
        taken = start + core.len();
    }
    match respelled {
        Some(mut out) => {
            out.push_str(&sentence[taken..]);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(sentence),
    }
}

fn respelled_word(word: &str) -> Option<Cow<'static, str>> {
    if word.is_empty() {
        return None;
    }
    let lower = word.to_lowercase();
    if let Some(spelling) = WORDS.get(lower.as_str()) {
        return Some(Cow::Borrowed(spelling));
    }
    // "K'Brêm": the consonant has the vowel of "ơ".
    let (consonant, rest) = lower.split_once('\'')?;
    let onset = match consonant {
        "k" | "c" => "c",
        "h" | "m" | "b" | "r" | "l" | "n" | "p" | "s" | "t" | "v" => consonant,
        "d" | "đ" => "đ",
        _ => return None,
    };
    (!rest.is_empty()).then(|| Cow::Owned(format!("{onset}ơ {}", WORDS.get(rest).copied().unwrap_or(rest))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_engine_stumbles_over_is_changed() {
        assert_eq!(respell("Đồng bào K'Ho, M'Nông ở Đắk Lắk."), "Đồng bào cơ ho, mơ nông ở đắc lắc.");
        assert_eq!(respell("thạc sĩ K'Brêm (cai gi)"), "thạc sĩ cơ brêm (cai di)");
        assert_eq!(respell("Uống vitamin A qui định."), "Uống vi ta min A quy định.");
        assert!(matches!(respell("Kính thưa bà con!"), Cow::Borrowed("Kính thưa bà con!")));
    }

    #[test]
    fn every_spelling_is_words() {
        assert!(WORDS.len() > 50);
        for (word, spelling) in WORDS.iter() {
            assert_eq!(*word, word.to_lowercase());
            assert!(spelling.chars().all(|c| c.is_alphabetic() || c == ' '), "{word}: {spelling}");
            assert!(!spelling.split(' ').any(|part| WORDS.contains_key(part)), "{word} leads on");
        }
    }
}
