//! `loa-firmware-sim device` in a terminal: its live view, its keys, and the terminal afterwards.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use crate::PATIENCE;
use crate::controller::Controller;
use crate::office::{HOUR, Object, Office, now};
use crate::test_opus::{ogg_opus, speech_like};

/// What a terminal is sent to show another screen, and to show its own again.
const OTHER_SCREEN: &str = "\u{1b}[?1049h";
const OWN_SCREEN: &str = "\u{1b}[?1049l";

/// The program in a pseudo-terminal of 36 rows and 120 columns, made by `script` of Debian's bsdutils.
struct Screen {
    child: Child,
    keys: ChildStdin,
    shown: Receiver<Vec<u8>>,
    text: String,
}

impl Screen {
    fn open(arguments: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_loa-firmware-sim");
        let command = format!("stty rows 36 columns 120; exec {program} device {arguments}");
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let keys = child.stdin.take().unwrap();
        let mut out = child.stdout.take().unwrap();
        let (sender, shown) = channel();
        std::thread::spawn(move || {
            let mut bytes = vec![0; 4096];
            loop {
                match out.read(&mut bytes) {
                    Ok(0) | Err(_) => break,
                    // A test that failed takes no more.
                    Ok(read) => drop(sender.send(bytes[..read].to_vec())),
                }
            }
        });
        Self { child, keys, shown, text: String::new() }
    }

    /// Waits until this was drawn, after what was waited for before. A terminal is sent only what changes, so that of a row that was there
    /// before only the letters come that are others now.
    fn wait_for(&mut self, word: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.text.find(word) {
                self.text.drain(..at + word.len());
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.shown.recv_timeout(left) else { panic!("no {word:?} in {:?}", self.text) };
            self.text += &String::from_utf8_lossy(&bytes);
        }
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for its end, which must be a good one. Gives what was drawn since the last wait.
    fn end(mut self) -> String {
        let mut text = std::mem::take(&mut self.text);
        text.extend(self.shown.iter().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        assert!(self.child.wait().unwrap().success(), "{text:?}");
        text
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A test that failed leaves it running; ended already is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_is_watched_and_troubled_in_a_terminal() {
    let office = Office::open(1);
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("board");
    let object = Object::of(ogg_opus(&speech_like(1_000, 3)), 1_000);
    let controller = Controller::connect(&office, &object).await;
    controller.publish_documents();
    controller.publish_plan(1, now() + HOUR);
    let web = office.enrolling();
    let token = office.tokens(&format!("http://127.0.0.1:{}", web.port))[0].to_text();

    let mut screen = Screen::open(&format!("--dir {} --token {token}", dir.display()));
    screen.wait_for(OTHER_SCREEN);
    screen.wait_for("đã kết nối");
    controller.hear_ready().await;
    screen.wait_for("(vi)");
    screen.press("l");
    screen.wait_for("Trust");
    // The last word of a picture: what is drawn after it comes from what follows.
    screen.wait_for("quit");
    screen.press("p");
    screen.wait_for("POWER");
    screen.wait_for("RUNNING");
    screen.press("n");
    screen.wait_for("cut");
    screen.press("n");
    screen.wait_for("open");
    screen.press("q");
    let last = screen.end();
    assert!(last.contains(OWN_SCREEN), "the terminal was not given back: {last:?}");

    // Messages are in the folder; none was written over the picture.
    assert!(dir.join("messages.log").exists());
}
