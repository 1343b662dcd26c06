//! One's own account: the passphrase, with and without the old one, and sessions elsewhere.

use super::*;
use crate::domain::role::Role;

const FRESH: &str = "một câu khác hẳn";

fn typed(form: Form, current: Option<&str>, fresh: &str, again: &str) -> Form {
    let form = form.with("passphrase", fresh).with("passphrase_again", again);
    match current {
        Some(current) => form.with("current", current),
        None => form,
    }
}

async fn signed_in(web: &Web, passphrase: &str) -> (Browser, Answer) {
    let mut browser = Browser::default();
    let form = web.get(&mut browser, "/sign-in").await.page().form("/sign-in");
    let answer = web.send(&mut browser, &form.with("login", "lan").with("passphrase", passphrase)).await;
    (browser, answer)
}

#[tokio::test]
async fn a_passphrase_is_changed_by_whoever_knows_it_and_other_sessions_end() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut elsewhere = web.browser(&lan).await;
    let (mut browser, _) = signed_in(&web, PASSPHRASE).await;
    let page = web.get(&mut browser, "/account").await.page();
    assert!(page.html.contains("Mật khẩu hiện tại"), "{}", page.html);
    let form = page.form("/account/passphrase");
    for (current, fresh, again, told) in [
        (PASSPHRASE, "ngắn", "ngắn", "Mật khẩu cần ít nhất"),
        (PASSPHRASE, FRESH, "khác", "Hai lần nhập mật khẩu không giống nhau"),
        ("không phải câu này", FRESH, FRESH, "Mật khẩu hiện tại không đúng"),
    ] {
        let refused = web.send(&mut browser, &typed(form.clone(), Some(current), fresh, again)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(refused.html.contains(told) && !refused.html.contains(FRESH), "{told}: {}", refused.html);
    }
    let set = web.send(&mut browser, &typed(form, Some(PASSPHRASE), FRESH, FRESH)).await;
    assert_eq!(set.to(), "/account");
    let page = web.follow(&mut browser, &set).await;
    assert!(page.html.contains("Đã lưu mật khẩu mới"), "{}", page.html);
    assert_eq!(web.get(&mut elsewhere, "/account").await.to(), "/sign-in?next=%2Faccount");
    assert_eq!(signed_in(&web, PASSPHRASE).await.1.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(signed_in(&web, FRESH).await.1.to(), "/");
}

#[tokio::test]
async fn whoever_comes_by_a_link_sets_another_passphrase_without_the_old_one() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    web.browser(&lan).await;
    let users = &web.story.services.users;
    let link = users.issue_sign_in_link(&web.story.operator, lan.user_id().unwrap()).await.unwrap();
    let path = format!("/welcome/{}", link.reveal());
    let mut browser = Browser::default();
    let form = web.get(&mut browser, &path).await.page().form(&path);
    let entered = web.send(&mut browser, &form).await;
    assert_eq!(entered.to(), "/account");
    let page = web.follow(&mut browser, &entered).await;
    assert!(page.html.contains("đến 08:15"), "{}", page.html);
    assert!(!page.html.contains("name=\"current\""), "{}", page.html);
    let set = web.send(&mut browser, &typed(page.form("/account/passphrase"), None, FRESH, FRESH)).await;
    assert!(web.follow(&mut browser, &set).await.html.contains("name=\"current\""), "the link serves once");
    assert_eq!(signed_in(&web, FRESH).await.1.to(), "/");
}

#[tokio::test]
async fn who_came_by_a_link_without_a_passphrase_is_invited_on_every_page() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let visit = web.story.visit(&lan).await;
    let mut browser = Browser::default();
    browser.cookies.insert("loa".to_owned(), visit.token.reveal().to_owned());
    let home = web.get(&mut browser, "/").await.page();
    assert!(
        home.html.contains("chưa có mật khẩu") && home.html.contains("href=\"/account\""),
        "{}",
        home.html
    );
    let form = web.get(&mut browser, "/account").await.page().form("/account/passphrase");
    assert_eq!(web.send(&mut browser, &typed(form, None, PASSPHRASE, PASSPHRASE)).await.to(), "/account");
    assert!(!web.get(&mut browser, "/").await.page().html.contains("chưa có mật khẩu"));
}

#[tokio::test]
async fn a_session_elsewhere_is_seen_and_ended() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let (mut elsewhere, _) = signed_in(&web, PASSPHRASE).await;
    let page = web.get(&mut browser, "/account").await.page();
    assert_eq!(page.html.matches("Phiên này").count(), 1, "{}", page.html);
    let action = page.html.split("action=\"").find(|part| part.starts_with("/account/sessions/")).unwrap();
    let action = &action[..action.find('"').unwrap()];
    assert_eq!(web.send(&mut browser, &page.form(action)).await.to(), "/account");
    assert!(web.get(&mut elsewhere, "/").await.to().starts_with("/sign-in"));
    let again = web.send(&mut browser, &page.form(action)).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "it is over already");
    let hoa = web.story.person("hoa", Role::Author, "da-don").await;
    let mut other = web.browser(&hoa).await;
    let theirs =
        web.get(&mut other, "/account").await.page().form("/account/passphrase").value("csrf").to_owned();
    let foreign = page.form(action).without("csrf").with("csrf", &theirs);
    assert_eq!(web.send(&mut other, &foreign).await.status, StatusCode::NOT_FOUND, "not one's own");
}
