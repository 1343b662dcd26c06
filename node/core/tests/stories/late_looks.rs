//! Between the core's look at the clock and the shell's question how long to wait, time passes. What falls due in between is
//! not forgotten.

use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::{Played, Rig};

/// A rig with an item an hour ahead, and the instant of its start.
fn planned() -> (Rig, Object, loa_protocol::time::UnixMs) {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("cat-dien", 10, 5_000);
    rig.offer(&[&voice]);
    let at = T0 + HOUR;
    rig.receive(
        TopicKind::Plan(area("xa")),
        &plan(7, vec![item("cat-dien", at, &[("vi", &voice)])], &[&voice]),
    );
    rig.disconnect();
    (rig, voice, at)
}

#[test]
fn another_try_that_falls_between_a_look_and_the_wait_is_kept() {
    let (mut rig, voice, at) = planned();
    rig.speaker_works = false;
    rig.run_until_just_missing_every_deadline(at);
    assert!(rig.played.is_empty());
    rig.speaker_works = true;
    rig.run_until_just_missing_every_deadline(at + 10 * SECOND);
    let [Played { object, start_at }] = rig.played[..] else { panic!("{:?}", rig.played) };
    assert_eq!(object, voice.hash());
    assert!(start_at < at + 6 * SECOND, "it was tried again after five seconds: {start_at}");
}
