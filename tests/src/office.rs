//! A commune's controller as its own program, with its command line: for what only a process can suffer.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use loa_controller::config::Config;
use loa_protocol::enrolment::EnrolmentToken;

use crate::program::{self, Running};
use crate::wait::until;
use crate::{Person, Village};

/// Id of the office's commune, made of its name.
pub const COMMUNE_ID: &str = "xa-lac-duong";
/// Longest start.
const STARTED_WITHIN: Duration = Duration::from_secs(60);

/// The controller's program and its settings.
pub struct Office {
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
    running: Option<Running>,
}

impl Office {
    /// An office in `folder` that has not opened yet.
    ///
    /// # Errors
    /// When no ports are free.
    pub fn new(folder: &Path) -> Result<Self> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let environment = vec![
            ("LOA_DATA_DIR", text(folder.join("controller"))),
            ("LOA_TENANT", crate::station::tenant()?.to_string()),
            ("LOA_HTTP_LISTEN", free_address()?),
            ("LOA_METRICS_LISTEN", "127.0.0.1:0".to_owned()),
            ("LOA_BROKER_LISTEN", free_address()?),
            ("LOA_BROKER_PUBLIC_HOST", "127.0.0.1".to_owned()),
        ];
        Ok(Self { folder: folder.to_owned(), environment, running: None })
    }

    /// Changes a setting, by its variable, from the next start on.
    pub fn set(&mut self, variable: &'static str, value: impl Into<String>) {
        self.environment.retain(|(name, _)| *name != variable);
        self.environment.push((variable, value.into()));
    }

    /// The settings as the program reads them.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn config(&self) -> Result<Config> {
        let environment = self.environment.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        Ok(Config::load(None, environment)?)
    }

    /// Where the pages are.
    pub fn base(&self) -> String {
        let listen = self.environment.iter().find(|(name, _)| *name == "LOA_HTTP_LISTEN");
        format!("http://{}", listen.map_or("", |(_, address)| address))
    }

    /// The file of the database.
    pub fn database(&self) -> PathBuf {
        self.folder.join("controller").join("controller.db")
    }

    /// Starts the program and waits until it answers.
    ///
    /// # Errors
    /// When it ends, or does not answer in time.
    pub async fn open(&mut self) -> Result<()> {
        let log = self.folder.join("controller.log");
        self.running = Some(Running::start("loa-controller", ["run"], &self.environment, &log)?);
        crate::tls::choose_ring();
        let address = format!("{}/api/v1/openapi.json", self.base());
        let running = self.program()?;
        until("the controller", STARTED_WITHIN, async || {
            running.check()?;
            Ok(reqwest::get(&address).await.ok().filter(|answer| answer.status().is_success()).map(drop))
        })
        .await
    }

    /// Runs the program in the hope that it does not start, and gives its words.
    ///
    /// # Errors
    /// That it went on running, or ended well.
    pub async fn fails_to_open(&self) -> Result<String> {
        let run = program::output("loa-controller", ["run"], &self.environment);
        match tokio::time::timeout(STARTED_WITHIN, run).await {
            Ok(Err(error)) => Ok(format!("{error:#}")),
            Ok(Ok(said)) => bail!("the controller ended without a failure: {said}"),
            Err(_) => bail!("the controller went on running"),
        }
    }

    /// Runs a command of the program and gives what it prints.
    ///
    /// # Errors
    /// When it fails.
    pub async fn command(&self, arguments: &[&str]) -> Result<String> {
        program::output("loa-controller", arguments, &self.environment).await
    }

    /// Enters the commune.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn found(&self) -> Result<()> {
        let id = self.command(&["area", "add", "Xã Lạc Dương", "--level", "xã"]).await?;
        anyhow::ensure!(id == COMMUNE_ID, "the commune's id is {id}");
        Ok(())
    }

    /// Enters a person of the commune with a role, and signs in for them.
    ///
    /// # Errors
    /// When either is refused.
    pub async fn person(&self, login: &str, role: &str) -> Result<Person> {
        let role = format!("{role}@{COMMUNE_ID}");
        let link = self.command(&["user", "add", login, "--name", login, "--role", &role]).await?;
        Person::by_link(&link).await
    }

    /// Enters a person who may give or approve emergencies in an area, and signs in for them.
    ///
    /// # Errors
    /// When either is refused.
    pub async fn officer(&self, login: &str, role: &str, area: &str) -> Result<Person> {
        let role = format!("{role}@{area}");
        let add = ["user", "add", login, "--name", login, "--role", &role, "--emergency"];
        Person::by_link(&self.command(&add).await?).await
    }

    /// Enters a node, enrols a board for it, and powers it up.
    ///
    /// # Errors
    /// When any of it fails.
    pub async fn village(&self, name: &str) -> Result<Village> {
        let mut village = self.board(name).await?;
        village.start()?;
        Ok(village)
    }

    /// Enters a node and enrols a board for it, without power as yet.
    ///
    /// # Errors
    /// When any of it fails.
    pub async fn board(&self, name: &str) -> Result<Village> {
        let token = self.command(&["node", "add", name, "--area", COMMUNE_ID]).await?;
        let node = EnrolmentToken::from_text(&token)?.node_id;
        let village = Village::prepare(&self.folder, node.as_str(), name, true)?;
        village.enrol(&token).await?;
        Ok(village)
    }

    /// Waits until the log has a line with all of these words.
    ///
    /// # Errors
    /// When that does not come within 60 s, or the program ends.
    pub async fn says(&mut self, words: &[&str]) -> Result<()> {
        let running = self.program()?;
        until(&format!("a log line with {words:?}"), Duration::from_secs(60), async || {
            running.check()?;
            let said = running.said()?;
            Ok(said.lines().any(|line| words.iter().all(|word| line.contains(word))).then_some(()))
        })
        .await
    }

    /// The program.
    ///
    /// # Errors
    /// When it is not running.
    pub fn program(&mut self) -> Result<&mut Running> {
        self.running.as_mut().context("the controller is not running")
    }

    /// Kills it at once, as a power cut would.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn cut_power(&mut self) -> Result<()> {
        self.running.take().context("the controller is not running")?.kill().await
    }

    /// Ends it in good order.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn close(&mut self) -> Result<()> {
        self.running.take().context("the controller is not running")?.terminate(Duration::from_secs(20)).await
    }
}

/// An address that nobody listens at, at this moment. The program must keep it over restarts, so it cannot be 0.
///
/// # Errors
/// When there is none.
pub fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("a free port")?;
    Ok(listener.local_addr()?.to_string())
}
