//! One bulletin: what it says, how its sounds are coming on, what was done with it, and what may be.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use loa_protocol::bulletin::{Class, Language};
use serde_json::Value;

use super::{check, named, record, tracks};
use crate::domain::bulletin::{RevisionState, Step as Deed, Track};
use crate::domain::language::MissingLanguages;
use crate::domain::role::Action;
use crate::pages::labels::Step;
use crate::pages::views::{
    BulletinActions, BulletinDetail, BulletinPage, ConsentCard, DecisionForm, HistoryItem, Reading,
    TrackCard, TrackForm, TrackOrigin,
};
use crate::pages::{Msg, Nav, msg};
use crate::services::{BulletinView, ServiceError};
use crate::site::answer::{Answer, page as answer_page};
use crate::site::places::Places;
use crate::site::reader::Me;
use crate::site::schedules::list::rows as schedule_rows;
use crate::site::{Site, languages, program, shell, words};
use crate::store::audit::AuditRecord;
use crate::store::schedules::ScheduleFilter;

/// Most schedules that are shown with a bulletin.
const SCHEDULES_MAX: u32 = 50;

/// `GET /bulletins/{id}`.
pub(in crate::site) async fn page(State(site): State<Site>, me: Me, Path(id): Path<String>) -> Answer {
    let view = site.app.services.bulletins.get(me.who(), &named(&id)?).await?;
    answer_page(view_of(&site, &me, &view, DecisionForm::default(), None).await?)
}

/// The page of a bulletin, with its forms as typed.
pub(in crate::site) async fn view_of(
    site: &Site,
    me: &Me,
    view: &BulletinView,
    decision: DecisionForm,
    add_track: Option<TrackForm>,
) -> Result<BulletinPage, ServiceError> {
    let (places, mut shell) = shell::open(site, me, Nav::Bulletins).await?;
    let services = &site.app.services;
    let (bulletin, latest) = (&view.bulletin, &view.latest);
    shell.path = super::address(&bulletin.id);
    let history = services.bulletins.history(me.who(), &bulletin.id).await?;
    let people = latest.authors.iter().map(ToString::to_string);
    let people = people.chain(history.iter().flat_map(|deed| deed.actor_id.clone()));
    let names = services.users.names(people).await?;
    let actions = actions(me, view);
    let consents = record::consents(site, me, &places, view).await?;
    let tracks = tracks::cards(site, me, view, actions.add_track, &consents).await?;
    let earlier = earlier(&tracks, consents);
    let filter = ScheduleFilter {
        bulletin: Some(bulletin.id.clone()),
        with_past: true,
        limit: SCHEDULES_MAX,
        ..ScheduleFilter::default()
    };
    let schedules = services.schedules.list(me.who(), &filter).await?;
    let nodes: Vec<program::KnownNode> =
        if schedules.is_empty() { Vec::new() } else { services.nodes.list(me.who()).await? };
    let readiness = services.schedules.readiness(me.who(), &schedules).await?;
    let authors: Vec<String> = latest.authors.iter().map(ToString::to_string).collect();
    let rejected = latest.state == RevisionState::Rejected;
    let missing = match bulletin.withdrawn {
        None => services.bulletins.missing_languages(me.who(), &bulletin.id).await?,
        Some(_) => MissingLanguages::default(),
    };
    let reading = reading_of(site, me, view).await?;
    Ok(BulletinPage {
        bulletin: BulletinDetail {
            id: bulletin.id.to_string(),
            revision: latest.number,
            seen: view.seen().to_string(),
            seen_words: view.seen_words().to_string(),
            on_air: bulletin.on_air.filter(|on_air| *on_air != latest.number),
            area: places.name_of(&bulletin.path),
            title: latest.title.clone(),
            text: latest.text.clone(),
            reading,
            state: words::state(latest.state),
            class: words::class(latest.class),
            category: words::category(me.lang(), latest.category),
            author: words::people(me.lang(), &names, &authors),
            created_at: places.moment(bulletin.created, &bulletin.path),
            reject_comment: latest.decision_note.clone().filter(|_| rejected),
            missing: languages::missing(site, &missing),
        },
        earlier,
        add_track: add_track.unwrap_or_else(|| tracks::empty_form(site, me, &places, view)),
        tracks,
        decision,
        schedules: schedule_rows(me, &places, &nodes, &schedules, &readiness),
        history: history_of(site, me, &places, view, &history, &names).await?,
        actions,
        shell,
    })
}

/// What this person may do now.
fn actions(me: &Me, view: &BulletinView) -> BulletinActions {
    let (who, path, latest) = (me.who(), &view.bulletin.path, &view.latest);
    let class = latest.class;
    let writes = who.may(Action::Write(class), path);
    let approves = who.may(Action::Approve(class), path);
    let own = who.user_id().is_some_and(|user| latest.authors.contains(user));
    let submitted = latest.state == RevisionState::Submitted;
    let judges = submitted && approves && !own;
    let audible = latest.is_audible();
    let edits = writes && latest.state.edit().is_ok();
    let blocked = if submitted && own {
        Some(Msg::new(msg::BLOCKED_OWN))
    } else if judges && !audible {
        Some(Msg::new(msg::BLOCKED_TRACKS))
    } else {
        None
    };
    BulletinActions {
        submit: writes && latest.state == RevisionState::Draft,
        approve: judges && audible,
        reject: judges,
        withdraw: (writes || approves) && latest.state.after(Deed::Withdraw).is_ok(),
        stop: view.on_air.as_ref().is_some_and(|revision| revision.class == Class::Emergency)
            && me.who().may_silence(Class::Emergency, path),
        edit: edits,
        edit_makes_revision: latest.state == RevisionState::Approved,
        schedule: view.bulletin.on_air.is_some()
            && Class::ALL.into_iter().any(|class| who.may_somewhere(Action::Schedule(class))),
        add_track: takes_tracks(me, view),
        blocked,
    }
}

/// The consents that stand for recordings that no track of the page is any more.
fn earlier(tracks: &[TrackCard], consents: Vec<ConsentCard>) -> Vec<ConsentCard> {
    let is_shown = |consent: &ConsentCard| {
        let is_of = |track: &TrackCard| matches!(&track.origin, TrackOrigin::Recording { upload, .. } if *upload == consent.upload);
        tracks.iter().any(is_of)
    };
    consents.into_iter().filter(|consent| consent.withdrawn.is_none() && !is_shown(consent)).collect()
}

/// Whether this person may add a sound now. What waits for approval, or is approved, is opened for writing first.
pub(super) fn takes_tracks(me: &Me, view: &BulletinView) -> bool {
    me.who().may(Action::Write(view.latest.class), &view.bulletin.path)
        && matches!(view.latest.state, RevisionState::Draft | RevisionState::Rejected)
}

/// How the text is read, where anything in it can be spoken.
async fn reading_of(site: &Site, me: &Me, view: &BulletinView) -> Result<Option<Reading>, ServiceError> {
    let Ok(checked) = loa_speech::text::check(&view.latest.text, usize::MAX) else { return Ok(None) };
    let area = view.bulletin.path.areas().last().map(ToString::to_string).unwrap_or_default();
    let (reading, _) = check::read_for(site, me, &area, checked.text.as_str()).await?;
    let newer_than_sound = newer_than_sound(site, me, view).await?;
    Ok((!reading.preview.is_empty()).then_some(Reading { newer_than_sound, ..reading }))
}

/// What is said where the sound was spoken with other words than the area's of this moment. A draft is spoken again when
/// they change; everything else stays as it was heard, while the reading beside it is today's.
async fn newer_than_sound(
    site: &Site,
    me: &Me,
    view: &BulletinView,
) -> Result<Option<&'static str>, ServiceError> {
    let Some(area) = view.bulletin.path.areas().last() else { return Ok(None) };
    let key = match view.latest.state {
        RevisionState::Draft => return Ok(None),
        RevisionState::Submitted => "spoken-text-newer",
        RevisionState::Approved
        | RevisionState::Rejected
        | RevisionState::Withdrawn
        | RevisionState::Superseded => "spoken-text-of-today",
    };
    let words_digest = &site.app.services.lexicon.reader(me.who(), area).await?.words_digest;
    let is_vietnamese = |track: &&Track| track.content.language == Language::vietnamese();
    let mut spoken = view.latest.tracks.iter().filter(is_vietnamese).filter_map(|t| t.spoken.as_ref());
    Ok(spoken.any(|spoken| spoken.words_digest != *words_digest).then_some(key))
}

async fn history_of(
    site: &Site,
    me: &Me,
    places: &Places,
    view: &BulletinView,
    deeds: &[AuditRecord],
    names: &BTreeMap<String, String>,
) -> Result<Vec<HistoryItem>, ServiceError> {
    let mut items = Vec::new();
    for deed in deeds {
        let (before, after) = (json(deed.before.as_deref()), json(deed.after.as_deref()));
        let revision = number(&after).or(number(&before)).unwrap_or(view.latest.number);
        let step = Step::of_action(&deed.action);
        let judged = matches!(step, Step::BulletinApproved | Step::BulletinRejected);
        let comment = if !judged {
            None
        } else if revision == view.latest.number {
            view.latest.decision_note.clone()
        } else {
            let bulletins = &site.app.services.bulletins;
            bulletins.revision(me.who(), &view.bulletin.id, revision).await?.decision_note
        };
        let who = match &deed.actor_id {
            Some(id) => names.get(id).cloned().unwrap_or_else(|| deed.actor_name.clone()),
            None => me.lang().text(msg::OPERATOR),
        };
        items.push(HistoryItem {
            at: places.moment(deed.at, &view.bulletin.path),
            who,
            step,
            revision,
            comment,
        });
    }
    Ok(items)
}

fn json(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn number(summary: &Value) -> Option<u32> {
    summary.get("revision").and_then(Value::as_u64).and_then(|number| number.try_into().ok())
}
