//! How areas say their own names and words.
//!
//! A word holds in its area and below. Where an area says a word itself, it overrides the areas above. Of two edits of the
//! same writing in one area the last wins, and the answer tells what was said before.

pub(in crate::services) mod again;
mod readers;

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_protocol::area::AreaPath;
use loa_protocol::ids::AreaId;
use serde_json::{Value, json};

use again::{Compared, ReadDraft, Settled};
pub use readers::{Reader, Readers};

use super::areas::load;
use super::audit::Deed;
use super::{Ground, ServiceError, Thing};
use crate::domain::ids::WordId;
use crate::domain::lexicon::{WORDS_MAX, Word, WordDraft};
use crate::domain::message::Message;
use crate::domain::role::{Action, Principal};
use crate::live::Change;
use crate::store::{Connection, WriteTx, lexicon};

/// The words of areas. Cheap to clone.
#[derive(Clone)]
pub struct Lexicon(pub(super) Arc<Ground>);

/// A word as an area's list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordView {
    /// The word; its area is this one or one above.
    pub word: Word,
    /// The area, between the word's own and this one, that says it otherwise: here, the word does not hold.
    pub overridden_by: Option<AreaId>,
    /// What the nearest area above says for it, and which.
    pub overrides: Option<(AreaId, String)>,
    /// Its saying leads back to itself: it is taken word for word.
    pub is_loop: bool,
}

/// What became of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordKept {
    /// The word as it is kept.
    pub word: Word,
    /// What the area said for this writing before, where that was something else.
    pub said_before: Option<String>,
    /// Writings of words that lead back to themselves since this edit; they are taken word for word.
    pub loops: Vec<String>,
    /// How many drafts are spoken again.
    pub drafts_again: usize,
}

impl Lexicon {
    /// The words that an area has itself and those of the areas above it, by their writing.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn list(&self, who: &Principal, area: &AreaId) -> Result<Vec<WordView>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let path = load(&mut tx, area).await?.path;
        who.require(Action::Read, &path)?;
        let reader = self.0.readers.of(&mut tx, &path).await?;
        // By key, from the topmost area down.
        let mut said: BTreeMap<String, Vec<Word>> = BTreeMap::new();
        for word in lexicon::of_path(&mut tx, &path).await?.into_iter().flatten() {
            said.entry(word.key.clone()).or_default().push(word);
        }
        let mut views = Vec::new();
        for words in said.into_values() {
            for (at, word) in words.iter().enumerate() {
                let above = at.checked_sub(1).and_then(|above| words.get(above));
                views.push(WordView {
                    overridden_by: words.get(at + 1).map(|below| below.area.clone()),
                    overrides: above.map(|above| (above.area.clone(), above.spoken.clone())),
                    is_loop: at + 1 == words.len() && reader.loops.contains_key(&word.key),
                    word: word.clone(),
                });
            }
        }
        views.sort_by_cached_key(|view| view.word.written.to_lowercase());
        Ok(views)
    }

    /// What reads texts for the listeners of an area.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn reader(&self, who: &Principal, area: &AreaId) -> Result<Arc<Reader>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let path = load(&mut tx, area).await?.path;
        who.require(Action::Read, &path)?;
        Ok(self.0.readers.of(&mut tx, &path).await?)
    }

    /// Adds a word to an area (`id` absent), or changes one. One of the same writing gives way to it. Drafts of the area
    /// and below that are read otherwise now are spoken again.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`], [`ServiceError::Forbidden`]; [`ServiceError::Conflict`] when
    /// the area has [`WORDS_MAX`] words.
    pub async fn put(
        &self,
        who: &Principal,
        area: &AreaId,
        id: Option<&WordId>,
        draft: &WordDraft,
    ) -> Result<WordKept, ServiceError> {
        let mut compared = Compared::default();
        loop {
            if let Some(kept) = self.try_put(who, area, id, draft, &mut compared).await? {
                return Ok(kept);
            }
        }
    }

    /// One round of [`Lexicon::put`]; `None`: drafts had to be read first.
    async fn try_put(
        &self,
        who: &Principal,
        area: &AreaId,
        id: Option<&WordId>,
        draft: &WordDraft,
        compared: &mut Compared,
    ) -> Result<Option<WordKept>, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let path = load(&mut tx, area).await?.path;
        who.require(Action::ManageWords, &path)?;
        let values = draft.check()?;
        let own = lexicon::of_path(&mut tx, &path).await?.pop().unwrap_or_default();
        let changed = match id {
            Some(id) => {
                Some(own.iter().find(|word| word.id == *id).ok_or(ServiceError::NotFound(Thing::Word))?)
            }
            None => None,
        };
        let same = own.iter().find(|word| word.key == values.key);
        if changed.or(same).is_none() && own.len() >= WORDS_MAX {
            return Err(ServiceError::Conflict(full()));
        }
        let word = Word {
            id: changed.or(same).map_or_else(WordId::fresh, |word| word.id.clone()),
            area: area.clone(),
            key: values.key,
            written: values.written,
            spoken: values.spoken,
            edited_by: who.actor(),
            edited: self.0.now(),
        };
        let drafts = self.0.drafts_read(&mut tx, &path).await?;
        let loops = self.0.readers.of(&mut tx, &path).await?.loops.clone();
        // The one that gives way goes first: an area has one word of a writing.
        let clash = same.filter(|same| same.id != word.id);
        if let Some(clash) = clash {
            self.take_away(&mut tx, who, &path, clash).await?;
        }
        lexicon::put(&mut tx, &word).await?;
        let after = self.0.readers.of(&mut tx, &path).await?;
        let said_before = same.filter(|same| changed.is_none_or(|changed| changed.id != same.id));
        let said_before = said_before.map(|same| same.spoken.clone()).filter(|said| *said != word.spoken);
        let before = changed.or(same);
        let deed = Deed {
            action: if before.is_some() { "word.changed" } else { "word.added" },
            subject: area.as_str(),
            area: Some(&path),
            before: before.map(summary),
            after: Some(summary(&word)),
        };
        self.0.note(&mut tx, who, deed).await?;
        let Some(drafts_again) = self.finish(tx, drafts, compared).await? else { return Ok(None) };
        let fresh = after.loops.iter().filter(|(key, _)| !loops.contains_key(*key));
        let loops = fresh.map(|(_, written)| written.clone()).collect();
        Ok(Some(WordKept { word, said_before, loops, drafts_again }))
    }

    /// Takes a word away from its area. What an area above says for it holds again.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], also for a word of another area; [`ServiceError::Forbidden`].
    pub async fn remove(&self, who: &Principal, area: &AreaId, id: &WordId) -> Result<Word, ServiceError> {
        let mut compared = Compared::default();
        loop {
            let mut tx = self.0.store.write().await?;
            let path = load(&mut tx, area).await?.path;
            who.require(Action::ManageWords, &path)?;
            let word = lexicon::get(&mut tx, area, id).await?.ok_or(ServiceError::NotFound(Thing::Word))?;
            let drafts = self.0.drafts_read(&mut tx, &path).await?;
            self.take_away(&mut tx, who, &path, &word).await?;
            if self.finish(tx, drafts, &mut compared).await?.is_some() {
                return Ok(word);
            }
        }
    }

    async fn take_away(
        &self,
        c: &mut Connection,
        who: &Principal,
        path: &AreaPath,
        word: &Word,
    ) -> Result<(), ServiceError> {
        lexicon::delete(c, &word.id).await?;
        let deed = Deed {
            action: "word.removed",
            subject: word.area.as_str(),
            area: Some(path),
            before: Some(summary(word)),
            after: None,
        };
        Ok(self.0.note(c, who, deed).await?)
    }

    /// Puts the drafts that are read otherwise in line, commits, and tells. Gives how many they are; `None`: nothing was
    /// done, for drafts had to be read first.
    async fn finish(
        &self,
        mut tx: WriteTx,
        drafts: Vec<ReadDraft>,
        compared: &mut Compared,
    ) -> Result<Option<usize>, ServiceError> {
        let again = match self.0.read_again(&mut tx, drafts, compared).await? {
            Settled::Again(again) => again,
            Settled::Unread(unread) => {
                drop(tx);
                self.0.compare(unread, compared).await?;
                return Ok(None);
            }
        };
        tx.commit().await?;
        for bulletin in &again {
            self.0.changes.tell(Change::Bulletin(bulletin.clone()));
        }
        self.0.nudges.speech.wake();
        Ok(Some(again.len()))
    }
}

impl Ground {
    /// Digest of the words that hold at the end of a path.
    pub(super) async fn words_digest(
        &self,
        c: &mut Connection,
        path: &AreaPath,
    ) -> Result<String, ServiceError> {
        Ok(self.readers.of(c, path).await?.words_digest.clone())
    }
}

fn full() -> Message {
    Message::written(
        "word.too_many",
        format!("Địa bàn đã có {WORDS_MAX} từ, là mức tối đa. Hãy xóa bớt từ không còn dùng."),
        format!("The area has {WORDS_MAX} words, which is the most. Remove some that are no longer used."),
    )
}

fn summary(word: &Word) -> Value {
    json!({ "name": word.written, "spoken": word.spoken })
}
