//! What nodes report while the database is away.

use loa_protocol::wire::Wire as _;
use loa_speech::Secret;
use loa_test_postgres::Postgres;

use super::ingest::{Desk, receipts_of};
use crate::config::{Config, DatabaseConfig};
use crate::services::story::{Story, node};
use crate::store::StoreError;

#[tokio::test]
async fn receipts_that_came_while_the_database_was_away_are_kept_and_acknowledged_when_it_is_back() {
    let server = Postgres::start();
    let database = server.database();
    let url = Secret::new(database.url());
    let story = Story::with(Config { database: DatabaseConfig { url }, ..Config::default() }).await;
    story.enrolled("cum-1", "01").await;
    let mut desk = Desk::new(story);

    server.pause();
    desk.report_bytes("cum-1", "receipt", receipts_of(1).to_cbor(), false).await;
    desk.report_bytes("cum-1", "receipt", receipts_of(2).to_cbor(), false).await;
    let away = desk.story.services.store().append().await.unwrap_err();
    assert!(matches!(away, StoreError::Away(_)), "{away:?}");

    server.resume();
    let mut acknowledged = Vec::new();
    while acknowledged.len() < 2 {
        let (from, ack) = desk.ack().await;
        assert_eq!(from, node("cum-1"));
        acknowledged.extend(ack.numbers);
    }
    assert_eq!(acknowledged, [1, 2]);
    assert_eq!(desk.kept("cum-1").await.len(), 2);
}
