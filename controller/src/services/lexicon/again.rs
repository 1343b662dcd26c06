//! Sounds of drafts follow the words of their area.
//!
//! **Invariant.** After every commit, the sound of a draft is read with the words that hold for its area. What was submitted
//! or approved stays as its approver heard it.

use std::sync::Arc;

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::BulletinId;

use super::Reader;
use crate::domain::bulletin::{Track, TrackSource};
use crate::domain::ids::TrackId;
use crate::services::bulletins::urgency;
use crate::services::{Ground, ServiceError, Thing};
use crate::store::lexicon::{Draft, drafts_below};
use crate::store::{Connection, bulletins, speech_jobs, tracks};

/// A draft, and what read it before something changed.
pub(in crate::services) struct ReadDraft {
    draft: Draft,
    reader: Arc<Reader>,
}

impl Ground {
    /// The drafts of an area and below that speak Vietnamese, with what reads them at this moment.
    pub(in crate::services) async fn drafts_read(
        &self,
        c: &mut Connection,
        path: &AreaPath,
    ) -> Result<Vec<ReadDraft>, ServiceError> {
        let mut read = Vec::new();
        for draft in drafts_below(c, path, &Language::vietnamese()).await? {
            let reader = self.readers.of(c, &draft.path).await?;
            read.push(ReadDraft { draft, reader });
        }
        Ok(read)
    }

    /// Puts the sounds of those drafts in line again that are read otherwise than before; gives their bulletins. The
    /// caller wakes the makers of sounds, and tells open pages, once it has committed.
    pub(in crate::services) async fn read_again(
        &self,
        c: &mut Connection,
        drafts: Vec<ReadDraft>,
    ) -> Result<Vec<BulletinId>, ServiceError> {
        let now = self.now();
        let mut again = Vec::new();
        for ReadDraft { draft: Draft { bulletin, revision, .. }, reader: before } in drafts {
            let missing = || ServiceError::NotFound(Thing::Bulletin);
            // The place of its area may be what has changed.
            let path = bulletins::get(c, &bulletin).await?.ok_or_else(missing)?.path;
            let after = self.readers.of(c, &path).await?;
            if before.words_digest == after.words_digest {
                continue;
            }
            let draft = bulletins::revision(c, &bulletin, revision).await?.ok_or_else(missing)?;
            let spoken =
                draft.tracks.iter().enumerate().find_map(|(at, track)| Some((at, track, text_of(track)?)));
            let Some((position, track, text)) = spoken else { continue };
            if reads_the_same(before, after, text.to_owned()).await {
                continue;
            }
            // Another track: a worker that has the old one in hand finds nobody who wants its sound.
            let fresh = TrackId::fresh();
            tracks::delete(c, &track.id).await?;
            tracks::insert(c, (&bulletin, revision), position, &fresh, &track.content, None).await?;
            speech_jobs::enqueue(c, &fresh, urgency(draft.class), now).await?;
            again.push(bulletin);
        }
        Ok(again)
    }
}

fn text_of(track: &Track) -> Option<&str> {
    match &track.content.source {
        TrackSource::Speech { text, .. } if track.content.language == Language::vietnamese() => Some(text),
        TrackSource::Speech { .. } | TrackSource::Recording { .. } => None,
    }
}

/// Whether both say a text alike. It may be long, and other requests wait on this thread.
async fn reads_the_same(before: Arc<Reader>, after: Arc<Reader>, text: String) -> bool {
    let compared = tokio::task::spawn_blocking(move || {
        // What cannot be spoken at all failed before, and fails again.
        let Ok(checked) = loa_speech::text::check(&text, usize::MAX) else { return true };
        let [before, after] =
            [before, after].map(|reader| reader.normalizer.normalize(checked.text.as_str()));
        before.sentences() == after.sentences()
    });
    compared.await.unwrap_or_else(|error| {
        tracing::error!(%error, "two readings of a text could not be compared; its sound is made again");
        false
    })
}
