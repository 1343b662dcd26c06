//! Makes the sounds that bulletins wait for: speaks texts, masters recordings.
//!
//! The work is a queue in the database, so it outlives a restart. A bounded number of workers take the most urgent job,
//! make the object, store it and record it; the same text, voice and settings are not made twice. An engine that is away is
//! no failure: the next one speaks (`speaking`). A job that failed for a reason that passes is tried again after a while; one that failed for a reason in the bulletin waits for its author,
//! with words that say what to change.
//!
//! **Invariant.** A job that is called running and that no worker of this process has was lost: by a stop, a crash, a
//! panic, or a database that could not take its end. It goes back in line, but not for ever: a recording that ends the
//! process each time must not keep the controller down.

mod breaker;
mod speaking;
#[cfg(test)]
mod tests;
mod voices;
mod words;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use loa_protocol::ids::ObjectHash;
use loa_speech::{AudioObject, Finish, RecordingLimits, Reporter, SoundCache, SpeechError, master_recording};
use tokio::task::{self, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::config::{Limits, SpeechConfig};
use crate::domain::bulletin::{Spoken, TrackSource};
use crate::domain::ids::TrackId;
use crate::live::{Change, Changes};
use crate::metrics::MakingMeters;
use crate::services::{ALERT_URGENCY, Clock, Nudge, Readers};
use crate::store::blobs::BlobStore;
use crate::store::speech_jobs::{self, RunningJob, SpeechJob};
use crate::store::{Store, StoreError, objects, recording_reports, tracks};
use speaking::Wish;
use voices::Voices;

pub use words::making_error;

/// How often the queue is looked at without a nudge, and lost jobs are looked for.
const PERIOD: Duration = Duration::from_secs(30);
/// How often a job is tried when what failed may pass.
const ATTEMPTS_MAX: u32 = 3;
/// How long the second attempt waits at least; each later one waits four times as long as the one before.
const RETRY_AFTER_MS: i64 = 30_000;

/// What the workers need.
#[derive(Clone)]
pub struct Settings {
    /// The database.
    pub store: Store,
    /// Where finished sounds go.
    pub objects: BlobStore,
    /// Where uploaded recordings lie.
    pub uploads: BlobStore,
    /// Voice, speed, number of workers.
    pub speech: SpeechConfig,
    /// What is accepted.
    pub limits: Limits,
    /// Sentences that were spoken before; `None`: none are remembered.
    pub cache: Option<Arc<SoundCache>>,
    /// A job was put in line.
    pub nudge: Nudge,
    /// Woken when a sound is made: an emergency may wait for it.
    pub made: Nudge,
    /// Tells the pages which track changed.
    pub changes: Changes,
    /// Measures.
    pub metrics: MakingMeters,
    /// The time.
    pub clock: Clock,
}

/// Why a job was not finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakingFailed {
    /// The database or the files cannot be used; passes.
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    /// The text cannot be spoken.
    #[error("the text cannot be spoken")]
    Text(#[from] loa_speech::TextError),
    /// The sound cannot be made.
    #[error(transparent)]
    Speech(#[from] SpeechError),
    /// The uploaded file is gone.
    #[error("the uploaded file {0} is missing on the disk")]
    UploadMissing(ObjectHash),
    /// Taken again and again, and never ended.
    #[error("the job was taken {ATTEMPTS_MAX} times and its end was never stored")]
    Lost,
    /// Longer or larger than the protocol carries.
    #[error("the sound is longer than nodes take")]
    TooLarge,
}

impl MakingFailed {
    /// Whether the same job may succeed later though nobody changes the bulletin.
    fn passes(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Speech(SpeechError::Worker(_)) => true,
            Self::Speech(SpeechError::Synthesis(error)) => error.passes(),
            Self::Text(_) | Self::Speech(_) | Self::UploadMissing(_) | Self::Lost | Self::TooLarge => false,
        }
    }
}

/// Runs until the token is cancelled; jobs that run then are in line again at the next start.
pub async fn run(settings: Settings, stop: CancellationToken) {
    let maker = Arc::new(Maker::new(settings));
    let mut workers = JoinSet::new();
    let mut in_flight: HashMap<task::Id, TrackId> = HashMap::new();
    // The first tick comes at once.
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = maker.settings.nudge.woken() => {}
            Some(ended) = workers.join_next_with_id() => {
                let id = match ended {
                    Ok((id, ())) => id,
                    Err(panic) => {
                        tracing::error!(%panic, "a speech worker panicked; its job is tried again soon");
                        panic.id()
                    }
                };
                in_flight.remove(&id);
            }
            _ = period.tick() => {
                if let Err(error) = maker.recover(&in_flight.values().collect()).await {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    tracing::error!(error, "jobs that were lost cannot be looked for; tried again soon");
                }
            }
        }
        // One worker more than usual is for emergencies alone: none waits for a long bulletin to end.
        let usual = maker.settings.speech.workers.max(1);
        while workers.len() <= usual {
            match maker.claim(if workers.len() < usual { 0 } else { ALERT_URGENCY }).await {
                Ok(Some(job)) => {
                    let (maker, track) = (Arc::clone(&maker), job.track.id.clone());
                    let worker = workers.spawn(async move { maker.work(job).await });
                    in_flight.insert(worker.id(), track);
                }
                Ok(None) => break,
                Err(error) => {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    tracing::error!(error, "the queue of sounds cannot be read; tried again soon");
                    break;
                }
            }
        }
    }
}

struct Maker {
    settings: Settings,
    voices: Voices,
    readers: Readers,
}

impl Maker {
    fn new(settings: Settings) -> Self {
        Self {
            voices: Voices::new(&settings.speech),
            readers: Readers::new(settings.speech.reading()),
            settings,
        }
    }

    /// Puts lost jobs back in line: those called running that are not in flight. Ends those that were lost too often.
    async fn recover(&self, in_flight: &HashSet<&TrackId>) -> Result<(), StoreError> {
        let now = self.settings.clock.now();
        let mut tx = self.settings.store.write().await?;
        let lost =
            speech_jobs::running(&mut tx).await?.into_iter().filter(|job| !in_flight.contains(&job.track));
        let lost: Vec<RunningJob> = lost.collect();
        for RunningJob { track, attempts } in &lost {
            if *attempts < ATTEMPTS_MAX {
                speech_jobs::requeue(&mut tx, track, now, now).await?;
            } else {
                tracing::error!(%track, attempts, "a sound was never finished; its author has to look at it");
                speech_jobs::fail(&mut tx, track, &making_error(&MakingFailed::Lost), now).await?;
            }
        }
        tx.commit().await?;
        for job in &lost {
            self.tell(&job.track);
        }
        Ok(())
    }

    async fn claim(&self, urgency: u8) -> Result<Option<SpeechJob>, StoreError> {
        let mut tx = self.settings.store.write().await?;
        let job = speech_jobs::claim_from(&mut tx, urgency, self.settings.clock.now()).await?;
        tx.commit().await?;
        Ok(job)
    }

    async fn work(&self, job: SpeechJob) {
        let track = job.track.id.clone();
        self.tell(&track);
        let begun = Instant::now();
        let made = self.make(&job).await;
        self.settings.metrics.ended(made.is_ok(), begun.elapsed());
        let ended = match made {
            Ok((hash, spoken)) => self.finish(&track, &hash, spoken.as_ref()).await,
            Err(error) => self.give_up(&job, error).await,
        };
        if let Err(error) = ended {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::error!(error, %track, "the end of a job could not be stored; it is done again soon");
        }
        self.tell(&track);
    }

    async fn make(&self, job: &SpeechJob) -> Result<(ObjectHash, Option<Spoken>), MakingFailed> {
        let (reporter, watched) = Reporter::channel();
        let work = async {
            match &job.track.content.source {
                TrackSource::Speech { text, voice, words_per_minute } => {
                    let (voice, words_per_minute) = (voice.as_deref(), *words_per_minute);
                    let wish = Wish { text, voice, words_per_minute };
                    let (hash, spoken) = self.speak(job, wish, &reporter).await?;
                    Ok((hash, Some(spoken)))
                }
                TrackSource::Recording { upload, .. } => Ok((self.master(upload, &reporter).await?, None)),
            }
        };
        tokio::select! {
            made = work => made,
            never = self.report(&job.track.id, watched) => match never {},
        }
    }

    async fn master(&self, upload: &ObjectHash, reporter: &Reporter) -> Result<ObjectHash, MakingFailed> {
        let bytes = self.settings.uploads.read(upload).await?.ok_or(MakingFailed::UploadMissing(*upload))?;
        let finish = Finish::default();
        let key = finish.key(&bytes).to_string();
        // What was measured went with an earlier upload of the same bytes: it is measured again, and gives the same sound.
        if self.is_measured(upload).await?
            && let Some(made) = self.made(&key).await?
        {
            return Ok(made);
        }
        let limits = RecordingLimits {
            max_bytes: usize::try_from(self.settings.limits.upload_max_bytes).unwrap_or(usize::MAX),
            max_duration_ms: self.settings.limits.recording_max_s.saturating_mul(1000),
        };
        let recording = master_recording(bytes, limits, finish, reporter).await?;
        let hash = self.keep(&key, recording.object).await?;
        let mut tx = self.settings.store.write().await?;
        recording_reports::put(&mut tx, upload, &recording.report).await?;
        tx.commit().await?;
        Ok(hash)
    }

    async fn is_measured(&self, upload: &ObjectHash) -> Result<bool, StoreError> {
        let mut tx = self.settings.store.read().await?;
        Ok(recording_reports::get(&mut tx, upload).await?.is_some())
    }

    /// The object that this recipe made before, if its file is still there.
    async fn made(&self, key: &str) -> Result<Option<ObjectHash>, StoreError> {
        let mut tx = self.settings.store.write().await?;
        let Some(hash) = objects::by_recipe(&mut tx, key).await? else { return Ok(None) };
        let kept = objects::take(&mut tx, &hash, self.settings.clock.now()).await?;
        tx.commit().await?;
        Ok((kept && self.settings.objects.contains(&hash).await?).then_some(hash))
    }

    async fn keep(&self, key: &str, object: AudioObject) -> Result<ObjectHash, MakingFailed> {
        let duration_ms = u32::try_from(object.duration_ms).map_err(|_| MakingFailed::TooLarge)?;
        if object.bytes.len() > loa_protocol::transfer::OBJECT_MAX_BYTES as usize {
            return Err(MakingFailed::TooLarge);
        }
        let now = self.settings.clock.now();
        // The file gets its name while the writing connection is held; see [`crate::sweep`].
        let mut tx = self.settings.store.write().await?;
        let hash = self.settings.objects.put(&object.bytes).await?;
        let record = objects::AudioObject {
            hash,
            size_bytes: object.bytes.len() as u64,
            duration_ms,
            codec: objects::OGG_OPUS.to_owned(),
            loudness_lufs: Some(object.loudness.integrated_lufs),
            true_peak_dbtp: Some(object.loudness.true_peak_dbtp),
            created: now,
        };
        objects::insert(&mut tx, &record).await?;
        objects::put_recipe(&mut tx, key, &hash, now).await?;
        tx.commit().await?;
        Ok(hash)
    }

    async fn finish(
        &self,
        track: &TrackId,
        hash: &ObjectHash,
        spoken: Option<&Spoken>,
    ) -> Result<(), StoreError> {
        let mut tx = self.settings.store.write().await?;
        let wanted = speech_jobs::finish(&mut tx, track, hash, self.settings.clock.now()).await?;
        if let Some(spoken) = spoken.filter(|_| wanted) {
            tracks::set_spoken(&mut tx, track, spoken).await?;
        }
        tx.commit().await?;
        self.settings.made.wake();
        tracing::info!(%track, object = %hash, wanted, "a sound is ready");
        Ok(())
    }

    async fn give_up(&self, job: &SpeechJob, failed: MakingFailed) -> Result<(), StoreError> {
        let again = failed.passes() && job.attempts < ATTEMPTS_MAX;
        let words = making_error(&failed);
        let error = format!("{:#}", anyhow::Error::new(failed));
        tracing::warn!(track = %job.track.id, error, again, "a sound could not be made");
        let now = self.settings.clock.now();
        let mut tx = self.settings.store.write().await?;
        if again {
            speech_jobs::requeue(&mut tx, &job.track.id, now + retry_after_ms(job.attempts), now).await?;
        } else {
            speech_jobs::fail(&mut tx, &job.track.id, &words, now).await?;
        }
        tx.commit().await
    }

    /// Stores how far the job is, for whoever looks, as often as it changes by whole percents.
    async fn report(
        &self,
        track: &TrackId,
        mut watched: tokio::sync::watch::Receiver<loa_speech::Progress>,
    ) -> std::convert::Infallible {
        let mut last = 0;
        loop {
            if watched.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let percent = words::percent(*watched.borrow_and_update());
            if percent == last {
                continue;
            }
            last = percent;
            let stored = async {
                let mut tx = self.settings.store.write().await?;
                speech_jobs::set_progress(&mut tx, track, percent, self.settings.clock.now()).await?;
                tx.commit().await
            };
            match stored.await {
                Ok(()) => self.tell(track),
                Err(error) => tracing::debug!(%error, %track, "progress not stored"),
            }
        }
    }

    fn tell(&self, track: &TrackId) {
        self.settings.changes.tell(Change::Track(track.clone()));
    }
}

/// How long a job waits after this many attempts.
fn retry_after_ms(attempts: u32) -> i64 {
    RETRY_AFTER_MS.saturating_mul(4_i64.saturating_pow(attempts.saturating_sub(1)))
}
