//! Spans say what was recognised, where, and what is said for it.

use loa_speech::Normalizer;
use loa_speech::normalize::{Class, Spoken};

fn classes(text: &str) -> Vec<(Class, String, String)> {
    let said: Spoken = Normalizer::default().normalize(text);
    said.spans()
        .iter()
        .filter(|span| span.class != Class::Word)
        .map(|span| (span.class, text[span.source.clone()].to_owned(), said.said(span).to_owned()))
        .collect()
}

#[test]
fn each_class_is_recognised() {
    for (text, class, source) in [
        ("theo Nghị định 49/2024/NĐ-CP mới", Class::Document, "49/2024/NĐ-CP"),
        ("gọi 0912 345 678 ngay", Class::Telephone, "0912 345 678"),
        ("Gọi 115 khi cần", Class::Hotline, "115"),
        ("xe 49A-123.45 chạy", Class::Plate, "49A-123.45"),
        ("tài khoản 068095001234", Class::Code, "068095001234"),
        ("vào ngày 12/10/2025 tới", Class::Date, "12/10/2025"),
        ("lúc 7h30-11h nay", Class::Time, "7h30-11h"),
        ("giá 118.500 đồng/kg nhé", Class::Money, "118.500 đồng/kg"),
        ("đạt 3,5% thôi", Class::Percent, "3,5%"),
        ("mưa 50-100mm đó", Class::Measure, "50-100mm"),
        ("được 14/19 tiêu chí", Class::Fraction, "14/19"),
        ("mất 7-10 ngày", Class::Range, "7-10"),
        ("khóa XIV họp", Class::Roman, "XIV"),
        ("thứ 4 tới", Class::Ordinal, "4"),
        ("gấp 2,5 lần", Class::Decimal, "2,5"),
        ("có 21 hộ", Class::Cardinal, "21"),
        ("lớp 9A1 vui", Class::Alphanumeric, "9A1"),
        ("do UBND mời", Class::Abbreviation, "UBND"),
        ("viêm gan B nhé", Class::Letters, "B"),
        ("thắng 2-1 rồi", Class::Score, "2-1"),
        ("ở 11°56'B đó", Class::Coordinate, "11°56'B"),
        ("trên QL20 nhé", Class::Road, "QL20"),
        ("vào www.lamdong.gov.vn nhé", Class::Url, "www.lamdong.gov.vn"),
        ("gửi ubnd@lamdong.gov.vn nhé", Class::Email, "ubnd@lamdong.gov.vn"),
        ("cha & con", Class::Symbol, "&"),
        ("thẻ 12345678901234567890 ạ", Class::Code, "12345678901234567890"),
        ("có 12345678901234567890 ạ", Class::Digits, "12345678901234567890"),
        ("nhà § đó", Class::Unspoken, "§"),
    ] {
        let found = classes(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].0, found[0].1.as_str()), (class, source), "{text}");
    }
}

#[test]
fn offsets_are_those_of_the_text_as_it_was_typed() {
    use unicode_normalization::UnicodeNormalization as _;
    let composed = "Đề nghị hộ “A” nộp 50–100 nghìn trước ngày 01/7";
    let typed: String = composed.nfd().collect();
    let said = Normalizer::default().normalize(&typed);
    assert_eq!(said.text(), Normalizer::default().normalize(composed).text());
    let words: Vec<String> =
        said.spans().iter().map(|span| typed[span.source.clone()].nfc().collect()).collect();
    assert_eq!(words, ["Đề", "nghị", "hộ", "A", "nộp", "50–100 nghìn", "trước", "ngày", "01/7"]);
    assert_eq!(said.said(said.spans().last().unwrap()), "một tháng bảy");
}

#[test]
fn names_of_classes_are_their_own() {
    let mut names: Vec<&str> = Class::ALL.iter().map(|class| class.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Class::ALL.len());
}
