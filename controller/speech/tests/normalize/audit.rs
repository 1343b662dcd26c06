//! What no rule understood is told, with its place.

use loa_speech::Normalizer;
use loa_speech::normalize::{Entry, Lexicon, Options, Reason};

fn found(text: &str) -> Vec<(Reason, String)> {
    Normalizer::default()
        .audit(text)
        .into_iter()
        .map(|finding| (finding.reason, text[finding.bytes.clone()].to_owned()))
        .collect()
}

#[test]
fn what_everybody_understands_is_not_told() {
    for text in [
        "Kính thưa bà con! UBND xã thông báo: 7h30 ngày 12/10/2025, tiêm phòng COVID-19 tại nhà văn hóa thôn 3.",
        "Đồng bào K'Ho, M'Nông ở Đắk Lắk, Krông Nô và Đạ K'Nàng.",
        "Mọi chi tiết gọi 0263 3822 456, vào www.lamdong.gov.vn hoặc Zalo, Facebook.",
        "Theo Nghị định 49/2024/NĐ-CP, trẻ em uống vitamin A, viêm gan B.",
        "Lượng mưa 50-100mm, gió giật cấp 8-9 & lũ quét.",
        "Kết quả trao quà qua 3 ngày không quá 400 suất.",
        "Phòng dịch tả, hotline 0912 345 678; đo độ pH nước hồ Prenn.",
        "Ông K'Brôl, bà K'Drăm đi xe Honda, dùng điện thoại Samsung, gửi tiền ở BIDV.",
        "Cần nhóm máu AB, nhóm máu O Rh-; phòng 6T; HbA1c; TOEFL iBT.",
        // Marks typed apart from their letters.
        "U\u{309}y ban nha\u{302}n da\u{302}n xa\u{303} tho\u{302}ng ba\u{301}o",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn each_reason_is_told() {
    for (text, reason, what) in [
        ("Chuyển 12345678901234567890 nhé", Reason::Digits, "12345678901234567890"),
        ("Xem mục § bên dưới", Reason::Symbol, "§"),
        ("Ban BXZK họp chiều nay", Reason::Capitals, "BXZK"),
        // Short forms of one office, which stand for different things in different ones.
        ("Gửi hồ sơ về LNK trước thứ sáu", Reason::Capitals, "LNK"),
        ("Phát động ĐNT ra quân dọn vệ sinh", Reason::Capitals, "ĐNT"),
        ("Kiểm kê TSC tại các thôn", Reason::Capitals, "TSC"),
        ("Đơn vị ĐPT tiếp nhận ý kiến", Reason::Capitals, "ĐPT"),
        ("Đề nghị TK báo cáo kết quả", Reason::Capitals, "TK"),
        ("Chương trình Streetfood tối nay", Reason::Word, "Streetfood"),
    ] {
        assert_eq!(found(text), [(reason, what.to_owned())], "{text}");
    }
}

#[test]
fn another_language_is_told_as_a_whole() {
    let text = "Kính thưa bà con. Please keep calm and stay at home tonight. Xin cảm ơn.";
    assert_eq!(found(text), [(Reason::Language, "Please keep calm and stay at home tonight".to_owned())]);
    for text in [
        "Mesdames et messieurs, bonjour à tous.",
        "Nous vous prions de rester chez vous ce soir.",
        "Bitte bleiben Sie heute Abend zu Hause.",
        "Все жители должны прийти завтра.",
        "Dear Sir or Madam, the meeting starts at 5 o'clock",
    ] {
        assert!(
            found(text).iter().any(|(reason, _)| *reason == Reason::Language),
            "{text}: {:?}",
            found(text)
        );
    }
}

#[test]
fn vietnamese_without_marks_is_told() {
    let text = "Kinh moi ba con den nha van hoa thon hop toi nay";
    assert_eq!(found(text), [(Reason::NoMarks, text.to_owned())]);
}

#[test]
fn places_are_in_bytes_and_in_characters() {
    let text = "Đề nghị\nông § ký";
    let [finding] = &Normalizer::default().audit(text)[..] else { panic!() };
    assert_eq!(&text[finding.bytes.clone()], "§");
    assert_eq!(finding.chars, 12..13);
    assert_eq!(finding.spoken, "");
}

#[test]
fn a_word_of_the_lexicon_is_known() {
    let lexicon = Lexicon::of_area([Entry {
        written: "Streetfood".to_owned(),
        spoken: "ẩm thực đường phố".to_owned(),
    }]);
    let normalizer = Normalizer::new(Options::default(), &lexicon);
    assert_eq!(normalizer.audit("Tối nay có Streetfood"), []);
}
