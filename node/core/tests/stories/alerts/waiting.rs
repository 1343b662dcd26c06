//! Alerts whose key was withdrawn: they wait for it, are in the store meanwhile, and leave it in the end.

use loa_node_core::{Action, Slot};
use loa_protocol::alert::Verdict;
use loa_protocol::envelope::{Refusal, seal};
use loa_protocol::plan::NodeDocument;
use loa_protocol::topic::TopicKind;

use super::{
    AT, alarm, alerts, flood, listening, may_alarm, on_topic, sealed, siren, urgent, valid_for, verdicts,
};
use crate::office::*;
use crate::rig::Rig;

/// Another key set, with or without the key for emergencies; with one that may plan for the whole tenant.
fn keys(epoch: u64, with_siren: bool) -> Vec<u8> {
    let (all, siren) = (loa_protocol::keys::Scope { area: None, ..scope("xa") }, siren());
    let mut keys = vec![(commune(), scope("xa")), (key(3), all)];
    keys.extend(with_siren.then(|| (siren, may_alarm("xa"))));
    let keys: Vec<_> = keys.iter().map(|(key, scope)| (key, scope.clone())).collect();
    key_set(epoch, &keys)
}

/// A node that holds the flood's alarm no more, for its key is gone, but has it in its store.
fn waiting_for_the_key() -> Rig {
    let mut rig = listening();
    rig.run_until(AT);
    rig.receive(on_topic(), &alarm(1, AT));
    rig.run_for(MINUTE);
    rig.receive(TopicKind::Keys, &keys(2, false));
    rig.run_for(MINUTE);
    assert!(is_stored(&rig) && rig.state().alerts.is_empty());
    rig
}

fn is_stored(rig: &Rig) -> bool {
    rig.store.documents.contains_key(&Slot::Alert(area("xa")))
}

/// The node is put elsewhere.
fn move_away(rig: &mut Rig) {
    let document = NodeDocument { path: path(&["tinh", "xa-khac"]), ..node_document(2, &["vi"]) };
    rig.receive(TopicKind::Desired(node()), &seal(&document, &tenant(), validity(), &key(3)));
}

#[test]
fn they_leave_the_store_with_their_area() {
    let mut rig = waiting_for_the_key();
    move_away(&mut rig);
    assert!(!is_stored(&rig));
}

#[test]
fn what_a_boot_finds_of_an_area_that_was_left_is_forgotten_without_a_word() {
    let mut rig = waiting_for_the_key();
    let slot = Slot::Alert(area("xa"));
    let stored = rig.store.documents[&slot].clone();
    move_away(&mut rig);
    rig.store.documents.insert(slot.clone(), stored);
    let answered = verdicts(&rig).len();
    rig.power_cut(SECOND);
    rig.connect();
    rig.run_for(MINUTE);
    assert!(!is_stored(&rig) && rig.store.applied.contains_key(&slot), "it never comes back");
    assert_eq!((verdicts(&rig).len(), rig.health_refused()), (answered, 0));
}

#[test]
fn they_are_forgotten_when_they_have_expired() {
    let mut rig = waiting_for_the_key();
    rig.run_until(AT + HOUR + 29 * MINUTE);
    assert!(is_stored(&rig));
    rig.run_for(2 * MINUTE);
    assert!(!is_stored(&rig));
    let forgotten = |action: &&Action| matches!(action, Action::ForgetDocument { .. });
    assert_eq!(rig.actions.iter().filter(forgotten).count(), 1);
}

#[test]
fn what_somebody_sends_whose_key_nobody_knows_does_not_displace_them() {
    for sent in [false, true] {
        let mut rig = waiting_for_the_key();
        if sent {
            let flood = flood();
            let other = alerts(7, vec![urgent("flood", AT, &flood)], &[&flood], &[]);
            rig.receive(on_topic(), &seal(&other, &tenant(), valid_for(AT, HOUR), &key(8)));
        }
        rig.run_for(MINUTE);
        rig.receive(TopicKind::Keys, &keys(3, true));
        rig.run_for(MINUTE);
        assert_eq!(rig.state().alerts[0].applied.sequence, 1, "sent: {sent}");
    }
}

#[test]
fn the_newer_of_the_stored_one_and_the_one_that_came_is_in_force_when_the_key_comes() {
    let mut rig = waiting_for_the_key();
    let flood = flood();
    let newer = alerts(2, vec![urgent("flood", AT, &flood)], &[&flood], &[]);
    rig.receive(on_topic(), &sealed(&newer, AT));
    rig.run_for(MINUTE);
    rig.receive(TopicKind::Keys, &keys(3, true));
    rig.run_for(MINUTE);
    assert_eq!(rig.state().alerts[0].applied.sequence, 2);
    rig.power_cut(SECOND);
    rig.connect();
    rig.run_for(MINUTE);
    assert_eq!(rig.state().alerts[0].applied.sequence, 2);
}

#[test]
fn answers_tell_when_it_was_applied_and_a_redelivery_is_not_refused_again() {
    let mut rig = waiting_for_the_key();
    let refused = rig.answers().last().cloned().unwrap();
    assert_eq!((refused.received, refused.verdict), (AT, Verdict::Refused(Refusal::UnknownKey)));
    let answered = rig.answers().len();
    rig.receive(on_topic(), &alarm(1, AT));
    rig.run_for(MINUTE);
    assert_eq!(rig.answers().len(), answered, "the broker brought it again");
    rig.receive(TopicKind::Keys, &keys(3, true));
    let verified = rig.answers().last().cloned().unwrap();
    assert_eq!((verified.received, verified.verdict), (AT, Verdict::Verified(rig.now.wall)));
}
