//! How many households an emergency reaches, and how many people have to approve it.

use std::collections::BTreeMap;

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::AreaId;

use super::Alerts;
use crate::domain::alert::{Households, Reached, approvers_needed};
use crate::domain::role::{Principal, Scope};
use crate::services::ServiceError;
use crate::store::{Connection, area_rules, areas};

/// What an emergency to all of an area takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertPlace {
    /// Whom it reaches.
    pub reached: Reached,
    /// How many people have to approve words of one's own.
    pub approvers_needed: u32,
}

impl Alerts {
    /// What an emergency takes in each area in which the person may give one.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn places(&self, who: &Principal) -> Result<BTreeMap<AreaId, AlertPlace>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let census = self.census(&mut tx).await?;
        let mut places = BTreeMap::new();
        for area in areas::list(&mut tx, &[Scope::Everywhere]).await? {
            if who.may_silence(Class::Emergency, &area.path) {
                let (reached, approvers_needed) = census.approvers_for(std::slice::from_ref(&area.path));
                places.insert(area.id, AlertPlace { reached, approvers_needed });
            }
        }
        Ok(places)
    }

    /// What tells how many people have to approve something.
    pub(super) async fn census(&self, c: &mut Connection) -> Result<Census, ServiceError> {
        let all = areas::list(c, &[Scope::Everywhere]).await?;
        let rules = area_rules::all(c).await?;
        let stated = rules.into_iter().filter_map(|(area, rules)| Some((area, rules.households?))).collect();
        let two_above = self.0.limits.alert_two_approvers_above;
        Ok(Census { households: Households::new(&all, stated), two_above })
    }
}

/// The households of all areas, and the rule.
pub(super) struct Census {
    households: Households,
    two_above: u64,
}

impl Census {
    /// How many households these areas have, none of which lies in another, and how many people have to approve what sounds there.
    pub(super) fn approvers_for(&self, paths: &[AreaPath]) -> (Reached, u32) {
        let reached = self.households.reached(paths);
        (reached, approvers_needed(reached, self.two_above))
    }
}
