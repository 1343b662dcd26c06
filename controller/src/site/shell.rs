//! What surrounds a page, from the session.

use std::sync::Arc;

use loa_protocol::bulletin::Class;

use crate::domain::bulletin::{BulletinSummary, RevisionState};
use crate::domain::role::{Action, Principal, Scope};
use crate::pages::{Can, Msg, Nav, Person, Shell, msg};
use crate::services::ServiceError;
use crate::store::bulletins::BulletinFilter;

use super::places::Places;
use super::reader::{Me, Reader};
use super::{Site, words};

/// Most bulletins that are looked through for what waits.
const WAITING_MAX: u32 = 200;

/// The reader as a signed-in person, if they are.
pub(super) fn person_of(reader: &Arc<Reader>) -> Option<Me> {
    let visit = reader.visit.clone()?;
    Some(Me { reader: Arc::clone(reader), visit })
}

/// The places of the person, and the surroundings of their page.
pub(super) async fn open(site: &Site, me: &Me, here: Nav) -> Result<(Places, Shell), ServiceError> {
    let places = Places::load(site, me).await?;
    let shell = shell(site, me, &places, here).await?;
    Ok((places, shell))
}

/// The surroundings of a person's page.
pub(super) async fn shell(site: &Site, me: &Me, places: &Places, here: Nav) -> Result<Shell, ServiceError> {
    let who = me.who();
    let place = match places.widest(who) {
        Some(Scope::Everywhere) => Msg::new(msg::EVERYWHERE).text(me.lang()),
        Some(Scope::Area(path)) => places.name_of(path),
        None => String::new(),
    };
    Ok(Shell {
        csrf: me.reader.token(),
        here,
        now: places.here(me.reader.now),
        person: Some(Person {
            id: me.visit.user.id.to_string(),
            display_name: me.visit.user.display_name.clone(),
            place,
            can: can(who),
            has_passphrase: me.visit.user.has_passphrase,
        }),
        waiting_count: waiting_count(site, who).await?,
        ..outside(site, &me.reader)
    })
}

/// The surroundings of a page without a person.
pub(super) fn outside(site: &Site, reader: &Reader) -> Shell {
    Shell {
        lang: reader.lang,
        theme: reader.theme,
        csrf: reader.token(),
        here: Nav::None,
        path: reader.path.clone(),
        now: words::moment(reader.now, site.app.services.zone()),
        person: None,
        flash: reader.flash.clone(),
        waiting_count: 0,
    }
}

/// What the person may do anywhere at all.
pub(super) fn can(who: &Principal) -> Can {
    let any =
        |action: fn(Class) -> Action| Class::ALL.into_iter().any(|class| who.may_somewhere(action(class)));
    Can {
        compose: any(Action::Write),
        approve: any(Action::Approve),
        silence: who.may_somewhere(Action::Approve(Class::Emergency))
            || who.may_somewhere(Action::Write(Class::Emergency)),
        manage_nodes: who.may_somewhere(Action::ManageNodes),
        manage_areas: who.may_somewhere(Action::ManageAreas),
        export: who.may_in(Action::ManageUsers, &Scope::Everywhere),
        manage_users: who.may_somewhere(Action::ManageUsers),
    }
}

/// How much waits for this person's approval: bulletins and emergencies.
pub(super) async fn waiting_count(site: &Site, who: &Principal) -> Result<usize, ServiceError> {
    Ok(waiting(site, who).await?.len() + site.app.services.alerts.waiting(who).await?.len())
}

/// The bulletins that wait for this person's approval, the latest begun first: of their areas and classes, and not their
/// own.
pub(super) async fn waiting(site: &Site, who: &Principal) -> Result<Vec<BulletinSummary>, ServiceError> {
    if !can(who).approve {
        return Ok(Vec::new());
    }
    let filter = BulletinFilter {
        state: Some(RevisionState::Submitted),
        limit: WAITING_MAX,
        ..BulletinFilter::default()
    };
    let mut waiting = site.app.services.bulletins.list(who, &filter).await?;
    waiting.retain(|summary| {
        who.may(Action::Approve(summary.class), &summary.bulletin.path)
            && !summary.authors.iter().any(|author| author == who.name())
    });
    Ok(waiting)
}
