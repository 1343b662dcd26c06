//! `loa-demo`: the whole product on one machine, for people who want to see it, and `--once` for machines that check it.
//!
//! It starts the real programs: one controller and three nodes in three villages, each enrolled by its own token and
//! sounding into a recorder where the machine has no sound card. Two people, an author and an approver, use the API.

mod commune;
mod measure;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use loa_tests::api::text;
use loa_tests::programme;
use loa_tests::table::layout;
use serde_json::json;

use commune::{COMMUNE_ID, Commune, People};

/// How long before its start a bulletin is scheduled: time to fetch it.
const LEAD_S: u64 = 8;
/// No voice takes longer for a character.
const A_CHARACTER: Duration = Duration::from_millis(150);
const TITLE: &str = "Cảnh báo mưa lớn và sạt lở đất";
const TEXT: &str = include_str!("text.txt");

/// Shows the whole product on one machine.
#[derive(Debug, Parser)]
struct Options {
    /// Do it all without a person, print what was measured, and end; fails if a village did not hear it.
    #[arg(long)]
    once: bool,
    /// Speak this file instead.
    #[arg(long)]
    text: Option<PathBuf>,
    /// Port of the pages.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Folder for everything; emptied at each start.
    #[arg(long, default_value = "demo-data")]
    data_dir: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("loa-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<bool> {
    let words = match &options.text {
        Some(file) => {
            let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
            String::from_utf8(bytes)
                .with_context(|| format!("{} is no text in UTF-8: save it as such", file.display()))?
        }
        None => TEXT.to_owned(),
    };
    let folder = fresh_folder(&options.data_dir)?;
    let recorded = options.once || !has_sound_card();
    let (mut commune, people) = Commune::start(&folder, options.port, recorded).await?;
    commune.power_up().await?;
    let Planned { bulletin, start, sounds_for } = put_in(&people, &words).await?;
    if options.once {
        let heard = commune.heard(&people, &bulletin, sounds_for).await?;
        commune.stop().await?;
        return report(&commune, &heard, recorded);
    }
    println!("\n  Trang quản lý / pages:   {}", commune.base());
    println!("  Vào bằng liên kết một lần / sign in once by:\n    {}\n", people.admin_link);
    println!("  Bản tin đầu tiên phát lúc / the first bulletin sounds at {start}");
    if recorded {
        println!(
            "  Tiếng loa được ghi vào / the horns are recorded in {}",
            folder.join("villages").display()
        );
    }
    println!("\n  Ctrl-C để dừng / to stop");
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => stopped?,
        ended = commune.watch() => ended?,
    }
    commune.stop().await?;
    Ok(true)
}

/// The bulletin, on its way.
struct Planned {
    bulletin: String,
    /// Its start in local time.
    start: String,
    /// At the most.
    sounds_for: Duration,
}

/// Writes, submits, approves and schedules the bulletin, as two people.
async fn put_in(people: &People, words: &str) -> Result<Planned> {
    let form = json!({
        "area": COMMUNE_ID, "title": TITLE, "text": words, "category": "disaster_prevention", "class": "priority",
    });
    let bulletin = programme::approved(&people.author, &people.approver, &form).await?;
    let lead = Duration::from_secs(LEAD_S);
    let (_, at) = programme::scheduled(&people.author, &bulletin, lead, &[COMMUNE_ID]).await?;
    let sounds_for =
        A_CHARACTER * u32::try_from(words.chars().count()).context("a text that was accepted")?;
    Ok(Planned { bulletin: text(&bulletin, "/id")?, start: at.replace('T', " "), sounds_for })
}

/// Prints the table, and says whether every village heard it.
fn report(commune: &Commune, heard: &[commune::Heard], recorded: bool) -> Result<bool> {
    let mut all = true;
    let mut rows = Vec::new();
    for heard in heard {
        let sound = if recorded { measure::sound(commune.village(&heard.node)?)? } else { None };
        all &= heard.outcome == "played" && (!recorded || sound.is_some());
        let error_ms = match (&sound, heard.planned_unix_ms) {
            (Some(sound), Some(planned)) => format!("{:+.1}", sound.started_unix_ms - planned as f64),
            _ => heard.error_ms.map_or("-".to_owned(), |ms| format!("{ms:+}")),
        };
        rows.push(vec![
            heard.node.clone(),
            heard.planned.clone(),
            heard.started.clone().unwrap_or_else(|| heard.outcome.clone()),
            error_ms,
            sound.as_ref().map_or("-".to_owned(), |s| format!("{:.1}", s.seconds)),
            sound.as_ref().map_or("-".to_owned(), |s| format!("{:.1}", s.loudness_lufs)),
        ]);
    }
    println!("{}", layout(&["node", "planned", "started", "error ms", "seconds", "LUFS"], &rows));
    if !all {
        println!("\nNot every village heard it; see the logs in {}", commune.folder().display());
    }
    Ok(all)
}

fn fresh_folder(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        // Only what an earlier demo made is emptied.
        anyhow::ensure!(
            folder.join("controller").exists() || std::fs::read_dir(folder)?.next().is_none(),
            "{} holds other things; give an empty folder with --data-dir",
            folder.display()
        );
        std::fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder.join("controller"))?;
    folder.canonicalize().with_context(|| format!("finding {}", folder.display()))
}

fn has_sound_card() -> bool {
    std::fs::read_to_string("/proc/asound/cards").is_ok_and(|cards| cards.contains('['))
}
