//! Bad input gets a clear error, in the reader's language, at its field.

use axum::body::Body;
use axum::http::header;
use serde_json::{Value, json};

use super::Web;
use crate::domain::role::Role;

fn bulletin(field: &str, value: Value) -> Value {
    let mut form = json!({
        "area": "da-don",
        "title": "Lịch cắt điện",
        "text": "Sáng mai mất điện từ 8 giờ.",
        "category": "local_notice",
        "class": "normal",
    });
    form[field] = value;
    form
}

#[tokio::test]
async fn every_bad_value_is_named() {
    let web = Web::new().await;
    let author = web.story.person("lan", Role::Author, "da-don").await;
    let lan = web.browser(&author).await;
    let view = web.story.bulletin(&author).await;
    let schedule = |field: &str, value: Value| {
        let mut form = json!({ "bulletin": view.bulletin.id.as_str(), "areas": ["da-don"] });
        form[field] = value;
        form
    };
    let daily = |field: &str, value: Value| {
        let mut form = schedule("cron", json!("0 6 * * *"));
        form[field] = value;
        form
    };
    let megabyte = "a ".repeat(500_000);
    for (path, form, status, code, field) in [
        ("/bulletins", bulletin("text", json!("")), 422, "text.empty", "text"),
        ("/bulletins", bulletin("text", json!(megabyte)), 422, "text.too_long", "text"),
        ("/bulletins", bulletin("text", json!("a\u{0}b")), 422, "text.control_character", "text"),
        ("/bulletins", bulletin("text", json!("🎉🎉")), 422, "text.empty", "text"),
        ("/bulletins", bulletin("title", json!(" ")), 422, "title.empty", "title"),
        ("/bulletins", bulletin("category", json!("gossip")), 422, "category.unknown", "category"),
        ("/bulletins", bulletin("class", json!("urgent")), 422, "class.unknown", "class"),
        ("/bulletins", bulletin("area", json!("Đà Lạt")), 422, "value.unreadable", "area"),
        (
            "/bulletins",
            bulletin("tracks", json!([{ "language": "kpm", "text": "x" }])),
            422,
            "language.without_voice",
            "tracks[0].source",
        ),
        (
            "/bulletins",
            bulletin("tracks", json!([{ "language": "kho", "text": "x" }])),
            422,
            "language.unknown",
            "tracks[0].language",
        ),
        ("/schedules", schedule("cron", json!("0 0 30 2 *")), 422, "start.never", "cron"),
        ("/schedules", schedule("cron", json!("every day")), 422, "cron.unreadable", "cron"),
        ("/schedules", schedule("at", json!("2020-01-01T00:00")), 422, "start.past", "at"),
        ("/schedules", schedule("bulletin", json!("")), 422, "start.one", "at"),
        ("/schedules", schedule("cron", json!("0 6 31 4 *")), 422, "start.never", "cron"),
        ("/schedules", daily("valid_until", json!("2038-01-20T00:00")), 422, "date.too_far", "valid_until"),
        (
            "/schedules",
            daily("start_within_s", json!(0)),
            422,
            "start_within_s.out_of_range",
            "start_within_s",
        ),
        (
            "/schedules",
            daily("excluded_dates", json!(["2026-02-30"])),
            422,
            "date.unreadable",
            "excluded_dates",
        ),
        ("/schedules", daily("excluded_dates", json!(["2038-01-20"])), 422, "date.too_far", "excluded_dates"),
        ("/schedules", daily("not_on", json!(["tet"])), 422, "calendar.unknown", "not_on[0]"),
        ("/schedules", daily("only_on", json!("ram")), 422, "calendar.unknown", "only_on"),
        ("/schedules", daily("rounds", json!(11)), 422, "rounds.out_of_range", "rounds"),
        ("/schedules", daily("gap_s", json!(601)), 422, "gap_s.out_of_range", "gap_s"),
        (
            "/schedules",
            daily("after_interruption", json!("again")),
            422,
            "after_interruption.unknown",
            "after_interruption",
        ),
    ] {
        let answer = web.call(&lan, "POST", path, form).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{path} {field}");
        assert_eq!(answer.json()["errors"][0]["field"], json!(field));
    }
    let unknown = json!({ "bulletin": view.bulletin.id.as_str(), "areas": ["da-don", "khong-co"], "at": "2026-11-23T08:00" });
    let answer = web.call(&lan, "POST", "/schedules", unknown).await;
    assert_eq!(
        answer.json()["errors"],
        json!([{
            "field": "areas[1]",
            "code": "target.unknown",
            "message": "Không có địa bàn hoặc cụm loa “khong-co”.",
        }])
    );
    let answer = web.call(&lan, "POST", "/bulletins", bulletin("area", json!("khong-co"))).await;
    assert_eq!(answer.problem(), (404, "area.not_found".to_owned()));
}

#[tokio::test]
async fn odd_texts_that_can_be_spoken_are_kept_as_one_spelling() {
    let web = Web::new().await;
    let lan = web.browser(&web.story.person("lan", Role::Author, "da-don").await).await;
    let text = json!("\u{feff}Xa\u{303} Đạ Đờn 🎉 [[x]]\r\nhết");
    let made = web.call(&lan, "POST", "/bulletins", bulletin("text", text)).await.ok(201);
    assert_eq!(made["latest"]["text"], json!("Xã Đạ Đờn 🎉 [[x]]\nhết"));
}

#[tokio::test]
async fn requests_that_cannot_be_read_are_told_so() {
    let web = Web::new().await;
    let lan = web.browser(&web.story.person("lan", Role::Author, "da-don").await).await;
    let post = async |kind: &str, body: Vec<u8>| {
        let request = web.request(&lan, "POST", "/bulletins").header(header::CONTENT_TYPE, kind);
        web.send(request.body(Body::from(body)).unwrap()).await.problem()
    };
    let unreadable = |status: u16| (status, "request.unreadable".to_owned());
    assert_eq!(post("application/json", b"{".to_vec()).await, unreadable(400));
    assert_eq!(post("application/json", b"[1]".to_vec()).await, unreadable(422));
    assert_eq!(post("text/plain", b"{}".to_vec()).await, unreadable(415));
    let too_large = (413, "request.too_large".to_owned());
    assert_eq!(post("application/json", vec![b' '; 1024 * 1024 + 1]).await, too_large);
    assert_eq!(web.get(&lan, "/bulletins?limit=many").await.problem(), unreadable(400));
    assert_eq!(web.get(&lan, "/bulletins/Đà").await.problem(), (404, "bulletin.not_found".to_owned()));
    assert_eq!(web.get(&lan, "/nothing").await.problem(), (404, "route.not_found".to_owned()));
    let answer = web.call(&lan, "PATCH", "/bulletins", json!({})).await;
    assert_eq!(answer.problem(), (405, "method.not_allowed".to_owned()));
}

#[tokio::test]
async fn the_words_are_in_the_readers_language() {
    let web = Web::new().await;
    let ask = async |name: &str, value: &str| {
        let browser = super::Browser::default();
        let request = web.request(&browser, "GET", "/session").header(name, value);
        let answer = web.send(request.body(Body::empty()).unwrap()).await;
        (answer.header("content-language").to_owned(), answer.json()["detail"].as_str().unwrap().to_owned())
    };
    let vietnamese = ("vi".to_owned(), "Phiên đăng nhập đã kết thúc. Hãy đăng nhập lại.".to_owned());
    let english = ("en".to_owned(), "The session is over. Sign in again.".to_owned());
    assert_eq!(ask("accept-language", "fr").await, vietnamese);
    assert_eq!(ask("accept-language", "en-GB,en;q=0.8").await, english);
    assert_eq!(ask("cookie", "lang=en").await, english);
}

#[tokio::test]
async fn a_plan_of_a_hundred_thousand_schedules_is_refused_in_words() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let browser = web.browser(&lan).await;
    let one = json!({ "bulletin": "b", "cron": "0 6 * * *", "areas": ["da-don"] });
    let plan = |count: usize| json!({ "schedules": vec![one.clone(); count] });
    let post = async |count| web.call(&browser, "POST", "/schedules/preflight", plan(count)).await;
    post(100_000).await.ok(413);
    let refused = post(1_001).await.ok(422);
    assert_eq!(refused["errors"][0]["code"], "preflight.too_many", "{refused}");
    let file = serde_json::to_vec(&plan(100_000)).unwrap();
    let drafts = crate::http::plan_file(&file).unwrap();
    let services = &web.story.services;
    let of = crate::services::PreflightOf::Drafts(drafts);
    let refused = services.preflights.run(&web.story.operator, of, 7).await.unwrap_err();
    assert!(refused.to_string().contains("preflight.too_many"), "{refused}");
    assert!(format!("{refused:?}").contains("100000"), "{refused:?}");
    assert!(crate::http::plan_file(b"{\"schedule\": []}").unwrap_err().to_string().contains("POST"));
}
