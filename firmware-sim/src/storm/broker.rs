//! The network and the broker between the controller and one node: a lossy cache.
//!
//! It keeps one retained message for each topic, forgets them when it is killed at the worst moment, drops what is under
//! way when a connection breaks, and with the faults for it loses, doubles and reorders single messages. A connection that
//! is dead is noticed by the node only after a while.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use loa_node_core::Link;

use super::fault::{Fault, Faults};
use super::{MINUTE, SECOND};
use crate::rng::Rng;

/// How long a dead connection may pass for one that is alive.
const UNNOTICED_MAX_MS: i64 = 90 * SECOND;
/// First and longest wait before connecting again.
const BACKOFF_MS: i64 = SECOND;
const BACKOFF_MAX_MS: i64 = 5 * MINUTE;
/// After subscribing, everything has come.
const SUBSCRIBING_MS: i64 = 5 * SECOND;
/// Publications that a killed broker may forget.
const FORGOTTEN_MAX: usize = 3;

/// One MQTT session of the node.
#[derive(Debug, Default)]
struct Session {
    /// Whether the node wants it.
    is_wanted: bool,
    /// Whether the node takes it for alive.
    is_up: bool,
    /// Whether it is dead although the node takes it for alive.
    is_dead: bool,
    /// Counts its lives; what was sent in an earlier one does not arrive.
    life: u64,
    failures: u32,
    filters: BTreeSet<String>,
    /// Nothing overtakes, unless the fault for it is on.
    last_arrival: i64,
}

/// Names a connection for what is under way on it.
pub(crate) type Life = u64;

/// What is between a node and the controller.
#[derive(Debug)]
pub(crate) struct Broker {
    rng: Rng,
    faults: Faults,
    control: Session,
    bulk: Session,
    /// Connections of the control link since the node's boot.
    connections: u64,
    pub(crate) has_network: bool,
    pub(crate) is_running: bool,
    retained: BTreeMap<String, Arc<[u8]>>,
    /// What was published last, for the broker to forget.
    recent: VecDeque<(String, Option<Arc<[u8]>>)>,
    /// When the node last subscribed on its control link.
    subscribed: i64,
    /// When a message was last lost or late.
    last_trouble: i64,
    /// Everything is well.
    is_healed: bool,
}

impl Broker {
    pub(crate) fn new(rng: Rng, faults: Faults) -> Self {
        Self {
            rng,
            faults,
            control: Session::default(),
            bulk: Session::default(),
            connections: 0,
            has_network: true,
            is_running: true,
            retained: BTreeMap::new(),
            recent: VecDeque::new(),
            subscribed: i64::MIN / 2,
            last_trouble: i64::MIN,
            is_healed: false,
        }
    }

    fn session(&mut self, link: Link) -> &mut Session {
        match link {
            Link::Control => &mut self.control,
            Link::Bulk => &mut self.bulk,
        }
    }

    fn has(&mut self, fault: Fault, percent: u64) -> bool {
        !self.is_healed && self.faults.has(fault) && self.rng.percent(percent)
    }

    pub(crate) fn heal(&mut self) {
        (self.is_healed, self.has_network, self.is_running) = (true, true, true);
    }

    pub(crate) fn is_reachable(&self) -> bool {
        self.has_network && self.is_running
    }

    pub(crate) fn life(&mut self, link: Link) -> Life {
        self.session(link).life
    }

    /// Whether the control link has been alive since then, in this life, and nothing was lost or late on it.
    pub(crate) fn was_reliable_since(&self, life: Life, t: i64) -> bool {
        let is_alive = self.control.is_up && !self.control.is_dead && self.control.life == life;
        is_alive && self.last_trouble < t && self.subscribed + SUBSCRIBING_MS < t
    }

    /// Whether the control link has stood since it subscribed then, in this life, and nothing was lost or late on it.
    pub(crate) fn was_reliable_from_its_subscription(&self, life: Life, t: i64) -> bool {
        let is_alive = self.control.is_up && !self.control.is_dead && self.control.life == life;
        is_alive && self.last_trouble < t
    }

    pub(crate) fn is_up(&mut self, link: Link) -> bool {
        self.session(link).is_up
    }

    /// The node boots: nothing is connected. Returns when it dials.
    pub(crate) fn boot(&mut self) -> i64 {
        for link in [Link::Control, Link::Bulk] {
            self.drop_session(link);
        }
        self.connections = 0;
        self.control.is_wanted = true;
        self.bulk.is_wanted = false;
        self.rng.range(500, 5_000)
    }

    fn drop_session(&mut self, link: Link) {
        let session = self.session(link);
        (session.is_up, session.is_dead, session.failures) = (false, false, 0);
        session.life += 1;
        session.filters.clear();
    }

    pub(crate) fn open_bulk(&mut self) -> i64 {
        self.bulk.is_wanted = true;
        self.rng.range(100, 1_500)
    }

    pub(crate) fn close_bulk(&mut self) {
        self.bulk.is_wanted = false;
        self.drop_session(Link::Bulk);
    }

    /// The node dials. `Ok`: it is connected, and as which connection since boot. `Err`: it dials again after so long;
    /// `None` when it need not.
    pub(crate) fn dial(&mut self, link: Link) -> Result<u64, Option<i64>> {
        let is_reachable = self.is_reachable();
        let session = self.session(link);
        if !session.is_wanted || session.is_up {
            return Err(None);
        }
        if !is_reachable {
            session.failures += 1;
            return Err(Some(self.backoff(link)));
        }
        (session.is_up, session.is_dead, session.failures) = (true, false, 0);
        if link == Link::Control {
            self.connections += 1;
        }
        Ok(self.connections)
    }

    /// Full jitter.
    fn backoff(&mut self, link: Link) -> i64 {
        let doublings = self.session(link).failures.min(12);
        let longest = (BACKOFF_MS << doublings).min(BACKOFF_MAX_MS);
        self.rng.range(100, longest.max(200))
    }

    /// The way to the broker is cut. Returns for each connection that dies when the node notices.
    pub(crate) fn cut(&mut self) -> Vec<(Link, Life, i64)> {
        let mut noticed = Vec::new();
        for link in [Link::Control, Link::Bulk] {
            let after = self.rng.range(0, UNNOTICED_MAX_MS);
            let session = self.session(link);
            if session.is_up && !session.is_dead {
                session.is_dead = true;
                noticed.push((link, session.life, after));
            }
        }
        noticed
    }

    /// The node notices that a connection is dead. Returns when it dials, unless that connection is gone anyway.
    pub(crate) fn notice(&mut self, link: Link, life: Life) -> Option<i64> {
        let session = self.session(link);
        if session.life != life || !session.is_up {
            return None;
        }
        self.drop_session(link);
        Some(self.backoff(link))
    }

    /// The broker is killed; what it kept is kept, or the newest of it is not, or nothing is.
    pub(crate) fn kill(&mut self) {
        self.is_running = false;
        match self.rng.below(3) {
            0 => {}
            1 => {
                for (topic, before) in std::mem::take(&mut self.recent).into_iter().rev() {
                    match before {
                        Some(before) => self.retained.insert(topic, before),
                        None => self.retained.remove(&topic),
                    };
                }
            }
            _ => self.retained.clear(),
        }
        self.recent.clear();
    }

    /// Takes a publication of the controller; returns when it reaches the node, if it does.
    pub(crate) fn retain(&mut self, t: i64, topic: &str, payload: &Arc<[u8]>) -> Vec<(Life, i64)> {
        let before = self.retained.insert(topic.to_owned(), Arc::clone(payload));
        self.recent.push_back((topic.to_owned(), before));
        if self.recent.len() > FORGOTTEN_MAX {
            self.recent.pop_front();
        }
        if self.control.filters.contains(topic) { self.deliver(t, Link::Control) } else { Vec::new() }
    }

    /// Subscribes, and returns what is retained of it.
    pub(crate) fn subscribe(&mut self, t: i64, link: Link, filters: &[String]) -> Vec<(String, Arc<[u8]>)> {
        let session = self.session(link);
        if !session.is_up || session.is_dead {
            return Vec::new();
        }
        session.filters.extend(filters.iter().cloned());
        if link == Link::Control {
            self.subscribed = t;
        }
        let retained = |topic: &String| Some((topic.clone(), Arc::clone(self.retained.get(topic)?)));
        filters.iter().filter_map(retained).collect()
    }

    pub(crate) fn unsubscribe(&mut self, link: Link, filters: &[String]) {
        let session = self.session(link);
        for filter in filters {
            session.filters.remove(filter);
        }
    }

    pub(crate) fn is_subscribed(&mut self, link: Link, topic: &str) -> bool {
        self.session(link).filters.contains(topic)
    }

    /// A message for the node on a link: when it arrives, twice, or not at all.
    pub(crate) fn deliver(&mut self, t: i64, link: Link) -> Vec<(Life, i64)> {
        let session = self.session(link);
        if !session.is_up || session.is_dead {
            return Vec::new();
        }
        let life = session.life;
        self.under_way(t, link).into_iter().map(|at| (life, at)).collect()
    }

    /// Whether what was sent in this life of a connection arrives.
    pub(crate) fn arrives(&mut self, link: Link, life: Life) -> bool {
        let session = self.session(link);
        session.is_up && !session.is_dead && session.life == life
    }

    /// A message of the node to the controller: when it arrives.
    pub(crate) fn send(&mut self, t: i64, link: Link) -> Vec<i64> {
        let session = self.session(link);
        if !session.is_up || session.is_dead { Vec::new() } else { self.under_way(t, link) }
    }

    fn under_way(&mut self, t: i64, link: Link) -> Vec<i64> {
        if self.has(Fault::Loss, 4) {
            self.last_trouble = t;
            return Vec::new();
        }
        let at = t + self.rng.range(20, 400);
        if self.has(Fault::Reorder, 15) {
            self.last_trouble = t;
            return vec![at + self.rng.range(0, 8_000)];
        }
        let session = self.session(link);
        let at = at.max(session.last_arrival + 1);
        session.last_arrival = at;
        if self.has(Fault::Duplicate, 8) { vec![at, at + self.rng.range(1, 4_000)] } else { vec![at] }
    }
}
