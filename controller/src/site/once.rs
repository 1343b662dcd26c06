//! Forms that were sent make one thing, however often they are sent: a double click, a second try on a bad line.
//!
//! For what the services cannot tell by themselves. The memory is bounded: the last [`FORMS_MAX`] forms. A form that was
//! pushed out, or that comes again after a restart, makes a second thing, which its author sees at once.

use std::collections::VecDeque;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ids::UserId;

/// Forms that are remembered.
const FORMS_MAX: usize = 1024;
/// Longest id of a form that is remembered.
const FORM_ID_MAX_BYTES: usize = 64;

type Made = Arc<tokio::sync::Mutex<Option<String>>>;

/// What forms have made.
#[derive(Debug, Default)]
pub(super) struct Once(Mutex<VecDeque<(String, Made)>>);

impl Once {
    /// The id of what the form made with this content: by `make` the first time, remembered afterwards. The same form sent
    /// at the same time waits for the first. A failure is not remembered. A form without a usable id is made each time, and
    /// one that comes again with another content makes another thing: the answer is never about something else than what
    /// was typed.
    pub(super) async fn make<E>(
        &self,
        user: &UserId,
        form_id: &str,
        content: &impl Hash,
        make: impl Future<Output = Result<String, E>>,
    ) -> Result<String, E> {
        if form_id.is_empty() || form_id.len() > FORM_ID_MAX_BYTES {
            return make.await;
        }
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let made = self.place(format!("{user}/{form_id}/{:x}", hasher.finish()));
        let mut made = made.lock().await;
        if let Some(id) = &*made {
            return Ok(id.clone());
        }
        let id = make.await?;
        *made = Some(id.clone());
        Ok(id)
    }

    fn place(&self, key: String) -> Made {
        // The list is whole after every call, so a panic elsewhere does not spoil it.
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, made)) = forms.iter().find(|(known, _)| *known == key) {
            return Arc::clone(made);
        }
        if forms.len() == FORMS_MAX {
            forms.pop_front();
        }
        let made = Made::default();
        forms.push_back((key, Arc::clone(&made)));
        made
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn the_same_form_makes_one_thing_and_another_persons_another() {
        let (once, made) = (Once::default(), AtomicUsize::new(0));
        let (lan, hoa) = (UserId::fresh(), UserId::fresh());
        let make = || async { Ok::<_, Infallible>(made.fetch_add(1, Ordering::SeqCst).to_string()) };
        let (first, second) =
            tokio::join!(once.make(&lan, "f", &"cum-1", make()), once.make(&lan, "f", &"cum-1", make()));
        assert_eq!(first, second);
        assert_ne!(once.make(&lan, "f", &"cum-2", make()).await, first, "another content, another thing");
        assert_ne!(once.make(&hoa, "f", &"cum-1", make()).await, first);
        assert_ne!(once.make(&lan, "", &"cum-1", make()).await, once.make(&lan, "", &"cum-1", make()).await);
    }

    #[tokio::test]
    async fn a_failure_may_be_tried_again_and_the_memory_is_bounded() {
        let (once, lan) = (Once::default(), UserId::fresh());
        let failed = once.make(&lan, "f", &"", async { Err::<String, _>("full") }).await;
        assert_eq!(failed, Err("full"));
        assert_eq!(
            once.make(&lan, "f", &"", async { Ok::<_, &str>("n".to_owned()) }).await,
            Ok("n".to_owned())
        );
        for i in 0..2 * FORMS_MAX {
            once.place(i.to_string());
        }
        assert_eq!(once.0.lock().unwrap().len(), FORMS_MAX);
    }
}
