//! Each target holds for its seeds, and for seeds that were changed. `LOA_FUZZ_CHANGES` tells how often each seed is changed,
//! for a run of millions (`cargo test -p loa-fuzz text`), and `LOA_FUZZ_SEED` to change them otherwise than in the last run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use loa_fuzz::{TARGETS, seeds};

/// SplitMix64: the same changes in every run.
struct Changes(u64);

impl Changes {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap() % end.max(1)
    }

    fn of(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 if !bytes.is_empty() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                1 => bytes.insert(at, u8::try_from(self.below(256)).unwrap()),
                2 => bytes.truncate(at),
                _ => bytes.extend_from_within(at..(at + self.below(64)).min(bytes.len())),
            }
        }
        bytes
    }

    /// The same in whole characters, with words that random ones would hardly become.
    fn of_text(&mut self, seed: &str, words: &[&str]) -> Vec<u8> {
        let mut chars: Vec<char> = seed.chars().collect();
        if self.below(16) > 0 {
            // Most rules look at a few words.
            chars.drain(..self.below(chars.len()));
            chars.truncate(self.below(PIECE_CHARS));
        }
        for _ in 0..=self.below(6) {
            let at = self.below(chars.len());
            match self.below(6) {
                0 if !chars.is_empty() => chars[at] = self.char(),
                1 => chars.insert(at, self.char()),
                2 => chars.truncate(at),
                3 => chars.extend_from_within(at..(at + self.below(64)).min(chars.len())),
                _ => _ = chars.splice(at..at, words[self.below(words.len())].chars()),
            }
        }
        chars.into_iter().collect::<String>().into_bytes()
    }

    fn char(&mut self) -> char {
        match self.below(3) {
            0 => char::from(u8::try_from(self.below(128)).unwrap()),
            1 => char::from(b"0123456789/-.,:%[]"[self.below(18)]),
            _ => STRANGE[self.below(STRANGE.len())],
        }
    }
}

/// Longest piece of a text that is changed for itself.
const PIECE_CHARS: usize = 120;

/// Letters and signs of which each has fallen to a rule of its own somewhere.
const STRANGE: [char; 28] = [
    'đ',
    'Đ',
    'Ð',
    'ẫ',
    'ư',
    'İ',
    'ß',
    'ﬁ',
    '\u{301}',
    '\u{200b}',
    '\u{a0}',
    '\u{feff}',
    '²',
    '½',
    'Ⅳ',
    '①',
    '٣',
    '८',
    '日',
    '一',
    '🎉',
    '—',
    '…',
    '’',
    '°',
    '₫',
    '№',
    '\u{10ffff}',
];

fn told(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap())
}

fn replay(name: &str, changed: usize) {
    let changed = told("LOA_FUZZ_CHANGES").map_or(changed, |count| usize::try_from(count).unwrap());
    let words = seeds::words_of(name);
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds::of(name).unwrap();
    assert!(!seeds.is_empty());
    let mut changes = Changes(told("LOA_FUZZ_SEED").unwrap_or(1));
    for seed in &seeds {
        (target.hold)(seed);
        for _ in 0..changed {
            match std::str::from_utf8(seed) {
                Ok(text) if !words.is_empty() => (target.hold)(&changes.of_text(text, words)),
                _ => (target.hold)(&changes.of(seed)),
            }
        }
    }
}

#[test]
fn messages() {
    replay("messages", 500);
}

#[test]
fn documents() {
    replay("documents", 30);
}

#[test]
fn timeline() {
    replay("timeline", 30);
}

#[test]
fn text() {
    replay("text", 20);
}

#[test]
fn recording() {
    replay("recording", 10);
}

#[test]
fn node_sound() {
    replay("node_sound", 20);
}

#[test]
fn mqtt() {
    replay("mqtt", 200);
}
