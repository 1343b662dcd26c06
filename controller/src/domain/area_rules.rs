//! What an area states beyond its names: its households, and what its loudspeakers never do.
//!
//! A node obeys the rules of every area on its path, and of several the strictest decides (rule G1 of the
//! [timeline](loa_protocol::timeline)): a village can be stricter than its commune, never laxer.

use std::fmt::Write as _;

use loa_protocol::timeline::{Guards, LocalRange};

use super::message::{FieldErrors, Message};

/// Most ranges of quiet hours.
const QUIET_MAX: usize = 8;
/// Most households of an area: more than the country has.
const HOUSEHOLDS_MAX: u32 = 50_000_000;
/// Most sessions a day.
const SESSIONS_MAX: u16 = 1_000;
/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// What an area itself states.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AreaRules {
    /// What its loudspeakers never do.
    pub guards: Guards,
    /// Whether its own priority bulletins go before those of wider areas.
    pub own_priority_first: bool,
    /// How many households live there; `None`: nobody has said.
    pub households: Option<u32>,
}

impl AreaRules {
    /// Whether plans carry anything of it.
    pub fn is_in_plans(&self) -> bool {
        self.own_priority_first || !self.guards.is_empty()
    }
}

/// The same as a person types it; an empty text says nothing.
#[derive(Debug, Clone, Default)]
pub struct AreaRulesDraft {
    /// `21:00-06:00, 11:30-13:30`, also `21h-6h`.
    pub quiet_hours: String,
    /// Minutes a day of the normal class.
    pub normal_minutes_a_day: String,
    /// Minutes a day of the priority class.
    pub priority_minutes_a_day: String,
    /// Sessions a day.
    pub sessions_a_day: String,
    /// Longest session, in minutes.
    pub longest_session_minutes: String,
    /// How loud it may be, in percent.
    pub volume_ceiling_percent: String,
    /// Whether its own priority bulletins go before those of wider areas.
    pub own_priority_first: bool,
    /// How many households live there.
    pub households: String,
}

impl AreaRulesDraft {
    /// Checks every field.
    ///
    /// # Errors
    /// All problems at once.
    pub fn check(&self) -> Result<AreaRules, FieldErrors> {
        let mut errors = FieldErrors::new();
        let quiet = errors.keep("quiet_hours", quiet_hours(&self.quiet_hours)).unwrap_or_default();
        let mut number = |field: &'static str, text: &str, least: u32, most: u32| {
            errors.keep(field, whole_number(text, least, most)).flatten()
        };
        let day = u32::from(DAY_MINUTES);
        let normal = number("normal_minutes_a_day", &self.normal_minutes_a_day, 0, day);
        let priority = number("priority_minutes_a_day", &self.priority_minutes_a_day, 0, day);
        let sessions = number("sessions_a_day", &self.sessions_a_day, 0, u32::from(SESSIONS_MAX));
        let longest = number("longest_session_minutes", &self.longest_session_minutes, 1, day);
        let volume = number("volume_ceiling_percent", &self.volume_ceiling_percent, 0, 100);
        let households = number("households", &self.households, 0, HOUSEHOLDS_MAX);
        let small = |number: Option<u32>| number.and_then(|number| u16::try_from(number).ok());
        errors.finish(Some(AreaRules {
            guards: Guards {
                quiet_hours: quiet,
                normal_minutes_a_day: small(normal),
                priority_minutes_a_day: small(priority),
                sessions_a_day: small(sessions),
                longest_session_ms: longest.map(|minutes| minutes * 60_000),
                volume_ceiling_percent: volume.and_then(|percent| u8::try_from(percent).ok()),
            },
            own_priority_first: self.own_priority_first,
            households,
        }))
    }
}

impl From<&AreaRules> for AreaRulesDraft {
    fn from(rules: &AreaRules) -> Self {
        let text = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        let guards = &rules.guards;
        Self {
            quiet_hours: ranges_text(&guards.quiet_hours),
            normal_minutes_a_day: text(guards.normal_minutes_a_day.map(u32::from)),
            priority_minutes_a_day: text(guards.priority_minutes_a_day.map(u32::from)),
            sessions_a_day: text(guards.sessions_a_day.map(u32::from)),
            longest_session_minutes: text(guards.longest_session_ms.map(|ms| ms / 60_000)),
            volume_ceiling_percent: text(guards.volume_ceiling_percent.map(u32::from)),
            own_priority_first: rules.own_priority_first,
            households: text(rules.households),
        }
    }
}

/// Ranges as people write them, in order of their beginning; none for an empty text.
///
/// # Errors
/// What cannot be read.
pub fn quiet_hours(text: &str) -> Result<Vec<LocalRange>, Message> {
    let words: String = text.split_whitespace().collect();
    let mut ranges = Vec::new();
    for word in words.split([',', ';']).filter(|word| !word.is_empty()) {
        let range = range(word).ok_or_else(|| {
            Message::written(
                "quiet_hours.unreadable",
                format!("Không hiểu khoảng giờ “{word}”. Ví dụ đúng: 21:00-06:00, 11:30-13:30."),
                format!("The hours “{word}” were not understood. A right example: 21:00-06:00, 11:30-13:30."),
            )
        })?;
        if !ranges.contains(&range) {
            ranges.push(range);
        }
    }
    if ranges.len() > QUIET_MAX {
        return Err(Message::written(
            "quiet_hours.too_many",
            format!("Một địa bàn có tối đa {QUIET_MAX} khoảng giờ yên tĩnh."),
            format!("An area has at most {QUIET_MAX} ranges of quiet hours."),
        ));
    }
    ranges.sort_by_key(|range| (range.from_minute, range.until_minute));
    Ok(ranges)
}

/// Ranges as [`quiet_hours`] reads them: `21:00-06:00, 11:30-13:30`.
pub fn ranges_text(ranges: &[LocalRange]) -> String {
    let mut text = String::new();
    for LocalRange { from_minute, until_minute } in ranges {
        let gap = if text.is_empty() { "" } else { ", " };
        let (from, until) = (clock(*from_minute), clock(*until_minute));
        // A String takes every write.
        let _ = write!(text, "{gap}{from}-{until}");
    }
    text
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn range(word: &str) -> Option<LocalRange> {
    let (from, until) = word.split_once(['-', '–'])?;
    let (from_minute, until_minute) = (minute(from)?, minute(until)? % DAY_MINUTES);
    let fits = from_minute < DAY_MINUTES && from_minute != until_minute;
    fits.then_some(LocalRange { from_minute, until_minute })
}

/// A minute of the day of `21:00`, `21h30`, `21h`, `21`; the end of the day is `24:00`.
fn minute(word: &str) -> Option<u16> {
    let (hour, minute) = word.split_once([':', 'h', 'g']).unwrap_or((word, "0"));
    let number = |text: &str, most: u16| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|number| digits && *number <= most)
    };
    let minute = if minute.is_empty() { 0 } else { number(minute, 59)? };
    let all = number(hour, 24)? * 60 + minute;
    (all <= DAY_MINUTES).then_some(all)
}

fn whole_number(text: &str, least: u32, most: u32) -> Result<Option<u32>, Message> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.map(Some).ok_or_else(|| {
        Message::written(
            "number.out_of_range",
            format!("“{text}” không phải số nguyên từ {least} đến {most}."),
            format!("“{text}” is no whole number from {least} to {most}."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_are_read_as_people_write_them_and_read_back() {
        let text = |typed: &str| ranges_text(&quiet_hours(typed).unwrap());
        assert_eq!(text("21h-6h; 11:30 – 13:30"), "11:30-13:30, 21:00-06:00");
        assert_eq!(text("22-24"), "22:00-00:00");
        assert_eq!(text(" "), "");
        assert_eq!(text("21:00-06:00,21:00-06:00"), "21:00-06:00");
        for bad in ["21", "21:00-21:00", "25:00-6:00", "đêm", "21:60-6:00", "24:00-00:00", "-", "1-2-3"] {
            assert_eq!(quiet_hours(bad).unwrap_err().code, "quiet_hours.unreadable", "{bad}");
        }
        let many: Vec<String> = (0..9).map(|hour| format!("{hour}:00-{hour}:30")).collect();
        assert_eq!(quiet_hours(&many.join(",")).unwrap_err().code, "quiet_hours.too_many");
    }

    #[test]
    fn every_number_is_within_its_bounds_or_absent() {
        let rules = AreaRulesDraft {
            quiet_hours: "21:00-06:00".to_owned(),
            normal_minutes_a_day: " 45 ".to_owned(),
            sessions_a_day: "2".to_owned(),
            longest_session_minutes: "15".to_owned(),
            volume_ceiling_percent: "70".to_owned(),
            own_priority_first: true,
            households: "312".to_owned(),
            priority_minutes_a_day: String::new(),
        };
        let checked = rules.check().unwrap();
        assert_eq!(checked.guards.longest_session_ms, Some(900_000));
        assert_eq!(
            (checked.guards.normal_minutes_a_day, checked.guards.priority_minutes_a_day),
            (Some(45), None)
        );
        assert!(checked.is_in_plans());
        assert_eq!(AreaRulesDraft::from(&checked).check().unwrap(), checked, "what is shown reads back");
        let wrong = AreaRulesDraft {
            normal_minutes_a_day: "1441".to_owned(),
            longest_session_minutes: "0".to_owned(),
            volume_ceiling_percent: "101".to_owned(),
            households: "-1".to_owned(),
            ..rules
        };
        assert_eq!(
            wrong.check().unwrap_err().to_string(),
            "normal_minutes_a_day: number.out_of_range, longest_session_minutes: number.out_of_range, \
             volume_ceiling_percent: number.out_of_range, households: number.out_of_range"
        );
        let only_households = AreaRulesDraft { households: "9".to_owned(), ..AreaRulesDraft::default() };
        assert!(!only_households.check().unwrap().is_in_plans());
    }
}
