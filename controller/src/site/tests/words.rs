//! The words of an area: its page, and the text check that adds to them.

use super::*;
use crate::domain::bulletin::Spoken;
use crate::domain::lexicon::WordDraft;
use crate::domain::role::Role;
use crate::store::tracks;

#[tokio::test]
async fn what_is_not_understood_is_shown_and_one_click_makes_it_a_word_of_the_area() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let form = web.get(&mut browser, "/bulletins/new").await.page().form("/bulletins");
    let form = Form { action: "/bulletins/check".to_owned(), ..form }.with("area", "thon-1");
    let form = form.with("text", "Bà con 𝒳𝒴 chú ý:\r\nmai họp ở KDTX <b>Xqwz</b> lúc 7h30.");
    let check = web.send(&mut browser, &form).await.page().html;
    assert!(
        check.contains("Chữ viết tắt chưa biết") && check.contains("Từ không phải tiếng Việt"),
        "{check}"
    );
    assert!(!check.contains("<b>Xqwz"), "{check}");
    // Two letters outside the basic plane are four units, the line end is one.
    assert!(check.contains("data-from=\"29\" data-to=\"33\" data-written=\"KDTX\""), "{check}");
    assert!(check.contains(">bảy giờ ba mươi phút</mark>"), "{check}");

    let add = Form { action: "/bulletins/check/words".to_owned(), ..form.clone() };
    let add = add.with("written", "KDTX").with("spoken", "khu dân tộc xã");
    let added = web.send(&mut browser, &add).await.page().html;
    assert!(added.contains("Đã lưu từ “KDTX”") && !added.contains("data-written=\"KDTX\""), "{added}");
    assert!(added.contains("data-written=\"Xqwz\"") && added.contains("khu dân tộc xã"), "{added}");
    let refused = web.send(&mut browser, &add.with("x", "y").without("spoken")).await.page().html;
    assert!(refused.contains("Hãy nhập cách đọc"), "{refused}");

    let page = web.get(&mut browser, "/areas/thon-1/words").await.page().html;
    assert!(page.contains("KDTX") && page.contains("khu dân tộc xã"), "{page}");
    // Of another area nothing changes, and nobody from there may change it here.
    let other = web.story.person("xuan", Role::Author, "phu-son").await;
    let mut elsewhere = web.browser(&other).await;
    let stranger = web.get(&mut elsewhere, "/bulletins/new").await.page().form("/bulletins");
    let stranger = Form { action: "/bulletins/check/words".to_owned(), ..stranger };
    let stranger = stranger.with("area", "da-don").with("written", "KDTX").with("spoken", "khác");
    let refused = web.send(&mut elsewhere, &stranger.with("text", "KDTX họp")).await.page().html;
    assert!(refused.contains("không có quyền sửa từ"), "{refused}");
    assert_eq!(web.get(&mut elsewhere, "/areas/thon-1/words").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_page_of_words_adds_changes_tries_and_removes() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let path = "/areas/da-don/words";
    let form = web.get(&mut browser, path).await.page().form(path);
    let empty = web.send(&mut browser, &form.clone().with("written", " ").with("spoken", "…")).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.html.contains("Hãy nhập từ") && empty.html.contains("Hãy nhập cách đọc"), "{}", empty.html);

    let first = web.send(&mut browser, &form.clone().with("written", "<i>KDT").with("spoken", "khu A")).await;
    let page = web.follow(&mut browser, &first).await.html;
    assert!(page.contains("Đã lưu từ “&#60;i&#62;KDT”"), "{page}");
    let again = web.send(&mut browser, &form.clone().with("written", "<i>KDT").with("spoken", "khu B")).await;
    assert_eq!(again.status, StatusCode::OK);
    assert!(again.html.contains("Trước đây địa bàn này đọc là “khu A”"), "{}", again.html);
    let round = web.send(&mut browser, &form.with("written", "Đung").with("spoken", "Đung")).await;
    assert!(round.html.contains("dẫn trở lại chính từ"), "{}", round.html);

    let tried =
        web.get(&mut browser, "/areas/da-don/words?say=%3Ci%3EKDT%20l%C3%BAc%207h30").await.page().html;
    assert!(tried.contains("<mark class=\"mark-read\" title=\"&#60;i&#62;KDT\">"), "{tried}");
    assert!(tried.contains("bảy giờ ba mươi phút"), "{tried}");
    let words = web.story.services.lexicon.list(&lan, &crate::services::story::area("da-don")).await.unwrap();
    let id = words.iter().find(|view| view.word.written == "<i>KDT").unwrap().word.id.to_string();
    let edit = web.get(&mut browser, &format!("{path}?word={id}")).await.page();
    assert!(edit.html.contains("value=\"khu B\""), "{}", edit.html);
    let remove = edit.form(&format!("{path}/{id}/remove"));
    let removed = web.send(&mut browser, &remove).await;
    assert!(web.follow(&mut browser, &removed).await.html.contains("Đã xóa từ"));
    assert_eq!(web.send(&mut browser, &remove).await.status, StatusCode::NOT_FOUND);

    let admin = web.story.person("quan", Role::Admin, "").await;
    let mut browser = web.browser(&admin).await;
    let log = web.get(&mut browser, "/audit").await.page().html;
    assert!(log.contains("Xóa từ của địa bàn") && log.contains("href=\"/areas/da-don/words\""), "{log}");
}

#[tokio::test]
async fn an_approver_sees_what_was_not_understood() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let draft = crate::domain::bulletin::BulletinDraft {
        text: "The village meeting will start tomorrow morning near the school.".to_owned(),
        ..crate::services::story::draft()
    };
    let area = crate::services::story::area("da-don");
    let view = web.story.services.bulletins.create(&lan, &area, &draft, None).await.unwrap();
    web.story.services.bulletins.submit(&lan, &view.bulletin.id, &view.seen()).await.unwrap();
    let mut browser = web.browser(&hoa).await;
    let page = web.get(&mut browser, &format!("/bulletins/{}", view.bulletin.id)).await.page().html;
    assert!(page.contains("sẽ bị đọc sai như tiếng Việt"), "{page}");
    assert!(!page.contains("hx-post=\"/bulletins/check/words\""), "{page}");
}

#[tokio::test]
async fn an_approver_is_told_that_the_words_are_newer_than_the_sound() {
    const TOLD: &str = "đã được sửa sau khi tạo bản tiếng";
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let view = web.story.submitted(&lan).await;
    let spoken = Spoken { by: "espeak-ng/vi".to_owned(), words_digest: String::new(), instead: None };
    let mut tx = web.story.services.store().write().await.unwrap();
    tracks::set_spoken(&mut tx, &view.latest.tracks[0].id, &spoken).await.unwrap();
    tx.commit().await.unwrap();
    let mut browser = web.browser(&hoa).await;
    let path = format!("/bulletins/{}", view.bulletin.id);
    let before = web.get(&mut browser, &path).await.page().html;
    assert!(before.contains("id=\"spoken-text\"") && !before.contains(TOLD), "{before}");

    let word = WordDraft { written: "KDT".to_owned(), spoken: "khu dân tộc".to_owned() };
    let commune = crate::services::story::area("da-don");
    web.story.services.lexicon.put(&lan, &commune, None, &word).await.unwrap();
    let after = web.get(&mut browser, &path).await.page().html;
    assert!(after.contains(TOLD), "{after}");
    let approved =
        web.story.services.bulletins.approve(&hoa, &view.bulletin.id, &view.seen(), "").await.unwrap();
    assert_eq!(approved.latest.tracks[0].object, view.latest.tracks[0].object, "what was heard is approved");
    let page = web.get(&mut browser, &path).await.page().html;
    assert!(page.contains("theo các từ hiện nay của địa bàn") && page.contains(TOLD), "{page}");
}
