//! Whether receipts are what their node wrote: the chain of digests, and the node's signature.
//!
//! **Invariants.** Every receipt is kept and acknowledged, whatever speaks against it: a doubt is noted beside it, in the audit log
//! and on the node's page, once. What is compared are the bytes as they were sent. A receipt that overtook the one before it
//! shows a hole for as long as that is under way.

use loa_protocol::ids::{Digest, NodeId};
use loa_protocol::receipt::{Receipt, ReceiptBatch, Seal};
use loa_protocol::time::UnixMs;
use serde_json::json;

use super::DispatchError;
use crate::domain::doubt::Doubt;
use crate::domain::node::Node;
use crate::identity::check_seal;
use crate::store::audit::{self, AuditEntry};
use crate::store::receipt_doubts::{self, Link};
use crate::store::receipts::{self, Proof};
use crate::store::{Connection, nodes};

/// In whose name the audit log tells what nobody did.
const FINDER: &str = "loa-controller";

/// Keeps a batch of receipts and what speaks against it. `digests` are those of the receipts as they were sent.
pub(super) async fn keep(
    c: &mut Connection,
    id: &NodeId,
    batch: &ReceiptBatch,
    digests: &[Digest],
    now: UnixMs,
) -> Result<(), DispatchError> {
    let Some((node, _)) = nodes::get(c, id).await? else { return Ok(()) };
    let (Some(first), Some(last)) = (batch.receipts.first(), batch.receipts.last()) else { return Ok(()) };
    let seal_doubt = match &batch.seal {
        Some(seal) => (!is_signed_by(&node, seal, digests)).then_some(Doubt::Forged),
        None => receipt_doubts::has_signed(c, id).await?.then_some(Doubt::Unsigned),
    };
    let is_signed = batch.seal.is_some() && seal_doubt.is_none();
    receipts::insert(c, id, &batch.receipts, Some(Proof { digests, is_signed }), now).await?;

    let known = receipt_doubts::links(c, id, (first.number.saturating_sub(1), last.number + 1)).await?;
    let found = doubts(batch.receipts.iter().zip(digests), &known);
    for (number, doubt) in seal_doubt.map(|doubt| (first.number, doubt)).into_iter().chain(found) {
        if receipt_doubts::note(c, id, (number, doubt), now).await? {
            tracing::error!(node = %id, number, %doubt, "something speaks against a receipt; it is kept all the same");
            tell(c, &node, "receipts.doubted", json!({ "number": number, "doubt": doubt.as_str() }), now)
                .await?;
        }
    }
    for receipt in &batch.receipts {
        let after = receipt.number.saturating_add(1);
        let follows = |link: &&Link| link.number == after && link.previous.is_some();
        if known.iter().any(|link| follows(&link)) && receipt_doubts::fill(c, id, after).await? {
            tell(c, &node, "receipts.completed", json!({ "number": receipt.number }), now).await?;
        }
    }
    Ok(())
}

fn is_signed_by(node: &Node, seal: &Seal, digests: &[Digest]) -> bool {
    let Some(certificate) = &node.certificate else { return false };
    let checked = check_seal(seal, &Seal::head(&node.id, digests), &certificate.fingerprint);
    if let Err(error) = checked {
        tracing::warn!(node = %node.id, %error, "the signature under a batch of receipts proves nothing");
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
    node: &Node,
    action: &'static str,
    after: serde_json::Value,
    now: UnixMs,
) -> Result<(), DispatchError> {
    let entry = AuditEntry {
        actor_id: None,
        actor_name: FINDER,
        address: None,
        action,
        subject_id: node.id.as_str(),
        area: Some(&node.path),
        before: None,
        after: Some(after.to_string()),
    };
    Ok(audit::append(c, &entry, now).await?)
}
