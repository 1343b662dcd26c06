//! Schedules and the form that makes one.

use super::*;

pub(crate) fn days() -> Vec<ScheduleDay> {
    let row = |title: &str, class, at, offline| OccurrenceRow {
        bulletin: name("b-4", title, class),
        at,
        duration_ms: Some(125_000),
        place: "Xã Đưng K'Nớ".into(),
        nodes: 3,
        offline,
    };
    vec![
        ScheduleDay { day: day(25), occurrences: vec![row(FOREST, Class::Priority, at(25, 17, 0), 1)] },
        ScheduleDay {
            day: day(26),
            occurrences: vec![
                row(VACCINE, Class::Normal, at(26, 6, 0), 1),
                row(FOREST, Class::Priority, at(26, 17, 0), 0),
            ],
        },
    ]
}

pub(crate) fn standing() -> Vec<ScheduleRow> {
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
    let week =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    let row = |id: &str, bulletin, rule, state, next| ScheduleRow {
        id: id.into(),
        bulletin,
        rule,
        extras: extras(),
        from: Some(day(20)),
        until: day(20).checked_add_days(Days::new(30)),
        places: vec!["Thôn Liêng Trang".into(), "Buôn Đung".into()],
        state,
        ready: Vec::new(),
        next,
        cancellable: state == ScheduleState::Active,
    };
    vec![
        row(
            "s-1",
            name("b-4", FOREST, Class::Priority),
            Rule::Weekly { days: week.to_vec(), times: vec![time(17)] },
            ScheduleState::Active,
            Some(at(25, 17, 0)),
        ),
        row(
            "s-2",
            name("b-1", VACCINE, Class::Normal),
            Rule::Weekly { days: vec![Weekday::Mon, Weekday::Wed], times: vec![time(6), time(17)] },
            ScheduleState::Active,
            Some(at(27, 6, 0)),
        ),
        row(
            "s-3",
            name("b-7", "Lịch tiếp công dân", Class::Normal),
            Rule::Cron("0 6 1,15 * *".into()),
            ScheduleState::Blocked,
            None,
        ),
        row(
            "s-4",
            name("b-8", "Thông báo cắt điện", Class::Normal),
            Rule::Once(at(22, 6, 0)),
            ScheduleState::Ended,
            None,
        ),
    ]
}

pub(crate) fn targets() -> Vec<TargetRow> {
    let row = |kind, id: &str, path: &str, name: &str, depth, checked| TargetRow {
        kind,
        id: id.into(),
        path: path.into(),
        name: name.into(),
        depth,
        checked,
    };
    let area = |nodes, offline| TargetKind::Area { nodes, offline };
    let node = |online| TargetKind::Node { online };
    vec![
        row(area(3, 1), "a", "a", "Xã Đưng K'Nớ", 0, false),
        row(area(1, 0), "v1", "a/v1", "Thôn Liêng Trang", 1, true),
        row(node(true), "n-1", "a/v1/n-1", "Cụm loa nhà văn hóa", 2, false),
        row(area(1, 1), "v2", "a/v2", "Buôn Đung", 1, false),
        row(node(false), "n-3", "a/v2/n-3", "Cụm loa trường học", 2, true),
        row(area(1, 0), "v3", "a/v3", "Thôn K'Nớ 2", 1, false),
        row(node(true), "n-2", "a/v3/n-2", "Cụm loa đầu thôn", 2, false),
    ]
}

pub(crate) fn schedule_form(look: Look) -> ScheduleFormPage {
    ScheduleFormPage {
        shell: shell(look, Nav::Schedules),
        form: ScheduleForm {
            bulletin: "b-4".into(),
            mode: "weekly".into(),
            days: ["mon", "wed", "fri"].map(str::to_owned).to_vec(),
            times: "06:00, 17:30".into(),
            from: "2025-10-25".into(),
            ..ScheduleForm::default()
        },
        bulletins: vec![Choice::new("b-4", FOREST), Choice::new("b-1", VACCINE)],
        targets: targets(),
        days_off: vec![Tick::new("vn-public-holidays", "Ngày nghỉ lễ, Tết", true)],
        calendars: vec![Choice::new("vn-lunar-1-15", "Mùng một và rằm")],
        interruptions: vec![Choice::new("drop", "Dừng, không phát tiếp")],
        preview: Some(SchedulePreview {
            next: vec![at(27, 6, 0), at(27, 17, 30), at(29, 6, 0), at(29, 17, 30), at(31, 6, 0)],
            nodes: 2,
            offline: 1,
            duration_ms: Some(125_000),
            warnings: vec![Msg::new(msg::WARN_OFFLINE).with_number("n", 1)],
            preflight: preflight(),
            days: 7,
        }),
    }
}

fn preflight() -> PreflightView {
    let start = |day: u32, outcome: Foreseen, why: Option<Msg>| PreflightStart {
        at: at(day, 17, 30),
        title: FOREST.into(),
        later: None,
        duration_ms: if outcome == Foreseen::Missed { 0 } else { 125_000 },
        languages: "Tiếng Việt, Tiếng K'Ho".into(),
        outcome,
        why,
    };
    let quiet = Msg::both("Rơi vào giờ yên tĩnh (quy định của Xã Đưng K'Nớ).", "Falls into quiet hours.");
    PreflightView {
        nodes: 2,
        households: HouseholdsView { known: 312, unknown: 1 },
        groups: vec![PreflightGroup {
            places: "Buôn Đung, Thôn K'Nớ 2".into(),
            nodes: 2,
            households: HouseholdsView { known: 312, unknown: 1 },
            languages: "Tiếng K'Ho, Tiếng Việt".into(),
            starts: vec![start(27, Foreseen::Played, None), start(28, Foreseen::Missed, Some(quiet))],
            more: 0,
        }],
        ..PreflightView::default()
    }
}

fn extras() -> Vec<Msg> {
    let rounds = Msg::new(msg::ROUNDS).with_number("n", 2).with_number("gap", 10);
    vec![Msg::new(msg::NOT_ON).with("x", "Ngày nghỉ lễ, Tết"), rounds]
}

/// One schedule, with what will sound of it.
pub(crate) fn schedule(look: Look) -> SchedulePage {
    SchedulePage {
        shell: shell(look, Nav::Schedules),
        id: "s-1".into(),
        bulletin: BulletinName { id: "b-4".into(), title: FOREST.into(), class: Class::Normal },
        rule: Rule::of_cron("30 17 * * *"),
        from: None,
        until: None,
        extras: extras(),
        places: vec!["Xã Đưng K'Nớ".into()],
        state: ScheduleState::Active,
        cancellable: true,
        days: 7,
        preflight: preflight(),
    }
}

pub(crate) fn schedule_errors(look: Look) -> ScheduleFormPage {
    let page = schedule_form(look);
    let errors = Errors::none()
        .with("cron", Msg::both("Biểu thức này không bao giờ đến lượt phát.", "This pattern never fires."))
        .with(
            "target",
            Msg::both(
                "Xin chọn ít nhất một địa bàn hoặc một cụm loa.",
                "Choose at least one area or loudspeaker.",
            ),
        );
    let form = ScheduleForm { mode: "cron".into(), cron: "0 6 31 2 *".into(), errors, ..page.form.clone() };
    ScheduleFormPage { form, preview: None, ..page }
}
