//! What goes wrong with a board, and how the shipped core gets over it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use loa_firmware_sim::board_sim::clock::SimClock;
use loa_firmware_sim::board_sim::network::Network;
use loa_firmware_sim::fleet::members;
use loa_firmware_sim::node::{Entry, Fault, Happening, Node, NullHorn, Parts, Reach, Script, When};
use loa_protocol::receipt::{Outcome, Receipt};
use loa_protocol::report::{EventKind, StorageState};
use loa_protocol::time::UnixMs;
use tokio_util::sync::CancellationToken;

use crate::controller::{Controller, Record};
use crate::office::{HOUR, Object, Office, SECOND, now};
use crate::within;

const BLOCKS: u32 = 20;

/// One board, its office and what happened to it.
struct Stage {
    controller: Controller,
    happenings: Arc<Mutex<Vec<Happening>>>,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), loa_firmware_sim::node::NodeError>>,
    /// When the plan lets it sound.
    at: UnixMs,
    _office: Office,
}

impl Stage {
    /// A board with a plan for an hour from now, and a script of faults.
    async fn set(faults: impl IntoIterator<Item = Entry>) -> Self {
        let office = Office::open(1);
        let folder = tempfile::tempdir().unwrap();
        let tokens = folder.path().join("tokens");
        let web = office.enrolling();
        let url = format!("http://127.0.0.1:{}", web.port);
        std::fs::write(&tokens, office.tokens(&url)[0].to_text()).unwrap();
        members::enrol_all(folder.path(), &tokens, None).await.unwrap();
        let member = members::load(folder.path(), 1, &Reach::AsEnrolled).unwrap().remove(0);

        let controller = Controller::connect(&office, &Object::of_blocks(BLOCKS, 1_000)).await;
        let at = now() + HOUR;
        controller.publish_documents();
        controller.publish_plan(1, at);
        let happenings = Arc::<Mutex<Vec<Happening>>>::default();
        let (seen, stop) = (Arc::clone(&happenings), CancellationToken::new());
        let node = Node::new(Parts {
            settings: loa_node_core::Settings::default(),
            clock: SimClock::system(),
            network: Network::new(Arc::clone(&member.broker.dial), Arc::default()),
            pool: Arc::default(),
            horn: NullHorn,
            observer: move |_: UnixMs, happening: Happening| seen.lock().unwrap().push(happening),
            member,
        });
        let running = tokio::spawn(node.run(Script::new(faults), stop.clone()));
        Self { controller, happenings, stop, running, at, _office: office }
    }

    async fn receipt(&self) -> Receipt {
        self.controller.hear_receipts(1).await.remove(0)
    }

    /// Ends the board and gives what happened to it.
    async fn strike(self) -> Vec<Happening> {
        self.stop.cancel();
        within("the board's end", self.running).await.unwrap().unwrap();
        self.happenings.lock().unwrap().clone()
    }
}

fn after_all_blocks(fault: Fault) -> Entry {
    Entry::new(When::AfterBlocks(u64::from(BLOCKS)), fault)
}

fn stored(happenings: &[Happening]) -> Vec<u32> {
    let index = |happening: &Happening| match happening {
        Happening::Stored { index, .. } => Some(*index),
        _ => None,
    };
    happenings.iter().filter_map(index).collect()
}

#[tokio::test]
async fn a_board_follows_its_own_clock_and_plays_late_when_its_speaker_was_broken() {
    // The clock is put to five seconds before the start, and the speaker fails beyond it.
    let forward = after_all_blocks(Fault::ClockShift { ms: HOUR - 5 * SECOND });
    let broken = Entry { lasts: Some(Duration::from_secs(9)), ..after_all_blocks(Fault::SpeakerBroken) };
    let stage = Stage::set([forward, broken]).await;
    let receipt = stage.receipt().await;
    assert_eq!((receipt.outcome, receipt.nominal), (Outcome::Played, stage.at));
    assert!(receipt.sound.unwrap().started > stage.at + SECOND, "{receipt:?}");
    let happenings = stage.strike().await;
    let failures = |h: &&Happening| matches!(h, Happening::Ended { how: "device failed", .. });
    assert!(happenings.iter().filter(failures).count() > 0, "{happenings:#?}");
}

#[tokio::test]
async fn a_link_that_breaks_while_it_fetches_costs_no_block_twice() {
    let down = Fault::LinkDown { silent: false };
    let stage = Stage::set([Entry::lasting(When::AfterBlocks(6), down, Duration::from_secs(1))]).await;
    stage.controller.hear_ready().await;
    let happenings = stage.strike().await;
    assert_eq!(stored(&happenings), (0..BLOCKS).collect::<Vec<_>>());
    let lost = happenings.iter().any(|h| matches!(h, Happening::Disconnected { was_up: true, .. }));
    assert!(lost, "{happenings:#?}");
}

#[tokio::test]
async fn a_full_disk_is_told_to_the_controller() {
    let stage = Stage::set([Entry::new(When::AfterBlocks(6), Fault::DiskFull)]).await;
    let full = |r: &Record| r.states.values().any(|s| s.storage == StorageState::Full);
    stage.controller.hear("the disk is full", full).await;
    assert_eq!(stored(&stage.strike().await), (0..6).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_object_that_rots_is_refused_and_complained_of() {
    let stage = Stage::set([after_all_blocks(Fault::CorruptObject { object: String::new() })]).await;
    let corrupt = |r: &Record| r.events.iter().any(|e| matches!(e, EventKind::ObjectCorrupt { .. }));
    stage.controller.hear("the object is damaged", corrupt).await;
    let happenings = stage.strike().await;
    assert!(!happenings.iter().any(|h| matches!(h, Happening::Ready { .. })), "{happenings:#?}");
}
