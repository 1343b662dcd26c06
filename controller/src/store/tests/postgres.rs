//! What only a server has.

use std::collections::BTreeMap;

use loa_protocol::ids::{AreaId, NodeId};
use loa_speech::Secret;
use loa_test_postgres::{Database, Postgres};

use super::super::query::{Row, query};
use super::super::rows::Columns as _;
use super::super::{Connection, Store, StoreError, areas, bulletins, nodes, postgres, sqlite, testing};
use super::NOW;
use crate::domain::area::{Area, child_path};
use crate::domain::ids::fresh_bulletin_id;
use crate::domain::node::{LineClass, NodeValues};
use crate::domain::role::Scope;

async fn connect(database: &Database<'_>) -> Result<Store, StoreError> {
    Store::connect(&Secret::new(database.url())).await
}

/// Tables, their columns, of which kind each is and whether it may be NULL.
async fn columns(c: &mut Connection, sql: &'static str) -> BTreeMap<(String, String), (String, bool)> {
    let read = |row: &Row| {
        let place = (row.text("held_in").unwrap(), row.text("name").unwrap());
        (place, (row.text("kind").unwrap(), row.flag("may_be_null").unwrap()))
    };
    query(sql).fetch_all(c).await.unwrap().iter().map(read).collect()
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let folder = tempfile::tempdir().unwrap();
    let file = Store::open(&folder.path().join("c.db")).await.unwrap();
    // A key is never NULL, said or not.
    let of_sqlite = columns(
        &mut file.read().await.unwrap(),
        "SELECT m.name AS held_in, p.name AS name, p.type AS kind, p.\"notnull\" = 0 AND p.pk = 0 AS may_be_null
         FROM sqlite_master m JOIN pragma_table_info(m.name) p
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND substr(m.name, 1, 5) <> '_sqlx'",
    )
    .await;
    let database = testing::database().await;
    let server = connect(&database).await.unwrap();
    let of_postgres = columns(
        &mut server.read().await.unwrap(),
        "SELECT table_name::text AS held_in, column_name::text AS name, is_nullable = 'YES' AS may_be_null,
         CASE WHEN data_type = 'bigint' THEN 'INTEGER' WHEN data_type = 'double precision' THEN 'REAL'
              WHEN data_type = 'bytea' THEN 'BLOB' WHEN data_type = 'text' AND collation_name = 'C' THEN 'TEXT'
              ELSE data_type || ' ' || COALESCE(collation_name, '') END AS kind
         FROM information_schema.columns WHERE table_schema = 'public' AND substr(table_name, 1, 5) <> '_sqlx'",
    )
    .await;
    for (place, column) in &of_sqlite {
        assert_eq!(of_postgres.get(place), Some(column), "{place:?}");
    }
    assert_eq!(of_postgres.len(), of_sqlite.len());
    assert!(of_sqlite.len() > 200);
}

#[test]
fn each_migration_is_there_for_both() {
    let numbers = |migrations: &sqlx::migrate::Migrator| -> Vec<i64> {
        migrations.iter().map(|m| m.version).filter(|version| *version > 23).collect()
    };
    assert_eq!(numbers(&postgres::MIGRATIONS), numbers(&sqlite::MIGRATIONS));
}

#[tokio::test]
async fn a_database_from_a_newer_version_is_left_alone() {
    let database = testing::database().await;
    let store = connect(&database).await.unwrap();
    let mut tx = store.write().await.unwrap();
    query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', true, ''::bytea, 0)",
    )
    .execute(&mut tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let refused = connect(&database).await.unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 9999, .. }), "{refused:?}");
    assert!(refused.to_string().contains("install that version again"), "{refused}");
}

#[tokio::test]
async fn a_server_that_was_away_needs_no_new_start_and_its_password_is_never_told() {
    let server = Postgres::start();
    let database = server.database();
    let store = connect(&database).await.unwrap();
    assert!(!format!("{store:?}").contains("mat-khau-bi-mat"));
    server.pause();
    let refused = connect(&database).await.unwrap_err();
    let told = format!("{refused} {refused:?}") + &format!("{:#}", anyhow::Error::new(refused));
    assert!(told.contains("check that PostgreSQL runs") && told.contains("as loa"), "{told}");
    assert!(!told.contains("mat-khau-bi-mat"), "{told}");
    for away in [store.write().await.unwrap_err(), store.append().await.unwrap_err()] {
        assert!(matches!(away, StoreError::Away(_)), "{away:?}");
    }
    assert!(matches!(store.read().await.unwrap_err(), StoreError::Away(_)));
    server.resume();
    store.write().await.unwrap().commit().await.unwrap();
    store.append().await.unwrap().commit().await.unwrap();
    let row = query("SHOW synchronous_commit").fetch_one(&mut store.read().await.unwrap()).await.unwrap();
    assert_eq!(row.text("synchronous_commit").unwrap(), "on");
}

#[tokio::test]
async fn a_database_without_vietnamese_letters_is_refused() {
    let server = Postgres::start();
    let database = server.database_in("LATIN1");
    let refused = connect(&database).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Encoding { found, .. } if found == "LATIN1"), "{refused:?}");
}

#[tokio::test]
async fn what_one_has_read_stays_true_until_it_commits_whichever_controller_writes() {
    let database = testing::database().await;
    let controllers = [connect(&database).await.unwrap(), connect(&database).await.unwrap()];
    let (bulletin, xa) = (fresh_bulletin_id(), AreaId::new("xa").unwrap());
    let area = Area {
        id: xa.clone(),
        path: child_path(None, xa.clone()).unwrap(),
        name: "Xã".to_owned(),
        level: "xã".to_owned(),
        languages: Vec::new(),
        zone: None,
    };
    let mut tx = controllers[0].write().await.unwrap();
    areas::insert(&mut tx, &area, NOW).await.unwrap();
    bulletins::insert(&mut tx, &bulletin, &xa, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let count = async |store: Store| {
        for _ in 0..10 {
            let mut tx = store.write().await.unwrap();
            let latest = bulletins::get(&mut tx, &bulletin).await.unwrap().unwrap().latest;
            tokio::task::yield_now().await;
            let update = query("UPDATE bulletin SET latest_revision = $1").bind(i64::from(latest) + 1);
            update.execute(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    let [one, other] = controllers.clone();
    tokio::join!(count(one.clone()), count(other.clone()), count(one.clone()), count(other));
    let counted = bulletins::get(&mut one.read().await.unwrap(), &bulletin).await.unwrap().unwrap();
    assert_eq!(counted.latest, 40);
}

#[tokio::test]
async fn what_nodes_report_does_not_wait_for_staff_and_a_call_given_up_leaves_no_lock() {
    let database = testing::database().await;
    let (one, other) = (connect(&database).await.unwrap(), connect(&database).await.unwrap());
    let held = one.write().await.unwrap();
    other.append().await.unwrap().commit().await.unwrap();
    let mut waiting = Box::pin(other.write());
    let waits = async || {
        let mut tx = one.read().await.unwrap();
        let sql = "SELECT COUNT(*) AS number FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        query(sql).fetch_one(&mut tx).await.unwrap().number::<u32>("number").unwrap() == 1
    };
    let until_it_waits = async { while !waits().await {} };
    tokio::select! {
        _ = &mut waiting => panic!("two write at a time"),
        done = tokio::time::timeout(std::time::Duration::from_secs(10), until_it_waits) => done.unwrap(),
    }
    drop(waiting);
    held.commit().await.unwrap();
    one.write().await.unwrap().commit().await.unwrap();
    other.write().await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn one_controller_at_a_time_signs_for_a_database() {
    let database = testing::database().await;
    let (one, other) = (connect(&database).await.unwrap(), connect(&database).await.unwrap());
    let claim = one.claim().await.unwrap();
    let refused = other.claim().await.unwrap_err();
    assert!(matches!(refused, StoreError::Claimed), "{refused:?}");
    drop(claim);
    let free = async {
        while let Err(error) = other.claim().await {
            assert!(matches!(error, StoreError::Claimed), "{error:?}");
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), free).await.unwrap();
}

#[tokio::test]
async fn a_text_with_a_zero_byte_is_kept_without_it() {
    let database = testing::database().await;
    let store = connect(&database).await.unwrap();
    let mut tx = store.write().await.unwrap();
    let joined = query("SELECT $1 || $2 AS joined").bind("a\0b").bind(String::from("c"));
    assert_eq!(joined.fetch_one(&mut tx).await.unwrap().text("joined").unwrap(), "a\u{FFFD}bc");
}

#[tokio::test]
async fn a_file_moves_to_a_server_with_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = Store::open(&folder.path().join("c.db")).await.unwrap();
    let mut tx = file.write().await.unwrap();
    let area = |id: &str, above: Option<&Area>| Area {
        id: AreaId::new(id).unwrap(),
        path: child_path(above.map(|above| &above.path), AreaId::new(id).unwrap()).unwrap(),
        name: "Đạ Đờn".to_owned(),
        level: "xã".to_owned(),
        languages: Vec::new(),
        zone: None,
    };
    // Written first, and moved below another since: rows in the order in which they were written would not do.
    let (moved, tinh) = (area("a", None), area("tinh", None));
    areas::insert(&mut tx, &moved, NOW).await.unwrap();
    areas::insert(&mut tx, &tinh, NOW).await.unwrap();
    let there = area("a", Some(&tinh));
    areas::set_place(&mut tx, &moved.id, &moved.path, &there.path).await.unwrap();
    let node = NodeId::new("cum").unwrap();
    let values =
        NodeValues { name: "Cụm".to_owned(), serial: None, volume_percent: 80, line: LineClass::Mobile };
    nodes::insert(&mut tx, &node, &moved.id, &values, NOW).await.unwrap();
    let health_rows = 5_000;
    for at in 0..health_rows {
        let health = query("INSERT INTO node_health (node_id, received_ms, health) VALUES ('cum', $1, $2)");
        health.bind(at).bind(at.to_be_bytes().to_vec()).execute(&mut tx).await.unwrap();
        let audit =
            query("INSERT INTO audit (at_ms, actor_name, action, subject_id) VALUES ($1, 'lan', 'a.b', 'c')");
        audit.bind(at).execute(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();

    let database = testing::database().await;
    let server = connect(&database).await.unwrap();
    let copied = file.copy_to(&server).await.unwrap();
    for (table, rows) in [("area", 2), ("node", 1), ("node_health", 5_000), ("audit", 5_000), ("track", 0)] {
        assert!(copied.contains(&(table.to_owned(), rows)), "{table}: {copied:?}");
    }
    let mut tx = server.write().await.unwrap();
    assert_eq!(areas::list(&mut tx, &[Scope::Everywhere]).await.unwrap(), [tinh, there]);
    let sum = query("SELECT COUNT(*) AS number FROM node_health WHERE health = int8send(received_ms)");
    let sum: i64 = sum.fetch_one(&mut tx).await.unwrap().number("number").unwrap();
    assert_eq!(sum, health_rows);
    let next = query(
        "INSERT INTO audit (at_ms, actor_name, action, subject_id) VALUES (1, 'lan', 'a.b', 'c') RETURNING id",
    );
    assert_eq!(next.fetch_one(&mut tx).await.unwrap().number::<i64>("id").unwrap(), health_rows + 1);
    drop(tx);
    let again = file.copy_to(&server).await.unwrap_err().to_string();
    assert!(again.contains("area holds rows already"), "{again}");
}
