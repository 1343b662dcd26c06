//! What speaks against a node's receipts. They are kept all the same: a doubt is told, never a reason to lose one.

use std::fmt;
use std::str::FromStr;

use super::message::Message;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// The receipt before it is not here. It may still come; else it was lost, or taken out.
    Hole,
    /// It does not fit the one before or after it, or came before with other content.
    Changed,
    /// It came under a signature that is not this node's.
    Forged,
    /// It came without a signature, from a node that has signed before.
    Unsigned,
}

impl Doubt {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hole, Self::Changed, Self::Forged, Self::Unsigned];

    /// Its word in the database and the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hole => "hole",
            Self::Changed => "changed",
            Self::Forged => "forged",
            Self::Unsigned => "unsigned",
        }
    }

    /// What is wrong with the receipt of this number, for people.
    pub fn words(self, number: u64) -> Message {
        let (vi, en) = match self {
            Self::Hole => (
                format!(
                    "Thiếu biên nhận ngay trước biên nhận số {number}: chưa về tới máy chủ, bị mất hoặc bị lấy đi."
                ),
                format!(
                    "The receipt before number {number} is missing: it has not come yet, was lost, or was taken out."
                ),
            ),
            Self::Changed => (
                format!("Biên nhận số {number} không khớp với chuỗi biên nhận: nội dung đã bị thay đổi."),
                format!("Receipt number {number} does not fit the chain: something in it was changed."),
            ),
            Self::Forged => (
                format!("Biên nhận số {number} mang chữ ký không phải của cụm loa này."),
                format!("Receipt number {number} came under a signature that is not this node's."),
            ),
            Self::Unsigned => (
                format!("Biên nhận số {number} không có chữ ký, tuy trước đây cụm loa này vẫn ký."),
                format!("Receipt number {number} came unsigned, though this node has signed before."),
            ),
        };
        Message::written("receipts.doubted", vi, en)
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Doubt {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|doubt| doubt.as_str() == word)
            .ok_or_else(|| format!("{word:?} is no doubt"))
    }
}
