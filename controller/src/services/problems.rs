//! Why a schedule that staff set, or an emergency that they sent, does not get to nodes, or not to all. Found at each pass of what sends
//! it, told with it; not stored, for it follows from what is.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use loa_protocol::alert::ALERTS_MAX;
use loa_protocol::ids::{BulletinId, ItemId};

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

/// What keeps an emergency that was sent from nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertProblem {
    /// A sound of it is not in the store.
    SoundMissing,
    /// So many of its areas have as many emergencies as nodes take at once.
    TooMany {
        /// How many areas lack it.
        areas: usize,
    },
    /// It breaks a limit of the protocol, and no node would take it.
    Refused,
}

impl AlertProblem {
    /// What to say to the person.
    pub fn message(self) -> Message {
        match self {
            Self::SoundMissing => Message::fixed(
                "alert.sound_missing",
                "Chưa gửi được đến cụm loa: tệp âm thanh của bản tin không còn đọc được trên máy chủ. Hãy dừng bản tin này và phát bản tin khác thay thế.",
                "Not sent to loudspeakers: its sound cannot be read on the server. Stop this one and give another in its place.",
            ),
            Self::TooMany { areas } => Message::written(
                "alert.too_many",
                format!(
                    "Chưa gửi được đến {areas} địa bàn: ở đó đang có {ALERTS_MAX} bản tin khẩn cấp cùng hiệu lực, là mức tối đa. Hãy dừng bản tin không còn cần, ví dụ diễn tập hoặc phát thử."
                ),
                format!(
                    "Not sent to {areas} of its areas: {ALERTS_MAX} emergencies are in force there, and loudspeakers take no more. Stop those that are not needed, such as exercises and tests."
                ),
            ),
            Self::Refused => Message::fixed(
                "alert.refused",
                "Chưa gửi được: cụm loa không nhận bản tin này, thường vì dài quá mức cho phép. Hãy dừng lại, rút ngắn nội dung rồi phát lại.",
                "Not sent: loudspeakers would not take this, most often because it is too long. Stop it, shorten it and give it again.",
            ),
        }
    }
}

/// The problems that the last pass found, by what they are of. Cheap to clone; clones are the same.
#[derive(Debug)]
pub struct Problems<K, P>(Arc<RwLock<BTreeMap<K, P>>>);

/// What does not get to nodes of the plans, by schedule.
pub type PlanProblems = Problems<ItemId, PlanProblem>;

/// What does not get to nodes of the emergencies.
pub type AlertProblems = Problems<BulletinId, AlertProblem>;

impl<K: Ord, P: Copy + PartialEq> Problems<K, P> {
    /// These, and no others. Gives whether that is news.
    pub fn replace(&self, problems: BTreeMap<K, P>) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_news = *known != problems;
        *known = problems;
        is_news
    }

    /// What stands in its way, if anything does.
    pub fn of(&self, key: &K) -> Option<P> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }
}

impl<K, P> Default for Problems<K, P> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, P> Clone for Problems<K, P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
