//! A hole, a change and a foreign signature show, and no receipt is lost because of them.

use data_encoding::HEXLOWER;
use loa_protocol::ids::{Digest, OccurrenceId};
use loa_protocol::receipt::{Outcome, Receipt, ReceiptBatch, Seal, Sound};
use loa_protocol::wire::Wire as _;
use rcgen::{CertificateParams, KeyPair, SigningKey as _};
use sha2::{Digest as _, Sha256};

use super::ingest::{Desk, receipts_of};
use crate::domain::doubt::Doubt;
use crate::services::story::{NOON, Story, node};
use crate::store::audit::AuditFilter;

/// A board's key and certificate.
struct Board {
    key: KeyPair,
    certificate: Vec<u8>,
}

impl Board {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["cum-1".to_owned()]).unwrap().self_signed(&key).unwrap();
        Self { key, certificate: certificate.der().to_vec() }
    }

    fn fingerprint(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(&self.certificate))
    }

    fn seal(&self, receipts: &[Receipt]) -> ReceiptBatch {
        let digests: Vec<Digest> = receipts.iter().map(Receipt::digest).collect();
        let signature = self.key.sign(&Seal::head(&node("cum-1"), &digests)).unwrap();
        let seal = Seal { certificate: self.certificate.clone(), signature };
        ReceiptBatch { receipts: receipts.to_vec(), seal: Some(seal) }
    }
}

/// So many receipts, each of another occurrence, in their chain.
fn chain(count: u8) -> Vec<Receipt> {
    let mut previous = None;
    (1..=count)
        .map(|number| {
            let [receipt] = &receipts_of(u64::from(number)).receipts[..] else { panic!("one receipt") };
            let receipt = Receipt { occurrence: OccurrenceId([number; 16]), previous, ..receipt.clone() };
            previous = Some(receipt.digest());
            receipt
        })
        .collect()
}

async fn desk() -> (Desk, Board) {
    let (story, board) = (Story::new().await, Board::new());
    story.enrolled_as("cum-1", "0a", &board.fingerprint()).await;
    (Desk::new(story), board)
}

impl Desk {
    /// Reports a batch, and gives what then speaks against the node's receipts, ascending.
    async fn doubts_after(&mut self, batch: &ReceiptBatch) -> Vec<(u64, Doubt)> {
        self.report_bytes("cum-1", "receipt", batch.to_cbor(), false).await;
        let (_, ack) = self.ack().await;
        let numbers: Vec<u64> = batch.receipts.iter().map(|receipt| receipt.number).collect();
        assert_eq!(ack.numbers, numbers, "whatever speaks against it, a receipt is kept and acknowledged");
        let doubts = self.story.services.nodes.doubts(&self.story.operator, &node("cum-1")).await.unwrap();
        let mut doubts: Vec<_> = doubts.into_iter().map(|(number, doubt, _)| (number, doubt)).collect();
        doubts.sort();
        doubts
    }

    async fn audited(&self) -> Vec<(String, Option<String>)> {
        let filter = AuditFilter { subject_id: Some("cum-1".to_owned()), before_id: None, limit: 50 };
        let entries = self.story.services.audit.list(&self.story.operator, &filter).await.unwrap();
        let ours = entries.into_iter().filter(|entry| entry.action.starts_with("receipts."));
        ours.map(|entry| (entry.action, entry.after)).collect()
    }
}

#[tokio::test]
async fn what_a_board_signed_in_its_chain_raises_no_doubt_however_often_it_comes() {
    let (mut desk, board) = desk().await;
    let all = chain(5);
    for batch in [&all[..2], &all[2..], &all[1..4]] {
        assert_eq!(desk.doubts_after(&board.seal(batch)).await, []);
    }
    assert_eq!((desk.kept("cum-1").await.len(), desk.audited().await.len()), (5, 0));
}

#[tokio::test]
async fn a_hole_shows_until_it_is_filled() {
    let (mut desk, board) = desk().await;
    let all = chain(4);
    assert_eq!(desk.doubts_after(&board.seal(&all[2..])).await, [(3, Doubt::Hole)]);
    assert_eq!(desk.doubts_after(&board.seal(&all[..1])).await, [(3, Doubt::Hole)]);
    assert_eq!(desk.doubts_after(&board.seal(&all[1..2])).await, []);
    let audited = desk.audited().await;
    let actions: Vec<&str> = audited.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["receipts.completed", "receipts.doubted"]);
    assert_eq!(audited[1].1.as_deref(), Some(r#"{"doubt":"hole","number":3}"#));
}

#[tokio::test]
async fn what_was_changed_on_its_way_shows_twice() {
    let (mut desk, board) = desk().await;
    let all = chain(3);
    // Whoever sits in the broker makes a missed bulletin a played one.
    let mut sealed = board.seal(&all[..2]);
    sealed.receipts[1].sound = Some(Sound { started: NOON, played_ms: 9_999 });
    assert_eq!(desk.doubts_after(&sealed).await, [(1, Doubt::Forged)]);
    let next = desk.doubts_after(&board.seal(&all[2..])).await;
    assert_eq!(next, [(1, Doubt::Forged), (3, Doubt::Changed)]);
    // The true one comes after all: what was kept first stays, and the difference shows.
    let again = desk.doubts_after(&board.seal(&all[1..2])).await;
    assert_eq!(again, [(1, Doubt::Forged), (2, Doubt::Changed), (3, Doubt::Changed)]);
    assert_eq!(desk.kept("cum-1").await.len(), 3);
}

#[tokio::test]
async fn another_boards_signature_and_none_at_all_show() {
    let (mut desk, board) = desk().await;
    let all = chain(4);
    let plain = |receipts: &[Receipt]| ReceiptBatch { receipts: receipts.to_vec(), seal: None };
    assert_eq!(desk.doubts_after(&plain(&all[..1])).await, [], "a board of an older version signs nothing");
    assert_eq!(desk.doubts_after(&board.seal(&all[1..2])).await, []);
    assert_eq!(desk.doubts_after(&plain(&all[2..3])).await, [(3, Doubt::Unsigned)]);
    let foreign = desk.doubts_after(&Board::new().seal(&all[3..])).await;
    assert_eq!(foreign, [(3, Doubt::Unsigned), (4, Doubt::Forged)]);
}

#[tokio::test]
async fn a_reason_of_a_later_version_is_kept_in_its_own_words() {
    let (mut desk, _) = desk().await;
    let reason = minicbor::decode(&minicbor::to_vec(77u32).unwrap()).unwrap();
    let mut batch = receipts_of(1);
    batch.receipts[0].outcome = Outcome::Missed(reason);
    assert_eq!(desk.doubts_after(&batch).await, []);
    assert_eq!(desk.kept("cum-1").await[0].reason.as_deref(), Some("other_77"));
}
