//! Each target holds for its seeds, and for seeds that were changed.

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
}

fn replay(name: &str, changed: usize) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds::of(name).unwrap();
    assert!(!seeds.is_empty());
    let mut changes = Changes(1);
    for seed in &seeds {
        (target.hold)(seed);
        for _ in 0..changed {
            (target.hold)(&changes.of(seed));
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
