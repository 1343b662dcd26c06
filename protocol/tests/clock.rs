//! The exchange of time: whatever the line does, the truth lies within the bound, and only a right answer is opened.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod samples;

use loa_protocol::clock::{DRIFT_PPM, Estimate, Nonce, Sample, TRUSTED_MAX_MS, TimeAnswer, drift_ms};
use loa_protocol::envelope::{Opened, Recipient, Refusal, Validity, open_time, seal};
use loa_protocol::ids::NodeId;
use loa_protocol::keys::{KeySet, Purpose};
use loa_protocol::time::UnixMs;
use proptest::prelude::*;

/// A world in microseconds, finer than anything that is sent.
#[derive(Clone, Copy, Debug)]
struct World {
    /// When the node asked, in microseconds since 1970.
    asked_us: i64,
    /// How long the request took.
    there_us: i64,
    /// How long the responder thought.
    thought_us: i64,
    /// How long the answer took.
    back_us: i64,
    /// What the boot clock says at `asked_us`, in microseconds.
    boot_us: i64,
    /// By how much it is slow, in parts per million of what it counts.
    drift_ppm: i64,
    /// By how much the responder's clock is ahead, in microseconds.
    responder_us: i64,
}

impl World {
    /// The boot clock at an instant, in microseconds.
    fn boot_at(&self, at_us: i64) -> i64 {
        let passed = i128::from(at_us - self.asked_us);
        let counted = passed * 1_000_000 / (1_000_000 + i128::from(self.drift_ppm));
        self.boot_us + i64::try_from(counted).unwrap()
    }

    fn boot_ms_at(&self, at_us: i64) -> u64 {
        u64::try_from(self.boot_at(at_us).div_euclid(1_000)).unwrap()
    }

    fn heard_us(&self) -> i64 {
        self.asked_us + self.there_us + self.thought_us + self.back_us
    }

    fn sample(&self) -> Sample {
        let responder = |at_us: i64| UnixMs((at_us + self.responder_us).div_euclid(1_000));
        let received_us = self.asked_us + self.there_us;
        Sample {
            asked_ms: self.boot_ms_at(self.asked_us),
            received: responder(received_us),
            answered: responder(received_us + self.thought_us),
            heard_ms: self.boot_ms_at(self.heard_us()),
            responder_error_ms: u32::try_from(self.responder_us.unsigned_abs().div_ceil(1_000)).unwrap(),
        }
    }

    /// By how much the estimate is wrong when the truth is `at_us`, in milliseconds beyond its bound; at most 0 where it keeps
    /// its word.
    fn excess_ms(&self, estimate: &Estimate, at_us: i64) -> f64 {
        let boot_ms = self.boot_ms_at(at_us);
        // The instant at which the boot clock showed this very millisecond.
        let behind_us = self.boot_at(at_us) - i64::try_from(boot_ms).unwrap() * 1_000;
        let truth_ms = (at_us - behind_us) as f64 / 1_000.0;
        let wrong_ms = (estimate.wall_at(boot_ms).0 as f64 - truth_ms).abs();
        wrong_ms - estimate.error_at(boot_ms) as f64
    }
}

fn worlds() -> impl Strategy<Value = World> {
    let ppm = i64::try_from(DRIFT_PPM).unwrap();
    let way = || prop_oneof![Just(0i64), 0i64..3_000, 0i64..400_000, 0i64..15_000_000];
    (
        1_700_000_000_000_000i64..1_800_000_000_000_000,
        (way(), way(), way()),
        0i64..10_000_000_000,
        -ppm..=ppm,
        prop_oneof![Just(0i64), -500_000i64..500_000],
    )
        .prop_map(|(asked_us, (there_us, thought_us, back_us), boot_us, drift_ppm, responder_us)| {
            World { asked_us, there_us, thought_us, back_us, boot_us, drift_ppm, responder_us }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// E1, K4: however unequal the ways, however the crystal drifts within what is assumed, then and weeks later.
    #[test]
    fn the_truth_lies_within_the_bound(world in worlds(), later_us in 0i64..3_000_000_000_000) {
        let estimate = world.sample().estimate().unwrap();
        for at_us in [world.heard_us(), world.heard_us() + later_us] {
            // Two microseconds for the arithmetic of the test itself.
            prop_assert!(world.excess_ms(&estimate, at_us) <= 0.002, "{estimate:?}");
        }
    }

    /// E2: of many answers the one with the smallest bound counts, and the truth lies within that, too.
    #[test]
    fn the_best_of_a_round_keeps_its_word(world in worlds(), ways in proptest::collection::vec((0i64..9_000_000, 0i64..9_000_000), 1..8)) {
        let mut best: Option<Estimate> = None;
        let mut last = world;
        let mut bounds = Vec::new();
        for (there_us, back_us) in ways {
            let asked_us = last.heard_us() + 500_000;
            last = World { asked_us, there_us, back_us, boot_us: last.boot_at(asked_us), ..last };
            let estimate = last.sample().estimate().unwrap();
            best = Some(best.map_or(estimate, |best| estimate.better(best, estimate.at_ms)));
            bounds.push(estimate);
        }
        let (best, at_us) = (best.unwrap(), last.heard_us());
        let boot_ms = last.boot_ms_at(at_us);
        prop_assert!(bounds.iter().all(|one| best.error_at(boot_ms) <= one.error_at(boot_ms) + 1));
        prop_assert!(last.excess_ms(&best, at_us) <= 0.002, "{best:?}");
    }

    #[test]
    fn no_instants_overflow(asked_ms: u64, heard_ms: u64, received: i64, answered: i64, error: u32, at: u64) {
        let sample = Sample {
            asked_ms, heard_ms, received: UnixMs(received), answered: UnixMs(answered), responder_error_ms: error,
        };
        if let Some(estimate) = sample.estimate() {
            prop_assert!(estimate.error_at(at) >= estimate.error_ms);
            let _any = estimate.wall_at(at);
        }
    }
}

#[test]
fn the_offset_is_that_of_rfc_5905() {
    // Asked at 1,000; 40 ms there, 2 ms of thought, 60 ms back; the truth is 5,000,000 ahead of the boot clock.
    let sample = Sample {
        asked_ms: 1_000,
        received: UnixMs(5_001_040),
        answered: UnixMs(5_001_042),
        heard_ms: 1_102,
        responder_error_ms: 5,
    };
    assert_eq!(sample.round_trip_ms(), Some(100));
    let (t0, t1, t2, t3) = (1_000, 5_001_040, 5_001_042, 1_102);
    let estimate = sample.estimate().unwrap();
    assert_eq!(estimate.wall, UnixMs(t3 + ((t1 - t0) + (t2 - t3)) / 2));
    // Half of 100, 3 for the rounding, 1 for the drift, 5 of the responder.
    assert_eq!(estimate.error_ms, 59);
    assert_eq!(estimate.error_at(1_102 + 10_000_000), 59 + 1_000);
    let slow = Sample { heard_ms: 1_000 + 2 * TRUSTED_MAX_MS + 2, ..sample };
    assert!(slow.estimate().unwrap().error_ms > TRUSTED_MAX_MS, "too long a round trip is never trusted");
}

#[test]
fn a_responder_whose_clock_was_set_meanwhile_tells_nothing() {
    let sample = Sample {
        asked_ms: 0,
        received: UnixMs(0),
        answered: UnixMs(3_600_000),
        heard_ms: 100,
        responder_error_ms: 0,
    };
    assert_eq!(sample.estimate(), None);
    assert_eq!(Sample { answered: UnixMs(-1), ..sample }.estimate(), None);
    assert_eq!(Sample { asked_ms: 200, ..sample }.estimate(), None);
}

#[test]
fn a_responder_that_nobody_keeps_gives_no_sample() {
    let answer = TimeAnswer { error_ms: None, ..samples::time_answer() };
    assert_eq!(Sample::of(0, &answer, 100), None);
    assert!(Sample::of(0, &samples::time_answer(), 100).is_some());
}

#[test]
fn drift_is_rounded_up() {
    assert_eq!([0, 1, 10_000, 10_001, 86_400_000].map(drift_ms), [0, 1, 1, 2, 8_640]);
    assert_eq!(drift_ms(u64::MAX), u64::MAX / 10_000 + 1);
}

#[test]
fn nonces_follow_from_the_secret_and_the_sequence_alone() {
    assert_eq!(Nonce::of(&[1; 32], 7), Nonce::of(&[1; 32], 7));
    assert_ne!(Nonce::of(&[1; 32], 7), Nonce::of(&[1; 32], 8));
    assert_ne!(Nonce::of(&[1; 32], 7), Nonce::of(&[2; 32], 7));
}

fn opened(envelope: &[u8], keys: &KeySet, node: &NodeId) -> Result<Opened<TimeAnswer>, Refusal> {
    let (tenant, path) = (samples::tenant(), samples::path());
    open_time(envelope, keys, Recipient { tenant: &tenant, node, path: &path })
}

fn refusal(answer: &TimeAnswer, validity: Validity) -> Option<Refusal> {
    let envelope = seal(answer, &samples::tenant(), validity, &samples::time_key());
    opened(&envelope, &samples::time_key_set(), &samples::node()).err()
}

#[test]
fn answers_of_others_and_to_others_are_refused() {
    let (right, keys, node) = (samples::signed_time_answer(), samples::time_key_set(), samples::node());
    assert_eq!(opened(&right, &keys, &node).unwrap().document, samples::time_answer());
    assert_eq!(opened(&right, &samples::key_set(), &node), Err(Refusal::UnknownKey));
    let elsewhere = NodeId::new("k-nai-2").unwrap();
    assert_eq!(opened(&right, &keys, &elsewhere), Err(Refusal::WrongAudience));
    let mut changed = right.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(opened(&changed, &keys, &node), Err(Refusal::BadSignature));
    assert_eq!(opened(&samples::signed_area_plan(), &samples::key_set(), &node), Err(Refusal::WrongKind));
    assert_eq!(opened(&samples::time_answer_bytes(), &keys, &node), Err(Refusal::Malformed), "unsigned");
}

#[test]
fn no_key_but_one_for_the_time_tells_it_and_it_does_nothing_else() {
    for purpose in [Purpose::Plan, Purpose::Node, Purpose::Emergency, Purpose::Firmware] {
        let mut keys = samples::time_key_set();
        keys.keys[0].scope.purposes = vec![purpose];
        let refused = opened(&samples::signed_time_answer(), &keys, &samples::node()).unwrap_err();
        assert_eq!(refused, Refusal::OutOfScope, "{purpose:?}");
    }
    let mut elsewhere = samples::time_key_set();
    elsewhere.keys[0].scope.area = Some(samples::area("elsewhere"));
    let refused = opened(&samples::signed_time_answer(), &elsewhere, &samples::node()).unwrap_err();
    assert_eq!(refused, Refusal::OutOfScope);
}

/// E4: judged at the instant that it names, whatever any clock says.
#[test]
fn an_answer_names_an_instant_at_which_its_key_was_valid() {
    let valid_from = |from_s: i64, until_s: i64| {
        let mut keys = samples::time_key_set();
        keys.keys[0].scope.not_before = UnixMs::from_seconds(samples::ISSUED_AT_S + from_s);
        keys.keys[0].scope.not_after = UnixMs::from_seconds(samples::ISSUED_AT_S + until_s);
        opened(&samples::signed_time_answer(), &keys, &samples::node()).err()
    };
    assert_eq!(valid_from(-10, 10), None);
    assert_eq!(valid_from(10, 20), Some(Refusal::NotYetValid));
    assert_eq!(valid_from(-20, -10), Some(Refusal::Expired));
}

#[test]
fn an_answer_is_short_lived_and_says_the_same_inside_and_outside() {
    let (answer, validity) = (samples::time_answer(), samples::time_validity());
    assert_eq!(refusal(&answer, validity), None);
    let long = Validity { expires_s: validity.expires_s + 1, ..validity };
    assert_eq!(refusal(&answer, long), Some(Refusal::Malformed));
    let other = TimeAnswer { answered: answer.answered + 5_000, ..answer.clone() };
    assert_eq!(refusal(&other, validity), Some(Refusal::BadContent), "another instant than it was issued at");
    let backwards = TimeAnswer { received: answer.answered + 1, ..answer };
    assert_eq!(refusal(&backwards, validity), Some(Refusal::BadContent));
}

/// An earlier node reads a key set that has a key for the time: the purpose is no number that it does not know.
#[test]
fn the_purpose_is_sent_where_earlier_nodes_skip_it() {
    use loa_protocol::wire::Wire as _;
    let mut keys = samples::time_key_set();
    keys.keys[0].scope.purposes = vec![Purpose::Plan, Purpose::Time];
    let bytes = keys.to_cbor();
    assert_eq!(KeySet::from_cbor(&bytes).unwrap(), keys);
    // Key 5 of the scope, true, is the last that is sent.
    assert_eq!(bytes[bytes.len() - 2..], [0x05, 0xf5]);
    keys.keys[0].scope.purposes = vec![Purpose::Plan];
    let without = keys.to_cbor();
    let behind = bytes.len() - 2;
    assert_eq!(without.len(), behind, "and nothing else changes but the number of keys");
    assert_eq!(bytes[..behind].iter().zip(&without).filter(|(a, b)| a != b).count(), 1);
}
