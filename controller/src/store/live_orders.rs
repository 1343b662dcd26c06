//! Orders that silence, their messages, and which nodes have answered.

use loa_protocol::command::Addressee;
use loa_protocol::ids::{AreaId, BootId, BulletinId, NodeId};
use loa_protocol::plan::Epoch;
use loa_protocol::report::{AppliedOrder, State};
use loa_protocol::time::UnixMs;

use super::many::{Said, pieces};
use super::plans::PlanAudience;
use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, push_in_scopes};
use super::{Connection, StoreError};
use crate::domain::ids::OrderId;
use crate::domain::live_order::{LiveOrder, OrderKind};
use crate::domain::role::Scope;

const SELECT: &str =
    "SELECT o.id, a.path, o.kind, o.bulletin_id, o.reason, o.given_ms, o.given_by, o.expires_ms,
    (SELECT CASE WHEN COUNT(*) = COUNT(m.sent_ms) THEN MAX(m.sent_ms) END
     FROM live_order_message m WHERE m.order_id = o.id) AS sent_ms
    FROM live_order o JOIN area a ON a.id = o.area_id WHERE ";

/// An order to one addressee, as it is signed and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderMessage {
    /// For whom.
    pub to: Addressee,
    /// Its number; rises with every order to the same addressee.
    pub epoch: Epoch,
    /// What is ordered.
    pub kind: OrderKind,
    /// The boot by which a node without a clock believes it.
    pub boot: Option<BootId>,
    /// When it was given.
    pub given: UnixMs,
    /// When it is over.
    pub expires: UnixMs,
    /// The signed bytes; `None` before it is signed.
    pub envelope: Option<Vec<u8>>,
}

/// Keeps an order, with a message for each of its addressees; gives each its epoch.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn insert(
    c: &mut Connection,
    order: &LiveOrder,
    boots: &[(NodeId, BootId)],
) -> Result<(), StoreError> {
    let bulletin = match &order.kind {
        OrderKind::StopBulletin(bulletin) => Some(bulletin.as_str()),
        OrderKind::StopAll | OrderKind::AllClear => None,
    };
    query(
        "INSERT INTO live_order (id, area_id, kind, bulletin_id, reason, given_ms, given_by, expires_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(order.id.as_str())
    .bind(order.path.areas().last().map(AreaId::as_str))
    .bind(order.kind.as_str())
    .bind(bulletin)
    .bind(&order.reason)
    .bind(order.given.0)
    .bind(&order.given_by)
    .bind(order.expires.0)
    .execute(&mut *c)
    .await?;
    let boot_of = |to: &Addressee| match to {
        Addressee::Node(id) => boots.iter().find(|(node, _)| node == id).map(|(_, boot)| boot.to_string()),
        Addressee::Area(_) => None,
    };
    for to in &order.to {
        // The clock, so that a database that was restored goes on above what nodes have seen.
        query(
            "INSERT INTO live_order_message (audience, epoch, order_id, boot_id)
             SELECT $1, CASE WHEN MAX(epoch) >= $2 THEN MAX(epoch) + 1 ELSE $2 END, $3, $4
             FROM live_order_message WHERE audience = $1",
        )
        .bind(audience(to))
        .bind(order.given.0)
        .bind(order.id.as_str())
        .bind(boot_of(to))
        .execute(&mut *c)
        .await?;
    }
    Ok(())
}

/// The messages of orders that are not over, the earliest first.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn live(c: &mut Connection, now: UnixMs) -> Result<Vec<OrderMessage>, StoreError> {
    let rows = query(
        "SELECT m.audience, m.epoch, m.boot_id, m.envelope, o.kind, o.bulletin_id, o.given_ms, o.expires_ms
         FROM live_order o JOIN live_order_message m ON m.order_id = o.id
         WHERE o.given_ms > $1 AND o.expires_ms > $2 ORDER BY o.given_ms, m.audience",
    )
    // No order lasts so long; the index is by this column.
    .bind(now.0 - 3_600_000)
    .bind(now.0)
    .fetch_all(c)
    .await?;
    let message = |row: &Row| {
        Ok(OrderMessage {
            to: addressee(row, "audience")?,
            epoch: row.number("epoch")?,
            kind: kind(row)?,
            boot: row.parsed_opt("boot_id")?,
            given: row.instant("given_ms")?,
            expires: row.instant("expires_ms")?,
            envelope: row.bytes_opt("envelope")?,
        })
    };
    rows.iter().map(message).collect()
}

/// Keeps the signed bytes of a message.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_envelope(
    c: &mut Connection,
    message: &OrderMessage,
    envelope: &[u8],
) -> Result<(), StoreError> {
    query("UPDATE live_order_message SET envelope = $3 WHERE audience = $1 AND epoch = $2")
        .bind(audience(&message.to))
        .bind(i64::try_from(message.epoch).unwrap_or(i64::MAX))
        .bind(envelope)
        .execute(c)
        .await?;
    Ok(())
}

/// Notes that a message was handed to the broker; gives whether it was for the first time.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_sent(c: &mut Connection, message: &OrderMessage, now: UnixMs) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE live_order_message SET sent_ms = $3 WHERE audience = $1 AND epoch = $2 AND sent_ms IS NULL",
    )
    .bind(audience(&message.to))
    .bind(i64::try_from(message.epoch).unwrap_or(i64::MAX))
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes which orders nodes say in their states that they have obeyed, one state of each. Gives how many of it is news.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn note_applied(c: &mut Connection, said: &[Said<'_, State>]) -> Result<u64, StoreError> {
    let mut news = 0;
    let orders = said.iter().flat_map(|said| said.word.orders.iter().map(move |order| (*said, order)));
    let orders: Vec<(Said<'_, State>, &AppliedOrder)> = orders.collect();
    for orders in pieces(&orders) {
        let mut query = QueryBuilder::new("WITH told (audience, epoch, node_id, at_ms) AS (");
        query.push_values(orders, |mut row, (said, AppliedOrder { to, applied })| {
            row.push_bind(audience(to))
                .push_bind(i64::try_from(applied.sequence).unwrap_or(i64::MAX))
                .push_bind(said.node.as_str())
                .push_bind(said.at.0);
        });
        query.push(
            ") INSERT INTO live_order_answer (order_id, node_id, answered_ms)
             SELECT m.order_id, told.node_id, told.at_ms FROM told CROSS JOIN live_order_message m
             WHERE m.audience = told.audience AND m.epoch = told.epoch
             ON CONFLICT (order_id, node_id) DO NOTHING",
        );
        news += query.build().execute(c).await?.rows_affected();
    }
    Ok(news)
}

/// The enrolled nodes in some places that are connected and do not know the time, with their boots.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn without_clock(
    c: &mut Connection,
    scopes: &[Scope],
) -> Result<Vec<(NodeId, BootId)>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT n.id, p.boot_id FROM node n JOIN area a ON a.id = n.area_id
         JOIN node_presence p ON p.node_id = n.id JOIN node_report r ON r.node_id = n.id
         WHERE n.state = 'enrolled' AND n.removed_ms IS NULL AND p.online = 1 AND r.clock = 'unknown' AND ",
    );
    push_in_scopes(&mut query, "a.path", scopes);
    let rows = query.build().fetch_all(c).await?;
    rows.iter().map(|row| Ok((row.parsed("id")?, row.parsed("boot_id")?))).collect()
}

/// The orders given in the name of areas in the scopes, the latest first.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(c: &mut Connection, scopes: &[Scope], limit: u32) -> Result<Vec<LiveOrder>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    push_in_scopes(&mut query, "a.path", scopes);
    query.push(" ORDER BY o.given_ms DESC, o.id DESC LIMIT ").push_bind(i64::from(limit));
    let rows = query.build().fetch_all(&mut *c).await?;
    let mut orders = Vec::with_capacity(rows.len());
    for row in &rows {
        orders.push(whole(c, row).await?);
    }
    Ok(orders)
}

/// One order.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, id: &OrderId) -> Result<Option<LiveOrder>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push("o.id = ").push_bind(id.as_str().to_owned());
    match query.build().fetch_optional(&mut *c).await? {
        Some(row) => whole(c, &row).await.map(Some),
        None => Ok(None),
    }
}

async fn whole(c: &mut Connection, row: &Row) -> Result<LiveOrder, StoreError> {
    let id: OrderId = row.parsed("id")?;
    let to = query("SELECT audience FROM live_order_message WHERE order_id = $1 ORDER BY audience")
        .bind(id.as_str())
        .fetch_all(&mut *c)
        .await?;
    let answers =
        query("SELECT node_id, answered_ms FROM live_order_answer WHERE order_id = $1 ORDER BY node_id")
            .bind(id.as_str())
            .fetch_all(c)
            .await?;
    Ok(LiveOrder {
        path: row.path("path")?,
        kind: kind(row)?,
        reason: row.text("reason")?,
        given: row.instant("given_ms")?,
        given_by: row.text("given_by")?,
        expires: row.instant("expires_ms")?,
        sent: row.instant_opt("sent_ms")?,
        to: to.iter().map(|row| addressee(row, "audience")).collect::<Result<_, _>>()?,
        answers: answers
            .iter()
            .map(|row| Ok((row.parsed("node_id")?, row.instant("answered_ms")?)))
            .collect::<Result<_, StoreError>>()?,
        id,
    })
}

fn audience(to: &Addressee) -> String {
    match to {
        Addressee::Area(area) => PlanAudience::Area(area.clone()),
        Addressee::Node(node) => PlanAudience::Node(node.clone()),
    }
    .to_string()
}

fn addressee(row: &Row, column: &str) -> Result<Addressee, StoreError> {
    match row.parsed(column)? {
        PlanAudience::Area(area) => Ok(Addressee::Area(area)),
        PlanAudience::Node(node) => Ok(Addressee::Node(node)),
        PlanAudience::Keys => Err(damaged(column, "nobody is ordered anything by `keys`")),
    }
}

fn kind(row: &Row) -> Result<OrderKind, StoreError> {
    let bulletin: Option<BulletinId> = row.parsed_opt("bulletin_id")?;
    let word = row.text("kind")?;
    match (word.as_str(), bulletin) {
        ("stop_all", None) => Ok(OrderKind::StopAll),
        ("all_clear", None) => Ok(OrderKind::AllClear),
        ("stop_bulletin", Some(bulletin)) => Ok(OrderKind::StopBulletin(bulletin)),
        _ => Err(damaged("kind", "no kind of order, or one without its bulletin")),
    }
}

fn damaged(column: &str, problem: &str) -> StoreError {
    StoreError::Damaged { column: column.to_owned(), problem: problem.to_owned() }
}
