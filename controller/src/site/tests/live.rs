//! The live stream: parts that changed, for those who may see them, until the session ends.

use std::time::Duration;

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;

use super::*;
use crate::domain::alert::{AlertDraft, ExpiryDraft};
use crate::domain::role::Role;
use crate::live::Change;
use crate::services::story::{alert_draft, once, schedule_draft};
use crate::store::{presence, speech_jobs};

/// Longest wait for an event.
const BOUND: Duration = Duration::from_secs(20);

/// An open stream.
struct Stream {
    body: BodyDataStream,
    read: String,
}

impl Stream {
    async fn open(web: &Web, browser: &Browser, topics: &str) -> Self {
        let cookies: Vec<String> =
            browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::get(format!("/live?topics={topics}"))
            .header(header::COOKIE, cookies.join("; "))
            .body(Body::empty())
            .unwrap();
        let response = web.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), read: String::new() }
    }

    /// The data of the next event of that name; others are passed over.
    async fn event(&mut self, name: &str) -> String {
        tokio::time::timeout(BOUND, async {
            loop {
                while let Some(end) = self.read.find("\n\n") {
                    let event: String = self.read.drain(..end + 2).collect();
                    if event.lines().any(|line| line == format!("event: {name}")) {
                        let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                        return data.unwrap().to_owned();
                    }
                }
                let bytes = self.body.next().await.expect("the stream goes on").unwrap();
                self.read.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        })
        .await
        .unwrap_or_else(|_| panic!("no event {name} within {BOUND:?}; left: {}", self.read))
    }

    /// Waits until the stream ends.
    async fn end(mut self) {
        let ended = async { while self.body.next().await.is_some() {} };
        tokio::time::timeout(BOUND, ended).await.expect("the stream ends");
    }
}

#[tokio::test]
async fn a_track_in_the_making_is_seen_without_loading_again() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let browser = web.browser(&lan).await;
    let draft = crate::services::story::draft();
    let area = crate::services::story::area("da-don");
    let view = web.story.services.bulletins.create(&lan, &area, &draft, None).await.unwrap();
    let (id, track) = (&view.bulletin.id, view.latest.tracks[0].id.clone());
    let mut stream =
        Stream::open(&web, &browser, &format!("bulletin:{id}&words={}", view.seen_words())).await;
    let name = format!("track-{track}");
    assert!(stream.event(&name).await.contains("Chờ tạo âm thanh"));

    let mut tx = web.story.services.store().write().await.unwrap();
    speech_jobs::claim(&mut tx, web.story.clock.now()).await.unwrap().unwrap();
    speech_jobs::set_progress(&mut tx, &track, 40, web.story.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    web.state.services.changes().tell(Change::Track(track));
    let working = stream.event(&name).await;
    assert!(working.contains("40 %") && !working.contains('\n'), "{working}");

    // What nobody tells is found by looking.
    web.story.services.bulletins.submit(&lan, id, &view.seen_words()).await.unwrap();
    assert!(stream.event(&format!("bulletin-state-{id}")).await.contains("pill"));
    web.stop.cancel();
    stream.end().await;
}

#[tokio::test]
async fn an_emergency_that_is_over_says_so_at_its_hour() {
    let web = Web::new().await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let browser = web.browser(&hoa).await;
    let draft = AlertDraft {
        // The stream sleeps until then; nobody tells that the hour has come.
        expiry: ExpiryDraft::At((web.story.clock.now() + 1_000).to_string()),
        ..alert_draft(&["thon-1"])
    };
    let id = web.story.services.alerts.give(&hoa, &draft, None).await.unwrap().alert.id;
    for (topic, event) in
        [(format!("alert:{id}"), format!("alert-decide-{id}")), ("alerts".into(), "alerts-list".into())]
    {
        let mut stream = Stream::open(&web, &browser, &topic).await;
        assert!(stream.event(&event).await.contains("Đang tạo tiếng nói"));
        web.story.clock.advance(1_000);
        assert!(stream.event(&event).await.contains("Hết hiệu lực"));
        web.story.clock.advance(-1_000);
    }
    web.stop.cancel();
}

#[tokio::test]
async fn a_stream_shows_the_persons_own_area_and_ends_with_the_session() {
    let web = Web::new().await;
    let tech = web.story.person("ky.thuat", Role::Technician, "da-don").await;
    let browser = web.browser(&tech).await;
    let mut stream = Stream::open(&web, &browser, "nodes,today").await;
    let counts = stream.event("nodes-counts").await;
    assert!(counts.contains("<strong>2</strong>"), "two of the three nodes are theirs: {counts}");
    assert!(stream.event("node-cum-1").await.contains("Cụm 1"));
    assert!(!stream.read.contains("Cụm X"));

    let node = crate::services::story::node("cum-2");
    web.state.services.changes().tell(Change::Node(node));
    let mut tx = web.story.services.store().write().await.unwrap();
    presence::set_all_offline(&mut tx, web.story.clock.now()).await.unwrap();
    tx.commit().await.unwrap();

    // An open page is no use of the session: it ends like any other that is left alone.
    web.story.clock.advance(3 * 3_600_000);
    web.state.services.changes().tell(Change::Node(crate::services::story::node("cum-1")));
    stream.end().await;
    let answer = {
        let cookies: Vec<String> =
            browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::get("/live?topics=nodes")
            .header(header::COOKIE, cookies.join("; "))
            .header(header::ACCEPT, "text/event-stream")
            .body(Body::empty())
            .unwrap();
        web.router.clone().oneshot(request).await.unwrap()
    };
    assert_eq!(answer.status(), StatusCode::NO_CONTENT, "the browser is told to stop asking");
}

#[tokio::test]
async fn an_approval_is_seen_at_once_by_whoever_has_the_bulletin_open() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let thu = web.story.person("thu", Role::Approver, "da-don").await;
    let mut browser = web.browser(&thu).await;
    let draft = web.story.bulletin(&lan).await;
    let id = &draft.bulletin.id;
    let topics = format!("waiting,today,bulletins,bulletin:{id}&words={}", draft.seen_words());
    let mut stream = Stream::open(&web, &browser, &topics).await;
    assert!(stream.event("waiting-count").await.contains("hidden"));
    assert!(stream.event("bulletins-list").await.contains("Bản nháp"));
    let decide = format!("bulletin-decide-{id}");
    assert!(!stream.event(&decide).await.contains("/approve"));

    let view = web.story.services.bulletins.submit(&lan, id, &draft.seen()).await.unwrap();
    assert!(stream.event("waiting-count").await.contains(">1<"), "the inbox counts it");
    assert!(stream.event("today-waiting").await.contains("Lịch cắt điện"));
    assert!(stream.event("bulletins-list").await.contains("Chờ duyệt"));
    let html = stream.event(&decide).await;
    assert!(html.contains("/approve\"") && html.contains("name=\"csrf\""), "{html}");
    let page = web.get(&mut browser, &format!("/bulletins/{id}")).await.page();
    let form = page.form(&format!("/bulletins/{id}/approve"));

    web.story.services.bulletins.approve(&hoa, id, &view.seen(), "").await.unwrap();
    assert!(stream.event("waiting-count").await.contains("hidden"));
    assert!(stream.event(&format!("bulletin-state-{id}")).await.contains("Đã duyệt"));
    assert!(stream.event(&format!("bulletin-history-{id}")).await.contains("hoa"));
    assert!(!stream.event(&decide).await.contains("/approve\""), "the button is gone");

    // Who pressed meanwhile is told on the page as it stands.
    let late = web.send(&mut browser, &form).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.html.contains("bản tin đã được duyệt") && late.html.contains("Đã duyệt"), "{}", late.html);
    assert!(!late.html.contains("/approve\""), "{}", late.html);
}

#[tokio::test]
async fn nobody_is_offered_to_decide_on_words_that_their_page_does_not_show() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let browser = web.browser(&hoa).await;
    let view = web.story.submitted(&lan).await;
    let id = &view.bulletin.id;
    let topics = format!("bulletin:{id}&words={}", view.seen_words());
    let mut stream = Stream::open(&web, &browser, &topics).await;
    let decide = format!("bulletin-decide-{id}");
    assert!(stream.event(&decide).await.contains("/approve\""));

    let draft = crate::services::story::draft();
    let draft = crate::domain::bulletin::BulletinDraft { text: "Mai có điện.".to_owned(), ..draft };
    let bulletins = &web.story.services.bulletins;
    let edited = bulletins.edit(&lan, id, &view.seen_words(), &draft).await.unwrap();
    web.story.make_sounds().await;
    bulletins.submit(&lan, id, &edited.seen_words()).await.unwrap();
    let html = stream.event(&decide).await;
    assert!(html.contains("vừa được sửa") && !html.contains("<button"), "{html}");
}

#[tokio::test]
async fn a_start_that_is_due_appears_where_it_is_listed() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let bulletin = web.story.approved(&lan, &hoa).await.bulletin.id;
    super::heard::enrol(&web, "cum-1").await;
    let browser = web.browser(&lan).await;
    let mut stream = Stream::open(&web, &browser, "heard,today").await;
    assert!(stream.event("heard-list").await.contains("Chưa có lượt phát nào"));
    let draft = schedule_draft(&bulletin, once("2026-11-22T08:30"), &["thon-1"]);
    web.story.services.schedules.create(&lan, &draft, None).await.unwrap();
    // A schedule that was set shows at once, and what it brings when its hour has come.
    while !stream.event("today-sounding").await.contains("08:30") {}
    web.story.clock.advance(31 * 60_000);
    web.story.services.changes().tell(Change::Bulletin(bulletin));
    let list = stream.event("heard-list").await;
    assert!(list.contains("Lịch cắt điện") && list.contains("sse-swap=\"heard-"), "{list}");
}
