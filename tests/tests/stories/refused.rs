//! Somebody who got into the broker cannot make a village sound, nor silence it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ed25519_dalek::SigningKey;
use loa_controller::domain::refused;
use loa_controller::domain::role::Principal;
use loa_controller::identity::Authority;
use loa_controller::trust::Trust;
use loa_protocol::bulletin::Class;
use loa_protocol::envelope::{Recipient, Refusal, Validity, open, open_key_set, seal, seal_key_set};
use loa_protocol::ids::{AreaId, NodeId, TenantId};
use loa_protocol::keys::{KeyEntry, KeySet, Purpose, Scope};
use loa_protocol::plan::{AreaPlan, Item};
use loa_protocol::report::{Event, EventKind};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;
use loa_protocol::topic::TopicKind;
use loa_protocol::wire::Wire;
use loa_tests::station::{COMMUNE, tenant};
use loa_tests::tap::Seen;
use loa_tests::wait::until;
use loa_tests::{Station, Tap};

const TEXT: &str = "Xã Lạc Dương thông báo: chiều nay họp dân tại nhà văn hóa.";

/// What a thief of the installation's folder would have, and an outsider.
struct Keys {
    trust: Trust,
    root: SigningKey,
    plan: SigningKey,
    /// Of another commune, in the key set since version 2.
    elsewhere: SigningKey,
    outsider: SigningKey,
}

impl Keys {
    fn of(station: &Station, now: UnixMs) -> Result<Self> {
        let folder = station.data_dir();
        let authority = Authority::open_or_create(&folder.join("ca"), now)?;
        let keys = folder.join("keys");
        let seed = |name: &str| -> Result<SigningKey> {
            let bytes = std::fs::read(keys.join(name))?;
            Ok(SigningKey::from_bytes(bytes.as_slice().try_into().context("a seed has 32 bytes")?))
        };
        Ok(Self {
            trust: Trust::open_or_create(&keys, &authority.trust_anchor(tenant()?), now)?,
            root: seed("root.seed")?,
            plan: seed("plan.seed")?,
            elsewhere: SigningKey::from_bytes(&[21; 32]),
            outsider: SigningKey::from_bytes(&[22; 32]),
        })
    }

    /// The next key set: as it was, and a key of another commune.
    fn with_elsewhere(&self, now: UnixMs) -> Result<Vec<u8>> {
        let mut set = self.set(now)?;
        set.version += 1;
        set.keys.push(KeyEntry {
            public_key: self.elsewhere.verifying_key().to_bytes(),
            scope: Scope {
                purposes: vec![Purpose::Plan, Purpose::Node],
                classes: vec![Class::Normal],
                area: Some(AreaId::new("duc-trong")?),
                not_before: now - 86_400_000,
                not_after: now + 86_400_000,
            },
        });
        Ok(seal_key_set(&set, &tenant()?, day(now), &self.root))
    }

    /// The key set of the installation.
    fn set(&self, now: UnixMs) -> Result<KeySet> {
        let root = self.root.verifying_key();
        Ok(open_key_set(self.trust.key_set(), &root, &tenant()?, now)?.document)
    }
}

fn day(now: UnixMs) -> Validity {
    let s = now.seconds();
    Validity { issued_at_s: s, not_before_s: s - 60, expires_s: s + 86_400 }
}

/// Yesterday's.
fn yesterday(now: UnixMs) -> Validity {
    let s = now.seconds();
    Validity { issued_at_s: s - 86_400, not_before_s: s - 86_400, expires_s: s - 60 }
}

/// The plan with every item starting at `at` and nothing else changed but what `change` does, under the next epoch.
fn forged(plan: &AreaPlan, at: UnixMs, change: impl Fn(&mut Item)) -> AreaPlan {
    let mut plan = AreaPlan { epoch: plan.epoch + 1_000_000, ..plan.clone() };
    for item in &mut plan.program.items {
        item.start = Start::At(at);
        item.revision += 1;
        change(item);
    }
    plan
}

fn counted<T: Ord>(of: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    of.into_iter().fold(BTreeMap::new(), |mut counts, one| {
        *counts.entry(one).or_default() += 1;
        counts
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_foreign_expired_and_replayed_plans_play_nothing_and_the_good_one_goes_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    let node = NodeId::new(village.node.as_str())?;
    let tap = Tap::on(&station, &["u/+/event", "a/+/plan"]).await?;
    station.applied(&mut village).await?;

    // The good plan, twice: its first issue is what is replayed later.
    let bulletin = station.approved("Họp dân", TEXT).await?.bulletin.id;
    let (item, planned) = station.once(&bulletin, 45_000, &[COMMUNE]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;
    let issues = |seen: &Seen| {
        let is_plan = matches!(&seen.topic, TopicKind::Plan(area) if area.as_str() == COMMUNE);
        is_plan.then(|| seen.payload.clone())
    };
    let first = tap.first("the first issue of the plan", issues).await?;
    station.once(&bulletin, 24 * 3_600_000, &[COMMUNE]).await?;
    let second = until("the second issue of the plan", Duration::from_secs(30), async || {
        Ok(tap.picked(issues).into_iter().find(|plan| *plan != first))
    })
    .await?;

    let now = station.services().clock().now();
    let keys = Keys::of(&station, now)?;
    let lam_dong: TenantId = tenant()?;
    let (stands, _) = station.services().nodes.get(&Principal::operator(), &node).await?;
    let recipient = Recipient { tenant: &lam_dong, node: &node, path: &stands.path };
    let good: AreaPlan = open(&second, &keys.set(now)?, recipient, now)?.document;
    let good_epoch = good.epoch;
    station
        .state(&mut village, "the second issue applied", |state| {
            state.plans.iter().any(|plan| plan.applied.sequence == good_epoch)
        })
        .await?;

    // Each would sound, five seconds from now, if it were believed: the audio is in the cache.
    let at = now + 5_000;
    ensure!(at + 10_000 < planned, "the machine is too slow for this story");
    let plan = forged(&good, at, |_| {});
    let urgent = forged(&good, at, |item| item.class = Class::Emergency);
    let elsewhere = AreaPlan { area: AreaId::new("duc-trong")?, ..plan.clone() };
    let mut damaged = keys.trust.seal(&plan, day(now));
    *damaged.last_mut().context("an envelope has bytes")? ^= 1;
    tap.put(TopicKind::Keys, keys.with_elsewhere(now)?)?;
    let here = || TopicKind::Plan(good.area.clone());
    for (topic, payload) in [
        (here(), plan.to_cbor()),
        (here(), seal(&plan, &lam_dong, day(now), &keys.outsider)),
        (here(), damaged),
        (here(), keys.trust.seal(&elsewhere, day(now))),
        (here(), seal(&plan, &lam_dong, day(now), &keys.elsewhere)),
        (here(), seal(&urgent, &lam_dong, day(now), &keys.plan)),
        (here(), keys.trust.seal(&plan, yesterday(now))),
        (here(), first.clone()),
        (TopicKind::Desired(node.clone()), plan.to_cbor()),
        (TopicKind::Desired(node.clone()), keys.trust.seal(&plan, day(now))),
    ] {
        tap.put(topic, payload)?;
    }

    let expected = [
        ("plan", Refusal::Malformed),
        ("plan", Refusal::UnknownKey),
        ("plan", Refusal::BadSignature),
        ("plan", Refusal::WrongAudience),
        ("plan", Refusal::OutOfScope),
        ("plan", Refusal::OutOfScope),
        ("plan", Refusal::Expired),
        ("plan", Refusal::Replayed),
        ("desired", Refusal::Malformed),
        ("desired", Refusal::WrongKind),
    ];
    let reported = || {
        tap.picked(|seen| match (&seen.topic, Event::from_cbor(&seen.payload).ok()?.kind) {
            (TopicKind::Event(from), EventKind::DocumentRefused { topic, refusal }) if *from == node => {
                let kind = if topic.ends_with("/desired") { "desired" } else { "plan" };
                Some((kind, refusal))
            }
            _ => None,
        })
    };
    until("a report of every refusal", Duration::from_secs(30), async || {
        Ok((reported().len() >= expected.len()).then_some(()))
    })
    .await
    .with_context(|| format!("reported so far: {:?}", reported()))?;
    assert_eq!(counted(reported()), counted(expected));
    // Its technician reads why, each reason in words; what is the same to the millisecond is one line.
    let reasons = ["audience", "expired", "key", "kind", "malformed", "replayed", "scope", "signature"];
    let reasons = reasons.map(|reason| format!("refused.{reason}"));
    until("every reason on the node's page", Duration::from_secs(30), async || {
        let events = station.services().nodes.events(&Principal::operator(), &node).await?;
        let codes: BTreeSet<String> =
            events.iter().map(|(event, _)| refused::words(&event.kind).code.to_owned()).collect();
        Ok((codes == BTreeSet::from(reasons.clone())).then_some(()))
    })
    .await?;

    // The good plan goes on, and it alone was heard.
    let receipt = station.receipt(&mut village, &item, Duration::from_secs(90)).await?;
    assert_eq!((receipt.outcome.as_str(), receipt.nominal), ("played", planned), "{receipt:?}");
    let count = u32::try_from(expected.len())?;
    until("the count in the node's health", Duration::from_secs(90), async || {
        let health = station.services().nodes.health(&Principal::operator(), &node).await?;
        Ok(health.first().is_some_and(|(health, _)| health.refused == count).then_some(()))
    })
    .await?;
    let state = station.state(&mut village, "its state", |_| true).await?;
    assert_eq!(state.plans.iter().map(|plan| plan.applied.sequence).collect::<Vec<_>>(), [good_epoch]);
    village.stop().await?;
    assert_eq!(station.receipts(&node).await?.len(), 1, "nothing else was played or missed");
    let recordings = village.recordings()?;
    ensure!(recordings.len() == 1, "the card was opened {} times", recordings.len());
    let heard = recordings[0].segments(0.01, 3_000);
    ensure!(heard.len() == 1, "heard {} sounds", heard.len());
    let late_ms = heard[0].start_unix_ms - planned.0 as f64;
    ensure!(late_ms.abs() < 500.0, "the sound began {late_ms:.0} ms after the good plan's hour");
    station.stop().await;
    Ok(())
}
