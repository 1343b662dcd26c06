//! What the screen shows of a board, and what its keys do to it.

use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use loa_node_core::{Identity, Intent, Progress as SessionProgress};
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::{BulletinId, ItemId, ObjectHash, TenantId};
use loa_protocol::receipt::{Outcome, Reason, Receipt, Sound};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::occurrence_id;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keys::{Deed, deed};
use super::picture::Picture;
use super::plan::Next;
use super::{Lang, draw};
use crate::board_sim::cache::Disk;
use crate::node::{Fault, Glance, Happening, SoundGlance};

/// 06:00 of 1 December 2026 in Viet Nam.
const AT: UnixMs = UnixMs(1_796_079_600_000);

fn item() -> ItemId {
    ItemId::new("bao-so-5").unwrap()
}

fn board() -> Picture {
    Picture::new(Identity {
        tenant: TenantId::new("lam-dong").unwrap(),
        node: "loa-1".parse().unwrap(),
        path: AreaPath::unplaced(),
        root: SigningKey::from_bytes(&[7; 32]).verifying_key(),
    })
}

fn glance() -> Glance {
    Glance {
        at: AT,
        clock_ahead_ms: 0,
        trust: ClockTrust::Trusted,
        documents: Vec::new(),
        whole: [ObjectHash([1; 32]), ObjectHash([2; 32])].into(),
        partial: Vec::new(),
        used_bytes: 300 * 1024,
        quota_bytes: 2048 * 1024,
        disk: Disk::Good,
        sound: None,
        occurrence: None,
        receipts_waiting: 3,
        amplifier_is_on: false,
        speaker_works: true,
        temperature_decidegrees: 415,
        supply_mv: 12_400,
    }
}

/// A board that booted and stands as `glance` says.
fn standing(glance: Glance) -> Picture {
    let mut picture = board();
    picture
        .note(AT, Happening::Booted { boot: 4, documents: 0, objects: 2, partial: Vec::new(), receipts: 3 });
    picture.look(glance, Instant::now());
    picture
}

/// The rows of a terminal of 120 columns.
fn rows(picture: &Picture, lang: Lang) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
    terminal.draw(|frame| draw::draw(frame, picture, lang)).unwrap();
    let buffer = terminal.backend().buffer();
    (0..36).map(|y| (0..120).map(|x| buffer[(x, y)].symbol()).collect()).collect()
}

#[track_caller]
fn assert_shows(rows: &[String], words: &[&str]) {
    assert!(
        rows.iter().any(|row| words.iter().all(|word| row.contains(word))),
        "no row with {words:?} in\n{}",
        rows.join("\n")
    );
}

fn press(letter: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)
}

#[test]
fn a_board_before_its_first_boot_has_no_power() {
    let rows = rows(&board(), Lang::Vi);
    assert_shows(&rows, &["loa-1", "lam-dong", "MẤT ĐIỆN"]);
    assert_shows(&rows, &["im lặng"]);
}

#[test]
fn the_state_of_a_board_is_told_in_both_languages() {
    let picture = standing(glance());
    let vietnamese = rows(&picture, Lang::Vi);
    assert_shows(&vietnamese, &["lần khởi động 4", "ĐANG CHẠY"]);
    assert_shows(&vietnamese, &["Giờ", "01/12 06:00:00"]);
    assert_shows(&vietnamese, &["Độ tin", "Chính xác"]);
    assert_shows(&vietnamese, &["Tệp", "2 đủ, 0 đang tải"]);
    assert_shows(&vietnamese, &["Đã dùng", "300 / 2048 KiB"]);
    assert_shows(&vietnamese, &["41.5 °C, 12.40 V"]);
    assert_shows(&vietnamese, &["chờ gửi: 3"]);
    assert_shows(&vietnamese, &["không có gì trong 48 giờ tới"]);
    let english = rows(&picture, Lang::En);
    assert_shows(&english, &["boot 4", "RUNNING"]);
    assert_shows(&english, &["Trust", "Trusted"]);
    assert_shows(&english, &["2 whole, 0 in part"]);
    assert_shows(&english, &["nothing in the next 48 hours"]);
}

#[test]
fn what_sounds_goes_on_between_two_looks() {
    let mut sounding = glance();
    sounding.sound = Some(SoundGlance {
        object: ObjectHash([1; 32]),
        start_at: AT,
        started: Some(AT),
        length_ms: Some(20_000),
    });
    sounding.occurrence = Some(Intent {
        occurrence: occurrence_id(&item(), 1, AT),
        item: item(),
        revision: 1,
        bulletin: BulletinId::new("b1").unwrap(),
        nominal: AT,
        class: Class::Emergency,
        started: Some(AT),
        progress: SessionProgress::default(),
    });
    let mut picture = standing(sounding);
    picture.plan.titles.insert(item(), "Bão số 5".to_owned());
    let seen = picture.glance.as_ref().unwrap().1;
    picture.goes_on(seen + Duration::from_millis(5_000));
    let rows = rows(&picture, Lang::Vi);
    assert_shows(&rows, &["Bão số 5"]);
    assert_shows(&rows, &["5.0 / 20.0 s"]);
}

#[test]
fn what_comes_is_shown_with_the_rule_that_refuses_it() {
    let mut picture = standing(glance());
    let next = |outcome| Next {
        nominal: AT,
        title: "Giá cà phê".to_owned(),
        languages: vec!["kpm".to_owned()],
        outcome,
    };
    picture.plan.next = vec![next(Outcome::Played), next(Outcome::Missed(Reason::QuietHours))];
    let rows = rows(&picture, Lang::Vi);
    assert_shows(&rows, &["Giá cà phê · Sẽ phát (kpm)"]);
    assert_shows(&rows, &["Giá cà phê · Sẽ không phát", "Giờ yên tĩnh"]);
}

#[test]
fn a_receipt_tells_its_outcome_and_how_long_it_sounded() {
    let mut picture = standing(glance());
    let receipt = |number, outcome, played_ms: Option<u32>| Receipt {
        number,
        occurrence: occurrence_id(&item(), 1, AT),
        item: item(),
        revision: 1,
        bulletin: BulletinId::new("b1").unwrap(),
        nominal: AT,
        outcome,
        sound: played_ms.map(|played_ms| Sound { started: AT, played_ms }),
        clock: ClockTrust::Trusted,
        written: AT,
        winner: None,
        previous: None,
    };
    picture.note(AT, Happening::Receipt { receipt: receipt(8, Outcome::Played, Some(12_340)) });
    picture.note(AT, Happening::Receipt { receipt: receipt(9, Outcome::Missed(Reason::TooLate), None) });
    let rows = rows(&picture, Lang::En);
    assert_shows(&rows, &["#8", "bao-so-5 · Played 12.3 s"]);
    assert_shows(&rows, &["#9", "Not played: The board was off"]);
}

#[test]
fn a_power_cut_is_seen_and_takes_the_links_along() {
    let mut picture = standing(glance());
    picture.note(AT, Happening::Connected { link: loa_node_core::Link::Control, connection: 1 });
    assert_shows(&rows(&picture, Lang::Vi), &["Máy chủ", "đã kết nối"]);
    picture.note(AT, Happening::PowerCut { off_ms: 3_000 });
    let rows = rows(&picture, Lang::Vi);
    assert_shows(&rows, &["MẤT ĐIỆN"]);
    assert_shows(&rows, &["chưa kết nối"]);
}

#[test]
fn what_a_key_broke_it_makes_good_again() {
    let mut picture = standing(glance());
    assert_eq!(deed(press('d'), &picture), Some(Deed::Fail(Fault::DiskFull)));
    assert_eq!(deed(press('s'), &picture), Some(Deed::Fail(Fault::SpeakerBroken)));
    let mut broken = glance();
    (broken.disk, broken.speaker_works) = (Disk::Full, false);
    picture.look(broken, Instant::now());
    assert_shows(&rows(&picture, Lang::Vi), &["Đĩa", "đầy"]);
    assert_shows(&rows(&picture, Lang::Vi), &["Loa", "hỏng"]);
    assert_eq!(deed(press('d'), &picture), Some(Deed::Fail(Fault::DiskGood)));
    assert_eq!(deed(press('s'), &picture), Some(Deed::Fail(Fault::SpeakerGood)));
    assert_eq!(deed(press('n'), &picture), Some(Deed::Fail(Fault::LinkDown { silent: false })));
    picture.note(AT, Happening::Fault { fault: Fault::LinkDown { silent: false } });
    assert_shows(&rows(&picture, Lang::Vi), &["Mạng", "bị ngắt"]);
    assert_eq!(deed(press('n'), &picture), Some(Deed::Fail(Fault::LinkUp)));
}

#[test]
fn keys_that_mean_nothing_do_nothing_and_three_ways_lead_out() {
    let picture = standing(glance());
    assert_eq!(deed(press('x'), &picture), None);
    assert_eq!(deed(press('q'), &picture), Some(Deed::Quit));
    assert_eq!(deed(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE), &picture), Some(Deed::Quit));
    assert_eq!(deed(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL), &picture), Some(Deed::Quit));
    assert_eq!(deed(press('l'), &picture), Some(Deed::ChangeLanguage));
}

#[test]
fn each_key_of_the_help_line_does_something() {
    let picture = standing(glance());
    // The line may be broken between two words.
    let shown: Vec<String> = rows(&picture, Lang::Vi).iter().map(|row| row.trim().to_owned()).collect();
    let shown = shown.join(" ");
    for (keys, what) in super::keys::help(Lang::Vi) {
        assert!(shown.contains(what), "{what} is not on the screen");
        for key in keys.split('/') {
            let key = key.chars().next().unwrap();
            assert!(deed(press(key), &picture).is_some(), "{key} does nothing");
        }
    }
}

#[test]
fn a_small_terminal_does_not_break_it() {
    let picture = standing(glance());
    for (width, height) in [(1, 1), (20, 5), (40, 12), (80, 24)] {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw::draw(frame, &picture, Lang::Vi)).unwrap();
    }
}
