//! Users, sessions, the log, and errors.

use super::*;

pub(crate) fn welcome() -> WelcomeLink {
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

pub(crate) fn users() -> Vec<UserRow> {
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

pub(crate) fn account(look: Look) -> AccountPage {
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

pub(crate) fn audit(look: Look) -> AuditPage {
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

pub(crate) fn error(shell: Shell) -> ErrorPage {
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
