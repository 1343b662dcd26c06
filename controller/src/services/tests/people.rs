//! Signing in, sessions, and who may do what to whom.

use loa_protocol::bulletin::Class;

use crate::auth::token::Token;
use crate::domain::role::{ClassSet, Role};
use crate::services::story::{NOON, PASSPHRASE, Story, area};
use crate::services::{Origin, ServiceError, UserDraft};
use crate::store::audit::AuditFilter;
use crate::store::{Columns as _, query, users};

fn code(error: &ServiceError) -> &'static str {
    error.message().code
}

fn at(address: &str) -> Origin {
    Origin { address: Some(address.to_owned()), user_agent: Some("test".to_owned()) }
}

#[tokio::test]
async fn a_link_signs_in_once_then_the_passphrase_does() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let sessions = &story.services.sessions;
    let refused = sessions.sign_in("lan", PASSPHRASE, &at("a")).await.unwrap_err();
    assert_eq!(code(&refused), "sign_in.refused", "no passphrase yet");

    let link =
        story.services.users.issue_sign_in_link(&story.operator, lan.user_id().unwrap()).await.unwrap();
    let first = sessions.sign_in_by_link(&link, &at("a")).await.unwrap();
    assert_eq!(code(&sessions.sign_in_by_link(&link, &at("a")).await.unwrap_err()), "link.dead");
    let visit = sessions.visit(&first.token, &at("a")).await.unwrap();
    assert_eq!(visit.principal.grants, lan.grants);

    let short = sessions.set_passphrase(&visit, "", "ngắn").await.unwrap_err();
    assert_eq!(code(&short), "passphrase.too_short");
    sessions.set_passphrase(&visit, "", PASSPHRASE).await.unwrap();
    let second = sessions.sign_in(" LAN ", PASSPHRASE, &at("b")).await.unwrap();
    let wrong = sessions.set_passphrase(&visit, "không phải", "một câu khác hẳn").await.unwrap_err();
    assert_eq!(code(&wrong), "passphrase.wrong");
    sessions.set_passphrase(&visit, PASSPHRASE, "một câu khác hẳn").await.unwrap();
    let ended = sessions.visit(&second.token, &at("b")).await.unwrap_err();
    assert_eq!(code(&ended), "session.over", "a new passphrase ends the other sessions");
    sessions.visit(&first.token, &at("a")).await.unwrap();
}

#[tokio::test]
async fn a_link_ends_and_a_later_one_replaces_it() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let id = lan.user_id().unwrap();
    let (users, sessions) = (&story.services.users, &story.services.sessions);
    let old = users.issue_sign_in_link(&story.operator, id).await.unwrap();
    let link = users.issue_sign_in_link(&story.operator, id).await.unwrap();
    assert_eq!(code(&sessions.sign_in_by_link(&old, &at("a")).await.unwrap_err()), "link.dead");
    story.clock.advance(i64::from(story.config.limits.sign_in_link_h) * 3_600_000);
    assert_eq!(code(&sessions.sign_in_by_link(&link, &at("a")).await.unwrap_err()), "link.dead");
}

#[tokio::test]
async fn sessions_end_by_idleness_age_revocation_and_disabling() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let sessions = &story.services.sessions;
    let idle_ms = i64::from(story.config.limits.session_idle_min) * 60_000;

    let visit = story.visit(&lan).await;
    let mut age = 0;
    while age + idle_ms < i64::from(story.config.limits.session_max_h) * 3_600_000 {
        story.clock.advance(idle_ms);
        age += idle_ms;
        sessions.visit(&visit.token, &at("a")).await.unwrap();
    }
    story.clock.advance(idle_ms);
    assert_eq!(code(&sessions.visit(&visit.token, &at("a")).await.unwrap_err()), "session.over", "age");

    let visit = story.visit(&lan).await;
    story.clock.advance(idle_ms + 1);
    assert_eq!(code(&sessions.visit(&visit.token, &at("a")).await.unwrap_err()), "session.over", "idleness");
    let count = async || {
        let mut tx = story.services.store().read().await.unwrap();
        let row = query("SELECT COUNT(*) AS number FROM session").fetch_one(&mut tx).await.unwrap();
        row.number::<u32>("number").unwrap()
    };
    assert!(count().await >= 2);
    let stop = tokio_util::sync::CancellationToken::new();
    let purging = tokio::spawn(sessions.clone().keep_purged(stop.clone()));
    let purged = async {
        while count().await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), purged).await.unwrap();
    stop.cancel();
    purging.await.unwrap();

    let visit = story.visit(&lan).await;
    let other = story.visit(&lan).await;
    assert_eq!(sessions.list(&visit).await.unwrap().len(), 2);
    sessions.revoke(&visit, &other.session.id).await.unwrap();
    assert_eq!(
        code(&sessions.visit(&other.token, &at("a")).await.unwrap_err()),
        "session.over",
        "revocation"
    );
    let stranger = story.person("minh", Role::Author, "da-don").await;
    let stranger = story.visit(&stranger).await;
    let theirs = sessions.revoke(&stranger, &visit.session.id).await.unwrap_err();
    assert_eq!(code(&theirs), "session.not_found", "not one's own");

    // Even a session that was left behind opens nothing.
    let mut tx = story.services.store().write().await.unwrap();
    users::set_disabled(&mut tx, lan.user_id().unwrap(), Some(NOON)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(code(&sessions.visit(&visit.token, &at("a")).await.unwrap_err()), "session.over", "disabled");
    story.services.users.set_disabled(&story.operator, lan.user_id().unwrap(), false).await.unwrap();
    sessions.visit(&visit.token, &at("a")).await.unwrap();
    story.services.users.set_disabled(&story.operator, lan.user_id().unwrap(), true).await.unwrap();
    assert_eq!(code(&sessions.visit(&visit.token, &at("a")).await.unwrap_err()), "session.over", "disabling");
    assert_eq!(code(&sessions.visit(&Token::presented("x"), &at("a")).await.unwrap_err()), "session.over");
}

#[tokio::test]
async fn guessing_is_slowed_down_by_name_and_by_address() {
    let story = Story::new().await;
    story.person("lan", Role::Author, "da-don").await;
    let sessions = &story.services.sessions;
    for i in 0..10 {
        let refused = sessions.sign_in("lan", "sai", &at(&format!("10.0.0.{i}"))).await.unwrap_err();
        assert_eq!(code(&refused), "sign_in.refused");
    }
    let slowed = sessions.sign_in("lan", "sai", &at("10.0.1.1")).await.unwrap_err();
    assert!(matches!(slowed, ServiceError::Throttled { retry_after_ms: 30_000 }), "{slowed}");
    story.clock.advance(30_000);
    let refused = sessions.sign_in("lan", "sai", &at("10.0.1.1")).await.unwrap_err();
    assert_eq!(code(&refused), "sign_in.refused");
    // Links are guessed by nobody, but trying is not free either.
    for _ in 0..30 {
        let dead = sessions.sign_in_by_link(&Token::presented("x"), &at("10.9.9.9")).await.unwrap_err();
        assert_eq!(code(&dead), "link.dead");
    }
    let slowed = sessions.sign_in("nobody", "sai", &at("10.9.9.9")).await.unwrap_err();
    assert!(matches!(slowed, ServiceError::Throttled { .. }), "{slowed}");
}

#[tokio::test]
async fn an_administrator_hands_out_no_more_than_they_hold() {
    let story = Story::new().await;
    let ordinary = ClassSet::of([Class::Normal]);
    let admin = story.person_for("quan", Role::Admin, "da-don", ordinary).await;
    let users = &story.services.users;
    let draft = |login: &str, home: &str| UserDraft {
        login: login.to_owned(),
        display_name: login.to_owned(),
        home: Some(area(home)),
    };
    let lan = users.create(&admin, &draft("lan", "thon-1")).await.unwrap();
    users.grant(&admin, &lan.id, Role::Author, Some(&area("thon-1")), ordinary).await.unwrap();
    for (place, classes) in [(Some("da-don"), ClassSet::ALL), (Some("phu-son"), ordinary), (None, ordinary)] {
        let place = place.map(area);
        let refused = users.grant(&admin, &lan.id, Role::Author, place.as_ref(), classes).await.unwrap_err();
        assert_eq!(code(&refused), "forbidden.users", "{place:?} {classes}");
    }
    assert_eq!(code(&users.create(&admin, &draft("an", "phu-son")).await.unwrap_err()), "forbidden.users");
    assert_eq!(code(&users.create(&admin, &draft("lan", "da-don")).await.unwrap_err()), "login.taken");

    // A person whom somebody else gave more is beyond this administrator.
    users
        .grant(&story.operator, &lan.id, Role::Approver, Some(&area("da-don")), ClassSet::ALL)
        .await
        .unwrap();
    let refused = users.issue_sign_in_link(&admin, &lan.id).await.unwrap_err();
    assert_eq!(code(&refused), "forbidden.users", "a link is as good as their passphrase");
    let smaller = users.grant(&admin, &lan.id, Role::Approver, Some(&area("da-don")), ordinary).await;
    assert_eq!(code(&smaller.unwrap_err()), "forbidden.users", "replacing a grant takes it away");
    let kept = users.get(&story.operator, &lan.id).await.unwrap().grants;
    assert!(kept.iter().any(|g| g.role == Role::Approver && g.classes == ClassSet::ALL), "{kept:?}");
    let own = users.set_disabled(&admin, admin.user_id().unwrap(), true).await.unwrap_err();
    assert_eq!(code(&own), "user.oneself");
    let taken = users.ungrant(&story.operator, &lan.id, Role::Approver, Some(&area("da-don"))).await.unwrap();
    assert_eq!(taken.grants.len(), 1);
    users.issue_sign_in_link(&admin, &lan.id).await.unwrap();
}

#[tokio::test]
async fn whoever_lost_the_passphrase_sets_another_for_a_short_time_after_a_link() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let sessions = &story.services.sessions;
    let first = story.visit(&lan).await;
    sessions.set_passphrase(&first, "", PASSPHRASE).await.unwrap();
    let reload = async |token: &Token| sessions.visit(token, &at("a")).await.unwrap();
    let first = reload(&first.token).await;
    let again = sessions.set_passphrase(&first, "", "một câu khác hẳn").await.unwrap_err();
    assert_eq!(code(&again), "passphrase.wrong", "the link serves once");

    let known = sessions.sign_in("lan", PASSPHRASE, &at("b")).await.unwrap();
    let known = reload(&known.token).await;
    assert_eq!(known.session.sets_passphrase_until(NOON), None);
    let asked = sessions.set_passphrase(&known, "", "một câu khác hẳn").await.unwrap_err();
    assert_eq!(code(&asked), "passphrase.wrong", "who came by passphrase gives it");

    let late = story.visit(&lan).await;
    story.clock.advance(15 * 60_000);
    let late = reload(&late.token).await;
    let refused = sessions.set_passphrase(&late, "", "một câu khác hẳn").await.unwrap_err();
    assert_eq!(code(&refused), "passphrase.wrong", "a quarter of an hour later the old one is asked for");

    let lost = story.visit(&lan).await;
    story.clock.advance(15 * 60_000 - 1);
    let lost = reload(&lost.token).await;
    sessions.set_passphrase(&lost, "", "một câu khác hẳn").await.unwrap();
    for other in [&first, &known, &late] {
        let over = sessions.visit(&other.token, &at("a")).await.unwrap_err();
        assert_eq!(code(&over), "session.over", "all other sessions end");
    }
    assert_eq!(sessions.list(&lost).await.unwrap().len(), 1);
    sessions.sign_in("lan", "một câu khác hẳn", &at("c")).await.unwrap();
    let all = AuditFilter { limit: 100, ..AuditFilter::default() };
    let log = story.services.audit.list(&story.operator, &all).await.unwrap();
    let set = log.iter().filter(|deed| deed.action.starts_with("user.passphrase_set"));
    let set: Vec<&str> = set.map(|deed| deed.action.as_str()).collect();
    assert_eq!(set, ["user.passphrase_set_by_link", "user.passphrase_set"]);
}

#[tokio::test]
async fn a_session_left_alone_too_long_is_not_listed() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    story.visit(&lan).await;
    story.clock.advance(3 * 3_600_000);
    let visit = story.visit(&lan).await;
    let listed = story.services.sessions.list(&visit).await.unwrap();
    assert_eq!(listed.iter().map(|s| &s.id).collect::<Vec<_>>(), [&visit.session.id]);
}

#[tokio::test]
async fn a_person_is_renamed_and_signs_in_as_before() {
    let story = Story::new().await;
    let chief = story.person("chief", Role::Admin, "da-don").await;
    let who = story.person("lan", Role::Author, "da-don").await;
    let users = &story.services.users;
    let id = who.user_id().unwrap();
    let renamed = users.rename(&chief, id, "  Cil  Lan ").await.unwrap();
    assert_eq!((renamed.user.display_name.as_str(), renamed.user.login.as_str()), ("Cil Lan", "lan"));
    let empty = users.rename(&chief, id, " ").await.unwrap_err();
    assert_eq!(empty.message().code, "name.empty");
    let elsewhere = story.person("other", Role::Admin, "phu-son").await;
    assert!(matches!(users.rename(&elsewhere, id, "X").await, Err(ServiceError::Forbidden(_))));
}

#[tokio::test]
async fn a_new_passphrase_ends_the_link_that_is_still_on_its_way() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let visit = story.visit(&lan).await;
    let link = story.services.users.issue_sign_in_link(&story.operator, &visit.user.id).await.unwrap();
    story.services.sessions.set_passphrase(&visit, "", PASSPHRASE).await.unwrap();
    let refused = story.services.sessions.sign_in_by_link(&link, &at("a")).await.unwrap_err();
    assert_eq!(code(&refused), "link.dead");
}
