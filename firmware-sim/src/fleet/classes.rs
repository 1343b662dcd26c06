//! What kinds of lines the boards of a province hang on, and how many on each.
//!
//! The figures are those of the field's worst ordinary day, not of the operators' brochures.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::board_sim::line::Pace;

/// A kind of line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkClass {
    /// As fast as this machine, nothing imposed.
    Direct,
    /// Fibre to the commune's office: 5 ms, 20 and 10 Mbit/s.
    Fibre,
    /// A modem on a mobile network: 40 ms, 4 and 1 Mbit/s, 20 s without signal about once an hour.
    Mobile,
    /// A valley with EDGE: 150 ms, 64 and 32 kbit/s, half a minute without signal about every quarter of an hour.
    Narrow,
    /// A line that is there and away by turns, about five minutes and one: 80 ms, 256 and 128 kbit/s.
    OnAndOff,
}

/// How a line comes and goes, on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outages {
    /// How long it is there.
    pub there: Duration,
    /// How long it is away, without a word.
    pub away: Duration,
}

impl LinkClass {
    const NAMED: [(&'static str, Self); 4] =
        [("fibre", Self::Fibre), ("4g", Self::Mobile), ("64k", Self::Narrow), ("on-off", Self::OnAndOff)];

    /// How slow it is; `None`: as fast as the machine.
    #[must_use]
    pub fn pace(self) -> Option<Pace> {
        let pace = |latency_ms, down, up| Pace {
            latency: Duration::from_millis(latency_ms),
            down_bits_per_s: down,
            up_bits_per_s: up,
        };
        match self {
            Self::Direct => None,
            Self::Fibre => Some(pace(5, 20_000_000, 10_000_000)),
            Self::Mobile => Some(pace(40, 4_000_000, 1_000_000)),
            Self::Narrow => Some(pace(150, 64_000, 32_000)),
            Self::OnAndOff => Some(pace(80, 256_000, 128_000)),
        }
    }

    /// How it comes and goes; `None`: it stays.
    #[must_use]
    pub fn outages(self) -> Option<Outages> {
        let outages = |there_s, away_s| Outages {
            there: Duration::from_secs(there_s),
            away: Duration::from_secs(away_s),
        };
        match self {
            Self::Direct | Self::Fibre => None,
            Self::Mobile => Some(outages(3_600, 20)),
            Self::Narrow => Some(outages(900, 30)),
            Self::OnAndOff => Some(outages(300, 60)),
        }
    }
}

impl fmt::Display for LinkClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().find(|(_, class)| class == self);
        f.write_str(named.map_or("direct", |(name, _)| name))
    }
}

/// Which share of a fleet is on which kind of line; who is on none of them is [`LinkClass::Direct`].
///
/// Read from text as `fibre=0.2,4g=0.5,64k=0.2,on-off=0.1`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shares(Vec<(LinkClass, f64)>);

/// A text that gives no shares.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SharesError {
    /// Not of the form `class=share`.
    #[error("{0:?} is no share of a class; give them as fibre=0.2,4g=0.5,64k=0.2,on-off=0.1")]
    Form(String),
    /// No such class.
    #[error("there is no class {0:?}; there are fibre, 4g, 64k and on-off")]
    Class(String),
    /// More than everybody.
    #[error("the shares make {0}, which is more than 1")]
    TooMuch(f64),
}

impl FromStr for Shares {
    type Err = SharesError;

    fn from_str(text: &str) -> Result<Self, SharesError> {
        let mut shares = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let form = || SharesError::Form(part.to_owned());
            let (name, share) = part.split_once('=').ok_or_else(form)?;
            let class = LinkClass::NAMED.iter().find(|(known, _)| *known == name);
            let (_, class) = class.ok_or_else(|| SharesError::Class(name.to_owned()))?;
            let share: f64 = share.parse().map_err(|_| form())?;
            if !(0.0..=1.0).contains(&share) {
                return Err(form());
            }
            shares.push((*class, share));
        }
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        // Ten times 0.1 is a little more than 1.
        if sum > 1.0 + 1e-9 { Err(SharesError::TooMuch(sum)) } else { Ok(Self(shares)) }
    }
}

/// The fractional parts of its multiples lie evenly (the golden ratio): neighbours in a village are on different lines, and any
/// number of boards has the shares that it should.
const EVENLY: f64 = 0.618_033_988_749_895;

impl Shares {
    /// The class of a board, by its number in the fleet.
    #[must_use]
    pub fn class_of(&self, index: u32) -> LinkClass {
        let mut at = (f64::from(index) * EVENLY).fract();
        for (class, share) in &self.0 {
            if at < *share {
                return *class;
            }
            at -= share;
        }
        LinkClass::Direct
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_class_has_its_share_and_the_rest_is_direct() {
        let shares: Shares = "fibre=0.2, 4g=0.5,on-off=0.1".parse().unwrap();
        let mut counts: BTreeMap<LinkClass, u32> = BTreeMap::new();
        for index in 0..1_000 {
            *counts.entry(shares.class_of(index)).or_default() += 1;
        }
        for (class, expected) in [
            (LinkClass::Fibre, 200),
            (LinkClass::Mobile, 500),
            (LinkClass::OnAndOff, 100),
            (LinkClass::Direct, 200),
        ] {
            assert!(counts[&class].abs_diff(expected) <= 3, "{class}: {counts:?}");
        }
        assert_eq!(Shares::default().class_of(7), LinkClass::Direct);
        assert_eq!("".parse(), Ok(Shares::default()));
    }

    #[test]
    fn what_gives_no_shares_is_refused_by_name() {
        let error = |text: &str| text.parse::<Shares>().unwrap_err();
        assert_eq!(error("fibre"), SharesError::Form("fibre".to_owned()));
        assert_eq!(error("fibre=-1"), SharesError::Form("fibre=-1".to_owned()));
        assert_eq!(error("5g=1"), SharesError::Class("5g".to_owned()));
        assert_eq!(error("4g=0.75,64k=0.5"), SharesError::TooMuch(1.25));
    }
}
