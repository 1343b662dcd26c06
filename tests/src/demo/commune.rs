//! A commune of the highlands: its controller, its people and its three villages.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::DateTime;
use chrono_tz::Asia::Ho_Chi_Minh;
use loa_protocol::enrolment::EnrolmentToken;
use loa_tests::Village;
use loa_tests::api::{Person, text};
use loa_tests::program::{self, Running};
use loa_tests::wait::until;
use serde_json::Value;

/// The commune's id, made of its name.
pub(crate) const COMMUNE_ID: &str = "xa-lac-duong";
const VILLAGES: [(&str, &str); 3] = [
    ("Tổ dân phố Bon Đưng", "Cụm loa Bon Đưng"),
    ("Tổ dân phố Đăng Gia", "Cụm loa Đăng Gia"),
    ("Thôn Păng Tiêng", "Cụm loa Păng Tiêng"),
];
/// Longest time from the schedule to the last receipt, besides the sound itself.
const HEARD_WITHIN: Duration = Duration::from_secs(180);

/// Who uses it.
pub(crate) struct People {
    /// Writes and schedules.
    pub(crate) author: Person,
    /// Approves.
    pub(crate) approver: Person,
    /// A link for the person at the screen, with every role.
    pub(crate) admin_link: String,
}

/// The running programs.
pub(crate) struct Commune {
    folder: PathBuf,
    base: String,
    controller: Option<Running>,
    villages: Vec<Village>,
}

/// What became of the bulletin on one node.
pub(crate) struct Heard {
    pub(crate) node: String,
    pub(crate) outcome: String,
    pub(crate) planned: String,
    pub(crate) planned_unix_ms: Option<i64>,
    pub(crate) started: Option<String>,
    pub(crate) error_ms: Option<i64>,
}

impl Commune {
    /// Starts the controller, and enters places, people and nodes by its command line.
    pub(crate) async fn start(folder: &Path, port: u16, recorded: bool) -> Result<(Self, People)> {
        let environment = environment(folder, port);
        let log = folder.join("controller.log");
        let controller = Running::start("loa-controller", ["run"], &environment, &log)?;
        let base = format!("http://127.0.0.1:{port}");
        let mut commune =
            Self { folder: folder.to_owned(), base, controller: Some(controller), villages: Vec::new() };
        commune.answers().await?;
        let cli = async |arguments: &[&str]| program::output("loa-controller", arguments, &environment).await;

        let province = cli(&["area", "add", "Lâm Đồng", "--level", "tỉnh", "--languages", "vi"]).await?;
        let own = cli(&["area", "add", "Xã Lạc Dương", "--level", "xã", "--parent", &province]).await?;
        anyhow::ensure!(own == COMMUNE_ID, "the commune's id is {own}");
        for (area, name) in VILLAGES {
            let area =
                cli(&["area", "add", area, "--level", "thôn", "--parent", &own, "--languages", "vi,kpm"])
                    .await?;
            let token = cli(&["node", "add", name, "--area", &area]).await?;
            let node = EnrolmentToken::from_text(&token)?.node_id;
            let village = Village::prepare(&folder.join("villages"), node.as_str(), name, recorded)?;
            village.enrol(&token).await?;
            commune.villages.push(village);
        }
        let author =
            cli(&["user", "add", "bientap", "--name", "Cil Thị Lan", "--role", &format!("author@{own}")])
                .await?;
        let approver = cli(&[
            "user",
            "add",
            "pheduyet",
            "--name",
            "Nguyễn Văn Bình",
            "--role",
            &format!("approver@{own}"),
        ])
        .await?;
        let everything = ["author", "approver", "technician", "admin"].map(|role| ["--role", role]).concat();
        let admin_link = cli(&[
            ["user", "add", "quantri", "--name", "Quản trị viên", "--emergency"].as_slice(),
            &everything,
        ]
        .concat())
        .await?;
        let people = People {
            author: Person::by_link(&author).await?,
            approver: Person::by_link(&approver).await?,
            admin_link,
        };
        Ok((commune, people))
    }

    /// Powers the boards up and waits until every one is connected.
    pub(crate) async fn power_up(&mut self) -> Result<()> {
        for village in &mut self.villages {
            village.start()?;
        }
        Ok(())
    }

    /// Waits until the API answers.
    async fn answers(&mut self) -> Result<()> {
        loa_tests::tls::choose_ring();
        let address = format!("{}/api/v1/openapi.json", self.base);
        let Some(controller) = self.controller.as_mut() else { bail!("the controller is not running") };
        until("the controller", Duration::from_secs(20), async || {
            controller.check()?;
            Ok(reqwest::get(&address).await.ok().filter(|answer| answer.status().is_success()).map(drop))
        })
        .await
    }

    /// Waits for a receipt of the bulletin, which sounds for so long, from every village.
    pub(crate) async fn heard(
        &mut self,
        people: &People,
        bulletin: &str,
        sounds_for: Duration,
    ) -> Result<Vec<Heard>> {
        let path = format!("/heard?bulletin={bulletin}");
        let count = self.villages.len();
        let receipts = until("a receipt from every village", sounds_for + HEARD_WITHIN, async || {
            self.check()?;
            let occurrences = people.author.get(&path).await?;
            let receipts =
                occurrences.pointer("/0/receipts").and_then(Value::as_array).cloned().unwrap_or_default();
            Ok((receipts.len() == count).then_some(receipts))
        })
        .await?;
        receipts.iter().map(read).collect()
    }

    /// Fails when one of the programs has ended.
    fn check(&mut self) -> Result<()> {
        if let Some(controller) = &mut self.controller {
            controller.check()?;
        }
        self.villages.iter_mut().try_for_each(|village| village.program()?.check())
    }

    /// Waits until one of the programs ends, which is a failure.
    pub(crate) async fn watch(&mut self) -> Result<()> {
        until("the end of a program", Duration::from_secs(u64::MAX / 4), async || {
            self.check()?;
            Ok(None)
        })
        .await
    }

    /// Ends everything in good order.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        for village in &mut self.villages {
            village.stop().await?;
        }
        match self.controller.take() {
            Some(controller) => controller.terminate(Duration::from_secs(20)).await,
            None => Ok(()),
        }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn village(&self, node: &str) -> Result<&Village> {
        self.villages
            .iter()
            .find(|v| v.node == node)
            .with_context(|| format!("no village has the node {node}"))
    }
}

fn environment(folder: &Path, port: u16) -> Vec<(&'static str, String)> {
    vec![
        ("LOA_DATA_DIR", folder.join("controller").to_string_lossy().into_owned()),
        ("LOA_TENANT", "lam-dong".to_owned()),
        ("LOA_HTTP_LISTEN", format!("127.0.0.1:{port}")),
        ("LOA_BROKER_LISTEN", "127.0.0.1:0".to_owned()),
        ("LOA_BROKER_PUBLIC_HOST", "127.0.0.1".to_owned()),
    ]
}

fn read(receipt: &Value) -> Result<Heard> {
    let instant = |pointer: &str| {
        let text = receipt.pointer(pointer).and_then(Value::as_str)?;
        DateTime::parse_from_rfc3339(text).ok()
    };
    let clock = |at: DateTime<_>| at.with_timezone(&Ho_Chi_Minh).format("%H:%M:%S%.3f").to_string();
    let planned = instant("/planned").context("a receipt says when it was planned")?;
    Ok(Heard {
        node: text(receipt, "/node")?,
        outcome: text(receipt, "/outcome")?,
        planned: clock(planned),
        planned_unix_ms: Some(planned.timestamp_millis()),
        started: instant("/started").map(clock),
        error_ms: receipt.pointer("/start_error_ms").and_then(Value::as_i64),
    })
}
