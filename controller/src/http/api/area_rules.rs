//! What areas state beyond their names: households, and what their loudspeakers never do.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::area_rules::{AreaRules, AreaRulesDraft, ranges_text};
use crate::http::query::{Body, Named, id};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::Thing;

/// What an area states. Absent: nothing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AreaRulesWire {
    /// Local times at which nothing but emergencies sounds: `21:00-06:00, 11:30-13:30`; empty: none.
    #[serde(default)]
    quiet_hours: String,
    /// Minutes a day of the normal class.
    #[serde(skip_serializing_if = "Option::is_none")]
    normal_minutes_a_day: Option<u32>,
    /// Minutes a day of the priority class.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority_minutes_a_day: Option<u32>,
    /// Sessions a day, emergencies not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions_a_day: Option<u32>,
    /// How long a session may last, pauses included.
    #[serde(skip_serializing_if = "Option::is_none")]
    longest_session_minutes: Option<u32>,
    /// How loud it may be, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_ceiling_percent: Option<u32>,
    /// Whether the area's own priority bulletins go before those of wider areas.
    #[serde(default)]
    own_priority_first: bool,
    /// How many households live there.
    #[serde(skip_serializing_if = "Option::is_none")]
    households: Option<u32>,
}

/// What holds in an area.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AreaRulesHeld {
    /// What it states itself.
    own: AreaRulesWire,
    /// What the areas above it state, the widest first. Of all, the strictest holds.
    above: Vec<AreaRulesAbove>,
}

/// What an area above states.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AreaRulesAbove {
    area: String,
    name: String,
    rules: AreaRulesWire,
}

impl From<&AreaRules> for AreaRulesWire {
    fn from(rules: &AreaRules) -> Self {
        let guards = &rules.guards;
        Self {
            quiet_hours: ranges_text(&guards.quiet_hours),
            normal_minutes_a_day: guards.normal_minutes_a_day.map(u32::from),
            priority_minutes_a_day: guards.priority_minutes_a_day.map(u32::from),
            sessions_a_day: guards.sessions_a_day.map(u32::from),
            longest_session_minutes: guards.longest_session_ms.map(|ms| ms / 60_000),
            volume_ceiling_percent: guards.volume_ceiling_percent.map(u32::from),
            own_priority_first: rules.own_priority_first,
            households: rules.households,
        }
    }
}

impl From<AreaRulesWire> for AreaRulesDraft {
    fn from(wire: AreaRulesWire) -> Self {
        let text = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        Self {
            quiet_hours: wire.quiet_hours,
            normal_minutes_a_day: text(wire.normal_minutes_a_day),
            priority_minutes_a_day: text(wire.priority_minutes_a_day),
            sessions_a_day: text(wire.sessions_a_day),
            longest_session_minutes: text(wire.longest_session_minutes),
            volume_ceiling_percent: text(wire.volume_ceiling_percent),
            own_priority_first: wire.own_priority_first,
            households: text(wire.households),
        }
    }
}

/// What an area states, and what holds in it from above
#[utoipa::path(get, path = "/areas/{id}/rules", tag = "areas", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = AreaRulesHeld)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(area): Named<String>,
) -> Result<Json<AreaRulesHeld>, HttpError> {
    let view = state.services.areas.rules(&visit.principal, &id(&area, Thing::Area)?).await?;
    let above = view.above.iter().map(|(area, rules)| AreaRulesAbove {
        area: area.id.to_string(),
        name: area.name.clone(),
        rules: rules.into(),
    });
    Ok(Json(AreaRulesHeld { own: (&view.own).into(), above: above.collect() }))
}

/// Change what an area states
#[utoipa::path(put, path = "/areas/{id}/rules", tag = "areas", security(("session" = [])), params(("id" = String, Path)), request_body = AreaRulesWire, responses((status = 200, body = AreaRulesWire)))]
pub(super) async fn put(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(area): Named<String>,
    Body(form): Body<AreaRulesWire>,
) -> Result<Json<AreaRulesWire>, HttpError> {
    let area = id(&area, Thing::Area)?;
    let rules = state.services.areas.set_rules(&visit.principal, &area, &form.into()).await?;
    Ok(Json((&rules).into()))
}
