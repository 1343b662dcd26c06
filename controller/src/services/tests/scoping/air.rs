//! What is on air: schedules, orders, what was heard.

use super::{Call, EVERY, call};
use crate::domain::role::Role::{Approver, Author};
use crate::services::ServiceError;
use crate::services::story::{area, once, schedule_draft};

pub(super) fn calls() -> Vec<Call> {
    vec![
        (
            "live_orders.give",
            &[Author, Approver],
            call!(|a, w| a.story.services.live_orders.give(w, &area("thon-1"), false, "phát nhầm")),
        ),
        (
            "live_orders.cancel",
            &[Author, Approver],
            call!(|a, w| async move {
                let id = &a.submitted.bulletin.id;
                match a.story.services.live_orders.cancel(w, id, None, "báo nhầm").await {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        (
            "live_orders.get",
            EVERY,
            call!(|a, w| async move {
                let (orders, operator) = (&a.story.services.live_orders, &a.story.operator);
                let given = orders.give(operator, &area("thon-1"), true, "hết báo động").await?;
                orders.get(w, &given.order.id).await
            }),
        ),
        ("schedules.get", EVERY, call!(|a, w| a.story.services.schedules.get(w, &a.schedule.schedule.id))),
        (
            "schedules.preview",
            &[Author, Approver],
            call!(|a, w| async move {
                let draft = schedule_draft(&a.submitted.bulletin.id, once("2026-11-22T17:30"), &["thon-1"]);
                a.story.services.schedules.preview(w, &draft).await
            }),
        ),
        (
            "schedules.create",
            &[Author, Approver],
            call!(|a, w| async move {
                let draft = schedule_draft(&a.submitted.bulletin.id, once("2026-11-22T17:30"), &["thon-1"]);
                a.story.services.schedules.create(w, &draft, None).await
            }),
        ),
        (
            "schedules.cancel",
            &[Author, Approver],
            call!(|a, w| async move {
                match a.story.services.schedules.cancel(w, &a.schedule.schedule.id).await {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        ("heard.coverage", EVERY, call!(|a, w| a.story.services.heard.coverage(w, &a.submitted.bulletin.id))),
        (
            "sounds.get",
            EVERY,
            call!(|a, w| async move {
                let object = a.submitted.latest.tracks[0].object.unwrap();
                a.story.services.sounds.get(w, &object).await
            }),
        ),
    ]
}
