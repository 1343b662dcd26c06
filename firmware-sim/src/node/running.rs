//! One boot of a simulated node, from power to the end of power.

use std::collections::VecDeque;
use std::time::Duration;

use loa_node_core::{Core, Intent, Measurements, Now, Restored, SpeakerEvent, SpeakerFailure, StoreEvent};
use loa_protocol::ids::BootId;
use loa_protocol::receipt::Receipt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fault::{Fault, Script};
use super::glance::Glance;
use super::happening::{Happening, Observer, Progress};
use super::links::{Links, Translated};
use super::voice::{Heard, Horn, Past, Voice, VoiceEvent, failed, stopped};
use super::{FIRMWARE, Node, NodeError};
use crate::board_sim::cache::Disk;
use crate::board_sim::network::Outage;

/// How long to wait when the core wants nothing.
const IDLE_WAIT: Duration = Duration::from_secs(60);

/// A boot of a node.
pub(super) struct Running<'n, H, O> {
    pub(super) node: &'n mut Node<H, O>,
    pub(super) core: Core,
    pub(super) links: Links,
    pub(super) voice: Voice,
    /// What the core's actions were answered; as many as there were actions.
    pub(super) answers: VecDeque<Answer>,
    /// The occurrence that sounds or is about to.
    pub(super) intent: Option<Intent>,
    booted: Instant,
}

/// An answer to an action.
pub(super) enum Answer {
    Stored(StoreEvent),
    Receipts(Vec<Receipt>),
    Speaker(SpeakerEvent),
    Measured(Measurements),
}

/// How a boot ends.
pub(super) enum End {
    Stopped,
    PowerCut { off: Duration },
}

enum Input {
    Stop,
    Fault(Fault),
    Link(loa_node_core::Link, Option<loa_link::LinkEvent>),
    Voice(VoiceEvent),
    Timeout,
}

/// The next fault that comes from outside, if any may.
async fn next_of(faults: &mut Option<mpsc::Receiver<Fault>>) -> Fault {
    let fault = match faults {
        Some(faults) => faults.recv().await,
        None => None,
    };
    match fault {
        Some(fault) => fault,
        None => std::future::pending().await,
    }
}

impl<'n, H: Horn, O: Observer> Running<'n, H, O> {
    pub(super) fn boot(node: &'n mut Node<H, O>) -> Result<Self, NodeError> {
        let mut boot = BootId([0; BootId::LEN]);
        getrandom::fill(&mut boot.0).map_err(NodeError::Random)?;
        let booted = Instant::now();
        let now = Now { wall: node.clock.now(), monotonic_ms: 0 };
        if let Some(key_set) = &node.member.key_set
            && let Err(refusal) = node.store.adopt_key_set(key_set, &node.member.identity, now.wall)
        {
            node.observer.note(now.wall, Happening::KeySetUnused { refusal });
        }
        let (objects, partial) = node.cache.found();
        let restored = Restored { objects, partial, ..node.store.restored() };
        node.boots += 1;
        let progress = |p: &loa_node_core::PartialObject| Progress {
            object: p.manifest.object,
            have: p.have.len(),
            total: p.manifest.block_count(),
        };
        let happening = Happening::Booted {
            boot: node.boots,
            documents: restored.documents.len(),
            objects: restored.objects.len(),
            partial: restored.partial.iter().map(progress).collect(),
            receipts: restored.unacknowledged.len(),
        };
        node.observer.note(now.wall, happening);
        let identity = node.member.identity.clone();
        let mut core = Core::new(identity, node.settings.clone(), restored, boot, FIRMWARE.to_owned(), now);
        core.handle_clock(node.trust, now);
        let rotten = node.cache.scrub();
        let answers =
            rotten.into_iter().map(|object| Answer::Stored(StoreEvent::ObjectCorrupt { object })).collect();
        let links = Links::start(&node.member, &node.network, boot)?;
        Ok(Self { node, core, links, voice: Voice::default(), answers, intent: None, booted })
    }

    pub(super) fn now(&self) -> Now {
        let monotonic_ms = u64::try_from(self.booted.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { wall: self.node.clock.now(), monotonic_ms }
    }

    pub(super) fn uptime_s(&self) -> u64 {
        self.booted.elapsed().as_secs()
    }

    pub(super) fn note(&mut self, happening: Happening) {
        self.node.observer.note(self.node.clock.now(), happening);
    }

    pub(super) async fn run(
        mut self,
        script: &mut Script,
        stop: &CancellationToken,
    ) -> Result<End, NodeError> {
        loop {
            self.act(script)?;
            self.show();
            match self.next(script, stop).await {
                Input::Stop => break,
                Input::Fault(Fault::PowerCut { off_s }) => {
                    if let Some(past) = self.voice.stop(None) {
                        self.hear(&past)?;
                    }
                    let off = Duration::try_from_secs_f64(off_s).unwrap_or(Duration::ZERO);
                    return Ok(End::PowerCut { off });
                }
                input @ (Input::Fault(_) | Input::Link(..) | Input::Voice(_) | Input::Timeout) => {
                    self.handle(input)?
                }
            }
        }
        self.stop().await?;
        Ok(End::Stopped)
    }

    /// Lets the observer see how it is.
    fn show(&mut self) {
        let at = self.now().wall;
        let Self { node, voice, intent, .. } = self;
        let Node { store, cache, board, clock, trust, settings, observer, .. } = &mut **node;
        observer.rest(|| {
            let restored = store.restored();
            let (whole, partial) = cache.contents();
            let partial = partial.into_iter().map(|(object, have, total)| Progress { object, have, total });
            Glance {
                at,
                clock_ahead_ms: clock.ahead_ms(),
                trust: *trust,
                documents: restored.documents,
                whole,
                partial: partial.collect(),
                used_bytes: cache.used_bytes(),
                quota_bytes: settings.cache_quota_bytes,
                disk: cache.disk,
                sound: voice.glance(),
                occurrence: intent.clone(),
                receipts_waiting: restored.unacknowledged.len(),
                amplifier_is_on: board.amplifier_on_since().is_some(),
                speaker_works: board.speaker_works,
                temperature_decidegrees: board.measured_decidegrees(),
                supply_mv: board.measured_mv(),
            }
        });
    }

    async fn next(&mut self, script: &mut Script, stop: &CancellationToken) -> Input {
        if let Some(fault) = script.take_due() {
            return Input::Fault(fault);
        }
        let (wait, _) = self.core.poll_timeout(self.now()).unwrap_or((IDLE_WAIT, "nothing"));
        tokio::select! {
            () = stop.cancelled() => Input::Stop,
            fault = script.next() => Input::Fault(fault),
            fault = next_of(&mut self.node.faults) => Input::Fault(fault),
            event = self.voice.next(&self.node.clock) => Input::Voice(event),
            (link, event) = self.links.next() => Input::Link(link, event),
            () = tokio::time::sleep(wait) => Input::Timeout,
        }
    }

    fn handle(&mut self, input: Input) -> Result<(), NodeError> {
        match input {
            Input::Stop => {}
            Input::Fault(fault) => self.fail(fault)?,
            Input::Link(_, None) => return Err(NodeError::LinkGone),
            Input::Link(link, Some(event)) => {
                let Translated { event, message, happenings } = self.links.translate(link, event);
                happenings.into_iter().for_each(|happening| self.note(happening));
                let now = self.now();
                if let Some(event) = event {
                    self.core.handle_link(event, now);
                }
                if let Some(message) = message {
                    let before = self.core.audio_came().wasted_bytes;
                    self.core.handle_message(&message.topic, &message.payload, now);
                    let bytes = self.core.audio_came().wasted_bytes.saturating_sub(before);
                    if bytes > 0 {
                        self.note(Happening::Wasted { bytes });
                    }
                }
            }
            Input::Voice(event) => self.handle_voice(event)?,
            Input::Timeout => {
                let now = self.now();
                self.core.handle_timeout(now);
            }
        }
        Ok(())
    }

    fn handle_voice(&mut self, event: VoiceEvent) -> Result<(), NodeError> {
        let event = match event {
            VoiceEvent::Began { token, object, at, error_ms } => {
                self.note(Happening::Began { object, error_ms });
                SpeakerEvent::Started { token, at, error_ms }
            }
            VoiceEvent::Finished(past) => {
                self.hear_end(&past, "finished")?;
                SpeakerEvent::Finished { token: past.token, played_ms: past.played_ms }
            }
            VoiceEvent::Broken(past, why) => {
                tracing::debug!(object = %past.object, why, "an object cannot be decoded wholly");
                self.hear_end(&past, "audio broken")?;
                failed(&past, SpeakerFailure::Audio)
            }
        };
        let now = self.now();
        self.core.handle_speaker(event, now);
        Ok(())
    }

    /// Writes down what sounded.
    fn hear(&mut self, past: &Past) -> Result<(), NodeError> {
        let Some(started) = past.started else { return Ok(()) };
        let warm_ms = self.node.board.amplifier_on_since().map_or(0, |since| started.since(since));
        let heard = Heard {
            intent: self.intent.as_ref(),
            object: past.object,
            started,
            samples: past.samples(),
            played_ms: past.played_ms,
            warm_ms,
        };
        self.node.horn.heard(heard).map_err(NodeError::Horn)
    }

    pub(super) fn hear_end(&mut self, past: &Past, how: &'static str) -> Result<(), NodeError> {
        self.hear(past)?;
        self.note(Happening::Ended { object: past.object, played_ms: past.played_ms, how });
        Ok(())
    }

    /// Does what a fault does to the board.
    fn fail(&mut self, fault: Fault) -> Result<(), NodeError> {
        self.note(Happening::Fault { fault: fault.clone() });
        let node = &mut *self.node;
        match fault {
            Fault::LinkDown { silent: true } => node.network.cut(Outage::Silent),
            Fault::LinkDown { silent: false } => node.network.cut(Outage::Reset),
            Fault::LinkUp => node.network.mend(),
            // The boot has ended with it.
            Fault::PowerCut { .. } => {}
            Fault::DiskFull => node.cache.disk = Disk::Full,
            Fault::DiskFailing => node.cache.disk = Disk::Failing,
            Fault::DiskGood => node.cache.disk = Disk::Good,
            Fault::SpeakerBroken => {
                node.board.speaker_works = false;
                if let Some(past) = self.voice.stop(None) {
                    self.hear_end(&past, "device failed")?;
                    let now = self.now();
                    self.core.handle_speaker(failed(&past, SpeakerFailure::Device), now);
                }
            }
            Fault::SpeakerGood => node.board.speaker_works = true,
            Fault::ClockShift { ms } => {
                node.clock.shift(ms);
                self.tell_clock();
            }
            Fault::ClockTrust { trust } => {
                node.trust = trust;
                self.tell_clock();
            }
            Fault::CorruptObject { object } => {
                let rotten = node.cache.rot(&object);
                tracing::debug!(?rotten, "a byte rots");
            }
            Fault::Temperature { celsius } => {
                node.board.temperature_decidegrees = (celsius * 10.0).round() as i32
            }
            Fault::Supply { mv } => node.board.supply_mv = mv,
        }
        Ok(())
    }

    fn tell_clock(&mut self) {
        let now = self.now();
        self.core.handle_clock(self.node.trust, now);
    }

    /// Stops what sounds, writes its receipt, and takes leave of the broker.
    async fn stop(mut self) -> Result<(), NodeError> {
        // Nothing goes wrong any more.
        let script = &mut Script::default();
        let now = self.now();
        self.core.handle_shutdown(now);
        // The voice answers at once, so one round of actions and answers is all.
        self.act(script)?;
        if let Some(past) = self.voice.stop(None) {
            self.hear_end(&past, "stopped")?;
            let now = self.now();
            self.core.handle_speaker(stopped(&past), now);
            self.act(script)?;
        }
        self.links.close().await;
        Ok(())
    }
}
