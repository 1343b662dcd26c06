//! Carries out what the core wants, and gives it the answers.

use loa_node_core::{
    Action, Ending, InlineSound, Link, Measurements, SpeakerEvent, SpeakerFailure, StoreEvent, Token,
};
use loa_protocol::ids::ObjectHash;
use loa_protocol::receipt::ReceiptBatch;
use loa_protocol::report::Event;
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::transfer::Want;
use loa_protocol::wire::Wire as _;

use super::NodeError;
use super::fault::Script;
use super::happening::{Happening, Observer, Progress};
use super::running::{Answer, Running};
use super::voice::{Horn, stopped};

impl<H: Horn, O: Observer> Running<'_, H, O> {
    /// Carries out actions and gives their answers until nothing is left, or until the script has a fault for this
    /// moment.
    pub(super) fn act(&mut self, script: &mut Script) -> Result<(), NodeError> {
        loop {
            while let Some(action) = self.core.poll_action() {
                self.carry_out(action, script)?;
            }
            if script.is_due() {
                return Ok(());
            }
            let Some(answer) = self.answers.pop_front() else { return Ok(()) };
            let now = self.now();
            match answer {
                Answer::Stored(event) => self.core.handle_stored(event, now),
                Answer::Receipts(receipts) => {
                    let key = &self.node.member.device_key;
                    self.core.handle_receipts(receipts, |head| key.sign(head), now);
                }
                Answer::Speaker(event) => self.core.handle_speaker(event, now),
                Answer::Measured(measurements) => self.core.handle_health(measurements, now),
            }
        }
    }

    fn carry_out(&mut self, action: Action, script: &mut Script) -> Result<(), NodeError> {
        match action {
            Action::SaveDocument { slot, document } => {
                self.note(Happening::Applied { slot: slot.clone(), sequence: document.applied.sequence });
                self.node.store.save_document(slot, document);
            }
            Action::ForgetDocument { slot } => {
                self.node.store.forget_document(&slot);
                self.note(Happening::Forgotten { slot });
            }
            Action::RecordIntent(intent) => {
                self.intent = Some(intent.clone());
                self.node.store.record_intent(intent);
            }
            Action::RecordReceipts(endings) => {
                for Ending { receipt, .. } in &endings {
                    self.node.horn.ended(receipt).map_err(NodeError::Horn)?;
                    self.note(Happening::Receipt { receipt: receipt.clone() });
                    self.intent.take_if(|intent| intent.occurrence == receipt.occurrence);
                }
                self.node.store.record_receipts(endings);
            }
            Action::DeleteReceipts { numbers } => {
                self.node.store.delete_receipts(&numbers);
                self.note(Happening::Acknowledged { numbers });
            }
            Action::ReadReceipts { numbers } => {
                self.answers.push_back(Answer::Receipts(self.node.store.read_receipts(&numbers)));
            }

            Action::Subscribe { link, filters } => {
                if let Some(refused) = self.links.subscribe(link, &filters) {
                    self.note(refused);
                }
            }
            Action::Unsubscribe { link, filters } => self.links.unsubscribe(link, &filters),
            Action::Publish { link, topic, payload, qos, retain } => {
                if let Some(happening) = told(&topic, &payload) {
                    self.note(happening);
                }
                self.links.publish(link, topic, payload, qos, retain);
            }
            Action::OpenBulk => self.links.open_bulk()?,
            Action::CloseBulk => {
                self.links.close_bulk();
                self.note(Happening::Disconnected {
                    link: Link::Bulk,
                    was_up: true,
                    reason: "closed".to_owned(),
                    retry_in_ms: None,
                });
            }

            Action::BeginObject { manifest } => {
                let refused = self.node.cache.begin(&manifest);
                self.store_answer(refused, script);
            }
            Action::StoreBlock { object, index, offset_bytes: _, bytes } => {
                let answer = self.node.cache.store_block(object, index, bytes);
                self.store_answer(Some(answer), script);
            }
            Action::FinishObject { object } => {
                let now = self.node.clock.now();
                let answer = self.node.cache.finish(object, now);
                self.store_answer(Some(answer), script);
            }
            Action::DropObject { object } => {
                self.node.cache.drop_object(&object);
                self.note(Happening::Dropped { object });
            }

            Action::SetVolume { volume_percent: percent } => self.note(Happening::Volume { percent }),
            Action::PrepareSpeaker { by: _ } => self.switch_amplifier(true),
            Action::ReleaseSpeaker => self.switch_amplifier(false),
            Action::Play { token, record_of: _, object, inline, start_at, latest } => {
                self.play((token, object), inline, start_at, latest);
            }
            Action::StopSound { token } => {
                if let Some(past) = self.voice.stop(Some(token)) {
                    self.hear_end(&past, "stopped")?;
                    self.answers.push_back(Answer::Speaker(stopped(&past)));
                }
            }

            // These boards are given their clock, and never ask.
            Action::TakeTime(_) => {}
            Action::MeasureHealth => {
                let measurements = Measurements {
                    uptime_s: self.uptime_s(),
                    temperature_decidegrees: Some(self.node.board.measured_decidegrees()),
                    supply_mv: Some(self.node.board.measured_mv()),
                    // Those of this machine would be shown as the board's.
                    memory_bytes: None,
                    disk_free_bytes: None,
                    speaker_works: Some(self.node.board.speaker_works),
                    clock_error_ms: None,
                    clock_ahead_ms: None,
                };
                self.answers.push_back(Answer::Measured(measurements));
            }
        }
        Ok(())
    }

    /// Tells of what the disk did, and has it answered.
    fn store_answer(&mut self, answer: Option<StoreEvent>, script: &mut Script) {
        let Some(answer) = answer else { return };
        match answer {
            StoreEvent::BlockStored { object, index } => {
                script.count_block();
                let (have, total) = self.node.cache.progress(&object).unwrap_or_default();
                self.note(Happening::Stored { progress: Progress { object, have, total }, index });
            }
            StoreEvent::ObjectReady { object } => self.note(Happening::Ready { object }),
            StoreEvent::ObjectCorrupt { object } => self.note(Happening::Corrupt { object }),
            StoreEvent::Full { object } => self.note(Happening::NotStored { object, full: true }),
            StoreEvent::Failing { object } => self.note(Happening::NotStored { object, full: false }),
        }
        self.answers.push_back(Answer::Stored(answer));
    }

    fn switch_amplifier(&mut self, on: bool) {
        let now = self.node.clock.now();
        if self.node.board.switch_amplifier(on, now) {
            self.note(Happening::Amplifier { on });
        }
    }

    fn play(
        &mut self,
        (token, object): (Token, ObjectHash),
        inline: Option<InlineSound>,
        start_at: UnixMs,
        latest: UnixMs,
    ) {
        self.note(Happening::Ordered { object, start_at });
        let refused = |kind| Answer::Speaker(SpeakerEvent::Failed { token, kind, played_ms: 0 });
        if !self.node.board.speaker_works {
            self.note(Happening::Ended { object, played_ms: 0, how: "device failed" });
            self.answers.push_back(refused(SpeakerFailure::Device));
            return;
        }
        let now = self.node.clock.now();
        let (manifest, bytes) = match inline {
            Some(InlineSound { manifest, bytes }) => (Some(manifest), Some(bytes)),
            None => (self.node.cache.for_playing(&object, now), None),
        };
        let Some(manifest) = manifest else {
            self.note(Happening::Corrupt { object });
            self.note(Happening::Ended { object, played_ms: 0, how: "audio broken" });
            self.answers.push_back(Answer::Stored(StoreEvent::ObjectCorrupt { object }));
            self.answers.push_back(refused(SpeakerFailure::Unreadable));
            return;
        };
        if now > latest {
            self.note(Happening::Ended { object, played_ms: 0, how: "too late" });
            self.answers.push_back(refused(SpeakerFailure::Late));
            return;
        }
        let (cache, horn) = (&self.node.cache, &mut self.node.horn);
        let loading = horn.load(&manifest, || match bytes {
            Some(bytes) => bytes.to_vec(),
            None => cache.bytes(&object).unwrap_or_default(),
        });
        self.voice.order(token, object, start_at, loading);
    }
}

/// What an observer is told of a message that goes out.
fn told(topic: &str, payload: &[u8]) -> Option<Happening> {
    match topic.parse::<Topic>().ok()?.kind {
        TopicKind::Want(_) => {
            let want = Want::from_cbor(payload).ok()?;
            Some(Happening::Wanted { object: want.object, blocks: want.blocks() })
        }
        TopicKind::Receipt(_) => {
            let batch = ReceiptBatch::from_cbor(payload).ok()?;
            Some(Happening::Reported { count: batch.receipts.len() })
        }
        TopicKind::Event(_) => Some(Happening::Complained { event: Event::from_cbor(payload).ok()? }),
        TopicKind::Health(_) => Some(Happening::Health),
        TopicKind::Keys
        | TopicKind::Plan(_)
        | TopicKind::Alert(_)
        | TopicKind::Command(_)
        | TopicKind::Desired(_)
        | TopicKind::Ack(_)
        | TopicKind::Blocks(_)
        | TopicKind::Wave(..)
        | TopicKind::Presence(_)
        | TopicKind::State(_)
        | TopicKind::Answer(_)
        | TopicKind::TimeRequest(_)
        | TopicKind::TimeAnswer(_) => None,
    }
}
