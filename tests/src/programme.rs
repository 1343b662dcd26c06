//! A bulletin from its words to its place in the plans, by two people at the API.

use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Asia::Ho_Chi_Minh;
use serde_json::{Value, json};

use crate::Person;
use crate::api::text;
use crate::wait::until;

/// Longest making of a sound.
const MADE_WITHIN: Duration = Duration::from_secs(600);

/// Words that one writes, as the form of a bulletin, and the other approves; gives the approved bulletin.
///
/// # Errors
/// What was refused, and why a sound cannot be made.
pub async fn approved(author: &Person, approver: &Person, form: &Value) -> Result<Value> {
    let path = format!("/bulletins/{}", text(&author.post("/bulletins", form).await?, "/id")?);
    let made = until("the sound of the bulletin", MADE_WITHIN, async || {
        let bulletin = author.get(&path).await?;
        match text(&bulletin, "/latest/tracks/0/making")?.as_str() {
            "done" => Ok(Some(bulletin)),
            "failed" => {
                let why = |language| text(&bulletin, &format!("/latest/tracks/0/error/{language}"));
                bail!("the sound cannot be made: {} / {}", why("vi")?, why("en")?)
            }
            _ => Ok(None),
        }
    })
    .await?;
    let submitted = author.post(&format!("{path}/submit"), &json!({ "seen": text(&made, "/seen")? })).await?;
    approver.post(&format!("{path}/approve"), &json!({ "seen": text(&submitted, "/seen")? })).await
}

/// Lets an approved bulletin sound once, `lead` from now, in these areas; gives the id of the schedule and its local start.
///
/// # Errors
/// Why it was refused.
pub async fn scheduled(
    author: &Person,
    bulletin: &Value,
    lead: Duration,
    areas: &[&str],
) -> Result<(String, String)> {
    let at = local_time_in(lead);
    let form = json!({ "bulletin": text(bulletin, "/id")?, "at": at, "areas": areas });
    Ok((text(&author.post("/schedules", &form).await?, "/id")?, at))
}

/// The local time in a while, as forms take it: `2026-11-22T17:30:00`.
pub fn local_time_in(lead: Duration) -> String {
    let now = DateTime::<Utc>::from(SystemTime::now());
    let lead = TimeDelta::from_std(lead).unwrap_or_default();
    (now + lead).with_timezone(&Ho_Chi_Minh).format("%Y-%m-%dT%H:%M:%S").to_string()
}
