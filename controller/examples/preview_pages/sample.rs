//! Sample data: one commune of Lâm Đồng on a Saturday morning.

use axum::response::Response;
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Weekday};
use chrono_tz::Asia::Ho_Chi_Minh;
use loa_controller::pages::labels::*;
use loa_controller::pages::views::*;
use loa_controller::pages::{Can, Choice, Errors, Flash, Moment, Msg, Nav, Person, Shell, Tick, msg};

use super::{Look, ok};

/// Every page of the preview.
pub(crate) const NAMES: &[&str] = &[
    "today",
    "today-empty",
    "sign-in",
    "sign-in-wrong",
    "welcome",
    "welcome-gone",
    "bulletins",
    "bulletins-none",
    "bulletin-new",
    "bulletin-errors",
    "bulletin-draft",
    "bulletin-approve",
    "bulletin-approved",
    "bulletin-rejected",
    "schedules",
    "schedule-new",
    "schedule-errors",
    "areas",
    "nodes",
    "node",
    "node-token",
    "node-new",
    "node-revoke",
    "heard",
    "users",
    "user",
    "account",
    "account-by-link",
    "audit",
    "error",
    "error-signed-out",
];

/// The page of that name.
pub(crate) fn answer(name: &str, look: Look) -> Option<Response> {
    Some(match name {
        "today" => ok(today(look)),
        "today-empty" => ok(TodayPage {
            sounding: vec![],
            waiting: vec![],
            silent: vec![],
            nodes_online: 3,
            nodes_all: 3,
            ..today(look)
        }),
        "sign-in" => ok(SignInPage { shell: outside(look), form: SignInForm::default() }),
        "sign-in-wrong" => {
            let errors = Errors::none().with(
                "",
                Msg::both("Tên đăng nhập hoặc mật khẩu không đúng.", "Sign-in name or passphrase is wrong."),
            );
            ok(SignInPage {
                shell: outside(look),
                form: SignInForm { login: "hanh.nguyen".into(), next: "/".into(), errors },
            })
        }
        "welcome" => ok(WelcomePage { shell: outside(look), link: welcome() }),
        "welcome-gone" => ok(WelcomePage { shell: outside(look), link: WelcomeLink::Gone }),
        "bulletins" => ok(bulletins(look)),
        "bulletins-none" => ok(BulletinsPage { rows: vec![], pager: Pager::default(), ..bulletins(look) }),
        "bulletin-new" => ok(bulletin_form(look)),
        "bulletin-errors" => ok(bulletin_errors(look)),
        "bulletin-draft" => ok(bulletin(look, BulletinState::Draft)),
        "bulletin-approve" => ok(bulletin(look, BulletinState::Submitted)),
        "bulletin-approved" => ok(bulletin(look, BulletinState::Approved)),
        "bulletin-rejected" => ok(bulletin(look, BulletinState::Rejected)),
        "schedules" => {
            ok(SchedulesPage { shell: shell(look, Nav::Schedules), days: days(), standing: standing() })
        }
        "schedule-new" => ok(schedule_form(look)),
        "schedule-errors" => ok(schedule_errors(look)),
        "areas" => ok(areas(look)),
        "nodes" => ok(nodes(look)),
        "node" => ok(node(look)),
        "node-token" => ok(node_token(look)),
        "node-new" => ok(node_form(look)),
        "node-revoke" => ok(NodeRevokePage {
            shell: shell(look, Nav::Nodes),
            id: "n-3".into(),
            name: "Cụm loa trường học".into(),
            area: "Buôn Đung".into(),
            reason: String::new(),
            errors: Errors::none().with("reason", Msg::new(msg::REQUIRED)),
        }),
        "heard" => ok(heard(look)),
        "users" => ok(UsersPage {
            shell: shell(look, Nav::Users),
            rows: users(),
            form: UserForm { areas: area_choices(), ..UserForm::default() },
        }),
        "user" => ok(UserPage {
            shell: Shell {
                flash: Some(Flash {
                    tone: Tone::Good, msg: Msg::new(msg::USER_ADDED).with("x", "K' Brếp")
                }),
                ..shell(look, Nav::Users)
            },
            user: users().remove(2),
            is_self: false,
            link: Some(OneTimeLink {
                href: "https://loa.example.vn/welcome/9f2c7a41d05b4e6c8a17b3d2e4f60718".into(),
                expires_at: at(26, 7, 30),
            }),
            form: GrantForm { areas: area_choices(), ..GrantForm::default() },
        }),
        "account" => ok(account(look)),
        "account-by-link" => {
            ok(AccountPage { by_link_until: Some(at(25, 7, 57)), errors: Errors::none(), ..account(look) })
        }
        "audit" => ok(audit(look)),
        "error" => ok(error(shell(look, Nav::None))),
        "error-signed-out" => ok(error(outside(look))),
        _ => return None,
    })
}

fn at(day: u32, hour: u32, minute: u32) -> Moment {
    let local = NaiveDate::from_ymd_opt(2025, 10, day).unwrap_or_default();
    let local = local.and_hms_opt(hour, minute, 0).unwrap_or_default();
    // Việt Nam is at UTC+7 all year.
    Ho_Chi_Minh.from_utc_datetime(&(local - TimeDelta::hours(7)))
}

fn day(day: u32) -> NaiveDate {
    at(day, 0, 0).date_naive()
}

fn outside(look: Look) -> Shell {
    Shell {
        lang: look.lang,
        theme: look.theme,
        csrf: "c5a1".into(),
        here: Nav::None,
        path: "/sign-in".into(),
        now: at(25, 7, 42),
        person: None,
        flash: None,
        waiting_count: 0,
    }
}

fn shell(look: Look, here: Nav) -> Shell {
    let can =
        Can { compose: true, approve: true, manage_nodes: true, manage_areas: true, manage_users: true };
    let person = Person {
        display_name: "Nguyễn Thị Hạnh".into(),
        place: "Xã Đưng K'Nớ".into(),
        can,
        has_passphrase: true,
    };
    Shell { here, path: "/".into(), person: Some(person), waiting_count: 2, ..outside(look) }
}

const STORM: &str = "Cảnh báo mưa lớn và sạt lở đất đêm 25/10";
const VACCINE: &str = "Lịch tiêm chủng mở rộng tháng 11 tại trạm y tế";
const FOREST: &str = "Phòng cháy, chữa cháy rừng mùa khô";

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
        bulletin_id: id.into(),
        title: title.into(),
        class,
        author: author.into(),
        submitted_at,
    };
    TodayPage {
        shell: shell(look, Nav::Today),
        day: day(25),
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

fn welcome() -> WelcomeLink {
    WelcomeLink::Valid {
        token: "9f2c".into(),
        display_name: "K' Brếp".into(),
        login: "k.brep".into(),
        expires_at: at(26, 7, 30),
        sets_passphrase: true,
        min_length: 12,
        errors: Errors::none(),
    }
}

fn bulletins(look: Look) -> BulletinsPage {
    let row =
        |id: &str, title: &str, state, class, category: &str, languages: &[&str], revision, updated_at| {
            BulletinRow {
                id: id.into(),
                title: title.into(),
                state,
                class,
                category: category.into(),
                languages: languages.iter().map(|name| (*name).to_owned()).collect(),
                revision,
                author: "K' Brếp".into(),
                updated_at,
            }
        };
    BulletinsPage {
        shell: shell(look, Nav::Bulletins),
        filter: BulletinFilter::default(),
        rows: vec![
            row(
                "b-3",
                STORM,
                BulletinState::Approved,
                Class::Emergency,
                "Phòng chống thiên tai",
                &["Tiếng Việt", "Tiếng K'Ho"],
                1,
                at(25, 7, 38),
            ),
            row(
                "b-5",
                "Giá cà phê và kỹ thuật tưới tiết kiệm",
                BulletinState::Submitted,
                Class::Normal,
                "Khuyến nông",
                &["Tiếng Việt"],
                1,
                at(25, 7, 5),
            ),
            row(
                "b-4",
                FOREST,
                BulletinState::Approved,
                Class::Priority,
                "Bảo vệ rừng",
                &["Tiếng Việt", "Tiếng K'Ho", "Tiếng Mạ"],
                3,
                at(24, 9, 12),
            ),
            row(
                "b-7",
                "Kết quả rà soát hộ nghèo, hộ cận nghèo năm 2025",
                BulletinState::Rejected,
                Class::Normal,
                "Chính sách",
                &["Tiếng Việt"],
                2,
                at(23, 15, 0),
            ),
            row(
                "b-8",
                "Nháp thông báo cắt điện",
                BulletinState::Draft,
                Class::Normal,
                "Thông báo",
                &[],
                1,
                at(22, 10, 45),
            ),
            row(
                "b-9",
                "Lịch tiếp công dân tháng 9",
                BulletinState::Withdrawn,
                Class::Normal,
                "Thông báo",
                &["Tiếng Việt"],
                1,
                at(2, 8, 0),
            ),
        ],
        pager: Pager { first: None, next: Some("/bulletins?page=2".into()) },
    }
}

const TEXT: &str = "Kính thưa bà con,\nTheo tin của Đài Khí tượng Thủy văn tỉnh Lâm Đồng, từ 19 giờ ngày 25/10 đến 7 giờ ngày 26/10, trên địa bàn xã có mưa to đến rất to, lượng mưa 80-150 mm, có nơi trên 200 mm. Nguy cơ cao xảy ra sạt lở đất ven suối và các sườn dốc ở thôn Liêng Trang và Buôn Đung.\n\nĐề nghị bà con:\n1. Không qua lại ngầm tràn, cầu tạm khi nước dâng.\n2. Các hộ ở sườn dốc chuẩn bị di chuyển đến nhà văn hóa thôn khi có lệnh.\n3. Khi cần giúp đỡ, gọi số 0263.3.999.114.";
const SPOKEN: &str = "Kính thưa bà con,\nTheo tin của Đài Khí tượng Thủy văn tỉnh Lâm Đồng, từ mười chín giờ ngày hai mươi lăm tháng mười đến bảy giờ ngày hai mươi sáu tháng mười, trên địa bàn xã có mưa to đến rất to, lượng mưa từ tám mươi đến một trăm năm mươi mi li mét, có nơi trên hai trăm mi li mét.";

pub(crate) fn bulletin_form(look: Look) -> BulletinFormPage {
    let choices = [
        "Phòng chống thiên tai",
        "Chính sách",
        "Y tế",
        "Khuyến nông",
        "Bảo vệ rừng",
        "An ninh trật tự",
        "Thông báo",
    ];
    BulletinFormPage {
        shell: shell(look, Nav::Bulletins),
        editing: None,
        form: BulletinForm {
            title: STORM.into(),
            text: TEXT.into(),
            area: "a".into(),
            category: "0".into(),
            class: "normal".into(),
            form_id: "f1".into(),
            errors: Errors::none(),
        },
        areas: area_choices(),
        categories: choices
            .iter()
            .enumerate()
            .map(|(index, name)| Choice::new(index.to_string(), *name))
            .collect(),
        spoken: vec![SpokenLanguage {
            code: "vi".into(),
            name: "Tiếng Việt".into(),
            voices: vec![
                Choice::new("vi", "Miền Bắc"),
                Choice::new("vi-vn-x-central", "Miền Trung"),
                Choice::new("vi-vn-x-south", "Miền Nam"),
            ],
            voice: "vi-vn-x-south".into(),
            chosen: true,
        }],
        check: TextCheck {
            chars: TEXT.chars().count(),
            limit: 20_000,
            duration_ms: Some(64_000),
            warnings: vec![
                Msg::new(msg::WARN_UNSPEAKABLE).with("x", "🌧 ⚠"),
                Msg::new(msg::WARN_CAPITALS).with("x", "PCTT-TKCN"),
            ],
        },
    }
}

fn bulletin_errors(look: Look) -> BulletinFormPage {
    let page = bulletin_form(look);
    let errors = Errors::none()
        .with("title", Msg::new(msg::REQUIRED))
        .with(
            "text",
            Msg::both(
                "Văn bản dài 21.310 ký tự, tối đa 20.000.",
                "The text has 21,310 characters, at most 20,000.",
            ),
        )
        .with("category", Msg::new(msg::NOT_A_CHOICE));
    BulletinFormPage {
        editing: Some(Editing { id: "b-3".into(), seen: "1".into(), makes_revision: true }),
        form: BulletinForm { title: String::new(), category: String::new(), errors, ..page.form.clone() },
        ..page
    }
}

fn ready(id: &str, code: &str, language: &str, origin: TrackOrigin) -> TrackCard {
    let state = TrackState::Ready {
        audio_href: format!("/audio/{id}"),
        duration_ms: 64_200,
        loudness_lufs: -16.0,
        size_bytes: 196_480,
        instead: None,
    };
    TrackCard {
        id: id.into(),
        language_code: code.into(),
        language: language.into(),
        origin,
        state,
        removable: true,
    }
}

/// A track being made.
fn working_track(percent: u8) -> TrackCard {
    let origin = TrackOrigin::Speech { voice: "Miền Nam".into() };
    TrackCard { state: TrackState::Working { percent }, ..ready("t-working", "vi", "Tiếng Việt", origin) }
}

pub(crate) fn bulletin(look: Look, state: BulletinState) -> BulletinPage {
    let speech = || TrackOrigin::Speech { voice: "Miền Nam".into() };
    let recording = TrackOrigin::Recording { file_name: "canh-bao-kho.m4a".into() };
    let draft = state == BulletinState::Draft;
    let step = |at, who: &str, step, comment: Option<&str>| HistoryItem {
        at,
        who: who.into(),
        step,
        revision: 1,
        comment: comment.map(str::to_owned),
    };
    let mut history = vec![
        step(at(25, 7, 20), "K' Brếp", Step::BulletinEdited, None),
        step(at(25, 7, 12), "K' Brếp", Step::BulletinCreated, None),
    ];
    if !draft {
        history.insert(0, step(at(25, 7, 31), "K' Brếp", Step::BulletinSubmitted, None));
    }
    match state {
        BulletinState::Approved => {
            history.insert(0, step(at(25, 7, 38), "Nguyễn Thị Hạnh", Step::BulletinApproved, None))
        }
        BulletinState::Rejected => history.insert(
            0,
            step(
                at(25, 7, 38),
                "Nguyễn Thị Hạnh",
                Step::BulletinRejected,
                Some("Số điện thoại trực ban chưa đúng."),
            ),
        ),
        BulletinState::Draft
        | BulletinState::Submitted
        | BulletinState::Withdrawn
        | BulletinState::Superseded => {}
    }
    let mut tracks = vec![ready("t-kho", "kpm", "Tiếng K'Ho", recording)];
    if draft {
        tracks.insert(0, working_track(45));
        let failed = TrackState::Failed {
            why: Msg::both(
                "Máy chủ thiếu phần mềm đọc espeak-ng. Cài bằng lệnh: apt-get install espeak-ng",
                "espeak-ng is missing. Install it with: apt-get install espeak-ng",
            ),
        };
        tracks.push(TrackCard { state: failed, ..ready("t-en", "en", "Tiếng Anh", speech()) });
    } else {
        tracks.insert(0, ready("t-vi", "vi", "Tiếng Việt", speech()));
    }
    let approved = state == BulletinState::Approved;
    BulletinPage {
        shell: shell(look, Nav::Bulletins),
        bulletin: BulletinDetail {
            id: "b-3".into(),
            revision: 1,
            seen: "1".into(),
            seen_words: "1".into(),
            on_air: None,
            area: "Xã Đưng K'Nớ".into(),
            title: STORM.into(),
            text: TEXT.into(),
            spoken_text: Some(SPOKEN.into()),
            state,
            class: Class::Emergency,
            category: "Phòng chống thiên tai".into(),
            author: "K' Brếp".into(),
            created_at: at(25, 7, 12),
            reject_comment: (state == BulletinState::Rejected)
                .then(|| "Số điện thoại trực ban chưa đúng.".into()),
        },
        tracks,
        actions: BulletinActions {
            submit: draft,
            approve: state == BulletinState::Submitted,
            reject: state == BulletinState::Submitted,
            withdraw: approved,
            edit: state != BulletinState::Submitted,
            edit_makes_revision: approved,
            schedule: approved,
            add_track: draft,
            blocked: draft.then(|| Msg::new(msg::BLOCKED_TRACKS)),
        },
        decision: DecisionForm::default(),
        add_track: TrackForm {
            languages: vec![
                Choice::new("vi", "Tiếng Việt"),
                Choice::new("kpm", "Tiếng K'Ho"),
                Choice::new("cma", "Tiếng Mạ"),
                Choice::new("cje", "Tiếng Chu Ru"),
            ],
            voices: vec![Choice::new("vi:vi-vn-x-south", "Miền Nam")],
            kind: "recording".into(),
            max_bytes: 100_000_000,
            ..TrackForm::default()
        },
        schedules: if approved { standing().drain(..2).collect() } else { vec![] },
        history,
    }
}

fn name(id: &str, title: &str, class: Class) -> BulletinName {
    BulletinName { id: id.into(), title: title.into(), class }
}

fn days() -> Vec<ScheduleDay> {
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

fn standing() -> Vec<ScheduleRow> {
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
    let week =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    let row = |id: &str, bulletin, rule, state, next| ScheduleRow {
        id: id.into(),
        bulletin,
        rule,
        from: Some(day(20)),
        until: day(20).checked_add_days(Days::new(30)),
        places: vec!["Thôn Liêng Trang".into(), "Buôn Đung".into()],
        state,
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

fn targets() -> Vec<TargetRow> {
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
        preview: Some(SchedulePreview {
            next: vec![at(27, 6, 0), at(27, 17, 30), at(29, 6, 0), at(29, 17, 30), at(31, 6, 0)],
            nodes: 2,
            offline: 1,
            duration_ms: Some(125_000),
            warnings: vec![Msg::new(msg::WARN_OFFLINE).with_number("n", 1)],
        }),
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

fn area_choices() -> Vec<Choice> {
    vec![
        Choice::at_depth("a", "Xã Đưng K'Nớ", 0),
        Choice::at_depth("v1", "Thôn Liêng Trang", 1),
        Choice::at_depth("v2", "Buôn Đung", 1),
        Choice::at_depth("v3", "Thôn K'Nớ 2", 1),
    ]
}

fn areas(look: Look) -> AreasPage {
    let row = |id: &str, name: &str, level: &str, depth, nodes, online| AreaRow {
        id: id.into(),
        name: name.into(),
        level: level.into(),
        depth,
        nodes,
        online,
    };
    AreasPage {
        shell: shell(look, Nav::Areas),
        rows: vec![
            row("p", "Tỉnh Lâm Đồng", "Tỉnh", 0, 3, 2),
            row("a", "Xã Đưng K'Nớ", "Xã", 1, 3, 2),
            row("v1", "Thôn Liêng Trang", "Thôn", 2, 1, 1),
            row("v2", "Buôn Đung", "Buôn", 2, 1, 0),
            row("v3", "Thôn K'Nớ 2", "Thôn", 2, 1, 1),
            row("v4", "Thôn Lán Tranh", "Thôn", 2, 0, 0),
        ],
        form: Some(AreaForm {
            levels: ["Tỉnh", "Xã", "Phường", "Thôn", "Buôn", "Tổ dân phố"]
                .map(|name| Choice::new(name, name))
                .to_vec(),
            parents: area_choices(),
            languages: vec![Tick::new("vi", "Tiếng Việt", false), Tick::new("kpm", "Tiếng K'Ho", false)],
            ..AreaForm::default()
        }),
    }
}

/// The node whose state the preview's live stream flips.
fn node_row(id: &str, name: &str, area: &str, link: Link) -> NodeRow {
    NodeRow {
        id: id.into(),
        name: name.into(),
        area: area.into(),
        link,
        since: Some(at(25, 5, 2)),
        clock: Some(NodeClock { trust: ClockTrust::Trusted, offset_ms: Some(0.8) }),
        cache: Some(NodeCache { ready: 6, planned: 6, free_bytes: Some(212_400_000) }),
        temperature_c: Some(41.3),
        supply_v: Some(12.4),
        speaker_works: Some(true),
        last: Some(LastReceipt { at: at(25, 6, 0), outcome: Outcome::Played, title: VACCINE.into() }),
    }
}

pub(crate) fn nodes(look: Look) -> NodesPage {
    let silent = NodeRow {
        since: Some(at(24, 22, 13)),
        clock: Some(NodeClock { trust: ClockTrust::Holdover, offset_ms: Some(-312.0) }),
        cache: Some(NodeCache { ready: 4, planned: 6, free_bytes: None }),
        supply_v: Some(10.9),
        speaker_works: Some(false),
        last: Some(LastReceipt {
            at: at(25, 6, 15),
            outcome: Outcome::Missed,
            title: "Bản tin buổi sáng của xã".into(),
        }),
        ..node_row("n-3", "Cụm loa trường học", "Buôn Đung", Link::Offline)
    };
    let fresh = NodeRow {
        since: None,
        clock: None,
        cache: None,
        temperature_c: None,
        supply_v: None,
        speaker_works: None,
        last: None,
        ..node_row("n-4", "Cụm loa chợ", "Thôn Lán Tranh", Link::Waiting)
    };
    NodesPage {
        shell: shell(look, Nav::Nodes),
        filter: NodeFilter::default(),
        areas: area_choices(),
        rows: vec![
            node_row("n-1", "Cụm loa nhà văn hóa", "Thôn Liêng Trang", Link::Online),
            silent,
            node_row("n-2", "Cụm loa đầu thôn", "Thôn K'Nớ 2", Link::Online),
            fresh,
        ],
        pager: Pager::default(),
        counts: NodeCounts { online: 2, offline: 1, waiting: 1, revoked: 0 },
    }
}

fn heard_rows() -> Vec<HeardRow> {
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

pub(crate) fn node(look: Look) -> NodePage {
    NodePage {
        shell: shell(look, Nav::Nodes),
        node: node_row("n-1", "Cụm loa nhà văn hóa", "Thôn Liêng Trang", Link::Online),
        serial: Some("LL-0042-7731".into()),
        firmware: Some("0.1.0".into()),
        epochs: Some((17, 18)),
        token: None,
        can_issue_token: false,
        can_revoke: true,
        heard: heard_rows().drain(..1).collect(),
        refused: vec![RefusedRow {
            at: at(21, 5, 12),
            what: Msg::both(
                "Không nhận kế hoạch phát của địa bàn xa-lac-duong: là bản cũ bị gửi lại.",
                "Refused the plan of the area xa-lac-duong: an old version, sent again.",
            ),
        }],
    }
}

fn node_token(look: Look) -> NodePage {
    let page = node(look);
    let row = nodes(look).rows.remove(3);
    NodePage {
        shell: Shell {
            flash: Some(Flash {
                tone: Tone::Good, msg: Msg::new(msg::NODE_ADDED).with("x", "Cụm loa chợ")
            }),
            ..page.shell.clone()
        },
        node: row,
        serial: None,
        firmware: None,
        epochs: None,
        token: Some(EnrolmentToken {
            token: "LOA1-7QK4-M2XD-9RTC-HB5W-3VNE".into(),
            command:
                "loa-node enrol --controller https://loa.example.vn --token LOA1-7QK4-M2XD-9RTC-HB5W-3VNE"
                    .into(),
            expires_at: at(25, 8, 42),
        }),
        can_issue_token: true,
        heard: vec![],
        ..page
    }
}

fn node_form(look: Look) -> NodeFormPage {
    NodeFormPage {
        shell: shell(look, Nav::Nodes),
        form: NodeForm { areas: area_choices(), ..NodeForm::default() },
    }
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

fn users() -> Vec<UserRow> {
    let user =
        |id: &str, name: &str, display_name: &str, state, grants: Vec<(Role, &str)>, last_seen| UserRow {
            id: id.into(),
            name: name.into(),
            display_name: display_name.into(),
            state,
            grants: grants
                .into_iter()
                .map(|(role, area)| GrantRow {
                    id: format!("g-{id}-{}", role.code()),
                    role,
                    area: area.into(),
                    emergency: false,
                })
                .collect(),
            last_seen,
        };
    vec![
        user(
            "u-1",
            "hanh.nguyen",
            "Nguyễn Thị Hạnh",
            AccountState::Active,
            vec![(Role::Approver, "Xã Đưng K'Nớ"), (Role::Admin, "Xã Đưng K'Nớ")],
            Some(at(25, 7, 2)),
        ),
        user(
            "u-2",
            "loc.tran",
            "Trần Văn Lộc",
            AccountState::Active,
            vec![(Role::Technician, "Tỉnh Lâm Đồng")],
            Some(at(21, 14, 40)),
        ),
        user(
            "u-3",
            "k.brep",
            "K' Brếp",
            AccountState::Invited,
            vec![(Role::Author, "Thôn Liêng Trang")],
            None,
        ),
        user("u-4", "ma.lieng", "Ma Liêng", AccountState::Disabled, vec![], Some(at(1, 9, 0))),
    ]
}

fn account(look: Look) -> AccountPage {
    let session = |id: &str, current, device: &str, address: Option<&str>| SessionRow {
        id: id.into(),
        current,
        device: device.into(),
        address: address.map(Into::into),
        begun_at: at(24, 7, 58),
        seen_at: at(25, 7, 41),
    };
    AccountPage {
        shell: shell(look, Nav::Account),
        login: "hanh.nguyen".into(),
        has_passphrase: true,
        by_link_until: None,
        min_length: 12,
        sessions: vec![
            session("s-1", true, "Chrome · Windows", Some("192.168.1.12")),
            session(
                "s-2",
                false,
                "Samsung Internet · Android",
                Some("2402:800:61ef:1a2b:3c4d:5e6f:7a8b:9c0d"),
            ),
            session("s-3", false, "", None),
        ],
        errors: Errors::none().with("current", Msg::new(msg::REQUIRED)),
    }
}

fn audit(look: Look) -> AuditPage {
    let row = |at, who: Option<&str>, step, about: &str, href: Option<&str>, detail: Option<&str>| AuditRow {
        at,
        who: who.map(str::to_owned),
        address: who.map(|_| "10.0.4.17".into()),
        step,
        about: about.into(),
        href: href.map(str::to_owned),
        detail: detail.map(str::to_owned),
    };
    AuditPage {
        shell: shell(look, Nav::Audit),
        subject: None,
        rows: vec![
            row(at(25, 7, 39), None, Step::UserCreated, "Nguyễn Thị Hạnh", Some("/users/u-1"), None),
            row(
                at(25, 7, 38),
                Some("Nguyễn Thị Hạnh"),
                Step::BulletinApproved,
                STORM,
                Some("/bulletins/b-3"),
                None,
            ),
            row(at(25, 7, 31), Some("K' Brếp"), Step::BulletinSubmitted, STORM, Some("/bulletins/b-3"), None),
            row(at(25, 6, 58), Some("loc.tran"), Step::Other, "loc.tran", None, Some("session.extended")),
            row(
                at(24, 16, 2),
                Some("Trần Văn Lộc"),
                Step::NodeRevoked,
                "Cụm loa bến đò",
                Some("/nodes/n-9"),
                Some("Mất trộm"),
            ),
        ],
        pager: Pager { first: None, next: Some("/audit?page=2".into()) },
    }
}

fn error(shell: Shell) -> ErrorPage {
    ErrorPage {
        shell,
        status: 404,
        title: Msg::new(msg::NOT_FOUND),
        detail: Some(Msg::verbatim("/bulletins/b-404")),
        todo: Msg::new(msg::NOT_FOUND_TODO),
        code: "not-found".into(),
        request_id: Some("0199f4a2-71c3-7d6e-9f0a-2b9d1c5e8a77".into()),
    }
}
