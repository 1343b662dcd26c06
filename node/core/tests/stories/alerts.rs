//! Emergencies that come at once: a document of their own, with its sound in it.

mod judged;
mod lacking;
mod lasting;
mod prepared;
mod waiting;

use ed25519_dalek::SigningKey;
use loa_node_core::{Action, Settings};
use loa_protocol::alert::{AlertAnswer, AreaAlerts, Inline, Verdict};
use loa_protocol::bulletin::Class;
use loa_protocol::command::{Addressee, Command, Order};
use loa_protocol::envelope::{Validity, seal};
use loa_protocol::ids::BulletinId;
use loa_protocol::keys::{Purpose, Scope};
use loa_protocol::plan::{Item, Program};
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{AfterInterruption, ItemRules, Severity};
use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::{Played, Rig};

const AT: UnixMs = UnixMs(T0.0 + HOUR);

pub(crate) fn siren() -> SigningKey {
    key(7)
}

pub(crate) fn may_alarm(area: &str) -> Scope {
    Scope { purposes: vec![Purpose::Emergency], classes: vec![Class::Emergency], ..scope(area) }
}

/// A connected node in its village whose commune has a key for emergencies.
fn listening() -> Rig {
    listening_with(Settings::default())
}

fn listening_with(settings: Settings) -> Rig {
    let mut rig = Rig::with(settings);
    rig.connect();
    rig.receive(TopicKind::Keys, &key_set(1, &[(&commune(), scope("xa")), (&siren(), may_alarm("xa"))]));
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
    rig
}

fn urgent(id: &str, at: UnixMs, voice: &Object) -> Item {
    Item { class: Class::Emergency, ..item(id, at, &[("vi", voice)]) }
}

/// A document of the commune with these items; the bytes of these objects are in it, of the others only their manifests.
pub(crate) fn alerts(epoch: u64, items: Vec<Item>, inline: &[&Object], others: &[&Object]) -> AreaAlerts {
    let all: Vec<&Object> = inline.iter().chain(others).copied().collect();
    let mut inline: Vec<Inline> =
        inline.iter().map(|o| Inline { object: o.hash(), bytes: o.bytes.as_slice().into() }).collect();
    inline.sort_by_key(|inline| inline.object);
    AreaAlerts { area: area("xa"), epoch, zone: ZONE, program: program(items, &all), inline }
}

/// Valid from this instant for so long.
pub(crate) fn valid_for(at: UnixMs, ms: i64) -> Validity {
    let issued_at_s = at.seconds();
    Validity { issued_at_s, not_before_s: issued_at_s - 5, expires_s: issued_at_s + ms / SECOND }
}

pub(crate) fn sealed(alerts: &AreaAlerts, at: UnixMs) -> Vec<u8> {
    seal(alerts, &tenant(), valid_for(at, HOUR), &siren())
}

fn on_topic() -> TopicKind {
    TopicKind::Alert(area("xa"))
}

fn flood() -> Object {
    Object::new("flood", 9, 10_000)
}

/// The flood's alarm at this instant, with its sound.
fn alarm(epoch: u64, at: UnixMs) -> Vec<u8> {
    let flood = flood();
    sealed(&alerts(epoch, vec![urgent("flood", at, &flood)], &[&flood], &[]), at)
}

fn none_left(epoch: u64, at: UnixMs) -> Vec<u8> {
    let empty = AreaAlerts { program: Program::default(), ..alerts(epoch, vec![], &[], &[]) };
    sealed(&empty, at)
}

fn outcome(rig: &Rig, id: &str) -> Option<Outcome> {
    rig.outcomes().into_iter().find(|(item, ..)| *item == item_id(id)).map(|(.., outcome)| outcome)
}

fn verdicts(rig: &Rig) -> Vec<Verdict> {
    rig.answers().into_iter().map(|answer| answer.verdict).collect()
}

fn sounding(id: &str, started: UnixMs) -> Verdict {
    Verdict::Sounding { item: item_id(id), revision: 1, started }
}

/// A node on which a bulletin of ten minutes has sounded for ten seconds, and when that is.
fn amid_a_bulletin() -> (Rig, UnixMs) {
    let talk = Object::new("talk", 2, 600_000);
    let mut rig = listening();
    rig.offer(&[&talk]);
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![item("talk", AT, &[("vi", &talk)])], &[&talk]));
    rig.run_until(AT + 10 * SECOND);
    assert!(rig.is_sounding());
    (rig, AT + 10 * SECOND)
}

#[test]
fn it_sounds_at_once_from_its_document_and_cuts_what_sounds() {
    let (mut rig, now) = amid_a_bulletin();
    let (before, wanted) = (rig.actions.len(), rig.wants().len());
    rig.receive(on_topic(), &alarm(1, now));
    rig.run_for(1);
    assert_eq!(
        rig.played.last(),
        Some(&Played { object: flood().hash(), start_at: now }),
        "the amplifier is warm"
    );
    // The document is on the disk before anybody is told, and before anything follows from it.
    let place = |is: &dyn Fn(&Action) -> bool| rig.actions[before..].iter().position(is).unwrap();
    let saved = place(&|action| matches!(action, Action::SaveDocument { .. }));
    let told = place(&|a| matches!(a, Action::Publish { topic, .. } if topic.ends_with("/answer")));
    let stopped = place(&|action| matches!(action, Action::StopSound { .. }));
    assert!(saved < told && saved < stopped);
    let answer = |verdict| AlertAnswer { area: area("xa"), epoch: 1, received: now, verdict };
    assert_eq!(rig.answers(), [answer(Verdict::Verified(now)), answer(sounding("flood", now))]);

    rig.run_for(HOUR);
    assert_eq!(outcome(&rig, "flood"), Some(Outcome::Played));
    assert_eq!(outcome(&rig, "talk"), Some(Outcome::Partial(Reason::Yielded)));
    assert_eq!(rig.wants().len(), wanted, "nothing of it is fetched");
    assert_eq!(rig.answers().len(), 2, "one for the document and one for its sound");
}

#[test]
fn a_cold_amplifier_is_all_that_it_waits_for() {
    let mut rig = listening();
    rig.run_until(AT);
    rig.receive(on_topic(), &alarm(1, AT));
    rig.run_for(MINUTE);
    let warm = AT + i64::from(Settings::default().amplifier_warm_up_ms);
    assert_eq!(rig.played, [Played { object: flood().hash(), start_at: warm }]);
    assert_eq!(verdicts(&rig), [Verdict::Verified(AT), sounding("flood", warm)]);
}

#[test]
fn a_cache_without_room_and_a_disk_that_is_full_do_not_silence_it() {
    let mut rig = listening_with(Settings { cache_quota_bytes: 0, ..Settings::default() });
    rig.disk_full = true;
    rig.core.handle_store_full(true, rig.now);
    rig.run_until(AT);
    rig.receive(on_topic(), &alarm(1, AT));
    rig.run_for(MINUTE);
    assert_eq!(outcome(&rig, "flood"), Some(Outcome::Played));
    assert!(rig.store.whole.is_empty() && rig.store.partial.is_empty());
}

#[test]
fn the_same_document_again_is_no_other() {
    let mut rig = listening();
    rig.run_until(AT);
    let envelope = alarm(1, AT);
    for wait in [0, 5 * SECOND, 5 * MINUTE] {
        rig.receive(on_topic(), &envelope);
        rig.run_for(wait);
    }
    rig.power_cut(SECOND);
    rig.connect();
    rig.receive(on_topic(), &envelope);
    rig.run_for(HOUR);
    assert_eq!((rig.played.len(), rig.answers().len(), rig.events()), (1, 2, vec![]));
}

#[test]
fn a_newer_document_without_the_item_ends_it() {
    for also_ordered in [false, true] {
        let (mut rig, now) = amid_a_bulletin();
        rig.receive(on_topic(), &alarm(1, now));
        rig.run_for(3 * SECOND);
        let silenced = rig.now.wall;
        if also_ordered {
            let order = Order::StopBulletin(BulletinId::new("flood-bulletin").unwrap());
            let order = Command { to: Addressee::Area(area("xa")), epoch: 1, order, boot: None };
            rig.receive(on_topic(), &seal(&order, &tenant(), valid_for(silenced, 30 * SECOND), &siren()));
        }
        rig.receive(on_topic(), &none_left(2, silenced));
        assert!(!rig.is_sounding());
        let reason = if also_ordered { Reason::Stopped } else { Reason::Withdrawn };
        assert_eq!(outcome(&rig, "flood"), Some(Outcome::Partial(reason)));
        assert_eq!(rig.heard.last(), Some(&(now, silenced)));
        // The old one, brought back by whoever keeps it, changes nothing.
        rig.receive(on_topic(), &alarm(1, now));
        rig.run_for(HOUR);
        assert_eq!(rig.heard.last(), Some(&(now, silenced)));
    }
}

#[test]
fn a_second_alarm_leaves_the_first_alone_or_takes_its_place() {
    for takes_its_place in [false, true] {
        let mut rig = listening();
        rig.run_until(AT);
        rig.receive(on_topic(), &alarm(1, AT));
        rig.run_for(5 * SECOND);
        let (flood, fire) = (flood(), Object::new("fire", 3, 4_000));
        let updates = takes_its_place.then(|| BulletinId::new("flood-bulletin").unwrap());
        let rules = ItemRules { updates: updates.into_iter().collect(), ..ItemRules::default() };
        let second = Item { rules, ..urgent("fire", rig.now.wall, &fire) };
        // The first sound is named, and not brought again.
        let both = alerts(2, vec![urgent("flood", AT, &flood), second], &[&fire], &[&flood]);
        rig.receive(on_topic(), &sealed(&both, rig.now.wall));
        rig.run_for(HOUR);
        let first = if takes_its_place { Outcome::Partial(Reason::Superseded) } else { Outcome::Played };
        assert_eq!((outcome(&rig, "flood"), outcome(&rig, "fire")), (Some(first), Some(Outcome::Played)));
        assert!(rig.wants().is_empty());
    }
}

#[test]
fn a_sound_that_came_inline_once_needs_no_fetch_while_it_is_named() {
    let mut rig = listening();
    rig.run_until(AT);
    let flood = flood();
    let twice = |at| vec![urgent("flood", AT, &flood), urgent("later", at, &flood)];
    let later = AT + 20 * MINUTE;
    rig.receive(on_topic(), &sealed(&alerts(1, twice(later + HOUR), &[&flood], &[]), AT));
    rig.receive(on_topic(), &sealed(&alerts(2, twice(later), &[], &[&flood]), AT));
    rig.run_for(HOUR);
    assert_eq!(outcome(&rig, "later"), Some(Outcome::Played));
    assert!(rig.wants().is_empty());
}

#[test]
fn a_sound_too_large_to_be_inline_is_fetched_first_and_at_once() {
    let (long, talk) = (Object::new("long", 40, 60_000), Object::new("talk", 40, 60_000));
    let mut rig = listening();
    rig.offer(&[&long, &talk]);
    rig.disconnect();
    rig.connect();
    rig.run_until(AT);
    rig.receive(on_topic(), &sealed(&alerts(1, vec![urgent("long", AT, &long)], &[], &[&long]), AT));
    rig.run_for(10 * MINUTE);
    assert_eq!(rig.wants()[0].deadline, AT);
    assert_eq!(outcome(&rig, "long"), Some(Outcome::Played));
}

#[test]
fn it_passes_quiet_hours_and_stands_before_a_plan_that_has_its_name() {
    let mut rig = listening();
    let other = Object::new("other", 1, 1_000);
    rig.offer(&[&other]);
    // Whoever may plan for the area cannot take the name away from an emergency, nor its start.
    let shadow = item("flood", AT + DAY, &[("vi", &other)]);
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![shadow], &[&other]));
    rig.run_until(AT);
    rig.receive(on_topic(), &alarm(1, AT));
    rig.run_for(MINUTE);
    assert_eq!(rig.played.len(), 1);
    assert_eq!(rig.played[0].object, flood().hash());
}

#[test]
fn the_graver_of_two_comes_first_and_the_other_is_taken_up_again() {
    let mut rig = listening();
    rig.run_until(AT);
    let (flood, fire) = (flood(), Object::new("fire", 3, 30_000));
    let of = |severity, policy| ItemRules { severity, after_interruption: policy, ..ItemRules::default() };
    let fire_item =
        Item { rules: of(Severity::Minor, AfterInterruption::Restart), ..urgent("fire", AT, &fire) };
    rig.receive(on_topic(), &sealed(&alerts(1, vec![fire_item.clone()], &[&fire], &[]), AT));
    rig.run_for(5 * SECOND);
    let flood_item = Item {
        rules: of(Severity::Extreme, AfterInterruption::Drop),
        ..urgent("flood", rig.now.wall, &flood)
    };
    let both = alerts(2, vec![fire_item, flood_item], &[&fire, &flood], &[]);
    rig.receive(on_topic(), &sealed(&both, rig.now.wall));
    rig.run_for(HOUR);
    let objects: Vec<_> = rig.played.iter().map(|played| played.object).collect();
    assert_eq!(objects, [fire.hash(), flood.hash(), fire.hash()]);
    let told: Vec<_> = verdicts(&rig);
    let first_sounds = |id: &str| {
        let is = |v: &&Verdict| matches!(v, Verdict::Sounding { item, .. } if *item == item_id(id));
        told.iter().filter(is).count()
    };
    assert_eq!(
        (first_sounds("fire"), first_sounds("flood")),
        (1, 1),
        "what is taken up again has sounded before"
    );
}
