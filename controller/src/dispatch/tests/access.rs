//! When the table of who may connect is read again.

use loa_protocol::ids::NodeId;

use crate::broker::AccessPolicy as _;
use crate::dispatch::access::Access;
use crate::services::story::{Story, area, node, node_draft};
use crate::store::query;

#[tokio::test]
async fn every_deed_that_changes_who_may_connect_is_seen() {
    let story = Story::new().await;
    let access = Access::default();
    let refresh = async || access.refresh(story.services.store()).await.unwrap();
    let none: [NodeId; 0] = [];
    assert_eq!((refresh().await, access.count()), (none.to_vec(), 0));
    story.enrolled("cum-1", "0a").await;
    assert_eq!((refresh().await, access.count()), (none.to_vec(), 1), "enrolled");
    story.enrolled("cum-1", "0b").await;
    assert_eq!(refresh().await, [node("cum-1")], "another board");

    let (operator, services) = (&story.operator, &story.services);
    services.nodes.update(operator, &node("cum-1"), &node_draft("Cụm 1", "thon-2")).await.unwrap();
    assert_eq!(refresh().await, [node("cum-1")], "moved");
    services.areas.move_to(operator, &area("thon-2"), None).await.unwrap();
    assert_eq!(refresh().await, [node("cum-1")], "its village was moved");
    assert_eq!(access.node_areas("cum-1", "0b").unwrap().to_vec(), ["thon-2"]);
    services.nodes.revoke(operator, &node("cum-1"), "").await.unwrap();
    assert_eq!((refresh().await, access.count()), (vec![node("cum-1")], 0), "revoked");
}

#[tokio::test]
async fn as_long_as_nobody_decides_anything_no_node_is_read() {
    let story = Story::new().await;
    story.enrolled("cum-1", "0a").await;
    let access = Access::default();
    access.refresh(story.services.store()).await.unwrap();
    // Nobody but this test changes a node and leaves no entry: so it shows that the rows were not looked at.
    let mut tx = story.services.store().write().await.unwrap();
    query("UPDATE node SET certificate_serial = 'ff' WHERE id = 'cum-1'").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(access.refresh(story.services.store()).await.unwrap(), []);
    story.enrolled("cum-2", "0b").await;
    assert_eq!(access.refresh(story.services.store()).await.unwrap(), [node("cum-1")]);
}
