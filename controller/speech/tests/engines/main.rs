//! The contract of each engine behind HTTP, against a local server that speaks its shape.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;

use std::error::Error as _;
use std::num::NonZeroUsize;
use std::time::Duration;

use axum::http::Method;
use loa_speech::synthesize::{Pauses, speak_text};
use loa_speech::{
    HttpEngine, HttpSettings, Kind, Normalizer, Pcm, Reporter, Secret, SynthesisError, Synthesizer, Voice,
    VoiceInfo,
};

use server::{Mood, SECRET, Seen, Server};

const URL_THEN_POLL: [Kind; 2] = [Kind::Fpt, Kind::Vbee];

fn settings(kind: Kind, url: &str) -> HttpSettings {
    let voice = VoiceInfo {
        id: "vi-VN-lan".to_owned(),
        language: "vi".to_owned(),
        label_vi: "Lan".to_owned(),
        label_en: "Lan".to_owned(),
    };
    HttpSettings {
        url: url.to_owned(),
        secret: Secret::new(SECRET),
        voices: vec![voice],
        app_id: "app-7".to_owned(),
        timeout: Duration::from_secs(20),
        ready_within: Duration::from_secs(20),
        poll_every: Duration::from_millis(2),
        retry_delay: Duration::from_millis(2),
        retry_delay_max: Duration::from_secs(2),
        ..HttpSettings::new("may-doc", kind)
    }
}

async fn say(settings: HttpSettings) -> Result<Pcm, SynthesisError> {
    let engine = HttpEngine::new(settings)?;
    let words = Normalizer::default().normalize("Xin chào bà con");
    let voice = Voice { id: "vi-VN-lan".to_owned(), words_per_minute: 124 };
    speak_text(&engine, &words, &voice, &Pauses::default(), &Reporter::silent()).await
}

/// The error of an engine in a mood. None of them holds the secret.
async fn fails(kind: Kind, mood: Mood) -> (SynthesisError, Vec<Seen>) {
    let server = Server::start(kind, mood).await;
    let error = say(settings(kind, &server.url)).await.unwrap_err();
    assert_shows_no_secret(&error);
    (error, server.seen())
}

fn assert_shows_no_secret(error: &SynthesisError) {
    let mut shown = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        shown.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    assert!(!shown.contains(SECRET) && !shown.contains("chu-ky"), "{shown}");
}

#[tokio::test]
async fn each_engine_speaks() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Mood::Well).await;
        let pcm =
            say(settings(kind, &server.url)).await.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        assert_eq!(pcm.sample_rate_hz(), 16_000);
        assert!((480..=540).contains(&pcm.duration_ms()), "{kind:?}: {} ms", pcm.duration_ms());
        assert!((pcm.peak_dbfs() + 11.2).abs() < 0.5, "{kind:?}: {} dBFS", pcm.peak_dbfs());
    }
}

#[tokio::test]
async fn each_engine_is_asked_in_its_own_shape() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Mood::Well).await;
        say(settings(kind, &server.url)).await.unwrap();
        let seen = server.seen();
        let first = &seen[0];
        assert_eq!(first.method, Method::POST, "{kind:?}");
        let near = |value: &serde_json::Value, want: f64| {
            assert!((value.as_f64().unwrap() - want).abs() < 1e-6, "{kind:?}: {value}");
        };
        let body = || first.json();
        let text = "Xin chào bà con.";
        match kind {
            Kind::PiperHttp => {
                assert_eq!(
                    (body()["text"].as_str(), body()["voice"].as_str()),
                    (Some(text), Some("vi-VN-lan"))
                );
                near(&body()["length_scale"], 1.25);
                assert!(!first.holds_secret());
            }
            Kind::Openai => {
                assert_eq!(first.header("authorization"), format!("Bearer {SECRET}"));
                assert_eq!((body()["input"].as_str(), body()["model"].as_str()), (Some(text), Some("tts-1")));
                near(&body()["speed"], 0.8);
            }
            Kind::Fpt => {
                assert_eq!(first.body, text.as_bytes());
                assert_eq!([first.header("api_key"), first.header("voice")], [SECRET, "vi-VN-lan"]);
                assert_eq!([first.header("speed"), first.header("format")], ["-2", "wav"]);
            }
            Kind::Viettel => {
                assert_eq!(body()["token"], SECRET);
                assert_eq!(
                    (body()["text"].as_str(), body()["tts_return_option"].as_u64()),
                    (Some(text), Some(2))
                );
                near(&body()["speed"], 0.8);
            }
            Kind::Vbee => {
                assert_eq!(first.header("authorization"), format!("Bearer {SECRET}"));
                assert_eq!(
                    (body()["input_text"].as_str(), body()["app_id"].as_str()),
                    (Some(text), Some("app-7"))
                );
                assert_eq!(body()["response_type"], "indirect");
                assert_eq!(seen[1].path, "/api/v1/tts/req-1");
                assert!(seen[1].holds_secret());
            }
            Kind::Google => {
                assert_eq!(first.header("x-goog-api-key"), SECRET);
                assert_eq!(body()["input"]["text"], text);
                assert_eq!(
                    body()["voice"],
                    serde_json::json!({ "languageCode": "vi-VN", "name": "vi-VN-lan" })
                );
                assert_eq!(body()["audioConfig"]["audioEncoding"], "LINEAR16");
            }
            Kind::Azure => {
                assert_eq!(first.header("ocp-apim-subscription-key"), SECRET);
                assert_eq!(first.header("content-type"), "application/ssml+xml");
                assert_eq!(first.header("x-microsoft-outputformat"), "riff-24khz-16bit-mono-pcm");
                let ssml = String::from_utf8(first.body.clone()).unwrap();
                assert!(ssml.contains(text) && ssml.contains("rate=\"-20%\""), "{ssml}");
            }
        }
        for download in seen.iter().filter(|one| one.path.starts_with("/store")) {
            assert!(!download.holds_secret(), "{kind:?} sends its secret to the store");
        }
    }
}

#[tokio::test]
async fn what_is_no_sound_is_told() {
    for kind in Kind::ALL {
        for (mood, expected) in
            [(Mood::Page, "web page"), (Mood::Empty, "empty answer"), (Mood::HalfFile, "cut off")]
        {
            let (error, _) = fails(kind, mood).await;
            assert!(matches!(error, SynthesisError::BadAudio { .. }), "{kind:?} {mood:?}: {error}");
            assert!(error.to_string().contains(expected), "{kind:?} {mood:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_busy_engine_is_asked_again() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Mood::Busy).await;
        say(settings(kind, &server.url)).await.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        assert_eq!(server.seen().iter().filter(|one| one.method == Method::POST).count(), 2, "{kind:?}");
    }
}

#[tokio::test]
async fn an_engine_that_asks_for_a_long_rest_is_left_alone() {
    let (error, seen) = fails(Kind::Openai, Mood::BusyForLong).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3_600)));
    assert!(error.passes());
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn a_broken_server_is_given_up_on() {
    for kind in Kind::ALL {
        let (error, seen) = fails(kind, Mood::Broken).await;
        assert!(
            matches!(error, SynthesisError::Refused { status: 500, .. }) && error.passes(),
            "{kind:?}: {error}"
        );
        assert_eq!(seen.len(), 3, "{kind:?}: three attempts");
        assert!(error.to_string().contains("try again later"), "{error}");
    }
}

#[tokio::test]
async fn an_engines_own_refusal_is_quoted_without_the_secret() {
    for kind in Kind::ALL {
        let (error, seen) = fails(kind, Mood::OwnRefusal).await;
        let (SynthesisError::Declined { message, .. } | SynthesisError::Refused { status: 401, message, .. }) =
            &error
        else {
            panic!("{kind:?}: {error}");
        };
        assert_eq!(message, "khóa *** không đúng", "{kind:?}");
        assert!(!error.passes() && seen.len() == 1, "{kind:?}: asking again would not help");
    }
}

#[tokio::test]
async fn an_engine_that_never_answers_is_given_up_on() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Mood::Silent).await;
        let limit = Duration::from_millis(150);
        let hasty =
            HttpSettings { timeout: limit, attempts: NonZeroUsize::MIN, ..settings(kind, &server.url) };
        let error = say(hasty).await.unwrap_err();
        assert!(matches!(error, SynthesisError::TimedOut { .. }) && error.passes(), "{kind:?}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    for kind in Kind::ALL {
        let gone = settings(kind, "http://127.0.0.1:9");
        let error = say(gone).await.unwrap_err();
        assert!(matches!(error, SynthesisError::Unreachable { .. }) && error.passes(), "{kind:?}: {error}");
        assert_shows_no_secret(&error);
    }
}

#[tokio::test]
async fn a_sound_that_is_not_ready_is_looked_for_again() {
    for kind in URL_THEN_POLL {
        let server = Server::start(kind, Mood::ReadyAt(4)).await;
        say(settings(kind, &server.url)).await.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        let looks = server.seen().iter().filter(|one| one.method == Method::GET).count();
        assert!(looks >= 4, "{kind:?}: {looks}");

        let server = Server::start(kind, Mood::ReadyAt(u32::MAX)).await;
        let hasty = HttpSettings { ready_within: Duration::from_millis(50), ..settings(kind, &server.url) };
        let error = say(hasty).await.unwrap_err();
        assert!(matches!(error, SynthesisError::NotReady { .. }) && error.passes(), "{kind:?}: {error}");
    }
}

#[tokio::test]
async fn an_address_in_an_answer_has_to_be_a_web_address() {
    for kind in URL_THEN_POLL {
        let (error, _) = fails(kind, Mood::OddLink).await;
        assert!(error.to_string().contains("no http(s) address"), "{kind:?}: {error}");
    }
}

/// Every address that leads to this machine or its network, by number, by name and by way of a redirect.
#[tokio::test]
async fn an_address_in_an_answer_does_not_lead_into_the_controllers_own_network() {
    for kind in URL_THEN_POLL {
        let inside = Server::start(kind, Mood::Well).await;
        let port = inside.url.rsplit(':').next().unwrap();
        for host in ["127.0.0.2", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"] {
            for mood in [Mood::LinkElsewhere, Mood::LinkThatRedirects] {
                let server = Server::beside(kind, mood, &format!("http://{host}:{port}")).await;
                let error = say(settings(kind, &server.url)).await.unwrap_err();
                let shown = error.to_string();
                assert!(shown.contains("neither on the Internet nor"), "{kind:?} {mood:?} {host}: {shown}");
                assert!(!error.passes(), "{kind:?} {mood:?} {host}: asking again would not help");
                assert_shows_no_secret(&error);
            }
        }
        assert_eq!(inside.seen().len(), 0, "{kind:?} went there");
    }
}

#[tokio::test]
async fn an_address_in_an_answer_may_lead_to_another_port_of_the_configured_host() {
    for kind in URL_THEN_POLL {
        let store = Server::start(kind, Mood::Well).await;
        let server = Server::beside(kind, Mood::LinkElsewhere, &store.url).await;
        say(settings(kind, &server.url)).await.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        assert!(!store.seen()[0].holds_secret());
    }
}

#[tokio::test]
async fn an_error_in_json_with_a_status_of_success_is_no_sound() {
    for kind in Kind::ALL {
        let (error, seen) = fails(kind, Mood::JsonError).await;
        let told = matches!(error, SynthesisError::BadAudio { .. } | SynthesisError::Declined { .. });
        assert!(told && !error.passes() && seen.len() == 1, "{kind:?}: {error}");
    }
}

#[tokio::test]
async fn a_sound_counts_whatever_type_it_is_called() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Mood::WrongType).await;
        let pcm =
            say(settings(kind, &server.url)).await.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        assert!((480..=540).contains(&pcm.duration_ms()), "{kind:?}: {} ms", pcm.duration_ms());
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    for kind in Kind::ALL {
        let (error, seen) = fails(kind, Mood::Endless).await;
        assert!(error.to_string().contains("bytes for one sentence"), "{kind:?}: {error}");
        assert_eq!(seen.len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_is_given_up_on_and_asked_for_again() {
    for kind in Kind::ALL {
        let (error, seen) = fails(kind, Mood::HangsUp).await;
        assert!(matches!(error, SynthesisError::Unreachable { .. }) && error.passes(), "{kind:?}: {error}");
        assert_eq!(seen.len(), 3, "{kind:?}: three attempts");

        let server = Server::start(kind, Mood::Stalls).await;
        let hasty = HttpSettings {
            timeout: Duration::from_millis(150),
            attempts: NonZeroUsize::MIN,
            ..settings(kind, &server.url)
        };
        let error = say(hasty).await.unwrap_err();
        assert!(matches!(error, SynthesisError::TimedOut { .. }), "{kind:?}: {error}");
    }
}

#[tokio::test]
async fn a_refused_text_is_told_from_a_refused_account_and_from_trouble() {
    for kind in Kind::ALL {
        let (error, seen) = fails(kind, Mood::BadText).await;
        assert!(matches!(error, SynthesisError::Refused { status: 400, .. }), "{kind:?}: {error}");
        assert!(error.to_string().contains("input is not allowed"), "{kind:?}: {error}");
        assert!(error.is_about_the_text() && seen.len() == 1, "{kind:?}");
        for mood in [Mood::BusyForLong, Mood::Broken, Mood::Page] {
            assert!(!fails(kind, mood).await.0.is_about_the_text(), "{kind:?} {mood:?}");
        }
    }
}

#[tokio::test]
async fn a_secret_follows_no_redirect_to_another_host() {
    for kind in Kind::ALL {
        let other = Server::start(kind, Mood::Well).await;
        let server = Server::beside(kind, Mood::Elsewhere, &other.url).await;
        let error = say(settings(kind, &server.url)).await.unwrap_err();
        assert!(matches!(error, SynthesisError::Refused { status: 307, .. }), "{kind:?}: {error}");
        assert!(error.to_string().contains("another address"), "{kind:?}: {error}");
        assert_eq!(other.seen().len(), 0, "{kind:?} went there");
    }
}

#[tokio::test]
async fn an_older_piper_is_asked_at_its_root() {
    let server = Server::start(Kind::PiperHttp, Mood::Older).await;
    say(settings(Kind::PiperHttp, &server.url)).await.unwrap();
    let paths: Vec<String> = server.seen().into_iter().map(|one| one.path).collect();
    assert_eq!(paths, ["/synthesize", "/"]);
}

#[tokio::test]
async fn the_older_address_of_viettel_gets_its_own_shape() {
    let server = Server::start(Kind::Viettel, Mood::Well).await;
    let url = format!("{}/voice/api/tts/v1/rest/syn", server.url);
    say(settings(Kind::Viettel, &url)).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.header("token"), SECRET);
    assert_eq!(seen.json().get("token"), None);
}

#[tokio::test]
async fn any_file_that_a_person_could_upload_is_read() {
    const FILES: [(&str, &[u8]); 3] = [
        ("mp3", include_bytes!("../../../../audio-samples/phrase.mp3")),
        ("opus", include_bytes!("../../../../audio-samples/phrase-opus.ogg")),
        ("wav", include_bytes!("../../../../audio-samples/phrase.wav")),
    ];
    for (name, bytes) in FILES {
        let server = Server::start(Kind::Openai, Mood::File(bytes)).await;
        let pcm = say(settings(Kind::Openai, &server.url))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(pcm.duration_ms() > 1_000, "{name}: {} ms", pcm.duration_ms());
    }
}

#[tokio::test]
async fn a_voice_that_was_not_declared_is_refused_before_anything_is_sent() {
    let server = Server::start(Kind::Google, Mood::Well).await;
    let engine =
        HttpEngine::new(HttpSettings { voices: Vec::new(), ..settings(Kind::Google, &server.url) }).unwrap();
    let voice = Voice { id: "vi-VN-lan".to_owned(), words_per_minute: 124 };
    let error = engine.synthesize("Xin chào.", &voice).await.unwrap_err();
    assert!(matches!(error, SynthesisError::UnknownVoice { .. }), "{error}");
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn requests_keep_to_the_engines_rate() {
    let server = Server::start(Kind::Openai, Mood::Well).await;
    let requests_per_minute = NonZeroUsize::new(2).unwrap();
    let engine =
        HttpEngine::new(HttpSettings { requests_per_minute, ..settings(Kind::Openai, &server.url) }).unwrap();
    let voice = Voice { id: "vi-VN-lan".to_owned(), words_per_minute: 124 };
    for _ in 0..2 {
        engine.synthesize("Xin chào.", &voice).await.unwrap();
    }
    let third = engine.synthesize("Xin chào.", &voice);
    assert!(tokio::time::timeout(Duration::from_millis(300), third).await.is_err(), "the third has to wait");
    assert_eq!(server.seen().len(), 2);
}
