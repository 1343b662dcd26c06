//! Every call, as every role in the wrong area, is refused; and as a role that lacks the right, in the right area.
//!
//! The calls are one closed list with the roles that may make them, and a test reads the services' sources to see that
//! none is missing.

mod air;
mod people;
mod places;
mod words;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use crate::domain::role::{Principal, Role};
use crate::services::story::{Story, once, path, schedule_draft};
use crate::services::{BulletinView, ScheduleView, ServiceError};
use crate::store::audit::AuditFilter;
use crate::store::bulletins::BulletinFilter;
use crate::store::receipts::ReceiptFilter;
use crate::store::schedules::ScheduleFilter;

use Role::{Admin, Approver, Author, Technician};

/// What the calls are aimed at: things in Đạ Đờn.
struct Aim<'a> {
    story: &'a Story,
    draft: &'a BulletinView,
    submitted: &'a BulletinView,
    schedule: &'a ScheduleView,
    user: Principal,
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<(), ServiceError>> + 'a>>;
type Try = for<'a> fn(&'a Aim<'a>, &'a Principal) -> Answer<'a>;
/// Name, the roles that may make it, and the call.
type Call = (&'static str, &'static [Role], Try);

macro_rules! call {
    (|$aim:ident, $who:ident| $body:expr) => {{
        use $crate::services::tests::scoping::{Aim, Answer, Try};
        fn call<'a>($aim: &'a Aim<'a>, $who: &'a $crate::domain::role::Principal) -> Answer<'a> {
            Box::pin(async move { $body.await.map(drop) })
        }
        call as Try
    }};
}
use call;

const EVERY: &[Role] = &Role::ALL;

/// All of them; what withdraws comes after what needs things to be there.
fn calls() -> Vec<Call> {
    [places::calls(), people::calls(), air::calls(), words::calls()].concat()
}

#[tokio::test]
async fn every_call_is_refused_in_the_wrong_area_and_to_the_wrong_role() {
    let story = Story::new().await;
    let mut here = Vec::new();
    let mut elsewhere = Vec::new();
    for role in Role::ALL {
        here.push((role, story.person(&format!("{}-here", role.as_str()), role, "da-don").await));
        // Beside it, and below it: a village's rights are not its commune's.
        elsewhere.push((role, story.person(&format!("{}-beside", role.as_str()), role, "phu-son").await));
        elsewhere.push((role, story.person(&format!("{}-below", role.as_str()), role, "thon-2").await));
    }
    let author = story.person("writer", Author, "lam-dong").await;
    let (draft, submitted) = (story.bulletin(&author).await, story.submitted(&author).await);
    let start = schedule_draft(&submitted.bulletin.id, once("2026-11-22T17:30"), &["thon-1"]);
    let schedule = story.services.schedules.create(&author, &start, None).await.unwrap();
    let user = story.person("target", Technician, "da-don").await;
    let aim = Aim { story: &story, draft: &draft, submitted: &submitted, schedule: &schedule, user };

    let mut wrong = BTreeSet::new();
    for (name, roles, call) in calls() {
        for (role, who) in &elsewhere {
            // Whoever is below may look at and act on what lies below, which `cum-2` does.
            let on_village = name == "nodes.revoke" && who.name().ends_with("-below");
            if !on_village && !matches!(call(&aim, who).await, Err(ServiceError::Forbidden(_))) {
                wrong.insert(format!("{name} was not refused to {role:?} {}", who.name()));
            }
        }
        for (role, who) in &here {
            let allowed = roles.contains(role);
            match call(&aim, who).await {
                Ok(()) if allowed => {}
                Err(ServiceError::Forbidden(_)) if !allowed => {}
                answer => {
                    wrong.insert(format!("{name} as {role:?} here: {answer:?}"));
                }
            }
        }
    }
    assert_eq!(wrong, BTreeSet::new());
}

#[tokio::test]
async fn every_list_is_empty_in_the_wrong_area() {
    let story = Story::new().await;
    let author = story.person("writer", Author, "da-don").await;
    let submitted = story.submitted(&author).await;
    let start = schedule_draft(&submitted.bulletin.id, once("2026-11-22T17:30"), &["thon-1"]);
    story.services.schedules.create(&author, &start, None).await.unwrap();
    let services = &story.services;
    for role in Role::ALL {
        let who = story.person(&format!("{}-x", role.as_str()), role, "phu-son").await;
        let inside = path(&["lam-dong", "phu-son"]);
        let lies_inside = |p: &loa_protocol::area::AreaPath| p.areas().starts_with(inside.areas());
        assert!(services.areas.list(&who).await.unwrap().iter().all(|a| lies_inside(&a.path)));
        assert!(services.nodes.list(&who).await.unwrap().iter().all(|(n, _)| lies_inside(&n.path)));
        let filter = BulletinFilter { limit: 100, ..BulletinFilter::default() };
        assert_eq!(services.bulletins.list(&who, &filter).await.unwrap(), []);
        let filter = ScheduleFilter { limit: 100, ..ScheduleFilter::default() };
        assert_eq!(services.schedules.list(&who, &filter).await.unwrap(), []);
        let filter = ReceiptFilter { limit: 100, ..ReceiptFilter::default() };
        assert_eq!(services.heard.receipts(&who, &filter).await.unwrap(), []);
        let filter = AuditFilter { limit: 100, ..AuditFilter::default() };
        match services.audit.list(&who, &filter).await {
            Ok(entries) => {
                assert!(matches!(role, Admin | Approver));
                assert!(entries.iter().all(|e| e.subject_id != submitted.bulletin.id.as_str()));
            }
            Err(error) => assert!(matches!(error, ServiceError::Forbidden(_)), "{error}"),
        }
        assert!(services.nodes.last_health(&who).await.unwrap().is_empty());
        if role != Admin {
            assert!(matches!(services.users.list(&who).await, Err(ServiceError::Forbidden(_))));
        }
    }
    let listed =
        services.bulletins.list(&author, &BulletinFilter { limit: 10, ..BulletinFilter::default() }).await;
    assert_eq!(listed.unwrap()[0].authors, ["writer"]);
}

/// Calls that give what lies in the person's scopes, or concern no place. The lists are tried above.
const WITHOUT_PLACE: [&str; 12] = [
    "areas.list",
    "audit.list",
    "bulletins.list",
    "heard.occurrences",
    "heard.receipts",
    "live_orders.list",
    "nodes.last_health",
    "nodes.list",
    "schedules.list",
    "uploads.begin",
    "users.last_signed_in",
    "users.list",
];

#[test]
fn no_call_is_missing_here() {
    let bulletins = [
        include_str!("../bulletins/consent.rs"),
        include_str!("../bulletins/mod.rs"),
        include_str!("../bulletins/writing.rs"),
        include_str!("../bulletins/deciding.rs"),
        include_str!("../bulletins/tracks.rs"),
    ];
    let sessions = [include_str!("../sessions/mod.rs"), include_str!("../sessions/own.rs")];
    let sources = [
        ("areas", include_str!("../areas.rs").to_owned()),
        ("audit", include_str!("../audit.rs").to_owned()),
        ("bulletins", bulletins.concat()),
        ("heard", include_str!("../heard.rs").to_owned()),
        ("lexicon", include_str!("../lexicon/mod.rs").to_owned()),
        ("live_orders", include_str!("../live_orders.rs").to_owned()),
        ("nodes", include_str!("../nodes.rs").to_owned()),
        ("schedules", include_str!("../schedules.rs").to_owned()),
        ("sessions", sessions.concat()),
        ("sounds", include_str!("../sounds.rs").to_owned()),
        ("speech_data", include_str!("../speech_data.rs").to_owned()),
        ("uploads", include_str!("../uploads.rs").to_owned()),
        ("users", include_str!("../users.rs").to_owned()),
    ];
    let mut there = BTreeSet::new();
    for (group, source) in &sources {
        for declared in source.split("pub async fn ").skip(1) {
            let signature = declared.split('{').next().unwrap();
            if signature.contains("who: &Principal") {
                let name = signature.split(['(', '<']).next().unwrap();
                there.insert(format!("{group}.{name}"));
            }
        }
    }
    let here = calls().into_iter().map(|(name, _, _)| name).chain(WITHOUT_PLACE);
    assert_eq!(there, here.map(str::to_owned).collect());
}
