//! The program itself, as the service manager and a technician see it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Output, Stdio};

use loa_node::store::Store;
use loa_protocol::ids::ObjectHash;
use loa_protocol::report::{Presence, State};
use loa_protocol::topic::TopicKind;
use loa_protocol::transfer::{Manifest, Want};
use loa_test_broker::{Mosquitto, Pki, free_port};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use crate::controller::Controller;
use crate::parts::{PATIENCE, identity, manifest, node, plan, sound, until};

/// A data folder beside an ALSA configuration whose card swallows everything.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("asound.conf"), "pcm.!default { type null }\n").unwrap();
    folder
}

/// The folder of a board that is enrolled at the broker of this port.
fn enrolled(pki: &Pki, broker_port: u16) -> TempDir {
    let folder = folder();
    fs::create_dir(folder.path().join("data")).unwrap();
    identity(pki, broker_port).save(&folder.path().join("data")).unwrap();
    folder
}

fn command(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loa-node"));
    command
        .args(arguments)
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .env("ALSA_CONFIG_PATH", folder.path().join("asound.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A daemon that is killed when the test ends in any way.
struct Daemon(Child);

impl Daemon {
    fn run(folder: &TempDir) -> Self {
        Self(command(folder, &["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        if self.0.kill().is_ok() {
            let _ = self.0.wait();
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn output(folder: &TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(folder, arguments).envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn what_starting_again_would_not_mend_has_its_own_exit_code() {
    let folder = folder();
    let not_enrolled = output(&folder, &["run"], &[]);
    assert_eq!(not_enrolled.status.code(), Some(78));
    assert!(text(&not_enrolled.stderr).contains("loa-node enrol TOKEN"), "{}", text(&not_enrolled.stderr));
    let misspelt = output(&folder, &["run"], &[("LOA_NODE_AUDIO_DEVISE", "x")]);
    assert_eq!(misspelt.status.code(), Some(78));
    assert!(text(&misspelt.stderr).contains("did you mean `LOA_NODE_AUDIO_DEVICE`"));
    let usage = output(&folder, &["play"], &[]);
    assert_eq!(usage.status.code(), Some(2));
    let unreachable = output(&folder, &["enrol", "loa1.x"], &[]);
    assert_eq!(unreachable.status.code(), Some(1));
    assert!(text(&unreachable.stderr).contains("copy the whole line again"));
}

#[test]
fn guards_that_cannot_be_meant_are_refused_at_the_start_in_clear_words() {
    let folder = folder();
    for (variable, value, parts) in [
        ("LOA_NODE_GUARDS_QUIET_HOURS", "21-5", ["LOA_NODE_GUARDS_QUIET_HOURS", "21:00-05:00"]),
        ("LOA_NODE_GUARDS_ZONE", "Asia/Da_Lat", ["Asia/Da_Lat", "Asia/Ho_Chi_Minh"]),
        ("LOA_NODE_GUARDS_VOLUME_CEILING_PERCENT", "150", ["150", "from 0 to 100"]),
    ] {
        let refused = output(&folder, &["run"], &[(variable, value)]);
        assert_eq!(refused.status.code(), Some(78), "the service manager does not try again");
        let said = text(&refused.stderr);
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    }
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone_and_says_how_to_go_back() {
    let pki = Pki::new();
    let folder = folder();
    let data_dir = folder.path().join("data");
    fs::create_dir(&data_dir).unwrap();
    let identity = identity(&pki, free_port());
    identity.save(&data_dir).unwrap();
    let mut store = Store::open(&data_dir).await.unwrap();
    store.claim(&identity).await.unwrap();
    let boots = store.count_boot().await.unwrap();
    store.close().await.unwrap();
    let database = Store::path(&data_dir);
    let mut db = SqliteConnectOptions::new().filename(&database).connect().await.unwrap();
    let later =
        "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)
                 VALUES (9999, 'later', '2030-01-01', 1, x'00', 1)";
    sqlx::query(later).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    let before = fs::read(&database).unwrap();

    for arguments in [["run"], ["status"]] {
        let refused = output(&folder, &arguments, &[]);
        let said = text(&refused.stderr);
        assert!(said.contains("newer loa-node") && said.contains("install that one again"), "{said}");
        if arguments == ["run"] {
            assert_eq!(refused.status.code(), Some(78), "the service manager does not try again");
        }
    }
    assert_eq!(fs::read(&database).unwrap(), before, "not a byte has changed");
    let mut db = SqliteConnectOptions::new().filename(&database).connect().await.unwrap();
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 9999").execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    let mut store = Store::open(&data_dir).await.unwrap();
    assert_eq!(store.count_boot().await.unwrap(), boots + 1, "what it held is there");
}

#[test]
fn version_and_help_tell_what_there_is() {
    let folder = folder();
    assert_eq!(
        text(&output(&folder, &["--version"], &[]).stdout).trim(),
        concat!("loa-node ", env!("CARGO_PKG_VERSION"))
    );
    let help = text(&output(&folder, &["--help"], &[]).stdout);
    for part in ["enrol", "run", "status", "cache.quota_mib", "LOA_NODE_CONFIG"] {
        assert!(help.contains(part), "{help}");
    }
}

#[tokio::test]
async fn the_service_manager_hears_of_start_life_and_end() {
    let pki = Pki::new();
    let folder = enrolled(&pki, free_port());
    let address = folder.path().join("notify");
    let manager = UnixDatagram::bind(&address).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let hear = |expected: &str| {
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(text(&buffer[..length]).trim(), expected);
    };
    let mut daemon = Daemon(
        command(&folder, &["run"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .env("NOTIFY_SOCKET", &address)
            .env("WATCHDOG_USEC", "400000")
            .spawn()
            .unwrap(),
    );
    hear("READY=1");
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    let status = output(&folder, &["status"], &[]);
    assert!(text(&status.stdout).contains("n-da-nhim-1"), "{}", text(&status.stderr));
    assert!(text(&status.stdout).contains("khóa / keys"), "{}", text(&status.stdout));
    daemon.terminate();
    let mut buffer = [0; 256];
    loop {
        let length = manager.recv(&mut buffer).unwrap();
        match text(&buffer[..length]).trim() {
            "WATCHDOG=1" => {}
            last => {
                assert_eq!(last, "STOPPING=1");
                break;
            }
        }
    }
    let ended = daemon.0.wait().unwrap();
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn sigterm_takes_leave_and_a_kill_leaves_the_will() {
    let pki = Pki::new();
    let broker = Mosquitto::with_mutual_tls(&pki);
    let mut controller = Controller::connect(&pki, &broker).await;
    let folder = enrolled(&pki, broker.port);
    let presence = TopicKind::Presence(node());

    let mut daemon = Daemon::run(&folder);
    let first = controller.hear::<Presence>(&presence, |p| p.online).await;
    daemon.terminate();
    let farewell = controller.hear::<Presence>(&presence, |p| !p.online).await;
    assert_eq!(farewell.boot, first.boot);
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));

    let daemon = Daemon::run(&folder);
    let second = controller.hear::<Presence>(&presence, |p| p.online).await;
    assert_ne!(second.boot, first.boot);
    daemon.kill();
    let will = controller.hear::<Presence>(&presence, |p| !p.online).await;
    assert_eq!((will.boot, will.connection), (second.boot, second.connection));
}

/// The blocks of which the partial file holds the right bytes.
fn blocks_on_disk(folder: &TempDir, manifest: &Manifest) -> BTreeSet<u32> {
    let path = folder.path().join("data/objects").join(format!("{}.part", manifest.object));
    let Ok(bytes) = fs::read(path) else { return BTreeSet::new() };
    let is_there = |index: &u32| {
        let (offset, length) = manifest.block_range(*index).unwrap();
        bytes
            .get(offset as usize..(offset + length) as usize)
            .is_some_and(|b| manifest.block_matches(*index, b))
    };
    (0..manifest.block_count()).filter(is_there).collect()
}

#[tokio::test]
async fn a_node_that_is_killed_in_the_midst_of_a_download_asks_for_the_rest_alone() {
    let pki = Pki::new();
    let broker = Mosquitto::with_mutual_tls(&pki);
    let mut controller = Controller::connect(&pki, &broker).await;
    let folder = enrolled(&pki, broker.port);
    let sound = sound(300_000);
    let manifest = manifest(&sound, 1_000);
    controller.publish_documents(plan(&sound, 1_000));
    let wants = TopicKind::Want(node());
    let is_ours = |want: &Want| want.object == manifest.object;

    let daemon = Daemon::run(&folder);
    let mut served = BTreeSet::new();
    while served.len() < 11 {
        let want = controller.hear::<Want>(&wants, is_ours).await;
        let most = 11 - served.len();
        served.extend(controller.serve(&want, &manifest, &sound, most));
    }
    until("the blocks are in the file", || blocks_on_disk(&folder, &manifest) == served).await;
    daemon.kill();
    controller.hear::<Presence>(&TopicKind::Presence(node()), |p| !p.online).await;
    controller.forget();

    let daemon = Daemon::run(&folder);
    let mut asked_again = BTreeSet::new();
    let mut served_after = BTreeSet::new();
    while served_after.len() < manifest.blocks.len() - served.len() {
        let want = controller.hear::<Want>(&wants, is_ours).await;
        // Everything that it lacks, not only what its window lets through.
        let lacking = Want { window: u8::MAX, ..want.clone() }.blocks();
        asked_again.extend(lacking.into_iter().filter(|index| served.contains(index)));
        served_after.extend(controller.serve(&want, &manifest, &sound, usize::MAX));
    }
    controller.hear::<State>(&TopicKind::State(node()), |s| s.objects_ready == 1).await;
    assert_eq!(asked_again, BTreeSet::new(), "blocks that it had were asked for again");
    let whole = fs::read(folder.path().join("data/objects").join(manifest.object.to_string())).unwrap();
    assert_eq!(ObjectHash::of(&whole), manifest.object);
    assert_eq!(whole, sound);
    drop(daemon);
}
