//! The controller where something that it needs is missing: it says what, and goes on as far as it can.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_link::LinkOptions;
use loa_protocol::topic::TopicKind;
use loa_tests::api::text;
use loa_tests::office::{COMMUNE_ID, free_address};
use loa_tests::program::Running;
use loa_tests::station::COMMUNE;
use loa_tests::wait::until;
use loa_tests::{Office, Person, Station, Tap};
use serde_json::{Value, json};

fn bulletin(area: &str) -> Value {
    json!({
        "area": area, "title": "Lịch cắt điện", "text": "Mất điện từ 8 giờ.", "category": "local_notice",
        "class": "normal",
    })
}

/// Waits until the first track has come to this.
async fn making(person: &Person, id: &str, wanted: &str) -> Result<Value> {
    until(&format!("a track that is {wanted}"), Duration::from_secs(60), async || {
        let bulletin = person.get(&format!("/bulletins/{id}")).await?;
        let track = bulletin.pointer("/latest/tracks/0").cloned().context("a track")?;
        Ok((text(&track, "/making")? == wanted).then_some(track))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_espeak_ng_the_author_is_told_how_to_install_it_and_then_it_works() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("espeak-ng");
    let path = program.to_string_lossy().into_owned();
    let station = Station::start_with(folder.path(), |config| config.speech.program = path).await?;
    let lan = station.at_the_api("lan").await?;
    let id = text(&lan.post("/bulletins", &bulletin(COMMUNE)).await?, "/id")?;
    let failed = making(&lan, &id, "failed").await?;
    assert_eq!(text(&failed, "/error/code")?, "voice.engine_missing");
    for words in ["/error/vi", "/error/en"] {
        let words = text(&failed, words)?;
        ensure!(words.contains("apt-get install espeak-ng"), "{words}");
    }

    let found = Command::new("sh").args(["-c", "command -v espeak-ng"]).output()?;
    let found = String::from_utf8(found.stdout)?;
    std::os::unix::fs::symlink(Path::new(found.trim()), &program).context("installing it")?;
    lan.post(&format!("/bulletins/{id}/tracks/{}/retry", text(&failed, "/id")?), &json!({})).await?;
    let made = making(&lan, &id, "done").await?;
    text(&made, "/object")?;
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_what_to_set() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    for (variable, key) in [("LOA_HTTP_LISTEN", "http.listen"), ("LOA_BROKER_LISTEN", "broker.listen")] {
        let mut office = Office::new(&folder.path().join(key))?;
        office.set(variable, address.as_str());
        let said = office.fails_to_open().await?;
        ensure!(said.contains("exit status: 1"), "{said}");
        ensure!(said.contains(&address) && said.contains(key), "{said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_controller_keeps_off_the_folder_of_the_first() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut first = Office::new(folder.path())?;
    first.open().await?;
    // On ports of its own, so that only the folder is in the way.
    let said = Office::new(folder.path())?.fails_to_open().await?;
    ensure!(said.contains("another loa-controller runs on") && said.contains("data_dir"), "{said}");
    first.found().await.context("commands work beside a running controller")?;
    first.close().await?;
    first.open().await.context("the folder is free again")?;
    first.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_refused_says_why() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let office = Office::new(folder.path())?;
    office.found().await?;
    let lan = ["user", "add", "lan", "--name", "Cil Lan", "--role", "author"];
    office.command(&lan).await?;
    for (arguments, words) in [
        (&lan[..], "login: This sign-in name is taken"),
        (&["user", "link", "hoa"], "There is no such user"),
        (&["area", "add", "Bon Đưng", "--level", "thôn", "--parent", "khong-co"], "There is no such area"),
        (&["user", "add", "binh", "--name", "Bình", "--role", "king"], "--role king"),
        (&["user", "add", "binh", "--name", "Bình", "--role", "author@khong-co"], "There is no such area"),
    ] {
        let said = office.command(arguments).await.err().context("it was not refused")?;
        let said = format!("{said:#}");
        ensure!(said.contains("exit status: 1") && said.contains(words), "{arguments:?}: {said}");
    }
    // Nothing was kept of what was refused.
    office.command(&["user", "add", "binh", "--name", "Bình", "--role", "approver"]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_broker_away_people_work_and_the_broker_gets_everything_when_it_comes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let broker = free_address()?;
    let (_, port) = broker.split_once(':').context("an address has a port")?;
    let mut office = Office::new(folder.path())?;
    office.set("LOA_BROKER_MODE", "external");
    office.set("LOA_BROKER_URL", format!("mqtt://{broker}"));
    office.set("LOA_BROKER_PUBLIC_PORT", port);
    office.open().await?;
    office.says(&["no connection to the broker"]).await?;
    office.found().await?;
    let lan = office.person("lan", "author").await?;
    let id = text(&lan.post("/bulletins", &bulletin(COMMUNE_ID)).await?, "/id")?;
    making(&lan, &id, "done").await?;

    let rules = folder.path().join("mosquitto.conf");
    std::fs::write(&rules, format!("listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n"))?;
    let mut mosquitto = Command::new("/usr/sbin/mosquitto");
    mosquitto.arg("-c").arg(&rules);
    let _mosquitto = Running::spawn("mosquitto", mosquitto, &folder.path().join("mosquitto.log"))?;
    office.says(&["connected to the broker"]).await?;
    let tap = Tap::open(LinkOptions::new("tap", "127.0.0.1", port.parse()?), &["keys"]).await?;
    tap.first("the key set", |seen| (seen.topic == TopicKind::Keys).then_some(())).await?;
    office.close().await
}
