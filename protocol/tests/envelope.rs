//! Each reason to refuse a signed document, one by one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod samples;

use ed25519_dalek::SigningKey;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::envelope::{Applied, Freshness, Recipient, Refusal, Validity, open, open_key_set, seal};
use loa_protocol::envelope::{Signed, seal_key_set};
use loa_protocol::ids::{NodeId, TenantId};
use loa_protocol::keys::{KeySet, Purpose};
use loa_protocol::plan::{AreaPlan, NodeDocument};
use loa_protocol::time::UnixMs;

const NOW: UnixMs = UnixMs(samples::ISSUED_AT_S * 1000);

fn open_with<T: Signed>(bytes: &[u8], keys: &KeySet) -> Result<T, Refusal> {
    open_at(bytes, keys, NOW)
}

fn open_at<T: Signed>(bytes: &[u8], keys: &KeySet, now: UnixMs) -> Result<T, Refusal> {
    let (tenant, node, path) = (samples::tenant(), samples::node(), samples::path());
    open(bytes, keys, Recipient { tenant: &tenant, node: &node, path: &path }, now).map(|o| o.document)
}

fn plan_of(area: &str) -> AreaPlan {
    AreaPlan { area: samples::area(area), ..samples::area_plan() }
}

fn sealed(plan: &AreaPlan) -> Vec<u8> {
    seal(plan, &samples::tenant(), samples::validity(), &samples::plan_key())
}

fn keys_with(change: impl FnOnce(&mut loa_protocol::keys::Scope)) -> KeySet {
    let mut keys = samples::key_set();
    change(&mut keys.keys[0].scope);
    keys
}

#[test]
fn a_right_document_opens_in_every_area_of_the_path() {
    for area in ["tinh", "xa-lac-duong", "bon-dung"] {
        assert_eq!(open_with::<AreaPlan>(&sealed(&plan_of(area)), &samples::key_set()), Ok(plan_of(area)));
    }
}

#[test]
fn unknown_key_and_foreign_signature() {
    let stranger = SigningKey::from_bytes(&[9; 32]);
    let bytes = seal(&samples::area_plan(), &samples::tenant(), samples::validity(), &stranger);
    assert_eq!(open_with::<AreaPlan>(&bytes, &samples::key_set()), Err(Refusal::UnknownKey));
}

#[test]
fn the_last_byte_is_the_signature() {
    let mut bytes = samples::signed_area_plan();
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(open_with::<AreaPlan>(&bytes, &samples::key_set()), Err(Refusal::BadSignature));
}

#[test]
fn another_kind_on_the_topic() {
    assert_eq!(
        open_with::<AreaPlan>(&samples::signed_node_document(), &samples::key_set()),
        Err(Refusal::WrongKind)
    );
}

#[test]
fn another_tenant_area_or_node() {
    let keys = samples::key_set();
    let other = TenantId::new("gia-lai").unwrap();
    let bytes = seal(&samples::area_plan(), &other, samples::validity(), &samples::plan_key());
    assert_eq!(open_with::<AreaPlan>(&bytes, &keys), Err(Refusal::WrongAudience));
    assert_eq!(open_with::<AreaPlan>(&sealed(&plan_of("xa-khac")), &keys), Err(Refusal::WrongAudience));
    let document = NodeDocument { node: NodeId::new("other").unwrap(), ..samples::node_document() };
    let bytes = seal(&document, &samples::tenant(), samples::validity(), &samples::plan_key());
    assert_eq!(open_with::<NodeDocument>(&bytes, &keys), Err(Refusal::WrongAudience));
}

#[test]
fn scope_of_area_purpose_and_class() {
    let bytes = samples::signed_area_plan();
    let village_key = keys_with(|scope| scope.area = Some(samples::area("bon-dung")));
    assert_eq!(open_with::<AreaPlan>(&bytes, &village_key), Err(Refusal::OutOfScope));
    let elsewhere = keys_with(|scope| scope.area = Some(samples::area("xa-khac")));
    assert_eq!(open_with::<AreaPlan>(&bytes, &elsewhere), Err(Refusal::OutOfScope));
    let tenant_key = keys_with(|scope| scope.area = None);
    assert!(open_with::<AreaPlan>(&bytes, &tenant_key).is_ok());
    let firmware_key = keys_with(|scope| scope.purposes = vec![Purpose::Firmware]);
    assert_eq!(open_with::<AreaPlan>(&bytes, &firmware_key), Err(Refusal::OutOfScope));
    let normal_only = keys_with(|scope| scope.classes = vec![Class::Normal]);
    assert_eq!(open_with::<AreaPlan>(&bytes, &normal_only), Err(Refusal::OutOfScope));
}

#[test]
fn a_key_moves_a_node_within_its_own_area_only() {
    let commune_key = keys_with(|scope| scope.area = Some(samples::area("xa-lac-duong")));
    let moved = |areas: &[&str]| {
        let path = AreaPath::new(areas.iter().map(|a| samples::area(a)).collect()).unwrap();
        let document = NodeDocument { path, ..samples::node_document() };
        seal(&document, &samples::tenant(), samples::validity(), &samples::plan_key())
    };
    let within = moved(&["tinh", "xa-lac-duong", "bon-khac"]);
    assert!(open_with::<NodeDocument>(&within, &commune_key).is_ok());
    let away = moved(&["tinh", "xa-khac"]);
    assert_eq!(open_with::<NodeDocument>(&away, &commune_key), Err(Refusal::OutOfScope));
}

#[test]
fn validity_of_document_and_key() {
    let bytes = samples::signed_area_plan();
    let keys = samples::key_set();
    let Validity { not_before_s, expires_s, .. } = samples::validity();
    let at = |s| open_at::<AreaPlan>(&bytes, &keys, UnixMs::from_seconds(s)).map(drop);
    assert_eq!(at(not_before_s - 1), Err(Refusal::NotYetValid));
    assert_eq!(at(not_before_s), Ok(()));
    assert_eq!(at(expires_s - 1), Ok(()));
    assert_eq!(at(expires_s), Err(Refusal::Expired));
    let ended = keys_with(|scope| scope.not_after = NOW);
    assert_eq!(open_with::<AreaPlan>(&bytes, &ended), Err(Refusal::Expired));
    let later = keys_with(|scope| scope.not_before = NOW + 1);
    assert_eq!(open_with::<AreaPlan>(&bytes, &later), Err(Refusal::NotYetValid));
}

#[test]
fn replay() {
    let (tenant, node, path) = (samples::tenant(), samples::node(), samples::path());
    let recipient = Recipient { tenant: &tenant, node: &node, path: &path };
    let opened = open::<AreaPlan>(&samples::signed_area_plan(), &samples::key_set(), recipient, NOW).unwrap();
    let this = opened.applied();
    assert_eq!(opened.freshness(None), Ok(Freshness::New));
    assert_eq!(opened.freshness(Some(this)), Ok(Freshness::Same));
    let older = Applied { sequence: this.sequence - 1, ..this };
    assert_eq!(opened.freshness(Some(older)), Ok(Freshness::New));
    let newer = Applied { sequence: this.sequence + 1, ..this };
    assert_eq!(opened.freshness(Some(newer)), Err(Refusal::Replayed));
    let twin = Applied { digest: loa_protocol::ids::Digest::of(b"another"), ..this };
    assert_eq!(opened.freshness(Some(twin)), Err(Refusal::Replayed));
}

#[test]
fn only_the_root_signs_key_sets() {
    let root = samples::root_key().verifying_key();
    let open_set = |bytes: &[u8]| open_key_set(bytes, &root, &samples::tenant(), NOW).map(|o| o.document);
    assert_eq!(open_set(&samples::signed_key_set()), Ok(samples::key_set()));
    let usurped =
        seal_key_set(&samples::key_set(), &samples::tenant(), samples::validity(), &samples::plan_key());
    assert_eq!(open_set(&usurped), Err(Refusal::UnknownKey));
    assert_eq!(open_set(&samples::signed_area_plan()), Err(Refusal::WrongKind));
    let other = TenantId::new("gia-lai").unwrap();
    let foreign = seal_key_set(&samples::key_set(), &other, samples::validity(), &samples::root_key());
    assert_eq!(open_set(&foreign), Err(Refusal::WrongAudience));
}

#[test]
fn nobody_signs_outside_the_validity() {
    let right = samples::validity();
    let year_9999_s = 253_402_214_400;
    for (issued_at_s, expected) in [
        (right.not_before_s - 1, Err(Refusal::Malformed)),
        (right.not_before_s, Ok(samples::area_plan())),
        (right.expires_s - 1, Ok(samples::area_plan())),
        (right.expires_s, Err(Refusal::Malformed)),
        (year_9999_s, Err(Refusal::Malformed)),
    ] {
        let validity = Validity { issued_at_s, ..right };
        let bytes = seal(&samples::area_plan(), &samples::tenant(), validity, &samples::plan_key());
        assert_eq!(open_with::<AreaPlan>(&bytes, &samples::key_set()), expected, "{issued_at_s}");
    }
}
