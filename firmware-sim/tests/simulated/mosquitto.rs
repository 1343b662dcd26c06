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

/// The controller may do everything, a node what the protocol grants it. The user is the name in the certificate.
const RULES: &str = "user controller\ntopic readwrite #\n\npattern readwrite loa/1/lam-dong/u/%u/#\n\
                     pattern read loa/1/lam-dong/d/%u/#\npattern read loa/1/lam-dong/a/+/plan\n\
                     pattern read loa/1/lam-dong/x/#\npattern read loa/1/lam-dong/keys\n";

const SETTINGS: &str = "user root\nlistener {port} 127.0.0.1\nmax_packet_size 600000\ncafile {folder}/ca.pem\n\
                        certfile {folder}/broker.pem\nkeyfile {folder}/broker.key\nrequire_certificate true\n\
                        use_identity_as_username true\nacl_file {folder}/rules\n";

/// A running broker; killed when dropped.
pub(crate) struct Mosquitto {
    pub(crate) port: u16,
    process: Child,
    _folder: TempDir,
}

impl Mosquitto {
    pub(crate) fn start(pki: &Pki) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = pki.issue("broker", &["loa-broker"]);
        let files = [
            ("ca.pem", pki.ca_pem()),
            ("broker.pem", certificate),
            ("broker.key", key),
            ("rules", RULES.to_owned()),
        ];
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        for _ in 0..PORTS_TO_TRY {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            let settings = SETTINGS.replace("{port}", &port.to_string());
            let settings = settings.replace("{folder}", folder.path().to_str().unwrap());
            fs::write(folder.path().join("mosquitto.conf"), settings).unwrap();
            if let Some(process) = launch(folder.path(), port) {
                return Self { port, process, _folder: folder };
            }
        }
        panic!("mosquitto did not start on any of {PORTS_TO_TRY} ports");
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if self.process.kill().is_ok() {
            let _ = self.process.wait();
        }
    }
}

/// Starts the broker, and waits until it listens; `None` if it does not.
fn launch(folder: &Path, port: u16) -> Option<Child> {
    let mut process = Command::new("/usr/sbin/mosquitto")
        .arg("-c")
        .arg(folder.join("mosquitto.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("cannot start mosquitto: install it with `apt-get install mosquitto`");
    let give_up = Instant::now() + Duration::from_secs(10);
    while Instant::now() < give_up && process.try_wait().unwrap().is_none() {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Some(process);
        }
        std::thread::yield_now();
    }
    // It may have ended by itself.
    let _ = process.kill();
    process.wait().unwrap();
    None
}
