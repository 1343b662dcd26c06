//! What a node refused, in words for its technician.

use loa_protocol::envelope::Refusal;
use loa_protocol::report::EventKind;
use loa_protocol::topic::{Topic, TopicKind};

use super::message::Message;

/// Digits by which people tell objects apart.
const OBJECT_DIGITS: usize = 12;

/// What was refused, and why.
pub fn words(kind: &EventKind) -> Message {
    match kind {
        EventKind::DocumentRefused { topic, refusal } => {
            let (what_vi, what_en) = document(topic);
            let (code, why_vi, why_en) = reason(*refusal);
            Message::written(
                code,
                format!("Không nhận {what_vi}: {why_vi}."),
                format!("Refused {what_en}: {why_en}."),
            )
        }
        EventKind::BlockRefused { object, index } => {
            let object = short(&object.to_string());
            Message::written(
                "block.wrong_hash",
                format!("Bỏ đoạn {index} của âm thanh {object} vì sai mã băm; cụm loa tự xin lại."),
                format!(
                    "Dropped block {index} of the sound {object}: its hash is wrong. The node asks for it again."
                ),
            )
        }
        EventKind::ObjectCorrupt { object } => {
            let object = short(&object.to_string());
            Message::written(
                "object.corrupt",
                format!("Âm thanh {object} lưu ở cụm loa đã hỏng; cụm loa tự tải lại."),
                format!("The sound {object} had rotted on the node, which fetches it anew."),
            )
        }
    }
}

fn short(object: &str) -> String {
    object.chars().take(OBJECT_DIGITS).collect()
}

fn document(topic: &str) -> (String, String) {
    let pair = |vi: &str, en: &str| (vi.to_owned(), en.to_owned());
    match topic.parse::<Topic>().map(|topic| topic.kind) {
        Ok(TopicKind::Keys) => pair("bộ khóa ký", "the key set"),
        Ok(TopicKind::Plan(area)) => {
            (format!("kế hoạch phát của địa bàn {area}"), format!("the plan of the area {area}"))
        }
        Ok(TopicKind::Alert(area)) => {
            (format!("lệnh cho địa bàn {area}"), format!("an order to the area {area}"))
        }
        Ok(TopicKind::Command(_)) => pair("lệnh cho cụm loa", "an order to the node"),
        Ok(TopicKind::Desired(_)) => pair("thiết lập riêng của cụm loa", "the node's own document"),
        Ok(TopicKind::TimeAnswer(_)) => pair("câu trả lời về giờ", "an answer about the time"),
        Ok(
            TopicKind::Ack(_)
            | TopicKind::Blocks(_)
            | TopicKind::Wave(..)
            | TopicKind::Presence(_)
            | TopicKind::State(_)
            | TopicKind::Want(_)
            | TopicKind::Receipt(_)
            | TopicKind::Health(_)
            | TopicKind::Event(_)
            | TopicKind::Answer(_)
            | TopicKind::TimeRequest(_),
        )
        | Err(_) => (format!("tài liệu ở “{topic}”"), format!("a document on “{topic}”")),
    }
}

/// The refusals by their numbers on the wire, which are those in the database.
const REFUSALS: [Refusal; 10] = [
    Refusal::Malformed,
    Refusal::WrongKind,
    Refusal::UnknownKey,
    Refusal::BadSignature,
    Refusal::WrongAudience,
    Refusal::OutOfScope,
    Refusal::NotYetValid,
    Refusal::Expired,
    Refusal::Replayed,
    Refusal::BadContent,
];

/// The number of a refusal in the database; one that this version has no words for is above all that it has.
pub fn number(refusal: Refusal) -> u16 {
    let place = REFUSALS.iter().position(|known| *known == refusal).unwrap_or(REFUSALS.len());
    u16::try_from(place).unwrap_or(u16::MAX)
}

/// Why a node refused a document, by the refusal's number.
pub fn numbered(number: u16) -> Message {
    let other = ("refused.other", "vì lý do khác", "for another reason");
    let (code, vi, en) = REFUSALS.get(usize::from(number)).copied().map_or(other, reason);
    Message::fixed(code, vi, en)
}

/// Code, Vietnamese and English words.
fn reason(refusal: Refusal) -> (&'static str, &'static str, &'static str) {
    match refusal {
        Refusal::Malformed => ("refused.malformed", "không phải tài liệu đã ký", "not a signed document"),
        Refusal::WrongKind => ("refused.kind", "là một loại tài liệu khác", "a document of another kind"),
        Refusal::UnknownKey => ("refused.key", "ký bằng khóa lạ", "signed with an unknown key"),
        Refusal::BadSignature => ("refused.signature", "chữ ký không đúng", "the signature does not fit"),
        Refusal::WrongAudience => ("refused.audience", "gửi cho nơi khác", "meant for somebody else"),
        Refusal::OutOfScope => {
            ("refused.scope", "khóa ký không có quyền này ở đây", "the key may not do this here")
        }
        Refusal::NotYetValid => (
            "refused.early",
            "chưa đến thời hạn hiệu lực (kiểm tra đồng hồ của cụm loa)",
            "not valid yet (check the node's clock)",
        ),
        Refusal::Expired => (
            "refused.expired",
            "đã hết hiệu lực (kiểm tra đồng hồ của cụm loa)",
            "expired (check the node's clock)",
        ),
        Refusal::Replayed => ("refused.replayed", "là bản cũ bị gửi lại", "an old version, sent again"),
        Refusal::BadContent => {
            ("refused.content", "nội dung sai quy cách", "the content breaks the protocol")
        }
        // The protocol may name more reasons than this version has words for.
        _ => ("refused.other", "vì lý do khác", "for another reason"),
    }
}
