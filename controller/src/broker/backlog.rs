//! Bounds the audio that waits for a session which takes it too slowly.
//!
//! rmqtt 0.24 puts what is sent to a connected session into a channel without bound, and moves it into the bounded queue
//! only between two sends: while the socket takes nothing, nothing is dropped. A wave at full speed would fill the memory
//! within the send time-out. So audio is counted for each session from when it is handed on until it is sent or dropped,
//! and a session that has its fill is passed over: it asks for what it lacks, as after any loss.
//!
//! Audio alone: everything else is small, and must not be lost while the connection stands.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::router::{DefaultRouter, Router};
use rmqtt::types::{
    AllRelationsMap, ClientId, HashMap as RmqttMap, Id, NodeId, Route, SubRelationsMap, SubsSearchParams,
    SubsSearchResult, SubscriptionOptions, TopicName,
};
use rmqtt::utils::Counter;

use super::gate::Gate;

/// How many blocks wait for each session.
#[derive(Debug)]
pub(super) struct Backlogs {
    most: usize,
    /// Without those for whom none waits. What waited when a connection ended counts until the client's next one.
    waiting: Mutex<HashMap<ClientId, usize>>,
    passed_over: AtomicU64,
}

impl Backlogs {
    /// At most so many wait for each.
    pub(super) fn new(most: usize) -> Self {
        Self { most, waiting: Mutex::default(), passed_over: AtomicU64::new(0) }
    }

    /// Counts one more for those who have room, and takes the others out of the list.
    fn admit<T>(&self, listeners: &mut Vec<T>, client: impl Fn(&T) -> &ClientId) {
        let mut waiting = self.lock();
        let before = listeners.len();
        listeners.retain(|listener| {
            let count = waiting.entry(client(listener).clone()).or_insert(0);
            let room = *count < self.most;
            *count += usize::from(room);
            room
        });
        drop(waiting);
        self.passed_over.fetch_add((before - listeners.len()) as u64, Ordering::Relaxed);
    }

    /// One was sent to the client, or was dropped.
    pub(super) fn left(&self, client: &ClientId) {
        let mut waiting = self.lock();
        if let Some(count) = waiting.get_mut(client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                waiting.remove(client);
            }
        }
    }

    /// A connection begins: nothing waits for it.
    pub(super) fn forget(&self, client: &ClientId) {
        self.lock().remove(client);
    }

    /// Blocks that were not given to somebody since the start, because too many waited.
    pub(super) fn passed_over(&self) -> u64 {
        self.passed_over.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientId, usize>> {
        // Numbers of blocks, which the next connection begins anew: a panic elsewhere leaves nothing wrong for long.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts the bound in force.
pub(super) async fn install(context: &ServerContext, gate: &Arc<Gate>) {
    let router = Bounded { all: DefaultRouter::new(Some(context.clone())), gate: Arc::clone(gate) };
    *context.extends.router_mut().await = Box::new(router);
}

/// rmqtt's own router, which finds nobody for audio who has his fill.
struct Bounded {
    all: DefaultRouter,
    gate: Arc<Gate>,
}

#[async_trait]
impl Router for Bounded {
    /// Asked by rmqtt once for each message that is then handed to those found.
    async fn matches(&self, id: Id, topic: &TopicName) -> rmqtt::Result<SubRelationsMap> {
        let mut found = self.all.matches(id, topic).await?;
        if self.gate.is_audio(topic) {
            for listeners in found.values_mut() {
                self.gate.backlogs().admit(listeners, |(_, client, ..)| client);
            }
        }
        Ok(found)
    }

    async fn add(&self, topic_filter: &str, id: Id, opts: SubscriptionOptions) -> rmqtt::Result<()> {
        self.all.add(topic_filter, id, opts).await
    }

    async fn remove(&self, topic_filter: &str, id: Id) -> rmqtt::Result<bool> {
        self.all.remove(topic_filter, id).await
    }

    async fn is_online(&self, node_id: NodeId, client_id: &str) -> bool {
        self.all.is_online(node_id, client_id).await
    }

    async fn gets(&self, limit: usize) -> Vec<Route> {
        self.all.gets(limit).await
    }

    async fn get(&self, topic: &str) -> rmqtt::Result<Vec<Route>> {
        self.all.get(topic).await
    }

    async fn query_subscriptions(&self, q: &SubsSearchParams) -> Vec<SubsSearchResult> {
        self.all.query_subscriptions(q).await
    }

    async fn topics_tree(&self) -> usize {
        self.all.topics_tree().await
    }

    fn topics(&self) -> Counter {
        self.all.topics()
    }

    fn routes(&self) -> Counter {
        self.all.routes()
    }

    fn merge_topics(&self, topics_map: &RmqttMap<NodeId, Counter>) -> Counter {
        self.all.merge_topics(topics_map)
    }

    fn merge_routes(&self, routes_map: &RmqttMap<NodeId, Counter>) -> Counter {
        self.all.merge_routes(routes_map)
    }

    async fn list_topics(&self, top: usize) -> Vec<String> {
        self.all.list_topics(top).await
    }

    async fn list_relations(&self, top: usize) -> Vec<serde_json::Value> {
        self.all.list_relations(top).await
    }

    fn relations(&self) -> &AllRelationsMap {
        self.all.relations()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(backlogs: &Backlogs, clients: &[&str]) -> Vec<String> {
        let mut listeners: Vec<ClientId> = clients.iter().map(|client| (*client).into()).collect();
        backlogs.admit(&mut listeners, |client| client);
        listeners.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn who_has_his_fill_is_passed_over_until_one_has_left() {
        let backlogs = Backlogs::new(2);
        let slow = ClientId::from("n-1:bulk");
        for _ in 0..2 {
            assert_eq!(admitted(&backlogs, &["n-1:bulk", "n-2:bulk"]), ["n-1:bulk", "n-2:bulk"]);
            backlogs.left(&"n-2:bulk".into());
        }
        assert_eq!(admitted(&backlogs, &["n-1:bulk", "n-2:bulk"]), ["n-2:bulk"]);
        assert_eq!(backlogs.passed_over(), 1);
        backlogs.left(&slow);
        assert_eq!(admitted(&backlogs, &["n-1:bulk"]), ["n-1:bulk"]);
        assert!(admitted(&backlogs, &["n-1:bulk"]).is_empty());
        backlogs.forget(&slow);
        assert_eq!(admitted(&backlogs, &["n-1:bulk"]), ["n-1:bulk"]);
    }

    #[test]
    fn nothing_is_kept_of_whom_nothing_waits_for() {
        let backlogs = Backlogs::new(2);
        for client in ["n-1", "n-2", "n-3"] {
            admitted(&backlogs, &[client]);
            backlogs.left(&client.into());
            backlogs.left(&client.into());
        }
        assert!(backlogs.lock().is_empty());
    }
}
