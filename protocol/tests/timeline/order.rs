//! O and C: a total order without ties, and who stops whom.

use std::cmp::Ordering;

use loa_protocol::bulletin::Class;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Authority, ItemRules, Occurrence, Severity, Supersession, supersedes};
use proptest::prelude::*;
use proptest::sample::select;

use crate::office::{bulletin, once};

const SEVERITIES: [Severity; 4] = [Severity::Minor, Severity::Moderate, Severity::Severe, Severity::Extreme];

fn occurrence(id: &str, class: Class, place: Option<usize>, severity: Severity, at: i64) -> Occurrence {
    let mut item = once(id, class, at);
    item.rules.severity = severity;
    Occurrence::new(&item, Authority::new(class, place, &[false; 3]), UnixMs(at))
}

/// Class, place on a path of three areas (3: the node's own document), severity, nominal start, item.
fn any_occurrence() -> impl Strategy<Value = Occurrence> {
    (select(Class::ALL.to_vec()), 0..4usize, select(SEVERITIES.to_vec()), 0..3i64, "[a-c]").prop_map(
        |(class, place, severity, at, id)| {
            let severity = if class == Class::Emergency { severity } else { Severity::Minor };
            occurrence(&id, class, Some(place).filter(|place| *place < 3), severity, at)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_order_is_total_and_has_no_ties(a in any_occurrence(), b in any_occurrence(), c in any_occurrence()) {
        let order = |x: &Occurrence, y: &Occurrence| x.precedence().cmp(&y.precedence());
        prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
        if order(&a, &b).is_le() && order(&b, &c).is_le() {
            prop_assert!(order(&a, &c).is_le());
        }
        // Two occurrences of one node differ in their ids.
        prop_assert_eq!(order(&a, &b) == Ordering::Equal && a.id != b.id, false);
    }

    #[test]
    fn who_cuts_goes_first_and_is_not_cut_in_turn(a in any_occurrence(), b in any_occurrence()) {
        if a.cuts(&b) {
            prop_assert!(a.class == Class::Emergency && a.precedence() > b.precedence());
            prop_assert!(!b.cuts(&a));
        }
    }

    /// The order of areas is a permutation, and says what O2 says.
    #[test]
    fn authority_follows_the_path_and_the_communes_wish(first in proptest::collection::vec(any::<bool>(), 1..8)) {
        let of = |class, place| Authority::new(class, place, &first);
        for wide in 0..first.len() {
            let own = of(Class::Priority, None);
            prop_assert!(of(Class::Priority, Some(wide)) > own && of(Class::Normal, Some(wide)) > own);
            for (narrow, is_lifted) in first.iter().enumerate().skip(wide + 1) {
                prop_assert!(of(Class::Normal, Some(wide)) > of(Class::Normal, Some(narrow)));
                prop_assert!(of(Class::Emergency, Some(wide)) > of(Class::Emergency, Some(narrow)));
                let is_narrow_first = of(Class::Priority, Some(narrow)) > of(Class::Priority, Some(wide));
                prop_assert_eq!(is_narrow_first, *is_lifted, "{} against {}", narrow, wide);
            }
        }
    }
}

#[test]
fn class_then_authority_then_severity_then_start() {
    use Class::{Emergency, Normal, Priority};
    use Severity::{Extreme, Minor, Severe};
    let falling = [
        occurrence("a", Emergency, Some(0), Severe, 9),
        occurrence("b", Emergency, Some(0), Minor, 1),
        occurrence("c", Emergency, Some(1), Extreme, 1),
        occurrence("d", Priority, Some(0), Minor, 5),
        occurrence("e", Priority, None, Minor, 1),
        occurrence("f", Normal, Some(2), Minor, 1),
        occurrence("g", Normal, Some(2), Minor, 2),
    ];
    for pair in falling.windows(2) {
        assert!(pair[0].precedence() > pair[1].precedence(), "{pair:?}");
    }
    let [severe, minor, village, priority, ..] = falling;
    assert!(severe.cuts(&minor), "a higher severity, no lower authority");
    assert!(!village.cuts(&severe) && !village.cuts(&minor), "a village does not cut the province");
    assert!(!minor.cuts(&village), "no higher severity");
    assert!(village.cuts(&priority) && !priority.cuts(&falling[5]));
}

#[test]
fn an_emergency_supersedes_what_it_names_from_no_higher_authority() {
    let rules = |updates: &[&str], cancels: &[&str]| ItemRules {
        updates: updates.iter().map(|id| bulletin(id)).collect(),
        cancels: cancels.iter().map(|id| bulletin(id)).collect(),
        ..ItemRules::default()
    };
    let at = |place, at| occurrence("new", Class::Emergency, place, Severity::Minor, at);
    let flood = occurrence("flood", Class::Emergency, Some(1), Severity::Extreme, 5);
    let says = |rules: &ItemRules, new: Occurrence, other: Occurrence| {
        let mut item = once("new", Class::Emergency, new.nominal.0);
        item.rules = rules.clone();
        supersedes((&item, &new), (&bulletin("flood"), &other))
    };
    let (updates, cancels) = (rules(&["flood"], &[]), rules(&[], &["flood"]));
    assert_eq!(says(&updates, at(Some(1), 6), flood), Some(Supersession::Updates));
    assert_eq!(says(&cancels, at(Some(0), 5), flood), Some(Supersession::Cancels));
    assert_eq!(
        says(&cancels, at(Some(2), 6), flood),
        None,
        "a village does not take back what the commune says"
    );
    assert_eq!(says(&cancels, at(Some(1), 4), flood), None, "what comes later is not meant");
    assert_eq!(says(&rules(&["storm"], &["fire"]), at(Some(1), 6), flood), None);
    assert_eq!(says(&cancels, flood, flood), None, "nothing supersedes itself");
    let priority = occurrence("flood", Class::Priority, Some(1), Severity::Minor, 5);
    assert_eq!(says(&cancels, at(Some(1), 6), priority), None, "emergencies supersede emergencies");
}
