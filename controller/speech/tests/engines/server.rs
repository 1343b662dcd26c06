//! A server that speaks each engine's shape, and goes wrong in the way that it is told to.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use loa_speech::Kind;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const SECRET: &str = "sk-rat-bi-mat-0123456789";

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// A web page with status 200.
    Page,
    Empty,
    /// Once 429 with `Retry-After: 0`, then well.
    Busy,
    /// 429 with a long `Retry-After`, always.
    BusyForLong,
    Broken,
    HalfFile,
    /// Refuses in the engine's own words, and quotes the key.
    OwnRefusal,
    /// Accepts and never answers.
    Silent,
    /// The sound is ready at the n-th look.
    ReadyAt(u32),
    /// Sends everybody to another host.
    Elsewhere,
    /// Names an address that is no web address.
    OddLink,
    /// Names an address on the host that it was told of.
    LinkElsewhere,
    /// Names an address of its own, which sends to the host that it was told of.
    LinkThatRedirects,
    /// An error in JSON with status 200, in no engine's shape.
    JsonError,
    /// Its sound under a type that is none.
    WrongType,
    /// A body without end.
    Endless,
    /// The head of an answer, and never its body.
    Stalls,
    /// Closes the connection in the middle of a body.
    HangsUp,
    /// 400 for this text.
    BadText,
    /// A Piper server of before `/synthesize`.
    Older,
    /// Answers with this file.
    File(&'static [u8]),
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Whether the secret is anywhere in it.
    pub(crate) fn holds_secret(&self) -> bool {
        let headers =
            self.headers.values().any(|value| String::from_utf8_lossy(value.as_bytes()).contains(SECRET));
        headers || String::from_utf8_lossy(&self.body).contains(SECRET)
    }
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    kind: Kind,
    mood: Mood,
    url: String,
    elsewhere: String,
    seen: Mutex<Vec<Seen>>,
}

impl Server {
    pub(crate) async fn start(kind: Kind, mood: Mood) -> Self {
        Self::beside(kind, mood, "").await
    }

    /// A server that redirects or links to `elsewhere` when it's in such a mood.
    pub(crate) async fn beside(kind: Kind, mood: Mood, elsewhere: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let elsewhere = elsewhere.to_owned();
        let shared = Arc::new(Shared { kind, mood, url: url.clone(), elsewhere, seen: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }
}

/// Half a second of a tone, as a 24 kHz WAV file.
pub(crate) fn tone() -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 24_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for n in 0..12_000_u32 {
        let sample = (f64::from(n) * 0.1).sin() * 9_000.0;
        writer.write_sample(sample as i16).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let count = {
        let mut seen = shared.seen.lock().unwrap();
        seen.push(Seen { method: method.clone(), path: path.clone(), headers, body: body.to_vec() });
        seen.iter().filter(|one| one.method == method).count() as u32
    };
    let mut file = tone();
    match shared.mood {
        Mood::Page => {
            return ([(header::CONTENT_TYPE, "text/html")], "<!doctype html><title>Sign in</title>")
                .into_response();
        }
        Mood::Empty => return StatusCode::OK.into_response(),
        Mood::Busy if method == Method::POST && count == 1 => return busy("0"),
        Mood::BusyForLong => return busy("3600"),
        Mood::Broken => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Silent => return std::future::pending().await,
        Mood::Elsewhere => {
            let location = [(header::LOCATION, format!("{}{path}", shared.elsewhere))];
            return (StatusCode::TEMPORARY_REDIRECT, location).into_response();
        }
        Mood::OwnRefusal => return own_refusal(shared.kind),
        Mood::Older if path == "/synthesize" => return StatusCode::NOT_FOUND.into_response(),
        Mood::BadText => {
            let said = json!({ "error": { "message": "input is not allowed" } });
            return (StatusCode::BAD_REQUEST, axum::Json(said)).into_response();
        }
        Mood::JsonError => return axum::Json(json!({ "ok": false, "reason": "hết tiền" })).into_response(),
        Mood::Endless => {
            let pieces = futures_util::stream::repeat_with(|| Ok::<_, Infallible>(vec![b' '; 1 << 20]));
            return Body::from_stream(pieces).into_response();
        }
        Mood::Stalls => {
            let never = futures_util::stream::pending::<Result<Vec<u8>, Infallible>>();
            return Body::from_stream(never).into_response();
        }
        Mood::HangsUp => {
            let half = futures_util::stream::iter([Ok(file), Err(std::io::Error::other("gone"))]);
            return Body::from_stream(half).into_response();
        }
        Mood::LinkThatRedirects if path == "/store/sound.wav" => {
            let location = [(header::LOCATION, format!("{}{path}", shared.elsewhere))];
            return (StatusCode::FOUND, location).into_response();
        }
        Mood::HalfFile => file.truncate(file.len() / 2),
        Mood::File(bytes) => file = bytes.to_vec(),
        Mood::Well
        | Mood::Busy
        | Mood::ReadyAt(_)
        | Mood::OddLink
        | Mood::LinkElsewhere
        | Mood::LinkThatRedirects
        | Mood::WrongType
        | Mood::Older => {}
    }
    let ready = !matches!(shared.mood, Mood::ReadyAt(looks) if count < looks);
    let store = if shared.mood == Mood::LinkElsewhere { &shared.elsewhere } else { &shared.url };
    let link = if shared.mood == Mood::OddLink {
        "file:///etc/passwd".to_owned()
    } else {
        format!("{store}/store/sound.wav?signature=chu-ky")
    };
    let sound = |file: Vec<u8>| {
        let kind = if shared.mood == Mood::WrongType { "text/plain; charset=utf-8" } else { "audio/wav" };
        ([(header::CONTENT_TYPE, kind)], file).into_response()
    };
    match (shared.kind, path.as_str()) {
        (_, "/store/sound.wav") if !ready && shared.kind == Kind::Fpt => {
            StatusCode::NOT_FOUND.into_response()
        }
        (_, "/store/sound.wav") => sound(file),
        (Kind::Fpt, "/hmi/tts/v5") => {
            axum::Json(json!({ "async": link, "error": 0, "message": "ok", "request_id": "r1" }))
                .into_response()
        }
        (Kind::Vbee, "/api/v1/tts") => {
            axum::Json(json!({ "status": 1, "result": { "request_id": "req-1", "status": "IN_PROGRESS" } }))
                .into_response()
        }
        (Kind::Vbee, "/api/v1/tts/req-1") => {
            let result = if ready {
                json!({ "status": "SUCCESS", "progress": 100, "audio_link": link })
            } else {
                json!({ "status": "IN_PROGRESS", "progress": 30 })
            };
            axum::Json(json!({ "status": 1, "result": result })).into_response()
        }
        (Kind::Google, "/v1/text:synthesize") => {
            axum::Json(json!({ "audioContent": BASE64.encode(&file) })).into_response()
        }
        (Kind::Openai, "/v1/audio/speech")
        | (Kind::Azure, "/cognitiveservices/v1")
        | (Kind::Viettel, "/tts/speech_synthesis" | "/voice/api/tts/v1/rest/syn")
        | (Kind::PiperHttp, "/synthesize" | "/") => sound(file),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn busy(seconds: &'static str) -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds)]).into_response()
}

fn own_refusal(kind: Kind) -> Response {
    let quote = format!("khóa {SECRET} không đúng");
    let (status, body) = match kind {
        Kind::Fpt => (StatusCode::OK, json!({ "error": 3, "message": quote })),
        Kind::Vbee => (StatusCode::OK, json!({ "status": 0, "error_code": "E17", "error_message": quote })),
        Kind::Viettel => (StatusCode::OK, json!({ "code": 401, "vi_message": quote })),
        Kind::Google | Kind::Openai | Kind::Azure | Kind::PiperHttp => {
            (StatusCode::UNAUTHORIZED, json!({ "error": { "code": 401, "message": quote } }))
        }
    };
    (status, axum::Json(body)).into_response()
}
