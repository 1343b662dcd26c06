//! Between the domain's words and the pages'.

use std::collections::BTreeMap;

use chrono::DateTime;
use chrono_tz::Tz;
use loa_protocol::bulletin as wire;
use loa_protocol::time::UnixMs;

use crate::domain::bulletin::RevisionState;
use crate::domain::calendar::CalendarName;
use crate::domain::live_order::reason_words;
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role;
use crate::pages::labels::{BulletinState, Category, Class, Label as _, Outcome, Role};
use crate::pages::{Errors, Lang, Moment, Msg, msg};

/// A service's message.
pub(super) fn msg(message: &Message) -> Msg {
    Msg::both(message.vi.as_ref(), message.en.as_ref())
}

/// Why something was ended, in the reader's language where nobody typed it.
pub(super) fn because(lang: Lang, kept: &str) -> String {
    msg(&reason_words(kept)).text(lang)
}

/// A service's errors under the names of a form's fields. `name` gives a field of the form for the service's field
/// without its index (`areas` for `areas[3]`), or `""` for the form as a whole. One error is kept for each field: the
/// first is the one to mend.
pub(super) fn errors(errors: &FieldErrors, name: impl Fn(&str) -> &'static str) -> Errors {
    let mut named = Errors::none();
    for error in errors {
        let field = error.field.split(['[', '.']).next().unwrap_or_default();
        let field = name(field);
        if !named.has(field) {
            named.put(field, msg(&error.message));
        }
    }
    named
}

/// An instant in a zone.
pub(super) fn moment(at: UnixMs, zone: Tz) -> Moment {
    // No clock of ours shows a year that the calendar does not know.
    at.to_utc().unwrap_or(DateTime::UNIX_EPOCH).with_timezone(&zone)
}

/// What a calendar is called.
pub(super) fn calendar(name: &CalendarName) -> Msg {
    Msg::both(name.vi.as_str(), name.en.as_str())
}

/// A class.
pub(super) fn class(class: wire::Class) -> Class {
    match class {
        wire::Class::Normal => Class::Normal,
        wire::Class::Priority => Class::Priority,
        wire::Class::Emergency => Class::Emergency,
    }
}

/// A role.
pub(super) fn role(role: role::Role) -> Role {
    match role {
        role::Role::Author => Role::Author,
        role::Role::Approver => Role::Approver,
        role::Role::Technician => Role::Technician,
        role::Role::Admin => Role::Admin,
    }
}

/// Own names of people, by what they are called in `keys`; a text without authors is the operator's.
pub(super) fn people(lang: Lang, names: &BTreeMap<String, String>, keys: &[String]) -> String {
    if keys.is_empty() {
        return lang.text(msg::OPERATOR);
    }
    let own: Vec<&str> = keys.iter().map(|key| names.get(key).unwrap_or(key).as_str()).collect();
    own.join(", ")
}

/// The own name of whoever did something, by their id; else the operator did it.
pub(super) fn person(lang: Lang, names: &BTreeMap<String, String>, id: &str) -> String {
    names.get(id).cloned().unwrap_or_else(|| lang.text(msg::OPERATOR))
}

/// The state of a revision.
pub(super) fn state(state: RevisionState) -> BulletinState {
    match state {
        RevisionState::Draft => BulletinState::Draft,
        RevisionState::Submitted => BulletinState::Submitted,
        RevisionState::Approved => BulletinState::Approved,
        RevisionState::Rejected => BulletinState::Rejected,
        RevisionState::Withdrawn => BulletinState::Withdrawn,
        RevisionState::Superseded => BulletinState::Superseded,
    }
}

/// The domain's state of the page's.
pub(super) fn revision_state(state: BulletinState) -> RevisionState {
    match state {
        BulletinState::Draft => RevisionState::Draft,
        BulletinState::Submitted => RevisionState::Submitted,
        BulletinState::Approved => RevisionState::Approved,
        BulletinState::Rejected => RevisionState::Rejected,
        BulletinState::Withdrawn => RevisionState::Withdrawn,
        BulletinState::Superseded => RevisionState::Superseded,
    }
}

/// Name of a category.
pub(super) fn category(lang: Lang, category: wire::Category) -> String {
    match Category::from_code(category.as_str()) {
        Some(category) => lang.text(category.key()),
        None => category.as_str().to_owned(),
    }
}

/// Name of a voice, with or without its engine; its own where it has none here.
pub(super) fn voice(lang: Lang, voice: &str) -> String {
    let embedded = voice.strip_prefix("espeak-ng/").unwrap_or(voice);
    let key = match embedded {
        "vi" => msg::VOICE_NORTH,
        "vi-vn-x-central" => msg::VOICE_CENTRAL,
        "vi-vn-x-south" => msg::VOICE_SOUTH,
        _ => return voice.to_owned(),
    };
    lang.text(key)
}

/// How a receipt says that an occurrence ended; the words are those of [`loa_protocol::receipt::Outcome`].
pub(super) fn outcome(word: &str) -> Outcome {
    Outcome::from_code(word).unwrap_or(Outcome::Missed)
}

/// Why it did not sound wholly; the words are those of [`loa_protocol::receipt::Reason`].
pub(super) fn reason(word: &str) -> Msg {
    Msg::new(match word {
        "audio_incomplete" => msg::REASON_AUDIO_INCOMPLETE,
        "no_track_for_language" => msg::REASON_NO_TRACK,
        "too_late" => msg::REASON_TOO_LATE,
        "yielded" => msg::REASON_YIELDED,
        "speaker_failed" => msg::REASON_SPEAKER,
        "audio_broken" => msg::REASON_AUDIO_BROKEN,
        "interrupted" => msg::REASON_INTERRUPTED,
        "withdrawn" => msg::REASON_WITHDRAWN,
        "clock_unknown" => msg::REASON_CLOCK,
        "quiet_hours" => msg::REASON_QUIET_HOURS,
        "minutes_spent" => msg::REASON_MINUTES_SPENT,
        "sessions_spent" => msg::REASON_SESSIONS_SPENT,
        "too_long" => msg::REASON_TOO_LONG,
        "superseded" => msg::REASON_SUPERSEDED,
        "stopped" => msg::REASON_STOPPED,
        // A later board's reason: its word says more than nothing.
        other => return Msg::verbatim(other),
    })
}

#[cfg(test)]
mod tests {
    use loa_protocol::receipt::Reason;

    use super::*;

    #[test]
    fn every_reason_of_a_receipt_has_words() {
        for reason in [
            Reason::AudioIncomplete,
            Reason::NoTrackForLanguage,
            Reason::TooLate,
            Reason::Yielded,
            Reason::SpeakerFailed,
            Reason::AudioBroken,
            Reason::Interrupted,
            Reason::Withdrawn,
            Reason::ClockUnknown,
            Reason::QuietHours,
            Reason::MinutesSpent,
            Reason::SessionsSpent,
            Reason::TooLong,
            Reason::Superseded,
            Reason::Stopped,
        ] {
            assert_ne!(super::reason(reason.as_str()).text(Lang::En), reason.as_str());
        }
        assert_eq!(outcome("partial"), Outcome::Partial);
    }

    #[test]
    fn one_error_is_kept_for_each_field_of_the_form() {
        let mut found = FieldErrors::one("areas[0]", Message::fixed("a", "một", "one"));
        found.add("areas[1]", Message::fixed("b", "hai", "two"));
        found.add("start_within_s", Message::fixed("c", "ba", "three"));
        let named = errors(&found, |field| if field == "areas" { "target" } else { "" });
        let told: Vec<_> = named.iter().map(|(field, msg)| (field.to_owned(), msg.text(Lang::En))).collect();
        assert_eq!(told, [("target".to_owned(), "one".to_owned()), (String::new(), "three".to_owned())]);
    }
}
