//! What a key does.

use loa_protocol::report::ClockTrust;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::picture::{Network, Picture};
use super::words::Lang;
use crate::board_sim::cache::Disk;
use crate::node::Fault;

/// For how long a power cut by a key lasts, in seconds.
const POWER_OFF_S: f64 = 3.0;
/// By how much a key puts the clock wrong, in milliseconds.
const CLOCK_STEP_MS: i64 = 3_600_000;

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Deed {
    Quit,
    ChangeLanguage,
    Fail(Fault),
}

/// The keys and what they do, in the order of the help line.
pub(super) fn help(lang: Lang) -> [(&'static str, &'static str); 10] {
    [
        ("p", lang.say("cắt điện 3 giây", "cut the power for 3 s")),
        ("n", lang.say("ngắt/nối mạng", "network off/on")),
        ("m", lang.say("mạng câm", "silent network")),
        ("+/-", lang.say("lệch giờ 1 tiếng", "clock 1 h ahead/back")),
        ("t", lang.say("độ tin của giờ", "trust of the clock")),
        ("d", lang.say("đầy đĩa", "full disk")),
        ("s", lang.say("hỏng loa", "broken speaker")),
        ("r", lang.say("hỏng tệp", "rotten audio")),
        ("l", "English/Tiếng Việt"),
        ("q", lang.say("thoát", "quit")),
    ]
}

/// What a key does to the board as it is: what was broken by a key is made good by it.
pub(super) fn deed(key: KeyEvent, picture: &Picture) -> Option<Deed> {
    if key.kind != KeyEventKind::Press {
        return None;
    }
    let KeyCode::Char(letter) = key.code else {
        return (key.code == KeyCode::Esc).then_some(Deed::Quit);
    };
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        // In raw mode the terminal sends no signal for it.
        return (letter == 'c').then_some(Deed::Quit);
    }
    let glance = picture.glance.as_ref().map(|(glance, _)| glance);
    let fault = match letter.to_ascii_lowercase() {
        'q' => return Some(Deed::Quit),
        'l' => return Some(Deed::ChangeLanguage),
        'p' => Fault::PowerCut { off_s: POWER_OFF_S },
        'n' => match picture.network {
            Network::Good => Fault::LinkDown { silent: false },
            Network::Down | Network::Silent => Fault::LinkUp,
        },
        'm' => match picture.network {
            Network::Good | Network::Down => Fault::LinkDown { silent: true },
            Network::Silent => Fault::LinkUp,
        },
        '+' | '=' => Fault::ClockShift { ms: CLOCK_STEP_MS },
        '-' => Fault::ClockShift { ms: -CLOCK_STEP_MS },
        't' => Fault::ClockTrust {
            trust: match glance?.trust {
                ClockTrust::Trusted => ClockTrust::Holdover,
                ClockTrust::Holdover => ClockTrust::Unknown,
                ClockTrust::Unknown => ClockTrust::Trusted,
            },
        },
        'd' => match glance?.disk {
            Disk::Good => Fault::DiskFull,
            Disk::Full | Disk::Failing => Fault::DiskGood,
        },
        's' if glance?.speaker_works => Fault::SpeakerBroken,
        's' => Fault::SpeakerGood,
        'r' => Fault::CorruptObject { object: String::new() },
        _ => return None,
    };
    Some(Deed::Fail(fault))
}
