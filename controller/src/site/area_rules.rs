//! What an area's loudspeakers never do: a part of its page.

use axum::extract::{Path, State};
use loa_protocol::timeline::Guards;

use super::answer::{Answer, done, refused};
use super::areas::{named, shown};
use super::fields::Posted;
use super::reader::Me;
use super::{Site, flash, words};
use crate::domain::area::Area;
use crate::domain::area_rules::{AreaRules, AreaRulesDraft, ranges_text};
use crate::domain::role::Action;
use crate::pages::views::{AreaRulesForm, AreaRulesView};
use crate::pages::{Errors, Msg, msg};
use crate::services::ServiceError;

/// `POST /areas/{id}/rules`.
pub(super) async fn change(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let areas = &site.app.services.areas;
    let area = areas.get(me.who(), &named(&id)?).await?;
    let draft = AreaRulesDraft {
        quiet_hours: form.text("quiet_hours"),
        normal_minutes_a_day: form.text("normal_minutes_a_day"),
        priority_minutes_a_day: form.text("priority_minutes_a_day"),
        sessions_a_day: form.text("sessions_a_day"),
        longest_session_minutes: form.text("longest_session_minutes"),
        volume_ceiling_percent: form.text("volume_ceiling_percent"),
        own_priority_first: form.one("own_priority_first") == "yes",
        households: form.text("households"),
    };
    match areas.set_rules(me.who(), &area.id, &draft).await {
        Ok(_) => {
            let saved = flash::named(msg::AREA_RULES_SAVED, &area.name, site.app.web.secure_cookies);
            done(&format!("/areas/{}", area.id), saved)
        }
        Err(ServiceError::Invalid(errors)) => {
            let mut page = shown(&site, &me, &area).await?;
            let errors = words::errors(&errors, field);
            page.rules.form = page.rules.form.map(|_| form_of(draft, errors));
            refused(page)
        }
        Err(other) => Err(other.into()),
    }
}

fn field(name: &str) -> &'static str {
    match name {
        "quiet_hours" => "quiet_hours",
        "normal_minutes_a_day" => "normal_minutes_a_day",
        "priority_minutes_a_day" => "priority_minutes_a_day",
        "sessions_a_day" => "sessions_a_day",
        "longest_session_minutes" => "longest_session_minutes",
        "volume_ceiling_percent" => "volume_ceiling_percent",
        "households" => "households",
        _ => "",
    }
}

fn form_of(draft: AreaRulesDraft, errors: Errors) -> AreaRulesForm {
    AreaRulesForm {
        quiet_hours: draft.quiet_hours,
        normal_minutes_a_day: draft.normal_minutes_a_day,
        priority_minutes_a_day: draft.priority_minutes_a_day,
        sessions_a_day: draft.sessions_a_day,
        longest_session_minutes: draft.longest_session_minutes,
        volume_ceiling_percent: draft.volume_ceiling_percent,
        own_priority_first: draft.own_priority_first,
        households: draft.households,
        errors,
    }
}

/// The part of an area's page.
pub(super) async fn view(site: &Site, me: &Me, area: &Area) -> Result<AreaRulesView, ServiceError> {
    let held = site.app.services.areas.rules(me.who(), &area.id).await?;
    let form = me.who().may(Action::ManageAreas, &area.path);
    Ok(AreaRulesView {
        own: lines(&held.own),
        above: held.above.iter().map(|(area, rules)| (area.name.clone(), lines(rules))).collect(),
        households: held.own.households,
        form: form.then(|| form_of(AreaRulesDraft::from(&held.own), Errors::none())),
    })
}

/// What an area states, in sentences.
fn lines(rules: &AreaRules) -> Vec<Msg> {
    let own_first = rules.own_priority_first.then(|| Msg::new(msg::RULE_OWN_FIRST));
    guard_lines(&rules.guards).into_iter().chain(own_first).collect()
}

/// What guards forbid, in sentences.
pub(super) fn guard_lines(guards: &Guards) -> Vec<Msg> {
    let Guards {
        quiet_hours,
        normal_minutes_a_day,
        priority_minutes_a_day,
        sessions_a_day,
        longest_session_ms,
        volume_ceiling_percent,
    } = guards;
    let quiet =
        (!quiet_hours.is_empty()).then(|| Msg::new(msg::RULE_QUIET).with("x", ranges_text(quiet_hours)));
    let number = |key: &'static str, number: Option<i64>| number.map(|n| Msg::new(key).with_number("n", n));
    // A board's own file has seconds.
    let longest = longest_session_ms.map(|ms| match ms % 60_000 {
        0 => Msg::new(msg::RULE_LONGEST).with_number("n", i64::from(ms / 60_000)),
        _ => Msg::new(msg::RULE_LONGEST_S).with_number("n", i64::from(ms / 1_000)),
    });
    let numbers = [
        number(msg::RULE_NORMAL, normal_minutes_a_day.map(i64::from)),
        number(msg::RULE_PRIORITY, priority_minutes_a_day.map(i64::from)),
        number(msg::RULE_SESSIONS, sessions_a_day.map(i64::from)),
        longest,
        number(msg::RULE_VOLUME, volume_ceiling_percent.map(i64::from)),
    ];
    quiet.into_iter().chain(numbers.into_iter().flatten()).collect()
}
