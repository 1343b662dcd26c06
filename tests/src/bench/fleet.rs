//! A fleet of simulated nodes, as a program of its own.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_tests::program;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// Longest until all nodes are connected.
const PATIENCE: Duration = Duration::from_secs(600);

/// A fleet that runs. Dropped, it is killed.
pub(crate) struct Fleet {
    child: Child,
    /// Its latest figures, as it prints them.
    figures: watch::Receiver<String>,
    _reading: AbortOnDropHandle<()>,
}

impl Fleet {
    /// Starts `nodes` boards of these identities, with further arguments of `loa-firmware-sim fleet`.
    pub(crate) fn start(
        identities: &Path,
        nodes: usize,
        joins_per_s: f64,
        arguments: &[&str],
    ) -> Result<Self> {
        let mut command = Command::new(program::path("loa-firmware-sim")?);
        command.args(["fleet", "--nodes", &nodes.to_string(), "--joins-per-s", &joins_per_s.to_string()]);
        command.args(arguments).arg("--identities").arg(identities);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("starting the fleet")?;
        let mut lines = BufReader::new(child.stderr.take().context("its figures")?).lines();
        let (latest, figures) = watch::channel(String::new());
        let reading = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                latest.send_replace(line);
            }
        }));
        Ok(Self { child, figures, _reading: reading })
    }

    /// Waits until every node is connected and has its own document. The key set came with its identity, so that one says that it is
    /// served.
    pub(crate) async fn is_ready(&mut self, nodes: usize) -> Result<()> {
        let is_ready = |line: &str| {
            number(line, "connected") == Some(nodes)
                && number(line, "documents").is_some_and(|count| count >= nodes)
        };
        let ready =
            timeout(PATIENCE, self.figures.wait_for(|line| is_ready(line))).await.map(|seen| seen.map(drop));
        let last = self.figures.borrow().clone();
        ready
            .with_context(|| format!("not all nodes are connected within ten minutes: {last}"))?
            .with_context(|| format!("the fleet ended: {last}"))
    }

    /// Waits until no node is connected.
    pub(crate) async fn is_alone(&mut self) -> Result<()> {
        let alone = self.figures.wait_for(|line| number(line, "connected") == Some(0));
        let seen = timeout(PATIENCE, alone).await.map(|seen| seen.map(drop));
        seen.context("nodes stay connected for ten minutes")?.context("the fleet ended")
    }

    /// Ends it in good order, and gives its report.
    pub(crate) async fn stop(mut self) -> Result<Value> {
        let id = self.child.id().context("the fleet's id")?.to_string();
        let signalled = Command::new("kill").args(["-TERM", &id]).status().await?;
        ensure!(signalled.success(), "the fleet cannot be told to end");
        let mut report = String::new();
        self.child.stdout.take().context("its report")?.read_to_string(&mut report).await?;
        self.child.wait().await?;
        serde_json::from_str(&report).with_context(|| format!("reading the fleet's report {report:?}"))
    }
}

/// The number after a word.
fn number(line: &str, word: &str) -> Option<usize> {
    line.split_once(word)?.1.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn the_fleets_figures_are_read() {
        let line = "connected     12  fetching     0  documents     36  objects      0";
        assert_eq!((number(line, "connected"), number(line, "documents")), (Some(12), Some(36)));
        assert_eq!(number("no cores today", "connected"), None);
    }
}
