//! Every page of the contract, for an administrator with rows, and for a stranger.

use super::*;
use crate::domain::role::{ClassSet, Role};
use crate::services::story::{once, schedule_draft};

/// A person who may do everything, and their browser.
async fn administrator(web: &Web) -> (Principal, Browser) {
    let who = web.story.person("quan.tri", Role::Admin, "").await;
    let users = &web.story.services.users;
    for role in [Role::Author, Role::Approver, Role::Technician] {
        let id = who.user_id().unwrap();
        users.grant(&web.story.operator, id, role, None, ClassSet::ALL).await.unwrap();
    }
    let browser = web.browser(&who).await;
    let view = users.get(&web.story.operator, who.user_id().unwrap()).await.unwrap();
    (Principal::user(view.user.id, "quan.tri", view.grants), browser)
}

#[tokio::test]
async fn every_page_answers_an_administrator_and_leads_a_stranger_to_the_door() {
    let web = Web::new().await;
    let (admin, mut browser) = administrator(&web).await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let approved = web.story.approved(&lan, &admin).await;
    let bulletin = &approved.bulletin.id;
    let schedule = schedule_draft(bulletin, once("2026-11-22T17:30"), &["da-don"]);
    let schedule = web.story.services.schedules.create(&admin, &schedule, None).await.unwrap().schedule.id;
    let user = lan.user_id().unwrap();
    let paths = [
        "/".to_owned(),
        "/bulletins".to_owned(),
        "/bulletins?state=approved&before=zz".to_owned(),
        "/bulletins/new".to_owned(),
        format!("/bulletins/{bulletin}"),
        format!("/bulletins/{bulletin}/edit"),
        "/schedules".to_owned(),
        format!("/schedules/new?bulletin={bulletin}"),
        format!("/schedules/{schedule}"),
        format!("/schedules/{schedule}?days=31"),
        "/areas".to_owned(),
        "/areas/da-don".to_owned(),
        "/areas/da-don/words?say=K%27Ho".to_owned(),
        "/nodes".to_owned(),
        "/nodes?q=1&area=da-don&link=waiting&page=9".to_owned(),
        "/nodes/new?area=thon-1".to_owned(),
        "/nodes/cum-1".to_owned(),
        "/nodes/cum-1/revoke".to_owned(),
        "/heard".to_owned(),
        format!("/heard?from=2026-11-01&to=banana&area=da-don&outcome=played&bulletin={bulletin}&node=cum-1"),
        "/orders".to_owned(),
        "/alerts".to_owned(),
        "/alerts/new".to_owned(),
        format!("/orders?bulletin={bulletin}"),
        "/speech-data".to_owned(),
        "/users".to_owned(),
        format!("/users/{user}"),
        "/account".to_owned(),
        "/audit".to_owned(),
        "/audit?subject=cum-1&before=9999".to_owned(),
    ];
    for language in ["vi", "en"] {
        browser.cookies.insert("lang".to_owned(), language.to_owned());
        for path in &paths {
            let page = web.get(&mut browser, path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
            assert!(page.html.contains(&format!("<html lang=\"{language}\"")), "{path}");
            assert!(!page.html.contains('⟦'), "{path}: {}", page.html);
            // Nobody else's cache keeps it.
            assert_eq!(page.headers[header::CACHE_CONTROL], "private, no-cache", "{path}");
        }
    }
    let mut stranger = Browser::default();
    for path in &paths {
        let door = web.get(&mut stranger, path).await;
        assert!(door.to().starts_with("/sign-in"), "{path}: {}", door.to());
        assert!(door.html.is_empty(), "{path}");
    }
    let home = web.get(&mut browser, "/").await.page().html;
    assert!(home.contains("Lịch cắt điện") && home.contains("17:30"), "{home}");
}

#[tokio::test]
async fn what_is_not_there_is_a_page_and_not_there_for_programs_is_a_problem() {
    let web = Web::new().await;
    let (_, mut browser) = administrator(&web).await;
    for path in ["/none", "/bulletins/none", "/bulletins/..%2f", "/nodes/none", "/users/none"] {
        let page = web.get(&mut browser, path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.html.contains("Không tìm thấy"), "{path}: {}", page.html);
    }
    let wrong = web.get(&mut browser, "/sign-out").await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(wrong.html.contains("<h1"), "{}", wrong.html);
    let api = web.get(&mut browser, "/api/v1/none").await;
    assert_eq!(api.headers[header::CONTENT_TYPE], "application/problem+json");
    let stranger = web.get(&mut Browser::default(), "/none").await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND);
}
