//! Sentences as communes write them, each with what a broadcaster says: data in `cases.tsv`.

use loa_speech::Normalizer;
use loa_speech::normalize::{Four, Options, Pause, Region, Sentence};

struct Case {
    kind: &'static str,
    written: String,
    spoken: String,
}

fn cases() -> Vec<Case> {
    include_str!("cases.tsv")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<&'static str> = line.split('\t').collect();
            let [kind, written, spoken] = columns[..] else { panic!("not three columns: {line}") };
            Case { kind, written: written.replace("\\n", "\n"), spoken: spoken.replace("\\n", "\n") }
        })
        .collect()
}

#[test]
fn every_case_is_said_as_a_broadcaster_says_it() {
    let normalizer = Normalizer::default();
    let cases = cases();
    assert!(cases.len() >= 400, "{} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|Case { kind, written, spoken }| {
            let said = normalizer.normalize(written);
            (said.text() != spoken).then(|| format!("{kind}: {written}\n  want {spoken}\n  got  {said}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_was_said_is_said_again_as_it_stands() {
    let normalizer = Normalizer::default();
    for Case { spoken, .. } in cases().into_iter().filter(|case| !case.spoken.contains('\n')) {
        // Letters and names may be read once more ("A" stays, "t" is "tê"), words never change.
        let again = normalizer.normalize(&spoken);
        assert_eq!(again.text().to_lowercase(), spoken.to_lowercase());
    }
}

#[test]
fn regions_speak_their_own_way() {
    let said = |region, text: &str| {
        Normalizer::new(Options::of(region), &Default::default()).normalize(text).to_string()
    };
    for (region, text, spoken) in [
        (Region::North, "1.005 hộ, 24 em", "một nghìn không trăm linh năm hộ, hai mươi tư em"),
        (Region::Central, "1.005 hộ, 24 em", "một ngàn không trăm lẻ năm hộ, hai mươi tư em"),
        (Region::South, "1.005 hộ, 24 em", "một ngàn không trăm lẻ năm hộ, hai mươi bốn em"),
        (Region::South, "tháng 4, thứ 4, giá 50k", "tháng tư, thứ tư, giá năm mươi ngàn"),
        (Region::South, "số 12/5 đường Lê Lợi", "số mười hai xẹt năm đường Lê Lợi"),
        (Region::North, "số 12/5 đường Lê Lợi", "số mười hai trên năm đường Lê Lợi"),
    ] {
        assert_eq!(said(region, text), spoken);
    }
    let own = Options { four: Four::Bon, ..Options::default() };
    assert_eq!(Normalizer::new(own, &Default::default()).normalize("24 con").text(), "hai mươi bốn con");
    assert_eq!(
        "east".parse::<Region>().unwrap_err().to_string(),
        "there is no region \"east\": say north, central or south"
    );
}

#[test]
fn sentences_and_paragraphs_are_told_by_their_pauses() {
    let said = Normalizer::default()
        .normalize("Kính thưa bà con!\nUBND xã thông báo: họp lúc 8h. Đề nghị\nđến đúng giờ\n\nTrân trọng…");
    let parts: Vec<(&str, Pause)> = said.sentences().iter().map(|s| (s.as_str(), s.pause_after())).collect();
    assert_eq!(
        parts,
        [
            ("Kính thưa bà con!", Pause::Sentence),
            ("Ủy ban nhân dân xã thông báo: họp lúc tám giờ.", Pause::Sentence),
            ("Đề nghị đến đúng giờ.", Pause::Paragraph),
            ("Trân trọng.", Pause::End),
        ]
    );
}

#[test]
fn the_dot_of_a_short_form_ends_no_sentence() {
    let normalizer = Normalizer::default();
    for text in [
        "Đoàn đến TP. Đà Lạt, H. Lạc Dương và P. 4.",
        "Có TS. Lê Bình, PGS.TS Trần Cường, BS.CKII Hoa.",
        "Mang theo nước, bánh, v.v. để dùng dọc đường.",
        "Giá 1.250.000 đồng, dài 1.5 km, ngày 5.10.2025.",
    ] {
        assert_eq!(normalizer.normalize(text).sentences().len(), 1, "{text}: {}", normalizer.normalize(text));
    }
    assert_eq!(normalizer.normalize("Ông Trần Văn H. Bà Lê Thị B. Hết.").sentences().len(), 3);
}

#[test]
fn a_sentence_without_an_end_is_cut() {
    let said = Normalizer::default().normalize(&"bà con chú ý theo dõi ".repeat(500));
    assert!(said.sentences().len() > 10);
    assert!(said.sentences().iter().all(|s| s.as_str().chars().count() <= Sentence::MAX_CHARS));
    let words: usize = said.sentences().iter().map(|s| s.as_str().split(' ').count()).sum();
    assert_eq!(words, 3_000, "no word is lost or cut");
}

#[test]
fn old_and_new_tone_marks_are_one() {
    let normalizer = Normalizer::default();
    assert_eq!(
        normalizer.normalize("Khoá XV, thuỷ lợi, hoà giải, quý IV, Uỷ ban").text(),
        "Khóa mười lăm, thủy lợi, hòa giải, quý tư, Ủy ban"
    );
}
