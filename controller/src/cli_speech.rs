//! `loa-controller speech`: the normaliser on lines of text, for whoever writes a lexicon or looks into a reading, which
//! needs no configuration and no database; and the export of the speech data set.

use std::io::{self, BufRead, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use clap::{Args, Subcommand};
use loa_controller::dataset::{self, Wish};
use loa_controller::domain::role::Principal;
use loa_controller::services::Services;
use loa_protocol::bulletin::Language;
use loa_protocol::time::UnixMs;
use loa_speech::Normalizer;
use loa_speech::normalize::{Entry, Finding, Lexicon, MarkupFinding, Options, Region, Sentence, Spoken};
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(crate) enum SpeechCommand {
    /// Reads lines on standard input and prints each as it is said.
    Normalize(Normalize),
    /// Writes recordings whose speakers agreed, with their words, as a speech data set.
    Export(Export),
}

#[derive(Debug, Args)]
pub(crate) struct Normalize {
    /// Whose habits: north, central or south.
    #[arg(long, default_value = "north")]
    region: Region,
    /// Prints one JSON object for each line: what was recognised where, and what nothing was known about.
    #[arg(long)]
    explain: bool,
    /// Words of the place: a file with one on each line, what is written, a tab, and what is said. Empty lines and those that
    /// begin with # are left out.
    #[arg(long, value_name = "FILE")]
    lexicon: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The folder; an earlier export in it is replaced once the new one is whole.
    #[arg(long)]
    to: PathBuf,
    /// One language alone: kpm, cma ...
    #[arg(long)]
    language: Option<Language>,
    /// Only what was approved on this day or later: 2026-11-23, in the zone of the installation.
    #[arg(long)]
    since: Option<NaiveDate>,
    /// What each line says of the licence. The terms of the data set's README hold besides.
    #[arg(long, default_value = "see README.md")]
    licence: String,
}

/// Exports the speech data set, and prints what went in and what was left out.
pub(crate) async fn export(asked: Export, services: &Services) -> anyhow::Result<()> {
    let since = asked.since.map(|day| midnight(day, services.zone())).transpose()?;
    let wish = Wish { language: asked.language, since };
    let operator = Principal::operator();
    let exported = dataset::export(services, &operator, &asked.to, &wish, &asked.licence).await?;
    println!(
        "{}: {} recordings, {} speakers, {:.1} minutes; {}",
        asked.to.display(),
        exported.recordings,
        exported.speakers,
        exported.duration_ms as f64 / 60_000.0,
        exported.left_out
    );
    Ok(())
}

fn midnight(day: NaiveDate, zone: Tz) -> anyhow::Result<UnixMs> {
    let at = day.and_time(NaiveTime::MIN).and_local_timezone(zone).earliest();
    let at = at.with_context(|| format!("--since: {day} has no midnight in {zone}"))?;
    Ok(UnixMs(at.timestamp_millis()))
}

/// Runs until the end of the input, or until nobody reads the output any more.
pub(crate) fn normalize(Normalize { region, explain, lexicon }: &Normalize) -> anyhow::Result<()> {
    let lexicon = match lexicon {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("the lexicon {} cannot be read", file.display()))?;
            words(&text).with_context(|| format!("the lexicon {} cannot be used", file.display()))?
        }
        None => Lexicon::default(),
    };
    for note in lexicon.notes() {
        eprintln!("{note}");
    }
    let normalizer = Normalizer::new(Options::of(*region), &lexicon);
    let answer = |line: &str| if *explain { explained(&normalizer, line) } else { said(&normalizer, line) };
    each_line(&mut io::stdin().lock(), &mut io::BufWriter::new(io::stdout().lock()), answer)
}

/// The words of a file.
fn words(text: &str) -> anyhow::Result<Lexicon> {
    let mut entries = Vec::new();
    for (index, line) in
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let (written, spoken) = line
            .split_once('\t')
            .with_context(|| format!("line {} has no tab between writing and saying", index + 1))?;
        entries.push(Entry { written: written.to_owned(), spoken: spoken.to_owned() });
    }
    Ok(Lexicon::of_area(entries))
}

fn each_line(
    input: &mut impl BufRead,
    output: &mut impl Write,
    answer: impl Fn(&str) -> String,
) -> anyhow::Result<()> {
    for (index, line) in input.lines().enumerate() {
        let line = line
            .with_context(|| format!("line {} of the input cannot be read: it must be UTF-8", index + 1))?;
        match writeln!(output, "{}", answer(&line)) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("the output cannot be written")?,
        }
    }
    match output.flush() {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        flushed => flushed.context("the output cannot be written"),
    }
}

/// One line for one line: a line end that hides in it (U+2028) is a blank.
fn said(normalizer: &Normalizer, line: &str) -> String {
    normalizer.normalize(line).text().replace('\n', " ")
}

fn explained(normalizer: &Normalizer, line: &str) -> String {
    let spoken = normalizer.normalize(line);
    let findings = Normalizer::audit_spoken(line, &spoken);
    json!({
        "text": spoken.text(),
        "spans": spans(line, &spoken),
        "pieces": spoken.sentences().iter().map(piece).collect::<Vec<Value>>(),
        "markup": spoken.markup_findings().iter().map(|finding| marked(line, finding)).collect::<Vec<Value>>(),
        "findings": findings.iter().map(|finding| told(line, finding)).collect::<Vec<Value>>(),
    })
    .to_string()
}

/// `start` and `end` are bytes of the line.
fn spans(line: &str, spoken: &Spoken) -> Vec<Value> {
    let span = |span: &loa_speech::normalize::Span| {
        json!({
            "class": span.class.as_str(),
            "start": span.source.start,
            "end": span.source.end,
            "written": line.get(span.source.clone()),
            "spoken": spoken.said(span),
        })
    };
    spoken.spans().iter().map(span).collect()
}

/// What is spoken in one go, and the silence that the writer put around it.
fn piece(sentence: &Sentence) -> Value {
    let style = sentence.style();
    json!({
        "text": sentence.as_str(),
        "emphasis": style.emphasis,
        "language": style.language,
        "silence_before_ms": sentence.silence_before_ms(),
        "silence_after_ms": sentence.silence_after_ms(),
    })
}

/// A command that went wrong.
fn marked(line: &str, finding: &MarkupFinding) -> Value {
    let args: serde_json::Map<String, Value> =
        finding.problem.args().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({
        "problem": finding.problem.code(),
        "start": finding.bytes.start,
        "end": finding.bytes.end,
        "written": line.get(finding.bytes.clone()),
        "args": args,
    })
}

fn told(line: &str, finding: &Finding) -> Value {
    json!({
        "reason": finding.reason.as_str(),
        "start": finding.bytes.start,
        "end": finding.bytes.end,
        "start_char": finding.chars.start,
        "end_char": finding.chars.end,
        "written": line.get(finding.bytes.clone()),
        "spoken": finding.spoken,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(input: &str, answer: impl Fn(&str) -> String) -> String {
        let mut output = Vec::new();
        each_line(&mut input.as_bytes(), &mut output, answer).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn each_line_has_its_line() {
        let normalizer = Normalizer::default();
        let said = answered("Họp lúc 7h30.\n\nGọi 115!\u{2028}Hết\n", |line| said(&normalizer, line));
        assert_eq!(said, "Họp lúc bảy giờ ba mươi phút.\n\nGọi một một năm! Hết\n");
    }

    #[test]
    fn words_of_a_file_are_said_and_their_clashes_told() {
        let lexicon = words("# của xã\n\nKDT\tkhu A\nKDT\tkhu dân tộc\n").unwrap();
        assert_eq!(lexicon.notes().len(), 1);
        let normalizer = Normalizer::new(Options::default(), &lexicon);
        assert_eq!(said(&normalizer, "Họp ở KDT"), "Họp ở khu dân tộc");
        assert_eq!(words("KDT khu").unwrap_err().to_string(), "line 1 has no tab between writing and saying");
    }

    #[test]
    fn an_explanation_names_classes_and_places() {
        let normalizer = Normalizer::default();
        let line = answered("Giá 500k § nhé", |line| explained(&normalizer, line));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["text"], "Giá năm trăm nghìn nhé");
        assert_eq!(
            value["spans"][1],
            json!({"class": "money", "start": 5, "end": 9, "written": "500k", "spoken": "năm trăm nghìn"})
        );
        assert_eq!(value["findings"][0]["reason"], "symbol");
        assert_eq!(value["findings"][0]["start_char"], 9);
    }

    #[test]
    fn an_explanation_shows_what_commands_do() {
        let normalizer = Normalizer::default();
        let line = answered("Gọi [nhấn: ngay] [nghỉ 2s] [en: hotline] [nhấm: x]", |line| {
            explained(&normalizer, line)
        });
        let value: Value = serde_json::from_str(&line).unwrap();
        let pieces = value["pieces"].as_array().unwrap();
        assert_eq!(pieces.len(), 4, "{line}");
        assert_eq!((&pieces[1]["emphasis"], &pieces[1]["silence_after_ms"]), (&json!(true), &json!(2_000)));
        assert_eq!(pieces[2]["language"], "en");
        assert_eq!(value["spans"][1]["class"], "markup");
        let args = json!({"name": "nhấm", "nearest": "nhấn"});
        assert_eq!(value["markup"][0]["problem"], "unknown-command");
        assert_eq!(value["markup"][0]["args"], args);
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line() {
        let error = each_line(&mut &b"m\xe1\n"[..], &mut Vec::new(), str::to_owned).unwrap_err();
        assert_eq!(error.to_string(), "line 1 of the input cannot be read: it must be UTF-8");
    }
}
