//! A board whose power goes again and again: the node's own program, killed.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use loa_firmware_sim::recorder::{RecorderCommand, Recording, write_alsa_config};
use loa_node::identity::Identity;
use loa_protocol::area::AreaPath;
use loa_protocol::ids::{NodeId, ObjectHash};
use loa_test_broker::{Mosquitto, Pki};
use loa_tests::line::Line;
use loa_tests::program;
use loa_tests::wait::until;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until, timeout};

use crate::desk::Desk;
use crate::moment::{Kind, Moment, Sign};
use crate::papers::{key_set, now, root, tenant};
use crate::weather::{THICK_BYTES_PER_SECOND, Weather};

/// A boot that takes longer has failed; it takes a fraction of a second on a machine that has nothing else to do.
const BOOTS_WITHIN: Duration = Duration::from_secs(60);
/// How long a cut waits for its moment, once the node has booted.
const WAITS_FOR: Duration = Duration::from_millis(2_500);
/// One cut in so many is followed by a look into the database.
const LOOKS_EVERY: u32 = 5;
/// What the log never says, whatever the power does.
const NEVER_SAID: [&str; 6] =
    ["panicked", "damaged", "is not whole", "does not fit", "cannot prune", "the database failed"];

/// How a life of the program ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) kind: Kind,
    /// How its line was.
    pub(crate) weather: Weather,
    /// Whether what the cut waited for came; if not, the power went all the same.
    pub(crate) was_in_time: bool,
    /// Whether the node had booted by then.
    pub(crate) had_booted: bool,
}

/// A board.
pub(crate) struct Board {
    pub(crate) node: NodeId,
    folder: PathBuf,
    log: fs::File,
    /// Its line to the broker.
    line: Line,
    cuts: u32,
}

/// The node's program, running.
struct Life {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Board {
    /// An enrolled board whose sound card is a recorder, behind a line of its own.
    pub(crate) async fn new(folder: &Path, node: &NodeId, pki: &Pki, broker: &Mosquitto) -> Result<Self> {
        let folder = folder.join(node.as_str());
        fs::create_dir_all(folder.join("data"))?;
        let line = Line::open(THICK_BYTES_PER_SECOND).await?;
        line.lead_to(([127, 0, 0, 1], broker.port).into());
        let (certificate_chain_pem, private_key_pem) = pki.issue(node.as_str(), &[]);
        let identity = Identity {
            tenant: tenant()?,
            node: node.clone(),
            path: AreaPath::unplaced(),
            root: root().verifying_key(),
            broker_host: "127.0.0.1".to_owned(),
            broker_port: line.addr().port(),
            broker_name: "loa-broker".to_owned(),
            ca_pem: pki.ca_pem(),
            certificate_chain_pem,
            private_key_pem,
            key_set: key_set()?,
        };
        identity.save(&folder.join("data"))?;
        let recorder =
            RecorderCommand { program: program::path("loa-firmware-sim")?, out: folder.join("heard") };
        write_alsa_config(&folder.join("alsa.conf"), &recorder)?;
        let log = fs::File::create(folder.join("node.log"))?;
        Ok(Self { node: node.clone(), folder, log, line, cuts: 0 })
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn command(&self, argument: &str) -> Result<Command> {
        let mut command = Command::new(program::path("loa-node")?);
        command
            .arg(argument)
            .env("LOA_NODE_DATA_DIR", self.data_dir())
            .env("LOA_NODE_CLOCK_TRUST", "system")
            .env("LOA_NODE_AMPLIFIER_WARM_UP_MS", "50")
            .env("LOA_NODE_AMPLIFIER_TAIL_MS", "200")
            .env("ALSA_CONFIG_PATH", self.folder.join("alsa.conf"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    fn power_up(&self) -> Result<Life> {
        let mut child = self.command("run")?.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().context("its log is read")?;
        Ok(Life { child, lines: BufReader::new(stderr).lines() })
    }

    /// Powers up in this weather, and cuts the power at that moment. What lies on the disk then is looked at.
    pub(crate) async fn live(&mut self, moment: Moment, weather: Weather, desk: &Desk) -> Result<Cut> {
        let mut sent = desk.sent();
        weather.begin(&self.line);
        let mut life = self.power_up()?;
        let after = |sign: Sign<'_>| moment.after(sign, now(), |at| desk.next_after(at));
        let mut cut_at = after(Sign::Started).map(|delay| Instant::now() + delay);
        let mut give_up = Instant::now() + BOOTS_WITHIN;
        let mut had_booted = false;
        loop {
            let sign = tokio::select! {
                line = life.lines.next_line() => match line? {
                    Some(line) => {
                        self.note(&line)?;
                        if line.contains("the node starts") {
                            had_booted = true;
                            give_up = Instant::now() + WAITS_FOR;
                        }
                        after(Sign::Line(&line))
                    }
                    None => bail!("{} ended by itself: {}", self.node, life.child.wait().await?),
                },
                what = sent.recv() => match what {
                    Ok((node, what)) if node == self.node => after(Sign::Sent(what)),
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => None,
                    Err(broadcast::error::RecvError::Closed) => bail!("the desk is gone"),
                },
                () = sleep_until(cut_at.unwrap_or(give_up)) => break,
            };
            cut_at = cut_at.or(sign.map(|delay| Instant::now() + delay));
        }
        ensure!(had_booted || cut_at.is_some(), "{} did not boot", self.node);
        life.child.kill().await?;
        weather.end(&self.line);
        self.cuts += 1;
        self.note(&format!("---- cut {}: {:?}, the line {weather}", self.cuts, moment.kind))?;
        self.look_at_cache()?;
        if self.cuts.is_multiple_of(LOOKS_EVERY) {
            self.look_at_database().await?;
        }
        Ok(Cut { kind: moment.kind, weather, was_in_time: cut_at.is_some(), had_booted })
    }

    /// Powers up, leaves it alone until the desk has closed and has all its reports, which may take `limit` from then on, and
    /// ends it in good order.
    pub(crate) async fn live_in_peace(&mut self, limit: Duration, desk: &Desk) -> Result<()> {
        let mut life = self.power_up()?;
        let mut give_up = None;
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                line = life.lines.next_line() => match line? {
                    Some(line) => self.note(&line)?,
                    None => bail!("{} ended by itself: {}", self.node, life.child.wait().await?),
                },
                _ = looks.tick() => {
                    if !desk.is_closed() {
                        continue;
                    }
                    let unreported = desk.unreported(&self.node);
                    if unreported.is_empty() && self.status().await?.contains("receipts waiting  0") {
                        break;
                    }
                    let is_late = Instant::now() > *give_up.get_or_insert_with(|| Instant::now() + limit);
                    ensure!(!is_late, "{} did not report {unreported:?} in {} s", self.node, limit.as_secs());
                }
            }
        }
        let id = life.child.id().context("it runs")?;
        let told = Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        ensure!(told.success(), "{} could not be told to end", self.node);
        while let Some(line) = life.lines.next_line().await? {
            self.note(&line)?;
        }
        let ended = timeout(Duration::from_secs(15), life.child.wait()).await??;
        ensure!(ended.success(), "{} ended with {ended}", self.node);
        self.look_at_cache()?;
        self.look_at_database().await
    }

    /// What `loa-node status` prints.
    async fn status(&self) -> Result<String> {
        let output = self.command("status")?.output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: no status: {said}", self.node);
        Ok(String::from_utf8(output.stdout)?)
    }

    fn note(&mut self, line: &str) -> Result<()> {
        writeln!(self.log, "{line}")?;
        if let Some(words) = NEVER_SAID.iter().find(|words| line.contains(*words)) {
            bail!("{} says {words:?}: {line}", self.node);
        }
        Ok(())
    }

    /// What has an object's name is that object, whenever the power went.
    fn look_at_cache(&self) -> Result<()> {
        let folder = self.data_dir().join("objects");
        // The power may go before it is made.
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some() {
                continue;
            }
            let hash = ObjectHash::of(&fs::read(&path)?);
            let is_it = path.file_name().is_some_and(|name| *name == *hash.to_string());
            ensure!(is_it, "{}: {} is not what its name says", self.node, path.display());
        }
        Ok(())
    }

    /// The database is whole. A copy is looked at: opening the board's own would mend what the next boot is to find.
    async fn look_at_database(&self) -> Result<()> {
        let copy = tempfile::tempdir()?;
        for name in ["node.db", "node.db-wal"] {
            let file = self.data_dir().join(name);
            if file.exists() {
                fs::copy(&file, copy.path().join(name))?;
            }
        }
        let file = copy.path().join("node.db");
        if !file.exists() {
            return Ok(());
        }
        let mut db = SqliteConnectOptions::new().filename(&file).connect().await?;
        let verdict: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut db).await?;
        ensure!(verdict == "ok", "{}: the database is damaged: {verdict}", self.node);
        Ok(())
    }

    /// What was heard, one recording for each time the card was opened. A recorder plays to its end what was in its pipe when the
    /// node ended; before, the last sounds are not there.
    pub(crate) async fn recordings(&self) -> Result<Vec<Recording>> {
        until("the recorders' end", Duration::from_secs(30), async || {
            let files = Recording::files(&self.folder.join("heard"))?;
            let recordings: Vec<_> =
                files.iter().map(|file| Recording::load(file)).collect::<Result<_, _>>()?;
            Ok(recordings.iter().all(Recording::is_complete).then_some(recordings))
        })
        .await
        .with_context(|| self.node.to_string())
    }
}
