//! A board in the field with nobody between it and whoever signs: `loa-node` with a recorder for a horn, a broker, and a
//! signer that has its plans out at once.
//!
//! The audio lies in the board's cache before it boots, so that what is measured begins with a plan.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use ed25519_dalek::SigningKey;
use loa_firmware_sim::recorder::{RATE_HZ, Recording};
use loa_link::{Backoff, ClientIdentity, FlooredClock, LinkOptions, TlsOptions, client_config};
use loa_node::audio::opus_file::OpusFile;
use loa_node::identity::Identity;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Category, Class, Language};
use loa_protocol::envelope::{Signed, Validity, seal, seal_key_set};
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId};
use loa_protocol::keys::{KeyEntry, KeySet, Purpose, Scope};
use loa_protocol::plan::{AreaPlan, Item, NodeDocument, Program, Track, Zone};
use loa_protocol::report::State;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;
use loa_protocol::topic::TopicKind;
use loa_protocol::transfer::{Codec, Manifest};
use loa_protocol::wire::Wire as _;
use loa_speech::Pcm;
use loa_speech::opus::{OpusSettings, encode};
use loa_test_broker::{Mosquitto, Pki};
use loa_tests::station::tenant;
use loa_tests::wait::until;
use loa_tests::{Tap, Village};

const NODE: &str = "cum-loa-1";
const AREA: &str = "xa-lac-duong";

/// A sound in the board's cache.
pub(crate) struct Sound {
    manifest: Manifest,
    /// As the board decodes it, at [`RATE_HZ`].
    pub(crate) samples: Vec<f32>,
}

/// The board, and whom it listens to.
pub(crate) struct Field {
    // Dropped in this order: the board before its broker.
    village: Village,
    tap: Tap,
    _broker: Mosquitto,
    signer: SigningKey,
    epoch: u64,
}

impl Field {
    /// Boots the board with these sounds in its cache, and waits until it has its documents and counts the sounds.
    pub(crate) async fn open(folder: &Path, sounds: &[&Sound], files: &[Vec<u8>]) -> Result<Self> {
        let pki = Pki::new();
        let broker = Mosquitto::with_mutual_tls(&pki);
        let village = Village::prepare(folder, NODE, "Cụm loa đo", true)?;
        let objects = village.data_dir().join("objects");
        std::fs::create_dir_all(&objects)?;
        for (sound, bytes) in sounds.iter().zip(files) {
            std::fs::write(objects.join(sound.manifest.object.to_string()), bytes)?;
        }
        let (root, signer) = (SigningKey::from_bytes(&[21; 32]), SigningKey::from_bytes(&[22; 32]));
        let key_set = seal_key_set(&keys(&signer), &tenant()?, validity()?, &root);
        let (certificate_chain_pem, private_key_pem) = pki.issue(NODE, &[]);
        let identity = Identity {
            tenant: tenant()?,
            node: NodeId::new(NODE)?,
            path: path()?,
            root: root.verifying_key(),
            broker_host: "127.0.0.1".to_owned(),
            broker_port: broker.port,
            broker_name: "loa-broker".to_owned(),
            ca_pem: pki.ca_pem(),
            certificate_chain_pem,
            private_key_pem,
            key_set: key_set.clone(),
        };
        identity.save(&village.data_dir())?;
        let tap = Tap::open(office_link(&pki, &broker)?, &["u/+/state"]).await?;
        let mut field = Self { village, tap, _broker: broker, signer, epoch: now().0.unsigned_abs() };
        field.tap.put(TopicKind::Keys, key_set)?;
        field.put(TopicKind::Desired(NodeId::new(NODE)?), &field.node_document()?)?;
        field.plan(&[], sounds)?;
        field.village.start()?;
        let count = sounds.len();
        let is_ready = |state: &State| state.objects_ready as usize == count && !state.plans.is_empty();
        field
            .tap
            .first("the board's state", |seen| {
                State::from_cbor(&seen.payload).ok().filter(is_ready).map(drop)
            })
            .await?;
        Ok(field)
    }

    /// Puts a plan of these items in place of the last one.
    pub(crate) fn plan(&mut self, items: &[Item], sounds: &[&Sound]) -> Result<()> {
        self.epoch += 1;
        let mut objects: Vec<Manifest> = sounds.iter().map(|sound| sound.manifest.clone()).collect();
        objects.sort_by_key(|manifest| manifest.object);
        let plan = AreaPlan {
            area: AreaId::new(AREA)?,
            epoch: self.epoch,
            zone: vietnam()?,
            program: Program { items: items.to_vec(), objects, calendars: Vec::new() },
            guards: Default::default(),
            own_priority_first: false,
            prepared: Vec::new(),
        };
        self.put(TopicKind::Plan(AreaId::new(AREA)?), &plan)
    }

    fn put(&self, topic: TopicKind, document: &impl Signed) -> Result<()> {
        self.tap.put(topic, seal(document, &tenant()?, validity()?, &self.signer))
    }

    fn node_document(&self) -> Result<NodeDocument> {
        Ok(NodeDocument {
            node: NodeId::new(NODE)?,
            epoch: self.epoch,
            path: path()?,
            zone: vietnam()?,
            languages: vec![Language::vietnamese()],
            volume_percent: 100,
            health_interval_s: 3_600,
            program: Program::default(),
            guards: Default::default(),
            line_kbit_s: None,
        })
    }

    /// Waits until an instant, and fails early when the board's program has ended.
    pub(crate) async fn wait_until(&mut self, at: UnixMs) -> Result<()> {
        self.village.program()?.check()?;
        let left = u64::try_from(at.since(now())).unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(left)).await;
        self.village.program()?.check()
    }

    /// Where the board keeps its things.
    pub(crate) fn data_dir(&self) -> std::path::PathBuf {
        self.village.data_dir()
    }

    /// Ends the board and gives what was heard, each time that its card was open.
    pub(crate) async fn close(mut self) -> Result<Vec<Recording>> {
        self.village.stop().await?;
        until("the recorder's end", Duration::from_secs(30), async || {
            let recordings = self.village.recordings()?;
            Ok(recordings.iter().all(Recording::is_complete).then_some(recordings))
        })
        .await
    }
}

/// A sound of `ms` with the shape of speech, loud from its first sample, and its file.
pub(crate) fn sound(folder: &Path, ms: u32, seed: u32) -> Result<(Sound, Vec<u8>)> {
    let rate = f64::from(RATE_HZ);
    let count = ms as usize * RATE_HZ as usize / 1000;
    let mut phase = 0.0;
    let samples = (0..count).map(|index| {
        let at = index as f64 / rate;
        let glide = (at * (2.3 + f64::from(seed) * 0.7)).sin() * 60.0 + (at * 7.1).cos() * 25.0;
        phase += (170.0 + f64::from(seed) * 23.0 + glide) / rate;
        let syllable = (std::f64::consts::PI * (at * 3.3 + 0.25)).sin().abs().sqrt();
        let voice =
            (1..=12).map(f64::from).map(|h| (phase * h * std::f64::consts::TAU + h).sin() / h).sum::<f64>();
        (voice * syllable * 0.12) as f32
    });
    let bytes = encode(&Pcm::new(samples.collect(), RATE_HZ)?, &OpusSettings::default())?;
    let file = folder.join(format!("sound-{seed}.opus"));
    std::fs::write(&file, &bytes)?;
    let decoded: Vec<f32> = OpusFile::open(&file, 0)?.collect();
    let manifest = Manifest::of(&bytes, 4096, Codec::OggOpus, ms)?;
    Ok((Sound { manifest, samples: decoded }, bytes))
}

/// An item that plays a sound once.
pub(crate) fn item(id: &str, class: Class, at: UnixMs, sound: &Sound) -> Result<Item> {
    Ok(Item {
        id: ItemId::new(id)?,
        revision: 1,
        bulletin: BulletinId::new(id)?,
        title: "Đo".to_owned(),
        class,
        category: Category::LocalNotice,
        start: Start::At(at),
        valid_from: None,
        valid_until: None,
        start_within_ms: 60_000,
        tracks: vec![Track { language: Language::vietnamese(), object: sound.manifest.object }],
        rules: Default::default(),
        status: Default::default(),
    })
}

/// When the first sample of a sound was heard, in Unix milliseconds, between two instants; `None` where it was not.
pub(crate) fn heard(recordings: &[Recording], sound: &Sound, from_ms: f64, until_ms: f64) -> Option<f64> {
    recordings.iter().find_map(|recording| {
        let frames = recording.frame_at(from_ms)..recording.frame_at(until_ms) + sound.samples.len();
        let found = recording.find_among(&sound.samples, frames).ok()?;
        let frame = usize::try_from(found.lag_frames).ok()?;
        // The same decoder: anything else than the very sound is far from 1.
        (found.coefficient > 0.99).then(|| recording.unix_ms(frame))?
    })
}

/// The clock of this machine, which is the board's too.
pub(crate) fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn path() -> Result<AreaPath> {
    AreaPath::new(vec![AreaId::new("lam-dong")?, AreaId::new(AREA)?]).context("a path of two areas")
}

fn vietnam() -> Result<Zone> {
    Zone::named("Asia/Ho_Chi_Minh").context("the zone of Viet Nam")
}

fn validity() -> Result<Validity> {
    let now_s = now().seconds();
    Ok(Validity { issued_at_s: now_s, not_before_s: now_s - 300, expires_s: now_s + 24 * 3600 })
}

/// One key for everything: whoever measures is the office and the civil defence at once.
fn keys(signer: &SigningKey) -> KeySet {
    let scope = Scope {
        purposes: vec![Purpose::Plan, Purpose::Node, Purpose::Emergency],
        classes: Class::ALL.to_vec(),
        area: None,
        not_before: UnixMs(0),
        not_after: UnixMs(i64::MAX),
    };
    KeySet { version: 1, keys: vec![KeyEntry { public_key: signer.verifying_key().to_bytes(), scope }] }
}

fn office_link(pki: &Pki, broker: &Mosquitto) -> Result<LinkOptions> {
    let (certificate, key) = pki.issue("controller", &[]);
    let identity = ClientIdentity { chain_pem: certificate.as_bytes(), key_pem: key.as_bytes() };
    let config =
        client_config(pki.ca_pem().as_bytes(), Some(identity), FlooredClock::system(Default::default()))?;
    let mut options = LinkOptions::new("controller", "127.0.0.1", broker.port);
    options.tls = Some(TlsOptions::new(config, "loa-broker")?);
    options.backoff = Backoff { min: Duration::from_millis(20), max: Duration::from_millis(200) };
    Ok(options)
}
