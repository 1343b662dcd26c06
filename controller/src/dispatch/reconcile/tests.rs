//! What the reconciler decides, on a real database: the broker is played by whoever asks what is to be published.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loa_protocol::envelope::Applied;
use loa_protocol::ids::{BootId, Digest};
use loa_protocol::report::{AppliedPlan, ClockTrust, State, StorageState};

use super::documents::{Documents, Sources};
use super::doubts::GRACE;
use crate::dispatch::manifests::Manifests;
use crate::dispatch::offers::Offers;
use crate::domain::role::Role;
use crate::identity::Authority;
use crate::services::story::{Story, area, node, once, schedule_draft};
use crate::store::plans::{PlanAudience, PlanRecord};
use crate::store::{Said, reports};
use crate::trust::Trust;

/// A reconciler without a task and without a broker.
struct Bench {
    story: Story,
    documents: Documents,
    now: Instant,
}

impl Bench {
    /// Two enrolled nodes in two villages of one commune, and one in another.
    async fn new() -> Self {
        let story = Story::new().await;
        for (id, serial) in [("cum-1", "0a"), ("cum-2", "0b"), ("cum-x", "0c")] {
            story.enrolled(id, serial).await;
        }
        let documents = Documents::new(sources(&story));
        Self { story, documents, now: Instant::now() }
    }

    /// Makes a pass, publishes what it gives, and tells what that was.
    async fn pass(&mut self) -> Vec<String> {
        let passed = self.documents.pass(self.story.clock.now()).await.unwrap();
        self.publish(&passed.unsent).await
    }

    async fn publish(&mut self, audiences: &[PlanAudience]) -> Vec<String> {
        let records = self.documents.records(audiences, self.story.clock.now()).await.unwrap();
        for record in &records {
            self.documents.carry(record, self.now);
        }
        records.iter().map(|record| record.audience.to_string()).collect()
    }

    async fn record(&self, audience: PlanAudience) -> PlanRecord {
        let mut records = self.documents.records(&[audience], self.story.clock.now()).await.unwrap();
        records.pop().unwrap()
    }

    /// Whether a node's word makes a pass necessary. As the ingest does, it is kept first.
    async fn hear(&mut self, id: &str, state: &State) -> bool {
        let mut tx = self.story.services.store().append().await.unwrap();
        let said = Said { node: &node(id), at: self.story.clock.now(), word: state };
        reports::put_states(&mut tx, &[said]).await.unwrap();
        tx.commit().await.unwrap();
        self.documents.hear(&node(id), state, self.story.clock.now(), self.now)
    }

    /// What is sent again when so much time has passed.
    async fn send_again(&mut self, after: Duration) -> Vec<String> {
        self.now += after;
        let audiences = self.documents.lacking(self.now).await.unwrap();
        self.publish(&audiences).await
    }

    /// The state of a node that has the key set and its own document.
    async fn good(&self, id: &str) -> State {
        let keys = self.record(PlanAudience::Keys).await;
        let own = self.record(PlanAudience::Node(node(id))).await;
        state(Some(applied(&keys)), Some(applied(&own)))
    }
}

fn sources(story: &Story) -> Sources {
    let data_dir = &story.config.data_dir;
    let authority = Authority::open_or_create(&data_dir.join("ca"), story.clock.now()).unwrap();
    let anchor = authority.trust_anchor(story.config.tenant.clone());
    let trust = Trust::open_or_create(&data_dir.join("keys"), &anchor, story.clock.now()).unwrap();
    let (store, objects) = (story.services.store().clone(), story.services.objects().clone());
    Sources {
        manifests: Manifests::new(store.clone(), objects),
        store,
        trust: Arc::new(trust),
        offers: Arc::new(Offers::default()),
        problems: story.services.problems().clone(),
        zone: story.config.zone,
        health_interval_s: 60,
    }
}

fn applied(record: &PlanRecord) -> Applied {
    Applied { sequence: record.epoch, digest: Digest(record.digest) }
}

fn state(keys: Option<Applied>, desired: Option<Applied>) -> State {
    State {
        boot: BootId([1; 8]),
        firmware: "0.1.0".to_owned(),
        keys,
        desired,
        plans: Vec::new(),
        objects_ready: 0,
        fetching: Vec::new(),
        clock: ClockTrust::Trusted,
        storage: StorageState::Good,
        volume_percent: None,
        orders: Vec::new(),
        own_guards: None,
        alerts: Vec::new(),
    }
}

#[tokio::test]
async fn a_pass_signs_and_sends_what_changed_and_nothing_else() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.pass().await, ["keys", "n:cum-1", "n:cum-2", "n:cum-x"]);
    assert_eq!(bench.pass().await, [""; 0], "nothing has changed");

    let (author, approver) = (
        bench.story.person("an", Role::Author, "da-don").await,
        bench.story.person("binh", Role::Approver, "da-don").await,
    );
    let bulletin = bench.story.approved(&author, &approver).await.bulletin.id;
    let draft = schedule_draft(&bulletin, once("2026-11-24T05:00"), &["thon-1"]);
    bench.story.services.schedules.create(&author, &draft, None).await.unwrap();
    assert_eq!(bench.pass().await, ["a:thon-1"]);

    bench.story.services.nodes.revoke(&bench.story.operator, &node("cum-2"), "").await.unwrap();
    bench.documents.forget_connection();
    let all = bench.pass().await;
    assert_eq!(all, ["keys", "a:thon-1", "n:cum-1", "n:cum-x"], "a new broker, and one node was revoked");
}

#[tokio::test]
async fn nodes_that_come_back_at_once_lack_nothing_though_they_say_so_before_it_comes() {
    let mut bench = Bench::new().await;
    bench.pass().await;
    bench.now += Duration::from_secs(3600);
    for id in ["cum-1", "cum-2", "cum-x"] {
        assert!(!bench.hear(id, &state(None, None)).await, "no pass is needed");
    }
    bench.now += Duration::from_secs(2);
    for id in ["cum-1", "cum-2", "cum-x"] {
        let good = bench.good(id).await;
        assert!(!bench.hear(id, &good).await);
    }
    assert_eq!(bench.documents.next_look(), None);
    assert_eq!(bench.send_again(2 * GRACE).await, [""; 0]);
}

#[tokio::test]
async fn what_one_node_goes_on_lacking_is_sent_again_to_it_alone() {
    let mut bench = Bench::new().await;
    bench.pass().await;
    bench.now += Duration::from_secs(60);
    let (good, keys) = (bench.good("cum-2").await, bench.good("cum-1").await.keys);
    bench.hear("cum-2", &good).await;
    assert!(!bench.hear("cum-1", &state(keys, None)).await);
    assert_eq!(bench.documents.next_look(), Some(bench.now + GRACE));
    assert_eq!(bench.send_again(GRACE).await, ["n:cum-1"]);
    assert_eq!(
        (bench.documents.next_look(), bench.send_again(GRACE).await),
        (None, vec![]),
        "once for each word"
    );

    // Its word is the last one in the database, even if the one after it never came to the reconciler.
    bench.hear("cum-1", &state(keys, None)).await;
    let mut tx = bench.story.services.store().append().await.unwrap();
    let (node, word) = (node("cum-1"), bench.good("cum-1").await);
    reports::put_states(&mut tx, &[Said { node: &node, at: bench.story.clock.now(), word: &word }])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(bench.send_again(10 * GRACE).await, [""; 0]);
}

#[tokio::test]
async fn a_node_that_never_keeps_the_key_set_has_it_sent_to_all_ever_more_rarely() {
    let mut bench = Bench::new().await;
    bench.pass().await;
    let mut times = 0;
    for _ in 0..3_600 {
        bench.hear("cum-1", &state(None, None)).await;
        let sent = bench.send_again(Duration::from_secs(1)).await;
        times += sent.iter().filter(|audience| *audience == "keys").count();
    }
    assert!((5..=9).contains(&times), "in an hour {times} times");
}

#[tokio::test]
async fn a_database_that_was_restored_signs_above_what_nodes_have() {
    let mut bench = Bench::new().await;
    bench.pass().await;
    let mut ahead = bench.good("cum-1").await;
    let own = ahead.desired.unwrap();
    ahead.desired = Some(Applied { sequence: own.sequence + 5, digest: Digest([9; 16]) });
    ahead.plans = vec![AppliedPlan {
        area: area("da-don"),
        applied: Applied { sequence: own.sequence + 7, digest: Digest([8; 16]) },
    }];
    assert!(bench.hear("cum-1", &ahead).await);
    assert!(!bench.hear("cum-1", &ahead).await, "it was heard");
    assert_eq!(bench.pass().await, ["a:da-don", "n:cum-1"]);
    assert_eq!(bench.record(PlanAudience::Node(node("cum-1"))).await.epoch, own.sequence + 6);
    assert_eq!(bench.record(PlanAudience::Area(area("da-don"))).await.epoch, own.sequence + 8);

    let mut liar = bench.good("cum-2").await;
    liar.desired = Some(Applied { sequence: u64::MAX, digest: Digest([7; 16]) });
    assert!(!bench.hear("cum-2", &liar).await);
    assert_eq!(bench.pass().await, [""; 0]);
}

#[tokio::test]
async fn a_stranger_is_not_waited_for() {
    let mut bench = Bench::new().await;
    bench.story.services.nodes.revoke(&bench.story.operator, &node("cum-2"), "").await.unwrap();
    bench.pass().await;
    bench.documents.hear(&node("cum-2"), &state(None, None), bench.story.clock.now(), bench.now);
    bench.documents.hear(&node("nobody"), &state(None, None), bench.story.clock.now(), bench.now);
    assert_eq!(bench.documents.next_look(), None);
}
