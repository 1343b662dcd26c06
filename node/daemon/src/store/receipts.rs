//! Intents, receipts, and the ledger of what has ended.

use loa_node_core::{Ending, Intent, Progress};
use loa_protocol::ids::{Digest, OccurrenceId};
use loa_protocol::receipt::Receipt;
use loa_protocol::time::UnixMs;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::transaction::Statement;
use super::{PUT_META, Store, StoreError};

/// Where the newest receipt's digest is kept.
const LAST_RECEIPT: &str = "last_receipt";

impl Store {
    /// Keeps an intent in place of an earlier one of the same occurrence.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn record_intent(&mut self, intent: &Intent) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO intent (occurrence, item, revision, bulletin, nominal_ms, started_ms, class, progress)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (occurrence) DO UPDATE SET
               item = excluded.item, revision = excluded.revision, bulletin = excluded.bulletin,
               nominal_ms = excluded.nominal_ms, started_ms = excluded.started_ms, class = excluded.class,
               progress = excluded.progress",
        )
        .bind(intent.occurrence.as_bytes())
        .bind(intent.item.as_str())
        .bind(i64::from(intent.revision))
        .bind(intent.bulletin.as_str())
        .bind(intent.nominal.0)
        .bind(intent.started.map(|at| at.0))
        .bind(intent.class.as_str())
        .bind(encode(&intent.progress))
        .execute(&mut self.db)
        .await
        .map_err(|e| self.statement("keep an intent")(e))?;
        Ok(())
    }

    /// Keeps receipts for sending, enters their occurrences into the ledger, deletes their intents, raises the counter above
    /// them, and remembers the last one's digest: all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn record_receipts(&mut self, endings: &[Ending]) -> Result<(), StoreError> {
        let last = endings.iter().map(|ending| &ending.receipt).max_by_key(|receipt| receipt.number);
        let Some(last) = last else { return Ok(()) };
        let above = last.number.saturating_add(1);
        let next = self.next_receipt().await?.max(above);
        let mut statements: Vec<Statement<'_>> = endings.iter().flat_map(keep).collect();
        statements.push(sqlx::query(PUT_META).bind("next_receipt").bind(next.to_string()));
        if next == above {
            statements.push(sqlx::query(PUT_META).bind(LAST_RECEIPT).bind(last.digest().to_string()));
        }
        self.all_or_nothing("keep receipts", statements).await
    }

    /// Deletes receipts that the controller has.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn delete_receipts(&mut self, numbers: &[u64]) -> Result<(), StoreError> {
        let statements = numbers
            .iter()
            .map(|number| sqlx::query("DELETE FROM receipt WHERE number = $1").bind(number.cast_signed()))
            .collect();
        self.all_or_nothing("delete receipts", statements).await
    }

    /// These receipts, ascending by number, without those that are not there or are damaged: one bad row must not hold up the
    /// others.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn read_receipts(&mut self, numbers: &[u64]) -> Result<Vec<Receipt>, StoreError> {
        let mut receipts = Vec::with_capacity(numbers.len());
        for number in numbers {
            let cbor: Option<Vec<u8>> = sqlx::query_scalar("SELECT cbor FROM receipt WHERE number = $1")
                .bind(number.cast_signed())
                .fetch_optional(&mut self.db)
                .await
                .map_err(|e| self.statement("read a receipt")(e))?;
            match cbor.as_deref().map(minicbor::decode).transpose() {
                Ok(receipt) => receipts.extend(receipt),
                Err(error) => tracing::error!(
                    number,
                    error = &error as &dyn std::error::Error,
                    "a receipt in the database is damaged; it is not sent, the others are"
                ),
            }
        }
        receipts.sort_by_key(|r: &Receipt| r.number);
        Ok(receipts)
    }

    pub(super) async fn next_receipt(&mut self) -> Result<u64, StoreError> {
        Ok(self.number("next_receipt").await?.unwrap_or(1))
    }

    pub(super) async fn last_receipt(&mut self) -> Result<Option<Digest>, StoreError> {
        self.number(LAST_RECEIPT).await
    }

    pub(super) async fn receipt_numbers(&mut self) -> Result<Vec<u64>, StoreError> {
        let numbers: Vec<i64> = sqlx::query_scalar("SELECT number FROM receipt ORDER BY number")
            .fetch_all(&mut self.db)
            .await
            .map_err(|e| self.statement("read the receipts")(e))?;
        Ok(numbers.into_iter().map(i64::cast_unsigned).collect())
    }

    pub(super) async fn intents(&mut self) -> Result<Vec<Intent>, StoreError> {
        let rows = sqlx::query(
            "SELECT occurrence, item, revision, bulletin, nominal_ms, started_ms, class, progress
             FROM intent ORDER BY occurrence",
        )
        .fetch_all(&mut self.db)
        .await
        .map_err(|e| self.statement("read the intents")(e))?;
        rows.iter().map(|row| read_intent(row).ok_or_else(|| self.damaged("an intent".to_owned()))).collect()
    }
}

fn read_intent(row: &SqliteRow) -> Option<Intent> {
    Some(Intent {
        occurrence: OccurrenceId(<[u8; 16]>::try_from(row.get::<&[u8], _>(0)).ok()?),
        item: row.get::<String, _>(1).parse().ok()?,
        revision: u32::try_from(row.get::<i64, _>(2)).ok()?,
        bulletin: row.get::<String, _>(3).parse().ok()?,
        nominal: UnixMs(row.get(4)),
        started: row.get::<Option<i64>, _>(5).map(UnixMs),
        class: row.get::<String, _>(6).parse().ok()?,
        progress: row.get::<Option<&[u8]>, _>(7).map_or(Ok(Progress::default()), minicbor::decode).ok()?,
    })
}

/// Keeps a receipt and what it ends. The same receipt may come again after a failure that was none.
fn keep(ending: &Ending) -> [Statement<'_>; 3] {
    let Ending { receipt, aired } = ending;
    [
        sqlx::query(
            "INSERT INTO receipt (number, cbor) VALUES ($1, $2)
             ON CONFLICT (number) DO UPDATE SET cbor = excluded.cbor",
        )
        .bind(receipt.number.cast_signed())
        .bind(encode(receipt)),
        sqlx::query(
            "INSERT INTO ledger (nominal_ms, item, revision, sounded, aired) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (nominal_ms, item, revision) DO UPDATE SET
               sounded = max(sounded, excluded.sounded), aired = coalesce(aired, excluded.aired)",
        )
        .bind(receipt.nominal.0)
        .bind(receipt.item.as_str())
        .bind(i64::from(receipt.revision))
        .bind(ending.ledger_entry().sounded)
        .bind(aired.as_ref().map(encode)),
        sqlx::query("DELETE FROM intent WHERE occurrence = $1").bind(receipt.occurrence.as_bytes()),
    ]
}

fn encode(value: &impl minicbor::Encode<()>) -> Vec<u8> {
    match minicbor::to_vec(value) {
        Ok(bytes) => bytes,
        Err(never) => unreachable!("a Vec accepts every write: {never}"),
    }
}
