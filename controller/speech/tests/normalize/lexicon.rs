//! The operator's words: the longest match, the last edit, loops.

use loa_speech::Normalizer;
use loa_speech::normalize::{Entry, Lexicon, LexiconNote, Options};

fn entry(written: &str, spoken: &str) -> Entry {
    Entry { written: written.to_owned(), spoken: spoken.to_owned() }
}

fn said(lexicon: &Lexicon, text: &str) -> String {
    Normalizer::new(Options::default(), lexicon).normalize(text).to_string()
}

#[test]
fn the_longest_entry_wins() {
    let lexicon = Lexicon::of_area([
        entry("Đạ", "Đa"),
        entry("Đạ K'Nàng", "Cờ Nàng"),
        entry("Đạ K'Nàng 2", "Cờ Nàng hai"),
    ]);
    assert_eq!(said(&lexicon, "Đạ Tông, Đạ K'Nàng, Đạ K’Nàng 2."), "Đa Tông, Cờ Nàng, Cờ Nàng hai.");
}

#[test]
fn it_comes_before_every_rule() {
    let lexicon = Lexicon::of_area([
        entry("CLB", "câu lạc bộ Ánh Dương"),
        entry("115", "số một một lăm"),
        entry("H.", "hẻm"),
    ]);
    assert_eq!(said(&lexicon, "CLB gọi 115 ở H. 5"), "câu lạc bộ Ánh Dương gọi số một một lăm ở hẻm năm");
}

#[test]
fn small_letters_match_capitals_and_not_the_other_way() {
    let lexicon = Lexicon::of_area([entry("bon sar", "bon sa"), entry("BA", "Bê A")]);
    assert_eq!(said(&lexicon, "Bon Sar, BON SAR, ba con, BA con"), "bon sa, bon sa, ba con, Bê A con");
}

#[test]
fn the_last_edit_wins_and_is_told() {
    let lexicon = Lexicon::of_area([entry("KDC", "khu dân cư"), entry("KDC", "khu dân cư số một")]);
    assert_eq!(
        lexicon.notes(),
        [LexiconNote::Replaced {
            written: "KDC".to_owned(),
            before: "khu dân cư".to_owned(),
            after: "khu dân cư số một".to_owned(),
        }]
    );
    assert_eq!(said(&lexicon, "KDC"), "khu dân cư số một");
}

#[test]
fn an_areas_own_words_come_before_those_above_it() {
    let lexicon = Lexicon::of_areas([
        vec![entry("TT", "trung tâm"), entry("NVH", "nhà văn hóa")],
        vec![entry("TT", "thị trấn")],
    ]);
    assert_eq!(said(&lexicon, "TT và NVH"), "thị trấn và nhà văn hóa");
    assert_eq!(lexicon.notes(), [], "another area may say it otherwise");
}

#[test]
fn what_is_said_is_read_itself() {
    let lexicon = Lexicon::of_area([entry("ĐL", "điểm lẻ số 3"), entry("ĐL3", "ĐL tại UBND")]);
    assert_eq!(said(&lexicon, "Họp ở ĐL."), "Họp ở điểm lẻ số ba.");
}

#[test]
fn an_entry_inside_another_is_read_first() {
    let lexicon = Lexicon::of_area([entry("HT", "hội trường KDC"), entry("KDC", "khu dân cư 5")]);
    assert_eq!(said(&lexicon, "HT"), "hội trường khu dân cư năm");
}

#[test]
fn a_loop_is_said_word_for_word_and_is_told() {
    let lexicon = Lexicon::of_area([
        entry("Aa", "Bb xã"),
        entry("Bb", "Aa huyện"),
        entry("Cc", "Cc một"),
        entry("Dd", "Aa hai"),
    ]);
    let loops: Vec<&LexiconNote> = lexicon.notes().iter().collect();
    let told = |written: &str| LexiconNote::Loop { written: written.to_owned() };
    assert_eq!(loops, [&told("Aa"), &told("Bb"), &told("Cc")]);
    assert_eq!(said(&lexicon, "Aa, Bb, Cc, Dd"), "Bb xã, Aa huyện, Cc một, Bb xã hai");
}

#[test]
fn entries_that_grow_into_one_another_stay_bounded() {
    let mut entries = vec![entry("w0", "dài dòng")];
    for step in 1..60 {
        entries.push(entry(
            &format!("Ww{}", "o".repeat(step)),
            &format!("Ww{0} Ww{0} Ww{0}", "o".repeat(step - 1)),
        ));
    }
    let lexicon = Lexicon::of_area(entries);
    assert!(said(&lexicon, &format!("Ww{}", "o".repeat(59))).len() < 20_000);
}

#[test]
fn empty_and_endless_entries_are_left_out_and_told() {
    let lexicon = Lexicon::of_area([entry("", "gì"), entry("X1", " . "), entry("Y", &"a ".repeat(600))]);
    assert!(matches!(
        lexicon.notes(),
        [LexiconNote::Empty { .. }, LexiconNote::Empty { .. }, LexiconNote::TooLong { .. }]
    ));
    assert!(lexicon.entries().is_empty());
    assert!(lexicon.notes().iter().all(|note| note.to_string().ends_with("left out")));
}

#[test]
fn everything_that_changes_the_words_changes_the_identity() {
    let identity = |options, lexicon: &Lexicon| Normalizer::new(options, lexicon).identity();
    let none = Lexicon::default();
    let one = Lexicon::of_area([entry("KDC", "khu dân cư")]);
    let other = Lexicon::of_area([entry("KDC", "khu dân cư số một")]);
    let south = Options::of(loa_speech::normalize::Region::South);
    let mut all = vec![
        identity(Options::default(), &none),
        identity(south, &none),
        identity(Options::default(), &one),
        identity(Options::default(), &other),
    ];
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
    assert_eq!(identity(Options::default(), &one), identity(Options::default(), &one.clone()));
}
