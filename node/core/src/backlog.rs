//! What waits for room on the disk, as a shell keeps it: persistent actions, in the order in which they become durable.
//!
//! **Invariants.** That order is the one in which the core gave them, but that a document takes the place of the one that waits in its
//! slot. So documents are bounded by the slots, however many of a quarter of a megabyte come while the disk is full; and since it
//! comes earlier and not later, what follows from either is still behind a sequence that is as high. A later key set alone may then
//! stand behind a document that needs it: after a power cut between the two the node waits for it as for any other.

use std::collections::VecDeque;

use loa_protocol::ids::OccurrenceId;

use crate::action::Action;

/// What waits for room on the disk.
#[derive(Debug, Default)]
pub struct Backlog(VecDeque<Action>);

impl Backlog {
    /// One more waits.
    pub fn push(&mut self, action: Action) {
        if let Action::SaveDocument { slot, .. } = &action {
            let saves = |a: &Action| matches!(a, Action::SaveDocument { slot: of, .. } if of == slot);
            let forgets = |a: &Action| matches!(a, Action::ForgetDocument { slot: of } if of == slot);
            if self.0.iter().any(saves) {
                self.0.retain(|waiting| !forgets(waiting));
                if let Some(waiting) = self.0.iter_mut().find(|waiting| saves(waiting)) {
                    *waiting = action;
                }
                return;
            }
        }
        self.0.push_back(action);
    }

    /// Whether a sound may not begin while they wait (rule R2 of the timeline); `record_of` is its [`Action::Play`]'s. The answer is then
    /// [`SpeakerFailure::Unrecorded`](crate::SpeakerFailure::Unrecorded).
    pub fn holds_back(&self, record_of: Option<OccurrenceId>) -> bool {
        let is_record =
            |action: &Action| matches!(action, Action::RecordIntent(i) if record_of == Some(i.occurrence));
        self.0.iter().any(is_record)
    }

    /// The next to become durable.
    pub fn front(&self) -> Option<&Action> {
        self.0.front()
    }

    /// Takes the next to become durable.
    pub fn pop(&mut self) -> Option<Action> {
        self.0.pop_front()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The power goes, and takes them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use loa_protocol::area::AreaPath;
    use loa_protocol::bulletin::Class;
    use loa_protocol::envelope::Applied;
    use loa_protocol::ids::{AreaId, BulletinId, Digest, ItemId};
    use loa_protocol::time::UnixMs;

    use super::*;
    use crate::input::{Intent, Progress, Slot, StoredDocument};

    fn save(slot: &Slot, sequence: u64) -> Action {
        let applied = Applied { sequence, digest: Digest([0; 16]) };
        let path = AreaPath::unplaced();
        let (envelope, at) = (vec![0; 256 * 1024].into(), UnixMs(0));
        let document = StoredDocument { envelope, applied, applied_at: at, path, issued_at: at };
        Action::SaveDocument { slot: slot.clone(), document }
    }

    fn intent(number: u8, started: Option<UnixMs>) -> Action {
        Action::RecordIntent(Intent {
            occurrence: OccurrenceId([number; 16]),
            item: ItemId::new("i").unwrap(),
            revision: 1,
            bulletin: BulletinId::new("b").unwrap(),
            nominal: UnixMs(0),
            class: Class::Normal,
            started,
            progress: Progress::default(),
        })
    }

    #[test]
    fn an_intent_holds_back_its_own_occurrence_first_or_taken_up_again() {
        let mut waiting = Backlog::default();
        waiting.push(intent(1, None));
        waiting.push(intent(2, Some(UnixMs(1))));
        let holds_back = |number| waiting.holds_back(Some(OccurrenceId([number; 16])));
        assert!(holds_back(1) && holds_back(2));
        assert!(!holds_back(3), "its intent is on the disk");
        assert!(!waiting.holds_back(None), "an emergency, or what was heard");
    }

    #[test]
    fn a_document_takes_the_place_of_the_one_that_waits_in_its_slot() {
        let slot = |name| Slot::Alert(AreaId::new(name).unwrap());
        let (a, b) = (slot("a"), slot("b"));
        let forget = |slot: &Slot| Action::ForgetDocument { slot: slot.clone() };
        let mut waiting = Backlog::default();
        for action in [forget(&a), save(&a, 1), save(&b, 1), intent(1, None), save(&a, 2), forget(&b)] {
            waiting.push(action);
        }
        for sequence in 3..1_000 {
            waiting.push(save(&a, sequence));
        }
        waiting.push(forget(&a));
        waiting.push(save(&a, 1_000));
        let mut left = std::iter::from_fn(|| waiting.pop());
        let expected = [save(&a, 1_000), save(&b, 1), intent(1, None), forget(&b)];
        assert!(expected.into_iter().all(|action| left.next() == Some(action)));
        assert_eq!(left.next(), None);
    }
}
