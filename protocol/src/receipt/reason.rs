//! Why something did not sound.

use std::fmt;

use minicbor::{Decode, Decoder, Encode, Encoder};

/// Why an occurrence did not sound, or not wholly.
///
/// Boards are updated before their controller or after it, so a reason that this version does not know is kept as it is: the
/// one enumeration of the protocol in which an unknown number is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// Its audio was not whole in the cache when it had to start. Number 0; the others follow in order.
    AudioIncomplete,
    /// No track in a language that the village speaks.
    NoTrackForLanguage,
    /// The node was off, or busy, for longer than the start may be late.
    TooLate,
    /// An occurrence that goes before it was sounding.
    Yielded,
    /// The sound device failed.
    SpeakerFailed,
    /// The audio could not be decoded.
    AudioBroken,
    /// The node lost power, or was stopped, while it sounded.
    Interrupted,
    /// The plan that named it was withdrawn while it sounded, or while it was due and waited.
    Withdrawn,
    /// The node's clock cannot be trusted.
    ClockUnknown,
    /// Quiet hours forbade it, or began while it sounded (rule G3 of the [timeline](crate::timeline)).
    QuietHours,
    /// The minutes a day of its class were spent (rule G4).
    MinutesSpent,
    /// The sessions a day were spent (rule G5).
    SessionsSpent,
    /// It is longer than a session may be (rule G2).
    TooLong,
    /// An emergency updated or cancelled it (rule C3).
    Superseded,
    /// Somebody stopped it by a command.
    Stopped,
    /// One of a later version, by its number. Made by decoding alone, so that no number has two names.
    Other(LaterReason),
}

/// The number of a reason that this version has no name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaterReason(u32);

/// The reasons with a name, by their numbers, each with its word in the API and the database.
const NAMED: [(Reason, &str); 15] = [
    (Reason::AudioIncomplete, "audio_incomplete"),
    (Reason::NoTrackForLanguage, "no_track_for_language"),
    (Reason::TooLate, "too_late"),
    (Reason::Yielded, "yielded"),
    (Reason::SpeakerFailed, "speaker_failed"),
    (Reason::AudioBroken, "audio_broken"),
    (Reason::Interrupted, "interrupted"),
    (Reason::Withdrawn, "withdrawn"),
    (Reason::ClockUnknown, "clock_unknown"),
    (Reason::QuietHours, "quiet_hours"),
    (Reason::MinutesSpent, "minutes_spent"),
    (Reason::SessionsSpent, "sessions_spent"),
    (Reason::TooLong, "too_long"),
    (Reason::Superseded, "superseded"),
    (Reason::Stopped, "stopped"),
];

impl Reason {
    /// The reason's word; `other` for one of a later version, whose number [`Display`](fmt::Display) tells too.
    pub fn as_str(self) -> &'static str {
        NAMED.iter().find(|(reason, _)| *reason == self).map_or("other", |(_, word)| word)
    }

    fn of_number(number: u32) -> Self {
        let named = usize::try_from(number).ok().and_then(|number| NAMED.get(number));
        named.map_or(Self::Other(LaterReason(number)), |(reason, _)| *reason)
    }

    fn number(self) -> u32 {
        let named = (0..).zip(NAMED).find(|(_, (reason, _))| *reason == self);
        match (self, named) {
            (Self::Other(LaterReason(number)), _) | (_, Some((number, _))) => number,
            (_, None) => unreachable!("every reason but those of later versions has a name"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Other(LaterReason(number)) = self {
            return write!(f, "other_{number}");
        }
        f.write_str(self.as_str())
    }
}

impl<C> Encode<C> for Reason {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.u32(self.number())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Reason {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.u32().map(Self::of_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_of_a_later_version_is_kept_as_it_is() {
        for number in 0..300u32 {
            let bytes = minicbor::to_vec(number).unwrap();
            let reason: Reason = minicbor::decode(&bytes).unwrap();
            assert_eq!(minicbor::to_vec(reason).unwrap(), bytes);
            assert_eq!(matches!(reason, Reason::Other(_)), number as usize >= NAMED.len());
        }
        let later: Reason = minicbor::decode(&minicbor::to_vec(99u32).unwrap()).unwrap();
        assert_eq!((later.as_str(), later.to_string()), ("other", "other_99".to_owned()));
        assert_eq!(Reason::Stopped.to_string(), "stopped");
    }
}
