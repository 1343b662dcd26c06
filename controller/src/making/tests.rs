//! The queue of sounds when something stands in the way, on a real database and real files.

mod fallback;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::domain::bulletin::{BulletinDraft, Making, SourceDraft, TrackDraft};
use crate::domain::role::{Principal, Role};
use crate::services::BulletinView;
use crate::services::story::{Story, area, draft};
use crate::store::{tracks, uploads};

/// A commune where a bulletin with one recording is in line.
struct Studio {
    story: Story,
    author: Principal,
    view: BulletinView,
    upload: ObjectHash,
}

impl Studio {
    async fn new(recording: &[u8]) -> Self {
        let story = Story::new().await;
        let author = story.person("lan", Role::Author, "da-don").await;
        let mut writer = story.services.uploads.begin(&author, "a.wav").await.unwrap();
        writer.write(recording).await.unwrap();
        let upload = writer.finish().await.unwrap().hash;
        let source = SourceDraft::Recording {
            upload: upload.to_string(),
            file_name: "a.wav".to_owned(),
            transcript: String::new(),
        };
        let tracks = vec![TrackDraft { language: "vi".to_owned(), source }];
        let draft = BulletinDraft { tracks, ..draft() };
        let view = story.services.bulletins.create(&author, &area("da-don"), &draft, None).await.unwrap();
        Self { story, author, view, upload }
    }

    fn settings(&self) -> Settings {
        let services = &self.story.services;
        Settings {
            store: services.store().clone(),
            objects: services.objects().clone(),
            uploads: services.recordings().clone(),
            speech: self.story.config.speech.clone(),
            limits: self.story.config.limits.clone(),
            cache: None,
            nudge: services.nudges().speech.clone(),
            made: services.nudges().alerts.clone(),
            changes: Changes::default(),
            metrics: Default::default(),
            clock: self.story.clock.clone(),
        }
    }

    fn maker(&self) -> Maker {
        Maker::new(self.settings())
    }

    fn track(&self) -> &TrackId {
        &self.view.latest.tracks[0].id
    }

    async fn making(&self) -> Making {
        let mut tx = self.story.services.store().read().await.unwrap();
        tracks::get(&mut tx, self.track()).await.unwrap().unwrap().making
    }

    async fn try_again(&self) {
        let id = &self.view.bulletin.id;
        self.story.services.bulletins.retry_track(&self.author, id, self.track()).await.unwrap();
    }
}

fn code(making: &Making) -> &str {
    match making {
        Making::Failed(error) => &error.code,
        Making::Queued | Making::Running { .. } | Making::Done => panic!("not failed: {making:?}"),
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_after_a_while_and_not_for_ever() {
    let studio = Studio::new(b"RIFF").await;
    let maker = studio.maker();
    // A folder in place of the file: reading it fails as a disk fails.
    let file = maker.settings.uploads.path(&studio.upload);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    for (attempt, wait_ms) in [(1, 30_000), (2, 120_000)] {
        let job = maker.claim(0).await.unwrap().unwrap();
        assert_eq!(job.attempts, attempt);
        maker.work(job).await;
        assert_eq!(studio.making().await, Making::Queued);
        studio.story.clock.advance(wait_ms - 1);
        assert_eq!(maker.claim(0).await.unwrap(), None, "before its time");
        studio.story.clock.advance(1);
    }
    let job = maker.claim(0).await.unwrap().unwrap();
    maker.work(job).await;
    assert_eq!(code(&studio.making().await), "making.store");

    studio.try_again().await;
    assert_eq!(maker.claim(0).await.unwrap().unwrap().attempts, 1, "the author begins anew");
}

#[tokio::test]
async fn a_job_that_no_worker_has_goes_back_in_line_three_times() {
    let studio = Studio::new(b"RIFF").await;
    let maker = studio.maker();
    for attempt in 1..=ATTEMPTS_MAX {
        let job = maker.claim(0).await.unwrap().unwrap();
        assert_eq!(job.attempts, attempt);
        maker.recover(&HashSet::from([&job.track.id])).await.unwrap();
        assert_eq!(studio.making().await, Making::Running { percent: 0 }, "a worker has it");
        maker.recover(&HashSet::new()).await.unwrap();
    }
    assert_eq!(code(&studio.making().await), "making.lost");
    assert_eq!(maker.claim(0).await.unwrap(), None);
}

#[tokio::test]
async fn what_the_last_run_left_is_done_at_the_start() {
    let studio = Studio::new(b"RIFF").await;
    let maker = studio.maker();
    maker.claim(0).await.unwrap().unwrap();
    std::fs::remove_file(maker.settings.uploads.path(&studio.upload)).unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(run(studio.settings(), stop.clone()));
    let failed = async {
        while !matches!(studio.making().await, Making::Failed(_)) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), failed).await.unwrap();
    assert_eq!(code(&studio.making().await), "recording.missing");
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_recording_whose_sound_is_known_is_measured_where_its_measures_are_gone() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../audio-samples/phrase.flac");
    let studio = Studio::new(&std::fs::read(sample).unwrap()).await;
    let maker = studio.maker();
    let (reporter, _watched) = Reporter::channel();
    let first = maker.master(&studio.upload, &reporter).await.unwrap();
    let report = async || {
        let mut tx = studio.story.services.store().read().await.unwrap();
        recording_reports::get(&mut tx, &studio.upload).await.unwrap()
    };
    let measured = report().await.unwrap();
    // The upload was removed with what was measured on it, its sound was not; then the same bytes came again.
    let mut tx = studio.story.services.store().write().await.unwrap();
    let upload = uploads::get(&mut tx, &studio.upload).await.unwrap().unwrap();
    uploads::delete(&mut tx, &studio.upload).await.unwrap();
    uploads::insert(&mut tx, &upload).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(report().await, None);
    assert_eq!(maker.master(&studio.upload, &reporter).await.unwrap(), first);
    assert_eq!(report().await, Some(measured));
}
