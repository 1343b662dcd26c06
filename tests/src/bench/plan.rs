//! How long a change of the schedule takes for a whole province: from the click to the last signed plan on the broker. Beside it
//! the same messages, handed to the same broker by a client that compiles and signs nothing.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use loa_controller::app::Controller;
use loa_controller::config::Config;
use loa_controller::domain::bulletin::BulletinDraft;
use loa_controller::domain::role::{ClassSet, Principal, Role};
use loa_controller::domain::schedule::{ScheduleDraft, StartDraft};
use loa_controller::domain::schedule_rules::ScheduleRulesDraft;
use loa_controller::services::{Services, UserDraft};
use loa_link::{Credentials, Link, LinkEvent, LinkHandle, LinkOptions, Publication, Qos, Secret};
use loa_protocol::ids::{AreaId, BulletinId};
use loa_tests::province::{Province, Size};
use loa_tests::station::tenant;
use loa_tests::table::layout;
use loa_tests::wait::until;

use crate::Goal;

const PATIENCE: Duration = Duration::from_secs(300);
/// Nothing more comes of the start when nothing came for so long.
const QUIET: Duration = Duration::from_secs(5);

struct Measured {
    size: Size,
    first_s: f64,
    seconds: f64,
    raw_seconds: f64,
}

/// Measures, prints the table, and gives the goals.
pub(crate) async fn run(areas: &[usize], nodes: &[usize]) -> Result<Vec<Goal>> {
    let (most_areas, most_nodes) =
        (areas.iter().max().context("a number of areas")?, nodes.iter().max().context("a number of nodes")?);
    let by_nodes = nodes.iter().map(|nodes| Size { nodes: *nodes, areas: *most_areas });
    let by_areas = areas.iter().map(|areas| Size { nodes: *most_nodes, areas: *areas });
    let mut measured = Vec::new();
    for size in by_areas.filter(|size| size.areas != *most_areas).chain(by_nodes) {
        let folder = tempfile::tempdir()?;
        measured.push(one(folder.path(), size).await?);
    }
    let row = |one: &Measured| {
        vec![
            one.size.areas.to_string(),
            one.size.nodes.to_string(),
            format!("{:.2}", one.first_s),
            format!("{:.3}", one.seconds),
            format!("{:.3}", one.raw_seconds),
            format!("{:.1}", one.seconds / one.raw_seconds),
        ]
    };
    let headings = [
        "areas",
        "nodes",
        "s for all documents at the start",
        "s for the change",
        "s for the messages alone",
        "ratio",
    ];
    println!("{}", layout(&headings, &measured.iter().map(row).collect::<Vec<_>>()));
    let last = measured.last().context("a size to measure")?;
    Ok(vec![Goal::at_most("a change for the whole province, on the broker", last.seconds, "s", 1.0)])
}

async fn one(folder: &Path, size: Size) -> Result<Measured> {
    let mut config = Config { data_dir: folder.join("controller"), ..Config::default() };
    config.tenant = tenant()?;
    config.http.listen = "127.0.0.1:0".parse()?;
    config.broker.listen = "127.0.0.1:0".parse()?;
    config.broker.public_host = "127.0.0.1".to_owned();
    let province = Province::found(&config, size).await?;
    let begun = Instant::now();
    let controller = Controller::start(config).await?;
    let watch = Watch::open(&controller).await?;
    watch.quiet().await?;
    let first_s = watch.last_at(begun).unwrap_or_default();

    let services = controller.services();
    let ids: Vec<AreaId> = province.areas.iter().map(|area| area.id.clone()).collect();
    let author = person(services, "lan", Role::Author).await?;
    let approver = person(services, "binh", Role::Approver).await?;
    let bulletin = approved(services, &author, &approver, ids.first().context("the province")?).await?;
    let draft = schedule(services, &bulletin, &ids)?;
    watch.quiet().await?;
    watch.clear();
    let begun = Instant::now();
    services.schedules.create(&author, &draft, None).await?;
    let plans = watch.count(size.areas).await?;
    let seconds = watch.last_at(begun).context("a plan came")?;

    watch.clear();
    let begun = Instant::now();
    for (number, payload) in plans.into_iter().enumerate() {
        let topic = format!("loa/1/{}/a/so-sanh-{number}/plan", tenant()?);
        let publication =
            Publication { qos: Qos::AtLeastOnce, retain: true, ..Publication::new(topic, payload, 0) };
        watch.link.publish_when_room(publication).await?;
    }
    watch.count(size.areas).await?;
    let raw_seconds = watch.last_at(begun).context("a message came")?;
    controller.stop().await;
    Ok(Measured { size, first_s, seconds, raw_seconds })
}

/// Plans, with the instants at which they came.
type Seen = Vec<(Instant, Vec<u8>)>;

/// Sees every plan on the broker.
struct Watch {
    link: LinkHandle,
    seen: Arc<Mutex<Seen>>,
}

impl Watch {
    async fn open(controller: &Controller) -> Result<Self> {
        let broker = controller.broker().context("the broker is embedded")?;
        let (address, login) = (broker.controller_addr(), broker.controller_login());
        let password = Secret::new(login.password.clone());
        let mut options = LinkOptions {
            credentials: Some(Credentials { user: login.username.to_owned(), password }),
            ..LinkOptions::new("controller:watch", address.ip().to_string(), address.port())
        };
        options.subscriptions = vec![(format!("loa/1/{}/a/+/plan", tenant()?), Qos::AtLeastOnce)];
        let (link, mut events) = Link::spawn(options)?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let LinkEvent::Message(message) = event {
                    let at = Instant::now();
                    noted.lock().unwrap_or_else(PoisonError::into_inner).push((at, message.payload.to_vec()));
                }
            }
        });
        Ok(Self { link, seen })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn clear(&self) {
        self.with(Vec::clear);
    }

    /// Seconds from an instant to the last message; `None` where none came.
    fn last_at(&self, begun: Instant) -> Option<f64> {
        self.with(|seen| seen.last().map(|(at, _)| at.saturating_duration_since(begun).as_secs_f64()))
    }

    /// Waits until nothing has come for a while.
    async fn quiet(&self) -> Result<()> {
        let begun = Instant::now();
        until("an end of the documents", PATIENCE, async || {
            let last = self.with(|seen| seen.last().map_or(begun, |(at, _)| (*at).max(begun)));
            Ok((last.elapsed() >= QUIET).then_some(()))
        })
        .await
    }

    /// Waits for so many messages, and gives them.
    async fn count(&self, count: usize) -> Result<Vec<Vec<u8>>> {
        until("the plans of all areas", PATIENCE, async || {
            Ok(self.with(|seen| {
                (seen.len() >= count).then(|| seen.iter().map(|(_, payload)| payload.clone()).collect())
            }))
        })
        .await
    }
}

async fn person(services: &Services, login: &str, role: Role) -> Result<Principal> {
    let operator = Principal::operator();
    let draft = UserDraft { login: login.to_owned(), display_name: login.to_owned(), home: None };
    let user = services.users.create(&operator, &draft).await?;
    let view = services.users.grant(&operator, &user.id, role, None, ClassSet::ALL).await?;
    Ok(Principal::user(user.id, login, view.grants))
}

async fn approved(
    services: &Services,
    author: &Principal,
    approver: &Principal,
    area: &AreaId,
) -> Result<BulletinId> {
    let draft = BulletinDraft {
        title: "Lịch tiêm chủng".to_owned(),
        text: "Sáng mai trạm y tế xã tiêm chủng cho trẻ em.".to_owned(),
        category: "health".to_owned(),
        class: "normal".to_owned(),
        tracks: Vec::new(),
    };
    let bulletins = &services.bulletins;
    let id = bulletins.create(author, area, &draft, None).await?.bulletin.id;
    let made = until("the sound", Duration::from_secs(120), async || {
        let view = bulletins.get(author, &id).await?;
        Ok(view.latest.is_audible().then_some(view))
    })
    .await?;
    let submitted = bulletins.submit(author, &id, &made.seen()).await?;
    bulletins.approve(approver, &id, &submitted.seen(), "").await?;
    Ok(id)
}

fn schedule(services: &Services, bulletin: &BulletinId, areas: &[AreaId]) -> Result<ScheduleDraft> {
    let at = (services.clock().now() + 24 * 3_600_000).to_utc().context("a year that is known")?;
    let local = at.with_timezone(&services.zone()).format("%Y-%m-%dT%H:%M:%S").to_string();
    Ok(ScheduleDraft {
        bulletin: bulletin.clone(),
        start: StartDraft::Once(local),
        valid_from: String::new(),
        valid_until: String::new(),
        start_within_s: Some(60),
        areas: areas.iter().map(ToString::to_string).collect(),
        nodes: Vec::new(),
        rules: ScheduleRulesDraft::default(),
    })
}
