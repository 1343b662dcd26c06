//! A database that is away for a while.

use loa_speech::Secret;
use loa_test_postgres::Postgres;
use serde_json::json;

use super::Web;
use crate::config::{Config, DatabaseConfig};
use crate::domain::role::Role;
use crate::services::story::Story;

#[tokio::test]
async fn while_the_database_is_away_it_is_said_so_and_work_goes_on_without_a_new_start() {
    let server = Postgres::start();
    let database = server.database();
    let url = Secret::new(database.url());
    let web = Web::of(Story::with(Config { database: DatabaseConfig { url }, ..Config::default() }).await);
    let author = web.story.person("lan", Role::Author, "da-don").await;
    let lan = web.browser(&author).await;
    let form = json!({
        "area": "da-don", "title": "Lịch cắt điện", "text": "Sáng mai mất điện.", "category": "local_notice",
        "class": "normal",
    });
    let kept = web.call(&lan, "POST", "/bulletins", form.clone()).await.ok(201);
    let kept = format!("/bulletins/{}", kept["id"].as_str().unwrap());

    server.pause();
    for _ in 0..2 {
        let refused = web.call(&lan, "POST", "/bulletins", form.clone()).await;
        assert_eq!(refused.problem(), (503, "database.away".to_owned()));
        assert_eq!(refused.header("retry-after"), "10");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("Cơ sở dữ liệu tạm thời không trả lời"), "{detail}");
    }

    server.resume();
    assert!(web.get(&lan, &kept).await.ok(200).to_string().contains("Lịch cắt điện"));
    web.call(&lan, "POST", "/bulletins", form).await.ok(201);
    assert_eq!(web.get(&lan, "/bulletins").await.ok(200).as_array().unwrap().len(), 2);
}
