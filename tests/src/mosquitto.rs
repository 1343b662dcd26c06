//! Debian's Mosquitto with the very files of `deploy/`, on ports of its own.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_controller::config::{BrokerMode, Config, Secret};
use loa_link::Credentials;

use crate::office::free_address;
use crate::wait::until;

const SETTINGS: &str = include_str!("../../deploy/mosquitto.conf");
const RULES: &str = include_str!("../../deploy/mosquitto.acl");
const PASSWORD: &str = "suoi-vang";
/// Where the settings say that certificates, rules and passwords are.
const FILES_DIR: &str = "/var/lib/loa-controller/broker";
const OWN_DIR: &str = "/etc/mosquitto";
/// What Debian's own `mosquitto.conf` says before it reads ours: what is kept is written to the disk at an end in good
/// order, and every half hour.
const DEBIAN: &str = "persistence true\npersistence_location {folder}/\n";

/// A broker that stands beside the controller; killed when dropped.
pub struct Mosquitto {
    folder: PathBuf,
    boards: u16,
    controller: u16,
    process: Option<Child>,
}

impl Mosquitto {
    /// Takes ports and a folder. It starts when the controller has written its files.
    ///
    /// # Errors
    /// When there are no ports, or its files cannot be written.
    pub fn prepare(folder: &Path) -> Result<Self> {
        let folder = folder.join("mosquitto");
        fs::create_dir_all(folder.join("files"))?;
        let port = || -> Result<u16> {
            Ok(free_address()?.rsplit(':').next().context("an address has a port")?.parse()?)
        };
        let broker = Self { boards: port()?, controller: port()?, folder, process: None };
        let replaced = |text: &str, from: &str, to: &str| -> Result<String> {
            ensure!(text.contains(from), "deploy/ no longer has {from:?}");
            Ok(text.replace(from, to))
        };
        let own = broker.folder.to_string_lossy().into_owned();
        let settings = replaced(SETTINGS, FILES_DIR, &format!("{own}/files"))?;
        let settings = replaced(&settings, OWN_DIR, &own)?;
        let settings =
            replaced(&settings, "listener 8883", &format!("listener {} 127.0.0.1", broker.boards))?;
        let settings = replaced(&settings, "listener 1883 ", &format!("listener {} ", broker.controller))?;
        let debian = DEBIAN.replace("{folder}", &own);
        fs::write(broker.settings(), format!("{debian}{settings}\nuser root\n"))?;
        let rules = replaced(RULES, "TENANT", crate::station::tenant()?.as_str())?;
        fs::write(broker.folder.join("loa.acl"), rules)?;
        let made = Command::new("mosquitto_passwd")
            .args(["-b", "-c", &format!("{own}/loa.passwd"), "controller", PASSWORD])
            .status()
            .context("mosquitto_passwd: install it with `apt-get install mosquitto`")?;
        ensure!(made.success(), "mosquitto_passwd failed");
        Ok(broker)
    }

    /// Makes it the controller's broker.
    pub fn configure(&self, config: &mut Config) {
        config.broker.mode = BrokerMode::External;
        config.broker.url = format!("mqtt://127.0.0.1:{}", self.controller);
        config.broker.username = "controller".to_owned();
        config.broker.password = Secret::new(PASSWORD);
        config.broker.public_port = self.boards;
        config.broker.files_dir = self.folder.join("files");
    }

    /// The port of those who come by certificate.
    pub fn boards_port(&self) -> u16 {
        self.boards
    }

    /// The port of those who come by password.
    pub fn controller_port(&self) -> u16 {
        self.controller
    }

    /// The controller's user name and password.
    pub fn login(&self) -> Option<Credentials> {
        Some(Credentials { user: "controller".to_owned(), password: loa_link::Secret::new(PASSWORD) })
    }

    /// The file with the revoked certificates.
    pub fn revoked_file(&self) -> PathBuf {
        self.folder.join("files").join("revoked.crl")
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("mosquitto.conf")
    }

    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    /// When it ends, or does not listen in time.
    pub async fn start(&mut self) -> Result<()> {
        let revoked = self.revoked_file();
        until("the broker's files", Duration::from_secs(30), async || Ok(revoked.exists().then_some(())))
            .await?;
        let log = fs::File::create(self.folder.join("mosquitto.log"))?;
        let mut process = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(self.settings())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("mosquitto: install it with `apt-get install mosquitto`")?;
        let ports = [self.boards, self.controller];
        let listens = until("mosquitto", Duration::from_secs(30), async || {
            if let Some(status) = process.try_wait()? {
                anyhow::bail!("mosquitto ended: {status}");
            }
            Ok(ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()).then_some(()))
        })
        .await;
        self.process = Some(process);
        listens
    }

    /// Kills it as a power cut would, and starts it anew: it reads its files again, and has
    /// forgotten what came since it last wrote to the disk.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill();
        self.start().await
    }

    /// Kills it, and what it wrote to the disk is gone too.
    ///
    /// # Errors
    /// When its file cannot be deleted.
    pub fn lose_everything(&mut self) -> Result<()> {
        self.kill();
        match fs::remove_file(self.folder.join("mosquitto.db")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("deleting what mosquitto wrote")
            }
            _ => Ok(()),
        }
    }

    /// Asks it to end, and waits until it has: it writes what it keeps.
    ///
    /// # Errors
    /// When it cannot be asked, or does not end in time.
    pub async fn terminate(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let asked = Command::new("kill").args(["-TERM", &process.id().to_string()]).status()?;
        ensure!(asked.success(), "mosquitto could not be asked to end");
        until("the end of mosquitto", Duration::from_secs(30), async || Ok(process.try_wait()?)).await?;
        Ok(())
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take()
            && process.kill().is_ok()
        {
            // It was killed just now, so it ends.
            let _status = process.wait();
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}
