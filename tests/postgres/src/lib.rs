//! Debian's PostgreSQL on a Unix socket in a temporary folder: made by `initdb`, gone with whoever started it.
//!
//! PostgreSQL refuses to run as root; then it runs as the system's user `postgres`. For tests it writes nothing through to the
//! disk; for measurements it does. What goes wrong here panics, with what to do about it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// Who owns the databases; any password is right.
const ROLE: &str = "loa";
/// The system's user as whom the server runs when the tests run as root.
const SYSTEM_USER: &str = "postgres";

/// A server of one's own. It ends with the value, or with the process however that ends.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: tempfile::TempDir,
    as_root: bool,
    settings: &'static str,
    databases: AtomicU64,
    /// Waits for the end of its standard input, which is the end of this process at the latest; then stops the server.
    keeper: Child,
}

/// A database; dropped with the value, whoever is connected.
#[derive(Debug)]
pub struct Database<'s> {
    server: &'s Postgres,
    name: String,
}

impl Postgres {
    /// Makes a server and starts it. It may forget everything with the power.
    pub fn start() -> Self {
        Self::start_with(
            "-c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 -c max_connections=400 \
             -c shared_buffers=64MB -c autovacuum=off",
        )
    }

    /// The same with Debian's own settings: what was committed is on the disk. For what is measured.
    pub fn start_durable() -> Self {
        Self::start_with("")
    }

    fn start_with(settings: &'static str) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("loa-pg-").tempdir().expect("a temporary folder");
        let as_root = rustix::process::geteuid().is_root();
        if as_root {
            let (user, group) = system_user();
            chown(folder.path(), Some(user), Some(group)).expect("a folder for PostgreSQL");
        }
        let stopping = "read _; \"$1\" stop -D \"$2/data\" -m immediate -s; rm -rf \"$2\"";
        let data = folder.path().join("data");
        let keeper = runner(as_root, "sh")
            .args([OsStr::new("-c"), OsStr::new(stopping), OsStr::new("sh")])
            .args([programs.join("pg_ctl").as_os_str(), folder.path().as_os_str()])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        let server = Self { programs, folder, as_root, settings, databases: AtomicU64::new(0), keeper };
        let made = server
            .program("initdb")
            .args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--username", ROLE, "-D"])
            .arg(&data)
            .output()
            .expect("initdb");
        check("initdb", &made);
        server.resume();
        server
    }

    /// Stops the server in an instant, as a power cut does to its clients.
    pub fn pause(&self) {
        check("pg_ctl stop", &self.control(&["stop", "-m", "immediate"]));
    }

    /// Starts it again.
    pub fn resume(&self) {
        let settings = format!(
            "-c listen_addresses= -c unix_socket_directories={} {}",
            self.folder.path().display(),
            self.settings
        );
        let log = self.folder.path().join("log");
        let started =
            self.control(&["start", "-w", "-t", "60", "-l", log.to_str().unwrap(), "-o", &settings]);
        if !started.status.success() {
            panic!("PostgreSQL does not start: {}", std::fs::read_to_string(&log).unwrap_or_default());
        }
    }

    /// An empty database.
    pub fn database(&self) -> Database<'_> {
        self.database_like("template0")
    }

    /// A database like another, to which nobody is connected.
    pub fn database_like(&self, template: &str) -> Database<'_> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.order(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Database { server: self, name }
    }

    /// An empty database in another encoding than UTF-8.
    pub fn database_in(&self, encoding: &str) -> Database<'_> {
        self.database_like(&format!("template0 ENCODING '{encoding}'"))
    }

    fn order(&self, sql: &str) {
        let done = self
            .program("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", ROLE, "-d", "postgres", "-h"])
            .arg(self.folder.path())
            .args(["-c", sql])
            .output()
            .expect("psql");
        check(sql, &done);
    }

    fn control(&self, arguments: &[&str]) -> Output {
        let mut command = self.program("pg_ctl");
        command.args(["-s", "-D"]).arg(self.folder.path().join("data")).args(arguments);
        // The server keeps what it is given open, and a pipe would never end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().expect("pg_ctl");
        Output { status, stdout: Vec::new(), stderr: Vec::new() }
    }

    fn program(&self, name: &str) -> Command {
        let mut command = runner(self.as_root, self.programs.join(name));
        command.current_dir("/").stdin(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Only a child that was waited for already has nothing to say.
        let _ended = self.keeper.wait();
    }
}

impl Database<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address, with a password that must not be seen anywhere.
    pub fn url(&self) -> String {
        let folder = self.server.folder.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://{ROLE}:mat-khau-bi-mat@{folder}/{}", self.name)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // A server that is paused takes it along.
        if self.server.folder.path().join("data/postmaster.pid").exists() {
            self.server.order(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

/// Where Debian keeps the programs: the latest version.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> =
        versions.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists()).collect();
    folders.sort();
    folders.pop().expect(
        "PostgreSQL is not installed: run `apt-get install postgresql`, or scripts/test.sh, which does",
    )
}

/// A program as somebody whom PostgreSQL accepts.
fn runner(as_root: bool, program: impl AsRef<OsStr>) -> Command {
    if !as_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--clear-groups", "--"]).arg(program);
    command
}

/// User and group of the system's user for PostgreSQL, whose home the package makes.
fn system_user() -> (u32, u32) {
    let home = std::fs::metadata(Path::new("/var/lib/postgresql")).expect(
        "PostgreSQL is not installed: run `apt-get install postgresql`, or scripts/test.sh, which does",
    );
    (home.uid(), home.gid())
}

fn check(what: &str, output: &Output) {
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_gone_with_its_value() {
        let server = Postgres::start();
        let folder = server.folder.path().to_owned();
        let database = server.database();
        assert!(database.url().ends_with(database.name()));
        server.pause();
        server.resume();
        drop(database);
        drop(server);
        assert!(!folder.exists());
    }
}
