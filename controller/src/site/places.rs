//! The areas that a person may see: their names, zones, languages, and lists to choose from.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::AreaId;
use loa_protocol::time::UnixMs;

use super::reader::Me;
use super::{Site, words};
use crate::domain::area::{Area, AreaSettings};
use crate::domain::role::{Principal, Scope};
use crate::pages::{Choice, Lang, Moment, Msg, msg};
use crate::services::ServiceError;

/// What a list of areas posts for the whole installation.
pub(super) const EVERYWHERE: &str = "*";

/// The areas that a person may see, each after the one that contains it.
#[derive(Debug)]
pub(super) struct Places {
    areas: Vec<Area>,
    index: BTreeMap<AreaId, usize>,
    /// What the topmost of them inherit from areas that the person may not see.
    inherited: BTreeMap<AreaId, AreaSettings>,
    zone: Tz,
    own_zone: Tz,
}

impl Places {
    /// Reads them.
    pub(super) async fn load(site: &Site, me: &Me) -> Result<Self, ServiceError> {
        let services = &site.app.services;
        let areas = services.areas.list(me.who()).await?;
        let index: BTreeMap<AreaId, usize> =
            areas.iter().enumerate().map(|(at, area)| (area.id.clone(), at)).collect();
        let mut inherited = BTreeMap::new();
        for area in &areas {
            if area.parent().is_none_or(|parent| !index.contains_key(parent)) {
                let settings = services.areas.settings(me.who(), &area.id).await?;
                inherited.insert(area.id.clone(), settings);
            }
        }
        let zone = services.zone();
        let mut places = Self { areas, index, inherited, zone, own_zone: zone };
        if let Some(Scope::Area(path)) = places.widest(me.who()) {
            places.own_zone = places.zone(path);
        }
        Ok(places)
    }

    /// The areas, each after the one that contains it.
    pub(super) fn all(&self) -> &[Area] {
        &self.areas
    }

    /// One of them.
    pub(super) fn get(&self, id: &AreaId) -> Option<&Area> {
        self.index.get(id).and_then(|at| self.areas.get(*at))
    }

    /// The name of an area; its id where the person may not see it.
    pub(super) fn name(&self, id: &AreaId) -> String {
        self.get(id).map_or_else(|| id.to_string(), |area| area.name.clone())
    }

    /// The name of the area at the end of a path.
    pub(super) fn name_of(&self, path: &AreaPath) -> String {
        path.areas().last().map(|id| self.name(id)).unwrap_or_default()
    }

    /// The zone at the end of a path: that of the nearest area that has one.
    pub(super) fn zone(&self, path: &AreaPath) -> Tz {
        let nearest = path.areas().iter().rev().find_map(|id| {
            let own = self.get(id).and_then(|area| area.zone);
            own.or_else(|| self.inherited.get(id).map(|settings| settings.zone))
        });
        nearest.unwrap_or(self.zone)
    }

    /// The languages spoken at the end of a path, the preferred first.
    pub(super) fn languages(&self, path: &AreaPath) -> Vec<Language> {
        let nearest = path.areas().iter().rev().find_map(|id| {
            let own = self.get(id).map(|area| area.languages.clone()).filter(|own| !own.is_empty());
            own.or_else(|| self.inherited.get(id).map(|settings| settings.languages.clone()))
        });
        nearest.unwrap_or_else(|| vec![Language::vietnamese()])
    }

    /// An instant at the end of a path.
    pub(super) fn moment(&self, at: UnixMs, path: &AreaPath) -> Moment {
        words::moment(at, self.zone(path))
    }

    /// An instant where the person works.
    pub(super) fn here(&self, at: UnixMs) -> Moment {
        words::moment(at, self.own_zone)
    }

    /// The zone where the person works.
    pub(super) fn own_zone(&self) -> Tz {
        self.own_zone
    }

    /// The widest of a person's scopes.
    pub(super) fn widest<'a>(&self, who: &'a Principal) -> Option<&'a Scope> {
        who.grants.iter().map(|grant| &grant.scope).min_by_key(|scope| match scope {
            Scope::Everywhere => 0,
            Scope::Area(path) => path.areas().len(),
        })
    }

    /// How many of the areas that the person may see lie above this path.
    pub(super) fn depth(&self, path: &AreaPath) -> usize {
        let above = path.areas().len().saturating_sub(1);
        path.areas()[..above].iter().filter(|id| self.index.contains_key(*id)).count()
    }

    /// The areas that `offered` lets through, to choose from.
    pub(super) fn choices(&self, offered: impl Fn(&Area) -> bool) -> Vec<Choice> {
        let kept: Vec<&Area> = self.areas.iter().filter(|area| offered(area)).collect();
        let depth = |area: &Area| {
            let above = area.path.areas().len().saturating_sub(1);
            let above = &area.path.areas()[..above];
            kept.iter().filter(|other| above.contains(&other.id)).count()
        };
        kept.iter().map(|area| Choice::at_depth(area.id.as_str(), &area.name, depth(area))).collect()
    }

    /// The same, with the whole installation before them.
    pub(super) fn choices_with_everywhere(&self, lang: Lang, offered: impl Fn(&Area) -> bool) -> Vec<Choice> {
        let mut choices = vec![Choice::new(EVERYWHERE, lang.text(msg::EVERYWHERE))];
        choices.extend(self.choices(offered));
        choices
    }

    /// Names in short: the first, and how many more.
    pub(super) fn short(lang: Lang, names: &[String]) -> String {
        match names {
            [] => String::new(),
            [only] => only.clone(),
            [first, more @ ..] => {
                let more = i64::try_from(more.len()).unwrap_or(i64::MAX);
                Msg::new(msg::PLACES_MORE).with("x", first.as_str()).with_number("n", more).text(lang)
            }
        }
    }
}
