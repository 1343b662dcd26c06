//! What nodes say of emergencies, a whole batch at once: ten thousand answer within a second.

use loa_protocol::alert::{AlertAnswer, Verdict};
use loa_protocol::ids::BulletinId;

use super::report::{Report, Reported};
use crate::domain::refused;
use crate::store::alert_answers::{self, DocumentAnswer, SoundingAnswer};
use crate::store::{Connection, StoreError};

/// Keeps the answers of a batch, and what states say of documents in force: an answer may have been lost.
pub(super) async fn keep(c: &mut Connection, reported: &[&Reported]) -> Result<(), StoreError> {
    let (mut documents, mut sounding, mut now) = (Vec::new(), Vec::new(), None);
    for Reported { node, at, report, .. } in reported.iter().copied() {
        match report {
            Report::Answer(AlertAnswer { area, epoch, received, verdict }) => {
                now = Some(*at);
                let document = |verified, refusal| DocumentAnswer {
                    node: node.clone(),
                    area: area.clone(),
                    epoch: *epoch,
                    received: *received,
                    verified,
                    refusal,
                };
                match verdict {
                    Verdict::Verified(at) => documents.push(document(Some(*at), None)),
                    Verdict::Refused(refusal) => {
                        documents.push(document(None, Some(refused::number(*refusal))))
                    }
                    Verdict::Sounding { item, started, .. } => {
                        // An alert's item has the alert's id.
                        let Ok(alert) = BulletinId::new(item.as_str()) else { continue };
                        let (node, received, started) = (node.clone(), *received, *started);
                        sounding.push(SoundingAnswer { node, alert, received, started });
                    }
                }
            }
            Report::State(state) => documents.extend(state.alerts.iter().map(|plan| {
                now = Some(*at);
                DocumentAnswer {
                    node: node.clone(),
                    area: plan.area.clone(),
                    epoch: plan.applied.sequence,
                    received: *at,
                    verified: Some(*at),
                    refusal: None,
                }
            })),
            Report::Presence(_) | Report::Receipts(_) | Report::Health(_) | Report::Event(_) => {}
        }
    }
    let Some(now) = now else { return Ok(()) };
    alert_answers::note_documents(c, &documents, now).await?;
    alert_answers::note_sounding(c, &sounding, now).await
}
