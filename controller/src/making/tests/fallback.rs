//! Engines that are away: the next one speaks the whole track, and the track says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use loa_protocol::bulletin::Language;
use loa_speech::Secret;

use super::super::voices::Voices;
use super::super::*;
use crate::config::{Config, EngineConfig, OrderConfig, SpeechConfig};
use crate::domain::bulletin::{BulletinDraft, Making, SourceDraft, Track, TrackDraft};
use crate::domain::lexicon::WordDraft;
use crate::domain::role::Role;
use crate::services::draft_of;
use crate::services::story::{Story, area, draft, path};

const SOUND: &[u8] = include_bytes!("../../../../audio-samples/phrase.wav");

/// A server with OpenAI's shape that speaks `well` sentences and then answers with `then`; counts the requests.
async fn server(well: usize, then: StatusCode) -> (String, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let answer = move || {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let response: Response = if number < well {
                SOUND.into_response()
            } else {
                // So long a rest that it is not asked again for this sentence.
                (then, [(header::RETRY_AFTER, "3600")]).into_response()
            };
            response
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (url, count)
}

/// A server with OpenAI's shape that refuses every text with this word in it, with this status.
async fn choosy(word: &'static str, status: StatusCode) -> String {
    let answer = move |body: String| async move {
        if body.contains(word) { status.into_response() } else { SOUND.into_response() }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    url
}

fn engine(name: &str, url: &str) -> EngineConfig {
    let text = format!(
        "name = \"{name}\"\nkind = \"openai\"\nurl = \"{url}\"\nparallel = 1\nvoices = [{{ id = \"lan\" }}]"
    );
    EngineConfig { secret: Secret::new("khoa-bi-mat"), ..toml::from_str(&text).unwrap() }
}

fn order(place: &str, engines: &[&str]) -> OrderConfig {
    OrderConfig {
        language: "vi".to_owned(),
        area: place.to_owned(),
        engines: engines.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn speech(engines: Vec<EngineConfig>, orders: Vec<OrderConfig>) -> SpeechConfig {
    SpeechConfig { engines, orders, ..SpeechConfig::default() }
}

/// A maker with these engines, and the story that its bulletins are in.
async fn studio(speech: SpeechConfig) -> (Story, Maker) {
    let story = Story::with(Config { speech, ..Config::default() }).await;
    let services = &story.services;
    let maker = Maker::new(Settings {
        store: services.store().clone(),
        objects: services.objects().clone(),
        uploads: services.recordings().clone(),
        speech: story.config.speech.clone(),
        limits: story.config.limits.clone(),
        cache: None,
        nudge: services.nudges().speech.clone(),
        made: services.nudges().alerts.clone(),
        changes: Changes::default(),
        metrics: Default::default(),
        clock: story.clock.clone(),
    });
    (story, maker)
}

/// The track of a bulletin of the commune with this text, after a worker has had it.
async fn made(story: &Story, maker: &Maker, text: &str, voice: &str) -> Track {
    let author = story.operator.clone();
    let source = SourceDraft::Speech { text: String::new(), voice: voice.to_owned(), words_per_minute: None };
    let tracks = vec![TrackDraft { language: "vi".to_owned(), source }];
    let draft = BulletinDraft { text: text.to_owned(), tracks, ..draft() };
    let view = story.services.bulletins.create(&author, &area("da-don"), &draft, None).await.unwrap();
    let job = maker.claim(0).await.unwrap().unwrap();
    maker.work(job).await;
    story.services.bulletins.get(&author, &view.bulletin.id).await.unwrap().latest.tracks[0].clone()
}

#[tokio::test]
async fn the_preferred_engine_speaks() {
    let (url, count) = server(usize::MAX, StatusCode::OK).await;
    let (story, maker) = studio(speech(vec![engine("may", &url)], vec![order("", &["may"])])).await;
    let track = made(&story, &maker, "Mời bà con họp. Xin cảm ơn.", "vi").await;
    let spoken = track.spoken.unwrap();
    assert_eq!((spoken.by.as_str(), spoken.instead), ("may/lan", None));
    assert_eq!(count.load(Ordering::SeqCst), 2, "a request for each sentence");
}

#[tokio::test]
async fn a_cloud_that_is_away_fails_no_bulletin_and_is_not_asked_by_each_track() {
    let (url, count) = server(0, StatusCode::SERVICE_UNAVAILABLE).await;
    let (story, maker) = studio(speech(vec![engine("may", &url)], vec![order("", &["may"])])).await;
    for text in ["Mời bà con họp.", "Sáng mai mất điện."] {
        let track = made(&story, &maker, text, "").await;
        assert_eq!(track.making, Making::Done, "{track:?}");
        let spoken = track.spoken.unwrap();
        assert_eq!(spoken.by, "espeak-ng/vi");
        let instead = spoken.instead.unwrap();
        assert_eq!(instead.code, "voice.refused");
        assert_eq!(
            instead.vi,
            "Đã đọc bằng “espeak-ng” thay cho giọng ưu tiên. Lý do: Máy chủ của bộ đọc “may” báo lỗi 503."
        );
        assert!(instead.en.starts_with("Spoken by espeak-ng in place of"), "{}", instead.en);
    }
    assert_eq!(count.load(Ordering::SeqCst), 1, "the second track does not ask it");
}

#[tokio::test]
async fn an_engine_that_refuses_one_text_speaks_the_next() {
    for (status, spoken_next) in
        [(StatusCode::BAD_REQUEST, "may/lan"), (StatusCode::PAYMENT_REQUIRED, "espeak-ng/vi")]
    {
        let url = choosy("cấm", status).await;
        let (story, maker) = studio(speech(vec![engine("may", &url)], vec![order("", &["may"])])).await;
        let refused = made(&story, &maker, "Câu này bị cấm.", "").await.spoken.unwrap();
        assert_eq!(refused.by, "espeak-ng/vi", "{status}");
        assert!(refused.instead.is_some(), "{status}: the track says why");
        let next = made(&story, &maker, "Mời bà con họp.", "").await.spoken.unwrap();
        assert_eq!(
            next.by, spoken_next,
            "{status}: an account that is empty rests for everybody, a text does not"
        );
    }
}

#[tokio::test]
async fn one_voice_speaks_the_whole_track() {
    const TEXT: &str = "Mời bà con họp. Xin mang theo giấy tờ. Xin cảm ơn.";
    let (url, count) = server(2, StatusCode::UNAUTHORIZED).await;
    let (story, maker) = studio(speech(vec![engine("may", &url)], vec![order("", &["may"])])).await;
    let track = made(&story, &maker, TEXT, "").await;
    assert_eq!(count.load(Ordering::SeqCst), 3, "it failed at the third sentence");
    assert_eq!(track.spoken.unwrap().instead.unwrap().code, "voice.key_refused");
    let (story, maker) = studio(SpeechConfig::default()).await;
    let alone = made(&story, &maker, TEXT, "").await;
    assert_eq!(track.object, alone.object, "every sentence was spoken by the second engine");
    assert_eq!(alone.spoken.unwrap().instead, None);
}

#[tokio::test]
async fn an_engine_that_is_back_makes_its_own_sound() {
    const TEXT: &str = "Mời bà con họp.";
    let (url, _) = server(0, StatusCode::UNAUTHORIZED).await;
    let away = speech(vec![engine("may", &url)], vec![order("", &["may"])]);
    let (story, maker) = studio(away).await;
    let first = made(&story, &maker, TEXT, "").await;
    let (url, _) = server(usize::MAX, StatusCode::OK).await;
    let back = speech(vec![engine("may", &url)], vec![order("", &["may"])]);
    let maker = Maker::new(Settings { speech: back, ..maker.settings });
    let second = made(&story, &maker, TEXT, "").await;
    assert_eq!(second.spoken.unwrap().by, "may/lan", "what another engine made is not taken for its own");
    assert_ne!(first.object, second.object);
}

#[tokio::test]
async fn the_note_goes_with_the_sound_into_the_next_revision() {
    let (url, _) = server(0, StatusCode::UNAUTHORIZED).await;
    let (story, maker) = studio(speech(vec![engine("may", &url)], vec![order("", &["may"])])).await;
    let track = made(&story, &maker, "Mời bà con họp.", "").await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let approver = story.person("binh", Role::Approver, "da-don").await;
    let page = story.services.bulletins.list(&author, &Default::default()).await.unwrap();
    let id = page[0].bulletin.id.clone();
    let view = story.services.bulletins.get(&author, &id).await.unwrap();
    let view = story.services.bulletins.submit(&author, &id, &view.seen()).await.unwrap();
    let view = story.services.bulletins.approve(&approver, &id, &view.seen(), "").await.unwrap();
    let tracks = vec![TrackDraft {
        language: "vi".to_owned(),
        source: SourceDraft::Speech { text: String::new(), voice: String::new(), words_per_minute: None },
    }];
    let renamed =
        BulletinDraft {
            title: "Họp thôn".to_owned(), text: "Mời bà con họp.".to_owned(), tracks, ..draft()
        };
    let next = story.services.bulletins.edit(&author, &id, &view.seen_words(), &renamed).await.unwrap();
    assert_eq!(next.latest.number, 2);
    assert_eq!(next.latest.tracks[0].spoken, track.spoken);
    assert_eq!(next.latest.tracks[0].object, track.object);
}

#[tokio::test]
async fn the_words_of_the_area_are_in_the_sound_and_a_revision_after_their_change_is_spoken_with_them() {
    const TEXT: &str = "Mời bà con KDT họp.";
    let (story, maker) = studio(SpeechConfig::default()).await;
    let before = made(&story, &maker, TEXT, "").await;
    assert_eq!(before.spoken.as_ref().unwrap().words_digest, "");
    let operator = story.operator.clone();
    let approver = story.person("binh", Role::Approver, "da-don").await;
    let services = &story.services;
    let id = services.bulletins.list(&operator, &Default::default()).await.unwrap()[0].bulletin.id.clone();
    let view = services.bulletins.get(&operator, &id).await.unwrap();
    let view = services.bulletins.submit(&operator, &id, &view.seen()).await.unwrap();
    let approved = services.bulletins.approve(&approver, &id, &view.seen(), "").await.unwrap();

    let word = WordDraft { written: "KDT".to_owned(), spoken: "khu dân tộc".to_owned() };
    let kept = services.lexicon.put(&operator, &area("lam-dong"), None, &word).await.unwrap();
    assert_eq!(kept.drafts_again, 0, "it stays as its approver heard it");
    let renamed = BulletinDraft { title: "Họp thôn".to_owned(), ..draft_of(&approved.latest) };
    services.bulletins.edit(&operator, &id, &approved.seen_words(), &renamed).await.unwrap();
    let job = maker.claim(0).await.unwrap().unwrap();
    maker.work(job).await;
    let after = services.bulletins.get(&operator, &id).await.unwrap();
    let (track, on_air) = (&after.latest.tracks[0], &after.on_air.as_ref().unwrap().tracks[0]);
    assert_eq!(track.making, Making::Done);
    assert_ne!(track.object, before.object);
    assert_ne!(track.spoken.as_ref().unwrap().words_digest, "");
    assert_eq!(on_air.object, before.object);
}

#[tokio::test]
async fn the_order_is_that_of_the_nearest_area_and_the_authors_choice_goes_first() {
    let engines = ["a", "b", "c"].map(|name| engine(name, "http://127.0.0.1:9")).to_vec();
    let orders =
        vec![order("", &["a"]), order("lam-dong", &["b", "espeak-ng", "c"]), order("thon-1", &["c"])];
    let voices = Voices::new(&speech(engines, orders));
    let vietnamese = Language::vietnamese();
    let english = Language::new("en").unwrap();
    let cast = |language: &Language, areas: &[&str], chosen| -> Vec<String> {
        voices.cast(language, &path(areas), chosen).iter().map(|cast| cast.name()).collect()
    };
    let thon_1 = &["lam-dong", "da-don", "thon-1"][..];
    assert_eq!(cast(&vietnamese, &["ha-noi"], None), ["a/lan", "espeak-ng/vi"]);
    assert_eq!(cast(&vietnamese, &["lam-dong", "da-don"], None), ["b/lan", "espeak-ng/vi", "c/lan"]);
    assert_eq!(cast(&vietnamese, thon_1, None), ["c/lan", "espeak-ng/vi"]);
    assert_eq!(
        cast(&vietnamese, thon_1, Some("vi")),
        ["c/lan", "espeak-ng/vi"],
        "the usual voice is no choice"
    );
    assert_eq!(cast(&vietnamese, thon_1, Some("vi-vn-x-south")), ["espeak-ng/vi-vn-x-south", "c/lan"]);
    assert_eq!(cast(&vietnamese, thon_1, Some("a/hoa")), ["a/hoa", "c/lan", "espeak-ng/vi"]);
    assert_eq!(cast(&english, thon_1, None), ["espeak-ng/en"]);
}
