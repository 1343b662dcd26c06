//! The list of bulletins.

use axum::extract::State;

use crate::pages::Nav;
use crate::pages::labels::BulletinState;
use crate::pages::views::{BulletinFilter, BulletinRow, BulletinsPage};
use crate::site::answer::{Answer, page as answer_page};
use crate::site::fields::Asked;
use crate::site::reader::Me;
use crate::site::{Site, pager, shell, words};
use crate::store::bulletins::BulletinFilter as StoreFilter;

/// Bulletins of one page.
const PER_PAGE: u32 = 25;

/// `GET /bulletins`.
pub(in crate::site) async fn page(State(site): State<Site>, me: Me, Asked(asked): Asked) -> Answer {
    let (places, shell) = shell::open(&site, &me, Nav::Bulletins).await?;
    let filter = BulletinFilter { state: BulletinState::from_code(asked.one("state")) };
    let services = &site.app.services;
    let wanted = StoreFilter {
        state: filter.state.map(words::revision_state),
        on_air: None,
        before: asked.one("before").parse().ok(),
        // One more tells whether there is a next page.
        limit: PER_PAGE + 1,
    };
    let mut found = services.bulletins.list(me.who(), &wanted).await?;
    let more = found.len() > PER_PAGE as usize;
    found.truncate(PER_PAGE as usize);
    let next = found.last().filter(|_| more).map(|summary| summary.bulletin.id.to_string());
    let pager = pager::after("/bulletins", &asked, &["state"], next.as_deref());

    let names = services.users.names(found.iter().flat_map(|summary| summary.authors.clone())).await?;
    let mut rows = Vec::new();
    for summary in found {
        let tracks = services.bulletins.get(me.who(), &summary.bulletin.id).await?.latest.tracks;
        let languages = tracks.iter().map(|t| words::spoken(me.lang(), t.content.language.as_str()));
        rows.push(BulletinRow {
            id: summary.bulletin.id.to_string(),
            title: summary.title,
            state: words::state(summary.state),
            class: words::class(summary.class),
            category: words::category(me.lang(), summary.category),
            languages: languages.collect(),
            revision: summary.bulletin.latest,
            author: words::people(me.lang(), &names, &summary.authors),
            updated_at: places.moment(summary.edited, &summary.bulletin.path),
        });
    }
    answer_page(BulletinsPage { shell, filter, rows, pager })
}
