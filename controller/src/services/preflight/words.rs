//! Why a start sounds otherwise than planned, in the words of the people who plan.

use loa_protocol::receipt::{Outcome, Reason};

use super::PreflightStart;
use crate::domain::message::Message;

impl PreflightStart {
    /// The number of the rule that decides, of the [timeline](loa_protocol::timeline)'s; `None` where it sounds as planned.
    pub fn rule(&self) -> Option<&'static str> {
        let rule = match self.start.outcome.reason()? {
            Reason::QuietHours => "G3",
            Reason::MinutesSpent => "G4",
            Reason::SessionsSpent => "G5",
            Reason::TooLong => "G2",
            Reason::NoTrackForLanguage => "N2",
            Reason::AudioIncomplete => "N3",
            Reason::Superseded => "C3",
            Reason::Yielded if matches!(self.start.outcome, Outcome::Partial(_)) => "C1",
            Reason::Yielded | Reason::TooLate => "T3",
            // These come of boards and networks, of which a plan knows nothing.
            Reason::SpeakerFailed
            | Reason::AudioBroken
            | Reason::Interrupted
            | Reason::Withdrawn
            | Reason::ClockUnknown
            | Reason::Stopped
            | _ => "R4",
        };
        Some(rule)
    }

    /// Why it does not sound, or not wholly, or later; `None` where it sounds as planned.
    pub fn why(&self) -> Option<Message> {
        let winner = self.start.winner.as_ref().map(|(_, title)| title.as_str());
        let (others_vi, others_en) = match winner {
            Some(title) => (format!("bản tin “{title}”"), format!("the bulletin “{title}”")),
            None => ("bản tin khác".to_owned(), "another bulletin".to_owned()),
        };
        let places = self.forbidden_by.join(", ");
        let (by_vi, by_en) = match (places.is_empty(), self.start.forbidden_by_board) {
            (true, false) => (String::new(), String::new()),
            (false, false) => (format!(" (quy định của {places})"), format!(" (a rule of {places})")),
            (true, true) => (
                " (quy định cài riêng trên cụm loa)".to_owned(),
                " (a rule of the loudspeaker's own)".to_owned(),
            ),
            (false, true) => (
                format!(" (quy định của {places} và quy định cài riêng trên cụm loa)"),
                format!(" (a rule of {places}, and of the loudspeaker's own)"),
            ),
        };
        let Some(reason) = self.start.outcome.reason() else {
            let late = self.start.sounds.first().is_some_and(|(began, _)| *began > self.start.planned);
            let message = match winner {
                _ if self.start.sounds.len() > 1 => Message::written(
                    "preflight.taken_up",
                    format!("Bị {others_vi} cắt ngang, sau đó phát tiếp."),
                    format!("Cut by {others_en}, then taken up again."),
                ),
                Some(_) if late => Message::written(
                    "preflight.late_after",
                    format!("Phát muộn, sau {others_vi}."),
                    format!("Later than planned, after {others_en}."),
                ),
                None if late => Message::fixed(
                    "preflight.late",
                    "Phát muộn, khi giờ yên tĩnh đã hết hoặc loa rảnh.",
                    "Later than planned, when quiet hours are over or the loudspeaker is free.",
                ),
                Some(_) | None => return None,
            };
            return Some(message);
        };
        let is_cut = matches!(self.start.outcome, Outcome::Partial(_));
        let message = match reason {
            Reason::QuietHours => Message::written(
                "preflight.quiet_hours",
                format!("Rơi vào giờ yên tĩnh, chỉ tin khẩn cấp được phát{by_vi}."),
                format!("Falls into quiet hours: only emergencies may sound{by_en}."),
            ),
            Reason::MinutesSpent => Message::written(
                "preflight.minutes_spent",
                format!("Vượt số phút phát trong ngày của loại tin này{by_vi}."),
                format!("The day's minutes for this class would be exceeded{by_en}."),
            ),
            Reason::SessionsSpent => Message::written(
                "preflight.sessions_spent",
                format!("Đã đủ số buổi phát trong ngày{by_vi}."),
                format!("The day's sessions are used up{by_en}."),
            ),
            Reason::TooLong => Message::written(
                "preflight.too_long",
                format!("Dài hơn thời lượng tối đa của một buổi phát{by_vi}."),
                format!("Longer than a session may last{by_en}."),
            ),
            Reason::NoTrackForLanguage => Message::fixed(
                "preflight.no_track",
                "Bản tin không có thứ tiếng nào mà nơi này nghe.",
                "The bulletin has no track in a language of this place.",
            ),
            Reason::AudioIncomplete => Message::fixed(
                "preflight.audio_incomplete",
                "Chưa có đủ âm thanh cho nơi này.",
                "The sound for this place is not complete.",
            ),
            Reason::Superseded => Message::written(
                "preflight.superseded",
                format!("Bị {others_vi} thay thế hoặc hủy bỏ."),
                format!("Replaced or taken back by {others_en}."),
            ),
            Reason::Yielded if is_cut => Message::written(
                "preflight.cut",
                format!("Bị {others_vi} cắt ngang và không phát lại."),
                format!("Cut by {others_en} and not taken up again."),
            ),
            Reason::Yielded => Message::written(
                "preflight.yielded",
                format!("Nhường {others_vi} được ưu tiên hơn; không kịp phát trong thời gian cho phép muộn."),
                format!(
                    "Gives way to {others_en}, which goes before it; no time is left within its tolerance."
                ),
            ),
            Reason::TooLate => Message::written(
                "preflight.too_late",
                format!("Loa đang phát {others_vi}; không kịp phát trong thời gian cho phép muộn."),
                format!("The loudspeaker is busy with {others_en}; no time is left within its tolerance."),
            ),
            Reason::SpeakerFailed
            | Reason::AudioBroken
            | Reason::Interrupted
            | Reason::Withdrawn
            | Reason::ClockUnknown
            | Reason::Stopped
            | _ => Message::written(
                "preflight.other",
                format!("Không phát được ({}).", reason.as_str()),
                format!("Cannot sound ({}).", reason.as_str()),
            ),
        };
        Some(message)
    }
}
