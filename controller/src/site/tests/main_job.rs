//! Written, submitted, approved by another, scheduled: all through the pages.

use super::*;
use crate::domain::role::Role;
use crate::services::story::node;

const TEXT: &str = "Kính mời bà con <script>alert(1)</script> đến nhà văn hóa lúc 19 giờ.";

/// Fills the compose page; `then` is the button.
async fn written(web: &Web, browser: &mut Browser, then: &str) -> Form {
    let page = web.get(browser, "/bulletins/new").await.page();
    page.form("/bulletins")
        .with("title", "Mời họp thôn <b>3</b>")
        .with("text", TEXT)
        .with("category", "local_notice")
        .with("class", "normal")
        .with("area", "da-don")
        .with("speak", "vi")
        .with("voice", "vi:vi-vn-x-south")
        .with("then", then)
}

#[tokio::test]
async fn an_officer_writes_another_approves_and_it_is_scheduled() {
    let web = Web::new().await;
    let (lan, hoa) = (
        web.story.person("lan", Role::Author, "da-don").await,
        web.story.person("hoa", Role::Approver, "da-don").await,
    );
    let (mut at_lan, mut at_hoa) = (web.browser(&lan).await, web.browser(&hoa).await);

    let form = written(&web, &mut at_lan, "save").await;
    let saved = web.send(&mut at_lan, &form).await;
    let bulletin = saved.to().to_owned();
    let draft = web.follow(&mut at_lan, &saved).await;
    assert!(draft.html.contains("Đã lưu bản nháp."), "{}", draft.html);
    // What was typed is text, never a tag.
    assert!(!draft.html.contains("<script>alert") && !draft.html.contains("<b>3"), "{}", draft.html);
    assert!(draft.html.contains("&#60;script&#62;"), "{}", draft.html);
    // The outcome is told once.
    assert!(!web.get(&mut at_lan, &bulletin).await.page().html.contains("Đã lưu bản nháp."));

    let sent = web.send(&mut at_lan, &draft.form(&format!("{bulletin}/submit"))).await;
    assert!(web.follow(&mut at_lan, &sent).await.html.contains("Đã trình duyệt."));

    // Nothing can be approved before it can be heard.
    let waiting = web.get(&mut at_hoa, "/").await.page();
    assert!(waiting.html.contains(&format!("href=\"{bulletin}\"")), "{}", waiting.html);
    let page = web.get(&mut at_hoa, &bulletin).await.page();
    assert!(!page.html.contains(&format!("{bulletin}/approve")));
    assert!(page.html.contains("còn bản tiếng chưa tạo xong"), "{}", page.html);
    web.story.make_sounds().await;
    let page = web.get(&mut at_hoa, &bulletin).await.page();
    assert!(page.html.contains("<audio"), "{}", page.html);
    let approved = web.send(&mut at_hoa, &page.form(&format!("{bulletin}/approve"))).await;
    let page = web.follow(&mut at_hoa, &approved).await;
    assert!(page.html.contains("Đã duyệt bản tin."), "{}", page.html);

    // The sound that was approved is served, and can be sought.
    let audio = page.html.split("src=\"/api/").nth(1).unwrap().split('"').next().unwrap();
    let request = Request::get(format!("/api/{audio}")).header(header::RANGE, "bytes=0-4");
    let sound = web.answer(&mut at_hoa, request, Body::empty()).await;
    assert_eq!((sound.status, sound.html.len()), (StatusCode::PARTIAL_CONTENT, 5));

    let id = bulletin.trim_start_matches("/bulletins/");
    let page = web.get(&mut at_lan, &format!("/schedules/new?bulletin={id}")).await.page();
    let form = page
        .form("/schedules")
        .with("bulletin", id)
        .with("mode", "weekly")
        .with("day", "mon")
        .with("day", "fri")
        .with("times", "5h30, 17:00")
        .with("area", "thon-1")
        .with("node", "cum-2");
    let preview =
        web.send(&mut at_lan, &Form { action: "/schedules/preview".to_owned(), ..form.clone() }).await;
    let preview = preview.page().html;
    assert!(preview.contains("23/11/2026 17:00") && preview.contains("27/11/2026 05:30"), "{preview}");
    assert!(preview.contains("Có lượt phát trong giờ yên tĩnh"), "{preview}");

    let scheduled = web.send(&mut at_lan, &form).await;
    let schedules = web.follow(&mut at_lan, &scheduled).await.html;
    assert!(schedules.contains("Thứ Hai, Thứ Sáu lúc 05:30"), "{schedules}");
    assert!(schedules.contains("Thứ Hai, Thứ Sáu lúc 17:00"), "{schedules}");
    // The same form once more, by a double click, makes nothing more.
    web.send(&mut at_lan, &form).await.to();
    let all = crate::store::schedules::ScheduleFilter { limit: 10, ..Default::default() };
    let views = web.story.services.schedules.list(&lan, &all).await.unwrap();
    assert_eq!(views.len(), 2);
    assert!(views.iter().all(|v| v.is_on_air() && v.schedule.values.nodes == [node("cum-2")]));

    let cancel = Form { action: format!("/schedules/{}/cancel", views[0].schedule.id), ..form };
    assert_eq!(web.send(&mut at_lan, &cancel.with("next", "https://a.example/")).await.to(), "/schedules");

    let page = web.get(&mut at_lan, &bulletin).await.page();
    let withdrawn = web.send(&mut at_lan, &page.form(&format!("{bulletin}/withdraw"))).await;
    let page = web.follow(&mut at_lan, &withdrawn).await.html;
    for deed in ["Soạn bản tin", "Trình duyệt", "Duyệt", "Thu hồi"] {
        assert!(page.contains(&format!("<strong>{deed}</strong>")), "{deed}: {page}");
    }
}

#[tokio::test]
async fn a_form_sent_twice_makes_one_bulletin_and_save_and_submit_is_one_step() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let form = written(&web, &mut browser, "submit").await;
    let first = web.send(&mut browser, &form).await.to().to_owned();
    assert_eq!(web.send(&mut browser, &form).await.to(), first);
    let list = web.get(&mut browser, "/bulletins").await.page().html;
    assert_eq!(list.matches("class=\"cell-title\" href=\"/bulletins/").count(), 1, "{list}");
    assert!(web.get(&mut browser, &first).await.page().html.contains("Chờ duyệt"));
    assert!(web.get(&mut browser, "/bulletins?state=draft").await.page().html.contains("Không có kết quả"));
}

#[tokio::test]
async fn nobody_approves_their_own_and_the_page_says_why() {
    let web = Web::new().await;
    let both = web.story.person("minh", Role::Author, "da-don").await;
    let (users, id) = (&web.story.services.users, both.user_id().unwrap());
    let place = crate::services::story::area("da-don");
    let all = crate::domain::role::ClassSet::ALL;
    users.grant(&web.story.operator, id, Role::Approver, Some(&place), all).await.unwrap();
    let mut browser = web.browser(&both).await;
    let view = web.story.submitted(&both).await;
    let path = format!("/bulletins/{}", view.bulletin.id);
    let page = web.get(&mut browser, &path).await.page();
    assert!(page.html.contains("Người soạn không tự duyệt bản tin của mình"), "{}", page.html);
    assert!(!page.html.contains("/approve"), "the button is not offered");
    // Sent all the same, it is refused, with the reason.
    let form = Form { action: format!("{path}/approve"), ..page.form(&format!("{path}/withdraw")) };
    let refused = web.send(&mut browser, &form).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.html.contains("không được tự duyệt"), "{}", refused.html);
    let after = web.story.services.bulletins.get(&both, &view.bulletin.id).await.unwrap();
    assert_eq!(after.bulletin.on_air, None);
}

#[tokio::test]
async fn what_was_rejected_goes_back_with_its_reason() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let view = web.story.submitted(&lan).await;
    let path = format!("/bulletins/{}", view.bulletin.id);
    let mut browser = web.browser(&hoa).await;
    let form = web.get(&mut browser, &path).await.page().form(&format!("{path}/reject"));
    let refused = web.send(&mut browser, &form.clone().with("comment", "  ")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("Hãy ghi ý kiến"), "{}", refused.html);
    let sent = web.send(&mut browser, &form.with("comment", "Sai số điện thoại")).await;
    let page = web.follow(&mut browser, &sent).await.html;
    assert!(
        page.contains("Bị trả lại") && page.contains("<blockquote>Sai số điện thoại</blockquote>"),
        "{page}"
    );
}
