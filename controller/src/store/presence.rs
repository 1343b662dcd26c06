//! Which nodes are connected.

use loa_protocol::ids::NodeId;
use loa_protocol::report::Presence;
use loa_protocol::time::UnixMs;

use super::many::{Said, pieces};
use super::query::{QueryBuilder, query};
use super::{Connection, StoreError};

/// Takes nodes' words about their connections, one of each, unless they are about an older connection than the one known: a
/// will can arrive after the node is back. The same word again changes nothing. Gives how many counted.
///
/// # Errors
/// [`StoreError::Reference`] when a node does not exist.
pub async fn put(c: &mut Connection, said: &[Said<'_, Presence>]) -> Result<u64, StoreError> {
    let mut counted = 0;
    for said in pieces(said) {
        let mut query = QueryBuilder::new(
            "INSERT INTO node_presence (node_id, online, boot_id, connection, changed_ms) ",
        );
        query.push_values(said, |mut row, Said { node, at, word }| {
            row.push_bind(node.as_str())
                .push_bind(i64::from(word.online))
                .push_bind(word.boot.to_string())
                .push_bind(i64::try_from(word.connection).unwrap_or(i64::MAX))
                .push_bind(at.0);
        });
        query.push(
            " ON CONFLICT (node_id) DO UPDATE SET online = excluded.online, boot_id = excluded.boot_id,
             connection = excluded.connection,
             changed_ms = CASE WHEN excluded.boot_id = node_presence.boot_id AND excluded.online = node_presence.online
                 AND excluded.connection = node_presence.connection THEN node_presence.changed_ms
                 ELSE excluded.changed_ms END
             WHERE (excluded.boot_id = node_presence.boot_id AND excluded.connection >= node_presence.connection)
                OR (excluded.boot_id <> node_presence.boot_id AND excluded.online = 1)",
        );
        counted += query.build().execute(c).await?.rows_affected();
    }
    Ok(counted)
}

/// Notes that a node is not connected, whatever it says: it is not to be.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_offline(c: &mut Connection, node: &NodeId, now: UnixMs) -> Result<(), StoreError> {
    query("UPDATE node_presence SET online = 0, changed_ms = $2 WHERE node_id = $1 AND online = 1")
        .bind(node.as_str())
        .bind(now.0)
        .execute(c)
        .await?;
    Ok(())
}

/// Notes that nobody is connected: the broker has just started.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_all_offline(c: &mut Connection, now: UnixMs) -> Result<u64, StoreError> {
    let done = query("UPDATE node_presence SET online = 0, changed_ms = $1 WHERE online = 1")
        .bind(now.0)
        .execute(c)
        .await?;
    Ok(done.rows_affected())
}
