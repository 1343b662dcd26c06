//! Signing in and out.
//!
//! The cookie's secret has 256 random bits, and only its hash is kept. A session ends when unused for
//! `limits.session_idle_min`, at the age of `limits.session_max_h`, when it is revoked, and when the person is disabled.
//! Attempts are throttled by name and by address; an unknown name costs the same work as a known one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loa_protocol::time::UnixMs;
use serde_json::json;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::audit::Deed;
use super::{Ground, ServiceError, Thing};
use crate::auth::throttle::{Rule, Throttle};
use crate::auth::token::Token;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::{Action, Forbidden, Principal, Scope};
use crate::domain::user::{Session, User, check_passphrase};
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
        let signed_in = self.begin(&mut tx, user, origin, "session.signed_in").await?;
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
                "Liên kết đã được dùng hoặc hết hạn. Hãy xin người quản trị liên kết mới.",
                "The link was used or is over. Ask your administrator for a fresh one.",
            ))
        };
        let id = sign_in_links::redeem(&mut tx, &link.hash(), self.ground.now()).await?.ok_or_else(dead)?;
        let user = users::get(&mut tx, &id).await?.filter(|u| u.disabled.is_none()).ok_or_else(dead)?;
        let signed_in = self.begin(&mut tx, user, origin, "session.signed_in_by_link").await?;
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
        let idle_ms = i64::from(self.ground.limits.session_idle_min) * 60_000;
        if session.expires <= now || now.since(session.seen) > idle_ms {
            return Err(over());
        }
        let user =
            users::get(&mut tx, &session.user).await?.filter(|u| u.disabled.is_none()).ok_or_else(over)?;
        let grants = grants::of_user(&mut tx, &user.id).await?;
        let mut principal = Principal::user(user.id.clone(), user.login.clone(), grants);
        principal.address.clone_from(&origin.address);
        Ok(Visit { principal, user, session, token: token.clone() })
    }

    /// Ends the visit's own session.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn sign_out(&self, visit: &Visit) -> Result<(), ServiceError> {
        self.end(visit, &visit.session.id, "session.signed_out").await
    }

    /// The person's sessions that have not ended, the latest first.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn list(&self, visit: &Visit) -> Result<Vec<Session>, ServiceError> {
        let mut tx = self.ground.store.read().await?;
        Ok(sessions::of_user(&mut tx, &visit.user.id, self.ground.now()).await?)
    }

    /// Ends one of the person's own sessions.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when it is not theirs.
    pub async fn revoke(&self, visit: &Visit, id: &SessionId) -> Result<(), ServiceError> {
        self.end(visit, id, "session.revoked").await
    }

    /// Ends all sessions of a person.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn revoke_all(&self, who: &Principal, id: &UserId) -> Result<(), ServiceError> {
        let mut tx = self.ground.store.write().await?;
        let user = users::get(&mut tx, id).await?.ok_or(ServiceError::NotFound(Thing::User))?;
        who.require_in(Action::ManageUsers, &user.home)?;
        if grants::of_user(&mut tx, id).await?.iter().any(|grant| !who.may_grant(grant)) {
            return Err(Forbidden { action: Action::ManageUsers }.into());
        }
        sessions::delete_of_user(&mut tx, id).await?;
        self.note(&mut tx, who, "session.all_revoked", &user).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sets the person's own passphrase. Who has one must give it; who came by a link has none yet. All other sessions
    /// of theirs end.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::Throttled`].
    pub async fn set_passphrase(
        &self,
        visit: &Visit,
        current: &str,
        fresh: &str,
    ) -> Result<(), ServiceError> {
        let login = &visit.user.login;
        check_passphrase(fresh, login).map_err(|m| FieldErrors::one("passphrase", m))?;
        let found = {
            let mut tx = self.ground.store.read().await?;
            users::by_login(&mut tx, login).await?
        };
        if let Some((_, Some(hash))) = &found {
            self.take_attempt(Some(login), None)?;
            if !self.ground.passphrases.verify(current, Some(hash)).await? {
                let wrong = Message::fixed(
                    "passphrase.wrong",
                    "Mật khẩu hiện tại không đúng.",
                    "The present passphrase is not right.",
                );
                return Err(FieldErrors::one("current", wrong).into());
            }
        }
        let hash = self.ground.passphrases.hash(fresh).await?;
        let mut tx = self.ground.store.write().await?;
        users::set_passphrase_hash(&mut tx, &visit.user.id, &hash).await?;
        for session in sessions::of_user(&mut tx, &visit.user.id, self.ground.now()).await? {
            if session.id != visit.session.id {
                sessions::delete(&mut tx, &visit.user.id, &session.id).await?;
            }
        }
        self.note(&mut tx, &visit.principal, "user.passphrase_set", &visit.user).await?;
        tx.commit().await?;
        Ok(())
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
        let idle_ms = i64::from(self.ground.limits.session_idle_min) * 60_000;
        let mut tx = self.ground.store.write().await?;
        let purged = sessions::purge(&mut tx, now, now - idle_ms).await?;
        tx.commit().await?;
        Ok(purged)
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
        action: &'static str,
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
        };
        sessions::insert(c, &token.hash(), &session).await?;
        let mut who = Principal::user(user.id.clone(), user.login.clone(), Vec::new());
        who.address.clone_from(&origin.address);
        self.note(c, &who, action, &user).await?;
        Ok(SignedIn { token, session, user })
    }

    async fn end(&self, visit: &Visit, id: &SessionId, action: &'static str) -> Result<(), ServiceError> {
        let mut tx = self.ground.store.write().await?;
        if !sessions::delete(&mut tx, &visit.user.id, id).await? {
            return Err(ServiceError::NotFound(Thing::Session));
        }
        self.note(&mut tx, &visit.principal, action, &visit.user).await?;
        tx.commit().await?;
        Ok(())
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
        "Phiên đăng nhập đã kết thúc. Xin đăng nhập lại.",
        "The session is over. Sign in again.",
    ))
}
