//! Every page with the preview's sample data, in both languages: what a browser gets is complete, escaped,
//! labelled, and within the content security policy.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../examples/preview_pages/sample/mod.rs"]
mod sample;

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use loa_controller::pages::views::*;
use loa_controller::pages::{Lang, Page, Rendered, Theme, assets, fragment, render};
use tower::ServiceExt as _;

/// What the sample's pages are rendered for.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    lang: Lang,
    theme: Theme,
}

fn ok<P: Page>(page: P) -> Response {
    Rendered(StatusCode::OK, page).into_response()
}

const LOOKS: [Look; 2] =
    [Look { lang: Lang::Vi, theme: Theme::Auto }, Look { lang: Lang::En, theme: Theme::Dark }];

/// Name, language and HTML of every page.
async fn every_page() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for look in LOOKS {
        for name in sample::NAMES {
            let answer = sample::answer(name, look).expect("a page of the sample");
            assert_eq!(answer.status(), StatusCode::OK, "{name}");
            let body = to_bytes(answer.into_body(), 1_000_000).await.expect("a body");
            pages.push((
                format!("{name} ({})", look.lang.code()),
                String::from_utf8(body.to_vec()).expect("UTF-8"),
            ));
        }
    }
    pages
}

/// A start tag: its name, and its attributes with their values.
#[derive(Debug)]
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
    /// Where it begins and ends in the page.
    at: (usize, usize),
}

impl<'a> Tag<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(attribute, _)| *attribute == name).map(|(_, value)| *value)
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.get(name) == Some(value)
    }
}

/// The start tags of a page. Attribute values are escaped, so `"` and `>` end what they seem to end.
fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    for (start, _) in html.match_indices('<') {
        let rest = &html[start + 1..];
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let name_length = rest.find(|c: char| !c.is_ascii_alphanumeric()).expect("an end of the name");
        let mut tag = Tag { name: &rest[..name_length], attributes: Vec::new(), at: (start, start) };
        let mut left = rest[name_length..].trim_start();
        while !left.starts_with('>') && !left.starts_with("/>") {
            let end = left.find(['=', ' ', '\n', '>']).expect("an end of the attribute");
            let attribute = &left[..end];
            left = &left[end..];
            let mut value = "";
            if let Some(quoted) = left.strip_prefix('=') {
                let quote =
                    quoted.chars().next().filter(|c| ['"', '\''].contains(c)).expect("a quoted value");
                let close = quoted[1..].find(quote).expect("a closing quote") + 1;
                value = &quoted[1..close];
                left = &quoted[close + 1..];
            }
            tag.attributes.push((attribute, value));
            left = left.trim_start();
        }
        tag.at.1 = html.len() - left.len();
        tags.push(tag);
    }
    tags
}

#[tokio::test]
async fn no_text_is_missing() {
    for (name, html) in every_page().await {
        assert!(!html.contains('⟦'), "{name}: {}", html.split('⟦').nth(1).unwrap_or_default());
        assert!(html.contains("<h1"), "{name} has no heading");
        assert!(html.contains("name=\"viewport\""), "{name} is not whole");
    }
}

#[tokio::test]
async fn every_post_form_carries_the_token() {
    let mut seen = 0;
    for (name, html) in every_page().await {
        let tags = tags(&html);
        for form in tags.iter().filter(|tag| tag.name == "form" && tag.has("method", "post")) {
            let end = form.at.1 + html[form.at.1..].find("</form>").expect("an end of the form");
            let tokens =
                tags.iter().filter(|tag| (form.at.1..end).contains(&tag.at.0) && tag.has("name", "csrf"));
            assert_eq!(tokens.count(), 1, "{name}: {form:?}");
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} forms seen");
}

#[tokio::test]
async fn every_field_has_a_label() {
    let mut seen = 0;
    for (name, html) in every_page().await {
        let tags = tags(&html);
        let named: BTreeSet<&str> =
            tags.iter().filter(|tag| tag.name == "label").filter_map(|tag| tag.get("for")).collect();
        for field in tags.iter().filter(|tag| ["input", "select", "textarea"].contains(&tag.name)) {
            if field.has("type", "hidden") {
                continue;
            }
            let before = &html[..field.at.0];
            let within = before.rfind("<label").is_some_and(|open| before.rfind("</label>") < Some(open));
            let labelled = field.get("id").is_some_and(|id| named.contains(id));
            assert!(within || labelled, "{name}: {field:?}");
            seen += 1;
        }
    }
    assert!(seen > 200, "only {seen} fields seen");
}

#[tokio::test]
async fn ids_are_single_and_what_points_at_them_finds_them() {
    for (name, html) in every_page().await {
        let tags = tags(&html);
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let single: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), single.len(), "{name}: an id is there twice in {ids:?}");
        let pointers = ["for", "aria-labelledby", "aria-describedby", "data-counter", "data-copy"];
        for (pointer, value) in tags.iter().flat_map(|tag| &tag.attributes) {
            let target = if *pointer == "href" { value.strip_prefix('#') } else { None };
            let targets = if pointers.contains(pointer) { value } else { target.unwrap_or("") };
            for id in targets.split_whitespace() {
                assert!(single.contains(id), "{name}: {pointer}=\"{value}\" points at nothing");
            }
        }
    }
}

#[tokio::test]
async fn nothing_breaks_the_content_security_policy() {
    for (name, html) in every_page().await {
        for tag in tags(&html) {
            assert_ne!(tag.name, "style", "{name}");
            assert!(tag.name != "script" || tag.get("src").is_some(), "{name}: an inline script");
            for (attribute, value) in &tag.attributes {
                assert!(*attribute != "style" && !attribute.starts_with("on"), "{name}: {tag:?}");
                let fetched = ["src", "href", "sse-connect", "hx-post"].contains(attribute);
                assert!(!fetched || value.starts_with(['/', '#']), "{name}: from elsewhere: {tag:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_asset_and_icon_of_a_page_is_served() {
    let mut wanted = BTreeSet::new();
    for (_, html) in every_page().await {
        for (_, value) in tags(&html).iter().flat_map(|tag| &tag.attributes) {
            if value.starts_with("/assets/") {
                wanted.insert((*value).to_owned());
            }
        }
    }
    let mut sprite = String::new();
    for path in wanted.iter().map(|path| path.split('#').next().unwrap_or_default()).collect::<BTreeSet<_>>()
    {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = assets::assets::<()>().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        if path == assets::ICONS {
            let body = to_bytes(answer.into_body(), 1_000_000).await.expect("a body");
            sprite = String::from_utf8(body.to_vec()).expect("UTF-8");
        }
    }
    let icons: Vec<&str> =
        wanted.iter().filter_map(|path| path.split_once('#')).map(|(_, name)| name).collect();
    assert!(icons.len() > 20, "{icons:?}");
    for icon in icons {
        assert!(sprite.contains(&format!("id=\"{icon}\"")), "the sprite lacks {icon}; see web/icons.json");
    }
}

#[tokio::test]
async fn a_page_says_how_it_is_to_be_kept_and_what_it_may_load() {
    let answer = sample::answer("today", LOOKS[1]).expect("a page");
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    assert_eq!(header(header::CONTENT_LANGUAGE), "en");
    assert_eq!(header(header::CACHE_CONTROL), "private, no-cache");
    assert!(header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"));
}

#[tokio::test]
async fn a_page_with_a_token_or_a_link_is_kept_nowhere() {
    for name in ["node-token", "user"] {
        let answer = sample::answer(name, LOOKS[0]).expect("a page");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store", "{name}");
    }
}

#[test]
fn what_people_type_is_escaped() {
    let evil = "<script>alert(1)</script>\" onfocus=\"x' & ⟨đ⟩";
    let mut page = sample::bulletin(LOOKS[0], loa_controller::pages::labels::BulletinState::Rejected);
    page.bulletin.title = evil.into();
    page.bulletin.text = evil.into();
    page.bulletin.reject_comment = Some(evil.into());
    page.tracks.iter_mut().for_each(|track| track.language = evil.into());
    let html = render(&page).expect("a page");
    assert_eq!(html.matches("<script").count(), 1, "the page's own script alone");
    assert!(!html.contains("\" onfocus"), "an attribute was broken out of");
    assert!(html.contains("&#60;script&#62;"));

    let mut form = sample::bulletin_form(LOOKS[0]);
    form.form.title = evil.into();
    form.form.text = format!("</textarea>{evil}");
    let html = render(&form).expect("a page");
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("</textarea>").count(), 1);
}

#[test]
fn a_refused_form_gives_back_what_was_typed_and_says_where_it_is_wrong() {
    let html = render(&sample::schedule_errors(LOOKS[0])).expect("a page");
    let tags = tags(&html);
    let cron = tags.iter().find(|tag| tag.has("id", "cron")).expect("the field");
    assert!(cron.has("value", "0 6 31 2 *") && cron.has("aria-invalid", "true"), "{cron:?}");
    assert!(cron.get("aria-describedby").is_some_and(|ids| ids.contains("cron-error")), "{cron:?}");
    assert!(html.contains("href=\"#target\""), "the summary links to the tree of targets");
    let ticked = tags.iter().filter(|tag| tag.has("type", "checkbox") && tag.get("checked").is_some());
    assert_eq!(ticked.filter(|tag| tag.has("name", "area") || tag.has("name", "node")).count(), 2);
}

/// White space apart, the live fragment is what the page shows inside the element that the event replaces.
fn assert_within(page: &str, part: &str) {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(squeeze(page).contains(&squeeze(part)), "{part}\n is not within the page");
}

#[test]
fn live_fragments_are_what_their_pages_show() {
    let look = LOOKS[0];
    let lang = look.lang;

    let page = sample::today(look);
    let html = render(&page).expect("a page");
    let sounding = TodaySounding { lang, sounding: page.sounding };
    assert_within(&html, &fragment(&sounding).expect("a fragment"));
    assert_within(&html, &fragment(&TodayWaiting { lang, waiting: page.waiting }).expect("a fragment"));
    let (silent, nodes_all, nodes_online) = (page.silent, page.nodes_all, page.nodes_online);
    assert_within(
        &html,
        &fragment(&TodaySilent { lang, silent, nodes_all, nodes_online }).expect("a fragment"),
    );

    let page = sample::nodes(look);
    let html = render(&page).expect("a page");
    assert_within(&html, &fragment(&NodesCounts { lang, counts: page.counts }).expect("a fragment"));
    for node in page.rows {
        assert!(html.contains(&format!("sse-swap=\"{}\"", event::node(&node.id))));
        assert_within(&html, &fragment(&NodeCells { lang, node }).expect("a fragment"));
    }

    let page = sample::node(look);
    let html = render(&page).expect("a page");
    assert!(html.contains(&format!("sse-swap=\"{}\"", event::node_detail(&page.node.id))));
    assert_within(&html, &fragment(&NodeState { lang, node: page.node }).expect("a fragment"));

    let page = sample::heard(look);
    let html = render(&page).expect("a page");
    for occurrence in page.occurrences {
        assert!(html.contains(&format!("sse-swap=\"{}\"", event::heard(&occurrence.id))));
        assert_within(&html, &fragment(&OccurrenceHeard { lang, occurrence }).expect("a fragment"));
    }

    let page = sample::bulletin(look, loa_controller::pages::labels::BulletinState::Draft);
    let html = render(&page).expect("a page");
    let state = page.bulletin.state;
    assert!(html.contains(&format!("sse-swap=\"{}\"", event::bulletin_state(&page.bulletin.id))));
    assert_within(&html, &fragment(&BulletinStateTag { lang, state }).expect("a fragment"));
    let BulletinPage { shell, bulletin, tracks, earlier, actions, decision, add_track, schedules, history } =
        page;
    let csrf = shell.csrf;
    for track in tracks.clone() {
        assert!(html.contains(&format!("sse-swap=\"{}\"", event::track(&track.id))));
        let part = TrackProgress { lang, csrf: csrf.clone(), bulletin: bulletin.clone(), track };
        assert_within(&html, &fragment(&part).expect("a fragment"));
    }
    let list = BulletinTracks {
        lang,
        csrf: csrf.clone(),
        bulletin: bulletin.clone(),
        tracks,
        earlier,
        actions: actions.clone(),
        add_track,
    };
    assert_within(&html, &fragment(&list).expect("a fragment"));
    assert_within(&html, &fragment(&BulletinHistory { lang, history }).expect("a fragment"));
    let plan = BulletinPlan { lang, bulletin: bulletin.clone(), actions: actions.clone(), schedules };
    assert_within(&html, &fragment(&plan).expect("a fragment"));
    let decide = BulletinDecide { lang, csrf, bulletin, actions, decision, outdated: false };
    assert_within(&html, &fragment(&decide).expect("a fragment"));

    let preview = sample::schedule_form(look);
    let html = render(&preview).expect("a page");
    assert_within(
        &html,
        &fragment(&SchedulePreviewPart { lang, preview: preview.preview }).expect("a fragment"),
    );
    let form = sample::bulletin_form(look);
    let html = render(&form).expect("a page");
    assert_within(&html, &fragment(&TextCheckPart { lang, check: form.check }).expect("a fragment"));
}

#[test]
fn a_fragment_is_one_line_for_the_event_stream() {
    let html = fragment(&TodayWaiting { lang: Lang::Vi, waiting: vec![] }).expect("a fragment");
    assert!(!html.is_empty() && !html.contains(['\n', '\r']), "{html}");
}
