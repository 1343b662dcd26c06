//! Emergencies in the middle of a wave: forty minutes of speech on the way to every node, within the bound that a controller's own line
//! has by default, which takes far longer than what is measured.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_tests::programme;
use loa_tests::wait::until;
use serde_json::{Value, json};

use super::Series;
use super::round::Rounds;

/// How long before its start the speech is planned. Nodes begin to ask within a hundredth of it.
const LEAD: Duration = Duration::from_secs(1_200);
/// Until the wave goes: nodes have begun to ask, and the first wants have waited for others.
const WAVE_WITHIN: Duration = Duration::from_secs(120);
const SENTENCE: &str =
    "Ủy ban nhân dân xã thông báo lịch tiêm chủng cho trẻ em dưới năm tuổi tại trạm y tế xã. ";
/// Nearly as much as a text may be.
const SENTENCES: usize = 440;

impl Rounds {
    /// So many emergencies while audio goes to all nodes.
    pub(super) async fn in_a_wave(&mut self, rounds: usize) -> Result<Series> {
        let form = json!({
            "area": self.area.as_str(), "title": "Lịch tiêm chủng", "text": SENTENCE.repeat(SENTENCES),
            "category": "health", "class": "normal",
        });
        let [approver, _] = &self.approvers;
        let bulletin = programme::approved(&self.author, approver, &form).await?;
        programme::scheduled(&self.author, &bulletin, LEAD, &[self.area.as_str()]).await?;
        until("a wave", WAVE_WITHIN, async || Ok((self.wave_blocks().await? > 0).then_some(()))).await?;
        let mut measured = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            let before = self.wave_blocks().await?;
            let Series(one) = self.series(1).await?;
            measured.extend(one);
            ensure!(self.wave_blocks().await? > before, "the wave ended before the emergency did");
        }
        Ok(Series(measured))
    }

    async fn wave_blocks(&self) -> Result<u64> {
        let sent = self.watcher.get("/deliveries").await?;
        sent.get("wave_blocks").and_then(Value::as_u64).context("blocks of waves")
    }
}
