//! Giving an emergency.

use loa_protocol::alert::ALERT_LONGEST_MS;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Class, Status};
use loa_protocol::ids::{AreaId, BulletinId, ObjectHash};
use loa_protocol::time::UnixMs;

use super::words::{Words, own_words};
use super::{AlertView, Alerts, require_to_give, require_to_read};
use crate::domain::alert::{Alert, AlertArea, AlertDraft, AlertValues, too_long};
use crate::domain::bulletin::{RevisionState, Stamp};
use crate::domain::ids::{TrackId, fresh_bulletin_id};
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::{Action, Forbidden, Principal};
use crate::domain::schedule::unknown_target;
use crate::services::{ServiceError, Thing};
use crate::store::{Connection, alerts, areas, bulletins, objects, speech_jobs, tracks};

/// Ahead of every bulletin.
pub(crate) const URGENCY: u8 = 3;

impl Alerts {
    /// Gives an emergency. Its sounds are made at once, ahead of all others. What says the words of an approved template is sent as
    /// soon as they are there; else it waits for approval.
    ///
    /// `id` names a form: the same form sent twice gives one alert, and the second call gives it as it stands. `None` draws an id.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] with all problems of the form; [`ServiceError::Forbidden`] for an area;
    /// [`ServiceError::Conflict`] for an id that another alert or bulletin has.
    pub async fn give(
        &self,
        who: &Principal,
        draft: &AlertDraft,
        id: Option<BulletinId>,
    ) -> Result<AlertView, ServiceError> {
        let now = self.0.now();
        let (write, approve) = (Action::Write(Class::Emergency), Action::Approve(Class::Emergency));
        if !who.may_somewhere(write) && !who.may_somewhere(approve) {
            return Err(Forbidden { action: write }.into());
        }
        let mut tx = self.0.store.write().await?;
        if let Some(id) = &id
            && bulletins::get(&mut tx, id).await?.is_some()
        {
            return match alerts::get(&mut tx, id).await? {
                Some(there) if there.form_digest == draft.digest() && there.created.by == who.actor() => {
                    self.view(&mut tx, there).await
                }
                _ => Err(ServiceError::Conflict(super::id_used())),
            };
        }
        let id = id.unwrap_or_else(fresh_bulletin_id);
        let (alert, words) = self.checked(&mut tx, who, draft, id, now).await?;
        let area = alert.path.areas().last().ok_or(ServiceError::NotFound(Thing::Area))?;
        bulletins::insert(&mut tx, &alert.id, area, now).await?;
        bulletins::insert_revision(&mut tx, &alert.id, 1, &words.content, now).await?;
        bulletins::set_state(&mut tx, &alert.id, 1, RevisionState::Submitted).await?;
        if let Some(author) = who.user_id() {
            bulletins::add_author(&mut tx, &alert.id, 1, author).await?;
        }
        put_tracks(&mut tx, &alert.id, &words, now).await?;
        alerts::insert(&mut tx, &alert).await?;
        if alert.released.is_some() {
            bulletins::set_state(&mut tx, &alert.id, 1, RevisionState::Approved).await?;
            self.replace_former(&mut tx, who, &alert).await?;
        }
        let made = self.loaded(&mut tx, &alert.id).await?;
        if alert.released.is_some() && alert.corrects.is_some() && !made.revision.is_audible() {
            return Err(FieldErrors::one("corrects", silent_correction()).into());
        }
        // Nobody would look at it again before it is to sound.
        if let Some(problem) = made.problem.filter(|_| alert.released.is_some()) {
            return Err(FieldErrors::one("text", problem).into());
        }
        let made = self.settled(tx, who, "alert.given", &alert.id).await?;
        self.0.nudges.speech.wake();
        Ok(made)
    }

    /// The alert of a form, checked.
    async fn checked(
        &self,
        c: &mut Connection,
        who: &Principal,
        draft: &AlertDraft,
        id: BulletinId,
        now: UnixMs,
    ) -> Result<(Alert, Words), ServiceError> {
        let mut errors = FieldErrors::new();
        let values = draft.check(now).map_err(|found| errors.extend(found)).ok();
        let paths = places(c, who, draft, &mut errors).await?;
        let path = common(&paths);
        if path.is_none() && !paths.is_empty() {
            errors.add("areas", no_common_area());
        }
        let status = values.map_or(Status::Actual, |values| values.status);
        let words = match draft.template.trim() {
            "" => match own_words(draft, status).check(&self.0.drafts, &[]) {
                Ok(content) => Some(Words { content, had: Vec::new(), template: None }),
                Err(found) => {
                    errors.extend(found);
                    None
                }
            },
            // Where a template may be sent hangs on the places, and something is wrong with those.
            _ if paths.is_empty() => None,
            template => match self.prepared(c, who, template, &paths, status).await? {
                Ok(words) => Some(words),
                Err((field, message)) => {
                    errors.add(field, message);
                    None
                }
            },
        };
        let corrects = match draft.corrects.trim() {
            "" => None,
            former => {
                let former = self.former(c, who, former).await?;
                if former.is_none() {
                    errors.add("corrects", no_former());
                }
                former
            }
        };
        let (values, words, path) = errors
            .finish(values.zip(words).zip(path).map(|((values, words), path)| (values, words, path)))?;
        let length_ms = self.length_of(c, &words, &values).await?;
        if length_ms > ALERT_LONGEST_MS {
            return Err(FieldErrors::one("text", too_long(length_ms)).into());
        }
        let (reached, needed) = self.census(c).await?.approvers_for(&paths);
        // Its words were approved beforehand.
        let is_prepared = words.template.is_some();
        let area = |path: AreaPath| Some(AlertArea { id: path.areas().last()?.clone(), path });
        let mut areas: Vec<AlertArea> = paths.into_iter().filter_map(area).collect();
        areas.sort_by(|a, b| a.id.cmp(&b.id));
        let AlertValues { status, severity, repeats, expires } = values;
        let alert = Alert {
            id,
            path,
            areas,
            template: words.template.clone(),
            status,
            severity,
            repeats,
            expires,
            reached,
            approvers_needed: if is_prepared { 0 } else { needed },
            corrects,
            form_digest: draft.digest(),
            created: Stamp { at: now, by: who.actor() },
            approvals: Vec::new(),
            released: is_prepared.then_some(now),
            returned: None,
            cancelled: None,
        };
        Ok((alert, words))
    }

    /// The alert that is corrected, if the person may stop it.
    async fn former(
        &self,
        c: &mut Connection,
        who: &Principal,
        former: &str,
    ) -> Result<Option<BulletinId>, ServiceError> {
        let Ok(id) = BulletinId::new(former) else { return Ok(None) };
        let Some(alert) = alerts::get(c, &id).await? else { return Ok(None) };
        require_to_read(who, &alert)?;
        for area in &alert.areas {
            require_to_give(who, &area.path)?;
        }
        Ok(Some(id))
    }
}

/// The widest of the areas of a form, each once; the person may give emergencies in all of them.
async fn places(
    c: &mut Connection,
    who: &Principal,
    draft: &AlertDraft,
    errors: &mut FieldErrors,
) -> Result<Vec<AreaPath>, ServiceError> {
    let mut paths = Vec::new();
    for (i, wanted) in draft.areas.iter().map(|area| area.trim()).enumerate() {
        if wanted.is_empty() {
            continue;
        }
        let found = match AreaId::new(wanted) {
            Ok(id) => areas::get(c, &id).await?,
            Err(_) => None,
        };
        match found {
            Some(area) => {
                require_to_give(who, &area.path)?;
                paths.push(area.path);
            }
            None => errors.add(format!("areas[{i}]"), unknown_target(wanted)),
        }
    }
    Ok(widest(paths))
}

/// Puts the tracks in place, with the sounds that are there; the others are made before everything else.
async fn put_tracks(
    c: &mut Connection,
    id: &BulletinId,
    words: &Words,
    now: UnixMs,
) -> Result<(), ServiceError> {
    for (position, content) in words.content.tracks.iter().enumerate() {
        let had = words.had.iter().find(|track| track.content == *content);
        let object: Option<&ObjectHash> = had.and_then(|track| track.object.as_ref());
        let track = TrackId::fresh();
        tracks::insert(c, (id, 1), position, &track, content, object).await?;
        let Some(object) = object else {
            speech_jobs::enqueue(c, &track, URGENCY, now).await?;
            continue;
        };
        objects::take(c, object, now).await?;
        if let Some(spoken) = had.and_then(|track| track.spoken.as_ref()) {
            tracks::set_spoken(c, &track, spoken).await?;
        }
    }
    Ok(())
}

/// Those of the areas that lie in none of the others, each once.
fn widest(mut paths: Vec<AreaPath>) -> Vec<AreaPath> {
    paths.sort_by_key(|path| path.areas().len());
    let mut kept: Vec<AreaPath> = Vec::new();
    for path in paths {
        if !kept.iter().any(|wider| path.areas().starts_with(wider.areas())) {
            kept.push(path);
        }
    }
    kept
}

/// The narrowest area that holds them all.
fn common(paths: &[AreaPath]) -> Option<AreaPath> {
    let (first, others) = paths.split_first()?;
    let is_shared = |at: usize, area: &AreaId| others.iter().all(|other| other.areas().get(at) == Some(area));
    let shared = first.areas().iter().enumerate().take_while(|(at, area)| is_shared(*at, area));
    let shared: Vec<AreaId> = shared.map(|(_, area)| area.clone()).collect();
    if shared.is_empty() { None } else { AreaPath::new(shared).ok() }
}

fn no_common_area() -> Message {
    Message::fixed(
        "alert.areas_apart",
        "Các địa bàn này không cùng thuộc một địa bàn cấp trên. Hãy phát riêng cho từng nơi.",
        "No area holds all of these. Give it to each of them apart.",
    )
}

fn silent_correction() -> Message {
    Message::fixed(
        "alert.correction_silent",
        "Bản thay thế này chưa có tiếng nói, nên bản đang phát sẽ im trước khi có bản mới. Hãy dùng mẫu ở chế độ báo thật, tự soạn nội dung, hoặc dừng bản đang phát rồi phát bản này riêng.",
        "This one has no sound yet, so the one that sounds would fall silent before there is another. Send the template as it is, write the words yourself, or stop the other one and give this one apart.",
    )
}

fn no_former() -> Message {
    Message::fixed(
        "alert.corrects_unknown",
        "Không có bản tin khẩn cấp cần đính chính này.",
        "There is no such alert to correct.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::story::path;

    #[test]
    fn of_areas_inside_one_another_the_widest_is_told_and_all_share_one() {
        let paths = vec![path(&["t", "a", "x"]), path(&["t", "a"]), path(&["t", "b"]), path(&["t", "b"])];
        let kept = widest(paths);
        assert_eq!(kept, [path(&["t", "a"]), path(&["t", "b"])]);
        assert_eq!(common(&kept), Some(path(&["t"])));
        assert_eq!(common(&kept[..1]), Some(path(&["t", "a"])));
        assert_eq!(common(&[path(&["t"]), path(&["u"])]), None);
    }
}
