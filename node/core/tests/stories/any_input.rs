//! Whatever comes, in whatever order: no panic, never two sounds, at most one receipt for each occurrence. The checks are
//! in the rig and its store.

use loa_node_core::{LinkEvent, Measurements, SpeakerEvent, SpeakerFailure, StoreEvent, Token};
use loa_protocol::bulletin::Class;
use loa_protocol::command::{Addressee, Command, Order};
use loa_protocol::envelope::{Validity, seal};
use loa_protocol::ids::ObjectHash;
use loa_protocol::keys::{Purpose, Scope};
use loa_protocol::plan::{AreaPlan, Item};
use loa_protocol::report::ClockTrust;
use loa_protocol::timeline::{AfterInterruption, Guards, ItemRules, LocalRange, Repeats, Start};
use loa_protocol::topic::TopicKind;
use loa_protocol::transfer::Block;
use loa_protocol::wire::Wire;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::office::*;
use crate::rig::{Rig, Serving};

#[derive(Clone, Debug)]
enum Input {
    Plan { epoch: u64, items: Vec<(u8, u32, i64, bool, u32)>, guarded: bool },
    Order { epoch: u64, all_clear: bool },
    Alerts { epoch: u64, items: Vec<(u8, i64)>, is_inline: bool, valid_for_s: i64 },
    Desired { epoch: u64, languages: Vec<&'static str> },
    Keys { version: u64, revoked: bool },
    Garbage(Vec<u8>, &'static str),
    Wait(i64),
    StepClock(i64),
    Trust(ClockTrust),
    PowerCut(i64),
    Connect,
    Disconnect,
    Bulk(bool),
    Serve(Serving),
    Acknowledge(bool),
    SpeakerWorks(bool),
    DiskFull(bool),
    Speaker(SpeakerEvent),
    Stored(u8, u8),
    Block(u8, u32),
    Health,
}

fn input() -> impl Strategy<Value = Input> {
    let item = (0..4u8, 1..3u32, -600..7_200i64, any::<bool>(), select(vec![0u32, 60_000, 600_000]));
    let token = (0..6u64).prop_map(Token);
    let kind = select(vec![
        SpeakerFailure::Audio,
        SpeakerFailure::Device,
        SpeakerFailure::Unreadable,
        SpeakerFailure::Late,
        SpeakerFailure::Unrecorded,
    ]);
    let speaker =
        (token, 0..4u8, kind, 0..20_000u32).prop_map(|(token, event, kind, played_ms)| match event {
            0 => SpeakerEvent::Started { token, at: T0, error_ms: 0.0 },
            1 => SpeakerEvent::Finished { token, played_ms },
            2 => SpeakerEvent::Stopped { token, played_ms },
            _ => SpeakerEvent::Failed { token, kind, played_ms },
        });
    let languages = select(vec![vec!["vi"], vec!["kpm", "vi"], vec!["cma"]]);
    let topics = select(vec![
        "a/xa/plan",
        "a/xa/alert",
        "keys",
        "d/thon-3-cum-1/desired",
        "d/thon-3-cum-1/ack",
        "d/thon-3-cum-1/blk",
        "no",
    ]);
    prop_oneof![
        4 => (1..20u64, vec(item, 0..5), any::<bool>())
            .prop_map(|(epoch, items, guarded)| Input::Plan { epoch, items, guarded }),
        2 => (1..20u64, vec((0..4u8, -300..900i64), 0..4), any::<bool>(), 1..90_000i64).prop_map(
            |(epoch, items, is_inline, valid_for_s)| Input::Alerts { epoch, items, is_inline, valid_for_s },
        ),
        1 => (1..9u64, any::<bool>()).prop_map(|(epoch, all_clear)| Input::Order { epoch, all_clear }),
        2 => (1..9u64, languages).prop_map(|(epoch, languages)| Input::Desired { epoch, languages }),
        1 => (1..9u64, any::<bool>()).prop_map(|(version, revoked)| Input::Keys { version, revoked }),
        1 => (vec(any::<u8>(), 0..40), topics).prop_map(|(bytes, topic)| Input::Garbage(bytes, topic)),
        8 => (0..2_000_000i64).prop_map(Input::Wait),
        1 => (-20_000_000..20_000_000i64).prop_map(Input::StepClock),
        2 => select(vec![ClockTrust::Trusted, ClockTrust::Holdover, ClockTrust::Unknown]).prop_map(Input::Trust),
        1 => (0..50_000_000i64).prop_map(Input::PowerCut),
        1 => Just(Input::Connect),
        1 => Just(Input::Disconnect),
        1 => any::<bool>().prop_map(Input::Bulk),
        1 => select(vec![Serving::Yes, Serving::No, Serving::Wrong]).prop_map(Input::Serve),
        1 => any::<bool>().prop_map(Input::Acknowledge),
        1 => any::<bool>().prop_map(Input::SpeakerWorks),
        1 => any::<bool>().prop_map(Input::DiskFull),
        1 => speaker.prop_map(Input::Speaker),
        1 => (0..5u8, 0..4u8).prop_map(|(event, object)| Input::Stored(event, object)),
        1 => (0..3u8, 0..4u32).prop_map(|(object, index)| Input::Block(object, index)),
        1 => Just(Input::Health),
    ]
}

/// The commune's key may do everything within it.
fn everything() -> Scope {
    let purposes = vec![Purpose::Plan, Purpose::Node, Purpose::Emergency];
    Scope { purposes, classes: Class::ALL.to_vec(), ..scope("xa") }
}

struct World {
    rig: Rig,
    objects: Vec<Object>,
}

impl World {
    fn new() -> Self {
        let objects =
            vec![Object::new("0", 1, 3_000), Object::new("1", 3, 30_000), Object::new("2", 9, 600_000)];
        let mut rig = Rig::new();
        rig.offer(&objects.iter().collect::<Vec<_>>());
        rig.connect();
        rig.receive(TopicKind::Keys, &key_set(1, &[(&commune(), everything())]));
        rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
        Self { rig, objects }
    }

    fn plan(&self, epoch: u64, items: &[(u8, u32, i64, bool, u32)], guarded: bool) -> Vec<u8> {
        let now = self.rig.now.wall;
        let mut made: Vec<Item> = items
            .iter()
            .map(|&(n, revision, seconds, repeats, start_within_ms)| {
                let tracks = [
                    ("vi", &self.objects[usize::from(n) % 3]),
                    ("kpm", &self.objects[revision as usize % 3]),
                ];
                let every = ["*/5 * * * *", "0 * * * *", "30 5 * * *", "* * * * *"][usize::from(n)];
                let once = item(&format!("i{n}"), now + seconds * SECOND, &tracks);
                let start = if repeats { Start::Cron(every.parse().unwrap()) } else { once.start.clone() };
                let class = Class::ALL[usize::from(n) % 3];
                let policies =
                    [AfterInterruption::Drop, AfterInterruption::Resume, AfterInterruption::Restart];
                let rules = ItemRules {
                    after_interruption: policies[(usize::from(n) + revision as usize) % 3],
                    repeats: (revision == 2).then_some(Repeats { rounds: 2, gap_ms: 9_000 }),
                    chime_before: (n == 3).then(|| self.objects[0].hash()),
                    ..ItemRules::default()
                };
                Item { revision, start, class, start_within_ms, rules, ..once }
            })
            .collect();
        made.sort_by(|a, b| a.id.cmp(&b.id));
        made.dedup_by(|a, b| a.id == b.id);
        let quiet_hours = vec![LocalRange { from_minute: 21 * 60, until_minute: 5 * 60 }];
        let guards = Guards {
            quiet_hours,
            normal_minutes_a_day: Some(30),
            sessions_a_day: Some(9),
            ..Guards::default()
        };
        let program = program(made, &self.objects.iter().collect::<Vec<_>>());
        let guards = if guarded { guards } else { Guards::default() };
        let plan = AreaPlan { guards, ..area_plan("xa", epoch, program) };
        seal(&plan, &tenant(), validity(), &commune())
    }

    /// Emergencies under names that plans have too; the longest sound is too large to be inline.
    fn alerts(&self, epoch: u64, items: &[(u8, i64)], is_inline: bool, valid_for_s: i64) -> Vec<u8> {
        let now = self.rig.now.wall;
        let mut made: Vec<Item> = items
            .iter()
            .map(|&(n, seconds)| {
                let voice = &self.objects[usize::from(n) % 2];
                let rules =
                    ItemRules { after_interruption: AfterInterruption::Resume, ..ItemRules::default() };
                let once = item(&format!("i{n}"), now + seconds * SECOND, &[("vi", voice)]);
                Item { class: Class::Emergency, rules, ..once }
            })
            .collect();
        made.sort_by(|a, b| a.id.cmp(&b.id));
        made.dedup_by(|a, b| a.id == b.id);
        let sounds: Vec<&Object> = self.objects[..2].iter().collect();
        let (inline, others) = if is_inline { (sounds, vec![]) } else { (vec![], sounds) };
        let alerts = crate::alerts::alerts(epoch, made, &inline, &others);
        let validity = crate::alerts::valid_for(now, valid_for_s * SECOND);
        seal(&alerts, &tenant(), validity, &commune())
    }

    fn apply(&mut self, input: Input) {
        let rig = &mut self.rig;
        match input {
            Input::Plan { epoch, items, guarded } => {
                let envelope = self.plan(epoch, &items, guarded);
                self.rig.receive(TopicKind::Plan(area("xa")), &envelope);
            }
            Input::Alerts { epoch, items, is_inline, valid_for_s } => {
                let envelope = self.alerts(epoch, &items, is_inline, valid_for_s);
                self.rig.receive(TopicKind::Alert(area("xa")), &envelope);
            }
            Input::Order { epoch, all_clear } => {
                let order = if all_clear { Order::AllClear } else { Order::StopAll };
                let command = Command { to: Addressee::Node(node()), epoch, order, boot: None };
                let issued_at_s = rig.now.wall.seconds();
                let validity =
                    Validity { issued_at_s, not_before_s: issued_at_s, expires_s: issued_at_s + 60 };
                let envelope = seal(&command, &tenant(), validity, &commune());
                rig.receive(TopicKind::Command(node()), &envelope);
            }
            Input::Desired { epoch, languages } => {
                rig.receive(TopicKind::Desired(node()), &desired(epoch, &languages));
            }
            Input::Keys { version, revoked } => {
                let key = if revoked { key(7) } else { commune() };
                rig.receive(TopicKind::Keys, &key_set(version, &[(&key, everything())]));
            }
            Input::Garbage(bytes, topic) => {
                rig.core.handle_message(&format!("loa/1/lam-dong/{topic}"), &bytes, rig.now);
                rig.run();
            }
            Input::Wait(ms) => rig.run_for(ms),
            Input::StepClock(ms) => rig.step_clock(ms, ClockTrust::Holdover),
            Input::Trust(trust) => rig.step_clock(0, trust),
            Input::PowerCut(ms) => rig.power_cut(ms),
            Input::Connect => rig.connect(),
            Input::Disconnect => rig.disconnect(),
            Input::Bulk(up) => {
                let event = if up { LinkEvent::BulkUp } else { LinkEvent::BulkDown };
                rig.core.handle_link(event, rig.now);
                rig.run();
            }
            Input::Serve(serving) => rig.serving = serving,
            Input::Acknowledge(yes) => rig.acknowledges = yes,
            Input::SpeakerWorks(yes) => rig.speaker_works = yes,
            Input::DiskFull(yes) => rig.disk_full = yes,
            Input::Speaker(event) => {
                // The end of a sound ends it in the rig as well: a speaker does not say so and go on.
                rig.end_voice_of(event);
                rig.core.handle_speaker(event, rig.now);
                rig.run();
            }
            Input::Stored(event, object) => {
                let object = self.objects.get(usize::from(object)).map_or(ObjectHash([0; 32]), Object::hash);
                let event = match event {
                    0 => StoreEvent::ObjectCorrupt { object },
                    1 => StoreEvent::Full { object },
                    _ => StoreEvent::Failing { object },
                };
                if matches!(event, StoreEvent::ObjectCorrupt { .. }) {
                    rig.store.whole.remove(&object);
                    rig.store.partial.remove(&object);
                }
                rig.core.handle_stored(event, rig.now);
                rig.run();
            }
            Input::Block(object, index) => {
                let Object { manifest, .. } = &self.objects[usize::from(object)];
                let block = match manifest.block_range(index) {
                    Some(_) => rig.block(&manifest.object, index),
                    None => Block { object: manifest.object, index, bytes: vec![1] },
                };
                rig.receive(TopicKind::Blocks(node()), &block.to_cbor());
            }
            Input::Health => {
                rig.core.handle_health(Measurements::default(), rig.now);
                rig.run();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_stream_of_inputs_is_survived(inputs in vec(input(), 1..60)) {
        let mut world = World::new();
        for input in inputs {
            world.apply(input);
        }
        // And at the end the node still works.
        let rig = &mut world.rig;
        (rig.serving, rig.speaker_works, rig.disk_full, rig.acknowledges) = (Serving::Yes, true, false, true);
        // By then, the clock shows a time at which the documents are valid.
        rig.power_cut(MINUTE + T0.since(rig.now.wall).max(0));
        rig.connect();
        rig.receive(TopicKind::Keys, &key_set(100, &[(&commune(), scope("xa"))]));
        rig.receive(TopicKind::Desired(node()), &desired(100, &["vi"]));
        rig.run_for(2 * HOUR);
        let at = rig.now.wall + HOUR;
        let last = item("last", at, &[("vi", &world.objects[0])]);
        rig.receive(TopicKind::Plan(area("xa")), &plan(100, vec![last], &[&world.objects[0]]));
        rig.run_until(at + HOUR);
        let receipt = rig.store.receipts.values().find(|receipt| receipt.item == item_id("last"));
        prop_assert_eq!(receipt.map(|r| r.outcome), Some(loa_protocol::receipt::Outcome::Played));
        prop_assert!(rig.store.unacknowledged.is_empty());
        prop_assert!(rig.store.intents.is_empty());
    }
}
