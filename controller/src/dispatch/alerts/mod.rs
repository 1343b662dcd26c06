//! Emergencies on their way to the nodes: of each area one retained document, which is signed and sent when what is in force there changes.
//!
//! A pass costs what is in force, not what there is: it is on the way from the last approval to the first sound. Passes come on a nudge,
//! on every new connection, when a node reports something else than it should have, and once a minute.
//!
//! **Invariants.** An epoch is in the database before its document is sent. A document of an area is sent whole, so that one that has
//! lost an alert is what takes it back; so it lasts as long as the one whose place it takes, which nodes may hold for as long. What nobody
//! can obey any more, because it has expired, is neither signed nor sent again.

mod compile;
mod sent;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use loa_link::{LinkHandle, Publication, Qos};
use loa_protocol::alert::{AreaAlerts, INLINE_MAX_BYTES, VALID_MAX_S};
use loa_protocol::envelope::Validity;
use loa_protocol::ids::{AreaId, BulletinId, Digest, NodeId, ObjectHash};
use loa_protocol::plan::Epoch;
use loa_protocol::report::AppliedPlan;
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::compile::{Compiled, InForce, LeftOut, Sound, WhyLeftOut, compile};
use self::sent::{Missing, Sent};
use super::compile::content_digest;
use super::manifests::Manifests;
use super::offers::Offers;
use super::outlet::{Offered, offer};
use super::{DispatchError, epoch::is_plausible};
use crate::domain::area::AreaSettings;
use crate::live::{Change, Changes};
use crate::services::{AlertProblem, AlertProblems, Clock, Nudge};
use crate::store::alert_documents::{self, AlertDocument};
use crate::store::blobs::BlobStore;
use crate::store::{Store, StoreError, alerts, areas, bulletins, nodes};
use crate::trust::Trust;

pub use self::compile::item;

/// How often a pass comes by itself.
const PERIOD: Duration = Duration::from_secs(60);
/// How soon one that failed is tried again: somebody waits for what was released.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How far a node's clock may be behind: as far as a clock may have drifted that still counts.
const BACKDATED_S: i64 = 300;

/// What the sender needs.
pub struct Settings {
    /// The database.
    pub store: Store,
    /// The manifests of the audio objects.
    pub manifests: Manifests,
    /// The audio objects.
    pub blobs: BlobStore,
    /// The keys.
    pub trust: Arc<Trust>,
    /// The way to the broker.
    pub link: LinkHandle,
    /// Number of the connection that stands; changes with each new one.
    pub connection: watch::Receiver<u64>,
    /// Told which objects may be fetched.
    pub offers: Arc<Offers>,
    /// Zone of areas that name none.
    pub zone: Tz,
    /// Something was released or stopped, or its sounds are made.
    pub nudge: Nudge,
    /// Tells the pages what went out.
    pub changes: Changes,
    /// Told what does not get to nodes.
    pub problems: AlertProblems,
    /// The time.
    pub clock: Clock,
    /// Which alerts nodes report to have applied.
    pub reported: mpsc::Receiver<(NodeId, Vec<AppliedPlan>)>,
}

/// What a pass reads.
struct Rows {
    /// What is in force and audible.
    in_force: Vec<InForce>,
    /// The zones of its areas.
    zones: BTreeMap<AreaId, Tz>,
    /// The latest documents.
    documents: BTreeMap<AreaId, AlertDocument>,
}

/// The sender's task.
pub struct Sender {
    settings: Settings,
    sent: Sent,
}

impl Sender {
    /// A sender that has done nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, sent: Sent::default() }
    }

    /// Runs until the token is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let outcome = self.pass().await;
            let wait = wait_after(&outcome);
            if let Err(error) = outcome {
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::error!(error, "emergencies could not be sent; tried again in {wait:?}");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                more = self.reason_for_a_pass(wait) => if !more { return },
            }
        }
    }

    /// Waits until a pass has something to do, `at_most` so long. `false`: there is no link any more.
    async fn reason_for_a_pass(&mut self, at_most: Duration) -> bool {
        let period = tokio::time::sleep(at_most);
        tokio::pin!(period);
        loop {
            tokio::select! {
                // What was just approved goes before what nodes report.
                biased;
                () = self.settings.nudge.woken() => return true,
                changed = self.settings.connection.changed() => {
                    self.sent.forget_connection();
                    return changed.is_ok();
                }
                () = &mut period => return true,
                Some((node, applied)) = self.settings.reported.recv() => match self.lacks(&node, &applied).await {
                    Ok(true) => return true,
                    Ok(false) => {}
                    Err(error) => tracing::error!(%error, %node, "what a node has applied could not be compared"),
                },
            }
        }
    }

    /// Whether a node has something else than it should.
    async fn lacks(&mut self, node: &NodeId, applied: &[AppliedPlan]) -> Result<bool, StoreError> {
        if self.sent.is_empty() && applied.is_empty() {
            return Ok(false);
        }
        let now = self.settings.clock.now();
        let mut tx = self.settings.store.read().await?;
        let Some((node, _)) = nodes::get(&mut tx, node).await? else { return Ok(false) };
        drop(tx);
        let mut lacks = false;
        for area in node.path.areas() {
            let has = applied.iter().find(|plan| plan.area == *area).map(|plan| plan.applied);
            match self.sent.compare(area, has, now) {
                None => {}
                Some(Missing::Older) => {
                    tracing::info!(node = %node.id, %area, "a node lacks the emergencies of an area; sent again");
                    lacks = true;
                }
                Some(Missing::Newer(epoch)) if is_plausible(epoch, now) => {
                    tracing::warn!(node = %node.id, %area, epoch, "a node has newer emergencies than this database: was it restored?");
                    lacks |= self.sent.see(area, epoch, now);
                }
                Some(Missing::Newer(epoch)) => {
                    tracing::error!(node = %node.id, %area, epoch, "a node claims an impossible document; it is not believed");
                }
            }
        }
        Ok(lacks)
    }

    async fn pass(&mut self) -> Result<(), DispatchError> {
        let now = self.settings.clock.now();
        let Rows { in_force, zones: mut areas, documents: known } = self.read(now).await?;
        let sounds = sounds(&self.settings.manifests, &self.settings.blobs, &in_force).await?;
        for area in known.keys().chain(self.sent.seen()) {
            // What is empty has no starts to read in any zone.
            areas.entry(area.clone()).or_insert(Tz::UTC);
        }
        let (compiled, left_out) = compile(&in_force, &sounds, &areas);
        for out in &left_out {
            tracing::error!(alert = %out.alert, area = %out.area, why = %out.why, "an emergency is left out of an area's document");
        }
        let is_news = self.settings.problems.replace(problems(&left_out));
        self.settings.offers.replace_alerts(
            compiled.iter().map(|one| (one.document.area.clone(), objects(&one.document))).collect(),
        );
        let loaded: BTreeSet<AreaId> = compiled
            .iter()
            .filter(|one| !one.carries.is_empty())
            .map(|one| one.document.area.clone())
            .collect();
        let mut documents = known;
        let signed: Vec<_> = compiled.into_iter().filter_map(|one| self.sign(one, &documents, now)).collect();
        if !signed.is_empty() {
            let mut tx = self.settings.store.write().await?;
            for (document, carries) in signed {
                if alert_documents::put(&mut tx, &document, &carries).await? {
                    documents.insert(document.area.clone(), document);
                } else {
                    tracing::error!(area = %document.area, "another controller signs for this database; stop one of them");
                }
            }
            tx.commit().await?;
        }
        let went = self.publish(&documents, now).await;
        self.sent.stand(documents, loaded);
        if went || is_news {
            self.settings.changes.tell(Change::Alert);
        }
        Ok(())
    }

    async fn read(&self, now: UnixMs) -> Result<Rows, StoreError> {
        let mut tx = self.settings.store.read().await?;
        let (mut in_force, mut zones) = (Vec::new(), BTreeMap::new());
        for alert in alerts::in_force(&mut tx, now).await? {
            let Some(revision) = bulletins::revision(&mut tx, &alert.id, 1).await? else { continue };
            for area in &alert.areas {
                if !zones.contains_key(&area.id) {
                    let chain = areas::chain(&mut tx, &area.path).await?;
                    zones.insert(area.id.clone(), AreaSettings::of_chain(&chain, self.settings.zone).zone);
                }
            }
            if revision.is_audible() {
                in_force.push(InForce { alert, revision });
            }
        }
        let documents = alert_documents::list(&mut tx, now).await?;
        let documents = documents.into_iter().map(|one| (one.area.clone(), one)).collect();
        Ok(Rows { in_force, zones, documents })
    }

    /// The signed document, unless the last one still serves.
    fn sign(
        &self,
        compiled: Compiled,
        documents: &BTreeMap<AreaId, AlertDocument>,
        now: UnixMs,
    ) -> Option<(AlertDocument, Vec<BulletinId>)> {
        let Compiled { document, carries, expires } = compiled;
        let area = document.area.clone();
        let last = documents.get(&area);
        let seen = self.sent.seen_of(&area);
        let content_digest = content_digest(&document);
        let epoch = next_epoch(content_digest, expires.is_none(), last, seen, now)?;
        let validity = Validity {
            issued_at_s: now.seconds(),
            not_before_s: now.seconds() - BACKDATED_S,
            expires_s: lasts_until(expires, last, seen, now).seconds(),
        };
        let envelope = self.settings.trust.seal(&AreaAlerts { epoch, ..document }, validity);
        let document = AlertDocument {
            area,
            epoch,
            digest: Digest::of(&envelope).0,
            content_digest,
            envelope,
            expires: UnixMs::from_seconds(validity.expires_s),
            updated: now,
        };
        Some((document, carries))
    }

    /// Publishes what this connection has not carried, unless it is over. Gives whether anything went.
    async fn publish(&mut self, documents: &BTreeMap<AreaId, AlertDocument>, now: UnixMs) -> bool {
        let mut went = false;
        for document in documents.values().filter(|document| document.expires > now) {
            if self.sent.carried(document) {
                continue;
            }
            let topic = Topic::new(self.settings.trust.tenant(), TopicKind::Alert(document.area.clone()));
            let left_ms = u64::try_from(document.expires.since(now)).unwrap_or(0);
            let publication = Publication {
                qos: Qos::AtLeastOnce,
                retain: true,
                expiry: Some(Duration::from_millis(left_ms)),
                ..Publication::new(topic.to_string(), document.envelope.clone(), 0)
            };
            if offer(&self.settings.link, publication).await == Offered::NotConnected {
                return went;
            }
            // What cannot be sent at all was logged; trying it again each minute would not help.
            self.sent.carry(document, now);
            went = true;
        }
        went
    }
}

/// The epoch to sign a content under; `None` where the last document serves, or nobody can obey it any more. `seen` is the highest
/// epoch that a node reported above our own.
fn next_epoch(
    content: [u8; 32],
    is_empty: bool,
    last: Option<&AlertDocument>,
    seen: Epoch,
    now: UnixMs,
) -> Option<Epoch> {
    let last_epoch = last.map_or(0, |last| last.epoch);
    let serves = match last {
        Some(last) => last.content_digest == content || is_empty && last.expires <= now,
        None => is_empty,
    };
    if serves && last_epoch >= seen {
        return None;
    }
    Some(last_epoch.max(seen).saturating_add(1).max(u64::try_from(now.0).unwrap_or(0)))
}

/// How long a document is valid: as long as what it carries, and as the one whose place it takes. Else a node that was away would, with
/// the earlier one in its store and the later one gone from the broker, sound what was taken back, and nothing would put it right.
/// What nodes hold that this database does not know of (`seen`) may last as long as any.
fn lasts_until(expires: Option<UnixMs>, last: Option<&AlertDocument>, seen: Epoch, now: UnixMs) -> UnixMs {
    let longest = now + VALID_MAX_S * 1_000;
    let is_known = last.map_or(seen == 0, |last| last.epoch >= seen);
    let replaced = if is_known { last.map(|last| last.expires) } else { Some(longest) };
    expires.max(replaced).map_or(longest, |until| until.min(longest))
}

/// How long to wait at most for the next pass.
fn wait_after(outcome: &Result<(), DispatchError>) -> Duration {
    if outcome.is_ok() { PERIOD } else { AGAIN_AFTER }
}

/// The sounds of what is in force. One whose bytes cannot be read has its manifest alone: nodes that have it, or can fetch it, sound it all
/// the same, and no file holds up the emergencies of others.
async fn sounds(
    manifests: &Manifests,
    blobs: &BlobStore,
    in_force: &[InForce],
) -> Result<BTreeMap<ObjectHash, Sound>, StoreError> {
    let tracks = in_force.iter().flat_map(|one| &one.revision.tracks);
    let wanted: BTreeSet<ObjectHash> = tracks.filter_map(|track| track.object).collect();
    let mut sounds = BTreeMap::new();
    for (object, manifest) in manifests.of(&wanted).await? {
        let is_small = usize::try_from(manifest.size_bytes).is_ok_and(|bytes| bytes <= INLINE_MAX_BYTES);
        let bytes = if is_small { bytes_of(blobs, &object).await } else { None };
        sounds.insert(object, Sound { manifest, bytes });
    }
    Ok(sounds)
}

async fn bytes_of(blobs: &BlobStore, object: &ObjectHash) -> Option<Arc<[u8]>> {
    match blobs.read(object).await {
        Ok(Some(bytes)) if ObjectHash::of(&bytes) == *object => return Some(Arc::from(bytes)),
        Ok(Some(_)) => tracing::error!(%object, "the sound of an emergency has changed on the disk"),
        Ok(None) => tracing::error!(%object, "the sound of an emergency is gone from the disk"),
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::error!(%object, error, "the sound of an emergency cannot be read");
        }
    }
    None
}

/// What staff are told of a pass: of each alert the gravest.
fn problems(left_out: &[LeftOut]) -> BTreeMap<BulletinId, AlertProblem> {
    let mut problems: BTreeMap<BulletinId, AlertProblem> = BTreeMap::new();
    for LeftOut { alert, why, .. } in left_out {
        let problem = match (why, problems.get(alert)) {
            (WhyLeftOut::TooMany, Some(AlertProblem::TooMany { areas })) => {
                AlertProblem::TooMany { areas: areas + 1 }
            }
            (WhyLeftOut::TooMany, None) => AlertProblem::TooMany { areas: 1 },
            (WhyLeftOut::TooMany, Some(graver)) => *graver,
            (WhyLeftOut::NoSound, _) => AlertProblem::SoundMissing,
            (WhyLeftOut::Refused(_), _) => AlertProblem::Refused,
        };
        problems.insert(alert.clone(), problem);
    }
    problems
}

fn objects(document: &AreaAlerts) -> BTreeSet<ObjectHash> {
    document.program.objects.iter().map(|manifest| manifest.object).collect()
}
