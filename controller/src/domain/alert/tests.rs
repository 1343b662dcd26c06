//! The rules of emergencies.

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;

use super::template::TemplateKind;
use super::*;
use crate::domain::area::Area;
use crate::domain::bulletin::{BulletinDraft, SourceDraft, TrackDraft, text};

const NOW: UnixMs = UnixMs(1_795_309_200_000);

fn draft() -> AlertDraft {
    AlertDraft {
        areas: vec!["da-don".to_owned()],
        template: String::new(),
        title: "Lũ quét".to_owned(),
        text: "Lũ đang về.".to_owned(),
        category: "disaster_prevention".to_owned(),
        tracks: Vec::new(),
        severity: "severe".to_owned(),
        status: String::new(),
        expiry: ExpiryDraft::Minutes(60),
        rounds: 2,
        gap_s: None,
        corrects: String::new(),
    }
}

#[test]
fn a_form_is_checked_as_a_whole() {
    let values = draft().check(NOW).unwrap();
    assert_eq!(values.repeats, Some(Repeats { rounds: 2, gap_ms: 5_000 }));
    assert_eq!((values.expires, values.status), (NOW + 3_600_000, Status::Actual));
    let at = |text: &str| AlertDraft { expiry: ExpiryDraft::At(text.to_owned()), ..draft() };
    for (bad, expected) in [
        (AlertDraft { areas: vec![" ".to_owned()], ..draft() }, "areas: alert.no_area"),
        (AlertDraft { severity: "bad".to_owned(), ..draft() }, "severity: alert.severity_unknown"),
        (AlertDraft { status: "real".to_owned(), ..draft() }, "status: alert.status_unknown"),
        (AlertDraft { expiry: ExpiryDraft::Minutes(0), ..draft() }, "expires: alert.expired"),
        (AlertDraft { expiry: ExpiryDraft::Minutes(1_441), ..draft() }, "expires: alert.expires_late"),
        (at(&(NOW - 1).to_string()), "expires: alert.expired"),
        (at("tomorrow"), "expires: alert.expires_unreadable"),
        (AlertDraft { rounds: 0, ..draft() }, "rounds: alert.rounds_out_of_range"),
        (AlertDraft { gap_s: Some(601), ..draft() }, "rounds: alert.rounds_out_of_range"),
    ] {
        assert_eq!(bad.check(NOW).unwrap_err().to_string(), expected);
    }
    assert!(at(&(NOW + 86_400_000).to_string()).check(NOW).is_ok(), "a day is the most");
}

fn place(ids: &[&str]) -> Area {
    let ids: Vec<AreaId> = ids.iter().map(|id| AreaId::new(*id).unwrap()).collect();
    Area {
        id: ids.last().unwrap().clone(),
        path: AreaPath::new(ids).unwrap(),
        name: String::new(),
        level: String::new(),
        languages: Vec::new(),
        zone: None,
    }
}

#[test]
fn unknown_households_count_as_many() {
    let all =
        [place(&["tinh"]), place(&["tinh", "xa"]), place(&["tinh", "xa", "a"]), place(&["tinh", "xa", "b"])];
    let of = |area: usize, stated: &[(&str, u32)]| {
        let stated = stated.iter().map(|(id, n)| (AreaId::new(*id).unwrap(), *n)).collect();
        Households::new(&all, stated).reached([&all[area].path])
    };
    assert_eq!(of(2, &[("a", 300)]), Reached { households: 300, some_unknown: false });
    assert_eq!(of(0, &[("a", 300), ("b", 200)]), Reached { households: 500, some_unknown: false });
    assert_eq!(
        of(1, &[("xa", 700), ("a", 300)]),
        Reached { households: 700, some_unknown: false },
        "its own word"
    );
    assert_eq!(of(1, &[("a", 300)]), Reached { households: 300, some_unknown: true });
    let needed = |households, some_unknown| approvers_needed(Reached { households, some_unknown }, 5_000);
    assert_eq!([needed(5_000, false), needed(5_001, false), needed(0, true)], [1, 2, 2]);
}

#[test]
fn an_exercise_says_so_first_and_last_in_every_language_or_that_language_is_silent() {
    let speech = |language: &str, text: &str| TrackDraft {
        language: language.to_owned(),
        source: SourceDraft::Speech { text: text.to_owned(), voice: String::new(), words_per_minute: None },
    };
    let recorded = TrackDraft {
        language: "kpm".to_owned(),
        source: SourceDraft::Recording {
            upload: String::new(),
            file_name: String::new(),
            transcript: String::new(),
        },
    };
    let tracks = vec![speech("vi", ""), speech("en", "A flood comes."), speech("fr", "Une crue."), recorded];
    let plain = BulletinDraft {
        title: "Lũ quét".to_owned(),
        text: "Lũ đang về.\n".to_owned(),
        category: "disaster_prevention".to_owned(),
        class: Class::Emergency.as_str().to_owned(),
        tracks,
    };
    let exercise = marked(plain.clone(), Status::Exercise);
    assert_eq!(exercise.title, "DIỄN TẬP: Lũ quét");
    assert_eq!(exercise.text, "Đây là diễn tập.\nLũ đang về.\nĐây là diễn tập.");
    let languages: Vec<&str> = exercise.tracks.iter().map(|track| track.language.as_str()).collect();
    assert_eq!(languages, ["vi", "en"]);
    let SourceDraft::Speech { text, .. } = &exercise.tracks[1].source else { panic!() };
    assert_eq!(text, "This is an exercise.\nA flood comes.\nThis is an exercise.");
    let test = marked(plain.clone(), Status::Test);
    assert!(test.title.starts_with("PHÁT THỬ: ") && test.text.ends_with("Đây là phát thử."));
    let actual = marked(plain.clone(), Status::Actual);
    assert_eq!((actual.title, actual.text, actual.tracks.len()), (plain.title, plain.text, 4));
}

#[test]
fn shipped_words_can_be_spoken_and_sound_in_time_three_times() {
    for kind in TemplateKind::ALL.into_iter().filter(|kind| *kind != TemplateKind::Other) {
        let (title, words) = kind.words();
        assert!(!title.is_empty());
        assert_eq!(text::check_body(words, 4_000), Ok(()), "{kind:?}");
        assert_eq!(words, text::body(words), "{kind:?} is in NFC");
        let once = estimated_ms(words, 120);
        assert!((20_000..200_000).contains(&once), "{kind:?} {once}");
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
}

#[test]
fn an_approval_binds_all_that_is_seen() {
    let stamp = Stamp { at: NOW, by: "operator".to_owned() };
    let area = |id: &str| AlertArea { id: AreaId::new(id).unwrap(), path: place(&["tinh", id]).path };
    let alert = Alert {
        id: BulletinId::new("b1").unwrap(),
        path: place(&["tinh"]).path,
        areas: vec![area("a")],
        template: None,
        status: Status::Actual,
        severity: Severity::Severe,
        repeats: None,
        expires: NOW + 1,
        reached: Reached::default(),
        approvers_needed: 1,
        corrects: None,
        form_digest: String::new(),
        created: stamp,
        approvals: Vec::new(),
        released: None,
        returned: None,
        cancelled: None,
    };
    let content: ContentDigest = "ab".repeat(32).parse().unwrap();
    let base = alert.digest(&content);
    assert_eq!(base.to_string().parse(), Ok(base));
    let repeats = Some(Repeats { rounds: 2, gap_ms: 1_000 });
    for other in [
        Alert { areas: vec![area("a"), area("b")], ..alert.clone() },
        Alert { status: Status::Test, ..alert.clone() },
        Alert { severity: Severity::Extreme, ..alert.clone() },
        Alert { expires: NOW + 2, ..alert.clone() },
        Alert { repeats, ..alert.clone() },
        Alert { corrects: BulletinId::new("b0").ok(), ..alert.clone() },
    ] {
        assert_ne!(other.digest(&content), base, "{other:?}");
    }
    assert_ne!(alert.digest(&"cd".repeat(32).parse().unwrap()), base);
    assert_eq!(Alert { approvers_needed: 2, ..alert.clone() }.digest(&content), base);
    let states =
        [(false, NOW), (true, NOW), (true, NOW + 1)].map(|(made, at)| alert.state(made, at).as_str());
    assert_eq!(states, ["speaking", "waiting", "over"]);
    let released = Alert { released: Some(NOW), ..alert };
    assert_eq!([false, true].map(|made| released.state(made, NOW).as_str()), ["speaking", "sent"]);
}
