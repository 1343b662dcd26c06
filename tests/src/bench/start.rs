//! How far from plan the first sample of a cached item is heard.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use loa_protocol::bulletin::Class;
use loa_protocol::time::UnixMs;
use loa_tests::table::layout;

use crate::Goal;
use crate::field::{Field, heard, item, now, sound};
use crate::spread::{HEADINGS, Spread};

/// From one start to the next: the card is closed and opened again between some of them.
const EVERY_MS: i64 = 3_500;
/// Every so many starts there is a pause in which amplifier and card go off.
const PAUSE_EVERY: usize = 4;
const PAUSE_MS: i64 = 6_000;
/// From now until the first start: the amplifier warms up.
const LEAD_MS: i64 = 6_000;
const SOUND_MS: u32 = 700;
/// How far from plan a start is looked for.
const WITHIN_MS: f64 = 1_500.0;
/// One period of the card: by how much a player errs that begins with the next buffer.
const PERIOD_MS: f64 = 20.0;
/// How often it is measured by how much this machine wakes a program late.
const WAKES: usize = 100;

/// Measures, prints the table, and gives the goals.
pub(crate) async fn run(starts: usize) -> Result<Vec<Goal>> {
    let temporary = tempfile::tempdir()?;
    let (bulletin, file) = sound(temporary.path(), SOUND_MS, 1)?;
    let mut field = Field::open(temporary.path(), &[&bulletin], &[file]).await?;
    let begin = now() + LEAD_MS;
    let planned: Vec<UnixMs> = (0..starts)
        .map(|index| {
            let number = i64::try_from(index).unwrap_or(i64::MAX);
            let pauses = i64::try_from(index / PAUSE_EVERY).unwrap_or(i64::MAX);
            // Any millisecond of a second, not only the whole ones, which a period of 20 ms might favour.
            begin + number * EVERY_MS + pauses * PAUSE_MS + number * 137 % 1_000
        })
        .collect();
    let items = planned
        .iter()
        .enumerate()
        .map(|(index, at)| item(&format!("i-{index:04}"), Class::Normal, *at, &bulletin));
    field.plan(&items.collect::<Result<Vec<_>>>()?, &[&bulletin])?;
    let last = planned.last().copied().unwrap_or(begin);
    field.wait_until(last + i64::from(SOUND_MS) + PAUSE_MS).await?;
    let wakes = tokio::task::spawn_blocking(wakes).await?;
    let recordings = field.close().await?;

    let errors: Vec<f64> = planned
        .iter()
        .filter_map(|at| {
            let at = at.0 as f64;
            Some(heard(&recordings, &bulletin, at - WITHIN_MS, at + WITHIN_MS)? - at)
        })
        .collect();
    ensure!(errors.len() == starts, "{} of {starts} starts were heard", errors.len());
    let distance = Spread::of(errors.iter().map(|error| error.abs()));
    let late = Spread::of(errors.iter().copied());
    let dry: usize = recordings.iter().map(|recording| recording.dry().0).sum();
    println!(
        "{}",
        layout(
            &HEADINGS,
            &[
                distance.row("distance from plan"),
                late.row("late (+) or early (-)"),
                wakes.row("a program woken late"),
            ]
        )
    );
    println!(
        "\n{starts} starts, the card opened {} times, run dry {dry} times by a machine that was busy.\n\
         Beside it: a player that begins when it is woken errs by what this machine wakes it late, and by up to {PERIOD_MS} ms more,\n\
         one period of the card.",
        recordings.len()
    );
    let p99 = distance.percentile(99.0);
    Ok(vec![Goal::at_most("distance of a start from plan, p99", p99, "ms", 5.0)])
}

/// By how much this machine, as busy as it is, wakes a program after its time.
fn wakes() -> Spread {
    let period = Duration::from_secs_f64(PERIOD_MS / 1000.0);
    Spread::of((0..WAKES).map(|_| {
        let begun = Instant::now();
        std::thread::sleep(period);
        begun.elapsed().saturating_sub(period).as_secs_f64() * 1000.0
    }))
}
