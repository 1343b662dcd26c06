//! What a document of alerts may hold, and who may sign it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod samples;

use ed25519_dalek::SigningKey;
use loa_protocol::alert::{ALERTS_MAX, AreaAlerts, INLINE_MAX_BYTES, Inline};
use loa_protocol::bulletin::{Class, Status};
use loa_protocol::envelope::{ContentType, Recipient, Refusal, Validity, claims_of, open_alerts, seal};
use loa_protocol::ids::{ItemId, ObjectHash};
use loa_protocol::keys::{KeySet, Purpose, Scope};
use loa_protocol::plan::{AreaPlan, Item, PREPARED_MAX, Program};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{ItemRules, Repeats, Start};
use loa_protocol::transfer::{Codec, Manifest};
use loa_protocol::wire::Wire;
use proptest::prelude::*;

const NOW: UnixMs = UnixMs(samples::ISSUED_AT_S * 1000);

fn opened(bytes: &[u8], keys: &KeySet, now: UnixMs) -> Result<AreaAlerts, Refusal> {
    let (tenant, node, path) = (samples::tenant(), samples::node(), samples::path());
    open_alerts(bytes, keys, Recipient { tenant: &tenant, node: &node, path: &path }, now).map(|o| o.document)
}

fn sealed(alerts: &AreaAlerts, validity: Validity, key: &SigningKey) -> Vec<u8> {
    seal(alerts, &samples::tenant(), validity, key)
}

fn keys_with(change: impl FnOnce(&mut Scope)) -> KeySet {
    let mut keys = samples::emergency_key_set();
    change(&mut keys.keys[0].scope);
    keys
}

/// What a decoder says of the document with one item changed.
fn with_item(change: impl FnOnce(&mut Item)) -> Result<(), String> {
    let mut alerts = samples::area_alerts();
    change(&mut alerts.program.items[0]);
    read(&alerts)
}

fn read(alerts: &AreaAlerts) -> Result<(), String> {
    let read = AreaAlerts::from_cbor(&alerts.to_cbor());
    read.map(|read| assert_eq!(&read, alerts)).map_err(|error| error.to_string())
}

fn object(bytes: Vec<u8>, duration_ms: u32) -> (Manifest, Inline) {
    let manifest = Manifest::of(&bytes, 16 * 1024, Codec::OggOpus, duration_ms).unwrap();
    let object = manifest.object;
    (manifest, Inline { object, bytes: bytes.into() })
}

/// A document that carries these sounds.
fn carrying(mut sounds: Vec<(Manifest, Inline)>) -> AreaAlerts {
    sounds.sort_by_key(|(manifest, _)| manifest.object);
    let (objects, inline) = sounds.into_iter().unzip();
    AreaAlerts { program: Program { objects, ..Program::default() }, inline, ..samples::area_alerts() }
}

#[test]
fn an_item_is_an_emergency_that_starts_once_and_does_not_last_long() {
    assert_eq!(with_item(|_| {}), Ok(()));
    assert!(with_item(|item| item.class = Class::Priority).is_err());
    let error = with_item(|item| item.start = Start::Cron("0 6 * * *".parse().unwrap()));
    assert!(error.unwrap_err().contains("start"));
    // 8 s thrice with two pauses of 288 s are 10 minutes.
    let repeated = |gap_ms| {
        with_item(|item| {
            item.rules = ItemRules { repeats: Some(Repeats { rounds: 3, gap_ms }), ..ItemRules::default() };
        })
    };
    assert_eq!(repeated(288_000), Ok(()));
    assert!(repeated(288_001).unwrap_err().contains("10 minutes"));
}

#[test]
fn at_most_so_many_items() {
    let mut alerts = samples::area_alerts();
    let first = alerts.program.items[0].clone();
    let named = |n: usize| Item { id: ItemId::new(format!("k{n:02}")).unwrap(), ..first.clone() };
    alerts.program.items = (0..ALERTS_MAX).map(named).collect();
    assert_eq!(read(&alerts), Ok(()));
    alerts.program.items.push(named(ALERTS_MAX));
    assert!(read(&alerts).unwrap_err().contains("16"));
}

#[test]
fn inline_bytes_are_what_their_manifest_says() {
    let right = || carrying(vec![object(vec![1; 900], 1), object(vec![2; 700], 1)]);
    assert_eq!(read(&right()), Ok(()));
    let wrong = |change: &dyn Fn(&mut AreaAlerts)| {
        let mut alerts = right();
        change(&mut alerts);
        read(&alerts).unwrap_err()
    };
    assert!(wrong(&|alerts| alerts.inline.reverse()).contains("ascends"));
    assert!(wrong(&|alerts| alerts.inline[1] = alerts.inline[0].clone()).contains("ascends"));
    assert!(wrong(&|alerts| alerts.program.objects.truncate(1)).contains("manifest"));
    assert!(wrong(&|alerts| alerts.inline[0].bytes = vec![1; 10].into()).contains("size"));
    let of_that_size = |alerts: &mut AreaAlerts| {
        alerts.inline[0].bytes = vec![9; alerts.inline[0].bytes.len()].into();
    };
    assert!(wrong(&of_that_size).contains("hash"));
}

#[test]
fn at_most_so_many_inline_bytes() {
    let two = |more: usize| {
        carrying(vec![
            object(vec![1; INLINE_MAX_BYTES / 2], 1),
            object(vec![2; INLINE_MAX_BYTES / 2 + more], 1),
        ])
    };
    let most = two(0);
    assert_eq!(read(&most), Ok(()));
    assert!(read(&two(1)).unwrap_err().contains("128 KiB"));
    let envelope = sealed(&most, samples::alert_validity(), &samples::emergency_key());
    assert_eq!(opened(&envelope, &samples::emergency_key_set(), NOW), Ok(most));
}

#[test]
fn none_begins_when_the_document_has_expired() {
    let alerts = samples::area_alerts();
    let nominal = UnixMs::from_seconds(samples::ISSUED_AT_S + 1);
    let within = |expires| alerts.items_until(expires).next().unwrap().start_within_ms;
    assert_eq!(alerts.program.items[0].start_within_ms, 600_000);
    assert_eq!(within(nominal + 600_001), 600_000);
    assert_eq!(within(nominal + 600_000), 599_999);
    assert_eq!(within(nominal + 1), 0);
    assert_eq!(within(nominal - 5_000), 0);
    assert_eq!(within(UnixMs(i64::MAX)), 600_000);
    let statuses: Vec<Status> = alerts.items_until(nominal).map(|item| item.status).collect();
    assert_eq!(statuses, [Status::Actual, Status::Exercise]);
}

#[test]
fn it_is_valid_for_a_day_at_most() {
    let keys = samples::emergency_key_set();
    let until = |expires_s| {
        let validity = Validity { expires_s, ..samples::validity() };
        opened(&sealed(&samples::area_alerts(), validity, &samples::emergency_key()), &keys, NOW).map(drop)
    };
    assert_eq!(until(samples::ISSUED_AT_S + 86_400), Ok(()));
    assert_eq!(until(samples::ISSUED_AT_S + 86_401), Err(Refusal::Malformed));
    assert_eq!(until(samples::ISSUED_AT_S), Err(Refusal::Expired));
    let bytes = samples::signed_area_alerts();
    assert_eq!(opened(&bytes, &keys, NOW + 86_400_000), Err(Refusal::Expired));
}

#[test]
fn only_a_key_for_emergencies_signs_it_also_without_items() {
    let empty = AreaAlerts { program: Program::default(), inline: vec![], ..samples::area_alerts() };
    for alerts in [samples::area_alerts(), empty] {
        let bytes = sealed(&alerts, samples::alert_validity(), &samples::emergency_key());
        assert_eq!(opened(&bytes, &keys_with(|_| {}), NOW), Ok(alerts));
        for change in [
            |scope: &mut Scope| scope.purposes = vec![Purpose::Plan, Purpose::Node],
            |scope: &mut Scope| scope.classes = vec![Class::Normal, Class::Priority],
            |scope: &mut Scope| scope.area = Some(samples::area("bon-dung")),
        ] {
            assert_eq!(opened(&bytes, &keys_with(change), NOW), Err(Refusal::OutOfScope));
        }
        assert_eq!(opened(&bytes, &samples::key_set(), NOW), Err(Refusal::UnknownKey));
    }
    let elsewhere = AreaAlerts { area: samples::area("xa-khac"), ..samples::area_alerts() };
    let bytes = sealed(&elsewhere, samples::alert_validity(), &samples::emergency_key());
    assert_eq!(opened(&bytes, &keys_with(|_| {}), NOW), Err(Refusal::WrongAudience));
}

#[test]
fn an_envelope_says_what_it_is_before_it_is_believed() {
    let kind = |bytes: &[u8]| claims_of(bytes).map(|claims| claims.content);
    assert_eq!(kind(&samples::signed_area_alerts()), Ok(ContentType::Alert));
    assert_eq!(kind(&samples::signed_command()), Ok(ContentType::Command));
    assert_eq!(kind(&samples::signed_area_plan()), Ok(ContentType::AreaPlan));
    for garbage in [&b""[..], b"loa", &[0xd2, 0x84], &[0xd2, 0x84, 0x40], &samples::area_alerts().to_cbor()] {
        assert_eq!(kind(garbage), Err(Refusal::Malformed));
    }
    let bytes = samples::signed_area_alerts();
    let claims = claims_of(&bytes).unwrap();
    assert_eq!(claims.sequence, samples::area_alerts().epoch);
    // Of the header alone: what follows is not looked at.
    assert_eq!(claims_of(&bytes[..300]), Ok(claims));
}

#[test]
fn a_plan_prepares_so_many_objects_and_none_twice() {
    let manifests = |count: usize| {
        let manifest = |n: usize| Manifest::of(&n.to_be_bytes(), 4_096, Codec::OggOpus, 1).unwrap();
        let mut all: Vec<Manifest> = (0..count).map(manifest).collect();
        all.sort_by_key(|manifest| manifest.object);
        all
    };
    let read = |prepared| {
        let plan = AreaPlan { prepared, ..samples::area_plan() };
        AreaPlan::from_cbor(&plan.to_cbor())
            .map(|read| assert_eq!(read, plan))
            .map_err(|error| error.to_string())
    };
    assert_eq!(read(manifests(PREPARED_MAX)), Ok(()));
    assert!(read(manifests(PREPARED_MAX + 1)).unwrap_err().contains("64"));
    let mut twice = manifests(1);
    twice.push(twice[0].clone());
    assert!(read(twice).unwrap_err().contains("twice"));
    let mut empty = manifests(1);
    empty[0].size_bytes = 0;
    assert!(read(empty).unwrap_err().contains("size"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_within_the_limits_opens_as_it_was(
        sizes in proptest::collection::btree_set(1usize..20_000, 0..6),
        fetched in proptest::collection::btree_set(20_001usize..40_000, 0..3),
        flipped in any::<prop::sample::Index>(),
    ) {
        let mut sounds: Vec<_> = sizes.iter().map(|&size| object(vec![(size % 251) as u8; size], 1_000)).collect();
        let alerts = {
            let inline: Vec<ObjectHash> = sounds.iter().map(|(manifest, _)| manifest.object).collect();
            sounds.extend(fetched.iter().map(|&size| object(vec![7; size], 1_000)));
            let mut all = carrying(sounds);
            all.inline.retain(|sound| inline.contains(&sound.object));
            all
        };
        let envelope = sealed(&alerts, samples::alert_validity(), &samples::emergency_key());
        prop_assert_eq!(opened(&envelope, &samples::emergency_key_set(), NOW), Ok(alerts));
        let mut changed = envelope.clone();
        let place = flipped.index(changed.len());
        changed[place] ^= 0x20;
        prop_assert!(opened(&changed, &samples::emergency_key_set(), NOW).is_err());
    }
}
