//! The product's own programs, as processes.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Child;

/// The folder with the built programs: the one of this program, or above it for tests (`target/debug/deps`).
///
/// # Errors
/// When this program's own path is unknown.
pub fn folder() -> Result<PathBuf> {
    let own = std::env::current_exe().context("finding this program's own path")?;
    let folder = own.parent().context("a program lies in a folder")?;
    Ok(if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder }.to_owned())
}

/// The path of one of the product's programs.
///
/// # Errors
/// When it has not been built.
pub fn path(name: &str) -> Result<PathBuf> {
    let path = folder()?.join(name);
    if !path.exists() {
        bail!("{} is missing: run `cargo build --bins` first", path.display());
    }
    Ok(path)
}

/// Runs a program to its end and gives what it printed, without the line end.
///
/// # Errors
/// When it cannot be started, or fails: then with what it said.
pub async fn output<A: AsRef<OsStr>>(
    name: &str,
    arguments: impl IntoIterator<Item = A>,
    environment: &[(&str, String)],
) -> Result<String> {
    let mut command = tokio::process::Command::new(path(name)?);
    command.args(arguments).envs(environment.iter().map(|(key, value)| (key, value))).stdin(Stdio::null());
    let output = command.output().await.with_context(|| format!("running {name}"))?;
    if !output.status.success() {
        bail!("{name} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)
        .with_context(|| format!("reading what {name} printed"))?
        .trim()
        .to_owned())
}

/// A program that runs until it is stopped. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Running {
    /// Starts one of the product's programs; what it says goes to the end of `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start<A: AsRef<OsStr>>(
        name: &str,
        arguments: impl IntoIterator<Item = A>,
        environment: &[(&str, String)],
        log: &Path,
    ) -> Result<Self> {
        let mut command = Command::new(path(name)?);
        command.args(arguments).envs(environment.iter().map(|(key, value)| (key, value)));
        Self::spawn(name, command, log)
    }

    /// Starts any command, under a name for messages; what it says goes to the end of `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = tokio::process::Command::from(command)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self { name: name.to_owned(), log: log.to_owned(), child })
    }

    /// What it has said so far.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn said(&self) -> Result<String> {
        let bytes = std::fs::read(&self.log).with_context(|| format!("reading {}", self.log.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Fails when it has ended, with what it said last.
    ///
    /// # Errors
    /// That it has ended.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let said = self.said()?;
            let last: Vec<&str> = said.lines().rev().take(12).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            bail!("{} ended ({status}):\n{}", self.name, last.join("\n"));
        }
        Ok(())
    }

    /// The process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Kills it at once, as a power cut would.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.with_context(|| format!("killing {}", self.name))
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it does not end within `limit`, or ends with a failure.
    pub async fn terminate(mut self, limit: Duration) -> Result<()> {
        if let Some(id) = self.child.id() {
            let signalled = Command::new("kill").args(["-TERM", &id.to_string()]).status()?;
            if !signalled.success() {
                bail!("{} could not be signalled", self.name);
            }
        }
        let status = tokio::time::timeout(limit, self.child.wait())
            .await
            .with_context(|| format!("{} did not end within {} s", self.name, limit.as_secs()))??;
        if !status.success() {
            bail!("{} ended with {status}:\n{}", self.name, self.said()?);
        }
        Ok(())
    }
}
