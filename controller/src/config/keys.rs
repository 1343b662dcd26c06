//! Every key that exists, and how the environment spells its value.

/// How a value in the environment, always text, is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// As it stands.
    Text,
    /// A whole number, zero or more.
    Integer,
    /// `true` or `false`.
    Flag,
    /// Texts with commas between them.
    List,
    /// Tables, which only a file can hold.
    Tables,
}

/// One key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Dotted path, as in the TOML file: `http.listen`.
    pub path: &'static str,
    /// How its environment variable is read.
    pub kind: KeyKind,
}

impl Key {
    /// The environment variable of this key: `http.listen` is `LOA_HTTP_LISTEN`.
    pub fn variable(&self) -> String {
        format!("LOA_{}", self.path.replace('.', "_").to_ascii_uppercase())
    }
}

const fn text(path: &'static str) -> Key {
    Key { path, kind: KeyKind::Text }
}

const fn integer(path: &'static str) -> Key {
    Key { path, kind: KeyKind::Integer }
}

/// All keys, in the order of the structs.
pub const KEYS: &[Key] = &[
    text("data_dir"),
    text("tenant"),
    text("zone"),
    Key { path: "languages", kind: KeyKind::Tables },
    text("database.url"),
    text("http.listen"),
    text("http.public_url"),
    Key { path: "http.secure_cookies", kind: KeyKind::Flag },
    Key { path: "http.behind_proxy", kind: KeyKind::Flag },
    integer("http.request_timeout_s"),
    text("broker.mode"),
    text("broker.listen"),
    text("broker.public_host"),
    integer("broker.public_port"),
    text("broker.url"),
    text("broker.username"),
    text("broker.password"),
    text("broker.ca_file"),
    text("broker.files_dir"),
    integer("broker.packet_max_bytes"),
    text("clock.trust"),
    text("metrics.listen"),
    text("metrics.token"),
    integer("speech.workers"),
    text("speech.voice"),
    text("speech.region"),
    integer("speech.words_per_minute"),
    Key { path: "speech.languages", kind: KeyKind::List },
    text("speech.program"),
    integer("speech.cache_max_mib"),
    Key { path: "speech.engines", kind: KeyKind::Tables },
    Key { path: "speech.orders", kind: KeyKind::Tables },
    integer("limits.text_max_chars"),
    integer("limits.upload_max_bytes"),
    integer("limits.recording_max_s"),
    integer("limits.session_idle_min"),
    integer("limits.session_max_h"),
    integer("limits.sign_in_link_h"),
    integer("limits.enrolment_token_h"),
    integer("limits.upload_kept_h"),
    integer("limits.sound_kept_days"),
    integer("limits.alert_two_approvers_above"),
    integer("limits.audio_total_kbit_s"),
];

/// The known key that was probably meant: nearest by its whole path, or by its last name alone.
pub(super) fn nearest(unknown: &str) -> Option<&'static str> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |path: &str| {
        strsim::normalized_damerau_levenshtein(unknown, path)
            .max(0.99 * strsim::normalized_damerau_levenshtein(&last(unknown), &last(path)))
    };
    KEYS.iter()
        .map(|key| (key.path, likeness(key.path)))
        .filter(|(_, likeness)| *likeness > 0.6)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(path, _)| path)
}
