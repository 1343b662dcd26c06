//! The speech data set over the API: whoever administers everything, what stands, and nothing else.

use axum::http::StatusCode;
use loa_protocol::ids::ObjectHash;
use serde_json::{Value, json};

use super::{Browser, Web};
use crate::domain::bulletin::{BulletinDraft, ConsentDraft, SourceDraft, TrackDraft};
use crate::domain::role::Role;
use crate::services::story::{area, draft};

/// Waits until the export is there.
async fn ready(web: &Web, browser: &Browser) -> Value {
    for _ in 0..2_000 {
        let state = web.get(browser, "/speech-data/export").await.ok(200);
        if state["state"] != "running" {
            return state;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the export does not end");
}

#[tokio::test]
async fn an_administrator_exports_fetches_and_is_refused_what_was_taken_back() {
    let web = Web::new().await;
    let author = web.story.person("lan", Role::Author, "da-don").await;
    let approver = web.story.person("minh", Role::Approver, "da-don").await;
    let (services, bulletins) = (&web.story.services, &web.story.services.bulletins);
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../audio-samples/phrase.flac");
    let bytes = std::fs::read(sample).unwrap();
    let mut writer = services.uploads.begin(&author, "a.flac").await.unwrap();
    writer.write(&bytes).await.unwrap();
    let upload = writer.finish().await.unwrap().hash;
    let words = BulletinDraft { text: "Ơ bol.".to_owned(), ..draft() };
    let view = bulletins.create(&author, &area("da-don"), &words, None).await.unwrap();
    let id = view.bulletin.id.clone();
    let source = SourceDraft::Recording {
        upload: upload.to_string(),
        file_name: "a.flac".to_owned(),
        transcript: "Ơ bol.".to_owned(),
    };
    let track = TrackDraft { language: "kpm".to_owned(), source };
    let breo = ConsentDraft { speaker: "K' Brèo".to_owned(), place: String::new() };
    bulletins.put_track(&author, &id, &view.seen_words(), track, Some(breo)).await.unwrap();
    web.story.make_sounds().await;
    let view = bulletins.get(&author, &id).await.unwrap();
    bulletins.submit(&author, &id, &view.seen()).await.unwrap();
    bulletins.approve(&approver, &id, &view.seen(), "").await.unwrap();

    let commune = web.browser(&web.story.person("xa", Role::Admin, "da-don").await).await;
    for path in ["/speech-data/export", "/speech-data/archive"] {
        assert_eq!(web.get(&commune, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let refused = web.call(&commune, "POST", "/speech-data/export", json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);

    let admin = web.browser(&web.story.person("quan", Role::Admin, "").await).await;
    assert_eq!(web.get(&admin, "/speech-data/export").await.ok(200)["state"], "none");
    assert_eq!(web.get(&admin, "/speech-data/archive").await.problem(), (409, "speech_data.none".to_owned()));
    let begun = web.call(&admin, "POST", "/speech-data/export", json!({})).await.ok(202);
    assert_eq!(begun["state"], "running");
    let state = ready(&web, &admin).await;
    assert_eq!(
        (&state["state"], &state["recordings"], &state["left_out"]),
        (&json!("ready"), &json!(1), &json!(0))
    );
    let archive = web.get(&admin, "/speech-data/archive").await;
    assert_eq!((archive.status, archive.header("content-type")), (StatusCode::OK, "application/x-tar"));
    assert_eq!(archive.header("content-length"), archive.bytes.len().to_string());
    let name = format!("audio/kpm/{}.wav", &ObjectHash::of(&bytes).to_string()[..16]);
    assert!(archive.bytes.windows(name.len()).any(|window| window == name.as_bytes()));
    assert!(!archive.bytes.windows(5).any(|window| window == "Brèo".as_bytes()), "no name goes out");
    let log = web.get(&admin, "/audit").await.ok(200);
    let deeds: Vec<_> =
        log.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert!(deeds.contains(&"speech_data.exported") && deeds.contains(&"speech_data.fetched"), "{deeds:?}");

    bulletins.withdraw_consent(&author, &id, &upload).await.unwrap();
    let outdated = web.get(&admin, "/speech-data/archive").await;
    assert_eq!(outdated.problem(), (409, "speech_data.outdated".to_owned()));
    assert_eq!(web.get(&admin, "/speech-data/export").await.ok(200)["state"], "none");
    assert!(!web.story.config.data_dir.join("exports").exists(), "and nothing is left of it");
}
