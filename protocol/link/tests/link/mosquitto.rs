//! Debian's `mosquitto` on a port of its own, with a configuration made for one test.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How often a port that somebody else took in the meantime is replaced by another.
const PORTS_TO_TRY: usize = 5;

/// A running broker; killed when dropped.
pub(crate) struct Mosquitto {
    pub(crate) port: u16,
    folder: TempDir,
    process: Child,
}

impl Mosquitto {
    /// A broker without TLS that lets everybody in.
    pub(crate) fn start() -> Self {
        Self::start_with(&[], "allow_anonymous true\n")
    }

    /// A broker with these files in its folder and these lines of configuration, where `{folder}` is that folder.
    pub(crate) fn start_with(files: &[(&str, &str)], configuration: &str) -> Self {
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
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, on the same port and with the same configuration.
    pub(crate) fn restart(&mut self) {
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
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
