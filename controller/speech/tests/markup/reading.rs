//! Marked text to words: what is said, how, and where it stands in the typed text.

use loa_speech::Normalizer;
use loa_speech::normalize::{Class, Entry, Lexicon, Options, Pause, Problem, Sentence, Style};

/// Sentences with what follows them, the silence on top, and `!` for emphasis or a language's tag.
fn spoken(text: &str) -> Vec<String> {
    Normalizer::default().normalize(text).sentences().iter().map(shown).collect()
}

fn shown(sentence: &Sentence) -> String {
    let pause = match sentence.pause_after() {
        Pause::Clause => "clause",
        Pause::Sentence => "sentence",
        Pause::Paragraph => "paragraph",
        Pause::Marked => "marked",
        Pause::End => "end",
    };
    let Style { emphasis, language } = sentence.style();
    let how = [if emphasis { "!" } else { "" }, language.unwrap_or_default()].concat();
    let before = sentence.silence_before_ms();
    let before = if before > 0 { format!("{before} ") } else { String::new() };
    let after = sentence.silence_after_ms();
    let after = if after > 0 { format!("+{after}") } else { String::new() };
    format!("{before}{how}{}|{pause}{after}", sentence.as_str())
}

#[test]
fn commands_do_what_they_say() {
    for (text, want) in [
        // Pauses: inside a sentence, at its end, in front of everything and behind.
        ("Xin mời [nghỉ] bà con.", vec!["Xin mời,|marked+1000", "bà con.|end"]),
        ("Xin chào. [nghỉ 2 giây] Mời vào.", vec!["Xin chào.|sentence+2000", "Mời vào.|end"]),
        ("Xin chào [nghỉ 2 giây]. Mời vào.", vec!["Xin chào.|sentence+2000", "Mời vào.|end"]),
        ("[nghỉ 3 giây] Xin chào. [nghỉ 0,5s]", vec!["3000 Xin chào.|end+500"]),
        ("Xin chào\n[nghỉ 1 giây]\nMời vào", vec!["Xin chào.|sentence+1000", "Mời vào.|end"]),
        ("Xin chào\n\n[nghỉ 1 giây]\nMời vào", vec!["Xin chào.|paragraph+1000", "Mời vào.|end"]),
        ("Một [nghỉ 1s][nghỉ 1s] hai", vec!["Một,|marked+2000", "hai.|end"]),
        // Emphasis.
        ("Đề nghị [nhấn: sơ tán] ngay.", vec!["Đề nghị,|clause", "!sơ tán,|clause", "ngay.|end"]),
        ("Đề nghị [nhấn: sơ tán ngay]!", vec!["Đề nghị,|clause", "!sơ tán ngay!|end"]),
        (
            "[nhấn: Khẩn cấp. Sơ tán ngay!] Xin cảm ơn.",
            vec!["!Khẩn cấp.|sentence", "!Sơ tán ngay!|sentence", "Xin cảm ơn.|end"],
        ),
        ("Họp [nhấn: UBND] nhé", vec!["Họp,|clause", "!Ủy ban nhân dân,|clause", "nhé.|end"]),
        ("[nhấn: gọi [từng số: 115] ngay] nhé", vec!["!gọi một một năm ngay,|clause", "nhé.|end"]),
        ("[nhấn: gọi [nghỉ] ngay]", vec!["!gọi,|marked+1000", "!ngay.|end"]),
        // Spelling and saying as.
        ("Thẻ [đánh vần: BHXH-49a].", vec!["Thẻ bê hát ích hát gạch ngang bốn chín a.|end"]),
        ("Số [từng số: 2025 và 1].", vec!["Số hai không hai năm, vê à, một.|end"]),
        ("Họp [đọc ngày: 12/10].", vec!["Họp mười hai tháng mười.|end"]),
        ("Lúc này [đọc số La Mã: XIV].", vec!["Lúc này mười bốn.|end"]),
        ("Năm [đọc số: 1.250].", vec!["Năm một nghìn hai trăm năm mươi.|end"]),
        // One-off pronunciations.
        ("Ông [đọc là: K'Brêm = cơ brêm] đến.", vec!["Ông cơ brêm đến.|end"]),
        ("Ông [đọc là: cơ brêm 2] đến.", vec!["Ông cơ brêm hai đến.|end"]),
        // Languages.
        (
            "Gọi [tiếng Anh: hotline 24/7], xin cảm ơn.",
            vec!["Gọi,|clause", "enhotline 24/7,|clause", "xin cảm ơn.|end"],
        ),
        ("[nhấn: gọi [en-GB: hotline]].", vec!["!gọi,|clause", "!enhotline.|end"]),
        ("Gọi [vi: bà con 2] nhé", vec!["Gọi bà con hai nhé.|end"]),
        ("Chào [tiếng K'Ho: niam sa] bà con", vec!["Chào bà con.|end"]),
        // A command and what it stands beside: rules see what is in front of it.
        ("vào ngày [nhấn: 12/10] tới", vec!["vào ngày,|clause", "!mười hai tháng mười,|clause", "tới.|end"]),
        ("số hotline[nghỉ]mới", vec!["số hotline,|marked+1000", "mới.|end"]),
    ] {
        let said = Normalizer::default().normalize(text);
        assert_eq!(spoken(text), want, "{text}");
        let expected = usize::from(text.contains("K'Ho"));
        assert_eq!(said.markup_findings().len(), expected, "{text}: {:?}", said.markup_findings());
    }
}

#[test]
fn what_is_no_command_is_read_as_it_was() {
    for (marked, plain) in [
        ("[xã] họp", "xã họp"),
        ("Chủ nhật [nghỉ Tết] nhé", "Chủ nhật nghỉ Tết nhé"),
        ("Mời [nhấm: bà con] họp", "Mời nhấm: bà con họp"),
        ("Mời [nghỉ 3 giờ] họp", "Mời nghỉ 3 giờ họp"),
        ("Mời [nghỉ -1] họp", "Mời nghỉ -1 họp"),
        ("Mời [nhấn: bà con họp", "Mời nhấn: bà con họp"),
        ("Mời [tiếng Sao Hỏa: bà con] họp", "Mời tiếng Sao Hỏa: bà con họp"),
        ("Họp [[h@l'oU]] tại xã", "Họp h@l'oU tại xã"),
        ("Họp [[nghỉ]] tại xã", "Họp nghỉ tại xã"),
    ] {
        assert_eq!(spoken(marked), spoken(plain), "{marked}");
    }
}

#[test]
fn findings_name_what_is_wrong_and_where() {
    let text = "Mời [nhấm: bà con] [nghỉ 3 giờ] [đọc ngày: 45/13] họp [tiếng Ê Đê: abc] nhé";
    let said = Normalizer::default().normalize(text);
    let found: Vec<(&str, &str)> = said
        .markup_findings()
        .iter()
        .map(|finding| (finding.problem.code(), &text[finding.bytes.clone()]))
        .collect();
    assert_eq!(
        found,
        [
            ("unknown-command", "[nhấm: bà con]"),
            ("pause-length", "[nghỉ 3 giờ]"),
            ("not-that", "[đọc ngày: 45/13]"),
            ("no-voice", "[tiếng Ê Đê: abc]"),
        ]
    );
    let Problem::UnknownCommand { nearest, .. } = &said.markup_findings()[0].problem else { panic!() };
    assert_eq!(*nearest, Some("nhấn"));
    for finding in said.markup_findings() {
        assert!(!finding.problem.args().is_empty());
    }
}

#[test]
fn spans_keep_their_places_and_classes() {
    use unicode_normalization::UnicodeNormalization as _;
    let text = "Đề nghị [nhấn: gọi [từng số: 0912]], ngày [đọc ngày: 12/10], [tiếng Anh: hot line] 3 lần";
    for typed in [text.to_owned(), text.nfd().collect()] {
        let said = Normalizer::default().normalize(&typed);
        let spans: Vec<(Class, String, &str)> = said
            .spans()
            .iter()
            .filter(|span| span.class != Class::Word)
            .map(|span| (span.class, typed[span.source.clone()].nfc().collect(), said.said(span)))
            .collect();
        let want = [
            (Class::Markup, "[nhấn: ", ""),
            (Class::Markup, "[từng số: ", ""),
            (Class::Spelled, "0912", "không chín một hai"),
            (Class::Markup, "]", ""),
            (Class::Markup, "]", ""),
            (Class::Markup, "[đọc ngày: ", ""),
            (Class::Date, "12/10", "mười hai tháng mười"),
            (Class::Markup, "]", ""),
            (Class::Markup, "[tiếng Anh: ", ""),
            (Class::Foreign, "hot line", "hot line"),
            (Class::Markup, "]", ""),
            (Class::Cardinal, "3", "ba"),
        ];
        assert_eq!(spans, want.map(|(class, written, said)| (class, written.to_owned(), said)));
    }
}

#[test]
fn what_was_marked_is_no_riddle_to_the_audit() {
    let text =
        "Thẻ [đánh vần: BXZK], gọi [từng số: 123456789012345678901] hoặc [en: please call us right now]";
    assert_eq!(Normalizer::default().audit(text), []);
}

#[test]
fn the_words_of_an_area_hold_inside_commands() {
    let entry =
        |written: &str, spoken: &str| Entry { written: written.to_owned(), spoken: spoken.to_owned() };
    let lexicon = Lexicon::of_area([entry("Đạ Đờn", "đa đờn"), entry("NVH", "[nghỉ 9 giây] nhà văn hóa")]);
    let reader = Normalizer::new(Options::default(), &lexicon);
    let said = reader.normalize("[nhấn: Đạ Đờn] [đọc là: xã Đạ Đờn]");
    assert_eq!(said.text(), "đa đờn, xã đa đờn");
    // The lexicon's own words are no place for commands.
    let said = reader.normalize("tại NVH");
    assert_eq!((said.text(), said.silence_ms()), ("tại nghỉ chín giây nhà văn hóa", 0));
}

#[test]
fn texts_in_other_languages_have_commands_too() {
    let text = "Dear all, [nghỉ 2 giây] please [emphasis: leave now].\n[pause]\nCall [spell: 115] in [vi: Đạ Đờn 2].";
    let said = Normalizer::as_written().normalize(text);
    let sentences: Vec<String> = said.sentences().iter().map(shown).collect();
    assert_eq!(
        sentences,
        [
            "Dear all,|marked+2000",
            "please,|clause",
            "!leave now.|sentence+1000",
            "Call 1 1 5 in,|clause",
            "viĐạ Đờn hai.|end"
        ]
    );
}
