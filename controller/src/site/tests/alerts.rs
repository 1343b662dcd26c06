//! The pages on which emergencies are given, approved, watched and stopped.

use super::*;
use crate::domain::alert::AlertDraft;
use crate::domain::area_rules::AreaRulesDraft;
use crate::domain::role::{Principal, Role};
use crate::services::AlertView;
use crate::services::story::alert_draft;
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

/// Gives the usual alert of these areas, its sound made.
async fn given(web: &Web, who: &Principal, areas: &[&str]) -> AlertView {
    let id = web.story.services.alerts.give(who, &alert_draft(areas), None).await.unwrap().alert.id;
    web.story.make_sounds().await;
    web.story.services.alerts.get(who, &id).await.unwrap()
}

/// Whether the head of a page says that one thing waits.
fn one_waits(html: &str) -> bool {
    let count = html.split("class=\"count-tag\"").nth(1).and_then(|rest| rest.split("</span>").next());
    count.is_some_and(|count| count.ends_with(">1"))
}

#[tokio::test]
async fn approvers_are_told_wherever_they_are_that_an_emergency_waits() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let view = given(&web, &lan, &["thon-1"]).await;
    let link = format!("href=\"/alerts/{}\"", view.alert.id);
    let mut approver = web.browser(&hoa).await;
    let today = web.get(&mut approver, "/").await.page().html;
    assert!(today.contains(&link), "{today}");
    assert!(one_waits(&today), "{today}");
    let mut author = web.browser(&lan).await;
    assert!(!one_waits(&web.get(&mut author, "/").await.page().html), "not their own");
    web.story.services.alerts.approve(&hoa, &view.alert.id, &view.seen()).await.unwrap();
    let today = web.get(&mut approver, "/").await.page().html;
    assert!(!today.contains(&link), "{today}");
}

#[tokio::test]
async fn the_page_of_the_day_shows_what_is_in_force_until_it_is_over() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let view = given(&web, &lan, &["thon-1"]).await;
    let banner = format!("<a href=\"/alerts/{}\"><strong>", view.alert.id);
    let thu = web.story.person("thu", Role::Technician, "thon-1").await;
    let mut villager = web.browser(&thu).await;
    assert!(!web.get(&mut villager, "/").await.page().html.contains(&banner), "it is not approved");
    for name in ["hoa", "minh"] {
        let who = web.story.person(name, Role::Approver, "da-don").await;
        web.story.services.alerts.approve(&who, &view.alert.id, &view.seen()).await.unwrap();
    }
    let today = web.get(&mut villager, "/").await.page().html;
    assert!(today.contains(&banner) && today.contains("hiệu lực đến"), "{today}");
    let bay = web.story.person("bay", Role::Technician, "thon-2").await;
    let mut neighbour = web.browser(&bay).await;
    assert!(!web.get(&mut neighbour, "/").await.page().html.contains(&banner), "it sounds elsewhere");
    web.story.clock.advance(3_600_000);
    assert!(!web.get(&mut villager, "/").await.page().html.contains(&banner), "its hour is over");
}

#[tokio::test]
async fn the_form_says_whom_each_place_reaches_and_how_many_approve() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let rules = AreaRulesDraft { households: "210".to_owned(), ..AreaRulesDraft::default() };
    let operator = &web.story.operator;
    web.story
        .services
        .areas
        .set_rules(operator, &crate::services::story::area("thon-1"), &rules)
        .await
        .unwrap();
    let mut author = web.browser(&lan).await;
    let form = web.get(&mut author, "/alerts/new").await.page().html;
    let row = |area: &str| {
        let from = form.split(&format!("value=\"{area}\"")).nth(1).unwrap_or_default();
        from.split("</li>").next().unwrap_or_default().to_owned()
    };
    for (area, said) in [
        ("thon-1", "210 hộ · Cần 1 người khác duyệt"),
        ("thon-2", "Chưa khai số hộ · Cần 2 người khác duyệt"),
        ("da-don", "Đã khai 210 hộ; còn nơi chưa khai số hộ · Cần 2 người khác duyệt"),
    ] {
        assert!(row(area).contains(said), "{area}: {}", row(area));
    }
}

#[tokio::test]
async fn a_decision_that_is_not_taken_is_answered_on_the_alerts_own_page() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let view = given(&web, &lan, &["thon-1"]).await;
    let path = format!("/alerts/{}", view.alert.id);
    let mut author = web.browser(&lan).await;
    let end = web.get(&mut author, &path).await.page().form(&format!("{path}/end"));
    let misspelt = web.send(&mut author, &end.clone().with("deed", "cancle").with("reason", "x")).await;
    assert_eq!(misspelt.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(the_only(&web).await.state.as_str(), "waiting", "nothing was silenced");
    let cancel = end.with("deed", "cancel").with("reason", "Báo nhầm");
    assert_eq!(web.send(&mut author, &cancel).await.to(), path);
    let again = web.send(&mut author, &cancel).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.html.contains("đã được dừng") && again.html.contains("Lũ quét"), "{}", again.html);
}

#[tokio::test]
async fn a_correction_is_read_by_whoever_may_not_see_the_former_one() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let former = given(&web, &lan, &["thon-2"]).await;
    let draft = AlertDraft {
        corrects: former.alert.id.to_string(),
        title: "Đính chính".to_owned(),
        text: "Không có lũ.".to_owned(),
        ..alert_draft(&["thon-1"])
    };
    let right = web.story.services.alerts.give(&lan, &draft, None).await.unwrap();
    let thu = web.story.person("thu", Role::Approver, "thon-1").await;
    let mut villager = web.browser(&thu).await;
    let path = format!("/alerts/{}", right.alert.id);
    let page = web.get(&mut villager, &path).await.page().html;
    let link = format!("/alerts/{}", former.alert.id);
    assert!(page.contains("Đính chính") && !page.contains(&link), "{page}");
    let mut author = web.browser(&lan).await;
    assert!(web.get(&mut author, &path).await.page().html.contains(&link));
}

#[tokio::test]
async fn an_order_names_the_emergency_that_reaches_farther() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let minh = web.story.person("minh", Role::Approver, "da-don").await;
    let view = given(&web, &lan, &["thon-1", "thon-2"]).await;
    for who in [&hoa, &minh] {
        web.story.services.alerts.approve(who, &view.alert.id, &view.seen()).await.unwrap();
    }
    let orders = &web.story.services.live_orders;
    orders.give(&hoa, &crate::services::story::area("thon-1"), true, "Hết báo động").await.unwrap();
    let mut browser = web.browser(&hoa).await;
    let page = web.get(&mut browser, "/orders").await.page().html;
    assert!(
        page.contains("Vẫn còn hiệu lực") && page.contains(&format!("/alerts/{}", view.alert.id)),
        "{page}"
    );
}
