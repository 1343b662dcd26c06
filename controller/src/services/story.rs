//! A small commune for tests: areas, nodes and people on a real database in a temporary folder.
//!
//! ```text
//! lam-dong ── da-don ── thon-1 (node cum-1)
//!          │         └─ thon-2 (node cum-2)
//!          └─ phu-son ─ thon-x (node cum-x)
//! ```

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Class, Language};
use loa_protocol::ids::{AreaId, BulletinId, NodeId, ObjectHash};
use loa_protocol::time::UnixMs;

use super::{BulletinView, Clock, Enrolled, Nudges, Origin, Services, UserDraft, Visit};
use crate::config::Config;
use crate::domain::alert::{AlertDraft, ExpiryDraft};
use crate::domain::area::AreaDraft;
use crate::domain::bulletin::BulletinDraft;
use crate::domain::node::{CertificateRecord, NodeDraft};
use crate::domain::role::{ClassSet, Principal, Role};
use crate::domain::schedule::{ScheduleDraft, StartDraft};
use crate::domain::schedule_rules::ScheduleRulesDraft;
use crate::store::objects::AudioObject;
use crate::store::{objects, speech_jobs, testing};

/// Sunday 22 November 2026, 08:00 in Viet Nam.
pub(crate) const NOON: UnixMs = UnixMs(1_795_309_200_000);
/// A passphrase that passes.
pub(crate) const PASSPHRASE: &str = "suối chảy qua bản làng";

/// The commune and everything in it.
pub(crate) struct Story {
    pub(crate) services: Services,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) operator: Principal,
    _database: Option<loa_test_postgres::Database<'static>>,
    _folder: tempfile::TempDir,
}

impl Story {
    /// The areas and nodes of the drawing, and nobody.
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    /// The same with other settings; the data folder is a temporary one.
    pub(crate) async fn with(mut config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        config.data_dir = folder.path().to_owned();
        let database = testing::settle(&mut config).await;
        let clock = Clock::set_to(NOON);
        let services = Services::open(&config, clock.clone(), Nudges::default()).await.unwrap();
        let operator = Principal::operator();
        let story = Self { services, clock, config, operator, _database: database, _folder: folder };
        for (name, level, parent) in [
            ("Lâm Đồng", "tỉnh", None),
            ("Đạ Đờn", "xã", Some("lam-dong")),
            ("Phú Sơn", "xã", Some("lam-dong")),
            ("Thôn 1", "thôn", Some("da-don")),
            ("Thôn 2", "thôn", Some("da-don")),
            ("Thôn X", "thôn", Some("phu-son")),
        ] {
            let draft = AreaDraft { name: name.to_owned(), level: level.to_owned(), ..AreaDraft::default() };
            story.services.areas.create(&story.operator, parent.map(area).as_ref(), &draft).await.unwrap();
        }
        for (name, place) in [("Cụm 1", "thon-1"), ("Cụm 2", "thon-2"), ("Cụm X", "thon-x")] {
            story.services.nodes.create(&story.operator, &node_draft(name, place)).await.unwrap();
        }
        story
    }

    /// A person with one role in one area (`""`: everywhere), for all classes.
    pub(crate) async fn person(&self, login: &str, role: Role, place: &str) -> Principal {
        self.person_for(login, role, place, ClassSet::ALL).await
    }

    /// A person with one role in one area, for some classes.
    pub(crate) async fn person_for(
        &self,
        login: &str,
        role: Role,
        place: &str,
        classes: ClassSet,
    ) -> Principal {
        let place = (!place.is_empty()).then(|| area(place));
        let draft =
            UserDraft { login: login.to_owned(), display_name: login.to_owned(), home: place.clone() };
        let user = self.services.users.create(&self.operator, &draft).await.unwrap();
        let view =
            self.services.users.grant(&self.operator, &user.id, role, place.as_ref(), classes).await.unwrap();
        Principal::user(user.id, login, view.grants)
    }

    /// The person signed in by a one-time link.
    pub(crate) async fn visit(&self, who: &Principal) -> Visit {
        let id = who.user_id().unwrap();
        let link = self.services.users.issue_sign_in_link(&self.operator, id).await.unwrap();
        let signed_in = self.services.sessions.sign_in_by_link(&link, &Origin::default()).await.unwrap();
        self.services.sessions.visit(&signed_in.token, &Origin::default()).await.unwrap()
    }

    /// Does the speech workers' part: every job in line gets a sound.
    pub(crate) async fn make_sounds(&self) {
        let mut tx = self.services.store().write().await.unwrap();
        while let Some(job) = speech_jobs::claim(&mut tx, NOON).await.unwrap() {
            let bytes = format!("sound of {:?}", job.track.content);
            let hash = self.services.objects().put(bytes.as_bytes()).await.unwrap();
            assert_eq!(hash, ObjectHash::of(bytes.as_bytes()));
            let object = AudioObject {
                hash,
                size_bytes: bytes.len() as u64,
                duration_ms: 1_500,
                codec: objects::OGG_OPUS.to_owned(),
                loudness_lufs: Some(-16.0),
                true_peak_dbtp: Some(-1.6),
                created: NOON,
            };
            objects::insert(&mut tx, &object).await.unwrap();
            assert!(speech_jobs::finish(&mut tx, &job.track.id, &hash, NOON).await.unwrap());
        }
        tx.commit().await.unwrap();
    }

    /// Lets a board enrol for the node, with a certificate of this serial number.
    pub(crate) async fn enrolled(&self, id: &str, serial: &str) {
        self.enrolled_as(id, serial, &format!("fingerprint of {serial}")).await;
    }

    /// The same, with a certificate whose SHA-256 is this (lower-case hex).
    pub(crate) async fn enrolled_as(&self, id: &str, serial: &str, fingerprint: &str) {
        let nodes = &self.services.nodes;
        let token = ObjectHash::of(serial.as_bytes()).0;
        nodes.issue_token(&self.operator, &node(id), |_, _| Ok((token, ()))).await.unwrap();
        let certificate = CertificateRecord {
            fingerprint: fingerprint.to_owned(),
            serial: serial.to_owned(),
            expires: self.clock.now() + 86_400_000_000,
        };
        let done = nodes.finish_enrolment(&node(id), &token, &certificate, token, b"answer").await.unwrap();
        assert_eq!(done, Enrolled::Fresh);
    }

    /// A bulletin of the commune Đạ Đờn, written by `author`, its sound made.
    pub(crate) async fn bulletin(&self, author: &Principal) -> BulletinView {
        let made = self.services.bulletins.create(author, &area("da-don"), &draft(), None).await.unwrap();
        self.make_sounds().await;
        self.services.bulletins.get(author, &made.bulletin.id).await.unwrap()
    }

    /// The same, submitted.
    pub(crate) async fn submitted(&self, author: &Principal) -> BulletinView {
        let view = self.bulletin(author).await;
        self.services.bulletins.submit(author, &view.bulletin.id, &view.seen()).await.unwrap()
    }

    /// The same, approved.
    pub(crate) async fn approved(&self, author: &Principal, approver: &Principal) -> BulletinView {
        let view = self.submitted(author).await;
        self.services.bulletins.approve(approver, &view.bulletin.id, &view.seen(), "").await.unwrap()
    }
}

pub(crate) fn area(id: &str) -> AreaId {
    AreaId::new(id).unwrap()
}

pub(crate) fn node(id: &str) -> NodeId {
    NodeId::new(id).unwrap()
}

pub(crate) fn path(ids: &[&str]) -> AreaPath {
    AreaPath::new(ids.iter().map(|id| area(id)).collect()).unwrap()
}

pub(crate) fn vietnamese() -> Language {
    Language::vietnamese()
}

pub(crate) fn draft() -> BulletinDraft {
    BulletinDraft {
        title: "Lịch cắt điện".to_owned(),
        text: "Sáng mai mất điện từ 8 giờ đến 11 giờ.".to_owned(),
        category: "local_notice".to_owned(),
        class: Class::Normal.as_str().to_owned(),
        tracks: Vec::new(),
    }
}

pub(crate) fn node_draft(name: &str, place: &str) -> NodeDraft {
    NodeDraft {
        name: name.to_owned(),
        area: area(place),
        serial: String::new(),
        volume_percent: None,
        line: Default::default(),
    }
}

pub(crate) fn schedule_draft(bulletin: &BulletinId, start: StartDraft, areas: &[&str]) -> ScheduleDraft {
    ScheduleDraft {
        bulletin: bulletin.clone(),
        start,
        valid_from: String::new(),
        valid_until: String::new(),
        start_within_s: None,
        areas: areas.iter().map(|a| (*a).to_owned()).collect(),
        nodes: Vec::new(),
        rules: ScheduleRulesDraft::default(),
    }
}

/// An emergency in words of its own, for an hour.
pub(crate) fn alert_draft(areas: &[&str]) -> AlertDraft {
    AlertDraft {
        areas: areas.iter().map(|area| (*area).to_owned()).collect(),
        template: String::new(),
        title: "Lũ quét".to_owned(),
        text: "Nước suối đang lên rất nhanh. Rời khỏi nhà ngay.".to_owned(),
        category: String::new(),
        tracks: Vec::new(),
        severity: "severe".to_owned(),
        status: String::new(),
        expiry: ExpiryDraft::Minutes(60),
        rounds: 1,
        gap_s: None,
        corrects: String::new(),
    }
}

pub(crate) fn once(local: &str) -> StartDraft {
    StartDraft::Once(local.to_owned())
}
