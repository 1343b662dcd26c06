//! The normaliser by itself.
//!
//! `normalize` reads lines on standard input and prints each as it is said. `normalize time TEXT.txt` measures itself on a
//! text: characters a second line by line, time a character for the text once and 64 times over, and how much the process
//! grows between reading its lines once and 64 times.

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use loa_speech::Normalizer;

/// The longer text is so many of the shorter one.
const TIMES: usize = 64;
/// Each measurement goes on for at least this long; of several the fastest counts.
const MEASURED: Duration = Duration::from_millis(300);
const ROUNDS: usize = 5;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => lines(),
        ["time", path] => time(&std::fs::read_to_string(path).with_context(|| format!("reading {path}"))?),
        _ => bail!("usage: normalize < LINES, or normalize time TEXT.txt"),
    }
}

fn lines() -> anyhow::Result<()> {
    let normalizer = Normalizer::default();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", normalizer.normalize(&line?).text().replace('\n', " "))?;
    }
    Ok(())
}

fn time(text: &str) -> anyhow::Result<()> {
    let normalizer = Normalizer::default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let chars: usize = lines.iter().map(|line| line.chars().count()).sum();
    let each_line = || lines.iter().for_each(|line| _ = black_box(normalizer.normalize(line)));
    each_line();
    let once_kib = peak_kib()?;
    (0..TIMES).for_each(|_| each_line());
    let grown_kib = peak_kib()?.saturating_sub(once_kib);
    let by_line_ns = fastest_ns(each_line) / chars as f64;
    let long = text.repeat(TIMES);
    let count = text.chars().count() as f64;
    let once_ns = fastest_ns(|| _ = black_box(normalizer.normalize(text))) / count;
    let long_ns = fastest_ns(|| _ = black_box(normalizer.normalize(&long))) / (count * TIMES as f64);
    println!("chars_per_s {:.0}", 1e9 / by_line_ns);
    println!("ns_per_char {once_ns:.2}");
    println!("ns_per_char_long {long_ns:.2}");
    println!("growth {:.3}", long_ns / once_ns);
    println!("grown_kib {grown_kib}");
    Ok(())
}

/// Time of one call in nanoseconds: the fastest of several rounds.
fn fastest_ns(work: impl Fn()) -> f64 {
    let round = || {
        let (begun, mut calls) = (Instant::now(), 0_u32);
        while begun.elapsed() < MEASURED {
            work();
            calls += 1;
        }
        begun.elapsed().as_nanos() as f64 / f64::from(calls)
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

/// The most memory that the process ever had, in KiB.
fn peak_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in it")?;
    peak.split_whitespace().next().context("an empty VmHWM")?.parse().context("VmHWM is no number")
}
