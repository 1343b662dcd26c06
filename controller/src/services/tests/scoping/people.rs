//! People, their roles and their sessions.

use super::{Call, call};
use crate::domain::role::ClassSet;
use crate::domain::role::Role::{Admin, Author};
use crate::services::story::area;
use crate::services::{ServiceError, UserDraft};

pub(super) fn calls() -> Vec<Call> {
    vec![
        (
            "users.rename",
            &[Admin],
            call!(|a, w| async move {
                a.story.services.users.rename(w, a.user.user_id().unwrap(), "Tên mới").await
            }),
        ),
        ("users.get", &[Admin], call!(|a, w| a.story.services.users.get(w, a.user.user_id().unwrap()))),
        ("users.by_login", &[Admin], call!(|a, w| a.story.services.users.by_login(w, a.user.name()))),
        (
            "users.create",
            &[Admin],
            call!(|a, w| async move {
                let draft = UserDraft {
                    login: format!("u-{}", w.name()),
                    display_name: "U".to_owned(),
                    home: Some(area("da-don")),
                };
                a.story.services.users.create(w, &draft).await
            }),
        ),
        (
            "users.grant",
            &[Admin],
            call!(|a, w| async move {
                let (user, place) = (a.user.user_id().unwrap(), area("da-don"));
                a.story.services.users.grant(w, user, Author, Some(&place), ClassSet::ALL).await
            }),
        ),
        (
            "users.ungrant",
            &[Admin],
            call!(|a, w| async move {
                let (user, place) = (a.user.user_id().unwrap(), area("da-don"));
                match a.story.services.users.ungrant(w, user, Author, Some(&place)).await {
                    Err(ServiceError::NotFound(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        (
            "users.set_disabled",
            &[Admin],
            call!(|a, w| a.story.services.users.set_disabled(w, a.user.user_id().unwrap(), false)),
        ),
        (
            "users.issue_sign_in_link",
            &[Admin],
            call!(|a, w| a.story.services.users.issue_sign_in_link(w, a.user.user_id().unwrap())),
        ),
        (
            "sessions.revoke_all",
            &[Admin],
            call!(|a, w| a.story.services.sessions.revoke_all(w, a.user.user_id().unwrap())),
        ),
    ]
}
