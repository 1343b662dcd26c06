//! How long a pause is, as people write it.

use super::names::fold;
use super::{PAUSE_MAX_MS, PAUSE_MIN_MS};

/// What stands behind the name of a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// In milliseconds, within what pauses may last.
    Ms(u32),
    /// A length, and not one of a pause.
    OutOfRange,
}

/// Reads "2 giây", "2,5", "500ms", "-1", "3 giờ"; `None` for what is no length.
pub(super) fn length(written: &str) -> Option<Length> {
    let folded = fold(written);
    if folded == "nua giay" {
        return Some(Length::Ms(500));
    }
    let unsigned = folded.strip_prefix(['-', '–', '−']);
    let number = unsigned.unwrap_or(&folded).trim_start();
    let (whole, rest) = digits(number)?;
    let (decimals, unit) = match rest.strip_prefix([',', '.']) {
        Some(rest) => digits(rest)?,
        None => ("", rest),
    };
    let unit_ms: u64 = match unit.trim() {
        "" | "s" | "giay" | "sec" | "second" | "seconds" => 1_000,
        "ms" | "mili giay" | "milliseconds" => 1,
        "p" | "phut" | "min" | "minute" | "minutes" => 60_000,
        "h" | "gio" | "tieng" | "hour" | "hours" => 3_600_000,
        _ => return None,
    };
    if unsigned.is_some() || whole.len() > 9 || decimals.len() > 9 {
        return Some(Length::OutOfRange);
    }
    let value = |digits: &str| digits.parse::<u64>().unwrap_or(0);
    let scale = 10_u64.pow(u32::try_from(decimals.len()).unwrap_or(0));
    let ms = value(whole) * unit_ms + value(decimals) * unit_ms / scale;
    let in_range = u32::try_from(ms).ok().filter(|ms| (PAUSE_MIN_MS..=PAUSE_MAX_MS).contains(ms));
    Some(in_range.map_or(Length::OutOfRange, Length::Ms))
}

/// The digits at the start, at least one, and what follows.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (written, ms) in [
            ("2 giây", 2_000),
            ("2", 2_000),
            ("2s", 2_000),
            ("0,5 giây", 500),
            ("1.25 s", 1_250),
            ("500ms", 500),
            ("nửa giây", 500),
            ("nua  giay", 500),
            ("30 GIÂY", 30_000),
            ("0,25 phút", 15_000),
            ("100 mili giây", 100),
        ] {
            assert_eq!(length(written), Some(Length::Ms(ms)), "{written}");
        }
        for written in [
            "-1",
            "− 1 giây",
            "0",
            "99 ms",
            "31 giây",
            "3 giờ",
            "1 phút",
            "99999999999999999999",
            "5,9999999999",
        ] {
            assert_eq!(length(written), Some(Length::OutOfRange), "{written}");
        }
        for written in ["", "Tết", "2 ngày", "hai giây", "2 giây nữa", ",5", "2,", "giây", "1e3"] {
            assert_eq!(length(written), None, "{written}");
        }
    }
}
