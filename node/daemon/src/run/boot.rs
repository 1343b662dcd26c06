//! From the data folder to a running shell. Needs no network, and waits for none.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loa_node_core::{Core, Now, Restored, Slot, StoredDocument, TimeSecret};
use loa_protocol::envelope::{Freshness, open_key_set};
use loa_protocol::ids::BootId;
use loa_protocol::time::UnixMs;
use rustix::fs::FlockOperation;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::links::Links;
use super::looking::{stand, tell};
use super::notify::Watchdog;
use super::persist::Waiting;
use super::{CLOCK_LOOK, ServeError, Shell, SoundOut, reserve};
use crate::board::Board;
use crate::cache::{Cache, Found, RESERVE_BYTES, free_bytes, worker};
use crate::clock::trust::{Judge, Kept, Look, Policy};
use crate::clock::{Boot, NodeClock, build_time};
use crate::config::Settings;
use crate::device_key::DeviceKey;
use crate::durable::FileError;
use crate::enrol::lifetime;
use crate::identity::Identity;
use crate::store::{Store, StoreError};

/// What nodes call the version of this program.
const FIRMWARE: &str = env!("CARGO_PKG_VERSION");

/// How long to wait for the data folder's lock before another daemon is believed to run.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// How often the lock is tried meanwhile.
const LOCK_LOOK: Duration = Duration::from_millis(20);

pub(super) async fn boot(
    settings: Settings,
    clock: Arc<NodeClock>,
    sound: SoundOut,
    board: Box<dyn Board>,
    shutdown: CancellationToken,
) -> Result<Shell, ServeError> {
    let data_dir = settings.data_dir.clone();
    let identity = Identity::load(&data_dir)?;
    let device_key = DeviceKey::of(&identity)?;
    let lock = lock(&data_dir).await?;
    let mut store = open_store(&data_dir).await?;
    let mut waiting = Waiting::default();
    claim(&mut store, &identity, &data_dir, &mut waiting).await?;
    count_and_prune(&mut store).await;
    // What is in a store that could not be claimed may be another node's.
    let mut stored = if waiting.is_empty() { store.restore().await? } else { Restored::default() };
    let kept_clock = if waiting.is_empty() { store.kept_clock().await? } else { None };
    raise_floors(&clock, settings.clock.trust, &identity, &stored, kept_clock.as_ref());
    let system = Boot::of_system();
    let look = Look::at(&clock);
    let mut judge = Judge::new(settings.clock.trust, kept_clock, &system, look.wall, look.boot_ms);
    let verdict = stand(&clock, &mut judge, &look);
    tell(&verdict);
    if waiting.is_empty() {
        adopt_key_set(&mut store, &mut stored, &identity, &clock).await;
    }

    let (cache, found) = open_cache(&data_dir).await?;
    let quota_bytes = quota(&settings, &data_dir, found.bytes())?;
    let unverified = found.whole.iter().map(|whole| whole.object).collect();
    let restored = Restored { objects: found.whole, partial: found.partial, ..stored };

    let boot = boot_id()?;
    let started = Instant::now();
    let now = Now { wall: clock.now(), monotonic_ms: 0 };
    tracing::info!(
        node = %identity.node, tenant = %identity.tenant, firmware = FIRMWARE, now = %now.wall,
        documents = restored.documents.len(), objects = restored.objects.len(), partial = restored.partial.len(),
        receipts = restored.unacknowledged.len(), "the node starts"
    );
    if !settings.guards.guards.is_empty() {
        tracing::info!(guards = ?settings.guards, "the board has guards of its own");
    }
    let core_settings = loa_node_core::Settings {
        cache_quota_bytes: quota_bytes,
        amplifier_warm_up_ms: settings.amplifier.warm_up_ms,
        amplifier_tail_ms: settings.amplifier.tail_ms,
        own_guards: (!settings.guards.guards.is_empty()).then(|| settings.guards.clone()),
        time_secret: time_secret(settings.clock.trust)?,
        ..loa_node_core::Settings::default()
    };
    let core_identity = loa_node_core::Identity {
        tenant: identity.tenant.clone(),
        node: identity.node.clone(),
        path: identity.path.clone(),
        root: identity.root,
    };
    let mut core = Core::new(core_identity, core_settings, restored, boot, FIRMWARE.to_owned(), now);
    core.handle_clock(verdict.standing, now);
    core.handle_store_full(!waiting.is_empty(), now);

    let (jobs, stored, cache_thread) = worker::start(cache, unverified).map_err(ServeError::Thread)?;
    let links = Links::start(&identity, &clock, boot)?;
    let mut look = tokio::time::interval(CLOCK_LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Ok(Shell {
        core,
        store,
        jobs,
        stored,
        backlog: VecDeque::new(),
        cache_thread,
        links,
        speaker: sound.speaker,
        speaker_events: sound.events,
        prepared: mpsc::channel(2),
        speaker_works: None,
        speaker_hangs: false,
        amplifier_fails: false,
        sounding: BTreeMap::new(),
        waiting,
        board,
        device_key,
        warm_up_ms: i64::from(settings.amplifier.warm_up_ms),
        data_dir,
        clock,
        started,
        shutdown: Box::pin(shutdown.cancelled_owned()),
        is_stopping: false,
        judge,
        system,
        verdict,
        clock_kept: None,
        look,
        watchdog: Watchdog::of_environment(),
        _lock: lock,
    })
}

/// Two daemons on one store would each number their receipts.
///
/// A daemon that was killed just as it opened its sound device may have left a child between fork and exec, which holds the
/// lock for that instant: so this waits a little.
async fn lock(data_dir: &Path) -> Result<File, ServeError> {
    let path = data_dir.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(FileError::new("open", &path))?;
    let give_up = Instant::now() + LOCK_PATIENCE;
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < give_up => {
                tokio::time::sleep(LOCK_LOOK).await;
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(ServeError::InUse { path }),
            Err(errno) => return Err(FileError::new("lock", &path)(errno.into()).into()),
        }
    }
}

/// Opening makes the log anew, which takes room. On a full disk the room that is kept for this is used.
async fn open_store(data_dir: &Path) -> Result<Store, ServeError> {
    match Store::open(data_dir).await {
        Ok(store) => Ok(store),
        // What a newer program wrote stays as it is.
        Err(error @ StoreError::Newer { .. }) => Err(error.into()),
        Err(error) if reserve::release(data_dir) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the database does not open; trying again with more room"
            );
            Ok(Store::open(data_dir).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes the store this node's. Where the disk has no room for that, it waits: the node then runs without a memory and
/// plays nothing, which is better than being started over and over.
async fn claim(
    store: &mut Store,
    identity: &Identity,
    data_dir: &Path,
    waiting: &mut Waiting,
) -> Result<(), ServeError> {
    let claimed = match store.claim(identity).await {
        Err(error) if error.is_full() && reserve::release(data_dir) => store.claim(identity).await,
        claimed => claimed,
    };
    match claimed {
        Ok(was_anothers) => {
            if was_anothers {
                tracing::warn!(node = %identity.node, "the board was enrolled anew; what the earlier node kept is dropped");
            }
            reserve::keep(data_dir);
            Ok(())
        }
        Err(error) if error.is_full() => {
            waiting.begin_with_claim(identity.clone(), &error);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Everything that is known to be past at boot.
fn raise_floors(
    clock: &NodeClock,
    policy: Policy,
    identity: &Identity,
    stored: &Restored,
    kept: Option<&Kept>,
) {
    clock.raise_floor(build_time());
    match lifetime(&identity.certificate_chain_pem) {
        Ok((issued, over)) => {
            clock.raise_floor(issued);
            clock.set_ceiling(over);
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot read from when until when the node's certificate is valid"
            );
        }
    }
    // What was issued later than it was applied was signed by a clock that was ahead.
    stored
        .documents
        .iter()
        .for_each(|(_, document)| clock.raise_floor(document.issued_at.min(document.applied_at)));
    // What only the system said may have been one glitch of it, which nothing but the system would put right.
    if let Some(kept) = kept
        && (policy != Policy::System || !kept.boot.is_empty())
    {
        clock.set_soft_floor(kept.anchor.wall);
    }
}

/// What the store does at each boot and the node can do without: on a full disk it must still start and play.
async fn count_and_prune(store: &mut Store) {
    match store.count_boot().await {
        Ok(boot) => tracing::info!(boot, "the node boots"),
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "cannot count the boot"),
    }
    if let Err(error) = store.prune_ledger().await {
        tracing::error!(error = &error as &dyn std::error::Error, "cannot prune the ledger");
    }
}

/// Puts the key set of the enrolment into the store and among what was in it, unless a newer one is there.
async fn adopt_key_set(store: &mut Store, stored: &mut Restored, identity: &Identity, clock: &NodeClock) {
    let now = clock.now();
    let opened = match open_key_set(&identity.key_set, &identity.root, &identity.tenant, now) {
        Ok(opened) => opened,
        Err(refusal) => {
            // Expired by now, most likely: the current one comes with the first connection.
            tracing::warn!(%refusal, "the key set of the enrolment is not used");
            return;
        }
    };
    let last = stored.applied.iter().find_map(|(slot, applied)| (*slot == Slot::Keys).then_some(*applied));
    if !matches!(opened.freshness(last), Ok(Freshness::New)) {
        return;
    }
    let document = StoredDocument {
        envelope: identity.key_set.as_slice().into(),
        applied: opened.applied(),
        applied_at: now,
        path: identity.path.clone(),
        // A signer whose clock is ahead must not move the node's.
        issued_at: UnixMs::from_seconds(opened.claims.validity.issued_at_s).min(now),
    };
    clock.raise_floor(document.issued_at);
    // It is in the identity's file too, and is adopted from there at each boot until it is in the store.
    if let Err(error) = store.save_document(&Slot::Keys, &document).await {
        tracing::error!(error = &error as &dyn std::error::Error, "cannot keep the key set of the enrolment");
    }
    stored.applied.retain(|(slot, _)| *slot != Slot::Keys);
    stored.documents.retain(|(slot, _)| *slot != Slot::Keys);
    stored.applied.push((Slot::Keys, document.applied));
    stored.documents.push((Slot::Keys, document));
}

async fn open_cache(data_dir: &Path) -> Result<(Cache, Found), ServeError> {
    let folder = data_dir.to_owned();
    // Hashing partial objects takes a while on a slow card.
    match tokio::task::spawn_blocking(move || Cache::open(&folder, RESERVE_BYTES)).await {
        Ok(opened) => Ok(opened?),
        Err(_) => Err(ServeError::Gone("the audio cache")),
    }
}

/// The room that audio may take: what the settings allow, but never what the database needs.
fn quota(settings: &Settings, data_dir: &Path, used_bytes: u64) -> Result<u64, ServeError> {
    let wanted = u64::from(settings.cache.quota_mib) * 1024 * 1024;
    let possible = (free_bytes(data_dir)? + used_bytes).saturating_sub(RESERVE_BYTES);
    if possible < wanted {
        tracing::warn!(
            wanted_bytes = wanted,
            possible_bytes = possible,
            "the disk is smaller than cache.quota_mib allows for"
        );
    }
    Ok(wanted.min(possible))
}

fn boot_id() -> Result<BootId, ServeError> {
    let mut bytes = [0; BootId::LEN];
    getrandom::fill(&mut bytes).map_err(ServeError::Random)?;
    Ok(BootId(bytes))
}

/// A board whose system is believed whatever it says has no use for another opinion.
fn time_secret(policy: Policy) -> Result<Option<TimeSecret>, ServeError> {
    if policy == Policy::System {
        return Ok(None);
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(ServeError::Random)?;
    Ok(Some(TimeSecret(bytes)))
}

#[cfg(test)]
mod tests {
    use loa_protocol::area::AreaPath;
    use loa_protocol::envelope::Applied;
    use loa_protocol::ids::Digest;
    use loa_protocol::time::UnixMs;

    use super::*;
    use crate::audio::{SystemClock, WallClock as _};
    use crate::clock::trust::Anchor;
    use crate::identity::tests::identity;

    const HOUR_MS: i64 = 3_600_000;

    /// A clock that is right after a boot with this document and this kept clock.
    fn clock_after(policy: Policy, issued_at: UnixMs, kept: Option<&Kept>) -> Arc<NodeClock> {
        let clock = NodeClock::over(Box::new(SystemClock), build_time());
        let applied = Applied { sequence: 1, digest: Digest([1; 16]) };
        let applied_at = clock.system_now();
        let document = StoredDocument {
            envelope: [].into(),
            applied,
            applied_at,
            path: AreaPath::unplaced(),
            issued_at,
        };
        let stored = Restored { documents: vec![(Slot::Node, document)], ..Restored::default() };
        raise_floors(&clock, policy, &identity("n-1"), &stored, kept);
        clock
    }

    fn is_moved(clock: &NodeClock) -> bool {
        clock.now().since(clock.system_now()) > HOUR_MS / 2
    }

    #[test]
    fn a_signer_that_was_ahead_does_not_move_a_clock_that_is_right() {
        let now = UnixMs(SystemClock.now_unix_ns() / 1_000_000);
        for ahead_ms in [HOUR_MS, 24 * HOUR_MS, 70_000 * 365 * 24 * HOUR_MS] {
            let clock = clock_after(Policy::Synchronised, now + ahead_ms, None);
            assert!(clock.is_above_hard_floor() && !is_moved(&clock), "{ahead_ms} ms");
        }
    }

    #[test]
    fn a_glitch_of_a_system_that_is_believed_lasts_no_longer_than_the_system_says() {
        let now = UnixMs(SystemClock.now_unix_ns() / 1_000_000);
        let anchor = Anchor { wall: now + 24 * HOUR_MS, boot_ms: 0, error_ms: 0 };
        let kept = |boot: &str| Kept {
            anchor: anchor.clone(),
            boot: boot.to_owned(),
            chip_ahead_ms: None,
            is_exchanged: false,
        };
        let moved = |policy, boot| is_moved(&clock_after(policy, now, Some(&kept(boot))));
        assert!(!moved(Policy::System, ""), "only the system said so");
        assert!(moved(Policy::System, "b"), "somebody kept it right");
        assert!(moved(Policy::Synchronised, ""));
    }
}
