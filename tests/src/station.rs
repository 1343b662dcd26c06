//! A commune's controller in this process, with people and places.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use loa_controller::app::Controller;
use loa_controller::config::Config;
use loa_controller::domain::area::AreaDraft;
use loa_controller::domain::bulletin::{BulletinDraft, Making};
use loa_controller::domain::node::NodeDraft;
use loa_controller::domain::role::{ClassSet, Principal, Role};
use loa_controller::domain::schedule::{ScheduleDraft, StartDraft};
use loa_controller::domain::schedule_rules::ScheduleRulesDraft;
use loa_controller::services::{BulletinView, Services, UserDraft};
use loa_controller::store::receipts::{self, ReceiptFilter, ReceiptRecord};
use loa_controller::store::reports;
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId, ObjectHash, TenantId};
use loa_protocol::report::State;
use loa_protocol::time::UnixMs;
use loa_speech::Pcm;

use crate::wait::until;
use crate::{Person, Village};

/// The commune of the stories.
pub const COMMUNE: &str = "lac-duong";
/// Its villages.
pub const VILLAGES: [(&str, &str); 3] =
    [("Bon Đưng", "bon-dung"), ("Đăng Gia", "dang-gia"), ("Păng Tiêng", "pang-tieng")];

/// The installation of the stories.
///
/// # Errors
/// Never: it is an id.
pub fn tenant() -> Result<TenantId> {
    Ok(TenantId::new("lam-dong")?)
}

/// A controller, a commune with three villages, an author and an approver.
pub struct Station {
    config: Config,
    controller: Controller,
    author: Principal,
    approver: Principal,
}

/// A station whose controller is off: its folder, its ports and its people are still there.
pub struct Stopped {
    config: Config,
    author: Principal,
    approver: Principal,
}

impl Stopped {
    /// Starts the controller again, on the same folder and the same ports.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(self) -> Result<Station> {
        let Self { config, author, approver } = self;
        let controller = Controller::start(config.clone()).await?;
        Ok(Station { config, controller, author, approver })
    }
}

impl Station {
    /// Starts a controller on free ports in `folder`, and enters commune, villages and people.
    ///
    /// # Errors
    /// When any of it fails.
    pub async fn start(folder: &Path) -> Result<Self> {
        Self::start_with(folder, |_| {}).await
    }

    /// The same, with settings changed.
    ///
    /// # Errors
    /// When any of it fails.
    pub async fn start_with(folder: &Path, change: impl FnOnce(&mut Config)) -> Result<Self> {
        crate::tls::choose_ring();
        let mut config = config(folder)?;
        change(&mut config);
        let controller = Controller::start(config.clone()).await?;
        config.http.listen = controller.http_addr();
        config.broker.listen = controller.broker_addr().unwrap_or(config.broker.listen);
        let operator = Principal::operator();
        let services = controller.services();
        let draft = |name: &str, level: &str| AreaDraft {
            name: name.to_owned(),
            level: level.to_owned(),
            ..AreaDraft::default()
        };
        let province = services.areas.create(&operator, None, &draft("Lâm Đồng", "tỉnh")).await?;
        let commune = services.areas.create(&operator, Some(&province.id), &draft("Lạc Dương", "xã")).await?;
        for (name, _) in VILLAGES {
            services.areas.create(&operator, Some(&commune.id), &draft(name, "thôn")).await?;
        }
        let author = person(services, "lan", "Cil Lan", Role::Author).await?;
        let approver = person(services, "binh", "Nguyễn Thanh Bình", Role::Approver).await?;
        Ok(Self { config, controller, author, approver })
    }

    /// The controller's folder.
    pub fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }

    /// The running controller.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// What the controller can do.
    pub fn services(&self) -> &Services {
        self.controller.services()
    }

    /// Ends the controller in good order.
    pub async fn stop(self) -> Stopped {
        let Self { config, controller, author, approver } = self;
        controller.stop().await;
        Stopped { config, author, approver }
    }

    /// A person of the commune at the API: `lan` writes, `binh` approves.
    ///
    /// # Errors
    /// When the sign-in fails.
    pub async fn at_the_api(&self, login: &str) -> Result<Person> {
        let operator = Principal::operator();
        let users = &self.services().users;
        let user = users.by_login(&operator, login).await?.user.id;
        let link = users.issue_sign_in_link(&operator, &user).await?;
        Person::by_link(&format!("{}/welcome/{}", self.controller.base_url(), link.reveal())).await
    }

    /// Says which languages are spoken in an area, the preferred first.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn speaks(&self, area: &str, languages: &[&str]) -> Result<()> {
        let operator = Principal::operator();
        let area = self.services().areas.get(&operator, &AreaId::new(area)?).await?;
        let draft = AreaDraft {
            name: area.name,
            level: area.level,
            languages: languages.iter().map(|tag| (*tag).to_owned()).collect(),
            zone: String::new(),
        };
        self.services().areas.update(&operator, &area.id, &draft).await?;
        Ok(())
    }

    /// Adds a node in the village `area`, enrols a board for it, and powers it up.
    ///
    /// # Errors
    /// When any of it fails.
    pub async fn village(&self, folder: &Path, name: &str, area: &str) -> Result<Village> {
        let mut village = self.board(folder, name, area).await?;
        village.start()?;
        Ok(village)
    }

    /// Adds a node in the village `area`, and enrols a board for it, without power as yet.
    ///
    /// # Errors
    /// When any of it fails.
    pub async fn board(&self, folder: &Path, name: &str, area: &str) -> Result<Village> {
        let (node, token) = self.token(name, area).await?;
        let village = Village::prepare(folder, node.as_str(), name, true)?;
        village.enrol(&token).await?;
        Ok(village)
    }

    /// Adds a node in the village `area`, and makes the token for its board.
    ///
    /// # Errors
    /// When either is refused.
    pub async fn token(&self, name: &str, area: &str) -> Result<(NodeId, String)> {
        let draft = NodeDraft {
            name: name.to_owned(),
            area: AreaId::new(area)?,
            serial: String::new(),
            volume_percent: Some(100),
            line: Default::default(),
        };
        let operator = Principal::operator();
        let node = self.services().nodes.create(&operator, &draft).await?;
        let token = self.controller.enrolments().issue(&operator, &node.id).await?;
        Ok((node.id, token.text))
    }

    /// Waits until the node is connected and has applied what stands in its documents.
    ///
    /// # Errors
    /// When that does not come.
    pub async fn applied(&self, village: &mut Village) -> Result<State> {
        self.state(village, "documents applied", |state| state.desired.is_some()).await
    }

    /// Waits until the node reports a state that fits.
    ///
    /// # Errors
    /// When that does not come within 60 s, or the node's program ends.
    pub async fn state(
        &self,
        village: &mut Village,
        what: &str,
        fits: impl Fn(&State) -> bool,
    ) -> Result<State> {
        let node = NodeId::new(village.node.as_str())?;
        until(&format!("{node}: {what}"), Duration::from_secs(60), async || {
            village.program()?.check()?;
            let mut tx = self.services().store().read().await?;
            Ok(reports::state(&mut tx, &node).await?.map(|(state, _)| state).filter(|state| fits(state)))
        })
        .await
    }

    /// The author writes a bulletin, waits for its sound, submits it, and the approver approves it.
    ///
    /// # Errors
    /// When any step is refused, or the sound is not made.
    pub async fn approved(&self, title: &str, text: &str) -> Result<BulletinView> {
        self.approved_as("normal", title, text).await
    }

    /// The same with an emergency.
    ///
    /// # Errors
    /// As [`Station::approved`].
    pub async fn emergency(&self, title: &str, text: &str) -> Result<BulletinView> {
        self.approved_as("emergency", title, text).await
    }

    async fn approved_as(&self, class: &str, title: &str, text: &str) -> Result<BulletinView> {
        let bulletins = &self.services().bulletins;
        let draft = BulletinDraft {
            title: title.to_owned(),
            text: text.to_owned(),
            category: "health".to_owned(),
            class: class.to_owned(),
            tracks: Vec::new(),
        };
        let id = bulletins.create(&self.author, &AreaId::new(COMMUNE)?, &draft, None).await?.bulletin.id;
        self.made_and_approved(&id).await
    }

    /// Waits for the sounds of a bulletin that somebody wrote, submits it, and has it approved.
    ///
    /// # Errors
    /// When either is refused, or a sound is not made.
    pub async fn made_and_approved(&self, id: &BulletinId) -> Result<BulletinView> {
        let bulletins = &self.services().bulletins;
        let made = until("the sound", Duration::from_secs(120), async || {
            let view = bulletins.get(&self.author, id).await?;
            for track in &view.latest.tracks {
                if let Making::Failed(error) = &track.making {
                    bail!("the sound cannot be made: {} ({})", error.en, error.code);
                }
            }
            Ok(view.latest.is_audible().then_some(view))
        })
        .await?;
        let submitted = bulletins.submit(&self.author, id, &made.seen()).await?;
        Ok(bulletins.approve(&self.approver, id, &submitted.seen(), "").await?)
    }

    /// Schedules a bulletin once, `in_ms` from now on a whole second, for areas.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn once(&self, bulletin: &BulletinId, in_ms: i64, areas: &[&str]) -> Result<(ItemId, UnixMs)> {
        let services = self.services();
        let at = UnixMs::from_seconds((services.clock().now() + in_ms).seconds());
        let local = at.to_utc().context("a year that is known")?.with_timezone(&services.zone());
        let draft = ScheduleDraft {
            bulletin: bulletin.clone(),
            start: StartDraft::Once(local.format("%Y-%m-%dT%H:%M:%S").to_string()),
            valid_from: String::new(),
            valid_until: String::new(),
            start_within_s: Some(60),
            areas: areas.iter().map(|area| (*area).to_owned()).collect(),
            nodes: Vec::new(),
            rules: ScheduleRulesDraft::default(),
        };
        let made = services.schedules.create(&self.author, &draft, None).await?;
        Ok((made.schedule.id, at))
    }

    /// Waits for the node's receipt of an item.
    ///
    /// # Errors
    /// When none comes within `limit`.
    pub async fn receipt(
        &self,
        village: &mut Village,
        item: &ItemId,
        limit: Duration,
    ) -> Result<ReceiptRecord> {
        let node = NodeId::new(village.node.as_str())?;
        until(&format!("{node}: receipt of {item}"), limit, async || {
            village.program()?.check()?;
            let found = self.receipts(&node).await?;
            Ok(found.into_iter().find(|receipt| receipt.item == *item))
        })
        .await
    }

    /// The receipts of a node in the database.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn receipts(&self, node: &NodeId) -> Result<Vec<ReceiptRecord>> {
        let filter = ReceiptFilter { node: Some(node.clone()), limit: 1000, ..ReceiptFilter::default() };
        let mut tx = self.services().store().read().await?;
        let everywhere = [loa_controller::domain::role::Scope::Everywhere];
        Ok(receipts::list(&mut tx, &everywhere, &filter).await?)
    }

    /// The sound of an object, decoded as a node does.
    ///
    /// # Errors
    /// When it is not there, or is no sound.
    pub async fn sound(&self, hash: &ObjectHash) -> Result<Pcm> {
        Ok(loa_speech::opus::decode(&self.object(hash).await?)?)
    }

    /// The bytes of an object.
    ///
    /// # Errors
    /// When they are not there.
    pub async fn object(&self, hash: &ObjectHash) -> Result<Vec<u8>> {
        self.services().objects().read(hash).await?.context("the object is in the store")
    }
}

fn config(folder: &Path) -> Result<Config> {
    let mut config = Config { data_dir: folder.join("controller"), ..Config::default() };
    config.tenant = tenant()?;
    config.http.listen = "127.0.0.1:0".parse()?;
    config.broker.listen = "127.0.0.1:0".parse()?;
    config.metrics.listen = Some("127.0.0.1:0".parse()?);
    config.broker.public_host = "127.0.0.1".to_owned();
    Ok(config)
}

async fn person(services: &Services, login: &str, name: &str, role: Role) -> Result<Principal> {
    let operator = Principal::operator();
    let draft = UserDraft { login: login.to_owned(), display_name: name.to_owned(), home: None };
    let user = services.users.create(&operator, &draft).await?;
    let area = AreaId::new(COMMUNE)?;
    let view = services.users.grant(&operator, &user.id, role, Some(&area), ClassSet::ALL).await?;
    Ok(Principal::user(user.id, login, view.grants))
}
