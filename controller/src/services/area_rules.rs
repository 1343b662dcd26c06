//! What areas state beyond their names, and what holds of it.

use loa_protocol::ids::AreaId;
use serde_json::{Value, json};

use super::areas::load;
use super::audit::Deed;
use super::{Areas, ServiceError};
use crate::domain::area::Area;
use crate::domain::area_rules::{AreaRules, AreaRulesDraft, ranges_text};
use crate::domain::role::{Action, Principal};
use crate::store::{area_rules, areas};

/// What an area states, and what the areas above it do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaRulesView {
    /// What it states itself.
    pub own: AreaRules,
    /// The areas above it that state something, the widest first. What they forbid is forbidden here too.
    pub above: Vec<(Area, AreaRules)>,
}

impl Areas {
    /// What an area states, and what holds in it from above. The rules above an area that one may see are no secret: they
    /// decide what sounds there.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn rules(&self, who: &Principal, id: &AreaId) -> Result<AreaRulesView, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let area = load(&mut tx, id).await?;
        who.require(Action::Read, &area.path)?;
        let mut above = Vec::new();
        for wider in areas::chain(&mut tx, &area.path).await? {
            let rules = area_rules::get(&mut tx, &wider.id).await?;
            if wider.id != area.id && rules.is_in_plans() {
                above.push((wider, rules));
            }
        }
        Ok(AreaRulesView { own: area_rules::get(&mut tx, id).await?, above })
    }

    /// Changes what an area states. Its nodes have it with their next plan.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn set_rules(
        &self,
        who: &Principal,
        id: &AreaId,
        draft: &AreaRulesDraft,
    ) -> Result<AreaRules, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let area = load(&mut tx, id).await?;
        who.require(Action::ManageAreas, &area.path)?;
        let rules = draft.check()?;
        let before = area_rules::get(&mut tx, id).await?;
        if before == rules {
            return Ok(rules);
        }
        area_rules::put(&mut tx, id, &rules).await?;
        let deed = Deed {
            action: "area.rules_changed",
            subject: id.as_str(),
            area: Some(&area.path),
            before: Some(summary(&before)),
            after: Some(summary(&rules)),
        };
        self.0.note(&mut tx, who, deed).await?;
        tx.commit().await?;
        self.0.nudges.plans.wake();
        Ok(rules)
    }
}

fn summary(rules: &AreaRules) -> Value {
    let guards = &rules.guards;
    json!({
        "quiet_hours": ranges_text(&guards.quiet_hours),
        "normal_minutes_a_day": guards.normal_minutes_a_day,
        "priority_minutes_a_day": guards.priority_minutes_a_day,
        "sessions_a_day": guards.sessions_a_day,
        "longest_session_s": guards.longest_session_ms.map(|ms| ms / 1000),
        "volume_ceiling_percent": guards.volume_ceiling_percent,
        "own_priority_first": rules.own_priority_first,
        "households": rules.households,
    })
}
