//! Signing in and out, one-time links, tokens against cross-site requests, and what happens when a session ends.

use super::*;
use crate::domain::role::Role;

#[tokio::test]
async fn a_name_and_a_passphrase_open_the_door_and_lead_on() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let home = web.get(&mut browser, "/").await.page();
    assert!(home.html.contains("Đã đăng nhập."), "{}", home.html);
    assert!(!home.html.contains("Đã đăng nhập.".repeat(2).as_str()));
    let out = web.send(&mut browser, &home.form("/sign-out")).await;
    assert_eq!(out.to(), "/sign-in");

    let door = web.get(&mut browser, "/nodes?q=a").await;
    assert_eq!(door.to(), "/sign-in?next=%2Fnodes%3Fq%3Da");
    let form = web.get(&mut browser, door.to()).await.page().form("/sign-in").with("login", "lan");
    let refused = web.send(&mut browser, &form.clone().with("passphrase", "sai mật khẩu rồi")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.html.contains("không đúng") && refused.html.contains("value=\"lan\""),
        "{}",
        refused.html
    );
    assert!(!refused.html.contains("sai mật khẩu rồi"), "a passphrase is never given back");
    let entered = web.send(&mut browser, &form.clone().with("passphrase", PASSPHRASE)).await;
    assert_eq!(entered.to(), "/nodes?q=a");
    web.get(&mut browser, "/nodes?q=a").await.page();
    assert_eq!(web.get(&mut browser, "/sign-in?next=//a.example").await.to(), "/");
}

#[tokio::test]
async fn guessing_is_answered_with_429_and_when_to_try_again() {
    let web = Web::new().await;
    web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = Browser::default();
    let form = web.get(&mut browser, "/sign-in").await.page().form("/sign-in");
    let form = form.with("login", "lan").with("passphrase", "đoán mò thôi mà");
    let mut last = web.send(&mut browser, &form).await;
    for _ in 0..10 {
        assert_eq!(last.status, StatusCode::UNPROCESSABLE_ENTITY);
        last = web.send(&mut browser, &form).await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(last.headers[header::RETRY_AFTER], "30");
    assert!(last.html.contains("Hãy đợi 30 giây"), "{}", last.html);
}

#[tokio::test]
async fn a_link_is_not_used_up_by_looking_and_only_once_by_entering() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let users = &web.story.services.users;
    let link = users.issue_sign_in_link(&web.story.operator, lan.user_id().unwrap()).await.unwrap();
    let path = format!("/welcome/{}", link.reveal());
    let mut browser = Browser::default();
    for _ in 0..2 {
        assert!(web.get(&mut browser, &path).await.page().html.contains("“lan”"));
    }
    let form = web.get(&mut browser, &path).await.page().form(&path);
    for (passphrase, again, told) in [
        ("ngắn", "ngắn", "Mật khẩu cần ít nhất"),
        (PASSPHRASE, "khác", "Hai lần nhập mật khẩu không giống nhau"),
    ] {
        let form = form.clone().with("passphrase", passphrase).with("passphrase_again", again);
        let refused = web.send(&mut browser, &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.html.contains(told), "{}", refused.html);
    }
    let form = form.with("passphrase", PASSPHRASE).with("passphrase_again", PASSPHRASE);
    assert_eq!(web.send(&mut browser, &form).await.to(), "/");
    let mut other = Browser::default();
    for path in [path.as_str(), "/welcome/none"] {
        let gone = web.get(&mut other, path).await;
        assert_eq!(gone.status, StatusCode::GONE);
        assert!(gone.html.contains("không còn hiệu lực"), "{}", gone.html);
    }
}

#[tokio::test]
async fn a_form_without_the_right_token_does_nothing() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let view = web.story.bulletin(&lan).await;
    let path = format!("/bulletins/{}", view.bulletin.id);
    let mut browser = web.browser(&lan).await;
    let form = web.get(&mut browser, &path).await.page().form(&format!("{path}/submit"));
    let other = web.browser(&web.story.person("hoa", Role::Author, "da-don").await).await;
    let theirs = web.get(&mut Browser { cookies: other.cookies }, &path).await.page();
    let theirs = theirs.form(&format!("{path}/submit")).value("csrf").to_owned();
    for form in [
        form.clone().without("csrf"),
        form.clone().without("csrf").with("csrf", ""),
        form.clone().without("csrf").with("csrf", &theirs),
    ] {
        let refused = web.send(&mut browser, &form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.html.contains("csrf.missing"), "{}", refused.html);
    }
    let after = web.story.services.bulletins.get(&lan, &view.bulletin.id).await.unwrap();
    assert_eq!(after.latest.state, crate::domain::bulletin::RevisionState::Draft);

    // Before anybody has signed in, the door's token serves.
    let mut stranger = Browser::default();
    let form = web.get(&mut stranger, "/sign-in").await.page().form("/sign-in").with("login", "lan");
    let form = form.with("passphrase", PASSPHRASE);
    assert_eq!(web.send(&mut Browser::default(), &form).await.status, StatusCode::FORBIDDEN);
    assert_eq!(web.send(&mut stranger, &form.clone().without("csrf")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(web.send(&mut stranger, &form).await.to(), "/");
}

#[tokio::test]
async fn what_was_typed_outlives_the_session() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let form = web.get(&mut browser, "/bulletins/new").await.page().form("/bulletins");
    let form = form
        .with("title", "Lịch cắt điện & nước")
        .with("text", "Dòng một\nDòng hai")
        .with("area", "thon-2")
        .with("category", "local_notice")
        .with("class", "priority")
        .with("speak", "vi");
    web.story.clock.advance(3 * 3_600_000);
    let door = web.send(&mut browser, &form).await;
    assert!(door.to().starts_with("/sign-in?next="), "{}", door.to());
    let sign_in = web.get(&mut browser, door.to()).await.page().form("/sign-in");
    let entered = web.send(&mut browser, &sign_in.with("login", "lan").with("passphrase", PASSPHRASE)).await;
    let page = web.follow(&mut browser, &entered).await;
    assert!(page.html.contains("Nội dung vừa nhập vẫn còn nguyên"), "{}", page.html);
    assert!(page.html.contains("value=\"Lịch cắt điện &#38; nước\""), "{}", page.html);
    assert!(page.html.contains("Dòng một\nDòng hai</textarea>"), "{}", page.html);
    assert!(page.html.contains("value=\"priority\" checked"), "{}", page.html);
    assert!(page.html.contains("value=\"thon-2\" selected"), "{}", page.html);
    let again = page.form("/bulletins").with("title", "Lịch cắt điện & nước").with("text", "Dòng một");
    let again = again.with("area", "thon-2").with("category", "local_notice").with("class", "priority");
    assert!(web.send(&mut browser, &again).await.to().starts_with("/bulletins/"));

    // Another site's form is not kept: nobody finds words in their form that they did not type.
    let mut stranger = Browser::default();
    let request = Request::post("/bulletins").header(header::ORIGIN, "http://a.example");
    let door = web.answer(&mut stranger, request, Body::from("title=x")).await;
    assert_eq!(door.to(), "/sign-in?next=%2Fbulletins%2Fnew");
}

#[tokio::test]
async fn language_and_theme_are_remembered_without_an_account() {
    let web = Web::new().await;
    let mut browser = Browser::default();
    let page = web.get(&mut browser, "/sign-in").await.page();
    assert!(page.html.contains("<html lang=\"vi\""));
    let form = page.form("/language").without("next").with("lang", "en").with("next", "https://a.example");
    assert_eq!(web.send(&mut browser, &form).await.to(), "/");
    let form = page.form("/theme").with("theme", "dark");
    assert_eq!(web.send(&mut browser, &form).await.to(), "/sign-in");
    let page = web.get(&mut browser, "/sign-in").await.page();
    assert!(page.html.contains("<html lang=\"en\" data-bs-theme=\"dark\""), "{}", page.html);
}
