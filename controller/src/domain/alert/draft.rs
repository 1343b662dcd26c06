//! An alert as a person types it, checked.

use chrono::DateTime;
use loa_protocol::alert::{ALERT_LONGEST_MS, VALID_MAX_S};
use loa_protocol::bulletin::Status;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Repeats, Severity};
use sha2::{Digest as _, Sha256};

use super::SeverityWord;
use crate::domain::bulletin::TrackDraft;
use crate::domain::message::{FieldErrors, Message};

/// Most rounds of one session, as the protocol has it.
const ROUNDS_MAX: u32 = 10;
/// The silence between two rounds, in seconds, as the protocol has it.
const GAP_S: std::ops::RangeInclusive<u32> = 1..=600;
/// The silence when nobody says.
const GAP_DEFAULT_S: u32 = 5;

/// Until when an alert holds, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpiryDraft {
    /// An instant as RFC 3339.
    At(String),
    /// Minutes from now.
    Minutes(u32),
}

/// An alert as typed. Either `template` names a prepared template, or title and text are its own.
#[derive(Debug, Clone)]
pub struct AlertDraft {
    /// Ids of the areas in which it sounds.
    pub areas: Vec<String>,
    /// Id of the prepared template; empty: the words below.
    pub template: String,
    /// The title.
    pub title: String,
    /// The text in Vietnamese.
    pub text: String,
    /// Word of the category.
    pub category: String,
    /// The sounds in other languages; none at all means: the text, spoken in Vietnamese.
    pub tracks: Vec<TrackDraft>,
    /// Word of the severity.
    pub severity: String,
    /// Word of the status; empty: `actual`.
    pub status: String,
    /// Until when it holds.
    pub expiry: ExpiryDraft,
    /// How often it sounds, 1 to 10.
    pub rounds: u32,
    /// Silence between two rounds, in seconds; `None`: 5.
    pub gap_s: Option<u32>,
    /// Id of the alert in whose place it comes; empty: none.
    pub corrects: String,
}

/// What an alert is, besides its words and places, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertValues {
    /// Whether it is meant.
    pub status: Status,
    /// How severe it is.
    pub severity: Severity,
    /// How often it sounds; `None`: once.
    pub repeats: Option<Repeats>,
    /// Until when it holds.
    pub expires: UnixMs,
}

impl AlertDraft {
    /// Checks all but words and places.
    ///
    /// # Errors
    /// All problems at once.
    pub fn check(&self, now: UnixMs) -> Result<AlertValues, FieldErrors> {
        let mut errors = FieldErrors::new();
        if self.areas.iter().all(|area| area.trim().is_empty()) {
            errors.add("areas", no_area());
        }
        let severity =
            errors.keep("severity", self.severity.parse::<SeverityWord>().map_err(|_| unknown_severity()));
        let status = match self.status.as_str() {
            "" => Some(Status::Actual),
            word => errors.keep("status", word.parse::<Status>().map_err(|_| unknown_status())),
        };
        let expires = errors.keep("expires", self.expires(now));
        let repeats = errors.keep("rounds", self.repeats());
        let values = severity.zip(status).zip(expires).zip(repeats).map(
            |(((SeverityWord(severity), status), expires), repeats)| AlertValues {
                status,
                severity,
                repeats,
                expires,
            },
        );
        errors.finish(values)
    }

    /// SHA-256 of the form as it was sent, lower-case hex: what tells the same form sent twice from another.
    pub fn digest(&self) -> String {
        // What is derived leaves no field out.
        data_encoding::HEXLOWER.encode(&Sha256::digest(format!("{self:?}").as_bytes()))
    }

    fn expires(&self, now: UnixMs) -> Result<UnixMs, Message> {
        let expires = match &self.expiry {
            ExpiryDraft::Minutes(minutes) => now + i64::from(*minutes) * 60_000,
            ExpiryDraft::At(text) => UnixMs(
                DateTime::parse_from_rfc3339(text.trim()).map_err(|_| no_instant())?.timestamp_millis(),
            ),
        };
        if expires <= now {
            return Err(expired());
        }
        if expires > now + VALID_MAX_S * 1_000 {
            return Err(Message::fixed(
                "alert.expires_late",
                "Bản tin khẩn cấp có hiệu lực tối đa 24 giờ. Nếu tình huống kéo dài, hãy phát bản tin mới.",
                "An emergency holds for 24 hours at most. Give another one if the danger lasts.",
            ));
        }
        Ok(expires)
    }

    fn repeats(&self) -> Result<Option<Repeats>, Message> {
        let gap_s = self.gap_s.unwrap_or(GAP_DEFAULT_S);
        if !(1..=ROUNDS_MAX).contains(&self.rounds) || !GAP_S.contains(&gap_s) {
            return Err(Message::fixed(
                "alert.rounds_out_of_range",
                "Số lần phát từ 1 đến 10, nghỉ giữa hai lần từ 1 đến 600 giây.",
                "It sounds 1 to 10 times, with 1 to 600 seconds between.",
            ));
        }
        Ok((self.rounds > 1).then_some(Repeats { rounds: self.rounds, gap_ms: gap_s * 1_000 }))
    }
}

/// How long a text is spoken, roughly, in milliseconds.
pub fn estimated_ms(text: &str, words_per_minute: u16) -> i64 {
    let words = i64::try_from(text.split_whitespace().count()).unwrap_or(i64::MAX / 60_000);
    words.saturating_mul(60_000) / i64::from(words_per_minute.max(1))
}

fn no_area() -> Message {
    Message::fixed(
        "alert.no_area",
        "Hãy chọn ít nhất một địa bàn để phát.",
        "Choose at least one area in which it sounds.",
    )
}

fn expired() -> Message {
    Message::fixed(
        "alert.expired",
        "Thời điểm hết hiệu lực đã qua. Hãy chọn thời điểm muộn hơn hiện tại.",
        "It would have expired already. Choose an instant later than now.",
    )
}

/// It sounds longer than nodes take.
pub fn too_long(length_ms: i64) -> Message {
    let minutes = ALERT_LONGEST_MS / 60_000;
    let (whole, seconds) = (length_ms / 60_000, length_ms % 60_000 / 1_000);
    Message::written(
        "alert.too_long",
        format!(
            "Bản tin kéo dài khoảng {whole} phút {seconds} giây kể cả số lần phát lại, trong khi tối đa là {minutes} phút. Hãy rút ngắn nội dung hoặc giảm số lần phát."
        ),
        format!(
            "It lasts about {whole} min {seconds} s with all repeats, and {minutes} minutes is the most. Shorten the text or repeat it less often."
        ),
    )
}

fn no_instant() -> Message {
    Message::fixed(
        "alert.expires_unreadable",
        "Hãy chọn thời điểm hết hiệu lực, ví dụ 2026-11-22T17:00:00+07:00.",
        "Say until when it holds, such as 2026-11-22T17:00:00+07:00.",
    )
}

/// No such severity.
pub fn unknown_severity() -> Message {
    Message::fixed(
        "alert.severity_unknown",
        "Hãy chọn mức độ: nhẹ, vừa, nghiêm trọng hoặc đặc biệt nghiêm trọng.",
        "Choose a severity: minor, moderate, severe or extreme.",
    )
}

fn unknown_status() -> Message {
    Message::fixed(
        "alert.status_unknown",
        "Hãy chọn: báo thật, diễn tập hoặc phát thử.",
        "Choose a status: actual, exercise or test.",
    )
}
