//! Why a service refuses or fails.

use crate::auth::passphrase::PassphraseError;
use crate::auth::token::RandomError;
use crate::domain::bulletin::StepRefused;
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::Forbidden;
use crate::store::StoreError;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A place.
    Area,
    /// A loudspeaker cluster.
    Node,
    /// A person.
    User,
    /// A session of one's own.
    Session,
    /// A bulletin.
    Bulletin,
    /// One language's sound of a bulletin.
    Track,
    /// A speaker's consent to the use of a recording.
    Consent,
    /// A schedule.
    Schedule,
    /// A finished sound.
    Sound,
    /// A word of an area.
    Word,
    /// A calendar of an area.
    Calendar,
    /// An order that silences.
    Order,
    /// An emergency that is given at once.
    Alert,
}

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The form has errors; each names its field.
    #[error("the form has errors: {0}")]
    Invalid(FieldErrors),
    /// The person has no right to it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// There is no such thing.
    #[error("there is no such {0:?}")]
    NotFound(Thing),
    /// The state of things does not allow it.
    #[error("refused: {0}")]
    Conflict(Message),
    /// Nobody is signed in, or the name and passphrase, link or session are not good.
    #[error("not signed in: {0}")]
    Unauthenticated(Message),
    /// Too many attempts.
    #[error("too many attempts; the next is allowed in {retry_after_ms} ms")]
    Throttled {
        /// When to try again, in milliseconds from now.
        retry_after_ms: i64,
    },
    /// More bytes than are accepted.
    #[error("refused: {0}")]
    TooLarge(Message),
    /// The database or the files failed.
    #[error(transparent)]
    Store(StoreError),
    /// The passphrase hasher failed.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The system's random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// An enrolment token could not be made.
    #[error("the enrolment token could not be made")]
    Token(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FieldErrors> for ServiceError {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}

impl From<StepRefused> for ServiceError {
    fn from(refused: StepRefused) -> Self {
        Self::Conflict(refused.message())
    }
}

impl ServiceError {
    /// What to say to the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(errors) => {
                // A form with one error is best told by that error.
                let mut all = errors.iter();
                match (all.next(), all.next()) {
                    (Some(only), None) => only.message.clone(),
                    _ => Message::fixed(
                        "form.invalid",
                        "Biểu mẫu còn chỗ chưa đúng; hãy xem từng ô.",
                        "Some fields need attention.",
                    ),
                }
            }
            Self::Forbidden(forbidden) => forbidden.message(),
            Self::NotFound(thing) => not_found(*thing),
            Self::Conflict(message) | Self::Unauthenticated(message) | Self::TooLarge(message) => {
                message.clone()
            }
            Self::Throttled { retry_after_ms } => {
                let seconds = (retry_after_ms + 999) / 1000;
                Message::written(
                    "sign_in.throttled",
                    format!("Thử quá nhiều lần. Hãy đợi {seconds} giây rồi thử lại."),
                    format!("Too many attempts. Wait {seconds} seconds and try again."),
                )
            }
            Self::Store(StoreError::Away(_)) => Message::fixed(
                "database.away",
                "Cơ sở dữ liệu tạm thời không trả lời. Việc vừa làm chưa được lưu; hãy thử lại sau ít phút.",
                "The database does not answer for the moment. What you just did was not kept; try again in a few minutes.",
            ),
            Self::Store(_) | Self::Passphrase(_) | Self::Random(_) | Self::Token(_) => Message::fixed(
                "internal",
                "Hệ thống gặp lỗi; lỗi đã được ghi lại. Hãy thử lại sau.",
                "Something failed here and was logged. Try again later.",
            ),
        }
    }
}

fn not_found(thing: Thing) -> Message {
    match thing {
        Thing::Area => Message::fixed("area.not_found", "Không có địa bàn này.", "There is no such area."),
        Thing::Node => Message::fixed("node.not_found", "Không có cụm loa này.", "There is no such node."),
        Thing::User => Message::fixed("user.not_found", "Không có người dùng này.", "There is no such user."),
        Thing::Session => {
            Message::fixed("session.not_found", "Không có phiên đăng nhập này.", "There is no such session.")
        }
        Thing::Bulletin => {
            Message::fixed("bulletin.not_found", "Không có bản tin này.", "There is no such bulletin.")
        }
        Thing::Track => Message::fixed(
            "track.not_found",
            "Bản tin không có bản tiếng này.",
            "The bulletin has no such track.",
        ),
        Thing::Consent => Message::fixed(
            "consent.not_found",
            "Bản thu này không có sự đồng ý nào còn hiệu lực.",
            "No consent stands for this recording.",
        ),
        Thing::Schedule => {
            Message::fixed("schedule.not_found", "Không có lịch phát này.", "There is no such schedule.")
        }
        Thing::Calendar => Message::fixed(
            "calendar.not_found",
            "Địa bàn không có lịch ngày này; có thể người khác vừa xóa.",
            "The area has no such calendar; somebody may just have removed it.",
        ),
        Thing::Order => {
            Message::fixed("order.not_found", "Không có lệnh dừng này.", "There is no such order.")
        }
        Thing::Alert => {
            Message::fixed("alert.not_found", "Không có bản tin khẩn cấp này.", "There is no such alert.")
        }
        Thing::Word => Message::fixed(
            "word.not_found",
            "Địa bàn không có từ này; có thể người khác vừa xóa.",
            "The area has no such word; somebody may just have removed it.",
        ),
        Thing::Sound => {
            Message::fixed("sound.not_found", "Không có âm thanh này.", "There is no such sound.")
        }
    }
}
