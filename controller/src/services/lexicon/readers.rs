//! What reads texts for the listeners of an area: the habits of its region, its words and those of the areas above it.
//!
//! A reader is remembered by the words that it was made of. So it is right whatever has changed since (words, or the place
//! of an area), and what is asked for again costs reading the words alone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use loa_protocol::area::AreaPath;
use loa_speech::Normalizer;
use loa_speech::normalize::{Entry, Lexicon, LexiconNote, Options};

use crate::store::{Connection, StoreError, lexicon};

/// Readers that are remembered.
const READERS_MAX: usize = 64;

/// What reads texts for the listeners of one area.
#[derive(Debug)]
pub struct Reader {
    /// Reads.
    pub normalizer: Normalizer,
    /// Names the words that it reads with: equal digests, same words. Empty for none.
    pub words_digest: String,
    /// Words whose saying leads back to themselves, by their key, each as it is written: they are taken word for word.
    pub loops: BTreeMap<String, String>,
}

/// The words of a path's areas, the topmost first.
type Words = Vec<Vec<Entry>>;
/// What was made, the oldest first.
type Made = VecDeque<(Words, Arc<Reader>)>;

/// The readers of all areas. Cheap to clone; clones share what they remember.
#[derive(Debug, Clone)]
pub struct Readers {
    options: Options,
    made: Arc<Mutex<Made>>,
}

impl Readers {
    /// With the habits of a region.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, made: Arc::default() }
    }

    /// The reader of the area at the end of a path.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Damaged`].
    pub async fn of(&self, c: &mut Connection, path: &AreaPath) -> Result<Arc<Reader>, StoreError> {
        let entry = |word: crate::domain::lexicon::Word| Entry { written: word.written, spoken: word.spoken };
        let words = lexicon::of_path(c, path).await?;
        Ok(self.with(words.into_iter().map(|area| area.into_iter().map(entry).collect()).collect()))
    }

    fn with(&self, words: Words) -> Arc<Reader> {
        // The list is whole after every step, so a panic elsewhere does not spoil it.
        let known = |made: &Made| {
            made.iter().find(|(known, _)| *known == words).map(|(_, reader)| Arc::clone(reader))
        };
        if let Some(reader) = known(&self.made.lock().unwrap_or_else(PoisonError::into_inner)) {
            return reader;
        }
        let reader = Arc::new(read_with(&self.options, words.clone()));
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() == READERS_MAX {
            made.pop_front();
        }
        made.push_back((words, Arc::clone(&reader)));
        reader
    }
}

fn read_with(options: &Options, words: Words) -> Reader {
    let lexicon = Lexicon::of_areas(words);
    let loops = lexicon.notes().iter().filter_map(|note| match note {
        LexiconNote::Loop { written } => Some((Entry::key(written)?, written.clone())),
        LexiconNote::Replaced { .. } | LexiconNote::Empty { .. } | LexiconNote::TooLong { .. } => None,
    });
    Reader {
        loops: loops.collect(),
        words_digest: lexicon.digest(),
        normalizer: Normalizer::new(*options, &lexicon),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pairs: &[(&str, &str)]) -> Words {
        let entry = |(written, spoken): &(&str, &str)| Entry {
            written: (*written).to_owned(),
            spoken: (*spoken).to_owned(),
        };
        vec![pairs.iter().map(entry).collect()]
    }

    #[test]
    fn the_same_words_are_the_same_reader_and_the_memory_is_bounded() {
        let readers = Readers::new(Options::default());
        let first = readers.with(words(&[("UBX", "ủy ban xã")]));
        assert!(Arc::ptr_eq(&first, &readers.with(words(&[("UBX", "ủy ban xã")]))));
        let other = readers.with(words(&[("UBX", "ủy ban")]));
        assert_ne!(first.words_digest, other.words_digest);
        for i in 0..2 * READERS_MAX {
            readers.with(words(&[("UBX", &format!("ủy ban {i}"))]));
        }
        assert_eq!(readers.made.lock().unwrap().len(), READERS_MAX);
        assert_eq!(readers.with(Vec::new()).words_digest, "");
    }
}
