//! Every call, as every role in the wrong area, is refused; and as a role that lacks the right, in the right area.
//!
//! The calls are one closed list with the roles that may make them, and a test reads the services' sources to see that
//! none is missing.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use loa_protocol::ids::ObjectHash;

use crate::domain::area::AreaDraft;
use crate::domain::bulletin::{ConsentDraft, SourceDraft, TrackDraft};
use crate::domain::lexicon::WordDraft;
use crate::domain::role::{ClassSet, Principal, Role};
use crate::services::story::{Story, area, draft, node, node_draft, once, path, schedule_draft, vietnamese};
use crate::services::{BulletinView, ScheduleView, Seen, ServiceError, Thing, UserDraft};
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
type Call = for<'a> fn(&'a Aim<'a>, &'a Principal) -> Answer<'a>;

macro_rules! call {
    (|$aim:ident, $who:ident| $body:expr) => {{
        fn call<'a>($aim: &'a Aim<'a>, $who: &'a Principal) -> Answer<'a> {
            Box::pin(async move { $body.await.map(drop) })
        }
        call as Call
    }};
}

const EVERY: &[Role] = &Role::ALL;

/// Name, the roles that may make it, and the call.
fn calls() -> Vec<(&'static str, &'static [Role], Call)> {
    vec![
        ("areas.get", EVERY, call!(|a, w| a.story.services.areas.get(w, &area("thon-1")))),
        ("areas.chain", EVERY, call!(|a, w| a.story.services.areas.chain(w, &area("thon-1")))),
        ("areas.settings", EVERY, call!(|a, w| a.story.services.areas.settings(w, &area("thon-1")))),
        ("lexicon.list", EVERY, call!(|a, w| a.story.services.lexicon.list(w, &area("thon-1")))),
        ("lexicon.reader", EVERY, call!(|a, w| a.story.services.lexicon.reader(w, &area("thon-1")))),
        (
            "lexicon.put",
            &[Author, Admin],
            call!(|a, w| async move {
                let draft = WordDraft { written: "TTYT".to_owned(), spoken: "trung tâm y tế".to_owned() };
                a.story.services.lexicon.put(w, &area("thon-1"), None, &draft).await
            }),
        ),
        (
            "lexicon.remove",
            &[Author, Admin],
            call!(|a, w| async move {
                let draft = WordDraft { written: "TYT".to_owned(), spoken: "trạm y tế".to_owned() };
                let lexicon = &a.story.services.lexicon;
                let kept = lexicon.put(&a.story.operator, &area("thon-1"), None, &draft).await.unwrap();
                lexicon.remove(w, &area("thon-1"), &kept.word.id).await
            }),
        ),
        (
            "areas.create",
            &[Admin],
            call!(|a, w| async move {
                let draft =
                    AreaDraft {
                        name: "Thôn 3".to_owned(), level: "thôn".to_owned(), ..AreaDraft::default()
                    };
                a.story.services.areas.create(w, Some(&area("da-don")), &draft).await
            }),
        ),
        (
            "areas.update",
            &[Admin],
            call!(|a, w| async move {
                let draft =
                    AreaDraft {
                        name: "Thôn 1".to_owned(), level: "thôn".to_owned(), ..AreaDraft::default()
                    };
                a.story.services.areas.update(w, &area("thon-1"), &draft).await
            }),
        ),
        (
            "areas.move_to",
            &[Admin],
            call!(|a, w| async move {
                a.story.services.areas.move_to(w, &area("thon-1"), Some(&area("da-don"))).await
            }),
        ),
        (
            "areas.remove",
            &[Admin],
            call!(|a, w| async move {
                let draft =
                    AreaDraft { name: "Tổ 9".to_owned(), level: "tổ".to_owned(), ..AreaDraft::default() };
                let areas = &a.story.services.areas;
                let made = areas.create(&a.story.operator, Some(&area("da-don")), &draft).await?;
                areas.remove(w, &made.id).await
            }),
        ),
        (
            "nodes.remove",
            &[Admin, Technician],
            call!(|a, w| async move {
                let nodes = &a.story.services.nodes;
                let made = nodes.create(&a.story.operator, &node_draft("Cụm 8", "da-don")).await?;
                nodes.remove(w, &made.id).await
            }),
        ),
        (
            "users.rename",
            &[Admin],
            call!(|a, w| async move {
                a.story.services.users.rename(w, a.user.user_id().unwrap(), "Tên mới").await
            }),
        ),
        (
            "nodes.get",
            EVERY,
            call!(|a, w| async move { a.story.services.nodes.get(w, &node("cum-1")).await }),
        ),
        (
            "nodes.health",
            EVERY,
            call!(|a, w| async move { a.story.services.nodes.health(w, &node("cum-1")).await }),
        ),
        (
            "nodes.events",
            EVERY,
            call!(|a, w| async move { a.story.services.nodes.events(w, &node("cum-1")).await }),
        ),
        (
            "nodes.doubts",
            EVERY,
            call!(|a, w| async move { a.story.services.nodes.doubts(w, &node("cum-1")).await }),
        ),
        (
            "nodes.epochs",
            EVERY,
            call!(|a, w| async move { a.story.services.nodes.epochs(w, &node("cum-1")).await }),
        ),
        (
            "nodes.create",
            &[Admin, Technician],
            call!(
                |a, w| async move { a.story.services.nodes.create(w, &node_draft("Cụm 9", "thon-1")).await }
            ),
        ),
        (
            "nodes.update",
            &[Admin, Technician],
            call!(|a, w| async move {
                a.story.services.nodes.update(w, &node("cum-1"), &node_draft("Cụm 1", "thon-1")).await
            }),
        ),
        (
            "nodes.issue_token",
            &[Admin, Technician],
            call!(|a, w| async move {
                a.story.services.nodes.issue_token(w, &node("cum-1"), |_, _| Ok(([1; 32], ()))).await
            }),
        ),
        (
            "nodes.revoke",
            &[Admin, Technician],
            call!(|a, w| async move {
                match a.story.services.nodes.revoke(w, &node("cum-2"), "").await {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        ("users.get", &[Admin], call!(|a, w| a.story.services.users.get(w, a.user.user_id().unwrap()))),
        ("users.by_login", &[Admin], call!(|a, w| a.story.services.users.by_login(w, a.user.name()))),
        (
            "users.create",
            &[Admin],
            call!(|a, w| async move {
                let draft = UserDraft {
                    login: format!("u-{}", w.name()),
                    display_name: "U".to_owned(),
                    home: Some(area("da-don")),
                };
                a.story.services.users.create(w, &draft).await
            }),
        ),
        (
            "users.grant",
            &[Admin],
            call!(|a, w| async move {
                let (user, place) = (a.user.user_id().unwrap(), area("da-don"));
                a.story.services.users.grant(w, user, Author, Some(&place), ClassSet::ALL).await
            }),
        ),
        (
            "users.ungrant",
            &[Admin],
            call!(|a, w| async move {
                let (user, place) = (a.user.user_id().unwrap(), area("da-don"));
                match a.story.services.users.ungrant(w, user, Author, Some(&place)).await {
                    Err(ServiceError::NotFound(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        (
            "users.set_disabled",
            &[Admin],
            call!(|a, w| a.story.services.users.set_disabled(w, a.user.user_id().unwrap(), false)),
        ),
        (
            "users.issue_sign_in_link",
            &[Admin],
            call!(|a, w| a.story.services.users.issue_sign_in_link(w, a.user.user_id().unwrap())),
        ),
        (
            "sessions.revoke_all",
            &[Admin],
            call!(|a, w| a.story.services.sessions.revoke_all(w, a.user.user_id().unwrap())),
        ),
        ("bulletins.get", EVERY, call!(|a, w| a.story.services.bulletins.get(w, &a.draft.bulletin.id))),
        (
            "bulletins.history",
            EVERY,
            call!(|a, w| a.story.services.bulletins.history(w, &a.draft.bulletin.id)),
        ),
        (
            "bulletins.revision",
            EVERY,
            call!(|a, w| a.story.services.bulletins.revision(w, &a.draft.bulletin.id, 1)),
        ),
        (
            "bulletins.create",
            &[Author],
            call!(|a, w| async move {
                a.story.services.bulletins.create(w, &area("thon-1"), &draft(), None).await
            }),
        ),
        (
            "bulletins.edit",
            &[Author],
            call!(|a, w| async move {
                let seen = Seen { revision: 1, digest: None };
                a.story.services.bulletins.edit(w, &a.draft.bulletin.id, &seen, &draft()).await
            }),
        ),
        (
            "bulletins.put_track",
            &[Author],
            call!(|a, w| async move {
                let source =
                    SourceDraft::Speech { text: String::new(), voice: String::new(), words_per_minute: None };
                let track = TrackDraft { language: "vi".to_owned(), source };
                let seen = Seen { revision: 1, digest: None };
                a.story.services.bulletins.put_track(w, &a.draft.bulletin.id, &seen, track, None).await
            }),
        ),
        (
            "bulletins.to_record",
            &[Author],
            call!(|a, w| a.story.services.bulletins.to_record(w, &a.draft.bulletin.id)),
        ),
        (
            "live_orders.give",
            &[Author, Approver],
            call!(|a, w| a.story.services.live_orders.give(w, &area("thon-1"), false, "phát nhầm")),
        ),
        (
            "live_orders.cancel",
            &[Author, Approver],
            call!(|a, w| async move {
                let id = &a.submitted.bulletin.id;
                match a.story.services.live_orders.cancel(w, id, None, "báo nhầm").await {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        (
            "live_orders.get",
            EVERY,
            call!(|a, w| async move {
                let (orders, operator) = (&a.story.services.live_orders, &a.story.operator);
                let given = orders.give(operator, &area("thon-1"), true, "hết báo động").await?;
                orders.get(w, &given.order.id).await
            }),
        ),
        ("speech_data.collect", &[], call!(|a, w| a.story.services.speech_data.collect(w))),
        ("speech_data.note_fetched", &[], call!(|a, w| a.story.services.speech_data.note_fetched(w))),
        (
            "speech_data.close",
            &[],
            call!(|a, w| async move { a.story.services.speech_data.close(w).await.map(drop) }),
        ),
        (
            "bulletins.recording_reports",
            EVERY,
            call!(|a, w| a.story.services.bulletins.recording_reports(w, &a.draft.bulletin.id)),
        ),
        (
            "bulletins.consents",
            EVERY,
            call!(|a, w| a.story.services.bulletins.consents(w, &a.draft.bulletin.id)),
        ),
        (
            "bulletins.note_consent",
            &[Author],
            call!(|a, w| async move {
                let consent = ConsentDraft { speaker: "K' Brèo".to_owned(), place: String::new() };
                let (id, nothing) = (&a.draft.bulletin.id, ObjectHash::of(b"nothing"));
                match a.story.services.bulletins.note_consent(w, id, &nothing, &consent).await {
                    Err(ServiceError::NotFound(Thing::Track)) => Ok(()),
                    other => other,
                }
            }),
        ),
        (
            "bulletins.withdraw_consent",
            &[Author, Approver],
            call!(|a, w| async move {
                let nothing = ObjectHash::of(b"nothing");
                match a.story.services.bulletins.withdraw_consent(w, &a.draft.bulletin.id, &nothing).await {
                    Err(ServiceError::NotFound(Thing::Consent)) => Ok(()),
                    other => other,
                }
            }),
        ),
        (
            "bulletins.remove_track",
            &[Author],
            call!(|a, w| async move {
                let seen = Seen { revision: 1, digest: None };
                a.story.services.bulletins.remove_track(w, &a.draft.bulletin.id, &seen, &vietnamese()).await
            }),
        ),
        (
            "bulletins.retry_track",
            &[Author],
            call!(|a, w| async move {
                let view =
                    a.story.services.bulletins.get(&Principal::operator(), &a.draft.bulletin.id).await?;
                a.story
                    .services
                    .bulletins
                    .retry_track(w, &a.draft.bulletin.id, &view.latest.tracks[0].id)
                    .await
            }),
        ),
        (
            "bulletins.submit",
            &[Author],
            call!(|a, w| async move {
                let seen = Seen { revision: 1, digest: None };
                match a.story.services.bulletins.submit(w, &a.draft.bulletin.id, &seen).await {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        (
            "bulletins.reject",
            &[Approver],
            call!(|a, w| async move {
                match a
                    .story
                    .services
                    .bulletins
                    .reject(w, &a.submitted.bulletin.id, &a.submitted.seen(), "")
                    .await
                {
                    Err(ServiceError::Invalid(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        (
            "bulletins.approve",
            &[Approver],
            call!(|a, w| async move {
                match a
                    .story
                    .services
                    .bulletins
                    .approve(w, &a.submitted.bulletin.id, &a.submitted.seen(), "")
                    .await
                {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        ("schedules.get", EVERY, call!(|a, w| a.story.services.schedules.get(w, &a.schedule.schedule.id))),
        (
            "schedules.preview",
            &[Author, Approver],
            call!(|a, w| async move {
                let draft = schedule_draft(&a.submitted.bulletin.id, once("2026-11-22T17:30"), &["thon-1"]);
                a.story.services.schedules.preview(w, &draft).await
            }),
        ),
        (
            "schedules.create",
            &[Author, Approver],
            call!(|a, w| async move {
                let draft = schedule_draft(&a.submitted.bulletin.id, once("2026-11-22T17:30"), &["thon-1"]);
                a.story.services.schedules.create(w, &draft, None).await
            }),
        ),
        (
            "schedules.cancel",
            &[Author, Approver],
            call!(|a, w| async move {
                match a.story.services.schedules.cancel(w, &a.schedule.schedule.id).await {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        ("heard.coverage", EVERY, call!(|a, w| a.story.services.heard.coverage(w, &a.submitted.bulletin.id))),
        (
            "sounds.get",
            EVERY,
            call!(|a, w| async move {
                let object = a.submitted.latest.tracks[0].object.unwrap();
                a.story.services.sounds.get(w, &object).await
            }),
        ),
        (
            "bulletins.withdraw",
            &[Author, Approver],
            call!(|a, w| async move {
                match a.story.services.bulletins.withdraw(w, &a.submitted.bulletin.id).await {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
    ]
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
