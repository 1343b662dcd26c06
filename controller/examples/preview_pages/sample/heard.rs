//! The day, and what sounded where.

use super::*;

pub(crate) fn today(look: Look) -> TodayPage {
    let item = |id: &str, title: &str, class, at, state, heard, waiting| TodayItem {
        occurrence_id: format!("o-{id}"),
        bulletin_id: format!("b-{id}"),
        title: title.into(),
        class,
        at,
        duration_ms: Some(125_000),
        place: "Thôn Liêng Trang, Buôn Đung, Thôn K'Nớ 2".into(),
        state,
        coverage: Coverage { heard, planned: 3, waiting },
    };
    let waiting = |id: &str, title: &str, class, author: &str, submitted_at| WaitingItem {
        href: format!("/bulletins/{id}"),
        title: title.into(),
        class,
        author: author.into(),
        submitted_at,
    };
    TodayPage {
        shell: shell(look, Nav::Today),
        day: day(25),
        alerts: vec![AlertCard {
            id: "a-1".into(),
            title: format!("DIỄN TẬP: {STORM}"),
            areas: "Xã Lạc Dương".into(),
            given_at: at(25, 7, 38),
            given_by: "Trần Văn Lộc".into(),
            expires: at(25, 8, 38),
            state: AlertStateTag { key: "alert-state-sent", tone: "pill-good" },
            status: AlertStatus { code: "exercise", key: "alert-status-exercise" },
        }],
        sounding: vec![
            item("1", VACCINE, Class::Normal, at(25, 6, 0), DayState::Done, 3, 0),
            item("2", "Bản tin buổi sáng của xã", Class::Normal, at(25, 6, 15), DayState::Partly, 2, 0),
            item("3", STORM, Class::Emergency, at(25, 7, 40), DayState::Sounding, 1, 2),
            item("4", FOREST, Class::Priority, at(25, 17, 0), DayState::Upcoming, 0, 3),
        ],
        waiting: vec![
            waiting("b-5", "Giá cà phê và kỹ thuật tưới tiết kiệm", Class::Normal, "K' Brếp", at(25, 7, 5)),
            waiting("b-6", "Mời họp dân thôn Liêng Trang", Class::Priority, "Trần Văn Lộc", at(24, 16, 20)),
        ],
        silent: vec![SilentNode {
            node_id: "n-3".into(),
            name: "Cụm loa trường học".into(),
            area: "Buôn Đung".into(),
            since: Some(at(24, 22, 13)),
        }],
        nodes_all: 3,
        nodes_online: 2,
    }
}

pub(crate) fn heard_rows() -> Vec<HeardRow> {
    let row =
        |id: &str, name: &str, area: &str, error_ms: Option<f64>, outcome, reason: Option<Msg>| HeardRow {
            node_id: id.into(),
            node_name: name.into(),
            area: area.into(),
            planned_at: at(25, 6, 15),
            started_at: error_ms.map(|_| at(25, 6, 15)),
            error_ms,
            duration_ms: error_ms.map(|_| 125_300),
            outcome,
            reason,
            earlier: vec![],
        };
    vec![
        row("n-1", "Cụm loa nhà văn hóa", "Thôn Liêng Trang", Some(0.6), Outcome::Played, None),
        row(
            "n-2",
            "Cụm loa đầu thôn",
            "Thôn K'Nớ 2",
            Some(-14.2),
            Outcome::Partial,
            Some(Msg::new(msg::REASON_YIELDED)),
        ),
        row(
            "n-3",
            "Cụm loa trường học",
            "Buôn Đung",
            None,
            Outcome::Missed,
            Some(Msg::new(msg::REASON_TOO_LATE)),
        ),
    ]
}

pub(crate) fn heard(look: Look) -> HeardPage {
    let all = |row: HeardRow, error_ms| HeardRow {
        outcome: Outcome::Played,
        reason: None,
        planned_at: at(25, 6, 0),
        started_at: Some(at(25, 6, 0)),
        error_ms: Some(error_ms),
        duration_ms: Some(64_200),
        ..row
    };
    let played =
        heard_rows().into_iter().zip([0.6, 1.4, -0.3]).map(|(row, error_ms)| all(row, error_ms)).collect();
    let occurrence = |id: &str, title: &str, planned_at, heard, rows| HeardOccurrence {
        id: id.into(),
        bulletin: name("b-1", title, Class::Normal),
        planned_at,
        coverage: Coverage { heard, planned: 3, waiting: 0 },
        rows,
        more: 0,
    };
    HeardPage {
        shell: shell(look, Nav::Heard),
        filter: HeardFilter { from: "2025-10-25".into(), ..HeardFilter::default() },
        areas: area_choices(),
        occurrences: vec![
            occurrence("o-2", "Bản tin buổi sáng của xã", at(25, 6, 15), 1, heard_rows()),
            occurrence("o-1", VACCINE, at(25, 6, 0), 3, played),
        ],
        pager: Pager { first: None, next: Some("/heard?page=3".into()) },
    }
}
