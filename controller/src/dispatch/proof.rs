//! Whether receipts are what their node wrote: the chain of digests, and the node's signature.
//!
//! **Invariants.** Every receipt is kept and acknowledged, whatever speaks against it: a doubt is noted beside it, in the audit log
//! and on the node's page, once. What is compared are the bytes as they were sent. A receipt that overtook the one before it
//! shows a hole for as long as that is under way.

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::ids::{Digest, NodeId};
use loa_protocol::receipt::{Receipt, ReceiptBatch, Seal};
use loa_protocol::time::UnixMs;
use serde_json::json;

use super::DispatchError;
use crate::domain::doubt::Doubt;
use crate::identity::check_seal;
use crate::store::audit::{self, AuditEntry};
use crate::store::receipt_doubts::{self, Link};
use crate::store::receipts::{self, Arrived};
use crate::store::reporters::{self, Reporter};
use crate::store::{Connection, Said};

/// In whose name the audit log tells what nobody did.
const FINDER: &str = "loa-controller";

/// A batch of receipts as it came: with the digests of the receipts as they were sent, one for each.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) batch: ReceiptBatch,
    pub(super) digests: Vec<Digest>,
}

impl Sent {
    /// The numbers that may lie next to those of the batch, and those of the batch.
    fn span(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.batch.receipts.first()?, self.batch.receipts.last()?);
        Some((first.number.saturating_sub(1), last.number.saturating_add(1)))
    }

    fn with_digests(&self) -> impl Iterator<Item = (&Receipt, &Digest)> {
        self.batch.receipts.iter().zip(&self.digests)
    }
}

/// Keeps batches of receipts, one of each node, and what speaks against them.
pub(super) async fn keep(
    c: &mut Connection,
    sent: &[Said<'_, Sent>],
    reporters: &BTreeMap<NodeId, Reporter>,
) -> Result<(), DispatchError> {
    let unsealed: Vec<&NodeId> =
        sent.iter().filter(|said| said.word.batch.seal.is_none()).map(|said| said.node).collect();
    let signers = reporters::have_signed(c, &unsealed).await?;
    let spans: Vec<_> =
        sent.iter().filter_map(|said| said.word.span().map(|span| (said.node, span))).collect();
    // What was here before; what comes now is joined to it, for it is what the database then has.
    let mut known = receipt_doubts::links(c, &spans).await?;
    let mut arrived = Vec::new();
    let mut found = Vec::new();
    for said in sent {
        let Said { node, at, word: Sent { batch, .. } } = *said;
        let (Some(reporter), Some(first)) = (reporters.get(node), batch.receipts.first()) else { continue };
        let seal_doubt = match &batch.seal {
            Some(seal) => (!is_signed_by(node, reporter, seal, &said.word.digests)).then_some(Doubt::Forged),
            None => signers.contains(node).then_some(Doubt::Unsigned),
        };
        let is_signed = batch.seal.is_some() && seal_doubt.is_none();
        let links = known.entry(node.clone()).or_default();
        for (receipt, digest) in said.word.with_digests() {
            arrived.push(Arrived { node, receipt, digest: Some(*digest), is_signed, at });
            join(links, receipt, *digest);
        }
        let doubts = doubts(said.word.with_digests(), links);
        found.extend(seal_doubt.map(|doubt| (*said, first.number, doubt)));
        found.extend(doubts.into_iter().map(|(number, doubt)| (*said, number, doubt)));
    }
    receipts::insert(c, &arrived).await?;
    for (said, number, doubt) in found {
        let Said { node, at, .. } = said;
        if receipt_doubts::note(c, node, (number, doubt), at).await? {
            tracing::error!(%node, number, %doubt, "something speaks against a receipt; it is kept all the same");
            let after = json!({ "number": number, "doubt": doubt.as_str() });
            tell(c, node, reporters, "receipts.doubted", after, at).await?;
        }
    }
    fill_holes(c, sent, &known, reporters).await
}

/// Forgets that receipts are missing which are here now.
async fn fill_holes(
    c: &mut Connection,
    sent: &[Said<'_, Sent>],
    known: &BTreeMap<NodeId, Vec<Link>>,
    reporters: &BTreeMap<NodeId, Reporter>,
) -> Result<(), DispatchError> {
    let nodes: Vec<&NodeId> = sent.iter().map(|said| said.node).collect();
    let holes: BTreeSet<(NodeId, u64)> = receipt_doubts::holes(c, &nodes).await?;
    if holes.is_empty() {
        return Ok(());
    }
    for Said { node, at, word } in sent {
        let Some(links) = known.get(*node) else { continue };
        for receipt in &word.batch.receipts {
            let after = receipt.number.saturating_add(1);
            let follows = links.iter().any(|link| link.number == after && link.previous.is_some());
            if follows
                && holes.contains(&((*node).clone(), after))
                && receipt_doubts::fill(c, node, after).await?
            {
                let what = json!({ "number": receipt.number });
                tell(c, node, reporters, "receipts.completed", what, *at).await?;
            }
        }
    }
    Ok(())
}

/// Joins a receipt to what is known of its node's, unless that very one is known.
fn join(links: &mut Vec<Link>, receipt: &Receipt, digest: Digest) {
    let occurrence = receipt.occurrence.to_string();
    let is_known = |link: &Link| link.number == receipt.number && link.occurrence == occurrence;
    if !links.iter().any(is_known) {
        let Receipt { number, previous, .. } = *receipt;
        links.push(Link { number, occurrence, digest: Some(digest), previous });
    }
}

fn is_signed_by(node: &NodeId, reporter: &Reporter, seal: &Seal, digests: &[Digest]) -> bool {
    let Some(fingerprint) = &reporter.fingerprint else { return false };
    let checked = check_seal(seal, &Seal::head(node, digests), fingerprint);
    if let Err(error) = checked {
        tracing::warn!(%node, %error, "the signature under a batch of receipts proves nothing");
    }
    checked.is_ok()
}

/// What speaks against these receipts, each with its digest as sent, given what is known of them and of those next to them.
fn doubts<'a>(batch: impl Iterator<Item = (&'a Receipt, &'a Digest)>, known: &[Link]) -> Vec<(u64, Doubt)> {
    let mut found = Vec::new();
    for (receipt, digest) in batch {
        let occurrence = receipt.occurrence.to_string();
        let of = |number: u64| known.iter().filter(move |link| link.number == number);
        // The very same receipt was kept before, and says something else.
        let mut kept = of(receipt.number).filter(|link| link.occurrence == occurrence);
        let is_another = kept.any(|link| link.digest.is_some_and(|kept| kept != *digest));
        // Numbers begin again with a board that was replaced: one that fits is enough.
        let fits = |link: &Link, previous: Digest| link.digest.is_none_or(|before| before == previous);
        let before = receipt.number.checked_sub(1);
        let doubt = match receipt.previous.zip(before) {
            _ if is_another => Some(Doubt::Changed),
            Some((_, before)) if of(before).next().is_none() => Some(Doubt::Hole),
            Some((previous, before)) if !of(before).any(|link| fits(link, previous)) => Some(Doubt::Changed),
            Some(_) | None => None,
        };
        found.extend(doubt.map(|doubt| (receipt.number, doubt)));
        // One that is here already names this one's digest.
        let after = receipt.number.saturating_add(1);
        let mut named = of(after).filter_map(|link| link.previous).peekable();
        if named.peek().is_some() && named.all(|previous| previous != *digest) {
            found.push((after, Doubt::Changed));
        }
    }
    found
}

async fn tell(
    c: &mut Connection,
    node: &NodeId,
    reporters: &BTreeMap<NodeId, Reporter>,
    action: &'static str,
    after: serde_json::Value,
    now: UnixMs,
) -> Result<(), DispatchError> {
    let entry = AuditEntry {
        actor_id: None,
        actor_name: FINDER,
        address: None,
        action,
        subject_id: node.as_str(),
        area: reporters.get(node).map(|reporter| &reporter.path),
        before: None,
        after: Some(after.to_string()),
    };
    Ok(audit::append(c, &entry, now).await?)
}
