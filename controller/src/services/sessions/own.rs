//! What people do with sessions that are open: their own passphrase and sessions, and the end of another's.

use super::{Sessions, Visit};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::{Action, Forbidden, Principal};
use crate::domain::user::{Session, check_passphrase};
use crate::services::{ServiceError, Thing};
use crate::store::{grants, sessions, sign_in_links, users};

impl Sessions {
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
        let now = self.ground.now();
        let mut open = sessions::of_user(&mut tx, &visit.user.id, now).await?;
        open.retain(|session| !session.is_over(now, self.idle_ms()));
        Ok(open)
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

    /// Sets the person's own passphrase, and ends all their other sessions. Who has one must give it, save in a session
    /// that a one-time link opened a short time ago ([`Session::sets_passphrase_until`]): whoever lost their passphrase
    /// comes by such a link.
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
        // The session is read again: a link that has served since the visit began serves no more.
        let (found, session) = {
            let mut tx = self.ground.store.read().await?;
            (users::by_login(&mut tx, login).await?, sessions::find(&mut tx, &visit.token.hash()).await?)
        };
        let old = found.and_then(|(_, hash)| hash);
        let by_link =
            session.is_some_and(|session| session.sets_passphrase_until(self.ground.now()).is_some());
        if let Some(hash) = old.as_deref().filter(|_| !by_link) {
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
        sessions::forget_link(&mut tx, &visit.session.id).await?;
        // A link that is still on its way could otherwise replace the new passphrase.
        sign_in_links::withdraw(&mut tx, &visit.user.id).await?;
        let replaced = by_link && old.is_some();
        let action = if replaced { "user.passphrase_set_by_link" } else { "user.passphrase_set" };
        self.note(&mut tx, &visit.principal, action, &visit.user).await?;
        tx.commit().await?;
        Ok(())
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
}
