//! What is known of the board, as far as a screen shows it.

use std::collections::VecDeque;
use std::time::Instant;

use loa_node_core::{Identity, Link};
use loa_protocol::receipt::Receipt;
use loa_protocol::time::UnixMs;

use super::plan::Plan;
use crate::node::{Fault, Glance, Happening};

/// Receipts that are remembered.
const RECEIPTS_MAX: usize = 20;
/// Happenings that are remembered.
const LINES_MAX: usize = 20;

/// How the way to the broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Network {
    /// Open.
    #[default]
    Good,
    /// Cut, and everybody is told so.
    Down,
    /// What goes in does not come out, and nobody is told.
    Silent,
}

/// The board, seen from outside.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) identity: Identity,
    /// How it was last, and when that was.
    pub(super) glance: Option<(Glance, Instant)>,
    /// The board's clock at this moment.
    pub(super) now: UnixMs,
    pub(super) plan: Plan,
    pub(super) boot: u32,
    pub(super) has_power: bool,
    pub(super) network: Network,
    /// The control link is up.
    pub(super) is_connected: bool,
    /// The link for audio is up.
    pub(super) is_fetching: bool,
    pub(super) volume_percent: Option<u8>,
    /// The newest first.
    pub(super) receipts: VecDeque<Receipt>,
    /// The newest last.
    pub(super) lines: VecDeque<String>,
}

impl Picture {
    pub(super) fn new(identity: Identity) -> Self {
        Self {
            identity,
            glance: None,
            now: UnixMs(0),
            plan: Plan::default(),
            boot: 0,
            has_power: false,
            network: Network::Good,
            is_connected: false,
            is_fetching: false,
            volume_percent: None,
            receipts: VecDeque::new(),
            lines: VecDeque::new(),
        }
    }

    /// The node is so at this moment.
    pub(super) fn look(&mut self, glance: Glance, seen: Instant) {
        self.now = glance.at;
        self.plan = Plan::of(&self.identity, &glance);
        self.glance = Some((glance, seen));
    }

    /// Time has gone on since the node was looked at.
    pub(super) fn goes_on(&mut self, now: Instant) {
        if let Some((glance, seen)) = &self.glance {
            let since = i64::try_from(now.saturating_duration_since(*seen).as_millis()).unwrap_or(i64::MAX);
            self.now = glance.at + since;
        }
    }

    /// Something happened.
    pub(super) fn note(&mut self, at: UnixMs, happening: Happening) {
        self.lines.push_back(format!("{at}  {happening}"));
        if self.lines.len() > LINES_MAX {
            self.lines.pop_front();
        }
        match happening {
            Happening::Booted { boot, .. } => (self.boot, self.has_power) = (boot, true),
            Happening::Stopped | Happening::PowerCut { .. } => {
                (self.has_power, self.is_connected, self.is_fetching) = (false, false, false);
            }
            Happening::Fault { fault: Fault::LinkDown { silent } } => {
                self.network = if silent { Network::Silent } else { Network::Down };
            }
            Happening::Fault { fault: Fault::LinkUp } => self.network = Network::Good,
            Happening::Connected { link, .. } => self.set_link(link, true),
            Happening::Disconnected { link, .. } => self.set_link(link, false),
            Happening::Volume { percent } => self.volume_percent = Some(percent),
            Happening::Receipt { receipt } => {
                self.receipts.push_front(receipt);
                self.receipts.truncate(RECEIPTS_MAX);
            }
            Happening::Fault { .. }
            | Happening::Refused { .. }
            | Happening::KeySetUnused { .. }
            | Happening::Applied { .. }
            | Happening::Forgotten { .. }
            | Happening::Wanted { .. }
            | Happening::Stored { .. }
            | Happening::Wasted { .. }
            | Happening::Ready { .. }
            | Happening::Corrupt { .. }
            | Happening::Dropped { .. }
            | Happening::NotStored { .. }
            | Happening::Amplifier { .. }
            | Happening::Ordered { .. }
            | Happening::Began { .. }
            | Happening::Ended { .. }
            | Happening::Reported { .. }
            | Happening::Acknowledged { .. }
            | Happening::Complained { .. }
            | Happening::Health => {}
        }
    }

    fn set_link(&mut self, link: Link, is_up: bool) {
        match link {
            Link::Control => self.is_connected = is_up,
            Link::Bulk => self.is_fetching = is_up,
        }
    }
}
