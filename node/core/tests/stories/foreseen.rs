//! What the preflight foresees is what the node does.

use loa_node_core::Settings;
use loa_protocol::bulletin::Class;
use loa_protocol::envelope::seal;
use loa_protocol::ids::{BulletinId, ItemId, OccurrenceId};
use loa_protocol::keys::Scope;
use loa_protocol::plan::{AreaPlan, Item, NodeDocument};
use loa_protocol::receipt::{Outcome, Reason, Receipt};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{
    AfterInterruption, EMERGENCY_LACK_MS, Foreseen, Guards, ItemRules, LocalRange, Outlook, OwnGuards, Past,
    Repeats, Severity, Sounded, Start, preflight,
};
use loa_protocol::topic::TopicKind;
use proptest::prelude::*;
use proptest::sample::select;

use crate::office::*;
use crate::rig::Rig;

/// An hour after the documents, so that all audio is there.
const FROM: UnixMs = UnixMs(T0.0 + HOUR);
const UNTIL: UnixMs = UnixMs(FROM.0 + 26 * HOUR);

#[derive(Clone, Debug)]
struct Made {
    class: Class,
    at_s: i64,
    every_hour: bool,
    within_s: i64,
    tracks: u8,
    policy: AfterInterruption,
    rounds: u32,
    severity: Severity,
    names: Option<(u8, bool)>,
    chimes: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let class = select(vec![Class::Normal, Class::Priority, Class::Emergency, Class::Emergency]);
    let policy = select(vec![AfterInterruption::Drop, AfterInterruption::Resume, AfterInterruption::Restart]);
    let severity = select(vec![Severity::Minor, Severity::Moderate, Severity::Extreme]);
    // Starts lie close together, so that they meet; some lie in the night.
    // Many are planned for the same instant, or for that at which another ends.
    let at_s = prop_oneof![
        6 => 0..240i64,
        6 => (0..6i64).prop_map(|minutes| minutes * 60),
        2 => 240..900i64,
        1 => 45_000..60_000i64,
    ];
    let within_s = select(vec![0, 0, 1, 1, 2, 20, 60, 300, 3_600, 40_000]);
    let names = proptest::option::of((0..6u8, any::<bool>()));
    let tracks = select(vec![0, 0, 0, 1, 1, 1, 1, 3, 3, 2]);
    (
        class,
        at_s,
        proptest::bool::weighted(0.1),
        within_s,
        tracks,
        policy,
        1..4u32,
        severity,
        names,
        proptest::bool::weighted(0.3),
    )
        .prop_map(
            |(class, at_s, every_hour, within_s, tracks, policy, rounds, severity, names, chimes)| Made {
                class,
                at_s,
                every_hour,
                within_s,
                tracks,
                policy,
                rounds,
                severity,
                names,
                chimes,
            },
        )
}

struct Sounds {
    vi: Object,
    kpm: Object,
    chime: Object,
}

impl Sounds {
    fn new() -> Self {
        Self {
            vi: Object::new("vi", 1, 60_000),
            kpm: Object::new("kpm", 1, 42_000),
            chime: Object::new("chime", 1, 2_253),
        }
    }

    fn all(&self) -> [&Object; 3] {
        [&self.vi, &self.kpm, &self.chime]
    }

    fn item(&self, number: usize, made: &Made) -> Item {
        let tracks: &[(&str, &Object)] = match made.tracks {
            0 => &[("vi", &self.vi)],
            1 => &[("vi", &self.vi), ("kpm", &self.kpm)],
            2 => &[("cma", &self.vi)],
            _ => &[("kpm", &self.kpm)],
        };
        let bulletins = |is_update: bool| {
            let named =
                made.names.filter(|(_, updates)| *updates == is_update && made.class == Class::Emergency);
            named.map(|(n, _)| BulletinId::new(format!("i{n}-bulletin")).unwrap()).into_iter().collect()
        };
        let is_emergency = made.class == Class::Emergency;
        let rules = ItemRules {
            repeats: (made.rounds > 1).then_some(Repeats { rounds: made.rounds, gap_ms: 7_000 }),
            after_interruption: made.policy,
            severity: if is_emergency { made.severity } else { Severity::Minor },
            updates: bulletins(true),
            cancels: bulletins(false),
            chime_before: made.chimes.then(|| self.chime.hash()),
            chime_after: made.chimes.then(|| self.chime.hash()),
            ..ItemRules::default()
        };
        let once = item(&format!("i{number}"), FROM + made.at_s * SECOND, tracks);
        let start = if made.every_hour {
            Start::Cron(format!("{} * * * *", (made.at_s / 60).rem_euclid(60)).parse().unwrap())
        } else {
            once.start.clone()
        };
        let start_within_ms = (made.within_s * SECOND) as u32;
        Item { class: made.class, start, start_within_ms, rules, valid_from: Some(FROM), ..once }
    }
}

fn guards() -> impl Strategy<Value = Guards> {
    let quiet = select(vec![vec![], vec![], vec![LocalRange { from_minute: 21 * 60, until_minute: 5 * 60 }]]);
    let maybe = |most: u16| proptest::option::weighted(0.25, 0..most);
    (quiet, maybe(40), maybe(10), maybe(20), proptest::option::weighted(0.2, 60_000..400_000u32)).prop_map(
        |(quiet_hours, normal, priority, sessions_a_day, longest_session_ms)| Guards {
            quiet_hours,
            normal_minutes_a_day: normal,
            priority_minutes_a_day: priority,
            sessions_a_day,
            longest_session_ms,
            volume_ceiling_percent: None,
        },
    )
}

type Told = (ItemId, UnixMs, Outcome, Option<(UnixMs, i64)>, Option<OccurrenceId>);

/// What is signed for the node, and what its board forbids by itself.
struct Papers {
    document: NodeDocument,
    province: AreaPlan,
    commune: AreaPlan,
    own_guards: Option<OwnGuards>,
    sounds: Sounds,
}

impl Papers {
    fn new(
        plan: &[Made],
        own: &[Made],
        (guards, own_guards): (Guards, Option<Guards>),
        own_priority_first: bool,
    ) -> Self {
        let sounds = Sounds::new();
        let items = |made: &[Made], from: usize| -> Vec<Item> {
            made.iter().enumerate().map(|(n, made)| sounds.item(from + n, made)).collect()
        };
        let all = sounds.all();
        let split = plan.len() / 2;
        let plan_of =
            |of: &str, items| AreaPlan { own_priority_first, ..area_plan(of, 2, program(items, &all)) };
        let (province, commune) = (items(&plan[..split], 0), items(&plan[split..], split));
        let own = program(items(own, plan.len()), &all);
        Self {
            document: NodeDocument { program: own, ..node_document(2, &["vi", "kpm"]) },
            province: plan_of("tinh", province),
            commune: AreaPlan { guards, ..plan_of("xa", commune) },
            own_guards: own_guards.map(|guards| OwnGuards { guards, zone: ZONE }),
            sounds,
        }
    }

    fn board(&self, amplifier_warm_up_ms: u32) -> Rig {
        let own_guards = self.own_guards.clone();
        let mut rig = Rig::with(Settings { amplifier_warm_up_ms, own_guards, ..Settings::default() });
        rig.offer(&self.sounds.all());
        rig.connect();
        let of = |area: &str| Scope { classes: Class::ALL.to_vec(), ..scope(area) };
        rig.receive(TopicKind::Keys, &key_set(1, &[(&commune(), of("xa")), (&key(9), of("tinh"))]));
        rig.receive(TopicKind::Desired(node()), &seal(&self.document, &tenant(), validity(), &commune()));
        rig.receive(TopicKind::Plan(area("tinh")), &seal(&self.province, &tenant(), validity(), &key(9)));
        rig.receive(TopicKind::Plan(area("xa")), &seal(&self.commune, &tenant(), validity(), &commune()));
        rig
    }

    /// What is foreseen of what is planned before `UNTIL`, once all of it has ended.
    fn foreseen(&self, past: &[Past]) -> Vec<Told> {
        let outlook = Outlook {
            node: &self.document,
            plans: &[&self.province, &self.commune],
            has_object: &|_| true,
            own_guards: self.own_guards.as_ref(),
            past,
        };
        let told = |of: Foreseen<'_>| {
            let sound = of.sounds.first().map(|(begun, _)| (*begun, of.sound_ms));
            (of.item.id.clone(), of.occurrence.nominal, of.outcome, sound, of.winner)
        };
        let all = preflight(outlook, FROM, UNTIL + 14 * HOUR).into_iter();
        let mut foreseen: Vec<Told> = all.filter(|of| of.occurrence.nominal < UNTIL).map(told).collect();
        foreseen.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        foreseen
    }
}

/// What the receipts tell of what was planned before `UNTIL`.
fn done(rig: &Rig) -> Vec<Told> {
    let told = |r: &Receipt| {
        let sound = r.sound.map(|sound| (sound.started, i64::from(sound.played_ms)));
        // What is stopped at the very instant at which it begins sounds for nothing, or not at all.
        match (r.outcome, sound.filter(|(_, played_ms)| *played_ms > 0)) {
            (Outcome::Partial(reason), None) => {
                (r.item.clone(), r.nominal, Outcome::Missed(reason), None, r.winner)
            }
            (outcome, sound) => (r.item.clone(), r.nominal, outcome, sound, r.winner),
        }
    };
    let mut done: Vec<Told> =
        rig.store.receipts.values().filter(|receipt| receipt.nominal < UNTIL).map(told).collect();
    done.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    done
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn the_node_does_what_was_foreseen(
        plan in proptest::collection::vec(made(), 3..12),
        own in proptest::collection::vec(made(), 0..3),
        guards in guards(),
        own_guards in proptest::option::weighted(0.3, guards()),
        own_priority_first in any::<bool>(),
        amplifier_warm_up_ms in select(vec![0, 2_000]),
        speaker_is_first in any::<bool>(),
    ) {
        let papers = Papers::new(&plan, &own, (guards, own_guards), own_priority_first);
        let mut rig = papers.board(amplifier_warm_up_ms);
        rig.speaker_is_first = speaker_is_first;
        // All that is planned before `UNTIL` has ended by then.
        rig.run_until(UNTIL + 14 * HOUR);
        let (done, foreseen) = (done(&rig), papers.foreseen(&[]));
        for (done, foreseen) in done.iter().zip(&foreseen) {
            prop_assert_eq!(done, foreseen);
        }
        prop_assert_eq!(done.len(), foreseen.len());
    }

    /// Of a board that did wrong, too, once its receipts are in: budgets count what was heard, not what was planned.
    #[test]
    fn what_comes_is_foreseen_from_what_was_heard(
        plan in proptest::collection::vec(made(), 3..12),
        guards in guards(),
        dead_s in 0..600i64,
    ) {
        // All that was planned while the loudspeaker was dead is over an hour later.
        let brief = |made: &Made| Made { within_s: made.within_s.min(300), ..made.clone() };
        let plan: Vec<Made> = plan.iter().map(brief).collect();
        let papers = Papers::new(&plan, &[], (guards, None), false);
        let mut rig = papers.board(2_000);
        rig.speaker_works = false;
        rig.run_until(FROM + dead_s * SECOND);
        rig.speaker_works = true;
        rig.run_until(FROM + HOUR + 59 * MINUTE);
        let class = |id: &ItemId| {
            let items = papers.province.program.items.iter().chain(&papers.commune.program.items);
            items.clone().find(|item| item.id == *id).unwrap().class
        };
        let past: Vec<Past> = rig.store.receipts.values().map(|receipt| Past {
            item: receipt.item.clone(),
            nominal: receipt.nominal,
            occurrence: receipt.occurrence,
            class: class(&receipt.item),
            sounded: receipt.sound.map(|sound| Sounded {
                from: sound.started,
                until: receipt.written,
                sound_ms: i64::from(sound.played_ms),
            }),
        }).collect();
        rig.run_until(UNTIL + 14 * HOUR);
        let is_past = |told: &Told| past.iter().any(|past| (&past.item, past.nominal) == (&told.0, told.1));
        let done: Vec<Told> = done(&rig).into_iter().filter(|told| !is_past(told)).collect();
        let foreseen = papers.foreseen(&past);
        for (done, foreseen) in done.iter().zip(&foreseen) {
            prop_assert_eq!(done, foreseen);
        }
        prop_assert_eq!(done.len(), foreseen.len());
    }
}

/// What is not there in time is told, and chimes that are not there are missed by nobody.
#[test]
fn what_lacks_is_foreseen_as_the_node_plays_it() {
    let sounds = Sounds::new();
    let both: &[(&str, &Object)] = &[("vi", &sounds.vi), ("kpm", &sounds.kpm)];
    let rules = ItemRules { chime_before: Some(sounds.chime.hash()), ..ItemRules::default() };
    let items = vec![
        Item { rules, ..item("a", FROM, &[("vi", &sounds.vi)]) },
        item("b", FROM + HOUR, both),
        item("c", FROM + 2 * HOUR, &[("kpm", &sounds.kpm)]),
    ];
    let plan = area_plan("xa", 2, program(items, &sounds.all()));
    let lost = [sounds.kpm.hash(), sounds.chime.hash()];
    let mut rig = Rig::with(Settings { amplifier_warm_up_ms: 0, ..Settings::default() });
    rig.offer(&sounds.all());
    rig.no_room_for.extend(lost);
    rig.connect();
    rig.receive(TopicKind::Keys, &first_keys());
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi", "kpm"]));
    rig.receive(TopicKind::Plan(area("xa")), &seal(&plan, &tenant(), validity(), &commune()));
    rig.run_until(FROM + 4 * HOUR);

    let document = node_document(1, &["vi", "kpm"]);
    let has_object = |object: &loa_protocol::ids::ObjectHash| !lost.contains(object);
    let outlook =
        Outlook { node: &document, plans: &[&plan], has_object: &has_object, own_guards: None, past: &[] };
    let foreseen: Vec<_> =
        preflight(outlook, FROM, UNTIL).into_iter().map(|of| (of.item.id.clone(), of.outcome)).collect();
    let done: Vec<_> = rig.outcomes().into_iter().map(|(item, _, outcome)| (item, outcome)).collect();
    assert_eq!(done, foreseen);
    let incomplete = Reason::AudioIncomplete;
    let outcomes: Vec<Outcome> = foreseen.into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, [Outcome::Played, Outcome::Partial(incomplete), Outcome::Missed(incomplete)]);
}

/// An emergency does not wait for a language until its limit.
#[test]
fn when_an_emergency_starts_without_what_it_lacks_is_foreseen() {
    let sounds = Sounds::new();
    let both: &[(&str, &Object)] = &[("vi", &sounds.vi), ("kpm", &sounds.kpm)];
    let items = vec![Item { class: Class::Emergency, ..within(item("a", FROM, both), HOUR) }];
    let plan = area_plan("xa", 2, program(items, &sounds.all()));
    let mut rig = Rig::with(Settings { amplifier_warm_up_ms: 0, ..Settings::default() });
    rig.offer(&sounds.all());
    rig.no_room_for.insert(sounds.kpm.hash());
    rig.connect();
    let all = Scope { classes: Class::ALL.to_vec(), ..scope("xa") };
    rig.receive(TopicKind::Keys, &key_set(1, &[(&commune(), all)]));
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi", "kpm"]));
    rig.receive(TopicKind::Plan(area("xa")), &seal(&plan, &tenant(), validity(), &commune()));
    rig.run_until(FROM + HOUR);

    let document = node_document(1, &["vi", "kpm"]);
    let has_object = |object: &loa_protocol::ids::ObjectHash| *object != sounds.kpm.hash();
    let outlook =
        Outlook { node: &document, plans: &[&plan], has_object: &has_object, own_guards: None, past: &[] };
    let foreseen = preflight(outlook, FROM, UNTIL);
    let started = FROM + EMERGENCY_LACK_MS;
    assert_eq!(foreseen[0].sounds, [(started, started + 60_000)]);
    assert_eq!(rig.heard, foreseen[0].sounds);
}

/// An item's id, its outcome, and the item that sounded instead of it or cut it.
type Said = (ItemId, Outcome, Option<ItemId>);

/// What a board whose amplifier needs its two seconds does with these items, and what was foreseen.
fn done_and_foreseen(items: Vec<Item>, guards: Guards, sounds: &Sounds) -> [Vec<Said>; 2] {
    let plan = AreaPlan { guards, ..area_plan("xa", 2, program(items, &sounds.all())) };
    let mut rig = Rig::placed(&["vi", "kpm"]);
    rig.offer(&sounds.all());
    rig.receive(TopicKind::Plan(area("xa")), &seal(&plan, &tenant(), validity(), &commune()));
    rig.run_until(FROM + 4 * HOUR);
    let receipts: Vec<_> = rig.store.receipts.values().cloned().collect();
    let item_of = |id: OccurrenceId| receipts.iter().find(|r| r.occurrence == id).map(|r| r.item.clone());
    let done = receipts.iter().map(|r| (r.item.clone(), r.outcome, r.winner.and_then(item_of)));

    let document = node_document(1, &["vi", "kpm"]);
    let outlook =
        Outlook { node: &document, plans: &[&plan], has_object: &|_| true, own_guards: None, past: &[] };
    let all = preflight(outlook, FROM, FROM + 4 * HOUR);
    let item_of = |id: OccurrenceId| all.iter().find(|f| f.occurrence.id == id).map(|f| f.item.id.clone());
    let foreseen = all.iter().map(|f| (f.item.id.clone(), f.outcome, f.winner.and_then(item_of)));
    [done.collect(), foreseen.collect()]
}

/// The amplifier is cold because the guards refuse: that it is cold is not the reason.
#[test]
fn what_guards_refuse_is_not_called_too_late_however_little_it_may_wait() {
    let sounds = Sounds::new();
    let vi: &[(&str, &Object)] = &[("vi", &sounds.vi)];
    let until_ten = LocalRange { from_minute: 9 * 60, until_minute: 10 * 60 };
    // A budget that is spent, quiet hours that are not over by the limit, and such as are, when the budget is still spent.
    let once = Guards { sessions_a_day: Some(1), ..Guards::default() };
    let both = Guards { quiet_hours: vec![until_ten], sessions_a_day: Some(0), ..Guards::default() };
    for within_ms in [0, 1_000, 1_999, 2_000, 60_000] {
        let at = |id: &str, at: UnixMs| Item { start_within_ms: within_ms, ..item(id, at, vi) };
        let [done, foreseen] =
            done_and_foreseen(vec![at("a", FROM), at("b", FROM + HOUR)], once.clone(), &sounds);
        assert_eq!(done, foreseen, "{within_ms}");
        assert_eq!(done[1], (item_id("b"), Outcome::Missed(Reason::SessionsSpent), None), "{within_ms}");
        // The wall clock says ten then.
        let ten = FROM + 2 * HOUR;
        let [done, foreseen] = done_and_foreseen(vec![at("a", ten - SECOND)], both.clone(), &sounds);
        assert_eq!(done, foreseen, "{within_ms}");
    }
}

/// Who sounds up to the very instant at which another is due was on then, for the board and for who foresees it.
#[test]
fn what_ends_when_another_is_due_was_on_then() {
    let sounds = Sounds::new();
    let vi: &[(&str, &Object)] = &[("vi", &sounds.vi)];
    let at = |id: &str, at: UnixMs| Item { start_within_ms: 0, ..item(id, at, vi) };
    let items = vec![at("a", FROM), at("b", FROM + 60_000)];
    let guards = Guards { sessions_a_day: Some(1), ..Guards::default() };
    let [done, foreseen] = done_and_foreseen(items, guards, &sounds);
    assert_eq!(done, foreseen);
    assert_eq!(done[1], (item_id("b"), Outcome::Missed(Reason::SessionsSpent), Some(item_id("a"))));
}
