//! An item that several documents hold.

use loa_protocol::envelope::seal;
use loa_protocol::ids::ObjectHash;
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::timeline::Start;
use loa_protocol::topic::TopicKind;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::office::*;
use crate::rig::Rig;

/// The node's areas, widest first, and last its own document.
const DOCUMENTS: [&str; 4] = ["tinh", "xa", "thon", "node"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn it_sounds_once_as_the_widest_area_has_it(
        // For each document, in the order of arrival: which it is, and the revision in which it holds each of two items.
        order in Just([0usize, 1, 2, 3]).prop_shuffle(),
        held in vec(vec(proptest::option::of(1..4u32), 2), 4),
    ) {
        let province = key(9);
        let mut rig = Rig::new();
        rig.connect();
        let keys = [(&commune(), scope("xa")), (&province, scope("tinh"))];
        rig.receive(TopicKind::Keys, &key_set(1, &keys));
        let at = [T0 + HOUR, T0 + 2 * HOUR];
        let voice = |document: usize, number: usize| Object::new(&format!("{document}-{number}"), 1, 1_000);
        for document in order {
            let voices = [voice(document, 0), voice(document, 1)];
            rig.offer(&voices.each_ref());
            let items: Vec<Item> = (0..2)
                .filter_map(|number| {
                    let revision = held[document][number]?;
                    let tracks = [("vi", &voices[number])];
                    Some(Item { revision, ..item(&format!("i-{number}"), at[number], &tracks) })
                })
                .collect();
            let program = program(items, &voices.each_ref());
            let name = DOCUMENTS[document];
            if name == "node" {
                let own = loa_protocol::plan::NodeDocument { program, ..node_document(1, &["vi"]) };
                rig.receive(TopicKind::Desired(node()), &seal(&own, &tenant(), validity(), &commune()));
            } else {
                let plan = seal(&area_plan(name, 1, program), &tenant(), validity(), &province);
                rig.receive(TopicKind::Plan(area(name)), &plan);
            }
        }
        rig.run_until(T0 + 3 * HOUR);
        let widest = |number: usize| (0..4).find(|document| held[*document][number].is_some());
        let expected: Vec<_> =
            (0..2).filter_map(|number| Some(voice(widest(number)?, number).hash())).collect();
        prop_assert_eq!(rig.played.iter().map(|played| played.object).collect::<Vec<_>>(), expected.clone());
        let outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|outcome| outcome.2).collect();
        prop_assert_eq!(outcomes, vec![Outcome::Played; expected.len()]);
    }
}

/// One commune's plan, before and after its controller was restored or the schedule was moved: the revision is the same.
fn with_plan(items: Vec<Item>, objects: &[&Object]) -> Rig {
    let mut rig = Rig::placed(&["vi"]);
    rig.offer(objects);
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, objects));
    rig
}

fn played(rig: &Rig) -> Vec<(ObjectHash, i64)> {
    rig.played.iter().map(|played| (played.object, played.start_at.since(T0))).collect()
}

fn outcomes(rig: &Rig) -> Vec<Outcome> {
    rig.outcomes().into_iter().map(|outcome| outcome.2).collect()
}

#[test]
fn what_waits_sounds_as_its_item_is_by_then_although_the_revision_is_the_same() {
    let (before, after) = (Object::new("before", 1, 30_000), Object::new("after", 1, 20_000));
    let at = T0 + HOUR;
    let mut rig = with_plan(vec![item("a", at, &[("vi", &before)])], &[&before, &after]);
    // Near, and not yet ordered.
    rig.run_until(at - 4 * SECOND);
    rig.receive(
        TopicKind::Plan(area("xa")),
        &plan(2, vec![item("a", at, &[("vi", &after)])], &[&before, &after]),
    );
    rig.run_for(HOUR);
    assert_eq!(played(&rig), [(after.hash(), HOUR)]);
    assert_eq!(outcomes(&rig), [Outcome::Played]);
}

#[test]
fn what_is_moved_while_it_waits_sounds_when_it_was_moved_to_and_only_then() {
    let voice = Object::new("voice", 1, 30_000);
    let at = T0 + HOUR;
    let mut rig = with_plan(vec![item("a", at, &[("vi", &voice)])], &[&voice]);
    rig.run_until(at - 4 * SECOND);
    let moved = |to| plan(2, vec![item("a", to, &[("vi", &voice)])], &[&voice]);
    rig.receive(TopicKind::Plan(area("xa")), &moved(at + MINUTE));
    rig.run_for(HOUR);
    assert_eq!(played(&rig), [(voice.hash(), HOUR + MINUTE)]);
    assert_eq!(outcomes(&rig), [Outcome::Played], "what was not due leaves without a word");
}

#[test]
fn what_sounds_is_stopped_where_something_else_is_to_be_heard_of_it_and_goes_on_where_it_was_only_moved() {
    let (before, after) = (Object::new("before", 1, 30_000), Object::new("after", 1, 20_000));
    let at = T0 + HOUR;
    for (track, to, expected) in
        [(&after, at, Outcome::Partial(Reason::Withdrawn)), (&before, at + DAY, Outcome::Played)]
    {
        let mut rig = with_plan(vec![item("a", at, &[("vi", &before)])], &[&before, &after]);
        rig.run_until(at + 10 * SECOND);
        let changed = plan(2, vec![item("a", to, &[("vi", track)])], &[&before, &after]);
        rig.receive(TopicKind::Plan(area("xa")), &changed);
        rig.run_for(HOUR);
        assert_eq!(played(&rig), [(before.hash(), HOUR)]);
        assert_eq!(outcomes(&rig), [expected]);
    }
}

#[test]
fn what_takes_the_place_of_a_wider_areas_item_starts_from_then_on() {
    for is_cut in [false, true] {
        let (province, voice) = (key(9), Object::new("voice", 1, 1_000));
        let mut rig = Rig::new();
        rig.offer(&[&voice]);
        rig.connect();
        rig.receive(TopicKind::Keys, &key_set(1, &[(&commune(), scope("xa")), (&province, scope("tinh"))]));
        rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
        let of_province = |version, items| {
            seal(&area_plan("tinh", version, program(items, &[&voice])), &tenant(), validity(), &province)
        };
        let wide = vec![item("i", T0 + 9 * HOUR, &[("vi", &voice)])];
        rig.receive(TopicKind::Plan(area("tinh")), &of_province(1, wide));
        rig.run_until(T0 + 3 * HOUR);
        // The commune plans two starts of an item of that name, after two and five hours, of which one has passed.
        let hours = Start::Cron("0 9,12 * * *".parse().unwrap());
        let narrow = Item { start: hours, ..item("i", T0, &[("vi", &voice)]) };
        rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![narrow], &[&voice]));
        rig.run_for(MINUTE);
        if is_cut {
            rig.power_cut(SECOND);
            rig.connect();
        }
        rig.receive(TopicKind::Plan(area("tinh")), &of_province(2, Vec::new()));
        rig.run_until(T0 + 8 * HOUR);
        let told: Vec<_> = rig.outcomes().into_iter().map(|told| (told.1.since(T0), told.2)).collect();
        assert_eq!(told, [(5 * HOUR, Outcome::Played)], "with a power cut in between: {is_cut}");
    }
}
