//! A node on a disk that something else has filled.

use loa_protocol::alert::{AlertAnswer, Verdict};
use loa_protocol::ids::AreaId;
use loa_protocol::topic::TopicKind;
use loa_test_broker::{Mosquitto, Pki, free_port};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use tempfile::TempDir;

use crate::controller::Controller;
use crate::offline::with_cached_sound;
use crate::parts::{PATIENCE, VILLAGE, alarm, identity, now};
use crate::test_opus::{ogg_opus, speech_like};

/// A disk of its own, seen by nobody else, filled but for so many KiB; then the node's program.
const ON_A_FULL_DISK: &str = r#"
mount -t tmpfs -o size=16m tmpfs "$1" && cp -a "$2/." "$1/" &&
if [ "$3" = kept ]; then head -c 1048576 /dev/zero > "$1/room-for-the-database"; fi &&
head -c "$(($4 * 1024))" /dev/zero > "$1/last" && { cat /dev/zero > "$1/filler" 2> /dev/null; rm "$1/last"; } &&
exec "$5" run --data-dir "$1""#;

/// The program, and what it says.
struct OnAFullDisk {
    program: Child,
    lines: Receiver<String>,
    folder: TempDir,
}

impl OnAFullDisk {
    fn start(data: &Path, reserve: &str, left_kib: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("disk")).unwrap();
        fs::write(folder.path().join("asound.conf"), "pcm.!default { type null }\n").unwrap();
        let mut program = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", ON_A_FULL_DISK, "sh"])
            .args([&folder.path().join("disk"), data])
            .args([reserve, &left_kib.to_string(), env!("CARGO_BIN_EXE_loa-node")])
            .env("ALSA_CONFIG_PATH", folder.path().join("asound.conf"))
            .env("LOA_NODE_AMPLIFIER_WARM_UP_MS", "0")
            .env("LOA_NODE_CLOCK_TRUST", "system")
            .env("LOA_NODE_LOG_FORMAT", "journal")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = program.stderr.take().unwrap();
        let (line, lines) = sync_channel(1_000);
        std::thread::spawn(move || {
            BufReader::new(said).lines().map_while(Result::ok).try_for_each(|l| line.send(l))
        });
        Self { program, lines, folder }
    }

    /// What it says up to a line with these words.
    fn says(&self, words: &str) -> Vec<String> {
        let (mut said, give_up) = (Vec::new(), Instant::now() + PATIENCE);
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => said.push(line),
                Err(error) => panic!("no {words:?} ({error}): {said:#?}"),
            }
            if said.last().is_some_and(|line| line.contains(words)) {
                return said;
            }
        }
    }

    fn make_room(&self) {
        let disk = self.folder.path().join("disk/filler");
        let seen_by_it = format!("/proc/{}/root{}", self.program.id(), disk.display());
        fs::remove_file(seen_by_it).unwrap();
    }
}

impl Drop for OnAFullDisk {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

async fn due_now() -> TempDir {
    let sound = ogg_opus(&speech_like(1_000, 1));
    with_cached_sound(&identity(&Pki::new(), free_port()), now() - 1_000, &sound, 1_000).await
}

#[tokio::test]
async fn the_room_that_is_kept_for_the_database_lets_it_start_and_play() {
    let data = due_now().await;
    let node = OnAFullDisk::start(data.path(), "kept", 0);
    let said = node.says("an occurrence has ended");
    assert!(said.last().unwrap().contains("outcome=\"played\""), "{said:#?}");
}

#[tokio::test]
async fn without_room_nothing_sounds_and_with_room_again_it_does() {
    let data = due_now().await;
    let mut node = OnAFullDisk::start(data.path(), "none", 36);
    let said = node.says("nothing new sounds until there is room");
    assert!(!said.iter().any(|line| line.contains("a sound starts")), "{said:#?}");
    assert_eq!(node.program.try_wait().unwrap(), None, "it goes on");
    node.make_room();
    let said = node.says("an occurrence has ended");
    assert!(said.iter().any(|line| line.contains("has room again")), "{said:#?}");
    assert!(said.last().unwrap().contains("outcome=\"played\""), "{said:#?}");
    let complaints = said.iter().filter(|line| line.contains("nothing new sounds")).count();
    assert_eq!(complaints, 0, "it is said once: {said:#?}");
}

#[tokio::test]
async fn without_room_an_emergency_sounds_nevertheless() {
    let pki = Pki::new();
    let broker = Mosquitto::with_mutual_tls(&pki);
    let mut controller = Controller::connect(&pki, &broker).await;
    let talk = ogg_opus(&speech_like(1_000, 1));
    let data = with_cached_sound(&identity(&pki, broker.port), now() - 1_000, &talk, 1_000).await;
    let node = OnAFullDisk::start(data.path(), "none", 36);
    let said = node.says("nothing new sounds until there is room");
    assert!(!said.iter().any(|line| line.contains("a sound starts")), "{said:#?}");

    let flood = ogg_opus(&speech_like(1_500, 2));
    let village = AreaId::new(VILLAGE).unwrap();
    controller.publish(TopicKind::Alert(village), alarm(now(), &flood, 1_500), true);
    let answer = TopicKind::Answer(crate::parts::node());
    controller.hear::<AlertAnswer>(&answer, |a| matches!(a.verdict, Verdict::Sounding { .. })).await;
    let said = node.says("a sound starts");
    assert!(!said.iter().any(|line| line.contains("has room again")), "{said:#?}");
    node.make_room();
    let said = node.says("an occurrence has ended");
    assert!(said.last().unwrap().contains("lu-quet"), "{said:#?}");
    assert!(said.last().unwrap().contains("outcome=\"played\""), "{said:#?}");
}
