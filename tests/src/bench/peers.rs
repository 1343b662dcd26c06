//! What a loudspeaker board could be built of instead: Debian's own MQTT client, and its own player.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use loa_tests::program::Running;
use loa_tests::{Office, Village};

use crate::process::{Usage, watch};

/// `mosquitto_sub`, connected to the same broker as another node with a certificate of its own, receiving nothing.
pub(crate) async fn mosquitto_sub(
    office: &Office,
    folder: &Path,
    settle: Duration,
    time: Duration,
) -> Result<Usage> {
    let board = office.board("Cụm loa so sánh").await?;
    let identity: toml::Table = toml::from_str(&std::fs::read_to_string(board.identity_file())?)?;
    let text = |key: &str| {
        let value = identity.get(key).and_then(toml::Value::as_str);
        value.with_context(|| format!("the identity has no {key}"))
    };
    for (name, key) in
        [("ca.pem", "ca_pem"), ("own.pem", "certificate_chain_pem"), ("own.key", "private_key_pem")]
    {
        std::fs::write(folder.join(name), text(key)?)?;
    }
    let port = identity.get("broker_port").and_then(toml::Value::as_integer).context("a broker's port")?;
    let mut command = Command::new("mosquitto_sub");
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    command.args(["-V", "5", "-h", text("broker_host")?, "-p", &port.to_string(), "-i", &board.node]);
    command.args(["--cafile", &file("ca.pem"), "--cert", &file("own.pem"), "--key", &file("own.key")]);
    command.args(["-q", "1", "-t", &format!("loa/1/{}/d/{}/ack", text("tenant")?, board.node)]);
    // The certificate carries the broker's name and not its address; the authority is checked all the same.
    command.arg("--insecure");
    let mut running = Running::spawn("mosquitto_sub", command, &folder.join("mosquitto_sub.log"))?;
    // It ends by itself where it is not let in, or may not subscribe.
    measure(&mut running, settle, time).await
}

/// `ffplay`, playing the same object into the same kind of recorder.
pub(crate) async fn ffplay(
    village: &Village,
    object: &Path,
    folder: &Path,
    settle: Duration,
    time: Duration,
) -> Result<Usage> {
    let mut command = Command::new("ffplay");
    command.args(["-nodisp", "-autoexit", "-loglevel", "warning"]).arg(object);
    command.env("SDL_AUDIODRIVER", "alsa").env("ALSA_CONFIG_PATH", village.alsa_config());
    let mut running = Running::spawn("ffplay", command, &folder.join("ffplay.log"))?;
    measure(&mut running, settle, time).await
}

/// Watches a program after it has settled.
pub(crate) async fn measure(running: &mut Running, settle: Duration, time: Duration) -> Result<Usage> {
    tokio::time::sleep(settle).await;
    running.check()?;
    let Some(id) = running.id() else { bail!("a program that runs has an id") };
    let usage = watch(id, time).await?;
    running.check()?;
    Ok(usage)
}
