//! Every message of the protocol, its topics, and the enrolment token.

use std::fmt::Debug;

use loa_protocol::alert::{AlertAnswer, AreaAlerts};
use loa_protocol::clock::{Sample, TimeAnswer, TimeRequest};
use loa_protocol::enrolment::{EnrolAnswer, EnrolRequest, EnrolmentToken, SignedTrustAnchor, TrustAnchor};
use loa_protocol::keys::KeySet;
use loa_protocol::plan::{AreaPlan, NodeDocument};
use loa_protocol::receipt::{ReceiptAck, ReceiptBatch};
use loa_protocol::report::{Event, Health, Presence, State};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;
use loa_protocol::topic::Topic;
use loa_protocol::transfer::{Block, Want};
use loa_protocol::wire::Wire;

use crate::keys;

/// Reads the bytes as every message.
pub fn hold(bytes: &[u8]) {
    round_trip::<AreaPlan>(bytes);
    round_trip::<NodeDocument>(bytes);
    if let Some(alerts) = round_trip::<AreaAlerts>(bytes) {
        let expires = UnixMs(i64::from(u32::MAX));
        for item in alerts.items_until(expires) {
            let Start::At(nominal) = item.start else { panic!("an alert that starts by a pattern") };
            let latest = nominal + i64::from(item.start_within_ms);
            assert!(latest < expires || item.start_within_ms == 0, "an alert outlasts its document");
        }
    }
    round_trip::<AlertAnswer>(bytes);
    round_trip::<KeySet>(bytes);
    round_trip::<Block>(bytes);
    round_trip::<ReceiptBatch>(bytes);
    round_trip::<ReceiptAck>(bytes);
    round_trip::<Presence>(bytes);
    round_trip::<State>(bytes);
    round_trip::<Health>(bytes);
    round_trip::<Event>(bytes);
    round_trip::<TimeRequest>(bytes);
    if let Some(answer) = round_trip::<TimeAnswer>(bytes)
        && let Some(estimate) =
            Sample::of(0, &answer, u64::from(u16::MAX)).and_then(|sample| sample.estimate())
    {
        assert!(estimate.wall >= answer.answered, "told before it was answered");
    }
    round_trip::<TrustAnchor>(bytes);
    round_trip::<SignedTrustAnchor>(bytes);
    if let Some(want) = round_trip::<Want>(bytes) {
        assert!(want.blocks().is_sorted(), "a want names its blocks in order");
    }
    if let Some(request) = round_trip::<EnrolRequest>(bytes)
        && request.verify(&keys::token().secret.verifier()).is_ok()
    {
        assert_eq!(request, keys::request(), "signed without the secret");
    }
    if let Some(answer) = round_trip::<EnrolAnswer>(bytes)
        && let Ok(enrolment) = answer.open(&keys::token())
    {
        assert_eq!(enrolment.root, keys::root().verifying_key());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(topic) = text.parse::<Topic>() {
            assert_eq!(topic.to_string(), text);
        }
        if let Ok(token) = EnrolmentToken::from_text(text) {
            assert_eq!(EnrolmentToken::from_text(&token.to_text()), Ok(token));
        }
    }
}

fn round_trip<T: Wire + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let message = T::from_cbor(bytes).ok()?;
    assert_eq!(T::from_cbor(&message.to_cbor()).as_ref(), Ok(&message));
    Some(message)
}
