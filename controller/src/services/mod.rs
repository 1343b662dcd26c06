//! What the product does, in calls that pages, the API and the command line share.
//!
//! Every call takes the [`Principal`](crate::domain::role::Principal) who asks, and every call that changes something:
//! 1. begins one write transaction, loads what the rules need, and asks them (rights first);
//! 2. writes, and writes the audit entry, in that same transaction;
//! 3. commits, and only then wakes whoever acts on it ([`Nudges`]).
//!
//! Nothing here speaks MQTT, makes sound or signs plans: services write desired state, the tasks act on it.

mod alerts;
mod area_rules;
mod areas;
mod audit;
mod bulletins;
mod calendars;
mod clock;
mod clocks;
mod deliveries;
mod error;
mod heard;
mod lexicon;
mod live_orders;
mod needs;
mod nodes;
mod nudge;
mod preflight;
mod problems;
mod readiness;
mod schedules;
mod sessions;
mod sounds;
mod speech_data;
mod too_long;
mod uploads;
mod users;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono_tz::Tz;
use loa_protocol::bulletin::Language;
use loa_protocol::time::UnixMs;
use tokio::sync::Semaphore;

pub(crate) use alerts::ALERT_URGENCY;
pub use alerts::{AlertPlace, AlertView, Alerts, Template, TemplateDraft, Wave};
pub use area_rules::AreaRulesView;
pub use areas::Areas;
pub use audit::AuditLog;
pub use bulletins::{BulletinView, Bulletins, Seen, SeenError, draft_of};
pub use calendars::{CalendarView, Calendars};
pub use clock::Clock;
pub use deliveries::{Deliveries, DeliveryFigures};
pub use error::{ServiceError, Thing};
pub use heard::{Coverage, Heard, OccurrenceHeard, VillageHeard};
pub use lexicon::{Lexicon, Reader, Readers, WordKept, WordView};
pub use live_orders::{LiveOrders, NodeOrdered, OrderView};
pub use nodes::{Enrolled, Nodes};
pub use nudge::{Nudge, Nudges};
pub use preflight::{
    DAYS_DEFAULT, DAYS_MAX, Households, Preflight, PreflightGroup, PreflightOf, PreflightStart,
    PreflightVillage, Preflights, households,
};
pub use problems::{AlertProblem, AlertProblems, PlanProblem, PlanProblems, Problems};
pub use readiness::{Readiness, Ready};
pub use schedules::{SchedulePreview, ScheduleView, Schedules, Upcoming};
pub use sessions::{Origin, Sessions, SignedIn, Visit};
pub use sounds::{Sound, Sounds};
pub use speech_data::{Closing, Collected, SpeechData};
pub use uploads::{UploadWriter, Uploads};
pub use users::{UserDraft, UserView, Users};

use crate::auth::passphrase::Passphrases;
use crate::config::{Config, ConfigError, Offered};
use crate::dispatch::manifests::Manifests;
use crate::domain::bulletin::DraftRules;
use crate::domain::language::Languages;
use crate::live::Changes;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::blobs::BlobStore;

/// All services of one controller. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Places.
    pub areas: Areas,
    /// Loudspeaker clusters.
    pub nodes: Nodes,
    /// People.
    pub users: Users,
    /// Signing in and out.
    pub sessions: Sessions,
    /// What staff write and approve.
    pub bulletins: Bulletins,
    /// Recordings on their way in.
    pub uploads: Uploads,
    /// Finished sounds, for listening.
    pub sounds: Sounds,
    /// What the speech data set is made of.
    pub speech_data: SpeechData,
    /// When and where bulletins sound.
    pub schedules: Schedules,
    /// What will sound where.
    pub preflights: Preflights,
    /// What sounded where.
    pub heard: Heard,
    /// How areas say their own words.
    pub lexicon: Lexicon,
    /// Days on which schedules do not sound, or alone do.
    pub calendars: Calendars,
    /// Orders that silence.
    pub live_orders: LiveOrders,
    /// Emergencies that are given at once.
    pub alerts: Alerts,
    /// Who did what.
    pub audit: AuditLog,
    ground: Arc<Ground>,
}

/// What all services stand on.
struct Ground {
    store: Store,
    objects: BlobStore,
    uploads: BlobStore,
    passphrases: Passphrases,
    clock: Clock,
    nudges: Nudges,
    changes: Changes,
    metrics: Metrics,
    problems: PlanProblems,
    deliveries: Deliveries,
    alert_problems: AlertProblems,
    manifests: Manifests,
    preflights: Semaphore,
    readers: Readers,
    zone: Tz,
    drafts: DraftRules,
    limits: crate::config::Limits,
    /// Speed of the configured voice, for estimates.
    words_per_minute: u16,
    /// Whether the emergency key may give live orders. Until the keys are opened nobody says otherwise.
    may_order: AtomicBool,
}

impl Ground {
    fn now(&self) -> UnixMs {
        self.clock.now()
    }

    fn languages(&self) -> &Arc<Languages> {
        &self.drafts.languages
    }
}

/// Services that could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The data folder cannot be made.
    #[error("cannot make the data folder {}: choose another `data_dir` or make it writable", path.display())]
    DataDir {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database or the files.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The passphrase hasher.
    #[error(transparent)]
    Passphrases(#[from] crate::auth::passphrase::PassphraseError),
}

impl Services {
    /// Opens database and files in the data folder, which is made when absent.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(config: &Config, clock: Clock, nudges: Nudges) -> Result<Self, OpenError> {
        let spoken = config.speech.languages.iter().map(Language::new).collect::<Result<Vec<_>, _>>();
        let spoken = spoken.map_err(|e| ConfigError::Value {
            origin: "the configuration".to_owned(),
            key: "speech.languages".to_owned(),
            problem: e.to_string(),
        })?;
        let languages = Arc::new(config.listed_languages()?);
        let named = |voice: Offered| Some((voice.name, Language::new(voice.language).ok()?));
        let voices = config.speech.offered().into_iter().filter_map(named).collect();
        let folder = &config.data_dir;
        tokio::fs::create_dir_all(folder)
            .await
            .map_err(|source| OpenError::DataDir { path: folder.clone(), source })?;
        let store = match config.database.url.is_empty() {
            true => Store::open(&folder.join("controller.db")).await?,
            false => Store::connect(&config.database.url).await?,
        };
        let objects = BlobStore::open(folder.join("objects")).await?;
        let ground = Arc::new(Ground {
            manifests: Manifests::new(store.clone(), objects.clone()),
            preflights: Semaphore::new(preflight::AT_A_TIME),
            store,
            objects,
            uploads: BlobStore::open(folder.join("uploads")).await?,
            passphrases: Passphrases::new()?,
            clock,
            nudges,
            changes: Changes::default(),
            metrics: Metrics::default(),
            problems: PlanProblems::default(),
            deliveries: Deliveries::default(),
            alert_problems: AlertProblems::default(),
            readers: Readers::new(config.speech.reading()),
            zone: config.zone,
            drafts: DraftRules { text_max_chars: config.limits.text_max_chars, languages, spoken, voices },
            limits: config.limits.clone(),
            words_per_minute: config.speech.words_per_minute,
            may_order: AtomicBool::new(true),
        });
        Ok(Self {
            areas: Areas(Arc::clone(&ground)),
            nodes: Nodes(Arc::clone(&ground)),
            users: Users(Arc::clone(&ground)),
            sessions: Sessions::new(Arc::clone(&ground)),
            bulletins: Bulletins(Arc::clone(&ground)),
            uploads: Uploads(Arc::clone(&ground)),
            sounds: Sounds(Arc::clone(&ground)),
            speech_data: SpeechData(Arc::clone(&ground)),
            schedules: Schedules(Arc::clone(&ground)),
            preflights: Preflights(Arc::clone(&ground)),
            heard: Heard(Arc::clone(&ground)),
            lexicon: Lexicon(Arc::clone(&ground)),
            calendars: Calendars(Arc::clone(&ground)),
            live_orders: LiveOrders(Arc::clone(&ground)),
            alerts: Alerts(Arc::clone(&ground)),
            audit: AuditLog(Arc::clone(&ground)),
            ground,
        })
    }

    /// The database, for the tasks.
    pub fn store(&self) -> &Store {
        &self.ground.store
    }

    /// The files of finished sounds, for the tasks.
    pub fn objects(&self) -> &BlobStore {
        &self.ground.objects
    }

    /// The manifests of finished sounds, for the tasks.
    pub fn manifests(&self) -> &Manifests {
        &self.ground.manifests
    }

    /// The files of uploaded recordings, for the tasks.
    pub fn recordings(&self) -> &BlobStore {
        &self.ground.uploads
    }

    /// The handles that wake the tasks.
    pub fn nudges(&self) -> &Nudges {
        &self.ground.nudges
    }

    /// Where what changed is told to open pages.
    pub fn changes(&self) -> &Changes {
        &self.ground.changes
    }

    /// What the tasks and the web server measure of themselves.
    pub fn metrics(&self) -> &Metrics {
        &self.ground.metrics
    }

    /// The clock that all services read.
    pub fn clock(&self) -> &Clock {
        &self.ground.clock
    }

    /// Where the reconciler says what does not get to nodes.
    pub fn problems(&self) -> &PlanProblems {
        &self.ground.problems
    }

    /// Where the transfer says what it has sent.
    pub fn deliveries(&self) -> &Deliveries {
        &self.ground.deliveries
    }

    /// Where the sender of emergencies says what does not get to nodes.
    pub fn alert_problems(&self) -> &AlertProblems {
        &self.ground.alert_problems
    }

    /// Says whether the emergency key may give live orders, as the key set has it.
    pub fn set_may_order(&self, may: bool) {
        self.ground.may_order.store(may, Ordering::Relaxed);
    }

    /// The languages of broadcasts.
    pub fn languages(&self) -> &Arc<Languages> {
        self.ground.languages()
    }

    /// Those of them that have a synthetic voice here; the others need a person.
    pub fn spoken_languages(&self) -> &[Language] {
        &self.ground.drafts.spoken
    }

    /// The time zone of areas that name none.
    pub fn zone(&self) -> Tz {
        self.ground.zone
    }
}

#[cfg(test)]
pub(crate) mod story;
#[cfg(test)]
mod tests;
