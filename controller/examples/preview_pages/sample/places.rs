//! Areas and nodes.

use super::*;

pub(crate) fn area_choices() -> Vec<Choice> {
    vec![
        Choice::at_depth("a", "Xã Đưng K'Nớ", 0),
        Choice::at_depth("v1", "Thôn Liêng Trang", 1),
        Choice::at_depth("v2", "Buôn Đung", 1),
        Choice::at_depth("v3", "Thôn K'Nớ 2", 1),
    ]
}

pub(crate) fn areas(look: Look) -> AreasPage {
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
            languages: languages(),
            ..AreaForm::default()
        }),
    }
}

/// One area, its list of languages refused.
pub(crate) fn area(look: Look) -> AreaPage {
    AreaPage {
        shell: shell(look, Nav::Areas),
        id: "v2".into(),
        title: "Buôn Đung".into(),
        heard: vec!["Tiếng K'Ho".into(), "Tiếng Việt".into()],
        inherited: false,
        rules: AreaRulesView {
            above: vec![(
                "Xã Đưng K'Nớ".into(),
                vec![
                    Msg::new(msg::RULE_QUIET).with("x", "21:00-06:00"),
                    Msg::new(msg::RULE_SESSIONS).with_number("n", 2),
                ],
            )],
            form: Some(AreaRulesForm {
                quiet_hours: "11:30-13:30".into(),
                households: "312".into(),
                errors: Errors::none().with("sessions_a_day", Msg::new(msg::NOT_A_CHOICE)),
                ..AreaRulesForm::default()
            }),
            ..AreaRulesView::default()
        },
        form: Some(AreaForm {
            name: "Buôn Đung".into(),
            level: "Buôn".into(),
            levels: ["Thôn", "Buôn"].map(|name| Choice::new(name, name)).to_vec(),
            languages: languages(),
            errors: Errors::none().with(
                "languages",
                Msg::both(
                    "“kho” không có trong danh mục ngôn ngữ. Có phải kpm (K'Ho) không?",
                    "“kho” is not in the list of languages. Did you mean kpm (K'Ho)?",
                ),
            ),
            ..AreaForm::default()
        }),
    }
}

fn languages() -> LanguageOrder {
    LanguageOrder {
        places: vec!["kpm".into(), "vi".into(), String::new()],
        with_voice: vec![Choice::new("vi", "Tiếng Việt (vi)")],
        recorded: vec![Choice::new("kpm", "Tiếng K'Ho (kpm)"), Choice::new("cma", "Tiếng Mạ (cma)")],
    }
}

/// The node whose state the preview's live stream flips.
pub(crate) fn node_row(id: &str, name: &str, area: &str, link: Link) -> NodeRow {
    NodeRow {
        id: id.into(),
        name: name.into(),
        area: area.into(),
        link,
        since: Some(at(25, 5, 2)),
        clock: Some(NodeClock { trust: ClockTrust::Trusted, ahead_ms: None }),
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
        clock: Some(NodeClock { trust: ClockTrust::Holdover, ahead_ms: Some(-92_000.0) }),
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

pub(crate) fn node(look: Look) -> NodePage {
    NodePage {
        shell: shell(look, Nav::Nodes),
        node: node_row("n-1", "Cụm loa nhà văn hóa", "Thôn Liêng Trang", Link::Online),
        serial: Some("LL-0042-7731".into()),
        firmware: Some("0.1.0".into()),
        line: Msg::new(msg::LINE_MOBILE),
        stuck: None,
        epochs: Some((17, 18)),
        token: None,
        can_issue_token: false,
        can_revoke: true,
        own_rules: Some((
            "Asia/Ho_Chi_Minh".into(),
            vec![
                Msg::new(msg::RULE_QUIET).with("x", "21:30-05:00"),
                Msg::new(msg::RULE_NORMAL).with_number("n", 45),
            ],
        )),
        heard: heard_rows().drain(..1).collect(),
        doubts: Vec::new(),
        refused: vec![ToldRow {
            at: at(21, 5, 12),
            what: Msg::both(
                "Không nhận kế hoạch phát của địa bàn xa-lac-duong: là bản cũ bị gửi lại.",
                "Refused the plan of the area xa-lac-duong: an old version, sent again.",
            ),
        }],
    }
}

pub(crate) fn node_token(look: Look) -> NodePage {
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

pub(crate) fn node_form(look: Look) -> NodeFormPage {
    NodeFormPage {
        shell: shell(look, Nav::Nodes),
        form: NodeForm {
            areas: area_choices(),
            lines: line_choices(),
            line: "mobile".into(),
            ..NodeForm::default()
        },
    }
}

fn line_choices() -> Vec<Choice> {
    vec![
        Choice::new("unknown", "Chưa rõ (coi như 4G)"),
        Choice::new("fibre", "Cáp quang"),
        Choice::new("mobile", "4G"),
        Choice::new("thin", "Hẹp, khoảng 64 kbit/s (2G, vệ tinh)"),
    ]
}
