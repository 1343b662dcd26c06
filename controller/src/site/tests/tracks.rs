//! Recordings come in as forms with a file.

use loa_protocol::ids::ObjectHash;

use super::*;
use crate::config::Config;
use crate::domain::role::Role;

const BOUNDARY: &str = "loa-boundary";

fn multipart(fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .into_bytes(),
        );
    }
    if let Some((name, bytes)) = file {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"recording\"; filename=\"{name}\"\r\nContent-Type: audio/wav\r\n\r\n"
        );
        body.extend(head.into_bytes());
        body.extend_from_slice(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    body
}

async fn upload(web: &Web, browser: &mut Browser, path: &str, body: Vec<u8>) -> Answer {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = Request::post(path).header(header::CONTENT_TYPE, kind);
    web.answer(browser, request, Body::from(body)).await
}

#[tokio::test]
async fn a_recording_becomes_a_track_and_is_taken_out_again() {
    let mut config = Config::default();
    config.limits.upload_max_bytes = 64 * 1024;
    let web = Web::of(Story::with(config).await);
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let view = web.story.bulletin(&lan).await;
    let bulletin = format!("/bulletins/{}", view.bulletin.id);
    let path = format!("{bulletin}/tracks");
    let form = web.get(&mut browser, &bulletin).await.page().form(&path);
    let (csrf, seen) = (form.value("csrf").to_owned(), form.value("seen").to_owned());
    let fields = |language: &'static str, kind: &'static str| {
        [
            ("csrf", csrf.as_str()),
            ("seen", seen.as_str()),
            ("kind", kind),
            ("language", language),
            ("transcript", "Ơ bol kòn bòn!"),
            ("voice", "vi:vi"),
        ]
    };

    let too_large = vec![1; 65 * 1024];
    for (body, told) in [
        (multipart(&fields("kpm", "recording"), None), "Chưa chọn tệp âm thanh"),
        (multipart(&fields("kpm", "recording"), Some(("", b""))), "Chưa chọn tệp âm thanh"),
        (multipart(&fields("kpm", "recording"), Some(("a.wav", b""))), "Tệp thu âm rỗng"),
        (multipart(&fields("kpm", "recording"), Some(("a.wav", &too_large))), "lớn hơn"),
        (multipart(&fields("", "recording"), Some(("a.wav", b"RIFF"))), "Hãy chọn một mục"),
        (multipart(&fields("kpm", ""), None), "Hãy chọn một mục"),
        (multipart(&fields("kpm", "speech"), None), "Chưa có giọng đọc máy"),
    ] {
        let refused = upload(&web, &mut browser, &path, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{told}: {}", refused.html);
        assert!(refused.html.contains(told), "{told}: {}", refused.html);
    }
    // The file comes after the token, or not at all.
    let mut first = multipart(&[], Some(("a.wav", b"RIFF")));
    first.truncate(first.len() - format!("--{BOUNDARY}--\r\n").len());
    first.extend(multipart(&fields("kpm", "recording"), None));
    assert_eq!(upload(&web, &mut browser, &path, first).await.status, StatusCode::FORBIDDEN);
    let none = multipart(&[("language", "kpm"), ("kind", "recording")], Some(("a.wav", b"RIFF")));
    assert_eq!(upload(&web, &mut browser, &path, none).await.status, StatusCode::FORBIDDEN);

    let body = multipart(&fields("kpm", "recording"), Some(("C:\\thu âm\\kho.wav", b"RIFF and more")));
    let added = upload(&web, &mut browser, &path, body).await;
    let page = web.follow(&mut browser, &added).await;
    assert!(page.html.contains("Tiếng K&#39;Ho") && page.html.contains("kho.wav"), "{}", page.html);
    assert!(page.html.contains("Ơ bol kòn bòn!"), "{}", page.html);
    let view = web.story.services.bulletins.get(&lan, &view.bulletin.id).await.unwrap();
    assert_eq!(view.latest.tracks.len(), 2);

    // Editing the words leaves the recording alone.
    let edit = format!("{bulletin}/edit");
    let form = web.get(&mut browser, &edit).await.page().form(&edit).with("title", "Tiêu đề khác");
    let form =
        form.with("text", "Lời khác").with("category", "health").with("class", "normal").with("speak", "vi");
    web.send(&mut browser, &form).await.to();
    let view = web.story.services.bulletins.get(&lan, &view.bulletin.id).await.unwrap();
    let languages: Vec<&str> = view.latest.tracks.iter().map(|t| t.content.language.as_str()).collect();
    assert_eq!(languages, ["vi", "kpm"]);

    let remove = format!("{path}/{}/remove", view.latest.tracks[1].id);
    let form = web.get(&mut browser, &bulletin).await.page().form(&remove);
    assert_eq!(web.send(&mut browser, &form).await.to(), bulletin);
    let view = web.story.services.bulletins.get(&lan, &view.bulletin.id).await.unwrap();
    assert_eq!(view.latest.tracks.len(), 1);
}

#[tokio::test]
async fn a_consent_is_never_ticked_by_the_page_and_is_noted_with_the_recording() {
    let web = Web::of(Story::new().await);
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let mut browser = web.browser(&lan).await;
    let view = web.story.bulletin(&lan).await;
    let id = &view.bulletin.id;
    let bulletin = format!("/bulletins/{id}");
    let path = format!("{bulletin}/tracks");
    let record = web.get(&mut browser, &format!("{bulletin}/record?language=kpm")).await.page();
    assert!(record.html.contains("<option value=\"kpm\" selected>"), "{}", record.html);
    assert_eq!(record.headers["permissions-policy"], "camera=(), geolocation=(), microphone=(self)");
    let elsewhere = web.get(&mut browser, &bulletin).await.page();
    assert_eq!(elsewhere.headers["permissions-policy"], "camera=(), geolocation=(), microphone=()");
    let form = record.form(&path);
    let (csrf, seen) = (form.value("csrf").to_owned(), form.value("seen").to_owned());
    let fields = |more: &[(&'static str, &'static str)]| {
        let own =
            [("csrf", csrf.as_str()), ("seen", seen.as_str()), ("kind", "recording"), ("language", "kpm")];
        own.into_iter().chain(more.iter().copied()).collect::<Vec<_>>()
    };
    let consents = async || web.story.services.bulletins.consents(&lan, id).await.unwrap();

    let nameless = multipart(&fields(&[("consent", "yes"), ("speaker", " ")]), Some(("a.ogg", b"OggS")));
    let refused = upload(&web, &mut browser, &path, nameless).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("Hãy ghi tên người đọc"), "{}", refused.html);
    // Whoever has to send it again has to mean it again.
    for page in [&record.html, &refused.html] {
        let at = page.find("name=\"consent\"").unwrap();
        let tag = &page[at..at + page[at..].find('>').unwrap()];
        assert!(!tag.contains("checked"), "{tag}");
    }

    let without = multipart(&fields(&[("speaker", "K' Brèo")]), Some(("a.ogg", b"OggS")));
    assert_eq!(upload(&web, &mut browser, &path, without).await.to(), bulletin);
    assert_eq!(consents().await, [], "a name alone is no consent");

    let page = web.get(&mut browser, &bulletin).await.page();
    let noting = format!("{bulletin}/recordings/{}/consent", ObjectHash::of(b"OggS"));
    let unticked = web.send(&mut browser, &page.form(&noting).with("speaker", "K' Brèo")).await;
    assert_eq!(unticked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unticked.html.contains("Chưa đánh dấu ô đồng ý"), "{}", unticked.html);
    assert!(unticked.html.contains("value=\"K&#39; Brèo\""), "{}", unticked.html);
    let nameless = page.form(&noting).with("speaker", " ").with("consent", "yes");
    let nameless = web.send(&mut browser, &nameless).await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY);
    let (field, error) = ("aria-describedby=\"speaker-error-", "id=\"speaker-error-");
    assert!(nameless.html.contains(field) && nameless.html.contains(error), "{}", nameless.html);
    assert!(nameless.html.contains("Hãy ghi tên người đọc"), "{}", nameless.html);
    assert_eq!(consents().await, []);
    let ticked = page.form(&noting).with("speaker", "K' Brèo").with("consent", "yes");
    assert_eq!(web.send(&mut browser, &ticked).await.to(), bulletin);
    assert!(consents().await[0].1.stands());

    let page = web.get(&mut browser, &bulletin).await.page();
    assert!(page.html.contains("K&#39; Brèo đồng ý"), "{}", page.html);
    let withdrawal = page.form(&format!("{noting}/withdraw"));
    assert_eq!(web.send(&mut browser, &withdrawal).await.to(), bulletin);
    assert!(!consents().await[0].1.stands());
    let page = web.get(&mut browser, &bulletin).await.page();
    assert!(page.html.contains("đã rút lại đồng ý") && !page.html.contains("Brèo"), "{}", page.html);
    // Whoever is asked anew may agree.
    let again = page.form(&noting).with("speaker", "K' Brèo").with("consent", "yes");
    assert_eq!(web.send(&mut browser, &again).await.to(), bulletin);
    assert!(consents().await[0].1.stands());
}

#[tokio::test]
async fn who_may_not_write_gets_no_recorder_and_what_is_submitted_takes_no_recording() {
    let web = Web::of(Story::new().await);
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Author, "phu-son").await;
    let view = web.story.submitted(&lan).await;
    let record = format!("/bulletins/{}/record", view.bulletin.id);
    let mut stranger = web.browser(&hoa).await;
    assert_eq!(web.get(&mut stranger, &record).await.status, StatusCode::FORBIDDEN);
    let mut author = web.browser(&lan).await;
    assert_eq!(web.get(&mut author, &record).await.to(), format!("/bulletins/{}", view.bulletin.id));
}
