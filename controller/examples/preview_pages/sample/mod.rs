//! Sample data: one commune of Lâm Đồng on a Saturday morning.

mod bulletins;
mod heard;
mod people;
mod places;
mod schedules;

use axum::response::Response;
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Weekday};
use chrono_tz::Asia::Ho_Chi_Minh;
use loa_controller::pages::labels::*;
use loa_controller::pages::views::*;
use loa_controller::pages::{Can, Choice, Errors, Flash, Moment, Msg, Nav, Person, Shell, Tick, msg};

use super::{Look, ok};

pub(crate) use bulletins::*;
pub(crate) use heard::*;
pub(crate) use people::*;
pub(crate) use places::*;
pub(crate) use schedules::*;

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
    "record",
    "record-errors",
    "schedules",
    "schedule-new",
    "schedule-errors",
    "schedule",
    "areas",
    "area",
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
        "record" => ok(record(look)),
        "record-errors" => ok(record_errors(look)),
        "schedules" => {
            ok(SchedulesPage { shell: shell(look, Nav::Schedules), days: days(), standing: standing() })
        }
        "schedule-new" => ok(schedule_form(look)),
        "schedule-errors" => ok(schedule_errors(look)),
        "schedule" => ok(schedule(look)),
        "areas" => ok(areas(look)),
        "area" => ok(area(look)),
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
    let can = Can {
        compose: true,
        approve: true,
        silence: true,
        export: true,
        manage_nodes: true,
        manage_areas: true,
        manage_users: true,
    };
    let person = Person {
        id: "u-1".to_owned(),
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

const TEXT: &str = "Kính thưa bà con,\nTheo tin của Đài Khí tượng Thủy văn tỉnh Lâm Đồng, từ 19 giờ ngày 25/10 đến 7 giờ ngày 26/10, trên địa bàn xã có mưa to đến rất to, lượng mưa 80-150 mm, có nơi trên 200 mm. Nguy cơ cao xảy ra sạt lở đất ven suối và các sườn dốc ở thôn Liêng Trang và Buôn Đung.\n\nĐề nghị bà con:\n1. Không qua lại ngầm tràn, cầu tạm khi nước dâng.\n2. Các hộ ở sườn dốc chuẩn bị di chuyển đến nhà văn hóa thôn khi có lệnh.\n3. Khi cần giúp đỡ, gọi số 0263.3.999.114.";

const SPOKEN: &str = "Kính thưa bà con,\nTheo tin của Đài Khí tượng Thủy văn tỉnh Lâm Đồng, từ mười chín giờ ngày hai mươi lăm tháng mười đến bảy giờ ngày hai mươi sáu tháng mười, trên địa bàn xã có mưa to đến rất to, lượng mưa từ tám mươi đến một trăm năm mươi mi li mét, có nơi trên hai trăm mi li mét.";
