//! The state machine's outside: inputs in, actions out, and how its parts are joined.
//!
//! Each input changes one part; then [`Core::settle`] lets every part draw its conclusions, in a fixed order: documents
//! decide what is on the agenda, the agenda what the player and the fetching need, and all of it what is reported.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use loa_protocol::ids::{AreaId, BootId, ObjectHash};
use loa_protocol::receipt::{BATCH_MAX, Outcome, Reason, Receipt, ReceiptAck, ReceiptBatch, Sound};
use loa_protocol::report::{AppliedPlan, ClockTrust, EventKind, Health, Presence, State, StorageState};
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::Block;
use loa_protocol::wire::Wire;

use crate::action::{Action, Qos};
use crate::agenda::Agenda;
use crate::cache::Cache;
use crate::deadline::Deadlines;
use crate::documents::Documents;
use crate::fetch::{BlockVerdict, Fetch, Wishes};
use crate::input::{
    Identity, Intent, LedgerEntry, Link, LinkEvent, Measurements, Now, Restored, Settings, SpeakerEvent,
    StoreEvent,
};
use crate::ledger::Ledger;
use crate::player::{Ended, Player, Scene, admit_lead_ms, spoken};
use crate::receipts::Receipts;
use crate::reports::Reports;
use crate::topics::{Inbound, Topics};

/// A wall clock that goes back by more than this is looked at as set anew.
const CLOCK_BACK_MS: i64 = 60_000;
/// Most occurrences that end as missed at one input; what else can no longer start is skipped without a receipt.
const MISSED_AT_ONCE_MAX: usize = 1_000;
/// Longest firmware version that the state carries, in bytes.
const FIRMWARE_MAX_BYTES: usize = 64;
/// Longest topic that an event carries, in bytes.
const EVENT_TOPIC_MAX_BYTES: usize = 200;

/// One loudspeaker's mind.
#[derive(Debug)]
pub struct Core {
    topics: Topics,
    boot: BootId,
    firmware: String,
    last_wall: UnixMs,
    is_control_up: bool,
    /// The areas whose plans the control link is subscribed to.
    subscribed: Vec<AreaId>,
    volume_percent: Option<u8>,
    world: World,
    agenda: Agenda,
    ledger: Ledger,
    player: Player,
    fetch: Fetch,
    /// Something changed that decides which objects are needed.
    wishes_changed: bool,
    receipts: Receipts,
    reports: Reports,
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
        let Restored { documents, applied, ledger, intents, next_receipt, unacknowledged, objects, partial } =
            restored;
        let mut core = Self {
            topics: Topics::new(&identity),
            boot,
            firmware: shortened(firmware, FIRMWARE_MAX_BYTES),
            last_wall: now.wall,
            is_control_up: false,
            subscribed: Vec::new(),
            volume_percent: None,
            world: World {
                settings,
                boot_wall: now.wall,
                clock: ClockTrust::Unknown,
                documents: Documents::restore(&identity, documents, applied, now),
                cache: Cache::restore(settings.cache_quota_bytes, objects, partial),
            },
            agenda: Agenda::default(),
            ledger: Ledger::restore(ledger),
            player: Player::default(),
            fetch: Fetch::new(),
            wishes_changed: true,
            receipts: Receipts::restore(next_receipt, unacknowledged),
            reports: Reports::new(identity.node, now),
            actions: VecDeque::new(),
        };
        let interrupted = intents.into_iter().map(interrupted).collect();
        core.write_receipts(interrupted, now);
        core.settle(now);
        core
    }

    /// A message came on either link. Whatever it holds, it does not panic.
    pub fn handle_message(&mut self, topic: &str, payload: &[u8], now: Now) {
        match self.topics.inbound(topic) {
            Some(Inbound::Document(slot)) => {
                self.world.documents.receive(&slot, payload, now, &mut self.actions);
            }
            Some(Inbound::Ack) => {
                if let Ok(ack) = ReceiptAck::from_cbor(payload) {
                    self.receipts.handle_ack(&ack, &mut self.actions);
                }
            }
            Some(Inbound::Block) => {
                if let Ok(block) = Block::from_cbor(payload) {
                    self.handle_block(block, now);
                }
            }
            None => {}
        }
        self.settle(now);
    }

    fn handle_block(&mut self, block: Block, now: Now) {
        match self.fetch.handle_block(block, &mut self.world.cache, now, &mut self.actions) {
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
                self.subscribed = self.world.documents.path().areas().to_vec();
                let filters = self.topics.control_filters(self.world.documents.path());
                self.actions.push_back(Action::Subscribe { link: Link::Control, filters });
                self.reports.handle_up(now);
                self.receipts.handle_up();
            }
            LinkEvent::ControlDown => self.is_control_up = false,
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
        self.write_receipts(ended.into_iter().collect(), now);
        self.settle(now);
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
        self.world.cache.handle_failed(object);
        self.fetch.handle_storage(state, &mut self.world.cache, now, &mut self.actions);
        self.wishes_changed = true;
        self.reports.handle_state_change();
    }

    fn fetch_anew(&mut self, object: &ObjectHash, now: Now) {
        self.update_wishes(now);
        self.fetch.handle_corrupt(object, now);
    }

    /// The receipts that [`Action::ReadReceipts`] asked for, ascending by number; fewer when some are not there.
    pub fn handle_receipts(&mut self, receipts: Vec<Receipt>, now: Now) {
        let receipts = self.receipts.handle_read(receipts, now);
        debug_assert!(receipts.len() <= BATCH_MAX, "a batch is smaller than the protocol allows");
        if !receipts.is_empty() && self.is_control_up {
            let batch = ReceiptBatch { receipts };
            self.publish(self.topics.receipt(), batch.to_cbor(), false);
        }
        self.settle(now);
    }

    /// How far the clock is to be trusted from here on. Call it at boot and with every change, after stepping the clock.
    pub fn handle_clock(&mut self, trust: ClockTrust, now: Now) {
        if self.world.clock != trust {
            self.world.clock = trust;
            self.reports.handle_state_change();
        }
        self.world.documents.retry_deferred(now, &mut self.actions);
        self.settle(now);
    }

    /// The board's measurements, which [`Action::MeasureHealth`] asked for.
    pub fn handle_health(&mut self, measurements: Measurements, now: Now) {
        let Measurements {
            uptime_s,
            temperature_decidegrees,
            supply_mv,
            memory_bytes,
            disk_free_bytes,
            speaker_works,
        } = measurements;
        if self.is_control_up {
            let health = Health {
                measured: now.wall,
                uptime_s,
                temperature_decidegrees,
                supply_mv,
                memory_bytes,
                disk_free_bytes,
                receipts_waiting: self.receipts.waiting(),
                refused: self.reports.refused,
                clock: self.world.clock,
                speaker_works,
            };
            self.publish(self.topics.health(), health.to_cbor(), false);
        }
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
        self.agenda.deadlines(admit_lead_ms(&self.world.settings), &mut deadlines);
        self.player.deadlines(&self.world.scene(now), &mut deadlines);
        self.fetch.deadlines(now, &mut deadlines);
        if self.is_control_up {
            self.receipts.deadlines(&mut deadlines);
            self.reports.deadlines(&mut deadlines);
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

    /// Lets every part draw its conclusions from an input.
    fn settle(&mut self, now: Now) {
        if now.wall < self.last_wall - CLOCK_BACK_MS {
            self.agenda.rewind(now.wall, &self.ledger);
        }
        self.last_wall = now.wall;
        self.follow_documents(now);
        self.admit_near(now);
        let ended = self.player.expire(&self.world.scene(now));
        self.write_receipts(ended, now);
        self.play(now);
        if self.wishes_changed {
            self.update_wishes(now);
        }
        let storage = self.fetch.storage();
        self.fetch.step(
            &self.topics.want(),
            self.is_control_up,
            &mut self.world.cache,
            now,
            &mut self.actions,
        );
        if self.fetch.storage() != storage {
            self.reports.handle_state_change();
        }
        self.receipts.step(self.is_control_up, now, &mut self.actions);
        self.report(now);
    }

    /// Another set of documents is in force: the agenda, what sounds, subscriptions and settings follow.
    fn follow_documents(&mut self, now: Now) {
        let change = self.world.documents.take_change();
        for (slot, refusal) in change.refusals {
            self.reports.refused = self.reports.refused.saturating_add(1);
            let topic = shortened(self.topics.document(&slot), EVENT_TOPIC_MAX_BYTES);
            self.reports.add_event(EventKind::DocumentRefused { topic, refusal }, now.wall);
        }
        if !change.documents {
            return;
        }
        self.agenda.replace(self.world.documents.programs(), now.wall, &self.ledger);
        let withdrawn = self.player.withdraw(&self.agenda, now, &mut self.actions);
        self.write_receipts(withdrawn, now);
        if let Some(profile) = self.world.documents.profile() {
            let volume_percent = profile.volume_percent;
            self.reports.set_health_interval(profile.health_interval_s, now);
            if self.volume_percent != Some(volume_percent) {
                self.volume_percent = Some(volume_percent);
                self.actions.push_back(Action::SetVolume { volume_percent });
            }
        }
        if self.is_control_up {
            self.subscribe_to_areas();
        }
        self.wishes_changed = true;
        self.reports.handle_state_change();
    }

    /// Follows the node to another place.
    fn subscribe_to_areas(&mut self) {
        let areas = self.world.documents.path().areas().to_vec();
        let left: BTreeSet<&AreaId> = self.subscribed.iter().filter(|area| !areas.contains(area)).collect();
        let entered: Vec<&AreaId> = areas.iter().filter(|area| !self.subscribed.contains(area)).collect();
        if !left.is_empty() {
            let filters = self.topics.plans(left).collect();
            self.actions.push_back(Action::Unsubscribe { filters });
        }
        if !entered.is_empty() {
            let filters = self.topics.plans(entered).collect();
            self.actions.push_back(Action::Subscribe { link: Link::Control, filters });
        }
        self.subscribed = areas;
    }

    /// Hands the player what has come near.
    fn admit_near(&mut self, now: Now) {
        let until = now.wall + admit_lead_ms(&self.world.settings);
        let mut late = 0;
        while let Some((occurrence, item)) = self.agenda.take(until, now.wall, &self.ledger) {
            let is_late = occurrence.nominal + i64::from(item.start_within_ms) < now.wall;
            late += usize::from(is_late);
            self.player.admit(occurrence, item);
            self.wishes_changed = true;
            if late >= MISSED_AT_ONCE_MAX {
                self.agenda.skip_late(now.wall);
                late = 0;
            }
        }
    }

    fn play(&mut self, now: Now) {
        let ordered = self.actions.len();
        self.player.begin(&self.world.scene(now), &mut self.actions);
        if self.actions.len() > ordered {
            self.player.sounding().for_each(|object| self.world.cache.touch(&object, now.wall));
        }
    }

    fn update_wishes(&mut self, now: Now) {
        let languages = self.world.scene(now).languages;
        let coming = self.agenda.upcoming().chain(self.player.waiting());
        let needed = coming
            .flat_map(|(nominal, item)| spoken(item, languages).into_iter().map(move |o| (nominal, o)))
            .chain(self.player.sounding().map(|object| (now.wall, object)));
        let manifest = |object: &ObjectHash| self.world.documents.manifest(object).cloned();
        let wishes = Wishes::new(needed, manifest, &self.world.cache);
        self.fetch.set_wishes(wishes);
        self.wishes_changed = false;
    }

    fn write_receipts(&mut self, ended: Vec<Ended>, now: Now) {
        if ended.is_empty() {
            return;
        }
        let mut receipts = Vec::with_capacity(ended.len());
        for Ended { intent, outcome, sound } in ended {
            let Intent { nominal, ref item, revision, .. } = intent;
            let entry = LedgerEntry { nominal, item: item.clone(), revision, sounded: sound.is_some() };
            self.ledger.insert(entry, now.wall);
            receipts.push(self.receipts.write(&intent, outcome, sound, self.world.clock, now));
        }
        self.actions.push_back(Action::RecordReceipts(receipts));
        self.wishes_changed = true;
    }

    fn report(&mut self, now: Now) {
        if !self.is_control_up {
            return;
        }
        let due = self.reports.take_due(now);
        if due.state {
            let state = self.state();
            self.publish(self.topics.state(), state.to_cbor(), true);
        }
        if due.measure_health {
            self.actions.push_back(Action::MeasureHealth);
        }
        for event in due.events {
            self.publish(self.topics.event(), event.to_cbor(), false);
        }
    }

    fn state(&self) -> State {
        let (keys, desired, plans) = self.world.documents.in_force();
        let named: BTreeSet<&ObjectHash> =
            self.world.documents.programs().flat_map(|held| held.manifests.keys()).collect();
        let ready = named.into_iter().filter(|object| self.world.cache.is_whole(object)).count();
        State {
            boot: self.boot,
            firmware: self.firmware.clone(),
            keys,
            desired,
            plans: plans.into_iter().map(|(area, applied)| AppliedPlan { area, applied }).collect(),
            objects_ready: u32::try_from(ready).unwrap_or(u32::MAX),
            fetching: self.fetch.fetching(&self.world.cache),
            clock: self.world.clock,
            storage: self.fetch.storage(),
        }
    }

    fn publish(&mut self, topic: String, payload: Vec<u8>, retain: bool) {
        let qos = Qos::AtLeastOnce;
        self.actions.push_back(Action::Publish { link: Link::Control, topic, payload, qos, retain });
    }
}

/// What the player looks at, and never changes.
#[derive(Debug)]
struct World {
    settings: Settings,
    /// The wall clock at boot.
    boot_wall: UnixMs,
    clock: ClockTrust,
    documents: Documents,
    cache: Cache,
}

impl World {
    fn scene(&self, now: Now) -> Scene<'_> {
        Scene {
            now,
            boot_wall: self.boot_wall,
            clock: self.clock,
            settings: &self.settings,
            languages: self.documents.profile().map_or(&[], |profile| &profile.languages),
            cache: &self.cache,
            documents: &self.documents,
        }
    }
}

/// What sounded, or was about to, when the power went. It does not sound again, because it may have been heard.
fn interrupted(intent: Intent) -> Ended {
    // How long it sounded is not known; what is known is that it began.
    let sound = intent.started.map(|started| Sound { started, played_ms: 0 });
    let outcome = match sound {
        Some(_) => Outcome::Partial(Reason::Interrupted),
        None => Outcome::Missed(Reason::Interrupted),
    };
    Ended { intent, outcome, sound }
}

fn shortened(mut text: String, max_bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(max_bytes));
    text
}
