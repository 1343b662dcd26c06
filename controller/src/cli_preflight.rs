//! `loa-controller preflight`: what will sound, in a terminal.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use chrono_tz::Tz;
use clap::{ArgGroup, Args};
use loa_controller::domain::role::Principal;
use loa_controller::http::{PlanFileError, plan_file, preflight_json};
use loa_controller::services::{
    DAYS_DEFAULT, Households, Preflight, PreflightGroup, PreflightOf, PreflightStart, Services, households,
};
use loa_protocol::ids::{AreaId, ItemId};
use loa_protocol::receipt::Outcome;
use loa_protocol::time::UnixMs;

/// Largest plan that is read, in bytes: a thousand schedules that each name a hundred places.
const PLAN_MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Villages that one line names.
const NAMED_MAX: usize = 6;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("of"))]
pub(crate) struct PreflightArgs {
    /// A schedule that stands, by its id; nothing given: all that will sound anywhere.
    #[arg(long, group = "of")]
    schedule: Option<ItemId>,
    /// A file of schedules that do not stand yet: {"schedules": [...]}, each as POST /api/v1/schedules takes it.
    #[arg(long, group = "of")]
    plan: Option<PathBuf>,
    /// All that sounds in an area and below, by its id.
    #[arg(long, group = "of")]
    area: Option<AreaId>,
    /// How many days from now, 1 to 31.
    #[arg(long, default_value_t = DAYS_DEFAULT)]
    days: u32,
    /// As the API gives it.
    #[arg(long)]
    json: bool,
}

/// Says what will sound.
pub(crate) async fn preflight(asked: PreflightArgs, services: &Services) -> anyhow::Result<()> {
    let of = match (asked.schedule, asked.plan, asked.area) {
        (Some(schedule), _, _) => PreflightOf::Schedule(schedule),
        (None, Some(file), _) => {
            let cannot = || format!("cannot read the plan {}", file.display());
            let bytes = std::fs::metadata(&file).with_context(cannot)?.len();
            ensure!(
                bytes <= PLAN_MAX_BYTES,
                "the plan {} has {bytes} bytes; at most {PLAN_MAX_BYTES} are read. Split it.",
                file.display()
            );
            match plan_file(&std::fs::read(&file).with_context(cannot)?) {
                Ok(drafts) => PreflightOf::Drafts(drafts),
                // In the words of any other refusal.
                Err(PlanFileError::Refused(refusal)) => return Err(refusal.into()),
                Err(unreadable) => return Err(anyhow::Error::new(unreadable).context(cannot())),
            }
        }
        (None, None, Some(area)) => PreflightOf::Area(area),
        (None, None, None) => PreflightOf::Everywhere,
    };
    let preflight = services.preflights.run(&Principal::operator(), of, asked.days).await?;
    if asked.json {
        println!("{}", preflight_json(&preflight)?);
    } else {
        print!("{}", written(&preflight, services.zone())?);
    }
    Ok(())
}

fn written(preflight: &Preflight, zone: Tz) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let (from, until) = (clock(preflight.from, zone), clock(preflight.until, zone));
    let heard = counted(preflight.households());
    writeln!(text, "{from} to {until} ({zone}): {} loudspeakers; heard by {heard}", preflight.nodes())?;
    for note in &preflight.notes {
        writeln!(text, "! {}", note.en)?;
    }
    for group in &preflight.groups {
        writeln!(text, "\n{}", title(group))?;
        if group.starts.is_empty() {
            writeln!(text, "  nothing sounds")?;
        }
        for start in &group.starts {
            line(&mut text, start, group.zone)?;
        }
    }
    Ok(text)
}

fn title(group: &PreflightGroup) -> String {
    let mut names: Vec<&str> = group.villages.iter().map(|village| village.name.as_str()).collect();
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let nodes: usize = group.villages.iter().map(|village| village.nodes.len()).sum();
    let languages: Vec<&str> = group.languages.iter().map(|language| language.as_str()).collect();
    let households = counted(households(group.villages.iter()));
    format!("{}{more} ({nodes} loudspeakers, {households}; {})", names.join(", "), languages.join(", "))
}

fn line(text: &mut String, start: &PreflightStart, zone: Tz) -> std::fmt::Result {
    let what = match start.start.outcome {
        Outcome::Played => "sounds",
        Outcome::Partial(_) => "partly",
        Outcome::Missed(_) => "silent",
    };
    let languages: Vec<&str> = start.start.languages.iter().map(|language| language.as_str()).collect();
    let planned = clock(start.start.planned, zone);
    let seconds = start.start.sound_ms / 1000;
    let class = start.start.class.as_str();
    write!(text, "  {planned}  {what}  {seconds:>5} s  {class:<9}  {}", start.start.title)?;
    if !languages.is_empty() {
        write!(text, "  [{}]", languages.join(", "))?;
    }
    writeln!(text)?;
    match (start.why(), start.rule()) {
        (Some(why), Some(rule)) => writeln!(text, "      {} Rule {rule}.", why.en),
        (Some(why), None) => writeln!(text, "      {}", why.en),
        (None, _) => Ok(()),
    }
}

fn counted(Households { known, unknown_villages }: Households) -> String {
    match (known, unknown_villages) {
        (known, 0) => format!("{known} households"),
        (0, _) => "an unknown number of households".to_owned(),
        (known, unknown) => format!("{known} households, and unknown in {unknown} villages"),
    }
}

fn clock(at: UnixMs, zone: Tz) -> String {
    at.to_utc()
        .map_or_else(|| at.to_string(), |at| at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string())
}
