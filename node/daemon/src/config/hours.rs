//! Hours of a day as people write them: `21:00-05:00`.

use loa_protocol::timeline::LocalRange;
use toml::Value;

/// Most ranges; as many as a document may have.
const RANGES_MAX: usize = 8;

/// Reads quiet hours: a list of texts, or one text with commas (a variable is always text). Empty is none.
pub(super) fn quiet(value: &Value) -> Result<Vec<LocalRange>, String> {
    let ranges = match value {
        Value::String(text) => text.split(',').filter(|part| !part.trim().is_empty()).map(range).collect(),
        Value::Array(list) => list
            .iter()
            .map(|one| range(one.as_str().ok_or_else(|| format!("{one} is no text like \"21:00-05:00\""))?))
            .collect(),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Table(_) => {
            Err(format!("a list such as [\"21:00-05:00\"] is expected, this is {}", value.type_str()))
        }
    };
    ranges.and_then(|ranges: Vec<LocalRange>| {
        if ranges.len() > RANGES_MAX {
            return Err(format!("there are {} ranges, at most {RANGES_MAX} are possible", ranges.len()));
        }
        Ok(ranges)
    })
}

fn range(text: &str) -> Result<LocalRange, String> {
    let text = text.trim();
    let wrong = || format!("{text:?} is no range such as \"21:00-05:00\" (hours 00 to 23, minutes 00 to 59)");
    let (from, until) = text.split_once('-').ok_or_else(wrong)?;
    let from_minute = minute(from).ok_or_else(wrong)?;
    // Midnight as an end is the first minute of the next day.
    let until_minute = if until.trim() == "24:00" { 0 } else { minute(until).ok_or_else(wrong)? };
    if from_minute == until_minute {
        return Err(format!(
            "{text:?} begins and ends at the same minute: for a whole day set guards.sessions_a_day = 0"
        ));
    }
    Ok(LocalRange { from_minute, until_minute })
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str, least: usize, below: u16| {
        let is_plain = (least..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|n| is_plain && *n < below)
    };
    Some(number(hour, 1, 24)? * 60 + number(minute, 2, 60)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<(u16, u16)>, String> {
        let ranges = quiet(&Value::String(text.to_owned()))?;
        Ok(ranges.into_iter().map(|range| (range.from_minute, range.until_minute)).collect())
    }

    #[test]
    fn hours_are_read_as_people_write_them() {
        assert_eq!(of("21:00-05:00, 11:30 - 13:00").unwrap(), [(1260, 300), (690, 780)]);
        assert_eq!(of("6:05-24:00").unwrap(), [(365, 0)]);
        assert_eq!(of(" ").unwrap(), []);
        let list = Value::Array(vec!["21:00-05:00".into(), "12:00-13:00".into()]);
        assert_eq!(quiet(&list).unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_range_is_told_with_an_example() {
        for text in ["21-5", "21:00", "25:00-05:00", "21:60-05:00", "21:0-05:00", "+1:00-05:00", "a:b-c:d"] {
            let problem = of(text).unwrap_err();
            assert!(problem.contains(text) && problem.contains("21:00-05:00"), "{problem}");
        }
        assert!(of("05:00-05:00").unwrap_err().contains("same minute"));
        assert!(of(&"1:00-2:00,".repeat(9)).unwrap_err().contains("at most 8"));
        assert!(quiet(&Value::Integer(21)).unwrap_err().contains("list"));
        assert!(quiet(&Value::Array(vec![Value::Integer(21)])).unwrap_err().contains("21 is no text"));
    }
}
