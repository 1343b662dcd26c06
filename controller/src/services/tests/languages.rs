//! What villages need and what bulletins have.

use loa_protocol::bulletin::Language;
use loa_protocol::ids::{AreaId, BulletinId};

use crate::domain::area::AreaDraft;
use crate::domain::bulletin::{SourceDraft, TrackDraft};
use crate::domain::role::Role;
use crate::services::ServiceError;
use crate::services::story::{Story, area, draft, node, once, schedule_draft};
use crate::store::areas;

async fn speaks(story: &Story, id: &str, languages: &[&str]) -> Result<Vec<String>, ServiceError> {
    let before = story.services.areas.get(&story.operator, &area(id)).await?;
    let draft = AreaDraft {
        name: before.name,
        level: before.level,
        languages: languages.iter().map(|code| (*code).to_owned()).collect(),
        zone: String::new(),
    };
    let after = story.services.areas.update(&story.operator, &area(id), &draft).await?;
    Ok(after.languages.iter().map(ToString::to_string).collect())
}

/// What is missing of the bulletin: `language: village village`.
async fn missing(story: &Story, id: &BulletinId) -> Vec<String> {
    let missing = story.services.bulletins.missing_languages(&story.operator, id).await.unwrap();
    let ids = |villages: &[crate::domain::language::Village]| {
        villages.iter().map(|village| village.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    missing.languages.iter().map(|m| format!("{}: {}", m.language, ids(&m.villages))).collect()
}

#[tokio::test]
async fn an_unknown_language_is_refused_and_an_older_one_is_kept() {
    let story = Story::new().await;
    assert_eq!(speaks(&story, "thon-1", &["cma", "vi", "kpm"]).await.unwrap(), ["cma", "vi", "kpm"]);
    let Err(ServiceError::Invalid(refused)) = speaks(&story, "thon-1", &["vi", "kho"]).await else {
        panic!()
    };
    assert_eq!(refused.to_string(), "languages[1]: language.unknown");
    // A row of before the list: its code is in no list, and an edit of it loses nothing.
    let mut tx = story.services.store().write().await.unwrap();
    let older = areas::get(&mut tx, &area("thon-2")).await.unwrap().unwrap();
    let values = crate::domain::area::AreaValues {
        name: older.name,
        level: older.level,
        languages: vec![Language::new("xyz").unwrap()],
        zone: None,
    };
    areas::update(&mut tx, &area("thon-2"), &values).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(speaks(&story, "thon-2", &["vi", "xyz"]).await.unwrap(), ["vi", "xyz"]);
    assert!(speaks(&story, "thon-1", &["xyz"]).await.is_err(), "it is no language of this one");

    let author = story.person("lan", Role::Author, "da-don").await;
    let source = SourceDraft::Speech { text: "A".to_owned(), voice: String::new(), words_per_minute: None };
    let tracks = vec![TrackDraft { language: "Kinh".to_owned(), source }];
    let typed = crate::domain::bulletin::BulletinDraft { tracks, ..draft() };
    let refused = story.services.bulletins.create(&author, &area("da-don"), &typed, None).await.unwrap_err();
    let ServiceError::Invalid(refused) = refused else { panic!() };
    let first = refused.iter().next().unwrap();
    assert_eq!(first.field, "tracks[0].language");
    assert!(first.message.vi.ends_with("Có phải vi (Việt) không?"), "{}", first.message.vi);
}

#[tokio::test]
async fn a_bulletin_is_flagged_for_the_languages_that_its_villages_need() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let id = story.bulletin(&author).await.bulletin.id;
    assert!(missing(&story, &id).await.is_empty(), "nobody said that anybody speaks anything else");
    // A commune's languages are those of its villages, save where a village has its own.
    speaks(&story, "da-don", &["kpm", "vi"]).await.unwrap();
    speaks(&story, "thon-2", &["cma"]).await.unwrap();
    assert_eq!(missing(&story, &id).await, ["kpm: thon-1", "cma: thon-2"]);
    let told = story.services.bulletins.missing_languages(&story.operator, &id).await.unwrap();
    let instead: Vec<&AreaId> = told.vietnamese_instead.iter().map(|village| &village.id).collect();
    assert_eq!(instead, [&area("thon-2")], "which hears the Vietnamese track");
    assert!(told.silent.is_empty());

    // Once it is scheduled, those count at which it aims; cancelled, the area again.
    let schedules = &story.services.schedules;
    let only_2 = schedule_draft(&id, once("2026-11-22T17:30"), &["thon-2"]);
    let planned = schedules.create(&story.operator, &only_2, None).await.unwrap();
    assert_eq!(missing(&story, &id).await, ["cma: thon-2"]);
    let mut node_of_1 = schedule_draft(&id, once("2026-11-22T17:30"), &[]);
    node_of_1.nodes = vec![node("cum-1").to_string()];
    let preview = schedules.preview(&story.operator, &node_of_1).await.unwrap().missing;
    assert_eq!(preview.languages.len(), 1, "the preview looks at what it was asked for: {preview:?}");
    assert_eq!(preview.languages[0].language.as_str(), "kpm");
    schedules.cancel(&story.operator, &planned.schedule.id).await.unwrap();
    assert_eq!(missing(&story, &id).await, ["kpm: thon-1", "cma: thon-2"]);

    // An area with loudspeakers of its own is a village too, whatever lies in it.
    let at_the_office = crate::services::story::node_draft("Trụ sở", "da-don");
    story.services.nodes.create(&story.operator, &at_the_office).await.unwrap();
    assert_eq!(missing(&story, &id).await, ["kpm: da-don thon-1", "cma: thon-2"]);

    let stranger = story.person("xa", Role::Author, "phu-son").await;
    let refused = story.services.bulletins.missing_languages(&stranger, &id).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
}
