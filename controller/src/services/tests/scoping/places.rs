//! Areas with their words, and the nodes that stand in them.

use super::{Call, EVERY, call};
use crate::domain::area::AreaDraft;
use crate::domain::lexicon::WordDraft;
use crate::domain::role::Role::{Admin, Author, Technician};
use crate::services::ServiceError;
use crate::services::story::{area, node, node_draft};

pub(super) fn calls() -> Vec<Call> {
    vec![
        ("areas.get", EVERY, call!(|a, w| a.story.services.areas.get(w, &area("thon-1")))),
        ("areas.chain", EVERY, call!(|a, w| a.story.services.areas.chain(w, &area("thon-1")))),
        ("areas.settings", EVERY, call!(|a, w| a.story.services.areas.settings(w, &area("thon-1")))),
        ("lexicon.list", EVERY, call!(|a, w| a.story.services.lexicon.list(w, &area("thon-1")))),
        ("lexicon.reader", EVERY, call!(|a, w| a.story.services.lexicon.reader(w, &area("thon-1")))),
        (
            "lexicon.put",
            &[Author, Admin],
            call!(|a, w| async move {
                let draft = WordDraft { written: "TTYT".to_owned(), spoken: "trung tâm y tế".to_owned() };
                a.story.services.lexicon.put(w, &area("thon-1"), None, &draft).await
            }),
        ),
        (
            "lexicon.remove",
            &[Author, Admin],
            call!(|a, w| async move {
                let draft = WordDraft { written: "TYT".to_owned(), spoken: "trạm y tế".to_owned() };
                let lexicon = &a.story.services.lexicon;
                let kept = lexicon.put(&a.story.operator, &area("thon-1"), None, &draft).await.unwrap();
                lexicon.remove(w, &area("thon-1"), &kept.word.id).await
            }),
        ),
        (
            "areas.create",
            &[Admin],
            call!(|a, w| async move {
                let draft =
                    AreaDraft {
                        name: "Thôn 3".to_owned(), level: "thôn".to_owned(), ..AreaDraft::default()
                    };
                a.story.services.areas.create(w, Some(&area("da-don")), &draft).await
            }),
        ),
        (
            "areas.update",
            &[Admin],
            call!(|a, w| async move {
                let draft =
                    AreaDraft {
                        name: "Thôn 1".to_owned(), level: "thôn".to_owned(), ..AreaDraft::default()
                    };
                a.story.services.areas.update(w, &area("thon-1"), &draft).await
            }),
        ),
        (
            "areas.move_to",
            &[Admin],
            call!(|a, w| async move {
                a.story.services.areas.move_to(w, &area("thon-1"), Some(&area("da-don"))).await
            }),
        ),
        (
            "areas.remove",
            &[Admin],
            call!(|a, w| async move {
                let draft =
                    AreaDraft { name: "Tổ 9".to_owned(), level: "tổ".to_owned(), ..AreaDraft::default() };
                let areas = &a.story.services.areas;
                let made = areas.create(&a.story.operator, Some(&area("da-don")), &draft).await?;
                areas.remove(w, &made.id).await
            }),
        ),
        (
            "nodes.remove",
            &[Admin, Technician],
            call!(|a, w| async move {
                let nodes = &a.story.services.nodes;
                let made = nodes.create(&a.story.operator, &node_draft("Cụm 8", "da-don")).await?;
                nodes.remove(w, &made.id).await
            }),
        ),
        (
            "nodes.get",
            EVERY,
            call!(|a, w| async move { a.story.services.nodes.get(w, &node("cum-1")).await }),
        ),
        (
            "nodes.own_guards",
            EVERY,
            call!(|a, w| async move { a.story.services.nodes.own_guards(w, &node("cum-1")).await }),
        ),
        (
            "nodes.health",
            EVERY,
            call!(|a, w| async move { a.story.services.nodes.health(w, &node("cum-1")).await }),
        ),
        (
            "nodes.events",
            EVERY,
            call!(|a, w| async move { a.story.services.nodes.events(w, &node("cum-1")).await }),
        ),
        (
            "nodes.doubts",
            EVERY,
            call!(|a, w| async move { a.story.services.nodes.doubts(w, &node("cum-1")).await }),
        ),
        (
            "nodes.epochs",
            EVERY,
            call!(|a, w| async move { a.story.services.nodes.epochs(w, &node("cum-1")).await }),
        ),
        (
            "nodes.create",
            &[Admin, Technician],
            call!(
                |a, w| async move { a.story.services.nodes.create(w, &node_draft("Cụm 9", "thon-1")).await }
            ),
        ),
        (
            "nodes.update",
            &[Admin, Technician],
            call!(|a, w| async move {
                a.story.services.nodes.update(w, &node("cum-1"), &node_draft("Cụm 1", "thon-1")).await
            }),
        ),
        (
            "nodes.issue_token",
            &[Admin, Technician],
            call!(|a, w| async move {
                a.story.services.nodes.issue_token(w, &node("cum-1"), |_, _| Ok(([1; 32], ()))).await
            }),
        ),
        (
            "nodes.revoke",
            &[Admin, Technician],
            call!(|a, w| async move {
                match a.story.services.nodes.revoke(w, &node("cum-2"), "").await {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
    ]
}
