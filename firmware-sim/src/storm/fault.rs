//! What makes a run difficult, by kind: what goes wrong, and what staff ask for. A run names the kinds that it allows, so that a
//! failing one can shrink to those it needs.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The power goes, at any time or in the midst of any action, for seconds to a day.
    Power,
    /// The daemon is restarted in good order.
    Restart,
    /// The network is away, for seconds to days; or the connection is half-open and nobody notices for a while.
    Link,
    /// Single messages are lost.
    Loss,
    /// Messages come twice.
    Duplicate,
    /// Messages overtake one another.
    Reorder,
    /// The broker is killed, forgets what it acknowledged last, or all that it retained.
    Broker,
    /// The controller is killed before it acknowledges, or is restored from an older backup; its clock is ahead.
    Office,
    /// The node's clock is stepped, ahead or back, while it runs.
    Jump,
    /// The battery-backed clock loses its battery, or comes up with nonsense.
    Rtc,
    /// No time service is reached, and the clock drifts.
    Drift,
    /// The disk is full.
    DiskFull,
    /// Writing audio fails.
    DiskFailing,
    /// Audio rots on the disk.
    Rot,
    /// The sound device refuses, or goes away while it plays.
    Speaker,
    /// The sound device hangs and says nothing.
    Hang,
    /// The amplifier cannot be switched on.
    Amplifier,
    /// The board is too slow to have a sound ready in time.
    Slow,
    /// Somebody who controls the broker sends what was forged, is old, or is meant for others.
    Adversary,
    /// Items have chimes, rounds, days on which they do not start, and policies after an interruption; emergencies differ in
    /// severity, update and cancel one another.
    Rules,
    /// Documents state guards, and areas that their own priority items go first.
    Guards,
    /// Live orders are given.
    Orders,
    /// Boards have guards of their own configuration.
    Board,
    /// Live orders name one occurrence, or the boot of the node to which they are given.
    NamedOrders,
    /// Areas have alerts: emergencies that bring their sound, are updated and taken back, and sounds that were prepared for them.
    Alerts,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 25] = [
        Self::Power,
        Self::Restart,
        Self::Link,
        Self::Loss,
        Self::Duplicate,
        Self::Reorder,
        Self::Broker,
        Self::Office,
        Self::Jump,
        Self::Rtc,
        Self::Drift,
        Self::DiskFull,
        Self::DiskFailing,
        Self::Rot,
        Self::Speaker,
        Self::Hang,
        Self::Amplifier,
        Self::Slow,
        Self::Adversary,
        Self::Rules,
        Self::Guards,
        Self::Orders,
        Self::Board,
        Self::NamedOrders,
        Self::Alerts,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Restart => "restart",
            Self::Link => "link",
            Self::Loss => "loss",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Broker => "broker",
            Self::Office => "office",
            Self::Jump => "jump",
            Self::Rtc => "rtc",
            Self::Drift => "drift",
            Self::DiskFull => "disk-full",
            Self::DiskFailing => "disk-failing",
            Self::Rot => "rot",
            Self::Speaker => "speaker",
            Self::Hang => "hang",
            Self::Amplifier => "amplifier",
            Self::Slow => "slow",
            Self::Adversary => "adversary",
            Self::Rules => "rules",
            Self::Guards => "guards",
            Self::Orders => "orders",
            Self::Board => "board",
            Self::NamedOrders => "named-orders",
            Self::Alerts => "alerts",
        }
    }
}

/// The kinds of trouble that a run allows. As text: names with commas between them, `all` or `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(BTreeSet<Fault>);

/// A kind of trouble that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of trouble; there are: all, none, or some of {names}", names = Faults::all().names())]
pub struct UnknownFault(pub String);

impl Faults {
    /// Everything goes wrong.
    #[must_use]
    pub fn all() -> Self {
        Self(Fault::ALL.into())
    }

    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Whether this kind is allowed.
    #[must_use]
    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }

    /// The same without one kind.
    #[must_use]
    pub fn without(&self, fault: Fault) -> Self {
        let mut fewer = self.clone();
        fewer.0.remove(&fault);
        fewer
    }

    /// The kinds.
    pub fn iter(&self) -> impl Iterator<Item = Fault> + '_ {
        self.0.iter().copied()
    }

    fn names(&self) -> String {
        self.iter().map(Fault::as_str).collect::<Vec<_>>().join(",")
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::all() {
            f.write_str("all")
        } else if self.0.is_empty() {
            f.write_str("none")
        } else {
            f.write_str(&self.names())
        }
    }
}

impl FromStr for Faults {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        match text {
            "all" => return Ok(Self::all()),
            "none" => return Ok(Self::none()),
            _ => {}
        }
        let kind = |name: &str| {
            let known = Fault::ALL.into_iter().find(|fault| fault.as_str() == name);
            known.ok_or_else(|| UnknownFault(name.to_owned()))
        };
        text.split(',').map(|name| kind(name.trim())).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        for faults in [Faults::all(), Faults::none(), Faults::all().without(Fault::Power)] {
            assert_eq!(faults.to_string().parse(), Ok(faults));
        }
        let two: Faults = "power, rtc".parse().unwrap();
        assert!(two.has(Fault::Power) && two.has(Fault::Rtc) && two.iter().count() == 2);
        assert_eq!("floods".parse::<Faults>(), Err(UnknownFault("floods".to_owned())));
    }
}
