//! The pages on which emergencies are given, approved, watched and stopped.

use super::*;
use crate::domain::role::Role;
use crate::services::AlertView;
use crate::store::alert_answers::{self, SoundingAnswer};

async fn the_only(web: &Web) -> AlertView {
    web.story.services.alerts.list(&web.story.operator, 9).await.unwrap().remove(0)
}

#[tokio::test]
async fn an_exercise_is_given_heard_approved_watched_and_stopped_on_the_pages() {
    let web = Web::new().await;
    web.story.enrolled("cum-1", "0a").await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let minh = web.story.person("minh", Role::Approver, "da-don").await;
    let mut author = web.browser(&lan).await;
    let home = web.get(&mut author, "/").await.page().html;
    assert!(home.contains("href=\"/alerts\""), "{home}");
    let form = web.get(&mut author, "/alerts/new").await.page().form("/alerts");
    let empty = web.send(&mut author, &form.clone().without("areas")).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.html.contains("Hãy chọn ít nhất một địa bàn") && empty.html.contains("Hãy nhập tiêu đề"));
    let form =
        form.without("areas").with("areas", "da-don").with("title", "Lũ quét").with("severity", "severe");
    let form = form.with("text", "Nước suối đang lên.").with("status", "exercise");
    let form = form.with("minutes", "60").with("rounds", "2");
    let given = web.send(&mut author, &form).await;
    let path = given.to().to_owned();
    assert_eq!(web.send(&mut author, &form).await.to(), path, "a double click gives one");
    let page = web.follow(&mut author, &given).await.html;
    assert!(page.contains("DIỄN TẬP: Lũ quét") && page.contains("alert-banner-exercise"), "{page}");
    assert!(page.contains("Đang tạo tiếng nói") && page.contains("Cần 2 người khác duyệt"), "{page}");
    assert!(!page.contains("Duyệt và phát ngay"), "nobody approves their own");

    web.story.make_sounds().await;
    for approver in [&hoa, &minh] {
        let mut browser = web.browser(approver).await;
        let page = web.get(&mut browser, &path).await.page();
        assert!(page.html.contains("<audio") && page.html.contains("Chờ duyệt"), "{}", page.html);
        let approved = web.send(&mut browser, &page.form(&format!("{path}/approve"))).await;
        assert_eq!(approved.to(), path);
    }
    let view = the_only(&web).await;
    assert_eq!(view.state.as_str(), "sent");
    let sounding = SoundingAnswer {
        node: crate::services::story::node("cum-1"),
        alert: view.alert.id.clone(),
        received: web.story.clock.now(),
        started: web.story.clock.now() + 900,
    };
    let mut tx = web.story.services.store().write().await.unwrap();
    alert_answers::note_sounding(&mut tx, &[sounding], web.story.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    let page = web.get(&mut author, &path).await.page();
    assert!(page.html.contains("<strong class=\"num\">1</strong> đã phát ra loa"), "{}", page.html);
    let end = page.form(&format!("{path}/end")).with("deed", "cancel");
    let silent = web.send(&mut author, &end.clone().with("reason", " ")).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(silent.html.contains("id=\"reason-error\""), "{}", silent.html);
    let stopped = web.send(&mut author, &end.with("reason", "Diễn tập xong")).await;
    let page = web.follow(&mut author, &stopped).await.html;
    assert!(page.contains("Đã dừng") && page.contains("Lý do: Diễn tập xong"), "{page}");
    let list = web.get(&mut author, "/alerts").await.page().html;
    assert!(list.contains("alert-mark-exercise") && list.contains(&format!("href=\"{path}\"")), "{list}");
}

#[tokio::test]
async fn a_template_begins_on_the_page_with_the_words_that_are_shipped() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let form = web.get(&mut browser, "/alerts").await.page().form("/alerts/templates");
    let unsaid = web.send(&mut browser, &form.clone().with("kind", "storm")).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    let made = web.send(&mut browser, &form.with("kind", "storm").with("area", "da-don")).await;
    assert!(made.to().starts_with("/bulletins/"), "{}", made.to());
    let bulletin = web.follow(&mut browser, &made).await.html;
    assert!(bulletin.contains("Cảnh báo bão") && bulletin.contains("gọi số 112"), "{bulletin}");
    let list = web.get(&mut browser, "/alerts").await.page().html;
    assert!(list.contains("Đã duyệt 0/2"), "{list}");
    let normal = crate::domain::role::ClassSet::of([loa_protocol::bulletin::Class::Normal]);
    let binh = web.story.person_for("binh", Role::Author, "da-don", normal).await;
    let mut reader = web.browser(&binh).await;
    let seen = web.get(&mut reader, "/alerts").await.page().html;
    assert!(!seen.contains("href=\"/alerts/new\"") && !seen.contains("/alerts/templates"), "{seen}");
}
