//! Signed documents that were verified, in the form in which the rest of the core uses them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::envelope::{Applied, Opened, Recipient, Refusal, Signed, Validity, open};
use loa_protocol::ids::{AreaId, ObjectHash};
use loa_protocol::keys::KeySet;
use loa_protocol::plan::{AreaPlan, Item, NodeDocument, Program};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Calendar, Guards};
use loa_protocol::transfer::Manifest;

/// A verified document's program.
#[derive(Debug)]
pub(crate) struct Held {
    /// Kept to verify it again under another key set; a plan of a busy commune has some 30 KB.
    pub(super) envelope: Vec<u8>,
    pub(crate) applied: Applied,
    /// When it was applied, on the node's clock.
    pub(crate) applied_at: UnixMs,
    pub(super) validity: Validity,
    /// No start at or after this instant: the end of the document's or its key's validity, whichever is earlier.
    pub(crate) expires: UnixMs,
    pub(crate) zone: Tz,
    pub(crate) items: Vec<Arc<Item>>,
    pub(crate) calendars: Vec<Calendar>,
    pub(crate) guards: Guards,
    pub(crate) own_priority_first: bool,
    pub(crate) manifests: BTreeMap<ObjectHash, Arc<Manifest>>,
}

/// What the node's own document says beyond its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) path: AreaPath,
    pub(crate) languages: Vec<Language>,
    pub(crate) volume_percent: u8,
    pub(crate) health_interval_s: u32,
}

/// An opened document with the end of its validity.
struct Verified<T> {
    opened: Opened<T>,
    expires: UnixMs,
}

fn verify<T: Signed>(
    envelope: &[u8],
    keys: Option<&KeySet>,
    recipient: Recipient<'_>,
    now: UnixMs,
) -> Result<Verified<T>, Refusal> {
    let keys = keys.ok_or(Refusal::UnknownKey)?;
    let opened: Opened<T> = open(envelope, keys, recipient, now)?;
    let (_, scope) = keys.find(opened.claims.key).ok_or(Refusal::UnknownKey)?;
    let expires = UnixMs::from_seconds(opened.claims.validity.expires_s).min(scope.not_after);
    Ok(Verified { opened, expires })
}

/// A document that verified, not yet compared with what was applied before.
pub(super) struct Candidate<T> {
    pub(super) opened: Opened<T>,
    pub(super) held: Held,
}

fn hold<T>(
    verified: Verified<T>,
    envelope: &[u8],
    now: UnixMs,
    content: impl Fn(&T) -> (Tz, &Program, &Guards, bool),
) -> Candidate<T> {
    let Verified { opened, expires } = verified;
    let (zone, program, guards, own_priority_first) = content(&opened.document);
    let held = Held {
        envelope: envelope.to_vec(),
        applied: opened.applied(),
        applied_at: now,
        validity: opened.claims.validity,
        expires,
        zone,
        items: program.items.iter().cloned().map(Arc::new).collect(),
        calendars: program.calendars.clone(),
        guards: guards.clone(),
        own_priority_first,
        manifests: program.objects.iter().map(|m| (m.object, Arc::new(m.clone()))).collect(),
    };
    Candidate { opened, held }
}

/// Verifies the plan of an area; a plan of another area than its topic's is [`Refusal::WrongAudience`].
pub(super) fn plan(
    area: &AreaId,
    envelope: &[u8],
    keys: Option<&KeySet>,
    recipient: Recipient<'_>,
    now: UnixMs,
) -> Result<Candidate<AreaPlan>, Refusal> {
    let verified = verify::<AreaPlan>(envelope, keys, recipient, now)?;
    if verified.opened.document.area != *area {
        return Err(Refusal::WrongAudience);
    }
    Ok(hold(verified, envelope, now, |plan| {
        (plan.zone.0, &plan.program, &plan.guards, plan.own_priority_first)
    }))
}

/// Verifies a node's own document.
pub(super) fn node(
    envelope: &[u8],
    keys: Option<&KeySet>,
    recipient: Recipient<'_>,
    now: UnixMs,
) -> Result<(Candidate<NodeDocument>, Profile), Refusal> {
    let verified = verify::<NodeDocument>(envelope, keys, recipient, now)?;
    let document = &verified.opened.document;
    let profile = Profile {
        path: document.path.clone(),
        languages: document.languages.clone(),
        volume_percent: document.volume_percent,
        health_interval_s: document.health_interval_s,
    };
    let candidate = hold(verified, envelope, now, |node| (node.zone.0, &node.program, &node.guards, false));
    Ok((candidate, profile))
}
