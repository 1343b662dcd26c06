//! Sentences as communes write them, and any string at all.

use proptest::prelude::*;
use unicode_normalization::is_nfc;

use super::*;
use crate::text::{DEFAULT_MAX_BYTES, check};

fn spoken(raw: &str) -> SpokenText {
    normalize(&check(raw, DEFAULT_MAX_BYTES).unwrap().text)
}

fn check_cases(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(raw, want)| {
            let got = spoken(raw).to_string();
            (got != *want).then(|| format!("{raw}\n  want {want}\n  got  {got}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn dates() {
    check_cases(&[
        (
            "Ngày 12/10/2025, xã họp.",
            "Ngày mười hai tháng mười năm hai nghìn không trăm hai mươi lăm, xã họp.",
        ),
        ("Họp 5-4-2026", "Họp ngày năm tháng tư năm hai nghìn không trăm hai mươi sáu."),
        ("lễ 2/9", "lễ ngày hai tháng chín."),
        ("từ ngày 10-15/3/2026", "từ ngày mười đến mười lăm tháng ba năm hai nghìn không trăm hai mươi sáu."),
        ("từ ngày 3 - 5/7", "từ ngày ba đến năm tháng bảy."),
        ("tháng 4/2026", "tháng tư năm hai nghìn không trăm hai mươi sáu."),
        ("Quý IV/2025", "Quý tư năm hai nghìn không trăm hai mươi lăm."),
        ("ngày 32/13/2025", "ngày ba mươi hai trên mười ba năm hai nghìn không trăm hai mươi lăm."),
    ]);
}

#[test]
fn times() {
    check_cases(&[
        ("lúc 7h30", "lúc bảy giờ ba mươi phút."),
        ("lúc 7h00 sáng", "lúc bảy giờ sáng."),
        ("17:00 chiều", "mười bảy giờ chiều."),
        ("7 giờ 15 phút", "bảy giờ mười lăm phút."),
        ("7 giờ 30, họp", "bảy giờ ba mươi phút, họp."),
        ("07h30 - 11h00", "từ bảy giờ ba mươi phút đến mười một giờ."),
        ("từ 13g30-16g", "từ mười ba giờ ba mươi phút đến mười sáu giờ."),
        ("lúc 6h sáng ngày 3/2", "lúc sáu giờ sáng ngày ba tháng hai."),
    ]);
}

#[test]
fn quantities() {
    check_cases(&[
        ("25% hộ nghèo", "hai mươi lăm phần trăm hộ nghèo."),
        ("gió 62 km/h", "gió sáu mươi hai ki lô mét trên giờ."),
        ("gió 17m/s", "gió mười bảy mét trên giây."),
        ("mưa 100-150mm", "mưa một trăm đến một trăm năm mươi mi li mét."),
        ("1.250.000 đồng/người", "một triệu hai trăm năm mươi nghìn đồng một người."),
        ("giá 62.000đ/kg", "giá sáu mươi hai nghìn đồng một ki lô gam."),
        ("1,250,000 m3", "một triệu hai trăm năm mươi nghìn mét khối."),
        ("3,05 tấn/ha", "ba phẩy không năm tấn trên héc ta."),
        ("500k, 2tr5, 1tỷ2", "năm trăm nghìn, hai triệu rưỡi, một tỷ hai."),
        ("nhiệt độ 12°C, có nơi -2 °C", "nhiệt độ mười hai độ xê, có nơi âm hai độ xê."),
        ("diện tích 120 m²", "diện tích một trăm hai mươi mét vuông."),
        (
            "18/20 hộ, 1/4 xã, 3/4 diện tích",
            "mười tám trên hai mươi hộ, một trên bốn xã, ba phần tư diện tích.",
        ),
        ("cách mạng 4.0", "cách mạng bốn chấm không."),
        ("thứ 4, lớp 4A", "thứ tư, lớp bốn A."),
        ("10 – 15 người", "mười đến mười lăm người."),
        ("5 % dân số", "năm phần trăm dân số."),
        ("7 g vàng", "bảy gam vàng."),
    ]);
}

#[test]
fn names_and_codes() {
    check_cases(&[
        ("gọi 0912345678", "gọi không chín một hai, ba bốn năm, sáu bảy tám."),
        ("ĐT: 0263.3822.456", "điện thoại, không hai sáu ba, ba tám hai hai, bốn năm sáu."),
        ("(0263) 3822456", "không hai sáu ba, ba tám hai hai bốn năm sáu."),
        ("tổng đài 1900 1234", "tổng đài một chín không không, một hai ba bốn."),
        ("Gọi ngay 114 hoặc 115", "Gọi ngay một một bốn hoặc một một năm."),
        ("115 hộ", "một trăm mười lăm hộ."),
        (
            "số CCCD 068095001234",
            "số căn cước công dân không sáu tám không chín năm không không một hai ba bốn.",
        ),
        (
            "Nghị định 49/2024/NĐ-CP",
            "Nghị định bốn mươi chín năm hai nghìn không trăm hai mươi tư của Chính phủ.",
        ),
        ("Kế hoạch số 12/KH-UBND", "Kế hoạch số mười hai của Ủy ban nhân dân."),
        (
            "Luật số 15/2023/QH15",
            "Luật số mười lăm năm hai nghìn không trăm hai mươi ba của Quốc hội khóa mười lăm.",
        ),
        ("dịch COVID-19", "dịch cô vít mười chín."),
        ("QL20 và ĐT.725", "quốc lộ hai mươi và đường tỉnh bảy trăm hai mươi lăm."),
    ]);
}

#[test]
fn abbreviations() {
    check_cases(&[
        ("UBND và HĐND xã", "Ủy ban nhân dân và Hội đồng nhân dân xã."),
        ("BCH PCTT và TKCN", "Ban chỉ huy phòng chống thiên tai và tìm kiếm cứu nạn."),
        ("BCH Đoàn xã", "Ban chấp hành Đoàn xã."),
        ("TP. Đà Lạt, TP.HCM, TP Bảo Lộc", "thành phố Đà Lạt, thành phố Hồ Chí Minh, thành phố Bảo Lộc."),
        ("P.4, H. Lạc Dương", "phường bốn, huyện Lạc Dương."),
        ("PGS.TS Trần Cường", "phó giáo sư tiến sĩ Trần Cường."),
        ("Sở TT&TT", "Sở Thông tin và Truyền thông."),
        ("trường THCS.", "trường trung học cơ sở."),
        ("HỌP THÔN", "HỌP THÔN."),
        ("Chương II, lần thứ XIV", "Chương hai, lần thứ mười bốn."),
    ]);
}

#[test]
fn sentences_and_paragraphs() {
    let text =
        spoken("Kính thưa bà con!\nUBND xã thông báo: họp lúc 8h. Đề nghị\nđến đúng giờ\n\nTrân trọng…");
    let parts: Vec<(&str, Pause)> = text.sentences().iter().map(|s| (s.as_str(), s.pause_after())).collect();
    assert_eq!(
        parts,
        [
            ("Kính thưa bà con!", Pause::Sentence),
            ("Ủy ban nhân dân xã thông báo, họp lúc tám giờ.", Pause::Sentence),
            ("Đề nghị đến đúng giờ.", Pause::Paragraph),
            ("Trân trọng.", Pause::End),
        ]
    );
    let list = spoken("Thành phần:\n1. Trưởng thôn\n- Bí thư chi bộ\n+ 2 đoàn viên");
    assert_eq!(list.to_string(), "Thành phần.\nmột, Trưởng thôn.\nBí thư chi bộ.\nhai đoàn viên.");
}

#[test]
fn a_sentence_without_an_end_is_cut() {
    let text = spoken(&"bà con chú ý theo dõi ".repeat(500));
    assert!(text.sentences().len() > 10);
    assert!(text.sentences().iter().all(|s| s.as_str().chars().count() <= Sentence::MAX_CHARS));
    let words: usize = text.sentences().iter().map(|s| s.as_str().split(' ').count()).sum();
    assert_eq!(words, 3_000, "no word is lost or cut");
}

#[test]
fn half_a_megabyte_of_digits_is_read() {
    for raw in [
        "1".repeat(500_000),
        "1.".repeat(250_000),
        "1/".repeat(250_000),
        "1-".repeat(250_000),
        "0 ".repeat(250_000),
    ] {
        let text = normalize(&check(&raw, raw.len()).unwrap().text);
        assert!(!text.sentences().is_empty());
    }
}

fn assert_invariants(raw: &str) -> Result<(), TestCaseError> {
    let Ok(checked) = check(raw, DEFAULT_MAX_BYTES) else { return Ok(()) };
    let text = normalize(&checked.text);
    prop_assert!(!text.sentences().is_empty(), "{:?} says nothing", checked.text.as_str());
    for sentence in text.sentences() {
        let said = sentence.as_str();
        prop_assert!(is_nfc(said), "{said:?}");
        prop_assert!(said.chars().any(char::is_alphabetic), "{said:?}");
        prop_assert!(!said.chars().any(char::is_numeric), "{said:?}");
        prop_assert!(!said.contains(['\n', '[', ']', '<', '>', '&', '%', '/']), "{said:?}");
        // A full stop may come on top.
        prop_assert!(said.chars().count() <= Sentence::MAX_CHARS + 1, "{said:?}");
    }
    prop_assert_eq!(&normalize(&checked.text), &text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_string_is_read(raw in any::<String>()) {
        assert_invariants(&raw)?;
    }

    #[test]
    fn anything_that_looks_like_numbers_is_read(raw in "([0-9]{1,12}|[-/.,:%°²() ]|h|giờ|km|đ|tr|ngày|IV|TP|NĐ|CP|UBND|\n){1,40}") {
        assert_invariants(&raw)?;
    }
}
