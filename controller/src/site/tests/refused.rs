//! What a node refused, on its page.

use loa_protocol::envelope::Refusal;
use loa_protocol::report::{Event, EventKind};

use super::*;
use crate::domain::role::Role;
use crate::services::story::{NOON, node};
use crate::store::{Said, node_events};

#[tokio::test]
async fn a_technician_reads_what_the_node_refused_and_why() {
    let web = Web::new().await;
    let mut technician = web.browser(&web.story.person("ky.thuat", Role::Technician, "da-don").await).await;
    let before = web.get(&mut technician, "/nodes/cum-1").await.html;
    assert!(!before.contains("đã từ chối"), "nothing was refused: {before}");

    let kind = EventKind::DocumentRefused {
        topic: "loa/1/lam-dong/a/da-don/plan".to_owned(),
        refusal: Refusal::BadSignature,
    };
    let mut tx = web.story.services.store().write().await.unwrap();
    let event = Event { at: NOON, kind };
    let said = Said { node: &node("cum-1"), at: NOON, word: &event };
    node_events::insert(&mut tx, &[said]).await.unwrap();
    tx.commit().await.unwrap();
    let page = web.get(&mut technician, "/nodes/cum-1").await.html;
    assert!(page.contains("Không nhận kế hoạch phát của địa bàn da-don: chữ ký không đúng."), "{page}");
    assert!(page.contains("hãy kiểm tra đồng hồ của cụm loa"), "{page}");
    technician.cookies.insert("lang".to_owned(), "en".to_owned());
    let page = web.get(&mut technician, "/nodes/cum-1").await.html;
    assert!(page.contains("Refused the plan of the area da-don: the signature does not fit."), "{page}");
}
