//! Signing in and out.
//!
//! The cookie's secret has 256 random bits, and only its hash is kept. A session ends when unused for
//! `limits.session_idle_min`, at the age of `limits.session_max_h`, when it is revoked, and when the person is disabled.
//! Attempts are throttled by name and by address; an unknown name costs the same work as a known one.

mod own;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loa_protocol::time::UnixMs;
use serde_json::json;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::audit::Deed;
use super::{Ground, ServiceError};
use crate::auth::throttle::{Rule, Throttle};
use crate::auth::token::Token;
use crate::domain::ids::SessionId;
use crate::domain::message::Message;
use crate::domain::role::{Principal, Scope};
use crate::domain::user::{Session, User};
use crate::store::{Connection, StoreError, grants, sessions, sign_in_links, users};

/// Attempts with one name, whatever the address: ten, then one each half minute.
const BY_NAME: Rule = Rule { burst: 10, refill_ms: 30_000, keys_max: 10_000 };
/// Attempts from one address, whatever the name. An office shares one address.
const BY_ADDRESS: Rule = Rule { burst: 30, refill_ms: 10_000, keys_max: 10_000 };
/// How exactly the last use of a session is kept: not every request needs a write.
const TOUCH_EVERY_MS: i64 = 60_000;
/// How often sessions that are over are forgotten.
const PURGE_PERIOD: Duration = Duration::from_secs(3_600);
/// How much of a name that somebody tries is looked at, in characters.
const LOGIN_LOOKED_AT_CHARS: usize = 64;
/// Longest note of what a browser calls itself, in characters.
const USER_AGENT_MAX_CHARS: usize = 200;

/// Signing in and out. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    ground: Arc<Ground>,
    throttles: Arc<Mutex<Throttles>>,
}

struct Throttles {
    by_name: Throttle,
    by_address: Throttle,
}

/// Where a request comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The network address; requests without one share a throttle.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
}

/// A session that has just begun.
#[derive(Debug)]
pub struct SignedIn {
    /// The secret for the cookie.
    pub token: Token,
    /// The session.
    pub session: Session,
    /// The person.
    pub user: User,
}

/// A request of a signed-in person.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Who, with all rights of this moment.
    pub principal: Principal,
    /// The person.
    pub user: User,
    /// The session.
    pub session: Session,
    /// The cookie's secret, to check the token against cross-site requests.
    pub token: Token,
}

impl Sessions {
    pub(super) fn new(ground: Arc<Ground>) -> Self {
        let throttles = Throttles { by_name: Throttle::new(BY_NAME), by_address: Throttle::new(BY_ADDRESS) };
        Self { ground, throttles: Arc::new(Mutex::new(throttles)) }
    }

    /// Signs a person in with name and passphrase.
    ///
    /// # Errors
    /// [`ServiceError::Throttled`]; [`ServiceError::Unauthenticated`] without telling what was wrong.
    pub async fn sign_in(
        &self,
        login: &str,
        passphrase: &str,
        origin: &Origin,
    ) -> Result<SignedIn, ServiceError> {
        // No name is longer; a longer one is nobody's, and must not fill the throttle's memory.
        let login: String = login.trim().to_lowercase().chars().take(LOGIN_LOOKED_AT_CHARS).collect();
        self.take_attempt(Some(&login), Some(origin))?;
        let found = {
            let mut tx = self.ground.store.read().await?;
            users::by_login(&mut tx, &login).await?
        };
        let hash = found.as_ref().and_then(|(_, hash)| hash.as_deref());
        let right = self.ground.passphrases.verify(passphrase, hash).await?;
        let good = found.filter(|(user, _)| right && user.disabled.is_none());
        let Some((user, _)) = good else {
            tracing::warn!(%login, address = origin.address.as_deref(), "a sign-in was refused");
            return Err(refused());
        };
        self.throttles().by_name.forgive(&login);
        let mut tx = self.ground.store.write().await?;
        let signed_in = self.begin(&mut tx, user, origin, false).await?;
        tx.commit().await?;
        Ok(signed_in)
    }

    /// Signs a person in with a one-time link, which is used up.
    ///
    /// # Errors
    /// [`ServiceError::Throttled`]; [`ServiceError::Unauthenticated`] for a link that is unknown, used or over.
    pub async fn sign_in_by_link(&self, link: &Token, origin: &Origin) -> Result<SignedIn, ServiceError> {
        self.take_attempt(None, Some(origin))?;
        let mut tx = self.ground.store.write().await?;
        let dead = || {
            ServiceError::Unauthenticated(Message::fixed(
                "link.dead",
                "Đường dẫn đã được dùng hoặc đã hết hạn. Hãy đề nghị quản trị viên cấp đường dẫn mới.",
                "The link was used or is over. Ask your administrator for a fresh one.",
            ))
        };
        let id = sign_in_links::redeem(&mut tx, &link.hash(), self.ground.now()).await?.ok_or_else(dead)?;
        let user = users::get(&mut tx, &id).await?.filter(|u| u.disabled.is_none()).ok_or_else(dead)?;
        let signed_in = self.begin(&mut tx, user, origin, true).await?;
        tx.commit().await?;
        Ok(signed_in)
    }

    /// Whom a one-time link would sign in, and when it ends; nothing when it is unknown, used or over. Uses nothing up:
    /// previews and scanners open links too.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn link_holder(&self, link: &Token) -> Result<Option<(User, UnixMs)>, ServiceError> {
        let mut tx = self.ground.store.read().await?;
        let Some((id, expires)) = sign_in_links::holder(&mut tx, &link.hash(), self.ground.now()).await?
        else {
            return Ok(None);
        };
        let user = users::get(&mut tx, &id).await?.filter(|user| user.disabled.is_none());
        Ok(user.map(|user| (user, expires)))
    }

    /// Who presents this secret, with all rights of this moment.
    ///
    /// # Errors
    /// [`ServiceError::Unauthenticated`] when no session that still holds has it.
    pub async fn visit(&self, token: &Token, origin: &Origin) -> Result<Visit, ServiceError> {
        let visit = self.look(token, origin).await?;
        let now = self.ground.now();
        if now.since(visit.session.seen) >= TOUCH_EVERY_MS
            && let Err(error) = self.touch(&visit.session.id, now).await
        {
            // Reading goes on while nothing can be written: a full disk is when staff most need to look.
            tracing::warn!(%error, "the use of a session could not be noted; it may end early");
        }
        Ok(visit)
    }

    /// The same without counting as a use of the session: for pages that look by themselves while nobody is there.
    ///
    /// # Errors
    /// As [`Sessions::visit`].
    pub async fn look(&self, token: &Token, origin: &Origin) -> Result<Visit, ServiceError> {
        let now = self.ground.now();
        let mut tx = self.ground.store.read().await?;
        let session = sessions::find(&mut tx, &token.hash()).await?.ok_or_else(over)?;
        if session.is_over(now, self.idle_ms()) {
            return Err(over());
        }
        let user =
            users::get(&mut tx, &session.user).await?.filter(|u| u.disabled.is_none()).ok_or_else(over)?;
        let grants = grants::of_user(&mut tx, &user.id).await?;
        let mut principal = Principal::user(user.id.clone(), user.login.clone(), grants);
        principal.address.clone_from(&origin.address);
        Ok(Visit { principal, user, session, token: token.clone() })
    }

    /// Forgets sessions that are over, at once and every hour, until the token is cancelled.
    pub async fn keep_purged(self, stop: CancellationToken) {
        let mut period = tokio::time::interval(PURGE_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = period.tick() => {}
            }
            match self.purge().await {
                Ok(purged) => tracing::debug!(purged, "sessions that were over are forgotten"),
                Err(error) => {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    tracing::error!(
                        error,
                        "sessions that are over stay in the database; tried again in an hour"
                    );
                }
            }
        }
    }

    /// Forgets sessions that are over; see [`Sessions::keep_purged`]. Gives how many.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn purge(&self) -> Result<u64, ServiceError> {
        let now = self.ground.now();
        let mut tx = self.ground.store.write().await?;
        let purged = sessions::purge(&mut tx, now, now - self.idle_ms()).await?;
        tx.commit().await?;
        Ok(purged)
    }

    fn idle_ms(&self) -> i64 {
        i64::from(self.ground.limits.session_idle_min) * 60_000
    }

    async fn touch(&self, id: &SessionId, now: UnixMs) -> Result<(), StoreError> {
        let mut tx = self.ground.store.write().await?;
        sessions::touch(&mut tx, id, now).await?;
        tx.commit().await
    }

    async fn begin(
        &self,
        c: &mut Connection,
        user: User,
        origin: &Origin,
        by_link: bool,
    ) -> Result<SignedIn, ServiceError> {
        let token = Token::fresh()?;
        let now = self.ground.now();
        let session = Session {
            id: SessionId::fresh(),
            user: user.id.clone(),
            created: now,
            seen: now,
            expires: now + i64::from(self.ground.limits.session_max_h) * 3_600_000,
            address: origin.address.clone(),
            user_agent: origin
                .user_agent
                .as_ref()
                .map(|text| text.chars().take(USER_AGENT_MAX_CHARS).collect()),
            by_link,
        };
        sessions::insert(c, &token.hash(), &session).await?;
        let mut who = Principal::user(user.id.clone(), user.login.clone(), Vec::new());
        who.address.clone_from(&origin.address);
        let action = if by_link { "session.signed_in_by_link" } else { "session.signed_in" };
        self.note(c, &who, action, &user).await?;
        Ok(SignedIn { token, session, user })
    }

    async fn note(
        &self,
        c: &mut Connection,
        who: &Principal,
        action: &'static str,
        user: &User,
    ) -> Result<(), ServiceError> {
        let area = match &user.home {
            Scope::Everywhere => None,
            Scope::Area(path) => Some(path),
        };
        let after = Some(json!({ "login": user.login }));
        let deed = Deed { action, subject: user.id.as_str(), area, before: None, after };
        Ok(self.ground.note(c, who, deed).await?)
    }

    fn take_attempt(&self, login: Option<&str>, origin: Option<&Origin>) -> Result<(), ServiceError> {
        let now = self.ground.now();
        let mut throttles = self.throttles();
        if let Some(origin) = origin {
            let address = origin.address.as_deref().unwrap_or_default();
            throttles.by_address.take(address, now).map_err(throttled)?;
        }
        if let Some(login) = login {
            throttles.by_name.take(login, now).map_err(throttled)?;
        }
        Ok(())
    }

    fn throttles(&self) -> MutexGuard<'_, Throttles> {
        // The buckets are whole after every call, so a panic elsewhere does not spoil them.
        self.throttles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn throttled(retry_after_ms: i64) -> ServiceError {
    ServiceError::Throttled { retry_after_ms }
}

fn refused() -> ServiceError {
    ServiceError::Unauthenticated(Message::fixed(
        "sign_in.refused",
        "Tên đăng nhập hoặc mật khẩu không đúng.",
        "The name or the passphrase is not right.",
    ))
}

fn over() -> ServiceError {
    ServiceError::Unauthenticated(Message::fixed(
        "session.over",
        "Phiên đăng nhập đã kết thúc. Hãy đăng nhập lại.",
        "The session is over. Sign in again.",
    ))
}
