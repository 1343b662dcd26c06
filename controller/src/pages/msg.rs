//! Keys of the messages that handlers show: outcomes of forms, causes, titles of errors. Each names its
//! variables; give them with [`Msg::with`](super::Msg::with) and [`Msg::with_number`](super::Msg::with_number).

use super::text::Msg;

/// Title of an error page, and what to do, by its HTTP status. The cause is the service's own message.
#[must_use]
pub fn problem(status: u16) -> (Msg, Msg) {
    let (title, todo) = match status {
        403 => (FORBIDDEN, FORBIDDEN_TODO),
        404 | 405 | 410 => (NOT_FOUND, NOT_FOUND_TODO),
        409 => (CONFLICT, CONFLICT_TODO),
        413 => (TOO_LARGE, TOO_LARGE_TODO),
        429 => (TOO_MANY, TOO_MANY_TODO),
        503 | 507 => (UNAVAILABLE, UNAVAILABLE_TODO),
        400..=499 => (BAD_REQUEST, BAD_REQUEST_TODO),
        _ => (INTERNAL, INTERNAL_TODO),
    };
    (Msg::new(title), Msg::new(todo))
}

macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident = $key:literal;)+) => {
        $($(#[$meta])* pub const $name: &str = $key;)+

        #[cfg(test)]
        pub(super) const EVERY_KEY: &[&str] = &[$($key,)+];
    };
}

messages! {
    // Errors that only the forms of these pages can have; the services bring words of their own
    // (`Msg::both`).
    /// The field is empty.
    REQUIRED = "err-required";
    /// Not one of the choices.
    NOT_A_CHOICE = "err-not-a-choice";
    /// Times that cannot be read; word `x`.
    BAD_TIMES = "err-bad-times";
    /// An area's quiet hours; word `x`.
    RULE_QUIET = "rule-quiet";
    /// Minutes a day of the normal class; number `n`.
    RULE_NORMAL = "rule-normal";
    /// Minutes a day of the priority class; number `n`.
    RULE_PRIORITY = "rule-priority";
    /// Sessions a day; number `n`.
    RULE_SESSIONS = "rule-sessions";
    /// Minutes of the longest session; number `n`.
    RULE_LONGEST = "rule-longest";
    /// The same, in seconds.
    RULE_LONGEST_S = "rule-longest-s";
    /// Highest volume in percent; number `n`.
    RULE_VOLUME = "rule-volume";
    /// Own priority bulletins go first.
    RULE_OWN_FIRST = "rule-own-first";
    /// An area's rules were saved; word `x` is its name.
    AREA_RULES_SAVED = "area-rules-saved";
    /// A calendar is kept; word `x` is its name.
    CALENDAR_KEPT = "done-calendar-kept";
    /// A calendar is removed; word `x` is its name.
    CALENDAR_REMOVED = "done-calendar-removed";
    /// No whole number; word `x`.
    BAD_NUMBER = "err-bad-number";
    /// A schedule sounds on a calendar's days alone; word `x`.
    ONLY_ON = "schedule-says-only-on";
    /// A schedule does not sound on a calendar's days; word `x`.
    NOT_ON = "schedule-says-not-on";
    /// A schedule does not sound on dates; word `x`.
    NOT_ON_DATES = "schedule-says-not-dates";
    /// The same, with more that are not named; word `x`, number `n`.
    NOT_ON_MORE_DATES = "schedule-says-not-more-dates";
    /// A schedule's rounds; numbers `n` and `gap` (seconds).
    ROUNDS = "schedule-says-rounds";
    /// It goes on after an interruption.
    AFTER_RESUME = "schedule-says-resume";
    /// It begins again after an interruption.
    AFTER_RESTART = "schedule-says-restart";
    /// No weekday ticked.
    NO_DAY = "err-no-day";
    /// The two passphrases differ.
    PASSPHRASE_DIFFERS = "err-passphrase-differs";
    /// No file chosen.
    NO_FILE = "err-no-file";
    /// The file is too large; word `x` is the largest allowed.
    FILE_TOO_LARGE = "err-file-too-large";

    /// The form made its bulletin before, with other words.
    FORM_USED = "err-form-used";
    /// The session ended in the middle of writing; the form is shown again as typed.
    FORM_KEPT = "err-form-kept";

    // What the text check says.
    /// Marks that espeak-ng takes for phonemes, `[[ ]]`, are left out.
    WARN_BRACKETS = "warn-brackets";
    /// Very long; number `minutes`.
    WARN_LONG = "warn-long";
    /// Words in capitals are read as abbreviations; word `x`.
    WARN_CAPITALS = "warn-capitals";

    // What is wrong with a command in a text; number `line`, word `x` is the command.
    /// Perhaps another command; words `name`, `nearest`.
    MARKUP_NEAR_COMMAND = "markup-near-command";
    /// No such command; word `name`.
    MARKUP_UNKNOWN_COMMAND = "markup-unknown-command";
    /// Perhaps another language; words `name`, `nearest`.
    MARKUP_NEAR_LANGUAGE = "markup-near-language";
    /// No such language; word `name`.
    MARKUP_UNKNOWN_LANGUAGE = "markup-unknown-language";
    /// A language that has no voice; word `name`.
    MARKUP_NO_VOICE = "markup-no-voice";
    /// The colon is missing; word `name`.
    MARKUP_NO_COLON = "markup-no-colon";
    /// The bracket is not closed on its line; word `name`.
    MARKUP_UNCLOSED = "markup-unclosed";
    /// A command in one that holds none; word `name`.
    MARKUP_NESTED = "markup-nested";
    /// Nothing to say in it; word `name`.
    MARKUP_EMPTY = "markup-empty";
    /// No length of a pause; words `length`, `least`, `most` (seconds).
    MARKUP_PAUSE_LENGTH = "markup-pause-length";
    /// Too much silence in all; word `most` (seconds).
    MARKUP_PAUSES_IN_ALL = "markup-pauses-in-all";
    /// Not what the command says; words `kind`, `content`.
    MARKUP_NOT_THAT = "markup-not-that";

    // What the schedule preview says.
    /// Falls in quiet hours: nodes will refuse it.
    WARN_QUIET_HOURS = "warn-quiet-hours";
    /// No track yet that can be played.
    WARN_NO_TRACK = "warn-no-track";
    /// Some of the nodes are offline; number `n`.
    WARN_OFFLINE = "warn-offline";

    // Outcomes of forms.
    /// Draft saved.
    SAVED = "done-saved";
    /// New revision saved; number `n`.
    REVISION_SAVED = "done-revision-saved";
    /// Sent for approval.
    SUBMITTED = "done-submitted";
    /// Approved.
    APPROVED = "done-approved";
    /// Returned.
    REJECTED = "done-rejected";
    /// Withdrawn.
    WITHDRAWN = "done-withdrawn";
    /// Track added; it is being made.
    TRACK_ADDED = "done-track-added";
    /// Track removed.
    TRACK_REMOVED = "done-track-removed";
    /// The loud syllables of a recording crackle.
    RECORDING_CLIPPED = "recording-clipped";
    /// The noise of a recording is nearly as loud as the voice.
    RECORDING_NOISY = "recording-noisy";
    /// A recording is too soft.
    RECORDING_QUIET = "recording-quiet";
    /// Silence was cut off a recording; word `x` is how many seconds.
    RECORDING_TRIMMED = "recording-trimmed";
    /// A speaker's consent was noted.
    CONSENT_NOTED = "done-consent-noted";
    /// A speaker's consent was taken back.
    CONSENT_WITHDRAWN = "done-consent-withdrawn";
    /// An export of the speech data set was begun.
    EXPORT_BEGUN = "done-export-begun";
    /// Scheduled.
    SCHEDULED = "done-scheduled";
    /// An order that silences was given.
    ORDER_GIVEN = "done-order-given";
    /// An emergency was given.
    ALERT_GIVEN = "done-alert";
    /// An emergency was approved.
    ALERT_APPROVED = "done-alert-approved";
    /// An emergency was stopped or given back.
    ALERT_ENDED = "done-alert-ended";
    /// A prepared template was begun.
    TEMPLATE_BEGUN = "done-template";
    /// Schedule cancelled.
    SCHEDULE_CANCELLED = "done-schedule-cancelled";
    /// Area added; word `x`.
    AREA_ADDED = "done-area-added";
    /// An area was changed; word `x`.
    AREA_SAVED = "done-area-saved";
    /// Word kept; word `x`.
    WORD_KEPT = "done-word-kept";
    /// Word kept that was said otherwise before; words `x`, `said`.
    WORD_REPLACED = "done-word-replaced";
    /// Word kept, and words that lead back to themselves; words `x`, `loops`.
    WORD_LOOP = "done-word-loop";
    /// Word removed; word `x`.
    WORD_REMOVED = "done-word-removed";
    /// Node added; word `x`.
    NODE_ADDED = "done-node-added";
    /// Node revoked; word `x`.
    NODE_REVOKED = "done-node-revoked";
    /// User added; word `x`.
    USER_ADDED = "done-user-added";
    /// One-time link issued.
    LINK_ISSUED = "done-link-issued";
    /// Role given.
    ROLE_GIVEN = "done-role-given";
    /// Role taken.
    ROLE_TAKEN = "done-role-taken";
    /// Account disabled.
    USER_DISABLED = "done-user-disabled";
    /// Account enabled.
    USER_ENABLED = "done-user-enabled";
    /// Passphrase set, signed in.
    WELCOME = "done-welcome";
    /// Passphrase changed.
    PASSPHRASE_SET = "done-passphrase-set";
    /// One of one's own sessions ended.
    SESSION_ENDED = "done-session-ended";
    /// Signed out.
    SIGNED_OUT = "done-signed-out";

    // Why an action is not offered.
    /// The user wrote it: another person approves.
    BLOCKED_OWN = "blocked-own";
    /// A track is not ready yet.
    BLOCKED_TRACKS = "blocked-tracks";

    // Why a node did not sound, or not wholly: the words of `loa_protocol::receipt::Reason`.
    /// Its audio was not whole in the cache.
    REASON_AUDIO_INCOMPLETE = "reason-audio-incomplete";
    /// No track in a language that the village speaks.
    REASON_NO_TRACK = "reason-no-track";
    /// The node was off, or busy, for too long.
    REASON_TOO_LATE = "reason-too-late";
    /// An occurrence that goes before it was sounding.
    REASON_YIELDED = "reason-yielded";
    /// The sound device failed.
    REASON_SPEAKER = "reason-speaker";
    /// The audio could not be decoded.
    REASON_AUDIO_BROKEN = "reason-audio-broken";
    /// Power was lost, or the node stopped, while it sounded.
    REASON_INTERRUPTED = "reason-interrupted";
    /// The bulletin was withdrawn while it sounded, or when it was due and waited.
    REASON_WITHDRAWN = "reason-withdrawn";
    /// The node's clock cannot be trusted.
    REASON_CLOCK = "reason-clock";
    /// Quiet hours forbade it, or began while it sounded.
    REASON_QUIET_HOURS = "reason-quiet-hours";
    /// The minutes a day of its class were spent.
    REASON_MINUTES_SPENT = "reason-minutes-spent";
    /// The sessions a day were spent.
    REASON_SESSIONS_SPENT = "reason-sessions-spent";
    /// It is longer than a session may be.
    REASON_TOO_LONG = "reason-too-long";
    /// An emergency updated or cancelled it.
    REASON_SUPERSEDED = "reason-superseded";
    /// Somebody stopped it by a command.
    REASON_STOPPED = "reason-stopped";

    /// Number `n` of times that a node asked for the same in vain.
    NODE_STUCK_IN = "node-stuck-in";

    // How far nodes are with a sound.
    /// Numbers `n` of `m`, for a start at `x`.
    READY_FOR = "ready-for";
    /// Numbers `n` of `m`, in a place `x`.
    READY_IN = "ready-in";
    /// Number `n` of nodes that fetch it, and percent `m` of what they fetch.
    READY_FETCHING = "ready-fetching";
    /// Number `n` of nodes that have not said that they know of it.
    READY_WAITING = "ready-waiting";
    /// Number `n` of nodes that do not know of it and are not connected.
    READY_AWAY = "ready-away";

    // Names that handlers put into lists.
    /// A line of which nobody has said what it carries.
    LINE_UNKNOWN = "node-line-unknown";
    /// Optical fibre.
    LINE_FIBRE = "node-line-fibre";
    /// 4G.
    LINE_MOBILE = "node-line-mobile";
    /// About 64 kbit/s.
    LINE_THIN = "node-line-thin";
    /// The whole installation, in place of an area.
    EVERYWHERE = "area-everywhere";
    /// The voice that the order of the engines gives.
    VOICE_USUAL = "voice-usual";
    /// The same, where it is known; word `x`.
    VOICE_USUAL_IS = "voice-usual-is";
    /// Whoever works at the server itself.
    OPERATOR = "who-operator";
    /// Words `x`, and number `n` of more places.
    PLACES_MORE = "places-more";
    /// espeak-ng's northern voice.
    VOICE_NORTH = "voice-north";
    /// Its central voice.
    VOICE_CENTRAL = "voice-central";
    /// Its southern voice.
    VOICE_SOUTH = "voice-south";

    // Errors as pages: title, then what to do.
    /// 404 title.
    NOT_FOUND = "problem-not-found";
    /// 404 what to do.
    NOT_FOUND_TODO = "problem-not-found-todo";
    /// 403 title.
    FORBIDDEN = "problem-forbidden";
    /// 403 what to do.
    FORBIDDEN_TODO = "problem-forbidden-todo";
    /// CSRF title: the form is too old.
    FORM_EXPIRED = "problem-form-expired";
    /// CSRF what to do.
    FORM_EXPIRED_TODO = "problem-form-expired-todo";
    /// 409 title: not in this state.
    CONFLICT = "problem-conflict";
    /// 409 what to do.
    CONFLICT_TODO = "problem-conflict-todo";
    /// 413 title.
    TOO_LARGE = "problem-too-large";
    /// 413 what to do.
    TOO_LARGE_TODO = "problem-too-large-todo";
    /// 429 title.
    TOO_MANY = "problem-too-many";
    /// 429 what to do.
    TOO_MANY_TODO = "problem-too-many-todo";
    /// 400 title: a request that cannot be read.
    BAD_REQUEST = "problem-bad-request";
    /// 400 what to do.
    BAD_REQUEST_TODO = "problem-bad-request-todo";
    /// 500 title.
    INTERNAL = "problem-internal";
    /// 500 what to do.
    INTERNAL_TODO = "problem-internal-todo";
    /// 503 title.
    UNAVAILABLE = "problem-unavailable";
    /// 503 what to do.
    UNAVAILABLE_TODO = "problem-unavailable-todo";
}
