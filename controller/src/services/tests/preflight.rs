//! What will sound is said before it does, by the rules that nodes obey.

use loa_protocol::ids::{BootId, ItemId};
use loa_protocol::plan::Zone;
use loa_protocol::receipt::{Outcome, Reason, Receipt, Sound};
use loa_protocol::report::{ClockTrust, State, StorageState};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{OwnGuards, occurrence_id};

use super::super::story::*;
use super::super::{Preflight, PreflightOf, PreflightStart, ServiceError};
use crate::domain::area::AreaDraft;
use crate::domain::area_rules::AreaRulesDraft;
use crate::domain::role::{Principal, Role};
use crate::domain::schedule::{ScheduleDraft, StartDraft};
use crate::domain::schedule_rules::ScheduleRulesDraft;
use crate::services::BulletinView;
use crate::store::receipts::{self, Arrived};
use crate::store::{Said, reports};

struct Staff {
    lan: Principal,
    binh: Principal,
}

async fn commune() -> (Story, Staff) {
    let story = Story::new().await;
    for (node, serial) in [("cum-1", "01"), ("cum-2", "02"), ("cum-x", "03")] {
        story.enrolled(node, serial).await;
    }
    let lan = story.person("lan", Role::Author, "da-don").await;
    let binh = story.person("binh", Role::Approver, "da-don").await;
    (story, Staff { lan, binh })
}

impl Staff {
    async fn approved(&self, story: &Story) -> BulletinView {
        story.approved(&self.lan, &self.binh).await
    }

    async fn schedule(
        &self,
        story: &Story,
        bulletin: &BulletinView,
        start: StartDraft,
        areas: &[&str],
    ) -> ItemId {
        let draft =
            ScheduleDraft { start_within_s: Some(1), ..schedule_draft(&bulletin.bulletin.id, start, areas) };
        story.services.schedules.create(&self.lan, &draft, None).await.unwrap().schedule.id
    }
}

async fn set_rules(story: &Story, place: &str, rules: AreaRulesDraft) {
    story.services.areas.set_rules(&story.operator, &area(place), &rules).await.unwrap();
}

async fn look(story: &Story, who: &Principal, of: PreflightOf) -> Preflight {
    story.services.preflights.run(who, of, 7).await.unwrap()
}

/// `village+village: outcomes of each start`, one line a group.
fn told(preflight: &Preflight) -> Vec<String> {
    let group = |group: &super::super::PreflightGroup| {
        let villages: Vec<&str> = group.villages.iter().map(|v| v.area.as_str()).collect();
        let starts = group.starts.iter().map(|start| match start.start.outcome.reason() {
            None => "played".to_owned(),
            Some(reason) => format!("{} {}", start.start.outcome.as_str(), reason.as_str()),
        });
        format!("{}: {}", villages.join("+"), starts.collect::<Vec<_>>().join(", "))
    };
    preflight.groups.iter().map(group).collect()
}

#[tokio::test]
async fn villages_in_which_the_same_happens_are_one_group_and_households_are_counted_where_known() {
    let (story, staff) = commune().await;
    let bulletin = staff.approved(&story).await;
    let schedule = staff.schedule(&story, &bulletin, once("2026-11-23T17:30"), &["da-don"]).await;
    let asked = PreflightOf::Schedule(schedule.clone());
    let both = look(&story, &staff.lan, asked.clone()).await;
    assert_eq!(told(&both), ["thon-1+thon-2: played"], "the other commune hears nothing of it");
    let start = &both.groups[0].starts[0].start;
    assert_eq!((start.sound_ms, start.sounds[0].0), (1_500, start.planned));
    assert_eq!((both.nodes(), both.households().known, both.households().unknown_villages), (2, 0, 2));

    let households = AreaRulesDraft { households: "312".to_owned(), ..AreaRulesDraft::default() };
    set_rules(&story, "thon-1", households).await;
    let known = look(&story, &staff.lan, asked.clone()).await.households();
    assert_eq!((known.known, known.unknown_villages), (312, 1));

    // A village that hears no Vietnamese and has no track of its own gets the Vietnamese one; one that has one, its own.
    let koho = AreaDraft {
        name: "Thôn 2".to_owned(),
        level: "thôn".to_owned(),
        languages: vec!["kpm".to_owned(), "vi".to_owned()],
        ..AreaDraft::default()
    };
    story.services.areas.update(&story.operator, &area("thon-2"), &koho).await.unwrap();
    let apart = look(&story, &staff.lan, asked).await;
    assert_eq!(told(&apart), ["thon-1: played", "thon-2: played"]);
    assert_eq!(apart.groups[1].languages[0].as_str(), "kpm");
    assert_eq!(apart.groups[1].starts[0].start.languages, [vietnamese()]);
}

#[tokio::test]
async fn a_guard_that_refuses_is_named_with_the_area_that_states_it() {
    let (story, staff) = commune().await;
    let bulletin = staff.approved(&story).await;
    let night = staff.schedule(&story, &bulletin, once("2026-11-23T22:00"), &["da-don"]).await;
    let asked = PreflightOf::Schedule(night);
    assert_eq!(told(&look(&story, &staff.lan, asked.clone()).await), ["thon-1+thon-2: played"]);

    set_rules(&story, "lam-dong", AreaRulesDraft { quiet_hours: "11h-13h".to_owned(), ..Default::default() })
        .await;
    set_rules(&story, "da-don", AreaRulesDraft { quiet_hours: "21h-6h".to_owned(), ..Default::default() })
        .await;
    let refused = look(&story, &staff.lan, asked.clone()).await;
    assert_eq!(told(&refused), ["thon-1+thon-2: missed quiet_hours"]);
    let start = &refused.groups[0].starts[0];
    assert_eq!((start.forbidden_by.as_slice(), start.rule()), (&["Đạ Đờn".to_owned()][..], Some("G3")));
    let why = start.why().unwrap();
    assert!(why.vi.contains("giờ yên tĩnh") && why.vi.contains("Đạ Đờn"), "{why}");
    assert_eq!(refused.households().unknown_villages, 0, "nobody hears it");

    // A village may be stricter than its commune, not laxer.
    set_rules(&story, "thon-1", AreaRulesDraft { quiet_hours: "0h-1h".to_owned(), ..Default::default() })
        .await;
    assert_eq!(told(&look(&story, &staff.lan, asked).await), ["thon-1+thon-2: missed quiet_hours"]);
}

#[tokio::test]
async fn budgets_count_what_is_planned_since_the_morning() {
    let (story, staff) = commune().await;
    let bulletin = staff.approved(&story).await;
    set_rules(&story, "thon-1", AreaRulesDraft { sessions_a_day: "1".to_owned(), ..Default::default() })
        .await;
    let daily = |hour: &str| StartDraft::Cron(format!("0 {hour} * * *"));
    let draft = |hour: &str| ScheduleDraft {
        valid_until: "2026-11-24T00:00".to_owned(),
        ..schedule_draft(&bulletin.bulletin.id, daily(hour), &["da-don"])
    };
    story.services.schedules.create(&staff.lan, &draft("12"), None).await.unwrap();
    let evening = PreflightOf::Drafts(vec![draft("17")]);
    let seen = look(&story, &staff.lan, evening.clone()).await;
    assert_eq!(
        told(&seen),
        ["thon-1: missed sessions_spent, missed sessions_spent", "thon-2: played, played"],
        "today and tomorrow"
    );
    // What was made after its hour had nothing to do today.
    story.clock.advance(5 * 3_600_000);
    let noon_gone = story.services.schedules.create(&staff.lan, &draft("11"), None).await.unwrap();
    let asked = PreflightOf::Schedule(noon_gone.schedule.id);
    let starts = look(&story, &staff.lan, asked).await.groups[0].starts.len();
    assert_eq!(starts, 1, "only tomorrow's");
}

/// What a node's receipt says of a schedule's start.
async fn receipt(story: &Story, id: &str, of: (&ItemId, &BulletinView), number: u64, heard: Option<Sound>) {
    let nominal = local("2026-11-22T12:00");
    let receipt = Receipt {
        number,
        occurrence: occurrence_id(of.0, of.1.latest.number, nominal),
        item: of.0.clone(),
        revision: of.1.latest.number,
        bulletin: of.1.bulletin.id.clone(),
        nominal,
        outcome: heard.map_or(Outcome::Missed(Reason::SpeakerFailed), |_| Outcome::Played),
        sound: heard,
        clock: ClockTrust::Trusted,
        written: nominal + 2_000,
        winner: None,
        previous: None,
    };
    let mut tx = story.services.store().write().await.unwrap();
    let id = node(id);
    let arrived = Arrived::unproven(&id, &receipt, story.clock.now());
    receipts::insert(&mut tx, &[arrived]).await.unwrap();
    tx.commit().await.unwrap();
}

fn local(text: &str) -> UnixMs {
    let naive = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap();
    naive.and_local_timezone(chrono_tz::Asia::Ho_Chi_Minh).unwrap().to_utc().into()
}

/// A node says what it is and what its board forbids.
async fn reports(story: &Story, id: &str, own_guards: Option<OwnGuards>) {
    let state = State {
        boot: BootId([1; 8]),
        firmware: "0.1.0".to_owned(),
        keys: None,
        desired: None,
        plans: Vec::new(),
        objects_ready: 0,
        fetching: Vec::new(),
        clock: ClockTrust::Trusted,
        storage: StorageState::Good,
        volume_percent: None,
        orders: Vec::new(),
        own_guards,
        alerts: Vec::new(),
    };
    let mut tx = story.services.store().write().await.unwrap();
    let id = node(id);
    let said = Said { node: &id, at: story.clock.now(), word: &state };
    reports::put_states(&mut tx, &[said]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn budgets_of_today_count_what_was_heard_and_not_what_was_planned() {
    let (story, staff) = commune().await;
    let bulletin = staff.approved(&story).await;
    set_rules(&story, "da-don", AreaRulesDraft { sessions_a_day: "1".to_owned(), ..Default::default() })
        .await;
    let noon = staff.schedule(&story, &bulletin, once("2026-11-22T12:00"), &["da-don"]).await;
    let evening = staff.schedule(&story, &bulletin, once("2026-11-22T17:00"), &["da-don"]).await;
    story.clock.advance(5 * 3_600_000);
    let now = async || told(&look(&story, &staff.lan, PreflightOf::Schedule(evening.clone())).await);
    let spent = "missed sessions_spent";
    assert_eq!(
        now().await,
        [format!("thon-1+thon-2: {spent}")],
        "boards that are not connected do as planned"
    );
    reports(&story, "cum-2", None).await;
    assert_eq!(
        now().await,
        [format!("thon-1: {spent}"), "thon-2: played".to_owned()],
        "it has nothing to tell"
    );
    // Of two receipts the later holds.
    receipt(&story, "cum-1", (&noon, &bulletin), 1, None).await;
    assert_eq!(now().await, ["thon-1+thon-2: played"], "it told that nothing was heard");
    let heard = Some(Sound { started: local("2026-11-22T12:00") + 4, played_ms: 1_500 });
    receipt(&story, "cum-2", (&noon, &bulletin), 1, heard).await;
    assert_eq!(now().await, ["thon-1: played".to_owned(), format!("thon-2: {spent}")]);
}

#[tokio::test]
async fn a_board_s_own_rules_count_and_are_named_as_its_own() {
    let (story, staff) = commune().await;
    let bulletin = staff.approved(&story).await;
    let night = staff.schedule(&story, &bulletin, once("2026-11-23T20:30"), &["da-don"]).await;
    let guards = AreaRulesDraft { quiet_hours: "20h-5h".to_owned(), ..Default::default() };
    let guards = guards.check().unwrap().guards;
    let own = OwnGuards { guards, zone: Zone(chrono_tz::Asia::Ho_Chi_Minh) };
    reports(&story, "cum-1", Some(own.clone())).await;
    let asked = PreflightOf::Schedule(night);
    let seen = look(&story, &staff.lan, asked.clone()).await;
    assert_eq!(told(&seen), ["thon-1: missed quiet_hours", "thon-2: played"]);
    let start = &seen.groups[0].starts[0];
    assert!(start.start.forbidden_by_board && start.forbidden_by.is_empty());
    assert!(start.why().unwrap().vi.contains("quy định cài riêng trên cụm loa"), "{:?}", start.why());
    assert_eq!(story.services.nodes.own_guards(&staff.lan, &node("cum-1")).await.unwrap(), Some(own));

    set_rules(&story, "da-don", AreaRulesDraft { quiet_hours: "20h-6h".to_owned(), ..Default::default() })
        .await;
    let both = look(&story, &staff.lan, asked.clone()).await;
    assert_eq!(told(&both), ["thon-1: missed quiet_hours", "thon-2: missed quiet_hours"]);
    let why = both.groups[0].starts[0].why().unwrap();
    assert!(why.vi.contains("quy định của Đạ Đờn và quy định cài riêng"), "{why}");
    // A board whose file was changed says so, and its old rules are gone.
    set_rules(&story, "da-don", AreaRulesDraft::default()).await;
    reports(&story, "cum-1", None).await;
    assert_eq!(told(&look(&story, &staff.lan, asked).await), ["thon-1+thon-2: played"]);
}

#[tokio::test]
async fn days_left_out_do_not_sound_and_rounds_count_in_the_length() {
    let (story, staff) = commune().await;
    let bulletin = staff.approved(&story).await;
    // 27 December, 08:00.
    story.clock.advance(35 * 86_400_000);
    let mut draft =
        schedule_draft(&bulletin.bulletin.id, StartDraft::Cron("30 17 * * *".to_owned()), &["thon-1"]);
    draft.rules = ScheduleRulesDraft {
        excluded_dates: "30/12/2026".to_owned(),
        not_on: vec!["vn-public-holidays".to_owned()],
        rounds: Some(2),
        gap_s: Some(20),
        ..ScheduleRulesDraft::default()
    };
    let made = story.services.schedules.create(&staff.lan, &draft, None).await.unwrap();
    for of in [PreflightOf::Schedule(made.schedule.id.clone()), PreflightOf::Area(area("da-don"))] {
        let seen = look(&story, &staff.lan, of).await;
        let group = seen.groups.iter().find(|group| group.sounds()).unwrap();
        let day = |start: &PreflightStart| {
            let planned = start.start.planned.to_utc().unwrap().with_timezone(&group.zone);
            planned.format("%d/%m").to_string()
        };
        let days: Vec<String> = group.starts.iter().map(day).collect();
        assert_eq!(days, ["27/12", "28/12", "29/12", "31/12", "02/01"]);
        for PreflightStart { start, .. } in &group.starts {
            assert_eq!(start.sound_ms, 3_000, "twice 1.5 s");
            assert_eq!(start.sounds, [(start.planned, start.planned + 23_000)], "with 20 s between");
        }
    }
    let upcoming =
        story.services.schedules.upcoming(std::slice::from_ref(&made), story.clock.now() + 7 * 86_400_000);
    assert_eq!(upcoming.len(), 5, "the pages say the same");
    assert_eq!(
        made.calendars.values().map(|name| name.vi.as_str()).collect::<Vec<_>>(),
        ["Ngày nghỉ lễ, Tết"]
    );
}

#[tokio::test]
async fn who_goes_first_is_named_with_what_it_keeps_from_sounding() {
    let (story, staff) = commune().await;
    let (first, second) = (staff.approved(&story).await, staff.approved(&story).await);
    let at = "2026-11-23T17:30";
    let one = staff.schedule(&story, &first, once(at), &["da-don"]).await;
    let other = staff.schedule(&story, &second, once(at), &["thon-1"]).await;
    let seen = look(&story, &staff.lan, PreflightOf::Schedule(other.clone())).await;
    assert_eq!(
        told(&seen),
        ["thon-1: missed yielded"],
        "the wider area goes before, and its 1.5 s are too long"
    );
    let start = &seen.groups[0].starts[0];
    assert_eq!(start.start.winner.as_ref().map(|(id, _)| id), Some(&one));
    assert_eq!(start.start.outcome, Outcome::Missed(Reason::Yielded));
    let seen = look(&story, &staff.lan, PreflightOf::Schedule(one)).await;
    assert_eq!(told(&seen), ["thon-1: played, missed yielded", "thon-2: played"], "with what it displaces");
}

#[tokio::test]
async fn a_draft_is_looked_at_before_it_is_saved_or_approved() {
    let (story, staff) = commune().await;
    let bulletin = story.bulletin(&staff.lan).await;
    let draft = schedule_draft(&bulletin.bulletin.id, once("2026-11-23T17:30"), &["thon-1"]);
    let seen = look(&story, &staff.lan, PreflightOf::Drafts(vec![draft.clone()])).await;
    assert_eq!(told(&seen), ["thon-1: played"]);
    assert_eq!(seen.notes.iter().map(|note| note.code).collect::<Vec<_>>(), ["preflight.not_approved"]);
    let all = look(&story, &story.operator, PreflightOf::Everywhere).await;
    assert_eq!(told(&all), ["thon-1+thon-2+thon-x: "], "nothing was stored");

    let past = ScheduleDraft { start: once("2020-01-01T00:00"), ..draft.clone() };
    let both = PreflightOf::Drafts(vec![draft.clone(), past]);
    let refused = story.services.preflights.run(&staff.lan, both, 7).await.unwrap_err();
    assert!(
        matches!(&refused, ServiceError::Invalid(e) if e.to_string() == "schedules[1].at: start.past"),
        "{refused}"
    );
    let stranger = story.person("nam", Role::Author, "phu-son").await;
    let refused = story.services.preflights.run(&stranger, PreflightOf::Drafts(vec![draft]), 7).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
    let refused = story.services.preflights.run(&stranger, PreflightOf::Area(area("da-don")), 7).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn what_is_too_much_is_refused_before_it_is_calculated() {
    let (story, staff) = commune().await;
    let bulletin = staff.approved(&story).await;
    let draft =
        |cron: &str| schedule_draft(&bulletin.bulletin.id, StartDraft::Cron(cron.to_owned()), &["da-don"]);
    let run = async |drafts: Vec<ScheduleDraft>, days: u32| {
        story.services.preflights.run(&staff.lan, PreflightOf::Drafts(drafts), days).await
    };
    let each_minute = run(vec![draft("* * * * *")], 31).await;
    assert!(
        matches!(&each_minute, Err(ServiceError::TooLarge(m)) if m.code == "preflight.too_much"),
        "{each_minute:?}"
    );
    let many = run(vec![draft("0 6 * * *"); 1_001], 1).await;
    assert!(
        matches!(&many, Err(ServiceError::Invalid(e)) if e.to_string() == "schedules: preflight.too_many"),
        "{many:?}"
    );
    for days in [0, 32] {
        let refused = run(vec![draft("0 6 * * *")], days).await;
        assert!(
            matches!(&refused, Err(ServiceError::Invalid(e)) if e.to_string() == "days: preflight.days"),
            "{refused:?}"
        );
    }
    // As many as a plan holds are looked at.
    let thousand = run(vec![draft("0 6 * * *"); 1_000], 1).await.unwrap();
    assert_eq!(thousand.groups[0].starts.len(), 1_000);
}

#[tokio::test]
async fn rules_of_an_area_are_the_administrators_and_are_audited() {
    let (story, staff) = commune().await;
    let admin = story.person("quan.tri", Role::Admin, "da-don").await;
    let rules = AreaRulesDraft { volume_ceiling_percent: "60".to_owned(), ..Default::default() };
    let areas = &story.services.areas;
    let refused = areas.set_rules(&staff.lan, &area("thon-1"), &rules).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
    let refused = areas.set_rules(&admin, &area("phu-son"), &rules).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
    let wrong = AreaRulesDraft { volume_ceiling_percent: "600".to_owned(), ..Default::default() };
    let refused = areas.set_rules(&admin, &area("da-don"), &wrong).await;
    assert!(matches!(refused, Err(ServiceError::Invalid(_))), "{refused:?}");
    areas.set_rules(&admin, &area("da-don"), &rules).await.unwrap();
    let held = areas.rules(&staff.lan, &area("thon-1")).await.unwrap();
    assert_eq!(held.above[0].1.guards.volume_ceiling_percent, Some(60), "the village inherits it");
    let filter = crate::store::audit::AuditFilter { limit: 1, ..Default::default() };
    let last = story.services.audit.list(&admin, &filter).await.unwrap();
    assert_eq!(last[0].action, "area.rules_changed");
}
