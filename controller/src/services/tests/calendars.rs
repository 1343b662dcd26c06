//! Calendars that areas keep, and what they do to schedules.

use chrono::NaiveDate;

use crate::domain::calendar::{OwnCalendar, OwnCalendarDraft};
use crate::domain::role::{Principal, Role};
use crate::domain::schedule::{ScheduleDraft, StartDraft};
use crate::domain::schedule_rules::ScheduleRulesDraft;
use crate::services::story::{NOON, Story, area, schedule_draft};
use crate::services::{ServiceError, Thing};
use crate::store::audit::AuditFilter;

fn draft(name: &str, days: &str, includes: &[&str]) -> OwnCalendarDraft {
    OwnCalendarDraft {
        name: name.to_owned(),
        days: OwnCalendarDraft::days_of(days),
        includes: includes.iter().map(|id| (*id).to_owned()).collect(),
    }
}

async fn put(
    story: &Story,
    who: &Principal,
    before: Option<&OwnCalendar>,
    draft: &OwnCalendarDraft,
) -> Result<OwnCalendar, ServiceError> {
    story.services.calendars.put(who, &area("da-don"), before.map(|own| &own.id), draft).await
}

fn said(error: &ServiceError) -> String {
    if let ServiceError::Invalid(errors) = error {
        errors.to_string()
    } else {
        error.message().code.to_owned()
    }
}

/// The days of the first starts of a schedule.
async fn days(story: &Story, who: &Principal, draft: &ScheduleDraft, count: usize) -> Vec<String> {
    let preview = story.services.schedules.preview(who, draft).await.unwrap();
    let starts = std::iter::successors(preview.next_after(NOON), |last| preview.next_after(last.at));
    let day = |at: loa_protocol::time::UnixMs| {
        at.to_utc().unwrap().with_timezone(&story.services.zone()).format("%d/%m").to_string()
    };
    starts.take(count).map(|start| day(start.at)).collect()
}

#[tokio::test]
async fn schedules_leave_out_the_days_of_an_areas_calendar_as_it_stands() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let bulletin = story.bulletin(&lan).await;
    let festival = draft("Lễ hội", "24/11/2026 - 25/11/2026: Cồng chiêng", &[]);
    let festival = put(&story, &lan, None, &festival).await.unwrap();
    let mourning = draft("Ngày xã nghỉ", "27/11/2026: Quốc tang", &[festival.id.as_str()]);
    let mourning = put(&story, &lan, None, &mourning).await.unwrap();
    let daily = |rules: ScheduleRulesDraft| ScheduleDraft {
        rules,
        ..schedule_draft(&bulletin.bulletin.id, StartDraft::Cron("30 17 * * *".to_owned()), &["thon-1"])
    };
    let not_on = ScheduleRulesDraft { not_on: vec![mourning.id.to_string()], ..Default::default() };
    let only_on = ScheduleRulesDraft { only_on: mourning.id.to_string(), ..Default::default() };
    assert_eq!(days(&story, &lan, &daily(not_on.clone()), 4).await, ["22/11", "23/11", "26/11", "28/11"]);
    assert_eq!(days(&story, &lan, &daily(only_on), 9).await, ["24/11", "25/11", "27/11"]);

    let made = story.services.schedules.create(&lan, &daily(not_on.clone()), None).await.unwrap();
    assert_eq!(made.calendars[&mourning.id].vi, "Ngày xã nghỉ");
    let moved = draft("Ngày xã nghỉ", "22/11/2026 - 29/11/2026: Quốc tang", &[]);
    put(&story, &lan, Some(&mourning), &moved).await.unwrap();
    let after = story.services.schedules.get(&lan, &made.schedule.id).await.unwrap();
    let first = after.next.unwrap().at.to_utc().unwrap().date_naive();
    assert_eq!(Some(first), NaiveDate::from_ymd_opt(2026, 11, 30), "a change counts for what is scheduled");

    let mut tx = story.services.store().read().await.unwrap();
    let plans = crate::dispatch::desired::Rows::read(&mut tx, NOON).await.unwrap();
    let desired = plans.desired(story.services.zone(), NOON);
    assert!(desired.calendars.is_empty(), "no bulletin is approved");
    drop(tx);

    let remove =
        async |own: &OwnCalendar| story.services.calendars.remove(&lan, &area("da-don"), &own.id).await;
    assert_eq!(said(&remove(&mourning).await.unwrap_err()), "calendar.in_use", "a schedule names it");
    story.services.schedules.cancel(&lan, &made.schedule.id).await.unwrap();
    remove(&mourning).await.unwrap();
    let gone = story.services.schedules.preview(&lan, &daily(not_on)).await.unwrap_err();
    assert_eq!(said(&gone), "not_on[0]: calendar.unknown");
    let cancelled = story.services.schedules.get(&lan, &made.schedule.id).await.unwrap();
    assert!(cancelled.calendars.is_empty(), "a cancelled schedule is still there to be seen");

    let filter = AuditFilter { limit: 20, ..AuditFilter::default() };
    let log = story.services.audit.list(&story.operator, &filter).await.unwrap();
    let actions: Vec<&str> =
        log.iter().map(|e| e.action.as_str()).filter(|a| a.starts_with("calendar")).collect();
    assert_eq!(actions, ["calendar.removed", "calendar.changed", "calendar.added", "calendar.added"]);
}

#[tokio::test]
async fn a_plan_carries_the_calendar_that_an_approved_bulletin_names() {
    let story = Story::new().await;
    let (lan, binh) = (
        story.person("lan", Role::Author, "da-don").await,
        story.person("binh", Role::Approver, "da-don").await,
    );
    let bulletin = story.approved(&lan, &binh).await;
    let own = put(&story, &lan, None, &draft("Lễ", "24/11/2026: Lễ\n01/03/2029: Xa", &[])).await.unwrap();
    let mut daily =
        schedule_draft(&bulletin.bulletin.id, StartDraft::Cron("30 17 * * *".to_owned()), &["thon-1"]);
    daily.rules.not_on = vec![own.id.to_string()];
    story.services.schedules.create(&lan, &daily, None).await.unwrap();
    let mut tx = story.services.store().read().await.unwrap();
    let rows = crate::dispatch::desired::Rows::read(&mut tx, NOON).await.unwrap();
    let desired = rows.desired(story.services.zone(), NOON);
    let ranges = &desired.calendars[&own.id].ranges;
    assert_eq!(ranges.len(), 1, "this year's and the next's: {ranges:?}");
    assert_eq!(ranges[0].first.to_string(), "2026-11-24");
}

#[tokio::test]
async fn calendars_that_make_no_sense_together_are_refused() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let one =
        put(&story, &lan, None, &draft("Một", "24/11/2026: Lễ", &["vn-public-holidays"])).await.unwrap();
    let two = put(&story, &lan, None, &draft("Hai", "", &[one.id.as_str()])).await.unwrap();
    let around = draft("Một", "24/11/2026: Lễ", &[two.id.as_str()]);
    let refused = put(&story, &lan, Some(&one), &around).await.unwrap_err();
    assert_eq!(said(&refused), "includes: calendar.loop");
    assert!(refused.message().vi.contains("gồm chính nó"), "{}", refused.message().vi);
    let itself = draft("Một", "24/11/2026: Lễ", &[one.id.as_str()]);
    assert_eq!(said(&put(&story, &lan, Some(&one), &itself).await.unwrap_err()), "includes: calendar.loop");
    let unknown = draft("Ba", "24/11/2026: Lễ", &["khong-co"]);
    assert_eq!(said(&put(&story, &lan, None, &unknown).await.unwrap_err()), "includes: calendar.unknown");
    let remove = story.services.calendars.remove(&lan, &area("da-don"), &one.id).await;
    assert_eq!(said(&remove.unwrap_err()), "calendar.in_use", "another includes it");
    for n in 3..=20 {
        put(&story, &lan, None, &draft(&format!("Lịch {n}"), "24/11/2026: Lễ", &[])).await.unwrap();
    }
    let more = put(&story, &lan, None, &draft("Nữa", "24/11/2026: Lễ", &[])).await.unwrap_err();
    assert_eq!(said(&more), "calendar.too_many");
}

#[tokio::test]
async fn a_calendar_is_its_areas_and_those_below() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let nam = story.person("nam", Role::Author, "phu-son").await;
    let binh = story.person("binh", Role::Approver, "da-don").await;
    let village = story.person("thon", Role::Author, "thon-1").await;
    let own = put(&story, &lan, None, &draft("Lễ", "24/11/2026: Lễ", &[])).await.unwrap();
    for who in [&nam, &binh, &village] {
        let refused = put(&story, who, Some(&own), &draft("Lễ", "25/11/2026: Lễ", &[])).await.unwrap_err();
        assert!(matches!(refused, ServiceError::Forbidden(_)), "{refused:?}");
    }
    let elsewhere = story
        .services
        .calendars
        .put(&story.operator, &area("phu-son"), Some(&own.id), &draft("Lễ", "25/11/2026: Lễ", &[]))
        .await;
    assert!(matches!(elsewhere, Err(ServiceError::NotFound(Thing::Calendar))), "{elsewhere:?}");
    let listed = story.services.calendars.list(&village, &area("thon-1")).await.unwrap();
    let names: Vec<&str> = listed.iter().map(|view| view.name.vi.as_str()).collect();
    assert_eq!(names, ["Mùng một và rằm", "Ngày nghỉ lễ, Tết", "Lễ"], "a village sees those above it");
    assert_eq!(listed[0].days[0].0.to_string(), "2026-01-03", "the product's days are shown");
    assert_eq!(story.services.calendars.names(&village).await.unwrap().len(), 3);
    assert_eq!(
        story.services.calendars.names(&nam).await.unwrap().len(),
        2,
        "another commune's is no business of theirs"
    );

    let theirs = story
        .services
        .bulletins
        .create(&nam, &area("phu-son"), &crate::services::story::draft(), None)
        .await
        .unwrap();
    let mut daily =
        schedule_draft(&theirs.bulletin.id, StartDraft::Cron("30 17 * * *".to_owned()), &["phu-son"]);
    daily.rules.not_on = vec![own.id.to_string()];
    let refused = story.services.schedules.preview(&nam, &daily).await.unwrap_err();
    assert_eq!(said(&refused), "not_on[0]: calendar.unknown");
}
