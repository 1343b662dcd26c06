//! Signed documents and what was last applied.

use loa_node_core::{Slot, StoredDocument};
use loa_protocol::area::AreaPath;
use loa_protocol::envelope::Applied;
use loa_protocol::ids::{AreaId, Digest};
use loa_protocol::time::UnixMs;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError};

type Documents = (Vec<(Slot, StoredDocument)>, Vec<(Slot, Applied)>);

impl Store {
    /// Keeps a document in its slot in place of the previous one, and what was applied with it.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn save_document(&mut self, slot: &Slot, document: &StoredDocument) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO slot (name, sequence, digest, envelope, applied_at_ms, path, issued_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (name) DO UPDATE SET
               sequence = excluded.sequence, digest = excluded.digest, envelope = excluded.envelope,
               applied_at_ms = excluded.applied_at_ms, path = excluded.path,
               issued_at_ms = excluded.issued_at_ms",
        )
        .bind(slot_name(slot))
        .bind(document.applied.sequence.cast_signed())
        .bind(document.applied.digest.as_bytes())
        .bind(&*document.envelope)
        .bind(document.applied_at.0)
        .bind(path_text(&document.path))
        .bind(document.issued_at.0)
        .execute(&mut self.db)
        .await
        .map_err(|e| self.statement("keep a document")(e))?;
        Ok(())
    }

    /// Deletes a slot's document and keeps what was last applied.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn forget_document(&mut self, slot: &Slot) -> Result<(), StoreError> {
        sqlx::query("UPDATE slot SET envelope = NULL, applied_at_ms = NULL, path = NULL WHERE name = $1")
            .bind(slot_name(slot))
            .execute(&mut self.db)
            .await
            .map_err(|e| self.statement("forget a document")(e))?;
        Ok(())
    }

    pub(super) async fn documents(&mut self) -> Result<Documents, StoreError> {
        let rows = sqlx::query(
            "SELECT name, sequence, digest, envelope, applied_at_ms, path, issued_at_ms FROM slot ORDER BY name",
        )
        .fetch_all(&mut self.db)
        .await
        .map_err(|e| self.statement("read the documents")(e))?;
        let mut documents = Vec::new();
        let mut all_applied = Vec::new();
        for row in &rows {
            let (slot, applied, document) = read_slot(row).map_err(|what| self.damaged(what))?;
            all_applied.push((slot.clone(), applied));
            documents.extend(document.map(|document| (slot, document)));
        }
        Ok((documents, all_applied))
    }
}

fn read_slot(row: &SqliteRow) -> Result<(Slot, Applied, Option<StoredDocument>), String> {
    let name: String = row.get(0);
    let slot = parse_slot(&name).ok_or_else(|| format!("slot {name:?}"))?;
    let digest =
        <[u8; 16]>::try_from(row.get::<&[u8], _>(2)).map_err(|_| format!("digest of slot {name}"))?;
    let applied = Applied { sequence: row.get::<i64, _>(1).cast_unsigned(), digest: Digest(digest) };
    let parts: (Option<Vec<u8>>, Option<i64>, Option<String>) = (row.get(3), row.get(4), row.get(5));
    let (Some(envelope), Some(applied_at), Some(path)) = parts else { return Ok((slot, applied, None)) };
    let path = parse_path(&path).ok_or_else(|| format!("path of slot {name}"))?;
    let (applied_at, issued_at) = (UnixMs(applied_at), UnixMs(row.get(6)));
    let envelope = envelope.into();
    Ok((slot, applied, Some(StoredDocument { envelope, applied, applied_at, path, issued_at })))
}

fn slot_name(slot: &Slot) -> String {
    match slot {
        Slot::Keys => "keys".to_owned(),
        Slot::Node => "node".to_owned(),
        Slot::Plan(area) => format!("plan/{area}"),
        Slot::Alert(area) => format!("alert/{area}"),
        Slot::Command(None) => "command".to_owned(),
        Slot::Command(Some(area)) => format!("command/{area}"),
    }
}

fn parse_slot(name: &str) -> Option<Slot> {
    match name {
        "keys" => Some(Slot::Keys),
        "node" => Some(Slot::Node),
        "command" => Some(Slot::Command(None)),
        _ => {
            let (kind, area) = name.split_once('/')?;
            let area = AreaId::new(area).ok()?;
            match kind {
                "plan" => Some(Slot::Plan(area)),
                "alert" => Some(Slot::Alert(area)),
                "command" => Some(Slot::Command(Some(area))),
                _ => None,
            }
        }
    }
}

/// Areas, widest first, joined by `/`, which no id holds.
pub(crate) fn path_text(path: &AreaPath) -> String {
    path.areas().iter().map(AreaId::as_str).collect::<Vec<_>>().join("/")
}

/// The path of which this is the text.
pub(crate) fn parse_path(text: &str) -> Option<AreaPath> {
    let areas = text.split('/').map(AreaId::new).collect::<Result<Vec<_>, _>>().ok()?;
    AreaPath::new(areas).ok()
}
