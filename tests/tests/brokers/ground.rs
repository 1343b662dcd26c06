//! What every broker stands on: the database that says which boards there are and where they hang, and the authority
//! that made their certificates.

use std::collections::BTreeMap;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use loa_controller::config::Config;
use loa_controller::dispatch::access::Access;
use loa_controller::domain::area::AreaDraft;
use loa_controller::domain::node::{CertificateRecord, LineClass, NodeDraft};
use loa_controller::domain::role::Principal;
use loa_controller::identity::Authority;
use loa_controller::services::{Clock, Nudges, Services};
use loa_controller::store::nodes;
use loa_protocol::ids::{AreaId, NodeId};
use loa_test_broker::{Identity, identity};
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

/// Boards and the villages in which they hang.
const BOARDS: [(&str, &str); 4] =
    [("n-1", "da-dong"), ("n-2", "da-dong"), ("n-3", "da-tong"), ("n-4", "da-dong")];

/// Province, two villages, four boards with certificates.
pub(crate) struct Ground {
    pub(crate) folder: TempDir,
    pub(crate) config: Config,
    pub(crate) services: Services,
    pub(crate) authority: Arc<Authority>,
    pub(crate) access: Arc<Access>,
    /// Certificate and key of each board, as PEM.
    papers: BTreeMap<&'static str, (String, String)>,
}

impl Ground {
    pub(crate) async fn new() -> Self {
        loa_tests::tls::choose_ring();
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: folder.path().join("controller"), ..Config::default() };
        config.tenant = loa_tests::station::tenant().unwrap();
        config.broker.listen = "127.0.0.1:0".parse().unwrap();
        config.broker.public_host = "127.0.0.1".to_owned();
        let services = Services::open(&config, Clock::machine(), Nudges::default()).await.unwrap();
        let now = services.clock().now();
        let authority = Arc::new(Authority::open_or_create(&config.data_dir.join("ca"), now).unwrap());
        let operator = Principal::operator();
        let draft = |name: &str, level: &str| AreaDraft {
            name: name.to_owned(),
            level: level.to_owned(),
            ..AreaDraft::default()
        };
        let province = services.areas.create(&operator, None, &draft("Lâm Đồng", "tỉnh")).await.unwrap();
        for name in ["Đạ Đờng", "Đạ Tông"] {
            services.areas.create(&operator, Some(&province.id), &draft(name, "thôn")).await.unwrap();
        }
        let access = Arc::new(Access::default());
        let papers = BTreeMap::new();
        let mut ground = Self { folder, config, services, authority, access, papers };
        for (board, village) in BOARDS {
            ground.enrol(board, village).await;
        }
        ground.access.refresh(ground.services.store()).await.unwrap();
        ground
    }

    async fn enrol(&mut self, board: &'static str, village: &str) {
        let draft = NodeDraft {
            name: board.to_owned(),
            area: AreaId::new(village).unwrap(),
            serial: String::new(),
            volume_percent: None,
            line: LineClass::Unknown,
        };
        let node = self.services.nodes.create(&Principal::operator(), &draft).await.unwrap();
        assert_eq!(node.id.as_str(), board);
        let key = KeyPair::generate().unwrap();
        let csr = CertificateParams::default().serialize_request(&key).unwrap();
        let now = self.services.clock().now();
        let made = self.authority.sign_csr(csr.der(), &node.id, now).unwrap();
        let record = CertificateRecord {
            fingerprint: HEXLOWER.encode(&made.fingerprint),
            serial: HEXLOWER.encode(&made.serial),
            expires: made.not_after,
        };
        let mut tx = self.services.store().write().await.unwrap();
        nodes::set_enrolled(&mut tx, &node.id, &record, now).await.unwrap();
        tx.commit().await.unwrap();
        self.papers.insert(board, (made.chain_pem, key.serialize_pem()));
    }

    /// The certificate and key of a board.
    pub(crate) fn identity(&self, board: &str) -> Identity {
        let (certificate, key) = &self.papers[board];
        identity(certificate, key)
    }

    /// The database says that a board's certificate is worth nothing any more.
    pub(crate) async fn revoke(&self, board: &str) {
        let node = NodeId::new(board).unwrap();
        self.services.nodes.revoke(&Principal::operator(), &node, "Bo mạch bị mất").await.unwrap();
    }

    /// A topic of the installation.
    pub(crate) fn topic(&self, below: &str) -> String {
        format!("loa/1/{}/{below}", self.config.tenant)
    }
}
