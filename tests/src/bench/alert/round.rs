//! One emergency through the product, then the same bytes through the raw broker.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use loa_link::{LinkEvent, LinkHandle, Publication};
use loa_protocol::ids::AreaId;
use loa_tests::Person;
use loa_tests::api::text;
use loa_tests::bare::BareClients;
use loa_tests::wait::until;
use serde_json::{Value, json};
use sqlx::SqlitePool;
use tokio::sync::mpsc;

use super::Series;
use crate::field::now;
use crate::spread::Spread;

/// About ten seconds of speech.
const TEXT: &str = "Nước suối đang lên rất nhanh, nguy cơ lũ quét rất cao. Bà con ở ven suối phải rời khỏi nhà ngay, đi lên nơi \
    cao và chắc chắn. Giúp người già, trẻ em và người ốm đi trước. Tuyệt đối không đi qua ngầm, tràn.";
/// Between the lengths that count as ten seconds.
const SPEECH_MS: std::ops::RangeInclusive<i64> = 9_000..=12_000;
const PATIENCE: Duration = Duration::from_secs(120);
/// After an emergency was taken back: states come up to 15 s after what sounded.
const SETTLE: Duration = Duration::from_secs(20);

/// What is measured again and again.
pub(super) struct Rounds {
    pub(super) author: Person,
    pub(super) approvers: [Person; 2],
    /// Sees what is sent.
    pub(super) watcher: Person,
    pub(super) database: SqlitePool,
    pub(super) nodes: usize,
    pub(super) area: AreaId,
    /// The raw broker's owner, and what it hears.
    pub(super) raw: (LinkHandle, mpsc::Receiver<LinkEvent>),
    pub(super) topic: String,
    pub(super) bare: BareClients,
}

/// One emergency. Instants are in milliseconds from the moment in which the approving call was made.
pub(super) struct Round {
    pub(super) speech_ms: u32,
    /// Size of the signed document.
    pub(super) bytes: usize,
    /// When the approval was given, by the controller's clock.
    pub(super) released_ms: f64,
    /// When the call was answered.
    pub(super) called_ms: f64,
    /// When nodes had the document, had verified it, and sounded, by their clocks.
    pub(super) received: Spread,
    pub(super) verified: Spread,
    pub(super) sounding: Spread,
    /// When all of that was in the database.
    pub(super) answered_ms: f64,
    /// When the bare clients had the same bytes.
    pub(super) raw: Spread,
}

impl Rounds {
    /// So many emergencies, one after the other.
    pub(super) async fn series(&mut self, rounds: usize) -> Result<Series> {
        let mut measured = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            measured.push(self.round().await?);
        }
        Ok(Series(measured))
    }

    /// Gives an emergency, has it approved, waits until it is over, and sends the same to the bare clients.
    async fn round(&mut self) -> Result<Round> {
        let form = json!({
            "areas": [self.area.as_str()],
            "title": "Lũ quét",
            "text": TEXT,
            "severity": "severe",
            "status": "actual",
            "rounds": 1,
            "valid_minutes": 30,
        });
        let given = self.author.post("/alerts", &form).await?;
        let id = text(&given, "/id")?;
        let path = format!("/alerts/{id}");
        let [first, second] = &self.approvers;
        let waiting = until("its sound", PATIENCE, async || {
            let alert = first.get(&path).await?;
            Ok((alert["state"] == "waiting").then_some(alert))
        })
        .await?;
        let speech_ms = waiting["length_ms"].as_i64().context("its length")?;
        ensure!(SPEECH_MS.contains(&speech_ms), "{speech_ms} ms of speech are not about ten seconds");
        let seen = |alert: &Value| -> Result<Value> { Ok(json!({ "seen": text(alert, "/seen")? })) };
        let approve = format!("{path}/approve");
        first.post(&approve, &seen(&waiting)?).await?;
        let half = second.get(&path).await?;
        ensure!(half["state"] == "waiting", "one approval is not enough: {half}");
        let seen = seen(&half)?;

        let (begun, at) = (Instant::now(), now());
        let sent = second.post(&approve, &seen).await?;
        let called_ms = ms(begun);
        ensure!(sent["state"] == "sent", "two approvals are enough: {sent}");
        let nodes = i64::try_from(self.nodes)?;
        until("the answers of all nodes", PATIENCE, async || {
            let count = "SELECT count(started_ms) FROM alert_answer WHERE alert_id = $1";
            let (count,): (i64,) = sqlx::query_as(count).bind(&id).fetch_one(&self.database).await?;
            Ok((count == nodes).then_some(()))
        })
        .await?;
        let answered_ms = ms(begun);

        let (released,): (i64,) = sqlx::query_as("SELECT released_ms FROM alert WHERE id = $1")
            .bind(&id)
            .fetch_one(&self.database)
            .await?;
        let said = "SELECT received_ms, verified_ms, started_ms FROM alert_answer WHERE alert_id = $1";
        let said: Vec<(i64, i64, i64)> = sqlx::query_as(said).bind(&id).fetch_all(&self.database).await?;
        let since = |instant: i64| (instant - at.0) as f64;
        let (envelope,): (Vec<u8>,) =
            sqlx::query_as("SELECT envelope FROM alert_document WHERE area_id = $1")
                .bind(self.area.as_str())
                .fetch_one(&self.database)
                .await?;
        let bytes = envelope.len();

        until("the receipts of all nodes", PATIENCE, async || {
            let count = "SELECT count(*) FROM receipt WHERE bulletin_id = $1 AND outcome = 'played'";
            let (count,): (i64,) = sqlx::query_as(count).bind(&id).fetch_one(&self.database).await?;
            Ok((count == nodes).then_some(()))
        })
        .await?;
        // Or the next one's document would carry this one too.
        self.author.post(&format!("{path}/cancel"), &json!({ "reason": "Đo xong" })).await?;
        tokio::time::sleep(SETTLE).await;
        let raw = self.raw(envelope).await?;
        Ok(Round {
            speech_ms: u32::try_from(speech_ms)?,
            bytes,
            released_ms: since(released),
            called_ms,
            received: Spread::of(said.iter().map(|(received, _, _)| since(*received))),
            verified: Spread::of(said.iter().map(|(_, verified, _)| since(*verified))),
            sounding: Spread::of(said.iter().map(|(_, _, started)| since(*started))),
            answered_ms,
            raw,
        })
    }

    /// The same bytes to the bare clients, as the product publishes them.
    async fn raw(&mut self, envelope: Vec<u8>) -> Result<Spread> {
        let (link, events) = &mut self.raw;
        while events.try_recv().is_ok() {}
        let publication =
            Publication { retain: true, ..Publication::new(self.topic.clone(), envelope.clone(), 0) };
        let arrivals = self
            .bare
            .round(envelope.len() as u64, async || Ok(link.publish_when_room(publication).await?))
            .await?;
        Ok(Spread::of(arrivals.times_ms))
    }
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
