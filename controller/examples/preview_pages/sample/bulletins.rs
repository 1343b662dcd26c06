//! Bulletins: the list, the form, one in each state.

use super::*;

pub(crate) fn bulletins(look: Look) -> BulletinsPage {
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
            usual: "Giọng thường dùng của địa bàn: Ban Mai (fpt)".into(),
            voices: vec![
                VoiceGroup {
                    engine: "espeak-ng".into(),
                    voices: vec![
                        Choice::new("espeak-ng/vi", "Giọng miền Bắc"),
                        Choice::new("vi-vn-x-central", "Giọng miền Trung"),
                        Choice::new("vi-vn-x-south", "Giọng miền Nam"),
                    ],
                },
                VoiceGroup { engine: "fpt".into(), voices: vec![Choice::new("fpt/banmai", "Ban Mai")] },
            ],
            voice: "vi-vn-x-south".into(),
            chosen: true,
        }],
        check: TextCheck {
            chars: TEXT.chars().count(),
            limit: 20_000,
            duration_ms: Some(64_000),
            warnings: vec![Msg::new(msg::WARN_CAPITALS).with("x", "PCTT-TKCN")],
            told: None,
            reading: Some(Reading { in_form: true, ..reading() }),
        },
    }
}

pub(crate) fn bulletin_errors(look: Look) -> BulletinFormPage {
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

pub(crate) fn ready(id: &str, code: &str, language: &str, origin: TrackOrigin) -> TrackCard {
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
pub(crate) fn working_track(percent: u8) -> TrackCard {
    let origin = TrackOrigin::Speech { voice: "Miền Nam".into() };
    TrackCard { state: TrackState::Working { percent }, ..ready("t-working", "vi", "Tiếng Việt", origin) }
}

pub(crate) fn bulletin(look: Look, state: BulletinState) -> BulletinPage {
    let speech = || TrackOrigin::Speech { voice: "Miền Nam".into() };
    let recording = TrackOrigin::Recording {
        file_name: "canh-bao-kho.m4a".into(),
        transcript: TRANSCRIPT.into(),
        notes: vec![Msg::new(msg::RECORDING_CLIPPED), Msg::new(msg::RECORDING_TRIMMED).with("x", "3")],
        upload: UPLOAD.into(),
        consent: (state != BulletinState::Rejected).then(|| {
            Box::new(ConsentCard {
                upload: UPLOAD.into(),
                speaker: "K' Brèo".into(),
                place: "Bon Đưng".into(),
                noted_at: at(25, 7, 20),
                noted_by: "K' Brếp".into(),
                withdrawn: (state == BulletinState::Submitted)
                    .then(|| (at(25, 7, 30), "Nguyễn Thị Hạnh".to_owned())),
                may_withdraw: true,
            })
        }),
        noting: Some(Box::default()),
    };
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
            reading: Some(reading()),
            state,
            class: Class::Emergency,
            category: "Phòng chống thiên tai".into(),
            author: "K' Brếp".into(),
            created_at: at(25, 7, 12),
            missing: vec![Msg::both(
                "Thiếu bản tiếng K'Ho cho 3 thôn: Liêng Trang, K'Nớ 2, Lán Tranh.",
                "No track in K'Ho for 3 villages: Liêng Trang, K'Nớ 2, Lán Tranh.",
            )],
            reject_comment: (state == BulletinState::Rejected)
                .then(|| "Số điện thoại trực ban chưa đúng.".into()),
        },
        tracks,
        earlier: vec![ConsentCard {
            upload: "0b".repeat(32),
            speaker: "Ka Hem".into(),
            place: String::new(),
            noted_at: at(24, 16, 5),
            noted_by: "K' Brếp".into(),
            withdrawn: None,
            may_withdraw: true,
        }],
        actions: BulletinActions {
            stop: false,
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
            ..TrackForm::default()
        },
        schedules: if approved { standing().drain(..2).collect() } else { vec![] },
        history,
    }
}

pub(crate) fn record(look: Look) -> RecordPage {
    let page = bulletin(look, BulletinState::Draft);
    RecordPage {
        shell: page.shell,
        bulletin: page.bulletin.id,
        title: page.bulletin.title,
        text: page.bulletin.text,
        seen_words: page.bulletin.seen_words,
        form: RecordForm {
            languages: page.add_track.languages,
            language: "kpm".into(),
            transcript: TRANSCRIPT.into(),
            max_bytes: 100_000_000,
            max_minutes: 30,
            ..RecordForm::default()
        },
    }
}

pub(crate) fn record_errors(look: Look) -> RecordPage {
    let page = record(look);
    let errors = Errors::none().with("recording", Msg::new(msg::NO_FILE)).with(
        "speaker",
        Msg::both("Hãy ghi tên người đọc đã đồng ý.", "Enter the name of the speaker who agreed."),
    );
    RecordPage { form: RecordForm { errors, ..page.form }, ..page }
}

/// A bulletin's words in K'Ho, as its announcer reads them.
const TRANSCRIPT: &str = "Ơ bol kòn bòn! Mang do mìu dờng, bol hi lơi rê rơcang dờng.";

/// SHA-256 of a recording.
const UPLOAD: &str = "9f2c7a41d05b4e6c8a17b3d2e4f607189f2c7a41d05b4e6c8a17b3d2e4f60718";

pub(crate) fn name(id: &str, title: &str, class: Class) -> BulletinName {
    BulletinName { id: id.into(), title: title.into(), class }
}

fn reading() -> Reading {
    let part = |text: &str, kind| PreviewPart { text: text.to_owned(), kind, written: String::new() };
    let row = FindingRow {
        index: 0,
        written: "PCTT-TKCN".to_owned(),
        shown: "PCTT-TKCN".to_owned(),
        spoken: "pê xê tê tê tê ca xê nờ".to_owned(),
        line: 1,
        times: 1,
        from_utf16: 0,
        to_utf16: 9,
        sayable: true,
    };
    Reading {
        groups: vec![FindingGroup { reason: FindingReason::Capitals, rows: vec![row] }],
        preview: vec![part(SPOKEN, PreviewKind::Plain)],
        area: Some(WordsArea { id: "xa".to_owned(), name: "Xã Đưng K'Nớ".to_owned(), may_add: true }),
        ..Reading::default()
    }
}
