//! Why a schedule that staff set does not get to nodes, or not to all. Found by the reconciler at each pass, told with the
//! schedule; not stored, for it follows from what is.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use loa_protocol::ids::ItemId;

use crate::domain::message::Message;

/// What stands between a schedule and its nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlanProblem {
    /// A sound of the approved revision is not in the store.
    SoundMissing,
    /// The plans of so many targets are as large as nodes take, and others go before it.
    PlanFull {
        /// How many targets' plans lack it.
        targets: usize,
    },
}

impl PlanProblem {
    /// What to say to the person.
    pub fn message(self) -> Message {
        match self {
            Self::SoundMissing => Message::fixed(
                "schedule.sound_missing",
                "Chưa gửi được đến cụm loa: tệp âm thanh của bản tin không còn trên máy chủ. Hãy khôi phục từ bản sao lưu, hoặc sửa bản tin để tạo lại âm thanh.",
                "Not sent to loudspeakers: the bulletin's sound is not on the server. Restore it from a backup, or edit the bulletin so that it is made again.",
            ),
            Self::PlanFull { targets } => Message::written(
                "schedule.plan_full",
                format!(
                    "Chưa gửi được đến {targets} nơi phát: kế hoạch phát ở đó đã đầy. Hãy hủy bớt lịch không còn cần ở nơi đó."
                ),
                format!(
                    "Not sent to {targets} of its targets: their plans are as large as loudspeakers take. Cancel schedules there that are not needed."
                ),
            ),
        }
    }
}

/// The problems that the last pass found, by schedule. Cheap to clone; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct PlanProblems(Arc<RwLock<BTreeMap<ItemId, PlanProblem>>>);

impl PlanProblems {
    /// These, and no others.
    pub fn replace(&self, problems: BTreeMap<ItemId, PlanProblem>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = problems;
    }

    /// What stands in a schedule's way, if anything does.
    pub fn of(&self, schedule: &ItemId) -> Option<PlanProblem> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(schedule).copied()
    }
}
