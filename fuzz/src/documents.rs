//! Signed documents. A changed byte breaks the signature, so what lies behind it is reached by signing: the bytes
//! serve as a whole envelope, as the payload of a rightly signed one, and as its header.

use std::convert::Infallible;

use ed25519_dalek::{Signer as _, SigningKey};
use loa_protocol::alert::AreaAlerts;
use loa_protocol::bulletin::Class;
use loa_protocol::clock::TimeAnswer;
use loa_protocol::envelope::{
    Opened, Recipient, Refusal, Validity, claims_of, open, open_alerts, open_key_set, open_time, seal,
    seal_key_set,
};
use loa_protocol::ids::Digest;
use loa_protocol::keys::KeySet;
use loa_protocol::plan::{AreaPlan, NodeDocument};
use loa_protocol::time::UnixMs;
use loa_protocol::wire::Wire;
use minicbor::Encoder;
use minicbor::data::Tag;
use minicbor::encode::Error;

use crate::keys;

/// Longer bytes are no header that anybody writes.
const HEADER_MAX_BYTES: usize = 512;

/// Opens the bytes as every document.
pub fn hold(bytes: &[u8]) {
    if let Some(opened) = area_plan(bytes) {
        assert_eq!(opened.digest, Digest::of(bytes));
    }
    if bytes.len() <= HEADER_MAX_BYTES {
        area_plan(&signed(bytes, &keys::area_plan().to_cbor(), &keys::plan_key()));
    }
    // A payload under the header that fits what it holds, so that only the payload's own rules can refuse it.
    if let Ok(plan) = AreaPlan::from_cbor(bytes) {
        let envelope = seal(&plan, &keys::tenant(), validity(), &keys::plan_key());
        if let Some(opened) = area_plan(&envelope) {
            assert_eq!(opened.document, plan);
        }
    }
    if let Ok(document) = NodeDocument::from_cbor(bytes) {
        let envelope = seal(&document, &keys::tenant(), validity(), &keys::plan_key());
        if let Ok(opened) = as_node(&envelope) {
            assert_eq!(opened.document, document);
            assert!(
                keys::path().areas().first() == document.path.areas().first(),
                "moved out of the province"
            );
        }
    }
    if let Ok(set) = KeySet::from_cbor(bytes) {
        let envelope = seal_key_set(&set, &keys::tenant(), validity(), &keys::root());
        assert_eq!(as_key_set(&envelope).map(|opened| opened.document), Ok(set));
        let by_another = seal_key_set(&keys::key_set(), &keys::tenant(), validity(), &keys::plan_key());
        assert_eq!(as_key_set(&by_another).map(|opened| opened.document), Err(Refusal::UnknownKey));
    }
    // No key of this set alarms, whatever is signed with it; a key for emergencies does.
    if let Ok(alerts) = AreaAlerts::from_cbor(bytes) {
        let day = Validity { expires_s: keys::ISSUED_AT_S + 86_400, ..validity() };
        let by = |key: &SigningKey| seal(&alerts, &keys::tenant(), day, key);
        assert!(as_alerts(&by(&keys::plan_key())).is_err(), "the plan key alarmed");
        if let Ok(opened) = as_alerts(&by(&keys::emergency_key())) {
            assert_eq!(opened.document, alerts);
        }
    }
    // No key of this set tells the time, whatever is signed with it.
    if let Ok(answer) = TimeAnswer::from_cbor(bytes) {
        let issued_at_s = answer.answered.seconds();
        let short =
            Validity { issued_at_s, not_before_s: issued_at_s, expires_s: issued_at_s.saturating_add(60) };
        let envelope = seal(&answer, &keys::tenant(), short, &keys::plan_key());
        assert!(as_time(&envelope).is_err(), "the plan key told the time");
    }
    let _refused = (as_time(bytes).is_err(), as_node(bytes).is_err(), as_key_set(bytes).is_err());
    if let Ok(opened) = as_alerts(bytes) {
        assert_eq!(claims_of(bytes), Ok(opened.claims));
    }
}

fn now() -> UnixMs {
    UnixMs::from_seconds(keys::ISSUED_AT_S)
}

fn validity() -> Validity {
    let issued_at_s = keys::ISSUED_AT_S;
    Validity { issued_at_s, not_before_s: issued_at_s - 300, expires_s: issued_at_s + 45 * 86_400 }
}

/// Opens a plan, and holds it to what its key may do.
fn area_plan(envelope: &[u8]) -> Option<Opened<AreaPlan>> {
    let (tenant, node, path) = (keys::tenant(), keys::node(), keys::path());
    let recipient = Recipient { tenant: &tenant, node: &node, path: &path };
    let opened = open::<AreaPlan>(envelope, &keys::key_set(), recipient, now()).ok()?;
    assert!(path.contains(&opened.document.area), "a plan for another place");
    assert!(opened.document.program.items.iter().all(|item| item.class != Class::Emergency));
    assert_eq!(opened.claims.sequence, opened.document.epoch);
    Some(opened)
}

fn as_node(envelope: &[u8]) -> Result<Opened<NodeDocument>, Refusal> {
    let (tenant, node, path) = (keys::tenant(), keys::node(), keys::path());
    let recipient = Recipient { tenant: &tenant, node: &node, path: &path };
    open(envelope, &keys::key_set(), recipient, now())
}

fn as_alerts(envelope: &[u8]) -> Result<Opened<AreaAlerts>, Refusal> {
    let (tenant, node, path) = (keys::tenant(), keys::node(), keys::path());
    let recipient = Recipient { tenant: &tenant, node: &node, path: &path };
    let opened = open_alerts(envelope, &keys::emergency_key_set(), recipient, now())?;
    assert!(path.contains(&opened.document.area), "an alarm for another place");
    Ok(opened)
}

fn as_time(envelope: &[u8]) -> Result<Opened<TimeAnswer>, Refusal> {
    let (tenant, node, path) = (keys::tenant(), keys::node(), keys::path());
    open_time(envelope, &keys::key_set(), Recipient { tenant: &tenant, node: &node, path: &path })
}

fn as_key_set(envelope: &[u8]) -> Result<Opened<KeySet>, Refusal> {
    open_key_set(envelope, &keys::root().verifying_key(), &keys::tenant(), now())
}

/// A tagged COSE_Sign1 (RFC 9052, sections 4.2 and 4.4) with this protected header, rightly signed.
fn signed(header: &[u8], payload: &[u8], key: &SigningKey) -> Vec<u8> {
    let to_sign = written(|e| {
        e.array(4)?.str("Signature1")?.bytes(header)?.bytes(&[])?.bytes(payload)?;
        Ok(())
    });
    let signature = key.sign(&to_sign).to_bytes();
    written(|e| {
        e.tag(Tag::new(18))?.array(4)?.bytes(header)?.map(0)?.bytes(payload)?.bytes(&signature)?;
        Ok(())
    })
}

fn written(write: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> Result<(), Error<Infallible>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    match write(&mut Encoder::new(&mut bytes)) {
        Ok(()) => bytes,
        Err(never) => unreachable!("a Vec accepts every write: {never}"),
    }
}
