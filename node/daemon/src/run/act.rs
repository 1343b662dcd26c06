//! Carries out what the core wants.

use std::future::Future;
use std::path::PathBuf;

use loa_node_core::{Action, InlineSound, SpeakerEvent, SpeakerFailure, Token};
use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;
use tokio::sync::oneshot;

use super::{ServeError, Shell, health};
use crate::audio::gain::volume_to_db;
use crate::audio::{PlayRequest, Source};
use crate::cache::worker::Job;

impl Shell {
    /// Takes and carries out actions until there are none.
    pub(super) async fn act(&mut self) -> Result<(), ServeError> {
        while let Some(action) = self.core.poll_action() {
            tracing::trace!(?action, "act");
            self.carry_out(action).await?;
        }
        Ok(())
    }

    async fn carry_out(&mut self, action: Action) -> Result<(), ServeError> {
        match action {
            persistent @ (Action::SaveDocument { .. }
            | Action::ForgetDocument { .. }
            | Action::RecordIntent(_)
            | Action::RecordReceipts(_)
            | Action::DeleteReceipts { .. }) => {
                if let Action::SaveDocument { document, .. } = &persistent {
                    self.clock.raise_floor(document.issued_at);
                }
                self.persist(persistent).await?;
            }
            Action::ReadReceipts { numbers } => {
                // They stay in the store: the core asks again.
                let receipts = self.store.read_receipts(&numbers).await.unwrap_or_else(|error| {
                    tracing::error!(error = &error as &dyn std::error::Error, "cannot read receipts to send");
                    Vec::new()
                });
                let now = self.now();
                self.core.handle_receipts(receipts, |head| self.device_key.sign(head), now);
            }

            Action::Subscribe { link, filters } => self.links.subscribe(link, &filters),
            Action::Unsubscribe { link, filters } => self.links.unsubscribe(link, &filters),
            Action::Publish { link, topic, payload, qos, retain } => {
                self.links.publish(link, topic, payload, qos, retain);
            }
            Action::OpenBulk => self.links.open_bulk()?,
            Action::CloseBulk => self.links.close_bulk(),

            Action::BeginObject { manifest } => self.send_job(Job::Begin(manifest)).await?,
            Action::StoreBlock { object, index, offset_bytes, bytes } => {
                self.send_job(Job::StoreBlock { object, index, offset_bytes, bytes }).await?;
            }
            Action::FinishObject { object } => self.send_job(Job::Finish(object)).await?,
            Action::DropObject { object } => self.send_job(Job::Drop(object)).await?,

            Action::SetVolume { volume_percent } => self.speaker.set_volume_db(volume_to_db(volume_percent)),
            Action::PrepareSpeaker { by } => self.prepare_speaker(by),
            Action::Play { token, record_of, object, inline, start_at, latest } => {
                if self.waiting.holds_back(record_of) {
                    self.refuse(token, SpeakerFailure::Unrecorded);
                } else {
                    self.play((token, object), inline, start_at, latest).await?;
                }
            }
            Action::StopSound { token } => {
                if let Err(error) = self.speaker.stop(token.0) {
                    tracing::error!(error = &error as &dyn std::error::Error, "cannot stop a sound");
                }
            }
            Action::ReleaseSpeaker => self.release_speaker(),

            Action::TakeTime(estimate) => self.take_time(estimate).await,
            Action::MeasureHealth => {
                let board = self.board.as_mut();
                let measurements = health::measure(board, &self.data_dir, self.speaker_works, &self.verdict);
                let now = self.now();
                self.core.handle_health(measurements, now);
            }
        }
        Ok(())
    }

    async fn play(
        &mut self,
        (token, object): (Token, ObjectHash),
        inline: Option<InlineSound>,
        start_at: UnixMs,
        latest: UnixMs,
    ) -> Result<(), ServeError> {
        let is_cached = inline.is_none();
        let source = match inline {
            Some(InlineSound { bytes, .. }) => Some(Source::Memory(bytes)),
            None => self.cached_file(object).await?.map(Source::File),
        };
        let Some(source) = source else {
            // The core hears first that the object is gone, and then that this attempt came to nothing; it tries again
            // once the object is back, as it does after trouble with the device.
            let now = self.now();
            while let Some(event) = self.backlog.pop_front().or_else(|| self.stored.try_recv().ok()) {
                self.core.handle_stored(event, now);
            }
            self.refuse(token, SpeakerFailure::Unreadable);
            return Ok(());
        };
        let mut start_at = start_at;
        if self.amplifier_fails {
            if !self.switch_amplifier_on() {
                tracing::error!(%object, "a sound is refused: nobody would hear it without the amplifier");
                self.refuse(token, SpeakerFailure::Device);
                return Ok(());
            }
            // It is cold: what it is given now nobody hears.
            start_at = start_at.max(self.clock.now() + self.warm_up_ms);
        }
        // The card or the relay may have taken long. A sound after its time is worse than none.
        let begins_at = self.clock.now().max(start_at);
        if begins_at > latest {
            tracing::error!(%object, %begins_at, %latest, "a sound is refused: the board took too long to make it ready");
            self.refuse(token, SpeakerFailure::Late);
            return Ok(());
        }
        let request =
            PlayRequest { token: token.0, source, start_at_unix_ms: start_at.0, from_ms: 0, gain_db: 0.0 };
        match self.speaker.play(request) {
            Ok(()) if is_cached => {
                self.sounding.insert(token.0, object);
            }
            Ok(()) => {}
            Err(error) => {
                tracing::error!(%object, error = &error as &dyn std::error::Error, "the speaker refuses a sound");
                self.refuse(token, SpeakerFailure::Device);
            }
        }
        Ok(())
    }

    /// The file of an object, once it is known to be what its name says.
    async fn cached_file(&mut self, object: ObjectHash) -> Result<Option<PathBuf>, ServeError> {
        let (answer, path) = oneshot::channel();
        self.send_job(Job::ForPlaying { object, now: self.clock.now(), path: answer }).await?;
        self.answer(path).await
    }

    /// Ends a sound that never began.
    fn refuse(&mut self, token: Token, kind: SpeakerFailure) {
        let now = self.now();
        self.core.handle_speaker(SpeakerEvent::Failed { token, kind, played_ms: 0 }, now);
    }

    /// Waits for room in the job queue, taking what the cache thread tells meanwhile: it may wait for room itself.
    pub(super) async fn send_job(&mut self, job: Job) -> Result<(), ServeError> {
        let queue = self.jobs.queue_of(&job).clone();
        self.while_taking_events(async move { queue.send(job).await.ok() }).await
    }

    pub(super) async fn answer<T>(&mut self, answer: oneshot::Receiver<T>) -> Result<T, ServeError> {
        self.while_taking_events(async move { answer.await.ok() }).await
    }

    async fn while_taking_events<T>(
        &mut self,
        wait: impl Future<Output = Option<T>>,
    ) -> Result<T, ServeError> {
        tokio::pin!(wait);
        loop {
            tokio::select! {
                answer = &mut wait => return answer.ok_or(ServeError::Gone("the audio cache")),
                Some(event) = self.stored.recv() => self.backlog.push_back(event),
            }
        }
    }
}
