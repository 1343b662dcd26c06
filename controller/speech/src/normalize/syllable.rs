//! The Vietnamese syllable: onset, rime and tone, with the rules of their spelling. What isn't one isn't Vietnamese.

/// Longest syllable: "nghiêng".
const LETTERS_MAX: usize = 7;

const ONSETS: &[&str] = &[
    "ngh", "ch", "gh", "gi", "kh", "ng", "nh", "ph", "th", "tr", "b", "c", "d", "đ", "g", "h", "k", "l", "m",
    "n", "p", "q", "r", "s", "t", "v", "x", "",
];

/// Rimes without their tone, sorted by code point.
const RIMES: &[&str] = &[
    "a", "ac", "ach", "ai", "am", "an", "ang", "anh", "ao", "ap", "at", "au", "ay", "e", "ec", "em", "en",
    "eng", "eo", "ep", "et", "i", "ia", "ich", "im", "in", "inh", "ip", "it", "iu", "iêc", "iêm", "iên",
    "iêng", "iêp", "iêt", "iêu", "o", "oa", "oac", "oach", "oai", "oam", "oan", "oang", "oanh", "oao", "oap",
    "oat", "oay", "oc", "oe", "oen", "oeo", "oet", "oi", "om", "on", "ong", "ooc", "oong", "op", "ot", "oăc",
    "oăm", "oăn", "oăng", "oăt", "u", "ua", "uc", "ui", "um", "un", "ung", "up", "ut", "uy", "uya", "uych",
    "uyn", "uynh", "uyt", "uyp", "uyu", "uyên", "uyêt", "uâng", "uân", "uât", "uây", "uê", "uêch", "uên",
    "uênh", "uêu", "uôc", "uôi", "uôm", "uôn", "uông", "uôt", "uơ", "y", "yt", "yêm", "yên", "yêng", "yêt",
    "yêu", "âc", "âm", "ân", "âng", "âp", "ât", "âu", "ây", "ê", "êch", "êm", "ên", "ênh", "êp", "êt", "êu",
    "ô", "ôc", "ôi", "ôm", "ôn", "ông", "ôông", "ôp", "ôt", "ăc", "ăm", "ăn", "ăng", "ăp", "ăt", "ơ", "ơi",
    "ơm", "ơn", "ơp", "ơt", "ưa", "ưc", "ưi", "ưm", "ưn", "ưng", "ưt", "ưu", "ươc", "ươi", "ươm", "ươn",
    "ương", "ươp", "ươt", "ươu", "ư",
];

/// Rimes that stand behind "q" alone.
const RIMES_OF_Q: &[&str] = &[
    "uac", "uach", "uai", "uan", "uang", "uanh", "uao", "uat", "uau", "uay", "ue", "uen", "ueo", "uet",
    "uit", "uăc", "uăm", "uăn", "uăng", "uăp", "uăt", "uêt", "uơi", "uơn", "uơt", "uôn",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Level,
    /// sắc or nặng: all that a stopped rime can have.
    Stopped,
    Other,
}

/// Whether a word is a syllable of Vietnamese, in any case.
pub(super) fn is_syllable(word: &str) -> bool {
    let mut letters = ['\0'; LETTERS_MAX];
    let (mut count, mut tone) = (0, Tone::Level);
    for c in word.chars().flat_map(char::to_lowercase) {
        let (letter, mark) = without_tone(c);
        if count == LETTERS_MAX || (mark != Tone::Level && tone != Tone::Level) {
            return false;
        }
        if mark != Tone::Level {
            tone = mark;
        }
        letters[count] = letter;
        count += 1;
    }
    let mut bytes = [0; LETTERS_MAX * 4];
    parts(spelled(&letters[..count], &mut bytes), RIMES, RIMES_OF_Q).is_some_and(|rime| {
        let stopped = rime.ends_with(['c', 'p', 't']) || rime.ends_with("ch");
        !stopped || tone == Tone::Stopped
    })
}

fn spelled<'b>(letters: &[char], bytes: &'b mut [u8]) -> &'b str {
    let mut length = 0;
    for letter in letters {
        let Some(room) = bytes.get_mut(length..) else { break };
        length += letter.encode_utf8(room).len();
    }
    std::str::from_utf8(&bytes[..length]).unwrap_or_default()
}

/// The rime of a syllable without its tone, if onset and rime are and fit each other.
fn parts<'w>(word: &'w str, rimes: &[&str], rimes_of_q: &[&str]) -> Option<&'w str> {
    let onset = ONSETS.iter().find(|onset| word.starts_with(**onset))?;
    let rime = &word[onset.len()..];
    let front = rime.starts_with(['e', 'ê', 'i', 'y']);
    let known = |rime: &str| rimes.contains(&rime);
    let fits = match *onset {
        "k" | "gh" | "ngh" => front && known(rime),
        "c" | "ng" => !front && known(rime),
        "g" => !rime.starts_with(['e', 'ê']) && known(rime),
        // "gì" and "giếng" have one i for onset and rime.
        "gi" => known(rime) || known(&word[1..]),
        "q" => rimes_of_q.contains(&rime) || (rime.starts_with('u') && rime.len() > 1 && known(rime)),
        _ => known(rime),
    };
    let shared_vowel = *onset == "gi" && !known(rime);
    fits.then_some(if shared_vowel { &word[1..] } else { rime })
}

/// A letter without its tone; letters that bear none are themselves.
fn without_tone(c: char) -> (char, Tone) {
    const VOWELS: [(char, &str); 12] = [
        ('a', "áàảãạ"),
        ('ă', "ắằẳẵặ"),
        ('â', "ấầẩẫậ"),
        ('e', "éèẻẽẹ"),
        ('ê', "ếềểễệ"),
        ('i', "íìỉĩị"),
        ('o', "óòỏõọ"),
        ('ô', "ốồổỗộ"),
        ('ơ', "ớờởỡợ"),
        ('u', "úùủũụ"),
        ('ư', "ứừửữự"),
        ('y', "ýỳỷỹỵ"),
    ];
    if c.is_ascii() {
        return (c, Tone::Level);
    }
    for (bare, toned) in VOWELS {
        if let Some(index) = toned.chars().position(|known| known == c) {
            return (bare, if matches!(index, 0 | 4) { Tone::Stopped } else { Tone::Other });
        }
    }
    (c, Tone::Level)
}

/// Whether a letter bears a mark that only Vietnamese writing has: a tone, a hook, a breve, a stroke.
pub(super) fn is_marked(c: char) -> bool {
    !c.is_ascii()
        && c.to_lowercase().next().is_some_and(|c| {
            without_tone(c).1 != Tone::Level || matches!(c, 'ă' | 'â' | 'đ' | 'ê' | 'ô' | 'ơ' | 'ư')
        })
}

/// Longest word that is cut into syllables.
const CUT_MAX: usize = 40;

/// Cuts a word that was written without marks and blanks ("lamdong") into as few syllables as can be; nothing where it
/// isn't made of syllables.
pub(super) fn cut(word: &str) -> Option<Vec<&str>> {
    if word.is_empty() || word.len() > CUT_MAX || !word.bytes().all(|c| c.is_ascii_lowercase()) {
        return None;
    }
    // For each place: the fewest syllables up to it, and where the last of them begins.
    let mut best = [(u8::MAX, 0_usize); CUT_MAX + 1];
    best[0] = (0, 0);
    for end in 1..=word.len() {
        for start in end.saturating_sub(LETTERS_MAX)..end {
            let (count, _) = best[start];
            if count < u8::MAX && count + 1 < best[end].0 && is_bare(&word[start..end]) {
                best[end] = (count + 1, start);
            }
        }
    }
    let mut syllables = Vec::new();
    let mut end = word.len();
    if best[end].0 == u8::MAX {
        return None;
    }
    while end > 0 {
        let start = best[end].1;
        syllables.push(&word[start..end]);
        end = start;
    }
    syllables.reverse();
    Some(syllables)
}

/// A syllable that has lost all its marks.
fn is_bare(word: &str) -> bool {
    if word.len() < 2 {
        return false;
    }
    let onset = ONSETS.iter().find(|onset| word.starts_with(**onset)).copied().unwrap_or_default();
    let rime = &word[onset.len()..];
    let known = |rime: &str| RIMES.iter().chain(RIMES_OF_Q).any(|known| bare_eq(known, rime));
    match onset {
        "gi" => known(rime) || known(&word[1..]),
        _ => known(rime),
    }
}

fn bare_eq(marked: &str, bare: &str) -> bool {
    let unmarked = marked.chars().map(|c| match c {
        'ă' | 'â' => 'a',
        'ê' => 'e',
        'ô' | 'ơ' => 'o',
        'ư' => 'u',
        c => c,
    });
    unmarked.eq(bare.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_known_by_their_parts() {
        for word in "nghiêng giếng gì gìn quốc quý quýt quyển khuỷu ngoằn thuở đường ĐƯỜNG Uỷ ủy hòa hoà yêu ý ly \
                     kỹ xoong boong loét tuýp huýt chuyện nguyệt giấy giữa của cà quẹt quét quần quảng xã bản \
                     tiêm chủng thủy lợi rượu bưu điện khuya uyên thuế ngã nghề ghế kẻ"
            .split_whitespace()
        {
            assert!(is_syllable(word), "{word}");
        }
        for word in "hello please keep kà nghà ngề ce gê fa zalo wifi street cat mac tich Krông K'Ho \
                     bbn ubnd áá tấầ qa nghiêngg x tr"
            .split_whitespace()
        {
            assert!(!is_syllable(word), "{word}");
        }
    }

    #[test]
    fn words_without_blanks_are_cut() {
        assert_eq!(cut("lamdong"), Some(vec!["lam", "dong"]));
        assert_eq!(cut("dichvucong"), Some(vec!["dich", "vu", "cong"]));
        assert_eq!(cut("thongtindatnuoc"), Some(vec!["thong", "tin", "dat", "nuoc"]));
        assert_eq!(cut("facebook"), None);
        assert_eq!(cut("xyz"), None);
        assert_eq!(cut(&"a".repeat(100)), None);
    }
}
