//! The board that is not there: carries out actions in virtual time, and checks at each step what must always hold.

mod timed;
mod told;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loa_node_core::{
    Action, Backlog, Core, InlineSound, Link, LinkEvent, Measurements, Now, Settings, SpeakerEvent,
    SpeakerFailure, StoreEvent, Token,
};
use loa_protocol::clock::TimeRequest;
use loa_protocol::ids::{BootId, ObjectHash};
use loa_protocol::receipt::{Receipt, ReceiptAck, ReceiptBatch};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::transfer::{Block, Want};
use loa_protocol::wire::Wire;

use crate::office::{Object, T0, desired, first_keys, identity, node, tenant, time_answer};
use crate::store::Store;

/// A sound that was ordered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Played {
    pub(crate) object: ObjectHash,
    pub(crate) start_at: UnixMs,
}

#[derive(Debug)]
struct Voice {
    token: Token,
    start_at: UnixMs,
    ends_at: UnixMs,
    started: bool,
    /// The beginning of what is not in `heard` yet.
    heard_from: UnixMs,
}

/// What happens to blocks on their way from the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serving {
    /// Wants are answered.
    Yes,
    /// Wants are not answered.
    No,
    /// Wants are answered with wrong bytes.
    Wrong,
}

pub(crate) struct Rig {
    pub(crate) core: Core,
    pub(crate) now: Now,
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) serving: Serving,
    /// Whether the controller acknowledges receipts.
    pub(crate) acknowledges: bool,
    pub(crate) speaker_works: bool,
    /// Whether the core hears of the speaker before it hears of a deadline of the same instant.
    pub(crate) speaker_is_first: bool,
    /// Whether the store answers `Full` to each block.
    pub(crate) disk_full: bool,
    /// What is persistent waits for room while this is set, as in the daemon, and a power cut takes it.
    pub(crate) no_room: bool,
    waiting: Backlog,
    /// Objects to whose blocks it answers so, because they are too large.
    pub(crate) no_room_for: BTreeSet<ObjectHash>,
    pub(crate) actions: Vec<Action>,
    pub(crate) played: Vec<Played>,
    /// From when until when there was sound, on the wall clock.
    pub(crate) heard: Vec<(UnixMs, UnixMs)>,
    /// The receipts that the controller has seen.
    pub(crate) seen: BTreeMap<u64, Receipt>,
    objects: BTreeMap<ObjectHash, Object>,
    voice: Option<Voice>,
    amplifier_on: bool,
    bulk_open: bool,
    boots: u8,
    connections: u64,
    /// With which bound the controller answers requests for the time (`Some(None)`: nobody keeps its clock); `None`: it does not.
    pub(crate) tells_time: Option<Option<u32>>,
    /// Whether a time service keeps the board's clock, which then goes by no exchange.
    pub(crate) has_time_service: bool,
    /// By how much the board's clock is behind the truth.
    pub(crate) truth_ahead_ms: i64,
    inputs: VecDeque<Input>,
}

#[derive(Debug)]
enum Input {
    Message(String, Vec<u8>),
    Stored(StoreEvent),
    Receipts(Vec<Receipt>),
    Link(LinkEvent),
    Health,
    Speaker(SpeakerEvent),
}

impl Rig {
    /// A fresh node, offline, whose clock is right.
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    /// Of other settings; fetching begins at once.
    pub(crate) fn with(settings: Settings) -> Self {
        Self::with_exactly(Settings { fetch_spread_ms: 0, ..settings })
    }

    pub(crate) fn with_exactly(settings: Settings) -> Self {
        let now = Now { wall: T0, monotonic_ms: 1_000 };
        let store = Store::default();
        let core =
            Core::new(identity(), settings.clone(), store.restored(), BootId([0; 8]), "1.0".to_owned(), now);
        let mut rig = Self {
            core,
            now,
            store,
            settings,
            serving: Serving::Yes,
            acknowledges: true,
            speaker_works: true,
            speaker_is_first: false,
            disk_full: false,
            no_room: false,
            waiting: Backlog::default(),
            no_room_for: BTreeSet::new(),
            actions: Vec::new(),
            played: Vec::new(),
            heard: Vec::new(),
            seen: BTreeMap::new(),
            objects: BTreeMap::new(),
            voice: None,
            amplifier_on: false,
            bulk_open: false,
            boots: 0,
            connections: 0,
            tells_time: None,
            has_time_service: false,
            truth_ahead_ms: 0,
            inputs: VecDeque::new(),
        };
        rig.core.handle_clock(ClockTrust::Trusted, now);
        rig.run();
        rig
    }

    /// A connected node with its first keys, which stands in the village and knows what is spoken there.
    pub(crate) fn placed(languages: &[&str]) -> Self {
        let mut rig = Self::new();
        rig.connect();
        rig.receive(TopicKind::Keys, &first_keys());
        rig.receive(TopicKind::Desired(node()), &desired(1, languages));
        rig
    }

    /// Gives the controller objects to serve.
    pub(crate) fn offer(&mut self, objects: &[&Object]) {
        self.objects.extend(objects.iter().map(|object| (object.hash(), (*object).clone())));
    }

    pub(crate) fn topic(&self, kind: TopicKind) -> String {
        Topic::new(&tenant(), kind).to_string()
    }

    pub(crate) fn receive(&mut self, kind: TopicKind, payload: &[u8]) {
        let topic = self.topic(kind);
        self.core.handle_message(&topic, payload, self.now);
        self.run();
    }

    pub(crate) fn connect(&mut self) {
        self.connections += 1;
        let up = LinkEvent::ControlUp { session_present: false, connection: self.connections };
        self.core.handle_link(up, self.now);
        if self.bulk_open {
            self.core.handle_link(LinkEvent::BulkUp, self.now);
        }
        self.run();
    }

    pub(crate) fn disconnect(&mut self) {
        self.core.handle_link(LinkEvent::ControlDown, self.now);
        if self.bulk_open {
            self.core.handle_link(LinkEvent::BulkDown, self.now);
        }
        self.run();
    }

    /// Cuts the power for some time. The monotonic clock begins anew; the wall clock is right and trusted.
    pub(crate) fn power_cut(&mut self, for_ms: i64) {
        self.power_cut_untrusted(for_ms);
        self.core.handle_clock(ClockTrust::Trusted, self.now);
        self.run();
    }

    pub(crate) fn power_cut_untrusted(&mut self, for_ms: i64) {
        self.listen();
        self.store.clock_went_back |= for_ms < 0;
        self.now = Now { wall: self.now.wall + for_ms, monotonic_ms: 500 };
        self.boots += 1;
        self.inputs.clear();
        self.waiting.clear();
        (self.voice, self.amplifier_on, self.bulk_open) = (None, false, false);
        let boot = BootId([self.boots; 8]);
        self.core = Core::new(
            identity(),
            self.settings.clone(),
            self.store.restored(),
            boot,
            "1.0".to_owned(),
            self.now,
        );
        self.run();
    }

    /// What waited for room becomes durable, in its order.
    pub(crate) fn make_room(&mut self) {
        self.no_room = false;
        std::iter::from_fn(|| self.waiting.pop()).for_each(|action| self.store.carry_out(&action));
    }

    /// Steps the wall clock alone.
    pub(crate) fn step_clock(&mut self, by_ms: i64, trust: ClockTrust) {
        self.listen();
        self.store.clock_went_back |= by_ms < 0;
        self.now.wall = self.now.wall + by_ms;
        if let Some(voice) = &mut self.voice {
            voice.heard_from = self.now.wall;
        }
        self.core.handle_clock(trust, self.now);
        self.run();
    }

    /// Lets time pass up to an instant, waking the core at its deadlines.
    pub(crate) fn run_until(&mut self, until: UnixMs) {
        let mut idle_wakes = 0;
        while self.now.wall < until {
            let wait = self.core.poll_timeout(self.now).map(|(wait, _)| wait.as_millis() as i64);
            let voice = self.voice.as_ref().map(|v| if v.started { v.ends_at } else { v.start_at });
            let core_at = wait.map_or(until, |wait| self.now.wall + wait);
            let next = core_at.min(voice.unwrap_or(until)).min(until).max(self.now.wall);
            let passed = next.since(self.now.wall);
            idle_wakes = if passed == 0 { idle_wakes + 1 } else { 0 };
            assert!(
                idle_wakes < 20,
                "the core wants to be woken at once, for ever: {:?}",
                self.core.poll_timeout(self.now)
            );
            self.pass(passed);
            self.sound();
            if self.speaker_is_first {
                self.run();
            }
            if self.now.wall >= core_at {
                self.core.handle_timeout(self.now);
            }
            self.run();
        }
    }

    /// Like [`Rig::run_until`], on a board where something else always makes the core look one millisecond too early, and
    /// that is two milliseconds later when it asks how long to wait.
    pub(crate) fn run_until_just_missing_every_deadline(&mut self, until: UnixMs) {
        while self.now.wall < until {
            let wait = self.core.poll_timeout(self.now).map(|(wait, _)| wait.as_millis() as i64);
            let voice = self.voice.as_ref().map(|v| if v.started { v.ends_at } else { v.start_at });
            let core_at = wait.map_or(until, |wait| self.now.wall + wait);
            let next = core_at.min(voice.unwrap_or(until)).min(until).max(self.now.wall);
            if wait.is_some_and(|wait| wait > 2) && next > self.now.wall {
                self.pass(next.since(self.now.wall) - 1);
                self.core.handle_timeout(self.now);
                self.run();
                self.pass(2);
            } else {
                self.pass(next.since(self.now.wall));
                self.core.handle_timeout(self.now);
            }
            self.sound();
            self.run();
            self.pass(1);
        }
    }

    pub(crate) fn run_for(&mut self, ms: i64) {
        self.run_until(self.now.wall + ms);
    }

    fn pass(&mut self, ms: i64) {
        self.now = Now { wall: self.now.wall + ms, monotonic_ms: self.now.monotonic_ms + ms as u64 };
    }

    /// Notes what is heard up to here.
    fn listen(&mut self) {
        let now = self.now.wall;
        if let Some(voice) = self.voice.as_mut().filter(|voice| voice.started && voice.heard_from < now) {
            self.heard.push((voice.heard_from, now));
            voice.heard_from = now;
        }
    }

    fn sound(&mut self) {
        if self.voice.as_ref().is_some_and(|voice| voice.ends_at <= self.now.wall) {
            self.listen();
        }
        let Some(voice) = &mut self.voice else { return };
        if !voice.started && voice.start_at <= self.now.wall {
            voice.started = true;
            voice.heard_from = self.now.wall;
            let length = voice.ends_at.since(voice.start_at);
            let event = SpeakerEvent::Started {
                token: voice.token,
                at: self.now.wall,
                error_ms: self.now.wall.since(voice.start_at) as f32,
            };
            voice.ends_at = self.now.wall + length;
            self.inputs.push_back(Input::Speaker(event));
        } else if voice.started && voice.ends_at <= self.now.wall {
            let played_ms = voice.ends_at.since(voice.start_at) as u32;
            self.inputs.push_back(Input::Speaker(SpeakerEvent::Finished { token: voice.token, played_ms }));
            self.voice = None;
        }
    }

    /// Carries out actions and gives their answers until nothing is left.
    pub(crate) fn run(&mut self) {
        loop {
            while let Some(action) = self.core.poll_action() {
                self.carry_out(&action);
                self.actions.push(action);
            }
            let Some(input) = self.inputs.pop_front() else { return };
            match input {
                Input::Message(topic, payload) => self.core.handle_message(&topic, &payload, self.now),
                Input::Stored(event) => self.core.handle_stored(event, self.now),
                Input::Receipts(receipts) => self.core.handle_receipts(receipts, |_| None, self.now),
                Input::Link(event) => self.core.handle_link(event, self.now),
                Input::Health => self.core.handle_health(Measurements::default(), self.now),
                Input::Speaker(event) => self.core.handle_speaker(event, self.now),
            }
        }
    }

    fn carry_out(&mut self, action: &Action) {
        if self.no_room && is_persistent(action) {
            self.waiting.push(action.clone());
            return;
        }
        self.store.carry_out(action);
        match action {
            Action::ReadReceipts { numbers } => {
                let all = &self.store.receipts;
                let found = numbers.iter().filter_map(|number| all.get(number).cloned()).collect();
                self.inputs.push_back(Input::Receipts(found));
            }
            Action::Publish { link, topic, payload, .. } => self.deliver(*link, topic, payload),
            Action::OpenBulk => {
                assert!(!std::mem::replace(&mut self.bulk_open, true), "the bulk link was open");
                self.inputs.push_back(Input::Link(LinkEvent::BulkUp));
            }
            Action::CloseBulk => assert!(std::mem::take(&mut self.bulk_open), "the bulk link was closed"),
            Action::StoreBlock { object, index, offset_bytes, bytes } => {
                let (object, index) = (*object, *index);
                let answer = if self.disk_full || self.no_room_for.contains(&object) {
                    StoreEvent::Full { object }
                } else {
                    self.store.write(&object, index, *offset_bytes, bytes);
                    StoreEvent::BlockStored { object, index }
                };
                self.inputs.push_back(Input::Stored(answer));
            }
            Action::FinishObject { object } => {
                let object = *object;
                let is_right = self.store.finish(&object);
                let answer = if is_right {
                    StoreEvent::ObjectReady { object }
                } else {
                    StoreEvent::ObjectCorrupt { object }
                };
                self.inputs.push_back(Input::Stored(answer));
            }
            Action::DropObject { object } => {
                self.store.whole.remove(object);
                self.store.partial.remove(object);
            }
            Action::PrepareSpeaker { .. } => self.amplifier_on = true,
            Action::ReleaseSpeaker => {
                assert!(self.voice.is_none(), "the amplifier went off under a sound");
                self.amplifier_on = false;
            }
            Action::Play { token, record_of, object, inline, start_at, .. } => {
                if self.waiting.holds_back(*record_of) {
                    self.fail(*token, SpeakerFailure::Unrecorded);
                } else {
                    let is_recorded = |occurrence| self.store.intents.contains_key(&occurrence);
                    assert!(record_of.is_none_or(is_recorded), "an intent is in the store before its sound");
                    self.play(*token, object, inline.as_ref(), *start_at);
                }
            }
            Action::StopSound { token } => {
                self.listen();
                if let Some(voice) = self.voice.take_if(|voice| voice.token == *token) {
                    let played = if voice.started { self.now.wall.since(voice.start_at) } else { 0 };
                    let event = SpeakerEvent::Stopped { token: *token, played_ms: played as u32 };
                    self.inputs.push_back(Input::Speaker(event));
                }
            }
            Action::MeasureHealth => self.inputs.push_back(Input::Health),
            Action::TakeTime(estimate) => self.take_time(estimate),
            Action::SaveDocument { .. }
            | Action::ForgetDocument { .. }
            | Action::RecordIntent(_)
            | Action::RecordReceipts(_)
            | Action::DeleteReceipts { .. }
            | Action::Subscribe { .. }
            | Action::Unsubscribe { .. }
            | Action::BeginObject { .. }
            | Action::SetVolume { .. } => {}
        }
    }

    fn play(&mut self, token: Token, object: &ObjectHash, inline: Option<&InlineSound>, start_at: UnixMs) {
        assert!(self.voice.is_none(), "two sounds at once");
        assert!(self.amplifier_on, "a sound without the amplifier");
        match inline {
            Some(inline) => assert_eq!(ObjectHash::of(&inline.bytes), *object, "other bytes are played"),
            None => assert!(self.store.whole.contains_key(object), "an object was played that is not whole"),
        }
        if !self.speaker_works {
            self.fail(token, SpeakerFailure::Device);
            return;
        }
        self.played.push(Played { object: *object, start_at });
        let served = self.objects.get(object).map(|object| &object.manifest);
        let manifest = inline.map(|inline| &*inline.manifest).or(served);
        let duration = manifest.map_or(1_000, |manifest| manifest.duration_ms);
        let ends_at = start_at.max(self.now.wall) + i64::from(duration);
        let heard_from = self.now.wall;
        self.voice = Some(Voice { token, start_at, ends_at, started: false, heard_from });
    }

    fn fail(&mut self, token: Token, kind: SpeakerFailure) {
        self.inputs.push_back(Input::Speaker(SpeakerEvent::Failed { token, kind, played_ms: 0 }));
    }

    /// The controller takes what the node says.
    fn deliver(&mut self, link: Link, topic: &str, payload: &[u8]) {
        let kind = topic.parse::<Topic>().unwrap().kind;
        if kind == TopicKind::Want(node()) {
            assert!(link == Link::Bulk && self.bulk_open, "a want goes over the open bulk link");
            let want = Want::from_cbor(payload).unwrap();
            self.serve(&want);
        }
        if kind == TopicKind::TimeRequest(node())
            && let Some(error_ms) = self.tells_time
        {
            let answer = time_answer(&TimeRequest::from_cbor(payload).unwrap(), self.truth(), error_ms);
            self.inputs.push_back(Input::Message(self.topic(TopicKind::TimeAnswer(node())), answer));
        }
        if kind == TopicKind::Receipt(node()) {
            let batch = ReceiptBatch::from_cbor(payload).unwrap();
            let numbers = batch.receipts.iter().map(|receipt| receipt.number).collect();
            if self.acknowledges {
                self.seen.extend(batch.receipts.into_iter().map(|receipt| (receipt.number, receipt)));
                let topic = self.topic(TopicKind::Ack(node()));
                self.inputs.push_back(Input::Message(topic, ReceiptAck { numbers }.to_cbor()));
            }
        }
    }

    fn serve(&mut self, want: &Want) {
        if let Some(file) = self.store.partial.get(&want.object) {
            let again: Vec<u32> = want.blocks().into_iter().filter(|b| file.have.contains(*b)).collect();
            assert!(again.is_empty(), "asked for blocks that it has: {again:?}");
        }
        if self.serving == Serving::No {
            return;
        }
        let topic = self.topic(TopicKind::Blocks(node()));
        for index in want.blocks() {
            let mut block = self.block(&want.object, index);
            if self.serving == Serving::Wrong {
                block.bytes[0] ^= 1;
            }
            self.inputs.push_back(Input::Message(topic.clone(), block.to_cbor()));
        }
    }

    pub(crate) fn block(&self, object: &ObjectHash, index: u32) -> Block {
        let Object { bytes, manifest } = &self.objects[object];
        let (offset, length) = manifest.block_range(index).unwrap();
        Block { object: *object, index, bytes: bytes[offset as usize..(offset + length) as usize].to_vec() }
    }

    /// The speaker forgets its sound and says nothing of it.
    pub(crate) fn silence(&mut self) {
        self.voice = None;
    }

    /// If the event ends the sound that there is, it ends.
    pub(crate) fn end_voice_of(&mut self, event: SpeakerEvent) {
        match event {
            SpeakerEvent::Started { .. } => {}
            SpeakerEvent::Finished { token, .. }
            | SpeakerEvent::Stopped { token, .. }
            | SpeakerEvent::Failed { token, .. } => {
                self.voice.take_if(|voice| voice.token == token);
            }
        }
    }

    pub(crate) fn is_sounding(&self) -> bool {
        self.voice.as_ref().is_some_and(|voice| voice.started)
    }
}

fn is_persistent(action: &Action) -> bool {
    matches!(
        action,
        Action::SaveDocument { .. }
            | Action::ForgetDocument { .. }
            | Action::RecordIntent(_)
            | Action::RecordReceipts(_)
            | Action::DeleteReceipts { .. }
    )
}
