//! The life of one revision of a bulletin.
//!
//! ```text
//!              submit            approve             a later revision is approved
//!     draft ───────────> submitted ────────> approved ────────────────────────────> superseded
//!       │                 │  │    reject
//!       │                 │  └───────────────> rejected
//!       │                 └─ edited: superseded by a draft of the next revision
//!       └───── withdraw, from draft, submitted, approved and rejected ─────────────> withdrawn
//! ```
//!
//! Editing:
//! - a *draft* is changed in place;
//! - a *submitted* revision is superseded by the draft of the next one: nobody approves what is being rewritten;
//! - an *approved* revision stays on air while the next one is written and approved. Correcting a misprint must not
//!   silence a running programme, and a bulletin that must not sound is withdrawn, which is one step;
//! - a *rejected* revision stays as it was judged, and the next one begins as its copy;
//! - a *withdrawn* bulletin is over.
//!
//! Whoever wrote any part of a revision never approves it. The authors of a revision that was not approved are authors
//! of the next one too, because their words are in it; an approved text has been judged by somebody else already.

use std::fmt;
use std::str::FromStr;

use super::super::message::Message;

/// Where a revision stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RevisionState {
    /// Being written.
    Draft,
    /// Waiting for an approver.
    Submitted,
    /// May sound.
    Approved,
    /// Judged and refused.
    Rejected,
    /// Taken back for good.
    Withdrawn,
    /// A later revision has taken its place.
    Superseded,
}

/// What a person does to a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Hand it to the approvers.
    Submit,
    /// Let it sound.
    Approve,
    /// Refuse it.
    Reject,
    /// Take it back for good.
    Withdraw,
}

/// What an edit does to a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// The revision itself changes.
    InPlace,
    /// A draft of the next revision begins.
    NextRevision {
        /// The state of the edited revision from then on.
        leaves: RevisionState,
        /// Whether its authors are authors of the next one.
        authors_carry_over: bool,
    },
}

/// A step that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {} revision cannot be {}", state.as_str(), .step.map_or("edited", Step::participle))]
pub struct StepRefused {
    /// The state of the revision.
    pub state: RevisionState,
    /// The step; `None`: an edit.
    pub step: Option<Step>,
}

impl RevisionState {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Submitted, Self::Approved, Self::Rejected, Self::Withdrawn, Self::Superseded];

    /// The state's word in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
        }
    }

    /// The state after a step.
    ///
    /// # Errors
    /// [`StepRefused`] when the state does not allow it.
    pub fn after(self, step: Step) -> Result<Self, StepRefused> {
        match (step, self) {
            (Step::Submit, Self::Draft) => Ok(Self::Submitted),
            (Step::Approve, Self::Submitted) => Ok(Self::Approved),
            (Step::Reject, Self::Submitted) => Ok(Self::Rejected),
            (Step::Withdraw, Self::Draft | Self::Submitted | Self::Approved | Self::Rejected) => {
                Ok(Self::Withdrawn)
            }
            (Step::Submit | Step::Approve | Step::Reject | Step::Withdraw, _) => {
                Err(StepRefused { state: self, step: Some(step) })
            }
        }
    }

    /// What an edit of the latest revision does.
    ///
    /// # Errors
    /// [`StepRefused`] when the bulletin is over.
    pub fn edit(self) -> Result<Edit, StepRefused> {
        match self {
            Self::Draft => Ok(Edit::InPlace),
            Self::Submitted => Ok(Edit::NextRevision { leaves: Self::Superseded, authors_carry_over: true }),
            Self::Approved => Ok(Edit::NextRevision { leaves: Self::Approved, authors_carry_over: false }),
            Self::Rejected => Ok(Edit::NextRevision { leaves: Self::Rejected, authors_carry_over: true }),
            Self::Withdrawn | Self::Superseded => Err(StepRefused { state: self, step: None }),
        }
    }
}

impl Step {
    fn participle(self) -> &'static str {
        match self {
            Self::Submit => "submitted",
            Self::Approve => "approved",
            Self::Reject => "rejected",
            Self::Withdraw => "withdrawn",
        }
    }
}

impl StepRefused {
    /// What to say to the person.
    pub fn message(&self) -> Message {
        let state_vi = match self.state {
            RevisionState::Draft => "đang là bản nháp",
            RevisionState::Submitted => "đang chờ duyệt",
            RevisionState::Approved => "đã được duyệt",
            RevisionState::Rejected => "đã bị trả lại",
            RevisionState::Withdrawn => "đã thu hồi",
            RevisionState::Superseded => "đã có bản thay thế",
        };
        let step_vi = match self.step {
            None => "sửa",
            Some(Step::Submit) => "trình duyệt",
            Some(Step::Approve) => "duyệt",
            Some(Step::Reject) => "trả lại",
            Some(Step::Withdraw) => "thu hồi",
        };
        Message::written(
            "bulletin.wrong_state",
            format!("Không thể {step_vi}: bản tin {state_vi}."),
            format!("{self}.").replacen('a', "A", 1),
        )
    }
}

/// A word that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no state of a revision")]
pub struct UnknownState(pub String);

impl FromStr for RevisionState {
    type Err = UnknownState;
    fn from_str(word: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|s| s.as_str() == word).ok_or_else(|| UnknownState(word.to_owned()))
    }
}

impl fmt::Display for RevisionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEPS: [Step; 4] = [Step::Submit, Step::Approve, Step::Reject, Step::Withdraw];

    #[test]
    fn the_diagram_is_the_whole_truth() {
        let allowed: Vec<String> = RevisionState::ALL
            .into_iter()
            .flat_map(|state| {
                STEPS.into_iter().filter_map(move |step| {
                    state.after(step).ok().map(|next| format!("{state} {step:?} {next}"))
                })
            })
            .collect();
        assert_eq!(
            allowed,
            [
                "draft Submit submitted",
                "draft Withdraw withdrawn",
                "submitted Approve approved",
                "submitted Reject rejected",
                "submitted Withdraw withdrawn",
                "approved Withdraw withdrawn",
                "rejected Withdraw withdrawn",
            ]
        );
    }

    #[test]
    fn a_refusal_is_said_in_both_languages() {
        let message = RevisionState::Draft.after(Step::Approve).unwrap_err().message();
        assert_eq!(message.vi, "Không thể duyệt: bản tin đang là bản nháp.");
        assert_eq!(message.en, "A draft revision cannot be approved.");
    }

    proptest! {
        /// Whatever people do in whatever order: the latest revision is approved only if it was submitted after the
        /// last edit, and nothing leaves `withdrawn`.
        #[test]
        fn an_approval_always_follows_a_submission_of_the_same_revision(deeds in proptest::collection::vec(0usize..5, 0..40)) {
            let (mut state, mut submitted) = (RevisionState::Draft, false);
            for deed in deeds {
                let before = state;
                if deed == 4 {
                    if let Ok(edit) = state.edit() {
                        state = RevisionState::Draft;
                        submitted = false;
                        prop_assert!(edit != Edit::InPlace || before == RevisionState::Draft);
                    }
                } else if let Ok(next) = state.after(STEPS[deed]) {
                    state = next;
                    submitted |= next == RevisionState::Submitted;
                }
                prop_assert!(state != RevisionState::Approved || submitted);
                prop_assert!(before != RevisionState::Withdrawn || state == RevisionState::Withdrawn);
            }
        }

        #[test]
        fn words_round_trip(i in 0usize..6) {
            let state = RevisionState::ALL[i];
            prop_assert_eq!(state.as_str().parse(), Ok(state));
        }
    }
}
