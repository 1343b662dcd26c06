//! What can happen to a board, and the queue in which it waits for its true instant.

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_node_core::{Link, Token};
use loa_protocol::ids::ItemId;
use loa_protocol::time::UnixMs;

use super::broker::Life;
use super::office::Publication;
use super::speaker::Device;
use crate::board_sim::cache::Disk as Medium;

/// One thing that happens. What belongs to one boot carries its number, and is void after it.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    PowerOff,
    /// In the midst of the action with this number from here on.
    PowerOffAfter(u32),
    PowerOn,
    /// The daemon is restarted in good order.
    Restart,
    Network(bool),
    BrokerKilled,
    BrokerRuns,
    /// The controller's database is a backup from that instant.
    OfficeRestored(i64),
    /// The wall clock is set by so much.
    Jump(i64),
    ChipSpoilt(Option<i64>),
    /// Whether any time server answers.
    TimeServers(bool),
    /// The time service sets the clock, if it reaches a server.
    TimeService,
    Medium(Medium),
    /// Objects whose hash begins with this digit rot.
    Rot(u8),
    Device(Device),
    Amplifier(bool),
    Slow(bool),
    Attack,
    /// Everything is put right, and stays so.
    Heal,

    /// A document is published.
    Publish(Arc<Publication>),
    /// A message comes to the node.
    Arrive {
        link: Link,
        life: Life,
        topic: Arc<str>,
        payload: Arc<[u8]>,
    },
    /// A message of the node comes to the controller.
    Report {
        topic: Arc<str>,
        payload: Arc<[u8]>,
    },
    Dial {
        boot: u64,
        link: Link,
    },
    Notice {
        link: Link,
        life: Life,
    },

    /// The daemon looks at its clock, and whether the disk has room again.
    Look {
        boot: u64,
        is_regular: bool,
    },
    /// The core is woken although nothing is due, as it is at least once a minute.
    Wake {
        boot: u64,
    },
    /// The cache thread has done its next job.
    JobDone {
        boot: u64,
    },
    SoundBegins {
        boot: u64,
        token: Token,
    },
    SoundEnds {
        boot: u64,
        token: Token,
    },
    SoundStopped {
        boot: u64,
        token: Token,
    },

    /// By now an emergency must have reached the loudspeaker.
    EmergencyDue {
        boot: u64,
        item: ItemId,
        revision: u32,
        nominal: UnixMs,
        from: i64,
    },
    /// By now a connected node must have applied an emergency.
    EmergencyTold {
        boot: u64,
        life: Life,
        sent: i64,
        publication: Arc<Publication>,
    },
    /// By now a node that was away must have applied the alerts that it found when it subscribed.
    AlertsFound {
        boot: u64,
        life: Life,
        sent: i64,
        publication: Arc<Publication>,
    },
    /// By now a connected node must have obeyed an order.
    OrderTold {
        boot: u64,
        life: Life,
        sent: i64,
        publication: Arc<Publication>,
    },
    /// By now what an order has ended is silent, or what documents have withdrawn, unless they have the item again.
    Silenced {
        boot: u64,
        token: Token,
        withdrawn: Option<ItemId>,
    },
}

impl Event {
    /// Its name in the trace.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::PowerOff => "event: power off",
            Self::PowerOffAfter(_) => "event: power off after some actions",
            Self::PowerOn => "event: power on",
            Self::Restart => "event: restart",
            Self::Network(_) => "event: network",
            Self::BrokerKilled => "event: broker killed",
            Self::BrokerRuns => "event: broker runs",
            Self::OfficeRestored(_) => "event: controller restored",
            Self::Jump(_) => "event: clock jumps",
            Self::ChipSpoilt(_) => "event: clock chip spoilt",
            Self::TimeServers(_) => "event: time servers",
            Self::TimeService => "event: time service",
            Self::Medium(_) => "event: disk",
            Self::Rot(_) => "event: rot",
            Self::Device(_) => "event: sound device",
            Self::Amplifier(_) => "event: amplifier",
            Self::Slow(_) => "event: slow board",
            Self::Attack => "event: attack",
            Self::Heal => "event: everything is put right",
            Self::Publish(_) => "event: the controller publishes",
            Self::Arrive { .. } => "event: a message arrives",
            Self::Report { .. } => "event: a report arrives",
            Self::Dial { .. } => "event: the node dials",
            Self::Notice { .. } => "event: a dead link is noticed",
            Self::Look { .. } => "event: a look at the clock",
            Self::Wake { .. } => "event: a minute has passed",
            Self::JobDone { .. } => "event: the cache is done",
            Self::SoundBegins { .. } => "event: a sound begins",
            Self::SoundEnds { .. } => "event: a sound ends",
            Self::SoundStopped { .. } => "event: a sound is stopped",
            Self::EmergencyDue { .. } => "event: an emergency must be heard",
            Self::EmergencyTold { .. } => "event: an emergency must be known",
            Self::AlertsFound { .. } => "event: alerts must have been found",
            Self::OrderTold { .. } => "event: an order must be obeyed",
            Self::Silenced { .. } => "event: what was stopped is silent",
        }
    }

    /// What else there is to say of it.
    pub(crate) fn in_words(&self) -> String {
        match self {
            Self::Publish(publication) => {
                let items = publication.document.program().map_or(&[][..], |program| &program.items);
                let items = items.iter().map(|item| {
                    format!(" {} r{} {:?} +{} ms;", item.id, item.revision, item.start, item.start_within_ms)
                });
                let items: String = items.collect();
                format!("{:?} {:?}{items}", publication.slot, publication.applied)
            }
            Self::Arrive { topic, payload, .. } | Self::Report { topic, payload } => {
                format!("{topic}, {} bytes", payload.len())
            }
            Self::EmergencyTold { publication, .. } | Self::AlertsFound { publication, .. } => {
                format!("{:?}", publication.slot)
            }
            Self::OrderTold { publication, .. } => format!("{:?}", publication.document),
            Self::PowerOff
            | Self::PowerOffAfter(_)
            | Self::PowerOn
            | Self::Restart
            | Self::Network(_)
            | Self::BrokerKilled
            | Self::BrokerRuns
            | Self::OfficeRestored(_)
            | Self::Jump(_)
            | Self::ChipSpoilt(_)
            | Self::TimeServers(_)
            | Self::TimeService
            | Self::Medium(_)
            | Self::Rot(_)
            | Self::Device(_)
            | Self::Amplifier(_)
            | Self::Slow(_)
            | Self::Attack
            | Self::Heal
            | Self::Dial { .. }
            | Self::Notice { .. }
            | Self::Look { .. }
            | Self::Wake { .. }
            | Self::JobDone { .. }
            | Self::SoundBegins { .. }
            | Self::SoundEnds { .. }
            | Self::SoundStopped { .. }
            | Self::EmergencyDue { .. }
            | Self::Silenced { .. } => format!("{self:?}"),
        }
    }
}

/// Events by true instant; of those at the same instant, the first that was put in comes first.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    events: BTreeMap<(i64, u64), Event>,
    count: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: i64, event: Event) {
        self.events.insert((at, self.count), event);
        self.count += 1;
    }

    pub(crate) fn next_at(&self) -> Option<i64> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<(i64, Event)> {
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }
}
