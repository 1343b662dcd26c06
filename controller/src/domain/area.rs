//! Places: any depth, with the level's name as data, because the levels of government change
//! (the district was abolished on 1 July 2025).

use std::collections::BTreeMap;

use chrono_tz::Tz;
use loa_protocol::area::{AREA_DEPTH_MAX, AreaPath};
use loa_protocol::bulletin::Language;
use loa_protocol::ids::AreaId;
use loa_protocol::plan::LANGUAGES_MAX;

use super::language::Languages;
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

/// The value of the nearest area on a path, from the innermost out, that has one.
pub fn inherited<T>(
    path: &AreaPath,
    by_id: &BTreeMap<&AreaId, &Area>,
    own: impl Fn(&Area) -> Option<T>,
) -> Option<T> {
    path.areas().iter().rev().find_map(|id| by_id.get(id).and_then(|area| own(area)))
}

/// The languages at the end of a path: those of the nearest area that has some, else Vietnamese.
pub fn languages_at(path: &AreaPath, by_id: &BTreeMap<&AreaId, &Area>) -> Vec<Language> {
    let own = |area: &Area| Some(area.languages.clone()).filter(|languages| !languages.is_empty());
    inherited(path, by_id, own).unwrap_or_else(|| vec![Language::vietnamese()])
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
    /// Checks every field. `had` are the languages that the area has so far.
    ///
    /// # Errors
    /// All problems at once.
    pub fn check(&self, listed: &Languages, had: &[Language]) -> Result<AreaValues, FieldErrors> {
        let mut errors = FieldErrors::new();
        let name = errors.keep("name", check_name(&self.name));
        let level = errors.keep("level", check_name(&self.level));
        let mut languages = Vec::new();
        for (i, tag) in self.languages.iter().enumerate() {
            let language = errors.keep(format!("languages[{i}]"), listed.check(tag, had));
            languages.extend(language.filter(|language| !languages.contains(language)));
        }
        if languages.len() > LANGUAGES_MAX {
            errors.add("languages", too_many_languages());
        }
        let zone = errors.keep("zone", check_zone(&self.zone)).flatten();
        let values = name.zip(level).map(|(name, level)| AreaValues { name, level, languages, zone });
        errors.finish(values)
    }
}

fn too_many_languages() -> Message {
    Message::written(
        "languages.too_many",
        format!("Một địa bàn có tối đa {LANGUAGES_MAX} thứ tiếng."),
        format!("An area has at most {LANGUAGES_MAX} languages."),
    )
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
            draft.check(&Languages::default(), &[]).unwrap_err().to_string(),
            "name: name.empty, level: name.control_character, languages[1]: language.unknown, zone: zone.unknown"
        );
    }

    #[test]
    fn languages_keep_their_order_and_what_the_area_had() {
        let draft = |tags: Vec<&str>| AreaDraft {
            name: "Bon Đưng".to_owned(),
            level: "Bon".to_owned(),
            languages: tags.into_iter().map(str::to_owned).collect(),
            zone: String::new(),
        };
        let languages = Languages::default();
        let older = [Language::new("xyz").unwrap()];
        let values = draft(vec!["kpm", " vi ", "xyz", "kpm"]).check(&languages, &older).unwrap();
        assert_eq!(values.languages.iter().map(Language::as_str).collect::<Vec<_>>(), ["kpm", "vi", "xyz"]);
        let refused = draft(vec!["kpm", "xyz"]).check(&languages, &[]).unwrap_err();
        assert_eq!(refused.to_string(), "languages[1]: language.unknown");
        let many =
            languages.all().iter().map(|listed| listed.code.as_str()).take(LANGUAGES_MAX + 1).collect();
        assert_eq!(
            draft(many).check(&languages, &[]).unwrap_err().to_string(),
            "languages: languages.too_many"
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
