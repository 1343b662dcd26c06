//! An item that several documents hold.

use loa_protocol::envelope::seal;
use loa_protocol::plan::Item;
use loa_protocol::receipt::Outcome;
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
