//! N: what a session is made of.

use loa_protocol::bulletin::Class;
use loa_protocol::ids::ObjectHash;
use loa_protocol::plan::{Item, Track};
use loa_protocol::timeline::{ItemRules, PART_PAUSE_MS, Repeats, SessionPlan, objects_heard};
use proptest::prelude::*;

use crate::office::{language, object, once};

/// Chimes of 2 s, K'Ho of 20 s, Vietnamese of 30 s.
fn duration_ms(of: &ObjectHash) -> Option<u32> {
    let known = [("ding", 2_000), ("dong", 2_000), ("kpm", 20_000), ("vi", 30_000)];
    known.into_iter().find(|(name, _)| object(name) == *of).map(|(_, duration_ms)| duration_ms)
}

fn bulletin(rules: ItemRules) -> Item {
    let track = |tag: &str| Track { language: language(tag), object: object(tag) };
    Item { tracks: vec![track("kpm"), track("vi")], rules, ..once("i", Class::Normal, 0) }
}

fn ringing(rounds: u32, gap_ms: u32) -> Item {
    bulletin(ItemRules {
        repeats: Some(Repeats { rounds, gap_ms }),
        chime_before: Some(object("ding")),
        chime_after: Some(object("dong")),
        ..ItemRules::default()
    })
}

fn sounds(plan: &SessionPlan) -> Vec<(u32, u32)> {
    plan.parts.iter().map(|part| (part.pause_before_ms, part.duration_ms)).collect()
}

#[test]
fn chimes_rounds_and_languages_are_one_session() {
    let spoken = [language("vi"), language("kpm")];
    let item = ringing(2, 15_000);
    let plan = SessionPlan::new(&item, &spoken, duration_ms).unwrap();
    let (vi, kpm, chime) = (30_000, 20_000, 2_000);
    let expected = [(1_000, chime), (1_000, vi), (1_000, kpm), (15_000, vi), (1_000, kpm), (1_000, chime)];
    assert_eq!(sounds(&plan), expected);
    assert!(!plan.is_lacking);
    assert_eq!(plan.sound_ms(0), 104_000);
    assert_eq!(plan.length_ms(0), 104_000 + 4 * 1_000 + 15_000);
    assert_eq!(plan.length_ms(3), 30_000 + 1_000 + 20_000 + 1_000 + 2_000, "a pause belongs before a part");
    assert_eq!(plan.length_ms(6), 0);
    assert_eq!(objects_heard(&item, &spoken), ["vi", "kpm", "ding", "dong"].map(object));
    assert_eq!(objects_heard(&item, &[]), []);
}

#[test]
fn a_chime_that_is_not_there_is_left_out_and_nothing_is_lacking() {
    let there = |of: &ObjectHash| duration_ms(of).filter(|_| *of != object("ding"));
    let plan = SessionPlan::new(&ringing(2, 1_000), &[language("vi")], there).unwrap();
    assert!(!plan.is_lacking);
    assert_eq!(sounds(&plan), [(1_000, 30_000), (1_000, 30_000), (1_000, 2_000)]);
    let there = |of: &ObjectHash| duration_ms(of).filter(|_| *of != object("kpm"));
    let both = [language("kpm"), language("vi")];
    assert!(SessionPlan::new(&bulletin(ItemRules::default()), &both, there).unwrap().is_lacking);
    assert_eq!(
        SessionPlan::new(&ringing(2, 1_000), &[language("kpm")], there),
        None,
        "chimes alone are no session"
    );
}

proptest! {
    #[test]
    fn a_session_is_as_long_as_its_parts_and_pauses(
        rounds in 2..10u32, gap_ms in 1_000..600_000u32, both in any::<bool>(), from in 0..25u32,
    ) {
        let spoken = if both { vec![language("kpm"), language("vi")] } else { vec![language("vi")] };
        let plan = SessionPlan::new(&ringing(rounds, gap_ms), &spoken, duration_ms).unwrap();
        let tracks = spoken.len() as i64;
        prop_assert_eq!(plan.parts.len() as i64, 2 + i64::from(rounds) * tracks);
        let pauses = (i64::from(rounds) * (tracks - 1) + 2) * i64::from(PART_PAUSE_MS);
        let gaps = i64::from(rounds - 1) * i64::from(gap_ms);
        prop_assert_eq!(plan.length_ms(0), plan.sound_ms(0) + pauses + gaps);
        // What is left plus what was, and the pause between them, is the whole.
        let place = from as usize % plan.parts.len();
        let from = plan.parts[place].number;
        let before = SessionPlan { parts: plan.parts[..place].to_vec(), is_lacking: false };
        let pause = if place == 0 { 0 } else { i64::from(plan.parts[place].pause_before_ms) };
        prop_assert_eq!(before.length_ms(0) + pause + plan.length_ms(from), plan.length_ms(0));
    }
}
