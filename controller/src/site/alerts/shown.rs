//! The domain's words of emergencies as the pages' keys and colours.

use loa_protocol::bulletin::Status;
use loa_protocol::timeline::Severity;

use super::super::places::Places;
use super::super::reader::Me;
use super::super::{Site, languages, words};
use crate::domain::alert::template::TemplateKind;
use crate::domain::alert::{AlertState, Reached};
use crate::domain::refused;
use crate::pages::views::{AlertStateTag, AlertStatus, ReachView, WaveCounts, WaveNode, WaveView};
use crate::services::{AlertView, Wave};
use crate::store::alert_answers::{Counts, NodeAnswer};

pub(super) fn kind(kind: TemplateKind) -> &'static str {
    match kind {
        TemplateKind::Storm => "template-kind-storm",
        TemplateKind::Flood => "template-kind-flood",
        TemplateKind::ForestFire => "template-kind-forest-fire",
        TemplateKind::Evacuation => "template-kind-evacuation",
        TemplateKind::Other => "template-kind-other",
    }
}

pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Minor => "alert-severity-minor",
        Severity::Moderate => "alert-severity-moderate",
        Severity::Severe => "alert-severity-severe",
        Severity::Extreme => "alert-severity-extreme",
    }
}

pub(super) fn status(status: Status) -> AlertStatus {
    let key = match status {
        Status::Actual => "alert-status-actual",
        Status::Exercise => "alert-status-exercise",
        Status::Test => "alert-status-test",
    };
    AlertStatus { key, code: status.as_str() }
}

pub(super) fn state(state: AlertState) -> AlertStateTag {
    let (key, tone) = match state {
        AlertState::Speaking => ("alert-state-speaking", "pill-info"),
        AlertState::Waiting => ("alert-state-waiting", "pill-warn"),
        AlertState::Sent => ("alert-state-sent", "pill-good"),
        AlertState::Returned => ("alert-state-returned", "pill-warn"),
        AlertState::Cancelled => ("alert-state-cancelled", "pill-bad"),
        AlertState::Over => ("alert-state-over", "pill-quiet"),
    };
    AlertStateTag { key, tone }
}

pub(super) fn reach(reached: Reached, needed: u32) -> ReachView {
    let Reached { households, some_unknown } = reached;
    ReachView { households, some_unknown, needed }
}

/// The languages' names, each with its sound once made.
pub(super) fn tracks(site: &Site, me: &Me, view: &AlertView) -> Vec<(String, Option<String>)> {
    let name = |code: &str| languages::name(site, me.lang(), code);
    let tracks = view.revision.tracks.iter();
    tracks.map(|t| (name(t.content.language.as_str()), t.object.map(|object| object.to_string()))).collect()
}

pub(super) fn wave(places: &Places, wave: &Wave) -> WaveView {
    WaveView {
        all: counts(&wave.all),
        areas: wave.areas.iter().map(|(area, of)| (places.name(area), counts(of))).collect(),
        nodes: wave.nodes.iter().map(|node| answer(places, node)).collect(),
    }
}

fn counts(of: &Counts) -> WaveCounts {
    WaveCounts {
        nodes: of.nodes,
        received: of.received,
        verified: of.verified,
        sounding: of.sounding,
        refused: of.refused,
        silent: of.silent(),
    }
}

fn answer(places: &Places, node: &NodeAnswer) -> WaveNode {
    let refusal = node.refused();
    let (state, tone, at) = match (node.started, refusal, node.verified) {
        (Some(at), ..) => ("wave-node-sounding", "pill-good", Some(at)),
        (None, Some(_), _) => ("wave-node-refused", "pill-bad", node.received),
        (None, None, Some(at)) => ("wave-node-verified", "pill-info", Some(at)),
        (None, None, None) if node.online => ("wave-node-silent", "pill-warn", None),
        (None, None, None) => ("wave-node-offline", "pill-quiet", None),
    };
    WaveNode {
        id: node.node.to_string(),
        name: node.name.clone(),
        area: places.name_of(&node.path),
        state,
        tone,
        at: at.map(|at| places.moment(at, &node.path)),
        why: refusal.map(|number| words::msg(&refused::numbered(number))),
    }
}
