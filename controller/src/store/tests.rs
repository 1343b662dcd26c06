//! What holds on both databases; see [`super::testing`].

mod postgres;
mod sqlite;

use loa_protocol::bulletin::{Category, Class, Language};
use loa_protocol::ids::{AreaId, BootId, NodeId, ObjectHash};
use loa_protocol::report::{ClockTrust, Event, EventKind, Health, Presence, State, StorageState};
use loa_protocol::time::UnixMs;

use super::objects::AudioObject;
use super::plans::{PlanAudience, PlanHead, PlanRecord};
use super::query::query;
use super::speech_jobs::RunningJob;
use super::{
    Said, Store, StoreError, areas, bulletins, node_events, nodes, objects, plans, presence, reports,
    speech_jobs, testing,
};
use crate::domain::area::{Area, child_path};
use crate::domain::bulletin::{Content, Making, TrackContent, TrackSource};
use crate::domain::ids::{TrackId, fresh_bulletin_id};
use crate::domain::node::{LineClass, NodeValues};

const NOW: UnixMs = UnixMs(1_000_000);

/// What goes when the test ends.
type Kept = (Option<loa_test_postgres::Database<'static>>, tempfile::TempDir);

async fn store() -> (Store, Kept) {
    let folder = tempfile::tempdir().unwrap();
    let (store, database) = testing::store(folder.path()).await;
    (store, (database, folder))
}

fn node_id() -> NodeId {
    NodeId::new("cum").unwrap()
}

async fn with_node() -> (Store, Kept) {
    let (store, kept) = store().await;
    let id = AreaId::new("xa").unwrap();
    let area = Area {
        id: id.clone(),
        path: child_path(None, id.clone()).unwrap(),
        name: "Xã".to_owned(),
        level: "xã".to_owned(),
        languages: Vec::new(),
        zone: None,
    };
    let values =
        NodeValues { name: "Cụm".to_owned(), serial: None, volume_percent: 80, line: LineClass::Thin };
    let mut tx = store.write().await.unwrap();
    areas::insert(&mut tx, &area, NOW).await.unwrap();
    nodes::insert(&mut tx, &node_id(), &id, &values, NOW).await.unwrap();
    tx.commit().await.unwrap();
    (store, kept)
}

#[tokio::test]
async fn what_a_row_names_must_exist() {
    let (store, _kept) = store().await;
    let orphan =
        NodeValues { name: "x".to_owned(), serial: None, volume_percent: 1, line: LineClass::Unknown };
    let nowhere = AreaId::new("nowhere").unwrap();
    let mut tx = store.write().await.unwrap();
    let refused = nodes::insert(&mut tx, &node_id(), &nowhere, &orphan, NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::Reference), "{refused:?}");
}

#[tokio::test]
async fn what_is_not_committed_never_was() {
    let (store, _kept) = with_node().await;
    let mut tx = store.write().await.unwrap();
    nodes::set_revoked(&mut tx, &node_id(), NOW).await.unwrap();
    drop(tx);
    let (node, _) = nodes::get(&mut store.read().await.unwrap(), &node_id()).await.unwrap().unwrap();
    assert_eq!(node.state, crate::domain::node::NodeState::Pending);
}

#[tokio::test]
async fn readers_do_not_wait_for_the_writer_and_cannot_write() {
    let (store, _kept) = with_node().await;
    let mut writing = store.write().await.unwrap();
    nodes::set_revoked(&mut writing, &node_id(), NOW).await.unwrap();
    let mut reading = store.read().await.unwrap();
    assert!(nodes::get(&mut reading, &node_id()).await.unwrap().is_some());
    let refused = nodes::set_revoked(&mut reading, &node_id(), NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::Query(_)), "{refused:?}");
    writing.commit().await.unwrap();
}

#[tokio::test]
async fn the_audit_log_is_neither_changed_nor_shortened() {
    let (store, _kept) = store().await;
    let mut tx = store.write().await.unwrap();
    let insert = "INSERT INTO audit (at_ms, actor_name, action, subject_id) VALUES (1, 'a', 'b.c', 'd')";
    query(insert).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    for sql in ["UPDATE audit SET actor_name = 'x'", "DELETE FROM audit"] {
        let mut tx = store.write().await.unwrap();
        let refused = query(sql).execute(&mut tx).await.unwrap_err().to_string();
        assert!(refused.contains("audit log"), "{refused}");
    }
}

#[tokio::test]
async fn a_death_of_an_older_connection_is_ignored() {
    let (store, _kept) = with_node().await;
    let mut tx = store.write().await.unwrap();
    let mut counted = Vec::new();
    for (boot, connection, online) in [
        (1, 1, true),
        (1, 2, true),
        (1, 1, false), // the will of the first connection, late
        (1, 2, false),
        (2, 1, true),
        (1, 3, false), // of an earlier boot
        (1, 2, true),  // a board with two boots at once is seen, not hidden
    ] {
        let word = Presence { boot: BootId([boot; 8]), connection, online };
        let said = Said { node: &node_id(), at: NOW, word: &word };
        counted.push(presence::put(&mut tx, &[said]).await.unwrap() == 1);
    }
    assert_eq!(counted, [true, true, false, true, true, false, true]);
    presence::set_all_offline(&mut tx, NOW).await.unwrap();
    let (_, status) = nodes::get(&mut tx, &node_id()).await.unwrap().unwrap();
    assert!(!status.online);
}

#[tokio::test]
async fn epochs_only_rise() {
    let (store, _kept) = store().await;
    let mut tx = store.write().await.unwrap();
    let audience = PlanAudience::Area(AreaId::new("xa").unwrap());
    let plan = |epoch: u64| PlanRecord {
        audience: audience.clone(),
        epoch,
        digest: [1; 16],
        content_digest: [2; 32],
        envelope: vec![3],
        expires: NOW,
        updated: NOW,
    };
    let mut kept = Vec::new();
    for epoch in [5, 5, 4, 6] {
        kept.push(plans::put(&mut tx, &plan(epoch)).await.unwrap());
    }
    assert_eq!(kept, [true, false, false, true]);
    assert_eq!(plans::get(&mut tx, &audience).await.unwrap(), Some(plan(6)));
    assert_eq!(plans::heads(&mut tx).await.unwrap(), [PlanHead::of(&plan(6))]);
    let asked = [audience.clone(), PlanAudience::Keys];
    assert_eq!(plans::of(&mut tx, &asked).await.unwrap(), [plan(6)]);
}

#[tokio::test]
async fn the_last_word_of_a_node_and_its_last_health_reports_are_kept() {
    let (store, _kept) = with_node().await;
    let mut tx = store.write().await.unwrap();
    let health = |uptime_s: u64| Health {
        measured: NOW,
        uptime_s,
        temperature_decidegrees: Some(412),
        supply_mv: None,
        memory_bytes: None,
        disk_free_bytes: None,
        receipts_waiting: 0,
        refused: 0,
        clock: ClockTrust::Trusted,
        speaker_works: None,
        clock_source: None,
        clock_error_ms: None,
        clock_ahead_ms: None,
        audio_bytes: None,
        audio_wasted_bytes: None,
    };
    let reports_made = u64::from(reports::HEALTH_KEPT) + 3;
    for i in 0..reports_made {
        let at = NOW + i64::try_from(i).unwrap();
        let said = Said { node: &node_id(), at, word: &health(i) };
        reports::put_healths(&mut tx, &[said]).await.unwrap();
    }
    let kept = reports::health(&mut tx, &node_id()).await.unwrap();
    assert_eq!(kept.len(), usize::try_from(reports::HEALTH_KEPT).unwrap());
    assert_eq!(kept[0].0, health(reports_made - 1));

    let state = State {
        boot: BootId([1; 8]),
        firmware: "0.1.0".to_owned(),
        keys: None,
        desired: None,
        plans: Vec::new(),
        objects_ready: 4,
        fetching: Vec::new(),
        clock: ClockTrust::Holdover,
        storage: StorageState::Good,
        volume_percent: None,
        orders: Vec::new(),
        own_guards: None,
        alerts: Vec::new(),
    };
    let said = Said { node: &node_id(), at: NOW + 5_000, word: &state };
    reports::put_states(&mut tx, &[said]).await.unwrap();
    assert_eq!(reports::state(&mut tx, &node_id()).await.unwrap(), Some((state, NOW + 5_000)));
    let (_, status) = nodes::get(&mut tx, &node_id()).await.unwrap().unwrap();
    assert_eq!(
        (status.clock.as_deref(), status.objects_ready, status.seen),
        (Some("holdover"), Some(4), Some(NOW + 5_000))
    );
}

/// Tracks `t1`, `t2`, ... of one draft, in line with the urgencies given.
async fn with_jobs(urgencies: &[u8]) -> (Store, Kept, Vec<TrackId>) {
    let (store, kept) = with_node().await;
    let bulletin = fresh_bulletin_id();
    let content = Content {
        title: "Tin".to_owned(),
        text: "Tin".to_owned(),
        category: Category::General,
        class: Class::Normal,
        tracks: Vec::new(),
    };
    let mut tx = store.write().await.unwrap();
    bulletins::insert(&mut tx, &bulletin, &AreaId::new("xa").unwrap(), NOW).await.unwrap();
    bulletins::insert_revision(&mut tx, &bulletin, 1, &content, NOW).await.unwrap();
    let mut tracks = Vec::new();
    for (i, urgency) in urgencies.iter().enumerate() {
        let id: TrackId = format!("t{}", i + 1).parse().unwrap();
        let source = TrackSource::Speech { text: "Tin".to_owned(), voice: None, words_per_minute: Some(120) };
        let language = Language::new(["vi", "en", "kpm"][i]).unwrap();
        let content = TrackContent { language, source };
        super::tracks::insert(&mut tx, (&bulletin, 1), i, &id, &content, None).await.unwrap();
        let at = NOW + i64::try_from(i).unwrap();
        speech_jobs::enqueue(&mut tx, &id, *urgency, at).await.unwrap();
        tracks.push(id);
    }
    tx.commit().await.unwrap();
    (store, kept, tracks)
}

#[tokio::test]
async fn urgent_jobs_go_first_and_those_that_ran_go_back_in_line() {
    let (store, _kept, tracks) = with_jobs(&[0, 2, 0]).await;
    let mut tx = store.write().await.unwrap();
    let mut taken = Vec::new();
    while let Some(job) = speech_jobs::claim(&mut tx, NOW).await.unwrap() {
        taken.push((job.track.id, job.attempts));
    }
    let order = [&tracks[1], &tracks[0], &tracks[2]];
    assert_eq!(taken, order.map(|t| (t.clone(), 1)));
    speech_jobs::set_progress(&mut tx, &tracks[0], 40, NOW).await.unwrap();
    let running = super::tracks::get(&mut tx, &tracks[0]).await.unwrap().unwrap();
    assert_eq!(running.making, Making::Running { percent: 40 });

    let running = speech_jobs::running(&mut tx).await.unwrap();
    assert_eq!(
        running,
        tracks.iter().cloned().map(|track| RunningJob { track, attempts: 1 }).collect::<Vec<_>>()
    );
    for track in &tracks {
        let wait_ms = if *track == tracks[1] { 1_000 } else { 0 };
        speech_jobs::requeue(&mut tx, track, NOW + wait_ms, NOW).await.unwrap();
    }
    let again = speech_jobs::claim(&mut tx, NOW + 999).await.unwrap().unwrap();
    assert_eq!((again.track.id, again.attempts), (tracks[0].clone(), 2), "the urgent one has to wait");
    let again = speech_jobs::claim(&mut tx, NOW + 1_000).await.unwrap().unwrap();
    assert_eq!((again.track.id, again.attempts), (tracks[1].clone(), 2));
    speech_jobs::enqueue(&mut tx, &tracks[1], 2, NOW).await.unwrap();
    let afresh = speech_jobs::claim(&mut tx, NOW).await.unwrap().unwrap();
    assert_eq!((afresh.track.id, afresh.attempts), (tracks[1].clone(), 1), "tried again by its author");
}

#[tokio::test]
async fn a_finished_sound_is_never_exchanged_and_a_recipe_finds_it_again() {
    let (store, _kept, tracks) = with_jobs(&[0]).await;
    let mut tx = store.write().await.unwrap();
    let object = |bytes: &[u8]| AudioObject {
        hash: ObjectHash::of(bytes),
        size_bytes: bytes.len() as u64,
        duration_ms: 1,
        codec: objects::OGG_OPUS.to_owned(),
        loudness_lufs: None,
        true_peak_dbtp: Some(-1.5),
        created: NOW,
    };
    let (first, other) = (object(b"one"), object(b"two"));
    let unknown = speech_jobs::finish(&mut tx, &tracks[0], &first.hash, NOW).await.unwrap_err();
    assert!(matches!(unknown, StoreError::Reference), "{unknown:?}");
    drop(tx);
    let mut tx = store.write().await.unwrap();
    for object in [&first, &first, &other] {
        objects::insert(&mut tx, object).await.unwrap();
    }
    assert_eq!(objects::get(&mut tx, &first.hash).await.unwrap(), Some(first.clone()));
    let mut kept = Vec::new();
    for hash in [first.hash, first.hash, other.hash] {
        kept.push(speech_jobs::finish(&mut tx, &tracks[0], &hash, NOW).await.unwrap());
    }
    assert_eq!(kept, [true, true, false]);
    let track = super::tracks::get(&mut tx, &tracks[0]).await.unwrap().unwrap();
    assert_eq!((track.object, track.making), (Some(first.hash), Making::Done));

    assert_eq!(objects::by_recipe(&mut tx, "r").await.unwrap(), None);
    objects::put_recipe(&mut tx, "r", &first.hash, NOW).await.unwrap();
    objects::put_recipe(&mut tx, "r", &other.hash, NOW).await.unwrap();
    assert_eq!(objects::by_recipe(&mut tx, "r").await.unwrap(), Some(other.hash));
    assert_eq!(objects::areas_using(&mut tx, &first.hash).await.unwrap().len(), 1);
    assert_eq!(objects::areas_using(&mut tx, &other.hash).await.unwrap(), []);
}

#[tokio::test]
async fn what_a_node_refused_is_kept_once_and_the_oldest_is_forgotten() {
    let (store, _kept) = with_node().await;
    let mut tx = store.write().await.unwrap();
    let refused = |number: u32| Event {
        at: NOW,
        kind: EventKind::BlockRefused { object: ObjectHash::of(b"sound"), index: number },
    };
    for number in 0..node_events::EVENTS_KEPT + 3 {
        // Delivered twice, as a broker may.
        for _ in 0..2 {
            let at = NOW + i64::from(number);
            let said = Said { node: &node_id(), at, word: &refused(number) };
            node_events::insert(&mut tx, &[said]).await.unwrap();
        }
    }
    let kept = node_events::list(&mut tx, &node_id()).await.unwrap();
    assert_eq!(kept.len(), usize::try_from(node_events::EVENTS_KEPT).unwrap());
    assert_eq!(kept[0].0, refused(node_events::EVENTS_KEPT + 2));
    assert_eq!(kept.last().unwrap().0, refused(3));
}
