//! A province in minutes instead of days: areas, nodes and the identities of their boards, entered at once.
//!
//! Certificates are signed by the controller's own authority and rows written by its own store, in one transaction; only the
//! exchange of tokens is left out, whose cost is measured by nobody.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use data_encoding::HEXLOWER;
use loa_controller::config::Config;
use loa_controller::domain::area::{Area, AreaDraft};
use loa_controller::domain::node::{CertificateRecord, LineClass, NodeValues};
use loa_controller::domain::role::Principal;
use loa_controller::identity::{Authority, BROKER_NAME, NodeCertificate};
use loa_controller::services::{Clock, Nudges, Services};
use loa_controller::store::nodes;
use loa_controller::trust::Trust;
use loa_node::identity::Identity;
use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;
use rcgen::{CertificateParams, KeyPair};

/// Villages of a commune.
const VILLAGES_EACH: usize = 10;

/// How large it is to be.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Nodes, spread evenly over the villages.
    pub nodes: usize,
    /// Areas in all: the province, communes of ten villages, and the villages.
    pub areas: usize,
}

/// A province that was entered.
#[derive(Debug)]
pub struct Province {
    /// All of it: the province, then its communes and villages.
    pub areas: Vec<Area>,
    /// The identities of its boards, by number.
    pub identities: Vec<Identity>,
    /// What took how long.
    pub took: Took,
}

/// How long the parts of entering took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Took {
    /// Entering the areas, each by the service.
    pub areas: Duration,
    /// Keys and certificates.
    pub certificates: Duration,
    /// Rows of the nodes.
    pub rows: Duration,
}

impl Province {
    /// Enters a province into the empty folder of a controller that is not running; `config` must name the port at which its
    /// broker will listen.
    ///
    /// # Errors
    /// What stands in the way.
    pub async fn found(config: &Config, size: Size) -> Result<Self> {
        crate::tls::choose_ring();
        let clock = Clock::machine();
        let services = Services::open(config, clock.clone(), Nudges::default()).await?;
        let begun = Instant::now();
        let areas = enter_areas(&services, size.areas).await?;
        let mut took = Took { areas: begun.elapsed(), ..Took::default() };

        let begun = Instant::now();
        let authority = Authority::open_or_create(&config.data_dir.join("ca"), clock.now())?;
        let anchor = authority.trust_anchor(config.tenant.clone());
        let trust = Trust::open_or_create(&config.data_dir.join("keys"), &anchor, clock.now())?;
        // Who stands in no village stands in the province.
        let is_village = |area: &&Area| area.path.areas().len() == 3;
        let mut places: Vec<&Area> = areas.iter().filter(is_village).collect();
        if places.is_empty() {
            places = areas.iter().take(1).collect();
        }
        let ids = (0..size.nodes).map(|index| NodeId::new(format!("cum-{index:05}")));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let certified = certify(&authority, &ids, clock.now())?;
        took.certificates = begun.elapsed();

        let begun = Instant::now();
        let mut tx = services.store().write().await?;
        let mut identities = Vec::with_capacity(ids.len());
        for (index, (node, (private_key_pem, certificate))) in ids.iter().zip(certified).enumerate() {
            let place = places.get(index % places.len().max(1)).context("a province has an area")?;
            let area = place.path.areas().last().context("a path has an area")?;
            let values = NodeValues {
                name: format!("Cụm loa {index:05}"),
                serial: None,
                volume_percent: 80,
                // The boards are on this machine: no line is the bound.
                line: LineClass::Fibre,
            };
            nodes::insert(&mut tx, node, area, &values, clock.now()).await?;
            let record = CertificateRecord {
                fingerprint: HEXLOWER.encode(&certificate.fingerprint),
                serial: HEXLOWER.encode(&certificate.serial),
                expires: certificate.not_after,
            };
            nodes::set_enrolled(&mut tx, node, &record, clock.now()).await?;
            identities.push(Identity {
                tenant: config.tenant.clone(),
                node: node.clone(),
                path: place.path.clone(),
                root: *trust.root(),
                broker_host: config.broker.listen.ip().to_string(),
                broker_port: config.broker.listen.port(),
                broker_name: BROKER_NAME.to_owned(),
                ca_pem: authority.ca_pem().to_owned(),
                certificate_chain_pem: certificate.chain_pem,
                private_key_pem,
                key_set: trust.key_set().to_vec(),
            });
        }
        tx.commit().await?;
        took.rows = begun.elapsed();
        services.store().close().await;
        Ok(Self { areas, identities, took })
    }

    /// Writes the identities as `loa-firmware-sim fleet --identities` reads them.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        self.identities.iter().try_for_each(|identity| {
            let own = folder.join(identity.node.as_str());
            std::fs::create_dir_all(&own).with_context(|| format!("making {}", own.display()))?;
            Ok(identity.save(&own)?)
        })
    }
}

async fn enter_areas(services: &Services, count: usize) -> Result<Vec<Area>> {
    ensure!(count > 0, "a province has an area");
    let operator = Principal::operator();
    let draft =
        |name: String, level: &str| AreaDraft { name, level: level.to_owned(), ..AreaDraft::default() };
    let mut areas =
        vec![services.areas.create(&operator, None, &draft("Lâm Đồng".to_owned(), "tỉnh")).await?];
    let (province, mut commune) = (areas.first().map(|area| area.id.clone()), None);
    for index in 0..count - 1 {
        let (number, village) = (index / (VILLAGES_EACH + 1), index % (VILLAGES_EACH + 1));
        if village == 0 {
            let made = services
                .areas
                .create(&operator, province.as_ref(), &draft(format!("Xã {number:02}"), "xã"))
                .await?;
            commune = Some(made.id.clone());
            areas.push(made);
        } else {
            let name = format!("Thôn {village} xã {number:02}");
            areas.push(services.areas.create(&operator, commune.as_ref(), &draft(name, "thôn")).await?);
        }
    }
    Ok(areas)
}

/// A private key as PEM and a certificate for each of these nodes, on all processors.
fn certify(authority: &Authority, nodes: &[NodeId], now: UnixMs) -> Result<Vec<(String, NodeCertificate)>> {
    let threads = thread::available_parallelism().map_or(1, Into::into);
    let share = nodes.len().div_ceil(threads).max(1);
    let one = |node: &NodeId| -> Result<(String, NodeCertificate)> {
        let key = KeyPair::generate()?;
        let request = CertificateParams::default().serialize_request(&key)?;
        Ok((key.serialize_pem(), authority.sign_csr(request.der(), node, now)?))
    };
    thread::scope(|scope| {
        let parts: Vec<_> = nodes
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(one).collect::<Result<Vec<_>>>()))
            .collect();
        let mut all = Vec::with_capacity(nodes.len());
        for part in parts {
            all.extend(part.join().map_err(|_| anyhow::anyhow!("making certificates broke off"))??);
        }
        Ok(all)
    })
}
