//! Hashing and checking passphrases with argon2id.
//!
//! One check costs 19 MiB and some tens of milliseconds on purpose, so checks run off the async threads, at most
//! `CONCURRENT_MAX` at a time; further ones wait in line. The throttle bounds how many anybody can ask for.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

/// How many hashes are computed at the same time.
const CONCURRENT_MAX: usize = 2;

/// A passphrase that could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// The hash function refused.
    #[error("the passphrase could not be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    /// The stored hash cannot be read.
    #[error("the stored passphrase hash is damaged: give this user a new sign-in link")]
    Damaged,
    /// The program is stopping.
    #[error("the passphrase worker stopped")]
    Stopped,
}

/// Hashes and checks passphrases. Cheap to clone; clones share one line.
#[derive(Clone)]
pub struct Passphrases {
    line: Arc<Semaphore>,
    /// Checked in place of a hash that does not exist, so that an unknown name costs what a known one costs.
    decoy: Arc<str>,
}

impl Passphrases {
    /// A hasher with its decoy.
    ///
    /// # Errors
    /// [`PassphraseError::Hash`], when the system has no randomness to give.
    pub fn new() -> Result<Self, PassphraseError> {
        let decoy = hash_now("a passphrase that nobody has")?;
        Ok(Self { line: Arc::new(Semaphore::new(CONCURRENT_MAX)), decoy: decoy.into() })
    }

    /// The hash to keep, in PHC form with its parameters and salt.
    ///
    /// # Errors
    /// See [`PassphraseError`].
    pub async fn hash(&self, passphrase: &str) -> Result<String, PassphraseError> {
        let passphrase = passphrase.to_owned();
        self.run(move || hash_now(&passphrase)).await
    }

    /// Whether the passphrase is the one of the hash. Without a hash the answer is no, after the same work.
    ///
    /// # Errors
    /// See [`PassphraseError`].
    pub async fn verify(&self, passphrase: &str, hash: Option<&str>) -> Result<bool, PassphraseError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        let passphrase = passphrase.to_owned();
        let right = self
            .run(move || {
                let hash = PasswordHash::new(&hash).map_err(|_| PassphraseError::Damaged)?;
                match Argon2::default().verify_password(passphrase.as_bytes(), &hash) {
                    Ok(()) => Ok(true),
                    Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(other) => Err(PassphraseError::Hash(other)),
                }
            })
            .await?;
        Ok(right && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PassphraseError> + Send + 'static,
    ) -> Result<T, PassphraseError> {
        let _turn = self.line.acquire().await.map_err(|_| PassphraseError::Stopped)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| PassphraseError::Stopped)?
    }
}

fn hash_now(passphrase: &str) -> Result<String, PassphraseError> {
    Argon2::default()
        .hash_password(passphrase.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(PassphraseError::Hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_and_knows_its_passphrase() {
        let passphrases = Passphrases::new().unwrap();
        let hash = passphrases.hash("suối chảy qua bản").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passphrases.verify("suối chảy qua bản", Some(&hash)).await.unwrap());
        assert!(!passphrases.verify("suối chảy qua làng", Some(&hash)).await.unwrap());
        assert_ne!(hash, passphrases.hash("suối chảy qua bản").await.unwrap(), "salted");
    }

    #[tokio::test]
    async fn nobody_has_the_decoys_passphrase() {
        let passphrases = Passphrases::new().unwrap();
        assert!(!passphrases.verify("a passphrase that nobody has", None).await.unwrap());
        let damaged = passphrases.verify("x", Some("not a hash")).await.unwrap_err();
        assert!(matches!(damaged, PassphraseError::Damaged), "{damaged}");
    }
}
