//! Recordings and sounds that nobody needs any more give their room back.
//!
//! A *bulletin is over* when it is withdrawn, which the words of an emergency are once that is over; a *revision is over* when a later one took its place. What a bulletin
//! that is not over has as its latest revision or on air is never touched: plans name nothing else, so no node can want
//! what goes here. The rest stays for `limits.sound_kept_days` after the last deed on its bulletin, for whoever asks what
//! was said. Then the file goes; the row stays, and still tells what it was. An approved recording whose speaker let it be
//! used in the speech data set stays for as long as that consent stands.
//!
//! **Invariant.** A row that says that its file is there is never left without it: whoever records a file writes it while
//! holding the one writing connection, and so does the sweeper when it removes one.

use std::time::Duration;

use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;
use tokio_util::sync::CancellationToken;

use crate::services::Clock;
use crate::store::blobs::BlobStore;
use crate::store::{Store, StoreError, alerts, consents, objects, uploads};

/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(3_600);
/// Most files that go while the writing connection is held.
const BATCH: u32 = 100;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What the sweeper needs.
pub struct Settings {
    /// The database.
    pub store: Store,
    /// The files of finished sounds.
    pub objects: BlobStore,
    /// The files of recordings as they came.
    pub uploads: BlobStore,
    /// How long a recording that no bulletin took is kept, in hours.
    pub upload_kept_h: u32,
    /// How long sounds and recordings are kept after their bulletin is over, in days.
    pub sound_kept_days: u32,
    /// The time.
    pub clock: Clock,
}

/// What went in one sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Recordings as they came.
    pub uploads: u64,
    /// Finished sounds.
    pub sounds: u64,
    /// Bytes of both.
    pub bytes: u64,
}

/// Runs until the token is cancelled.
pub async fn run(settings: Settings, stop: CancellationToken) {
    loop {
        match settings.sweep().await {
            Ok(Swept { uploads: 0, sounds: 0, .. }) => {}
            Ok(Swept { uploads, sounds, bytes }) => {
                tracing::info!(
                    uploads,
                    sounds,
                    bytes,
                    "recordings and sounds that nobody needs were removed"
                );
            }
            Err(error) => {
                let error = anyhow::Error::new(error);
                tracing::error!(
                    error = format!("{error:#}"),
                    "old sounds could not be removed; tried again in an hour"
                );
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

impl Settings {
    /// Removes all that nobody needs at this moment.
    ///
    /// # Errors
    /// [`StoreError`]; what went before is gone.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let now = self.clock.now();
        let over_before = now - i64::from(self.sound_kept_days) * DAY_MS;
        let untaken_before = now - i64::from(self.upload_kept_h) * HOUR_MS;
        let mut swept = Swept::default();
        let mut tx = self.store.write().await?;
        alerts::withdraw_over(&mut tx, now).await?;
        tx.commit().await?;
        loop {
            let mut tx = self.store.write().await?;
            let gone = uploads::unneeded(&mut tx, untaken_before, over_before, BATCH).await?;
            for (hash, bytes) in &gone {
                uploads::delete(&mut tx, hash).await?;
                self.uploads.remove(hash).await?;
                swept.uploads += 1;
                swept.bytes += bytes;
            }
            if gone.is_empty() {
                consents::forget_useless(&mut tx).await?;
                tx.commit().await?;
                break;
            }
            tx.commit().await?;
        }
        loop {
            let mut tx = self.store.write().await?;
            let gone = objects::unneeded(&mut tx, over_before, BATCH).await?;
            for (hash, bytes) in &gone {
                self.remove_sound(&mut tx, hash, now).await?;
                swept.sounds += 1;
                swept.bytes += bytes;
            }
            tx.commit().await?;
            if gone.is_empty() {
                return Ok(swept);
            }
        }
    }

    async fn remove_sound(
        &self,
        c: &mut crate::store::Connection,
        hash: &ObjectHash,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        objects::set_removed(c, hash, now).await?;
        self.objects.remove(hash).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::bulletin::{SourceDraft, TrackDraft};
    use crate::domain::role::{Principal, Role};
    use crate::services::story::{Story, alert_draft, area, draft};

    struct Kept {
        story: Story,
        author: Principal,
        approver: Principal,
        sweeper: Settings,
    }

    impl Kept {
        async fn new() -> Self {
            let story = Story::new().await;
            let author = story.person("lan", Role::Author, "da-don").await;
            let approver = story.person("minh", Role::Approver, "da-don").await;
            let sweeper = Settings {
                store: story.services.store().clone(),
                objects: story.services.objects().clone(),
                uploads: story.services.recordings().clone(),
                upload_kept_h: 24,
                sound_kept_days: 90,
                clock: story.clock.clone(),
            };
            Self { story, author, approver, sweeper }
        }

        async fn swept(&self) -> (u64, u64) {
            let swept = self.sweeper.sweep().await.unwrap();
            (swept.uploads, swept.sounds)
        }

        async fn upload(&self, bytes: &[u8]) -> ObjectHash {
            let mut writer = self.story.services.uploads.begin(&self.author, "ghi-am.wav").await.unwrap();
            writer.write(bytes).await.unwrap();
            writer.finish().await.unwrap().hash
        }

        async fn files(&self, objects: &[ObjectHash]) -> Vec<bool> {
            let mut there = Vec::new();
            for hash in objects {
                there.push(self.sweeper.objects.contains(hash).await.unwrap());
            }
            there
        }
    }

    #[tokio::test]
    async fn a_recording_that_no_bulletin_took_goes_after_a_day() {
        let kept = Kept::new().await;
        let (taken, untaken) = (kept.upload(b"taken").await, kept.upload(b"untaken").await);
        let mut with_recording = draft();
        let source = SourceDraft::Recording {
            upload: taken.to_string(),
            file_name: String::new(),
            transcript: String::new(),
        };
        with_recording.tracks = vec![TrackDraft { language: "kpm".to_owned(), source }];
        let bulletins = &kept.story.services.bulletins;
        bulletins.create(&kept.author, &area("da-don"), &with_recording, None).await.unwrap();

        assert_eq!(kept.swept().await, (0, 0));
        kept.story.clock.advance(DAY_MS + 1);
        // Sent again while it was still there: whoever does so wants to use it.
        let fresh = kept.upload(b"fresh").await;
        assert_eq!(kept.upload(b"untaken").await, untaken);
        assert_eq!(kept.swept().await, (0, 0));
        kept.story.clock.advance(DAY_MS + 1);
        assert_eq!(kept.swept().await, (2, 0));
        for (hash, there) in [(taken, true), (untaken, false), (fresh, false)] {
            let mut tx = kept.story.services.store().read().await.unwrap();
            assert_eq!(uploads::get(&mut tx, &hash).await.unwrap().is_some(), there);
            assert_eq!(kept.sweeper.uploads.contains(&hash).await.unwrap(), there);
        }
        kept.story.clock.advance(400 * DAY_MS);
        assert_eq!(kept.swept().await, (0, 0), "a draft keeps its recording for as long as it stands");
    }

    #[tokio::test]
    async fn a_sound_stays_while_its_bulletin_lives_and_ninety_days_longer() {
        let kept = Kept::new().await;
        let bulletins = &kept.story.services.bulletins;
        let first = kept.story.approved(&kept.author, &kept.approver).await;
        let id = &first.bulletin.id;
        let old = first.latest.tracks[0].object.unwrap();
        let mut later = draft();
        later.text.push_str(" Xin cảm ơn.");
        bulletins.edit(&kept.author, id, &first.seen_words(), &later).await.unwrap();
        kept.story.make_sounds().await;
        let second = bulletins.get(&kept.author, id).await.unwrap();
        let new = second.latest.tracks[0].object.unwrap();

        kept.story.clock.advance(400 * DAY_MS);
        assert_eq!(kept.swept().await, (0, 0), "one is on air, the other is being written");
        let second = bulletins.submit(&kept.author, id, &second.seen()).await.unwrap();
        bulletins.approve(&kept.approver, id, &second.seen(), "").await.unwrap();
        kept.story.clock.advance(90 * DAY_MS - 1);
        assert_eq!(kept.swept().await, (0, 0));
        kept.story.clock.advance(2);
        assert_eq!(kept.swept().await, (0, 1));
        assert_eq!(kept.files(&[old, new]).await, [false, true]);
        let past = bulletins.revision(&kept.author, id, 1).await.unwrap();
        assert_eq!(past.tracks[0].object, Some(old), "what was heard and approved is still told");

        bulletins.withdraw(&kept.author, id).await.unwrap();
        kept.story.clock.advance(90 * DAY_MS + 1);
        assert_eq!(kept.swept().await, (0, 1));
        assert_eq!(kept.files(&[old, new]).await, [false, false]);
        assert_eq!(kept.swept().await, (0, 0));

        // The same words again: the sound is made again, and is there.
        let again = kept.story.bulletin(&kept.author).await;
        assert_eq!(again.latest.tracks[0].object, Some(old));
        assert_eq!(kept.files(&[old]).await, [true]);
        assert_eq!(kept.swept().await, (0, 0));
    }

    #[tokio::test]
    async fn the_sound_of_an_emergency_goes_ninety_days_after_it_is_over() {
        let kept = Kept::new().await;
        let alerts = &kept.story.services.alerts;
        let id = alerts.give(&kept.author, &alert_draft(&["thon-1"]), None).await.unwrap().alert.id;
        kept.story.make_sounds().await;
        let sound = alerts.get(&kept.author, &id).await.unwrap().revision.tracks[0].object.unwrap();
        kept.story.clock.advance(3_600_000 - 1);
        assert_eq!(kept.swept().await, (0, 0));
        kept.story.clock.advance(1);
        assert_eq!(kept.swept().await, (0, 0), "it is over from then on");
        kept.story.clock.advance(90 * DAY_MS + 1);
        assert_eq!(kept.swept().await, (0, 1));
        assert_eq!(kept.files(&[sound]).await, [false]);
    }

    /// An author throws words away whose sound was made: no revision names it.
    #[tokio::test]
    async fn a_sound_that_no_track_names_goes_unless_somebody_asked_for_it_again() {
        let kept = Kept::new().await;
        let view = kept.story.bulletin(&kept.author).await;
        let thrown_away = view.latest.tracks[0].object.unwrap();
        let mut other = draft();
        other.text.push_str(" Xin cảm ơn.");
        let bulletins = &kept.story.services.bulletins;
        bulletins.edit(&kept.author, &view.bulletin.id, &view.seen_words(), &other).await.unwrap();
        kept.story.clock.advance(80 * DAY_MS);
        let mut tx = kept.story.services.store().write().await.unwrap();
        assert!(objects::take(&mut tx, &thrown_away, kept.story.clock.now()).await.unwrap());
        tx.commit().await.unwrap();
        kept.story.clock.advance(80 * DAY_MS);
        assert_eq!(kept.swept().await, (0, 0));
        kept.story.clock.advance(11 * DAY_MS);
        assert_eq!(kept.swept().await, (0, 1));
        let mut tx = kept.story.services.store().write().await.unwrap();
        assert!(!objects::take(&mut tx, &thrown_away, kept.story.clock.now()).await.unwrap());
    }
}
