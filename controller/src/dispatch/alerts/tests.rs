//! Compiling documents, and when they are signed anew.

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Category, Class, Language, Status};
use loa_protocol::ids::BulletinId;
use loa_protocol::timeline::{Repeats, Severity};
use loa_protocol::transfer::{Codec, Manifest};
use loa_protocol::wire::Wire as _;

use super::compile::WhyLeftOut;
use super::*;
use crate::domain::alert::{Alert, AlertArea, Reached};
use crate::domain::bulletin::{Making, Revision, RevisionState, Stamp, Track, TrackContent, TrackSource};
use crate::domain::ids::TrackId;
use crate::services::story::Story;
use crate::store::objects::{self, AudioObject};

const NOW: UnixMs = UnixMs(1_795_309_200_000);

fn sound(bytes: usize, duration_ms: u32) -> (ObjectHash, Sound) {
    let bytes: Vec<u8> = (0..bytes).map(|i| (i % 251) as u8).collect();
    let manifest = Manifest::of(&bytes, 16 * 1024, Codec::OggOpus, duration_ms).unwrap();
    let inline = (bytes.len() <= INLINE_MAX_BYTES).then(|| Arc::from(bytes));
    (manifest.object, Sound { manifest, bytes: inline })
}

fn in_force(id: &str, areas: &[&str], object: ObjectHash) -> InForce {
    let path = |id: &str| AreaPath::new(vec![AreaId::new(id).unwrap()]).unwrap();
    let area = |id: &&str| AlertArea { id: AreaId::new(*id).unwrap(), path: path(id) };
    let id = BulletinId::new(id).unwrap();
    let alert = Alert {
        id: id.clone(),
        path: path(areas[0]),
        areas: areas.iter().map(area).collect(),
        template: None,
        status: Status::Exercise,
        severity: Severity::Severe,
        repeats: Some(Repeats { rounds: 2, gap_ms: 1_000 }),
        expires: NOW + 3_600_000,
        reached: Reached::default(),
        approvers_needed: 1,
        corrects: BulletinId::new("before").ok(),
        form_digest: String::new(),
        created: Stamp { at: NOW - 60_000, by: "operator".to_owned() },
        approvals: Vec::new(),
        released: Some(NOW),
        returned: None,
        cancelled: None,
    };
    let source = TrackSource::Speech { text: "Lũ".to_owned(), voice: None, words_per_minute: None };
    let revision = Revision {
        bulletin: id,
        number: 1,
        state: RevisionState::Approved,
        title: "Lũ quét".to_owned(),
        text: "Lũ".to_owned(),
        category: Category::DisasterPrevention,
        class: Class::Emergency,
        tracks: vec![Track {
            id: TrackId::fresh(),
            content: TrackContent { language: Language::vietnamese(), source },
            object: Some(object),
            making: Making::Done,
            spoken: None,
        }],
        authors: Vec::new(),
        created: NOW,
        edited: NOW,
        submitted: None,
        decided: None,
        decision_note: None,
    };
    InForce { alert, revision }
}

fn zones(ids: &[&str]) -> BTreeMap<AreaId, Tz> {
    ids.iter().map(|id| (AreaId::new(*id).unwrap(), Tz::Asia__Ho_Chi_Minh)).collect()
}

#[test]
fn each_area_gets_its_own_document_with_small_sounds_inline() {
    let (small, large) = (sound(20_000, 8_000), sound(150_000, 60_000));
    let alerts = [in_force("b2", &["xa-a", "xa-b"], small.0), in_force("b1", &["xa-a"], large.0)];
    let sounds = BTreeMap::from([small.clone(), large.clone()]);
    let (compiled, left_out) = compile(&alerts, &sounds, &zones(&["xa-a", "xa-b", "xa-c"]));
    assert_eq!(left_out, []);
    let [a, b, c] = &compiled[..] else { panic!("{compiled:?}") };
    assert!(compiled.iter().all(|one| one.document.check().is_ok()));
    let ids = |one: &Compiled| one.carries.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        (ids(a), ids(b), ids(c)),
        (vec!["b2".to_owned(), "b1".to_owned()], vec!["b2".to_owned()], vec![])
    );
    assert_eq!(
        a.document.inline.iter().map(|i| i.object).collect::<Vec<_>>(),
        [small.0],
        "the large one is fetched"
    );
    assert_eq!((a.document.program.objects.len(), c.expires), (2, None));
    let item = &b.document.program.items[0];
    assert_eq!((item.status, item.rules.severity), (Status::Exercise, Severity::Severe));
    assert_eq!(item.rules.updates, [BulletinId::new("before").unwrap()]);
    let loa_protocol::timeline::Start::At(start) = item.start else { panic!() };
    assert!(start < NOW && start + i64::from(item.start_within_ms) == NOW + 3_600_000);
}

#[test]
fn two_small_sounds_that_do_not_fit_together_are_inline_as_far_as_there_is_room() {
    let (first, second) = (sound(100_000, 8_000), sound(100_001, 8_000));
    let small = sound(20_000, 8_000);
    let sounds = BTreeMap::from([first.clone(), second.clone(), small.clone()]);
    let inline = |statuses: [Status; 3]| -> BTreeSet<ObjectHash> {
        let ids = [("b1", first.0), ("b2", second.0), ("b3", small.0)];
        let mut alerts = ids.map(|(id, object)| in_force(id, &["xa"], object));
        for (n, (one, status)) in (0..).zip(alerts.iter_mut().zip(statuses)) {
            (one.alert.released, one.alert.status) = (Some(NOW + n), status);
        }
        let (compiled, _) = compile(&alerts, &sounds, &zones(&["xa"]));
        assert_eq!((compiled[0].document.check(), compiled[0].document.program.objects.len()), (Ok(()), 3));
        compiled[0].document.inline.iter().map(|inline| inline.object).collect()
    };
    let [actual, exercise] = [Status::Actual, Status::Exercise];
    for (statuses, large) in [
        ([actual, actual, actual], second.0),
        ([exercise, exercise, exercise], second.0),
        ([actual, exercise, exercise], first.0),
        ([actual, Status::Test, actual], first.0),
    ] {
        let expected = BTreeSet::from([large, small.0]);
        assert_eq!(inline(statuses), expected, "released last, but what is real first: {statuses:?}");
    }
}

#[test]
fn what_takes_the_place_of_a_document_lasts_as_long() {
    let last = |expires| AlertDocument {
        area: AreaId::new("xa").unwrap(),
        epoch: 5,
        digest: [0; 16],
        content_digest: [1; 32],
        envelope: Vec::new(),
        expires,
        updated: NOW,
    };
    let (half_an_hour, long, longest) = (NOW + 1_800_000, NOW + 20 * 3_600_000, NOW + VALID_MAX_S * 1_000);
    for (expires, last, seen, expected) in [
        // An alarm of twenty hours is corrected for half an hour, or cancelled.
        (Some(half_an_hour), Some(last(long)), 0, long),
        (None, Some(last(long)), 0, long),
        (Some(long), Some(last(half_an_hour)), 0, long),
        (Some(half_an_hour), Some(last(NOW - 1)), 0, half_an_hour),
        (Some(half_an_hour), None, 0, half_an_hour),
        // The database was restored: nobody knows how long what nodes hold is valid.
        (Some(half_an_hour), Some(last(long)), 6, longest),
        (Some(half_an_hour), None, 6, longest),
        (Some(half_an_hour), Some(last(long)), 5, long),
    ] {
        assert_eq!(lasts_until(expires, last.as_ref(), seen, NOW), expected, "{expires:?} {last:?} {seen}");
    }
}

#[test]
fn what_cannot_be_sent_leaves_the_others_be() {
    let (good, long) = (sound(1_000, 8_000), sound(2_000, 400_000));
    let mut alerts: Vec<InForce> =
        vec![in_force("long", &["xa"], long.0), in_force("gone", &["xa"], ObjectHash([7; 32]))];
    alerts.extend((0..17).map(|i| in_force(&format!("b{i:02}"), &["xa"], good.0)));
    let (compiled, left_out) = compile(&alerts, &BTreeMap::from([good, long]), &zones(&["xa"]));
    assert_eq!(compiled[0].carries.len(), 16);
    let why: Vec<_> = left_out.iter().map(|out| (out.alert.as_str(), &out.why)).collect();
    assert!(matches!(why[0], ("long", WhyLeftOut::Refused(_))), "{why:?}");
    assert!(matches!(why[1..], [("gone", WhyLeftOut::NoSound), ("b16", WhyLeftOut::TooMany)]), "{why:?}");
}

#[test]
fn a_document_is_signed_when_its_content_changes_and_while_somebody_can_obey_it() {
    let last = |epoch, content: u8, expires| AlertDocument {
        area: AreaId::new("xa").unwrap(),
        epoch,
        digest: [0; 16],
        content_digest: [content; 32],
        envelope: Vec::new(),
        expires,
        updated: NOW,
    };
    let clock = u64::try_from(NOW.0).unwrap();
    let later = NOW + 60_000;
    assert_eq!(next_epoch([1; 32], false, None, 0, NOW), Some(clock));
    assert_eq!(next_epoch([0; 32], true, None, 0, NOW), None, "nothing was ever said there");
    assert_eq!(next_epoch([1; 32], false, Some(&last(5, 1, later)), 0, NOW), None);
    assert_eq!(next_epoch([2; 32], false, Some(&last(clock + 3, 1, later)), 0, NOW), Some(clock + 4));
    assert_eq!(next_epoch([0; 32], true, Some(&last(5, 1, later)), 0, NOW), Some(clock), "taken back");
    assert_eq!(next_epoch([0; 32], true, Some(&last(5, 1, NOW)), 0, NOW), None, "over by itself");
    assert_eq!(next_epoch([0; 32], true, None, clock + 9, NOW), Some(clock + 10), "restored from a backup");
    assert_eq!(next_epoch([1; 32], false, Some(&last(5, 1, later)), clock + 9, NOW), Some(clock + 10));
}

#[test]
fn where_too_many_are_in_force_the_real_and_the_latest_are_kept() {
    let good = sound(1_000, 8_000);
    let of = |id: String, status: Status, released: UnixMs| {
        let mut one = in_force(&id, &["xa"], good.0);
        (one.alert.status, one.alert.released) = (status, Some(released));
        one
    };
    let exercises = (0..16).map(|i| of(format!("e{i:02}"), Status::Exercise, NOW + i));
    let alerts: Vec<InForce> =
        exercises.chain([of("real".to_owned(), Status::Actual, NOW - 60_000)]).collect();
    let (compiled, left_out) = compile(&alerts, &BTreeMap::from([good]), &zones(&["xa"]));
    assert!(compiled[0].carries.contains(&BulletinId::new("real").unwrap()));
    let left: Vec<_> = left_out.iter().map(|out| out.alert.as_str()).collect();
    assert_eq!(left, ["e00"], "the oldest of what is not meant");
}

#[test]
fn staff_are_told_what_is_left_out_and_in_how_many_areas() {
    let out = |area: &str, alert: &str, why| LeftOut {
        area: AreaId::new(area).unwrap(),
        alert: BulletinId::new(alert).unwrap(),
        why,
    };
    let left_out = [
        out("xa-a", "b1", WhyLeftOut::TooMany),
        out("xa-b", "b1", WhyLeftOut::TooMany),
        out("xa-a", "b2", WhyLeftOut::NoSound),
        out("xa-b", "b2", WhyLeftOut::TooMany),
    ];
    let expected = [("b1", AlertProblem::TooMany { areas: 2 }), ("b2", AlertProblem::SoundMissing)];
    let expected = expected.map(|(id, problem)| (BulletinId::new(id).unwrap(), problem));
    assert_eq!(problems(&left_out), BTreeMap::from(expected));
}

#[test]
fn a_pass_that_failed_is_tried_again_at_once() {
    let failed = Err(DispatchError::Store(StoreError::Reference));
    assert_eq!((wait_after(&Ok(())), wait_after(&failed)), (PERIOD, Duration::from_secs(2)));
}

#[tokio::test]
async fn a_sound_that_cannot_be_read_holds_up_no_other() {
    let story = Story::new().await;
    let (store, blobs) = (story.services.store().clone(), story.services.objects().clone());
    let manifests = Manifests::new(store.clone(), blobs.clone());
    let mut alerts = Vec::new();
    for (id, bytes) in [("b1", &b"gone"[..]), ("b2", b"changed"), ("b3", b"unreadable"), ("b4", b"good")] {
        let hash = blobs.put(bytes).await.unwrap();
        let object = AudioObject {
            hash,
            size_bytes: bytes.len() as u64,
            duration_ms: 1_500,
            codec: objects::OGG_OPUS.to_owned(),
            loudness_lufs: None,
            true_peak_dbtp: None,
            created: NOW,
        };
        let mut tx = store.write().await.unwrap();
        objects::insert(&mut tx, &object).await.unwrap();
        tx.commit().await.unwrap();
        alerts.push(in_force(id, &["xa"], hash));
    }
    let hashes: Vec<ObjectHash> = alerts.iter().filter_map(|one| one.revision.tracks[0].object).collect();
    let all = super::sounds(&manifests, &blobs, &alerts).await.unwrap();
    assert!(hashes.iter().all(|hash| all[hash].bytes.is_some()));
    std::fs::remove_file(blobs.path(&hashes[0])).unwrap();
    std::fs::write(blobs.path(&hashes[1]), b"CHANGED").unwrap();
    std::fs::remove_file(blobs.path(&hashes[2])).unwrap();
    std::fs::create_dir(blobs.path(&hashes[2])).unwrap();
    let left = super::sounds(&manifests, &blobs, &alerts).await.unwrap();
    let inline: Vec<bool> = hashes.iter().map(|hash| left[hash].bytes.is_some()).collect();
    assert_eq!(inline, [false, false, false, true], "nodes may have the others already");
}
