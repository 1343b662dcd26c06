//! The state machine's outside: inputs in, actions out.
//!
//! Each input changes one part; then `settle` lets every part draw its conclusions, and `reporting` says so to the
//! controller.

mod reporting;
mod settle;

use std::collections::VecDeque;
use std::time::Duration;

use loa_protocol::alert::{AlertAnswer, Verdict};
use loa_protocol::clock::ClockSource;
use loa_protocol::envelope::{ContentType, claims_of};
use loa_protocol::ids::{AreaId, BootId, Digest, ObjectHash};
use loa_protocol::receipt::{BATCH_MAX, Receipt, ReceiptAck, ReceiptBatch, Seal};
use loa_protocol::report::{ClockTrust, EventKind, Presence, StorageState};
use loa_protocol::timeline::Watch;
use loa_protocol::transfer::Block;
use loa_protocol::wire::Wire;

use crate::action::Action;
use crate::agenda::Agenda;
use crate::answers::Answers;
use crate::cache::Cache;
use crate::deadline::Deadlines;
use crate::documents::Documents;
use crate::fetch::{BlockVerdict, Came, Fetch, Need, Way};
use crate::input::{
    Identity, Link, LinkEvent, Measurements, Now, Restored, Settings, Slot, SpeakerEvent, Standing,
    StoreEvent,
};
use crate::ledger::Ledger;
use crate::orders::Orders;
use crate::player::{Player, Scene, admit_lead_ms};
use crate::receipts::Receipts;
use crate::reports::Reports;
use crate::timekeeping::Timekeeping;
use crate::topics::{Inbound, Topics};

/// Longest firmware version that the state carries, in bytes.
const FIRMWARE_MAX_BYTES: usize = 64;

/// One loudspeaker's mind.
#[derive(Debug)]
pub struct Core {
    topics: Topics,
    boot: BootId,
    firmware: String,
    /// When [`Core::settle`] was last called: what has fallen due since is still to be looked at.
    seen: Now,
    /// The shell has just looked at the clock, so a step of it is explained.
    clock_is_judged: bool,
    /// Where the clock has the time from.
    clock_source: ClockSource,
    is_control_up: bool,
    /// The areas whose plans the control link is subscribed to.
    subscribed: Vec<AreaId>,
    volume_percent: Option<u8>,
    store_is_full: bool,
    world: World,
    agenda: Agenda,
    player: Player,
    fetch: Fetch,
    /// Something changed that decides which objects are needed.
    wishes_changed: bool,
    receipts: Receipts,
    reports: Reports,
    answers: Answers,
    orders: Orders,
    timekeeping: Timekeeping,
    actions: VecDeque<Action>,
}

impl Core {
    /// A node that has just booted. Everything stored is verified again; a stored document that no longer verifies is
    /// not played, but stays in the store. The clock counts as [`ClockTrust::Unknown`] until
    /// [`Core::handle_clock`] says otherwise. Actions may be waiting already.
    pub fn new(
        identity: Identity,
        settings: Settings,
        restored: Restored,
        boot: BootId,
        firmware: String,
        now: Now,
    ) -> Self {
        let Restored {
            documents,
            applied,
            ledger,
            intents,
            next_receipt,
            last_receipt,
            unacknowledged,
            objects,
            partial,
        } = restored;
        let orders = Orders::restore(boot, &applied);
        let mut actions = VecDeque::new();
        let mut core = Self {
            topics: Topics::new(&identity),
            timekeeping: Timekeeping::new(settings.time_secret.clone()),
            boot,
            firmware: shortened(firmware, FIRMWARE_MAX_BYTES),
            seen: now,
            clock_is_judged: false,
            clock_source: ClockSource::Unknown,
            is_control_up: false,
            subscribed: Vec::new(),
            volume_percent: None,
            store_is_full: false,
            world: World {
                cache: Cache::restore(settings.cache_quota_bytes, objects, partial),
                settings,
                boot_monotonic_ms: now.monotonic_ms,
                clock: ClockTrust::Unknown,
                clock_stepped: false,
                documents: Documents::restore(&identity, documents, applied, now, &mut actions),
                ledger: Ledger::restore(ledger),
                watch: Watch::default(),
            },
            agenda: Agenda::default(),
            player: Player::default(),
            fetch: Fetch::new(),
            wishes_changed: true,
            receipts: Receipts::restore(next_receipt, last_receipt, unacknowledged),
            reports: Reports::new(identity.node, now),
            answers: Answers::new(now),
            orders,
            actions,
        };
        core.take_up(intents, now);
        core.settle(now);
        core
    }

    /// A message came on either link. Whatever it holds, it does not panic.
    pub fn handle_message(&mut self, topic: &str, payload: &[u8], now: Now) {
        match self.topics.inbound(topic) {
            Some(Inbound::Document(slot)) => {
                self.world.documents.receive(&slot, payload, now, &mut self.actions);
            }
            Some(Inbound::Order(slot)) => self.handle_order(slot, payload, now),
            Some(Inbound::Alert(area)) => self.handle_alert(area, payload, now),
            Some(Inbound::Ack) => {
                if let Ok(ack) = ReceiptAck::from_cbor(payload) {
                    self.receipts.handle_ack(&ack, &mut self.actions);
                }
            }
            Some(Inbound::Block(way)) => {
                if let Ok(block) = Block::from_cbor(payload) {
                    self.handle_block(block, way, now);
                }
            }
            Some(Inbound::Time) => self.handle_time(payload, now),
            None => {}
        }
        self.settle(now);
    }

    fn handle_time(&mut self, envelope: &[u8], now: Now) {
        if let Err(refusal) = self.timekeeping.receive(envelope, &self.world.documents, now) {
            self.refuse(self.topics.time_answer(), refusal, now);
        }
    }

    fn handle_alert(&mut self, area: AreaId, envelope: &[u8], now: Now) {
        let is_alert = claims_of(envelope).is_ok_and(|claims| claims.content == ContentType::Alert);
        if is_alert {
            self.world.documents.receive(&Slot::Alert(area), envelope, now, &mut self.actions);
        } else if !envelope.is_empty() {
            self.handle_order(Slot::Command(Some(area)), envelope, now);
        }
        // An empty one only takes a retained document away: of what that said nothing changes.
    }

    fn handle_order(&mut self, slot: Slot, envelope: &[u8], now: Now) {
        let beliefs = (&self.world.documents, self.world.clock);
        match self.orders.receive(&slot, envelope, beliefs, now, &mut self.actions) {
            Ok(Some(order)) => {
                let ended = self.player.obey(&order, now, &mut self.actions);
                self.write_receipts(ended, now);
                self.reports.handle_state_change();
            }
            Ok(None) => {}
            Err(refusal) => self.world.documents.tell(slot, refusal),
        }
    }

    fn handle_block(&mut self, block: Block, way: Way, now: Now) {
        match self.fetch.handle_block(block, way, &mut self.world.cache, now, &mut self.actions) {
            BlockVerdict::Fine => {}
            BlockVerdict::Bad { object, index } => {
                self.reports.add_event(EventKind::BlockRefused { object, index }, now.wall);
            }
        }
    }

    /// A link came up or went down.
    pub fn handle_link(&mut self, event: LinkEvent, now: Now) {
        match event {
            LinkEvent::ControlUp { session_present: _, connection } => {
                self.is_control_up = true;
                let (topic, payload) = self.presence(connection, true);
                self.publish(topic, payload, true);
                self.subscribed = self.world.documents.areas().to_vec();
                let mut filters = self.topics.control_filters(&self.subscribed);
                filters.extend(self.timekeeping.is_on().then(|| self.topics.time_answer()));
                self.actions.push_back(Action::Subscribe { link: Link::Control, filters });
                self.reports.handle_up(now);
                self.receipts.handle_up();
                self.fetch.handle_control_up();
                self.timekeeping.handle_up(now);
            }
            LinkEvent::ControlDown => {
                self.is_control_up = false;
                self.timekeeping.handle_down();
            }
            LinkEvent::BulkUp => {
                if self.fetch.handle_bulk_up() {
                    let filters = self.topics.bulk_filters();
                    self.actions.push_back(Action::Subscribe { link: Link::Bulk, filters });
                }
            }
            LinkEvent::BulkDown => self.fetch.handle_bulk_down(),
        }
        self.settle(now);
    }

    /// Something happened to the speaker.
    pub fn handle_speaker(&mut self, event: SpeakerEvent, now: Now) {
        let ended = self.player.handle_speaker(event, now, &mut self.actions);
        self.answer_for_what_began();
        self.write_receipts(ended.into_iter().collect(), now);
        self.settle(now);
    }

    /// The first sample of an alert is heard.
    fn answer_for_what_began(&mut self) {
        let Some((item, revision, started)) = self.player.take_begun() else { return };
        let Some((area, held)) = self.world.documents.alerts_with(&item, revision) else { return };
        let (area, epoch, received) = (area.clone(), held.applied.sequence, held.applied_at);
        let verdict = Verdict::Sounding { item, revision, started };
        self.answers.add(AlertAnswer { area, epoch, received, verdict });
    }

    /// The cache answered an action.
    pub fn handle_stored(&mut self, event: StoreEvent, now: Now) {
        match event {
            StoreEvent::BlockStored { object, index } => {
                self.world.cache.handle_block_stored(&object, index);
                self.fetch.handle_stored();
            }
            StoreEvent::ObjectReady { object } => {
                if self.world.cache.handle_ready(&object, now.wall) {
                    self.wishes_changed = true;
                    self.reports.handle_state_change();
                }
            }
            StoreEvent::ObjectCorrupt { object } => {
                self.world.cache.handle_corrupt(&object);
                self.player.lose(&object);
                self.fetch_anew(&object, now);
                self.reports.add_event(EventKind::ObjectCorrupt { object }, now.wall);
                self.reports.handle_state_change();
            }
            StoreEvent::Full { object } => self.handle_storage(StorageState::Full, &object, now),
            StoreEvent::Failing { object } => self.handle_storage(StorageState::Failing, &object, now),
        }
        self.settle(now);
    }

    fn handle_storage(&mut self, state: StorageState, object: &ObjectHash, now: Now) {
        self.world.cache.handle_failed(object, &mut self.actions);
        self.fetch.handle_storage(state, object, &mut self.world.cache, now, &mut self.actions);
        self.wishes_changed = true;
        self.reports.handle_state_change();
    }

    /// Whether persistent actions wait because the disk is full. Reported until it is said to be over.
    pub fn handle_store_full(&mut self, is_full: bool, now: Now) {
        if std::mem::replace(&mut self.store_is_full, is_full) != is_full {
            self.reports.handle_state_change();
        }
        self.settle(now);
    }

    /// The object that is missed least, for the shell to delete at once because the disk is full; `None` when every one is
    /// needed within two days.
    pub fn give_up_object(&mut self, now: Now) -> Option<ObjectHash> {
        let object = self.world.cache.give_up(Need::By(now.wall), self.fetch.wishes(), now.wall)?;
        self.wishes_changed = true;
        self.reports.handle_state_change();
        Some(object)
    }

    fn fetch_anew(&mut self, object: &ObjectHash, now: Now) {
        self.update_wishes(now);
        self.fetch.handle_corrupt(object, now);
    }

    /// The receipts that [`Action::ReadReceipts`] asked for, ascending by number; fewer when some are not there. `sign` gives the
    /// board's signature under these bytes, `None` where the board has no key for it.
    pub fn handle_receipts(
        &mut self,
        receipts: Vec<Receipt>,
        sign: impl FnOnce(&[u8]) -> Option<Seal>,
        now: Now,
    ) {
        let receipts = self.receipts.handle_read(receipts, now);
        debug_assert!(receipts.len() <= BATCH_MAX, "a batch is smaller than the protocol allows");
        if !receipts.is_empty() && self.is_control_up {
            let digests: Vec<Digest> = receipts.iter().map(Receipt::digest).collect();
            let seal = sign(&Seal::head(self.topics.node(), &digests));
            let batch = ReceiptBatch { receipts, seal };
            self.publish(self.topics.receipt(), batch.to_cbor(), false);
        }
        self.settle(now);
    }

    /// How far the clock is to be trusted from here on. Call it at boot and with every change, after stepping the clock.
    ///
    /// A wall clock that steps without that begins nothing, see [`Core::doubts_clock`].
    pub fn handle_clock(&mut self, standing: impl Into<Standing>, now: Now) {
        self.clock_is_judged = true;
        let standing @ Standing { trust, source: _ } = standing.into();
        self.timekeeping.handle_standing(standing);
        self.clock_source = standing.source;
        if trust != ClockTrust::Unknown {
            self.world.documents.correct_application(now.wall, &mut self.actions);
        }
        if self.world.clock != trust {
            self.world.clock = trust;
            // What the ledger kept over a boot of the time when the clock was ahead.
            if trust != ClockTrust::Unknown && self.world.ledger.forget_coming(now.wall) {
                self.rewind(now);
            }
            self.reports.handle_state_change();
        }
        self.world.documents.retry_deferred(now, &mut self.actions);
        self.settle(now);
    }

    /// Whether the wall clock has stepped against the monotonic one, and the shell has not called [`Core::handle_clock`] since.
    /// Until it does, nothing begins: somebody may have set the clock wrong a moment ago.
    pub fn doubts_clock(&self) -> bool {
        self.world.clock_stepped
    }

    /// The audio that came since boot.
    pub fn audio_came(&self) -> Came {
        self.fetch.came()
    }

    /// The board's measurements, which [`Action::MeasureHealth`] asked for.
    pub fn handle_health(&mut self, measurements: Measurements, now: Now) {
        self.publish_health(measurements, now);
        self.settle(now);
    }

    /// The program is about to end: what sounds is stopped and gets its receipt, nothing else begins. The shell goes on
    /// until [`Core::is_silent`], for some seconds at most.
    pub fn handle_shutdown(&mut self, now: Now) {
        self.player.close(now, &mut self.actions);
        self.settle(now);
    }

    /// Whether nothing sounds or is about to.
    pub fn is_silent(&self) -> bool {
        self.player.is_silent()
    }

    /// The deadline of [`Core::poll_timeout`] has come (or any other time: it does only what is due).
    pub fn handle_timeout(&mut self, now: Now) {
        self.world.documents.handle_timeout(now, &mut self.actions);
        let ended = self.player.handle_timeout(now, &mut self.actions);
        self.write_receipts(ended.into_iter().collect(), now);
        self.settle(now);
    }

    /// The next thing to do, `None` when all is done. Take all of them after every input.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// How long to wait for the next input before calling [`Core::handle_timeout`], and what for. At most 60 s, so
    /// that a wall clock which steps while the shell waits is noticed.
    pub fn poll_timeout(&self, now: Now) -> Option<(Duration, &'static str)> {
        let mut deadlines = Deadlines::new(now);
        self.world.documents.deadlines(&mut deadlines);
        if self.world.clock_now() != ClockTrust::Unknown {
            self.world.documents.expiry_deadlines(&mut deadlines);
        }
        self.agenda.deadlines(admit_lead_ms(&self.world.settings), &mut deadlines);
        self.player.deadlines(&self.world.scene(self.seen), &mut deadlines);
        self.fetch.deadlines(self.seen, &mut deadlines);
        if self.is_control_up {
            self.receipts.deadlines(&mut deadlines);
            self.reports.deadlines(&mut deadlines);
            self.answers.deadlines(&mut deadlines);
            self.timekeeping.deadlines(&mut deadlines);
        }
        deadlines.earliest()
    }

    /// Topic and payload of the presence message for a connection. The shell gives the offline one to the broker as the
    /// will (QoS 1, retained) before it connects, and publishes it itself before it disconnects on purpose. The online
    /// one is published by the core.
    pub fn presence(&self, connection: u64, online: bool) -> (String, Vec<u8>) {
        let presence = Presence { boot: self.boot, connection, online };
        (self.topics.presence(), presence.to_cbor())
    }
}

/// What the player looks at, and never changes.
#[derive(Debug)]
struct World {
    settings: Settings,
    /// The monotonic clock at boot.
    boot_monotonic_ms: u64,
    clock: ClockTrust,
    /// It stepped, and nobody has judged it since.
    clock_stepped: bool,
    documents: Documents,
    cache: Cache,
    ledger: Ledger,
    /// The guards of the documents in force.
    watch: Watch,
}

impl World {
    /// How far the clock is trusted: while a step of it is not explained, not at all.
    fn clock_now(&self) -> ClockTrust {
        if self.clock_stepped { ClockTrust::Unknown } else { self.clock }
    }

    fn scene(&self, now: Now) -> Scene<'_> {
        Scene {
            now,
            // By the wall clock as it is now: it may have been wrong at boot.
            boot_wall: now.wall - now.monotonic_ms.saturating_sub(self.boot_monotonic_ms).cast_signed(),
            clock: self.clock_now(),
            settings: &self.settings,
            languages: self.documents.profile().map_or(&[], |profile| &profile.languages),
            cache: &self.cache,
            documents: &self.documents,
            watch: &self.watch,
            ledger: &self.ledger,
        }
    }
}

fn shortened(mut text: String, max_bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(max_bytes));
    text
}
