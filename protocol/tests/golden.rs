//! Every message has a golden file: its bytes are part of the protocol, and old files keep decoding.
//!
//! `LOA_WRITE_GOLDEN=1 cargo test -p loa-protocol` writes the files of messages that have none yet; it never
//! changes one that is there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "golden files are files")]

mod samples;

use std::path::PathBuf;

use loa_protocol::alert::{AlertAnswer, AreaAlerts};
use loa_protocol::clock::{TimeAnswer, TimeRequest};
use loa_protocol::command::Command;
use loa_protocol::enrolment::EnrolAnswer;
use loa_protocol::envelope::{Recipient, open, open_alerts, open_key_set, open_live, open_time};
use loa_protocol::ids::{Digest, KeyId};
use loa_protocol::plan::{AreaPlan, NodeDocument, Program};
use loa_protocol::receipt::{Receipt, ReceiptAck, ReceiptBatch, receipt_digests};
use loa_protocol::report::{Event, Health, Presence, State};
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::{Block, Want};
use loa_protocol::wire::Wire;

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    digits.chunks(48).map(|line| line.concat() + "\n").collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let number = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(number).collect()
}

/// The golden bytes of `name`, which must be what this program writes.
fn check_bytes(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.hex"));
    if !path.exists() && std::env::var_os("LOA_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, hex(bytes)).unwrap();
    }
    let golden =
        from_hex(&std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())));
    assert_eq!(hex(bytes), hex(&golden), "the bytes of {name} changed: that is another protocol version");
    golden
}

fn check<T: Wire + PartialEq + std::fmt::Debug>(name: &str, message: &T) {
    let golden = check_bytes(name, &message.to_cbor());
    assert_eq!(&T::from_cbor(&golden).unwrap(), message);
}

#[test]
fn messages() {
    check::<AreaPlan>("area-plan", &samples::area_plan());
    check::<NodeDocument>("node-document", &samples::node_document());
    check::<AreaPlan>("area-plan-rules", &samples::area_plan_with_rules());
    let guarded = NodeDocument { guards: samples::guards(), ..samples::node_document() };
    check::<NodeDocument>("node-document-guards", &guarded);
    let on_a_line = NodeDocument { line_kbit_s: Some(64), ..samples::node_document() };
    check::<NodeDocument>("node-document-line", &on_a_line);
    check::<AreaPlan>("area-plan-prepared", &samples::prepared_area_plan());
    check::<AreaAlerts>("area-alerts", &samples::area_alerts());
    let cancelled = AreaAlerts { program: Program::default(), inline: Vec::new(), ..samples::area_alerts() };
    check::<AreaAlerts>("area-alerts-none", &cancelled);
    for (number, answer) in samples::alert_answers().iter().enumerate() {
        check::<AlertAnswer>(&format!("alert-answer-{number}"), answer);
    }
    check("key-set", &samples::key_set());
    check::<Want>("want", &samples::want());
    check::<Want>("want-waves", &Want { hears_waves: true, ..samples::want() });
    check::<Block>("block", &samples::block());
    check::<ReceiptBatch>("receipt-batch", &samples::receipt_batch());
    check::<ReceiptBatch>("receipt-chain", &samples::receipt_chain());
    check::<ReceiptBatch>("receipt-sealed", &samples::sealed_receipts());
    check::<ReceiptAck>("receipt-ack", &samples::receipt_ack());
    check::<Presence>("presence", &samples::presence());
    check::<State>("state", &samples::state());
    check::<State>("state-volume", &State { volume_percent: Some(60), ..samples::state() });
    check::<State>("state-orders", &State { orders: samples::applied_orders(), ..samples::state() });
    check::<State>("state-guards", &State { own_guards: Some(samples::own_guards()), ..samples::state() });
    check::<State>("state-alerts", &State { alerts: samples::state().plans, ..samples::state() });
    check::<Health>("health", &samples::health());
    check::<Health>("health-clock", &samples::clock_in_health());
    let audio =
        Health { audio_bytes: Some(1_048_576), audio_wasted_bytes: Some(16_384), ..samples::health() };
    check::<Health>("health-audio", &audio);
    check("key-set-time", &samples::time_key_set());
    check::<TimeRequest>("time-request", &samples::time_request());
    check::<TimeAnswer>("time-answer", &samples::time_answer());
    let unkept = TimeAnswer { error_ms: None, ..samples::time_answer() };
    check::<TimeAnswer>("time-answer-unkept", &unkept);
    for (number, command) in samples::commands().iter().enumerate() {
        check::<Command>(&format!("command-{number}"), command);
    }
    for (number, event) in samples::events().iter().enumerate() {
        check::<Event>(&format!("event-{number}"), event);
    }
}

#[test]
fn a_sealed_batch_is_checked_by_the_bytes_as_they_were_sent() {
    let batch = samples::sealed_receipts();
    let as_known: Vec<Digest> = batch.receipts.iter().map(Receipt::digest).collect();
    assert_eq!(receipt_digests(&batch.to_cbor()).unwrap(), as_known);

    // A receipt of a later version: a key more, and a reason without a name.
    let mut bytes = Vec::new();
    let mut e = minicbor::Encoder::new(&mut bytes);
    e.map(1).unwrap().u8(0).unwrap().array(1).unwrap();
    let begin = e.writer().len();
    e.map(11).unwrap().u8(0).unwrap().u8(1).unwrap().u8(1).unwrap().bytes(&[1; 16]).unwrap();
    e.u8(2).unwrap().str("i").unwrap().u8(3).unwrap().u8(1).unwrap().u8(4).unwrap().str("b").unwrap();
    e.u8(5).unwrap().u8(0).unwrap().u8(6).unwrap().array(2).unwrap().u8(2).unwrap().array(1).unwrap();
    e.u8(77).unwrap().u8(8).unwrap().u8(0).unwrap().u8(9).unwrap().u8(0).unwrap();
    e.u8(10).unwrap().null().unwrap().u8(99).unwrap().str("later").unwrap();
    let later = ReceiptBatch::from_cbor(&bytes).unwrap();
    let reason = later.receipts[0].outcome.reason().map(|reason| reason.to_string());
    assert_eq!(reason.as_deref(), Some("other_77"));
    let digests = receipt_digests(&bytes).unwrap();
    assert_eq!(digests, [Digest::of(&bytes[begin..])]);
    assert_ne!(digests[0], later.receipts[0].digest(), "what it was decoded to is not what was signed");

    for nonsense in [&b""[..], &[0x80], &[0xa0], &[0xa1, 0x00, 0x05], &[0xa1, 0x00, 0x82, 0x00]] {
        assert!(receipt_digests(nonsense).is_err(), "{nonsense:?}");
    }
}

#[test]
fn enrolment() {
    let answer = samples::enrol_answer();
    check::<EnrolAnswer>("enrol-answer", &EnrolAnswer { path: None, ..answer.clone() });
    check::<EnrolAnswer>("enrol-answer-placed", &answer);
}

#[test]
fn signed_documents() {
    let golden = check_bytes("signed-area-plan", &samples::signed_area_plan());
    let (tenant, node, path) = (samples::tenant(), samples::node(), samples::path());
    let recipient = Recipient { tenant: &tenant, node: &node, path: &path };
    let now = UnixMs::from_seconds(samples::ISSUED_AT_S + 1);
    let opened = open::<AreaPlan>(&golden, &samples::key_set(), recipient, now).unwrap();
    assert_eq!(opened.document, samples::area_plan());

    let golden = check_bytes("signed-node-document", &samples::signed_node_document());
    let opened = open::<NodeDocument>(&golden, &samples::key_set(), recipient, now).unwrap();
    assert_eq!(opened.document, samples::node_document());

    let golden = check_bytes("signed-command", &samples::signed_command());
    let opened = open_live(&golden, &samples::emergency_key_set(), recipient, now, None).unwrap();
    assert_eq!(opened.document, samples::command());

    let golden = check_bytes("signed-area-alerts", &samples::signed_area_alerts());
    let opened = open_alerts(&golden, &samples::emergency_key_set(), recipient, now).unwrap();
    assert_eq!(opened.document, samples::area_alerts());

    let golden = check_bytes("signed-time-answer", &samples::signed_time_answer());
    let opened = open_time(&golden, &samples::time_key_set(), recipient).unwrap();
    assert_eq!(opened.document, samples::time_answer());

    let golden = check_bytes("signed-key-set", &samples::signed_key_set());
    let root = samples::root_key().verifying_key();
    let opened = open_key_set(&golden, &root, &tenant, now).unwrap();
    assert_eq!(opened.document, samples::key_set());
    assert_eq!(opened.claims.key, KeyId::of(&root));
}
