//! The words of areas: what holds where, what is told of an edit, and what is spoken again.

use crate::domain::bulletin::{BulletinDraft, Making};
use crate::domain::ids::WordId;
use crate::domain::lexicon::{Word, WordDraft};
use crate::domain::role::{Principal, Role};
use crate::services::lexicon::again::{Compared, Settled};
use crate::services::story::{Story, area, draft};
use crate::services::{ServiceError, WordKept};
use crate::store::audit::AuditFilter;
use crate::store::lexicon;

async fn put(story: &Story, who: &Principal, place: &str, written: &str, spoken: &str) -> WordKept {
    let draft = WordDraft { written: written.to_owned(), spoken: spoken.to_owned() };
    story.services.lexicon.put(who, &area(place), None, &draft).await.unwrap()
}

async fn said(story: &Story, place: &str, text: &str) -> String {
    let reader = story.services.lexicon.reader(&story.operator, &area(place)).await.unwrap();
    reader.normalizer.normalize(text).text().to_owned()
}

#[tokio::test]
async fn a_word_holds_in_its_area_and_below_and_the_nearest_area_says_it() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    put(&story, &story.operator, "lam-dong", "KDT", "khu đô thị").await;
    put(&story, &lan, "da-don", "KDT", "khu dân tộc").await;
    let text = "Mời bà con KDT họp";
    assert_eq!(said(&story, "lam-dong", text).await, "Mời bà con khu đô thị họp");
    assert_eq!(said(&story, "phu-son", text).await, "Mời bà con khu đô thị họp");
    assert_eq!(said(&story, "thon-1", text).await, "Mời bà con khu dân tộc họp");

    let views = story.services.lexicon.list(&lan, &area("thon-1")).await.unwrap();
    assert_eq!(views.len(), 2);
    assert_eq!(views[0].word.area, area("lam-dong"));
    assert_eq!(views[0].overridden_by, Some(area("da-don")), "shown as what does not hold here");
    assert_eq!(views[1].overrides, Some((area("lam-dong"), "khu đô thị".to_owned())));
    assert_eq!(views[1].overridden_by, None);
    // Another area's word cannot be taken away through one's own.
    let foreign = story.services.lexicon.remove(&lan, &area("thon-1"), &views[1].word.id).await;
    assert!(matches!(foreign, Err(ServiceError::NotFound(_))), "{foreign:?}");
    let above = story.services.lexicon.remove(&lan, &area("lam-dong"), &views[0].word.id).await;
    assert!(matches!(above, Err(ServiceError::Forbidden(_))), "{above:?}");
    story.services.lexicon.remove(&lan, &area("da-don"), &views[1].word.id).await.unwrap();
    assert_eq!(said(&story, "thon-1", text).await, "Mời bà con khu đô thị họp");
}

#[tokio::test]
async fn of_two_edits_the_last_holds_and_a_loop_is_taken_word_for_word_and_both_are_told() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let first = put(&story, &lan, "da-don", "BTK", "ban tự quản").await;
    assert_eq!((first.said_before, first.loops), (None, vec![]));
    let second = put(&story, &lan, "da-don", "BTK", "ban thường kỳ").await;
    assert_eq!(second.said_before.as_deref(), Some("ban tự quản"));
    assert_eq!(second.word.id, first.word.id);
    assert_eq!(put(&story, &lan, "da-don", "BTK", "ban thường kỳ").await.said_before, None);

    // A change of the writing that meets another word of the area takes its place.
    let other = put(&story, &lan, "da-don", "BTX", "ban thanh tra").await;
    let draft = WordDraft { written: "BTK".to_owned(), spoken: "ban thanh tra".to_owned() };
    let kept = story.services.lexicon.put(&lan, &area("da-don"), Some(&other.word.id), &draft).await.unwrap();
    assert_eq!(kept.said_before.as_deref(), Some("ban thường kỳ"));
    let views = story.services.lexicon.list(&lan, &area("da-don")).await.unwrap();
    assert_eq!(views.iter().map(|view| view.word.written.as_str()).collect::<Vec<_>>(), ["BTK"]);

    let round = put(&story, &lan, "da-don", "Đung", "Đung").await;
    assert_eq!(round.loops, ["Đung"]);
    assert_eq!(said(&story, "da-don", "Buôn Đung").await, "Buôn Đung");
    let views = story.services.lexicon.list(&lan, &area("da-don")).await.unwrap();
    assert!(views.iter().any(|view| view.is_loop && view.word.written == "Đung"));

    let filter = AuditFilter { subject_id: Some("da-don".to_owned()), limit: 100, ..AuditFilter::default() };
    let entries = story.services.audit.list(&story.operator, &filter).await.unwrap();
    let deeds: Vec<&str> =
        entries.iter().map(|e| e.action.as_str()).filter(|a| a.starts_with("word.")).collect();
    assert_eq!(
        deeds,
        [
            "word.added",
            "word.changed",
            "word.removed",
            "word.added",
            "word.changed",
            "word.changed",
            "word.added"
        ],
        "the latest first; a word that gave way to another is told as removed"
    );
}

#[tokio::test]
async fn a_word_that_areas_write_in_two_ways_is_marked_as_a_loop_where_it_holds() {
    let story = Story::new().await;
    put(&story, &story.operator, "lam-dong", "Hoà Gur", "Hòa").await;
    let kept = put(&story, &story.operator, "da-don", "Hòa Gur", "Hòa Gur").await;
    assert_eq!(kept.loops.len(), 1);
    let views = story.services.lexicon.list(&story.operator, &area("da-don")).await.unwrap();
    let marks: Vec<_> = views.iter().map(|v| (v.word.area.as_str(), v.is_loop)).collect();
    assert_eq!(marks, [("lam-dong", false), ("da-don", true)]);
}

#[tokio::test]
async fn drafts_that_are_read_otherwise_are_spoken_again_and_what_was_submitted_stays() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let text = |text: &str| BulletinDraft { text: text.to_owned(), ..draft() };
    let bulletins = &story.services.bulletins;
    let with = bulletins.create(&lan, &area("thon-1"), &text("Mời bà con KDT họp."), None).await.unwrap();
    let without = bulletins.create(&lan, &area("thon-1"), &text("Mời bà con họp."), None).await.unwrap();
    let sent = bulletins.create(&lan, &area("thon-1"), &text("Bà con KDT chú ý."), None).await.unwrap();
    let away = bulletins
        .create(&story.operator, &area("phu-son"), &text("Mời bà con KDT họp."), None)
        .await
        .unwrap();
    story.make_sounds().await;
    let sent = bulletins.get(&lan, &sent.bulletin.id).await.unwrap();
    let sent = bulletins.submit(&lan, &sent.bulletin.id, &sent.seen()).await.unwrap();
    let before = bulletins.get(&lan, &with.bulletin.id).await.unwrap();
    assert!(before.latest.is_audible());

    let kept = put(&story, &lan, "da-don", "KDT", "khu dân tộc").await;
    assert_eq!(kept.drafts_again, 1);
    let after = bulletins.get(&lan, &with.bulletin.id).await.unwrap();
    assert_eq!(after.latest.tracks[0].making, Making::Queued);
    assert_ne!(
        after.latest.tracks[0].id, before.latest.tracks[0].id,
        "a worker with the old one finds nobody"
    );
    assert_eq!(after.latest.words_digest(), before.latest.words_digest(), "the words are the author's");
    for view in [without, away] {
        assert!(bulletins.get(&story.operator, &view.bulletin.id).await.unwrap().latest.is_audible());
    }
    assert_eq!(bulletins.get(&lan, &sent.bulletin.id).await.unwrap().latest.tracks, sent.latest.tracks);

    // An area that is moved away from those words is read without them.
    story.make_sounds().await;
    let admin = &story.operator;
    story.services.areas.move_to(admin, &area("thon-1"), Some(&area("phu-son"))).await.unwrap();
    let moved = bulletins.get(admin, &with.bulletin.id).await.unwrap();
    assert_eq!(moved.latest.tracks[0].making, Making::Queued);
}

#[tokio::test]
async fn drafts_are_read_with_no_transaction_open_and_what_changed_meanwhile_is_read_once_more() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let text = |text: &str| BulletinDraft { text: text.to_owned(), ..draft() };
    let bulletins = &story.services.bulletins;
    let view = bulletins.create(&lan, &area("thon-1"), &text("Mời bà con họp."), None).await.unwrap();
    story.make_sounds().await;
    let view = bulletins.get(&lan, &view.bulletin.id).await.unwrap();
    let ground = &story.services.ground;
    let path = story.services.areas.get(&lan, &area("da-don")).await.unwrap().path;
    let word = Word {
        id: WordId::fresh(),
        area: area("da-don"),
        key: "KDT".to_owned(),
        written: "KDT".to_owned(),
        spoken: "khu dân tộc".to_owned(),
        edited_by: "operator".to_owned(),
        edited: story.clock.now(),
    };
    let mut compared = Compared::default();
    let round = async |compared: &Compared| {
        let mut tx = ground.store.write().await.unwrap();
        let drafts = ground.drafts_read(&mut tx, &path).await.unwrap();
        lexicon::put(&mut tx, &word).await.unwrap();
        (ground.read_again(&mut tx, drafts, compared).await.unwrap(), tx)
    };
    let (settled, tx) = round(&compared).await;
    let Settled::Unread(unread) = settled else { panic!("nobody has read it") };
    drop(tx);
    // Whoever writes is not kept waiting.
    bulletins.edit(&lan, &view.bulletin.id, &view.seen_words(), &text("Mời bà con KDT họp.")).await.unwrap();
    ground.compare(unread, &mut compared).await.unwrap();
    let (settled, tx) = round(&compared).await;
    let Settled::Unread(unread) = settled else { panic!("another text is another question") };
    drop(tx);
    ground.compare(unread, &mut compared).await.unwrap();
    let (settled, tx) = round(&compared).await;
    let Settled::Again(again) = settled else { panic!("all was read") };
    assert_eq!(again, [view.bulletin.id]);
    tx.commit().await.unwrap();
}
