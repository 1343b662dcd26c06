//! The live stream: parts of open pages, sent again when they have changed.
//!
//! A change that is told ([`crate::live`]) carries nothing: the database is read again with the rights that the person
//! has at that moment, and what they may not see is never rendered. Only parts whose HTML differs from what was sent
//! last go out. What comes with the hour is looked at when it comes, and what nobody tells, now and then.
//!
//! Bounded: [`STREAMS_MAX`] streams, [`TOPICS_MAX`] topics each; changes that come in bursts are one look, and a look that
//! took long is followed by ten times as long a pause. A reader that is too slow is waited for: nothing piles up, because
//! the next look comes after the last part was taken. A stream ends when the session does, when a right to what it shows
//! is lost, and when the server stops.

mod parts;
mod topic;

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use loa_protocol::time::UnixMs;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until};

use self::topic::Topic;
use super::Site;
use super::fields::{Asked, Fields};
use super::places::Places;
use super::reader::Me;
use crate::domain::message::Message;
use crate::http::HttpError;
use crate::live::Change;
use crate::pages::{Page, fragment};
use crate::services::ServiceError;

/// Most streams at the same time. One more is refused, and its page stays as it was loaded.
pub(super) const STREAMS_MAX: usize = 512;
/// Most topics of one stream.
const TOPICS_MAX: usize = 8;
/// Changes within this time are one look.
const SETTLE: Duration = Duration::from_millis(400);
/// How often a look is taken that nothing called for: it mends what a lost change left stale, and ends streams whose
/// session is over.
const PERIOD: Duration = Duration::from_secs(60);
/// A comment is sent when nothing else was for so long: proxies close what is silent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `GET /live?topics=`.
pub(super) async fn stream(
    State(site): State<Site>,
    me: Me,
    Asked(asked): Asked,
) -> Result<Response, HttpError> {
    let topics: Vec<Topic> = asked
        .one("topics")
        .split(',')
        .filter(|text| !text.is_empty())
        .take(TOPICS_MAX)
        .map(Topic::read)
        .collect::<Result<_, _>>()?;
    let Ok(permit) = std::sync::Arc::clone(&site.streams).try_acquire_owned() else {
        return Err(HttpError::Unreadable { status: StatusCode::SERVICE_UNAVAILABLE, message: full() });
    };
    let changes = site.app.services.changes().listen();
    let mut feed = Feed {
        site,
        me,
        asked,
        topics,
        changes,
        sent: BTreeMap::new(),
        due: VecDeque::new(),
        next_look: Instant::now(),
        pause: SETTLE,
        _permit: permit,
    };
    // What the person may not see is refused here, with its status; later it ends the stream.
    feed.look().await?;
    let events = unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn full() -> Message {
    Message::fixed(
        "live.full",
        "Có quá nhiều trang đang mở; trang này không tự cập nhật. Hãy tải lại khi cần.",
        "Too many pages are open; this one does not update itself. Load it again when needed.",
    )
}

/// One open page.
struct Feed {
    site: Site,
    me: Me,
    asked: Fields,
    topics: Vec<Topic>,
    changes: Receiver<Change>,
    /// Hash of what was sent last, by event.
    sent: BTreeMap<String, u64>,
    /// What is to be sent.
    due: VecDeque<(String, String)>,
    next_look: Instant,
    pause: Duration,
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((name, html)) = self.due.pop_front() {
                return Some(Event::default().event(name).data(html));
            }
            self.wait().await?;
            if let Err(error) = self.look().await {
                // The session is over, a right was taken, or the database is away; the browser asks again and is told.
                tracing::debug!(%error, "a live stream ends");
                return None;
            }
        }
    }

    /// Waits until there may be something new; `None` when the server stops.
    async fn wait(&mut self) -> Option<()> {
        let stop = self.site.settings.stop.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => return None,
                () = sleep_until(self.next_look) => return Some(()),
                change = self.changes.recv() => match change {
                    Ok(change) if !self.topics.iter().any(|topic| topic.is_about(&change)) => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return None,
                },
            }
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = sleep(self.pause) => {}
        }
        // What came meanwhile is seen by the look that follows.
        self.changes = self.site.app.services.changes().listen();
        Some(())
    }

    /// Reads everything again, with the rights of this moment, and puts in line what differs.
    async fn look(&mut self) -> Result<(), ServiceError> {
        let begun = Instant::now();
        let sessions = &self.site.app.services.sessions;
        self.me.visit = sessions.look(&self.me.visit.token, &self.me.reader.origin).await?;
        let places = Places::load(&self.site, &self.me).await?;
        let mut due: Option<UnixMs> = None;
        for topic in self.topics.clone() {
            let turns = self.show(&topic, &places).await?;
            due = [due, turns].into_iter().flatten().min();
        }
        self.pause = SETTLE.max(begun.elapsed() * 10);
        let left_ms = due.map(|due| due.since(self.site.app.services.clock().now()));
        let left = left_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        self.next_look = Instant::now() + left.unwrap_or(PERIOD).min(PERIOD).max(self.pause);
        Ok(())
    }

    /// Puts a part in line, unless it was sent as it is.
    fn put<P: Page>(&mut self, name: &str, part: &P) {
        let Some(html) = rendered(name, part) else { return };
        if self.is_fresh(name, &html) {
            self.due.push_back((name.to_owned(), html));
        }
    }

    /// Puts a part in line when its `key` is another than before: a list whose entries are sent by themselves.
    fn put_list<P: Page>(&mut self, name: &str, key: impl Hash, part: &P) {
        if self.is_fresh(name, key)
            && let Some(html) = rendered(name, part)
        {
            self.due.push_back((name.to_owned(), html));
        }
    }

    fn is_fresh(&mut self, name: &str, key: impl Hash) -> bool {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        self.sent.insert(name.to_owned(), hash) != Some(hash)
    }
}

fn rendered<P: Page>(name: &str, part: &P) -> Option<String> {
    match fragment(part) {
        Ok(html) => Some(html),
        Err(error) => {
            tracing::error!(%error, name, "a live part could not be rendered");
            None
        }
    }
}
