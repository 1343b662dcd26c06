//! How soon the first sample of an emergency is heard on a node that plays something else.
//!
//! Counted from the moment in which the signer hands the plan to its connection: the broker's part is in it.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use loa_protocol::bulletin::Class;
use loa_tests::table::layout;

use crate::Goal;
use crate::field::{Field, heard, item, now, sound};
use crate::spread::{HEADINGS, Spread};

/// From the bulletin's plan to its start; the amplifier is warm but for the first.
const LEAD_MS: i64 = 600;
const WARM_UP_MS: i64 = 3_000;
/// The emergency comes so long after the bulletin's start, and up to a second later.
const AFTER_MS: i64 = 700;
const BULLETIN_MS: u32 = 12_000;
const EMERGENCY_MS: u32 = 600;
/// How late an emergency is looked for.
const WITHIN_MS: i64 = 1_200;
/// What ALSA holds back: two periods of 20 ms, which what sounds has filled.
const BUFFER_MS: f64 = 40.0;
/// How often the disk is measured.
const SYNCS: usize = 100;

/// Measures, prints the table, and gives the goals.
pub(crate) async fn run(emergencies: usize) -> Result<Vec<Goal>> {
    let temporary = tempfile::tempdir()?;
    let (bulletin, bulletin_file) = sound(temporary.path(), BULLETIN_MS, 1)?;
    let (alert, alert_file) = sound(temporary.path(), EMERGENCY_MS, 2)?;
    let sounds = [&bulletin, &alert];
    let mut field = Field::open(temporary.path(), &sounds, &[bulletin_file, alert_file]).await?;
    let mut ordered = Vec::with_capacity(emergencies);
    for index in 0..emergencies {
        let start = now() + if index == 0 { WARM_UP_MS } else { LEAD_MS };
        let normal = item(&format!("n-{index:04}"), Class::Normal, start, &bulletin)?;
        field.plan(std::slice::from_ref(&normal), &sounds)?;
        let offset = i64::try_from(index)? * 137 % 1_000;
        field.wait_until(start + AFTER_MS + offset).await?;
        let at = now();
        let emergency = item(&format!("e-{index:04}"), Class::Emergency, at, &alert)?;
        field.plan(&[emergency, normal], &sounds)?;
        ordered.push(at.0 as f64);
        field.wait_until(at + WITHIN_MS + i64::from(EMERGENCY_MS)).await?;
    }
    let syncs = syncs(&field.data_dir())?;
    let recordings = field.close().await?;

    let within = WITHIN_MS as f64;
    let delays: Vec<f64> =
        ordered.iter().filter_map(|at| Some(heard(&recordings, &alert, *at, at + within)? - at)).collect();
    ensure!(
        delays.len() == emergencies,
        "{} of {emergencies} emergencies were heard within {within} ms",
        delays.len()
    );
    let delay = Spread::of(delays);
    let dry: usize = recordings.iter().map(|recording| recording.dry().0).sum();
    println!(
        "{}",
        layout(&HEADINGS, &[delay.row("order to sound"), syncs.row("one write of 4 KiB, synced")])
    );
    println!(
        "\n{emergencies} emergencies, each over a bulletin; the card ran dry {dry} times because the machine was busy.\n\
         Beside it: ALSA's buffer holds {BUFFER_MS} ms of what sounded before, which nobody takes back; the plan, the intents and\n\
         the receipt are each on the disk before the next step."
    );
    let p99 = delay.percentile(99.0);
    Ok(vec![Goal::at_most("order to an emergency's first sample, p99", p99, "ms", 250.0)])
}

/// How long the disk of the board's database takes to keep something.
fn syncs(folder: &Path) -> Result<Spread> {
    let mut file = tempfile::tempfile_in(folder)?;
    let block = [0; 4096];
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(Spread::of(times))
}
