//! What only a file has.

use super::super::query::query;
use super::super::rows::Columns as _;
use super::super::{Store, StoreError, areas};

#[tokio::test]
async fn the_file_is_durable_and_checks_references() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("c.db")).await.unwrap();
    let mut tx = store.write().await.unwrap();
    for (pragma, expected) in [
        ("SELECT journal_mode AS value FROM pragma_journal_mode", "wal"),
        ("SELECT CAST(synchronous AS TEXT) AS value FROM pragma_synchronous", "2"),
        ("SELECT CAST(foreign_keys AS TEXT) AS value FROM pragma_foreign_keys", "1"),
    ] {
        let row = query(pragma).fetch_one(&mut tx).await.unwrap();
        assert_eq!(row.text("value").unwrap(), expected, "{pragma}");
    }
    drop(tx);
    store.close().await;
    Store::open(&folder.path().join("c.db")).await.unwrap();
}

#[tokio::test]
async fn a_disk_that_was_full_is_written_again_once_it_has_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("c.db")).await.unwrap();
    for attempt in 0..3 {
        let mut tx = store.write().await.unwrap();
        // A file that may not grow is full like a disk, and the limit goes with the connection.
        query("PRAGMA max_page_count = 1").execute(&mut tx).await.unwrap();
        let large = "INSERT INTO area (id, path, name, level, created_ms) VALUES ('x', hex(zeroblob(100000)), '', '', 1)";
        let error = query(large).execute(&mut tx).await.unwrap_err();
        assert!(error.to_string().contains("full"), "attempt {attempt}: {error}");
        drop(tx);
    }
    let mut tx = store.write().await.unwrap();
    let small = "INSERT INTO area (id, path, name, level, created_ms) VALUES ('y', '/y/', '', '', 1)";
    query(small).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(areas::exists(&mut store.read().await.unwrap(), "y").await.unwrap());
}

#[tokio::test]
async fn a_database_from_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("c.db")).await.unwrap();
    let mut tx = store.write().await.unwrap();
    query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', 1, x'00', 0)",
    )
    .execute(&mut tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    let refused = Store::open(&folder.path().join("c.db")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 9999, known: 8.., .. }), "{refused:?}");
    assert!(refused.to_string().contains("install that version again"), "{refused}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let refused = Store::open(std::path::Path::new("/nowhere/c.db")).await.unwrap_err().to_string();
    assert!(refused.contains("/nowhere/c.db") && refused.contains("folder exists"), "{refused}");
}
