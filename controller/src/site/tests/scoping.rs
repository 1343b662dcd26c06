//! Another commune's people see nothing of this one, and the pages tell them nothing of it.

use super::*;
use crate::domain::role::Role;

#[tokio::test]
async fn another_area_is_refused_and_its_titles_stay_there() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let view = web.story.approved(&lan, &hoa).await;
    let id = view.bulletin.id.to_string();
    let other = web.story.person("xuan", Role::Author, "phu-son").await;
    let mut browser = web.browser(&other).await;
    let form = web.get(&mut browser, "/bulletins/new").await.page().form("/bulletins");

    for path in [
        format!("/bulletins/{id}"),
        format!("/bulletins/{id}/edit"),
        "/nodes/cum-1".to_owned(),
        format!("/live?topics=bulletin:{id}"),
        "/live?topics=node:cum-1".to_owned(),
        "/users".to_owned(),
        "/audit".to_owned(),
    ] {
        let refused = web.get(&mut browser, &path).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.html);
        assert!(!refused.html.contains("Lịch cắt điện"), "{path}: {}", refused.html);
    }
    for action in ["submit", "approve", "withdraw", "edit"] {
        let form = Form { action: format!("/bulletins/{id}/{action}"), ..form.clone() };
        let refused = web.send(&mut browser, &form.with("seen", &view.seen().to_string())).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{action}: {}", refused.html);
        assert!(!refused.html.contains("Lịch cắt điện"), "{action}: {}", refused.html);
    }
    for path in ["/", "/bulletins", "/schedules", "/heard", "/nodes", "/areas", "/schedules/new"] {
        let page = web.get(&mut browser, path).await.page().html;
        assert!(!page.contains("Lịch cắt điện") && !page.contains("Cụm 1"), "{path}: {page}");
    }
    // Written for an area of others, a bulletin is refused, and nothing of it is lost.
    let form = form.with("area", "da-don").with("title", "Cho xã khác").with("text", "Bà con chú ý");
    let refused = web.send(&mut browser, &form.with("category", "general").with("class", "normal")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.html);
}
