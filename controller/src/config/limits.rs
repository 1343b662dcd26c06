//! What staff may send at most, and how long things last.

use serde::Deserialize;

/// Upper bounds. Each refuses with a message that names the bound.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest text of one track, in characters. 40,000 is about 45 minutes of speech, one rural session.
    pub text_max_chars: usize,
    /// Largest uploaded recording, in bytes.
    pub upload_max_bytes: u64,
    /// Longest recording, in seconds.
    pub recording_max_s: u64,
    /// A session ends when unused for this long, in minutes.
    pub session_idle_min: u32,
    /// A session ends at this age whatever its use, in hours.
    pub session_max_h: u32,
    /// A one-time sign-in link works for this long, in hours.
    pub sign_in_link_h: u32,
    /// A node's enrolment token works for this long, in hours.
    pub enrolment_token_h: u32,
    /// A recording that no bulletin took is kept for this long, in hours.
    pub upload_kept_h: u32,
    /// Sounds and recordings are kept for this long after their bulletin is over, in days.
    pub sound_kept_days: u32,
    /// An emergency that reaches more households than this is approved by two people.
    pub alert_two_approvers_above: u64,
    /// What audio may take of the controller's own line, to all nodes together, in kbit/s; 0: as much as the machine can.
    pub audio_total_kbit_s: u64,
}

impl Limits {
    /// [`Limits::audio_total_kbit_s`] in bytes a second; `None`: not bounded.
    pub fn audio_bytes_s(&self) -> Option<u64> {
        (self.audio_total_kbit_s > 0).then(|| self.audio_total_kbit_s.saturating_mul(1_000) / 8)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_max_chars: 40_000,
            upload_max_bytes: 128 * 1024 * 1024,
            recording_max_s: 60 * 60,
            session_idle_min: 120,
            session_max_h: 24 * 7,
            sign_in_link_h: 72,
            enrolment_token_h: 72,
            upload_kept_h: 24,
            sound_kept_days: 90,
            alert_two_approvers_above: 5_000,
            audio_total_kbit_s: 200_000,
        }
    }
}
