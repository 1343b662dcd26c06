//! What forms share: errors by field, and choices of a list.

use super::text::Msg;

/// Errors of a form by field name, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors(Vec<(String, Msg)>);

impl Errors {
    /// A form without errors.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds an error for the field `name`, as the form names it; `""` is the form as a whole.
    pub fn put(&mut self, name: impl Into<String>, msg: Msg) {
        self.0.push((name.into(), msg));
    }

    /// As [`Self::put`], for building in one expression.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, msg: Msg) -> Self {
        self.put(name, msg);
        self
    }

    /// The first error of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Msg> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, msg)| msg)
    }

    /// Whether the field has an error.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Field names and errors.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Msg)> {
        self.0.iter().map(|(field, msg)| (field.as_str(), msg))
    }
}

/// Key of a field's name, for the summary of a form's errors; `None` for a field that no form has.
pub(crate) fn label_key(field: &str) -> Option<&'static str> {
    Some(match field {
        "area" => "area",
        "areas" => "alert-areas",
        "minutes" => "alert-minutes",
        "severity" => "alert-severity",
        "status" => "alert-status",
        "template" => "alert-template",
        "kind" => "template-kind",
        "bulletin" => "bulletin",
        "category" => "bulletin-category",
        "class" => "bulletin-class",
        "comment" => "reject-comment",
        "correction" => "order-correction",
        "cron" => "schedule-cron",
        "current" => "passphrase-current",
        "date" => "schedule-date",
        "day" => "schedule-days",
        "display_name" => "user-display-name",
        "households" => "rules-households",
        "longest_session_minutes" => "rules-longest",
        "normal_minutes_a_day" => "rules-normal",
        "priority_minutes_a_day" => "rules-priority",
        "quiet_hours" => "rules-quiet",
        "sessions_a_day" => "rules-sessions",
        "volume_ceiling_percent" => "rules-volume",
        "days" => "calendar-days",
        "includes" => "calendar-includes",
        "after" => "schedule-after",
        "excluded" => "schedule-excluded",
        "gap" => "schedule-gap",
        "not_on" => "schedule-not-on",
        "only_on" => "schedule-only-on",
        "rounds" => "schedule-rounds",
        "within" => "schedule-within",
        "from" => "schedule-from",
        "grant_class" => "grant-classes",
        "language" => "track-language",
        "languages" => "area-languages",
        "level" => "area-level",
        "login" => "sign-in-name",
        "mode" => "schedule-mode",
        "name" => "field-name",
        "parent" => "area-parent",
        "passphrase" => "passphrase",
        "passphrase_again" => "passphrase-again",
        "reason" => "node-revoke-reason",
        "recording" => "recording-file",
        "role" => "role",
        "serial" => "node-serial",
        "speaker" => "speaker",
        "speaker_place" => "speaker-place",
        "transcript" => "transcript",
        "speak" => "tracks-speak",
        "spoken" => "word-spoken",
        "target" => "schedule-target",
        "text" => "bulletin-text",
        "time" => "schedule-time",
        "times" => "schedule-times",
        "title" => "bulletin-title",
        "until" => "schedule-until",
        "voice" => "voice",
        "written" => "word-written",
        _ => return None,
    })
}

/// One box to tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// What the form posts when it is ticked.
    pub value: String,
    /// What the user reads.
    pub label: String,
    /// Whether it is ticked.
    pub checked: bool,
}

impl Tick {
    /// A box.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>, checked: bool) -> Self {
        Self { value: value.into(), label: label.into(), checked }
    }
}

/// One entry of a list to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the form posts.
    pub value: String,
    /// What the user reads.
    pub label: String,
    /// Depth below the first level; shown as an indent (areas). 0 elsewhere.
    pub depth: usize,
}

impl Choice {
    /// A choice without indent.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), depth: 0 }
    }

    /// A choice `depth` levels down.
    #[must_use]
    pub fn at_depth(value: impl Into<String>, label: impl Into<String>, depth: usize) -> Self {
        Self { value: value.into(), label: label.into(), depth }
    }

    /// No-break spaces that indent the label within a list.
    #[must_use]
    pub fn indent(&self) -> String {
        "\u{a0}\u{a0}\u{a0}".repeat(self.depth)
    }
}
