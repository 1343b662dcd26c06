//! On which days a schedule does not sound, and how it sounds beyond when and where.

use serde_json::{Value, json};

use super::Web;
use crate::domain::area_rules::AreaRulesDraft;
use crate::domain::role::Role;
use crate::services::story::area;

fn form(bulletin: &str) -> Value {
    json!({ "bulletin": bulletin, "cron": "30 17 * * *", "areas": ["da-don"] })
}

fn with(form: &Value, fields: Value) -> Value {
    let mut form = form.clone();
    form.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    form
}

#[tokio::test]
async fn what_is_typed_is_kept_and_told() {
    let web = Web::new().await;
    let author = web.story.person("lan", Role::Author, "da-don").await;
    let lan = web.browser(&author).await;
    let bulletin = web.story.bulletin(&author).await;
    let plain = form(bulletin.bulletin.id.as_str());
    let made = web.call(&lan, "POST", "/schedules", plain.clone()).await.ok(201);
    assert_eq!(
        (&made["excluded_dates"], &made["not_on"], &made["rounds"], &made["after_interruption"]),
        (&json!([]), &json!([]), &json!(1), &json!("drop")),
        "what a schedule without rules means"
    );
    assert!(made.get("only_on").is_none() && made.get("gap_s").is_none());

    let full = with(
        &plain,
        json!({
            "excluded_dates": ["2026-12-09"],
            "not_on": ["vn-public-holidays"],
            "only_on": "vn-lunar-1-15",
            "rounds": 3,
            "gap_s": 20,
            "after_interruption": "resume",
            "start_within_s": 600,
            "valid_until": "2027-03-01T00:00",
        }),
    );
    let preview = web.call(&lan, "POST", "/schedules/preview", full.clone()).await.ok(200);
    // The 9th of December is the 1st of its month, and excluded; the 6th of February is Tet.
    let starts = ["2026-11-23", "2026-12-23", "2027-01-08", "2027-01-22", "2027-02-20"];
    let starts: Vec<String> = starts.iter().map(|day| format!("{day}T10:30:00.000Z")).collect();
    assert_eq!(preview["starts"], json!(starts));
    let made = web.call(&lan, "POST", "/schedules", full.clone()).await.ok(201);
    for field in
        ["excluded_dates", "not_on", "only_on", "rounds", "gap_s", "after_interruption", "start_within_s"]
    {
        assert_eq!(made[field], full[field], "{field}");
    }
    let path = format!("/schedules/{}", made["id"].as_str().unwrap());
    assert_eq!(web.get(&lan, &path).await.ok(200), made, "it reads back");
}

#[tokio::test]
async fn a_session_longer_than_an_area_allows_is_refused() {
    let web = Web::new().await;
    let author = web.story.person("lan", Role::Author, "da-don").await;
    let lan = web.browser(&author).await;
    let bulletin = web.story.bulletin(&author).await;
    let rules = AreaRulesDraft { longest_session_minutes: "1".to_owned(), ..AreaRulesDraft::default() };
    web.story.services.areas.set_rules(&web.story.operator, &area("lam-dong"), &rules).await.unwrap();
    // A sound of 1.5 s: two rounds with 57 s between are a minute, with 58 s more.
    let rounds =
        |gap_s: u32| with(&form(bulletin.bulletin.id.as_str()), json!({ "rounds": 2, "gap_s": gap_s }));
    web.call(&lan, "POST", "/schedules/preview", rounds(57)).await.ok(200);
    let refused = web.call(&lan, "POST", "/schedules", rounds(58)).await.ok(422);
    assert_eq!(
        refused["errors"],
        json!([{
            "field": "rounds",
            "code": "session.too_long",
            "message": "Mỗi buổi phát dài 1 phút 1 giây, trong khi Lâm Đồng chỉ cho phép tối đa 1 phút. \
                Hãy bớt số lần phát, rút ngắn khoảng nghỉ hoặc chọn bản tin ngắn hơn.",
        }])
    );
}
