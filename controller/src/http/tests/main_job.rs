//! From a typed text to a schedule on air, and listening to it.

use std::io;
use std::task::Poll;

use axum::body::{Body, Bytes};
use axum::http::header;
use serde_json::{Value, json};

use super::{Browser, Web};
use crate::config::Config;
use crate::domain::role::{ClassSet, Role};
use crate::services::story::{Story, area};

fn bulletin() -> Value {
    json!({
        "area": "da-don",
        "title": "Lịch cắt điện",
        "text": "Sáng mai mất điện từ 8 giờ.",
        "category": "local_notice",
        "class": "normal",
    })
}

#[tokio::test]
async fn a_bulletin_is_written_heard_approved_and_scheduled() {
    let web = Web::new().await;
    let author = web.story.person("lan", Role::Author, "da-don").await;
    let approver = web.story.person("minh", Role::Approver, "da-don").await;
    let (lan, minh) = (web.browser(&author).await, web.browser(&approver).await);

    let made = web.call(&lan, "POST", "/bulletins", bulletin()).await.ok(201);
    assert_eq!(made["latest"]["tracks"][0]["making"], json!("queued"));
    web.story.make_sounds().await;
    let path = format!("/bulletins/{}", made["id"].as_str().unwrap());
    let heard = web.get(&lan, &path).await.ok(200);
    let object = heard["latest"]["tracks"][0]["object"].as_str().unwrap();
    let sound = web.get(&lan, &format!("/objects/{object}")).await;
    assert!(sound.bytes.starts_with(b"sound of"));

    let seen = json!({ "seen": heard["seen"] });
    let submitted = web.call(&lan, "POST", &format!("{path}/submit"), seen.clone()).await.ok(200);
    assert_eq!(submitted["latest"]["state"], json!("submitted"));
    let own = web.call(&lan, "POST", &format!("{path}/approve"), seen.clone()).await;
    assert_eq!(own.problem(), (403, "forbidden.approve".to_owned()));
    let approved = web.call(&minh, "POST", &format!("{path}/approve"), seen).await.ok(200);
    assert_eq!((&approved["latest"]["state"], &approved["on_air_revision"]), (&json!("approved"), &json!(1)));

    let form =
        json!({ "bulletin": made["id"], "cron": "30 17 * * *", "areas": ["da-don"], "nodes": ["cum-1"] });
    let preview = web.call(&lan, "POST", "/schedules/preview", form.clone()).await.ok(200);
    assert_eq!(preview["starts"][0], json!("2026-11-22T10:30:00.000Z"), "17:30 in Viet Nam");
    assert_eq!(preview["starts"].as_array().unwrap().len(), 10);
    let schedule = web.call(&lan, "POST", "/schedules", form).await.ok(201);
    assert_eq!((&schedule["on_air"], &schedule["next"]), (&json!(true), &preview["starts"][0]));
    let coverage = web.get(&minh, &format!("{path}/coverage")).await.ok(200);
    assert_eq!((&coverage["targeted"], &coverage["played"]), (&json!(2), &json!(0)));

    let listed = web.get(&minh, "/bulletins?state=approved&on_air=true").await.ok(200);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["authors"]), (1, &json!(["lan"])));
    let log = web.get(&minh, &format!("/audit?subject={}", made["id"].as_str().unwrap())).await.ok(200);
    let actions: Vec<&str> = log.as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["bulletin.approved", "bulletin.submitted", "bulletin.created"]);

    let cancel = format!("/schedules/{}/cancel", schedule["id"].as_str().unwrap());
    assert_eq!(web.call(&minh, "POST", &cancel, json!({})).await.ok(200)["on_air"], json!(false));
    let gone = web.call(&minh, "POST", &format!("{path}/withdraw"), json!({})).await.ok(200);
    assert_eq!(gone["latest"]["state"], json!("withdrawn"));
}

#[tokio::test]
async fn an_edit_names_what_was_seen() {
    let web = Web::new().await;
    let lan = web.browser(&web.story.person("lan", Role::Author, "da-don").await).await;
    let made = web.call(&lan, "POST", "/bulletins", bulletin()).await.ok(201);
    let path = format!("/bulletins/{}", made["id"].as_str().unwrap());
    let mut form = bulletin();
    assert_eq!(web.call(&lan, "PUT", &path, form.clone()).await.problem(), (422, "value.missing".to_owned()));
    form["seen"] = made["seen_words"].clone();
    form["title"] = json!("Lịch cắt điện (sửa)");
    // The sound is finished meanwhile: no obstacle.
    web.story.make_sounds().await;
    let edited = web.call(&lan, "PUT", &path, form.clone()).await.ok(200);
    assert_eq!(edited["latest"]["title"], form["title"]);
    assert_eq!(web.call(&lan, "PUT", &path, form).await.problem(), (409, "bulletin.stale".to_owned()));
}

#[tokio::test]
async fn a_sound_is_served_in_ranges_to_those_who_may_hear_it() {
    let web = Web::new().await;
    let author = web.story.person("lan", Role::Author, "da-don").await;
    let stranger = web.story.person("xuan", Role::Author, "phu-son").await;
    let view = web.story.bulletin(&author).await;
    let path = format!("/objects/{}", view.latest.tracks[0].object.unwrap());
    let lan = web.browser(&author).await;

    let ranged =
        web.request(&lan, "GET", &path).header(header::RANGE, "bytes=0-4").body(Body::empty()).unwrap();
    let answer = web.send(ranged).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.as_slice()), (206, &b"sound"[..]));
    assert_eq!(answer.header("content-type"), "audio/ogg; codecs=opus");
    let etag = answer.header("etag").to_owned();
    let again =
        web.request(&lan, "GET", &path).header(header::IF_NONE_MATCH, etag).body(Body::empty()).unwrap();
    let answer = web.send(again).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.len()), (304, 0));

    let elsewhere = web.browser(&stranger).await;
    assert_eq!(web.get(&elsewhere, &path).await.problem(), (403, "forbidden.read".to_owned()));
    let unknown = format!("/objects/{}", "ab".repeat(32));
    assert_eq!(web.get(&lan, &unknown).await.problem(), (404, "sound.not_found".to_owned()));
    assert_eq!(web.get(&Browser::default(), &path).await.status, 401);
}

fn multipart(parts: &[(&str, Option<&str>, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file_name, content) in parts {
        let file = file_name.map(|f| format!("; filename=\"{f}\"")).unwrap_or_default();
        body.extend_from_slice(
            format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x--\r\n");
    ("multipart/form-data; boundary=x".to_owned(), body)
}

#[tokio::test]
async fn a_recording_becomes_a_track() {
    let mut config = Config::default();
    config.limits.upload_max_bytes = 3 * 1024 * 1024;
    let web = Web::of(Story::with(config).await);
    let author = web.story.person("lan", Role::Author, "da-don").await;
    let lan = web.browser(&author).await;
    let view = web.story.bulletin(&author).await;
    let path = format!("/bulletins/{}/tracks", view.bulletin.id);
    let seen = view.seen_words().to_string();
    let post = async |parts: &[(&str, Option<&str>, &[u8])]| {
        let (kind, body) = multipart(parts);
        let request = web.request(&lan, "POST", &path).header(header::CONTENT_TYPE, kind);
        web.send(request.body(Body::from(body)).unwrap()).await
    };
    let file = Some("k'ho.wav");

    let large = vec![7; 3 * 1024 * 1024 + 1];
    let parts = [("seen", None, seen.as_bytes()), ("language", None, b"kpm"), ("recording", file, &large)];
    assert_eq!(post(&parts).await.problem(), (413, "recording.too_large".to_owned()));
    assert_eq!(post(&parts[..2]).await.problem(), (422, "recording.missing".to_owned()));
    // Larger than other bodies may be.
    let parts = [parts[0], parts[1], ("recording", file, &large[..2 * 1024 * 1024])];
    let made = post(&parts).await.ok(201);
    let track = &made["latest"]["tracks"][1];
    assert_eq!(
        (&track["language"], &track["source"], &track["file_name"], &track["making"]),
        (&json!("kpm"), &json!("recording"), &json!("k'ho.wav"), &json!("queued"))
    );
    let (seen, upload) = (made["seen_words"].as_str().unwrap(), track["upload"].as_str().unwrap());
    let consents = format!("/bulletins/{}/consents", view.bulletin.id);
    assert_eq!(web.get(&lan, &consents).await.ok(200), json!([]), "a recording alone is no consent");
    let words = ("transcript", None, "Ơ bol kòn bòn!".as_bytes());
    let (agreed, by) = (("consent", None, &b"yes"[..]), ("speaker", None, "K' Brèo".as_bytes()));
    let parts =
        [("seen", None, seen.as_bytes()), parts[1], words, agreed, by, ("recording", file, &large[..1024])];
    let made = post(&parts).await.ok(201);
    assert_eq!(made["latest"]["tracks"][1]["text"], "Ơ bol kòn bòn!");
    let noted = web.get(&lan, &consents).await.ok(200);
    assert_eq!((&noted[0]["speaker"], &noted[0]["withdrawn"]), (&json!("K' Brèo"), &json!(null)));
    let first = web.call(&lan, "PUT", &format!("{consents}/{upload}"), json!({ "speaker": "Ka Hem" })).await;
    assert_eq!(first.problem(), (404, "track.not_found".to_owned()), "the draft has the second take alone");
    let taken = format!("{consents}/{}", noted[0]["upload"].as_str().unwrap());
    assert_eq!(web.call(&lan, "DELETE", &taken, json!({})).await.status.as_u16(), 204);
    let noted = web.get(&lan, &consents).await.ok(200);
    assert_eq!((&noted[0]["speaker"], noted[0]["withdrawn"].is_string()), (&json!(null), true));
    let removed = format!("{path}/kpm?seen={}", made["seen_words"].as_str().unwrap());
    let removed = web.call(&lan, "DELETE", &removed, json!({})).await.ok(200);
    assert_eq!(removed["latest"]["tracks"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_recording_is_one_file_of_somebody_who_may_write_there_and_comes_before_the_submission() {
    let web = Web::new().await;
    let author = web.story.person("lan", Role::Author, "da-don").await;
    let lan = web.browser(&author).await;
    let view = web.story.bulletin(&author).await;
    let path = format!("/bulletins/{}/tracks", view.bulletin.id);
    let seen = view.seen_words().to_string();
    let head = [("seen", None, seen.as_bytes()), ("language", None, &b"kpm"[..])];
    let (first, second) =
        (("recording", Some("a.ogg"), &b"OggS"[..]), ("recording", Some("b.ogg"), &b"b"[..]));
    let post = async |browser: &Browser, parts: &[(&str, Option<&str>, &[u8])]| {
        let (kind, body) = multipart(parts);
        let request = web.request(browser, "POST", &path).header(header::CONTENT_TYPE, kind);
        web.send(request.body(Body::from(body)).unwrap()).await
    };
    let several = post(&lan, &[head[0], head[1], first, second]).await;
    assert_eq!(several.problem(), (422, "recording.several".to_owned()));

    // Who approves here and writes elsewhere may not write here: not a byte of the body is asked for.
    let both = web.story.person("minh", Role::Approver, "da-don").await;
    let (users, id) = (&web.story.services.users, both.user_id().unwrap());
    users.grant(&web.story.operator, id, Role::Author, Some(&area("phu-son")), ClassSet::ALL).await.unwrap();
    let minh = web.browser(&both).await;
    let unread =
        futures_util::stream::poll_fn(|_| -> Poll<Option<io::Result<Bytes>>> { panic!("it was read") });
    let (kind, _) = multipart(&[]);
    let request = web.request(&minh, "POST", &path).header(header::CONTENT_TYPE, kind);
    let refused = web.send(request.body(Body::from_stream(unread)).unwrap()).await;
    assert_eq!(refused.problem(), (403, "forbidden.write".to_owned()));

    post(&lan, &[head[0], head[1], first]).await.ok(201);
    web.story.make_sounds().await;
    let bulletins = &web.story.services.bulletins;
    let submitted = bulletins.get(&author, &view.bulletin.id).await.unwrap();
    let submitted = bulletins.submit(&author, &view.bulletin.id, &submitted.seen()).await.unwrap();
    let seen = submitted.seen_words().to_string();
    let head = [("seen", None, seen.as_bytes()), head[1]];
    let late = post(&lan, &[head[0], head[1], second]).await;
    assert_eq!(late.problem(), (409, "track.submitted".to_owned()));
    // The answer to the first try was lost: it is told that all is well, and nothing is taken back.
    assert_eq!(post(&lan, &[head[0], head[1], first]).await.ok(201)["latest"]["state"], "submitted");
    assert_eq!(bulletins.get(&author, &view.bulletin.id).await.unwrap().latest, submitted.latest);
}

#[tokio::test]
async fn places_nodes_and_people_are_set_up() {
    let web = Web::new().await;
    let admin = web.browser(&web.story.person("quan", Role::Admin, "").await).await;
    let form = json!({ "name": "Thôn 3", "level": "thôn", "parent": "da-don", "languages": ["kpm", "vi"] });
    let area = web.call(&admin, "POST", "/areas", form).await.ok(201);
    assert_eq!(area["path"], json!(["lam-dong", "da-don", "thon-3"]));
    let view = web.story.bulletin(&web.story.operator).await;
    let bulletin = web.get(&admin, &format!("/bulletins/{}", view.bulletin.id)).await.ok(200);
    let village = json!({ "id": "thon-3", "name": "Thôn 3", "hears": "own" });
    let missing = json!([{ "language": "kpm", "villages": [village] }]);
    assert_eq!(bulletin["missing_languages"], missing);
    let languages = web.get(&admin, "/languages").await.ok(200);
    let koho = languages.as_array().unwrap().iter().find(|l| l["code"] == "kpm").unwrap();
    assert_eq!((&koho["people"], &koho["has_voice"]), (&json!("Cơ Ho"), &json!(false)));
    let form = json!({ "name": "Cụm 3", "area": "thon-3", "serial": "SN-7" });
    let node = web.call(&admin, "POST", "/nodes", form).await.ok(201);
    assert_eq!(
        (&node["id"], &node["state"], &node["volume_percent"]),
        (&json!("cum-3"), &json!("pending"), &json!(80))
    );
    let token = web.call(&admin, "POST", "/nodes/cum-3/enrolment-token", json!({})).await.ok(201);
    assert!(token["token"].as_str().unwrap().starts_with("loa1."), "{token}");
    assert_eq!(token["expires"], json!("2026-11-25T01:00:00.000Z"));
    let revoked = web.call(&admin, "POST", "/nodes/cum-3/revoke", json!({ "reason": "hỏng" })).await.ok(200);
    assert_eq!(revoked["state"], json!("revoked"));
    assert_eq!(web.get(&admin, "/nodes/cum-3/health").await.ok(200), json!([]));
    assert_eq!(web.get(&admin, "/nodes/cum-3/events").await.ok(200), json!([]));

    let form = json!({ "name": "hoa", "display_name": "Trần Thị Hoa", "home": "da-don" });
    let user = web.call(&admin, "POST", "/users", form).await.ok(201);
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    let grant = json!({ "role": "author", "area": "da-don" });
    let granted = web.call(&admin, "POST", &format!("{path}/grants"), grant).await.ok(200);
    assert_eq!(
        granted["grants"][0]["classes"],
        json!(["normal", "priority"]),
        "emergencies are asked for by name"
    );
    let link = web.call(&admin, "POST", &format!("{path}/sign-in-link"), json!({})).await.ok(201);
    assert!(link["url"].as_str().unwrap().starts_with("http://loa.example/welcome/"));
    let taken =
        web.call(&admin, "DELETE", &format!("{path}/grants?role=author&area=da-don"), json!({})).await;
    assert_eq!(taken.ok(200)["grants"], json!([]));
    assert_eq!(
        web.call(&admin, "PUT", &format!("{path}/disabled"), json!({ "disabled": true })).await.status,
        204
    );
    let dead = json!({ "token": link["token"] });
    let dead = web.call(&Browser::default(), "POST", "/session/link", dead).await;
    assert_eq!(dead.problem(), (401, "link.dead".to_owned()));
}
