//! Emergencies that are given at once: the list, the form, one with its wave.

use askama::Template;

use crate::pages::filters;
use crate::pages::form::{Choice, Errors};
use crate::pages::format::Moment;
use crate::pages::shell::Shell;
use crate::pages::text::{Lang, Msg};

/// `GET /alerts`. Live topic `alerts`.
#[derive(Clone, Debug, Template)]
#[template(path = "alerts.html")]
pub struct AlertsPage {
    /// Surroundings.
    pub shell: Shell,
    /// Whether this user may give emergencies.
    pub can_give: bool,
    /// The latest, latest first.
    pub alerts: Vec<AlertCard>,
    /// The prepared templates.
    pub templates: Vec<TemplateCard>,
    /// The form that begins a template, for whoever may write emergencies.
    pub prepare: Option<PrepareForm>,
}

/// Fields `area` and `kind`. Posted to `/alerts/templates`.
#[derive(Clone, Debug, Default)]
pub struct PrepareForm {
    /// Names the form: sent twice it begins one template.
    pub form_id: String,
    /// Areas to choose from.
    pub areas: Vec<Choice>,
    /// Kinds to choose from.
    pub kinds: Vec<Choice>,
    /// Chosen area.
    pub area: String,
    /// Chosen kind.
    pub kind: String,
    /// Errors of `area`, `kind`.
    pub errors: Errors,
}

/// A prepared template.
#[derive(Clone, Debug)]
pub struct TemplateCard {
    /// Its bulletin.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Key of its kind.
    pub kind: &'static str,
    /// Name of the area inside which it may be sent.
    pub area: String,
    /// Whether one person may send it.
    pub ready: bool,
    /// How many have approved it.
    pub approvals: usize,
    /// How many have to.
    pub needed: usize,
}

/// `GET /alerts/new?corrects=`, and the answer (422) to a refused form.
#[derive(Clone, Debug, Template)]
#[template(path = "alert_form.html")]
pub struct AlertFormPage {
    /// Surroundings.
    pub shell: Shell,
    /// Names the form: sent twice it gives one alert.
    pub form_id: String,
    /// The alert that is corrected, and its title.
    pub corrects: Option<(String, String)>,
    /// Areas to tick, each after the one that contains it.
    pub areas: Vec<AlertAreaRow>,
    /// Approved templates to choose from.
    pub templates: Vec<Choice>,
    /// Chosen template; empty: own words.
    pub template: String,
    /// Title as typed.
    pub title: String,
    /// Text as typed.
    pub text: String,
    /// Severities to choose from.
    pub severities: Vec<Choice>,
    /// Chosen severity.
    pub severity: String,
    /// Statuses to choose from.
    pub statuses: Vec<Choice>,
    /// Chosen status.
    pub status: String,
    /// For how many minutes it holds, to choose from.
    pub durations: Vec<Choice>,
    /// Chosen minutes.
    pub minutes: String,
    /// How often it sounds, as typed.
    pub rounds: String,
    /// Errors of the fields.
    pub errors: Errors,
}

/// An area that can be ticked.
#[derive(Clone, Debug)]
pub struct AlertAreaRow {
    /// Its id.
    pub id: String,
    /// Ids from the root to this one, joined by `/`.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Depth, from 0.
    pub depth: usize,
    /// Whether it is ticked.
    pub checked: bool,
    /// Whom an emergency to all of it reaches, and how many people have to approve it.
    pub reach: ReachView,
}

/// `GET /alerts/{id}`. Live topic `alert:{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "alert.html")]
pub struct AlertPage {
    /// Surroundings.
    pub shell: Shell,
    /// The alert.
    pub alert: AlertDetail,
    /// What can be done with it.
    pub decide: AlertActions,
    /// What nodes said.
    pub wave: WaveView,
}

/// An alert in a list.
#[derive(Clone, Debug)]
pub struct AlertCard {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where it sounds, in short.
    pub areas: String,
    /// When it was given.
    pub given_at: Moment,
    /// By whom.
    pub given_by: String,
    /// When it is over.
    pub expires: Moment,
    /// Where it stands.
    pub state: AlertStateTag,
    /// Whether it is meant.
    pub status: AlertStatus,
}

/// Where an alert stands, for the eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertStateTag {
    /// Key of its name.
    pub key: &'static str,
    /// Class of its colour.
    pub tone: &'static str,
}

/// Whether an alert is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertStatus {
    /// Key of its name.
    pub key: &'static str,
    /// Word in classes: `actual`, `exercise`, `test`.
    pub code: &'static str,
}

/// One alert.
#[derive(Clone, Debug)]
pub struct AlertDetail {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it says in Vietnamese.
    pub text: String,
    /// Whether it is meant.
    pub status: AlertStatus,
    /// Key of its severity.
    pub severity: &'static str,
    /// Names of its areas.
    pub areas: Vec<String>,
    /// Households of its areas.
    pub reach: ReachView,
    /// When it was given.
    pub given_at: Moment,
    /// By whom.
    pub given_by: String,
    /// Until when it holds.
    pub expires: Moment,
    /// How often it sounds.
    pub rounds: u32,
    /// The title and id of the one that it corrects.
    pub corrects: Option<(String, String)>,
}

/// Households, and who has to approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReachView {
    /// Known households.
    pub households: u64,
    /// Whether some are not known.
    pub some_unknown: bool,
    /// How many people have to approve.
    pub needed: u32,
}

/// What can be done with an alert, and what is heard of it.
#[derive(Clone, Debug)]
pub struct AlertActions {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: AlertStateTag,
    /// Names of its languages, and where to listen; `None` while a sound is being made.
    pub tracks: Vec<(String, Option<String>)>,
    /// Who has approved.
    pub approved_by: Vec<String>,
    /// How many approvals are missing.
    pub missing: u32,
    /// What was seen.
    pub seen: String,
    /// Whether this user may approve it now.
    pub approve: bool,
    /// Whether this user may stop it now.
    pub stop: bool,
    /// Whether this user may correct it now.
    pub correct: bool,
    /// Why it cannot be approved, or does not sound.
    pub problem: Option<Msg>,
    /// Why it was given back or stopped.
    pub ended: Option<String>,
    /// The reason that was typed, when what was asked for was refused.
    pub reason: String,
    /// Why it was refused.
    pub errors: Errors,
}

/// How far an alert got.
#[derive(Clone, Debug, Default)]
pub struct WaveView {
    /// In all.
    pub all: WaveCounts,
    /// By area.
    pub areas: Vec<(String, WaveCounts)>,
    /// Nodes, those first that need a look.
    pub nodes: Vec<WaveNode>,
}

/// How many nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaveCounts {
    /// Nodes.
    pub nodes: u64,
    /// Have it.
    pub received: u64,
    /// Have verified it.
    pub verified: u64,
    /// Sound.
    pub sounding: u64,
    /// Have refused it.
    pub refused: u64,
    /// Have said nothing.
    pub silent: u64,
}

/// One node.
#[derive(Clone, Debug)]
pub struct WaveNode {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub area: String,
    /// Key of what it said last.
    pub state: &'static str,
    /// Class of its colour.
    pub tone: &'static str,
    /// When it said so.
    pub at: Option<Moment>,
    /// Why it refused.
    pub why: Option<Msg>,
}

/// Event `alerts-list`, topic `alerts`.
#[derive(Clone, Debug, Template)]
#[template(path = "live/alerts_list.html")]
pub struct AlertsList {
    /// Reader's language.
    pub lang: Lang,
    /// As [`AlertsPage::alerts`].
    pub alerts: Vec<AlertCard>,
}

/// Event `alert-decide-{id}`, topic `alert:{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "live/alert_decide.html")]
pub struct AlertDecide {
    /// Reader's language.
    pub lang: Lang,
    /// Token for the forms.
    pub csrf: String,
    /// As [`AlertPage::decide`].
    pub decide: AlertActions,
}

/// Event `alert-wave-{id}`, topic `alert:{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "live/alert_wave.html")]
pub struct AlertWave {
    /// Reader's language.
    pub lang: Lang,
    /// As [`AlertPage::wave`].
    pub wave: WaveView,
}
