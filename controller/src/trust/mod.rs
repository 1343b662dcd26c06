//! The keys by which this installation directs sound.
//!
//! - The **root** signs the key set and the trust anchor, once, when the installation is set up. Every node pins it. It
//!   is not needed again until a key is added or taken away, so its file ([`ROOT_FILE`]) is to be moved to a safe
//!   that has no network; the controller starts and works without it.
//! - The **plan key** signs plans and node documents of normal and priority items.
//! - The **emergency key** signs those that hold an emergency, and live orders.
//! - The **time key** tells nodes the time, and nothing else: the plan key could else talk its way past quiet hours.
//!
//! **Invariants.** Seeds are files with mode 0600, made atomically, never printed. What was made once is never made
//! again over it: a half-made set is completed only from the root's side, and a lost key is an error that names its file.

mod error;
mod files;

use std::path::{Path, PathBuf};

use ed25519_dalek::{SigningKey, VerifyingKey};
use loa_protocol::bulletin::Class;
use loa_protocol::clock::TimeAnswer;
use loa_protocol::enrolment::{SignedTrustAnchor, TrustAnchor};
use loa_protocol::envelope::{Signed, Validity, open_key_set, seal, seal_key_set};
use loa_protocol::ids::TenantId;
use loa_protocol::keys::{KeyEntry, KeySet, Purpose, Scope};
use loa_protocol::time::UnixMs;
use loa_protocol::wire::Wire;

pub use error::TrustError;

/// The root's seed, to be moved offline.
pub const ROOT_FILE: &str = "root.seed";
const ROOT_PUBLIC_FILE: &str = "root.pub";
const PLAN_FILE: &str = "plan.seed";
const EMERGENCY_FILE: &str = "emergency.seed";
const TIME_FILE: &str = "time.seed";
const KEY_SET_FILE: &str = "keys.cose";
const ANCHOR_FILE: &str = "anchor.cbor";

const DAY_S: i64 = 86_400;
/// Everything starts well before the installation: a board whose clock starts at its firmware's build date must not
/// refuse the keys for being too new. The beginning protects from nothing, the end limits a lost key.
const BACKDATED_S: i64 = 5 * 365 * DAY_S;
const KEYS_VALID_S: i64 = 10 * 365 * DAY_S;

/// The keys and signed statements of this installation, without the root's seed.
pub struct Trust {
    tenant: TenantId,
    root: VerifyingKey,
    plan: SigningKey,
    emergency: SigningKey,
    /// `None` while the key set has no such key.
    time: Option<SigningKey>,
    key_set: Vec<u8>,
    key_set_version: u64,
    may_order: bool,
    anchor: SignedTrustAnchor,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

impl Trust {
    /// Opens the keys in a folder; makes them there when the folder has none.
    ///
    /// # Errors
    /// [`TrustError`]: an unreadable or damaged file, one that is missing beside the others, or statements that are not
    /// signed by this root for this tenant and CA.
    pub fn open_or_create(folder: &Path, anchor: &TrustAnchor, now: UnixMs) -> Result<Self, TrustError> {
        if !folder.join(KEY_SET_FILE).exists() {
            create(folder, anchor, now)?;
        }
        let root = files::read_public(&folder.join(ROOT_PUBLIC_FILE))?;
        let emergency = files::read_seed(&folder.join(EMERGENCY_FILE))?;
        let key_set_path = folder.join(KEY_SET_FILE);
        let mut key_set = files::read(&key_set_path)?;
        let mut set = open_set(&key_set, &key_set_path, &root, anchor, now)?;
        if !is_complete(&set, &emergency) {
            if Self::root_seed_path(folder).is_some() {
                key_set = complete(folder, set, &emergency, &anchor.tenant, now)?;
                set = open_set(&key_set, &key_set_path, &root, anchor, now)?;
            } else {
                tracing::warn!(
                    orders = may_order(&set, &emergency),
                    time = set.can(Purpose::Time),
                    "the key set is of an earlier version: no orders that silence, or no time for boards without a time service; put \
                     {ROOT_FILE} back into {}, start once, and take it away",
                    folder.display()
                );
            }
        }
        let may_order = may_order(&set, &emergency);
        let time =
            if set.can(Purpose::Time) { Some(files::read_seed(&folder.join(TIME_FILE))?) } else { None };
        let anchor_path = folder.join(ANCHOR_FILE);
        let signed = SignedTrustAnchor::from_cbor(&files::read(&anchor_path)?)
            .map_err(|source| TrustError::Damaged { path: anchor_path.clone(), source })?;
        let stored = signed.open(&root).map_err(|_| TrustError::Anchor { path: anchor_path.clone() })?;
        if stored != *anchor {
            return Err(TrustError::Anchor { path: anchor_path });
        }
        Ok(Self {
            tenant: anchor.tenant.clone(),
            root,
            plan: files::read_seed(&folder.join(PLAN_FILE))?,
            emergency,
            time,
            key_set,
            key_set_version: set.version,
            may_order,
            anchor: signed,
        })
    }

    /// The tenant whose keys these are.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The root's public key: what nodes pin.
    pub fn root(&self) -> &VerifyingKey {
        &self.root
    }

    /// The signed key set, as it stands on the topic `keys`.
    pub fn key_set(&self) -> &[u8] {
        &self.key_set
    }

    /// The version of the key set, which nodes compare.
    pub fn key_set_version(&self) -> u64 {
        self.key_set_version
    }

    /// Whether the emergency key may give live orders. A key set of an earlier version does not say so, and only the root
    /// can.
    pub fn may_order(&self) -> bool {
        self.may_order
    }

    /// Tenant, broker name and CA, signed by the root.
    pub fn anchor(&self) -> &SignedTrustAnchor {
        &self.anchor
    }

    /// Signs a document with the key that may send its classes.
    pub fn seal<T: Signed>(&self, document: &T, validity: Validity) -> Vec<u8> {
        let urgent = document.classes().contains(&Class::Emergency);
        seal(document, &self.tenant, validity, if urgent { &self.emergency } else { &self.plan })
    }

    /// Whether nodes believe this controller about the time. A key set of an earlier version does not say so, and only the root can.
    pub fn tells_time(&self) -> bool {
        self.time.is_some()
    }

    /// Signs an answer to a request for the time; `None` where no key may tell it.
    pub fn tell_time(&self, answer: &TimeAnswer, validity: Validity) -> Option<Vec<u8>> {
        Some(seal(answer, &self.tenant, validity, self.time.as_ref()?))
    }

    /// Where the root's seed lies, when it has not been moved away.
    pub fn root_seed_path(folder: &Path) -> Option<PathBuf> {
        Some(folder.join(ROOT_FILE)).filter(|path| path.exists())
    }
}

fn open_set(
    signed: &[u8],
    path: &Path,
    root: &VerifyingKey,
    anchor: &TrustAnchor,
    now: UnixMs,
) -> Result<KeySet, TrustError> {
    let opened = open_key_set(signed, root, &anchor.tenant, now);
    Ok(opened.map_err(|refusal| TrustError::Statement { path: path.to_owned(), refusal })?.document)
}

fn may_order(set: &KeySet, emergency: &SigningKey) -> bool {
    let key = emergency.verifying_key().to_bytes();
    set.keys.iter().any(|entry| entry.public_key == key && entry.scope.purposes.contains(&Purpose::Emergency))
}

/// Whether the key set has all that this version needs.
fn is_complete(set: &KeySet, emergency: &SigningKey) -> bool {
    may_order(set, emergency) && set.can(Purpose::Time)
}

/// Signs the key set anew, its next version: the emergency key may give live orders, and there is a key for the time.
fn complete(
    folder: &Path,
    mut set: KeySet,
    emergency: &SigningKey,
    tenant: &TenantId,
    now: UnixMs,
) -> Result<Vec<u8>, TrustError> {
    let root = files::read_seed(&folder.join(ROOT_FILE))?;
    let key = emergency.verifying_key().to_bytes();
    for entry in set.keys.iter_mut().filter(|entry| entry.public_key == key) {
        if !entry.scope.purposes.contains(&Purpose::Emergency) {
            entry.scope.purposes.push(Purpose::Emergency);
        }
    }
    if !set.can(Purpose::Time) {
        let time = files::read_or_make_seed(&folder.join(TIME_FILE))?;
        set.keys.push(entry(&time, &[Purpose::Time], &[], now));
    }
    set.version += 1;
    let signed = seal_key_set(&set, tenant, keys_validity(now), &root);
    files::write(&folder.join(KEY_SET_FILE), &signed)?;
    Ok(signed)
}

/// A key for the whole tenant.
fn entry(key: &SigningKey, purposes: &[Purpose], classes: &[Class], now: UnixMs) -> KeyEntry {
    KeyEntry {
        public_key: key.verifying_key().to_bytes(),
        scope: Scope {
            purposes: purposes.to_vec(),
            classes: classes.to_vec(),
            area: None,
            not_before: UnixMs::from_seconds(now.seconds() - BACKDATED_S),
            not_after: UnixMs::from_seconds(now.seconds() + KEYS_VALID_S),
        },
    }
}

fn keys_validity(now: UnixMs) -> Validity {
    Validity {
        issued_at_s: now.seconds(),
        not_before_s: now.seconds() - BACKDATED_S,
        expires_s: now.seconds() + KEYS_VALID_S,
    }
}

/// The key set is written last: it marks the folder complete. Files of an attempt that a power cut ended are used again.
fn create(folder: &Path, anchor: &TrustAnchor, now: UnixMs) -> Result<(), TrustError> {
    files::ensure_folder(folder)?;
    let root = files::read_or_make_seed(&folder.join(ROOT_FILE))?;
    let plan = files::read_or_make_seed(&folder.join(PLAN_FILE))?;
    let emergency = files::read_or_make_seed(&folder.join(EMERGENCY_FILE))?;
    let time = files::read_or_make_seed(&folder.join(TIME_FILE))?;
    let everything = [Purpose::Plan, Purpose::Node, Purpose::Emergency];
    let set = KeySet {
        version: 1,
        keys: vec![
            entry(&plan, &[Purpose::Plan, Purpose::Node], &[Class::Normal, Class::Priority], now),
            entry(&emergency, &everything, &Class::ALL, now),
            entry(&time, &[Purpose::Time], &[], now),
        ],
    };
    files::write(&folder.join(ROOT_PUBLIC_FILE), root.verifying_key().as_bytes())?;
    files::write(&folder.join(ANCHOR_FILE), &SignedTrustAnchor::sign(anchor, &root).to_cbor())?;
    files::write(&folder.join(KEY_SET_FILE), &seal_key_set(&set, &anchor.tenant, keys_validity(now), &root))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_132_800_000);

    fn anchor(tenant: &str) -> TrustAnchor {
        TrustAnchor {
            tenant: TenantId::new(tenant).unwrap(),
            broker_name: "loa-broker".to_owned(),
            ca_pem: "-----BEGIN CERTIFICATE-----".to_owned(),
        }
    }

    #[test]
    fn made_once_and_opened_again_without_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let made = Trust::open_or_create(folder.path(), &anchor("lam-dong"), NOW).unwrap();
        std::fs::remove_file(folder.path().join(ROOT_FILE)).unwrap();
        let opened = Trust::open_or_create(folder.path(), &anchor("lam-dong"), NOW).unwrap();
        assert_eq!(made.key_set(), opened.key_set());
        assert_eq!(made.root(), opened.root());
        assert_eq!(Trust::root_seed_path(folder.path()), None);
    }

    #[test]
    fn statements_of_another_installation_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        Trust::open_or_create(folder.path(), &anchor("lam-dong"), NOW).unwrap();
        let other = Trust::open_or_create(folder.path(), &anchor("gia-lai"), NOW).unwrap_err();
        assert!(matches!(other, TrustError::Statement { .. }), "{other}");
        let other_ca = TrustAnchor { ca_pem: "another".to_owned(), ..anchor("lam-dong") };
        let other = Trust::open_or_create(folder.path(), &other_ca, NOW).unwrap_err();
        assert!(matches!(other, TrustError::Anchor { .. }), "{other}");
    }

    #[test]
    fn a_lost_or_readable_key_is_an_error_that_names_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        Trust::open_or_create(folder.path(), &anchor("lam-dong"), NOW).unwrap();
        let plan = folder.path().join(PLAN_FILE);
        std::fs::set_permissions(&plan, std::fs::Permissions::from_mode(0o644)).unwrap();
        let open = || Trust::open_or_create(folder.path(), &anchor("lam-dong"), NOW).unwrap_err().to_string();
        assert!(open().contains("chmod 600") && open().contains(PLAN_FILE), "{}", open());
        std::fs::remove_file(&plan).unwrap();
        assert!(open().contains(PLAN_FILE), "{}", open());
    }

    #[test]
    fn a_key_set_of_an_earlier_version_is_completed_once_the_root_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let anchor = anchor("lam-dong");
        let open = || Trust::open_or_create(folder.path(), &anchor, NOW).unwrap();
        let made = open();
        assert!(made.may_order() && made.tells_time());
        let root = files::read_seed(&folder.path().join(ROOT_FILE)).unwrap();
        let path = folder.path().join(KEY_SET_FILE);
        let set = open_set(made.key_set(), &path, made.root(), &anchor, NOW).unwrap();
        let (there, away) = (folder.path().join(ROOT_FILE), folder.path().join("safe"));
        for (lacks_orders, version) in [(true, 1), (false, 7)] {
            let mut earlier = KeySet { version, ..set.clone() };
            earlier.keys.retain(|entry| !entry.scope.purposes.contains(&Purpose::Time));
            if lacks_orders {
                let scopes = earlier.keys.iter_mut().map(|entry| &mut entry.scope.purposes);
                scopes.for_each(|purposes| purposes.retain(|purpose| *purpose != Purpose::Emergency));
            }
            files::write(&path, &seal_key_set(&earlier, &anchor.tenant, keys_validity(NOW), &root)).unwrap();
            std::fs::rename(&there, &away).unwrap();
            let without = open();
            assert_eq!((without.may_order(), without.tells_time()), (!lacks_orders, false));
            std::fs::rename(&away, &there).unwrap();
            let again = open();
            let signed = open_set(again.key_set(), &path, again.root(), &anchor, NOW).unwrap();
            assert_eq!((again.may_order(), again.tells_time(), signed.version), (true, true, version + 1));
            let time = again.time.unwrap().verifying_key().to_bytes();
            let scopes: Vec<_> = signed.keys.iter().filter(|entry| entry.public_key == time).collect();
            assert_eq!(scopes[0].scope.purposes, [Purpose::Time]);
            assert!(
                scopes.len() == 1 && scopes[0].scope.classes.is_empty(),
                "it tells the time and nothing else"
            );
            let emergency = again.emergency.verifying_key().to_bytes();
            let orders = signed.keys.iter().find(|entry| entry.public_key == emergency).unwrap();
            let times = orders.scope.purposes.iter().filter(|purpose| **purpose == Purpose::Emergency);
            assert_eq!(times.count(), 1);
        }
        std::fs::remove_file(&there).unwrap();
        assert!(open().may_order() && open().tells_time(), "once is enough");
    }
}
