//! The sound device and the amplifier of a board, and everything that they can do wrong.

use loa_node_core::{SpeakerFailure, Token};
use loa_protocol::ids::ObjectHash;

use super::SECOND;
use crate::rng::Rng;

/// What the device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    Works,
    /// It refuses each sound.
    Refuses,
    /// It goes away while it plays.
    Fails,
    /// It takes a sound and says nothing more.
    Hangs,
}

/// A sound that was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Voice {
    pub(crate) token: Token,
    pub(crate) object: ObjectHash,
    length_ms: i64,
    /// When its first sample was heard, in true time.
    pub(crate) began: Option<i64>,
    /// The device hangs in it: nothing is heard, and nothing is said.
    is_hung: bool,
    is_stopping: bool,
    fails: bool,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// It begins at this true instant.
    Begins(i64),
    Refused(SpeakerFailure),
    /// Another sound is under way: the core must not.
    Clash,
}

/// A sound begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// It is heard, and ends after so long.
    Heard { ends_after_ms: i64 },
    /// It is heard, and nobody will ever say that it ended.
    HeardAndHung,
    /// Nothing is heard.
    Nothing,
}

/// The end of a sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) failed: bool,
    pub(crate) played_ms: u32,
}

/// One board's speaker.
#[derive(Debug)]
pub(crate) struct Speaker {
    pub(crate) device: Device,
    pub(crate) amplifier_works: bool,
    pub(crate) is_slow: bool,
    /// Since when the amplifier is on, in true time.
    pub(crate) amplifier_on: Option<i64>,
    /// It could not be switched on in time, and was when the sound was ordered: the daemon then plays into a cold one.
    pub(crate) is_amplifier_late: bool,
    pub(crate) voice: Option<Voice>,
}

impl Default for Speaker {
    fn default() -> Self {
        Self {
            device: Device::Works,
            amplifier_works: true,
            is_slow: false,
            amplifier_on: None,
            is_amplifier_late: false,
            voice: None,
        }
    }
}

impl Speaker {
    pub(crate) fn works(&self) -> bool {
        let is_hung = self.voice.is_some_and(|voice| voice.is_hung);
        self.device == Device::Works && self.amplifier_works && !self.is_slow && !is_hung
    }

    pub(crate) fn prepare(&mut self, t: i64) {
        if self.amplifier_works && self.amplifier_on.is_none() {
            (self.amplifier_on, self.is_amplifier_late) = (Some(t), false);
        }
    }

    /// Takes a sound of `length_ms` that is to begin in `wait_ms`, and may begin `late_ms` later at most.
    pub(crate) fn play(
        &mut self,
        rng: &mut Rng,
        t: i64,
        sound: (Token, ObjectHash, i64),
        wait_ms: i64,
        latest_in_ms: i64,
    ) -> Order {
        let (token, object, length_ms) = sound;
        match self.voice {
            Some(voice) if voice.is_hung => return Order::Refused(SpeakerFailure::Device),
            Some(_) => return Order::Clash,
            None => {}
        }
        let was_off = self.amplifier_on.is_none();
        self.prepare(t);
        self.is_amplifier_late |= was_off;
        if self.amplifier_on.is_none() || self.device == Device::Refuses {
            return Order::Refused(SpeakerFailure::Device);
        }
        let takes_ms = if self.is_slow { rng.range(0, 20 * SECOND) } else { 0 };
        if takes_ms > latest_in_ms {
            return Order::Refused(SpeakerFailure::Late);
        }
        let fails = self.device == Device::Fails && rng.percent(60);
        let voice =
            Voice { token, object, length_ms, began: None, is_hung: false, is_stopping: false, fails };
        self.voice = Some(voice);
        Order::Begins(t + wait_ms.max(takes_ms).max(0) + rng.range(0, 3))
    }

    /// The instant of a sound has come.
    pub(crate) fn begin(&mut self, rng: &mut Rng, t: i64, token: Token) -> Option<Beginning> {
        let hangs = self.device == Device::Hangs;
        let voice =
            self.voice.as_mut().filter(|v| v.token == token && v.began.is_none() && !v.is_stopping)?;
        if hangs {
            voice.is_hung = true;
            if rng.percent(50) {
                return Some(Beginning::Nothing);
            }
            voice.began = Some(t);
            return Some(Beginning::HeardAndHung);
        }
        voice.began = Some(t);
        let ends_after_ms = if voice.fails { rng.range(1, voice.length_ms) } else { voice.length_ms };
        Some(Beginning::Heard { ends_after_ms })
    }

    /// A sound has come to its end by itself.
    pub(crate) fn end(&mut self, t: i64, token: Token) -> Option<End> {
        let voice = self.voice.take_if(|v| v.token == token && !v.is_hung && !v.is_stopping)?;
        Some(End { failed: voice.fails, played_ms: played_ms(&voice, t) })
    }

    /// The core wants it stopped: whether the device hears that.
    pub(crate) fn stop(&mut self, token: Token) -> bool {
        match self.voice.as_mut().filter(|v| v.token == token && !v.is_hung) {
            Some(voice) => {
                voice.is_stopping = true;
                true
            }
            None => false,
        }
    }

    /// It has stopped.
    pub(crate) fn stopped(&mut self, t: i64, token: Token) -> Option<End> {
        let voice = self.voice.take_if(|v| v.token == token && v.is_stopping)?;
        Some(End { failed: false, played_ms: played_ms(&voice, t) })
    }

    /// The device does something else from here on. Returns the sound in which it hung.
    pub(crate) fn set_device(&mut self, device: Device) -> Option<Token> {
        self.device = device;
        if device == Device::Hangs { None } else { Some(self.voice.take_if(|v| v.is_hung)?.token) }
    }

    /// Whether something is heard that the core can know of.
    pub(crate) fn is_heard(&self) -> bool {
        self.voice.is_some_and(|voice| voice.began.is_some() && !voice.is_hung)
    }

    /// The power goes.
    pub(crate) fn lose_power(&mut self) {
        (self.voice, self.amplifier_on) = (None, None);
    }
}

fn played_ms(voice: &Voice, t: i64) -> u32 {
    voice.began.map_or(0, |began| u32::try_from(t - began).unwrap_or(0))
}
