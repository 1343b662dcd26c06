//! What the screen says, in Vietnamese and in English.

use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::report::ClockTrust;

/// The language of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Lang {
    /// Vietnamese.
    #[default]
    Vi,
    /// English.
    En,
}

impl Lang {
    /// The one of the two that is this language's.
    pub(super) fn say(self, vi: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Vi => Self::En,
            Self::En => Self::Vi,
        }
    }

    pub(super) fn outcome(self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Played => self.say("Đã phát", "Played"),
            Outcome::Partial(_) => self.say("Phát chưa trọn", "In part"),
            Outcome::Missed(_) => self.say("Không phát", "Not played"),
        }
    }

    /// As [`Self::outcome`], of what is still to come.
    pub(super) fn foreseen(self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Played => self.say("Sẽ phát", "Will play"),
            Outcome::Partial(_) => self.say("Sẽ phát chưa trọn", "Will play in part"),
            Outcome::Missed(_) => self.say("Sẽ không phát", "Will not play"),
        }
    }

    pub(super) fn trust(self, trust: ClockTrust) -> &'static str {
        match trust {
            ClockTrust::Trusted => self.say("Chính xác", "Trusted"),
            ClockTrust::Holdover => self.say("Chưa đồng bộ lại", "Holdover"),
            ClockTrust::Unknown => self.say("Không rõ giờ", "Unknown"),
        }
    }

    pub(super) fn reason(self, reason: Reason) -> &'static str {
        let (vi, en) = match reason {
            Reason::AudioIncomplete => ("Chưa nhận đủ âm thanh trước giờ phát", "Audio not received in time"),
            Reason::NoTrackForLanguage => (
                "Bản tin không có bản tiếng mà thôn, buôn này dùng",
                "No track in a language of this village",
            ),
            Reason::TooLate => {
                ("Thiết bị tắt hoặc bận quá giờ phát", "The board was off or busy for too long")
            }
            Reason::Yielded => ("Nhường bản tin được ưu tiên hơn", "Gave way to a higher class"),
            Reason::SpeakerFailed => ("Thiết bị âm thanh bị lỗi", "The sound device failed"),
            Reason::AudioBroken => ("Tệp âm thanh không giải mã được", "The audio could not be decoded"),
            Reason::Interrupted => {
                ("Mất điện hoặc bị dừng khi đang phát", "Lost power or was stopped while sounding")
            }
            Reason::Withdrawn => {
                ("Bản tin bị thu hồi trước khi phát xong", "Withdrawn before it had sounded in full")
            }
            Reason::ClockUnknown => {
                ("Đồng hồ thiết bị không đáng tin", "The board's clock cannot be trusted")
            }
            Reason::QuietHours => {
                ("Giờ yên tĩnh: chỉ tin khẩn cấp được phát", "Quiet hours: only emergencies may sound")
            }
            Reason::MinutesSpent => (
                "Đã hết số phút phát trong ngày của loại tin này",
                "The day's minutes for this class are used up",
            ),
            Reason::SessionsSpent => ("Đã hết số buổi phát trong ngày", "The day's sessions are used up"),
            Reason::TooLong => {
                ("Dài hơn thời lượng tối đa của một buổi phát", "Longer than a session may last")
            }
            Reason::Superseded => (
                "Đã có tin khẩn cấp khác thay thế hoặc hủy bỏ",
                "Replaced or taken back by another emergency bulletin",
            ),
            Reason::Stopped => ("Bị dừng theo lệnh", "Stopped by a command"),
            Reason::Other(_) => ("Lý do của phiên bản mới hơn", "A reason of a later version"),
            // The list may grow with the protocol.
            _ => return reason.as_str(),
        };
        self.say(vi, en)
    }
}
