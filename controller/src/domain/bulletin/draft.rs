//! A bulletin as a person types it, checked into [`Content`].

use std::sync::Arc;

use loa_protocol::bulletin::{Category, Class, Language};
use loa_protocol::ids::ObjectHash;

use super::super::language::Languages;
use super::super::message::{FieldErrors, Message, UiLanguage};
use super::text;
use super::{Content, Track, TrackContent, TrackSource};

/// Longest title, in characters. The plan allows 400 bytes; see [`loa_protocol::plan::TITLE_MAX_BYTES`].
pub const TITLE_MAX_CHARS: usize = 200;
/// Most languages of one bulletin.
pub const TRACKS_MAX: usize = loa_protocol::plan::TRACKS_MAX;

/// The form of a bulletin. Texts are as typed; nothing is checked yet.
#[derive(Debug, Clone, Default)]
pub struct BulletinDraft {
    /// The title.
    pub title: String,
    /// The text in Vietnamese.
    pub text: String,
    /// Word of the category.
    pub category: String,
    /// Word of the class.
    pub class: String,
    /// The sounds. None at all means: the text, spoken in Vietnamese.
    pub tracks: Vec<TrackDraft>,
}

/// One language's sound, as typed.
#[derive(Debug, Clone)]
pub struct TrackDraft {
    /// Language tag.
    pub language: String,
    /// Where the sound comes from.
    pub source: SourceDraft,
}

impl TrackDraft {
    /// The tracks of an emergency: everywhere some understand Vietnamese, so it is always said in it, first unless the tracks say
    /// otherwise.
    pub fn with_vietnamese(mut tracks: Vec<Self>) -> Vec<Self> {
        let vietnamese = Language::vietnamese();
        if tracks.iter().all(|track| track.language.trim() != vietnamese.as_str()) {
            let source =
                SourceDraft::Speech { text: String::new(), voice: String::new(), words_per_minute: None };
            tracks.insert(0, Self { language: vietnamese.to_string(), source });
        }
        tracks
    }
}

/// Where a sound comes from, as typed.
#[derive(Debug, Clone)]
pub enum SourceDraft {
    /// A synthetic voice.
    Speech {
        /// What is spoken. Ignored in Vietnamese, where the bulletin's own text is spoken: readers and listeners get
        /// the same words.
        text: String,
        /// The voice; empty: the configured one.
        voice: String,
        /// The speed.
        words_per_minute: Option<u16>,
    },
    /// A file that was uploaded before.
    Recording {
        /// Its hash, 64 hex digits.
        upload: String,
        /// The name that it had.
        file_name: String,
        /// What is read in it; may be empty.
        transcript: String,
    },
}

/// The bounds that the configuration sets.
#[derive(Debug, Clone)]
pub struct DraftRules {
    /// Longest text of one track, in characters.
    pub text_max_chars: usize,
    /// The languages that there are.
    pub languages: Arc<Languages>,
    /// Languages for which a synthetic voice exists.
    pub spoken: Vec<Language>,
    /// The voices that go by `engine/voice`, each with its language.
    pub voices: Vec<(String, Language)>,
}

impl BulletinDraft {
    /// Checks every field. `had` are the tracks that the bulletin has so far.
    ///
    /// # Errors
    /// All problems at once.
    pub fn check(&self, rules: &DraftRules, had: &[Track]) -> Result<Content, FieldErrors> {
        let mut errors = FieldErrors::new();
        let title = errors.keep("title", check_title(&self.title));
        let text = text::body(&self.text);
        let only_recordings = !self.tracks.is_empty()
            && self.tracks.iter().all(|t| matches!(t.source, SourceDraft::Recording { .. }));
        if !(only_recordings && text.is_empty()) {
            errors.keep("text", text::check_body(&text, rules.text_max_chars));
        }
        let category = errors.keep(
            "category",
            self.category.parse::<Category>().map_err(|_| {
                Message::fixed(
                    "category.unknown",
                    "Hãy chọn lĩnh vực của bản tin.",
                    "Choose what the bulletin is about.",
                )
            }),
        );
        let class = errors.keep(
            "class",
            self.class.parse::<Class>().map_err(|_| {
                Message::fixed(
                    "class.unknown",
                    "Hãy chọn loại bản tin: thông thường, ưu tiên hoặc khẩn cấp.",
                    "Choose a class: normal, priority or emergency.",
                )
            }),
        );
        let tracks = self.check_tracks(&text, rules, had, &mut errors);
        let content = title.zip(category).zip(class).map(|((title, category), class)| Content {
            title,
            text,
            category,
            class,
            tracks,
        });
        errors.finish(content)
    }

    fn check_tracks(
        &self,
        text: &str,
        rules: &DraftRules,
        had: &[Track],
        errors: &mut FieldErrors,
    ) -> Vec<TrackContent> {
        if self.tracks.is_empty() {
            let source = TrackSource::Speech { text: text.to_owned(), voice: None, words_per_minute: None };
            return vec![TrackContent { language: Language::vietnamese(), source }];
        }
        if self.tracks.len() > TRACKS_MAX {
            errors.add(
                "tracks",
                Message::written(
                    "tracks.too_many",
                    format!("Một bản tin có tối đa {TRACKS_MAX} thứ tiếng."),
                    format!("A bulletin has at most {TRACKS_MAX} languages."),
                ),
            );
            return Vec::new();
        }
        let had: Vec<Language> = had.iter().map(|track| track.content.language.clone()).collect();
        let mut tracks: Vec<TrackContent> = Vec::new();
        for (i, draft) in self.tracks.iter().enumerate() {
            let field = |name: &str| format!("tracks[{i}].{name}");
            let Some(language) = errors.keep(field("language"), rules.languages.check(&draft.language, &had))
            else {
                continue;
            };
            if tracks.iter().any(|t| t.language == language) {
                errors.add(
                    field("language"),
                    Message::fixed(
                        "language.twice",
                        "Mỗi thứ tiếng chỉ có một bản tiếng.",
                        "Each language has one track.",
                    ),
                );
                continue;
            }
            if let Some(source) = check_source(&draft.source, &language, text, rules, errors, &field) {
                tracks.push(TrackContent { language, source });
            }
        }
        tracks
    }
}

fn check_title(title: &str) -> Result<String, Message> {
    let title = text::line(title);
    if title.is_empty() {
        return Err(Message::fixed("title.empty", "Hãy nhập tiêu đề.", "Enter a title."));
    }
    if title.chars().count() > TITLE_MAX_CHARS || title.len() > loa_protocol::plan::TITLE_MAX_BYTES {
        return Err(Message::written(
            "title.too_long",
            format!("Tiêu đề quá dài (tối đa khoảng {TITLE_MAX_CHARS} ký tự)."),
            format!("The title is too long (at most about {TITLE_MAX_CHARS} characters)."),
        ));
    }
    if title.chars().any(char::is_control) {
        return Err(Message::fixed(
            "title.control_character",
            "Tiêu đề chứa ký tự điều khiển hoặc xuống dòng.",
            "The title contains a control character or a line break.",
        ));
    }
    Ok(title)
}

fn check_source(
    draft: &SourceDraft,
    language: &Language,
    bulletin_text: &str,
    rules: &DraftRules,
    errors: &mut FieldErrors,
    field: &dyn Fn(&str) -> String,
) -> Option<TrackSource> {
    match draft {
        SourceDraft::Speech { text: own, voice, words_per_minute } => {
            if !rules.spoken.contains(language) {
                errors.add(field("source"), no_voice(&rules.languages, language));
                return None;
            }
            let text = if *language == Language::vietnamese() {
                // Its problems are those of the bulletin's text, and reported there.
                bulletin_text.to_owned()
            } else {
                let own = text::body(own);
                errors.keep(field("text"), text::check_body(&own, rules.text_max_chars))?;
                own
            };
            let voice = text::line(voice);
            if !is_voice(&voice, language, rules) {
                errors.add(field("voice"), unknown_voice(language, rules));
                return None;
            }
            if words_per_minute.is_some_and(|speed| !(80..=300).contains(&speed)) {
                errors.add(
                    field("words_per_minute"),
                    Message::fixed(
                        "words_per_minute.out_of_range",
                        "Tốc độ đọc phải từ 80 đến 300 từ mỗi phút.",
                        "The speed is from 80 to 300.",
                    ),
                );
                return None;
            }
            let voice = (!voice.is_empty()).then_some(voice);
            Some(TrackSource::Speech { text, voice, words_per_minute: *words_per_minute })
        }
        SourceDraft::Recording { upload, file_name, transcript } => {
            let upload = upload.parse::<ObjectHash>().map_err(|_| {
                Message::fixed("recording.missing", "Hãy chọn tệp thu âm.", "Choose a recording.")
            });
            let upload = errors.keep(field("upload"), upload)?;
            let file_name: String =
                text::line(file_name).chars().filter(|c| !c.is_control()).take(200).collect();
            let transcript = text::body(transcript);
            if !transcript.is_empty() {
                errors.keep(field("transcript"), text::check_body(&transcript, rules.text_max_chars))?;
            }
            Some(TrackSource::Recording { upload, file_name, transcript })
        }
    }
}

/// Whether a track may name this voice. One of a declared engine is among those on offer. One of the embedded engine
/// goes to its command line, so it is a plain name and never an option; what it does not have it refuses by name.
fn is_voice(voice: &str, language: &Language, rules: &DraftRules) -> bool {
    if voice.contains('/') {
        return rules.voices.iter().any(|(name, speaks)| name == voice && speaks == language);
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-+_".contains(&b);
    voice.len() <= 40 && !voice.starts_with('-') && voice.bytes().all(plain)
}

fn unknown_voice(language: &Language, rules: &DraftRules) -> Message {
    let names: Vec<&str> =
        rules.voices.iter().filter(|(_, speaks)| speaks == language).map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    Message::written(
        "voice.unknown",
        format!("Không có giọng đọc này. Các giọng hiện có: {names}."),
        format!("There is no such voice. There are: {names}."),
    )
}

fn no_voice(languages: &Languages, language: &Language) -> Message {
    let name = |ui| languages.name_within(language.as_str(), ui);
    let (vi, en) = (name(UiLanguage::Vietnamese), name(UiLanguage::English));
    Message::written(
        "language.without_voice",
        format!("Chưa có giọng đọc máy cho {vi}. Hãy tải lên bản thu âm của phát thanh viên."),
        format!("There is no synthetic voice for {en}. Upload a recording by an announcer."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> DraftRules {
        DraftRules {
            text_max_chars: 1000,
            languages: Arc::default(),
            spoken: vec![Language::vietnamese(), Language::new("en").unwrap()],
            voices: vec![("fpt//opt/voices/hoa".to_owned(), Language::vietnamese())],
        }
    }

    fn draft() -> BulletinDraft {
        BulletinDraft {
            title: "Lịch cắt điện".to_owned(),
            text: "Mất điện từ 8 giờ.".to_owned(),
            category: "local_notice".to_owned(),
            class: "normal".to_owned(),
            tracks: Vec::new(),
        }
    }

    fn speech(language: &str, text: &str) -> TrackDraft {
        let source =
            SourceDraft::Speech { text: text.to_owned(), voice: String::new(), words_per_minute: None };
        TrackDraft { language: language.to_owned(), source }
    }

    fn recording(language: &str, upload: &str) -> TrackDraft {
        let source = SourceDraft::Recording {
            upload: upload.to_owned(),
            file_name: "a.wav".to_owned(),
            transcript: String::new(),
        };
        TrackDraft { language: language.to_owned(), source }
    }

    #[test]
    fn a_text_alone_is_spoken_in_vietnamese() {
        let content = draft().check(&rules(), &[]).unwrap();
        assert_eq!(content.tracks.len(), 1);
        assert_eq!(content.tracks[0].language.as_str(), "vi");
        let TrackSource::Speech { text, .. } = &content.tracks[0].source else { panic!() };
        assert_eq!(text, &content.text);
    }

    #[test]
    fn a_minority_language_is_never_read_by_a_vietnamese_voice() {
        let draft = BulletinDraft { tracks: vec![speech("kpm", "Ơi")], ..draft() };
        assert_eq!(
            draft.check(&rules(), &[]).unwrap_err().to_string(),
            "tracks[0].source: language.without_voice"
        );
    }

    #[test]
    fn recordings_alone_need_no_text() {
        let hash = "ab".repeat(32);
        let tracks = vec![recording("kpm", &hash), recording("cma", &hash)];
        let content = BulletinDraft { text: " ".to_owned(), tracks, ..draft() }.check(&rules(), &[]).unwrap();
        assert_eq!(content.tracks.len(), 2);
    }

    #[test]
    fn every_problem_is_reported_at_its_field() {
        let long = "a".repeat(1001);
        for (broken, expected) in [
            (
                BulletinDraft::default(),
                "title: title.empty, text: text.empty, category: category.unknown, class: class.unknown",
            ),
            (BulletinDraft { title: "á".repeat(201), ..draft() }, "title: title.too_long"),
            (BulletinDraft { title: "a\nb".to_owned(), ..draft() }, "title: title.control_character"),
            (BulletinDraft { text: long.clone(), ..draft() }, "text: text.too_long"),
            (BulletinDraft { text: "a\0".to_owned(), ..draft() }, "text: text.control_character"),
            (
                BulletinDraft { tracks: vec![speech("Kinh", "a")], ..draft() },
                "tracks[0].language: language.unknown",
            ),
            (
                BulletinDraft { tracks: vec![speech("vi", ""), speech("vi", "")], ..draft() },
                "tracks[1].language: language.twice",
            ),
            (BulletinDraft { tracks: vec![speech("en", &long)], ..draft() }, "tracks[0].text: text.too_long"),
            (
                BulletinDraft { tracks: vec![recording("vi", "")], ..draft() },
                "tracks[0].upload: recording.missing",
            ),
            (BulletinDraft { tracks: vec![speech("vi", ""); 17], ..draft() }, "tracks: tracks.too_many"),
        ] {
            assert_eq!(broken.check(&rules(), &[]).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_voice_is_a_plain_name() {
        for bad in ["--stdout", "a b", "vi;rm", "../x", "fpt/lan", "fpt//opt/voices/hoa/.."] {
            let source =
                SourceDraft::Speech { text: String::new(), voice: bad.to_owned(), words_per_minute: None };
            let draft =
                BulletinDraft { tracks: vec![TrackDraft { language: "vi".to_owned(), source }], ..draft() };
            assert_eq!(draft.check(&rules(), &[]).unwrap_err().to_string(), "tracks[0].voice: voice.unknown");
        }
        let declared = |language: &str| {
            let voice = "fpt//opt/voices/hoa".to_owned();
            let source = SourceDraft::Speech { text: "A".to_owned(), voice, words_per_minute: None };
            let track = TrackDraft { language: language.to_owned(), source };
            BulletinDraft { tracks: vec![track], ..draft() }.check(&rules(), &[])
        };
        assert!(declared("vi").is_ok(), "a voice of a declared engine goes by its engine's name");
        assert_eq!(
            declared("en").unwrap_err().to_string(),
            "tracks[0].voice: voice.unknown",
            "it speaks Vietnamese"
        );
    }
}
