//! The program `loa-firmware-sim device`, from its token to its end.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use loa_node::audio::opus_file::OpusFile;
use loa_protocol::receipt::Outcome;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::controller::Controller;
use crate::office::{HOUR, Object, Office, SECOND, now};
use crate::test_opus::{ogg_opus, speech_like};

/// As many blocks as are synced at a time.
const SYNCED: u32 = 8;

/// A running `device`, and what it prints.
struct Program {
    child: Child,
    printed: Receiver<Value>,
    lines: Vec<Value>,
}

impl Program {
    fn start(dir: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_loa-firmware-sim"))
            .args(["device", "--json", "--dir"])
            .arg(dir)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, printed) = channel();
        std::thread::spawn(move || {
            for line in out.lines() {
                // A test that failed takes no more lines.
                let _ = sender.send(serde_json::from_str(&line.unwrap()).unwrap());
            }
        });
        Self { child, printed, lines: Vec::new() }
    }

    /// Waits until it has printed such a line.
    fn wait_for(&mut self, what: &str) {
        while self.lines.last().is_none_or(|line| line["what"] != what) {
            let Ok(line) = self.printed.recv_timeout(PATIENCE) else {
                panic!("no {what:?} in {:#?}", self.lines)
            };
            self.lines.push(line);
        }
    }

    /// Ends it by SIGTERM; it must end well. Gives what it printed.
    fn terminate(mut self) -> Vec<Value> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        let mut lines = std::mem::take(&mut self.lines);
        lines.extend(self.printed.iter());
        lines
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // A test that failed leaves it running; ended already is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn place(lines: &[Value], what: &str) -> usize {
    lines.iter().position(|line| line["what"] == what).unwrap_or_else(|| panic!("no {what:?} in {lines:#?}"))
}

fn wanted(lines: &[Value]) -> Vec<u64> {
    let wants = lines.iter().filter(|line| line["what"] == "wanted");
    wants.flat_map(|line| line["blocks"].as_array().unwrap()).map(|block| block.as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_loses_power_while_it_fetches_asks_only_for_what_it_lacks() {
    let office = Office::open(1);
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("board");
    let faults = folder.path().join("faults.toml");
    std::fs::write(&faults, "[[fault]]\nafter_blocks = 10\nkind = \"power_cut\"\noff_s = 0.2\n").unwrap();
    let object = Object::of(ogg_opus(&speech_like(8_000, 3)), 8_000);
    let total = object.block_count();
    assert!(total > 10, "{total} blocks are too few to cut the power among them");
    let controller = Controller::connect(&office, &object).await;
    controller.publish_documents();
    controller.publish_plan(1, now() + HOUR);

    let web = office.enrolling();
    let token = office.tokens(&format!("http://127.0.0.1:{}", web.port))[0].to_text();
    let mut program = Program::start(&dir, &["--token", &token, "--faults", faults.to_str().unwrap()]);
    controller.hear_ready().await;
    let at = now() + 5 * SECOND;
    controller.publish_plan(2, at);
    let receipt = controller.hear_receipts(1).await.remove(0);
    assert_eq!((receipt.outcome, receipt.nominal), (Outcome::Played, at));
    program.wait_for("acknowledged");
    let lines = program.terminate();

    // The first boot got ten blocks, of which eight were synced. The second asked for the others, on a busy machine perhaps again.
    let (before, after) = lines.split_at(place(&lines, "power_cut"));
    assert_eq!(before.iter().filter(|line| line["what"] == "stored").count(), 10);
    let boot = &after[place(after, "booted")];
    assert_eq!(
        boot["partial"][0],
        json!({"object": object.hash().to_string(), "have": SYNCED, "total": total})
    );
    let asked: BTreeSet<u64> = wanted(after).into_iter().collect();
    assert_eq!(asked, (u64::from(SYNCED)..u64::from(total)).collect());

    // It sounded with a warm amplifier, was acknowledged, and took leave.
    let order = ["ready", "amplifier", "began", "ended", "receipt", "acknowledged", "stopped"];
    let places = order.map(|what| place(after, what));
    assert!(places.is_sorted(), "{places:?} of {after:#?}");
    controller.hear("it has taken leave", |r| r.presence.values().all(|p| !p.online)).await;

    // What was heard is what was sent.
    let heard = dir.join("heard");
    let name = format!("{}-hop-thon", receipt.sound.unwrap().started.0);
    let about: Value =
        serde_json::from_slice(&std::fs::read(heard.join(format!("{name}.json"))).unwrap()).unwrap();
    assert_eq!((&about["outcome"], &about["nominal_unix_ms"]), (&json!("played"), &json!(at.0)));
    let sent = folder.path().join("sent.opus");
    std::fs::write(&sent, &object.bytes).unwrap();
    let decoded: Vec<f32> = OpusFile::open(&sent, 0).unwrap().collect();
    let mut wav = hound::WavReader::open(heard.join(format!("{name}.wav"))).unwrap();
    let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
    assert_eq!(samples.len(), decoded.len());
    let error =
        samples.iter().zip(&decoded).map(|(s, d)| (f32::from(*s) / 32_767.0 - d.clamp(-1.0, 1.0)).abs());
    assert!(error.fold(0.0, f32::max) < 1.0 / 32_000.0);

    // A later run is the same node, without a token.
    controller.record().presence.clear();
    let program = Program::start(&dir, &[]);
    controller.hear("the node is back", |record| record.presence.values().any(|p| p.online)).await;
    let lines = program.terminate();
    assert_eq!(lines[0]["what"], "booted");
}

#[test]
fn a_board_that_was_never_enrolled_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_loa-firmware-sim"))
        .args(["device", "--dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("not enrolled"), "{words}");
}
