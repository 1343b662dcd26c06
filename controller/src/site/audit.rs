//! The audit log.

use std::collections::BTreeMap;

use axum::extract::State;
use serde_json::Value;

use super::answer::{Answer, page as answer_page};
use super::fields::Asked;
use super::places::Places;
use super::reader::Me;
use super::{Site, pager, shell};
use crate::pages::Nav;
use crate::pages::labels::Step;
use crate::pages::views::{AuditPage, AuditRow};
use crate::store::audit::{AuditFilter, AuditRecord};

/// Entries of one page.
const PER_PAGE: u32 = 50;

/// `GET /audit`.
pub(super) async fn page(State(site): State<Site>, me: Me, Asked(asked): Asked) -> Answer {
    let subject = Some(asked.text("subject")).filter(|subject| !subject.is_empty());
    let filter = AuditFilter {
        subject_id: subject.clone(),
        before_id: asked.one("before").parse().ok(),
        // One more tells whether there is a next page.
        limit: PER_PAGE + 1,
    };
    let mut entries = site.app.services.audit.list(me.who(), &filter).await?;
    let (places, shell) = shell::open(&site, &me, Nav::Audit).await?;
    let more = entries.len() > PER_PAGE as usize;
    entries.truncate(PER_PAGE as usize);
    let next = entries.last().filter(|_| more).map(|entry| entry.id.to_string());
    let pager = pager::after("/audit", &asked, &["subject"], next.as_deref());
    let people = entries.iter().filter_map(|entry| entry.actor_id.clone());
    let names = site.app.services.users.names(people).await?;
    let rows: Vec<AuditRow> = entries.iter().map(|entry| row(&places, &names, entry)).collect();
    // The thing is called as its latest entry calls it.
    let subject = subject.map(|id| rows.first().map_or(id, |row| row.about.clone()));
    answer_page(AuditPage { shell, subject, rows, pager })
}

fn row(places: &Places, names: &BTreeMap<String, String>, entry: &AuditRecord) -> AuditRow {
    let json = |text: Option<&str>| -> Value {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let (before, after) = (json(entry.before.as_deref()), json(entry.after.as_deref()));
    let told =
        |key: &str| [&after, &before].into_iter().find_map(|side| side.get(key)?.as_str().map(str::to_owned));
    let about = ["title", "display_name", "name", "login"].into_iter().find_map(told);
    let id = &entry.subject_id;
    let (thing, _) = entry.action.split_once('.').unwrap_or((&entry.action, ""));
    let href = match thing {
        "bulletin" => Some(format!("/bulletins/{id}")),
        "node" => Some(format!("/nodes/{id}")),
        "user" | "session" => Some(format!("/users/{id}")),
        "area" => Some("/areas".to_owned()),
        "word" => Some(format!("/areas/{id}/words")),
        "schedule" => Some("/schedules".to_owned()),
        _ => None,
    };
    let step = Step::of_action(&entry.action);
    AuditRow {
        at: places.here(entry.at),
        who: entry
            .actor_id
            .as_ref()
            .map(|actor| names.get(actor).cloned().unwrap_or_else(|| entry.actor_name.clone())),
        address: entry.address.clone(),
        step,
        about: about.unwrap_or_else(|| id.clone()),
        href,
        detail: told("reason").or_else(|| (step == Step::Other).then(|| entry.action.clone())),
    }
}
