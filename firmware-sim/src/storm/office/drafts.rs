//! What staff write: items and their sounds, by chance.

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_protocol::bulletin::{Category, Class};
use loa_protocol::ids::{BulletinId, ObjectHash};
use loa_protocol::plan::{Item, Program, Track};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{AfterInterruption, Calendar, ItemRules, LocalDate, Repeats, Severity, Start};
use loa_protocol::transfer::{Codec, Manifest};

use super::names;
use crate::rng::Rng;
use crate::storm::{DAY, HOUR, MINUTE, SECOND};

const BLOCK_SIZE_BYTES: u32 = 4_096;
/// Starts that repeat: daily, several times an hour, weekdays, days of the month, either day field, in the hours at which
/// clocks are changed, and never in most years.
const PATTERNS: [&str; 12] = [
    "0 5 * * *",
    "30 17 * * *",
    "*/30 6-8 * * *",
    "15 */3 * * *",
    "0 7 * * mon-fri",
    "0 11 1,15 * *",
    "45 19 * * sun",
    "10,40 2 * * *",
    "0 6 13 * fri",
    "*/20 17 * * *",
    "30 1-3 * * *",
    "0 3 29 2 *",
];
/// How late a start may be, in milliseconds.
const TOLERANCES_MS: [i64; 5] = [20_000, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR];
/// How many sounds of the past a new item may take up again.
const REUSED_MAX: usize = 12;
/// How long tracks and chimes are, in milliseconds.
const TRACK_MS: std::ops::Range<i64> = 2 * SECOND..150 * SECOND;
const CHIME_MS: std::ops::Range<i64> = SECOND..5 * SECOND;
/// Most chimes of an author.
const CHIMES_MAX: usize = 2;
/// How many emergencies of the past a new one may update or cancel.
const ALARMS_MAX: usize = 3;

/// A sound, whole.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    pub(crate) manifest: Arc<Manifest>,
}

/// Makes items and sounds for one author.
#[derive(Debug)]
pub(crate) struct Drafts {
    rng: Rng,
    author: String,
    items: u32,
    pub(crate) objects: BTreeMap<ObjectHash, Object>,
    recent: Vec<ObjectHash>,
    /// How items sound beyond when and what, drawn from a chance of its own; `None` where all are plain.
    rules: Option<Rng>,
    chimes: Vec<ObjectHash>,
    /// The bulletins of the newest emergencies.
    alarms: Vec<BulletinId>,
}

impl Drafts {
    pub(crate) fn new(rng: Rng, author: &str, rules: Option<Rng>) -> Self {
        Self {
            rng,
            author: author.to_owned(),
            items: 0,
            objects: BTreeMap::new(),
            recent: Vec::new(),
            rules,
            chimes: Vec::new(),
            alarms: Vec::new(),
        }
    }

    pub(crate) fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// An item of a routine class.
    pub(crate) fn item(&mut self, at: i64) -> Item {
        self.items += 1;
        // Some are planned by several authors under one name: then the widest area's counts.
        let shared = self.rng.percent(4);
        let name = if shared { "chung".to_owned() } else { format!("{}-{}", self.author, self.items) };
        let class = if self.rng.percent(25) { Class::Priority } else { Class::Normal };
        let start = self.start(at);
        let start_within_ms = *self.rng.pick(&TOLERANCES_MS);
        let mut item = self.of_class(&name, class, start, start_within_ms);
        item.rules = self.rules(class, at);
        if self.rng.percent(15) {
            item.valid_until = Some(UnixMs(at + self.rng.gap_ms(36 * HOUR)));
        }
        if self.rng.percent(10) {
            item.valid_from = Some(UnixMs(at + self.rng.gap_ms(6 * HOUR)));
        }
        item
    }

    /// An item that is to sound at once.
    pub(crate) fn emergency(&mut self, at: i64) -> Item {
        self.items += 1;
        let name = format!("{}-khan-{}", self.author, self.items);
        let start = Start::At(UnixMs(at + self.rng.range(0, 2 * MINUTE)));
        let start_within_ms = self.rng.range(10, 40) * MINUTE;
        let mut item = self.of_class(&name, Class::Emergency, start, start_within_ms);
        item.rules = self.rules(Class::Emergency, at);
        self.alarms.insert(0, item.bulletin.clone());
        self.alarms.truncate(ALARMS_MAX);
        item
    }

    /// A program of these items, with the manifest of each sound that one names.
    pub(crate) fn program(&self, items: Vec<Item>, calendars: Vec<Calendar>) -> Program {
        let manifests: BTreeMap<_, _> =
            items.iter().flat_map(sounds).map(|o| (o, self.manifest(&o))).collect();
        let objects = manifests.into_values().flatten().map(|manifest| (*manifest).clone()).collect();
        Program { items, objects, calendars }
    }

    /// The manifest of a sound that was made here.
    pub(crate) fn manifest(&self, object: &ObjectHash) -> Option<Arc<Manifest>> {
        self.objects.get(object).map(|object| Arc::clone(&object.manifest))
    }

    /// Any rules that the class may have.
    fn rules(&mut self, class: Class, at: i64) -> ItemRules {
        let Some(mut rng) = self.rules.take() else { return ItemRules::default() };
        let mut rules = ItemRules::default();
        if rng.percent(30) {
            rules.chime_before = Some(self.chime(&mut rng));
        }
        if rng.percent(15) {
            rules.chime_after = Some(self.chime(&mut rng));
        }
        if rng.percent(20) {
            let gap_ms = to_u32(rng.range(SECOND, 20 * SECOND));
            rules.repeats = Some(Repeats { rounds: to_u32(rng.range(2, 4)), gap_ms });
        }
        let policies = [AfterInterruption::Drop, AfterInterruption::Resume, AfterInterruption::Restart];
        rules.after_interruption = *rng.pick(&policies);
        if class == Class::Emergency {
            let all = [Severity::Minor, Severity::Moderate, Severity::Severe, Severity::Extreme];
            rules.severity = *rng.pick(&all);
            let mut named = |percent| {
                let some = !self.alarms.is_empty() && rng.percent(percent);
                if some { vec![rng.pick(&self.alarms).clone()] } else { Vec::new() }
            };
            (rules.updates, rules.cancels) = (named(25), named(25));
        } else {
            if rng.percent(12) {
                let today = at.div_euclid(DAY);
                let mut days: Vec<i64> = (0..3).map(|_| today + rng.range(0, 5)).collect();
                days.sort_unstable();
                days.dedup();
                rules.excluded_dates =
                    days.into_iter().filter_map(|day| Some(LocalDate(i32::try_from(day).ok()?))).collect();
            }
            if rng.percent(15) {
                let name: &&str = rng.pick(&names::CALENDARS);
                rules.excluded_calendars = vec![names::calendar(name)];
            }
        }
        self.rules = Some(rng);
        rules
    }

    fn chime(&mut self, rng: &mut Rng) -> ObjectHash {
        if self.chimes.len() < CHIMES_MAX {
            let chime = self.make(rng, CHIME_MS);
            self.chimes.push(chime);
            return chime;
        }
        *rng.pick(&self.chimes)
    }

    /// The next revision of an item: another sound, another start, or another tolerance.
    pub(crate) fn revise(&mut self, item: &mut Item, at: i64) {
        item.revision += 1;
        match self.rng.below(3) {
            0 => item.tracks = self.tracks(),
            1 if item.class != Class::Emergency => item.start = self.start(at),
            _ => item.start_within_ms = to_u32(*self.rng.pick(&TOLERANCES_MS)),
        }
    }

    /// Whole minutes, or cron. Two items may well start at the same instant.
    fn start(&mut self, at: i64) -> Start {
        if self.rng.percent(45) {
            let minutes = self.rng.range(2, 30 * 60);
            return Start::At(UnixMs((at / MINUTE + minutes) * MINUTE));
        }
        let pattern = *self.rng.pick(&PATTERNS);
        match pattern.parse() {
            Ok(pattern) => Start::Cron(pattern),
            Err(never) => unreachable!("a pattern of this module: {never}"),
        }
    }

    fn of_class(&mut self, name: &str, class: Class, start: Start, start_within_ms: i64) -> Item {
        Item {
            id: names::item(name),
            revision: 1,
            bulletin: names::bulletin(&format!("{name}-b")),
            title: "Thông báo".to_owned(),
            class,
            category: Category::LocalNotice,
            start,
            valid_from: None,
            valid_until: None,
            start_within_ms: to_u32(start_within_ms),
            tracks: self.tracks(),
            rules: ItemRules::default(),
            status: Default::default(),
        }
    }

    /// Vietnamese for nearly everything, and sometimes a second language.
    fn tracks(&mut self) -> Vec<Track> {
        let languages: &[&str] = match self.rng.below(10) {
            0..=5 => &["vi"],
            6..=8 => &["vi", "kpm"],
            _ => &["kpm"],
        };
        let track = |tag: &&str| Track { language: names::language(tag), object: self.object() };
        languages.iter().map(track).collect()
    }

    /// A sound, which may have been heard before.
    pub(crate) fn object(&mut self) -> ObjectHash {
        if !self.recent.is_empty() && self.rng.percent(30) {
            return *self.rng.pick(&self.recent);
        }
        let mut rng = self.rng.clone();
        let object = self.make(&mut rng, TRACK_MS);
        self.rng = rng;
        if self.recent.len() >= REUSED_MAX {
            self.recent.remove(0);
        }
        self.recent.push(object);
        object
    }

    /// A sound of a length in this range, in milliseconds.
    fn make(&mut self, rng: &mut Rng, length_ms: std::ops::Range<i64>) -> ObjectHash {
        let size = rng.range(400, 14_000);
        let duration_ms = rng.range(length_ms.start, length_ms.end);
        let bytes: Vec<u8> = (0..size / 8 + 1).flat_map(|_| rng.next().to_be_bytes()).collect();
        let manifest = match Manifest::of(&bytes, BLOCK_SIZE_BYTES, Codec::OggOpus, to_u32(duration_ms)) {
            Ok(manifest) => Arc::new(manifest),
            Err(never) => unreachable!("an object of a few kilobytes: {never}"),
        };
        let object = manifest.object;
        self.objects.insert(object, Object { bytes, manifest });
        object
    }
}

/// Everything that an item names.
pub(crate) fn sounds(item: &Item) -> Vec<ObjectHash> {
    item.tracks.iter().map(|track| track.object).chain(item.rules.chimes().copied()).collect()
}

fn to_u32(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
