//! Places: any depth, with the level's name as data, because the levels of government change
//! (the district was abolished on 1 July 2025).

use chrono_tz::Tz;
use loa_protocol::area::{AREA_DEPTH_MAX, AreaPath};
use loa_protocol::bulletin::Language;
use loa_protocol::ids::AreaId;

use super::message::{FieldErrors, Message};

/// Longest name of an area or a node, in characters.
pub const NAME_MAX_CHARS: usize = 120;

/// A place as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// Its id, which never changes.
    pub id: AreaId,
    /// The areas from the root to this one, both included.
    pub path: AreaPath,
    /// Its name: `Đạ Đờn`.
    pub name: String,
    /// The word for its level: `tỉnh`, `xã`, `thôn`.
    pub level: String,
    /// Languages spoken here, the preferred first; empty: those of the area above.
    pub languages: Vec<Language>,
    /// Its time zone; `None`: that of the area above.
    pub zone: Option<Tz>,
}

impl Area {
    /// The area above, `None` for a root.
    pub fn parent(&self) -> Option<&AreaId> {
        self.path.areas().iter().rev().nth(1)
    }
}

/// What holds in an area: its own values, or those of the nearest area above that has some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaSettings {
    /// Languages spoken here, the preferred first; never empty.
    pub languages: Vec<Language>,
    /// The time zone.
    pub zone: Tz,
}

impl AreaSettings {
    /// The settings at the end of a chain of areas, the root first.
    pub fn of_chain(chain: &[Area], default_zone: Tz) -> Self {
        let nearest_first = || chain.iter().rev();
        let languages = nearest_first().find(|a| !a.languages.is_empty()).map(|a| a.languages.clone());
        Self {
            languages: languages.unwrap_or_else(|| vec![Language::vietnamese()]),
            zone: nearest_first().find_map(|a| a.zone).unwrap_or(default_zone),
        }
    }
}

/// An area as a person types it.
#[derive(Debug, Clone, Default)]
pub struct AreaDraft {
    /// Its name.
    pub name: String,
    /// The word for its level.
    pub level: String,
    /// Language tags, the preferred first.
    pub languages: Vec<String>,
    /// IANA time zone; empty: that of the area above.
    pub zone: String,
}

/// An area's own values, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaValues {
    /// Its name.
    pub name: String,
    /// The word for its level.
    pub level: String,
    /// Languages spoken here, the preferred first.
    pub languages: Vec<Language>,
    /// Its time zone.
    pub zone: Option<Tz>,
}

impl AreaDraft {
    /// Checks every field.
    ///
    /// # Errors
    /// All problems at once.
    pub fn check(&self) -> Result<AreaValues, FieldErrors> {
        let mut errors = FieldErrors::new();
        let name = errors.keep("name", check_name(&self.name));
        let level = errors.keep("level", check_name(&self.level));
        let mut languages = Vec::new();
        for (i, tag) in self.languages.iter().enumerate() {
            match Language::new(tag.trim()) {
                Ok(language) if !languages.contains(&language) => languages.push(language),
                Ok(_) => {}
                Err(_) => errors.add(format!("languages[{i}]"), unknown_language(tag)),
            }
        }
        let zone = errors.keep("zone", check_zone(&self.zone)).flatten();
        let values = name.zip(level).map(|(name, level)| AreaValues { name, level, languages, zone });
        errors.finish(values)
    }
}

/// The path of a child of `parent` (`None`: a root).
///
/// # Errors
/// A message when it would be too deep.
pub fn child_path(parent: Option<&AreaPath>, id: AreaId) -> Result<AreaPath, Message> {
    let mut areas = parent.map(|p| p.areas().to_vec()).unwrap_or_default();
    areas.push(id);
    AreaPath::new(areas).map_err(|_| {
        Message::written(
            "area.too_deep",
            format!("Địa bàn chỉ được lồng tối đa {AREA_DEPTH_MAX} cấp."),
            format!("Areas nest at most {AREA_DEPTH_MAX} levels deep."),
        )
    })
}

/// A name on one line: trimmed, in NFC, 1 to [`NAME_MAX_CHARS`] characters, none of them a control character.
///
/// # Errors
/// What is wrong.
pub fn check_name(name: &str) -> Result<String, Message> {
    let name = super::bulletin::text::line(name);
    if name.is_empty() {
        return Err(Message::fixed("name.empty", "Hãy nhập tên.", "Enter a name."));
    }
    if name.chars().count() > NAME_MAX_CHARS {
        return Err(Message::written(
            "name.too_long",
            format!("Tên dài quá {NAME_MAX_CHARS} ký tự."),
            format!("The name is longer than {NAME_MAX_CHARS} characters."),
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(Message::fixed(
            "name.control_character",
            "Tên chứa ký tự điều khiển không đọc được.",
            "The name contains a control character.",
        ));
    }
    Ok(name)
}

/// An IANA zone, or none for an empty text.
///
/// # Errors
/// What is wrong.
pub fn check_zone(zone: &str) -> Result<Option<Tz>, Message> {
    let zone = zone.trim();
    if zone.is_empty() {
        return Ok(None);
    }
    zone.parse().map(Some).map_err(|_| {
        Message::written(
            "zone.unknown",
            format!("Không có múi giờ “{zone}”. Ví dụ đúng: Asia/Ho_Chi_Minh."),
            format!("There is no time zone “{zone}”. A right one: Asia/Ho_Chi_Minh."),
        )
    })
}

/// What to say about a text that is no language tag.
pub fn unknown_language(tag: &str) -> Message {
    Message::written(
        "language.unknown",
        format!("“{tag}” không phải mã ngôn ngữ. Ví dụ đúng: vi (Việt), kpm (K'Ho), cma (Mạ), cje (Chu Ru)."),
        format!(
            "“{tag}” is no language tag. Right ones: vi (Vietnamese), kpm (K'Ho), cma (Mạ), cje (Chu Ru)."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_of_a_form_come_at_once() {
        let draft = AreaDraft {
            name: "  ".to_owned(),
            level: "x\u{7}".to_owned(),
            languages: vec!["vi".to_owned(), "Kinh".to_owned()],
            zone: "Đà Lạt".to_owned(),
        };
        assert_eq!(
            draft.check().unwrap_err().to_string(),
            "name: name.empty, level: name.control_character, languages[1]: language.unknown, zone: zone.unknown"
        );
    }

    #[test]
    fn a_child_lies_under_its_parent_down_to_the_deepest_level() {
        let id = |i: usize| AreaId::new(format!("a{i}")).unwrap();
        let mut path = child_path(None, id(0)).unwrap();
        for depth in 1..AREA_DEPTH_MAX {
            path = child_path(Some(&path), id(depth)).unwrap();
        }
        assert_eq!(child_path(Some(&path), id(99)).unwrap_err().code, "area.too_deep");
    }
}
