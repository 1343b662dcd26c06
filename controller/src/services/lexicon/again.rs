//! Sounds of drafts follow the words of their area.
//!
//! **Invariant.** After every commit, the sound of a draft is read with the words that hold for its area. What was submitted
//! or approved stays as its approver heard it.
//!
//! A word of a province may concern thousands of drafts, and reading them takes minutes: nobody else could write in that
//! time. So a change is first made and rolled back, which tells which drafts it may concern; these are read both ways with no
//! transaction open, some at a time; then the change is made for good, and what was found out holds for every draft that is
//! still the same. What came meanwhile takes another round.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::{AreaId, BulletinId};

use super::Reader;
use crate::domain::bulletin::{Track, TrackSource};
use crate::domain::ids::TrackId;
use crate::services::bulletins::urgency;
use crate::services::{Ground, ServiceError, Thing};
use crate::store::lexicon::{Draft, drafts_below};
use crate::store::{Connection, StoreError, bulletins, speech_jobs, tracks};

/// Drafts whose texts are in memory at the same time.
const BATCH: usize = 32;
/// Rounds after which a draft that nobody has compared is simply spoken again: that is right for any draft, and costs
/// time alone.
const ROUNDS_MAX: usize = 3;

/// A draft, and what read it before something changed.
pub(in crate::services) struct ReadDraft {
    draft: Draft,
    reader: Arc<Reader>,
}

/// A draft that nobody has read both ways.
struct Unread {
    draft: Draft,
    before: Arc<Reader>,
    after: Arc<Reader>,
}

/// A track, whose text never changes, and the words that read it before and after, by their digests.
type Question = (TrackId, String, String);

/// What was found out about drafts before a change is made for good.
#[derive(Default)]
pub(in crate::services) struct Compared {
    /// Whether both read alike.
    alike: HashMap<Question, bool>,
    rounds: usize,
}

/// What becomes of a change.
pub(in crate::services) enum Settled {
    /// It can be committed; the sounds of these bulletins are made again.
    Again(Vec<BulletinId>),
    /// It has to be rolled back, [`Ground::compare`] to be called, and to be made once more.
    Unread(ToCompare),
}

/// Drafts that are to be read both ways.
pub(in crate::services) struct ToCompare(Vec<Unread>);

impl Ground {
    /// The drafts of an area and below that speak Vietnamese, with what reads them at this moment.
    pub(in crate::services) async fn drafts_read(
        &self,
        c: &mut Connection,
        path: &AreaPath,
    ) -> Result<Vec<ReadDraft>, ServiceError> {
        let (mut read, mut readers) = (Vec::new(), BTreeMap::new());
        for draft in drafts_below(c, path, &Language::vietnamese()).await? {
            let reader = self.reader_at(c, &mut readers, &draft.path).await?;
            read.push(ReadDraft { draft, reader });
        }
        Ok(read)
    }

    /// Puts the sounds of those drafts in line again that are read otherwise than before. The caller commits, wakes the
    /// makers of sounds and tells open pages; or rolls back and compares.
    pub(in crate::services) async fn read_again(
        &self,
        c: &mut Connection,
        drafts: Vec<ReadDraft>,
        compared: &Compared,
    ) -> Result<Settled, ServiceError> {
        let (mut changed, mut unread, mut readers) = (Vec::new(), Vec::new(), BTreeMap::new());
        for ReadDraft { draft, reader: before } in drafts {
            // The place of its area may be what has changed.
            let place = bulletins::get(c, &draft.bulletin).await?.ok_or_else(missing)?.path;
            let after = self.reader_at(c, &mut readers, &place).await?;
            if before.words_digest == after.words_digest {
                continue;
            }
            let question = (draft.track.clone(), before.words_digest.clone(), after.words_digest.clone());
            match compared.alike.get(&question) {
                Some(true) => {}
                None if compared.rounds < ROUNDS_MAX => unread.push(Unread { draft, before, after }),
                Some(false) | None => changed.push(draft),
            }
        }
        if !unread.is_empty() {
            return Ok(Settled::Unread(ToCompare(unread)));
        }
        let now = self.now();
        let mut again = Vec::with_capacity(changed.len());
        for Draft { bulletin, revision, track: old, .. } in changed {
            let draft = bulletins::revision(c, &bulletin, revision).await?.ok_or_else(missing)?;
            let Some(position) = draft.tracks.iter().position(|track| track.id == old) else { continue };
            // Another track: a worker that has the old one in hand finds nobody who wants its sound.
            let fresh = TrackId::fresh();
            tracks::delete(c, &old).await?;
            let content = &draft.tracks[position].content;
            tracks::insert(c, (&bulletin, revision), position, &fresh, content, None).await?;
            speech_jobs::enqueue(c, &fresh, urgency(draft.class), now).await?;
            again.push(bulletin);
        }
        Ok(Settled::Again(again))
    }

    /// Reads drafts both ways. Holds no transaction while it reads.
    pub(in crate::services) async fn compare(
        &self,
        ToCompare(unread): ToCompare,
        compared: &mut Compared,
    ) -> Result<(), ServiceError> {
        compared.rounds += 1;
        for batch in unread.chunks(BATCH) {
            let mut texts = Vec::with_capacity(batch.len());
            let mut tx = self.store.read().await?;
            for Unread { draft, before, after } in batch {
                let track = tracks::get(&mut tx, &draft.track).await?;
                // One that is gone by now was changed meanwhile, and is looked at in the next round.
                let Some(text) = track.as_ref().and_then(text_of) else { continue };
                texts.push((draft.track.clone(), Arc::clone(before), Arc::clone(after), text.to_owned()));
            }
            drop(tx);
            let read = tokio::task::spawn_blocking(move || {
                let read = |(track, before, after, text): (TrackId, Arc<Reader>, Arc<Reader>, String)| {
                    let alike = read_alike(&before, &after, &text);
                    ((track, before.words_digest.clone(), after.words_digest.clone()), alike)
                };
                texts.into_iter().map(read).collect::<Vec<(Question, bool)>>()
            });
            match read.await {
                Ok(read) => compared.alike.extend(read),
                Err(error) => {
                    tracing::error!(%error, "readings of texts could not be compared; their sounds are made again");
                }
            }
        }
        Ok(())
    }

    /// What reads texts at a place; asked for once in a change.
    async fn reader_at(
        &self,
        c: &mut Connection,
        known: &mut BTreeMap<Option<AreaId>, Arc<Reader>>,
        path: &AreaPath,
    ) -> Result<Arc<Reader>, StoreError> {
        // Within one transaction, an area has one path.
        let area = path.areas().last();
        if let Some(reader) = known.get(&area.cloned()) {
            return Ok(Arc::clone(reader));
        }
        let reader = self.readers.of(c, path).await?;
        known.insert(area.cloned(), Arc::clone(&reader));
        Ok(reader)
    }
}

fn missing() -> ServiceError {
    ServiceError::NotFound(Thing::Bulletin)
}

fn text_of(track: &Track) -> Option<&str> {
    match &track.content.source {
        TrackSource::Speech { text, .. } => Some(text),
        TrackSource::Recording { .. } => None,
    }
}

/// Whether both say a text alike.
fn read_alike(before: &Reader, after: &Reader, text: &str) -> bool {
    // What cannot be spoken at all failed before, and fails again.
    let Ok(checked) = loa_speech::text::check(text, usize::MAX) else { return true };
    let [before, after] = [before, after].map(|reader| reader.normalizer.normalize(checked.text.as_str()));
    before.sentences() == after.sentences()
}
