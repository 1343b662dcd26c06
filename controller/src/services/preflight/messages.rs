//! What is told besides what will sound: what was asked for that cannot be looked at, and what it is looked at in spite of.

use loa_protocol::plan::ITEMS_MAX;

use super::DAYS_MAX;
use crate::domain::message::Message;

pub(super) fn days_out_of_range() -> Message {
    Message::written(
        "preflight.days",
        format!("Số ngày xem trước phải từ 1 đến {DAYS_MAX}."),
        format!("Days to look ahead are 1 to {DAYS_MAX}."),
    )
}

pub(super) fn too_many(there: usize) -> Message {
    Message::written(
        "preflight.too_many",
        format!("Một kế hoạch có tối đa {ITEMS_MAX} lịch phát, ở đây có {there}. Hãy chia nhỏ hoặc bớt đi."),
        format!(
            "A plan has at most {ITEMS_MAX} schedules; this one has {there}. Split it or leave some out."
        ),
    )
}

pub(super) fn too_much(limit: usize) -> Message {
    Message::written(
        "preflight.too_much",
        format!(
            "Có hơn {limit} lượt phát trong khoảng thời gian này. Hãy xem ít ngày hơn hoặc địa bàn nhỏ hơn."
        ),
        format!("There are more than {limit} starts in this time. Ask for fewer days or a smaller area."),
    )
}

pub(super) fn cancelled() -> Message {
    Message::fixed(
        "preflight.cancelled",
        "Lịch phát này đã được hủy nên sẽ không phát nữa.",
        "This schedule is cancelled and sounds no more.",
    )
}

pub(super) fn not_approved(title: &str) -> Message {
    Message::written(
        "preflight.not_approved",
        format!(
            "Bản tin “{title}” chưa được duyệt: chỉ phát sau khi duyệt. Dưới đây là dự kiến nếu được duyệt."
        ),
        format!(
            "The bulletin “{title}” is not approved: it sounds only after that. Below is what would happen then."
        ),
    )
}

pub(super) fn sound_not_made(title: &str) -> Message {
    Message::written(
        "preflight.sound_not_made",
        format!("Bản tin “{title}” có thứ tiếng chưa tạo xong âm thanh; phần đó chưa được tính."),
        format!("Some of the sound of the bulletin “{title}” is not made yet; that part is not counted."),
    )
}
