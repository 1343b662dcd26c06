//! Schedules, and what was heard.

use loa_protocol::ids::{BootId, OccurrenceId};
use loa_protocol::receipt::{Outcome, Reason, Receipt, Sound};
use loa_protocol::report::{ClockTrust, Presence};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::occurrence_id;

use crate::domain::area::AreaDraft;
use crate::domain::role::Role;
use crate::domain::schedule::StartDraft;
use crate::services::story::{NOON, Story, area, node, once, schedule_draft};
use crate::services::{ScheduleView, ServiceError};
use crate::store::receipts::{self, Arrived, ReceiptFilter};
use crate::store::schedules::{ScheduleFilter, on_air};
use crate::store::{Said, presence};

fn code(error: &ServiceError) -> &'static str {
    error.message().code
}

async fn carried(story: &Story, now: UnixMs) -> Vec<String> {
    let mut tx = story.services.store().read().await.unwrap();
    on_air(&mut tx, now).await.unwrap().iter().map(|o| o.schedule.id.to_string()).collect()
}

#[tokio::test]
async fn plans_carry_what_is_approved_and_still_to_come() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let approver = story.person("minh", Role::Approver, "da-don").await;
    let (bulletins, schedules) = (&story.services.bulletins, &story.services.schedules);
    let view = story.submitted(&author).await;
    let id = &view.bulletin.id;
    let single = schedule_draft(id, once("2026-11-22T17:30"), &["thon-1"]);
    let single = schedules.create(&author, &single, None).await.unwrap();
    let daily = schedule_draft(id, StartDraft::Cron("0 6 * * *".to_owned()), &["da-don"]);
    let daily = schedules.create(&author, &daily, None).await.unwrap();
    assert!(!single.is_on_air(), "not approved yet");
    assert_eq!(carried(&story, NOON).await, Vec::<String>::new());

    bulletins.approve(&approver, id, &view.seen(), "").await.unwrap();
    assert_eq!(carried(&story, NOON).await, [single.schedule.id.to_string(), daily.schedule.id.to_string()]);
    let half_past_five = single.next.unwrap().at;
    let late = half_past_five + i64::from(single.schedule.values.start_within_ms);
    assert_eq!(carried(&story, late - 1).await.len(), 2, "a late start is still one");
    assert_eq!(carried(&story, late).await, [daily.schedule.id.to_string()]);

    let listed =
        schedules.list(&author, &ScheduleFilter { limit: 10, ..ScheduleFilter::default() }).await.unwrap();
    assert!(listed.iter().all(ScheduleView::is_on_air));
    let starts: Vec<UnixMs> =
        schedules.upcoming(&listed, NOON + 2 * 86_400_000).into_iter().map(|u| u.start).collect();
    assert_eq!(starts, [half_past_five, NOON + 22 * 3_600_000, NOON + 46 * 3_600_000]);

    schedules.cancel(&approver, &daily.schedule.id).await.unwrap();
    assert_eq!(
        code(&schedules.cancel(&approver, &daily.schedule.id).await.unwrap_err()),
        "schedule.cancelled_already"
    );
    assert_eq!(carried(&story, NOON).await, [single.schedule.id.to_string()]);
    bulletins.withdraw(&author, id).await.unwrap();
    assert_eq!(carried(&story, NOON).await, Vec::<String>::new());
    let over = schedule_draft(id, once("2026-11-23T17:30"), &["thon-1"]);
    assert_eq!(
        code(&schedules.create(&author, &over, None).await.unwrap_err()),
        "schedule.bulletin_withdrawn"
    );
}

/// A district over a border line: the plan of each target is read on its own clock.
#[tokio::test]
async fn the_next_start_is_the_earliest_of_the_targets_clocks() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let view = story.bulletin(&author).await;
    let schedules = &story.services.schedules;
    let east = AreaDraft {
        name: "Thôn 2".to_owned(),
        level: "thôn".to_owned(),
        zone: "Asia/Tokyo".to_owned(),
        ..AreaDraft::default()
    };
    story.services.areas.update(&story.operator, &area("thon-2"), &east).await.unwrap();
    let daily = StartDraft::Cron("30 17 * * *".to_owned());
    let next = async |areas: &[&str], nodes: &[&str]| {
        let mut draft = schedule_draft(&view.bulletin.id, daily.clone(), areas);
        draft.nodes = nodes.iter().map(|id| (*id).to_owned()).collect();
        let made = schedules.create(&author, &draft, None).await.unwrap();
        let preview = schedules.preview(&author, &draft).await.unwrap();
        assert_eq!(preview.next_after(NOON), made.next);
        made.next.map(|next| (next.at, next.zone.name())).unwrap()
    };
    let (half_past_five, in_tokyo) = (UnixMs(1_795_343_400_000), UnixMs(1_795_336_200_000));
    assert_eq!(next(&["thon-1"], &[]).await, (half_past_five, "Asia/Ho_Chi_Minh"));
    assert_eq!(next(&["thon-1", "thon-2"], &[]).await, (in_tokyo, "Asia/Tokyo"));
    assert_eq!(next(&["thon-1"], &["cum-2"]).await, (in_tokyo, "Asia/Tokyo"), "a single node there");
    assert_eq!(next(&["da-don"], &[]).await, (half_past_five, "Asia/Ho_Chi_Minh"), "the commune's plan");
}

#[tokio::test]
async fn targets_must_exist_and_lie_where_the_approver_answers() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "lam-dong").await;
    let view = story.bulletin(&author).await;
    let schedules = &story.services.schedules;
    let mut draft =
        schedule_draft(&view.bulletin.id, once("2026-11-22T17:30"), &["thon-1", "khong-co", "phu-son"]);
    draft.nodes = vec!["cum-2".to_owned(), "cum-x".to_owned()];
    let refused = schedules.create(&author, &draft, None).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the form has errors: areas[1]: target.unknown, areas[2]: target.outside, nodes[1]: target.outside"
    );
    let past = schedule_draft(&view.bulletin.id, once("2026-11-22T07:59"), &["thon-1"]);
    assert_eq!(code(&schedules.preview(&author, &past).await.unwrap_err()), "start.past");

    let form = crate::domain::ids::fresh_item_id();
    let good = schedule_draft(&view.bulletin.id, once("2026-11-22T17:30"), &["thon-1"]);
    let one = schedules.create(&author, &good, Some(form.clone())).await.unwrap();
    assert_eq!(
        schedules.create(&author, &good, Some(form.clone())).await.unwrap(),
        one,
        "the same form twice"
    );
    let other = schedule_draft(&view.bulletin.id, once("2026-11-22T18:30"), &["thon-1"]);
    assert_eq!(code(&schedules.create(&author, &other, Some(form)).await.unwrap_err()), "schedule.form_used");
}

#[tokio::test]
async fn receipts_are_kept_once_and_tell_which_villages_heard() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let approver = story.person("minh", Role::Approver, "da-don").await;
    let view = story.approved(&author, &approver).await;
    let draft = schedule_draft(&view.bulletin.id, once("2026-11-22T17:30"), &["da-don"]);
    let schedule = story.services.schedules.create(&author, &draft, None).await.unwrap();
    let nominal = schedule.next.unwrap().at;
    let occurrence = occurrence_id(&schedule.schedule.id, 1, nominal);
    let receipt = |number: u64, outcome: Outcome| Receipt {
        number,
        occurrence,
        item: schedule.schedule.id.clone(),
        revision: 1,
        bulletin: view.bulletin.id.clone(),
        nominal,
        outcome,
        sound: outcome.reason().is_none().then_some(Sound { started: nominal + 7, played_ms: 1_500 }),
        clock: ClockTrust::Trusted,
        written: nominal + 2_000,
        winner: None,
        previous: None,
    };
    let (one, two) = (node("cum-1"), node("cum-2"));
    let played = receipt(1, Outcome::Played);
    let missed = receipt(1, Outcome::Missed(Reason::AudioIncomplete));
    let mut tx = story.services.store().write().await.unwrap();
    for expected in [1, 0] {
        let played = Arrived::unproven(&one, &played, NOON);
        assert_eq!(receipts::insert(&mut tx, &[played]).await.unwrap(), expected);
    }
    let missed = Arrived::unproven(&two, &missed, NOON);
    assert_eq!(receipts::insert(&mut tx, &[missed]).await.unwrap(), 1);
    // A board that was replaced counts from 1 again.
    let replaced =
        Receipt { occurrence: OccurrenceId([9; 16]), nominal: nominal - 1, ..receipt(1, Outcome::Played) };
    let replaced = Arrived::unproven(&one, &replaced, NOON);
    assert_eq!(receipts::insert(&mut tx, &[replaced]).await.unwrap(), 1);
    let online = Presence { boot: BootId([1; 8]), connection: 3, online: true };
    let said = Said { node: &one, at: NOON, word: &online };
    assert_eq!(presence::put(&mut tx, &[said]).await.unwrap(), 1);
    tx.commit().await.unwrap();

    let coverage = story.services.heard.coverage(&author, &view.bulletin.id).await.unwrap();
    let told: Vec<_> = coverage
        .villages
        .iter()
        .map(|v| {
            (v.node.as_str(), v.online, v.last.as_ref().map(|r| (r.outcome.as_str(), r.start_error_ms())))
        })
        .collect();
    assert_eq!(told, [("cum-1", true, Some(("played", Some(7)))), ("cum-2", false, Some(("missed", None)))]);
    assert_eq!(coverage.played(), 1);
    let filter = ReceiptFilter { limit: 100, ..ReceiptFilter::default() };
    let occurrences = story.services.heard.occurrences(&author, &filter).await.unwrap();
    assert_eq!(occurrences.len(), 2);
    assert_eq!((occurrences[0].count("played"), occurrences[0].count("missed")), (1, 1));
    assert_eq!(occurrences[0].title.as_deref(), Some("Lịch cắt điện"));

    // An edit afterwards does not change what was heard.
    let mut renamed = crate::services::story::draft();
    renamed.title = "Hoãn cắt điện".to_owned();
    story.services.bulletins.edit(&author, &view.bulletin.id, &view.seen_words(), &renamed).await.unwrap();
    let occurrences = story.services.heard.occurrences(&author, &filter).await.unwrap();
    assert_eq!(occurrences[0].title.as_deref(), Some("Lịch cắt điện"));
    let elsewhere = story.person("an", Role::Author, "phu-son").await;
    assert_eq!(story.services.heard.occurrences(&elsewhere, &filter).await.unwrap(), []);
    assert_eq!(area("da-don"), *view.bulletin.path.areas().last().unwrap());
}
