//! The form that says when and where a bulletin sounds, and what it would do.

use std::collections::BTreeSet;

use axum::extract::State;
use chrono::{Days, NaiveDate, Weekday};
use loa_protocol::bulletin::Class;
use loa_protocol::ids::{BulletinId, ItemId};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::AfterInterruption;

use super::{preflight, rule};
use crate::domain::ids::fresh_item_id;
use crate::domain::message::FieldErrors;
use crate::domain::role::{Action, Forbidden};
use crate::domain::schedule::{ScheduleDraft, StartDraft};
use crate::domain::schedule_rules::{ScheduleRulesDraft, interruption_word};
use crate::pages::labels::RepeatMode;
use crate::pages::views::{
    ScheduleForm, ScheduleFormPage, SchedulePreview, SchedulePreviewPart, TargetKind, TargetRow, weekly_cron,
};
use crate::pages::{Choice, Errors, Msg, Nav, Tick, msg};
use crate::services::{DAYS_DEFAULT, PreflightOf, ServiceError, Thing};
use crate::site::answer::{Answer, done, page as answer_page, refused};
use crate::site::fields::{Asked, Fields, Posted};
use crate::site::places::Places;
use crate::site::program::{self, KnownNode, Lengths};
use crate::site::reader::Me;
use crate::site::{Site, flash, languages, shell, words};
use crate::store::bulletins::BulletinFilter;

/// Bulletins to choose from.
const BULLETINS_MAX: u32 = 200;
/// Starts that a preview names.
const PREVIEW_STARTS: usize = 5;
/// Quiet hours (QCVN 26:2010): from this hour of the evening to that of the morning.
const QUIET_FROM_H: u32 = 21;
const QUIET_UNTIL_H: u32 = 6;

/// `GET /schedules/new`.
pub(in crate::site) async fn page(State(site): State<Site>, me: Me, Asked(asked): Asked) -> Answer {
    if !sets_some(&me) {
        return Err(ServiceError::from(Forbidden { action: Action::Schedule(Class::Normal) }).into());
    }
    let form = ScheduleForm {
        bulletin: asked.text("bulletin"),
        mode: RepeatMode::Once.code().to_owned(),
        form_id: fresh_item_id().to_string(),
        ..ScheduleForm::default()
    };
    answer_page(form_page(&site, &me, form, &Fields::default()).await?)
}

/// `POST /schedules`.
pub(in crate::site) async fn create(State(site): State<Site>, me: Me, Posted(posted): Posted) -> Answer {
    let mut form = typed(&posted);
    let drafts = match drafts(&form, &posted) {
        Ok(drafts) => drafts,
        Err(errors) => {
            form.errors = errors;
            return refused(form_page(&site, &me, form, &posted).await?);
        }
    };
    let schedules = &site.app.services.schedules;
    // All are looked at before one is made: several patterns are one form.
    for draft in &drafts {
        match schedules.preview(me.who(), draft).await {
            Ok(_) => {}
            Err(ServiceError::Invalid(errors)) => {
                form.errors = field_errors(&form, &errors);
                return refused(form_page(&site, &me, form, &posted).await?);
            }
            // The class of the bulletin, or the area of a target, is not theirs to schedule.
            Err(ServiceError::Forbidden(forbidden)) if sets_some(&me) => {
                form.errors.put("target", words::msg(&forbidden.message()));
                return refused(form_page(&site, &me, form, &posted).await?);
            }
            Err(ServiceError::NotFound(Thing::Bulletin)) => {
                form.errors.put("bulletin", Msg::new(msg::NOT_A_CHOICE));
                return refused(form_page(&site, &me, form, &posted).await?);
            }
            Err(other) => return Err(other.into()),
        }
    }
    for (number, draft) in drafts.iter().enumerate() {
        schedules.create(me.who(), draft, item_id(&form.form_id, number)).await?;
    }
    done("/schedules", flash::plain(msg::SCHEDULED, site.app.web.secure_cookies))
}

/// `POST /schedules/preview`.
pub(in crate::site) async fn preview(State(site): State<Site>, me: Me, Posted(posted): Posted) -> Answer {
    let form = typed(&posted);
    let nodes = site.app.services.nodes.list(me.who()).await?;
    let preview = preview_of(&site, &me, &form, &posted, &nodes).await?;
    answer_page(SchedulePreviewPart { lang: me.lang(), preview })
}

/// The same form sent twice makes each of its schedules once.
fn item_id(form_id: &str, number: usize) -> Option<ItemId> {
    let first = ItemId::new(form_id).ok()?;
    if number == 0 { Some(first) } else { ItemId::new(format!("{form_id}-{}", number + 1)).ok() }
}

fn sets_some(me: &Me) -> bool {
    Class::ALL.into_iter().any(|class| me.who().may_somewhere(Action::Schedule(class)))
}

fn typed(posted: &Fields) -> ScheduleForm {
    ScheduleForm {
        bulletin: posted.text("bulletin"),
        mode: posted.text("mode"),
        date: posted.text("date"),
        time: posted.text("time"),
        days: posted.all("day"),
        times: posted.text("times"),
        cron: posted.text("cron"),
        from: posted.text("from"),
        until: posted.text("until"),
        within: posted.text("within"),
        excluded: posted.text("excluded"),
        not_on: posted.all("not_on"),
        only_on: posted.text("only_on"),
        rounds: posted.text("rounds"),
        gap: posted.text("gap"),
        after: posted.text("after"),
        form_id: posted.text("form_id"),
        errors: Errors::none(),
    }
}

/// The form as the services take it: one draft for each pattern.
fn drafts(form: &ScheduleForm, posted: &Fields) -> Result<Vec<ScheduleDraft>, Errors> {
    let mut errors = Errors::none();
    let bulletin = BulletinId::new(form.bulletin.as_str());
    if bulletin.is_err() {
        errors.put("bulletin", Msg::new(msg::NOT_A_CHOICE));
    }
    let starts = starts(form, &mut errors);
    let (mut valid_from, mut valid_until) = (String::new(), String::new());
    if RepeatMode::from_code(&form.mode) != Some(RepeatMode::Once) {
        valid_from = midnight(&form.from, 0);
        // The last day counts whole.
        valid_until = midnight(&form.until, 1);
    }
    let (areas, nodes) = (posted.all("area"), posted.all("node"));
    let within_min = number("within", &form.within, &mut errors);
    let rules = ScheduleRulesDraft {
        excluded_dates: form.excluded.clone(),
        not_on: form.not_on.clone(),
        only_on: form.only_on.clone(),
        rounds: number("rounds", &form.rounds, &mut errors),
        gap_s: number("gap", &form.gap, &mut errors),
        after_interruption: form.after.clone(),
    };
    match bulletin {
        Ok(bulletin) if errors.is_empty() => Ok(starts
            .into_iter()
            .map(|start| ScheduleDraft {
                bulletin: bulletin.clone(),
                start,
                valid_from: valid_from.clone(),
                valid_until: valid_until.clone(),
                start_within_s: within_min.map(|minutes| minutes.saturating_mul(60)),
                areas: areas.clone(),
                nodes: nodes.clone(),
                rules: rules.clone(),
            })
            .collect()),
        _ => Err(errors),
    }
}

/// A whole number, or nothing for an empty text.
fn number(field: &'static str, text: &str, errors: &mut Errors) -> Option<u32> {
    let text = text.trim();
    let number = text.parse().ok();
    if number.is_none() && !text.is_empty() {
        errors.put(field, Msg::new(msg::BAD_NUMBER).with("x", text));
    }
    number
}

fn starts(form: &ScheduleForm, errors: &mut Errors) -> Vec<StartDraft> {
    match RepeatMode::from_code(&form.mode) {
        Some(RepeatMode::Once) => {
            for (field, value) in [("date", &form.date), ("time", &form.time)] {
                if value.trim().is_empty() {
                    errors.put(field, Msg::new(msg::REQUIRED));
                }
            }
            vec![StartDraft::Once(format!("{}T{}", form.date.trim(), form.time.trim()))]
        }
        Some(RepeatMode::Weekly) => {
            let times = rule::times(&form.times);
            let days: Vec<Weekday> = form.days.iter().filter_map(|code| rule::weekday(code)).collect();
            if days.is_empty() {
                errors.put("day", Msg::new(msg::NO_DAY));
            }
            match times {
                Ok(times) => weekly_cron(&days, &times).into_iter().map(StartDraft::Cron).collect(),
                Err(message) => {
                    errors.put("times", message);
                    Vec::new()
                }
            }
        }
        Some(RepeatMode::Cron) => vec![StartDraft::Cron(form.cron.clone())],
        None => {
            errors.put("mode", Msg::new(msg::NOT_A_CHOICE));
            Vec::new()
        }
    }
}

/// The midnight that begins the day `after` days after this one, as the services read it; empty for an empty text. What
/// is no day stays as it is, for the services to name.
fn midnight(day: &str, after: u64) -> String {
    let day = day.trim();
    if day.is_empty() {
        return String::new();
    }
    let later = day.parse().ok().and_then(|day: NaiveDate| day.checked_add_days(Days::new(after)));
    format!("{}T00:00", later.map_or_else(|| day.to_owned(), |later| later.to_string()))
}

fn field_errors(form: &ScheduleForm, errors: &FieldErrors) -> Errors {
    let weekly = RepeatMode::from_code(&form.mode) == Some(RepeatMode::Weekly);
    words::errors(errors, |field| match field {
        "at" => "date",
        "cron" if weekly => "times",
        "cron" => "cron",
        "valid_from" => "from",
        "valid_until" => "until",
        "areas" | "nodes" => "target",
        "bulletin" => "bulletin",
        "start_within_s" => "within",
        "excluded_dates" => "excluded",
        "not_on" => "not_on",
        "only_on" => "only_on",
        "rounds" => "rounds",
        "gap_s" => "gap",
        "after_interruption" => "after",
        _ => "",
    })
}

async fn form_page(
    site: &Site,
    me: &Me,
    form: ScheduleForm,
    posted: &Fields,
) -> Result<ScheduleFormPage, ServiceError> {
    let (places, mut shell) = shell::open(site, me, Nav::Schedules).await?;
    shell.path = "/schedules/new".to_owned();
    let nodes = site.app.services.nodes.list(me.who()).await?;
    let filter = BulletinFilter { on_air: Some(true), limit: BULLETINS_MAX, ..BulletinFilter::default() };
    let approved = site.app.services.bulletins.list(me.who(), &filter).await?;
    let bulletins =
        approved.into_iter().map(|summary| Choice::new(summary.bulletin.id.as_str(), summary.title));
    let lang = me.lang();
    let calendars: Vec<(String, String)> = site
        .app
        .services
        .calendars
        .names(me.who())
        .await?
        .iter()
        .map(|(id, name)| (id.to_string(), words::calendar(name).text(lang)))
        .collect();
    let preview =
        if form.errors.is_empty() { preview_of(site, me, &form, posted, &nodes).await? } else { None };
    Ok(ScheduleFormPage {
        shell,
        bulletins: bulletins.collect(),
        targets: targets(me, &places, &nodes, posted),
        days_off: calendars.iter().map(|(id, name)| Tick::new(id, name, form.not_on.contains(id))).collect(),
        calendars: calendars.into_iter().map(|(id, name)| Choice::new(id, name)).collect(),
        interruptions: interruptions(me),
        form,
        preview,
    })
}

/// What may happen after an interruption.
fn interruptions(me: &Me) -> Vec<Choice> {
    let said = [
        (AfterInterruption::Drop, "schedule-after-drop"),
        (AfterInterruption::Resume, "schedule-after-resume"),
        (AfterInterruption::Restart, "schedule-after-restart"),
    ];
    said.map(|(after, key)| Choice::new(interruption_word(after), me.lang().text(key))).into()
}

/// Areas and nodes in which the person may set hours, each area before what lies in it. Nodes without connection are
/// there as well: they sound from their cache.
fn targets(me: &Me, places: &Places, nodes: &[KnownNode], posted: &Fields) -> Vec<TargetRow> {
    let ticked = |field: &str| posted.all(field).into_iter().collect::<BTreeSet<_>>();
    let (areas, singles) = (ticked("area"), ticked("node"));
    let sets = |path| Class::ALL.into_iter().any(|class| me.who().may(Action::Schedule(class), path));
    let mut rows = Vec::new();
    for area in places.all().iter().filter(|area| sets(&area.path)) {
        let path: Vec<&str> = area.path.areas().iter().map(|id| id.as_str()).collect();
        let path = path.join("/");
        let depth = places.depth(&area.path);
        let usable =
            || nodes.iter().filter(|(node, _)| node.state == crate::domain::node::NodeState::Enrolled);
        let inside = || usable().filter(|(node, _)| node.path.contains(&area.id));
        rows.push(TargetRow {
            kind: TargetKind::Area {
                nodes: inside().count(),
                offline: inside().filter(|(_, status)| !status.online).count(),
            },
            id: area.id.to_string(),
            path: path.clone(),
            name: area.name.clone(),
            depth,
            checked: areas.contains(area.id.as_str()),
        });
        let here = nodes.iter().filter(|(node, _)| {
            node.path == area.path && node.state != crate::domain::node::NodeState::Revoked
        });
        rows.extend(here.map(|(node, status)| TargetRow {
            kind: TargetKind::Node { online: status.online },
            id: node.id.to_string(),
            path: format!("{path}/{}", node.id),
            name: node.name.clone(),
            depth: depth + 1,
            checked: singles.contains(node.id.as_str()),
        }));
    }
    rows
}

/// What the form would do, once it is complete enough to say.
async fn preview_of(
    site: &Site,
    me: &Me,
    form: &ScheduleForm,
    posted: &Fields,
    nodes: &[KnownNode],
) -> Result<Option<SchedulePreview>, ServiceError> {
    let Ok(drafts) = drafts(form, posted) else { return Ok(None) };
    let services = &site.app.services;
    let mut values: Vec<crate::services::SchedulePreview> = Vec::new();
    for draft in &drafts {
        match services.schedules.preview(me.who(), draft).await {
            Ok(checked) => values.push(checked),
            Err(
                ServiceError::Invalid(_)
                | ServiceError::NotFound(_)
                | ServiceError::Forbidden(_)
                | ServiceError::Conflict(_),
            ) => return Ok(None),
            Err(other) => return Err(other),
        }
    }
    let (Some(first), Some(draft)) = (values.first(), drafts.first()) else { return Ok(None) };
    let zone = first.values.zone;
    let now = services.clock().now();
    let starts = next_starts(&values, now);
    let targets: Vec<&KnownNode> = program::targets(&first.values, nodes).collect();
    let offline = targets.iter().filter(|(_, status)| !status.online).count();
    let view = services.bulletins.get(me.who(), &draft.bulletin).await?;
    let revision = view.on_air.as_ref().unwrap_or(&view.latest);
    let duration_ms = Lengths::default().session(site, me, revision, &first.values.rules).await?;
    let mut warnings = Vec::new();
    if revision.class != Class::Emergency && starts.iter().any(|start| is_quiet(*start, zone)) {
        warnings.push(Msg::new(msg::WARN_QUIET_HOURS));
    }
    warnings.extend(languages::missing(site, &first.missing));
    if duration_ms.is_none() {
        warnings.push(Msg::new(msg::WARN_NO_TRACK));
    }
    if offline > 0 {
        let offline = i64::try_from(offline).unwrap_or(i64::MAX);
        warnings.push(Msg::new(msg::WARN_OFFLINE).with_number("n", offline));
    }
    // The very drafts that were checked above: what is refused here would have been refused there.
    let preflight = preflight::in_words(site, me, PreflightOf::Drafts(drafts.clone()), DAYS_DEFAULT).await?;
    Ok(Some(SchedulePreview {
        preflight,
        days: DAYS_DEFAULT,
        next: starts.into_iter().map(|start| words::moment(start, zone)).collect(),
        nodes: targets.len(),
        offline,
        duration_ms,
        warnings,
    }))
}

fn next_starts(values: &[crate::services::SchedulePreview], now: UnixMs) -> Vec<UnixMs> {
    let mut starts = Vec::new();
    for values in values {
        let mut last = now;
        for _ in 0..PREVIEW_STARTS {
            let Some(next) = values.next_after(last) else { break };
            starts.push(next.at);
            last = next.at;
        }
    }
    starts.sort_unstable();
    starts.truncate(PREVIEW_STARTS);
    starts
}

fn is_quiet(at: UnixMs, zone: chrono_tz::Tz) -> bool {
    let hour = chrono::Timelike::hour(&words::moment(at, zone));
    !(QUIET_UNTIL_H..QUIET_FROM_H).contains(&hour)
}
