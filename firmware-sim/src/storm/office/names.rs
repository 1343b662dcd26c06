//! Names of the province in which a storm happens: 20 nodes to a commune, 10 to a village.

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::{AreaId, BulletinId, CalendarId, ItemId, NodeId, TenantId};

const NODES_TO_A_COMMUNE: usize = 20;
const NODES_TO_A_VILLAGE: usize = 10;

/// All names here are made of constants and numbers.
fn sure<T, E: std::fmt::Display>(name: Result<T, E>) -> T {
    match name {
        Ok(name) => name,
        Err(never) => unreachable!("a name that this module made: {never}"),
    }
}

pub(crate) fn tenant() -> TenantId {
    sure(TenantId::new("lam-dong"))
}

pub(crate) fn province() -> AreaId {
    sure(AreaId::new("tinh"))
}

pub(crate) fn commune(number: usize) -> AreaId {
    sure(AreaId::new(format!("xa-{number}")))
}

pub(crate) fn village(commune: usize, number: usize) -> AreaId {
    sure(AreaId::new(format!("thon-{commune}-{number}")))
}

pub(crate) fn node(index: usize) -> NodeId {
    sure(NodeId::new(format!("cum-{index}")))
}

pub(crate) fn item(name: &str) -> ItemId {
    sure(ItemId::new(name))
}

pub(crate) fn bulletin(name: &str) -> BulletinId {
    sure(BulletinId::new(name))
}

/// The calendars that items name: public holidays, lunar ones, those of mourning, and one that is in no document.
pub(crate) const CALENDARS: [&str; 4] = ["le", "am-lich", "tang", "khong-co"];

pub(crate) fn calendar(name: &str) -> CalendarId {
    sure(CalendarId::new(name))
}

pub(crate) fn language(tag: &str) -> Language {
    sure(Language::new(tag))
}

/// The commune of a node, and the village in which it was put up.
pub(crate) fn place(index: usize) -> (usize, usize) {
    (index / NODES_TO_A_COMMUNE, index / NODES_TO_A_VILLAGE % 2)
}

/// The path to a village.
pub(crate) fn path(of_commune: usize, of_village: usize) -> AreaPath {
    sure(AreaPath::new(vec![province(), commune(of_commune), village(of_commune, of_village)]))
}
