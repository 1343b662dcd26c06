//! The speaker and the amplifier, between the core and the board.

use std::sync::Arc;

use loa_node_core::{Now, SpeakerFailure, Token};
use loa_protocol::time::UnixMs;

use super::Shell;
use crate::audio::{PlayFailure, SpeakerError, SpeakerEvent, SpeakerReady};
use crate::cache::worker::Job;

impl Shell {
    pub(super) async fn handle_speaker(&mut self, event: SpeakerEvent, now: Now) {
        let token = event.token();
        if event.is_end() {
            let object = self.sounding.remove(&token);
            // What cannot be decoded may have rotted since it was hashed.
            if let (SpeakerEvent::Failed { reason, .. }, Some(object)) = (&event, object)
                && is_of_audio(reason)
                && let Err(error) = self.send_job(Job::Suspect(object)).await
            {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot check an object that does not play"
                );
            }
        }
        self.core.handle_speaker(translate(event), now);
    }

    pub(super) fn handle_prepared(&mut self, answer: Result<SpeakerReady, SpeakerError>) {
        self.speaker_works = Some(answer.is_ok() && !self.amplifier_fails);
        self.speaker_hangs = matches!(answer, Err(SpeakerError::Hanging));
        match answer {
            Ok(ready) => tracing::debug!(?ready, "the sound device is open"),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "no sound device"),
        }
    }

    /// Switches the amplifier on and opens the device, which takes its time, elsewhere.
    pub(super) fn prepare_speaker(&mut self, by: UnixMs) {
        tracing::debug!(%by, "the amplifier goes on");
        self.switch_amplifier_on();
        let (speaker, answer) = (Arc::clone(&self.speaker), self.prepared.0.clone());
        tokio::task::spawn_blocking(move || {
            // Full: an earlier answer has not been looked at yet, and this one says the same.
            let _ = answer.try_send(speaker.prepare());
        });
    }

    /// Returns whether it is on. While it is not, nothing that plays is heard.
    pub(super) fn switch_amplifier_on(&mut self) -> bool {
        let switched = self.board.set_amplifier(true);
        self.amplifier_fails = switched.is_err();
        if let Err(error) = switched {
            self.speaker_works = Some(false);
            tracing::error!(error = &error as &dyn std::error::Error, "cannot switch the amplifier on");
        }
        !self.amplifier_fails
    }

    pub(super) fn release_speaker(&mut self) {
        if let Err(error) = self.speaker.release() {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot close the sound device");
        }
        if let Err(error) = self.board.set_amplifier(false) {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot switch the amplifier off");
        }
    }
}

fn is_of_audio(reason: &PlayFailure) -> bool {
    match reason {
        PlayFailure::Unreadable(_) | PlayFailure::Truncated { .. } | PlayFailure::Damaged { .. } => true,
        PlayFailure::Device(_) => false,
    }
}

fn translate(event: SpeakerEvent) -> loa_node_core::SpeakerEvent {
    use loa_node_core::SpeakerEvent as Core;
    let ms = |played_ms: u64| u32::try_from(played_ms).unwrap_or(u32::MAX);
    match event {
        SpeakerEvent::Started { token, at_unix_ms, error_ms } => {
            tracing::info!(token, at = %UnixMs(at_unix_ms), error_ms, "a sound starts");
            Core::Started { token: Token(token), at: UnixMs(at_unix_ms), error_ms }
        }
        SpeakerEvent::Finished { token, played_ms, gap_ms, .. } => {
            if gap_ms > 0 {
                tracing::warn!(token, gap_ms, "the sound had gaps: the board could not keep up");
            }
            Core::Finished { token: Token(token), played_ms: ms(played_ms) }
        }
        SpeakerEvent::Stopped { token, played_ms, .. } => {
            Core::Stopped { token: Token(token), played_ms: ms(played_ms) }
        }
        SpeakerEvent::Failed { token, played_ms, reason } => {
            tracing::error!(token, played_ms, error = &reason as &dyn std::error::Error, "a sound failed");
            let kind = if is_of_audio(&reason) { SpeakerFailure::Audio } else { SpeakerFailure::Device };
            Core::Failed { token: Token(token), kind, played_ms: ms(played_ms) }
        }
    }
}
