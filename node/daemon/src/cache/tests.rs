use std::collections::BTreeSet;

use loa_node_core::StoreEvent;
use loa_protocol::transfer::Codec;
use tokio::sync::oneshot;

use super::worker::{EVENTS, Job, Jobs, QUEUE, start};
use super::*;

/// Three blocks of 4 KiB, the last one short.
fn object(seed: u8) -> (Vec<u8>, Manifest) {
    let bytes: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8 ^ seed).collect();
    let manifest = Manifest::of(&bytes, 4096, Codec::OggOpus, 1).unwrap();
    (bytes, manifest)
}

fn store(cache: &mut Cache, bytes: &[u8], manifest: &Manifest, index: u32) {
    let (offset, length) = manifest.block_range(index).unwrap();
    let block = &bytes[offset as usize..][..length as usize];
    cache.store_block(&manifest.object, offset, block).unwrap();
}

/// What a power cut at this instant leaves: a copy of the folder, opened anew.
fn after_power_cut(folder: &Path) -> (tempfile::TempDir, Cache, Found) {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join(FOLDER_NAME)).unwrap();
    for entry in fs::read_dir(folder.join(FOLDER_NAME)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(FOLDER_NAME).join(entry.file_name())).unwrap();
    }
    let (cache, found) = Cache::open(copy.path(), 0).unwrap();
    (copy, cache, found)
}

fn blocks(found: &Found) -> Vec<u32> {
    found.partial.iter().flat_map(|p| p.have.iter().collect::<Vec<_>>()).collect()
}

fn files(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder.join(FOLDER_NAME)).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_cut_between_any_two_writes_loses_no_block_that_was_written_and_believes_none_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cache, found) = Cache::open(folder.path(), 0).unwrap();
    assert_eq!(found, Found::default());
    let (bytes, manifest) = object(0);

    cache.begin(&manifest).unwrap();
    let (_copy, _, found) = after_power_cut(folder.path());
    assert_eq!(found.partial.len(), 1);
    assert_eq!((blocks(&found), &found.partial[0].manifest), (vec![], &manifest));

    let mut written = Vec::new();
    for index in [2, 0] {
        store(&mut cache, &bytes, &manifest, index);
        written.push(index);
        written.sort_unstable();
        let (_copy, _, found) = after_power_cut(folder.path());
        assert_eq!(blocks(&found), written);
    }

    // The node that comes back asks for block 1 alone, and finishes.
    let (copy, mut back, _) = after_power_cut(folder.path());
    store(&mut back, &bytes, &manifest, 1);
    let (_copy, _, found) = after_power_cut(copy.path());
    assert_eq!(blocks(&found), [0, 1, 2], "all blocks there, not finished yet");
    assert!(back.finish(&manifest.object).unwrap());
    assert_eq!(files(copy.path()), BTreeSet::from([manifest.object.to_string()]));
    assert_eq!(fs::read(back.path(&manifest.object)).unwrap(), bytes);
    let (_copy, _, found) = after_power_cut(copy.path());
    assert_eq!((found.whole.len(), found.partial.len(), found.bytes()), (1, 0, 10_000));
}

#[test]
fn the_states_between_the_files_of_one_step_are_put_in_order() {
    let (bytes, manifest) = object(0);
    let name = manifest.object.to_string();
    let at = |folder: &Path, ending: &str| folder.join(FOLDER_NAME).join(format!("{name}{ending}"));
    let begun = || {
        let folder = tempfile::tempdir().unwrap();
        let (mut cache, _) = Cache::open(folder.path(), 0).unwrap();
        cache.begin(&manifest).unwrap();
        store(&mut cache, &bytes, &manifest, 1);
        folder
    };
    let look = |folder: &Path| {
        let (_, found) = Cache::open(folder, 0).unwrap();
        (found.whole.len(), blocks(&found), files(folder).len())
    };

    let folder = begun();
    fs::remove_file(at(folder.path(), ".part")).unwrap();
    assert_eq!(look(folder.path()), (0, vec![], 0), "manifest written, partial file not yet");

    let folder = begun();
    fs::rename(at(folder.path(), ".manifest"), at(folder.path(), ".manifest.new")).unwrap();
    assert_eq!(look(folder.path()), (0, vec![], 0), "manifest not yet renamed");

    let folder = begun();
    fs::write(at(folder.path(), ".part"), &bytes).unwrap();
    fs::rename(at(folder.path(), ".part"), at(folder.path(), "")).unwrap();
    assert_eq!(look(folder.path()), (1, vec![], 1), "renamed, manifest not yet removed");

    let folder = begun();
    File::options().write(true).open(at(folder.path(), ".part")).unwrap().set_len(6_000).unwrap();
    assert_eq!(look(folder.path()), (0, vec![], 2), "the partial file lost its end, and block 1 with it");

    let folder = begun();
    let mut rotten = fs::read(at(folder.path(), ".manifest")).unwrap();
    rotten[40] ^= 1;
    fs::write(at(folder.path(), ".manifest"), rotten).unwrap();
    assert_eq!(look(folder.path()), (0, vec![], 0), "the manifest rotted");

    let folder = begun();
    fs::write(at(folder.path(), ""), b"").unwrap();
    fs::write(folder.path().join(FOLDER_NAME).join("README"), b"x").unwrap();
    assert_eq!(
        look(folder.path()),
        (0, vec![1], 3),
        "an empty file is no object; a stranger's is left alone"
    );
}

#[test]
fn a_wrong_whole_hash_is_found_at_the_end_and_nothing_of_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cache, _) = Cache::open(folder.path(), 0).unwrap();
    let (bytes, manifest) = object(0);
    cache.begin(&manifest).unwrap();
    store(&mut cache, &bytes, &manifest, 0);
    assert!(!cache.finish(&manifest.object).unwrap());
    assert_eq!(files(folder.path()).len(), 0);
    assert!(matches!(cache.finish(&manifest.object), Err(CacheError::NotBegun(_))));
    assert!(matches!(cache.store_block(&manifest.object, 0, &[1]), Err(CacheError::NotBegun(_))));
}

#[test]
fn an_object_without_room_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cache, _) = Cache::open(folder.path(), u64::MAX / 2).unwrap();
    let error = cache.begin(&object(0).1).unwrap_err();
    assert!(error.is_full(), "{error}");
    assert_eq!(files(folder.path()).len(), 0);
    let disk_full =
        FileError { what: "write", path: PathBuf::new(), source: rustix::io::Errno::NOSPC.into() };
    assert!(CacheError::from(disk_full).is_full());
}

#[test]
fn use_is_remembered_over_a_boot() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cache, _) = Cache::open(folder.path(), 0).unwrap();
    let (bytes, manifest) = object(0);
    cache.begin(&manifest).unwrap();
    (0..3).for_each(|index| store(&mut cache, &bytes, &manifest, index));
    cache.finish(&manifest.object).unwrap();
    cache.touch(&manifest.object, UnixMs(1_700_000_000_123)).unwrap();
    let (_, found) = Cache::open(folder.path(), 0).unwrap();
    assert_eq!(found.whole[0].last_used, UnixMs(1_700_000_000_123));
}

/// A cache with one whole object in it.
fn with_whole(folder: &Path) -> (Cache, ObjectHash) {
    let (bytes, manifest) = object(0);
    let (mut cache, _) = Cache::open(folder, 0).unwrap();
    cache.begin(&manifest).unwrap();
    (0..3).for_each(|index| store(&mut cache, &bytes, &manifest, index));
    cache.finish(&manifest.object).unwrap();
    (cache, manifest.object)
}

fn send(jobs: &Jobs, job: Job) {
    jobs.queue_of(&job).blocking_send(job).unwrap();
}

fn first_block(object: ObjectHash, bytes: &[u8]) -> Job {
    Job::StoreBlock { object, index: 0, offset_bytes: 0, bytes: bytes[..4096].to_vec() }
}

#[tokio::test]
async fn a_sound_that_is_due_does_not_wait_for_a_download() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cache, due) = with_whole(folder.path());
    let (bytes, manifest) = object(1);
    cache.begin(&manifest).unwrap();
    let path = cache.path(&due);
    let (jobs, mut events, thread) = start(cache, BTreeSet::new()).unwrap();
    // Each block is told of: beyond what the events hold, the thread stands, and the rest waits in the queue.
    for _ in 0..EVENTS + QUEUE {
        let job = first_block(manifest.object, &bytes);
        jobs.queue_of(&job).send(job).await.unwrap();
    }
    let (answer, asked) = oneshot::channel();
    let job = Job::ForPlaying { object: due, now: UnixMs(1), path: answer };
    jobs.queue_of(&job).send(job).await.unwrap();
    // Room for the one that the thread holds, and no more.
    assert_eq!(events.recv().await, Some(StoreEvent::BlockStored { object: manifest.object, index: 0 }));
    let answered = tokio::time::timeout(Duration::from_secs(30), asked).await;
    assert_eq!(answered.expect("it waited behind the download").unwrap(), Some(path));
    drop(jobs);
    let mut stored = 1;
    while events.recv().await.is_some() {
        stored += 1;
    }
    assert_eq!(stored, EVENTS + QUEUE, "and no block of the download is lost");
    thread.join().unwrap();
}

#[test]
fn an_object_that_rotted_is_found_while_idle() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, object) = with_whole(folder.path());
    let path = cache.path(&object);
    let mut bytes = fs::read(&path).unwrap();
    bytes[5_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (jobs, mut events, thread) = start(cache, BTreeSet::from([object])).unwrap();
    assert_eq!(events.blocking_recv(), Some(StoreEvent::ObjectCorrupt { object }));
    assert!(!path.exists());
    drop(jobs);
    thread.join().unwrap();
}

#[test]
fn an_object_that_rotted_is_found_before_it_plays() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, object) = with_whole(folder.path());
    let path = cache.path(&object);
    let (jobs, mut events, thread) = start(cache, BTreeSet::new()).unwrap();
    let ask = || {
        let (answer, path) = oneshot::channel();
        send(&jobs, Job::ForPlaying { object, now: UnixMs(1), path: answer });
        path.blocking_recv().unwrap()
    };
    assert_eq!(ask(), Some(path.clone()));
    fs::write(&path, b"rotten").unwrap();
    send(&jobs, Job::Suspect(object));
    assert_eq!(ask(), None);
    assert_eq!(events.blocking_recv(), Some(StoreEvent::ObjectCorrupt { object }));
    drop(jobs);
    thread.join().unwrap();
}

#[test]
fn a_full_disk_is_an_event_and_room_made_later_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, _) = Cache::open(folder.path(), u64::MAX / 2).unwrap();
    let (bytes, manifest) = object(0);
    let object = manifest.object;
    let (jobs, mut events, thread) = start(cache, BTreeSet::new()).unwrap();
    send(&jobs, Job::Begin(std::sync::Arc::new(manifest)));
    assert_eq!(events.blocking_recv(), Some(StoreEvent::Full { object }));
    send(&jobs, first_block(object, &bytes));
    drop(jobs);
    thread.join().unwrap();
    assert_eq!(events.blocking_recv(), None, "what went wrong is told once");

    let (cache, _) = Cache::open(folder.path(), 0).unwrap();
    let (_, manifest) = self::object(0);
    let (jobs, mut events, thread) = start(cache, BTreeSet::new()).unwrap();
    send(&jobs, Job::Begin(std::sync::Arc::new(manifest)));
    send(&jobs, first_block(object, &bytes));
    assert_eq!(events.blocking_recv(), Some(StoreEvent::BlockStored { object, index: 0 }));
    drop(jobs);
    thread.join().unwrap();
}

#[test]
fn an_object_that_is_gone_is_not_played_and_told_of_once() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, object) = with_whole(folder.path());
    fs::remove_file(cache.path(&object)).unwrap();
    let (jobs, mut events, thread) = start(cache, BTreeSet::from([object])).unwrap();
    for _ in 0..2 {
        let (answer, path) = oneshot::channel();
        send(&jobs, Job::ForPlaying { object, now: UnixMs(1), path: answer });
        assert_eq!(path.blocking_recv().unwrap(), None);
    }
    drop(jobs);
    thread.join().unwrap();
    assert_eq!(events.blocking_recv(), Some(StoreEvent::ObjectCorrupt { object }));
    assert_eq!(events.blocking_recv(), None);
}

#[test]
fn a_file_that_cannot_be_read_costs_its_object_and_not_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, whole) = with_whole(folder.path());
    // A folder in a file's place: opening and reading it fail, as a bad spot on the card makes them fail, for root too.
    let unreadable = |object: &ObjectHash, ending: &str| {
        fs::create_dir(cache.folder.join(format!("{object}{ending}"))).unwrap();
    };
    let manifest_of = |seed: u8| object(seed).1;
    unreadable(&manifest_of(1).object, ".manifest");
    unreadable(&manifest_of(2).object, ".manifest.new");
    unreadable(&manifest_of(3).object, ".part");
    manifest_file::write(&cache.manifest_path(&manifest_of(3).object), &manifest_of(3)).unwrap();
    unreadable(&manifest_of(4).object, "");
    let (_, found) = Cache::open(folder.path(), 0).unwrap();
    assert_eq!(found.whole.iter().map(|found| found.object).collect::<Vec<_>>(), [whole]);
    assert_eq!(found.partial, []);
    assert!(!cache.manifest_path(&manifest_of(3).object).exists(), "what can be dropped of it is");
}

#[test]
fn an_object_that_could_not_be_hashed_is_not_believed_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, object) = with_whole(folder.path());
    let path = cache.path(&object);
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let (jobs, mut events, thread) = start(cache, BTreeSet::from([object])).unwrap();
    let ask = || {
        let (answer, path) = oneshot::channel();
        send(&jobs, Job::ForPlaying { object, now: UnixMs(1), path: answer });
        path.blocking_recv().unwrap()
    };
    assert_eq!(ask(), None);
    assert_eq!(ask(), None);
    assert_eq!(events.blocking_recv(), Some(StoreEvent::Failing { object }));
    fs::remove_dir(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    assert_eq!(ask(), Some(path), "the card reads again");
    drop(jobs);
    thread.join().unwrap();
}

#[test]
fn finishing_again_after_a_failure_past_the_rename_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cache, object) = with_whole(folder.path());
    manifest_file::write(&cache.manifest_path(&object), &self::object(0).1).unwrap();
    assert!(cache.finish(&object).unwrap());
    assert_eq!(files(folder.path()), BTreeSet::from([object.to_string()]));
    fs::write(cache.path(&object), b"rotten").unwrap();
    assert!(!cache.finish(&object).unwrap(), "and it is hashed again");
    assert_eq!(files(folder.path()).len(), 0);

    let (jobs, mut events, thread) = start(cache, BTreeSet::new()).unwrap();
    send(&jobs, Job::Finish(object));
    assert_eq!(events.blocking_recv(), Some(StoreEvent::ObjectCorrupt { object }), "nothing is left of it");
    drop(jobs);
    thread.join().unwrap();
}
