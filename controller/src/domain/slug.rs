//! Ids made of Vietnamese names: `Xã Đạ Đờn` is `xa-da-don`.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Longest slug in characters; it leaves room for a suffix within the 64 of an id.
const SLUG_MAX_CHARS: usize = 48;

/// The name in lower-case ASCII letters, digits and inner hyphens, with diacritics taken off and `đ` as `d`.
/// `fallback` stands for a name without a letter or digit of that alphabet.
pub fn slug(name: &str, fallback: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        let letter = if letter == 'đ' { 'd' } else { letter };
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') && letter != '\'' && letter != '’' {
            slug.push('-');
        }
    }
    slug.truncate(SLUG_MAX_CHARS);
    let trimmed = slug.trim_end_matches('-');
    if trimmed.is_empty() { fallback.to_owned() } else { trimmed.to_owned() }
}

/// The `attempt`-th candidate for an id: the slug itself, then `slug-2`, `slug-3`, ...
pub fn candidate(slug: &str, attempt: u32) -> String {
    if attempt <= 1 { slug.to_owned() } else { format!("{slug}-{attempt}") }
}

#[cfg(test)]
mod tests {
    use loa_protocol::ids::AreaId;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vietnamese_names_become_plain_words() {
        for (name, expected) in [
            ("Xã Đạ Đờn", "xa-da-don"),
            ("Tỉnh Lâm Đồng", "tinh-lam-dong"),
            ("Thôn 3 (Păng Tiêng)", "thon-3-pang-tieng"),
            ("Tổ dân phố K'Ho", "to-dan-pho-kho"),
            ("  --  ", "khu-vuc"),
            ("ƯU TIÊN", "uu-tien"),
            ("Đạ Đờn", "da-don"),
        ] {
            assert_eq!(slug(name, "khu-vuc"), expected);
            let decomposed: String = name.nfd().collect();
            assert_eq!(slug(&decomposed, "khu-vuc"), expected, "NFD of {name}");
        }
    }

    proptest! {
        #[test]
        fn every_name_gives_an_id(name in "\\PC{0,200}", attempt in 1u32..5000) {
            prop_assert!(AreaId::new(candidate(&slug(&name, "x"), attempt)).is_ok());
        }
    }
}
