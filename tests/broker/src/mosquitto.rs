//! `mosquitto` on a port of its own, with a configuration made for one test.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Pki;

/// How often a port that somebody else took in the meantime is replaced by another.
const PORTS_TO_TRY: usize = 5;

/// The controller may do everything, a node what the protocol grants it. The user is the name in the certificate.
const RULES: &str = "user controller\ntopic readwrite #\n\npattern readwrite loa/1/lam-dong/u/%u/#\n\
                     pattern read loa/1/lam-dong/d/%u/#\npattern read loa/1/lam-dong/a/+/plan\n\
                     pattern read loa/1/lam-dong/a/+/alert\n\
                     pattern read loa/1/lam-dong/x/#\npattern read loa/1/lam-dong/keys\n";

const MUTUAL_TLS: &str = "max_packet_size 600000\ncafile {folder}/ca.pem\ncertfile {folder}/broker.pem\n\
                          keyfile {folder}/broker.key\nrequire_certificate true\n\
                          use_identity_as_username true\nacl_file {folder}/rules\n";

/// A running broker; killed when dropped.
#[derive(Debug)]
pub struct Mosquitto {
    /// Its port on 127.0.0.1.
    pub port: u16,
    folder: TempDir,
    process: Child,
}

impl Mosquitto {
    /// A broker without TLS that lets everybody in.
    pub fn start() -> Self {
        Self::start_with(&[], "allow_anonymous true\n")
    }

    /// A broker named `loa-broker` as an installation has one (tenant `lam-dong`): it takes the name in the client's
    /// certificate for the user's, and a node may read and write what is its own.
    pub fn with_mutual_tls(pki: &Pki) -> Self {
        let (certificate, key) = pki.issue("broker", &["loa-broker"]);
        let files = [
            ("ca.pem", pki.ca_pem()),
            ("broker.pem", certificate),
            ("broker.key", key),
            ("rules", RULES.to_owned()),
        ];
        Self::start_with(&files.each_ref().map(|(name, content)| (*name, content.as_str())), MUTUAL_TLS)
    }

    /// A broker with these files in its folder and these lines of configuration, where `{folder}` is that folder.
    pub fn start_with(files: &[(&str, &str)], configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let configuration = configuration.replace("{folder}", folder.path().to_str().unwrap());
        for _ in 0..PORTS_TO_TRY {
            let port = free_port();
            let lines = format!("user root\nlistener {port} 127.0.0.1\n{configuration}");
            fs::write(folder.path().join("mosquitto.conf"), lines).unwrap();
            if let Some(process) = launch(folder.path(), port) {
                return Self { port, folder, process };
            }
        }
        panic!("mosquitto did not start on any of {PORTS_TO_TRY} ports");
    }

    /// Kills the broker as a power cut would: it writes nothing and says nothing.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, on the same port and with the same configuration.
    pub fn restart(&mut self) {
        self.process = launch(self.folder.path(), self.port).expect("mosquitto did not start again");
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // It may have been killed by the test itself.
        if self.process.kill().is_ok() {
            let _ = self.process.wait();
        }
    }
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

/// A port that is free at this moment. mosquitto cannot be given port 0 and asked afterwards.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
