//! Keys of the messages that handlers show: errors of fields, outcomes of forms, causes. Each names its
//! variables; give them with [`Msg::with`](super::Msg::with) and [`Msg::with_number`](super::Msg::with_number).

macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident = $key:literal;)+) => {
        $($(#[$meta])* pub const $name: &str = $key;)+

        #[cfg(test)]
        pub(super) const EVERY_KEY: &[&str] = &[$($key,)+];
    };
}

messages! {
    // Errors of fields.
    /// The field is empty.
    REQUIRED = "err-required";
    /// Too long; number `max`.
    TOO_LONG = "err-too-long";
    /// Not one of the choices.
    NOT_A_CHOICE = "err-not-a-choice";
    /// Contains a character that cannot be spoken or stored (NUL, control); word `x` names it.
    BAD_CHARACTER = "err-bad-character";
    /// Not a date or time.
    BAD_DATE = "err-bad-date";
    /// In the past.
    PAST = "err-past";
    /// The end is before the beginning.
    UNTIL_BEFORE_FROM = "err-until-before-from";
    /// Times that cannot be read; word `x`.
    BAD_TIMES = "err-bad-times";
    /// No weekday ticked.
    NO_DAY = "err-no-day";
    /// No area or node ticked.
    NO_TARGET = "err-no-target";
    /// A cron expression that cannot be read; word `x` says where.
    BAD_CRON = "err-bad-cron";
    /// A cron expression that never fires.
    CRON_NEVER = "err-cron-never";
    /// The area is unknown, or not the user's.
    UNKNOWN_AREA = "err-unknown-area";
    /// The name is taken.
    NAME_TAKEN = "err-name-taken";
    /// A sign-in name with characters that are not allowed.
    BAD_NAME = "err-bad-name";
    /// Passphrase too short; number `min`.
    PASSPHRASE_SHORT = "err-passphrase-short";
    /// The two passphrases differ.
    PASSPHRASE_DIFFERS = "err-passphrase-differs";
    /// Name or passphrase is wrong.
    SIGN_IN_WRONG = "err-sign-in-wrong";
    /// Too many attempts; number `minutes`.
    SIGN_IN_LIMIT = "err-sign-in-limit";
    /// The bulletin was changed by another person meanwhile.
    STALE_REVISION = "err-stale-revision";
    /// No voice for that language.
    NO_VOICE = "err-no-voice";
    /// No file chosen.
    NO_FILE = "err-no-file";
    /// The file is no sound, or of an unknown kind.
    NOT_AUDIO = "err-not-audio";
    /// The recording breaks off.
    AUDIO_TRUNCATED = "err-audio-truncated";
    /// The recording is too long; word `x` is the longest allowed.
    AUDIO_TOO_LONG = "err-audio-too-long";
    /// The recording is silent.
    AUDIO_SILENT = "err-audio-silent";
    /// The file is too large; word `x` is the largest allowed.
    FILE_TOO_LARGE = "err-file-too-large";

    // What the text check says.
    /// Marks that espeak-ng takes for phonemes, `[[ ]]`, are left out.
    WARN_BRACKETS = "warn-brackets";
    /// Emoji and the like are left out; word `x`.
    WARN_UNSPEAKABLE = "warn-unspeakable";
    /// Very long; number `minutes`.
    WARN_LONG = "warn-long";
    /// Words in capitals are read as abbreviations; word `x`.
    WARN_CAPITALS = "warn-capitals";

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
    /// Scheduled.
    SCHEDULED = "done-scheduled";
    /// Schedule cancelled.
    SCHEDULE_CANCELLED = "done-schedule-cancelled";
    /// Area added; word `x`.
    AREA_ADDED = "done-area-added";
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
    /// Passphrase set, signed in.
    WELCOME = "done-welcome";
    /// Signed out.
    SIGNED_OUT = "done-signed-out";

    // Why an action is not offered.
    /// The user wrote it: another person approves.
    BLOCKED_OWN = "blocked-own";
    /// A track is not ready yet.
    BLOCKED_TRACKS = "blocked-tracks";
    /// There is no track.
    BLOCKED_NO_TRACK = "blocked-no-track";

    // Why a track could not be made.
    /// espeak-ng is missing.
    TRACK_NO_ESPEAK = "track-no-espeak";
    /// Synthesis failed; word `x`.
    TRACK_SPEECH_FAILED = "track-speech-failed";

    // Why a node did not sound.
    /// In quiet hours.
    REASON_QUIET_HOURS = "reason-quiet-hours";
    /// Pre-empted by a higher class.
    REASON_PREEMPTED = "reason-preempted";
    /// The audio was not in the cache in time.
    REASON_NOT_CACHED = "reason-not-cached";
    /// The node was without power, or off.
    REASON_NODE_OFF = "reason-node-off";
    /// The clock cannot be trusted.
    REASON_CLOCK = "reason-clock";
    /// The audio path failed; word `x`.
    REASON_AUDIO = "reason-audio";
    /// The plan's window is over.
    REASON_EXPIRED = "reason-expired";
    /// Its key's scope does not cover the node.
    REASON_SCOPE = "reason-scope";
    /// The signature is bad.
    REASON_SIGNATURE = "reason-signature";
    /// An old sequence.
    REASON_SEQUENCE = "reason-sequence";
    /// Stopped by a person.
    REASON_STOPPED = "reason-stopped";

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
