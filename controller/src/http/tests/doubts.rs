//! What speaks against a node's receipts, as a program that watches many nodes asks for it.

use serde_json::json;

use super::Web;
use crate::domain::doubt::Doubt;
use crate::domain::role::Role;
use crate::services::story::{NOON, node};
use crate::store::receipt_doubts;

#[tokio::test]
async fn doubts_about_receipts_are_told_with_their_number_the_latest_first() {
    let web = Web::new().await;
    let lan = web.browser(&web.story.person("lan", Role::Author, "da-don").await).await;
    assert_eq!(web.get(&lan, "/nodes/cum-1/doubts").await.ok(200), json!([]));

    let mut tx = web.story.services.store().write().await.unwrap();
    for (number, doubt, after_ms) in [(7, Doubt::Hole, 0), (9, Doubt::Forged, 60_000)] {
        let found = NOON + after_ms;
        assert!(receipt_doubts::note(&mut tx, &node("cum-1"), (number, doubt), found).await.unwrap());
    }
    tx.commit().await.unwrap();
    let told = web.get(&lan, "/nodes/cum-1/doubts").await.ok(200);
    let expected = json!([
        {
            "found": "2026-11-22T01:01:00.000Z",
            "number": 9,
            "doubt": "forged",
            "vi": "Biên nhận số 9 mang chữ ký không phải của cụm loa này.",
            "en": "Receipt number 9 came under a signature that is not this node's.",
        },
        {
            "found": "2026-11-22T01:00:00.000Z",
            "number": 7,
            "doubt": "hole",
            "vi": "Thiếu biên nhận ngay trước biên nhận số 7: chưa về tới máy chủ, bị mất hoặc bị lấy đi.",
            "en": "The receipt before number 7 is missing: it has not come yet, was lost, or was taken out.",
        },
    ]);
    assert_eq!(told, expected);

    let stranger = web.browser(&web.story.person("hoa", Role::Author, "phu-son").await).await;
    assert_eq!(web.get(&stranger, "/nodes/cum-1/doubts").await.problem().0, 403);
    assert_eq!(web.get(&lan, "/nodes/cum-99/doubts").await.problem().0, 404);
}
