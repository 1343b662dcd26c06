//! Languages of areas in their order, voices of all engines, and what a bulletin lacks.

use super::*;
use crate::config::Config;
use crate::domain::role::Role;

const ENGINES: &str = r#"
[speech]
engines = [{ name = "fpt", kind = "fpt", secret = "bi-mat", voices = [{ id = "banmai", label = "Ban Mai" }] }]
orders = [{ language = "vi", area = "da-don", engines = ["fpt"] }]
"#;

#[tokio::test]
async fn an_areas_languages_are_chosen_in_their_order() {
    let web = Web::new().await;
    let admin = web.story.person("quan.tri", Role::Admin, "").await;
    let mut browser = web.browser(&admin).await;
    let page = web.get(&mut browser, "/areas/thon-1").await.page();
    assert!(page.html.contains("(theo địa bàn cấp trên)"), "{}", page.html);
    assert!(page.html.contains("<optgroup label=\"Cần người đọc (thu âm)\">"), "{}", page.html);
    let form = page.form("/areas/thon-1").with("name", "Thôn 1").with("level", "Thôn");
    let form = form.with("languages", "kpm").with("languages", "").with("languages", "vi");
    let saved = web.send(&mut browser, &form).await;
    let page = web.follow(&mut browser, &saved).await;
    assert!(page.html.contains("Đã lưu địa bàn “Thôn 1”."), "{}", page.html);
    assert!(page.html.contains("Tiếng K&#39;Ho → Tiếng Việt"), "{}", page.html);
    let again = page.form("/areas/thon-1").with("name", "Thôn 1").with("level", "Thôn");
    let lists: Vec<&str> = page.html.split("name=\"languages\"").skip(1).collect();
    let chosen = |list: &&str| list.split("</select>").next().unwrap().matches(" selected>").count();
    assert_eq!(lists.iter().map(chosen).collect::<Vec<_>>(), [1, 1, 0], "a list for each, and a free one");
    assert!(lists[0].contains("value=\"kpm\" selected>") && lists[1].contains("value=\"vi\" selected>"));

    let refused = web.send(&mut browser, &again.with("languages", "kho")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("Có phải kpm (K&#39;Ho) không?"), "{}", refused.html);
    assert!(
        refused.html.contains("<option value=\"kho\" selected>"),
        "what was typed stays: {}",
        refused.html
    );
    let author = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&author).await;
    let page = web.get(&mut browser, "/areas/thon-1").await.page();
    assert!(!page.html.contains("action=\"/areas/thon-1\""), "who may not change it only reads it");
    assert_eq!(web.get(&mut browser, "/areas/thon-x").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_bulletin_says_what_it_lacks_before_submission_approval_and_scheduling() {
    const LACKS: &str = "Thiếu bản tiếng K&#39;Ho cho 2 thôn: Thôn 1, Thôn 2.";
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let (mut at_lan, mut at_hoa) = (web.browser(&lan).await, web.browser(&hoa).await);
    let admin = web.story.person("quan.tri", Role::Admin, "").await;
    let mut at_admin = web.browser(&admin).await;
    let view = web.story.bulletin(&lan).await;
    let bulletin = format!("/bulletins/{}", view.bulletin.id);
    assert!(!web.get(&mut at_lan, &bulletin).await.page().html.contains("Thiếu bản"));
    let form = web.get(&mut at_admin, "/areas/da-don").await.page().form("/areas/da-don");
    let form = form.with("name", "Đạ Đờn").with("level", "Xã");
    let form = form.with("languages", "kpm").with("languages", "vi");
    web.send(&mut at_admin, &form).await.to();

    let page = web.get(&mut at_lan, &bulletin).await.page();
    assert!(page.html.contains(LACKS), "{}", page.html);
    web.send(&mut at_lan, &page.form(&format!("{bulletin}/submit"))).await.to();
    let page = web.get(&mut at_hoa, &bulletin).await.page();
    assert!(page.html.contains(LACKS), "{}", page.html);
    // It is a flag and no lock.
    web.send(&mut at_hoa, &page.form(&format!("{bulletin}/approve"))).await.to();
    let form = web.get(&mut at_hoa, &format!("/schedules/new?bulletin={}", view.bulletin.id)).await.page();
    let form = form
        .form("/schedules")
        .with("bulletin", view.bulletin.id.as_str())
        .with("mode", "once")
        .with("date", "2026-11-22")
        .with("time", "18:00");
    let preview = Form { action: "/schedules/preview".to_owned(), ..form.with("area", "thon-1") };
    let preview = web.send(&mut at_hoa, &preview).await.page();
    assert!(preview.html.contains("Thiếu bản tiếng K&#39;Ho cho 1 thôn: Thôn 1."), "{}", preview.html);
}

#[tokio::test]
async fn the_voices_of_all_engines_are_offered_and_the_usual_one_is_named() {
    let config: Config = toml::from_str(ENGINES).unwrap();
    let web = Web::of(Story::with(config).await);
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let page = web.get(&mut browser, "/bulletins/new").await.page();
    for part in [
        "<option value=\"vi:\">Giọng thường dùng của địa bàn: Ban Mai (fpt)</option>",
        "<optgroup label=\"fpt\"><option value=\"vi:fpt/banmai\">Ban Mai</option>",
        "<option value=\"vi:espeak-ng/vi\">Giọng miền Bắc</option>",
    ] {
        assert!(page.html.contains(part), "{part}: {}", page.html);
    }
    let form = page.form("/bulletins").with("title", "Họp thôn").with("text", "Mời bà con họp.");
    let form = form.with("category", "local_notice").with("class", "normal").with("area", "da-don");
    let form = form.with("speak", "vi");
    let voice = async |browser: &mut Browser, answer: &Answer| {
        let id = answer.to().trim_start_matches("/bulletins/").parse().unwrap();
        let view = web.story.services.bulletins.get(&lan, &id).await.unwrap();
        let edit = web.get(browser, &format!("{}/edit", answer.to())).await.page();
        let source = view.latest.tracks[0].content.source.clone();
        let crate::domain::bulletin::TrackSource::Speech { voice, .. } = source else { panic!() };
        let selected = edit.html.split("name=\"voice\"").nth(1).unwrap().split(" selected>").next().unwrap();
        let selected = selected.rsplit("value=\"").next().unwrap().trim_end_matches('"').to_owned();
        (voice, selected)
    };
    let chosen = web.send(&mut browser, &form.clone().with("voice", "vi:fpt/banmai")).await;
    let expected = (Some("fpt/banmai".to_owned()), "vi:fpt/banmai".to_owned());
    assert_eq!(voice(&mut browser, &chosen).await, expected);
    let fresh = form.without("form_id");
    let usual = web.send(&mut browser, &fresh.clone().with("voice", "vi:")).await;
    assert_eq!(voice(&mut browser, &usual).await.0, None, "the order decides");
    let refused = web.send(&mut browser, &fresh.with("voice", "vi:fpt/khong-co")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("Không có giọng đọc này."), "{}", refused.html);
}
