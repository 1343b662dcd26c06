//! Emergencies by the API: given, approved, stopped; and the wave.

use serde_json::{Value, json};

use super::{Browser, Web};
use crate::domain::role::Role;

fn flood() -> Value {
    json!({
        "areas": ["da-don"],
        "title": "Lũ quét",
        "text": "Nước suối đang lên rất nhanh. Rời khỏi nhà ngay.",
        "severity": "severe",
        "status": "exercise",
        "valid_minutes": 30,
    })
}

async fn staff(web: &Web) -> (Browser, Browser, Browser) {
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let minh = web.story.person("minh", Role::Approver, "da-don").await;
    (web.browser(&lan).await, web.browser(&hoa).await, web.browser(&minh).await)
}

#[tokio::test]
async fn an_emergency_is_given_approved_by_two_watched_and_stopped() {
    let web = Web::new().await;
    web.story.enrolled("cum-1", "0a").await;
    let (lan, hoa, minh) = staff(&web).await;
    let made = web.call(&lan, "POST", "/alerts", flood()).await.ok(201);
    assert_eq!((&made["state"], &made["title"]), (&json!("speaking"), &json!("DIỄN TẬP: Lũ quét")));
    assert_eq!((&made["approvers_needed"], &made["households_unknown"]), (&json!(2), &json!(true)));
    let path = format!("/alerts/{}", made["id"].as_str().unwrap());
    web.story.make_sounds().await;
    let shown = web.get(&hoa, &path).await.ok(200);
    assert_eq!(shown["state"], json!("waiting"));
    let object = shown["tracks"][0]["object"].as_str().unwrap();
    assert!(
        web.get(&hoa, &format!("/objects/{object}")).await.bytes.starts_with(b"sound of"),
        "it can be heard"
    );
    let seen = json!({ "seen": shown["seen"] });
    let blind = web.call(&hoa, "POST", &format!("{path}/approve"), json!({})).await;
    assert_eq!(blind.problem(), (422, "value.missing".to_owned()));
    let own = web.call(&lan, "POST", &format!("{path}/approve"), seen.clone()).await;
    assert_eq!(own.problem(), (403, "forbidden.emergency".to_owned()));
    let first = web.call(&hoa, "POST", &format!("{path}/approve"), seen.clone()).await.ok(200);
    assert_eq!((&first["state"], first["approvals"].as_array().unwrap().len()), (&json!("waiting"), 1));
    let second = web.call(&minh, "POST", &format!("{path}/approve"), seen).await.ok(200);
    assert_eq!(second["state"], json!("sent"));
    let wave = web.get(&lan, &path).await.ok(200)["wave"].clone();
    assert_eq!((&wave["all"]["nodes"], &wave["all"]["silent"]), (&json!(1), &json!(1)));
    assert_eq!(wave["nodes"][0]["node"], json!("cum-1"));

    let correction = json!({
        "title": "Đính chính",
        "text": "Không có lũ.",
        "severity": "minor",
        "status": "exercise",
    });
    let right = web.call(&lan, "POST", &format!("{path}/correct"), correction).await.ok(201);
    assert_eq!((&right["corrects"], &right["areas"]), (&made["id"], &json!(["da-don"])));
    let returned = format!("/alerts/{}/return", right["id"].as_str().unwrap());
    let back = web.call(&hoa, "POST", &returned, json!({ "reason": "Chưa cần" })).await.ok(200);
    assert_eq!((&back["state"], &back["returned"]["reason"]), (&json!("returned"), &json!("Chưa cần")));
    let unsaid = web.call(&lan, "POST", &format!("{path}/cancel"), json!({})).await;
    assert_eq!(unsaid.problem(), (422, "order.reason_empty".to_owned()));
    let stopped =
        web.call(&lan, "POST", &format!("{path}/cancel"), json!({ "reason": "Xong" })).await.ok(200);
    assert_eq!(stopped["state"], json!("cancelled"));
    let orders = web.get(&lan, "/orders").await.ok(200);
    assert_eq!(orders[0]["bulletin"], made["id"], "what sounds is ended by an order");
    assert_eq!(web.get(&lan, "/alerts").await.ok(200).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_bad_form_names_its_fields_and_an_id_is_used_once() {
    let web = Web::new().await;
    let (lan, hoa, _) = staff(&web).await;
    let past = json!({ "expires": "2026-11-22T00:00:00Z", "severity": "bad", "title": "A", "text": "B" });
    let answer = web.call(&lan, "POST", "/alerts", past).await;
    let fields: Vec<String> = answer.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["field"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        (answer.problem().1.as_str(), fields),
        ("form.invalid", vec!["areas".into(), "severity".into(), "expires".into()])
    );
    let mut form = flood();
    form["id"] = json!("0123456789abcdef0123456789abcdef");
    let first = web.call(&lan, "POST", "/alerts", form.clone()).await.ok(201);
    assert_eq!(web.call(&lan, "POST", "/alerts", form.clone()).await.ok(201)["id"], first["id"]);
    form["valid_minutes"] = json!(31);
    assert_eq!(web.call(&lan, "POST", "/alerts", form).await.problem(), (409, "alert.id_used".to_owned()));
    assert_eq!(web.get(&hoa, "/alerts/nope").await.problem(), (404, "alert.not_found".to_owned()));
}

#[tokio::test]
async fn a_template_begins_with_the_shipped_words_and_is_a_bulletin() {
    let web = Web::new().await;
    let (lan, hoa, minh) = staff(&web).await;
    let form = json!({ "area": "da-don", "kind": "evacuation" });
    let made = web.call(&lan, "POST", "/alert-templates", form).await.ok(201);
    assert_eq!((&made["severity"], &made["ready"]), (&json!("extreme"), &json!(false)));
    assert!(made["text"].as_str().unwrap().starts_with("Lệnh sơ tán khẩn cấp"));
    let bulletin = format!("/bulletins/{}", made["id"].as_str().unwrap());
    web.story.make_sounds().await;
    let seen = json!({ "seen": web.get(&lan, &bulletin).await.ok(200)["seen"] });
    web.call(&lan, "POST", &format!("{bulletin}/submit"), seen.clone()).await.ok(200);
    web.call(&hoa, "POST", &format!("{bulletin}/approve"), seen.clone()).await.ok(200);
    let half = web.get(&lan, "/alert-templates").await.ok(200);
    assert_eq!((&half[0]["ready"], &half[0]["approvals"]), (&json!(false), &json!(1)));
    web.call(&minh, "POST", &format!("{bulletin}/approve"), seen).await.ok(200);
    assert_eq!(web.get(&lan, "/alert-templates").await.ok(200)[0]["ready"], json!(true));
    let send = json!({ "areas": ["thon-1"], "template": made["id"], "severity": "extreme" });
    assert_eq!(web.call(&lan, "POST", "/alerts", send).await.ok(201)["state"], json!("sent"));
}
