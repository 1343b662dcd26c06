//! Numbers in Vietnamese words: "linh", "nghìn", "tư", as the national broadcaster reads them.

const DIGITS: [&str; 10] = ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"];

/// Longest number that is read as one; a longer one is read digit by digit.
const MAX_CARDINAL_DIGITS: usize = 18;

/// A whole number from its digits: 1005 is "một nghìn không trăm linh năm". A number that starts with zero and is
/// longer than two digits is a code, and is read digit by digit.
pub(super) fn cardinal(digits: &str) -> String {
    let significant = digits.trim_start_matches('0');
    let is_code = digits.len() > 2 && digits.starts_with('0');
    if is_code || significant.len() > MAX_CARDINAL_DIGITS {
        return digit_by_digit(digits);
    }
    match significant.parse::<u64>() {
        Ok(value) => of_value(value),
        // No digit but zeros.
        Err(_) => DIGITS[0].to_owned(),
    }
}

/// Each digit on its own.
pub(super) fn digit_by_digit(digits: &str) -> String {
    let words: Vec<&str> =
        digits.bytes().filter(u8::is_ascii_digit).map(|digit| DIGITS[usize::from(digit - b'0')]).collect();
    words.join(" ")
}

/// What follows the decimal comma: two digits as a number, others one by one.
pub(super) fn fraction(digits: &str) -> String {
    if digits.len() == 2 && !digits.starts_with('0') { cardinal(digits) } else { digit_by_digit(digits) }
}

/// A number in a count of days, months or years, where four is "tư" in "tháng tư".
pub(super) fn month(value: u64) -> String {
    if value == 4 { "tư".to_owned() } else { of_value(value) }
}

/// A whole number.
pub(super) fn of_value(value: u64) -> String {
    const BILLION: u64 = 1_000_000_000;
    if value == 0 {
        return DIGITS[0].to_owned();
    }
    let mut words = Vec::new();
    let (billions, rest) = (value / BILLION, value % BILLION);
    let mut began = false;
    if billions > 0 {
        words.push(of_value(billions));
        words.push("tỷ".to_owned());
        began = true;
    }
    for (unit, name) in [(1_000_000, "triệu"), (1_000, "nghìn"), (1, "")] {
        let group = rest / unit % 1_000;
        if group > 0 {
            words.push(below_thousand(group, began));
            if !name.is_empty() {
                words.push(name.to_owned());
            }
            began = true;
        }
    }
    words.join(" ")
}

/// `full`: something stands in front, so a missing hundred is said ("không trăm linh năm").
fn below_thousand(value: u64, full: bool) -> String {
    let digit = |value: u64| DIGITS[(value % 10) as usize];
    let (hundreds, tens, ones) = (value / 100, value / 10 % 10, value % 10);
    let mut words = Vec::new();
    if hundreds > 0 || full {
        words.extend([digit(hundreds), "trăm"]);
    }
    match tens {
        0 if ones > 0 && !words.is_empty() => words.push("linh"),
        0 => {}
        1 => words.push("mười"),
        _ => words.extend([digit(tens), "mươi"]),
    }
    match (tens, ones) {
        (_, 0) => {}
        (2.., 1) => words.push("mốt"),
        (2.., 4) => words.push("tư"),
        (1.., 5) => words.push("lăm"),
        _ => words.push(digit(ones)),
    }
    words.join(" ")
}

/// The value of a Roman numeral in its one correct spelling.
pub(super) fn roman(text: &str) -> Option<u64> {
    const PARTS: [(u64, &str); 13] = [
        (1_000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if text.is_empty() || text.len() > 15 {
        return None;
    }
    let (mut rest, mut value) = (text, 0);
    for (part, letters) in PARTS {
        let mut repeats = 0;
        while let Some(behind) = rest.strip_prefix(letters).filter(|_| repeats < 3) {
            (rest, value, repeats) = (behind, value + part, repeats + 1);
        }
    }
    let spelled: String = {
        let (mut left, mut letters) = (value, String::new());
        for (part, name) in PARTS {
            while left >= part {
                letters.push_str(name);
                left -= part;
            }
        }
        letters
    };
    (rest.is_empty() && spelled == text).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        for (digits, words) in [
            ("0", "không"),
            ("00", "không"),
            ("05", "năm"),
            ("5", "năm"),
            ("10", "mười"),
            ("14", "mười bốn"),
            ("15", "mười lăm"),
            ("20", "hai mươi"),
            ("21", "hai mươi mốt"),
            ("24", "hai mươi tư"),
            ("25", "hai mươi lăm"),
            ("55", "năm mươi lăm"),
            ("100", "một trăm"),
            ("101", "một trăm linh một"),
            ("105", "một trăm linh năm"),
            ("110", "một trăm mười"),
            ("111", "một trăm mười một"),
            ("115", "một trăm mười lăm"),
            ("1000", "một nghìn"),
            ("1005", "một nghìn không trăm linh năm"),
            ("1015", "một nghìn không trăm mười lăm"),
            ("2024", "hai nghìn không trăm hai mươi tư"),
            ("2150", "hai nghìn một trăm năm mươi"),
            ("1250000", "một triệu hai trăm năm mươi nghìn"),
            ("1000000000", "một tỷ"),
            ("1000000000000", "một nghìn tỷ"),
            ("2000000005", "hai tỷ không trăm linh năm"),
            ("0263", "không hai sáu ba"),
        ] {
            assert_eq!(cardinal(digits), words, "{digits}");
        }
        assert_eq!(cardinal(&"9".repeat(500)).split(' ').count(), 500);
    }

    #[test]
    fn roman_numerals_have_one_spelling() {
        let cases =
            [("I", 1), ("IV", 4), ("IX", 9), ("XIV", 14), ("XIII", 13), ("XL", 40), ("MCMXCIX", 1_999)];
        for (text, value) in cases {
            assert_eq!(roman(text), Some(value), "{text}");
        }
        for text in ["", "IIII", "VX", "IC", "Xa", "VV"] {
            assert_eq!(roman(text), None, "{text}");
        }
    }
}
