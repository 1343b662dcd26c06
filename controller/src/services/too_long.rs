//! Whether a schedule's session is longer than its targets allow.
//!
//! Looked at are the rules of the areas on the way to each target: what they forbid is forbidden in all of it. A village inside may be
//! stricter; that is what a preflight tells.

use std::collections::BTreeMap;

use loa_protocol::area::AreaPath;
use loa_protocol::timeline::SessionPlan;

use super::{Ground, ServiceError};
use crate::dispatch::desired::item;
use crate::domain::area::AreaSettings;
use crate::domain::message::Message;
use crate::store::schedules::OnAir;
use crate::store::{Connection, area_rules, areas, objects};

impl Ground {
    /// The first of these targets at which it is too long, in words. Sounds that are not made yet are not counted.
    pub(super) async fn too_long(
        &self,
        c: &mut Connection,
        on_air: OnAir,
        targets: &[AreaPath],
    ) -> Result<Option<Message>, ServiceError> {
        let item = item(on_air).to_item();
        let mut lengths = BTreeMap::new();
        for track in &item.tracks {
            if let Some(sound) = objects::get(c, &track.object).await? {
                lengths.insert(track.object, sound.duration_ms);
            }
        }
        for target in targets {
            let chain = areas::chain(c, target).await?;
            let languages = AreaSettings::of_chain(&chain, self.zone).languages;
            let session = SessionPlan::new(&item, &languages, |object| lengths.get(object).copied());
            let length_ms = session.map_or(0, |session| session.length_ms(0));
            for area in &chain {
                let longest = area_rules::get(c, &area.id).await?.guards.longest_session_ms;
                if let Some(longest_ms) = longest.filter(|longest| length_ms > i64::from(*longest)) {
                    return Ok(Some(too_long(length_ms, longest_ms, &area.name)));
                }
            }
        }
        Ok(None)
    }
}

fn too_long(length_ms: i64, longest_ms: u32, area: &str) -> Message {
    let (minutes, seconds) = (length_ms / 60_000, length_ms % 60_000 / 1_000);
    let longest = longest_ms / 60_000;
    Message::written(
        "session.too_long",
        format!(
            "Mỗi buổi phát dài {minutes} phút {seconds} giây, trong khi {area} chỉ cho phép tối đa {longest} phút. Hãy bớt số lần phát, rút ngắn khoảng nghỉ hoặc chọn bản tin ngắn hơn."
        ),
        format!(
            "A session lasts {minutes} min {seconds} s, but {area} allows {longest} min at most. Use fewer rounds, a shorter gap or a shorter bulletin."
        ),
    )
}
