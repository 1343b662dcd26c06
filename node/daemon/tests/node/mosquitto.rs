//! Debian's `mosquitto` with mutual TLS on a port of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::pki::Pki;

/// How often a port that somebody else took in the meantime is replaced by another.
const PORTS_TO_TRY: usize = 5;

/// A running broker; killed when dropped.
pub(crate) struct Mosquitto {
    pub(crate) port: u16,
    folder: TempDir,
    process: Child,
}

impl Mosquitto {
    /// A broker that takes the name in the client's certificate for the user's; a node may read and write what is its own.
    pub(crate) fn start(pki: &Pki) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = pki.issue("broker", &["loa-broker"]);
        let rules = "user controller\ntopic readwrite #\n\npattern readwrite loa/1/lam-dong/u/%u/#\n\
                     pattern read loa/1/lam-dong/d/%u/#\npattern read loa/1/lam-dong/a/+/plan\n\
                     pattern read loa/1/lam-dong/x/#\npattern read loa/1/lam-dong/keys\n";
        for (name, content) in [
            ("ca.pem", pki.ca_pem()),
            ("broker.pem", certificate),
            ("broker.key", key),
            ("rules", rules.to_owned()),
        ] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        for _ in 0..PORTS_TO_TRY {
            let port = free_port();
            let lines = "user root\nlistener {port} 127.0.0.1\nmax_packet_size 600000\ncafile {f}/ca.pem\n\
                         certfile {f}/broker.pem\nkeyfile {f}/broker.key\nrequire_certificate true\n\
                         use_identity_as_username true\nacl_file {f}/rules\n";
            let lines =
                lines.replace("{port}", &port.to_string()).replace("{f}", folder.path().to_str().unwrap());
            fs::write(folder.path().join("mosquitto.conf"), lines).unwrap();
            if let Some(process) = launch(folder.path(), port) {
                return Self { port, folder, process };
            }
        }
        panic!("mosquitto did not start on any of {PORTS_TO_TRY} ports");
    }

    /// Kills the broker as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, on the same port.
    pub(crate) fn restart(&mut self) {
        self.process = launch(self.folder.path(), self.port).expect("mosquitto did not start again");
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if self.process.kill().is_ok() {
            let _ = self.process.wait();
        }
    }
}

/// A port that nobody listens on at this moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Starts the broker, and waits until it listens; `None` if it ends instead.
fn launch(folder: &Path, port: u16) -> Option<Child> {
    let mut process = Command::new("/usr/sbin/mosquitto")
        .arg("-c")
        .arg(folder.join("mosquitto.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("cannot start mosquitto: install it with `apt-get install mosquitto`");
    let give_up = Instant::now() + Duration::from_secs(10);
    while Instant::now() < give_up {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Some(process);
        }
        if process.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::yield_now();
    }
    process.kill().unwrap();
    process.wait().unwrap();
    None
}
