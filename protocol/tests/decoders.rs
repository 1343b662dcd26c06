//! No bytes make a decoder panic, and what it accepts is what was meant.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod samples;

use loa_protocol::alert::{AlertAnswer, AreaAlerts};
use loa_protocol::clock::{TimeAnswer, TimeRequest};
use loa_protocol::enrolment::EnrolAnswer;
use loa_protocol::envelope::{Recipient, Refusal, claims_of, open, open_alerts, open_key_set, open_time};
use loa_protocol::keys::KeySet;
use loa_protocol::plan::{AreaPlan, NodeDocument};
use loa_protocol::receipt::{ReceiptAck, ReceiptBatch, receipt_digests};
use loa_protocol::report::{Event, Health, Presence, State};
use loa_protocol::time::UnixMs;
use loa_protocol::topic::Topic;
use loa_protocol::transfer::{Block, Want};
use loa_protocol::wire::Wire;
use proptest::prelude::*;

/// Decodes as every message and opens as every document. What decodes must encode to bytes that decode to the same.
fn decode_as_everything(bytes: &[u8]) {
    fn one<T: Wire + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
        if let Ok(message) = T::from_cbor(bytes) {
            assert_eq!(T::from_cbor(&message.to_cbor()).unwrap(), message);
        }
    }
    one::<AreaPlan>(bytes);
    one::<NodeDocument>(bytes);
    one::<AreaAlerts>(bytes);
    one::<AlertAnswer>(bytes);
    one::<KeySet>(bytes);
    one::<EnrolAnswer>(bytes);
    one::<Want>(bytes);
    one::<Block>(bytes);
    one::<ReceiptBatch>(bytes);
    // Whatever is read as a batch has a digest for each receipt.
    if let Ok(batch) = ReceiptBatch::from_cbor(bytes) {
        assert_eq!(receipt_digests(bytes).unwrap().len(), batch.receipts.len());
    }
    one::<ReceiptAck>(bytes);
    one::<Presence>(bytes);
    one::<State>(bytes);
    one::<Health>(bytes);
    one::<Event>(bytes);
    one::<TimeRequest>(bytes);
    one::<TimeAnswer>(bytes);
    let (tenant, node, path) = (samples::tenant(), samples::node(), samples::path());
    let recipient = Recipient { tenant: &tenant, node: &node, path: &path };
    let now = UnixMs::from_seconds(samples::ISSUED_AT_S);
    let _ = open::<AreaPlan>(bytes, &samples::key_set(), recipient, now);
    let _ = open::<NodeDocument>(bytes, &samples::key_set(), recipient, now);
    let alerts = open_alerts(bytes, &samples::emergency_key_set(), recipient, now);
    // What opens has said before what it is.
    assert!(alerts.is_err() || alerts.map(|opened| opened.claims) == claims_of(bytes));
    let _ = open_time(bytes, &samples::time_key_set(), recipient);
    let _ = open_key_set(bytes, &samples::root_key().verifying_key(), &tenant, now);
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        samples::area_plan().to_cbor(),
        samples::node_document().to_cbor(),
        samples::prepared_area_plan().to_cbor(),
        samples::area_alerts().to_cbor(),
        samples::signed_area_alerts(),
        samples::key_set().to_cbor(),
        samples::enrol_answer().to_cbor(),
        samples::want().to_cbor(),
        samples::block().to_cbor(),
        samples::receipt_batch().to_cbor(),
        samples::sealed_receipts().to_cbor(),
        samples::receipt_ack().to_cbor(),
        samples::presence().to_cbor(),
        samples::state().to_cbor(),
        samples::health().to_cbor(),
        samples::clock_in_health().to_cbor(),
        samples::time_key_set().to_cbor(),
        samples::time_request().to_cbor(),
        samples::time_answer().to_cbor(),
        samples::signed_time_answer(),
        samples::signed_area_plan(),
        samples::signed_node_document(),
        samples::signed_key_set(),
    ];
    seeds.extend(samples::alert_answers().iter().map(Wire::to_cbor));
    seeds.extend(samples::events().iter().map(Wire::to_cbor));
    seeds
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        decode_as_everything(&bytes);
    }

    #[test]
    fn mutated_messages_never_panic(
        seed in proptest::sample::select(seeds()),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = seed;
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        decode_as_everything(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        decode_as_everything(&bytes);
    }

    #[test]
    fn any_changed_byte_of_a_signed_plan_is_refused(place in any::<prop::sample::Index>(), change in 1u8..) {
        let mut bytes = samples::signed_area_plan();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        let (tenant, node, path) = (samples::tenant(), samples::node(), samples::path());
        let recipient = Recipient { tenant: &tenant, node: &node, path: &path };
        let now = UnixMs::from_seconds(samples::ISSUED_AT_S);
        prop_assert!(open::<AreaPlan>(&bytes, &samples::key_set(), recipient, now).is_err());
    }

    #[test]
    fn topics_never_panic_and_round_trip(text in "(loa/1/)?[a-z0-9/+#-]{0,40}|\\PC{0,40}") {
        if let Ok(topic) = text.parse::<Topic>() {
            prop_assert_eq!(topic.to_string(), text);
        }
    }
}

#[test]
fn bytes_behind_a_message_are_refused() {
    for mut bytes in seeds() {
        bytes.push(0);
        assert!(Want::from_cbor(&bytes).is_err() && AreaPlan::from_cbor(&bytes).is_err());
        let keys = samples::key_set();
        let (tenant, node, path) = (samples::tenant(), samples::node(), samples::path());
        let recipient = Recipient { tenant: &tenant, node: &node, path: &path };
        let opened = open::<AreaPlan>(&bytes, &keys, recipient, UnixMs::from_seconds(samples::ISSUED_AT_S));
        assert_eq!(opened, Err(Refusal::Malformed));
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_stack_overflow() {
    for opener in [0x81u8, 0x9f, 0xa1, 0xbf, 0xc1, 0xd8] {
        decode_as_everything(&vec![opener; 200_000]);
    }
}

#[test]
fn a_huge_declared_length_costs_nothing() {
    for head in [[0x9b, 0xff], [0x5b, 0xff], [0x7b, 0xff], [0xbb, 0xff]] {
        let mut bytes = head.to_vec();
        bytes.extend([0xff; 7]);
        decode_as_everything(&bytes);
    }
}
