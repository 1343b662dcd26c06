//! Forms that are refused come back as typed; forms of the set-up do what they say, once.

use super::*;
use crate::domain::role::Role;

#[tokio::test]
async fn a_refused_bulletin_comes_back_as_it_was_typed() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let form = web.get(&mut browser, "/bulletins/new").await.page().form("/bulletins");
    let form = form.with("area", "thon-1").with("category", "health").with("speak", "vi");
    let long = "dài ".repeat(300_000);
    for (title, text, class, told) in [
        ("", "Bà con chú ý", "normal", "Hãy nhập tiêu đề."),
        ("Tiêu đề", "", "normal", "Văn bản chưa có chữ nào để đọc."),
        ("Tiêu đề", long.as_str(), "normal", "tối đa 40000"),
        ("Tiêu đề", "một\nhai\0", "normal", "Dòng 2, ký tự thứ 4"),
        ("Tiêu đề", "Bà con chú ý", "urgent", "Hãy chọn loại bản tin"),
    ] {
        let form = form.clone().with("title", title).with("text", text).with("class", class);
        let refused = web.send(&mut browser, &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(refused.html.contains(told), "{told}: {}", &refused.html[..2_000]);
        assert!(refused.html.contains("value=\"health\" selected"), "{told}");
        assert!(refused.html.contains("value=\"thon-1\" selected"), "{told}");
        assert!(refused.html.contains(text.trim_end()), "{told}");
    }
    assert!(web.get(&mut browser, "/bulletins").await.page().html.contains("Chưa có bản tin nào"));
    let check = Form { action: "/bulletins/check".to_owned(), ..form };
    let check = web.send(&mut browser, &check.with("text", "Mưa to 🌧 [[x]] hôm nay.")).await.page().html;
    assert!(check.contains("🌧") && check.contains("[[ ]]") && check.contains("giây"), "{check}");
}

#[tokio::test]
async fn a_class_that_is_not_theirs_is_an_error_of_the_field_and_nothing_is_lost() {
    let web = Web::new().await;
    let usual = crate::domain::role::ClassSet::of([loa_protocol::bulletin::Class::Normal]);
    let lan = web.story.person_for("lan", Role::Author, "da-don", usual).await;
    let mut browser = web.browser(&lan).await;
    let form = web.get(&mut browser, "/bulletins/new").await.page().form("/bulletins");
    let form = form.with("area", "da-don").with("title", "Lũ về").with("text", "Bà con lên chỗ cao.");
    let form = form.with("category", "disaster_prevention").with("speak", "vi");
    let refused = web.send(&mut browser, &form.clone().with("class", "emergency")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("không có quyền với bản tin khẩn cấp"), "{}", refused.html);
    assert!(refused.html.contains("Bà con lên chỗ cao."), "{}", refused.html);
    let made = web.send(&mut browser, &form.with("class", "normal")).await.to().to_owned();
    let edit = format!("{made}/edit");
    let form = web.get(&mut browser, &edit).await.page().form(&edit).with("title", "Lũ về");
    let form = form.with("text", "Lên chỗ cao ngay.").with("category", "disaster_prevention");
    let refused = web.send(&mut browser, &form.with("class", "emergency").with("speak", "vi")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("Lên chỗ cao ngay."), "{}", refused.html);
}

#[tokio::test]
async fn a_calendar_is_kept_as_typed_or_comes_back() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let path = "/areas/da-don/calendars";
    let form = web.get(&mut browser, path).await.page().form(path).with("name", "Ngày lễ của xã");
    let refused = web.send(&mut browser, &form.clone().with("days", "25/12/2026")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("chưa có lý do") && refused.html.contains(">25/12/2026</textarea>"));
    let days = "25/12/2026 - 27/12/2026: Lễ hội cồng chiêng";
    assert_eq!(web.send(&mut browser, &form.with("days", days)).await.to(), path);
    let page = web.get(&mut browser, path).await.page();
    assert!(
        page.html.contains("Ngày lễ của xã") && page.html.contains("Lễ hội cồng chiêng"),
        "{}",
        page.html
    );
    let id = web.story.services.calendars.list(&lan, &crate::services::story::area("da-don")).await.unwrap();
    let id = id.iter().find(|view| view.own.is_some()).unwrap().id.clone();
    let edit = web.get(&mut browser, &format!("{path}?calendar={id}")).await.page();
    assert!(edit.html.contains(&format!("{days}\n</textarea>")), "{}", edit.html);
    let remove = web.get(&mut browser, path).await.page().form(&format!("{path}/{id}/remove"));
    assert_eq!(web.send(&mut browser, &remove).await.to(), path);
}

#[tokio::test]
async fn an_edit_keeps_what_another_wrote_meanwhile() {
    let web = Web::new().await;
    let (lan, nam) = (
        web.story.person("lan", Role::Author, "da-don").await,
        web.story.person("nam", Role::Author, "da-don").await,
    );
    let view = web.story.bulletin(&lan).await;
    let path = format!("/bulletins/{}/edit", view.bulletin.id);
    let (mut at_lan, mut at_nam) = (web.browser(&lan).await, web.browser(&nam).await);
    let fill = |form: Form, text: &str| {
        form.with("title", "Lịch cắt điện")
            .with("text", text)
            .with("category", "local_notice")
            .with("class", "normal")
            .with("speak", "vi")
    };
    let by_lan = fill(web.get(&mut at_lan, &path).await.page().form(&path), "Bản của Lan");
    let by_nam = fill(web.get(&mut at_nam, &path).await.page().form(&path), "Bản của Nam");
    web.send(&mut at_lan, &by_lan).await.to();
    let stale = web.send(&mut at_nam, &by_nam).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.html.contains("Bản của Nam") && stale.html.contains("đã thay đổi"), "{}", stale.html);
    let text = async || web.story.services.bulletins.get(&lan, &view.bulletin.id).await.unwrap().latest.text;
    assert_eq!(text().await, "Bản của Lan");
    // Told and sent again, it is meant.
    web.send(&mut at_nam, &fill(stale.form(&path), "Bản của Nam")).await.to();
    assert_eq!(text().await, "Bản của Nam");
}

#[tokio::test]
async fn schedules_that_cannot_sound_are_refused_by_field() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let id = web.story.approved(&lan, &hoa).await.bulletin.id.to_string();
    let mut browser = web.browser(&lan).await;
    let form = web.get(&mut browser, "/schedules/new").await.page().form("/schedules").with("bulletin", &id);
    let field = |name: &str| format!("id=\"{name}-error\"");
    let target = form.clone().with("area", "thon-1");
    for (form, name, told) in [
        (
            target.clone().with("mode", "once").with("date", "2026-11-22").with("time", "07:59"),
            "date",
            "Giờ phát đã qua",
        ),
        (target.clone().with("mode", "once").with("date", "2026-11-22"), "time", "Chưa nhập"),
        (target.clone().with("mode", "cron").with("cron", "0 6 30 2 *"), "cron", "không bao giờ phát"),
        (target.clone().with("mode", "cron").with("cron", "sáng"), "cron", "Không hiểu mẫu lặp"),
        (target.clone().with("mode", "weekly").with("times", "06:00"), "day", "ít nhất một ngày"),
        (
            target.clone().with("mode", "weekly").with("day", "mon").with("times", "6 giờ"),
            "times",
            "Không đọc được giờ",
        ),
        (
            form.clone().with("mode", "cron").with("cron", "0 6 * * *"),
            "target",
            "Hãy chọn ít nhất một địa bàn",
        ),
        (
            form.clone().with("mode", "cron").with("cron", "0 6 * * *").with("area", "none"),
            "target",
            "Không có địa bàn",
        ),
        (
            target
                .clone()
                .with("mode", "cron")
                .with("cron", "0 6 * * *")
                .with("from", "2026-12-02")
                .with("until", "2026-11-30"),
            "until",
            "Ngày kết thúc phải sau",
        ),
    ] {
        let refused = web.send(&mut browser, &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{told}: {}", refused.html);
        let at = refused.html.find(&field(name)).unwrap_or_else(|| panic!("{name}: {}", refused.html));
        let error = refused.html[at..].split("</div>").next().unwrap();
        assert!(error.contains(told), "{name}: {error}");
    }
    // The last day counts whole.
    let once = target.with("mode", "cron").with("cron", "0 21 * * *").with("until", "2026-11-22");
    web.send(&mut browser, &once).await.to();
    assert!(web.get(&mut browser, "/schedules").await.page().html.contains("đến hết 22/11/2026"));
}

#[tokio::test]
async fn places_nodes_and_people_are_added_once() {
    let web = Web::new().await;
    let admin = web.story.person("quan.tri", Role::Admin, "").await;
    let mut browser = web.browser(&admin).await;

    let form = web.get(&mut browser, "/areas").await.page().form("/areas");
    let form = form.with("name", "Buôn Đung").with("level", "Buôn").with("parent", "da-don");
    let form = form.with("languages", "kpm").with("languages", "vi");
    for _ in 0..2 {
        assert_eq!(web.send(&mut browser, &form).await.to(), "/areas");
    }
    let page = web.get(&mut browser, "/areas").await.page().html;
    assert!(page.contains("Đã thêm địa bàn “Buôn Đung”."), "{page}");
    assert_eq!(page.matches("href=\"/areas/buon-dung\">Buôn Đung</a>").count(), 1, "{page}");
    let refused = web.send(&mut browser, &form.without("name").with("name", " ").without("form_id")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("Hãy nhập tên."), "{}", refused.html);

    let form = web.get(&mut browser, "/nodes/new?area=buon-dung").await.page().form("/nodes");
    let form = form.with("name", "Cụm loa nhà văn hóa").with("area", "buon-dung").with("serial", "SN-1");
    for _ in 0..2 {
        let page = web.send(&mut browser, &form).await.page();
        assert!(page.html.contains("loa-node enrol "), "{}", page.html);
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    }
    let nodes = web.story.services.nodes.list(&admin).await.unwrap();
    assert_eq!(nodes.iter().filter(|(node, _)| node.name == "Cụm loa nhà văn hóa").count(), 1);
    let page = web.get(&mut browser, "/nodes/cum-loa-nha-van-hoa").await.page();
    assert!(!page.html.contains("loa-node enrol "), "a token is shown once");
    let revoke = web.get(&mut browser, "/nodes/cum-1/revoke").await.page().form("/nodes/cum-1/revoke");
    assert_eq!(web.send(&mut browser, &revoke).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let revoked = web.send(&mut browser, &revoke.with("reason", "mất trộm")).await;
    assert!(web.follow(&mut browser, &revoked).await.html.contains("Đã loại bỏ cụm loa “Cụm 1”."));

    let form = web.get(&mut browser, "/users").await.page().form("/users");
    let form = form
        .with("display_name", "K' Brếp")
        .with("name", "k.brep")
        .with("role", "author")
        .with("area", "da-don");
    let page = web.send(&mut browser, &form).await.page();
    assert!(page.html.contains("http://loa.example/welcome/"), "{}", page.html);
    let again = web.send(&mut browser, &form).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.html.contains("đã có người dùng"), "{}", again.html);
    let users = web.story.services.users.list(&admin).await.unwrap();
    let made = users.iter().find(|view| view.user.login == "k.brep").unwrap();
    assert_eq!(made.grants[0].classes.to_string(), "normal,priority");
    let path = format!("/users/{}", made.user.id);
    let remove = format!("{path}/grants/author.da-don/remove");
    assert_eq!(web.send(&mut browser, &page.form(&remove)).await.to(), path);
    let page = web.get(&mut browser, &path).await.page();
    assert!(page.html.contains("Chưa được giao quyền"), "{}", page.html);
    let grant = page.form(&format!("{path}/grants")).with("role", "approver").with("area", "*");
    let grant = grant.with("emergency", "yes");
    assert!(web.send(&mut browser, &grant).await.to() == path);
    let page = web.get(&mut browser, &path).await.page();
    assert!(page.html.contains("Toàn hệ thống") && page.html.contains("Khẩn cấp"), "{}", page.html);
    for action in ["disable", "enable"] {
        let page = web.get(&mut browser, &path).await.page();
        assert_eq!(web.send(&mut browser, &page.form(&format!("{path}/{action}"))).await.to(), path);
    }
    let log = web.get(&mut browser, "/audit").await.page().html;
    assert!(log.contains("Loại bỏ cụm loa") && log.contains("mất trộm"), "{log}");
}

#[tokio::test]
async fn a_form_that_was_saved_and_worked_on_further_loses_neither_version() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let form = web.get(&mut browser, "/bulletins/new").await.page().form("/bulletins");
    let form = form.with("area", "thon-2").with("category", "local_notice").with("class", "normal");
    let form = form.with("title", "Lịch cắt điện").with("speak", "vi");
    let first = web.send(&mut browser, &form.clone().with("text", "Mai mất điện.\r\n")).await;
    let path = first.to().to_owned();
    // The same again is the same bulletin; its answer was lost on the way.
    assert_eq!(web.send(&mut browser, &form.clone().with("text", "Mai mất điện.")).await.to(), path);
    let other = web.send(&mut browser, &form.with("text", "Mai mất điện từ 8 giờ.")).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert!(other.html.contains("đã được lưu trước đó"), "{}", other.html);
    let again = other.form(&format!("{path}/edit"));
    assert!(other.html.contains("Mai mất điện từ 8 giờ.</textarea>"), "{}", other.html);
    let again =
        again.with("title", "Lịch cắt điện").with("text", "Mai mất điện từ 8 giờ.").with("speak", "vi");
    let again = again.with("category", "local_notice").with("class", "normal");
    assert_eq!(web.send(&mut browser, &again).await.to(), path);
    assert!(web.get(&mut browser, &path).await.page().html.contains("Mai mất điện từ 8 giờ."));
}

#[tokio::test]
async fn an_areas_rules_are_kept_as_typed_and_refused_as_typed() {
    let web = Web::new().await;
    let admin = web.story.person("quan.tri", Role::Admin, "da-don").await;
    let mut browser = web.browser(&admin).await;
    let form = web.get(&mut browser, "/areas/da-don").await.page().form("/areas/da-don/rules");
    let typed = form.with("quiet_hours", "21h30-5h").with("normal_minutes_a_day", "45");
    let saved = web.send(&mut browser, &typed.with("own_priority_first", "yes")).await;
    assert_eq!(saved.to(), "/areas/da-don");
    let page = web.follow(&mut browser, &saved).await.page();
    assert!(page.html.contains("Đã lưu quy định phát thanh của"), "{}", page.html);
    let again = page.form("/areas/da-don/rules");
    assert!(
        page.html.contains("value=\"21:30-05:00\"") && page.html.contains("value=\"45\""),
        "{}",
        page.html
    );
    assert!(page.html.contains("name=\"own_priority_first\" value=\"yes\" checked"), "{}", page.html);

    let wrong = again.with("sessions_a_day", "nhiều").with("quiet_hours", "đêm");
    let refused = web.send(&mut browser, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for told in ["Không hiểu khoảng giờ “đêm”", "value=\"đêm\"", "value=\"nhiều\""] {
        assert!(refused.html.contains(told), "{told}: {}", refused.html);
    }
    let kept = web.get(&mut browser, "/areas/da-don").await.page().html;
    assert!(kept.contains("value=\"21:30-05:00\""), "what is refused changes nothing: {kept}");

    // Who may not set them sees them in words, and is refused.
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut reader = web.browser(&lan).await;
    let page = web.get(&mut reader, "/areas/da-don").await.page();
    assert!(page.html.contains("Giờ yên tĩnh: 21:30-05:00") && !page.html.contains("/areas/da-don/rules"));
    let own = web.get(&mut reader, "/bulletins/new").await.page().form("/bulletins");
    let forged = Form { action: "/areas/da-don/rules".to_owned(), ..own }.with("quiet_hours", "");
    assert_eq!(web.send(&mut reader, &forged).await.status, StatusCode::FORBIDDEN);
}
