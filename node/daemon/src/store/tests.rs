use loa_node_core::{Ending, Intent, Progress, Slot, StoredDocument};
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::envelope::Applied;
use loa_protocol::ids::{AreaId, BulletinId, Digest, ItemId, OccurrenceId};
use loa_protocol::receipt::{Outcome, Reason, Receipt};
use loa_protocol::report::ClockTrust;
use loa_protocol::timeline::Aired;

use super::*;
use crate::identity::tests::identity;

const DAY_MS: i64 = 24 * 3600 * 1000;

fn document(sequence: u64) -> StoredDocument {
    let areas = ["lam-dong", "xa-da-dong"].map(|a| AreaId::new(a).unwrap());
    StoredDocument {
        envelope: [sequence.to_le_bytes()[0]; 300].into(),
        applied: Applied { sequence, digest: Digest([7; 16]) },
        applied_at: UnixMs(5),
        issued_at: UnixMs(4),
        path: AreaPath::new(areas.to_vec()).unwrap(),
    }
}

fn receipt(number: u64, nominal: i64) -> Receipt {
    Receipt {
        number,
        occurrence: OccurrenceId([number.to_le_bytes()[0]; 16]),
        item: ItemId::new("tin").unwrap(),
        revision: 1,
        bulletin: BulletinId::new("b").unwrap(),
        nominal: UnixMs(nominal),
        outcome: Outcome::Missed(Reason::TooLate),
        sound: None,
        clock: ClockTrust::Trusted,
        written: UnixMs(9),
        winner: None,
        previous: None,
    }
}

/// It sounded for some seconds.
fn ending(number: u64, nominal: i64) -> Ending {
    let aired = Aired { class: Class::Priority, started: UnixMs(nominal), sound_ms: 7_000 };
    Ending { receipt: receipt(number, nominal), aired: Some(aired) }
}

/// What was ordered when the power went, and may have been heard.
fn perhaps_heard(number: u64, nominal: i64) -> Ending {
    let outcome = Outcome::Missed(Reason::Interrupted);
    Ending { receipt: Receipt { outcome, sound: None, ..receipt(number, nominal) }, aired: None }
}

fn intent(occurrence: u8) -> Intent {
    Intent {
        occurrence: OccurrenceId([occurrence; 16]),
        item: ItemId::new("tin").unwrap(),
        revision: u32::MAX,
        bulletin: BulletinId::new("b").unwrap(),
        nominal: UnixMs(1),
        class: Class::Emergency,
        started: None,
        progress: Progress::default(),
    }
}

/// What the power going at this instant leaves behind: the files as they are, opened by another process.
async fn after_power_cut(folder: &Path) -> (tempfile::TempDir, Store) {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        // The shared-memory index is rebuilt from the log.
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    let store = Store::open(copy.path()).await.unwrap();
    (copy, store)
}

#[tokio::test]
async fn each_slot_keeps_its_own_document() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    let area = || AreaId::new("xa-da-dong").unwrap();
    let slots = [
        Slot::Keys,
        Slot::Node,
        Slot::Plan(area()),
        Slot::Command(None),
        Slot::Command(Some(area())),
        Slot::Alert(area()),
    ];
    let kept: Vec<_> = (1..).zip(slots).map(|(sequence, slot)| (slot, document(sequence))).collect();
    for (slot, document) in &kept {
        store.save_document(slot, document).await.unwrap();
    }
    let mut found = store.restore().await.unwrap().documents;
    found.sort_by_key(|(_, document)| document.applied.sequence);
    assert_eq!(found, kept);
}

#[tokio::test]
async fn everything_is_on_the_disk_when_the_call_returns() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    let plan = Slot::Plan(AreaId::new("xa-da-dong").unwrap());

    store.save_document(&Slot::Keys, &document(1)).await.unwrap();
    store.save_document(&plan, &document(u64::MAX)).await.unwrap();
    let (_copy, mut cut) = after_power_cut(folder.path()).await;
    let restored = cut.restore().await.unwrap();
    assert_eq!(restored.documents, [(Slot::Keys, document(1)), (plan.clone(), document(u64::MAX))]);

    store.forget_document(&plan).await.unwrap();
    store.record_intent(&intent(1)).await.unwrap();
    let progress = Progress {
        part: 2,
        played_ms: 3_000,
        planned_ms: 4_000,
        interrupted: Some(Reason::Yielded),
        cut_by: Some(OccurrenceId([9; 16])),
        is_taken_up: true,
        defect: Some(Reason::AudioBroken),
    };
    let further = Intent { started: Some(UnixMs(4)), progress, ..intent(1) };
    store.record_intent(&further).await.unwrap();
    let (_copy, mut cut) = after_power_cut(folder.path()).await;
    let restored = cut.restore().await.unwrap();
    assert_eq!(restored.documents, [(Slot::Keys, document(1))]);
    assert_eq!(restored.applied.last(), Some(&(plan, document(u64::MAX).applied)));
    assert_eq!(restored.intents, [further]);
    assert_eq!(restored.last_receipt, None);
    assert_eq!(restored.next_receipt, 1);

    store.record_receipts(&[ending(1, 1), ending(2, 2)]).await.unwrap();
    let (_copy, mut cut) = after_power_cut(folder.path()).await;
    let restored = cut.restore().await.unwrap();
    assert_eq!(restored.intents, []);
    assert_eq!((restored.next_receipt, restored.unacknowledged), (3, vec![1, 2]));
    assert_eq!(restored.ledger, [ending(2, 2).ledger_entry(), ending(1, 1).ledger_entry()]);
    assert_eq!(restored.last_receipt, Some(receipt(2, 2).digest()));
    assert_eq!(cut.read_receipts(&[2, 1, 5]).await.unwrap(), [receipt(1, 1), receipt(2, 2)]);

    store.record_receipts(&[perhaps_heard(3, 3)]).await.unwrap();
    let (_copy, mut cut) = after_power_cut(folder.path()).await;
    let restored = cut.restore().await.unwrap();
    assert_eq!(restored.ledger[0], perhaps_heard(3, 3).ledger_entry());
    assert!(restored.ledger[0].sounded);
    store.delete_receipts(&[3]).await.unwrap();

    store.delete_receipts(&[1, 2]).await.unwrap();
    let (_copy, mut cut) = after_power_cut(folder.path()).await;
    let restored = cut.restore().await.unwrap();
    assert_eq!((restored.next_receipt, restored.unacknowledged), (4, vec![]));
    assert_eq!(restored.ledger.len(), 3);
}

#[tokio::test]
async fn the_newest_ledger_entries_are_kept_however_old_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    store.record_receipts(&[ending(1, 0), ending(2, 9 * DAY_MS)]).await.unwrap();
    store.prune_ledger().await.unwrap();
    assert_eq!(store.restore().await.unwrap().ledger.len(), 2);
    let many: Vec<Ending> =
        (3..).zip(10 * DAY_MS..).take(LEDGER_MAX - 1).map(|(n, at)| ending(n, at)).collect();
    store.record_receipts(&many).await.unwrap();
    store.prune_ledger().await.unwrap();
    let kept: Vec<UnixMs> = store.restore().await.unwrap().ledger.iter().map(|e| e.nominal).collect();
    assert_eq!((kept.len(), kept.last()), (LEDGER_MAX, Some(&UnixMs(9 * DAY_MS))));
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM ledger").fetch_one(&mut store.db).await.unwrap();
    assert_eq!(rows, i64::try_from(LEDGER_MAX).unwrap());
}

#[tokio::test]
async fn a_receipt_that_does_not_decode_does_not_hold_up_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    store.record_receipts(&[ending(1, 1), ending(2, 2)]).await.unwrap();
    sqlx::query("UPDATE receipt SET cbor = x'ff' WHERE number = 1").execute(&mut store.db).await.unwrap();
    assert_eq!(store.read_receipts(&[1, 2]).await.unwrap(), [receipt(2, 2)]);
}

#[tokio::test]
async fn a_store_of_another_node_is_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    assert!(!store.claim(&identity("n-1")).await.unwrap(), "a fresh store drops nothing");
    store.save_document(&Slot::Node, &document(1)).await.unwrap();
    store.record_receipts(&[ending(7, 1)]).await.unwrap();
    assert!(!store.claim(&identity("n-1")).await.unwrap());
    assert_eq!(store.restore().await.unwrap().next_receipt, 8);
    let anchor = Anchor { wall: UnixMs(100), boot_ms: 7, error_ms: 9 };
    store
        .keep_clock(&Kept { anchor, boot: "b".to_owned(), chip_ahead_ms: Some(-3), is_exchanged: false })
        .await
        .unwrap();
    assert!(store.claim(&identity("n-2")).await.unwrap());
    assert_eq!(store.kept_clock().await.unwrap(), None);
    let restored = store.restore().await.unwrap();
    assert_eq!((restored.applied.len(), restored.next_receipt, restored.ledger.len()), (0, 1, 0));
}

#[tokio::test]
async fn boots_are_counted_and_the_clock_is_kept_as_it_was_last_trusted() {
    let kept = |ms| Kept {
        anchor: Anchor { wall: UnixMs(ms), boot_ms: 7, error_ms: 9 },
        boot: "b".to_owned(),
        chip_ahead_ms: Some(-3),
        is_exchanged: ms == 50,
    };
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    assert_eq!(store.kept_clock().await.unwrap(), None);
    store.keep_clock(&kept(100)).await.unwrap();
    store.keep_clock(&kept(50)).await.unwrap();
    assert_eq!(store.count_boot().await.unwrap(), 1);
    store.close().await.unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    assert_eq!(store.kept_clock().await.unwrap(), Some(kept(50)), "it was ahead");
    assert_eq!(store.count_boot().await.unwrap(), 2);
}

#[tokio::test]
async fn ninety_days_of_receipts_fit_and_none_leaves_before_it_is_acknowledged() {
    /// One each half-hour, day and night: twice what any guard of the field allows.
    const A_BUSY_DAY: u64 = 48;
    const DAYS: u64 = 90;
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    store.claim(&identity("n-1")).await.unwrap();
    let longest = "x".repeat(64);
    let mut previous = None;
    for day in 0..DAYS {
        let endings: Vec<Ending> = (1..=A_BUSY_DAY)
            .map(|number| {
                let number = day * A_BUSY_DAY + number;
                let nominal = i64::try_from(number).unwrap() * 1_800_000;
                let Ending { receipt, aired } = ending(number, nominal);
                let receipt = Receipt {
                    item: ItemId::new(longest.as_str()).unwrap(),
                    bulletin: BulletinId::new(longest.as_str()).unwrap(),
                    winner: Some(OccurrenceId([255; 16])),
                    previous,
                    ..receipt
                };
                previous = Some(receipt.digest());
                Ending { receipt, aired }
            })
            .collect();
        store.record_receipts(&endings).await.unwrap();
    }
    store.prune_ledger().await.unwrap();
    assert!(!store.claim(&identity("n-1")).await.unwrap());
    let restored = store.restore().await.unwrap();
    let all: Vec<u64> = (1..=DAYS * A_BUSY_DAY).collect();
    assert_eq!(restored.unacknowledged, all, "no receipt leaves by itself");
    store.close().await.unwrap();
    let taken: u64 =
        std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    println!("{} receipts take {} KiB", all.len(), taken / 1024);
    assert!(taken < crate::cache::RESERVE_BYTES / 4, "{taken} bytes of the room that audio always leaves");
}

#[tokio::test]
async fn a_store_from_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)
         VALUES (9999, 'later', '2030-01-01', 1, x'00', 1)",
    )
    .execute(&mut store.db)
    .await
    .unwrap();
    store.close().await.unwrap();
    for error in
        [Store::open(folder.path()).await.unwrap_err(), Store::open_to_read(folder.path()).await.unwrap_err()]
    {
        assert!(error.to_string().contains("newer loa-node"), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(Store::path(folder.path()), vec![b'x'; 8192]).unwrap();
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. } | StoreError::Migrate { .. }), "{error:?}");
    let nowhere = Store::open_to_read(&folder.path().join("no")).await.unwrap_err();
    assert!(matches!(nowhere, StoreError::Open { .. }), "{nowhere:?}");
}

/// A disk of its own for this test of this program, seen by nobody else.
const ON_A_SMALL_DISK: &str = r#"mount -t tmpfs -o size=2m tmpfs "$1" && exec "$2" --exact "$3" --nocapture"#;

/// Where the small disk is, within.
const SMALL_DISK: &str = "LOA_TEST_SMALL_DISK";

#[tokio::test]
async fn what_is_kept_once_a_full_disk_has_room_again_is_kept() {
    let Some(disk) = std::env::var_os(SMALL_DISK) else {
        let disk = tempfile::tempdir().unwrap();
        let name = std::thread::current().name().unwrap().to_owned();
        let within = std::process::Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh"])
            .args([disk.path(), &std::env::current_exe().unwrap(), Path::new(&name)])
            .env(SMALL_DISK, disk.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&within.stdout);
        assert!(within.status.success() && said.contains("1 passed"), "{within:?}");
        return;
    };
    let disk = Path::new(&disk);
    let mut store = Store::open(disk).await.unwrap();
    store.record_receipts(&[ending(1, 1)]).await.unwrap();
    let filler = disk.join("filler");
    let full = std::io::copy(&mut std::io::repeat(0), &mut std::fs::File::create(&filler).unwrap());
    assert_eq!(full.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    // More than is left in the log's last page on the disk.
    let many: Vec<Ending> = (2..200).map(|n| ending(n, i64::try_from(n).unwrap())).collect();
    for attempt in 0..4 {
        let error = store.record_receipts(&many).await.expect_err("the disk is full");
        assert!(error.is_full(), "attempt {attempt}: {error:?}");
    }
    std::fs::remove_file(&filler).unwrap();

    store.record_intent(&intent(250)).await.unwrap();
    store.record_receipts(&many).await.unwrap();
    let (_copy, mut cut) = after_power_cut(disk).await;
    let restored = cut.restore().await.unwrap();
    assert_eq!(restored.unacknowledged, (1..200).collect::<Vec<u64>>());
    assert_eq!(restored.intents, [intent(250)]);
    assert_eq!(restored.next_receipt, 200);
}
