//! Items as plans hold them.

use loa_protocol::bulletin::{Category, Class, Language};
use loa_protocol::ids::{BulletinId, CalendarId, ItemId, ObjectHash};
use loa_protocol::plan::{Item, Program, Track};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{ItemRules, Start};
use loa_protocol::transfer::{Codec, Manifest};

pub(crate) fn object(name: &str) -> ObjectHash {
    manifest(name, 1_000).object
}

pub(crate) fn manifest(name: &str, duration_ms: u32) -> Manifest {
    Manifest::of(name.as_bytes(), 4096, Codec::OggOpus, duration_ms).unwrap()
}

pub(crate) fn bulletin(id: &str) -> BulletinId {
    BulletinId::new(id).unwrap()
}

pub(crate) fn calendar(id: &str) -> CalendarId {
    CalendarId::new(id).unwrap()
}

pub(crate) fn language(tag: &str) -> Language {
    Language::new(tag).unwrap()
}

/// An item with one Vietnamese track of its own name.
pub(crate) fn item(id: &str, class: Class, start: Start) -> Item {
    Item {
        id: ItemId::new(id).unwrap(),
        revision: 1,
        bulletin: bulletin(id),
        title: "Thông báo".to_owned(),
        class,
        category: Category::LocalNotice,
        start,
        valid_from: None,
        valid_until: None,
        start_within_ms: 0,
        tracks: vec![Track { language: Language::vietnamese(), object: object(id) }],
        rules: ItemRules::default(),
        status: Default::default(),
    }
}

pub(crate) fn once(id: &str, class: Class, at_ms: i64) -> Item {
    item(id, class, Start::At(UnixMs(at_ms)))
}

pub(crate) fn program(mut items: Vec<Item>, mut objects: Vec<Manifest>) -> Program {
    items.sort_by(|a, b| a.id.cmp(&b.id));
    objects.sort_by_key(|manifest| manifest.object);
    Program { items, objects, calendars: vec![] }
}
