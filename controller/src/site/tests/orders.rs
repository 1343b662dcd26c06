//! The page on which orders that silence are given.

use super::*;
use crate::domain::bulletin::BulletinDraft;
use crate::domain::role::{ClassSet, Role};
use crate::services::story::{area, draft, once, schedule_draft};

#[tokio::test]
async fn an_area_is_silenced_with_a_reason_and_the_list_tells_who_has_answered() {
    let web = Web::new().await;
    web.story.enrolled("cum-1", "0a").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let mut browser = web.browser(&hoa).await;
    let home = web.get(&mut browser, "/").await.page().html;
    assert!(home.contains("href=\"/orders\""), "{home}");
    let form = web.get(&mut browser, "/orders").await.page().form("/orders").with("order", "stop_all");
    let silent = web.send(&mut browser, &form.clone().with("area", "da-don").with("reason", " ")).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        silent.html.contains("Hãy ghi lý do") && silent.html.contains("id=\"reason-error\""),
        "{}",
        silent.html
    );
    let nowhere = web.send(&mut browser, &form.clone().with("reason", "Phát nhầm")).await;
    assert_eq!(nowhere.status, StatusCode::UNPROCESSABLE_ENTITY);
    let given = web.send(&mut browser, &form.with("area", "da-don").with("reason", "Phát nhầm")).await;
    assert_eq!(given.to(), "/orders");
    let page = web.follow(&mut browser, &given).await.html;
    assert!(page.contains("Dừng mọi bản tin") && page.contains("Lý do: Phát nhầm"), "{page}");
    assert!(page.contains("Đang gửi"), "{page}");

    let normal = ClassSet::of([loa_protocol::bulletin::Class::Normal]);
    let lan = web.story.person_for("lan", Role::Author, "da-don", normal).await;
    let mut author = web.browser(&lan).await;
    let seen = web.get(&mut author, "/orders").await.page();
    assert!(seen.html.contains("Phát nhầm") && !seen.html.contains("value=\"stop_all\""), "{}", seen.html);
    let home = web.get(&mut author, "/").await.page().html;
    assert!(!home.contains("href=\"/orders\""), "{home}");
}

#[tokio::test]
async fn an_emergency_on_air_leads_to_the_order_that_cancels_it() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let bulletins = &web.story.services.bulletins;
    let urgent = BulletinDraft { class: "emergency".to_owned(), title: "Lũ quét".to_owned(), ..draft() };
    let id = bulletins.create(&lan, &area("da-don"), &urgent, None).await.unwrap().bulletin.id;
    web.story.make_sounds().await;
    let view = bulletins.get(&lan, &id).await.unwrap();
    let view = bulletins.submit(&lan, &id, &view.seen()).await.unwrap();
    bulletins.approve(&hoa, &id, &view.seen(), "").await.unwrap();
    let schedule = schedule_draft(&id, once("2026-11-22T17:30"), &["thon-1"]);
    web.story.services.schedules.create(&lan, &schedule, None).await.unwrap();
    let mut browser = web.browser(&hoa).await;
    let path = format!("/orders?bulletin={id}");
    let bulletin = web.get(&mut browser, &format!("/bulletins/{id}")).await.page().html;
    assert!(bulletin.contains(&format!("href=\"{path}\"")), "{bulletin}");
    let form = web.get(&mut browser, &path).await.page().form("/orders").with("order", "cancel");
    let silent = web.send(&mut browser, &form).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(silent.html.contains("Hủy bản tin khẩn cấp: Lũ quét"), "{}", silent.html);
    let given = web.send(&mut browser, &form.with("reason", "Báo nhầm")).await;
    assert_eq!(given.to(), "/orders");
    assert!(bulletins.get(&hoa, &id).await.unwrap().bulletin.withdrawn.is_some());
    let page = web.follow(&mut browser, &given).await.html;
    assert!(page.contains("Hủy bản tin khẩn cấp") && page.contains("Lũ quét"), "{page}");
}
