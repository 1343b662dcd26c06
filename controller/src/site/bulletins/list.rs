//! The list of bulletins.

use axum::extract::State;

use crate::pages::Nav;
use crate::pages::labels::BulletinState;
use crate::pages::views::{BulletinFilter, BulletinRow, BulletinsPage, Pager};
use crate::services::ServiceError;
use crate::site::answer::{Answer, page as answer_page};
use crate::site::fields::{Asked, Fields};
use crate::site::places::Places;
use crate::site::reader::Me;
use crate::site::{Site, languages, pager, shell, words};
use crate::store::bulletins::BulletinFilter as StoreFilter;

/// Bulletins of one page.
const PER_PAGE: u32 = 25;

/// `GET /bulletins`.
pub(in crate::site) async fn page(State(site): State<Site>, me: Me, Asked(asked): Asked) -> Answer {
    let (places, shell) = shell::open(&site, &me, Nav::Bulletins).await?;
    let Listed { filter, rows, pager } = read(&site, &me, &places, &asked).await?;
    answer_page(BulletinsPage { shell, filter, rows, pager })
}

/// One page of bulletins.
pub(in crate::site) struct Listed {
    /// The filter that was asked for.
    pub(in crate::site) filter: BulletinFilter,
    /// The bulletins, the latest begun first.
    pub(in crate::site) rows: Vec<BulletinRow>,
    /// Ways on.
    pub(in crate::site) pager: Pager,
}

/// The bulletins that an address asks for.
pub(in crate::site) async fn read(
    site: &Site,
    me: &Me,
    places: &Places,
    asked: &Fields,
) -> Result<Listed, ServiceError> {
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
    let pager = pager::after("/bulletins", asked, &["state"], next.as_deref());

    let names = services.users.names(found.iter().flat_map(|summary| summary.authors.clone())).await?;
    let mut rows = Vec::new();
    for summary in found {
        let tracks = services.bulletins.get(me.who(), &summary.bulletin.id).await?.latest.tracks;
        let names_of = tracks.iter().map(|t| languages::name(site, me.lang(), t.content.language.as_str()));
        rows.push(BulletinRow {
            id: summary.bulletin.id.to_string(),
            title: summary.title,
            state: words::state(summary.state),
            class: words::class(summary.class),
            category: words::category(me.lang(), summary.category),
            languages: names_of.collect(),
            revision: summary.bulletin.latest,
            author: words::people(me.lang(), &names, &summary.authors),
            updated_at: places.moment(summary.edited, &summary.bulletin.path),
        });
    }
    Ok(Listed { filter, rows, pager })
}
