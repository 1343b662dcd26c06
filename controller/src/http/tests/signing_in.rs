//! Cookies, the token against cross-site requests, throttles.

use serde_json::json;

use super::{Browser, Web};
use crate::config::Config;
use crate::domain::role::Role;
use crate::services::story::{PASSPHRASE, Story};

#[tokio::test]
async fn a_link_then_a_passphrase_sign_in_and_the_cookie_is_guarded() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let browser = web.browser(&lan).await;
    let me = web.get(&browser, "/session").await.ok(200);
    assert_eq!((&me["name"], &me["has_passphrase"]), (&json!("lan"), &json!(false)));
    assert_eq!(
        me["grants"],
        json!([{ "role": "author", "area": "da-don", "classes": ["normal", "priority", "emergency"] }])
    );

    let set = json!({ "passphrase": PASSPHRASE });
    assert_eq!(web.call(&browser, "PUT", "/session/passphrase", set).await.status, 204);
    let form = json!({ "name": "lan", "passphrase": PASSPHRASE });
    let answer = web.call(&Browser::default(), "POST", "/session", form).await;
    let cookie = answer.header("set-cookie").to_owned();
    for part in ["loa=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=604800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "plain HTTP in this configuration");
    assert_eq!(answer.ok(201)["has_passphrase"], json!(true));

    let answer = web.call(&browser, "DELETE", "/session", json!({})).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("set-cookie").starts_with("loa=; Path=/; Max-Age=0"));
    assert_eq!(web.get(&browser, "/session").await.problem(), (401, "session.over".to_owned()));
}

#[tokio::test]
async fn over_https_the_cookie_is_secure_and_prefixed() {
    let mut config = Config::default();
    config.http.public_url = "https://loa.example".to_owned();
    config.http.secure_cookies = true;
    let web = Web::of(Story::with(config).await);
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let browser = web.browser(&lan).await;
    assert!(browser.cookie.as_ref().unwrap().starts_with("__Host-loa="));
    assert_eq!(web.get(&browser, "/session").await.status, 200);
    let renamed = browser.cookie.as_ref().unwrap().replace("__Host-", "");
    let plain = Browser { cookie: Some(renamed), ..browser };
    assert_eq!(web.get(&plain, "/session").await.status, 401);
}

#[tokio::test]
async fn a_change_without_the_sessions_token_is_refused() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let other = web.story.person("minh", Role::Author, "da-don").await;
    let browser = web.browser(&lan).await;
    let foreign = web.browser(&other).await.csrf;
    for csrf in [None, Some(String::new()), foreign] {
        let forged = Browser { csrf, ..browser.clone() };
        let answer = web.call(&forged, "POST", "/bulletins", json!({ "area": "da-don" })).await;
        assert_eq!(answer.problem(), (403, "csrf.missing".to_owned()));
        assert_eq!(web.get(&forged, "/bulletins").await.status, 200, "reading needs none");
    }
}

#[tokio::test]
async fn guessing_is_told_when_to_come_back() {
    let web = Web::new().await;
    let form = json!({ "name": "nobody", "passphrase": "x" });
    for _ in 0..10 {
        let answer = web.call(&Browser::default(), "POST", "/session", form.clone()).await;
        assert_eq!(answer.problem(), (401, "sign_in.refused".to_owned()));
    }
    let answer = web.call(&Browser::default(), "POST", "/session", form).await;
    assert_eq!(answer.header("retry-after"), "30");
    assert_eq!(answer.problem(), (429, "sign_in.throttled".to_owned()));
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let (here, there) = (web.browser(&lan).await, web.browser(&lan).await);
    let sessions = web.get(&here, "/sessions").await.ok(200);
    let other = sessions.as_array().unwrap().iter().find(|s| s["current"] == json!(false)).unwrap();
    let path = format!("/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(web.call(&here, "DELETE", &path, json!({})).await.status, 204);
    assert_eq!(web.get(&there, "/session").await.status, 401);
    assert_eq!(
        web.call(&here, "DELETE", &path, json!({})).await.problem(),
        (404, "session.not_found".to_owned())
    );
}
