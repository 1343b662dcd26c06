//! The live stream: parts of open pages, sent again when they have changed.
//!
//! A change that is told ([`crate::live`]) carries nothing: the database is read again with the rights that the person
//! has at that moment, and what they may not see is never rendered. Only parts whose HTML differs from what was sent
//! last go out. What nobody tells (an approval, the hour itself) is found by looking now and then.
//!
//! Bounded: [`STREAMS_MAX`] streams, [`TOPICS_MAX`] topics each; changes that come in bursts are one look, and a look that
//! took long is followed by ten times as long a pause. A reader that is too slow is waited for: nothing piles up, because
//! the next look comes after the last part was taken. A stream ends when the session does, when a right to what it shows
//! is lost, and when the server stops.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use loa_protocol::ids::{BulletinId, NodeId};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until};

use super::bulletins::{detail, tracks};
use super::fields::{Asked, Fields};
use super::nodes::list::{Known, counts};
use super::places::Places;
use super::reader::Me;
use super::today::Today;
use super::{Site, heard, words};
use crate::domain::message::Message;
use crate::http::HttpError;
use crate::live::Change;
use crate::pages::views::{
    BulletinStateTag, NodeCells, NodeState, NodesCounts, OccurrenceHeard, TodaySilent, TodaySounding,
    TodayWaiting, TrackProgress, event,
};
use crate::pages::{Page, fragment};
use crate::services::{ServiceError, Thing};

/// Most streams at the same time. One more is refused, and its page stays as it was loaded.
pub(super) const STREAMS_MAX: usize = 512;
/// Most topics of one stream.
const TOPICS_MAX: usize = 8;
/// Changes within this time are one look.
const SETTLE: Duration = Duration::from_millis(400);
/// How often a look is taken without a change, where the hour or other people change what is shown.
const OFTEN: Duration = Duration::from_secs(5);
/// The same, elsewhere.
const SELDOM: Duration = Duration::from_secs(60);
/// A comment is sent when nothing else was for so long: proxies close what is silent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Something that a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Topic {
    Today,
    Bulletin(BulletinId),
    Nodes,
    Node(NodeId),
    Heard,
}

impl Topic {
    fn read(text: &str) -> Result<Self, ServiceError> {
        let unknown = |thing| ServiceError::NotFound(thing);
        match text.split_once(':') {
            None if text == "today" => Ok(Self::Today),
            None if text == "nodes" => Ok(Self::Nodes),
            None if text == "heard" => Ok(Self::Heard),
            Some(("bulletin", id)) => id.parse().map(Self::Bulletin).map_err(|_| unknown(Thing::Bulletin)),
            Some(("node", id)) => id.parse().map(Self::Node).map_err(|_| unknown(Thing::Node)),
            _ => Err(unknown(Thing::Session)),
        }
    }

    fn is_about(&self, change: &Change) -> bool {
        match (self, change) {
            (Self::Today | Self::Nodes, Change::Node(_) | Change::Receipt { .. })
            | (Self::Bulletin(_), Change::Track(_))
            | (Self::Heard, Change::Receipt { .. }) => true,
            (Self::Node(node), Change::Node(id) | Change::Receipt { node: id, .. }) => node == id,
            (Self::Today | Self::Nodes | Self::Node(_) | Self::Heard, Change::Track(_))
            | (Self::Bulletin(_), Change::Node(_) | Change::Receipt { .. })
            | (Self::Heard, Change::Node(_)) => false,
        }
    }

    fn period(&self) -> Duration {
        match self {
            Self::Today | Self::Bulletin(_) => OFTEN,
            Self::Nodes | Self::Node(_) | Self::Heard => SELDOM,
        }
    }
}

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
    let changes = site.app.changes.listen();
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
        "Có quá nhiều trang đang mở; trang này không tự cập nhật. Xin tải lại khi cần.",
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
        self.changes = self.site.app.changes.listen();
        Some(())
    }

    /// Reads everything again, with the rights of this moment, and puts in line what differs.
    async fn look(&mut self) -> Result<(), ServiceError> {
        let begun = Instant::now();
        let sessions = &self.site.app.services.sessions;
        self.me.visit = sessions.look(&self.me.visit.token, &self.me.reader.origin).await?;
        let places = Places::load(&self.site, &self.me).await?;
        for topic in self.topics.clone() {
            match topic {
                Topic::Today => self.today(&places).await?,
                Topic::Bulletin(id) => self.bulletin(&id).await?,
                Topic::Nodes => self.nodes(&places).await?,
                Topic::Node(id) => self.node(&places, &id).await?,
                Topic::Heard => self.heard(&places).await?,
            }
        }
        let period = self.topics.iter().map(Topic::period).min().unwrap_or(SELDOM);
        self.pause = SETTLE.max(begun.elapsed() * 10);
        self.next_look = Instant::now() + period.max(self.pause);
        Ok(())
    }

    async fn today(&mut self, places: &Places) -> Result<(), ServiceError> {
        let lang = self.me.lang();
        let today = Today::read(&self.site, &self.me, places).await?;
        self.put(event::TODAY_SOUNDING, &TodaySounding { lang, sounding: today.sounding });
        self.put(event::TODAY_WAITING, &TodayWaiting { lang, waiting: today.waiting });
        let (nodes_all, nodes_online) = (today.nodes_all, today.nodes_online);
        let silent = TodaySilent { lang, silent: today.silent, nodes_all, nodes_online };
        self.put(event::TODAY_SILENT, &silent);
        Ok(())
    }

    async fn bulletin(&mut self, id: &BulletinId) -> Result<(), ServiceError> {
        let lang = self.me.lang();
        let view = self.site.app.services.bulletins.get(self.me.who(), id).await?;
        let tag = BulletinStateTag { lang, state: words::state(view.latest.state) };
        self.put(&event::bulletin_state(id.as_str()), &tag);
        let removable = detail::actions(&self.me, &view).add_track;
        for track in tracks::cards(&self.site, &self.me, &view, removable).await? {
            self.put(&event::track(&track.id.clone()), &TrackProgress { lang, track });
        }
        Ok(())
    }

    async fn nodes(&mut self, places: &Places) -> Result<(), ServiceError> {
        let lang = self.me.lang();
        let nodes = self.site.app.services.nodes.list(self.me.who()).await?;
        let known = Known::read(&self.site, &self.me).await?;
        self.put(event::NODES_COUNTS, &NodesCounts { lang, counts: counts(&nodes) });
        for (node, status) in &nodes {
            let cells = NodeCells { lang, node: known.row(places, node, status) };
            self.put(&event::node(node.id.as_str()), &cells);
        }
        Ok(())
    }

    async fn node(&mut self, places: &Places, id: &NodeId) -> Result<(), ServiceError> {
        let lang = self.me.lang();
        let (node, status) = self.site.app.services.nodes.get(self.me.who(), id).await?;
        let known = Known::of(&self.site, &self.me, id).await?;
        let state = NodeState { lang, node: known.row(places, &node, &status) };
        self.put(&event::node_detail(id.as_str()), &state);
        Ok(())
    }

    async fn heard(&mut self, places: &Places) -> Result<(), ServiceError> {
        let lang = self.me.lang();
        let filter = heard::filter(&self.asked);
        let occurrences = heard::occurrences(&self.site, &self.me, places, &filter).await?;
        for occurrence in occurrences.into_iter().take(heard::PER_PAGE) {
            self.put(&event::heard(&occurrence.id.clone()), &OccurrenceHeard { lang, occurrence });
        }
        Ok(())
    }

    /// Puts a part in line, unless it was sent as it is.
    fn put<P: Page>(&mut self, name: &str, part: &P) {
        let html = match fragment(part) {
            Ok(html) => html,
            Err(error) => {
                tracing::error!(%error, name, "a live part could not be rendered");
                return;
            }
        };
        let mut hasher = DefaultHasher::new();
        html.hash(&mut hasher);
        let hash = hasher.finish();
        if self.sent.insert(name.to_owned(), hash) != Some(hash) {
            self.due.push_back((name.to_owned(), html));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TrackId;

    #[test]
    fn topics_are_read_and_woken_by_what_they_show() {
        let node = |id: &str| NodeId::new(id).unwrap();
        assert_eq!(Topic::read("node:cum-1").unwrap(), Topic::Node(node("cum-1")));
        for bad in ["", "user", "node:", "node:../x", "bulletin:A"] {
            assert!(Topic::read(bad).is_err(), "{bad:?}");
        }
        assert!(Topic::Node(node("cum-1")).is_about(&Change::Node(node("cum-1"))));
        assert!(!Topic::Node(node("cum-1")).is_about(&Change::Node(node("cum-2"))));
        assert!(Topic::read("bulletin:b").unwrap().is_about(&Change::Track(TrackId::fresh())));
        assert!(!Topic::Today.is_about(&Change::Track(TrackId::fresh())));
    }
}
