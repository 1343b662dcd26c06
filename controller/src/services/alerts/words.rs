//! What an emergency says: its own words, or those of a prepared template.

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Class, Status};
use loa_protocol::ids::BulletinId;
use loa_protocol::timeline::PART_PAUSE_MS;

use super::Alerts;
use crate::domain::alert::{AlertDraft, AlertValues, estimated_ms, marked};
use crate::domain::bulletin::{BulletinDraft, Content, Track, TrackDraft, TrackSource};
use crate::domain::message::Message;
use crate::domain::role::{Action, Principal};
use crate::services::ServiceError;
use crate::services::bulletins::{draft_of, load as load_bulletin};
use crate::store::{Connection, alert_templates, objects};

/// What an alert says, and the sounds that are there already.
pub(super) struct Words {
    pub(super) content: Content,
    /// The template's tracks, whose sounds it takes over.
    pub(super) had: Vec<Track>,
    pub(super) template: Option<BulletinId>,
}

impl Alerts {
    /// The words of an approved template, for areas in which its approval holds; or what is wrong, and at which field.
    pub(super) async fn prepared(
        &self,
        c: &mut Connection,
        who: &Principal,
        template: &str,
        paths: &[AreaPath],
        status: Status,
    ) -> Result<Result<Words, (&'static str, Message)>, ServiceError> {
        let Ok(id) = BulletinId::new(template) else { return Ok(Err(("template", no_template()))) };
        if alert_templates::get(c, &id).await?.is_none() {
            return Ok(Err(("template", no_template())));
        }
        let template = load_bulletin(c, &id).await?;
        let reach = &template.bulletin.path;
        let is_inside = |path: &AreaPath| path.areas().starts_with(reach.areas());
        // Whoever gives it inside its area may use what was prepared for all of that.
        if !paths.iter().any(is_inside) {
            who.require(Action::Read, reach)?;
        }
        let Some(revision) = template.on_air.filter(|_| template.bulletin.withdrawn.is_none()) else {
            return Ok(Err(("template", not_approved())));
        };
        // Nodes take nothing else on this way.
        if revision.class != Class::Emergency {
            return Ok(Err(("template", no_emergency())));
        }
        if !paths.iter().all(is_inside) {
            return Ok(Err(("areas", template_elsewhere())));
        }
        if status.is_actual() {
            let (content, had) = (revision.content(), revision.tracks);
            return Ok(Ok(Words { content, had, template: Some(id) }));
        }
        let content = marked(draft_of(&revision), status).check(&self.0.drafts, &revision.tracks)?;
        Ok(Ok(Words { content, had: Vec::new(), template: Some(id) }))
    }

    /// How long it sounds in a village that hears every track, in milliseconds: by the sounds that are there, else by the number of
    /// words.
    pub(super) async fn length_of(
        &self,
        c: &mut Connection,
        words: &Words,
        values: &AlertValues,
    ) -> Result<i64, ServiceError> {
        let mut once_ms = 0;
        for track in &words.content.tracks {
            let object = words.had.iter().find(|had| had.content == *track).and_then(|had| had.object);
            let known = match &object {
                Some(object) => objects::get(c, object).await?.map(|sound| i64::from(sound.duration_ms)),
                None => None,
            };
            once_ms += known.unwrap_or_else(|| match &track.source {
                TrackSource::Speech { text, words_per_minute, .. } => {
                    estimated_ms(text, words_per_minute.unwrap_or(self.0.words_per_minute))
                }
                TrackSource::Recording { .. } => 0,
            });
        }
        once_ms += i64::from(PART_PAUSE_MS) * (words.content.tracks.len().saturating_sub(1) as i64);
        let (rounds, gap_ms) = values.repeats.map_or((1, 0), |r| (i64::from(r.rounds), i64::from(r.gap_ms)));
        Ok(once_ms.saturating_mul(rounds) + gap_ms * (rounds - 1))
    }
}

/// The draft of an alert that has its own words, with the marks of its status.
pub(super) fn own_words(draft: &AlertDraft, status: Status) -> BulletinDraft {
    let category = if draft.category.is_empty() { "disaster_prevention" } else { &draft.category };
    let own = BulletinDraft {
        title: draft.title.clone(),
        text: draft.text.clone(),
        category: category.to_owned(),
        class: Class::Emergency.as_str().to_owned(),
        tracks: TrackDraft::with_vietnamese(draft.tracks.clone()),
    };
    marked(own, status)
}

fn no_template() -> Message {
    Message::fixed(
        "alert.template_unknown",
        "Không có mẫu này. Hãy chọn mẫu khác.",
        "There is no such template. Choose another.",
    )
}

fn not_approved() -> Message {
    Message::fixed(
        "alert.template_not_approved",
        "Mẫu này chưa được duyệt nên chưa dùng được. Hãy nhờ người khác duyệt mẫu, hoặc tự soạn nội dung.",
        "This template is not approved yet. Have somebody approve it, or write the words yourself.",
    )
}

fn no_emergency() -> Message {
    Message::fixed(
        "alert.template_no_emergency",
        "Bản được duyệt của mẫu này không thuộc loại khẩn cấp nên không phát ngay được. Hãy sửa mẫu, chọn loại khẩn cấp rồi gửi duyệt lại; hoặc tự soạn nội dung.",
        "The approved words of this template are not of the class emergency, so they cannot be sent at once. Edit it, choose that class, and have it approved anew; or write the words yourself.",
    )
}

fn template_elsewhere() -> Message {
    Message::fixed(
        "alert.template_elsewhere",
        "Mẫu này chỉ được duyệt cho địa bàn khác. Hãy chọn địa bàn nằm trong phạm vi của mẫu.",
        "The template was approved for another area. Choose areas inside the template's.",
    )
}
